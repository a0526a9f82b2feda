/* SPDX-License-Identifier: Apache-2.0 */
/* What of a vCPU is in the registers of a CPU.
 * [impl->dsn~vcpu-context~1] */
#ifndef ARCH_ARM64_CONTEXT_H
#define ARCH_ARM64_CONTEXT_H

#include "lib/types.h"

struct cpu;
struct vcpu;

/* EL2 control registers of this CPU that do not depend on the vCPU. */
void context_cpu_init(void);

/* Choose the vectors that make branch history of a guest harmless (Spectre-BHB), as this CPU model needs. */
void history_cpu_init(struct cpu *cpu);

/* Deliver an exception to EL1 of v, which is loaded: esr for ESR_EL1; far only where set_far. */
void context_inject(struct vcpu *v, uint64_t esr, bool set_far, uint64_t far);
/* Undefined instruction at the vCPU's pc. */
void context_inject_undefined(struct vcpu *v);
/* External abort for the access described by the EL2 syndrome. */
void context_inject_external(struct vcpu *v, uint64_t esr, uint64_t far);

/* Values a guest reads from ID registers: op0 3, op1 0, CRn 0, CRm 1..7.  Boot CPU, once. */
void idregs_init(void);
uint64_t idregs_read(uint32_t crm, uint32_t op2);
bool idregs_has_pauth(void);

/* Debug registers: first use makes them live; save and load around a switch of vCPUs. */
void debug_first_use(struct vcpu *v);
void debug_save(struct vcpu *v);
void debug_load(struct vcpu *v);
void debug_init(struct vcpu *v);
void pmu_first_use(struct vcpu *v);
void pmu_save(struct vcpu *v);
void pmu_load(struct vcpu *v);
void pmu_init(struct vcpu *v);

/* Virtual and physical timers of the vCPU. */
void vtimer_save(struct cpu *cpu, struct vcpu *v);
void vtimer_load(struct cpu *cpu, struct vcpu *v);
void vtimer_interrupt(struct vcpu *v, uint32_t intid);
bool vtimer_due(const struct vcpu *v);
bool ptimer_access(struct vcpu *v, uint32_t op2, bool write, uint64_t *value);
void timer_cpu_init(struct cpu *cpu);

#endif
