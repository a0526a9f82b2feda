/* SPDX-License-Identifier: Apache-2.0 */
/* What the core asks of the scheduler; sched/ implements it.  Context: the CPU that is named, interrupts masked.
 * [impl->dsn~sched-ops~1] */
#ifndef CORE_SCHED_OPS_H
#define CORE_SCHED_OPS_H

#include "core/cpu.h"
#include "core/domain.h"
#include "core/vcpu.h"

struct xen_domctl;
struct xen_sysctl;

/* Once, by the boot CPU: no pools. */
void sched_init(void);
void sched_cpu_init(struct cpu *cpu);
/* v (home = cpu) can run from now on / cannot; sets CPU_WORK_RESCHED where the choice may change. */
void sched_runnable(struct cpu *cpu, struct vcpu *v);
void sched_not_runnable(struct cpu *cpu, struct vcpu *v);
/* The current vCPU goes behind its equals. */
void sched_rotate(struct cpu *cpu);
/* v (home = cpu) begins to be / is no longer one of cpu's.  Not runnable then. */
void sched_attach(struct cpu *cpu, struct vcpu *v);
void sched_detach(struct cpu *cpu, const struct vcpu *v);
/* v's reservation is free for others.  Any CPU. */
void sched_release(struct vcpu *v);

/* BULKHEAD_OP_SET_POOL, SET_SCHEDULE, SWITCH_SCHEDULE: bulkhead/bulkhead_op.h.  d: NULL.  Any CPU. */
err_t sched_set_pool(struct vcpu *v, struct domain *d, void *structure);
err_t sched_set_schedule(struct vcpu *v, struct domain *d, void *structure);
err_t sched_switch(struct vcpu *v, struct domain *d, void *structure);
/* XEN_DOMCTL_scheduler_op on d, rtds: one reservation for all of its vCPUs, in force from their next period on.
 * -EINVAL out of range or not in an rtds pool, -ENOSPC a CPU has not that much left. */
err_t sched_domctl(struct vcpu *v, struct domain *d, struct xen_domctl *op);

/* XEN_SYSCTL_scheduler_op on an arinc653 pool, getinfo: the schedule in force, an entry a window; who has it by its handle, all zeros =
 * nobody.  putinfo, right SCHEDULE of the platform: what getinfo would answer for one of the launch's schedules; it is switched to as by
 * BULKHEAD_OP_SWITCH_SCHEDULE.  -EINVAL no such pool, no such schedule; -EPERM; -EBUSY an earlier switch is still to come.
 * Bound: 4 times 63 windows.  [impl->dsn~arinc653-sysctl~2] */
err_t sched_sysctl(const struct vcpu *v, struct xen_sysctl *op);

/* One bounded step of taking dying domains apart; core implements it, the idle part of the run loop calls it.
 * false = nothing to do.  Bound: 512 frames scrubbed. */
bool domain_reap_step(struct cpu *cpu);

#endif
