/* SPDX-License-Identifier: Apache-2.0 */
/* Power-off and reset of the platform.  [utest->dsn~platform-power~1] */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "core/power.h"

#include <string.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

static struct vcpu *boot;
static uint16_t control, one, two, other;

static uint16_t make(const char *name, uint32_t flags)
{
    uint16_t domid = build_domain(boot, name, 1, 2);

    domain_of(domid)->flags |= flags;
    return domid;
}

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    power_init(false);
    control = make("control", BULKHEAD_DOMAIN_SAFE);
    one = make("one", BULKHEAD_DOMAIN_SAFE);
    two = make("two", BULKHEAD_DOMAIN_SAFE);
    other = make("other", 0);
    for (uint16_t id = control; id <= other; id++) {
        assert_int_equal(unpause(boot, id), OK);
    }
    settle();
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_PLATFORM, DOMID_SELF, control), OK);
    host_console_clear();
    return 0;
}

static int64_t power(uint16_t by, uint32_t action, uint32_t seconds)
{
    struct bulkhead_power p = {.action = action, .seconds = seconds};

    return do_bulkhead(vcpu_of(by, 0), BULKHEAD_OP_POWER, &p);
}

struct call {
    uint16_t by;
    uint32_t action; /* 0: it switches itself off */
};

static void make_call(void *arg)
{
    const struct call *c = arg;
    struct sched_shutdown off = {.reason = SHUTDOWN_poweroff};

    if (c->action != 0u) {
        (void)power(c->by, c->action, 10);
    } else {
        (void)hypercall(vcpu_of(c->by, 0), __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&off), 0);
    }
    fail_msg("it returns");
}

/* The machine stops in it. */
static void last_call(uint16_t by, uint32_t action)
{
    struct call c = {.by = by, .action = action};

    assert_null(host_run(make_call, &c));
}

static bool is_over(const char *how)
{
    return strstr(host_console(), how) != NULL;
}

static void all_who_are_safe_have_to_agree(void **state)
{
    (void)state;
    assert_int_equal(power(one, BULKHEAD_POWER_AGREE, 0), ERR_INVAL); /* nobody asked */
    assert_int_equal(power(control, BULKHEAD_POWER_RESET, 10), OK);
    assert_non_null(strstr(host_console(), "control: wants the platform reset"));
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 10), ERR_BUSY);
    assert_int_equal(power(other, BULKHEAD_POWER_AGREE, 0), ERR_INVAL);
    assert_int_equal(power(control, BULKHEAD_POWER_AGREE, 0), ERR_INVAL);
    assert_int_equal(power(one, BULKHEAD_POWER_AGREE, 0), OK);
    assert_int_equal(power(one, BULKHEAD_POWER_AGREE, 0), ERR_INVAL); /* it has */
    assert_false(is_over("the platform is"));
    last_call(two, BULKHEAD_POWER_AGREE);
    assert_true(is_over("bulkhead: the platform is reset"));
}

static void one_refusal_ends_it(void **state)
{
    (void)state;
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 10), OK);
    assert_int_equal(power(one, BULKHEAD_POWER_AGREE, 0), OK);
    assert_int_equal(power(two, BULKHEAD_POWER_REFUSE, 0), OK);
    assert_non_null(strstr(host_console(), "two: wants the platform to go on"));
    assert_int_equal(power(two, BULKHEAD_POWER_AGREE, 0), ERR_INVAL);
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 10), OK); /* asked anew */
    assert_int_equal(power(two, BULKHEAD_POWER_AGREE, 0), OK);
    last_call(one, BULKHEAD_POWER_AGREE);
    assert_true(is_over("bulkhead: the platform is powered off"));
}

static void silence_is_no(void **state)
{
    (void)state;
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 10), OK);
    assert_int_equal(power(one, BULKHEAD_POWER_AGREE, 0), OK);
    host_add_ticks(10u * HOST_HZ);
    assert_int_equal(power(two, BULKHEAD_POWER_AGREE, 0), ERR_INVAL);
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 10), OK);
    assert_false(is_over("the platform is"));
}

static void who_has_stopped_does_not_object(void **state)
{
    struct sched_shutdown off = {.reason = SHUTDOWN_poweroff};

    (void)state;
    assert_int_equal(hypercall(vcpu_of(two, 0), __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&off), 0), OK);
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 10), OK);
    last_call(one, 0);
    assert_true(is_over("bulkhead: the platform is powered off"));
}

static void only_the_holder_of_the_right_may_ask(void **state)
{
    (void)state;
    for (uint16_t id = one; id <= other; id++) {
        assert_int_equal(power(id, BULKHEAD_POWER_OFF, 10), ERR_PERM);
        assert_int_equal(power(id, BULKHEAD_POWER_RESET, 10), ERR_PERM);
    }
    assert_int_equal(power(control, 0, 10), ERR_INVAL);
    assert_int_equal(power(control, 5, 10), ERR_INVAL);
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 0), ERR_INVAL);
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 3601), ERR_INVAL);
}

static void who_is_asked_gets_an_event(void **state)
{
    struct evtchn_bind_virq bind = {.virq = BULKHEAD_VIRQ_POWER};
    struct vcpu *v = vcpu_of(one, 0);

    (void)state;
    assert_int_equal(hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, POINTER(&bind), 0), OK);
    assert_int_equal(domain_of(one)->evtchn.shared->evtchn_pending[0], 0);
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 10), OK);
    assert_int_equal(domain_of(one)->evtchn.shared->evtchn_pending[0], UINT64_C(1) << bind.port);
}

/* The other domain fails, and the description has a reset follow. */
static void other_fails(void)
{
    domain_of(other)->health.action[BULKHEAD_EVENT_POWEROFF] = BULKHEAD_ACTION_PLATFORM;
    struct sched_shutdown off = {.reason = SHUTDOWN_poweroff};
    (void)hypercall(vcpu_of(other, 0), __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&off), 0);
}

/* [utest->dsn~platform-failure~1] */
static void a_failure_asks_as_a_call_does(void **state)
{
    (void)state;
    other_fails();
    assert_non_null(strstr(host_console(), "other: wants the platform reset"));
    assert_false(is_over("the platform is"));
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 10), ERR_BUSY);
    assert_int_equal(power(control, BULKHEAD_POWER_AGREE, 0), OK); /* safe, and not the one who asks */
    assert_int_equal(power(one, BULKHEAD_POWER_AGREE, 0), OK);
    last_call(two, BULKHEAD_POWER_AGREE);
    assert_true(is_over("bulkhead: the platform is reset"));
}

static void after_a_failure_who_is_safe_may_refuse_or_be_silent(void **state)
{
    (void)state;
    other_fails();
    assert_int_equal(power(two, BULKHEAD_POWER_REFUSE, 0), OK);
    assert_int_equal(power(control, BULKHEAD_POWER_OFF, 1), OK);
    other_fails(); /* while others are asked, and it has ended: nothing */
    host_add_ticks(10u * HOST_HZ);
    assert_int_equal(power(one, BULKHEAD_POWER_AGREE, 0), ERR_INVAL);
    assert_false(is_over("the platform is"));
}

static void where_the_description_says_so_nobody_is_asked(void **state)
{
    (void)state;
    power_init(true);
    assert_int_equal(power(one, BULKHEAD_POWER_OFF, 10), ERR_PERM);
    last_call(control, BULKHEAD_POWER_OFF);
    assert_true(is_over("bulkhead: the platform is powered off"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_who_are_safe_have_to_agree, start),
        cmocka_unit_test_setup(one_refusal_ends_it, start),
        cmocka_unit_test_setup(silence_is_no, start),
        cmocka_unit_test_setup(who_has_stopped_does_not_object, start),
        cmocka_unit_test_setup(only_the_holder_of_the_right_may_ask, start),
        cmocka_unit_test_setup(who_is_asked_gets_an_event, start),
        cmocka_unit_test_setup(a_failure_asks_as_a_call_does, start),
        cmocka_unit_test_setup(after_a_failure_who_is_safe_may_refuse_or_be_silent, start),
        cmocka_unit_test_setup(where_the_description_says_so_nobody_is_asked, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
