/* SPDX-License-Identifier: Apache-2.0 */
/* Static channels and static shared memory: operations of bulkhead_op, see bulkhead_memory.h. */
#ifndef CORE_BULKHEAD_STATIC_H
#define CORE_BULKHEAD_STATIC_H

#include "core/bulkhead_memory.h"

bulkhead_fn bulkhead_bind_channel;
bulkhead_fn bulkhead_channel_early;
bulkhead_fn bulkhead_share_memory;
bulkhead_fn bulkhead_seed_grant;

#endif
