/* SPDX-License-Identifier: Apache-2.0 */
/* Pools as a launch describes them, on the modelled machine. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/wallclock.h"
#include "sched/pools.h"

#include <string.h>

#define MS    (HOST_HZ / 1000u)
#define NS_MS UINT64_C(1000000)
#define GUARD 10000u /* ns */

static struct vcpu *boot;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    host_set_ticks(1000u * MS + 1u);
    return 0;
}

static int64_t set_pool(uint32_t pool, uint32_t policy, uint64_t cpus)
{
    struct bulkhead_pool p = {.pool = pool, .policy = policy, .cpus = cpus, .guard = GUARD};

    return do_bulkhead(boot, BULKHEAD_OP_SET_POOL, &p);
}

static int64_t set_schedule(uint32_t pool, uint32_t schedule, const struct bulkhead_window *w, uint32_t count)
{
    struct bulkhead_schedule s = {.pool = pool, .schedule = schedule, .count = count, .windows = POINTER(w)};

    return do_bulkhead(boot, BULKHEAD_OP_SET_SCHEDULE, &s);
}

/* A started domain of `vcpus` vCPUs on the CPUs of mask, in that partition. */
static uint16_t domain_in(const char *name, uint32_t vcpus, uint64_t mask, uint32_t partition)
{
    uint16_t domid = build_domain(boot, name, vcpus, 2);
    struct bulkhead_domain id = {.domid = domid, .flags = BULKHEAD_DOMAIN_PARTITION(partition)};
    struct vcpu_guest_context context = {.flags = VGCF_online,
                                         .user_regs = {.pc64 = GUEST_RAM0_BASE, .cpsr = PSR_GUEST64_INIT}};

    strncpy(id.name, name, sizeof(id.name) - 1u);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_DOMAIN, &id), OK);
    for (uint32_t i = 0; i < vcpus; i++) {
        struct xen_domctl op = {0};

        op.u.vcpuaffinity.vcpu = i;
        op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
        op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&mask;
        op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
        assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), OK);
        memset(&op, 0, sizeof(op));
        op.u.vcpucontext.vcpu = i;
        op.u.vcpucontext.ctxt.p = &context;
        assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, domid, &op), OK);
    }
    return domid;
}

static struct vcpu *started(uint16_t domid)
{
    assert_int_equal(unpause(boot, domid), OK);
    return vcpu_of(domid, 0);
}

/* What CPU c runs once its timer has fired at `at`. */
static struct vcpu *runs_at(uint32_t c, ticks_t at)
{
    host_become(c);
    host_set_ticks(at);
    if (cpu_of(c)->arch.deadline <= at) {
        upcall_timer(cpu_of(c));
    }
    return cpu_runs(c);
}

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
    (void)started(domain_in("one", 1, 2, 0));
    assert_int_equal(set_pool(2, BULKHEAD_POLICY_NULL, 8), ERR_BUSY);
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

/* [utest->dsn~rtds-budget~1] */
static void a_budget_is_enforced_on_the_machine(void **state)
{
    uint16_t a, b;
    struct vcpu *va, *vb;
    ticks_t t0;

    (void)state;
    assert_int_equal(set_pool(0, BULKHEAD_POLICY_RTDS, 2), OK);
    a = domain_in("a", 1, 2, 0);
    b = domain_in("b", 1, 2, 0);
    assert_int_equal(reserve(boot, a, 4000, 1000), OK);
    assert_int_equal(reserve(boot, b, 10000, 5000), OK);
    va = started(a);
    vb = started(b);
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
        cmocka_unit_test_setup(a_wrong_pool_is_refused, start),
        cmocka_unit_test_setup(a_wrong_schedule_is_refused, start),
        cmocka_unit_test_setup(partitions_run_in_their_windows_and_nowhere_else, start),
        cmocka_unit_test_setup(nobodys_windows_are_lent_and_taken_back, start),
        cmocka_unit_test_setup(the_windows_of_a_partition_on_two_cpus_are_the_same, start),
        cmocka_unit_test_setup(messages_and_timers_of_another_partition_wait_for_its_window, start),
        cmocka_unit_test_setup(another_schedule_begins_with_a_major_frame, start),
        cmocka_unit_test_setup(on_a_null_cpu_nothing_is_armed_or_trapped, start),
        cmocka_unit_test_setup(the_boot_domains_cpu_follows_its_pool_from_the_exit_on, start),
        cmocka_unit_test_setup(no_cpu_is_promised_twice, start),
        cmocka_unit_test_setup(a_whole_cpu_can_be_promised, start),
        cmocka_unit_test_setup(a_budget_is_enforced_on_the_machine, start),
        cmocka_unit_test_setup(a_domain_is_taken_apart_in_nobodys_time, start),
        cmocka_unit_test_setup(a_domain_is_taken_apart_in_extra_time, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
