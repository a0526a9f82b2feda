/* SPDX-License-Identifier: Apache-2.0 */
/* t_passthrough: a PL031 clock and a PL061 GPIO controller of the board, with their interrupts; with role=2 a domain that
 * was given neither; with role=3 one that crashes with an interrupt in hand and is restarted.
 * role=4: one whose clock's line is stuck.
 * [itest->dsn~device-restart~1] [itest->dsn~device-storm~2]
 * [itest->dsn~device-registers~1] [itest->dsn~device-interrupts~1] [itest->dsn~vgic-physical~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/psci.h>
#include <guest/sysreg.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <xen/sched.h>

#include "probe.h"

#define RTC             UINT64_C(0x09010000)
#define RTC_DR          0x000u
#define RTC_MR          0x004u
#define RTC_IMSC        0x010u
#define RTC_RIS         0x014u
#define RTC_ICR         0x01cu
#define GPIO            UINT64_C(0x09030000)
#define GPIO_DIR        0x400u
#define GPIO_IS         0x404u /* level */
#define GPIO_IEV        0x40cu /* high */
#define GPIO_IE         0x410u
#define GPIO_IC         0x41cu
#define GPIO_DATA(mask) (4u * (mask))
#define PERIPH_ID0      0xfe0u
#define RTC_INTID       34u
#define GPIO_INTID      39u
#define YEAR_2020       1577836800u
#define PATIENCE_S      20u

static volatile uint32_t clock_count, gpio_count, other_count;
static volatile uint32_t keep;     /* the clock's line stays high for so many more interrupts */
static volatile uint32_t taken_by; /* vCPU that took the last one */
static volatile bool second_ready, second_end;

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid == RTC_INTID) {
        clock_count++;
        taken_by = this_cpu()->index;
        if (keep == 0) {
            mmio_write32(RTC + RTC_ICR, 1);
        } else {
            keep--;
        }
    } else if (intid == GPIO_INTID) {
        gpio_count++;
        mmio_write32(GPIO + GPIO_DATA(1), 0);
        mmio_write32(GPIO + GPIO_IC, 1);
    } else if (intid != GIC_SPURIOUS) {
        other_count++;
    }
    if (intid != GIC_SPURIOUS) {
        gic_end(intid);
    }
}

/* The clock's match register equals the clock: its line goes high at once, or a second later. */
static void match_now(void)
{
    uint32_t now = mmio_read32(RTC + RTC_DR);

    mmio_write32(RTC + RTC_MR, now);
    if (mmio_read32(RTC + RTC_RIS) == 0) { /* the second ended between the two */
        mmio_write32(RTC + RTC_MR, now + 2);
    }
}

static void wait_line(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    while (mmio_read32(RTC + RTC_RIS) == 0 && ticks() < end) {
    }
    CHECK(mmio_read32(RTC + RTC_RIS) != 0);
}

static bool wait_count(const volatile uint32_t *count, uint32_t want)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    irq_enable();
    while (*count < want && ticks() < end) {
    }
    irq_disable();
    return *count >= want;
}

static void start_over(bool edge)
{
    irq_disable();
    mmio_write32(RTC + RTC_IMSC, 0);
    mmio_write32(RTC + RTC_ICR, 1);
    gic_disable(RTC_INTID);
    gic_set_pending(RTC_INTID, false);
    gic_set_edge(RTC_INTID, edge);
    gic_route(RTC_INTID, platform.mpidr[0]);
    clock_count = 0;
    gpio_count = 0;
    keep = 0;
    gic_enable(RTC_INTID);
    mmio_write32(RTC + RTC_IMSC, 1);
}

/* The other domain's part: what it was not given is not there. */

static void devices_are_not_there(void)
{
    struct probe probe = probe_read(RTC, 4);

    check_abort(&probe, EC_DABT, RTC);
    probe = probe_write(RTC + RTC_ICR, 4, 1);
    check_abort(&probe, EC_DABT, RTC + RTC_ICR);
    probe = probe_read(GPIO, 4);
    check_abort(&probe, EC_DABT, GPIO);
}

/* The interrupts with these numbers are its own, and nothing raises them. */
static void interrupts_do_not_come(void)
{
    uint64_t end = ticks() + 3 * ticks_per_second();

    gic_enable(RTC_INTID);
    gic_enable(GPIO_INTID);
    irq_enable();
    while (ticks() < end) {
    }
    irq_disable();
    CHECK(!gic_is_pending(RTC_INTID) && !gic_is_pending(GPIO_INTID));
    CHECK_EQUAL(clock_count + gpio_count + other_count, 0);
}

/* ---- the owner's part ---- */

static void reads_the_date(void)
{
    CHECK_EQUAL(mmio_read32(RTC + PERIPH_ID0) & 0xff, 0x31);
    CHECK(mmio_read32(RTC + RTC_DR) > YEAR_2020);
    CHECK_EQUAL(mmio_read32(GPIO + PERIPH_ID0) & 0xff, 0x61);
}

/* A page of registers is that page, and no more. */
static void nothing_beside_the_registers(void)
{
    struct probe probe = probe_read(RTC + 0x1000, 4);

    check_abort(&probe, EC_DABT, RTC + 0x1000);
    probe = probe_read(RTC - 0x1000, 4);
    check_abort(&probe, EC_DABT, RTC - 0x1000);
}

static void match_comes_in_time(void)
{
    start_over(false);
    mmio_write32(RTC + RTC_MR, mmio_read32(RTC + RTC_DR) + 1);
    CHECK(wait_count(&clock_count, 1));
}

/* Taken, ended, armed again; nothing between. */
static void armed_again_each_time(void)
{
    start_over(false);
    for (uint32_t i = 1; i <= 20; i++) {
        match_now();
        CHECK(wait_count(&clock_count, i));
        CHECK_EQUAL(clock_count, i);
        CHECK(!gic_is_pending(RTC_INTID) && !gic_is_active(RTC_INTID));
    }
}

/* Level: as long as the handler does not silence the device, the end of one is the beginning of the next. */
static void level_comes_again_until_silenced(void)
{
    start_over(false);
    keep = 5;
    match_now();
    CHECK(wait_count(&clock_count, 6));
    irq_enable();
    delay_ns(10000000);
    irq_disable();
    CHECK_EQUAL(clock_count, 6);
}

/* Edge: once, however long the line stays high. */
static void edge_comes_once(void)
{
    start_over(true);
    for (uint32_t i = 1; i <= 3; i++) {
        keep = 1;
        match_now();
        CHECK(wait_count(&clock_count, i));
        irq_enable();
        delay_ns(10000000);
        irq_disable();
        CHECK_EQUAL(clock_count, i);
        mmio_write32(RTC + RTC_ICR, 1);
    }
}

/* Disabled, the line can be seen and does nothing; silenced meanwhile, it leaves nothing behind. */
static void disabled_line_waits(void)
{
    start_over(false);
    gic_disable(RTC_INTID);
    match_now();
    wait_line();
    CHECK(gic_is_pending(RTC_INTID));
    irq_enable();
    delay_ns(10000000);
    irq_disable();
    CHECK_EQUAL(clock_count, 0);
    mmio_write32(RTC + RTC_ICR, 1);
    CHECK(!gic_is_pending(RTC_INTID));
    gic_enable(RTC_INTID);
    irq_enable();
    delay_ns(10000000);
    irq_disable();
    CHECK_EQUAL(clock_count, 0);
    gic_disable(RTC_INTID);
    match_now();
    wait_line();
    gic_enable(RTC_INTID);
    CHECK(wait_count(&clock_count, 1));
}

/* Ended by a register instead of the CPU interface. */
static void ended_by_register(void)
{
    start_over(false);
    match_now();
    wait_line();
    CHECK_EQUAL(gic_acknowledge(), RTC_INTID);
    CHECK(gic_is_active(RTC_INTID));
    mmio_write32(RTC + RTC_ICR, 1);
    gic_set_active(RTC_INTID, false);
    CHECK(!gic_is_active(RTC_INTID));
    gic_end(RTC_INTID);
    match_now();
    CHECK(wait_count(&clock_count, 1));
}

static void second_cpu(uint64_t argument)
{
    (void)argument;
    gic_init_cpu();
    irq_enable();
    second_ready = true;
    while (!second_end) {
    }
    irq_disable();
}

/* Routed to another vCPU, which lives on another CPU, and back. */
static void follows_its_route(void)
{
    if (platform.cpu_count < 2) {
        test_skip("one vCPU");
        return;
    }
    CHECK_EQUAL(cpu_start(1, platform.mpidr[1], second_cpu, 0), 0);
    while (!second_ready) {
    }
    start_over(false);
    for (uint32_t i = 1; i <= 10; i++) {
        gic_route(RTC_INTID, platform.mpidr[i % 2]);
        match_now();
        CHECK(wait_count(&clock_count, i));
        CHECK_EQUAL(taken_by, i % 2);
    }
    second_end = true;
}

/* A second device, beside the first. */
static void gpio_interrupts_by_its_own_output(void)
{
    start_over(false);
    gic_enable(GPIO_INTID);
    mmio_write32(GPIO + GPIO_DATA(1), 0);
    mmio_write32(GPIO + GPIO_DIR, 1);
    CHECK_EQUAL(mmio_read32(GPIO + GPIO_DIR), 1);
    mmio_write32(GPIO + GPIO_IS, 1);
    mmio_write32(GPIO + GPIO_IEV, 1);
    mmio_write32(GPIO + GPIO_IC, 1);
    mmio_write32(GPIO + GPIO_IE, 1);
    for (uint32_t i = 1; i <= 10; i++) {
        match_now();
        mmio_write32(GPIO + GPIO_DATA(1), 1);
        CHECK(wait_count(&gpio_count, i) && wait_count(&clock_count, i));
        CHECK_EQUAL(gpio_count, i);
        CHECK_EQUAL(clock_count, i);
    }
    mmio_write32(GPIO + GPIO_IE, 0);
    CHECK_EQUAL(other_count, 0);
}

/* The first life ends while its clock's line is high and the interrupt active.  The next one finds the interrupt off and idle, the
 * device as it was left, and both its own. */
static void devices_outlive_a_crash(void)
{
    struct sched_shutdown crash = {.reason = SHUTDOWN_crash};
    static struct bulkhead_life life = {.domid = DOMID_SELF};

    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_LIFE, &life), 0);
    if (life.restarts == 0) {
        start_over(false);
        match_now();
        wait_line();
        CHECK_EQUAL(gic_acknowledge(), RTC_INTID);
        (void)sched_op(SCHEDOP_shutdown, &crash);
    }
    CHECK(!gic_is_active(RTC_INTID));
    irq_enable();
    delay_ns(10000000);
    irq_disable();
    CHECK_EQUAL(clock_count, 0); /* not enabled */
    CHECK(mmio_read32(RTC + RTC_RIS) != 0);
    gic_enable(RTC_INTID);
    CHECK(wait_count(&clock_count, 1));
    armed_again_each_time();
}

/* How many interrupts come until none comes for a tenth of a second. */
static uint32_t count_storm(void)
{
    uint32_t before = clock_count;
    uint32_t last;

    gic_enable(RTC_INTID);
    irq_enable();
    do {
        last = clock_count;
        delay_ns(UINT64_C(100000000));
    } while (clock_count != last);
    irq_disable();
    return last - before;
}

/* Nobody silences the clock: its line is switched off, and its owner gets on; when it enables the line, the same again. */
static void a_stuck_line_is_switched_off(void)
{
    uint32_t limit = (uint32_t)platform_argument("storm", 512);

    start_over(false);
    keep = UINT32_MAX;
    match_now();
    wait_line();
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t count = count_storm();

        CHECK(count >= limit && count < 3 * limit);
    }
}

int main(uint64_t x0)
{
    static const struct test owner[] = {
        {"reads_the_date", reads_the_date},
        {"nothing_beside_the_registers", nothing_beside_the_registers},
        {"match_comes_in_time", match_comes_in_time},
        {"armed_again_each_time", armed_again_each_time},
        {"level_comes_again_until_silenced", level_comes_again_until_silenced},
        {"edge_comes_once", edge_comes_once},
        {"disabled_line_waits", disabled_line_waits},
        {"ended_by_register", ended_by_register},
        {"gpio_interrupts_by_its_own_output", gpio_interrupts_by_its_own_output},
        {"follows_its_route", follows_its_route},
    };
    static const struct test other[] = {
        {"devices_are_not_there", devices_are_not_there},
        {"interrupts_do_not_come", interrupts_do_not_come},
    };

    static const struct test stuck[] = {{"a_stuck_line_is_switched_off", a_stuck_line_is_switched_off}};
    static const struct test restarted[] = {{"devices_outlive_a_crash", devices_outlive_a_crash}};

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    switch (platform_argument("role", 1)) {
    case 1:
        test_run(owner, sizeof(owner) / sizeof(owner[0]));
    case 2:
        test_run(other, sizeof(other) / sizeof(other[0]));
    case 4:
        test_run(stuck, sizeof(stuck) / sizeof(stuck[0]));
    default:
        test_run(restarted, sizeof(restarted) / sizeof(restarted[0]));
    }
}
