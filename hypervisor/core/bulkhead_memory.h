/* SPDX-License-Identifier: Apache-2.0 */
/* The memory operations of bulkhead_op.  d: the domain that the structure names, over which the caller has the right of the
 * table in bulkhead_op.c; NULL where that asks for none.  structure: a copy of the operation's, which says what is left as it gets on.
 * ERR_RESTART: it is not done.
 * [impl->dsn~bulkhead-memory~1] [impl->dsn~move-frames~1] */
#ifndef CORE_BULKHEAD_MEMORY_H
#define CORE_BULKHEAD_MEMORY_H

#include "core/vcpu.h"
#include "lib/types.h"

typedef err_t bulkhead_fn(struct vcpu *v, struct domain *d, void *structure);

bulkhead_fn bulkhead_claim;
bulkhead_fn bulkhead_populate_static;
bulkhead_fn bulkhead_move_frames;
bulkhead_fn bulkhead_map_outside;

#endif
