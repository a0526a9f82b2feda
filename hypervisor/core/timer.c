/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timer.h"
#include "core/evtchn.h"

void timer_init(struct timer *t, struct vcpu *v, enum timer_kind kind)
{
    list_init(&t->node);
    t->deadline = UINT64_MAX;
    t->vcpu = v;
    t->kind = kind;
}

static struct timer *first(struct cpu *cpu)
{
    struct list *timers = &cpu->sched.queue[cpu->sched.active].timers;

    return list_empty(timers) ? NULL : CONTAINER_OF(timers->next, struct timer, node);
}

void timer_program(struct cpu *cpu)
{
    struct timer *t = first(cpu);
    ticks_t deadline = (t != NULL && t->deadline < cpu->sched.next) ? t->deadline : cpu->sched.next;

    if (deadline != cpu->sched.armed) {
        cpu->sched.armed = deadline;
        arch_timer_set(deadline);
    }
}

void timer_arm(struct timer *t, ticks_t deadline)
{
    struct cpu *cpu = this_cpu();
    struct list *timers = &cpu->sched.queue[t->vcpu->queue].timers;
    struct list *at;

    list_remove(&t->node);
    at = timers->next;
    while (at != timers && CONTAINER_OF(at, struct timer, node)->deadline <= deadline) {
        at = at->next;
    }
    t->deadline = deadline;
    list_insert_before(at, &t->node);
    timer_program(cpu);
}

void timer_cancel(struct timer *t)
{
    if (!list_empty(&t->node)) {
        list_remove(&t->node);
        timer_program(this_cpu());
    }
}

static void fire(struct timer *t)
{
    struct vcpu *v = t->vcpu;

    switch ((enum timer_kind)t->kind) {
    case TIMER_VIRT:
    case TIMER_PHYS:
        arch_vcpu_timer(v, t->kind);
        if (v->state == VCPU_BLOCKED && arch_vcpu_has_pending(v)) {
            vcpu_wake(v);
        }
        break;
    case TIMER_BLOCK:
        vcpu_wake(v);
        break;
    case TIMER_EVENT:
        evtchn_take_held(v);
        break;
    case TIMER_WATCHDOG:
        health_watchdog_due(v);
        break;
    case TIMER_KINDS:
        break;
    }
}

void timer_run(struct cpu *cpu, ticks_t now)
{
    struct list due;
    struct timer *t = first(cpu);

    list_init(&due); /* what fires may arm again: once round */
    while (t != NULL && t->deadline <= now) {
        list_remove(&t->node);
        list_push_back(&due, &t->node);
        t = first(cpu);
    }
    while (!list_empty(&due)) {
        t = CONTAINER_OF(due.next, struct timer, node);
        list_remove(&t->node);
        fire(t);
    }
    if (now >= cpu->sched.next) {
        cpu->work |= CPU_WORK_RESCHED;
        cpu->sched.next = UINT64_MAX; /* until the choice: the timer does not stay pending */
    }
    cpu->sched.armed = 0; /* the hardware has fired: what it holds is not what is armed */
    timer_program(cpu);
}
