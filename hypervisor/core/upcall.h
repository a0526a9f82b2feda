/* SPDX-License-Identifier: Apache-2.0 */
/* The only header through which arch/ reaches the core.
 * Context of all: the CPU that took the event, interrupts masked.
 * [impl->dsn~upcalls~1] */
#ifndef CORE_UPCALL_H
#define CORE_UPCALL_H

#include "bulkhead/trace.h"
#include "core/boot.h"
#include "core/cpu.h"
#include "core/domain.h"
#include "core/pool.h"
#include "core/vcpu.h"
#include "core/print.h"
#include "lib/types.h"

struct board_table;
struct boot_info;

/* The boot CPU, with the hypervisor's own translation on, a stack, and struct boot_info filled in.  Does not return. */
NORETURN void upcall_start(const struct boot_info *info);
/* Another CPU after arch_cpu_start().  Does not return. */
NORETURN void upcall_cpu_started(struct cpu *cpu);

/* cpu->work is not zero, or there is no current vCPU: decide what runs.  Returns the vCPU, loaded. */
struct vcpu *upcall_next(struct cpu *cpu);

/* Further steps of a hypercall that said ERR_RESTART, without the way through the guest, while no interrupt waits and the
 * CPU has nothing else to do.  Bound: 64 steps. */
int64_t upcall_again(struct vcpu *v, uint64_t nr, uint64_t *args);
/* Hypercall nr with args[0..4] of v; the result for the guest, or ERR_RESTART: make the same call again. */
int64_t upcall_hypercall(struct vcpu *v, uint64_t nr, uint64_t *args);

/* Where cpu->trace is not NULL: a record of what cpu does now.  v: NULL with BULKHEAD_TRACE_IDLE. */
void upcall_trace(const struct cpu *cpu, enum bulkhead_trace_kind kind, const struct vcpu *v, uint32_t value);

void upcall_timer(struct cpu *cpu);                   /* the hypervisor timer fired */
void upcall_kick(struct cpu *cpu);                    /* arch_cpu_kick() arrived */
void upcall_console_input(char c);                    /* a character from the console device */
void upcall_console_ready(void);                      /* the device can take more */
void upcall_console_output(struct domain *d, char c); /* a virtual UART sent a character */

/* SPI intid (32..1019), not the hypervisor's, was taken and is active.  true: its owner ends it. */
bool upcall_device_interrupt(uint32_t intid);

enum fault_class {
    FAULT_STAGE2 = 0, /* access that the architecture answers with an abort to the guest */
    FAULT_UNDEFINED = 1,
    FAULT_ILLEGAL = 2, /* illegal execution state, unhandled exit */
    FAULT_SERROR = 3,  /* asynchronous error attributed to the domain */
    FAULT_DOUBLE = 4,  /* the guest's own fault handler cannot be fetched */
    FAULT_CLASSES = 5,
};
/* A guest did what the architecture forbids; it has been answered.  Counts; the health monitor
 * may stop the domain. */
void upcall_guest_fault(struct vcpu *v, enum fault_class c, uint64_t syndrome, uint64_t address);

/* Guest-side PSCI SYSTEM_OFF / SYSTEM_RESET / crash: reason is SHUTDOWN_* of xen/sched.h. */
void upcall_shutdown(struct vcpu *v, uint32_t reason);

#endif
