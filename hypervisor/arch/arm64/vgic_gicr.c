/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vgic_regs.h"

#define TYPER_LAST BIT(4)
#define SGIS_EDGE  0xaaaaaaaau
#define PART       0x93u

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
        return (m->offset == 0xc00u) ? SGIS_EDGE : (m->offset == 0xc04u) ? vgic_read_config(irqs, 1) : 0u;
    default:
        return vgic_read_stored(irqs, bank);
    }
}

static void sgi_write(struct vcpu *v, const struct mmio *m)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t bank = (uint32_t)m->offset >> 7;

    if (bank == BANK_IGROUPR && m->offset == 0x80u) {
        g->priv.group = (uint32_t)m->value;
    } else if (m->offset == 0xc04u) {
        vgic_write_config(&g->priv, 1, (uint32_t)m->value);
    } else if ((m->offset & 0x7fu) == 0u) {
        vgic_write_bits(&g->priv, bank, (uint32_t)m->value);
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
            m->value = vgic_read_priority(irqs, (uint32_t)m->offset & 31u, m->size);
            return;
        }
        vgic_write_priority(irqs, (uint32_t)m->offset & 31u, m);
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
