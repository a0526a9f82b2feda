/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vgic_internal.h"

#if !defined(VGIC_HW_MODEL)
void vgic_hw_set_lr_n(uint32_t n, uint64_t value)
{
    switch (n) {
        VGIC_HW_LR(VGIC_HW_LR_WRITE)
    default:
        break;
    }
}
#endif

/* The list registers of the loaded vCPU as last read or written. */
struct view {
    uint64_t lr[VGIC_LRS];
};

enum fate {
    KEEP = 0,
    TAKE_OUT = 1,
};

/* v may be given this interrupt's pending state. */
static bool is_deliverable(struct vcpu *v, const struct vgic_irqs *irqs, uint32_t intid)
{
    uint32_t bit = (uint32_t)BIT(intid % 32u);

    if (intid < VGIC_PRIVATE) {
        return (v->arch.vgic.ready & bit) != 0u;
    }
    return (irqs->enabled & vgic_group_gate(v->domain, irqs) & bit) != 0u &&
           vgic_spi_target(v->domain, vgic_spis_at(v->domain, intid / 32u - 1u), intid % 32u) == v;
}

/* The requests cancel, deact, active, pending applied to what the list register says. */
static uint64_t apply(struct vcpu *v, uint32_t i, struct vgic_irqs *irqs, uint64_t lr)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t intid = g->lr_intid[i];
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    bool edge = (irqs->edge & bit) != 0u;
    bool latched = (lr & LR_PENDING) != 0u && (g->lr_latched & BIT(i)) != 0u;
    bool same = ((lr ^ vgic_lr_base(irqs, intid)) & (BITS(55, LR_PRIO_SHIFT) | LR_GROUP1)) == 0u;

    if ((irqs->cancel & bit) != 0u) {
        lr &= ~LR_PENDING;
        latched = false;
    }
    if ((irqs->deact & bit) != 0u) {
        lr &= ~LR_ACTIVE;
    }
    if ((lr & LR_ACTIVE) != 0u) {
        irqs->active &= ~bit; /* it is; what the guest did not take but made active waits outside */
    }
    irqs->cancel &= ~bit;
    irqs->deact &= ~bit;
    latched = latched || (irqs->pending & bit) != 0u;
    if (is_deliverable(v, irqs, intid) && same && (irqs->active & bit) == 0u && (lr & LR_STATE) != 0u &&
        (((lr & LR_PENDING) != 0u && (latched || (irqs->level & bit) != 0u)) || (latched && edge))) {
        lr |= LR_PENDING;
        irqs->pending &= ~bit;
    } else {
        lr &= ~LR_PENDING;
        irqs->pending = latched ? irqs->pending | bit : irqs->pending & ~bit;
        latched = false;
    }
    g->lr_latched = latched ? g->lr_latched | (uint32_t)BIT(i) : g->lr_latched & ~(uint32_t)BIT(i);
    return lr;
}

/* Link to the physical interrupt, or ask for a maintenance interrupt where its end must be seen. */
static uint64_t with_link(const struct vgic_vcpu *g, const struct vgic_irqs *irqs, uint32_t intid, uint64_t lr)
{
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    bool hw = (irqs->hw & bit) != 0u;
    bool more = (irqs->pending & bit) != 0u;

    lr &= ~(LR_HW | LR_EOI | BITS(44, LR_PINT_SHIFT)); /* LR_EOI is a bit of the physical INTID's field */
    if (hw && !more && (lr & LR_STATE) != LR_STATE) {
        return lr | LR_HW | ((uint64_t)((intid < VGIC_PRIVATE) ? g->pint[intid] : intid) << LR_PINT_SHIFT);
    }
    return (hw || more || (~irqs->edge & irqs->level & bit) != 0u) ? lr | LR_EOI : lr;
}

void vgic_unlink(struct vgic_vcpu *g, uint32_t bits)
{
    for (uint32_t m = g->priv.hw & bits; m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        g->priv.hw &= ~(uint32_t)BIT(n);
        g->priv.level &= ~(uint32_t)BIT(n);
        if (g->loaded) {
            vgic_hw_deactivate(g->pint[n]);
        }
    }
}

void vgic_refresh_lines(struct vgic_vcpu *g)
{
    for (uint32_t m = g->priv.hw; m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        uint32_t bit = (uint32_t)BIT(n);
        g->priv.level = vgic_hw_line(n) ? g->priv.level | bit : g->priv.level & ~bit;
    }
}

/* Bring list register i and the interrupt's state together.  Bound: O(1), with TAKE_OUT: VGIC_SPILL_MAX. */
static void settle(struct vcpu *v, uint32_t i, enum fate fate, struct view *view, struct vgic_kicks *k)
    REQUIRES(v->domain->arch.vgic.lock)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t intid = g->lr_intid[i];
    struct vgic_irqs *irqs = vgic_irqs_of(v, intid);
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    uint64_t before = vgic_hw_lr(i);
    uint64_t lr;

    if ((before & LR_STATE) == 0u && (before & LR_HW) != 0u) { /* the guest's end was the physical one's */
        uint32_t gone = bit & ~irqs->again;                    /* or it has come again already */
        irqs->hw &= ~gone;
        irqs->level &= ~gone;
        irqs->again &= ~bit;
    }
    if (intid >= VGIC_PRIVATE) {
        (void)vgic_phys_lines(irqs, intid / 32u - 1u);
    }
    lr = apply(v, i, irqs, before);
    if (fate == TAKE_OUT) {
        irqs->pending |= ((lr & LR_PENDING) != 0u && (g->lr_latched & BIT(i)) != 0u) ? bit : 0u;
        irqs->active |= ((lr & LR_ACTIVE) != 0u) ? bit : 0u;
        if ((lr & LR_ACTIVE) != 0u) {
            vgic_spill_push(g, intid);
        }
        lr = 0;
    }
    if ((lr & LR_STATE) == 0u) {
        lr = 0;
        g->lr_used &= ~(uint32_t)BIT(i);
        vgic_released(v, intid, irqs, k);
    } else {
        lr = with_link(g, irqs, intid, lr);
    }
    if (lr != before) {
        vgic_hw_set_lr(i, lr);
    }
    view->lr[i] = lr;
}

bool vgic_drop_ended(struct vgic_vcpu *g)
{
    uint32_t asked = g->priv.cancel | g->priv.deact;

    if (g->priv.hw != 0u || (g->hcr & ICH_HCR_LRENPIE) != 0u) {
        return false;
    }
    for (uint32_t m = g->lr_used & (uint32_t)vgic_hw_elrsr(); m != 0u; m &= m - 1u) {
        uint32_t i = (uint32_t)__builtin_ctz(m);
        uint32_t intid = g->lr_intid[i];
        if (intid < VGIC_PRIVATE && ((asked >> intid) & 1u) == 0u) {
            vgic_hw_set_lr(i, 0);
            g->priv.held &= ~(uint32_t)BIT(intid);
            g->lr_latched &= ~(uint32_t)BIT(i);
            g->lr_used &= ~(uint32_t)BIT(i);
        }
    }
    return g->lr_used == 0u;
}

void vgic_take_out_all(struct vcpu *v, struct vgic_kicks *k)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    struct view view;

    vgic_refresh_lines(g);
    if ((g->hcr & ICH_HCR_LRENPIE) != 0u) {
        vgic_take_ended(v, k);
    }
    for (uint32_t m = g->lr_used; m != 0u; m &= m - 1u) {
        settle(v, (uint32_t)__builtin_ctz(m), TAKE_OUT, &view, k);
    }
    vgic_unlink(g, ~(vgic_level_pending(&g->priv) | g->priv.active));
}

/* intid, not held, into list register i, as pending or as active. */
static void list(struct vcpu *v, uint32_t intid, uint32_t i, uint64_t state, struct view *view)
    REQUIRES(v->domain->arch.vgic.lock)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    struct vgic_irqs *irqs = vgic_irqs_of(v, intid);
    uint32_t n = intid % 32u;
    uint32_t bit = (uint32_t)BIT(n);
    uint32_t latched = (state == LR_PENDING) ? irqs->pending & bit : 0u;

    g->lr_latched = (latched != 0u) ? g->lr_latched | (uint32_t)BIT(i) : g->lr_latched & ~(uint32_t)BIT(i);
    irqs->pending &= ~latched;
    irqs->active &= ~bit;
    irqs->held |= bit;
    g->lr_used |= (uint32_t)BIT(i);
    g->lr_intid[i] = (uint16_t)intid;
    if (intid < VGIC_PRIVATE) {
        g->lr_of[n] = (uint8_t)i;
    } else {
        struct vgic_kicks none = {.withdrawn = false};
        vgic_spi_update(v->domain, intid / 32u - 1u, bit, &none);
    }
    view->lr[i] = with_link(g, irqs, intid, vgic_lr_base(irqs, intid) | state);
    vgic_hw_set_lr(i, view->lr[i]);
}

/* Key of the most urgent interrupt to be given.  Bound: 32 + 2 * words.  [impl->dsn~vgic-priority~1] */
static uint32_t best_candidate(struct vcpu *v) REQUIRES(v->domain->arch.vgic.lock)
{
    uint32_t best = vgic_spi_best(v);

    for (uint32_t m = vgic_private_candidates(&v->arch.vgic); m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        uint32_t key = (uint32_t)v->arch.vgic.priv.prio[n] << 16 | n;
        best = (key < best) ? key : best;
    }
    return best;
}

/* The used list register with the least urgent interrupt in exactly this state; VGIC_LRS = none. */
static uint32_t least_urgent(const struct vgic_vcpu *g, const struct view *view, uint64_t state, uint32_t *key)
{
    uint32_t at = VGIC_LRS;

    *key = 0;
    for (uint32_t m = g->lr_used; m != 0u; m &= m - 1u) {
        uint32_t i = (uint32_t)__builtin_ctz(m);
        uint32_t one = LR_PRIO(view->lr[i]) << 16 | g->lr_intid[i];
        bool fits = (state == LR_ACTIVE) ? (view->lr[i] & LR_ACTIVE) != 0u : (view->lr[i] & LR_STATE) == state;
        if (fits && one >= *key) {
            *key = one;
            at = i;
        }
    }
    return at;
}

/* Every list register is active and none may be taken out: have the next end of one seen. */
static void watch_ends(struct vgic_vcpu *g, struct view *view)
{
    for (uint32_t m = g->lr_used; m != 0u; m &= m - 1u) {
        uint32_t i = (uint32_t)__builtin_ctz(m);
        view->lr[i] = (view->lr[i] & ~(LR_HW | BITS(44, LR_PINT_SHIFT))) | LR_EOI;
        vgic_hw_set_lr(i, view->lr[i]);
    }
}

/* The end of an active interrupt that is in no list register would be seen. */
static bool can_spill(const struct vgic_vcpu *g)
{
    return g->spill_count < VGIC_SPILL_MAX && (vgic_caps.tds != 0u || (vgic_hw_vmcr() & ICH_VMCR_EOIM) == 0u);
}

/* A list register for a candidate; VGIC_LRS = none for now. */
static uint32_t make_room(struct vcpu *v, uint32_t key, struct view *view, struct vgic_kicks *k)
    REQUIRES(v->domain->arch.vgic.lock)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t free = vgic_caps.lr_mask & ~g->lr_used;
    uint32_t other;
    uint32_t i;

    if (free != 0u) {
        return (uint32_t)__builtin_ctz(free);
    }
    i = least_urgent(g, view, LR_PENDING, &other);
    if (i != VGIC_LRS && other <= key) {
        return VGIC_LRS;
    }
    if (i == VGIC_LRS) {
        if (!can_spill(g)) {
            watch_ends(g, view);
            return VGIC_LRS;
        }
        i = least_urgent(g, view, LR_ACTIVE, &other);
    }
    settle(v, i, TAKE_OUT, view, k);
    return i;
}

/* Active interrupts back into free list registers, but the last one if a candidate may have it. */
static void restore_active(struct vcpu *v, struct view *view) REQUIRES(v->domain->arch.vgic.lock)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    for (uint32_t step = 0; step < VGIC_LRS; step++) {
        uint32_t free = vgic_caps.lr_mask & ~g->lr_used;
        uint32_t key = vgic_spill_best(v);
        bool last = (free & (free - 1u)) == 0u;
        if (key == VGIC_KEY_NONE || free == 0u || (last && can_spill(g) && best_candidate(v) != VGIC_KEY_NONE)) {
            return;
        }
        list(v, key & 0xffffu, (uint32_t)__builtin_ctz(free), LR_ACTIVE, view);
    }
}

/* More waits than fits: what is active and pending again must not overtake it when it ends. */
static void hold_back(struct vcpu *v, struct view *view)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    for (uint32_t m = g->lr_used; m != 0u; m &= m - 1u) {
        uint32_t i = (uint32_t)__builtin_ctz(m);
        if ((view->lr[i] & LR_STATE) == LR_STATE) {
            vgic_irqs_of(v, g->lr_intid[i])->pending |= (uint32_t)BIT(g->lr_intid[i] % 32u);
            g->lr_latched &= ~(uint32_t)BIT(i);
            view->lr[i] = (view->lr[i] & ~LR_PENDING) | LR_EOI;
            vgic_hw_set_lr(i, view->lr[i]);
        }
    }
}

void vgic_set_hcr(struct vgic_vcpu *g, uint32_t flags)
{
    uint32_t hcr = flags | (g->request.waiting ? 0u : ICH_HCR_EN);

    if (hcr != g->hcr) {
        uint64_t ended = ((g->hcr & ICH_HCR_LRENPIE) != 0u) ? vgic_hw_hcr() & ICH_HCR_EOICOUNT : 0u;
        g->hcr = hcr;
        vgic_hw_set_hcr(hcr | ended);
    }
    /* While others wait for a list register, whoever comes again must not overtake them. */
    g->fast = (g->loaded && !g->request.waiting && (hcr & ICH_HCR_NPIE) == 0u) ? g->ready & ~g->priv.active : 0u;
}

/* The most urgent candidates into list registers; view is what is there. */
static void fill(struct vcpu *v, struct view *view, struct vgic_kicks *k) REQUIRES(v->domain->arch.vgic.lock)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t flags = 0;
    uint32_t key = VGIC_KEY_NONE;

    if ((g->spilled | g->spill_count) != 0u) {
        restore_active(v, view);
    }
    for (uint32_t step = 0; step <= VGIC_LRS; step++) {
        uint32_t i;
        key = best_candidate(v);
        i = (key == VGIC_KEY_NONE) ? VGIC_LRS : make_room(v, key, view, k);
        if (i == VGIC_LRS) {
            break;
        }
        list(v, key & 0xffffu, i, LR_PENDING, view);
    }
    if (key != VGIC_KEY_NONE) {
        hold_back(v, view);
        flags |= (least_urgent(g, view, LR_PENDING, &key) != VGIC_LRS) ? ICH_HCR_NPIE : 0u;
    }
    if ((g->spilled | g->spill_count) != 0u) {
        flags |= ICH_HCR_LRENPIE | ((vgic_caps.tds != 0u) ? ICH_HCR_TDIR : 0u);
    }
    if (__atomic_load_n(&v->domain->arch.vgic.trap_dir, __ATOMIC_RELAXED) != 0u && vgic_caps.tds != 0u) {
        flags |= ICH_HCR_TDIR;
    }
    vgic_set_hcr(g, flags);
}

void vgic_resync_locked(struct vcpu *v, struct vgic_kicks *k)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    struct view view;

    g->ready = g->priv.enabled & vgic_group_gate(v->domain, &g->priv);
    vgic_refresh_lines(g);
    if ((g->hcr & ICH_HCR_LRENPIE) != 0u) {
        vgic_take_ended(v, k);
    }
    for (uint32_t m = g->lr_used; m != 0u; m &= m - 1u) {
        settle(v, (uint32_t)__builtin_ctz(m), KEEP, &view, k);
    }
    vgic_unlink(g, ~(vgic_level_pending(&g->priv) | g->priv.active | g->priv.held));
    fill(v, &view, k);
    vgic_hw_sync();
}

void vgic_resync(struct vcpu *v)
{
    struct vgic_kicks k = {.withdrawn = false};

    spin_lock(&v->domain->arch.vgic.lock);
    vgic_resync_locked(v, &k);
    k.vcpus[(v->id / 64u) % VGIC_REQUESTERS] &= ~BIT(v->id % 64u);
    vgic_commit(v->domain, &k);
}

uint32_t vgic_lr_state(const struct vcpu *v, uint32_t word, uint32_t *pending, uint32_t *active)
{
    const struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t held = 0;

    *pending = 0;
    *active = 0;
    for (uint32_t m = g->lr_used; m != 0u; m &= m - 1u) {
        uint32_t i = (uint32_t)__builtin_ctz(m);
        if (g->lr_intid[i] / 32u == word) {
            uint64_t lr = vgic_hw_lr(i);
            uint32_t bit = (uint32_t)BIT(g->lr_intid[i] % 32u);
            held |= bit;
            *pending |= ((lr & LR_PENDING) != 0u && (g->lr_latched & BIT(i)) != 0u) ? bit : 0u;
            *active |= ((lr & LR_ACTIVE) != 0u) ? bit : 0u;
        }
    }
    return held;
}
