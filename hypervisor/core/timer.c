/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timer.h"
#include "arch/contract/arch.h"
#include "core/cpu.h"
#include "core/evtchn.h"
#include "core/sched_ops.h"
#include "core/vcpu.h"

void timer_init(struct timer *t, struct vcpu *v, enum timer_kind kind)
{
    list_init(&t->node);
    t->deadline = UINT64_MAX;
    t->vcpu = v;
    t->kind = kind;
}

static struct timer *first(struct cpu *cpu)
{
    return list_empty(&cpu->timers) ? NULL : CONTAINER_OF(cpu->timers.next, struct timer, node);
}

/* Tell the hardware about the first deadline, if it is another one. */
static void program(struct cpu *cpu)
{
    struct timer *t = first(cpu);
    ticks_t deadline = (t != NULL) ? t->deadline : UINT64_MAX;

    if (deadline != cpu->timer_armed) {
        cpu->timer_armed = deadline;
        arch_timer_set(deadline);
    }
}

void timer_arm(struct timer *t, ticks_t deadline)
{
    struct cpu *cpu = this_cpu();
    struct list *at;

    list_remove(&t->node);
    at = cpu->timers.next;
    while (at != &cpu->timers && CONTAINER_OF(at, struct timer, node)->deadline <= deadline) {
        at = at->next;
    }
    t->deadline = deadline;
    list_insert_before(at, &t->node);
    program(cpu);
}

void timer_cancel(struct timer *t)
{
    if (!list_empty(&t->node)) {
        list_remove(&t->node);
        program(this_cpu());
    }
}

static void fire(struct cpu *cpu, struct timer *t)
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
    case TIMER_SLICE:
        sched_slice_end(cpu, v);
        break;
    case TIMER_EVENT:
        evtchn_timer(v);
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
        fire(cpu, t);
    }
    cpu->timer_armed = 0; /* the hardware has fired: what it holds is not what is armed */
    program(cpu);
}
