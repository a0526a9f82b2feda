/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vgic_internal.h"
#include "lib/string.h"

#define VMCR_RESET UINT64_C(0x8) /* VFIQEn is RES1; priority mask 0, groups disabled */

#define SRE_ON 7u /* a guest that clears it harms itself only, until it is loaded again */

struct vgic_caps vgic_caps = {.lr_mask = 0xffffu, .prio_mask = 0xffu, .apr_mask = 0xfu, .tds = 1u};

static void limit(uint32_t *capability, uint32_t has)
{
    (void)__atomic_fetch_and(capability, has, __ATOMIC_RELAXED);
}

COLD void vgic_cpu_init(void)
{
    uint64_t vtr = vgic_hw_vtr();
    uint32_t lrs = ICH_VTR_LRS(vtr);
    uint32_t prebits = ICH_VTR_PREBITS(vtr);
    uint32_t aprs;

    ASSERT(prebits >= 5u && prebits <= 7u && lrs >= 1u); /* what the architecture allows */
    aprs = 1u << (prebits - 5u);                         /* 32, 64, 128 levels */
    for (uint32_t i = 0; i < lrs; i++) {
        vgic_hw_set_lr(i, 0);
    }
    for (uint32_t i = 0; i < aprs; i++) {
        vgic_hw_set_apr(i, 0, 0);
    }
    vgic_hw_set_hcr(ICH_HCR_EN);
    vgic_hw_sync();
    limit(&vgic_caps.lr_mask, (uint32_t)BITS(lrs - 1u, 0));
    limit(&vgic_caps.prio_mask, 0xffu << (8u - ICH_VTR_PRIBITS(vtr)));
    limit(&vgic_caps.apr_mask, (1u << aprs) - 1u);
    limit(&vgic_caps.tds, ((vtr & ICH_VTR_TDS) != 0u) ? 1u : 0u);
}

static void free_frames(struct domain *d)
{
    for (uint32_t i = 0; i < 2u; i++) {
        if (d->arch.vgic.spis[i] != NULL) {
            pool_free(d, d->arch.vgic.frames[i]);
            d->arch.vgic.spis[i] = NULL;
        }
    }
}

/* fresh: all is 0. */
COLD static void renew(struct domain *d, bool fresh)
{
    struct vgic_domain *g = &d->arch.vgic;

    spin_lock(&g->lock);
    __atomic_store_n(&g->ctlr, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&g->rwp, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&g->trap_dir, 0u, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < g->words; i++) {
        struct vgic_spis *s = vgic_spis_at(d, i);
        uint32_t bound = s->irqs.bound;

        for (uint32_t m = bound; m != 0u; m &= m - 1u) {
            gic_spi_release((i + 1u) * 32u + (uint32_t)__builtin_ctz(m));
        }
        if (!fresh) {
            memset(s, 0, sizeof(*s));
        }
        s->irqs.group = UINT32_MAX;
        s->irqs.bound = bound;
        __builtin_memset(s->owner, VGIC_NO_OWNER, sizeof(s->owner)); /* in line: createdomain goes in one piece */
    }
    spin_unlock(&g->lock);
}

COLD err_t vgic_domain_init(struct domain *d, uint32_t nr_spis)
{
    struct vgic_domain *g = &d->arch.vgic;
    uint32_t words = (nr_spis + 31u) / 32u;

    if (nr_spis > VGIC_SPIS_MAX) {
        return ERR_INVAL;
    }
    for (uint32_t i = 0; i * VGIC_SPIS_A_FRAME < words; i++) {
        if (pool_alloc(d, &g->frames[i]) != OK) {
            free_frames(d);
            return ERR_NOMEM;
        }
        g->spis[i] = arch_map_frame(g->frames[i]);
    }
    g->words = words;
    renew(d, true);
    return OK;
}

/* [impl->dsn~device-restart~1] */
COLD void vgic_domain_renew(struct domain *d)
{
    renew(d, false);
}

COLD void arch_domain_destroy(struct domain *d)
{
    free_frames(d);
    d->arch.vgic.words = 0;
}

COLD err_t vgic_vcpu_init(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    g->sgi_self = ((uint64_t)(v->id >> 4) << 16) | BIT(v->id & 0xfu);
    memset(g->best, 0xff, sizeof(g->best));
    vgic_vcpu_reset(v);
    return OK;
}

COLD void vgic_vcpu_reset(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    ASSERT(!g->loaded);
    g->priv = (struct vgic_irqs){.group = UINT32_MAX, .edge = VGIC_SGI_MASK, .level = g->priv.level & ~g->priv.hw};
    g->ready = 0;
    g->spilled = 0;
    g->vmcr = VMCR_RESET;
    memset(g->ap0r, 0, sizeof(g->ap0r));
    memset(g->ap1r, 0, sizeof(g->ap1r));
    __atomic_store_n(&g->posted, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&g->waker, VGIC_WAKER_SLEEP | VGIC_WAKER_CHILDREN, __ATOMIC_RELAXED);
}

void vgic_save(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    vgic_ask_end(v);
    g->vmcr = vgic_hw_vmcr();
    for (uint32_t i = 0; (vgic_caps.apr_mask >> i) != 0u; i++) {
        vgic_hw_apr(i, &g->ap0r[i], &g->ap1r[i]);
    }
    if ((g->lr_used != 0u || (g->hcr & ICH_HCR_LRENPIE) != 0u) && !vgic_drop_ended(g)) {
        struct vgic_kicks k = {.withdrawn = false};

        spin_lock(&v->domain->arch.vgic.lock);
        vgic_take_out_all(v, &k);
        g->loaded = false;
        vgic_commit(v->domain, &k);
    }
    g->loaded = false;
    vgic_set_hcr(g, 0); /* g->fast is 0 from now on */
}

VGIC_HOT void put_lr(struct vgic_vcpu *g, uint32_t n, uint32_t i, uint32_t latched, uint64_t link)
{
    g->lr_latched = (g->lr_latched & ~(uint32_t)BIT(i)) | (latched << i);
    vgic_hw_set_lr(i, LR_PENDING | link | vgic_lr_base(&g->priv, n));
}

/* The short way of a private interrupt of g->fast that was in a list register before: there again, where it is empty.
 * link: LR_HW and the physical interrupt, or LR_EOI.  false = take a longer way. */
VGIC_HOT bool list_again(struct vgic_vcpu *g, uint32_t n, uint32_t latched, uint64_t link)
{
    uint32_t i = g->lr_of[n];

    if (UNLIKELY(((g->priv.held >> n) & 1u) == 0u || ((vgic_hw_elrsr() >> i) & 1u) == 0u)) {
        return false;
    }
    put_lr(g, n, i, latched, link);
    return true;
}

/* The same in a free list register. */
static bool list_new(struct vgic_vcpu *g, uint32_t n, uint32_t latched, uint64_t link)
{
    uint32_t free = vgic_caps.lr_mask & ~g->lr_used;
    uint32_t i = (uint32_t)__builtin_ctz(free | (uint32_t)BIT(VGIC_LRS));

    if (free == 0u || (g->priv.held & BIT(n)) != 0u) {
        return false;
    }
    g->priv.held |= (uint32_t)BIT(n);
    g->lr_of[n] = (uint8_t)i;
    g->lr_intid[i] = (uint16_t)n;
    g->lr_used |= (uint32_t)BIT(i);
    put_lr(g, n, i, latched, link);
    return true;
}

/* Private candidates of an interface with empty list registers into them: the short way for those that are latched. */
static void give_private(struct vcpu *v, uint32_t bits)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t left = bits;

    for (uint32_t m = (g->priv.hw == 0u) ? bits & g->priv.pending & g->fast : 0u; m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        if (list_new(g, n, 1, vgic_lr_link(g, n))) {
            g->priv.pending &= ~(uint32_t)BIT(n);
            left &= ~(uint32_t)BIT(n);
        }
    }
    if (left != 0u) {
        vgic_resync(v);
    }
}

/* Not 0: there are SPIs for this vCPU to take, perhaps. */
static uint32_t spi_hint(const struct vgic_vcpu *g)
{
    return __atomic_load_n(&g->sum[0], __ATOMIC_RELAXED) | __atomic_load_n(&g->sum[1], __ATOMIC_RELAXED);
}

void vgic_load(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    vgic_hw_set_sre(SRE_ON);
    vgic_hw_set_vmcr(g->vmcr);
    for (uint32_t i = 0; (vgic_caps.apr_mask >> i) != 0u; i++) {
        vgic_hw_set_apr(i, g->ap0r[i], g->ap1r[i]);
    }
    g->loaded = true;
    g->hcr = ICH_HCR_EN;
    arch_vcpu_take_posted(v);
    g->ready = g->priv.enabled & vgic_group_gate(v->domain, &g->priv);
    if ((g->spilled | g->spill_count | spi_hint(g) |
         __atomic_load_n(&v->domain->arch.vgic.trap_dir, __ATOMIC_RELAXED)) != 0u) {
        vgic_resync(v);
    } else {
        vgic_set_hcr(g, 0);
        give_private(v, vgic_private_candidates(g));
    }
}

void arch_vcpu_take_posted(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t posted = __atomic_exchange_n(&g->posted, 0u, __ATOMIC_ACQUIRE);
    uint32_t resync = __atomic_load_n(&g->resync, __ATOMIC_RELAXED);

    posted &= g->priv.group | ~VGIC_SGI_MASK; /* ICC_SGI1R_EL1 makes group 1 interrupts only */
    if (posted != 0u) {
        vgic_pend_private(v, posted);
    }
    if (resync != 0u) {
        resync = __atomic_exchange_n(&g->resync, 0u, __ATOMIC_ACQUIRE);
        if (g->loaded) {
            vgic_resync(v);
        }
        if ((resync & VGIC_RESYNC_RWP) != 0u) {
            (void)__atomic_fetch_sub(&v->domain->arch.vgic.rwp, 1u, __ATOMIC_RELEASE);
        }
    }
    for (uint32_t i = 0; i < VGIC_REQUESTERS; i++) {
        if (__atomic_load_n(&g->requesters[i], __ATOMIC_RELAXED) != 0u) {
            vgic_answer(v);
            break;
        }
    }
}

void vgic_maintenance(struct vcpu *v)
{
    vgic_resync(v);
}

bool vgic_has_pending(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t best;

    vgic_ask_end(v);
    g->ready = g->priv.enabled & vgic_group_gate(v->domain, &g->priv);
    for (uint32_t m = (g->lr_used != 0u) ? g->lr_used & ~(uint32_t)vgic_hw_elrsr() : 0u; m != 0u; m &= m - 1u) {
        if ((vgic_hw_lr((uint32_t)__builtin_ctz(m)) & LR_STATE) == LR_PENDING) {
            return true;
        }
    }
    if (vgic_private_candidates(g) != 0u) {
        return true;
    }
    if (spi_hint(g) == 0u) {
        return false;
    }
    best = LOCKED(&v->domain->arch.vgic.lock, vgic_spi_best(v));
    return best != VGIC_KEY_NONE;
}

VGIC_COLD void vgic_pend_private(struct vcpu *v, uint32_t bits)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t left = bits;

    for (uint32_t m = bits & g->fast; m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        uint64_t link = vgic_lr_link(g, n);
        if (list_again(g, n, 1, link) || list_new(g, n, 1, link)) {
            left &= ~(uint32_t)BIT(n);
        }
    }
    if (left != 0u) {
        g->priv.pending |= left;
        if (g->loaded) {
            vgic_resync(v);
        }
    }
}

/* Others than v: post n and tell the home CPU, unless that was done and not yet seen. */
static void post(struct vcpu *t, uint32_t n)
{
    uint32_t bit = (uint32_t)BIT(n);

    if ((__atomic_fetch_or(&t->arch.vgic.posted, bit, __ATOMIC_RELEASE) & bit) == 0u) {
        vcpu_notify(t, VCPU_NOTIFY_IRQ);
    }
}

/* ICC_SGI1R_EL1 names vCPUs other than v alone. */
VGIC_COLD static void send_to_many(struct vcpu *v, uint64_t sgi1r, uint32_t n)
{
    struct domain *d = v->domain;
    uint64_t elsewhere = sgi1r & (BITS(55, 48) | BITS(47, 44) | BITS(39, 32)); /* Aff3, range, Aff2 */
    uint32_t first = (uint32_t)FIELD(sgi1r, 23, 16) * 16u;
    uint32_t list = (uint32_t)FIELD(sgi1r, 15, 0);

    if ((sgi1r & BIT(40)) != 0u) { /* all but itself */
        for (uint32_t i = 0; i < d->max_vcpus; i++) {
            if (i != v->id && d->vcpus[i] != NULL) {
                post(d->vcpus[i], n);
            }
        }
        return;
    }
    for (uint32_t m = (elsewhere == 0u) ? list : 0u; m != 0u; m &= m - 1u) {
        uint64_t id = first + (uint32_t)__builtin_ctz(m);
        struct vcpu *t = (id < d->max_vcpus) ? d->vcpus[index_nospec(id, MAX_VCPUS)] : NULL;
        if (t == v) {
            vgic_pend_private(v, (uint32_t)BIT(n) & v->arch.vgic.priv.group);
        } else if (t != NULL) {
            post(t, n);
        }
    }
}

void vgic_send_sgi(struct vcpu *v, uint64_t sgi1r)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t n = (uint32_t)FIELD(sgi1r, 27, 24);
    uint64_t target = sgi1r & (BITS(55, 44) | BIT(40) | BITS(39, 32) | BITS(23, 0));

    if (LIKELY(target == g->sgi_self)) {
        uint32_t bit = (uint32_t)BIT(n) & g->priv.group;
        if (UNLIKELY((g->fast & bit) == 0u || !list_again(g, n, 1, 0))) {
            vgic_pend_private(v, bit);
        }
    } else {
        send_to_many(v, sgi1r, n);
    }
}

/* An SPI becomes pending as an edge (line NULL), or its line is sampled. */
static void change_spi(struct domain *d, uint32_t intid, const uint32_t *line)
{
    struct vgic_kicks k = {.withdrawn = false};
    uint32_t word = intid / 32u - 1u;
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    struct vgic_irqs *irqs;

    if (word >= d->arch.vgic.words) {
        return;
    }
    spin_lock(&d->arch.vgic.lock);
    irqs = &vgic_spis_at(d, word)->irqs;
    if (line == NULL) {
        irqs->pending |= bit;
    } else if (__atomic_load_n(line, __ATOMIC_RELAXED) != 0u) {
        irqs->pending |= bit & irqs->edge & ~irqs->level;
        irqs->level |= bit;
    } else {
        irqs->level &= ~bit;
    }
    vgic_spi_update(d, word, bit, &k);
    vgic_commit(d, &k);
}

void vgic_sample_line(struct domain *d, uint32_t intid, const uint32_t *line)
{
    change_spi(d, intid, line);
}

/* [impl->dsn~vgic-posting~2] */
void arch_inject(struct vcpu *v, uint32_t intid)
{
    if (intid >= VGIC_PRIVATE) {
        change_spi(v->domain, intid, NULL);
    } else if (LIKELY(vgic_is_home(v))) {
        struct vgic_vcpu *g = &v->arch.vgic;
        if (UNLIKELY((g->fast & BIT(intid)) == 0u || !list_again(g, intid, 1, vgic_lr_link(g, intid)))) {
            vgic_pend_private(v, (uint32_t)BIT(intid));
        }
        vgic_wake(v);
    } else {
        post(v, intid);
    }
}

void vgic_set_level(struct vcpu *v, uint32_t intid, bool level)
{
    struct vgic_irqs *irqs = &v->arch.vgic.priv;
    uint32_t bit = (uint32_t)BIT(intid);
    uint32_t before = irqs->level;

    irqs->level = level ? before | bit : before & ~bit;
    irqs->pending |= irqs->level & ~before & irqs->edge;
    if (irqs->level != before && v->arch.vgic.loaded) {
        vgic_resync(v);
    }
    vgic_wake(v);
}

/* again: the guest ended the one before, which has not been looked at. */
VGIC_COLD static void pend_hw_slow(struct vcpu *v, uint32_t n, bool again)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t bit = (uint32_t)BIT(n);

    vgic_ask_end(v);
    if ((g->fast & ~g->priv.edge & bit) != 0u && list_new(g, n, 0, vgic_lr_link(g, n))) {
        return;
    }
    if (again) {
        vgic_resync(v);
        g->priv.hw |= bit;
        g->priv.level |= bit;
    }
    g->priv.pending |= g->priv.edge & bit;
    vgic_resync(v);
}

void vgic_pend_hw(struct vcpu *v, uint32_t vintid, uint32_t pintid)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t bit = (uint32_t)BIT(vintid);
    uint32_t before = g->priv.hw;
    uint64_t link = LR_HW | ((uint64_t)pintid << LR_PINT_SHIFT);

    g->pint[vintid] = (uint8_t)pintid;
    g->priv.hw = before | bit;
    g->priv.level |= bit;
    if (UNLIKELY((g->fast & ~g->priv.edge & bit) == 0u || !list_again(g, vintid, 0, link))) {
        pend_hw_slow(v, vintid, (before & bit) != 0u);
    }
}

bool vgic_hw_in_flight(const struct vcpu *v, uint32_t vintid)
{
    return (v->arch.vgic.priv.hw & BIT(vintid)) != 0u;
}

COLD void vgic_write_dir(struct vcpu *v, uint64_t value)
{
    struct vgic_kicks k = {.withdrawn = false};
    uint32_t intid = (uint32_t)value & 0xffffffu;
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    struct vgic_irqs *irqs;

    if (intid >= VGIC_PRIVATE && intid / 32u - 1u >= v->domain->arch.vgic.words) {
        return;
    }
    spin_lock(&v->domain->arch.vgic.lock);
    irqs = vgic_irqs_of(v, intid);
    if ((irqs->held & bit) == 0u) {
        if ((irqs->active & bit) != 0u) {
            vgic_deactivate(v, intid, &k);
        }
    } else {
        irqs->deact |= bit;
        irqs->active &= ~bit;
        vgic_kick(&k, (intid < VGIC_PRIVATE) ? v->id : vgic_spis_at(v->domain, intid / 32u - 1u)->owner[intid % 32u]);
    }
    vgic_kick(&k, v->id);
    vgic_commit(v->domain, &k);
}
