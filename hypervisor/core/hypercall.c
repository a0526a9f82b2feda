/* SPDX-License-Identifier: Apache-2.0 */
/* The one dispatch table. */
#include "core/hypercall.h"
#include "bulkhead/bulkhead_op.h"
#include "core/upcall.h"
#include "lib/bits.h"

#include <xen/xen.h>

/* A number without an entry answers -ENOSYS: physical devices and labels are to come. */
static hypercall_fn *const hypercalls[HYPERCALL_COUNT] = {
    [__HYPERVISOR_memory_op] = memory_op,
    [__HYPERVISOR_xen_version] = version_op,
    [__HYPERVISOR_console_io] = console_io,
    [__HYPERVISOR_vcpu_op] = vcpu_op,
    [__HYPERVISOR_sched_op] = sched_op,
    [__HYPERVISOR_hvm_op] = hvm_op,
    [__HYPERVISOR_sysctl] = sysctl,
    [__HYPERVISOR_domctl] = domctl,
    [HYPERVISOR_BULKHEAD_OP] = bulkhead_op,
    [__HYPERVISOR_grant_table_op] = grant_table_op,
    [__HYPERVISOR_event_channel_op] = event_channel_op,
};

int64_t upcall_hypercall(struct vcpu *v, uint64_t nr, uint64_t *args)
{
    hypercall_fn *fn = (nr < HYPERCALL_COUNT) ? hypercalls[index_nospec(nr, HYPERCALL_COUNT)] : NULL;
    int64_t result = LIKELY(fn != NULL) ? fn(v, args) : ERR_NOSYS;

    v->stats.hypercalls++;
    if (UNLIKELY(result < 0) && result != ERR_RESTART) {
        v->stats.guest_errors++;
    }
    return result;
}
