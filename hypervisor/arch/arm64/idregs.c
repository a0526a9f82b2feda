/* SPDX-License-Identifier: Apache-2.0 */
/* ID registers as a guest sees them: the CPU's, less what Bulkhead does not offer.
 * Every field that is not listed reads as zero.  [impl->dsn~id-registers~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/sysreg.h"

#define F(hi, lo)     BITS(hi, lo)
#define REG(crm, op2) ((crm) * 8u + (op2))

/* What a guest may see; a register that is not listed is hidden altogether. */
static const uint64_t visible[64] = {
    /* AArch32 (EL0 only) */
    [REG(1, 0)] = UINT64_MAX,
    [REG(1, 1)] = UINT64_MAX,
    [REG(1, 2)] = F(11, 0) | F(27, 24),
    [REG(1, 4)... REG(3, 2)] = UINT64_MAX,
    [REG(3, 4)] = UINT64_MAX,
    /* ID_AA64PFR0: EL0, EL1, FP, AdvSIMD, GIC, DIT, CSV2, CSV3 */
    [REG(4, 0)] = F(7, 0) | F(27, 16) | F(51, 48) | F(63, 56),
    /* ID_AA64PFR1: BT, SSBS */
    [REG(4, 1)] = F(7, 0),
    /* ID_AA64DFR0: DebugVer, PMUVer, BRPs, WRPs, CTX_CMPs, DoubleLock */
    [REG(5, 0)] = F(3, 0) | F(15, 8) | F(15, 12) | F(23, 20) | F(31, 28) | F(39, 36),
    /* ID_AA64ISAR0: all but TME */
    [REG(6, 0)] = UINT64_MAX & ~F(27, 24),
    /* ID_AA64ISAR1: all but LS64, XS */
    [REG(6, 1)] = F(55, 0),
    /* ID_AA64ISAR2: RPRES, GPA3, APA3, PAC_frac, CLRBHB */
    [REG(6, 2)] = F(15, 4) | F(27, 24) | F(31, 28),
    /* ID_AA64MMFR0: PARange, ASIDBits, BigEnd, SNSMem, BigEndEL0, TGran16, TGran64, TGran4 */
    [REG(7, 0)] = F(31, 0),
    /* ID_AA64MMFR1: HAFDBS, HPDS, PAN, ETS */
    [REG(7, 1)] = F(3, 0) | F(15, 12) | F(23, 20) | F(39, 36),
    /* ID_AA64MMFR2: CnP, UAO, LSM, VARange, CCIDX, ST, AT, IDS, TTL, BBM, E0PD */
    [REG(7, 2)] = F(11, 0) | F(23, 16) | F(39, 28) | F(55, 48) | F(63, 60),
};

static uint64_t guest_id[64]; /* const after init: those of the boot CPU; the CPUs of a board are alike */

#define READ_ROW(m)                                                                                                    \
    guest_id[REG(m, 0)] = read_sysreg(s3_0_c0_c##m##_0);                                                               \
    guest_id[REG(m, 1)] = read_sysreg(s3_0_c0_c##m##_1);                                                               \
    guest_id[REG(m, 2)] = read_sysreg(s3_0_c0_c##m##_2);                                                               \
    guest_id[REG(m, 3)] = read_sysreg(s3_0_c0_c##m##_3);                                                               \
    guest_id[REG(m, 4)] = read_sysreg(s3_0_c0_c##m##_4);                                                               \
    guest_id[REG(m, 5)] = read_sysreg(s3_0_c0_c##m##_5);                                                               \
    guest_id[REG(m, 6)] = read_sysreg(s3_0_c0_c##m##_6);                                                               \
    guest_id[REG(m, 7)] = read_sysreg(s3_0_c0_c##m##_7)

static void set_field(uint32_t reg, uint32_t lo, uint64_t value)
{
    guest_id[reg] = (guest_id[reg] & ~(UINT64_C(0xf) << lo)) | (value << lo);
}

static void limit_field(uint32_t reg, uint32_t lo, uint64_t max)
{
    if (((guest_id[reg] >> lo) & 0xfu) > max) {
        set_field(reg, lo, max);
    }
}

void idregs_init(void)
{
    READ_ROW(1);
    READ_ROW(2);
    READ_ROW(3);
    READ_ROW(4);
    READ_ROW(5);
    READ_ROW(6);
    READ_ROW(7);
    for (uint32_t i = 0; i < 64u; i++) {
        guest_id[i] &= visible[i];
    }
    set_field(REG(4, 0), 4, 1);    /* EL1 is AArch64 only */
    limit_field(REG(4, 0), 56, 1); /* CSV2: no SCXTNUM */
    if ((guest_id[REG(5, 0)] & F(11, 8)) == F(11, 8)) {
        set_field(REG(5, 0), 8, 0); /* an IMPLEMENTATION DEFINED PMU is none */
    }
    limit_field(REG(5, 0), 8, 5); /* PMUv3 for Armv8.4 */
    limit_field(REG(7, 0), 0, 5); /* PARange: what stage 2 takes */
}

uint64_t idregs_read(uint32_t crm, uint32_t op2)
{
    return guest_id[REG(crm & 7u, op2 & 7u)];
}

bool idregs_has_pauth(void)
{
    return (guest_id[REG(6, 1)] & (F(11, 4) | F(31, 24))) != 0u || (guest_id[REG(6, 2)] & F(15, 8)) != 0u;
}
