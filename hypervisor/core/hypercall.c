/* SPDX-License-Identifier: Apache-2.0 */
/* The one dispatch table.  What the operations of a number need is in the tables of domctl.c, sysctl.c and bulkhead_op.c;
 * calls of the other numbers act on the caller alone, or on a domain that it may build or read (RIGHT_BUILD, RIGHT_INFO). */
#include "core/hypercall.h"
#include "core/upcall.h"
#include "lib/bits.h"

#include <xen/xen.h>

#define STEPS 64u /* of a call in a row: then others have their turn */

/* The one assistance that Arm knows is always given: runstate_publish.  On or off, that is the same to who asked.
 * [impl->dsn~runstate~1] */
static int64_t vm_assist(struct vcpu *v, uint64_t *args)
{
    (void)v;
    if ((uint32_t)args[1] != VMASST_TYPE_runstate_update_flag) {
        return ERR_INVAL;
    }
    return ((uint32_t)args[0] <= VMASST_CMD_disable) ? OK : ERR_NOSYS;
}

/* A number without an entry answers -ENOSYS: physical devices are to come. */
static hypercall_fn *const hypercalls[HYPERCALL_COUNT] = {
    [__HYPERVISOR_memory_op] = memory_op,
    [__HYPERVISOR_xen_version] = version_op,
    [__HYPERVISOR_console_io] = console_io,
    [__HYPERVISOR_vm_assist] = vm_assist,
    [__HYPERVISOR_vcpu_op] = vcpu_op,
    [__HYPERVISOR_sched_op] = sched_op,
    [__HYPERVISOR_hvm_op] = hvm_op,
    [__HYPERVISOR_sysctl] = sysctl,
    [__HYPERVISOR_domctl] = domctl,
    [HYPERVISOR_BULKHEAD_OP] = bulkhead_op,
    [__HYPERVISOR_grant_table_op] = grant_table_op,
    [__HYPERVISOR_event_channel_op] = event_channel_op,
    [__HYPERVISOR_argo_op] = argo_op,
    [__HYPERVISOR_xsm_op] = xsm_op,
};

static hypercall_fn *find(uint64_t nr)
{
    return (nr < HYPERCALL_COUNT) ? hypercalls[index_nospec(nr, HYPERCALL_COUNT)] : NULL;
}

/* The first call of the list.  What it changed of its arguments to be restarted is kept in the list.
 * [impl->dsn~multicall~1] */
static int64_t first_call(struct vcpu *v, gva_t list)
{
    struct multicall_entry e;
    hypercall_fn *fn;
    err_t err = copy_in(&e, list, sizeof(e));

    if (err != OK) {
        return err;
    }
    fn = find(e.op);
    if (fn != NULL) {
        e.result = (uint64_t)fn(v, e.args);
    } else {
        e.result = (uint64_t)((e.op == __HYPERVISOR_multicall) ? ERR_INVAL : ERR_NOSYS); /* no list in a list */
    }
    if ((int64_t)e.result == ERR_RESTART) {
        err = copy_out(GVA(list.v + offsetof(struct multicall_entry, args)), e.args, sizeof(e.args));
        return (err == OK) ? ERR_RESTART : err;
    }
    return copy_out(GVA(list.v + offsetof(struct multicall_entry, result)), &e.result, sizeof(e.result));
}

/* One call a step.  It is not in the table, so that no call can lead to it. */
static int64_t multicall(struct vcpu *v, uint64_t *args)
{
    uint32_t count = (uint32_t)args[1];
    int64_t result = (count > 0u) ? first_call(v, GVA(args[0])) : OK;

    if (result != OK || count <= 1u) {
        return result;
    }
    args[0] += sizeof(struct multicall_entry);
    args[1] = count - 1u;
    return ERR_RESTART;
}

int64_t upcall_hypercall(struct vcpu *v, uint64_t nr, uint64_t *args)
{
    hypercall_fn *fn = find(nr);
    int64_t result;

    if (LIKELY(fn != NULL)) {
        result = fn(v, args);
    } else {
        result = (nr == __HYPERVISOR_multicall) ? multicall(v, args) : ERR_NOSYS;
    }

    v->stats.hypercalls++;
    if (UNLIKELY(result < 0) && result != ERR_RESTART) {
        v->stats.guest_errors++;
    }
    return result;
}

/* [impl->dsn~interrupt-latency~1] */
COLD int64_t upcall_again(struct vcpu *v, uint64_t nr, uint64_t *args)
{
    int64_t result = ERR_RESTART;

    for (uint32_t i = 0; i < STEPS && result == ERR_RESTART && this_cpu()->work == 0u && !arch_irq_pending(); i++) {
        result = upcall_hypercall(v, nr, args);
    }
    return result;
}
