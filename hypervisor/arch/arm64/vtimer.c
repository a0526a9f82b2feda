/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of a vCPU.  Virtual: the hardware's, its interrupt linked by a list register, saved to a software timer while
 * another vCPU has the CPU.  Physical: emulated on a software timer.
 * [impl->dsn~vtimer~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/platform.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/vgic.h"
#include "arch/arm64/watchdog.h"
#include "core/upcall.h"

#include <xen/xen.h>

void vtimer_save(struct cpu *cpu, struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;
    bool in_flight = vgic_hw_in_flight(v, GUEST_TIMER_VIRT_PPI);

    a->cntv_ctl = read_sysreg(cntv_ctl_el0) & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
    a->cntv_cval = read_sysreg(cntv_cval_el0);
    write_sysreg(cntv_ctl_el0, 0);
    isb();
    if (in_flight) {
        gic_set_active(cpu, board->timer_virt_ppi, false);
    } else if (a->cntv_ctl == CNT_CTL_ENABLE) {
        timer_arm(&v->timers[TIMER_VIRT], a->cntv_cval + v->domain->arch.cntvoff);
    }
}

void vtimer_load(struct cpu *cpu, struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;

    timer_cancel(&v->timers[TIMER_VIRT]);
    if (vgic_hw_in_flight(v, GUEST_TIMER_VIRT_PPI)) {
        gic_set_active(cpu, board->timer_virt_ppi, true);
    }
    write_sysreg(cntvoff_el2, v->domain->arch.cntvoff);
    write_sysreg(cntv_cval_el0, a->cntv_cval);
    isb();
    write_sysreg(cntv_ctl_el0, a->cntv_ctl);
}

/* The hardware virtual timer of the vCPU that is loaded (which may be blocked). */
void vtimer_interrupt(struct vcpu *v, uint32_t intid)
{
    vgic_pend_hw(v, GUEST_TIMER_VIRT_PPI, intid);
    vcpu_wake(v);
}

/* The virtual timer of a vCPU that is not loaded would fire. */
bool vtimer_due(const struct vcpu *v)
{
    const struct arch_vcpu *a = &v->arch;

    if (this_cpu()->arch.loaded == v) {
        return false; /* the hardware tells */
    }
    return a->cntv_ctl == CNT_CTL_ENABLE && arch_ticks() - v->domain->arch.cntvoff >= a->cntv_cval &&
           !vgic_hw_in_flight(v, GUEST_TIMER_VIRT_PPI);
}

static bool ptimer_reached(const struct arch_vcpu *a)
{
    return (a->cntp_ctl & CNT_CTL_ENABLE) != 0u && arch_ticks() >= a->cntp_cval;
}

/* The interrupt line follows the condition; the software timer waits for what is to come. */
static void ptimer_update(struct vcpu *v)
{
    struct arch_vcpu *a = &v->arch;
    bool reached = ptimer_reached(a);
    bool enabled = (a->cntp_ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE;

    vgic_set_level(v, GUEST_TIMER_PHYS_NS_PPI, enabled && reached);
    if (enabled && !reached) {
        timer_arm(&v->timers[TIMER_PHYS], a->cntp_cval);
    } else {
        timer_cancel(&v->timers[TIMER_PHYS]);
    }
}

void arch_vcpu_timer(struct vcpu *v, uint32_t kind)
{
    if (kind == TIMER_PHYS) {
        ptimer_update(v);
    }
    vcpu_wake(v); /* TIMER_VIRT: the hardware raises the interrupt once v is loaded */
}

/* CNTP_TVAL_EL0 (op2 0), CNTP_CTL_EL0 (1), CNTP_CVAL_EL0 (2).  false = no such register. */
bool ptimer_access(struct vcpu *v, uint32_t op2, bool write, uint64_t *value)
{
    struct arch_vcpu *a = &v->arch;

    if (op2 > 2u) {
        return false;
    }
    if (!write) {
        *value = (op2 == 0u)   ? (uint32_t)(a->cntp_cval - arch_ticks())
                 : (op2 == 1u) ? a->cntp_ctl | (ptimer_reached(a) ? CNT_CTL_ISTATUS : 0u)
                               : a->cntp_cval;
        return true;
    }
    if (op2 == 0u) {
        a->cntp_cval = arch_ticks() + (uint64_t)(int64_t)(int32_t)(uint32_t)*value;
    } else if (op2 == 1u) {
        a->cntp_ctl = *value & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
    } else {
        a->cntp_cval = *value;
    }
    ptimer_update(v);
    return true;
}

ticks_t arch_ticks(void)
{
    isb();
    return read_sysreg(cntpct_el0);
}

uint64_t arch_ticks_hz(void)
{
    return read_sysreg(cntfrq_el0);
}

void arch_timer_set(ticks_t deadline)
{
    struct cpu *cpu = this_cpu();

    deadline = (deadline < cpu->arch.watchdog_due) ? deadline : cpu->arch.watchdog_due;
    if (deadline == cpu->arch.hyp_deadline) {
        return;
    }
    cpu->arch.hyp_deadline = deadline;
    if (deadline == UINT64_MAX) {
        write_sysreg(cnthp_ctl_el2, 0);
    } else {
        write_sysreg(cnthp_cval_el2, deadline);
        write_sysreg(cnthp_ctl_el2, CNT_CTL_ENABLE);
    }
    isb();
}

void timer_cpu_init(struct cpu *cpu)
{
    cpu->arch.hyp_deadline = UINT64_MAX;
    write_sysreg(cnthp_ctl_el2, 0);
    write_sysreg(cntv_ctl_el0, 0);
    write_sysreg(cntp_ctl_el0, 0);
    isb();
    watchdog_cpu_init(cpu);
    arch_timer_set(UINT64_MAX);
    gic_enable(cpu, board->timer_hyp_ppi);
    gic_enable(cpu, board->timer_virt_ppi);
}
