/* SPDX-License-Identifier: Apache-2.0 */
/* t_psci: PSCI 1.1 and SMCCC as a guest sees them.  Four vCPUs.
 * [itest->dsn~psci~1] */
#include <guest/cpu.h>
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/platform.h>
#include <guest/psci.h>
#include <guest/sysreg.h>
#include <guest/test.h>
#include <guest/timer.h>

#include "probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PATIENCE_NS  UINT64_C(2000000000)
#define AFFINITY_ON  0
#define AFFINITY_OFF 1
#define MPIDR_NONE   UINT64_C(0xff00ffffff)
#define LAST         (platform.cpu_count - 1)

void psci_entry(void);

/* Written by psci_entry with its MMU off. */
static struct {
    uint64_t current_el, sctlr, daif, spsel, done;
} entered __attribute__((aligned(64)));

static volatile struct {
    uint64_t argument;
    uint64_t mpidr;
    uint32_t runs;
} seen[GUEST_MAX_CPUS];

static int32_t affinity(uint64_t mpidr, uint64_t level)
{
    return psci_call32(PSCI_AFFINITY_INFO64, mpidr, level, 0);
}

static bool becomes(uint64_t mpidr, int32_t state)
{
    uint64_t end = ticks() + ns_to_ticks(PATIENCE_NS);

    while (affinity(mpidr, 0) != state) {
        if (ticks() > end) {
            return false;
        }
    }
    return true;
}

static void version(void)
{
    CHECK_EQUAL(psci_call32(PSCI_VERSION, 0, 0, 0), 0x10001);
    /* The function identifier is W0. */
    CHECK_EQUAL(psci_call32(UINT64_C(0xdead000000000000) | PSCI_VERSION, 0, 0, 0), 0x10001);
}

static void features(void)
{
    static const uint32_t present[] = {
        PSCI_VERSION,         PSCI_CPU_OFF,    PSCI_CPU_ON32,     PSCI_CPU_ON64, PSCI_AFFINITY_INFO32,
        PSCI_AFFINITY_INFO64, PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET, PSCI_FEATURES, SMCCC_VERSION,
    };
    static const uint32_t absent[] = {0x8400001fu, 0x840000ffu, 0xc40000ffu, 0x8400ffffu, 0xffffffffu, 0, 0x84000100u};

    for (uint32_t i = 0; i < COUNT(present); i++) {
        int32_t result = psci_call32(PSCI_FEATURES, present[i], 0, 0);

        if (result != PSCI_OK) {
            test_fail("0x%x is not announced: %d", (unsigned)present[i], (int)result);
        }
    }
    CHECK(psci_call32(PSCI_FEATURES, PSCI_CPU_SUSPEND64, 0, 0) >= 0);
    CHECK_EQUAL(psci_call32(PSCI_FEATURES, PSCI_CPU_SUSPEND64, 0, 0) & ~3, 0);
    for (uint32_t i = 0; i < COUNT(absent); i++) {
        int32_t result = psci_call32(PSCI_FEATURES, absent[i], 0, 0);

        if (result != PSCI_NOT_SUPPORTED) {
            test_fail("0x%x is announced: %d", (unsigned)absent[i], (int)result);
        }
    }
}

static void unknown_functions(void)
{
    static const uint32_t functions[] = {0x84000fffu, 0xc4000fffu, 0x8400ffffu, 0xc3000000u, 0xbf00ffffu,
                                         0,           1,           0x7fffffffu, 0xffffffffu};

    for (uint32_t i = 0; i < COUNT(functions); i++) {
        int32_t result = psci_call32(functions[i], 0, 0, 0);

        if (result != PSCI_NOT_SUPPORTED) {
            test_fail("0x%x gives %d", (unsigned)functions[i], (int)result);
        }
    }
}

static void migrate(void)
{
    int32_t type = psci_call32(PSCI_MIGRATE_TYPE, 0, 0, 0);

    CHECK(type == 2 || type == PSCI_NOT_SUPPORTED);
    CHECK_EQUAL(psci_call32(PSCI_MIGRATE64, 0, 0, 0), PSCI_NOT_SUPPORTED);
}

static void affinity_info(void)
{
    CHECK_EQUAL(affinity(platform.mpidr[0], 0), AFFINITY_ON);
    CHECK_EQUAL(psci_call32(PSCI_AFFINITY_INFO32, platform.mpidr[0], 0, 0), AFFINITY_ON);
    CHECK_EQUAL(affinity(platform.mpidr[1], 0), AFFINITY_OFF);
    CHECK_EQUAL(affinity(MPIDR_NONE, 0), PSCI_INVALID);
    CHECK_EQUAL(affinity(platform.mpidr[0], 4), PSCI_INVALID);
    CHECK_EQUAL(affinity(platform.mpidr[0], UINT64_MAX), PSCI_INVALID);
}

static void cpu_on_refuses(void)
{
    uint64_t entry = (uint64_t)psci_entry;

    CHECK_EQUAL(psci_call32(PSCI_CPU_ON64, platform.mpidr[0], entry, 0), PSCI_ALREADY_ON);
    CHECK_EQUAL(psci_call32(PSCI_CPU_ON64, MPIDR_NONE, entry, 0), PSCI_INVALID);
    CHECK_EQUAL(psci_call32(PSCI_CPU_ON64, UINT64_MAX, entry, 0), PSCI_INVALID);
    CHECK_EQUAL(psci_call32(PSCI_CPU_ON64, platform.cpu_count, entry, 0), PSCI_INVALID);
    CHECK_EQUAL(psci_call32(PSCI_CPU_ON64, platform.mpidr[1], NOTHING_NORMAL, 0), PSCI_INVALID_ADDRESS);
    CHECK_EQUAL(psci_call32(PSCI_CPU_ON64, platform.mpidr[1], UINT64_MAX & ~UINT64_C(3), 0), PSCI_INVALID_ADDRESS);
}

static void entry_state(void)
{
    uint64_t end = ticks() + ns_to_ticks(PATIENCE_NS);

    cache_flush(&entered, sizeof(entered));
    CHECK_EQUAL(psci_call32(PSCI_CPU_ON64, platform.mpidr[LAST], (uint64_t)psci_entry, (uint64_t)&entered), PSCI_OK);
    while (*(volatile uint64_t *)&entered.done == 0 && ticks() < end) {
        cache_flush(&entered, sizeof(entered));
    }
    CHECK_EQUAL(entered.done, 1);
    CHECK_EQUAL(entered.current_el, 1 << 2);
    CHECK_EQUAL(entered.sctlr & 0x1005, 0); /* M, C, I */
    CHECK_EQUAL(entered.daif, 0x3c0);
    CHECK_EQUAL(entered.spsel, 1);
    CHECK(becomes(platform.mpidr[LAST], AFFINITY_OFF));
}

static void note_and_return(uint64_t argument)
{
    uint32_t index = this_cpu()->index;

    seen[index].argument = argument;
    seen[index].mpidr = READ_SYSREG(mpidr_el1) & MPIDR_NONE;
    seen[index].runs++;
}

static bool has_run(uint32_t cpu, uint32_t runs)
{
    uint64_t end = ticks() + ns_to_ticks(PATIENCE_NS);

    while (seen[cpu].runs < runs) {
        if (ticks() > end) {
            return false;
        }
    }
    return true;
}

static void cpu_on_and_off(void)
{
    for (uint32_t round = 1; round <= 3; round++) {
        for (uint32_t i = 1; i < platform.cpu_count; i++) {
            CHECK_EQUAL(cpu_start(i, platform.mpidr[i], note_and_return, 0x1000 * round + i), PSCI_OK);
        }
        for (uint32_t i = 1; i < platform.cpu_count; i++) {
            CHECK(has_run(i, round));
            CHECK(becomes(platform.mpidr[i], AFFINITY_OFF));
            CHECK_EQUAL(seen[i].runs, round);
            CHECK_EQUAL(seen[i].argument, 0x1000 * round + i);
            CHECK_EQUAL(seen[i].mpidr, platform.mpidr[i]);
        }
    }
}

static volatile bool may_leave;

static void stay(uint64_t argument)
{
    (void)argument;
    while (!may_leave) {
    }
}

static void cpu_on_twice(void)
{
    int32_t again;

    may_leave = false;
    CHECK_EQUAL(cpu_start(1, platform.mpidr[1], stay, 0), PSCI_OK);
    CHECK(affinity(platform.mpidr[1], 0) != AFFINITY_OFF);
    again = psci_call32(PSCI_CPU_ON64, platform.mpidr[1], (uint64_t)psci_entry, 0);
    CHECK(again == PSCI_ALREADY_ON || again == PSCI_ON_PENDING);
    may_leave = true;
    CHECK(becomes(platform.mpidr[1], AFFINITY_OFF));
}

static void suspend_until_timer(uint64_t function, uint64_t state)
{
    uint64_t deadline = ticks() + ns_to_ticks(5000000);
    int32_t result;

    timer_set(deadline);
    result = psci_call32(function, state, (uint64_t)psci_entry, 0);
    CHECK(result == PSCI_OK || result == PSCI_INVALID);
    if (result == PSCI_OK) {
        /* The architecture lets a standby end early. */
        while (ticks() < deadline) {
        }
    }
    timer_stop();
}

static void suspend(void)
{
    suspend_until_timer(PSCI_CPU_SUSPEND64, 0);
    suspend_until_timer(PSCI_CPU_SUSPEND32, 0);
    suspend_until_timer(PSCI_CPU_SUSPEND64, UINT64_C(0xfeff0000) & ~UINT64_C(0x10000));
}

static void smccc_discovery(void)
{
    static const uint32_t workarounds[] = {SMCCC_ARCH_WORKAROUND_1, SMCCC_ARCH_WORKAROUND_2, SMCCC_ARCH_WORKAROUND_3};

    CHECK(psci_call32(SMCCC_VERSION, 0, 0, 0) >= 0x10001);
    CHECK_EQUAL(psci_call32(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0), 0);
    CHECK_EQUAL(psci_call32(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0, 0), 0);
    CHECK_EQUAL(psci_call32(SMCCC_ARCH_FEATURES, 0x80001234u, 0, 0), PSCI_NOT_SUPPORTED);
    for (uint32_t i = 0; i < COUNT(workarounds); i++) {
        int32_t result = psci_call32(SMCCC_ARCH_FEATURES, workarounds[i], 0, 0);

        CHECK(result == 0 || result == 1 || result == PSCI_NOT_SUPPORTED || result == -2);
        if (result == 0) {
            (void)psci_call32(workarounds[i], 0, 0, 0);
        }
    }
}

/* SMCCC 1.1: x4-x17 are kept too. */
static void call_keeps_registers(void)
{
    uint64_t wrong;

    __asm__ volatile("mov x4, #104\n\tmov x5, #105\n\tmov x9, #109\n\tmov x15, #115\n\tmov x16, #116\n\t"
                     "mov x17, #117\n\tmov x18, #118\n\t"
                     "movz x0, #0x8400, lsl #16\n\thvc #0\n\t"
                     "sub x4, x4, #104\n\tsub x5, x5, #105\n\tsub x9, x9, #109\n\tsub x15, x15, #115\n\t"
                     "sub x16, x16, #116\n\tsub x17, x17, #117\n\tsub x18, x18, #118\n\t"
                     "orr x4, x4, x5\n\torr x4, x4, x9\n\torr x4, x4, x15\n\torr x4, x4, x16\n\torr x4, x4, x17\n\t"
                     "orr %0, x4, x18"
                     : "=r"(wrong)
                     :
                     : "memory", "x0", "x1", "x2", "x3", "x4", "x5", "x9", "x15", "x16", "x17", "x18");
    CHECK_EQUAL(wrong, 0);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"version", version},
        {"features", features},
        {"unknown_functions", unknown_functions},
        {"migrate", migrate},
        {"affinity_info", affinity_info},
        {"entry_state", entry_state},
        {"cpu_on_and_off", cpu_on_and_off},
        {"cpu_on_twice", cpu_on_twice},
        {"suspend", suspend},
        {"smccc_discovery", smccc_discovery},
        {"call_keeps_registers", call_keeps_registers},
        /* Last: a hypervisor that starts a CPU at a bad address has one that does not come back. */
        {"cpu_on_refuses", cpu_on_refuses},
    };

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    gic_enable(TIMER_VIRTUAL_PPI);
    if (platform.cpu_count < 2) {
        test_fail("needs at least 2 CPUs");
        return 1;
    }
    test_run(tests, COUNT(tests));
}
