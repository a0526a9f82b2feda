/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/trap.h"
#include "arch/arm64/context.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/panic.h"
#include "arch/arm64/platform.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/vgic.h"
#include "arch/arm64/vuart.h"
#include "arch/arm64/watchdog.h"
#include "core/upcall.h"

#include <xen/xen.h>

/* Data abort syndrome. */
#define ISS_BIT_ISV   BIT(24)
#define ISS_BIT_S1PTW BIT(7)
#define ISS_FSC_CLASS 0x3cu
#define ISS_SAS(esr)  FIELD(esr, 23, 22)
#define ISS_SSE(esr)  (((esr) & BIT(21)) != 0u)
#define ISS_SRT(esr)  FIELD(esr, 20, 16)
#define ISS_SF(esr)   (((esr) & BIT(15)) != 0u)
#define VECTORS_SIZE  0x800u
#define ISS_WNR(esr)  (((esr) & BIT(6)) != 0u)

static uint64_t get_x(const struct vcpu *v, uint64_t r)
{
    return (r < 31u) ? v->arch.x[r] : 0u;
}

/* HVC #0xEA1 is a hypercall and does not get here: entry.S calls upcall_hypercall(). */
static void trap_hvc(struct vcpu *v, uint64_t esr)
{
    if ((esr & 0xffffu) == 0u) {
        smccc_call(v);
    } else {
        v->arch.pc -= 4u;
        context_inject_undefined(v);
    }
}

/* ---- memory ---- */

static bool mmio_dispatch(struct vcpu *v, uint64_t ipa, struct mmio *m)
{
    const struct arch_domain *a = &v->domain->arch;

    if (ipa - a->gicd < GUEST_GICV3_GICD_SIZE) {
        m->offset = ipa - a->gicd;
        return vgic_gicd_access(v, m);
    }
    if (ipa - a->gicr < v->domain->max_vcpus * LAUNCH_GICR_STRIDE) {
        m->offset = ipa - a->gicr;
        return vgic_gicr_access(v, m);
    }
    if (a->has_vuart && ipa - a->uart < GUEST_PL011_SIZE) {
        m->offset = ipa - a->uart;
        return vuart_access(v, m);
    }
    return false;
}

static uint64_t sign_extend(uint64_t value, uint32_t size, bool to_64)
{
    uint32_t shift = 64u - size * 8u;
    uint64_t wide = (uint64_t)((int64_t)(value << shift) >> shift);

    return to_64 ? wide : (uint32_t)wide;
}

/* What the guest gets for an access that the device has answered. */
static void finish(struct vcpu *v, uint64_t esr, const struct mmio *m)
{
    uint64_t r = ISS_SRT(esr);

    if (UNLIKELY(m->again)) {
        return; /* no answer yet: the guest makes the access again */
    }
    v->arch.pc += 4u;
    if (!m->write && r < 31u) {
        v->arch.x[r] = LIKELY(!ISS_SSE(esr)) ? m->value : sign_extend(m->value, m->size, ISS_SF(esr));
    }
}

/* The access at ipa as its device sees it: zero-extended to what the instruction transfers. */
static uint64_t written(const struct vcpu *v, uint64_t esr)
{
    uint32_t unused = 64u - (8u << ISS_SAS(esr)); /* bits */

    return (get_x(v, ISS_SRT(esr)) << unused) >> unused;
}

static uint64_t faulting_ipa(void)
{
    return (FIELD(read_sysreg(hpfar_el2), 43, 4) << PAGE_SHIFT) | (read_sysreg(far_el2) & PAGE_MASK);
}

/* The entry was changed between breaking and making it anew (a mapping redirected, a block split by another CPU): the
 * guest makes its access again.  Translation faults only: others do not come from there, nor tell their address. */
static bool is_there_now(struct vcpu *v, uint64_t esr)
{
    struct domain *d = v->domain;
    struct stage2_entry e;

    if ((esr & ISS_FSC_CLASS) != FSC_TRANSLATION) {
        return false;
    }
    e = LOCKED(&d->physmap_lock, arch_stage2_get(d, gaddr_to_gfn(GADDR(faulting_ipa()))));
    return e.mapping != MAPPING_NONE;
}

/* The guest cannot fetch its fault handler: the abort would be answered by the next one, for ever. */
static bool is_at_vector(const struct vcpu *v, uint64_t esr)
{
    return ESR_EC(esr) == EC_IABT_LOW && v->arch.pc - read_sysreg(vbar_el1) < VECTORS_SIZE;
}

/* Nothing is there, or the guest may not: an external abort. */
COLD static NOINLINE void abort_guest(struct vcpu *v, uint64_t esr)
{
    if (is_there_now(v, esr)) {
        return;
    }
    upcall_guest_fault(v, is_at_vector(v, esr) ? FAULT_DOUBLE : FAULT_STAGE2, esr, faulting_ipa());
    context_inject_external(v, esr, read_sysreg(far_el2));
}

void trap_data_abort(struct vcpu *v, uint64_t esr)
{
    struct mmio m;

    /* Translation fault of a plain load or store (ISV 1), not of a table walk: an emulated register, or nothing. */
    if (LIKELY((esr & (ISS_BIT_ISV | ISS_BIT_S1PTW | ISS_FSC_CLASS)) == (ISS_BIT_ISV | FSC_TRANSLATION))) {
        m.size = 1u << ISS_SAS(esr);
        m.write = ISS_WNR(esr);
        m.again = false;
        m.value = m.write ? written(v, esr) : 0u;
        if (LIKELY(mmio_dispatch(v, faulting_ipa(), &m))) {
            finish(v, esr, &m);
            return;
        }
    }
    abort_guest(v, esr);
}

/* ---- the rest ---- */

static void trap_wfx(struct vcpu *v, uint64_t esr)
{
    v->arch.pc += 4u;
    if ((esr & 1u) == 0u) { /* WFI */
        vcpu_block(v);
    } else {
        vcpu_yield(v);
    }
}

static void trap_undefined(struct vcpu *v, uint64_t esr)
{
    upcall_guest_fault(v, FAULT_UNDEFINED, esr, v->arch.pc);
    context_inject_undefined(v);
}

/* A trapped SMC has not been executed: pc is its own. */
static void trap_smc(struct vcpu *v, uint64_t esr)
{
    if ((esr & 0xffffu) == 0u) {
        v->arch.pc += 4u;
        smccc_call(v);
    } else {
        trap_undefined(v, esr);
    }
}

void trap_sync(struct vcpu *v, uint64_t esr)
{
    switch (ESR_EC(esr)) { /* but EC_DABT_LOW: entry.S calls trap_data_abort() */
    case EC_HVC64:
        trap_hvc(v, esr);
        break;
    case EC_SYS64:
        trap_sysreg(v, esr);
        break;
    case EC_WFX:
        trap_wfx(v, esr);
        break;
    case EC_SMC64:
        trap_smc(v, esr);
        break;
    case EC_IABT_LOW:
        abort_guest(v, esr);
        break;
    case EC_ILLEGAL:
        upcall_guest_fault(v, FAULT_ILLEGAL, esr, v->arch.pc);
        break;
    default:
        trap_undefined(v, esr);
        break;
    }
}

/* ---- interrupts ---- */

static void take_timer(struct cpu *cpu, struct vcpu *v, uint32_t intid)
{
    if (intid == board->timer_virt_ppi && v != NULL) {
        vtimer_interrupt(v, intid);
        return; /* the guest deactivates */
    }
    if (intid == board->pmu_ppi && intid != 0u && v != NULL) {
        vgic_pend_hw(v, LAUNCH_PMU_PPI, intid);
        vcpu_wake(v);
        return;
    }
    if (intid == board->timer_hyp_ppi) {
        watchdog_serve(cpu);
        upcall_timer(cpu);
    } else if (intid == board->maintenance_ppi && v != NULL) {
        vgic_maintenance(v);
    }
    gic_deactivate(intid);
}

static void take_one(struct cpu *cpu, struct vcpu *v, uint32_t intid)
{
    gic_priority_drop(intid);
    if (intid >= 16u && intid < 32u) {
        take_timer(cpu, v, intid);
        return;
    }
    if (intid == GIC_SGI_KICK) {
        if (__atomic_load_n(&panic_cpu_plus_one, __ATOMIC_ACQUIRE) != 0u) {
            arch_halt();
        }
        upcall_kick(cpu);
    } else if (intid == board->uart_irq) {
        uart_interrupt();
    } else if (intid >= 32u && upcall_device_interrupt(intid)) {
        return; /* the guest deactivates */
    }
    gic_deactivate(intid); /* anything else: spurious for us, and masked */
}

void irq_take(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();

    for (uint32_t i = 0; i < 16u; i++) { /* bound: then the guest runs, and we come back */
        uint32_t intid = gic_acknowledge();
        if (intid >= GIC_INTID_NONE) {
            return;
        }
        take_one(cpu, v, intid);
    }
}

/* Cold: entry.S calls it while this CPU is traced.
 * [impl->dsn~trace-ring~1] */
struct vcpu *trap_trace(struct vcpu *v, uint64_t esr, bool irq)
{
    struct cpu *cpu = this_cpu();
    uint32_t value = (uint32_t)esr;
    enum bulkhead_trace_kind kind = BULKHEAD_TRACE_TRAP;

    if (irq) {
        kind = BULKHEAD_TRACE_INTERRUPT;
        value = gic_next();
    } else if (value == ESR_HYPERCALL) {
        kind = BULKHEAD_TRACE_HYPERCALL;
        value = (uint32_t)(v->arch.x[0] << 8) | (uint8_t)v->arch.x[16];
    } else { /* the syndrome says it all */
    }
    cpu->work |= CPU_WORK_TRACE;
    upcall_trace(cpu, kind, v, value);
    return v;
}

void trap_serror(struct vcpu *v, uint64_t esr)
{
    upcall_guest_fault(v, FAULT_SERROR, esr, v->arch.pc);
}

void arch_cpu_wait(ticks_t until)
{
    struct cpu *cpu = this_cpu();

    do {
        irq_take(cpu->arch.loaded);
    } while (cpu->work == 0u && arch_ticks() < until);
}

void arch_cpu_idle(void)
{
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
    irq_take(this_cpu()->arch.loaded);
}
