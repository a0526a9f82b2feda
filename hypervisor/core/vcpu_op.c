/* SPDX-License-Identifier: Apache-2.0 */
/* vcpu_op: areas that the hypervisor and a vCPU share.
 * [impl->dsn~vcpu-op~1] */
#include "core/evtchn.h"
#include "core/hypercall.h"
#include "core/runstate.h"
#include "lib/bits.h"

#include <xen/vcpu.h>

static err_t register_info(struct vcpu *target, gva_t arg)
{
    struct vcpu_register_vcpu_info r;
    err_t err = copy_in(&r, arg, sizeof(r));

    return (err == OK) ? evtchn_register_info(target, GFN(r.mfn), r.offset) : err;
}

static err_t get_runstate(const struct vcpu *target, gva_t arg)
{
    struct vcpu_runstate_info r;

    runstate_read(target, &r);
    return copy_out(arg, &r, sizeof(r));
}

int64_t vcpu_op(struct vcpu *v, uint64_t *args)
{
    struct vcpu *target;
    gva_t arg = GVA(args[2]);

    if ((uint32_t)args[1] >= v->domain->max_vcpus) {
        return ERR_NOENT;
    }
    target = v->domain->vcpus[index_nospec((uint32_t)args[1], v->domain->max_vcpus)];
    switch ((uint32_t)args[0]) {
    case VCPUOP_is_up:
        return (__atomic_load_n(&target->power, __ATOMIC_ACQUIRE) == VCPU_POWER_ON) ? 1 : 0;
    case VCPUOP_get_runstate_info:
        return get_runstate(target, arg);
    case VCPUOP_register_runstate_memory_area:
        return (target == v) ? runstate_register(v, arg) : ERR_INVAL; /* its translation must be the live one */
    case VCPUOP_register_vcpu_info:
        return register_info(target, arg);
    default: /* up, down and the rest: PSCI on Arm */
        return ERR_NOSYS;
    }
}
