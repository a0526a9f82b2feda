/* SPDX-License-Identifier: Apache-2.0 */
/* t_storm: a safe domain is sent events without pause through a channel with a min-interval, by a hostile one.
 * Boot arguments: role=1 receives, role=2 sends; us: the min-interval in microseconds.  Both have port 1.
 * [itest->dsn~evtchn-min-interval~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
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

static struct shared_info *shared;
static volatile uint32_t upcalls;
static volatile uint64_t first, last; /* ticks */

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();
    uint64_t now = ticks();

    (void)frame;
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

static const struct test tests[] = {
    {"a_storm_comes_in_drops", a_storm_comes_in_drops},
    {"an_interval_is_known_of_own_ports_only", an_interval_is_known_of_own_ports_only},
};

int main(uint64_t x0)
{
    struct evtchn_send send = {.port = PORT};

    platform_init(x0);
    if (platform_argument("role", 1) == 2) {
        for (;;) {
            (void)event_channel_op(EVTCHNOP_send, &send);
        }
    }
    shared = shared_info_map();
    gic_init();
    gic_init_cpu();
    gic_enable(EVENT_PPI);
    test_run(tests, sizeof(tests) / sizeof(tests[0]));
}
