/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vgic_regs.h"

#define CTLR_ENABLES 0x3u
#define CTLR_ARE     BIT(4)
#define CTLR_DS      BIT(6)
#define CTLR_RWP     BIT(31)
#define TYPER_IDBITS (UINT32_C(9) << 19) /* 10 bits of INTID */
#define PART         0x92u

/* Interrupts of word that exist: INTIDs 1020 and above do not. */
static uint32_t existing(uint32_t word)
{
    return (word == VGIC_SPI_WORDS - 1u) ? 0x0fffffffu : UINT32_MAX;
}

/* [impl->dsn~vgic-rwp~1] */
static uint32_t control_read(const struct domain *d, uint32_t offset)
{
    const struct vgic_domain *g = &d->arch.vgic;

    switch (offset) {
    case 0x0: /* CTLR */
        return (uint32_t)(__atomic_load_n(&g->ctlr, __ATOMIC_RELAXED) | CTLR_ARE | CTLR_DS |
                          (__atomic_load_n(&g->rwp, __ATOMIC_ACQUIRE) != 0u ? CTLR_RWP : 0u));
    case 0x4: /* TYPER */
        return TYPER_IDBITS | g->words;
    case 0x8:
        return VGIC_IIDR;
    default: /* TYPER2, STATUSR: none */
        return 0;
    }
}

static void kick_all(const struct domain *d, struct vgic_kicks *k)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        if (d->vcpus[i] != NULL) {
            vgic_kick(k, i);
        }
    }
}

/* Every vCPU looks at its list registers again.  Bound: vCPUs. */
COLD VGIC_COLD static void control_write(struct vcpu *v, uint32_t value)
{
    struct domain *d = v->domain;
    struct vgic_kicks k = {.withdrawn = false};

    spin_lock(&d->arch.vgic.lock);
    if (d->arch.vgic.ctlr != (value & CTLR_ENABLES)) {
        k.withdrawn = (d->arch.vgic.ctlr & ~value) != 0u;
        __atomic_store_n(&d->arch.vgic.ctlr, value & CTLR_ENABLES, __ATOMIC_RELAXED);
        kick_all(d, &k);
    }
    vgic_commit(d, &k);
}

/* Pending or active state of a word of SPIs.  false = to be asked again. */
static bool shared_state(struct vcpu *v, uint32_t word, bool active, uint64_t *value)
{
    struct vgic_irqs *irqs = &vgic_spis_at(v->domain, word)->irqs;
    uint32_t lines;
    uint32_t pending;
    uint32_t in_lr;
    uint32_t others;
    uint32_t other_pending = 0;
    uint32_t other_active = 0;
    bool known;

    spin_lock(&v->domain->arch.vgic.lock);
    others = irqs->held & ~vgic_lr_state(v, word + 1u, &pending, &in_lr);
    lines = vgic_phys_lines(irqs, word);
    known = others == 0u || vgic_ask_state(v, word, others, &other_pending, &other_active);
    *value = active ? irqs->active | ((in_lr | other_active) & ~irqs->deact)
                    : lines | vgic_level_pending(irqs) | ((pending | other_pending) & ~irqs->cancel);
    spin_unlock(&v->domain->arch.vgic.lock);
    return known;
}

COLD static void shared_write(struct vcpu *v, uint32_t bank, uint32_t first, const struct mmio *m)
{
    struct domain *d = v->domain;
    uint32_t word = first / 32u - 1u;
    struct vgic_kicks k = {.withdrawn = bank == BANK_ICENABLER};
    struct vgic_irqs *irqs = &vgic_spis_at(d, word)->irqs;
    uint64_t value = (bank < BANK_PRIORITY) ? m->value & existing(word) : m->value;
    uint32_t bits;

    spin_lock(&d->arch.vgic.lock);
    bits = vgic_write_stored(irqs, bank, first, m->size, value) & existing(word);
    if (bank == BANK_ISENABLER || bank == BANK_ICENABLER) {
        vgic_phys_follow(d, word, bits);
    }
    if (bank == BANK_ISACTIVER && bits != 0u && d->arch.vgic.trap_dir == 0u) {
        __atomic_store_n(&d->arch.vgic.trap_dir, 1u, __ATOMIC_RELAXED);
        kick_all(d, &k);
    }
    vgic_spi_update(d, word, bits, &k);
    vgic_commit(d, &k);
}

/* GICD_IROUTER: 64 bits, or either half. */
COLD static void route_access(struct vcpu *v, struct mmio *m)
{
    struct domain *d = v->domain;
    struct vgic_kicks k = {.withdrawn = false};
    uint32_t intid = (uint32_t)(m->offset - 0x6000u) / 8u;
    uint32_t word = intid / 32u - 1u;
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    uint32_t shift = (uint32_t)(m->offset & 4u) * 8u;
    struct vgic_spis *s;
    uint64_t value;

    if (intid < VGIC_PRIVATE || word >= d->arch.vgic.words || (existing(word) & bit) == 0u || m->size < 4u) {
        m->value = 0;
        return;
    }
    s = vgic_spis_at(d, word);
    spin_lock(&d->arch.vgic.lock);
    value = (uint64_t)(s->route[intid % 32u] >> 24) << 32 | (s->route[intid % 32u] & 0xffffffu) |
            ((s->any & bit) != 0u ? BIT(31) : 0u);
    if (m->write) {
        value = (m->size == 8u) ? m->value : (value & ~(UINT64_C(0xffffffff) << shift)) | (m->value << shift);
        s->any = ((value & BIT(31)) != 0u) ? s->any | bit : s->any & ~bit;
        s->route[intid % 32u] = (uint32_t)FIELD(value, 39, 32) << 24 | (uint32_t)(value & 0xffffffu);
        vgic_phys_follow(d, word, bit);
        vgic_spi_update(d, word, bit, &k);
    } else {
        m->value = (m->size == 8u) ? value : (value >> shift) & 0xffffffffu;
    }
    vgic_commit(d, &k);
}

/* Registers of shared interrupts; those of private ones are in the redistributors. */
COLD VGIC_COLD static void shared_access(struct vcpu *v, struct mmio *m)
{
    uint32_t bank = (uint32_t)m->offset >> 7;
    uint32_t first = vgic_first_of((uint32_t)m->offset);
    uint32_t word = first / 32u - 1u;

    if (word >= v->domain->arch.vgic.words) {
        m->value = 0;
    } else if (m->write) {
        shared_write(v, bank, first, m);
    } else if (bank >= BANK_ISPENDR && bank < BANK_PRIORITY) {
        m->again = !shared_state(v, word, bank >= BANK_ISACTIVER, &m->value);
    } else {
        m->value = vgic_read_stored(&vgic_spis_at(v->domain, word)->irqs, bank, first, m->size);
    }
}

/* What is not a word below 0x400. */
COLD VGIC_COLD static void rest_access(struct vcpu *v, struct mmio *m)
{
    uint32_t offset = (uint32_t)m->offset;
    bool aligned = (offset & (m->size - 1u)) == 0u;

    if (offset >= 0x6000u && offset < 0x8000u && aligned) {
        route_access(v, m);
    } else if (offset >= 0xffd0u && m->size == 4u && aligned) {
        m->value = vgic_id_register(offset, PART);
    } else if (offset >= 0x400u && offset < 0x1000u && vgic_is_sized(m)) {
        shared_access(v, m);
    } else {
        m->value = 0;
    }
}

VGIC_COLD static void gicd_access(struct vcpu *v, struct mmio *m)
{
    uint32_t offset = (uint32_t)m->offset;

    if (UNLIKELY(m->size != 4u || (offset & ~0x3fcu) != 0u)) {
        rest_access(v, m);
    } else if (offset >= 0x80u) {
        shared_access(v, m);
    } else if (!m->write) {
        m->value = control_read(v->domain, offset);
    } else if (offset == 0u) {
        control_write(v, (uint32_t)m->value);
    }
}

/* The guest waits for the answer to an access: this one, or it has given up. */
VGIC_COLD static void gicd_access_waiting(struct vcpu *v, struct mmio *m)
{
    gicd_access(v, m);
    if (!m->again) {
        vgic_ask_end(v);
    }
}

bool vgic_gicd_access(struct vcpu *v, struct mmio *m)
{
    if (m->offset >= VGIC_FRAME) {
        return false;
    }
    if (LIKELY(!v->arch.vgic.request.waiting)) {
        gicd_access(v, m);
    } else {
        gicd_access_waiting(v, m);
    }
    return true;
}
