/* SPDX-License-Identifier: Apache-2.0 */
/* What failures lead to. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "core/console.h"
#include "core/health.h"

#include <string.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

static struct vcpu *boot;
static uint16_t one;
static struct vcpu *v;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = build_domain(boot, "one", 1, 2);
    v = vcpu_of(one, 0);
    return 0;
}

static struct bulkhead_health usual(void)
{
    struct bulkhead_health h = {.domid = one, .fallback = BULKHEAD_ACTION_HALT};

    for (uint32_t i = 0; i < 4u; i++) {
        h.action[i] = BULKHEAD_ACTION_HALT;
    }
    return h;
}

static int64_t set(struct bulkhead_health *h)
{
    return do_bulkhead(boot, BULKHEAD_OP_SET_HEALTH, h);
}

static void run_with(enum bulkhead_event event, enum bulkhead_action action)
{
    struct bulkhead_health h = usual();

    h.action[event] = action;
    assert_int_equal(set(&h), OK);
    assert_int_equal(unpause(boot, one), OK);
    settle();
    host_console_clear();
}

/* v does something that the architecture answers with an abort. */
static void fault(enum fault_class c)
{
    host_become(v->home);
    this_cpu()->current = v;
    arch_vcpu_load(v);
    upcall_guest_fault(v, c, 0, 0);
    (void)cpu_runs(v->home);
}

static struct bulkhead_life life(void)
{
    struct bulkhead_life l = {.domid = one};

    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_LIFE, &l), OK);
    return l;
}

/* [utest->dsn~health-table~1] */
static void a_table_that_makes_no_sense_is_refused(void **state)
{
    struct bulkhead_health h = usual();

    (void)state;
    for (uint32_t i = 0; i < 4u; i++) {
        h = usual();
        h.action[i] = BULKHEAD_ACTION_PAUSE;
        assert_int_equal(set(&h), ERR_INVAL);
    }
    h = usual();
    h.action[BULKHEAD_EVENT_ACCESS] = BULKHEAD_ACTION_COUNT;
    assert_int_equal(set(&h), ERR_INVAL);
    h = usual();
    h.action[BULKHEAD_EVENT_COUNT] = BULKHEAD_ACTION_HALT;
    assert_int_equal(set(&h), ERR_INVAL);
    h = usual();
    h.fallback = BULKHEAD_ACTION_RESTART;
    assert_int_equal(set(&h), ERR_INVAL);
    h = usual();
    h.pad = 1;
    assert_int_equal(set(&h), ERR_INVAL);
    h = usual();
    h.domid = 99;
    assert_int_equal(set(&h), ERR_SRCH);
    h = usual();
    assert_int_equal(set(&h), OK);
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(set(&h), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_SET_HEALTH, &h), ERR_PERM);
}

/* [utest->dsn~health-table~1] */
static void an_access_is_counted_and_nothing_is_printed(void **state)
{
    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    settle();
    host_console_clear();
    for (uint32_t i = 0; i < 5u; i++) {
        fault(FAULT_STAGE2);
    }
    assert_int_equal(life().events[BULKHEAD_EVENT_ACCESS], 5);
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_LIVE);
    assert_string_equal(host_console(), "");
}

/* [utest->dsn~health-table~1] */
static void what_is_logged_is_printed_once(void **state)
{
    (void)state;
    run_with(BULKHEAD_EVENT_ACCESS, BULKHEAD_ACTION_LOG);
    for (uint32_t i = 0; i < 5u; i++) {
        fault(FAULT_STAGE2);
    }
    assert_string_equal(host_console(), "(bulkhead) one: access to what is not there\r\n");
    assert_int_equal(life().events[BULKHEAD_EVENT_ACCESS], 5);
    fault(FAULT_UNDEFINED); /* the guest's own */
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_LIVE);
}

/* [utest->dsn~health-table~1] */
static void a_paused_domain_waits_for_who_may_unpause_it(void **state)
{
    (void)state;
    run_with(BULKHEAD_EVENT_ILLEGAL, BULKHEAD_ACTION_PAUSE);
    fault(FAULT_ILLEGAL);
    assert_int_equal(domain_of(one)->pause_count, 1);
    fault(FAULT_ILLEGAL); /* another vCPU at the same time */
    assert_int_equal(domain_of(one)->pause_count, 1);
    assert_int_equal(unpause(boot, one), OK);
    assert_true(domain_may_run(domain_of(one)));
}

/* [utest->dsn~health-table~1] */
static void each_event_halts_where_that_is_asked(void **state)
{
    static const struct {
        enum bulkhead_event event;
        enum fault_class c;
    } cases[] = {{BULKHEAD_EVENT_ACCESS, FAULT_STAGE2},
                 {BULKHEAD_EVENT_ILLEGAL, FAULT_ILLEGAL},
                 {BULKHEAD_EVENT_DOUBLE, FAULT_DOUBLE},
                 {BULKHEAD_EVENT_PERIPHERAL, FAULT_SERROR}};

    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bulkhead_life l;

        (void)start(state);
        run_with(cases[i].event, BULKHEAD_ACTION_HALT);
        fault(cases[i].c);
        l = life();
        assert_int_equal(domain_state(domain_of(one)), DOMAIN_SHUTDOWN);
        assert_int_equal(l.events[cases[i].event], 1);
        assert_int_equal(l.crashes, 1);
        assert_int_equal(l.crash.event, cases[i].event);
    }
}

/* [utest->dsn~health-table~1] */
static void the_holder_of_the_right_to_know_is_told(void **state)
{
    struct evtchn_bind_virq b = {.virq = VIRQ_DOM_EXC, .vcpu = 0};
    uint16_t two = build_domain(boot, "two", 1, 2);

    (void)state;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_INFO, one, two), OK);
    assert_int_equal(unpause(boot, two), OK);
    run_with(BULKHEAD_EVENT_OVERRUN, BULKHEAD_ACTION_NOTIFY);
    assert_int_equal(hypercall(vcpu_of(two, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, POINTER(&b), 0), OK);
    health_report(domain_of(one), v, BULKHEAD_EVENT_OVERRUN);
    assert_true((domain_of(two)->evtchn.shared->evtchn_pending[0] >> b.port & 1u) != 0u);
    assert_string_equal(host_console(), "");
}

static void to_reset(void *arg)
{
    (void)arg;
    host_become(v->home);
    this_cpu()->current = v;
    domain_shutdown(domain_of(one), SHUTDOWN_crash);
}

/* [utest->dsn~health-table~1] */
static void the_platform_is_reset_where_the_table_says_so(void **state)
{
    (void)state;
    run_with(BULKHEAD_EVENT_CRASH, BULKHEAD_ACTION_PLATFORM);
    assert_null(host_run(to_reset, NULL));
    assert_non_null(strstr(host_console(), "the platform is reset"));
}

/* [utest->dsn~health-table~1] */
static void what_was_not_sealed_falls_back(void **state)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_crash};
    struct bulkhead_health h = usual();

    (void)state;
    h.action[BULKHEAD_EVENT_CRASH] = BULKHEAD_ACTION_RESTART;
    h.max_restarts = 3;
    assert_int_equal(set(&h), OK);
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&s), 0), OK);
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_SHUTDOWN);
    assert_non_null(strstr(host_console(), "(bulkhead) one: it cannot be restarted"));
}

static void say(const char *text)
{
    console_write(domain_of(one), text, strlen(text));
}

/* [utest->dsn~health-crash~1] */
static void a_crash_record_has_registers_and_the_last_lines(void **state)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_crash};
    struct bulkhead_life l;

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    settle();
    for (uint32_t i = 0; i < 20u; i++) {
        say("a line that is long enough to fill the record\n");
    }
    say("kernel panic\nnot whole");
    v->arch.x[7] = 0x777;
    v->arch.pc = 0xabc;
    host_add_ticks(HOST_HZ);
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&s), 0), OK);
    l = life();
    assert_int_equal(l.crashes, 1);
    assert_int_equal(l.crash.event, BULKHEAD_EVENT_CRASH);
    assert_int_equal(l.crash.vcpu, 0);
    assert_true(l.crash.time >= 1000000000u);
    assert_int_equal(l.crash.x[7], 0x777);
    assert_int_equal(l.crash.pc, 0xabc);
    assert_int_equal(strlen(l.crash.console), sizeof(l.crash.console) - 1u);
    assert_string_equal(l.crash.console + sizeof(l.crash.console) - 1u - strlen("record\nkernel panic\n"),
                        "record\nkernel panic\n");
    memset(&l, 0, sizeof(l));
    l.domid = DOMID_SELF;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_LIFE, &l), OK);
    assert_int_equal(l.crashes, 1);
    l.domid = DOMID_BOOT;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_LIFE, &l), ERR_PERM);
}

static int64_t watchdog(uint32_t id, uint32_t seconds)
{
    struct sched_watchdog w = {.id = id, .timeout = seconds};

    return hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_watchdog, POINTER(&w), 0);
}

static void pass_time(uint64_t ticks)
{
    host_add_ticks(ticks);
    host_become(v->home);
    upcall_timer(this_cpu());
    (void)cpu_runs(v->home);
}

/* [utest->dsn~health-watchdog~1] */
static void a_watchdog_that_is_not_served_ends_the_life(void **state)
{
    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    settle();
    assert_int_equal(watchdog(0, 0), ERR_INVAL);
    assert_int_equal(watchdog(3, 1), ERR_INVAL);
    assert_int_equal(watchdog(UINT32_MAX, 1), ERR_INVAL);
    assert_int_equal(watchdog(1, 1), ERR_INVAL); /* there is none */
    assert_int_equal(watchdog(0, 5), 1);
    assert_int_equal(watchdog(0, 2), 2);
    assert_int_equal(watchdog(0, 1), ERR_NOSPC);
    pass_time(HOST_HZ);
    assert_int_equal(watchdog(2, 9), OK);
    pass_time(3u * HOST_HZ);
    assert_int_equal(watchdog(1, 0), OK); /* stopped */
    pass_time(5u * HOST_HZ);
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_LIVE);
    assert_int_equal(domain_pause(domain_of(one)), OK);
    pass_time(5u * HOST_HZ);
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_LIVE); /* it was paused */
    assert_int_equal(unpause(boot, one), OK);
    pass_time(HOST_HZ + 1u);
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_SHUTDOWN);
    assert_int_equal(domain_of(one)->shutdown_code, SHUTDOWN_watchdog);
    assert_int_equal(life().events[BULKHEAD_EVENT_WATCHDOG], 1);
    assert_non_null(strstr(host_console(), "(bulkhead) one: watchdog expired (shutdown code 4)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_table_that_makes_no_sense_is_refused, start),
        cmocka_unit_test_setup(an_access_is_counted_and_nothing_is_printed, start),
        cmocka_unit_test_setup(what_is_logged_is_printed_once, start),
        cmocka_unit_test_setup(a_paused_domain_waits_for_who_may_unpause_it, start),
        cmocka_unit_test_setup(each_event_halts_where_that_is_asked, start),
        cmocka_unit_test_setup(the_holder_of_the_right_to_know_is_told, start),
        cmocka_unit_test_setup(the_platform_is_reset_where_the_table_says_so, start),
        cmocka_unit_test_setup(what_was_not_sealed_falls_back, start),
        cmocka_unit_test_setup(a_crash_record_has_registers_and_the_last_lines, start),
        cmocka_unit_test_setup(a_watchdog_that_is_not_served_ends_the_life, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
