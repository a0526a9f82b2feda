/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets, and the end of a domain, on the modelled machine. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pools_fixture.h"
#include "arch/contract/arch.h"
#include "core/wallclock.h"
#include "sched/pools.h"

#include <string.h>

/* ---- rtds ---- */

static int64_t reserve(struct vcpu *by, uint16_t domid, uint32_t period, uint32_t budget)
{
    struct xen_domctl op = {0};

    op.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    op.u.scheduler_op.u.rtds.period = period;
    op.u.scheduler_op.u.rtds.budget = budget;
    return do_domctl(by, XEN_DOMCTL_scheduler_op, domid, &op);
}

/* [utest->dsn~rtds-admission~1] */
static void no_cpu_is_promised_twice(void **state)
{
    uint16_t a, b, wide, outside;
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_RTDS, 6), OK);
    a = domain_in("a", 1, 2, 0);
    b = domain_in("b", 1, 2, 0);
    wide = domain_in("wide", 4, 6, 0);
    outside = domain_in("outside", 1, 8, 0);
    assert_int_equal(reserve(boot, outside, 10000, 1000), ERR_INVAL);
    assert_int_equal(reserve(boot, a, 10000, 10001), ERR_INVAL);
    assert_int_equal(reserve(boot, a, 10000, 9), ERR_INVAL);
    assert_int_equal(reserve(boot, a, 4000001, 100), ERR_INVAL);
    assert_int_equal(reserve(boot, a, 10000, 5000), OK);
    assert_int_equal(reserve(boot, b, 3000, 1501), ERR_NOSPC);
    assert_int_equal(reserve(boot, b, 3000, 1500), OK);
    assert_int_equal(reserve(boot, b, 3000, 1000), OK);             /* less than before */
    assert_int_equal(reserve(boot, wide, 100000, 8335), ERR_NOSPC); /* twice that on CPU 1 */
    assert_int_equal(reserve(boot, wide, 100000, 8333), OK);
    assert_int_equal(reserve(boot, b, 3000, 1001), ERR_NOSPC);
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_scheduler_op, b, &op), OK);
    assert_int_equal(op.u.scheduler_op.u.rtds.period, 3000);
    assert_int_equal(op.u.scheduler_op.u.rtds.budget, 1000);
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putvcpuinfo;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_scheduler_op, b, &op), ERR_INVAL);
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_scheduler_op, b, &op), ERR_INVAL);
    assert_int_equal(reserve(vcpu_of(a, 0), b, 3000, 500), ERR_PERM);
    assert_int_equal(destroy(boot, wide), OK); /* gives back what it had */
    settle();
    assert_int_equal(reserve(boot, b, 3000, 1500), OK);
}

/* [utest->dsn~rtds-admission~1]
 * Shares are rounded up; those of whole thousandths are exact. */
static void a_whole_cpu_can_be_promised(void **state)
{
    uint16_t a, b, c;

    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_RTDS, 2), OK);
    a = domain_in("a", 1, 2, 0);
    b = domain_in("b", 1, 2, 0);
    c = domain_in("c", 1, 2, 0);
    assert_int_equal(reserve(boot, a, 10000, 1000), OK);
    assert_int_equal(reserve(boot, b, 10000, 7000), OK);
    assert_int_equal(reserve(boot, c, 10000, 2001), ERR_NOSPC);
    assert_int_equal(reserve(boot, c, 10000, 2000), OK);
}

/* CPU 1 is a pool of two: a's may run 1 of 4 ms, b's 5 of 10. */
static void two_shares(struct vcpu **va, struct vcpu **vb)
{
    uint16_t a, b;

    assert_int_equal(set_pool(0, BULKHEAD_POLICY_RTDS, 2), OK);
    a = domain_in("a", 1, 2, 0);
    b = domain_in("b", 1, 2, 0);
    assert_int_equal(reserve(boot, a, 4000, 1000), OK);
    assert_int_equal(reserve(boot, b, 10000, 5000), OK);
    *va = started(a);
    *vb = started(b);
}

/* [utest->dsn~rtds-budget~1] */
static void a_budget_is_enforced_on_the_machine(void **state)
{
    struct vcpu *va, *vb;
    ticks_t t0;

    (void)state;
    two_shares(&va, &vb);
    t0 = arch_ticks();
    for (uint32_t i = 0; i < 5u; i++) {
        ticks_t t = t0 + i * 20u * MS;

        assert_ptr_equal(runs_at(1, t), va); /* deadline 4 before 10 */
        assert_true(va->arch.trap_wfi);
        assert_int_equal(cpu_of(1)->arch.deadline, t + MS);
        assert_ptr_equal(runs_at(1, t + MS), vb);
        assert_ptr_equal(runs_at(1, t + 4u * MS), va);
        assert_ptr_equal(runs_at(1, t + 5u * MS), vb);
        assert_int_equal(cpu_of(1)->arch.deadline, t + 7u * MS); /* 3 of 5 are spent */
        assert_ptr_equal(runs_at(1, t + 7u * MS), NULL);
        assert_ptr_equal(runs_at(1, t + 8u * MS), va);
        assert_ptr_equal(runs_at(1, t + 9u * MS), NULL);
        assert_ptr_equal(runs_at(1, t + 10u * MS), vb);
        assert_ptr_equal(runs_at(1, t + 12u * MS), va);
        assert_ptr_equal(runs_at(1, t + 13u * MS), vb);
        assert_ptr_equal(runs_at(1, t + 16u * MS), va);
        assert_ptr_equal(runs_at(1, t + 17u * MS), NULL);
    }
}

/* [utest->dsn~rtds-late~1] [utest->dsn~rtds-budget~1] */
static void an_overrun_is_charged_and_reported(void **state)
{
    const ticks_t tolerated = arch_ticks_hz() >> 14;
    struct vcpu *va, *vb;
    ticks_t t;

    (void)state;
    two_shares(&va, &vb);
    t = arch_ticks();
    assert_ptr_equal(runs_at(1, t), va);
    assert_ptr_equal(runs_at(1, t + MS + tolerated), vb); /* what every switch takes */
    assert_int_equal(va->stats.windows_overrun, 0);
    assert_ptr_equal(runs_at(1, t + 4u * MS), va);
    assert_int_equal(cpu_of(1)->arch.deadline, t + 5u * MS - tolerated); /* charged */
    assert_ptr_equal(runs_at(1, t + 5u * MS + 1u), vb);
    assert_int_equal(va->stats.windows_overrun, 1);
    assert_int_equal(va->domain->health.events[BULKHEAD_EVENT_OVERRUN], 1);
    assert_int_equal(vb->domain->health.events[BULKHEAD_EVENT_OVERRUN], 0);
    assert_ptr_equal(runs_at(1, t + 6u * MS), vb); /* told once */
    assert_int_equal(va->stats.windows_overrun, 1);
}

/* ---- the end of a domain ---- */

/* It ends on CPU 1, whose work it is then to take it apart. */
static uint32_t end_on_cpu_1(struct vcpu *v)
{
    uint32_t slot = v->domain->slot;

    host_become(1);
    assert_int_equal(domain_destroy(v->domain), OK);
    return slot;
}

static bool is_there(uint32_t slot)
{
    struct domain *d = domain_get_slot(slot);

    if (d != NULL) {
        domain_put(d);
    }
    return d != NULL;
}

/* [utest->dsn~real-time-reap~1] */
static void a_domain_is_taken_apart_in_nobodys_time(void **state)
{
    static const struct bulkhead_window w[] = {
        {.end = 3u * NS_MS, .partition = 1}, {.end = 4u * NS_MS, .partition = 2}, {.end = 6u * NS_MS, .partition = 0}};
    ticks_t frame = 1008u * MS;
    struct vcpu *a, *lent;
    uint32_t slot;

    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_ARINC653, 2), OK);
    assert_int_equal(set_schedule(0, 0, w, 3), OK);
    a = started(domain_in("a", 1, 2, 1));
    lent = started(domain_in("lent", 1, 2, 0));
    assert_ptr_equal(runs_at(1, frame), a);
    slot = end_on_cpu_1(started(domain_in("b", 1, 2, 2)));
    for (uint32_t i = 0; i < 3u; i++) { /* where a runs, and where too little is left */
        assert_ptr_equal(runs_at(1, frame + i * MS), a);
        assert_ptr_equal(runs_at(1, frame + 3u * MS), NULL);
        assert_ptr_equal(runs_at(1, frame + 5u * MS), lent);
        assert_true(is_there(slot));
        frame += 6u * MS;
    }
    assert_ptr_equal(runs_at(1, frame), a);
    assert_ptr_equal(runs_at(1, frame + 3u * MS), NULL);
    assert_true(is_there(slot));
    assert_ptr_equal(runs_at(1, frame + 4u * MS), lent);
    assert_false(is_there(slot));
}

/* [utest->dsn~real-time-reap~1] */
static void a_domain_is_taken_apart_in_extra_time(void **state)
{
    struct vcpu *va, *extra;
    ticks_t t;
    uint16_t a;
    uint32_t slot;

    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_RTDS, 2), OK);
    a = domain_in("a", 1, 2, 0);
    assert_int_equal(reserve(boot, a, 10000, 5000), OK);
    va = started(a);
    extra = started(domain_in("extra", 1, 2, 0));
    t = arch_ticks();
    assert_ptr_equal(runs_at(1, t), va);
    slot = end_on_cpu_1(started(domain_in("b", 1, 2, 0)));
    assert_ptr_equal(runs_at(1, t + 5u * MS - 1u), va);
    assert_true(is_there(slot));
    assert_ptr_equal(runs_at(1, t + 5u * MS), extra);
    assert_false(is_there(slot));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(no_cpu_is_promised_twice, start),
        cmocka_unit_test_setup(a_whole_cpu_can_be_promised, start),
        cmocka_unit_test_setup(an_overrun_is_charged_and_reported, start),
        cmocka_unit_test_setup(a_budget_is_enforced_on_the_machine, start),
        cmocka_unit_test_setup(a_domain_is_taken_apart_in_nobodys_time, start),
        cmocka_unit_test_setup(a_domain_is_taken_apart_in_extra_time, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
