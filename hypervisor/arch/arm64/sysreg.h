/* SPDX-License-Identifier: Apache-2.0 */
/* Access to system registers and the bits that are used of them (Arm ARM, DDI 0487). */
#ifndef ARCH_ARM64_SYSREG_H
#define ARCH_ARM64_SYSREG_H

#include "lib/bits.h"
#include "lib/types.h"

#define read_sysreg(r)                                                                                                 \
    ({                                                                                                                 \
        uint64_t sysreg_value_;                                                                                        \
        __asm__ volatile("mrs %0, " #r : "=r"(sysreg_value_));                                                         \
        sysreg_value_;                                                                                                 \
    })
#define write_sysreg(r, v) __asm__ volatile("msr " #r ", %x0" ::"rZ"((uint64_t)(v)))

static inline void isb(void)
{
    __asm__ volatile("isb" ::: "memory");
}
static inline void dsb_sy(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

#define HCR_VM     BIT(0)
#define HCR_SWIO   BIT(1)
#define HCR_FMO    BIT(3)
#define HCR_IMO    BIT(4)
#define HCR_AMO    BIT(5)
#define HCR_BSU_IS BIT(10)
#define HCR_FB     BIT(9)
#define HCR_TWI    BIT(13)
#define HCR_TID3   BIT(18)
#define HCR_TSC    BIT(19)
#define HCR_TIDCP  BIT(20)
#define HCR_TACR   BIT(21)
#define HCR_RW     BIT(31)
#define HCR_APK    BIT(40)
#define HCR_API    BIT(41)
#define HCR_FWB    BIT(46)

#define MDCR_TPMCR BIT(5)
#define MDCR_TPM   BIT(6)
#define MDCR_TDA   BIT(9)
#define MDCR_TDOSA BIT(10)
#define MDCR_TDRA  BIT(11)
#define MDCR_HPMD  BIT(17)

#define PSTATE_EL1H 0x5u
#define PSTATE_EL1T 0x4u
#define PSTATE_EL0T 0x0u
#define PSTATE_DAIF 0x3c0u
#define PSTATE_M    0xfu
#define PSTATE_A32  BIT(4)
#define PSTATE_PAN  BIT(22)
#define PSTATE_SSBS BIT(12)

#define ESR_EC(esr) FIELD(esr, 31, 26)
#define ESR_IL      BIT(25)

#define ESR_HYPERCALL 0x5a000ea1u /* HVC #0xEA1 */

enum esr_ec {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_ILLEGAL = 0x0e,
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYS64 = 0x18,
    EC_IABT_LOW = 0x20,
    EC_IABT_SAME = 0x21,
    EC_DABT_LOW = 0x24,
    EC_DABT_SAME = 0x25,
    EC_BRK = 0x3c,
};

#define FSC_TRANSLATION   0x04u
#define FSC_EXTERNAL      0x10u
#define FSC_EXTERNAL_WALK 0x14u /* | level */

#define CNT_CTL_ENABLE  BIT(0)
#define CNT_CTL_IMASK   BIT(1)
#define CNT_CTL_ISTATUS BIT(2)

#endif
