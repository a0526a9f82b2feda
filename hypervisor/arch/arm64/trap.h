/* SPDX-License-Identifier: Apache-2.0 */
/* Exits from a guest.  Context: EL2, interrupts masked, v is current and loaded, its general registers are in v->arch.
 * [impl->dsn~traps~1] */
#ifndef ARCH_ARM64_TRAP_H
#define ARCH_ARM64_TRAP_H

#include "lib/types.h"

struct vcpu;

void trap_sync(struct vcpu *v, uint64_t esr);
void trap_data_abort(struct vcpu *v, uint64_t esr);
/* An exit is recorded.  Returns v. */
struct vcpu *trap_trace(struct vcpu *v, uint64_t esr, bool irq);
void trap_serror(struct vcpu *v, uint64_t esr);

/* Take every pending physical interrupt of this CPU.  v: the loaded vCPU, or NULL. */
void irq_take(struct vcpu *v);

/* Trapped MSR, MRS and SYS (EC 0x18). */
void trap_sysreg(struct vcpu *v, uint64_t esr);

/* SMC Calling Convention: PSCI and architecture services; function id in x0. */
void smccc_call(struct vcpu *v);
/* Of the hypervisor itself, to the firmware. */
uint64_t smccc_firmware(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);

#endif
