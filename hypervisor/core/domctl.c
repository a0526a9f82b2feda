/* SPDX-License-Identifier: Apache-2.0 */
/* domctl: dispatch by one const table, after the checks of version, target and right. */
#include "core/domctl.h"
#include "arch/contract/arch.h"
#include "core/frame.h"
#include "core/hypercall.h"
#include "core/physmap.h"
#include "core/rights.h"
#include "core/sched_ops.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/xen.h>
#include <xen/domctl.h>

#define DOMCTL_COUNT 96u

struct operation {
    domctl_fn *fn;
    enum bulkhead_right right;
    bool answers; /* the structure is copied back */
};

static err_t do_destroy(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)op;
    if (domain_state(d) != DOMAIN_DYING || __atomic_load_n(&d->restarting, __ATOMIC_RELAXED) == RESTART_ON) {
        err_t err = domain_destroy(d);
        return (err == OK && d != v->domain) ? ERR_RESTART : err;
    }
    /* Our own reference keeps it findable; what is left when that is all is done by the CPU when it is idle. */
    return (d->reap_cpu == this_cpu()->id && domain_reap(d) == ERR_RESTART) ? ERR_RESTART : OK;
}

static err_t do_pause(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return (d == v->domain) ? ERR_INVAL : domain_pause(d);
}

static err_t do_unpause(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    (void)op;
    return domain_unpause(d);
}

static err_t do_resume(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    (void)op;
    return domain_resume(d);
}

static const struct operation operations[DOMCTL_COUNT] = {
    [XEN_DOMCTL_destroydomain] = {do_destroy, BULKHEAD_RIGHT_DESTROY, false},
    [XEN_DOMCTL_pausedomain] = {do_pause, BULKHEAD_RIGHT_PAUSE, false},
    [XEN_DOMCTL_unpausedomain] = {do_unpause, BULKHEAD_RIGHT_PAUSE, false},
    [XEN_DOMCTL_resumedomain] = {do_resume, BULKHEAD_RIGHT_SUSPEND, false},
    [XEN_DOMCTL_max_mem] = {domctl_max_mem, BULKHEAD_RIGHT_BUILD, false},
    [XEN_DOMCTL_max_vcpus] = {domctl_max_vcpus, BULKHEAD_RIGHT_BUILD, false},
    [XEN_DOMCTL_setvcpucontext] = {domctl_set_context, BULKHEAD_RIGHT_BUILD, false},
    [XEN_DOMCTL_setvcpuaffinity] = {domctl_set_affinity, BULKHEAD_RIGHT_BUILD, false},
    [XEN_DOMCTL_setdomainhandle] = {domctl_set_handle, BULKHEAD_RIGHT_BUILD, false},
    [XEN_DOMCTL_set_paging_mempool_size] = {domctl_set_pool, BULKHEAD_RIGHT_BUILD, false},
    [XEN_DOMCTL_cacheflush] = {domctl_clean, BULKHEAD_RIGHT_BUILD, true},
    [XEN_DOMCTL_iomem_permission] = {domctl_iomem_permission, BULKHEAD_RIGHT_ASSIGN_DEVICE, false},
    [XEN_DOMCTL_memory_mapping] = {domctl_memory_mapping, BULKHEAD_RIGHT_ASSIGN_DEVICE, false},
    [XEN_DOMCTL_irq_permission] = {domctl_irq_permission, BULKHEAD_RIGHT_ASSIGN_DEVICE, false},
    [XEN_DOMCTL_bind_pt_irq] = {domctl_bind_irq, BULKHEAD_RIGHT_ASSIGN_DEVICE, false},
    [XEN_DOMCTL_unbind_pt_irq] = {domctl_bind_irq, BULKHEAD_RIGHT_ASSIGN_DEVICE, false},
    [XEN_DOMCTL_get_paging_mempool_size] = {domctl_get_pool, BULKHEAD_RIGHT_INFO, true},
    [XEN_DOMCTL_getvcpucontext] = {domctl_get_context, BULKHEAD_RIGHT_INFO, false},
    [XEN_DOMCTL_getvcpuaffinity] = {domctl_get_affinity, BULKHEAD_RIGHT_INFO, false},
    [XEN_DOMCTL_scheduler_op] = {sched_domctl, BULKHEAD_RIGHT_SCHEDULE, true},
    [XEN_DOMCTL_getvcpuinfo] = {domctl_get_vcpu, BULKHEAD_RIGHT_INFO, true},
};

static err_t run(struct vcpu *v, struct domain *d, struct xen_domctl *op, const struct operation *o)
{
    err_t err = rights_check(v, o->right, d->slot);

    if (err != OK) {
        return err;
    }
    if (o->right != BULKHEAD_RIGHT_BUILD) {
        return o->fn(v, d, op);
    }
    spin_lock(&d->lock);
    err = (d->started || domain_state(d) == DOMAIN_DYING) ? ERR_PERM : o->fn(v, d, op);
    spin_unlock(&d->lock);
    return err;
}

/* ---- getdomaininfo: the first domain with this number or a higher one that the caller may see ---- */

static err_t get_info(const struct vcpu *v, struct xen_domctl *op)
{
    uint32_t first = (op->domain == DOMID_BOOT) ? SLOT_BOOT : (op->domain == 0u) ? 1u : op->domain;

    for (uint32_t slot = first; slot < MAX_DOMAINS; slot++) {
        struct domain *d;

        if (rights_check(v, BULKHEAD_RIGHT_INFO, slot) != OK) {
            continue;
        }
        d = domain_get_slot(slot);
        if (d != NULL) {
            domctl_fill_info(d, &op->u.getdomaininfo);
            op->domain = d->id;
            domain_put(d);
            return OK;
        }
    }
    return ERR_SRCH;
}

static uint32_t count_vcpus(const struct domain *d, bool (*is)(const struct vcpu *v))
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = domain_vcpu(d, i);
        n += (v != NULL && is(v)) ? 1u : 0u;
    }
    return n;
}

static bool is_online(const struct vcpu *v)
{
    return __atomic_load_n(&v->power, __ATOMIC_RELAXED) == VCPU_POWER_ON;
}

static bool is_running(const struct vcpu *v)
{
    return __atomic_load_n(&v->running, __ATOMIC_RELAXED);
}

static uint32_t info_flags(const struct domain *d)
{
    uint32_t state = domain_state(d);
    uint32_t flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;

    flags |= (state == DOMAIN_DYING) ? XEN_DOMINF_dying : 0u;
    flags |= (state == DOMAIN_SHUTDOWN) ? XEN_DOMINF_shutdown | (d->shutdown_code << XEN_DOMINF_shutdownshift) : 0u;
    flags |= (__atomic_load_n(&d->pause_count, __ATOMIC_RELAXED) > 0u) ? XEN_DOMINF_paused : 0u;
    flags |= (count_vcpus(d, is_running) > 0u) ? XEN_DOMINF_running : XEN_DOMINF_blocked;
    return flags;
}

void domctl_fill_info(const struct domain *d, struct xen_domctl_getdomaininfo *out)
{
    *out = (struct xen_domctl_getdomaininfo){
        .domain = d->id,
        .flags = info_flags(d),
        .tot_pages = __atomic_load_n(&d->frames, __ATOMIC_RELAXED),
        .max_pages = __atomic_load_n(&d->max_frames, __ATOMIC_RELAXED),
        .shared_info_frame = UINT64_MAX, /* guests place it themselves */
        .nr_online_vcpus = count_vcpus(d, is_online),
        .max_vcpu_id = d->max_vcpus - 1u,
        .gpaddr_bits = (uint8_t)(63u - (uint32_t)__builtin_clzll(arch_stage2_gfn_limit()) + PAGE_SHIFT),
        .arch_config = {.gic_version = XEN_DOMCTL_CONFIG_GIC_V3},
    };
    memcpy(out->handle, d->handle, sizeof(out->handle));
}

/* ---- dispatch ---- */

static err_t on_domain(struct vcpu *v, struct xen_domctl *op, const struct operation *o)
{
    struct domain *d;
    err_t err = domain_get(v, op->domain, &d);

    if (err == OK) {
        err = run(v, d, op, o);
        domain_put(d);
    }
    return err;
}

int64_t domctl(struct vcpu *v, uint64_t *args)
{
    const struct operation *o;
    struct xen_domctl op;
    bool answers = true;
    err_t err = copy_in(&op, GVA(args[0]), sizeof(op));

    if (err != OK) {
        return err;
    }
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return ERR_ACCES;
    }
    o = &operations[index_nospec(op.cmd, DOMCTL_COUNT)];
    if (op.cmd == XEN_DOMCTL_createdomain) {
        err = domctl_create(v, &op);
    } else if (op.cmd == XEN_DOMCTL_getdomaininfo) {
        err = get_info(v, &op);
    } else if (op.cmd < DOMCTL_COUNT && o->fn != NULL) {
        answers = o->answers;
        err = on_domain(v, &op, o);
    } else {
        err = ERR_NOSYS;
    }
    if (answers && (err == OK || err == ERR_RESTART)) {
        err_t out = copy_out(GVA(args[0]), &op, sizeof(op));
        err = (out == OK) ? err : out;
    }
    return err;
}
