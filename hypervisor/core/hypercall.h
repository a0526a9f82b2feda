/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the Xen ABI.  Each handler takes the caller and its five argument registers, which it may change before
 * it returns ERR_RESTART (the same call is then made again), and returns what the guest sees in x0.
 * [impl->dsn~hypercalls~1] */
#ifndef CORE_HYPERCALL_H
#define CORE_HYPERCALL_H

#include "core/vcpu.h"
#include "lib/types.h"

#define HYPERCALL_COUNT 64u /* numbers 0..63 */
#define ERR_NOBUFS      (-105)

typedef int64_t hypercall_fn(struct vcpu *v, uint64_t *args);

hypercall_fn memory_op;
hypercall_fn version_op;
hypercall_fn console_io;
hypercall_fn vcpu_op;
hypercall_fn sched_op;
hypercall_fn hvm_op;
hypercall_fn event_channel_op;
hypercall_fn sysctl;
hypercall_fn domctl;
hypercall_fn bulkhead_op;
hypercall_fn grant_table_op;
hypercall_fn argo_op;
hypercall_fn xsm_op;

#endif
