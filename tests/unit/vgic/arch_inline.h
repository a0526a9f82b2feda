/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

struct cpu;

/* The CPU that this thread plays (model.c). */
extern _Thread_local struct cpu *model_this_cpu;

static inline struct cpu *this_cpu(void)
{
    return model_this_cpu;
}

#endif
