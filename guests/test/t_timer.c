/* SPDX-License-Identifier: Apache-2.0 */
/* t_timer: virtual and physical timer, counters, wall clock.  Boot argument: epoch=SECONDS, when the machine's clock
 * started (1767225600 = 2026-01-01); the wall clock may be up to an hour later.
 * [itest->dsn~vtimer~1] [itest->dsn~vgic-linked~1] [itest->dsn~seen-wall-clock~1] */
#include <guest/cpu.h>
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/psci.h>
#include <guest/test.h>
#include <guest/timer.h>
#include <guest/xen_time.h>

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS           UINT64_C(1000000)
#define LATE_NS      (200 * MS) /* the machine may be shared and emulated */
#define FAR_AWAY     (ns_to_ticks(3600 * UINT64_C(1000000000)))

static volatile struct {
    uint32_t count;
    uint32_t intid;
    uint64_t when;
} fired;

void on_irq(struct exception_frame *frame)
{
    uint64_t now = ticks();
    uint32_t intid = gic_acknowledge();

    (void)frame;
    WRITE_SYSREG(cntv_ctl_el0, 0);
    WRITE_SYSREG(cntp_ctl_el0, 0);
    isb();
    if (intid < 1020) {
        fired.count++;
        fired.intid = intid;
        fired.when = now;
        gic_end(intid);
    }
}

struct timer {
    uint32_t intid;
    uint64_t (*control)(void);
    void (*set_control)(uint64_t value);
    void (*set_compare)(uint64_t value);
    uint64_t (*compare)(void);
    void (*set_interval)(uint64_t value);
    uint64_t (*interval)(void);
    uint64_t (*counter)(void);
};

#define TIMER_FUNCTIONS(letter, count)                                                                                 \
    static uint64_t letter##_control(void)                                                                             \
    {                                                                                                                  \
        return READ_SYSREG(cnt##letter##_ctl_el0);                                                                     \
    }                                                                                                                  \
    static void letter##_set_control(uint64_t value)                                                                   \
    {                                                                                                                  \
        WRITE_SYSREG(cnt##letter##_ctl_el0, value);                                                                    \
        isb();                                                                                                         \
    }                                                                                                                  \
    static void letter##_set_compare(uint64_t value)                                                                   \
    {                                                                                                                  \
        WRITE_SYSREG(cnt##letter##_cval_el0, value);                                                                   \
        isb();                                                                                                         \
    }                                                                                                                  \
    static uint64_t letter##_compare(void)                                                                             \
    {                                                                                                                  \
        return READ_SYSREG(cnt##letter##_cval_el0);                                                                    \
    }                                                                                                                  \
    static void letter##_set_interval(uint64_t value)                                                                  \
    {                                                                                                                  \
        WRITE_SYSREG(cnt##letter##_tval_el0, value);                                                                   \
        isb();                                                                                                         \
    }                                                                                                                  \
    static uint64_t letter##_interval(void)                                                                            \
    {                                                                                                                  \
        return READ_SYSREG(cnt##letter##_tval_el0);                                                                    \
    }                                                                                                                  \
    static uint64_t letter##_counter(void)                                                                             \
    {                                                                                                                  \
        isb();                                                                                                         \
        return READ_SYSREG(count);                                                                                     \
    }                                                                                                                  \
    static const struct timer letter##_timer = {                                                                       \
        .intid = letter##_INTID,                                                                                       \
        .control = letter##_control,                                                                                   \
        .set_control = letter##_set_control,                                                                           \
        .set_compare = letter##_set_compare,                                                                           \
        .compare = letter##_compare,                                                                                   \
        .set_interval = letter##_set_interval,                                                                         \
        .interval = letter##_interval,                                                                                 \
        .counter = letter##_counter,                                                                                   \
    };

#define v_INTID TIMER_VIRTUAL_PPI
#define p_INTID TIMER_PHYSICAL_PPI
TIMER_FUNCTIONS(v, cntvct_el0)
TIMER_FUNCTIONS(p, cntpct_el0)

static void start_over(const struct timer *timer)
{
    irq_disable();
    timer->set_control(0);
    fired.count = 0;
    gic_enable(timer->intid);
    irq_enable();
}

static bool wait_fired(uint64_t ns)
{
    uint64_t end = ticks() + ns_to_ticks(ns);

    while (fired.count == 0 && ticks() < end) {
    }
    return fired.count != 0;
}

static void check_compare_fires(const struct timer *timer)
{
    uint64_t deadline;

    for (uint32_t i = 0; i < 20; i++) {
        start_over(timer);
        deadline = timer->counter() + ns_to_ticks(MS);
        timer->set_compare(deadline);
        CHECK_EQUAL(timer->compare(), deadline);
        timer->set_control(TIMER_ENABLE);
        CHECK(wait_fired(LATE_NS));
        CHECK_EQUAL(fired.intid, timer->intid);
        CHECK(timer->counter() >= deadline);
    }
}

static void check_interval_fires(const struct timer *timer)
{
    uint64_t start;

    start_over(timer);
    start = timer->counter();
    timer->set_interval(ns_to_ticks(2 * MS));
    timer->set_control(TIMER_ENABLE);
    CHECK(timer->compare() >= start + ns_to_ticks(2 * MS));
    CHECK(timer->compare() <= timer->counter() + ns_to_ticks(2 * MS));
    CHECK(wait_fired(LATE_NS));
    CHECK(timer->counter() >= start + ns_to_ticks(2 * MS));
    /* TVAL is 32 bits wide, signed, and counts down through 0. */
    CHECK((int32_t)timer->interval() <= 0);
}

static void check_past_fires_at_once(const struct timer *timer)
{
    start_over(timer);
    timer->set_compare(timer->counter() - 1);
    timer->set_control(TIMER_ENABLE);
    CHECK(wait_fired(LATE_NS));
    start_over(timer);
    timer->set_interval((uint32_t)-1000);
    timer->set_control(TIMER_ENABLE);
    CHECK(wait_fired(LATE_NS));
    start_over(timer);
    timer->set_compare(0);
    timer->set_control(TIMER_ENABLE);
    CHECK(wait_fired(LATE_NS));
}

static void check_far_stays_quiet(const struct timer *timer)
{
    start_over(timer);
    timer->set_compare(timer->counter() + FAR_AWAY);
    timer->set_control(TIMER_ENABLE);
    CHECK(!wait_fired(5 * MS));
    timer->set_compare(UINT64_MAX);
    CHECK(!wait_fired(5 * MS));
    CHECK_EQUAL(timer->control(), TIMER_ENABLE);
    timer->set_control(0);
}

static void check_mask(const struct timer *timer)
{
    start_over(timer);
    timer->set_compare(timer->counter());
    timer->set_control(TIMER_ENABLE | TIMER_MASKED);
    CHECK(!wait_fired(2 * MS));
    CHECK_EQUAL(timer->control(), TIMER_ENABLE | TIMER_MASKED | TIMER_PENDING);
    timer->set_control(TIMER_ENABLE);
    CHECK(wait_fired(LATE_NS));
}

static void check_disabled(const struct timer *timer)
{
    start_over(timer);
    timer->set_compare(timer->counter());
    timer->set_control(TIMER_MASKED);
    CHECK(!wait_fired(2 * MS));
    CHECK_EQUAL(timer->control() & ~(uint64_t)TIMER_PENDING, TIMER_MASKED);
    timer->set_control(0);
    CHECK(!wait_fired(2 * MS));
}

static void check_cancelled(const struct timer *timer)
{
    uint64_t deadline;

    start_over(timer);
    deadline = timer->counter() + ns_to_ticks(50 * MS);
    timer->set_compare(deadline);
    timer->set_control(TIMER_ENABLE);
    timer->set_control(0);
    /* Otherwise the machine stood still for long enough to miss the test. */
    if (timer->counter() < deadline) {
        CHECK(!wait_fired(60 * MS));
    }
    /* Raised while the CPU masks interrupts, withdrawn before it takes them.  A virtual timer's writes do not trap, so
     * one interrupt may already be on its way. */
    irq_disable();
    timer->set_compare(timer->counter());
    timer->set_control(TIMER_ENABLE);
    delay_ns(MS);
    timer->set_compare(timer->counter() + FAR_AWAY);
    irq_enable();
    CHECK(!wait_fired(2 * MS) || timer->intid == TIMER_VIRTUAL_PPI);
    CHECK(fired.count <= 1);
    timer->set_control(0);
}

static void check_wakes(const struct timer *timer)
{
    uint64_t deadline;

    start_over(timer);
    irq_disable();
    deadline = timer->counter() + ns_to_ticks(5 * MS);
    timer->set_compare(deadline);
    timer->set_control(TIMER_ENABLE);
    while ((timer->control() & TIMER_PENDING) == 0) {
        wfi();
    }
    CHECK(timer->counter() >= deadline);
    CHECK(timer->counter() < deadline + ns_to_ticks(LATE_NS));
    irq_enable();
    CHECK(wait_fired(LATE_NS));
}

#define TIMER_TESTS(what)                                                                                              \
    static void virtual_##what(void)                                                                                   \
    {                                                                                                                  \
        check_##what(&v_timer);                                                                                        \
    }                                                                                                                  \
    static void physical_##what(void)                                                                                  \
    {                                                                                                                  \
        check_##what(&p_timer);                                                                                        \
    }

TIMER_TESTS(compare_fires)
TIMER_TESTS(interval_fires)
TIMER_TESTS(past_fires_at_once)
TIMER_TESTS(far_stays_quiet)
TIMER_TESTS(mask)
TIMER_TESTS(disabled)
TIMER_TESTS(cancelled)
TIMER_TESTS(wakes)

static void both_timers_at_once(void)
{
    start_over(&v_timer);
    start_over(&p_timer);
    irq_disable();
    v_set_compare(v_counter());
    p_set_compare(p_counter());
    v_set_control(TIMER_ENABLE);
    p_set_control(TIMER_ENABLE);
    delay_ns(MS);
    CHECK(gic_is_pending(TIMER_VIRTUAL_PPI));
    CHECK(gic_is_pending(TIMER_PHYSICAL_PPI));
    v_set_control(0);
    p_set_control(0);
    irq_enable();
}

static void counters_agree(void)
{
    uint64_t virtual_start = v_counter(), physical_start = p_counter();
    uint64_t virtual_run, physical_run, difference;

    CHECK(ticks_per_second() >= 1000000);
    delay_ns(10 * MS);
    virtual_run = v_counter() - virtual_start;
    physical_run = p_counter() - physical_start;
    difference = virtual_run > physical_run ? virtual_run - physical_run : physical_run - virtual_run;
    CHECK(virtual_run >= ns_to_ticks(10 * MS));
    CHECK(difference < ns_to_ticks(LATE_NS));
}

static volatile uint64_t latest;

static void follow_counter(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t other = latest, now = ticks();

        if (now < other) {
            test_fail("CPU %u reads %llu after %llu", (unsigned)this_cpu()->index, (unsigned long long)now,
                      (unsigned long long)other);
        }
        latest = now;
    }
}

static void counter_is_one_for_all_cpus(void)
{
    if (platform.cpu_count < 2) {
        test_skip("one CPU");
        return;
    }
    CHECK_EQUAL(cpu_start(1, platform.mpidr[1], follow_counter, 2000), PSCI_OK);
    while (psci_call32(PSCI_AFFINITY_INFO64, platform.mpidr[1], 0, 0) == 0) {
        uint64_t other = latest, now = ticks();

        CHECK(now >= other);
    }
}

static void wall_clock_is_right(void)
{
    uint64_t epoch = platform_argument("epoch", 1767225600), now, later;
    struct shared_info *info;
    uint32_t ns, later_ns;

    if (!platform.xen) {
        test_skip("no Xen ABI");
        return;
    }
    info = shared_info_map();
    CHECK(info != NULL);
    if (info == NULL) {
        return;
    }
    now = wall_clock(info, &ns);
    print("t_timer: wall clock %llu.%09u\n", (unsigned long long)now, (unsigned)ns);
    CHECK(now >= epoch);
    CHECK(now < epoch + 3600);
    delay_ns(20 * MS);
    later = wall_clock(info, &later_ns);
    CHECK((later - now) * UINT64_C(1000000000) + later_ns - ns >= 20 * MS);
    CHECK((later - now) * UINT64_C(1000000000) + later_ns - ns < 20 * MS + 5 * LATE_NS);
    CHECK_EQUAL(info->wc_version & 1, 0);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"virtual_compare_fires", virtual_compare_fires},
        {"virtual_interval_fires", virtual_interval_fires},
        {"virtual_past_fires_at_once", virtual_past_fires_at_once},
        {"virtual_far_stays_quiet", virtual_far_stays_quiet},
        {"virtual_mask", virtual_mask},
        {"virtual_disabled", virtual_disabled},
        {"virtual_cancelled", virtual_cancelled},
        {"virtual_wakes", virtual_wakes},
        {"physical_compare_fires", physical_compare_fires},
        {"physical_interval_fires", physical_interval_fires},
        {"physical_past_fires_at_once", physical_past_fires_at_once},
        {"physical_far_stays_quiet", physical_far_stays_quiet},
        {"physical_mask", physical_mask},
        {"physical_disabled", physical_disabled},
        {"physical_cancelled", physical_cancelled},
        {"physical_wakes", physical_wakes},
        {"both_timers_at_once", both_timers_at_once},
        {"counters_agree", counters_agree},
        {"counter_is_one_for_all_cpus", counter_is_one_for_all_cpus},
        {"wall_clock_is_right", wall_clock_is_right},
    };

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    test_run(tests, COUNT(tests));
}
