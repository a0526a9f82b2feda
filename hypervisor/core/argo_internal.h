/* SPDX-License-Identifier: Apache-2.0 */
/* For argo*.c only: what a ring is. */
#ifndef CORE_ARGO_INTERNAL_H
#define CORE_ARGO_INTERNAL_H

#include "arch/contract/arch.h"
#include "core/argo.h"

#define ARGO_PER_INDEX ((uint32_t)(PAGE_SIZE / sizeof(mfn_t)))
#define ARGO_INDEXES   9u

/* A frame of the owner's pool.  Guarded by the owner's argo lock, but what is const. */
struct argo_ring {
    struct list node;
    uint32_t port;    /* const */
    uint16_t partner; /* const: domid or XEN_ARGO_DOMID_ANY */
    bool ready;       /* all pages are held: it may be sent to */
    err_t error;      /* why it is given up while it is made, or OK */
    uint32_t len;     /* const: bytes of messages */
    uint32_t pages;   /* const */
    uint32_t held;    /* pages held so far */
    uint32_t tx_ptr;  /* where the next message begins; the one in the ring is for the guest */
    mfn_t frame;      /* const: of this structure */
    uint32_t index_count;
    mfn_t index[ARGO_INDEXES]; /* const: pool frames with the numbers of the ring's frames */
    struct argo_waiter {
        uint16_t domid; /* 0 = none */
        uint32_t need;  /* bytes */
    } waiting[ARGO_WAITERS];
};
static_assert(sizeof(struct argo_ring) <= PAGE_SIZE, "one frame");
static_assert((uint64_t)ARGO_INDEXES * ARGO_PER_INDEX * PAGE_SIZE >=
                  XEN_ARGO_MAX_RING_SIZE + sizeof(struct xen_argo_ring),
              "the largest ring");

/* d's ring of exactly this port and partner; NULL = none. */
struct argo_ring *argo_find(const struct domain *d, uint32_t port, uint16_t partner) REQUIRES(d->argo.lock);

/* Where the number of page n is kept.  n: below pages. */
static inline mfn_t *argo_page(const struct argo_ring *ring, uint32_t n)
{
    return (mfn_t *)arch_map_frame(ring->index[n / ARGO_PER_INDEX]) + n % ARGO_PER_INDEX;
}

static inline struct xen_argo_ring *argo_shared(const struct argo_ring *ring)
{
    return arch_map_frame(*argo_page(ring, 0));
}

#endif
