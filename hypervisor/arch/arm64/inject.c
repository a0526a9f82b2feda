/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions that the hypervisor delivers to EL1 as the CPU would have.
 * [impl->dsn~inject-exception~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/sysreg.h"
#include "core/upcall.h"

#define SCTLR_SPAN   BIT(23)
#define SCTLR_DSSBS  BIT(44)
#define VECTOR_SP0   0x000u
#define VECTOR_SPX   0x200u
#define VECTOR_LOW64 0x400u
#define VECTOR_LOW32 0x600u

static uint64_t vector_offset(uint64_t pstate)
{
    if ((pstate & PSTATE_A32) != 0u) {
        return VECTOR_LOW32;
    }
    switch (pstate & PSTATE_M) {
    case PSTATE_EL1H:
        return VECTOR_SPX;
    case PSTATE_EL1T:
        return VECTOR_SP0;
    default:
        return VECTOR_LOW64;
    }
}

void context_inject(struct vcpu *v, uint64_t esr, bool set_far, uint64_t far)
{
    uint64_t old = v->arch.pstate;
    uint64_t sctlr = read_sysreg(sctlr_el1);
    uint64_t pstate = PSTATE_EL1H | PSTATE_DAIF | (old & (PSTATE_PAN | BITS(31, 28) | BIT(24) /* DIT */));

    if ((sctlr & SCTLR_SPAN) == 0u && (idregs_read(7, 1) & BITS(23, 20)) != 0u) {
        pstate |= PSTATE_PAN;
    }
    if ((sctlr & SCTLR_DSSBS) != 0u) {
        pstate |= PSTATE_SSBS;
    }
    write_sysreg(elr_el1, v->arch.pc);
    write_sysreg(spsr_el1, old);
    write_sysreg(esr_el1, esr);
    if (set_far) {
        write_sysreg(far_el1, far);
    }
    v->arch.pc = read_sysreg(vbar_el1) + vector_offset(old);
    v->arch.pstate = pstate;
}

void context_inject_undefined(struct vcpu *v)
{
    context_inject(v, ((uint64_t)EC_UNKNOWN << 26) | ESR_IL, false, 0);
}

void context_inject_external(struct vcpu *v, uint64_t esr, uint64_t far)
{
    bool same = (v->arch.pstate & (PSTATE_A32 | 0xcu)) == 0x4u; /* from EL1 */
    bool fetch = ESR_EC(esr) == EC_IABT_LOW;
    uint64_t class = fetch ? (same ? EC_IABT_SAME : EC_IABT_LOW) : (same ? EC_DABT_SAME : EC_DABT_LOW);
    uint64_t walk = ((esr & BIT(7)) != 0u) ? FSC_EXTERNAL_WALK | (esr & 3u) : FSC_EXTERNAL;
    uint64_t iss = walk | (esr & (BIT(6) | BIT(8))); /* WnR, CM */

    context_inject(v, (class << 26) | (fetch ? ESR_IL : (esr & ESR_IL)) | (fetch ? walk : iss), true, far);
}
