/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual CPU interface: ICH_*_EL2 for the hypervisor, ICC_* for the guest. */
#include "model.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define VMCR_EOIM  BIT(9)
#define VMCR_VENG1 BIT(1)

static struct model_cpu *here(void)
{
    return CONTAINER_OF(model_this_cpu, struct model_cpu, cpu);
}

/* ---- the hardware, hypervisor's side ---- */

static uint32_t prebits(const struct model_cpu *c)
{
    return c->options.pribits;
}

uint64_t vgic_hw_vtr(void)
{
    const struct model_options *o = &here()->options;

    return (uint64_t)(o->pribits - 1u) << 29 | (uint64_t)(prebits(here()) - 1u) << 26 | (o->no_tds ? 0u : BIT(19)) |
           (o->lrs - 1u);
}

void model_check(const struct model_cpu *c)
{
    for (uint32_t i = 0; i < c->options.lrs; i++) {
        uint64_t a = c->lr[i];
        if ((a & LR_STATE) == 0u) {
            continue;
        }
        if ((a & LR_HW) != 0u) {
            uint32_t pint = (uint32_t)FIELD(a, 44, 32);
            assert_true((a & LR_STATE) != LR_STATE);
            assert_true(pint >= 16u && (pint < 32u ? (c->phys_active & BIT(pint)) != 0u
                                                   : pint == (uint32_t)a && model_spi_is_active(pint)));
        }
        for (uint32_t j = i + 1u; j < c->options.lrs; j++) {
            assert_false((c->lr[j] & LR_STATE) != 0u && (uint32_t)a == (uint32_t)c->lr[j]);
        }
    }
}

uint64_t vgic_hw_lr(uint32_t n)
{
    assert_true(n < here()->options.lrs);
    here()->lr_reads++;
    return here()->lr[n];
}

void vgic_hw_set_lr(uint32_t n, uint64_t value)
{
    struct model_cpu *c = here();
    uint64_t prio_mask = (0xffu << (8u - c->options.pribits)) & 0xffu;

    assert_true(n < c->options.lrs);
    c->lr_writes++;
    c->lr[n] = (value & ~BITS(55, 48)) | (value & prio_mask << 48);
}

uint64_t vgic_hw_hcr(void)
{
    return here()->hcr;
}
void vgic_hw_set_hcr(uint64_t value)
{
    here()->hcr = value;
}
uint64_t vgic_hw_vmcr(void)
{
    return here()->vmcr;
}
void vgic_hw_set_vmcr(uint64_t value)
{
    here()->vmcr = value;
}
void vgic_hw_set_sre(uint64_t value)
{
    assert_int_equal(value & 1u, 1);
}
uint64_t vgic_hw_elrsr(void)
{
    const struct model_cpu *c = here();
    uint64_t value = 0;

    for (uint32_t i = 0; i < c->options.lrs; i++) {
        bool eoi = (c->lr[i] & LR_HW) == 0u && (c->lr[i] & LR_EOI) != 0u;
        value |= ((c->lr[i] & LR_STATE) == 0u && !eoi) ? BIT(i) : 0u;
    }
    return value;
}
void vgic_hw_deactivate(uint64_t pintid)
{
    assert_true((here()->phys_active & BIT(pintid)) != 0u);
    here()->phys_active &= ~(uint32_t)BIT(pintid);
    here()->deactivations++;
}
static uint32_t aprs(const struct model_cpu *c)
{
    return 1u << (prebits(c) - 5u);
}
void vgic_hw_apr(uint32_t n, uint32_t *ap0, uint32_t *ap1)
{
    assert_true(n < aprs(here()));
    *ap0 = here()->ap0r[n];
    *ap1 = here()->ap1r[n];
}
void vgic_hw_set_apr(uint32_t n, uint32_t ap0, uint32_t ap1)
{
    assert_true(n < aprs(here()));
    here()->ap0r[n] = ap0;
    here()->ap1r[n] = ap1;
}
void vgic_hw_sync(void) {}
bool vgic_hw_line(uint32_t vintid)
{
    return vintid != 27u || (here()->phys_lines & BIT(27)) != 0u;
}

uint32_t model_misr(const struct model_cpu *c)
{
    uint32_t misr = 0;
    bool pending = false;

    for (uint32_t i = 0; i < c->options.lrs; i++) {
        uint64_t lr = c->lr[i];
        misr |= ((lr & LR_STATE) == 0u && (lr & LR_HW) == 0u && (lr & LR_EOI) != 0u) ? 1u : 0u;
        pending = pending || (lr & LR_STATE) == LR_PENDING;
    }
    misr |= ((c->hcr & ICH_HCR_LRENPIE) != 0u && (c->hcr >> ICH_HCR_EOICOUNT_SHIFT) != 0u) ? 4u : 0u;
    misr |= ((c->hcr & ICH_HCR_NPIE) != 0u && !pending) ? 8u : 0u;
    return ((c->hcr & ICH_HCR_EN) != 0u) ? misr : 0u;
}

/* ---- the guest's side ---- */

static struct model_cpu *guest(struct vcpu *v)
{
    struct model_cpu *c = model_enter(v);

    assert_ptr_equal(c->cpu.arch.loaded, v);
    return c;
}

static uint32_t highest_active(const struct model_cpu *c)
{
    for (uint32_t i = 0; i < aprs(c); i++) {
        uint32_t bits = c->ap1r[i] | c->ap0r[i];
        if (bits != 0u) {
            return (i * 32u + (uint32_t)__builtin_ctz(bits)) << (8u - prebits(c));
        }
    }
    return 0x100u;
}

uint32_t guest_group_priority(struct vcpu *v, uint32_t priority)
{
    /* VBPR1 is 0 in these tests: the smallest, so all preemption bits count. */
    return priority & (0xffu << (8u - prebits(model_cpu_of(v)))) & 0xffu;
}

/* The list register that would be taken now; 16 = none.  Of equals the one with the lowest INTID. */
static uint32_t best_pending(struct vcpu *v, const struct model_cpu *c)
{
    uint32_t best = 16;

    model_check(c);
    if ((c->hcr & ICH_HCR_EN) == 0u) {
        return 16;
    }
    for (uint32_t i = 0; i < c->options.lrs; i++) {
        uint64_t lr = c->lr[i];
        if ((lr & LR_STATE) != LR_PENDING || (lr & LR_GROUP1) == 0u || (c->vmcr & VMCR_VENG1) == 0u) {
            continue;
        }
        if (best == 16u || LR_PRIO(lr) < LR_PRIO(c->lr[best]) ||
            (LR_PRIO(lr) == LR_PRIO(c->lr[best]) && (uint32_t)lr < (uint32_t)c->lr[best])) {
            best = i;
        }
    }
    if (best == 16u || LR_PRIO(c->lr[best]) >= (c->vmcr >> 24) ||
        guest_group_priority(v, LR_PRIO(c->lr[best])) >= highest_active(c)) {
        return 16;
    }
    return best;
}

uint32_t guest_hppir(struct vcpu *v)
{
    struct model_cpu *c = guest(v);
    uint32_t i = best_pending(v, c);

    return (i == 16u) ? SPURIOUS : (uint32_t)c->lr[i];
}

uint32_t guest_iar(struct vcpu *v)
{
    struct model_cpu *c = guest(v);
    uint32_t i = best_pending(v, c);
    uint32_t level;

    if (i == 16u) {
        return SPURIOUS;
    }
    level = guest_group_priority(v, LR_PRIO(c->lr[i])) >> (8u - prebits(c));
    c->ap1r[level / 32u] |= 1u << (level % 32u);
    c->lr[i] = (c->lr[i] & ~LR_STATE) | LR_ACTIVE;
    return (uint32_t)c->lr[i];
}

static void deactivate(struct model_cpu *c, uint32_t intid)
{
    for (uint32_t i = 0; i < c->options.lrs; i++) {
        if ((c->lr[i] & LR_ACTIVE) != 0u && (uint32_t)c->lr[i] == intid) {
            c->lr[i] &= ~LR_ACTIVE;
            if ((c->lr[i] & LR_HW) != 0u) {
                uint32_t pint = (uint32_t)FIELD(c->lr[i], 44, 32);
                if (pint < 32u) {
                    c->phys_active &= ~(uint32_t)BIT(pint);
                } else {
                    model_spi_end(pint);
                }
            }
            return;
        }
    }
    c->hcr += BIT(ICH_HCR_EOICOUNT_SHIFT);
}

void guest_eoir(struct vcpu *v, uint32_t intid)
{
    struct model_cpu *c = guest(v);

    for (uint32_t i = 0; i < aprs(c); i++) {
        if (c->ap1r[i] != 0u) {
            c->ap1r[i] &= c->ap1r[i] - 1u;
            if ((c->vmcr & VMCR_EOIM) == 0u) {
                deactivate(c, intid);
            }
            return;
        }
    }
    fail_msg("EOI of %u without an active priority", intid);
}

void guest_dir(struct vcpu *v, uint32_t intid)
{
    struct model_cpu *c = guest(v);

    if ((c->hcr & ICH_HCR_TDIR) != 0u) {
        vgic_write_dir(v, intid);
    } else if ((c->vmcr & VMCR_EOIM) != 0u) {
        deactivate(c, intid);
    }
}

void guest_set_pmr(struct vcpu *v, uint8_t mask)
{
    struct model_cpu *c = guest(v);

    c->vmcr = (c->vmcr & ~BITS(31, 24)) | (uint64_t)mask << 24;
}

void guest_set_eoimode(struct vcpu *v, bool split)
{
    struct model_cpu *c = guest(v);

    c->vmcr = split ? c->vmcr | VMCR_EOIM : c->vmcr & ~VMCR_EOIM;
}

void guest_enable(struct vcpu *v, bool on)
{
    struct model_cpu *c = guest(v);

    c->vmcr = on ? c->vmcr | VMCR_VENG1 : c->vmcr & ~VMCR_VENG1;
}

uint32_t guest_running_priority(struct vcpu *v)
{
    return highest_active(guest(v));
}
