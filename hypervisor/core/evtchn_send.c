/* SPDX-License-Identifier: Apache-2.0 */
/* Events: from a sender to the bits that the receiver sees and the interrupt that it takes.
 * [impl->dsn~evtchn-send~1] [impl->dsn~evtchn-two-level~1] */
#include "core/evtchn_internal.h"
#include "core/rights.h"

#include <xen/sched.h>

NOINLINE bool guest_retry(uint32_t *word, uint32_t clear, uint32_t set, uint32_t *old)
{
    for (uint32_t i = 1; i < EVTCHN_TRIES; i++) {
        *old = __atomic_load_n(word, __ATOMIC_RELAXED);
        if (__atomic_compare_exchange_n(word, old, (*old & ~clear) | set, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

/* ---- an event's bits ---- */

struct bits {
    uint32_t *pending; /* NULL: there is no event word yet */
    uint32_t *masked;
    uint32_t pending_bit;
    uint32_t masked_bit;
    bool fifo; /* both are in the event word */
};

static ALWAYS_INLINE struct bits bits_of(const struct domain *d, uint32_t port) REQUIRES(d->evtchn.lock)
{
    struct shared_info *s = d->evtchn.shared;
    uint32_t word = port % (TWO_LEVEL_MAX + 1u) / 32u;
    uint32_t bit = (uint32_t)BIT(port % 32u);

    if (evtchn_is_fifo(d)) {
        uint32_t *event = evtchn_fifo_word(d, port);
        return (struct bits){event, event, WORD_PENDING, WORD_MASKED, true};
    }
    return (struct bits){(uint32_t *)(void *)s->evtchn_pending + word, (uint32_t *)(void *)s->evtchn_mask + word, bit,
                         bit, false};
}

/* The guest clears this before it looks; whoever sets it after that, interrupts. */
enum raise evtchn_mark(const struct domain *d UNUSED, struct vcpu *v)
{
    struct vcpu_info *info = v->evtchn.info;

    if (info == NULL || __atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0u) {
        return RAISE_NOTHING;
    }
    __atomic_store_n(&info->evtchn_upcall_pending, (uint8_t)1u, __ATOMIC_SEQ_CST);
    return RAISE_UPCALL;
}

/* v is to look at a pending event, unless it is masked. */
static ALWAYS_INLINE enum raise show(struct domain *d, struct vcpu *v, uint32_t port, struct port *p,
                                     const struct bits *b) REQUIRES(d->evtchn.lock)
{
    uint32_t bit = (uint32_t)BIT(port / 64u % 32u);
    uint32_t *selector;
    uint32_t old;

    if (b->fifo) {
        return evtchn_fifo_enqueue(d, v, port, p);
    }
    if (v->evtchn.info == NULL || (__atomic_load_n(b->masked, __ATOMIC_SEQ_CST) & b->masked_bit) != 0u) {
        return RAISE_NOTHING;
    }
    selector = (uint32_t *)(void *)&v->evtchn.info->evtchn_pending_sel + port / 2048u % 2u;
    if (!guest_update(selector, 0, bit, &old)) {
        return RAISE_FAULT;
    }
    return ((old & bit) == 0u) ? evtchn_mark(d, v) : RAISE_NOTHING;
}

/* An event of nobody's becomes pending and LINKED by us at once.  false: it is not, or its guest changes the word. */
static ALWAYS_INLINE bool set_linked(const struct vcpu *v, uint32_t *word, uint32_t *old)
{
    *old = __atomic_load_n(word, __ATOMIC_RELAXED);
    return LIKELY((*old & (WORD_MASKED | WORD_LINKED)) == 0u && v->evtchn.control != NULL) &&
           LIKELY(__atomic_compare_exchange_n(word, old, (*old & ~WORD_LINK) | WORD_PENDING | WORD_LINKED, true,
                                              __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
}

static ALWAYS_INLINE enum raise set(struct domain *d, struct vcpu *v, uint32_t port, struct port *p, uint64_t binding)
    REQUIRES(d->evtchn.lock)
{
    struct bits b = bits_of(d, port);
    enum raise fresh;
    uint32_t old;

    if (UNLIKELY(b.pending == NULL)) {
        p->unplaced = 1; /* evtchn_place() */
        return RAISE_NOTHING;
    }
    if (b.fifo && set_linked(v, b.pending, &old)) {
        return ((old & WORD_PENDING) == 0u ? RAISE_NEW : RAISE_NOTHING) |
               evtchn_fifo_join(d, v, port, p, binding_unpack(binding).priority % EVTCHN_PRIORITIES);
    }
    if (UNLIKELY(!guest_update(b.pending, 0, b.pending_bit, &old))) {
        return RAISE_FAULT;
    }
    fresh = ((old & b.pending_bit) == 0u) ? RAISE_NEW : RAISE_NOTHING;
    return (fresh != RAISE_NOTHING || b.fifo) ? fresh | show(d, v, port, p, &b) : RAISE_NOTHING;
}

/* ---- telling a vCPU ---- */

void evtchn_tell(struct vcpu *v, enum raise outcome)
{
    if (UNLIKELY((outcome & RAISE_FAULT) != 0u)) {
        domain_shutdown(v->domain, SHUTDOWN_crash);
    } else if ((outcome & RAISE_UPCALL) != 0u && LIKELY(domain_state(v->domain) == DOMAIN_LIVE)) {
        arch_inject(v, GUEST_EVTCHN_PPI); /* what comes before the first instruction, evtchn_vcpu_started() sees */
    }
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

static bool has_pollers(const struct domain *d)
{
    return (__atomic_load_n(&d->evtchn.pollers[0], __ATOMIC_SEQ_CST) |
            __atomic_load_n(&d->evtchn.pollers[1], __ATOMIC_SEQ_CST)) != 0u;
}

/* ---- delivery ---- */

/* A port that is closed is so before its bits are cleared, under the lock: nothing is pending there afterwards. */
void evtchn_deliver(struct domain *d, uint32_t port, struct port *p, uint64_t binding)
{
    enum raise outcome = RAISE_NOTHING;
    struct vcpu *v = NULL;
    uint64_t now;

    spin_lock(&d->evtchn.lock);
    now = port_load(p);
    if (LIKELY(((now ^ binding) & ~BINDING_WAY) == 0u)) {
        v = domain_vcpu(d, binding_unpack(now).vcpu);
        if (LIKELY(v != NULL)) { /* else d is being built */
            outcome = set(d, v, port, p, now);
        }
    }
    spin_unlock(&d->evtchn.lock);
    if ((outcome & RAISE_NEW) != 0u && UNLIKELY(has_pollers(d))) {
        wake_pollers(d, port);
    }
    if (outcome != RAISE_NOTHING) {
        evtchn_tell(v, outcome);
    }
}

void evtchn_raise(struct domain *d, uint32_t port, struct port *p, uint64_t binding)
{
    if (UNLIKELY(__atomic_load_n(&p->min_interval, __ATOMIC_RELAXED) != 0u)) {
        evtchn_raise_limited(d, port, p, binding);
    } else {
        evtchn_deliver(d, port, p, binding);
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
    struct port *p = port_find(d, port);
    uint64_t binding = (p != NULL) ? port_load(p) : 0u;

    if (binding_unpack(binding).status == EVTCHNSTAT_virq && binding_unpack(binding).port == virq) {
        evtchn_raise(d, port, p, binding);
    }
}

COLD void evtchn_tell_holder(const struct domain *d, enum bulkhead_right right, uint32_t virq)
{
    int32_t slot = rights_holder(right, d->slot);
    struct domain *holder = (slot >= 0) ? domain_get_slot((uint32_t)slot) : NULL;

    if (holder == NULL) {
        return;
    }
    if (domain_vcpu(holder, 0) != NULL && domain_state(holder) != DOMAIN_DYING) {
        evtchn_send_virq(domain_vcpu(holder, 0), virq);
    }
    domain_put(holder);
}

/* ---- the receiver's side ---- */

err_t evtchn_unmask(struct domain *d, uint32_t port)
{
    struct port *p = port_find(d, port);
    enum raise outcome = RAISE_NOTHING;
    struct vcpu *v = NULL;
    struct bits b;
    uint32_t old;

    if (p == NULL) {
        return ERR_INVAL;
    }
    spin_lock(&d->evtchn.lock);
    b = bits_of(d, port);
    if (b.masked != NULL) {
        v = domain_vcpu(d, port_binding(p).vcpu);
    }
    if (v != NULL) {
        if (!guest_update(b.masked, b.masked_bit, 0, &old)) {
            outcome = RAISE_FAULT;
        } else if ((__atomic_load_n(b.pending, __ATOMIC_SEQ_CST) & b.pending_bit) != 0u &&
                   ((old & b.masked_bit) != 0u || b.fifo)) {
            outcome = show(d, v, port, p, &b);
        }
    }
    spin_unlock(&d->evtchn.lock);
    if (outcome != RAISE_NOTHING) {
        evtchn_tell(v, outcome);
    }
    return OK;
}

COLD void evtchn_clear_pending(struct domain *d, uint32_t port, struct port *p)
{
    struct bits b;
    uint32_t old;

    spin_lock(&d->evtchn.lock);
    p->unplaced = 0;
    b = bits_of(d, port);
    if (b.pending != NULL) {
        (void)guest_update(b.pending, b.pending_bit, 0, &old);
    }
    spin_unlock(&d->evtchn.lock);
}

/* ---- waiting ----
 * [impl->dsn~evtchn-poll~1] */

static bool is_pending(struct domain *d, uint32_t port)
{
    bool pending;
    struct bits b;

    spin_lock(&d->evtchn.lock);
    b = bits_of(d, port);
    pending = b.pending != NULL && (__atomic_load_n(b.pending, __ATOMIC_SEQ_CST) & b.pending_bit) != 0u;
    spin_unlock(&d->evtchn.lock);
    return pending;
}

COLD int64_t evtchn_poll(struct vcpu *v, const uint32_t *ports, uint32_t count)
{
    struct domain *d = v->domain;
    uint64_t *mask = &d->evtchn.pollers[v->id / 64u];
    int64_t result = 0;

    __atomic_store_n(&v->evtchn.poll_port, (count == 1u) ? ports[0] : 0u, __ATOMIC_RELAXED);
    (void)__atomic_fetch_or(mask, BIT(v->id % 64u), __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < count && result == 0; i++) {
        if (port_binding(port_find(d, ports[i])).status == EVTCHNSTAT_closed) {
            result = ERR_INVAL;
        } else {
            result = is_pending(d, ports[i]) ? 1 : 0;
        }
    }
    if (result != 0) {
        (void)__atomic_fetch_and(mask, ~BIT(v->id % 64u), __ATOMIC_RELAXED);
    }
    return result;
}
