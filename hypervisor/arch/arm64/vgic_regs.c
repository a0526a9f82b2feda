/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of distributor and redistributors (GIC architecture, IHI 0069, chapter 12): affinity routing, one security
 * state (DS = 1), no message-based SPIs, no LPIs.  What is not listed, or has a size that the register does not support,
 * reads as zero and ignores writes. */
#include "arch/arm64/vgic_internal.h"

#define FRAME           UINT64_C(0x10000)
#define IIDR            0x4200043bu /* product 'B', implementer Arm's JEP106 code as other hypervisors report */
#define CTLR_ENABLES    0x3u
#define CTLR_ARE        BIT(4)
#define CTLR_DS         BIT(6)
#define CTLR_RWP        BIT(31)
#define TYPER_IDBITS    (UINT32_C(9) << 19) /* 10 bits of INTID */
#define GICR_TYPER_LAST BIT(4)
#define SGIS_EDGE       0xaaaaaaaau

enum bank { /* offset / 0x80: arrays with one bit an interrupt */
            BANK_CONTROL = 0,
            BANK_IGROUPR = 1,
            BANK_ISENABLER = 2,
            BANK_ICENABLER = 3,
            BANK_ISPENDR = 4,
            BANK_ICPENDR = 5,
            BANK_ISACTIVER = 6,
            BANK_ICACTIVER = 7,
            BANK_PRIORITY = 8, /* to 15 */
            BANK_ICFGR = 0x18, /* and 0x19 */
};

/* Bits 1, 3, 5.. of a register from 16 bits, and back. */
static uint32_t spread(uint32_t x)
{
    x = (x | x << 8) & 0x00ff00ffu;
    x = (x | x << 4) & 0x0f0f0f0fu;
    x = (x | x << 2) & 0x33333333u;
    x = (x | x << 1) & 0x55555555u;
    return x << 1;
}
static uint32_t gather(uint32_t x)
{
    x = (x >> 1) & 0x55555555u;
    x = (x | x >> 1) & 0x33333333u;
    x = (x | x >> 2) & 0x0f0f0f0fu;
    x = (x | x >> 4) & 0x00ff00ffu;
    return (x | x >> 8) & 0xffffu;
}

/* PIDR and CIDR, offset 0xffd0 and up; part is the low byte of the part number. */
static uint32_t id_register(uint32_t offset, uint32_t part)
{
    static const uint8_t ids[12] = {0x44, 0, 0, 0, 0, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1}; /* PIDR4..7, 0..3, CIDR */
    uint32_t i = (offset - 0xffd0u) / 4u;

    return (i == 4u) ? part : ids[i % ARRAY_SIZE(ids)];
}

/* Interrupts of word that exist: INTIDs 1020 and above do not. */
static uint32_t existing(uint32_t word)
{
    return (word == VGIC_SPI_WORDS - 1u) ? 0x0fffffffu : UINT32_MAX;
}

/* ---- what private and shared interrupts have in common ---- */

static uint32_t read_stored(const struct vgic_irqs *irqs, uint32_t bank)
{
    switch (bank) {
    case BANK_IGROUPR:
        return __atomic_load_n(&irqs->group, __ATOMIC_RELAXED);
    case BANK_ISENABLER:
    case BANK_ICENABLER:
        return __atomic_load_n(&irqs->enabled, __ATOMIC_RELAXED);
    default:
        return 0;
    }
}

static uint64_t read_priority(const struct vgic_irqs *irqs, uint32_t first, uint32_t size)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++) {
        value |= (uint64_t)__atomic_load_n(&irqs->prio[(first + i) % 32u], __ATOMIC_RELAXED) << (8u * i);
    }
    return value;
}

static void write_priority(struct vgic_irqs *irqs, uint32_t first, const struct mmio *m)
{
    for (uint32_t i = 0; i < m->size; i++) {
        uint8_t prio = (uint8_t)((m->value >> (8u * i)) & vgic_caps.prio_mask);
        __atomic_store_n(&irqs->prio[(first + i) % 32u], prio, __ATOMIC_RELAXED);
    }
}

static void write_bits(struct vgic_irqs *irqs, uint32_t bank, uint32_t bits)
{
    switch (bank) {
    case BANK_ISENABLER:
        __atomic_store_n(&irqs->enabled, irqs->enabled | bits, __ATOMIC_RELAXED);
        break;
    case BANK_ICENABLER:
        __atomic_store_n(&irqs->enabled, irqs->enabled & ~bits, __ATOMIC_RELAXED);
        break;
    case BANK_ISPENDR:
        irqs->pending |= bits;
        break;
    case BANK_ICPENDR:
        irqs->pending &= ~bits;
        irqs->cancel |= irqs->held & bits;
        break;
    case BANK_ISACTIVER:
        irqs->active |= bits;
        break;
    case BANK_ICACTIVER:
        irqs->active &= ~bits;
        irqs->deact |= irqs->held & bits;
        break;
    default:
        break;
    }
}

static void write_config(struct vgic_irqs *irqs, uint32_t half, uint32_t value)
{
    uint32_t shift = half * 16u;

    uint32_t edge = (irqs->edge & ~(0xffffu << shift)) | (gather(value) << shift);

    __atomic_store_n(&irqs->edge, edge, __ATOMIC_RELAXED);
}

/* The access has the size of its register: words, bytes too for priorities. */
static bool is_sized(const struct mmio *m)
{
    uint32_t bank = (uint32_t)m->offset >> 7;

    return (m->offset & (m->size - 1u)) == 0u &&
           (m->size == 4u || (m->size == 1u && bank >= BANK_PRIORITY && bank < 2u * BANK_PRIORITY));
}

/* ---- redistributor ---- */

/* Nothing is left to be applied here: accesses to one's own frame do that at once. */
static uint32_t private_state(struct vcpu *v, bool active)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t pending;
    uint32_t in_lr;

    vgic_lr_state(v, 0, &pending, &in_lr);
    if (active) {
        return g->priv.active | in_lr;
    }
    if (g->loaded) {
        vgic_refresh_lines(g);
    }
    return vgic_level_pending(&g->priv) | pending;
}

static uint32_t sgi_read(struct vcpu *v, const struct mmio *m)
{
    uint32_t bank = (uint32_t)m->offset >> 7;
    const struct vgic_irqs *irqs = &v->arch.vgic.priv;

    switch (bank) {
    case BANK_ISPENDR:
    case BANK_ICPENDR:
        return private_state(v, false);
    case BANK_ISACTIVER:
    case BANK_ICACTIVER:
        return private_state(v, true);
    case BANK_ICFGR:
        return (m->offset == 0xc00u) ? SGIS_EDGE : (m->offset == 0xc04u) ? spread(irqs->edge >> 16) : 0u;
    default:
        return read_stored(irqs, bank);
    }
}

static void sgi_write(struct vcpu *v, const struct mmio *m)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t bank = (uint32_t)m->offset >> 7;

    if (bank == BANK_IGROUPR && m->offset == 0x80u) {
        g->priv.group = (uint32_t)m->value;
    } else if (m->offset == 0xc04u) {
        write_config(&g->priv, 1, (uint32_t)m->value);
    } else if ((m->offset & 0x7fu) == 0u) {
        write_bits(&g->priv, bank, (uint32_t)m->value);
    }
    if (bank == BANK_ISACTIVER && m->value != 0u) {
        __atomic_store_n(&v->domain->arch.vgic.trap_dir, 1u, __ATOMIC_RELAXED);
    }
    if (!g->loaded) {
        vgic_unlink(g, ~(vgic_level_pending(&g->priv) | g->priv.active));
    }
}

void vgic_sgi_frame(struct vcpu *v, struct mmio *m)
{
    struct vgic_irqs *irqs = &v->arch.vgic.priv;
    uint32_t bank = (uint32_t)m->offset >> 7;

    if (bank == BANK_PRIORITY && m->offset < 0x420u) {
        if (!m->write) {
            m->value = read_priority(irqs, (uint32_t)m->offset & 31u, m->size);
            return;
        }
        write_priority(irqs, (uint32_t)m->offset & 31u, m);
    } else if (!m->write) {
        m->value = (bank == BANK_ICFGR || (m->offset & 0x7fu) == 0u) ? sgi_read(v, m) : 0u;
        return;
    } else {
        sgi_write(v, m);
    }
    if (v->arch.vgic.loaded) {
        vgic_resync(v);
    }
}

static uint32_t rd_read(const struct vcpu *v, uint32_t offset)
{
    switch (offset) {
    case 0x0004:
        return IIDR;
    case 0x0008: /* TYPER */
        return v->id << 8 | (v->id == v->domain->max_vcpus - 1u ? (uint32_t)GICR_TYPER_LAST : 0u);
    case 0x000c: /* Aff3.Aff2.Aff1.Aff0 */
        return (v->id >> 4) << 8 | (v->id & 0xfu);
    case 0x0014:
        return __atomic_load_n(&v->arch.vgic.waker, __ATOMIC_RELAXED);
    default:
        return (offset >= 0xffd0u) ? id_register(offset, 0x93) : 0u;
    }
}

static void rd_access(struct vcpu *v, struct mmio *m)
{
    uint32_t offset = (uint32_t)m->offset;
    bool wide = m->size == 8u && offset == 8u;

    if ((m->size != 4u && !wide) || (offset & (m->size - 1u)) != 0u) {
        m->value = 0;
    } else if (!m->write) {
        m->value = rd_read(v, offset) | (wide ? (uint64_t)rd_read(v, offset + 4u) << 32 : 0u);
    } else if (offset == 0x14u) {
        uint32_t waker = ((m->value & VGIC_WAKER_SLEEP) != 0u) ? VGIC_WAKER_SLEEP | VGIC_WAKER_CHILDREN : 0u;
        __atomic_store_n(&v->arch.vgic.waker, waker, __ATOMIC_RELAXED);
    }
}

bool vgic_gicr_access(struct vcpu *v, struct mmio *m)
{
    uint64_t id = m->offset >> 17;
    struct vcpu *t = (id < v->domain->max_vcpus) ? v->domain->vcpus[index_nospec(id, MAX_VCPUS)] : NULL;
    struct mmio in = {.offset = m->offset & (FRAME - 1u), .size = m->size, .write = m->write, .value = m->value};

    if (t == NULL) {
        return false;
    }
    if ((m->offset & FRAME) == 0u) {
        rd_access(t, &in);
    } else if (in.offset >= 0xffd0u) {
        in.value = (m->size == 4u && (in.offset & 3u) == 0u) ? id_register((uint32_t)in.offset, 0x93) : 0u;
    } else if (!is_sized(&in)) {
        in.value = 0;
    } else if (vgic_is_home(t)) {
        vgic_sgi_frame(t, &in);
    } else if (!vgic_ask_access(v, t, &in)) {
        m->again = true;
        return true;
    }
    m->value = in.value;
    if (UNLIKELY(v->arch.vgic.request.waiting)) {
        vgic_ask_end(v);
    }
    return true;
}

/* ---- distributor ---- */

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
        return IIDR;
    default: /* TYPER2, STATUSR: none */
        return 0;
    }
}

/* Every vCPU looks at its list registers again.  Bound: vCPUs. */
VGIC_COLD static void control_write(struct vcpu *v, uint32_t value)
{
    struct domain *d = v->domain;
    struct vgic_kicks k = {.withdrawn = false};

    spin_lock(&d->arch.vgic.lock);
    if (d->arch.vgic.ctlr != (value & CTLR_ENABLES)) {
        k.withdrawn = (d->arch.vgic.ctlr & ~value) != 0u;
        __atomic_store_n(&d->arch.vgic.ctlr, value & CTLR_ENABLES, __ATOMIC_RELAXED);
        for (uint32_t i = 0; i < d->max_vcpus; i++) {
            if (d->vcpus[i] != NULL) {
                vgic_kick(&k, i);
            }
        }
    }
    vgic_commit(d, &k);
}

/* SPIs of a word in v's own list registers.  Bound: LRs. */
static uint32_t held_here(const struct vcpu *v, uint32_t word)
{
    uint32_t bits = 0;

    for (uint32_t m = v->arch.vgic.lr_used; m != 0u; m &= m - 1u) {
        uint32_t intid = v->arch.vgic.lr_intid[__builtin_ctz(m)];
        bits |= (intid / 32u == word + 1u) ? (uint32_t)BIT(intid % 32u) : 0u;
    }
    return bits;
}

/* Pending or active state of a word of SPIs.  false = to be asked again. */
static bool shared_state(struct vcpu *v, uint32_t word, bool active, uint64_t *value)
{
    const struct vgic_irqs *irqs = &vgic_spis_at(v->domain, word)->irqs;
    uint32_t pending;
    uint32_t in_lr;
    uint32_t others;
    uint32_t other_pending = 0;
    uint32_t other_active = 0;
    bool known;

    spin_lock(&v->domain->arch.vgic.lock);
    vgic_lr_state(v, word + 1u, &pending, &in_lr);
    others = irqs->held & ~held_here(v, word);
    known = others == 0u || vgic_ask_state(v, word, others, &other_pending, &other_active);
    *value = active ? irqs->active | ((in_lr | other_active) & ~irqs->deact)
                    : vgic_level_pending(irqs) | ((pending | other_pending) & ~irqs->cancel);
    spin_unlock(&v->domain->arch.vgic.lock);
    return known;
}

static void shared_write(struct vcpu *v, uint32_t bank, uint32_t word, const struct mmio *m)
{
    struct domain *d = v->domain;
    struct vgic_kicks k = {.withdrawn = bank == BANK_ICENABLER};
    struct vgic_irqs *irqs = &vgic_spis_at(d, word)->irqs;
    uint32_t bits = (uint32_t)m->value & existing(word);

    spin_lock(&d->arch.vgic.lock);
    if (bank == BANK_IGROUPR) {
        __atomic_store_n(&irqs->group, (uint32_t)m->value, __ATOMIC_RELAXED);
        bits = UINT32_MAX;
    } else {
        write_bits(irqs, bank, bits);
    }
    if (bank == BANK_ISACTIVER && bits != 0u) {
        __atomic_store_n(&d->arch.vgic.trap_dir, 1u, __ATOMIC_RELAXED);
    }
    vgic_spi_update(d, word, bits, &k);
    vgic_commit(d, &k);
}

static void shared_priority(struct vcpu *v, uint32_t intid, struct mmio *m)
{
    struct domain *d = v->domain;
    struct vgic_kicks k = {.withdrawn = false};
    uint32_t word = intid / 32u - 1u;
    struct vgic_irqs *irqs;

    if (intid < VGIC_PRIVATE || word >= d->arch.vgic.words) {
        m->value = 0;
        return;
    }
    irqs = &vgic_spis_at(d, word)->irqs;
    if (!m->write) {
        m->value = read_priority(irqs, intid % 32u, m->size);
        return;
    }
    spin_lock(&d->arch.vgic.lock);
    write_priority(irqs, intid % 32u, m);
    vgic_spi_update(d, word, (m->size == 4u ? 0xfu : 1u) << (intid % 32u) & existing(word), &k);
    vgic_commit(d, &k);
}

static void shared_config(struct vcpu *v, uint32_t first, struct mmio *m)
{
    struct domain *d = v->domain;
    struct vgic_kicks k = {.withdrawn = false};
    uint32_t word = first / 32u - 1u;
    uint32_t half = (first / 16u) & 1u;
    struct vgic_irqs *irqs;

    if (first < VGIC_PRIVATE || word >= d->arch.vgic.words) {
        m->value = 0;
        return;
    }
    irqs = &vgic_spis_at(d, word)->irqs;
    if (!m->write) {
        m->value = spread((__atomic_load_n(&irqs->edge, __ATOMIC_RELAXED) >> (16u * half)) & 0xffffu);
        return;
    }
    spin_lock(&d->arch.vgic.lock);
    write_config(irqs, half, (uint32_t)m->value);
    vgic_spi_update(d, word, 0xffffu << (16u * half) & existing(word), &k);
    vgic_commit(d, &k);
}

/* GICD_IROUTER: 64 bits, or either half. */
static void route_access(struct vcpu *v, struct mmio *m)
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
        vgic_spi_update(d, word, bit, &k);
    } else {
        m->value = (m->size == 8u) ? value : (value >> shift) & 0xffffffffu;
    }
    vgic_commit(d, &k);
}

/* Arrays with one bit an interrupt; word 0 (private) is in the redistributors. */
VGIC_COLD static void bits_access(struct vcpu *v, uint32_t bank, struct mmio *m)
{
    uint32_t word = ((uint32_t)m->offset & 0x7fu) / 4u - 1u;

    if (word >= v->domain->arch.vgic.words) {
        m->value = 0;
    } else if (m->write) {
        shared_write(v, bank, word, m);
    } else if (bank >= BANK_ISPENDR) {
        m->again = !shared_state(v, word, bank >= BANK_ISACTIVER, &m->value);
    } else {
        m->value = read_stored(&vgic_spis_at(v->domain, word)->irqs, bank) & existing(word);
    }
}

/* What is not a word below 0x400. */
VGIC_COLD static void rest_access(struct vcpu *v, struct mmio *m)
{
    uint32_t offset = (uint32_t)m->offset;
    uint32_t bank = offset >> 7;
    bool aligned = (offset & (m->size - 1u)) == 0u;

    if (offset >= 0x6000u && offset < 0x8000u && aligned) {
        route_access(v, m);
    } else if (offset >= 0xffd0u && m->size == 4u && aligned) {
        m->value = id_register(offset, 0x92);
    } else if (offset >= 0x1000u || !is_sized(m)) {
        m->value = 0;
    } else if (bank < 2u * BANK_PRIORITY) {
        shared_priority(v, offset - 0x400u, m);
    } else if (bank == BANK_ICFGR || bank == BANK_ICFGR + 1u) {
        shared_config(v, (offset - 0xc00u) * 4u, m);
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
        bits_access(v, offset >> 7, m);
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
    if (m->offset >= FRAME) {
        return false;
    }
    if (LIKELY(!v->arch.vgic.request.waiting)) {
        gicd_access(v, m);
    } else {
        gicd_access_waiting(v, m);
    }
    return true;
}
