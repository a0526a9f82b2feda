/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels of the Xen ABI: one bit of news to a vCPU of one's own or of a peer, two-level and FIFO.
 *
 * A channel's end is a record of 32 bytes, in pages that come from the owner's pool when they are needed.  What it is
 * bound to is one word, so a sender reads it without a lock.  Bindings change under one lock of the machine, held for
 * O(1); a domain's event lock is held while one event is set and linked (80 to 130 instructions), nothing nests in it.
 * Both are ticket locks: whoever waits, waits for at most (CPUs - 1) such stretches, whatever other domains do.
 *
 * What a guest shares (shared_info, vcpu_info, control blocks, event array) is frames with a count held, used under the
 * event lock of the domain only: who takes them away passes through that lock once and then is alone.
 * Guests may change every word at any time: no index is read from them, and updates give up after EVTCHN_TRIES
 * attempts, which ends the domain that keeps changing the word.
 * [impl->dsn~evtchn~1] */
#ifndef CORE_EVTCHN_H
#define CORE_EVTCHN_H

#include "bulkhead/bulkhead_op.h"
#include "core/domain.h"
#include "core/evtchn_types.h"
#include "core/vcpu.h"
#include "lib/types.h"

#define EVTCHN_TRIES   16u
#define EVTCHN_DEFAULT 1023u   /* highest port of a domain whose creator said nothing */
#define EVTCHN_PORTS   131072u /* FIFO */
#define EVTCHN_STEP    32u     /* ports closed a step */

/* max_port: highest port the domain may have; negative = EVTCHN_DEFAULT.  Context: d is not visible yet. */
void evtchn_domain_init(struct domain *d, int32_t max_port);
void evtchn_vcpu_init(struct vcpu *v);

/* v runs for the first time, or again after it was switched on: an upcall that is pending is told again.
 * Context: home. */
void evtchn_vcpu_started(struct vcpu *v);

/* v's vcpu_info lies at offset in guest frame gfn from now on, as the ABI says with everything pending.
 * -EINVAL has one already, misaligned, across pages, or not RAM that the domain may write. */
err_t evtchn_register_info(struct vcpu *v, gfn_t gfn, uint32_t offset) MUST_CHECK;

/* ---- channels; results as xen/event_channel.h says ---- */

/* A port of d for remote to bind to.  -NOSPC, -NOMEM the pool is spent, ERR_RESTART. */
err_t evtchn_alloc_unbound(struct domain *d, uint32_t remote, uint32_t *port) MUST_CHECK;
/* d's new port and remote_port of r, which is unbound and for d, become one channel; d's end is pending.
 * The same errors, -EINVAL no such port. */
err_t evtchn_bind_interdomain(struct domain *d, struct domain *r, uint32_t remote_port, uint32_t *port) MUST_CHECK;
err_t evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port) MUST_CHECK;
err_t evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port) MUST_CHECK;
err_t evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu) MUST_CHECK;
err_t evtchn_set_priority(struct domain *d, uint32_t port, uint32_t priority) MUST_CHECK;
err_t evtchn_close(struct domain *d, uint32_t port);
struct evtchn_status;
err_t evtchn_status(struct domain *d, struct evtchn_status *s) MUST_CHECK;
/* One step of closing all ports of d; ERR_RESTART = not all yet.  Then two-level.  Bound: EVTCHN_STEP ports. */
err_t evtchn_reset(struct domain *d) MUST_CHECK;
/* Two events at port are at least `interval` ticks apart; what comes sooner stays pending and is delivered then.
 * 0 = no limit.  -EINVAL no such port. */
err_t evtchn_limit(struct domain *d, uint32_t port, uint32_t interval) MUST_CHECK;
/* Events at port that came too soon, modulo 2^32.  -EINVAL no such port. */
err_t evtchn_early(const struct domain *d, uint32_t port, uint64_t *early) MUST_CHECK;
/* port of d becomes an end of a static channel to remote_port of the domain `remote`, which is r if it exists (else NULL):
 * unbound for it, or bound if the other end waits for d.  The same again changes nothing.
 * -EEXIST port is in use, or below one that was opened, -NOSPC, -NOMEM, ERR_RESTART.
 * Bound: EVTCHN_STEP ports.  Context: d is being built, by the caller alone.
 * [impl->dsn~evtchn-static~1] */
err_t evtchn_bind_static(struct domain *d, uint32_t port, struct domain *r, uint32_t remote,
                         uint32_t remote_port) MUST_CHECK;

/* ---- events ---- */

/* From the end `port` of d to the other one.  -EINVAL.  Bound: O(1) and two lock waits. */
err_t evtchn_send(struct domain *d, uint32_t port) MUST_CHECK;
err_t evtchn_unmask(struct domain *d, uint32_t port) MUST_CHECK;
/* virq to v's port for it, if there is one.  Global ones go to vCPU 0.  The caller keeps the domain alive. */
void evtchn_send_virq(struct vcpu *v, uint32_t virq);
/* The same to who holds right over d, if somebody does and is not dying. */
void evtchn_tell_holder(const struct domain *d, enum bulkhead_right right, uint32_t virq);
/* One of count ports is pending: 1; else 0, and the next event at one of them wakes v.  -EINVAL no such port.
 * Context: v is current.  count: 1..128. */
int64_t evtchn_poll(struct vcpu *v, const uint32_t *ports, uint32_t count);

/* ---- FIFO ---- */

err_t evtchn_init_control(struct domain *d, uint32_t vcpu, gfn_t gfn, uint32_t offset) MUST_CHECK;
/* One more page of event words; *first = its first port, whose waiting events evtchn_place is to deliver. */
err_t evtchn_expand_array(struct domain *d, gfn_t gfn, uint32_t *first) MUST_CHECK;
/* Events that waited for an event word, from *port on to the end of its page.  ERR_RESTART: more from *port on.
 * Bound: EVTCHN_STEP ports. */
err_t evtchn_place(struct domain *d, uint32_t *port) MUST_CHECK;

/* ---- held back by min-interval.  Context: v's home ---- */

/* VCPU_NOTIFY_EVENT, TIMER_EVENT: deliver what is due, wake up for the rest. */
void evtchn_take_held(struct vcpu *v);

/* ---- end of a domain.  Context: d is dying, its vCPUs are off ---- */

/* One step: ports are closed, peers see unbound; what the guest shared is let go.  ERR_RESTART = not done. */
err_t evtchn_reap(struct domain *d) MUST_CHECK;
/* An end of a channel as a launch record keeps it. */
struct evtchn_end {
    uint32_t port;
    uint32_t remote;
    uint32_t remote_port; /* 0: not known */
    uint32_t min_interval;
};
/* What is at e->port; false = it is closed, or no channel.  *last: there is no such port, nor a higher one. */
bool evtchn_look(const struct domain *d, struct evtchn_end *e, bool *last);
/* As created, behind evtchn_free. */
void evtchn_renew(struct domain *d);
/* Records back to the pool, at most EVTCHN_STEP pages; true = more.  Context: nobody can find d any more. */
bool evtchn_free(struct domain *d);

#endif
