/* SPDX-License-Identifier: Apache-2.0 */
/* Pools as a launch describes them, on the modelled machine. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pools_fixture.h"
#include "arch/contract/arch.h"
#include "core/wallclock.h"
#include "sched/pools.h"

#include <string.h>

/* ---- description ---- */

/* [utest->dsn~cpu-pools~1] */
static void a_wrong_pool_is_refused(void **state)
{
    struct bulkhead_pool p = {.pool = 0, .policy = BULKHEAD_POLICY_NULL, .cpus = 2, .guard = BULKHEAD_GUARD_MAX + 1u};

    (void)state;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_POOL, &p), ERR_INVAL);
    assert_int_equal(set_pool(BULKHEAD_POOLS, BULKHEAD_POLICY_NULL, 2), ERR_INVAL);
    assert_int_equal(set_pool(0, 0, 2), ERR_INVAL);
    assert_int_equal(set_pool(0, 6, 2), ERR_INVAL);
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_NULL, 0), ERR_INVAL);
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_NULL, UINT64_C(1) << HOST_CPUS), ERR_INVAL);
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_NULL, 2), OK);
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_NULL, 4), ERR_EXIST);
    assert_int_equal(set_pool(1, BULKHEAD_POLICY_NULL, 6), ERR_INVAL); /* CPU 1 has a pool */
    assert_int_equal(set_pool(1, BULKHEAD_POLICY_NULL, 4), OK);
    assert_int_equal(set_pool(3, BULKHEAD_POLICY_SHARE, 8), OK);
    (void)started(domain_in("one", 1, 2, 0));
    assert_int_equal(set_pool(2, BULKHEAD_POLICY_NULL, 16), ERR_BUSY);
}

/* [utest->dsn~cpu-pools~1] */
static void a_wrong_schedule_is_refused(void **state)
{
    struct bulkhead_window w[] = {{.end = NS_MS, .partition = 1}, {.end = 2u * NS_MS, .partition = 2}};
    struct bulkhead_schedule s = {.pool = 0, .count = 2, .windows = POINTER(w), .pad = 1};

    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_ARINC653, 2), OK);
    assert_int_equal(set_pool(1, BULKHEAD_POLICY_RTDS, 4), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_SCHEDULE, &s), ERR_INVAL);
    assert_int_equal(set_schedule(1, 0, w, 2), ERR_INVAL);
    assert_int_equal(set_schedule(2, 0, w, 2), ERR_INVAL);
    assert_int_equal(set_schedule(BULKHEAD_POOLS, 0, w, 2), ERR_INVAL);
    assert_int_equal(set_schedule(0, BULKHEAD_SCHEDULES, w, 2), ERR_INVAL);
    assert_int_equal(set_schedule(0, 0, w, 0), ERR_INVAL);
    assert_int_equal(set_schedule(0, 0, w, BULKHEAD_WINDOWS + 1u), ERR_INVAL);
    w[1].partition = BULKHEAD_PARTITIONS + 1u;
    assert_int_equal(set_schedule(0, 0, w, 2), ERR_INVAL);
    w[1] = (struct bulkhead_window){.end = NS_MS, .partition = 2}; /* empty */
    assert_int_equal(set_schedule(0, 0, w, 2), ERR_INVAL);
    w[1].end = NS_MS + GUARD; /* no longer than the guard time */
    assert_int_equal(set_schedule(0, 0, w, 2), ERR_INVAL);
    w[1].end = BULKHEAD_FRAME_MAX + 1u;
    assert_int_equal(set_schedule(0, 0, w, 2), ERR_INVAL);
    w[1].pad = 1;
    w[1].end = 2u * NS_MS;
    assert_int_equal(set_schedule(0, 0, w, 2), ERR_INVAL);
    w[1].pad = 0;
    w[1].end = 2u * NS_MS;
    host_fail_copy(3); /* the second window */
    assert_int_equal(set_schedule(0, 0, w, 2), ERR_FAULT);
    assert_int_equal(set_schedule(0, 0, w, 2), OK);
    assert_int_equal(set_schedule(0, 0, w, 2), ERR_EXIST);
    (void)started(domain_in("one", 1, 2, 1));
    assert_int_equal(set_schedule(0, 1, w, 2), ERR_BUSY);
}

/* ---- arinc653 ---- */

/* Partition 1 for 2 ms, partition 2 for 1 ms, nobody for 1 ms, on CPUs 1 and 2. */
static void two_partitions(void)
{
    static const struct bulkhead_window w[] = {
        {.end = 2u * NS_MS, .partition = 1}, {.end = 3u * NS_MS, .partition = 2}, {.end = 4u * NS_MS, .partition = 0}};

    assert_int_equal(set_pool(0, BULKHEAD_POLICY_ARINC653, 6), OK);
    assert_int_equal(set_schedule(0, 0, w, 3), OK);
}

/* [utest->dsn~arinc653-guard~1] [utest->dsn~arinc653-late~2] */
static void partitions_run_in_their_windows_and_nowhere_else(void **state)
{
    ticks_t guard;
    ticks_t frame = 1004u * MS;
    struct vcpu *a, *b;

    (void)state;
    two_partitions();
    guard = ns_to_ticks(GUARD);
    a = started(domain_in("a", 1, 2, 1));
    b = started(domain_in("b", 1, 2, 2));
    for (uint32_t i = 0; i < 50u; i++) {
        assert_ptr_equal(runs_at(1, frame + i), a);
        assert_int_equal(cpu_of(1)->arch.deadline, frame + 2u * MS - guard);
        assert_false(a->arch.trap_wfi);
        assert_ptr_equal(runs_at(1, frame + 2u * MS - guard - 1u), a);
        assert_ptr_equal(runs_at(1, frame + 2u * MS - guard), b); /* loaded, and held until its window starts */
        assert_int_equal(arch_ticks(), frame + 2u * MS);
        assert_int_equal(cpu_of(1)->arch.deadline, frame + 3u * MS - guard);
        assert_ptr_equal(runs_at(1, frame + 3u * MS - guard), NULL);
        assert_int_equal(cpu_of(1)->arch.deadline, frame + 4u * MS - guard);
        frame += 4u * MS;
        assert_ptr_equal(runs_at(1, frame - guard), a);
        assert_int_equal(arch_ticks(), frame);
    }
    assert_int_equal(a->stats.windows_overrun, 0);
    /* A path that keeps interrupts masked beyond the guard time is charged to who was on the CPU. */
    assert_ptr_equal(runs_at(1, frame + 2u * MS + 3u), b);
    assert_int_equal(a->stats.windows_overrun, 1);
    assert_int_equal(a->domain->health.events[BULKHEAD_EVENT_OVERRUN], 1);
    assert_int_equal(b->domain->health.events[BULKHEAD_EVENT_OVERRUN], 0);
}

static int64_t ask_schedule(uint32_t pool, uint32_t policy, uint32_t cmd, struct xen_sysctl_arinc653_schedule *out)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};

    op.u.scheduler_op.cpupool_id = pool;
    op.u.scheduler_op.sched_id = policy;
    op.u.scheduler_op.cmd = cmd;
    op.u.scheduler_op.u.sched_arinc653.schedule.q = POINTER(out);
    return hypercall(boot, __HYPERVISOR_sysctl, POINTER(&op), 0, 0);
}

/* [utest->dsn~arinc653-sysctl~2] */
static void xen_is_told_the_schedule_in_force(void **state)
{
    static const uint8_t nobody[16];
    static const struct bulkhead_window other[] = {{.end = 4u * NS_MS, .partition = 2}};
    struct bulkhead_switch change = {.pool = 0, .schedule = 1};
    struct xen_sysctl_arinc653_schedule out;
    struct domain *b;

    (void)state;
    two_partitions();
    assert_int_equal(set_pool(1, BULKHEAD_POLICY_ARINC653, 8), OK); /* without a schedule */
    assert_int_equal(set_schedule(0, 1, other, 1), OK);
    (void)started(domain_in("a", 1, 2, 1));
    b = started(domain_in("b", 1, 4, 2))->domain;
    b->handle[0] = 0x1234;
    settle();
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_getinfo, &out), OK);
    assert_int_equal(out.major_frame, 4u * NS_MS);
    assert_int_equal(out.num_sched_entries, 3);
    assert_int_equal(out.sched_entries[0].runtime, 2u * NS_MS);
    assert_int_equal(out.sched_entries[1].runtime, NS_MS);
    assert_memory_equal(out.sched_entries[1].dom_handle, b->handle, 16);
    assert_int_equal(out.sched_entries[2].runtime, NS_MS);
    assert_memory_equal(out.sched_entries[2].dom_handle, nobody, 16);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &change), OK);
    host_set_ticks(change.at);
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_getinfo, &out), OK);
    assert_int_equal(out.num_sched_entries, 1);
    assert_memory_equal(out.sched_entries[0].dom_handle, b->handle, 16);
    assert_int_equal(destroy(boot, b->id), OK);
    settle();
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_getinfo, &out), OK);
    assert_memory_equal(out.sched_entries[0].dom_handle, nobody, 16);
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, 2, &out), ERR_INVAL);
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_CREDIT, XEN_SYSCTL_SCHEDOP_getinfo, &out), ERR_INVAL);
    assert_int_equal(ask_schedule(1, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_getinfo, &out), ERR_INVAL);
    assert_int_equal(ask_schedule(BULKHEAD_POOLS, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_getinfo, &out), ERR_INVAL);
    host_fail_copy(2); /* the answer */
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_getinfo, &out), ERR_FAULT);
}

/* [utest->dsn~arinc653-sysctl~2] */
static void xen_sets_a_schedule_of_the_launch(void **state)
{
    static const struct bulkhead_window other[] = {{.end = 3u * NS_MS, .partition = 2},
                                                   {.end = 4u * NS_MS, .partition = 0}};
    struct xen_sysctl_arinc653_schedule first, set;
    struct bulkhead_switch change = {.pool = 0, .schedule = 0};
    struct domain *b;

    (void)state;
    two_partitions();
    assert_int_equal(set_schedule(0, 2, other, 2), OK);
    (void)started(domain_in("a", 1, 2, 1));
    b = started(domain_in("b", 1, 4, 2))->domain;
    b->handle[0] = 0x1234;
    settle();
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_getinfo, &first), OK);
    memset(&set, 0, sizeof(set));
    set.major_frame = 4u * NS_MS;
    set.num_sched_entries = 2;
    set.sched_entries[0].runtime = 3u * NS_MS;
    memcpy(set.sched_entries[0].dom_handle, b->handle, 16);
    set.sched_entries[1].runtime = NS_MS;
    set.major_frame++; /* each of these is no schedule of the launch */
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_putinfo, &set), ERR_INVAL);
    set.major_frame--;
    set.sched_entries[0].runtime -= NS_MS;
    set.sched_entries[1].runtime += NS_MS;
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_putinfo, &set), ERR_INVAL);
    set.sched_entries[0].runtime += NS_MS;
    set.sched_entries[1].runtime -= NS_MS;
    set.sched_entries[1].dom_handle[15] = 1;
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_putinfo, &set), ERR_INVAL);
    set.sched_entries[1].dom_handle[15] = 0;
    set.num_sched_entries = 0;
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_putinfo, &set), ERR_INVAL);
    set.num_sched_entries = 2;
    host_fail_copy(2);
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_putinfo, &set), ERR_FAULT);
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_putinfo, &set), OK);
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_putinfo, &first),
                     ERR_BUSY); /* to come */
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &change), ERR_BUSY);
    host_set_ticks(arch_ticks() + 8u * MS);
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_getinfo, &first), OK);
    assert_memory_equal(&first, &set, sizeof(set));
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_SCHEDULE, DOMID_SELF, DOMID_INVALID), OK);
    assert_int_equal(ask_schedule(0, XEN_SCHEDULER_ARINC653, XEN_SYSCTL_SCHEDOP_putinfo, &set), ERR_PERM);
}

/* [utest->dsn~arinc653-idle~1] */
static void nobodys_windows_are_lent_and_taken_back(void **state)
{
    ticks_t guard, frame = 1004u * MS;
    struct vcpu *a, *lent;

    (void)state;
    two_partitions();
    guard = ns_to_ticks(GUARD);
    a = started(domain_in("a", 1, 2, 1));
    lent = started(domain_in("lent", 1, 2, 0));
    assert_ptr_equal(runs_at(1, frame), a);
    assert_ptr_equal(runs_at(1, frame + 2u * MS), NULL); /* partition 2 has no domain: its window stays its own */
    assert_ptr_equal(runs_at(1, frame + 3u * MS), lent);
    assert_int_equal(cpu_of(1)->arch.deadline, frame + 4u * MS - guard);
    assert_ptr_equal(runs_at(1, frame + 4u * MS - guard), a);
    assert_int_equal(arch_ticks(), frame + 4u * MS);
}

/* [utest->dsn~arinc653-window~1] */
static void the_windows_of_a_partition_on_two_cpus_are_the_same(void **state)
{
    ticks_t frame = 1004u * MS;
    uint16_t domid;

    (void)state;
    two_partitions();
    domid = domain_in("a", 2, 6, 1);
    (void)started(domid);
    for (uint32_t i = 0; i < 10u; i++) {
        assert_ptr_equal(runs_at(1, frame + 1u), vcpu_of(domid, 0));
        assert_ptr_equal(runs_at(2, frame + 2u), vcpu_of(domid, 1));
        assert_int_equal(cpu_of(1)->arch.deadline, cpu_of(2)->arch.deadline);
        assert_ptr_equal(runs_at(1, frame + 2u * MS), NULL);
        assert_ptr_equal(runs_at(2, frame + 2u * MS), NULL);
        frame += 4u * MS;
    }
}

/* [utest->dsn~partition-messages~1] */
static void messages_and_timers_of_another_partition_wait_for_its_window(void **state)
{
    ticks_t frame = 1004u * MS;
    struct vcpu *a, *b;
    uint32_t kicks;

    (void)state;
    two_partitions();
    a = started(domain_in("a", 1, 2, 1));
    b = started(domain_in("b", 1, 2, 2));
    assert_ptr_equal(runs_at(1, frame + 2u * MS), b);
    host_become(1);
    vcpu_block_until(b, frame + 5u * MS); /* in the next window of a */
    assert_ptr_equal(cpu_runs(1), NULL);
    frame += 4u * MS;
    assert_ptr_equal(runs_at(1, frame), a);
    kicks = host_kicks(1);
    host_become(0);
    arch_inject(b, 3);
    arch_inject(b, 4);
    assert_int_equal(host_kicks(1), kicks); /* a is left alone */
    assert_int_equal(cpu_of(1)->arch.deadline, frame + 2u * MS - ns_to_ticks(GUARD));
    arch_inject(a, 5);
    assert_int_equal(host_kicks(1), kicks + 1u);
    assert_ptr_equal(runs_at(1, frame + 1u), a);
    assert_ptr_equal(runs_at(1, frame + 2u * MS), b);
    assert_int_equal(b->arch.pending, (1u << 3) | (1u << 4));
    host_become(0);
    arch_inject(b, 5);
    assert_int_equal(host_kicks(1), kicks + 2u);
}

/* [utest->dsn~arinc653-switch~1] */
static void another_schedule_begins_with_a_major_frame(void **state)
{
    static const struct bulkhead_window other[] = {{.end = NS_MS, .partition = 2}, {.end = 3u * NS_MS, .partition = 1}};
    struct bulkhead_switch s = {.pool = 0, .schedule = 1};
    ticks_t frame = 1004u * MS;
    struct vcpu *a, *b;

    (void)state;
    two_partitions();
    assert_int_equal(set_schedule(0, 1, other, 2), OK);
    a = started(domain_in("a", 1, 2, 1));
    b = started(domain_in("b", 1, 2, 2));
    assert_ptr_equal(runs_at(1, frame + MS), a);
    assert_int_equal(do_bulkhead(a, BULKHEAD_OP_SWITCH_SCHEDULE, &s), ERR_PERM);
    s.schedule = 2;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &s), ERR_INVAL);
    s.schedule = BULKHEAD_SCHEDULES;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &s), ERR_INVAL);
    s = (struct bulkhead_switch){.pool = BULKHEAD_POOLS, .schedule = 1};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &s), ERR_INVAL);
    s.pool = 1; /* has no schedule */
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &s), ERR_INVAL);
    s.pool = 0;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &s), OK);
    assert_int_equal(s.at, frame + 4u * MS);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &s), ERR_BUSY);
    assert_ptr_equal(runs_at(1, frame + 2u * MS), b); /* the frame ends as it began */
    assert_ptr_equal(runs_at(1, frame + 3u * MS), NULL);
    frame += 4u * MS;
    assert_ptr_equal(runs_at(1, frame), b);
    assert_ptr_equal(runs_at(1, frame + MS), a);
    assert_ptr_equal(runs_at(1, frame + 3u * MS), b);
    assert_int_equal(cpu_of(1)->arch.deadline, frame + 4u * MS - ns_to_ticks(GUARD));
    /* Too near to the end of a frame: the one after it. */
    host_set_ticks(frame + 6u * MS - 100u);
    s.schedule = 0;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SWITCH_SCHEDULE, &s), OK);
    assert_int_equal(s.at, frame + 9u * MS);
}

/* [utest->dsn~arinc653-window~1] */
static void without_a_schedule_partitions_wait(void **state)
{
    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_ARINC653, 6), OK);
    (void)started(domain_in("a", 1, 2, 1));
    assert_ptr_equal(runs_at(1, 1004u * MS), NULL);
    assert_ptr_equal(runs_at(1, 1008u * MS), NULL);
}

/* ---- null ---- */

/* [utest->dsn~null-policy~1] */
static void on_a_null_cpu_nothing_is_armed_or_trapped(void **state)
{
    struct vcpu *v;

    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_NULL, 2), OK);
    v = started(domain_in("own", 1, 2, 0));
    assert_ptr_equal(cpu_runs(1), v);
    assert_int_equal(cpu_of(1)->sched.armed, UINT64_MAX);
    assert_false(v->arch.trap_wfi);
    (void)started(domain_in("second", 1, 2, 0)); /* waits for ever */
    for (uint32_t i = 0; i < 10u; i++) {
        host_add_ticks(HOST_HZ);
        assert_ptr_equal(cpu_runs(1), v);
        assert_int_equal(cpu_of(1)->sched.armed, UINT64_MAX);
    }
}

/* ---- the launch ---- */

/* [utest->dsn~pools-from-exit~1] */
static void the_boot_domains_cpu_follows_its_pool_from_the_exit_on(void **state)
{
    static const struct bulkhead_window w[] = {{.end = NS_MS, .partition = 1}};
    struct vcpu *v;

    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_ARINC653, 1), OK);
    assert_int_equal(set_schedule(0, 0, w, 1), OK);
    v = started(domain_in("late", 1, 1, 1));
    for (uint32_t i = 0; i < 10u; i++) {
        assert_ptr_equal(runs_at(0, arch_ticks() + MS / 2u), boot);
    }
    assert_int_equal(exit_boot(boot, 0), OK);
    for (uint32_t i = 0; i < 300u && cpu_runs(0) == NULL; i++) {
        host_add_ticks(MS);
    }
    assert_ptr_equal(cpu_runs(0), v);
    assert_int_equal(cpu_of(0)->sched.pool->policy, BULKHEAD_POLICY_ARINC653);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_wrong_pool_is_refused, start),
        cmocka_unit_test_setup(a_wrong_schedule_is_refused, start),
        cmocka_unit_test_setup(partitions_run_in_their_windows_and_nowhere_else, start),
        cmocka_unit_test_setup(xen_is_told_the_schedule_in_force, start),
        cmocka_unit_test_setup(xen_sets_a_schedule_of_the_launch, start),
        cmocka_unit_test_setup(nobodys_windows_are_lent_and_taken_back, start),
        cmocka_unit_test_setup(the_windows_of_a_partition_on_two_cpus_are_the_same, start),
        cmocka_unit_test_setup(messages_and_timers_of_another_partition_wait_for_its_window, start),
        cmocka_unit_test_setup(another_schedule_begins_with_a_major_frame, start),
        cmocka_unit_test_setup(without_a_schedule_partitions_wait, start),
        cmocka_unit_test_setup(on_a_null_cpu_nothing_is_armed_or_trapped, start),
        cmocka_unit_test_setup(the_boot_domains_cpu_follows_its_pool_from_the_exit_on, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
