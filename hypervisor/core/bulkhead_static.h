/* SPDX-License-Identifier: Apache-2.0 */
/* Static channels and static shared memory: operations of bulkhead_op.  arg: guest virtual address of the operation's
 * structure. */
#ifndef CORE_BULKHEAD_STATIC_H
#define CORE_BULKHEAD_STATIC_H

#include "core/vcpu.h"
#include "lib/types.h"

int64_t bulkhead_bind_channel(struct vcpu *v, gva_t arg);
int64_t bulkhead_channel_early(struct vcpu *v, gva_t arg);
int64_t bulkhead_share_memory(struct vcpu *v, gva_t arg);
int64_t bulkhead_seed_grant(struct vcpu *v, gva_t arg);

#endif
