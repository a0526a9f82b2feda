/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/runstate.h"
#include "core/wallclock.h"

#include <string.h>

static struct vcpu *boot;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    return 0;
}

static void pin(uint16_t domid, uint32_t vcpu, uint64_t mask)
{
    struct xen_domctl op = {0};

    op.u.vcpuaffinity.vcpu = vcpu;
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&mask;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), OK);
}

/* A started domain of one vCPU on CPU c. */
static struct vcpu *on_cpu(const char *name, uint32_t c)
{
    uint16_t domid = build_domain(boot, name, 1, 2);

    pin(domid, 0, UINT64_C(1) << c);
    assert_int_equal(unpause(boot, domid), OK);
    return vcpu_of(domid, 0);
}

/* [utest->dsn~vcpu-notify~1] */
static void the_first_notification_kicks_the_others_do_not(void **state)
{
    struct vcpu *v = on_cpu("one", 2);
    uint32_t before;

    (void)state;
    assert_ptr_equal(cpu_runs(2), v);
    host_become(0);
    before = host_kicks(2);
    arch_inject(v, 3);
    assert_int_equal(host_kicks(2), before + 1u);
    arch_inject(v, 4);
    assert_int_equal(host_kicks(2), before + 1u);
    assert_ptr_equal(cpu_runs(2), v);
    assert_int_equal(v->arch.pending, (1u << 3) | (1u << 4));
    assert_int_equal(v->notify, 0);
    arch_inject(v, 5);
    assert_int_equal(host_kicks(2), before + 2u);
    host_become(2);
    arch_inject(v, 6); /* to its own CPU: no kick */
    assert_int_equal(host_kicks(2), before + 2u);
}

/* [utest->dsn~vcpu-block~1] */
static void a_blocked_vcpu_runs_again_when_something_is_pending(void **state)
{
    struct vcpu *v = on_cpu("one", 1);

    (void)state;
    assert_ptr_equal(cpu_runs(1), v);
    host_become(1);
    vcpu_block(v);
    assert_int_equal(v->state, VCPU_BLOCKED);
    assert_null(cpu_runs(1));
    arch_inject(v, 3);
    assert_ptr_equal(cpu_runs(1), v);
    host_become(1);
    vcpu_block(v); /* something is pending: it does not sleep */
    assert_int_equal(v->state, VCPU_RUNNABLE);
    v->arch.pending = 0;
    vcpu_wake(v); /* runnable already */
    assert_ptr_equal(cpu_runs(1), v);
}

/* [utest->dsn~timer-queue~1] */
static void a_bounded_block_ends_at_its_deadline(void **state)
{
    struct vcpu *v = on_cpu("one", 1);
    struct sched_poll p = {.timeout = 5000000};

    (void)state;
    assert_ptr_equal(cpu_runs(1), v);
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&p), 0), OK);
    assert_int_equal(v->state, VCPU_BLOCKED);
    assert_int_equal(cpu_of(1)->arch.deadline, v->domain->time_zero + ns_to_ticks(5000000));
    host_idle_timers(1);
    assert_ptr_equal(cpu_runs(1), v);
    assert_int_equal(v->state, VCPU_RUNNABLE);
    assert_int_equal(arch_ticks(), v->domain->time_zero + ns_to_ticks(5000000));
    p.nr_ports = 1;
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&p), 0), ERR_FAULT);
    p.nr_ports = 129;
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&p), 0), ERR_INVAL);
    p = (struct sched_poll){0};
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&p), 0), OK);
    assert_int_equal(v->state, VCPU_BLOCKED); /* without a limit */
}

/* [utest->dsn~timer-queue~1] */
static void timers_fire_in_order_and_program_the_next(void **state)
{
    struct vcpu *v = on_cpu("one", 3);
    struct cpu *cpu = cpu_of(3);

    (void)state;
    assert_ptr_equal(cpu_runs(3), v);
    host_become(3);
    timer_arm(&v->timers[TIMER_VIRT], 5000);
    timer_arm(&v->timers[TIMER_PHYS], 3000);
    timer_arm(&v->timers[TIMER_BLOCK], 4000);
    assert_int_equal(cpu->arch.deadline, 3000);
    timer_arm(&v->timers[TIMER_PHYS], 6000); /* later after all */
    assert_int_equal(cpu->arch.deadline, 4000);
    timer_cancel(&v->timers[TIMER_BLOCK]);
    timer_cancel(&v->timers[TIMER_BLOCK]);
    assert_int_equal(cpu->arch.deadline, 5000);
    timer_run(cpu, 4999);
    assert_int_equal(v->arch.fired[TIMER_VIRT], 0);
    timer_run(cpu, 5000);
    assert_int_equal(v->arch.fired[TIMER_VIRT], 1);
    assert_int_equal(v->arch.fired[TIMER_PHYS], 0);
    assert_int_equal(cpu->arch.deadline, 6000);
    host_set_ticks(9000);
    upcall_timer(cpu);
    assert_int_equal(v->arch.fired[TIMER_PHYS], 1);
    assert_int_equal(cpu->arch.deadline, UINT64_MAX);
}

/* [utest->dsn~timer-queue~1] */
static void a_guests_timer_wakes_it(void **state)
{
    struct vcpu *v = on_cpu("one", 1);

    (void)state;
    assert_ptr_equal(cpu_runs(1), v);
    host_become(1);
    timer_arm(&v->timers[TIMER_VIRT], arch_ticks() + 100u);
    vcpu_block(v);
    host_idle_timers(1);
    assert_ptr_equal(cpu_runs(1), v);
    assert_int_equal(v->arch.fired[TIMER_VIRT], 1);
}

/* [utest->dsn~vcpu-power~1] */
static void a_vcpu_is_switched_on_once_and_off(void **state)
{
    uint16_t domid = build_domain(boot, "one", 2, 2);
    struct vcpu *v;
    struct vcpu *second;

    (void)state;
    pin(domid, 0, 2);
    pin(domid, 1, 4);
    assert_int_equal(unpause(boot, domid), OK);
    v = vcpu_of(domid, 0);
    second = vcpu_of(domid, 1);
    assert_ptr_equal(cpu_runs(1), v);
    assert_null(cpu_runs(2));
    host_become(1);
    assert_int_equal(vcpu_power_on(v, 2, 0x1000, 7), ERR_INVAL);
    assert_int_equal(vcpu_power_on(v, UINT64_MAX, 0x1000, 7), ERR_INVAL);
    assert_int_equal(vcpu_power_on(v, 0, 0x1000, 7), ERR_EXIST);
    assert_int_equal(vcpu_power_on(v, 1, 0x1000, 7), OK);
    assert_int_equal(vcpu_power_on(v, 1, 0x2000, 8), ERR_AGAIN);
    assert_ptr_equal(cpu_runs(2), second);
    assert_int_equal(second->arch.pc, 0x1000);
    assert_int_equal(second->arch.x[0], 7);
    assert_int_equal(vcpu_power_on(v, 1, 0x2000, 8), ERR_EXIST);
    host_become(2);
    timer_arm(&second->timers[TIMER_VIRT], 99999);
    vcpu_power_off(second);
    assert_int_equal(cpu_of(2)->arch.deadline, UINT64_MAX);
    assert_null(cpu_runs(2));
    host_become(1);
    assert_int_equal(vcpu_power_on(v, 1, 0x3000, 9), OK); /* still in CPU 2's registers: is taken out first */
    assert_ptr_equal(cpu_runs(2), second);
    assert_int_equal(second->arch.pc, 0x3000);
}

/* [utest->dsn~domain-life~1] */
static void a_paused_domain_keeps_its_states(void **state)
{
    uint16_t domid;
    struct vcpu *v = on_cpu("one", 1);
    struct xen_domctl op = {0};

    (void)state;
    domid = v->domain->id;
    assert_ptr_equal(cpu_runs(1), v);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_pausedomain, domid, &op), OK);
    assert_null(cpu_runs(1));
    assert_false(v->running); /* its registers can be read */
    arch_inject(v, 3);        /* comes while paused */
    assert_null(cpu_runs(1));
    assert_int_equal(unpause(boot, domid), OK);
    assert_ptr_equal(cpu_runs(1), v);
    assert_int_equal(v->arch.pending, 1u << 3);
    host_become(1);
    v->arch.pending = 0;
    vcpu_block(v);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_pausedomain, domid, &op), OK);
    assert_null(cpu_runs(1));
    arch_inject(v, 3); /* wakes, but must not run */
    assert_null(cpu_runs(1));
    assert_int_equal(unpause(boot, domid), OK);
    assert_ptr_equal(cpu_runs(1), v);
}

/* [utest->dsn~vcpu-home~1] */
static void homes_go_round_the_affinity(void **state)
{
    uint16_t domid = build_domain(boot, "many", 6, 2);
    struct xen_domctl op = {0};
    uint8_t mask[8] = {0x0a}; /* CPUs 1 and 3 */
    static const uint32_t all[6] = {0, 1, 2, 3, 0, 1};
    static const uint32_t some[6] = {1, 3, 1, 3, 1, 3};

    (void)state;
    for (uint32_t i = 0; i < 6u; i++) {
        assert_int_equal(vcpu_of(domid, i)->home, all[i]);
        op.u.vcpuaffinity.vcpu = i;
        op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
        op.u.vcpuaffinity.cpumap_hard.bitmap.p = mask;
        op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
        assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), OK);
        assert_int_equal(vcpu_of(domid, i)->home, some[i]);
    }
    mask[0] = 0xf0; /* no CPU of this board */
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), ERR_INVAL);
    mask[0] = 0xfa; /* some are not: the effective mask comes back */
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), OK);
    assert_int_equal(mask[0], 0x0a);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 3; /* bit 3 is not part of it */
    mask[0] = 0xfa;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), OK);
    assert_int_equal(vcpu_of(domid, 5)->home, 1);
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    op.u.vcpuaffinity.cpumap_soft = op.u.vcpuaffinity.cpumap_hard;
    mask[0] = 0;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpuaffinity, domid, &op), OK);
    assert_int_equal(mask[0], 0x02);
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_SOFT;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), OK); /* has no effect */
    assert_int_equal(vcpu_of(domid, 5)->home, 1);
    op.u.vcpuaffinity.vcpu = 6;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_getvcpuaffinity, domid, &op), ERR_SRCH);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op), ERR_SRCH);
}

static void break_cpus(struct boot_info *info, struct image_descriptor *d)
{
    (void)info;
    (void)d;
    host_break_cpu(2);
}

/* [utest->dsn~vcpu-home~1] */
static void a_cpu_that_does_not_start_gets_no_vcpu(void **state)
{
    uint16_t domid;

    (void)state;
    boot = machine_start_with(break_cpus);
    assert_non_null(strstr(host_console(), "CPU 2 (MPIDR 0x0) does not start"));
    claim_all(boot);
    domid = build_domain(boot, "many", 4, 2);
    for (uint32_t i = 0; i < 4u; i++) {
        assert_int_not_equal(vcpu_of(domid, i)->home, 2);
    }
}

/* [utest->dsn~round-robin~1] */
static void vcpus_of_a_cpu_take_turns(void **state)
{
    struct vcpu *v[3];
    uint32_t turns[3] = {0};

    (void)state;
    v[0] = on_cpu("a", 1);
    v[1] = on_cpu("b", 1);
    v[2] = on_cpu("c", 1);
    for (uint32_t i = 0; i < 30u; i++) {
        struct vcpu *now = cpu_runs(1);

        for (uint32_t k = 0; k < 3u; k++) {
            turns[k] += (now == v[k]) ? 1u : 0u;
        }
        assert_true(now->arch.trap_wfi);
        host_become(1);
        assert_int_not_equal(cpu_of(1)->arch.deadline, UINT64_MAX);
        host_set_ticks(cpu_of(1)->arch.deadline);
        upcall_timer(cpu_of(1));
    }
    for (uint32_t k = 0; k < 3u; k++) {
        assert_int_equal(turns[k], 10);
    }
    assert_in_range(v[0]->runstate_time[RUNSTATE_running], 9u * (HOST_HZ / 512u),
                    10u * (HOST_HZ / 512u)); /* the last slice may be open */
    assert_in_range(v[1]->runstate_time[RUNSTATE_running], 9u * (HOST_HZ / 512u), 10u * (HOST_HZ / 512u));
}

/* [utest->dsn~runstate~1] */
static void runstate_tells_where_time_went(void **state)
{
    struct vcpu *v = on_cpu("one", 1);
    struct vcpu_runstate_info r;
    uint64_t area = (GUEST_RAM0_BASE + 2u * PAGE_SIZE) - 20u; /* across two pages */
    uint64_t run;

    (void)state;
    assert_ptr_equal(cpu_runs(1), v);
    host_add_ticks(HOST_HZ);
    assert_int_equal(hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, POINTER(&area)), OK);
    assert_int_equal(hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, POINTER(&r)), OK);
    assert_int_equal(r.state, RUNSTATE_running);
    run = r.time[RUNSTATE_running];
    assert_int_equal(run, UINT64_C(1000000000));
    cpu_of(1)->current = v;
    host_become(1);
    memset(&r, 0xff, sizeof(r));
    assert_int_equal(copy_in(&r, GVA(area), sizeof(r)), OK);
    assert_int_equal(r.time[RUNSTATE_running], run);
    assert_int_equal(r.state_entry_time & XEN_RUNSTATE_UPDATE, 0);
    area = (GUEST_RAM0_BASE + 2u * PAGE_SIZE) - 8u; /* the mark of a change is in the second page */
    assert_int_equal(hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, POINTER(&area)), OK);
    memset(&r, 0xff, sizeof(r));
    assert_int_equal(copy_in(&r, GVA(area), sizeof(r)), OK);
    assert_int_equal(r.time[RUNSTATE_running], run);
    assert_int_equal(r.state_entry_time & XEN_RUNSTATE_UPDATE, 0);
    area = UINT64_C(1) << 30; /* where RAM begins: one page */
    assert_int_equal(hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, POINTER(&area)), OK);
}

/* [utest->dsn~runstate~1] */
static void waiting_sleeping_and_running_are_told_apart(void **state)
{
    struct vcpu *v[2] = {on_cpu("a", 1), on_cpu("b", 1)};
    struct vcpu *a = cpu_runs(1);
    struct vcpu *b = (a == v[0]) ? v[1] : v[0];
    struct vcpu_runstate_info r;
    uint64_t all;

    (void)state;
    host_add_ticks(1000);
    host_become(1);
    vcpu_yield(a);
    assert_ptr_equal(cpu_runs(1), b); /* a waits for b */
    host_add_ticks(2000);
    host_become(1);
    vcpu_yield(b);
    assert_ptr_equal(cpu_runs(1), a);
    host_add_ticks(4000);
    host_become(1);
    vcpu_block(a);
    assert_ptr_equal(cpu_runs(1), b); /* a sleeps */
    host_add_ticks(8000);
    runstate_read(a, &r);
    assert_int_equal(r.state, RUNSTATE_blocked);
    assert_int_equal(r.time[RUNSTATE_running], ticks_to_ns(5000));
    assert_int_equal(r.time[RUNSTATE_runnable], ticks_to_ns(2000));
    assert_int_equal(r.time[RUNSTATE_blocked], ticks_to_ns(8000));
    all = r.time[0] + r.time[1] + r.time[2] + r.time[3];
    assert_in_range(all, ticks_to_ns(arch_ticks() - a->domain->time_zero) - 4u,
                    ticks_to_ns(arch_ticks() - a->domain->time_zero));
    host_become(1);
    vcpu_power_off(b);
    (void)cpu_runs(1);
    runstate_read(b, &r);
    assert_int_equal(r.state, RUNSTATE_offline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_notification_kicks_the_others_do_not, start),
        cmocka_unit_test_setup(a_blocked_vcpu_runs_again_when_something_is_pending, start),
        cmocka_unit_test_setup(a_bounded_block_ends_at_its_deadline, start),
        cmocka_unit_test_setup(timers_fire_in_order_and_program_the_next, start),
        cmocka_unit_test_setup(a_guests_timer_wakes_it, start),
        cmocka_unit_test_setup(a_vcpu_is_switched_on_once_and_off, start),
        cmocka_unit_test_setup(a_paused_domain_keeps_its_states, start),
        cmocka_unit_test_setup(homes_go_round_the_affinity, start),
        cmocka_unit_test_setup(a_cpu_that_does_not_start_gets_no_vcpu, start),
        cmocka_unit_test_setup(vcpus_of_a_cpu_take_turns, start),
        cmocka_unit_test_setup(runstate_tells_where_time_went, start),
        cmocka_unit_test_setup(waiting_sleeping_and_running_are_told_apart, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
