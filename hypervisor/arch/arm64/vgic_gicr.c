/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vgic_regs.h"

#define TYPER_LAST BIT(4)
#define PART       0x93u

/* Nothing is left to be applied here: accesses to one's own frame do that at once. */
static uint32_t private_state(struct vcpu *v, bool active)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t pending;
    uint32_t in_lr;

    (void)vgic_lr_state(v, 0, &pending, &in_lr);
    if (active) {
        return g->priv.active | in_lr;
    }
    if (g->loaded) {
        vgic_refresh_lines(g);
    }
    return vgic_level_pending(&g->priv) | pending;
}

static void sgi_write(struct vcpu *v, uint32_t bank, uint32_t first, const struct mmio *m)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    if (bank == BANK_ICFGR && first < 16u) {
        return; /* SGIs are edges */
    }
    (void)vgic_write_stored(&g->priv, bank, first, m->size, m->value);
    if (bank == BANK_ISACTIVER && m->value != 0u) {
        __atomic_store_n(&v->domain->arch.vgic.trap_dir, 1u, __ATOMIC_RELAXED);
    }
    if (g->loaded) {
        vgic_resync(v);
    } else {
        vgic_unlink(g, ~(vgic_level_pending(&g->priv) | g->priv.active));
    }
}

void vgic_sgi_frame(struct vcpu *v, struct mmio *m)
{
    uint32_t bank = (uint32_t)m->offset >> 7;
    uint32_t first = vgic_first_of((uint32_t)m->offset);

    bool is = bank != BANK_CONTROL && first < VGIC_PRIVATE;

    if (m->write) {
        if (is) {
            sgi_write(v, bank, first, m);
        }
    } else if (!is) {
        m->value = 0;
    } else if (bank >= BANK_ISPENDR && bank < BANK_PRIORITY) {
        m->value = private_state(v, bank >= BANK_ISACTIVER);
    } else {
        m->value = vgic_read_stored(&v->arch.vgic.priv, bank, first, m->size);
    }
}

static uint32_t rd_read(const struct vcpu *v, uint32_t offset)
{
    switch (offset) {
    case 0x0004:
        return VGIC_IIDR;
    case 0x0008: /* TYPER */
        return v->id << 8 | (v->id == v->domain->max_vcpus - 1u ? (uint32_t)TYPER_LAST : 0u);
    case 0x000c: /* Aff3.Aff2.Aff1.Aff0 */
        return (v->id >> 4) << 8 | (v->id & 0xfu);
    case 0x0014:
        return __atomic_load_n(&v->arch.vgic.waker, __ATOMIC_RELAXED);
    default:
        return (offset >= 0xffd0u) ? vgic_id_register(offset, PART) : 0u;
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
    struct mmio in = {.offset = m->offset & (VGIC_FRAME - 1u), .size = m->size, .write = m->write, .value = m->value};

    if (t == NULL) {
        return false;
    }
    if ((m->offset & VGIC_FRAME) == 0u) {
        rd_access(t, &in);
    } else if (in.offset >= 0xffd0u) {
        in.value = (m->size == 4u && (in.offset & 3u) == 0u) ? vgic_id_register((uint32_t)in.offset, PART) : 0u;
    } else if (!vgic_is_sized(&in)) {
        in.value = 0;
    } else if (vgic_is_home(t)) {
        vgic_sgi_frame(t, &in);
        vgic_wake(t);
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
