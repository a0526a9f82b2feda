/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

#include "lib/types.h"

struct cpu;

void *arch_map_frame(mfn_t mfn);
mfn_t arch_frame_of(const void *p);

/* Each thread of a test is a CPU, or plays several in turn (host_become). */
extern _Thread_local struct cpu *host_this_cpu;

static inline struct cpu *this_cpu(void)
{
    return host_this_cpu;
}

extern uint32_t host_irq_every; /* every so many looks see an interrupt; 0 = none does */
bool arch_irq_pending(void);

#endif
