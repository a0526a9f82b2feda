/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/cpu.h>
#include <guest/psci.h>
#include <guest/sysreg.h>

#include <stddef.h>

#include "internal.h"
#include "start.h"

_Static_assert(offsetof(struct guest_cpu, stack_top) == CPU_STACK_TOP, "start.S reads this");

struct guest_cpu guest_cpus[GUEST_MAX_CPUS];
static uint8_t secondary_stacks[GUEST_MAX_CPUS - 1][GUEST_STACK_SIZE] __attribute__((aligned(16)));

void cpu_secondary(struct guest_cpu *cpu)
{
    cpu->entry(cpu->argument);
    (void)psci_call32(PSCI_CPU_OFF, 0, 0, 0);
}

int32_t cpu_start(uint32_t index, uint64_t mpidr, void (*entry)(uint64_t argument), uint64_t argument)
{
    struct guest_cpu *cpu;

    if (index == 0 || index >= GUEST_MAX_CPUS) {
        return PSCI_INVALID;
    }
    cpu = &guest_cpus[index];
    cpu->stack_top = (uint64_t)&secondary_stacks[index - 1][GUEST_STACK_SIZE];
    cpu->entry = entry;
    cpu->argument = argument;
    cpu->index = index;
    cache_flush(cpu, sizeof(*cpu));
    return psci_call32(PSCI_CPU_ON64, mpidr & UINT64_C(0xff00ffffff), (uint64_t)secondary_start, (uint64_t)cpu);
}
