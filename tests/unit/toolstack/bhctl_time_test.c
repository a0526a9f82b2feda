/* SPDX-License-Identifier: Apache-2.0 */
/* Time: budgets and the trace, by bhctl. */
#include "bhctl_fixture.h"

#include <string.h>

#include <xen/sched.h>

/* Two domains on the CPU of an rtds pool; the caller holds the right to schedule over linux and, or not, over other. */
static void start_budgets(bool asked)
{
    const uint64_t cpu2 = 4;
    struct bulkhead_pool pool = {.policy = BULKHEAD_POLICY_RTDS, .cpus = cpu2};
    static const char *const names[] = {"control", "linux", "other"};
    uint16_t ids[3];

    boot = machine_start();
    claim_all(boot);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_POOL, &pool), OK);
    for (uint32_t i = 0; i < 3u; i++) {
        struct xen_domctl op = {0};

        ids[i] = build_domain(boot, names[i], (i == 2u) ? 2 : 1, 2);
        set_identity(ids[i], names[i], (i == 0u) ? BULKHEAD_ROLE_CONTROL : BULKHEAD_ROLE_DOMU, 0);
        for (uint32_t v = 0; i != 0u && v <= i - 1u; v++) {
            op.u.vcpuaffinity.vcpu = v;
            op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
            op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)(uintptr_t)&cpu2;
            op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
            assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, ids[i], &op), OK);
        }
        assert_int_equal(unpause(boot, ids[i]), OK);
        for (uint16_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
            if ((BULKHEAD_RIGHTS_DOMAIN >> right & 1u) != 0u && (i < 2u || asked || right == BULKHEAD_RIGHT_INFO)) {
                assert_int_equal(move_right(boot, right, ids[i], ids[0]), OK);
            }
        }
    }
    if (!asked) {
        struct xen_domctl op = {0};

        op.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
        op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
        op.u.scheduler_op.u.rtds = (struct xen_domctl_sched_rtds){.period = 4000, .budget = 1000};
        assert_int_equal(do_domctl(boot, XEN_DOMCTL_scheduler_op, ids[2], &op), OK);
    }
    caller = vcpu_of(ids[0], 0);
}

/* [utest->dsn~bhctl-reserve~1] */
static void a_reservation_that_does_not_fit_is_refused_with_the_sum(void **state)
{
    (void)state;
    start_budgets(true);
    ARE_USAGE_ERRORS("reserve linux 10000", "reserve linux 10000 x", "reserve linux 10000 5000 more");
    assert_int_equal(run("reserve nobody 10000 5000"), BHCTL_NOBODY);
    assert_int_equal(run("reserve linux 5000 10000"), BHCTL_FAILED);
    assert_int_equal(run("reserve linux 10000 5000 extra"), BHCTL_GOOD);
    assert_int_equal(run("reserve other 4000 1000"), BHCTL_GOOD);
    assert_int_equal(run("sched"), BHCTL_GOOD);
    assert_non_null(strstr(said, "\nlinux                   10000      5000       yes\n"));
    assert_int_equal(run("reserve linux 10000 5001"), BHCTL_FAILED);
    assert_string_equal(
        said,
        "bhctl: CPU 2 would be promised 5001/10000 (linux) + 2 * 1000/4000 (other) = 1000100 millionths of its time\n"
        "bhctl: reserve failed: the shares of a CPU would sum up to more than one [admission]\n");
}

/* [utest->dsn~bhctl-reserve~1] */
static void what_others_were_promised_may_be_unknown(void **state)
{
    (void)state;
    start_budgets(false);
    assert_int_equal(run("reserve other 10000 100"), BHCTL_REFUSED);
    assert_int_equal(run("reserve linux 10000 6000"), BHCTL_FAILED);
    assert_string_equal(
        said, "bhctl: CPU 2 would be promised 6000/10000 (linux) = 600000 millionths of its time, and more to domains "
              "that may not be asked\n"
              "bhctl: reserve failed: the shares of a CPU would sum up to more than one [admission]\n");
}

static uint32_t times_said(const char *text)
{
    uint32_t times = 0;

    for (const char *at = strstr(said, text); at != NULL; at = strstr(at + 1, text)) {
        times++;
    }
    return times;
}

/* [utest->dsn~bhctl-trace~1] */
static void shows_what_the_cpus_do(void **state)
{
    (void)state;
    ARE_USAGE_ERRORS("trace x", "trace 1 2");
    assert_int_equal(run("trace 0"), BHCTL_GOOD);
    assert_int_equal(times_said("TRACE 42525431000002000000000000000000"),
                     1); /* the clock was read twice; each is a record */
    quiet_step = 1000000;
    assert_int_equal(run("trace 7"), BHCTL_GOOD); /* the clock was read, and something recorded, eight times */
    assert_int_equal(times_said("TRACE 4252543100000600"), 1);
    assert_int_equal(times_said("TRACE 4252543100000200"), 1);
    assert_int_equal(run("trace 3"), BHCTL_GOOD);
    assert_int_equal(times_said("TRACE 42525431000004000000000000000000"), 1); /* not those of before; none is lost */
    caller = vcpu_of(linux_domain->id, 0);
    assert_int_equal(run("trace 1"), BHCTL_REFUSED);
    assert_string_equal(said, "bhctl: trace is refused: this domain does not hold the right 'info' that it needs "
                              "[right-over-platform]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reservation_that_does_not_fit_is_refused_with_the_sum),
        cmocka_unit_test(what_others_were_promised_may_be_unknown),
        cmocka_unit_test_setup(shows_what_the_cpus_do, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
