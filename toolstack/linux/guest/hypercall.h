/* SPDX-License-Identifier: Apache-2.0 */
/* The guest library's hypercalls as a Linux program makes them: for the Boot Domain's sources. */
#ifndef LINUX_HYPERCALL_H
#define LINUX_HYPERCALL_H

#include <stdint.h>
#include <xen/xen.h>
#include <bulkhead/bulkhead_op.h>

#include "privcmd.h"

static inline int64_t memory_op(unsigned int cmd, void *arg)
{
    return privcmd_call(__HYPERVISOR_memory_op, cmd, (uint64_t)arg, 0);
}

static inline int64_t hvm_op(unsigned int cmd, void *arg)
{
    return privcmd_call(__HYPERVISOR_hvm_op, cmd, (uint64_t)arg, 0);
}

static inline int64_t domctl_op(void *domctl)
{
    return privcmd_call(__HYPERVISOR_domctl, (uint64_t)domctl, 0, 0);
}

static inline int64_t bulkhead_op(enum bulkhead_op op, void *arg)
{
    return privcmd_call(HYPERVISOR_BULKHEAD_OP, op, (uint64_t)arg, 0);
}

#endif
