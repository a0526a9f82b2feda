/* SPDX-License-Identifier: Apache-2.0 */
/* The memory operations of bulkhead_op.  d: the domain that the structure names, over which the caller has the right of the
 * table in bulkhead_op.c; NULL where that asks for none.  arg: guest virtual address of the operation's structure, updated as it gets on.
 * [impl->dsn~bulkhead-memory~1] [impl->dsn~move-frames~1] */
#ifndef CORE_BULKHEAD_MEMORY_H
#define CORE_BULKHEAD_MEMORY_H

#include "core/vcpu.h"
#include "lib/types.h"

typedef int64_t bulkhead_fn(struct vcpu *v, struct domain *d, gva_t arg);

bulkhead_fn bulkhead_claim;
bulkhead_fn bulkhead_populate_static;
bulkhead_fn bulkhead_move_frames;
bulkhead_fn bulkhead_map_outside;

/* Frames of one step of a long operation: up to PHYSMAP_BATCH, ending where a 2 MiB entry can begin. */
uint64_t bulkhead_step(uint64_t gfn, uint64_t count);

#endif
