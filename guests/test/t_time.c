/* SPDX-License-Identifier: Apache-2.0 */
/* t_time: when this domain runs, seen from inside: it reads the counter as fast as it can, and a gap between two readings is time
 * that it did not get.  Boot arguments (times in microseconds, ticks of the counter where said so):
 *   role=1 a partition: frame, start, length, guard, windows=N to look at, late=TICKS allowed, settle=TIME before
 *   role=2 an attacker: everything that costs the hypervisor time, for ever; rounds=N: then it crashes
 *   role=3 alone on its CPU: for=TIME, gap=TICKS of a loop without an exit
 *   role=4 a budget: period, budget, periods=N to look at, late=TICKS allowed, settle=TIME before
 *   role=5 holds the right to schedule: other=TIME to wait, then the second schedule, then the first again
 *   role=6 a partition of two schedules: frame, start, second=TIME (start in the second one), late=TICKS allowed
 *   role=7 one of several=N that always want to run: its share from=TIME until=TIME of the counter
 * [itest->dsn~arinc653-switch~1] [itest->dsn~round-robin~1]
 * [itest->dsn~arinc653-guard~1] [itest->dsn~arinc653-window~1] [itest->dsn~partition-messages~1]
 * [itest->dsn~null-policy~1] [itest->dsn~rtds-budget~1] */
#include <guest/cpu.h>
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <xen/sched.h>
#include <xen/version.h>

#include "probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define US           UINT64_C(1000)

/* Readings of the physical counter: the one by which windows are laid out. */
static uint64_t now(void)
{
    isb();
    return READ_SYSREG(cntpct_el0);
}

static uint64_t time_argument(const char *name)
{
    return ns_to_ticks(platform_argument(name, 0) * US);
}

/* The next stretch that this CPU runs without a gap: `last` of the stretch before, the first reading behind it, from where
 * the next call goes on: whoever has just begun to run is interrupted at once quite often.
 * own: gaps up to so many ticks are exits of its own; the longest of them is kept. */
struct gap {
    uint64_t last, first;
    uint64_t longest;
};

static void find_gap(struct gap *gap, uint64_t own)
{
    uint64_t last = (gap->first != 0) ? gap->first : now();

    for (;;) {
        uint64_t t = now();
        uint64_t length = t - last;

        if (length > own) {
            gap->last = last;
            gap->first = t;
            return;
        }
        gap->longest = length > gap->longest ? length : gap->longest;
        last = t;
    }
}

/* ---- role 1 ---- */

/* What one CPU of a partition saw; written by that CPU. */
static volatile struct {
    uint64_t earliest, latest; /* start of a window, ticks after it should have been */
    uint64_t sum;              /* of these */
    uint64_t end;              /* the latest reading in a window, from its start */
    uint64_t longest;          /* gap within a window */
    uint64_t frames;           /* from the first window that was looked at on */
    uint64_t windows;
} seen[GUEST_MAX_CPUS];

static void watch(uint64_t cpu)
{
    uint64_t frame = time_argument("frame");
    uint64_t start = time_argument("start");
    uint64_t windows = platform_argument("windows", 100);
    uint64_t away = (frame - time_argument("length")) / 2;
    struct gap gap = {0};
    uint64_t earliest = UINT64_MAX;
    uint64_t latest = 0;
    uint64_t end = 0;
    uint64_t sum = 0;
    uint64_t first_frame;

    delay_ns(platform_argument("settle", 0) * US); /* under -icount the counter counts the launch on another CPU, too */
    find_gap(&gap, away);
    gap.longest = 0;
    first_frame = gap.first / frame;
    for (uint64_t i = 0; i < windows; i++) {
        uint64_t began = (gap.first - start) / frame * frame + start;
        uint64_t late = gap.first - began;

        earliest = late < earliest ? late : earliest;
        latest = late > latest ? late : latest;
        sum += late;
        find_gap(&gap, away);
        end = gap.last - began > end ? gap.last - began : end;
    }
    seen[cpu].earliest = earliest;
    seen[cpu].latest = latest;
    seen[cpu].sum = sum;
    seen[cpu].frames = gap.first / frame - first_frame;
    seen[cpu].end = end;
    seen[cpu].longest = gap.longest;
    __atomic_store_n(&seen[cpu].windows, windows, __ATOMIC_RELEASE);
}

static void windows_start_and_end_on_time(void)
{
    uint64_t allowed = platform_argument("late", 500);
    uint64_t length = time_argument("length") - time_argument("guard");

    for (uint32_t i = 1; i < platform.cpu_count; i++) {
        CHECK_EQUAL(cpu_start(i, platform.mpidr[i], watch, i), 0);
    }
    watch(0);
    for (uint32_t i = 0; i < platform.cpu_count; i++) {
        while (__atomic_load_n(&seen[i].windows, __ATOMIC_ACQUIRE) == 0) {
        }
        print("window: CPU %u, %llu windows, start %llu to %llu ticks late, mean %llu.%llu, end at %llu of %llu, "
              "longest gap %llu\n",
              i, (unsigned long long)seen[i].windows, (unsigned long long)seen[i].earliest,
              (unsigned long long)seen[i].latest, (unsigned long long)(seen[i].sum / seen[i].windows),
              (unsigned long long)(seen[i].sum * 10 / seen[i].windows % 10), (unsigned long long)seen[i].end,
              (unsigned long long)length, (unsigned long long)seen[i].longest);
        CHECK(seen[i].latest <= allowed);
        CHECK_EQUAL(seen[i].frames, seen[i].windows); /* none was left out */
        CHECK(seen[i].end <= length + allowed);
        CHECK(seen[i].end + 10 * allowed >= length); /* it gets all of its window */
        CHECK(seen[i].longest <= platform_argument("gap", 4 * allowed));
    }
}

/* ---- role 2 ---- */

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    timer_stop();
    if (intid != GIC_SPURIOUS) {
        gic_end(intid);
    }
}

static void spin(void)
{
    delay_ns(300 * US);
}

static void call(void)
{
    for (uint32_t i = 0; i < 200; i++) {
        xen_version(XENVER_version, NULL);
        (void)hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
}

static void trap(void)
{
    for (uint32_t i = 0; i < 200; i++) {
        probe_read(NOTHING_DEVICE, 4);
        gic_enable(40);
    }
}

/* Fires in a window of somebody else. */
static void time_out(void)
{
    for (uint32_t i = 0; i < 20; i++) {
        timer_set(ticks() + ns_to_ticks(37 * US));
        __asm__ volatile("wfi");
    }
}

static void invalidate(void)
{
    for (uint32_t i = 0; i < 200; i++) {
        __asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    }
}

static void attack(void)
{
    static void (*const attacks[])(void) = {spin, call, trap, time_out, invalidate};

    gic_enable(TIMER_VIRTUAL_PPI);
    irq_enable();
    for (uint64_t i = platform_argument("rounds", UINT64_MAX); i > 0; i--) {
        attacks[i % COUNT(attacks)]();
    }
    shutdown(SHUTDOWN_crash);
}

/* ---- role 3 ---- */

/* A loop that nothing leaves has gaps of one length; an exit would add hundreds of instructions. */
static void nothing_interrupts_it(void)
{
    uint64_t end = now() + time_argument("for");
    uint64_t longest = 0;
    uint64_t last = now();

    while (last < end) {
        uint64_t t = now();
        longest = t - last > longest ? t - last : longest;
        last = t;
    }
    print("alone: longest gap %llu ticks\n", (unsigned long long)longest);
    CHECK(longest <= platform_argument("gap", 40));
}

/* ---- role 4 ---- */

/* The server's periods cannot be seen, so: in N of them it gets N budgets, one more or less; and never more than two without a
 * gap, which is the end of one period and the start of the next. */
static void the_budget_is_what_was_promised(void)
{
    uint64_t budget = time_argument("budget");
    uint64_t allowed = platform_argument("late", 1000);
    uint64_t periods = platform_argument("periods", 50);
    uint64_t own = allowed + allowed / 2; /* an exit takes less; somebody else's turn, two switches, more */
    struct gap gap = {0};
    uint64_t most = 0;
    uint64_t ran = 0;
    uint64_t end = now() + time_argument("settle");

    do {
        find_gap(&gap, own);
    } while (gap.first < end);
    end = gap.first + periods * time_argument("period");
    while (gap.first < end) {
        uint64_t from = gap.first;

        find_gap(&gap, own);
        ran += gap.last - from;
        most = gap.last - from > most ? gap.last - from : most;
    }
    print("budget: %llu ticks in %llu periods of %llu each, %llu at once\n", (unsigned long long)ran,
          (unsigned long long)periods, (unsigned long long)budget, (unsigned long long)most);
    CHECK(ran <= (periods + 1) * budget + allowed);
    CHECK(ran + 8 * periods * allowed >= (periods - 1) * budget); /* what the hypervisor does for it is charged to it */
    CHECK(most <= 2 * (budget + allowed));
}

/* ---- roles 5 and 6 ---- */

/* Asleep: under -icount the counter counts the instructions of all CPUs. */
static void sleep_for(uint64_t interval)
{
    uint64_t end = ticks() + interval;

    gic_enable(TIMER_VIRTUAL_PPI);
    while (ticks() < end) {
        timer_set(end);
        __asm__ volatile("wfi");
        irq_enable();
        irq_disable();
    }
}

static int64_t switch_to(uint32_t pool, uint32_t schedule, uint64_t *at)
{
    struct bulkhead_switch op = {.pool = pool, .schedule = schedule};
    int64_t result = bulkhead_op(BULKHEAD_OP_SWITCH_SCHEDULE, &op);

    *at = op.at;
    return result;
}

static void schedules_are_switched_at_a_major_frame(void)
{
    uint64_t frame = time_argument("frame");
    uint64_t at, again;

    sleep_for(time_argument("other"));
    CHECK_EQUAL(switch_to(1, 1, &at), (uint64_t)-22);
    CHECK_EQUAL(switch_to(0, 2, &at), (uint64_t)-22);
    for (uint32_t schedule = 1; schedule < 3; schedule++) {
        CHECK_EQUAL(switch_to(0, schedule % 2, &at), 0);
        CHECK_EQUAL(at % frame, 0);
        CHECK(at > now() && at - now() <= 2 * frame);
        CHECK_EQUAL(switch_to(0, 1, &again), (uint64_t)-16); /* that one is still to come */
        sleep_for(time_argument("other"));
    }
    print("switch: back\n");
}

/* Each window starts where one of the schedules has it: first the one, then the other, then the one again. */
static void windows_are_those_of_one_schedule_at_a_time(void)
{
    uint64_t frame = time_argument("frame");
    uint64_t starts[] = {time_argument("start"), time_argument("second"), time_argument("start")};
    uint64_t allowed = platform_argument("late", 500);
    uint64_t seen_windows[COUNT(starts)] = {0};
    struct gap gap = {0};
    uint64_t last = 0;
    uint32_t phase = 0;

    find_gap(&gap, 10 * allowed);
    while (seen_windows[2] < 20) {
        uint64_t offset = gap.first % frame;

        if (phase + 1 < COUNT(starts) && offset - starts[phase] > allowed) {
            phase++;
        }
        if (offset - starts[phase] > allowed || (last != 0 && gap.first / frame != last + 1)) {
            test_fail("window %llu of schedule %u starts at %llu, frame %llu behind %llu",
                      (unsigned long long)seen_windows[phase], phase, (unsigned long long)offset,
                      (unsigned long long)(gap.first / frame), (unsigned long long)last);
            return;
        }
        last = gap.first / frame;
        seen_windows[phase]++;
        find_gap(&gap, 10 * allowed);
    }
    print("switch: %llu windows, %llu of the other schedule\n", (unsigned long long)seen_windows[0],
          (unsigned long long)seen_windows[1]);
    CHECK(seen_windows[0] >= 10 && seen_windows[1] >= 10);
}

/* ---- role 7 ---- */

/* They share the CPU equally; a turn more or less at either end. */
static void its_share_is_that_of_the_others(void)
{
    uint64_t from = time_argument("from");
    uint64_t until = time_argument("until");
    uint64_t share = (until - from) / platform_argument("several", 1);
    uint64_t turn = ticks_per_second() / 512;
    uint64_t last = now();
    uint64_t ran = 0;

    while (last < until + 100 * turn) { /* and on, so that nobody ends early */
        uint64_t t = now();

        if (last >= from && t <= until && t - last < turn / 4) {
            ran += t - last;
        }
        last = t;
    }
    print("share: %llu of %llu ticks, a %llu.%02llu. of them\n", (unsigned long long)ran,
          (unsigned long long)(until - from), (unsigned long long)((until - from) / ran),
          (unsigned long long)((until - from) * 100 / ran % 100));
    CHECK(ran <= share + 2 * turn);
    CHECK(ran + 2 * turn + share / 100 >= share); /* switches cost something */
}

int main(uint64_t x0)
{
    static const struct test tests[][1] = {
        {{"windows_start_and_end_on_time", windows_start_and_end_on_time}},
        {{"nothing_interrupts_it", nothing_interrupts_it}},
        {{"the_budget_is_what_was_promised", the_budget_is_what_was_promised}},
        {{"schedules_are_switched_at_a_major_frame", schedules_are_switched_at_a_major_frame}},
        {{"windows_are_those_of_one_schedule_at_a_time", windows_are_those_of_one_schedule_at_a_time}},
        {{"its_share_is_that_of_the_others", its_share_is_that_of_the_others}},
    };
    uint64_t role;

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    role = platform_argument("role", 1);
    if (role == 2) {
        attack();
    }
    test_run(tests[(role <= 2) ? 0 : (role - 2) % COUNT(tests)], 1);
}
