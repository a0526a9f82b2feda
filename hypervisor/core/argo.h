/* SPDX-License-Identifier: Apache-2.0 */
/* Argo: messages that the hypervisor copies into a ring of the receiver (xen/argo.h).
 *
 * A ring is a frame of its owner's pool that names the ring's pages, each held like any frame in use.  A message is put
 * together in a frame of the sender's before the receiver's lock is taken, so a message is at most ARGO_MESSAGE bytes and
 * that lock is held for one copy of it; nothing that the sender or the receiver does makes the hold longer.  Only rx_ptr
 * is read from the ring.  What a domain uses comes from its own pool.
 * [impl->dsn~argo~1] [impl->dsn~argo-refused~1] */
#ifndef CORE_ARGO_H
#define CORE_ARGO_H

#include "core/argo_types.h"
#include "core/domain.h"
#include "lib/types.h"

#include <xen/argo.h>

#define ARGO_MESSAGE ((uint32_t)PAGE_SIZE) /* bytes, header and padding included */
#define ARGO_RINGS   64u                   /* a domain */
#define ARGO_WAITERS 8u                    /* domains that wait for space in one ring */
#define ARGO_STEP    16u                   /* pages of a ring taken or let go a step */

/* Bytes in a ring of a message with n bytes of data.  n: at most ARGO_MESSAGE. */
static inline uint32_t argo_size(uint32_t n)
{
    return (uint32_t)((n + sizeof(struct xen_argo_ring_message_header) + XEN_ARGO_MSG_SLOT_SIZE - 1u) &
                      ~(XEN_ARGO_MSG_SLOT_SIZE - 1u));
}

/* One step of giving d a ring of len bytes in `pages` guest frames whose numbers lie at gfns; a ring of the same port and
 * partner is replaced, or refused with fail_exist.  ERR_RESTART = not done.
 * -EEXIST, -ENOSPC ARGO_RINGS, -ENOMEM the pool is spent, -EFAULT, -EINVAL not RAM of d.  Bound: ARGO_STEP pages.
 * Context: a vCPU of d makes a hypercall. */
struct argo_registration {
    uint32_t port;
    uint16_t partner; /* domid or XEN_ARGO_DOMID_ANY */
    bool fail_exist;
    uint32_t len; /* bytes, a multiple of XEN_ARGO_MSG_SLOT_SIZE */
    uint32_t pages;
    gva_t gfns;
};
err_t argo_register(struct domain *d, const struct argo_registration *r) MUST_CHECK;
/* One step of taking it away.  -ENOENT, ERR_RESTART = not done. */
err_t argo_unregister(struct domain *d, uint32_t port, uint16_t partner) MUST_CHECK;

/* v's frame for a message, got from its domain's pool when first asked for.  NULL: the pool is spent. */
void *argo_bounce(struct vcpu *v);
/* The message of n bytes (with header and padding) goes into r's ring for it and r is told.
 * -ECONNREFUSED no such ring, -EMSGSIZE larger than the ring, -EAGAIN no space now: VIRQ_ARGO comes when there is,
 * -EBUSY no space, and too many wait for it.  Bound: one copy of ARGO_MESSAGE bytes, one event. */
err_t argo_send(struct domain *r, uint32_t port, uint16_t sender, const void *message, uint32_t n) MUST_CHECK;
/* [impl->dsn~argo-space~1]
 * What xen/argo.h says of the ring that sender would send to. */
void argo_look(struct domain *r, uint16_t sender, struct xen_argo_ring_data_ent *ent);
/* Who waits for space in d's ring number n and has it now is told.  false = there is no such ring. */
bool argo_tell_waiting(const struct vcpu *v, uint32_t n);

/* [impl->dsn~argo-end~1]
 * One step: rings and frames go.  ERR_RESTART = not done.  Context: no vCPU of d runs. */
err_t argo_reap(struct domain *d) MUST_CHECK;

#endif
