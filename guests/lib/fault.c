/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/cpu.h>
#include <guest/exception.h>

#include <stddef.h>

#include "start.h"

_Static_assert(offsetof(struct guest_cpu, fault.context) == CPU_FAULT_CONTEXT, "fault.S writes here");

uint64_t fault_enter(void (*fn)(void *arg), void *arg, uint64_t *context);
void fault_leave(const uint64_t *context) __attribute__((noreturn));

bool fault_call(void (*fn)(void *arg), void *arg, struct exception_frame *frame)
{
    struct guest_cpu *cpu = this_cpu();
    struct guest_fault outer = cpu->fault;
    bool faulted;

    cpu->fault.frame = frame;
    cpu->fault.armed = true;
    faulted = fault_enter(fn, arg, cpu->fault.context) != 0;
    cpu->fault = outer;
    return faulted;
}

void fault_end(const struct exception_frame *frame)
{
    struct guest_cpu *cpu = this_cpu();

    if (!cpu->fault.armed) {
        return;
    }
    if (cpu->fault.frame != NULL) {
        *cpu->fault.frame = *frame;
    }
    fault_leave(cpu->fault.context);
}
