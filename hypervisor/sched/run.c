/* SPDX-License-Identifier: Apache-2.0 */
/* The run loop: what a CPU does between two stretches of guest code.
 * Round robin over the vCPUs whose home this CPU is.
 * [impl->dsn~run-loop~1] [impl->dsn~round-robin~1] */
#include "arch/contract/arch.h"
#include "core/runstate.h"
#include "core/sched_ops.h"
#include "core/upcall.h"

#define SLICE_PER_SECOND 500u /* a time slice is 2 ms */

void sched_cpu_init(struct cpu *cpu)
{
    list_init(&cpu->runnable);
}

void sched_runnable(struct cpu *cpu, struct vcpu *v)
{
    if (list_empty(&v->run_node)) {
        list_push_back(&cpu->runnable, &v->run_node);
        cpu->work |= CPU_WORK_RESCHED;
        runstate_ready(v, arch_ticks());
    }
}

void sched_not_runnable(struct cpu *cpu, struct vcpu *v)
{
    if (!list_empty(&v->run_node)) {
        list_remove(&v->run_node);
        cpu->work |= CPU_WORK_RESCHED;
    }
}

void sched_rotate(struct cpu *cpu)
{
    struct vcpu *v = cpu->current;

    if (!list_empty(&v->run_node) && cpu->runnable.next != cpu->runnable.prev) {
        list_remove(&v->run_node);
        list_push_back(&cpu->runnable, &v->run_node);
        cpu->work |= CPU_WORK_RESCHED;
    }
}

void sched_slice_end(struct cpu *cpu, struct vcpu *v)
{
    if (v == cpu->current) {
        sched_rotate(cpu);
        cpu->work |= CPU_WORK_RESCHED;
    }
}

static bool has_company(const struct cpu *cpu)
{
    return cpu->runnable.next != cpu->runnable.prev || !list_empty(&cpu->reap);
}

static struct vcpu *first_runnable(const struct cpu *cpu)
{
    return list_empty(&cpu->runnable) ? NULL : CONTAINER_OF(cpu->runnable.next, struct vcpu, run_node);
}

static void account(struct cpu *cpu, struct vcpu *next, ticks_t now)
{
    if (cpu->current != NULL && cpu->current != next) {
        runstate_stop(cpu->current, now);
    }
    if (next != NULL) {
        runstate_run(next, now);
    }
}

/* A vCPU that shares the CPU, with another vCPU or with a domain being taken apart, gets a slice; one that has it alone
 * runs on without a timer. */
static void start_slice(struct cpu *cpu, struct vcpu *v, ticks_t now)
{
    bool shared = has_company(cpu);

    if (cpu->current != v) {
        if (cpu->current != NULL) {
            timer_cancel(&cpu->current->timers[TIMER_SLICE]);
        }
        v->slice_end = 0;
    }
    if (!shared) {
        timer_cancel(&v->timers[TIMER_SLICE]);
        v->slice_end = 0;
    } else if (v->slice_end <= now) {
        v->slice_end = now + arch_ticks_hz() / SLICE_PER_SECOND;
        timer_arm(&v->timers[TIMER_SLICE], v->slice_end);
    }
}

static void idle(struct cpu *cpu)
{
    account(cpu, NULL, arch_ticks());
    if (!domain_reap_step(cpu)) {
        arch_cpu_idle();
    }
}

struct vcpu *upcall_next(struct cpu *cpu)
{
    struct vcpu *v;

    if (!list_empty(&cpu->reap)) {
        (void)domain_reap_step(cpu); /* a step a slice: a busy CPU gets on with it too */
    }
    for (;;) {
        ticks_t now;

        while (cpu->work != 0u) { /* bound: what others post while we look */
            cpu->work = 0;
            vcpu_drain_inbox(cpu);
        }
        v = first_runnable(cpu);
        if (v == NULL) {
            idle(cpu);
            continue;
        }
        now = arch_ticks();
        account(cpu, v, now);
        start_slice(cpu, v, now);
        arch_vcpu_load(v);
        cpu->current = v;
        arch_vcpu_trap_wfi(v, cpu->vcpu_count > 1u);
        if (cpu->work == 0u) {
            return v;
        }
    }
}
