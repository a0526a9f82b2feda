/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#include "lib/types.h"

struct cpu;

void *arch_map_frame(mfn_t mfn);

/* The CPU that this thread plays (model.c). */
extern _Thread_local struct cpu *model_this_cpu;

static inline struct cpu *this_cpu(void)
{
    return model_this_cpu;
}

#endif
