/* SPDX-License-Identifier: Apache-2.0 */
/* t_storm: a safe domain beside hostile ones.  The neighbour at the other end of port 1, a channel with a min-interval, sends
 * without pause.  Boot arguments:
 *   us: the min-interval in microseconds; is it kept?
 *   events=N: so many deadlines of its own, period_us=N apart, are met: none later than late=TICKS, a part of its memory checked
 *     after each; every report=N of them a line, with how many were later than usual=TICKS:
 *       storm: 7000 of 20000: 219 to 480 ticks late, 0 beyond 1000, 77 events
 * [itest->dsn~evtchn-min-interval~1] [impl->dsn~hostile-neighbours~1] [itest->dsn~hostile-neighbours~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/pattern.h>
#include <guest/platform.h>
#include <guest/power.h>
#include <guest/print.h>
#include <guest/test.h>
#include <guest/timer.h>
#include <guest/xen_time.h>

#include <xen/event_channel.h>
#include <xen/vcpu.h>

#define EVENT_PPI  31u
#define PORT       1u
#define UPCALLS    60u
#define PATIENCE_S 20u
#define WORDS      (UINT64_C(1) << 16) /* 512 KiB */
#define PART       UINT64_C(32)        /* words a deadline */

static struct shared_info *shared;
static volatile uint32_t upcalls;
static volatile uint64_t first, last; /* ticks */
static volatile uint64_t released;    /* when the timer's interrupt came; 0 = taken */
static uint64_t memory[WORDS];

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();
    uint64_t now = ticks();

    (void)frame;
    if (intid == TIMER_VIRTUAL_PPI) {
        released = now;
        timer_stop();
    }
    if (intid == EVENT_PPI) {
        struct vcpu_info *info = &shared->vcpu_info[0];

        __atomic_store_n(&info->evtchn_upcall_pending, (uint8_t)0, __ATOMIC_SEQ_CST);
        (void)__atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
        (void)__atomic_exchange_n(&shared->evtchn_pending[0], 0, __ATOMIC_SEQ_CST);
        first = (upcalls == 0) ? now : first;
        last = now;
        upcalls++;
    }
    if (intid != GIC_SPURIOUS) {
        gic_end(intid);
    }
}

static uint64_t early(void)
{
    struct bulkhead_early e = {.domid = DOMID_SELF, .port = PORT};

    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_CHANNEL_EARLY, &e), 0);
    return e.early;
}

/* Ten upcalls, that is what the peer's storm may cost in ten intervals. */
static void a_storm_comes_in_drops(void)
{
    uint64_t interval = platform_argument("us", 0) * ticks_per_second() / 1000000;
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    __asm__ volatile("msr daifclr, #2" ::: "memory");
    while (upcalls < UPCALLS && ticks() < end) {
    }
    __asm__ volatile("msr daifset, #2" ::: "memory");
    uint32_t got = upcalls;
    uint64_t took = last - first;
    CHECK(got >= UPCALLS);
    CHECK(interval > 0);
    if (took + interval < (got - 1) * interval) { /* one interval: an upcall may come late, the next in time */
        test_fail("%u upcalls in %llu ticks, one in %llu is allowed", got, (unsigned long long)took,
                  (unsigned long long)interval);
    }
    CHECK(early() >= UPCALLS);
    print("storm: %u upcalls in %llu us, %llu events put off\n", got,
          (unsigned long long)(took * 1000000 / ticks_per_second()), (unsigned long long)early());
}

static void an_interval_is_known_of_own_ports_only(void)
{
    struct bulkhead_early e = {.domid = 2, .port = PORT};

    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_CHANNEL_EARLY, &e), -1);
    e = (struct bulkhead_early){.domid = DOMID_SELF, .port = 99};
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_CHANNEL_EARLY, &e), -22);
}

/* ---- deadlines ---- */

/* Asleep until the timer's interrupt; when that was. */
static uint64_t wait_release(void)
{
    uint64_t at;

    while (released == 0) {
        wfi();
        irq_enable();
        isb();
        irq_disable();
    }
    at = released;
    released = 0;
    return at;
}

static void neighbours_move_no_deadline(void)
{
    uint64_t began = ticks();
    uint64_t interval = ns_to_ticks(platform_argument("us", 0) * 1000);
    uint64_t events = platform_argument("events", 0);
    uint64_t period = ns_to_ticks(platform_argument("period_us", 500) * 1000);
    uint64_t report = platform_argument("report", 1000);
    uint64_t usual = platform_argument("usual", 1000);
    uint64_t least = UINT64_MAX, most = 0, beyond = 0, deadline;

    pattern_fill(memory, WORDS);
    power_watch();
    delay_ns(platform_argument("settle_us", 0) * 1000); /* the others start */
    deadline = ticks() + period;
    timer_set(deadline);
    for (uint64_t n = 1; n <= events; n++) {
        uint64_t part = (n - 1) % (WORDS / PART), late = wait_release() - deadline;

        least = late < least ? late : least;
        most = late > most ? late : most;
        beyond += late > usual ? 1 : 0;
        pattern_check("storm", memory, part * PART, (part + 1) * PART, (n - 1) / (WORDS / PART));
        power_answer(false);
        deadline += period;
        timer_set(deadline);
        if (n % report == 0) {
            print("storm: %llu of %llu: %llu to %llu ticks late, %llu beyond %llu, %u events\n", (unsigned long long)n,
                  (unsigned long long)events, (unsigned long long)least, (unsigned long long)most,
                  (unsigned long long)beyond, (unsigned long long)usual, upcalls);
        }
    }
    CHECK(most <= platform_argument("late", 0));
    CHECK(upcalls > 0);
    CHECK((upcalls - 2) * interval <= ticks() - began || upcalls < 2); /* the first, and the last one's interval */
}

static const struct test tests[] = {
    {"a_storm_comes_in_drops", a_storm_comes_in_drops},
    {"an_interval_is_known_of_own_ports_only", an_interval_is_known_of_own_ports_only},
};

int main(uint64_t x0)
{
    static const struct test deadlines[] = {{"neighbours_move_no_deadline", neighbours_move_no_deadline}};

    platform_init(x0);
    shared = shared_info_map();
    gic_init();
    gic_init_cpu();
    gic_enable(EVENT_PPI);
    if (platform_argument("events", 0) != 0) {
        platform_print_by_hypercall();
        gic_enable(TIMER_VIRTUAL_PPI);
        test_run(deadlines, 1);
    }
    test_run(tests, sizeof(tests) / sizeof(tests[0]));
}
