/* SPDX-License-Identifier: Apache-2.0 */
/* min-interval: events of a channel that come too soon wait for their time on the receiver's CPU.
 * An event that waits is in a list once, so a storm of them costs the receiver one message an interval.
 * [impl->dsn~evtchn-min-interval~1] */
#include "core/evtchn_internal.h"

#define HELD_STEP 16u /* events delivered at a time */

err_t evtchn_limit(struct domain *d, uint32_t port, uint32_t interval)
{
    struct port *p = port_find(d, port);
    err_t err = ERR_INVAL;

    spin_lock(&evtchn_bindings);
    if (port_binding(p).status != EVTCHNSTAT_closed) {
        __atomic_store_n(&p->min_interval, interval, __ATOMIC_RELAXED);
        err = OK;
    }
    spin_unlock(&evtchn_bindings);
    return err;
}

err_t evtchn_early(const struct domain *d, uint32_t port, uint64_t *early)
{
    const struct port *p = port_find(d, port);

    if (p == NULL) {
        return ERR_INVAL;
    }
    *early = __atomic_load_n(&p->early, __ATOMIC_RELAXED);
    return OK;
}

/* Its time has come: the next one's is an interval later.  false = too early, or another event was faster. */
static bool take_turn(struct port *p, uint32_t interval)
{
    ticks_t now = arch_ticks();
    uint64_t not_before = __atomic_load_n(&p->not_before, __ATOMIC_RELAXED);

    return now >= not_before && __atomic_compare_exchange_n(&p->not_before, &not_before, now + interval, false,
                                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Bound: contending CPUs. */
static void push(struct vcpu *v, uint32_t port, struct port *p)
{
    uint32_t head = __atomic_load_n(&v->evtchn.held, __ATOMIC_RELAXED);

    do {
        p->next_held = head;
    } while (!__atomic_compare_exchange_n(&v->evtchn.held, &head, port, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

void evtchn_raise_limited(struct domain *d, uint32_t port, struct port *p, uint64_t binding)
{
    struct vcpu *v = domain_vcpu(d, binding_unpack(binding).vcpu);

    if (v == NULL || take_turn(p, __atomic_load_n(&p->min_interval, __ATOMIC_RELAXED))) {
        evtchn_deliver(d, port, p, binding);
        return;
    }
    (void)__atomic_fetch_add(&p->early, 1u, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&d->evtchn.early, 1u, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&p->held, (uint8_t)1u, __ATOMIC_ACQ_REL) == 0u) {
        push(v, port, p);
        vcpu_notify(v, VCPU_NOTIFY_EVENT);
    }
}

/* The event of port, which is in no list any more. */
static void release(struct domain *d, uint32_t port, struct port *p)
{
    uint64_t binding = port_load(p);

    __atomic_store_n(&p->held, (uint8_t)0u, __ATOMIC_SEQ_CST);
    if (binding_unpack(binding).status != EVTCHNSTAT_closed) {
        evtchn_raise(d, port, p, binding); /* too early after all: it waits again */
    }
}

void evtchn_take_held(struct vcpu *v)
{
    uint32_t port = __atomic_exchange_n(&v->evtchn.held, 0u, __ATOMIC_ACQUIRE);
    ticks_t now = arch_ticks();
    ticks_t first = UINT64_MAX;
    uint32_t done = 0;

    while (port != 0u) { /* bound: channels of v with a min-interval */
        struct port *p = port_at(v->domain, port);
        uint32_t next = p->next_held;
        ticks_t due = __atomic_load_n(&p->not_before, __ATOMIC_RELAXED);

        if (due <= now && done < HELD_STEP) {
            release(v->domain, port, p);
            done++;
        } else {
            push(v, port, p);
            first = (due < first) ? due : first;
        }
        port = next;
    }
    if (first != UINT64_MAX) {
        timer_arm(&v->timers[TIMER_EVENT], first);
    }
}
