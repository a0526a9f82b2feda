/* SPDX-License-Identifier: Apache-2.0 */
/* Shared interrupts of a domain that stand for those of the board (`bound`): while the physical one is active on their
 * behalf (`hw`), it is the guest's end that deactivates it.
 * [impl->dsn~vgic-physical~1] */
#include "arch/arm64/vgic_internal.h"
#include "arch/arm64/vuart.h"

uint32_t vgic_phys_lines(struct vgic_irqs *irqs, uint32_t word)
{
    uint32_t lines = irqs->bound & ~irqs->edge;
    uint32_t flight = lines & irqs->hw;

    if (lines != 0u) {
        lines &= gic_spi_lines(word);
        irqs->level = (irqs->level & ~flight) | (lines & flight);
    }
    return lines;
}

void vgic_phys_follow(struct domain *d, uint32_t word, uint32_t mask)
{
    const struct vgic_spis *s = vgic_spis_at(d, word);

    for (uint32_t m = mask & s->irqs.bound; m != 0u; m &= m - 1u) {
        uint32_t n = (uint32_t)__builtin_ctz(m);
        const struct vcpu *t = vgic_spi_target(d, s, n);
        uint32_t intid = (word + 1u) * 32u + n;

        t = (t != NULL) ? t : d->vcpus[0];
        if ((s->irqs.enabled & BIT(n)) != 0u) {
            gic_spi_on(intid, (s->irqs.edge & BIT(n)) != 0u, cpu_of(t->home)->arch.mpidr);
        } else {
            gic_spi_off(intid);
        }
    }
}

void vgic_phys_settle(struct vgic_irqs *irqs, uint32_t word, uint32_t mask)
{
    uint32_t done = mask & irqs->hw & ~(vgic_level_pending(irqs) | irqs->active | irqs->held);

    irqs->hw &= ~done;
    irqs->again &= ~done;
    irqs->level &= ~done;
    if (done != 0u) {
        gic_spi_deactivate(word, done);
    }
}

/* The state of intid's word; NULL = d has no such interrupt. */
static struct vgic_irqs *find(const struct domain *d, uint32_t intid)
{
    uint32_t word = intid / 32u - 1u;

    return (word < d->arch.vgic.words) ? &vgic_spis_at(d, word)->irqs : NULL;
}

err_t arch_spi_bind(struct domain *d, uint32_t intid)
{
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    struct vgic_irqs *irqs = find(d, intid);

    if (irqs == NULL || (d->arch.has_vuart && intid == VUART_SPI)) {
        return ERR_INVAL;
    }
    spin_lock(&d->arch.vgic.lock);
    irqs->bound |= bit;
    vgic_phys_follow(d, intid / 32u - 1u, bit);
    spin_unlock(&d->arch.vgic.lock);
    return OK;
}

err_t arch_spi_unbind(struct domain *d, uint32_t intid)
{
    struct vgic_kicks k = {.withdrawn = false};
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    struct vgic_irqs *irqs = find(d, intid);
    err_t err = OK;

    if (irqs == NULL) {
        return OK;
    }
    spin_lock(&d->arch.vgic.lock);
    if ((irqs->held & irqs->bound & bit) != 0u) {
        err = ERR_BUSY;
    } else if ((irqs->bound & bit) != 0u) {
        gic_spi_release(intid);
        irqs->level &= ~(irqs->hw & bit);
        irqs->bound &= ~bit;
        irqs->hw &= ~bit;
        irqs->again &= ~bit;
    }
    vgic_spi_update(d, intid / 32u - 1u, bit, &k);
    vgic_commit(d, &k);
    return err;
}

void arch_spi_mute(uint32_t intid)
{
    gic_spi_off(intid);
}

void arch_spi_raise(struct domain *d, uint32_t intid)
{
    struct vgic_kicks k = {.withdrawn = false};
    uint32_t word = intid / 32u - 1u;
    uint32_t bit = (uint32_t)BIT(intid % 32u);
    struct vgic_irqs *irqs = find(d, intid);

    if (irqs == NULL) {
        gic_spi_deactivate(word, bit);
        return;
    }
    spin_lock(&d->arch.vgic.lock);
    if ((irqs->bound & bit) == 0u) {
        gic_spi_deactivate(word, bit);
    } else {
        irqs->again |= irqs->hw & bit;
        irqs->hw |= bit;
        irqs->pending |= irqs->edge & bit;
        irqs->level |= bit & ~irqs->edge;
        vgic_spi_update(d, word, bit, &k);
    }
    vgic_commit(d, &k);
}
