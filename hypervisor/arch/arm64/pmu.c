/* SPDX-License-Identifier: Apache-2.0 */
/* The PMU of a guest: real counters, switched with the vCPU once it uses them.  Counters do not count at EL2 unless the
 * guest's own filter asks for it.  [impl->dsn~guest-pmu~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/platform.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/vgic.h"
#include "core/upcall.h"

#define MDCR_PMU  (MDCR_TPM | MDCR_TPMCR)
#define PMCR_E    BIT(0)
#define PMCR_KEEP (BIT(0) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7)) /* E, D, X, DP, LC, LP */

static uint32_t pmu_version(void)
{
    uint32_t version = (uint32_t)FIELD(read_sysreg(id_aa64dfr0_el1), 11, 8);

    return (version == 0xfu) ? 0u : version;
}

static uint32_t counters(void)
{
    return (uint32_t)FIELD(read_sysreg(s3_3_c9_c12_0), 15, 11);
}

/* Members of struct pmu_state, and where they are while it is live. */
#define REGISTERS(op)                                                                                                  \
    op(ccntr, s3_3_c9_c13_0) op(ccfiltr, s3_3_c14_c15_7) op(selr, s3_3_c9_c12_5) op(userenr, s3_3_c9_c14_0)            \
        op(ovsset, s3_3_c9_c14_3) op(intenset, s3_0_c9_c14_1) op(cntenset, s3_3_c9_c12_1)
#define SAVE(member, r) s->member = read_sysreg(r);
#define LOAD(member, r) write_sysreg(r, s->member);

void pmu_first_use(struct vcpu *v)
{
    struct pmu_state *s = &v->arch.pmu;
    uint32_t count = counters();

    for (uint32_t i = 0; i < count; i++) { /* bound: 31 */
        write_sysreg(s3_3_c9_c12_5, i);    /* PMSELR */
        isb();
        write_sysreg(s3_3_c9_c13_2, s->evcntr[i]);  /* PMXEVCNTR */
        write_sysreg(s3_3_c9_c13_1, s->evtyper[i]); /* PMXEVTYPER */
    }
    write_sysreg(s3_3_c9_c12_3, UINT32_MAX & ~s->ovsset); /* PMOVSCLR */
    REGISTERS(LOAD)
    write_sysreg(s3_3_c9_c12_0, s->pmcr);
    s->live = true;
    s->used = true;
    v->arch.mdcr &= ~MDCR_PMU;
    write_sysreg(mdcr_el2, v->arch.mdcr);
    isb();
}

/* The physical interrupt's active state goes with the vCPU that has it in flight. */
static void set_in_flight(const struct vcpu *v, bool active)
{
    if (vgic_hw_in_flight(v, LAUNCH_PMU_PPI)) {
        gic_set_active(this_cpu(), board->pmu_ppi, active);
    }
}

void pmu_save(struct vcpu *v)
{
    struct pmu_state *s = &v->arch.pmu;
    uint32_t count;

    if (!s->live) {
        set_in_flight(v, false);
        return;
    }
    s->pmcr = read_sysreg(s3_3_c9_c12_0) & PMCR_KEEP;
    write_sysreg(s3_3_c9_c12_0, s->pmcr & ~PMCR_E);
    isb();
    REGISTERS(SAVE)
    count = counters();
    for (uint32_t i = 0; i < count; i++) { /* bound: 31 */
        write_sysreg(s3_3_c9_c12_5, i);
        isb();
        s->evcntr[i] = read_sysreg(s3_3_c9_c13_2);
        s->evtyper[i] = read_sysreg(s3_3_c9_c13_1);
    }
    write_sysreg(s3_3_c9_c12_2, UINT32_MAX); /* all off: nothing of it runs on under another vCPU */
    write_sysreg(s3_0_c9_c14_2, UINT32_MAX);
    write_sysreg(s3_3_c9_c12_3, UINT32_MAX);
    write_sysreg(s3_3_c9_c14_0, 0);
    set_in_flight(v, false);
    s->live = false;
    v->arch.mdcr |= MDCR_PMU;
}

void pmu_load(struct vcpu *v)
{
    const struct pmu_state *s = &v->arch.pmu;

    if (!s->used) {
        return;
    }
    set_in_flight(v, true);
    if ((s->pmcr & PMCR_E) != 0u || (s->ovsset & s->intenset) != 0u) {
        pmu_first_use(v);
    }
}

void pmu_init(struct vcpu *v)
{
    v->arch.pmu = (struct pmu_state){.live = false};
    v->arch.mdcr &= ~UINT64_C(0x1f);
    v->arch.mdcr |= MDCR_PMU | ((pmu_version() != 0u) ? counters() : 0u); /* HPMN: all counters are the guest's */
    if (pmu_version() >= 4u) {
        v->arch.mdcr |= MDCR_HPMD;
    }
}
