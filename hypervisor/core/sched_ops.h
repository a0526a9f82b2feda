/* SPDX-License-Identifier: Apache-2.0 */
/* What the core asks of the scheduler; sched/ implements it.  Context: the CPU that is named, interrupts masked.
 * [impl->dsn~sched-ops~1] */
#ifndef CORE_SCHED_OPS_H
#define CORE_SCHED_OPS_H

#include "core/cpu.h"
#include "core/vcpu.h"

void sched_cpu_init(struct cpu *cpu);
/* v (home = cpu) can run from now on / cannot; sets CPU_WORK_RESCHED where the choice may change. */
void sched_runnable(struct cpu *cpu, struct vcpu *v);
void sched_not_runnable(struct cpu *cpu, struct vcpu *v);
/* The current vCPU goes behind its equals. */
void sched_rotate(struct cpu *cpu);
/* The end of v's time slice (TIMER_SLICE) has come. */
void sched_slice_end(struct cpu *cpu, struct vcpu *v);

/* One bounded step of taking dying domains apart; core implements it, the idle part of the run loop calls it.
 * false = nothing to do.  Bound: 512 frames scrubbed. */
bool domain_reap_step(struct cpu *cpu);

#endif
