/* SPDX-License-Identifier: Apache-2.0 */
/* Per-CPU software timers.  No function pointers: the kind says what happens.
 * [impl->dsn~timer-queue~1] */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "lib/list.h"
#include "lib/types.h"

struct cpu;
struct vcpu;

enum timer_kind {
    TIMER_VIRT = 0,     /* a descheduled vCPU's virtual timer: arch_vcpu_timer() */
    TIMER_PHYS = 1,     /* a vCPU's emulated physical timer: arch_vcpu_timer() */
    TIMER_BLOCK = 2,    /* end of a bounded block (SCHEDOP_poll, PSCI suspend) : vcpu_wake() */
    TIMER_EVENT = 3,    /* an event that was held back may be delivered: evtchn_take_held() */
    TIMER_WATCHDOG = 4, /* vCPU 0: a watchdog of its domain: health_watchdog_due() */
    TIMER_KINDS = 5,
};

struct timer {
    struct list node; /* in a queue's timers when armed */
    ticks_t deadline;
    struct vcpu *vcpu; /* const */
    uint32_t kind;     /* const: enum timer_kind */
};

void timer_init(struct timer *t, struct vcpu *v, enum timer_kind kind);
/* (Re)arm on this CPU.  Bound: armed timers of this CPU.  Context: the vCPU's home. */
void timer_arm(struct timer *t, ticks_t deadline);
void timer_cancel(struct timer *t);
/* Fire what is due at now in the queue that is served, see whether the scheduler is due, and program the hardware for the
 * next.  Bound: timers of that queue. */
void timer_run(struct cpu *cpu, ticks_t now);
/* The hardware waits for the first timer of the queue that is served, or for the scheduler if that comes sooner. */
void timer_program(struct cpu *cpu);

#endif
