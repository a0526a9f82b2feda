/* SPDX-License-Identifier: Apache-2.0 */
/* SMC Calling Convention, both sides: PSCI 1.1 and architecture services for guests; the firmware's PSCI for ourselves.
 * [impl->dsn~psci~1] */
#include "arch/arm64/early.h"
#include "arch/arm64/platform.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/trap.h"
#include "core/upcall.h"

#include <xen/sched.h>

#define SMCCC_VERSION       0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_WORKAROUND_1  0x80008000u
#define SMCCC_WORKAROUND_2  0x80007fffu
#define SMCCC_WORKAROUND_3  0x80003fffu
#define SMCCC_NOT_SUPPORTED UINT64_MAX
#define SMCCC_NOT_REQUIRED  1u

#define SMCCC_64 0x40000000u /* the 64-bit form of a function */

#define PSCI_VERSION       0x84000000u
#define PSCI_CPU_SUSPEND   0x84000001u
#define PSCI_CPU_OFF       0x84000002u
#define PSCI_CPU_ON        0x84000003u
#define PSCI_AFFINITY_INFO 0x84000004u
#define PSCI_MIGRATE_TYPE  0x84000006u
#define PSCI_SYSTEM_OFF    0x84000008u
#define PSCI_SYSTEM_RESET  0x84000009u
#define PSCI_FEATURES      0x8400000au

#define PSCI_1_1             0x10001u
#define PSCI_SUCCESS         0
#define PSCI_NOT_SUPPORTED   (-1)
#define PSCI_INVALID_PARAMS  (-2)
#define PSCI_ALREADY_ON      (-4)
#define PSCI_ON_PENDING      (-5)
#define PSCI_INVALID_ADDRESS (-9)
#define PSCI_NO_MIGRATION    2

/* Xen's hypervisor service calls: its UID, revision. */
#define XEN_CALL_COUNT 0x8600ff00u
#define XEN_CALL_UID   0x8600ff01u
#define XEN_CALL_REV   0x8600ff03u

uint64_t smccc_firmware(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;

    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
                       "x13", "x14", "x15", "x16", "x17", "memory");
    return x0;
}

/* ---- for guests ---- */

/* vCPU index behind an MPIDR-style affinity: Aff0 0..15, Aff1 the rest; UINT64_MAX when it cannot be one of ours. */
static uint64_t vcpu_index(uint64_t affinity)
{
    return ((affinity & ~UINT64_C(0xff0f)) != 0u) ? UINT64_MAX : (FIELD(affinity, 15, 8) << 4) | (affinity & 0xfu);
}

static NOINLINE int64_t psci_cpu_on(struct vcpu *v, uint64_t target, uint64_t entry, uint64_t context)
{
    if (!IS_ALIGNED(entry, 4u) || arch_stage2_get(v->domain, gaddr_to_gfn(GADDR(entry))).mapping == MAPPING_NONE) {
        return PSCI_INVALID_ADDRESS; /* nothing is there to execute */
    }
    switch (vcpu_power_on(v, vcpu_index(target), entry, context)) {
    case OK:
        return PSCI_SUCCESS;
    case ERR_EXIST:
        return PSCI_ALREADY_ON;
    case ERR_AGAIN:
        return PSCI_ON_PENDING;
    default:
        return PSCI_INVALID_PARAMS;
    }
}

static NOINLINE int64_t psci_affinity_info(const struct vcpu *v, uint64_t target, uint64_t level)
{
    uint64_t index = vcpu_index(target);

    if (level != 0u || index >= v->domain->max_vcpus) {
        return PSCI_INVALID_PARAMS;
    }
    index = index_nospec(index, v->domain->max_vcpus);
    return (int64_t)__atomic_load_n(&v->domain->vcpus[index]->power, __ATOMIC_ACQUIRE);
}

/* By the function's number: those there are, and those of them that have a 64-bit form. */
#define PSCI_BIT(function) (1u << ((function) & 0x1fu))
#define PSCI_WIDE          (PSCI_BIT(PSCI_CPU_SUSPEND) | PSCI_BIT(PSCI_CPU_ON) | PSCI_BIT(PSCI_AFFINITY_INFO))
#define PSCI_ALL                                                                                                       \
    (PSCI_WIDE | PSCI_BIT(PSCI_VERSION) | PSCI_BIT(PSCI_CPU_OFF) | PSCI_BIT(PSCI_MIGRATE_TYPE) |                       \
     PSCI_BIT(PSCI_SYSTEM_OFF) | PSCI_BIT(PSCI_SYSTEM_RESET) | PSCI_BIT(PSCI_FEATURES))

static int64_t psci_features(uint32_t function)
{
    bool wide = (function & SMCCC_64) != 0u;
    uint32_t n = (function & ~SMCCC_64) - PSCI_VERSION;

    return (function == SMCCC_VERSION || (n < 32u && (((wide ? PSCI_WIDE : PSCI_ALL) >> n) & 1u) != 0u))
               ? PSCI_SUCCESS
               : PSCI_NOT_SUPPORTED;
}

/* Is a workaround needed, and given?  The firmware knows; a CPU that is immune by CSV2/CSV3 needs none. */
static uint64_t arch_features(uint64_t function)
{
    switch (function) {
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES:
        return 0;
    case SMCCC_WORKAROUND_1:
        return (FIELD(read_sysreg(id_aa64pfr0_el1), 59, 56) != 0u) ? SMCCC_NOT_REQUIRED : SMCCC_NOT_SUPPORTED;
    case SMCCC_WORKAROUND_2:
        return (FIELD(read_sysreg(id_aa64pfr1_el1), 7, 4) != 0u) ? SMCCC_NOT_REQUIRED : SMCCC_NOT_SUPPORTED;
    default:
        return SMCCC_NOT_SUPPORTED;
    }
}

/* Arch and hypervisor services: what the guest finds in x0. */
static NOINLINE uint64_t service_call(uint64_t *x, uint32_t function)
{
    switch (function) {
    case SMCCC_VERSION:
        return PSCI_1_1; /* SMCCC 1.1 */
    case SMCCC_ARCH_FEATURES:
        return arch_features((uint32_t)x[1]);
    case XEN_CALL_COUNT:
        return 3;
    case XEN_CALL_UID: /* XEN_SMCCC_UID of xen/arch-arm/smccc.h, its bytes in four little-endian words */
        x[1] = 0x694398c6u;
        x[2] = 0xd179cf9au;
        x[3] = 0x67e6de8du;
        return 0xdc1218a7u;
    case XEN_CALL_REV:
        x[1] = 1;
        return 0;
    default:
        return SMCCC_NOT_SUPPORTED;
    }
}

/* What the guest finds in x0; nothing if it is off by then. */
static uint64_t call(struct vcpu *v, uint64_t *x)
{
    uint32_t function = (uint32_t)x[0];
    bool wide = (function & SMCCC_64) != 0u;
    uint64_t target = wide ? x[1] : (uint32_t)x[1];

    switch (function) {
    case PSCI_VERSION:
        return PSCI_1_1;
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_SUSPEND | SMCCC_64: /* every state is entered as standby */
        vcpu_block(v);
        return PSCI_SUCCESS;
    case PSCI_CPU_OFF:
        vcpu_power_off(v);
        return x[0];
    case PSCI_CPU_ON:
    case PSCI_CPU_ON | SMCCC_64:
        return (uint64_t)psci_cpu_on(v, target, wide ? x[2] : (uint32_t)x[2], wide ? x[3] : (uint32_t)x[3]);
    case PSCI_AFFINITY_INFO:
    case PSCI_AFFINITY_INFO | SMCCC_64:
        return (uint64_t)psci_affinity_info(v, target, x[2]);
    case PSCI_MIGRATE_TYPE:
        return PSCI_NO_MIGRATION;
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
        upcall_shutdown(v, (function == PSCI_SYSTEM_OFF) ? SHUTDOWN_poweroff : SHUTDOWN_reboot);
        return x[0];
    case PSCI_FEATURES:
        return (uint64_t)psci_features((uint32_t)x[1]);
    default:
        return service_call(x, function);
    }
}

void smccc_call(struct vcpu *v)
{
    v->arch.x[0] = call(v, v->arch.x);
}

/* ---- for ourselves ---- */

extern char secondary_entry[], image_head[], image_start[];

err_t arch_cpu_start(uint32_t id)
{
    uint64_t entry = early_info.load + (uint64_t)(secondary_entry - image_start);

    if (board->psci_conduit != BOARD_CONDUIT_SMC) {
        return ERR_NODEV;
    }
    return ((int64_t)smccc_firmware(PSCI_CPU_ON | SMCCC_64, board->mpidr[id], entry, id) == PSCI_SUCCESS) ? OK
                                                                                                          : ERR_NODEV;
}

NORETURN void arch_halt(void)
{
    for (;;) {
        __asm__ volatile("wfi"); /* interrupts are masked: nothing is taken any more */
    }
}

NORETURN void arch_reset(void)
{
    (void)smccc_firmware(PSCI_SYSTEM_RESET, 0, 0, 0);
    arch_halt();
}

NORETURN void arch_power_off(void)
{
    (void)smccc_firmware(PSCI_SYSTEM_OFF, 0, 0, 0);
    arch_halt();
}
