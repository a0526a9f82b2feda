/* SPDX-License-Identifier: Apache-2.0 */
/* The run loop: what a CPU does between two stretches of guest code.
 * Which vCPU is next and until when is decided by the policy of the CPU's pool (sched/policy.h).
 * [impl->dsn~run-loop~1] */
#include "core/runstate.h"
#include "core/sched_ops.h"
#include "core/seal.h"
#include "core/upcall.h"
#include "sched/policy.h"

#define SLICES_LOG2     9u    /* in a second: a turn among equals is 1.95 ms */
#define LATE_LOG2       14u   /* an overrun of 1/2^14 s, 61 us, is reported; a budget's end is noticed within a few */
#define REAP_PER_SECOND 1000u /* a real-time CPU takes domains apart only in spare time of 1 ms or more */

void sched_cpu_init(struct cpu *cpu)
{
    __atomic_store_n(&cpu_inbox[cpu->id].active, 0u, __ATOMIC_RELAXED);
    cpu->sched = (struct sched_cpu){.next = UINT64_MAX, .armed = UINT64_MAX};
    for (uint32_t i = 0; i < ARRAY_SIZE(cpu->sched.queue); i++) {
        list_init(&cpu->sched.queue[i].runnable);
        list_init(&cpu->sched.queue[i].timers);
    }
}

static uint32_t policy_of(const struct cpu *cpu)
{
    return (cpu->sched.pool != NULL) ? cpu->sched.pool->policy : BULKHEAD_POLICY_SHARE;
}

void sched_attach(struct cpu *cpu, struct vcpu *v)
{
    const struct sched_pool *pool = sched_pool_of(cpu->id);

    if (pool != NULL && pool->policy == BULKHEAD_POLICY_ARINC653) {
        __atomic_store_n(&v->queue, BULKHEAD_DOMAIN_PARTITION_OF(v->domain->flags), __ATOMIC_RELAXED);
        sched_pool_own(cpu->id, v->queue, v->domain->slot);
    }
    cpu->sched.hosts_boot += (v->domain->slot == SLOT_BOOT) ? 1u : 0u;
}

void sched_detach(struct cpu *cpu, const struct vcpu *v)
{
    cpu->sched.hosts_boot -= (v->domain->slot == SLOT_BOOT) ? 1u : 0u;
}

void sched_runnable(struct cpu *cpu, struct vcpu *v)
{
    if (list_empty(&v->run_node)) {
        ticks_t now = arch_ticks();

        list_push_back(&cpu->sched.queue[v->queue].runnable, &v->run_node);
        cpu->work |= (v->queue == cpu->sched.active) ? CPU_WORK_RESCHED : 0u;
        runstate_ready(v, now);
        if (policy_of(cpu) == BULKHEAD_POLICY_RTDS) {
            rtds_add(&cpu->sched, &v->rt, now);
        }
    }
}

void sched_not_runnable(struct cpu *cpu, struct vcpu *v)
{
    if (!list_empty(&v->run_node)) {
        list_remove(&v->run_node);
        if (v->rt.by_deadline.rank != 0u) {
            rtds_remove(&cpu->sched, &v->rt);
        }
        cpu->work |= CPU_WORK_RESCHED;
    }
}

void sched_rotate(struct cpu *cpu)
{
    struct vcpu *v = cpu->current;
    struct list *runnable = &cpu->sched.queue[v->queue].runnable;

    if (!list_empty(&v->run_node) && runnable->next != runnable->prev) {
        list_remove(&v->run_node);
        list_push_back(runnable, &v->run_node);
        cpu->work |= CPU_WORK_RESCHED;
    }
}

static bool has_company(const struct cpu *cpu)
{
    const struct list *runnable = &cpu->sched.queue[cpu->sched.active].runnable;

    return runnable->next != runnable->prev || !list_empty(&cpu->reap);
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

/* ---- arinc653 ---- */

/* What ran before kept interrupts masked for too long, or the guard time is too short for a switch.
 * [impl->dsn~arinc653-late~2] */
static void report_late(struct cpu *cpu)
{
    if (cpu->current != NULL) {
        cpu->current->stats.windows_overrun++;
        health_report(cpu->current->domain, cpu->current, BULKHEAD_EVENT_OVERRUN);
    }
}

/* [impl->dsn~partition-messages~1]
 * Messages to vCPUs of another partition wait for its window.  Whoever posted before the fence is drained here; whoever posts
 * behind it sees the new partition and kicks. */
static void serve(struct cpu *cpu, uint32_t partition, ticks_t now)
{
    cpu->sched.active = partition;
    __atomic_store_n(&cpu_inbox[cpu->id].active, partition, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    vcpu_drain_inbox(cpu);
    timer_run(cpu, now);
}

/* [impl->dsn~arinc653-guard~1]
 * All is decided a guard time early: who runs is stopped then, and who is next is loaded and waits for the start. */
static struct sched_choice partition_choose(struct cpu *cpu, ticks_t now)
{
    const struct sched_pool *pool = cpu->sched.pool;
    struct sched_place place = sched_pool_window(pool, now + pool->guard);
    struct sched_choice c;

    if (place.start != cpu->sched.start) {
        if (cpu->sched.start != 0u && now > place.start) {
            report_late(cpu);
        }
        cpu->sched.start = place.start;
        if (place.partition != cpu->sched.active) {
            serve(cpu, place.partition, now);
        }
    }
    c = share_choose(&cpu->sched.queue[place.partition].runnable, cpu->current, has_company(cpu), now,
                     arch_ticks_hz() >> SLICES_LOG2);
    if (place.end - pool->guard < c.until) {
        c.until = place.end - pool->guard;
    }
    return c;
}

/* ---- rtds ---- */

/* Its work at EL2 took longer than an exit and a switch, so a deadline of somebody else may have moved.
 * [impl->dsn~rtds-late~1] */
static void spend(struct cpu *cpu, ticks_t now)
{
    if (cpu->current != NULL && rtds_spend(&cpu->current->rt, now) > arch_ticks_hz() >> LATE_LOG2) {
        report_late(cpu);
    }
}

/* ---- every policy ---- */

/* A CPU follows its pool from when nothing of the launch is left on it; one without a pool shares for good once no pool can
 * be described any more.
 * [impl->dsn~pools-from-exit~1] */
static void adopt(struct cpu *cpu, ticks_t now)
{
    static const struct sched_pool shared = {.policy = BULKHEAD_POLICY_SHARE};
    const struct list *runnable = &cpu->sched.queue[0].runnable;

    if (cpu->sched.hosts_boot == 0u && list_empty(&cpu->reap)) {
        cpu->sched.pool = sched_pool_of(cpu->id);
        if (cpu->sched.pool == NULL && seal_is_started()) {
            cpu->sched.pool = &shared;
        }
        for (struct list *at = runnable->next; policy_of(cpu) == BULKHEAD_POLICY_RTDS && at != runnable;
             at = at->next) {
            rtds_add(&cpu->sched, &CONTAINER_OF(at, struct vcpu, run_node)->rt, now);
        }
    }
}

/* Apart, as the next: the usual case needs no frame for them. */
static NOINLINE struct sched_choice choose_among(struct cpu *cpu, ticks_t now)
{
    struct list *runnable = &cpu->sched.queue[0].runnable;
    struct sched_choice c = {.vcpu = sched_first(runnable), .until = UINT64_MAX};
    uint32_t policy = policy_of(cpu);

    if (policy == BULKHEAD_POLICY_ARINC653) {
        c = partition_choose(cpu, now);
    } else if (policy == BULKHEAD_POLICY_RTDS) {
        spend(cpu, now);
        c = rtds_choose(&cpu->sched, cpu->current, now);
    } else { /* null: whoever is here stays.  [impl->dsn~null-policy~1] */
    }
    return c;
}

static struct vcpu *choose(struct cpu *cpu, ticks_t now)
{
    struct sched_choice c = {.vcpu = sched_first(&cpu->sched.queue[0].runnable), .until = UINT64_MAX};

    cpu->sched.next = UINT64_MAX;
    if (UNLIKELY(cpu->sched.pool == NULL)) {
        adopt(cpu, now);
    }
    if (policy_of(cpu) != BULKHEAD_POLICY_SHARE) {
        c = choose_among(cpu, now);
    } else if (has_company(cpu)) {
        c = share_choose(&cpu->sched.queue[0].runnable, cpu->current, true, now, arch_ticks_hz() >> SLICES_LOG2);
    } else if (c.vcpu != NULL) { /* the usual case, on the way of every event: no turn to end or to begin */
        c.vcpu->slice_end = 0;
    } else { /* nobody */
    }
    cpu->sched.next = c.until;
    timer_program(cpu);
    return c.vcpu;
}

/* A vCPU that sleeps alone does so on the CPU; under rtds it would spend its budget. */
static bool traps_wfi(const struct cpu *cpu)
{
    uint32_t policy = policy_of(cpu);

    return has_company(cpu) || policy == BULKHEAD_POLICY_RTDS ||
           (policy == BULKHEAD_POLICY_SHARE && cpu->vcpu_count > 1u);
}

static bool is_real_time(const struct cpu *cpu)
{
    return policy_of(cpu) == BULKHEAD_POLICY_ARINC653 || policy_of(cpu) == BULKHEAD_POLICY_RTDS;
}

/* Time that nobody was promised: idle, nobody's window, extra time. */
static bool is_spare(const struct cpu *cpu, const struct vcpu *v)
{
    return v == NULL || (policy_of(cpu) == BULKHEAD_POLICY_RTDS && v->rt.level != 0u) ||
           (policy_of(cpu) == BULKHEAD_POLICY_ARINC653 && cpu->sched.active == 0u);
}

/* A step of taking a domain apart, in time that is spare and long enough.  true = choose again.
 * [impl->dsn~real-time-reap~1] */
static NOINLINE bool reap(struct cpu *cpu, struct vcpu *chosen, ticks_t now)
{
    if (!is_spare(cpu, chosen) || (is_real_time(cpu) && cpu->sched.next - now <= arch_ticks_hz() / REAP_PER_SECOND)) {
        return false;
    }
    if (chosen != NULL) {
        chosen->rt.since = 0; /* it does not pay for it */
    }
    account(cpu, NULL, now);
    if (!domain_reap_step(cpu)) {
        return false;
    }
    arch_cpu_wait(0); /* who wakes waits for a step at most */
    return true;
}

struct vcpu *upcall_next(struct cpu *cpu)
{
    if (!list_empty(&cpu->reap) && !is_real_time(cpu) && !arch_irq_pending()) {
        (void)domain_reap_step(cpu); /* a step a slice: a busy CPU gets on with it too */
        arch_cpu_wait(0);
    }
    for (;;) {
        struct vcpu *v;
        ticks_t now;

        while (cpu->work != 0u) { /* bound: what others post while we look */
            bool posted = (cpu->work & CPU_WORK_INBOX) != 0u;
            cpu->work = 0;
            if (posted) {
                vcpu_drain_inbox(cpu);
            }
        }
        now = arch_ticks();
        v = choose(cpu, now);
        if (!list_empty(&cpu->reap) && reap(cpu, v, now)) {
            continue;
        }
        if (v == NULL) {
            account(cpu, NULL, now);
            if (UNLIKELY(cpu->trace != NULL)) {
                upcall_trace(cpu, BULKHEAD_TRACE_IDLE, NULL, 0);
            }
            arch_cpu_idle();
            continue;
        }
        account(cpu, v, now);
        arch_vcpu_load(v);
        cpu->current = v;
        arch_vcpu_trap_wfi(v, traps_wfi(cpu));
        if (now < cpu->sched.start) {
            arch_cpu_wait(cpu->sched.start);
        }
        if (LIKELY((cpu->work | (uint64_t)cpu->trace) == 0u)) {
            return v;
        }
        if (cpu->work == 0u) {
            upcall_trace(cpu, BULKHEAD_TRACE_RUN, v, 0);
            return v;
        }
    }
}
