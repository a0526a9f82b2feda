/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vgic_internal.h"

static bool is_on(const struct vcpu *v)
{
    return v != NULL && __atomic_load_n(&v->power, __ATOMIC_RELAXED) == VCPU_POWER_ON;
}

/* [impl->dsn~vgic-any~1] */
struct vcpu *vgic_spi_target(const struct domain *d, const struct vgic_spis *s, uint32_t n)
{
    uint32_t route = s->route[n];
    uint32_t id = ((route >> 8) & 0xffu) << 4 | (route & 0xfu);

    if ((s->any & BIT(n)) == 0u) {
        return ((route & ~0xff0fu) == 0u && id < d->max_vcpus) ? d->vcpus[index_nospec(id, MAX_VCPUS)] : NULL;
    }
    if (s->owner[n] < d->max_vcpus && is_on(d->vcpus[s->owner[n]])) {
        return d->vcpus[s->owner[n]];
    }
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        if (is_on(d->vcpus[i])) {
            return d->vcpus[i];
        }
    }
    return d->vcpus[0];
}

/* Bit n of a word is, or is not, among g's candidates. */
static void set_candidate(struct vgic_vcpu *g, uint32_t word, uint32_t n, bool is)
{
    uint32_t bit = (uint32_t)BIT(n);

    if (((g->candidates[word] & bit) != 0u) != is || is) { /* also when it stays: its priority may have changed */
        g->candidates[word] = is ? g->candidates[word] | bit : g->candidates[word] & ~bit;
        g->stale |= (uint32_t)BIT(word);
    }
}

/* Bound: candidates of the word. */
static void find_best(const struct vgic_spis *s, struct vgic_vcpu *g, uint32_t word)
{
    uint16_t best[VGIC_GROUPS] = {VGIC_BEST_NONE, VGIC_BEST_NONE};

    for (uint32_t m = g->candidates[word]; m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        uint32_t group = (s->irqs.group >> n) & 1u;
        uint16_t key = (uint16_t)((uint32_t)s->irqs.prio[n] << 8 | n);
        best[group] = (key < best[group]) ? key : best[group];
    }
    g->stale &= ~(uint32_t)BIT(word);
    for (uint32_t group = 0; group < VGIC_GROUPS; group++) {
        uint32_t sum = g->sum[group] & ~(uint32_t)BIT(word);
        g->best[group][word] = best[group];
        sum |= (best[group] != VGIC_BEST_NONE) ? (uint32_t)BIT(word) : 0u;
        __atomic_store_n(&g->sum[group], sum, __ATOMIC_RELAXED);
    }
}

static void place(struct domain *d, uint32_t word, uint32_t n, struct vgic_kicks *k)
{
    struct vgic_spis *s = vgic_spis_at(d, word);
    uint32_t bit = (uint32_t)BIT(n);
    bool held = (s->irqs.held & bit) != 0u;
    struct vcpu *owner = (s->owner[n] < d->max_vcpus) ? d->vcpus[s->owner[n]] : NULL;
    bool wanted = (vgic_level_pending(&s->irqs) & s->irqs.enabled & ~s->irqs.active & ~s->irqs.held & bit) != 0u;
    struct vcpu *target = wanted ? vgic_spi_target(d, s, n) : NULL;

    if (owner != NULL && owner != target) {
        set_candidate(&owner->arch.vgic, word, n, false);
    }
    if (owner != NULL && held) {
        vgic_kick(k, owner->id);
    }
    if (target != NULL) {
        s->owner[n] = (uint8_t)target->id;
        set_candidate(&target->arch.vgic, word, n, true);
        vgic_kick(k, target->id);
    }
}

void vgic_spi_update(struct domain *d, uint32_t word, uint32_t mask, struct vgic_kicks *k)
{
    struct vgic_spis *s = vgic_spis_at(d, word);
    struct vgic_kicks touched = {.withdrawn = false};

    (void)vgic_phys_lines(&s->irqs, word);
    for (uint32_t m = mask; m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        if (s->owner[n] < d->max_vcpus) {
            vgic_kick(&touched, s->owner[n]);
        }
        place(d, word, n, k);
        if (s->owner[n] < d->max_vcpus) {
            vgic_kick(&touched, s->owner[n]);
        }
    }
    for (uint32_t i = 0; i < VGIC_REQUESTERS; i++) {
        for (uint64_t m = touched.vcpus[i]; m != 0u; m &= m - 1u) {
            struct vgic_vcpu *g = &d->vcpus[i * 64u + (uint32_t)__builtin_ctzll(m)]->arch.vgic;
            if ((g->stale & BIT(word)) != 0u) {
                find_best(s, g, word);
            }
        }
    }
    vgic_phys_settle(&s->irqs, word, mask);
}

void vgic_released(struct vcpu *v, uint32_t intid, struct vgic_irqs *irqs, struct vgic_kicks *k)
{
    uint32_t bit = (uint32_t)BIT(intid % 32u);

    irqs->held &= ~bit;
    if (intid >= VGIC_PRIVATE) {
        vgic_spi_update(v->domain, intid / 32u - 1u, bit, k);
    }
}

uint32_t vgic_spi_best(const struct vcpu *v)
{
    const struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t ctlr = v->domain->arch.vgic.ctlr;
    uint32_t best = VGIC_KEY_NONE;

    for (uint32_t group = 0; group < VGIC_GROUPS; group++) {
        if ((ctlr & BIT(group)) == 0u) {
            continue;
        }
        for (uint32_t m = g->sum[group]; m != 0u; m &= m - 1u) {
            uint32_t word = (uint32_t)__builtin_ctz(m);
            uint32_t one = g->best[group][word];
            uint32_t key = (one >> 8) << 16 | ((word + 1u) * 32u + (one & 31u));
            best = (key < best) ? key : best;
        }
    }
    return best;
}

static void notify(struct domain *d, struct vcpu *v, bool withdrawn)
{
    uint32_t flags = VGIC_RESYNC | (withdrawn ? VGIC_RESYNC_RWP : 0u);
    uint32_t before;

    if (withdrawn) {
        (void)__atomic_fetch_add(&d->arch.vgic.rwp, 1u, __ATOMIC_RELAXED);
    }
    before = __atomic_fetch_or(&v->arch.vgic.resync, flags, __ATOMIC_RELEASE);
    if (withdrawn && (before & VGIC_RESYNC_RWP) != 0u) {
        (void)__atomic_fetch_sub(&d->arch.vgic.rwp, 1u, __ATOMIC_RELAXED);
    }
    vcpu_notify(v, VCPU_NOTIFY_IRQ);
}

/* The caller holds the lock of here's domain under another name. */
static void resync_here(struct vcpu *here, struct vgic_kicks *k) NO_THREAD_SAFETY
{
    vgic_resync_locked(here, k);
}

void vgic_commit(struct domain *d, struct vgic_kicks *k)
{
    struct vcpu *here = this_cpu()->arch.loaded;

    if (here != NULL && here->domain == d && here->arch.vgic.loaded &&
        (k->vcpus[(here->id / 64u) % VGIC_REQUESTERS] & BIT(here->id % 64u)) != 0u) {
        resync_here(here, k);
        vgic_wake(here);
        k->vcpus[(here->id / 64u) % VGIC_REQUESTERS] &= ~BIT(here->id % 64u);
    }
    spin_unlock(&d->arch.vgic.lock);
    for (uint32_t i = 0; i < VGIC_REQUESTERS; i++) {
        for (uint64_t m = k->vcpus[i]; m != 0u; m &= m - 1u) {
            notify(d, d->vcpus[i * 64u + (uint32_t)__builtin_ctzll(m)], k->withdrawn);
        }
    }
}
