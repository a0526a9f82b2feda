/* SPDX-License-Identifier: Apache-2.0 */
/* This CPU, and starting others. */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include <guest/exception.h>

#define GUEST_MAX_CPUS   8u
#define GUEST_STACK_SIZE 0x4000u

/* The innermost fault_call() in progress. */
struct guest_fault {
    bool armed;
    uint64_t context[14]; /* x19-x30, sp, DAIF: known to fault.S */
    struct exception_frame *frame;
};

/* TPIDR_EL1 of each CPU points to its own; start.S knows the first three fields. */
struct guest_cpu {
    uint64_t stack_top;
    void (*entry)(uint64_t argument); /* secondary CPUs */
    uint64_t argument;
    uint32_t index;          /* 0 = boot CPU */
    volatile uint32_t state; /* enum cpu_state */
    struct guest_fault fault;
};

extern struct guest_cpu guest_cpus[GUEST_MAX_CPUS];

static inline struct guest_cpu *this_cpu(void)
{
    uint64_t value;

    __asm__("mrs %0, tpidr_el1" : "=r"(value));
    return (struct guest_cpu *)value;
}

/* Start CPU index (1..GUEST_MAX_CPUS-1) at entry(argument), MMU and caches on, interrupts masked, by PSCI CPU_ON.
 * mpidr: its affinity fields.  When entry returns, the CPU does CPU_OFF.  Returns the PSCI status. */
int32_t cpu_start(uint32_t index, uint64_t mpidr, void (*entry)(uint64_t argument), uint64_t argument);

#endif
