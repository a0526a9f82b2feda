/* SPDX-License-Identifier: Apache-2.0 */
/* t_restart: looks whether it is as it was launched, then ends its life, each time in another way, until the hypervisor does
 * not bring it back any more.  How often it was brought back, the hypervisor tells.
 * [itest->dsn~launch-record~1] [itest->dsn~launch-rebuild~1] [itest->dsn~domain-restart~1] [itest->dsn~health-table~1]
 * [itest->dsn~health-storm~1] [itest->dsn~health-crash~1] [itest->dsn~health-watchdog~1] */
#include <guest/cpu.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/psci.h>
#include <guest/string.h>
#include <guest/sysreg.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

#define WORDS     1024u
#define FAR       UINT64_C(0x40800000) /* RAM that nothing of ours is in */
#define FAR_BYTES UINT64_C(0x100000)
#define SOON      UINT64_C(2000000000) /* ns: a counter that began at its life */
#define NOWHERE   UINT64_C(0x6000000000)
#define A_SHARED  40u

static uint64_t data[WORDS] = {1, 2, 3};
static uint64_t zero[WORDS];
static struct bulkhead_life life;
static uint64_t born;

static void memory_is_pristine(void)
{
    const uint64_t *far = (const uint64_t *)FAR;
    uint64_t sum = 0;

    CHECK_EQUAL(data[0], 1);
    CHECK_EQUAL(data[1], 2);
    CHECK_EQUAL(data[2], 3);
    for (uint32_t i = 3; i < WORDS; i++) {
        sum |= data[i];
    }
    for (uint32_t i = 0; i < WORDS; i++) {
        sum |= zero[i];
    }
    for (uint64_t i = 0; i < FAR_BYTES / sizeof(uint64_t); i++) {
        sum |= far[i];
    }
    CHECK_EQUAL(sum, 0);
}

static void devices_are_as_after_reset(void)
{
    CHECK(ticks_to_ns(born) < SOON);
    CHECK_EQUAL(mmio_read32(gic_bit_register(GICD_ISENABLER, A_SHARED)), 0);
}

static void events_are_gone(void)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = 1};

    CHECK(event_channel_op(EVTCHNOP_status, &s) != 0 || s.status == EVTCHNSTAT_closed);
}

static void the_end_before_is_known(void)
{
    static const uint32_t why[] = {BULKHEAD_EVENT_CRASH,  BULKHEAD_EVENT_REBOOT,   BULKHEAD_EVENT_REBOOT,
                                   BULKHEAD_EVENT_DOUBLE, BULKHEAD_EVENT_WATCHDOG, BULKHEAD_EVENT_ACCESS};

    for (uint32_t n = 0; n < life.restarts && n < sizeof(why) / sizeof(why[0]); n++) {
        CHECK(life.events[why[n]] > 0);
    }
    if (life.restarts > 0) {
        CHECK(life.crashes > 0);
        CHECK(strstr(life.crash.console, "TEST memory ok") != NULL);
    }
}

/* What the next life must not find. */
static void leave_traces(void)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};

    memset(data, 0x5a, sizeof(data));
    memset(zero, 0xa5, sizeof(zero));
    memset((void *)FAR, 0xff, FAR_BYTES);
    gic_enable(A_SHARED);
    (void)event_channel_op(EVTCHNOP_bind_ipi, &ipi);
}

static void __attribute__((noreturn)) die(uint64_t n)
{
    struct sched_shutdown crash = {.reason = SHUTDOWN_crash};
    struct sched_shutdown reboot = {.reason = SHUTDOWN_reboot};
    struct sched_watchdog watchdog = {.timeout = 1};

    switch (n) {
    case 1:
        (void)sched_op(SCHEDOP_shutdown, &reboot);
        break;
    case 2:
        (void)psci_call32(PSCI_SYSTEM_RESET, 0, 0, 0);
        break;
    case 3:
        WRITE_SYSREG(vbar_el1, NOWHERE);
        WRITE_SYSREG(sctlr_el1, READ_SYSREG(sctlr_el1) & ~UINT64_C(1)); /* the MMU, so that the address is a real one */
        isb();
        __asm__ volatile("udf #0");
        break;
    case 4:
        CHECK_EQUAL(sched_op(SCHEDOP_watchdog, &watchdog), 1);
        break; /* and never again */
    case 5:
        (void)mmio_read32(NOWHERE);
        break;
    default:
        (void)sched_op(SCHEDOP_shutdown, &crash);
        break;
    }
    for (;;) {
        wfi();
    }
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"memory", memory_is_pristine},
        {"devices", devices_are_as_after_reset},
        {"events", events_are_gone},
        {"history", the_end_before_is_known},
    };

    born = ticks();
    platform_init(x0);
    life.domid = DOMID_SELF;
    (void)hypercall2(HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_LIFE, (uint64_t)&life);
    print("t_restart: life %llu\n", (unsigned long long)life.restarts);
    test_all(tests, sizeof(tests) / sizeof(tests[0]));
    leave_traces();
    die(life.restarts);
}
