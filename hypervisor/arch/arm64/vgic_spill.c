/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vgic_internal.h"

void vgic_spill_push(struct vgic_vcpu *g, uint32_t intid)
{
    if (intid < VGIC_PRIVATE) {
        g->spilled |= (uint32_t)BIT(intid);
        return;
    }
    for (uint32_t i = 0; i < g->spill_count; i++) {
        if (g->spill[i] == intid) {
            return;
        }
    }
    ASSERT(g->spill_count < ARRAY_SIZE(g->spill));
    g->spill[g->spill_count++] = (uint16_t)intid;
}

/* Forget what was made inactive by a register write, or is in a list register again. */
static void compact(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t kept = 0;

    g->spilled &= g->priv.active & ~g->priv.held;
    for (uint32_t i = 0; i < g->spill_count; i++) {
        const struct vgic_spis *s = vgic_spis_at(v->domain, g->spill[i] / 32u - 1u);
        uint32_t n = g->spill[i] % 32u;
        if ((s->irqs.active & ~s->irqs.held & BIT(n)) != 0u && s->owner[n] == v->id) {
            g->spill[kept++] = g->spill[i];
        }
    }
    g->spill_count = kept;
}

uint32_t vgic_spill_best(struct vcpu *v)
{
    const struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t best = VGIC_KEY_NONE;

    compact(v);
    for (uint32_t m = g->spilled; m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        uint32_t key = (uint32_t)g->priv.prio[n] << 16 | n;
        best = (key < best) ? key : best;
    }
    for (uint32_t i = 0; i < g->spill_count; i++) {
        uint32_t key = (uint32_t)vgic_irqs_of(v, g->spill[i])->prio[g->spill[i] % 32u] << 16 | g->spill[i];
        best = (key < best) ? key : best;
    }
    return best;
}

void vgic_deactivate(struct vcpu *v, uint32_t intid, struct vgic_kicks *k)
{
    struct vgic_irqs *irqs = vgic_irqs_of(v, intid);

    irqs->active &= ~(uint32_t)BIT(intid % 32u);
    vgic_released(v, intid, irqs, k);
}

void vgic_take_ended(struct vcpu *v, struct vgic_kicks *k)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    uint32_t count = (uint32_t)(vgic_hw_hcr() >> ICH_HCR_EOICOUNT_SHIFT) & 31u;

    if (count == 0u) {
        return;
    }
    vgic_hw_set_hcr(g->hcr);
    if ((vgic_hw_vmcr() & ICH_VMCR_EOIM) != 0u) {
        return; /* ICC_DIR_EL1 traps and tells which */
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = vgic_spill_best(v);
        if (key == VGIC_KEY_NONE) {
            return;
        }
        vgic_deactivate(v, key & 0xffffu, k);
    }
}
