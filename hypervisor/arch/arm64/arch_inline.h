/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#include "arch/arm64/layout.h"
#include "lib/types.h"

struct cpu;

static inline void *arch_map_frame(mfn_t mfn)
{
    return (void *)(VA_DIRECT + mfn_to_maddr(mfn).v); /* VA_DIRECT is a multiple of every RAM address used */
}

/* The frame of an address in such a view. */
static inline mfn_t arch_frame_of(const void *p)
{
    return maddr_to_mfn(MADDR((uint64_t)p - VA_DIRECT));
}

static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;

    __asm__("mrs %0, tpidr_el2" : "=r"(cpu));
    return cpu;
}

/* An interrupt waits for this CPU. */
static inline bool arch_irq_pending(void)
{
    uint64_t isr;

    __asm__ volatile("mrs %0, isr_el1" : "=r"(isr)::"memory");
    return isr != 0u;
}

#endif
