/* SPDX-License-Identifier: Apache-2.0 */
/* domctl: dispatch by one const table, after the checks of version, target and right.
 * [impl->dsn~privilege-table~1] */
#include "core/domctl.h"
#include "core/hypercall.h"
#include "core/label.h"
#include "core/rights.h"
#include "core/runstate.h"
#include "core/sched_ops.h"
#include "lib/string.h"

#include <xen/domctl.h>
#include <xen/vcpu.h>

enum scope {
    OVER_DOMAIN = 0, /* the right over the domain that the structure names */
    OVER_PLATFORM,
    OVER_NEXT, /* over the first domain with that number or a higher one that the caller has the right over */
};

struct operation {
    domctl_fn *fn;
    uint8_t cmd;   /* XEN_DOMCTL_* */
    uint8_t right; /* enum bulkhead_right */
    uint8_t scope; /* enum scope */
    bool answers;  /* the structure is copied back */
};

static err_t do_destroy(struct vcpu *v, struct domain *d, struct xen_domctl *op UNUSED)
{
    if (domain_state(d) != DOMAIN_DYING || __atomic_load_n(&d->restarting, __ATOMIC_RELAXED) == RESTART_ON) {
        err_t err = domain_destroy(d);
        return (err == OK && d != v->domain) ? ERR_RESTART : err;
    }
    /* Our own reference keeps it findable; what is left when that is all is done by the CPU when it is idle. */
    return (d->reap_cpu == this_cpu()->id && domain_reap(d) == ERR_RESTART) ? ERR_RESTART : OK;
}

static err_t do_pause(struct vcpu *v, struct domain *d, struct xen_domctl *op UNUSED)
{
    return (d == v->domain) ? ERR_INVAL : domain_pause(d);
}

static err_t do_unpause(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op UNUSED)
{
    return domain_unpause(d);
}

static err_t do_resume(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op UNUSED)
{
    return domain_resume(d);
}

/* ---- getdomaininfo ---- */

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

/* Nanoseconds that its vCPUs have run. */
static uint64_t cpu_time(const struct domain *d)
{
    uint64_t ns = 0;

    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = domain_vcpu(d, i);
        struct vcpu_runstate_info r = {0};

        if (v != NULL) {
            runstate_read(v, &r);
        }
        ns += r.time[RUNSTATE_running];
    }
    return ns;
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
        .ssidref = label_of(d->slot),
        .flags = info_flags(d),
        .tot_pages = __atomic_load_n(&d->frames, __ATOMIC_RELAXED),
        .max_pages = __atomic_load_n(&d->max_frames, __ATOMIC_RELAXED),
        .shared_info_frame = UINT64_MAX, /* guests place it themselves */
        .cpu_time = cpu_time(d),
        .nr_online_vcpus = count_vcpus(d, is_online),
        .max_vcpu_id = d->max_vcpus - 1u,
        .gpaddr_bits = (uint8_t)(63u - (uint32_t)__builtin_clzll(arch_stage2_gfn_limit()) + PAGE_SHIFT),
        .arch_config = {.gic_version = XEN_DOMCTL_CONFIG_GIC_V3},
    };
    memcpy(out->handle, d->handle, sizeof(out->handle));
}

/* ---- dispatch ---- */

static err_t get_info(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    domctl_fill_info(d, &op->u.getdomaininfo);
    op->domain = d->id;
    return OK;
}

static const struct operation operations[] = {
    {domctl_create, XEN_DOMCTL_createdomain, BULKHEAD_RIGHT_CREATE, OVER_PLATFORM, true},
    {get_info, XEN_DOMCTL_getdomaininfo, BULKHEAD_RIGHT_INFO, OVER_NEXT, true},
    {do_destroy, XEN_DOMCTL_destroydomain, BULKHEAD_RIGHT_DESTROY, OVER_DOMAIN, false},
    {do_pause, XEN_DOMCTL_pausedomain, BULKHEAD_RIGHT_PAUSE, OVER_DOMAIN, false},
    {do_unpause, XEN_DOMCTL_unpausedomain, BULKHEAD_RIGHT_PAUSE, OVER_DOMAIN, false},
    {do_resume, XEN_DOMCTL_resumedomain, BULKHEAD_RIGHT_SUSPEND, OVER_DOMAIN, false},
    {domctl_max_mem, XEN_DOMCTL_max_mem, BULKHEAD_RIGHT_BUILD, OVER_DOMAIN, false},
    {domctl_max_vcpus, XEN_DOMCTL_max_vcpus, BULKHEAD_RIGHT_BUILD, OVER_DOMAIN, false},
    {domctl_set_context, XEN_DOMCTL_setvcpucontext, BULKHEAD_RIGHT_BUILD, OVER_DOMAIN, false},
    {domctl_set_affinity, XEN_DOMCTL_setvcpuaffinity, BULKHEAD_RIGHT_BUILD, OVER_DOMAIN, false},
    {domctl_set_handle, XEN_DOMCTL_setdomainhandle, BULKHEAD_RIGHT_BUILD, OVER_DOMAIN, false},
    {domctl_set_pool, XEN_DOMCTL_set_paging_mempool_size, BULKHEAD_RIGHT_BUILD, OVER_DOMAIN, false},
    {domctl_clean, XEN_DOMCTL_cacheflush, BULKHEAD_RIGHT_BUILD, OVER_DOMAIN, true},
    {domctl_iomem_permission, XEN_DOMCTL_iomem_permission, BULKHEAD_RIGHT_ASSIGN_DEVICE, OVER_DOMAIN, false},
    {domctl_memory_mapping, XEN_DOMCTL_memory_mapping, BULKHEAD_RIGHT_ASSIGN_DEVICE, OVER_DOMAIN, false},
    {domctl_irq_permission, XEN_DOMCTL_irq_permission, BULKHEAD_RIGHT_ASSIGN_DEVICE, OVER_DOMAIN, false},
    {domctl_bind_irq, XEN_DOMCTL_bind_pt_irq, BULKHEAD_RIGHT_ASSIGN_DEVICE, OVER_DOMAIN, false},
    {domctl_bind_irq, XEN_DOMCTL_unbind_pt_irq, BULKHEAD_RIGHT_ASSIGN_DEVICE, OVER_DOMAIN, false},
    {domctl_get_pool, XEN_DOMCTL_get_paging_mempool_size, BULKHEAD_RIGHT_INFO, OVER_DOMAIN, true},
    {domctl_get_context, XEN_DOMCTL_getvcpucontext, BULKHEAD_RIGHT_INFO, OVER_DOMAIN, false},
    {domctl_get_affinity, XEN_DOMCTL_getvcpuaffinity, BULKHEAD_RIGHT_INFO, OVER_DOMAIN, false},
    {sched_domctl, XEN_DOMCTL_scheduler_op, BULKHEAD_RIGHT_SCHEDULE, OVER_DOMAIN, true},
    {domctl_get_vcpu, XEN_DOMCTL_getvcpuinfo, BULKHEAD_RIGHT_INFO, OVER_DOMAIN, true},
};

static err_t run(struct vcpu *v, struct domain *d, struct xen_domctl *op, const struct operation *o)
{
    if (d == NULL || o->right != BULKHEAD_RIGHT_BUILD) {
        return o->fn(v, d, op);
    }
    return LOCKED(&d->lock, (d->started || domain_state(d) == DOMAIN_DYING) ? ERR_PERM : o->fn(v, d, op));
}

struct domain *domctl_next(const struct vcpu *v, enum bulkhead_right right, uint32_t from)
{
    for (uint32_t slot = from; slot < MAX_DOMAINS; slot++) {
        struct domain *d = (rights_check(v, right, slot) == OK) ? domain_get_slot(slot) : NULL;

        if (d != NULL) {
            return d;
        }
    }
    return NULL;
}

/* The domain that the operation is about, a reference taken; NULL = the platform.  -ESRCH, -EPERM. */
static err_t find(const struct vcpu *v, uint32_t domid, const struct operation *o, struct domain **d)
{
    *d = NULL;
    switch (o->scope) {
    case OVER_PLATFORM:
        return rights_check(v, o->right, RIGHTS_PLATFORM);
    case OVER_NEXT:
        *d = domctl_next(v, o->right, (domid == DOMID_BOOT) ? SLOT_BOOT : (domid == 0u) ? 1u : domid);
        return (*d != NULL) ? OK : ERR_SRCH;
    default:
        return rights_over(v, o->right, domid, d);
    }
}

/* NULL: there is none.  Bound: the table's length. */
static const struct operation *operation_of(uint32_t cmd)
{
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (operations[i].cmd == cmd) {
            return &operations[i];
        }
    }
    return NULL;
}

int64_t domctl(struct vcpu *v, uint64_t *args)
{
    const struct operation *o;
    struct domain *d;
    struct xen_domctl op;
    err_t err = rights_any(v) ? copy_in(&op, GVA(args[0]), sizeof(op)) : ERR_PERM;

    if (err != OK) {
        return err;
    }
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return ERR_ACCES;
    }
    o = operation_of(op.cmd);
    if (o == NULL) {
        return ERR_NOSYS;
    }
    err = find(v, op.domain, o, &d);
    if (err != OK) {
        return err;
    }
    err = run(v, d, &op, o);
    if (d != NULL) {
        domain_put(d);
    }
    if (o->answers && (err == OK || err == ERR_RESTART)) {
        err_t out = copy_out(GVA(args[0]), &op, sizeof(op));
        err = (out == OK) ? err : out;
    }
    return err;
}
