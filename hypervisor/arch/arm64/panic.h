/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the machine: what is printed when the hypervisor itself is at fault.
 * [impl->dsn~panic~1] */
#ifndef ARCH_ARM64_PANIC_H
#define ARCH_ARM64_PANIC_H

#include "lib/types.h"

struct panic_frame {
    uint64_t x[31];
    uint64_t sp;
    uint64_t slot; /* vector: 4 sync, 5 IRQ, 6 FIQ, 7 SError */
};
static_assert(offsetof(struct panic_frame, sp) == 31 * 8 && offsetof(struct panic_frame, slot) == 32 * 8, "entry.S");

NORETURN void panic_fault(const struct panic_frame *f);
/* Set once somebody panics; the others stop at their next kick. */
extern uint32_t panic_cpu_plus_one;

#endif
