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
    uint64_t mode = pstate & PSTATE_M;

    if ((pstate & PSTATE_A32) != 0u) {
        return VECTOR_LOW32;
    }
    return (mode == PSTATE_EL1H) ? VECTOR_SPX : (mode == PSTATE_EL1T) ? VECTOR_SP0 : VECTOR_LOW64;
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

/* The level of the guest's own table walk that met a table at ipa.  The syndrome holds the level of stage 2 instead, so the
 * walk is made again in software as far as that table.  Bound: 4 descriptors. */
static uint64_t walk_level(const struct vcpu *v, uint64_t va, uint64_t ipa)
{
    static const uint8_t tg0_shift[] = {12, 16, 14, 12}, tg1_shift[] = {12, 14, 12, 16};
    bool high = (va >> 63) != 0u;
    uint64_t tcr = read_sysreg(tcr_el1);
    uint64_t table = (high ? read_sysreg(ttbr1_el1) : read_sysreg(ttbr0_el1)) & BITS(47, 1);
    uint32_t granule = high ? tg1_shift[FIELD(tcr, 31, 30)] : tg0_shift[FIELD(tcr, 15, 14)];
    uint32_t bits = 64u - (uint32_t)(high ? FIELD(tcr, 21, 16) : FIELD(tcr, 5, 0));
    uint32_t stride = granule - 3u;
    uint32_t level;

    if (bits > 48u || bits <= granule) {
        return 0; /* no size that the CPU offers */
    }
    level = 4u - (bits - granule + stride - 1u) / stride;
    for (; level < 3u; level++) {
        uint32_t shift = granule + stride * (3u - level);
        uint64_t index = (va & (BIT(bits) - 1u)) >> shift;
        uint64_t at = table + ((index & (BIT(stride) - 1u)) << 3);
        struct stage2_entry e = arch_stage2_get(v->domain, gaddr_to_gfn(GADDR(at)));
        if ((at >> PAGE_SHIFT) == (ipa >> PAGE_SHIFT) || e.mapping != MAPPING_RAM) {
            break;
        }
        table = *(const uint64_t *)(const void *)((const char *)arch_map_frame(e.mfn) + (at & PAGE_MASK)) &
                BITS(47, granule);
    }
    return level & 3u;
}

static uint64_t external_status(struct vcpu *v, uint64_t esr, uint64_t far)
{
    uint64_t level;

    if ((esr & BIT(7)) == 0u) { /* S1PTW */
        return FSC_EXTERNAL;
    }
    level = LOCKED(&v->domain->physmap_lock, walk_level(v, far, FIELD(read_sysreg(hpfar_el2), 43, 4) << PAGE_SHIFT));
    return FSC_EXTERNAL_WALK | level;
}

void context_inject_external(struct vcpu *v, uint64_t esr, uint64_t far)
{
    bool same = (v->arch.pstate & (PSTATE_A32 | 0xcu)) == 0x4u; /* from EL1 */
    bool fetch = ESR_EC(esr) == EC_IABT_LOW;
    uint64_t class = fetch ? (same ? EC_IABT_SAME : EC_IABT_LOW) : (same ? EC_DABT_SAME : EC_DABT_LOW);
    uint64_t status = external_status(v, esr, far);
    uint64_t iss = status | (esr & (BIT(6) | BIT(8))); /* WnR, CM */

    context_inject(v, (class << 26) | (fetch ? ESR_IL : (esr & ESR_IL)) | (fetch ? status : iss), true, far);
}
