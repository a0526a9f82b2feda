/* SPDX-License-Identifier: Apache-2.0 */
/* The memory operations of bulkhead_op.  arg: guest virtual address of the operation's structure, updated as it gets on.
 * [impl->dsn~bulkhead-memory~1] [impl->dsn~move-frames~1] */
#ifndef CORE_BULKHEAD_MEMORY_H
#define CORE_BULKHEAD_MEMORY_H

#include "core/vcpu.h"
#include "lib/types.h"

int64_t bulkhead_claim(struct vcpu *v, gva_t arg);
int64_t bulkhead_populate_static(struct vcpu *v, gva_t arg);
int64_t bulkhead_move_frames(struct vcpu *v, gva_t arg);
int64_t bulkhead_map_outside(struct vcpu *v, gva_t arg);

/* The domain domid, with a reference, if the caller may build it. */
err_t bulkhead_get_target(const struct vcpu *v, uint32_t domid, struct domain **out) MUST_CHECK;
/* Frames of one step of a long operation: up to PHYSMAP_BATCH, ending where a 2 MiB entry can begin. */
uint64_t bulkhead_step(uint64_t gfn, uint64_t count);

#endif
