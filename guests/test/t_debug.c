/* SPDX-License-Identifier: Apache-2.0 */
/* t_debug: a guest's own breakpoints, watchpoints, single step, cycle and event counters.
 * [itest->dsn~guest-debug~1] [itest->dsn~guest-pmu~1] */
#include <guest/cpu.h>
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/psci.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <stddef.h>
#include <xen/sched.h>

#include "probe.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define MDSCR_SS      1u
#define MDSCR_KDE     (1u << 13)
#define MDSCR_MDE     (1u << 15)
#define BCR_EL1       0x1e7u  /* all four bytes, EL1, enabled (PMC = 0b11: EL0 and EL1) */
#define WCR_EL1       0x1fffu /* eight bytes, load and store, EL0 and EL1, enabled */
#define PMU_PPI       23u
#define PMCR_E        1u
#define PMCR_P        2u
#define PMCR_C        4u
#define PMCR_LC       64u
#define CYCLES        (UINT64_C(1) << 31)
#define EVENT_SW_INCR 0u
#define SPINS         10000u

void debug_target(void);
void debug_step(void *unused);
extern char debug_stepped[], debug_stepped_once[];

static volatile uint32_t interrupts;
static volatile uint32_t last_intid;

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid >= 1020) {
        return;
    }
    interrupts++;
    last_intid = intid;
    WRITE_SYSREG(pmovsclr_el0, UINT32_MAX);
    isb();
    gic_end(intid);
}

static void open_debug(void)
{
    WRITE_SYSREG(oslar_el1, 0);
    WRITE_SYSREG(mdscr_el1, MDSCR_MDE | MDSCR_KDE);
    isb();
    __asm__ volatile("msr daifclr, #8" ::: "memory");
    isb();
}

static void close_debug(void)
{
    __asm__ volatile("msr daifset, #8" ::: "memory");
    WRITE_SYSREG(mdscr_el1, 0);
    WRITE_SYSREG(dbgbcr0_el1, 0);
    WRITE_SYSREG(dbgwcr0_el1, 0);
    isb();
}

static void call_target(void *argument)
{
    (void)argument;
    debug_target();
}

static void breakpoint(void)
{
    struct exception_frame frame;

    WRITE_SYSREG(dbgbvr0_el1, debug_target);
    WRITE_SYSREG(dbgbcr0_el1, BCR_EL1);
    open_debug();
    CHECK(fault_call(call_target, NULL, &frame));
    CHECK_EQUAL(ESR_EC(frame.esr), EC_BREAKPOINT);
    CHECK_EQUAL(frame.elr, (uint64_t)debug_target);
    WRITE_SYSREG(dbgbcr0_el1, 0);
    isb();
    CHECK(!fault_call(call_target, NULL, &frame));
    close_debug();
}

static volatile uint64_t watched[2];

static void store_watched(void *argument)
{
    watched[(uint64_t)argument] = 1;
}

static void load_watched(void *argument)
{
    (void)watched[(uint64_t)argument];
}

static void watchpoint(void)
{
    struct exception_frame frame;

    WRITE_SYSREG(dbgwvr0_el1, &watched[1]);
    WRITE_SYSREG(dbgwcr0_el1, WCR_EL1);
    open_debug();
    CHECK(!fault_call(store_watched, (void *)0, &frame));
    CHECK(fault_call(store_watched, (void *)1, &frame));
    CHECK_EQUAL(ESR_EC(frame.esr), EC_WATCHPOINT);
    CHECK_EQUAL(frame.far, (uint64_t)&watched[1]);
    CHECK_EQUAL(frame.esr & 1u << 6, 1u << 6);
    /* Written anew: an emulator may remember how it was hit. */
    WRITE_SYSREG(dbgwcr0_el1, 0);
    WRITE_SYSREG(dbgwcr0_el1, WCR_EL1);
    isb();
    CHECK(fault_call(load_watched, (void *)1, &frame));
    CHECK_EQUAL(ESR_EC(frame.esr), EC_WATCHPOINT);
    CHECK_EQUAL(frame.esr & 1u << 6, 0);
    close_debug();
    CHECK(!fault_call(store_watched, (void *)1, &frame));
}

static void single_step(void)
{
    struct exception_frame frame;

    /* Debug exceptions stay masked here: debug_step opens them with its return. */
    WRITE_SYSREG(oslar_el1, 0);
    WRITE_SYSREG(mdscr_el1, MDSCR_SS | MDSCR_KDE);
    isb();
    CHECK(fault_call(debug_step, NULL, &frame));
    close_debug();
    CHECK_EQUAL(ESR_EC(frame.esr), EC_STEP);
    CHECK_EQUAL(frame.elr, (uint64_t)debug_stepped_once);
}

/* A read-modify-write that goes by way of the hypervisor (or not) keeps every register of every number. */
static void all_debug_registers(void)
{
    uint64_t features = READ_SYSREG(id_aa64dfr0_el1);
    uint32_t breakpoints = (features >> 12 & 15) + 1, watchpoints = (features >> 20 & 15) + 1;

    CHECK((features & 15) >= 6);
    for (uint32_t i = 0; i < breakpoints + watchpoints; i++) {
        uint32_t op2 = i < breakpoints ? 4 : 6, n = i < breakpoints ? i : i - breakpoints;
        uint64_t value = 0x40001000 + 0x100 * i;
        struct probe probe = probe_instruction(word_msr(2, 0, 0, n, op2), value);

        CHECK(!probe.faulted);
    }
    for (uint32_t i = 0; i < breakpoints + watchpoints; i++) {
        uint32_t op2 = i < breakpoints ? 4 : 6, n = i < breakpoints ? i : i - breakpoints;
        struct probe probe = probe_instruction(word_mrs(2, 0, 0, n, op2), 0);

        CHECK(!probe.faulted);
        CHECK_EQUAL(probe.value, 0x40001000 + 0x100 * i);
    }
}

static void os_lock_reads_back(void)
{
    WRITE_SYSREG(oslar_el1, 1);
    isb();
    CHECK_EQUAL(READ_SYSREG(oslsr_el1) & 2, 2);
    WRITE_SYSREG(oslar_el1, 0);
    isb();
    CHECK_EQUAL(READ_SYSREG(oslsr_el1) & 2, 0);
}

static bool has_pmu(void)
{
    uint64_t version = READ_SYSREG(id_aa64dfr0_el1) >> 8 & 15;

    if (version == 0 || version == 15) {
        test_fail("ID_AA64DFR0_EL1 announces no PMU");
        return false;
    }
    return true;
}

static void spin(void)
{
    for (uint32_t i = 0; i < SPINS; i++) {
        __asm__ volatile("");
    }
}

static void cycle_counter(void)
{
    uint64_t start, run;

    if (!has_pmu()) {
        return;
    }
    WRITE_SYSREG(pmcr_el0, PMCR_E | PMCR_C | PMCR_LC);
    WRITE_SYSREG(pmccfiltr_el0, 0);
    WRITE_SYSREG(pmcntenset_el0, CYCLES);
    isb();
    CHECK_EQUAL(READ_SYSREG(pmcntenset_el0) & CYCLES, CYCLES);
    start = READ_SYSREG(pmccntr_el0);
    spin();
    run = READ_SYSREG(pmccntr_el0) - start;
    CHECK(run >= SPINS);
    WRITE_SYSREG(pmcntenclr_el0, CYCLES);
    isb();
    start = READ_SYSREG(pmccntr_el0);
    spin();
    CHECK_EQUAL(READ_SYSREG(pmccntr_el0), start);
    WRITE_SYSREG(pmccntr_el0, 0x123456789abc);
    isb();
    CHECK_EQUAL(READ_SYSREG(pmccntr_el0), 0x123456789abc);
}

static void start_event_counter(uint32_t value)
{
    WRITE_SYSREG(pmcr_el0, PMCR_E | PMCR_P | PMCR_LC);
    WRITE_SYSREG(pmevtyper0_el0, EVENT_SW_INCR);
    WRITE_SYSREG(pmevcntr0_el0, value);
    WRITE_SYSREG(pmovsclr_el0, UINT32_MAX);
    WRITE_SYSREG(pmcntenset_el0, 1);
    isb();
}

static void event_counter(void)
{
    if (!has_pmu()) {
        return;
    }
    if ((READ_SYSREG(pmcr_el0) >> 11 & 31) == 0) {
        test_fail("PMCR_EL0.N is 0");
        return;
    }
    start_event_counter(0);
    for (uint32_t i = 0; i < 10; i++) {
        WRITE_SYSREG(pmswinc_el0, 1);
    }
    isb();
    CHECK_EQUAL(READ_SYSREG(pmevcntr0_el0), 10);
    WRITE_SYSREG(pmselr_el0, 0);
    isb();
    CHECK_EQUAL(READ_SYSREG(pmxevcntr_el0), 10);
    CHECK_EQUAL(READ_SYSREG(pmxevtyper_el0) & 0xffff, EVENT_SW_INCR);
    WRITE_SYSREG(pmcntenclr_el0, 1);
    isb();
}

static void overflow_interrupts(void)
{
    if (!has_pmu()) {
        return;
    }
    gic_enable(PMU_PPI);
    interrupts = 0;
    start_event_counter(UINT32_MAX);
    WRITE_SYSREG(pmintenset_el1, 1);
    isb();
    irq_enable();
    delay_ns(1000000);
    CHECK_EQUAL(interrupts, 0);
    WRITE_SYSREG(pmswinc_el0, 1);
    isb();
    delay_ns(5000000);
    irq_disable();
    CHECK_EQUAL(interrupts, 1);
    CHECK_EQUAL(last_intid, PMU_PPI);
    CHECK_EQUAL((uint32_t)READ_SYSREG(pmevcntr0_el0), 0);
    CHECK_EQUAL(READ_SYSREG(pmovsclr_el0) & 1, 0);
    WRITE_SYSREG(pmintenclr_el1, 1);
    WRITE_SYSREG(pmcntenclr_el0, 1);
    WRITE_SYSREG(pmcr_el0, 0);
    gic_disable(PMU_PPI);
}

static volatile bool neighbour_stop;
static volatile uint32_t neighbour_wrong, neighbour_rounds;

/* Another vCPU of the same CPU that uses the same registers with other values. */
static void neighbour(uint64_t argument)
{
    (void)argument;
    while (!neighbour_stop) {
        WRITE_SYSREG(dbgbvr0_el1, 0x2000);
        WRITE_SYSREG(dbgwvr0_el1, 0x3000);
        WRITE_SYSREG(pmccntr_el0, 0x77770000);
        WRITE_SYSREG(pmevtyper0_el0, 0x11);
        (void)sched_op(SCHEDOP_yield, NULL);
        neighbour_wrong += READ_SYSREG(dbgbvr0_el1) != 0x2000 || READ_SYSREG(dbgwvr0_el1) != 0x3000 ||
                           READ_SYSREG(pmccntr_el0) != 0x77770000 || (READ_SYSREG(pmevtyper0_el0) & 0xffff) != 0x11;
        neighbour_rounds++;
    }
}

static void registers_are_a_vcpus_own(void)
{
    uint64_t end = ticks() + ns_to_ticks(3000000000);

    if (platform.cpu_count < 2 || !platform.xen) {
        test_skip("needs a hypervisor and two vCPUs on one CPU");
        return;
    }
    WRITE_SYSREG(pmcr_el0, PMCR_LC);
    WRITE_SYSREG(dbgbvr0_el1, 0x1000);
    WRITE_SYSREG(dbgwvr0_el1, 0x1800);
    WRITE_SYSREG(pmccntr_el0, 0x1234);
    WRITE_SYSREG(pmevtyper0_el0, 0x08);
    CHECK_EQUAL(cpu_start(1, platform.mpidr[1], neighbour, 0), PSCI_OK);
    while (neighbour_rounds < 50 && ticks() < end) {
        (void)sched_op(SCHEDOP_yield, NULL);
        CHECK_EQUAL(READ_SYSREG(dbgbvr0_el1), 0x1000);
        CHECK_EQUAL(READ_SYSREG(dbgwvr0_el1), 0x1800);
        CHECK_EQUAL(READ_SYSREG(pmccntr_el0), 0x1234);
        CHECK_EQUAL(READ_SYSREG(pmevtyper0_el0) & 0xffff, 0x08);
    }
    neighbour_stop = true;
    CHECK(neighbour_rounds >= 50);
    CHECK_EQUAL(neighbour_wrong, 0);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"breakpoint", breakpoint},
        {"watchpoint", watchpoint},
        {"single_step", single_step},
        {"all_debug_registers", all_debug_registers},
        {"os_lock_reads_back", os_lock_reads_back},
        {"cycle_counter", cycle_counter},
        {"event_counter", event_counter},
        {"overflow_interrupts", overflow_interrupts},
        {"registers_are_a_vcpus_own", registers_are_a_vcpus_own},
    };

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    test_run(tests, COUNT(tests));
}
