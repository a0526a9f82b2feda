/* SPDX-License-Identifier: Apache-2.0 */
/* Events: from a sender to the bits that the receiver sees and the interrupt that it takes.
 * [impl->dsn~evtchn-send~1] [impl->dsn~evtchn-two-level~1] */
#include "core/evtchn_internal.h"

#include <xen/arch-arm.h>
#include <xen/sched.h>

#define BINDING_TRIES 4u
#define HOT           static inline __attribute__((always_inline)) /* one frame from call to interrupt */

NOINLINE bool guest_retry32(uint32_t *word, uint32_t clear, uint32_t set, uint32_t *old)
{
    for (uint32_t i = 1; i < EVTCHN_TRIES; i++) {
        *old = __atomic_load_n(word, __ATOMIC_RELAXED);
        if (__atomic_compare_exchange_n(word, old, (*old & ~clear) | set, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

NOINLINE bool guest_retry64(uint64_t *word, uint64_t clear, uint64_t set, uint64_t *old)
{
    for (uint32_t i = 1; i < EVTCHN_TRIES; i++) {
        *old = __atomic_load_n(word, __ATOMIC_RELAXED);
        if (__atomic_compare_exchange_n(word, old, (*old & ~clear) | set, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

/* ---- telling a vCPU ---- */

/* The guest clears this before it looks; whoever sets it after that, interrupts. */
HOT enum raise mark(struct vcpu_info *info)
{
    if (__atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0u) {
        return RAISE_NOTHING;
    }
    __atomic_store_n(&info->evtchn_upcall_pending, (uint8_t)1u, __ATOMIC_SEQ_CST);
    return RAISE_UPCALL;
}

enum raise evtchn_mark(struct vcpu *v)
{
    return (v->evtchn.info != NULL) ? mark(v->evtchn.info) : RAISE_NOTHING;
}

/* Bound: vCPUs of d. */
static NOINLINE void wake_pollers(struct domain *d, uint32_t port)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(d->evtchn.pollers); i++) {
        for (uint64_t m = __atomic_load_n(&d->evtchn.pollers[i], __ATOMIC_SEQ_CST); m != 0u; m &= m - 1u) {
            struct vcpu *v = domain_vcpu(d, i * 64u + (uint32_t)__builtin_ctzll(m));
            uint32_t wanted = __atomic_load_n(&v->evtchn.poll_port, __ATOMIC_RELAXED);

            if (wanted == 0u || wanted == port) {
                (void)__atomic_fetch_and(&d->evtchn.pollers[i], ~(m & -m), __ATOMIC_SEQ_CST);
                vcpu_notify(v, VCPU_NOTIFY_WAKE);
            }
        }
    }
}

/* Interrupt v.  What comes before its domain's first instruction, evtchn_vcpu_started() sees. */
HOT void interrupt(struct vcpu *v)
{
    if (LIKELY(domain_state(v->domain) == DOMAIN_LIVE)) {
        arch_inject(v, GUEST_EVTCHN_PPI);
    }
}

void evtchn_tell(struct vcpu *v, enum raise outcome)
{
    if ((outcome & RAISE_FAULT) != 0u) {
        domain_shutdown(v->domain, SHUTDOWN_crash);
    } else if ((outcome & RAISE_UPCALL) != 0u) {
        interrupt(v);
    }
}

/* ---- two-level ---- */

HOT enum raise two_level_mark(struct vcpu *v, uint32_t port) REQUIRES(v->evtchn.lock)
{
    struct vcpu_info *info = v->evtchn.info;
    uint64_t old;

    if (info == NULL) {
        return RAISE_NOTHING;
    }
    if (!guest_update64(&info->evtchn_pending_sel, 0, BIT(port / 64u), &old)) {
        return RAISE_FAULT;
    }
    return ((old & BIT(port / 64u)) == 0u) ? mark(info) : RAISE_NOTHING;
}

HOT enum raise two_level_set(struct shared_info *s, struct vcpu *v, uint32_t port) REQUIRES(v->evtchn.lock)
{
    uint64_t bit = BIT(port % 64u);
    uint64_t old;

    if (port > TWO_LEVEL_MAX) {
        return RAISE_NOTHING;
    }
    if (!guest_update64(&s->evtchn_pending[port / 64u], 0, bit, &old)) {
        return RAISE_FAULT;
    }
    if ((old & bit) != 0u) {
        return RAISE_NOTHING;
    }
    if ((__atomic_load_n(&s->evtchn_mask[port / 64u], __ATOMIC_SEQ_CST) & bit) != 0u) {
        return RAISE_NEW;
    }
    return RAISE_NEW | two_level_mark(v, port);
}

static enum raise two_level_unmask(struct shared_info *s, struct vcpu *v, uint32_t port) REQUIRES(v->evtchn.lock)
{
    uint64_t bit = BIT(port % 64u);
    uint64_t old;

    if (port > TWO_LEVEL_MAX) {
        return RAISE_NOTHING;
    }
    if (!guest_update64(&s->evtchn_mask[port / 64u], bit, 0, &old)) {
        return RAISE_FAULT;
    }
    if ((old & bit) == 0u || (__atomic_load_n(&s->evtchn_pending[port / 64u], __ATOMIC_SEQ_CST) & bit) == 0u) {
        return RAISE_NOTHING;
    }
    return two_level_mark(v, port);
}

/* ---- delivery ---- */

static bool has_pollers(const struct domain *d)
{
    return (__atomic_load_n(&d->evtchn.pollers[0], __ATOMIC_SEQ_CST) |
            __atomic_load_n(&d->evtchn.pollers[1], __ATOMIC_SEQ_CST)) != 0u;
}

/* v is the vCPU of this binding. false = the binding is another one by now; then nothing has happened. */
HOT bool try_deliver(struct domain *d, struct vcpu *v, uint32_t port, struct port *p, uint64_t binding)
{
    uint32_t priority = binding_unpack(binding).priority;
    enum raise outcome = RAISE_NOTHING;
    bool same;

    spin_lock(&v->evtchn.lock);
    same = port_load(p) == binding;
    if (LIKELY(same)) {
        struct evtchn_fifo *f = __atomic_load_n(&d->evtchn.fifo, __ATOMIC_ACQUIRE);

        outcome = (f != NULL) ? evtchn_fifo_set(f, v, port, p, priority) : two_level_set(d->evtchn.shared, v, port);
    }
    spin_unlock(&v->evtchn.lock);
    if (UNLIKELY((outcome & RAISE_MOVE) != 0u)) {
        outcome |= evtchn_fifo_move(d, v, port, p, priority);
    }
    if ((outcome & RAISE_NEW) != 0u && UNLIKELY(has_pollers(d))) {
        wake_pollers(d, port);
    }
    if (UNLIKELY((outcome & RAISE_FAULT) != 0u)) {
        evtchn_tell(v, outcome);
    } else if ((outcome & RAISE_UPCALL) != 0u) {
        interrupt(v);
    }
    return same;
}

/* The binding was changed between a look and the lock: to another vCPU or priority, or it was closed. */
static NOINLINE void deliver_changed(struct domain *d, uint32_t port, struct port *p, uint64_t binding)
{
    for (uint32_t i = 1; i < BINDING_TRIES; i++) {
        struct binding b = binding_unpack(binding);
        uint64_t now = port_load(p);
        struct binding changed = binding_unpack(now);

        if (changed.status != b.status || changed.domid != b.domid || changed.port != b.port) {
            return; /* there is nobody to tell */
        }
        if (try_deliver(d, domain_vcpu(d, changed.vcpu), port, p, now)) {
            return;
        }
    }
}

HOT void deliver(struct domain *d, uint32_t port, struct port *p, uint64_t binding)
{
    struct vcpu *v = domain_vcpu(d, binding_unpack(binding).vcpu);

    if (LIKELY(v != NULL) && UNLIKELY(!try_deliver(d, v, port, p, binding))) { /* NULL: being built */
        deliver_changed(d, port, p, binding);
    }
}

void evtchn_deliver(struct domain *d, uint32_t port, struct port *p, uint64_t binding)
{
    deliver(d, port, p, binding);
}

void evtchn_raise(struct domain *d, uint32_t port, struct port *p, uint64_t binding)
{
    if (LIKELY(__atomic_load_n(&p->min_interval, __ATOMIC_RELAXED) == 0u) || !evtchn_hold_back(d, port, p, binding)) {
        deliver(d, port, p, binding);
    }
}

static NOINLINE void send_to_peer(struct domain *d, uint32_t port, struct binding b)
{
    struct domain *r = (b.domid == d->id) ? d : domain_get_slot((b.domid == DOMID_BOOT) ? SLOT_BOOT : b.domid);
    struct port *q;

    if (r == NULL) {
        return; /* it ends; this channel is about to be unbound */
    }
    q = port_find(r, b.port);
    if (LIKELY(q != NULL)) {
        uint64_t far = port_load(q);
        struct binding back = binding_unpack(far);

        if (LIKELY(back.status == EVTCHNSTAT_interdomain && back.domid == d->id && back.port == port)) {
            evtchn_raise(r, b.port, q, far);
        }
    }
    if (r != d) {
        domain_put(r);
    }
}

err_t evtchn_send(struct domain *d, uint32_t port)
{
    struct port *p = port_find(d, port);
    uint64_t binding;
    struct binding b;

    if (UNLIKELY(p == NULL)) {
        return ERR_INVAL;
    }
    binding = port_load(p);
    b = binding_unpack(binding);
    switch (b.status) {
    case EVTCHNSTAT_interdomain:
        send_to_peer(d, port, b);
        return OK;
    case EVTCHNSTAT_ipi:
        evtchn_raise(d, port, p, binding);
        return OK;
    case EVTCHNSTAT_unbound:
        return OK; /* nobody hears it; who binds to it finds its end pending */
    default:
        return ERR_INVAL;
    }
}

void evtchn_send_virq(struct vcpu *v, uint32_t virq)
{
    struct domain *d = v->domain;
    uint32_t port = __atomic_load_n(&v->evtchn.virqs[index_nospec(virq, EVTCHN_VIRQS)], __ATOMIC_ACQUIRE);
    struct port *p = (port != 0u) ? port_find(d, port) : NULL;
    uint64_t binding;

    if (p != NULL) {
        binding = port_load(p);
        if (binding_unpack(binding).status == EVTCHNSTAT_virq && binding_unpack(binding).port == virq) {
            evtchn_raise(d, port, p, binding);
        }
    }
}

/* ---- the receiver's side ---- */

err_t evtchn_unmask(struct domain *d, uint32_t port)
{
    struct port *p = port_find(d, port);
    enum raise outcome;
    struct evtchn_fifo *f;
    struct binding b;
    struct vcpu *v;

    if (p == NULL) {
        return ERR_INVAL;
    }
    b = binding_unpack(port_load(p));
    v = domain_vcpu(d, b.vcpu);
    if (v == NULL) {
        return OK;
    }
    spin_lock(&v->evtchn.lock);
    f = __atomic_load_n(&d->evtchn.fifo, __ATOMIC_ACQUIRE);
    outcome = (f != NULL) ? evtchn_fifo_unmask(f, v, port, p, b.priority) : two_level_unmask(d->evtchn.shared, v, port);
    spin_unlock(&v->evtchn.lock);
    if ((outcome & RAISE_MOVE) != 0u) {
        outcome |= evtchn_fifo_move(d, v, port, p, b.priority);
    }
    evtchn_tell(v, outcome);
    return OK;
}

void evtchn_clear_pending(struct domain *d, uint32_t port, struct port *p)
{
    struct vcpu *v = domain_vcpu(d, binding_unpack(port_load(p)).vcpu);
    struct evtchn_fifo *f;
    uint64_t old;
    uint32_t old_word;

    if (v == NULL) {
        return;
    }
    spin_lock(&v->evtchn.lock);
    f = __atomic_load_n(&d->evtchn.fifo, __ATOMIC_ACQUIRE);
    p->unplaced = 0;
    if (f != NULL) {
        uint32_t *word = evtchn_fifo_word(f, port);

        if (word != NULL) {
            (void)guest_update32(word, (uint32_t)BIT(EVTCHN_FIFO_PENDING), 0, &old_word);
        }
    } else if (port <= TWO_LEVEL_MAX) {
        (void)guest_update64(&d->evtchn.shared->evtchn_pending[port / 64u], BIT(port % 64u), 0, &old);
    }
    spin_unlock(&v->evtchn.lock);
}

/* ---- waiting ----
 * [impl->dsn~evtchn-poll~1] */

static bool is_pending(const struct domain *d, uint32_t port)
{
    struct evtchn_fifo *f = __atomic_load_n(&d->evtchn.fifo, __ATOMIC_ACQUIRE);
    const uint32_t *word;

    if (f == NULL) {
        return port <= TWO_LEVEL_MAX &&
               (__atomic_load_n(&d->evtchn.shared->evtchn_pending[port / 64u], __ATOMIC_SEQ_CST) & BIT(port % 64u)) !=
                   0u;
    }
    word = evtchn_fifo_word(f, port);
    return word != NULL && (__atomic_load_n(word, __ATOMIC_SEQ_CST) & BIT(EVTCHN_FIFO_PENDING)) != 0u;
}

int64_t evtchn_poll(struct vcpu *v, const uint32_t *ports, uint32_t count)
{
    struct domain *d = v->domain;
    uint64_t *mask = &d->evtchn.pollers[v->id / 64u];
    int64_t result = 0;

    __atomic_store_n(&v->evtchn.poll_port, (count == 1u) ? ports[0] : 0u, __ATOMIC_RELAXED);
    (void)__atomic_fetch_or(mask, BIT(v->id % 64u), __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < count && result == 0; i++) {
        const struct port *p = port_find(d, ports[i]);

        if (p == NULL || binding_unpack(port_load(p)).status == EVTCHNSTAT_closed) {
            result = ERR_INVAL;
        } else {
            spin_lock(&v->evtchn.lock);
            result = is_pending(d, ports[i]) ? 1 : 0;
            spin_unlock(&v->evtchn.lock);
        }
    }
    if (result != 0) {
        (void)__atomic_fetch_and(mask, ~BIT(v->id % 64u), __ATOMIC_RELAXED);
    }
    return result;
}
