/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 and SMCCC calls by HVC #0. */
#ifndef GUEST_PSCI_H
#define GUEST_PSCI_H

#include <stdint.h>

#define PSCI_VERSION            0x84000000u
#define PSCI_CPU_SUSPEND32      0x84000001u
#define PSCI_CPU_SUSPEND64      0xC4000001u
#define PSCI_CPU_OFF            0x84000002u
#define PSCI_CPU_ON32           0x84000003u
#define PSCI_CPU_ON64           0xC4000003u
#define PSCI_AFFINITY_INFO32    0x84000004u
#define PSCI_AFFINITY_INFO64    0xC4000004u
#define PSCI_MIGRATE64          0xC4000005u
#define PSCI_MIGRATE_TYPE       0x84000006u
#define PSCI_MIGRATE_UP_CPU64   0xC4000007u
#define PSCI_SYSTEM_OFF         0x84000008u
#define PSCI_SYSTEM_RESET       0x84000009u
#define PSCI_FEATURES           0x8400000Au
#define PSCI_SYSTEM_RESET2      0x84000012u
#define SMCCC_VERSION           0x80000000u
#define SMCCC_ARCH_FEATURES     0x80000001u
#define SMCCC_ARCH_WORKAROUND_1 0x80008000u
#define SMCCC_ARCH_WORKAROUND_2 0x80007FFFu
#define SMCCC_ARCH_WORKAROUND_3 0x80003FFFu

#define PSCI_OK              0
#define PSCI_NOT_SUPPORTED   (-1)
#define PSCI_INVALID         (-2)
#define PSCI_DENIED          (-3)
#define PSCI_ALREADY_ON      (-4)
#define PSCI_ON_PENDING      (-5)
#define PSCI_INTERNAL        (-6)
#define PSCI_NOT_PRESENT     (-7)
#define PSCI_DISABLED        (-8)
#define PSCI_INVALID_ADDRESS (-9)

/* One SMCCC call by HVC #0; x1-x3 after the call are lost. */
static inline int64_t psci_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;

    __asm__ volatile("hvc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     :
                     : "memory", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                       "x17");
    return (int64_t)x0;
}

/* PSCI results are 32-bit signed for the 32-bit functions. */
static inline int32_t psci_call32(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return (int32_t)psci_call(function, a1, a2, a3);
}

#endif
