/* SPDX-License-Identifier: Apache-2.0 */
/* vcpu_op: areas that the hypervisor and a vCPU share.
 * [impl->dsn~vcpu-op~1] */
#include "arch/contract/arch.h"
#include "core/domain.h"
#include "core/hypercall.h"
#include "core/physmap.h"
#include "core/runstate.h"
#include "core/wallclock.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/xen.h>
#include <xen/vcpu.h>

static_assert(sizeof(struct vcpu_info) == 48, "Arm layout");

static err_t register_info(struct vcpu *target, gva_t arg)
{
    struct vcpu_register_vcpu_info r;
    struct domain *d = target->domain;
    struct vcpu_info *info;
    mfn_t mfn;
    err_t err = copy_in(&r, arg, sizeof(r));

    if (err != OK) {
        return err;
    }
    if (r.offset > PAGE_SIZE - sizeof(*info) || !IS_ALIGNED(r.offset, 8u) || target->info.v != 0u) {
        return ERR_INVAL;
    }
    err = physmap_hold(d, GFN(r.mfn), &mfn);
    if (err != OK) {
        return err;
    }
    info = (struct vcpu_info *)(void *)((char *)arch_map_frame(mfn) + r.offset);
    if (target->id == 0u) {
        *info = ((const struct shared_info *)arch_map_frame(d->shared_info))->vcpu_info[0];
    } else {
        memset(info, 0, sizeof(*info));
        wallclock_fill_time(&info->time);
    }
    physmap_release(mfn);
    target->info = GADDR((r.mfn << PAGE_SHIFT) + r.offset);
    return OK;
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
