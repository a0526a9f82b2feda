/* SPDX-License-Identifier: Apache-2.0 */
/* domctl operations that build a domain, and those that read how it was built.
 * [impl->dsn~domctl-build~1] */
#include "core/domctl.h"
#include "core/frame.h"
#include "core/grant.h"
#include "core/label.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/runstate.h"
#include "core/seal.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/domctl.h>
#include <xen/vcpu.h>

#define NR_SPIS_MAX 988u
#define POOL_STEP   128u /* frames */

/* ---- createdomain ---- */

/* Negative: the hypervisor's default. */
static uint32_t frames_or(int32_t wanted, uint32_t usual)
{
    return (wanted < 0) ? usual : (uint32_t)wanted;
}

static err_t decode_create(const struct xen_domctl *op, struct domain_config *config)
{
    const struct xen_domctl_createdomain *c = &op->u.createdomain;

    if ((c->flags & ~XEN_DOMCTL_CDF_vpmu) != (XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap) || c->iommu_opts != 0u ||
        c->vmtrace_size != 0u || c->cpupool_id != 0u || c->arch.tee_type != XEN_DOMCTL_CONFIG_TEE_NONE ||
        c->arch.nr_spis > NR_SPIS_MAX || c->max_grant_frames > (int32_t)GRANT_FRAMES_LIMIT ||
        c->max_maptrack_frames > (int32_t)GRANT_MAPTRACK_LIMIT || XEN_DOMCTL_GRANT_version(c->grant_opts) > 1u ||
        (c->arch.gic_version != XEN_DOMCTL_CONFIG_GIC_NATIVE && c->arch.gic_version != XEN_DOMCTL_CONFIG_GIC_V3)) {
        return ERR_INVAL;
    }
    *config =
        (struct domain_config){.max_vcpus = c->max_vcpus, .label = c->ssidref, .arch = {.nr_spis = c->arch.nr_spis}};
    config->max_grant_frames = frames_or(c->max_grant_frames, GRANT_FRAMES_DEFAULT);
    config->max_maptrack_frames = frames_or(c->max_maptrack_frames, GRANT_MAPTRACK_DEFAULT);
    config->max_evtchn_port = c->max_evtchn_port;
    config->domid = (op->domain >= DOMID_FIRST_RESERVED) ? 0u : op->domain;
    memcpy(config->handle, c->handle, sizeof(config->handle));
    return OK;
}

err_t domctl_create(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    struct domain_config config;
    err_t err = decode_create(op, &config);

    err = (err == OK) ? label_check_new(v->domain->slot, config.label) : err;
    if (err == OK) {
        err = domain_create(v->domain->slot, &config, &d);
    }
    if (err == OK) {
        op->domain = d->id;
        op->u.createdomain.arch.gic_version = XEN_DOMCTL_CONFIG_GIC_V3;
        op->u.createdomain.arch.clock_frequency = 0;
        domain_put(d);
    }
    return err;
}

/* ---- limits ---- */

err_t domctl_max_mem(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    __atomic_store_n(&d->max_frames, op->u.max_mem.max_memkb / (PAGE_SIZE / 1024u), __ATOMIC_RELAXED);
    return OK;
}

err_t domctl_max_vcpus(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    return (op->u.max_vcpus.max == d->max_vcpus) ? domain_add_vcpus(d) : ERR_INVAL;
}

/* Grows or shrinks by one step; the size asked for does not change between restarts. */
err_t domctl_set_pool(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    uint64_t wanted = op->u.paging_mempool.size >> PAGE_SHIFT;
    uint64_t step;
    err_t err = OK;

    if (!IS_ALIGNED(op->u.paging_mempool.size, PAGE_SIZE)) {
        return ERR_INVAL;
    }
    spin_lock(&d->physmap_lock);
    if (wanted > d->pool_total) {
        step = wanted - d->pool_total;
        err = pool_grow(d, (step < POOL_STEP) ? step : POOL_STEP);
    } else if (wanted < d->pool_total) {
        step = d->pool_total - wanted;
        err = (pool_shrink(d, (step < PHYSMAP_PIECE) ? step : PHYSMAP_PIECE) > 0u) ? OK : ERR_BUSY;
    }
    if (err == OK && d->pool_total != wanted) {
        err = ERR_RESTART;
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

err_t domctl_get_pool(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    op->u.paging_mempool.size = LOCKED(&d->physmap_lock, d->pool_total << PAGE_SHIFT);
    return OK;
}

/* ---- vCPUs ---- */

static struct vcpu *find_vcpu(struct domain *d, uint32_t id)
{
    return (id < d->max_vcpus) ? domain_vcpu(d, (uint32_t)index_nospec(id, d->max_vcpus)) : NULL;
}

err_t domctl_set_context(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    struct vcpu *target = find_vcpu(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context c;
    err_t err;

    if (target == NULL) {
        return ERR_SRCH;
    }
    err = copy_in(&c, GVA(op->u.vcpucontext.ctxt.q), sizeof(c));
    err = (err == OK) ? arch_vcpu_set_context(target, &c) : err;
    if (err == OK) {
        bool on = (c.flags & VGCF_online) != 0u;
        target->state = on ? VCPU_RUNNABLE : VCPU_DOWN;
        __atomic_store_n(&target->power, on ? VCPU_POWER_ON : VCPU_POWER_OFF, __ATOMIC_RELEASE);
    }
    return err;
}

err_t domctl_get_context(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    struct vcpu *target = find_vcpu(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context c;

    if (target == NULL) {
        return ERR_SRCH;
    }
    if (domain_may_run(d)) {
        return ERR_BUSY; /* pause it first */
    }
    if (__atomic_load_n(&target->running, __ATOMIC_ACQUIRE)) {
        return ERR_RESTART; /* it is on its way out of the registers */
    }
    arch_vcpu_get_context(target, &c);
    return copy_out(GVA(op->u.vcpucontext.ctxt.q), &c, sizeof(c));
}

/* Bitmaps of the ABI are bytes; bits behind those of the board's CPUs are ignored. */
static err_t get_mask(const struct xenctl_bitmap *from, uint64_t *mask)
{
    uint32_t bytes = from->nr_bits / 8u + ((from->nr_bits % 8u != 0u) ? 1u : 0u);
    uint32_t room = sizeof(((struct vcpu *)NULL)->affinity);
    err_t err;

    memset(mask, 0, room);
    err = copy_in(mask, GVA(from->bitmap.q), (bytes < room) ? bytes : room);
    if (from->nr_bits < room * 8u) {
        mask[from->nr_bits / 64u] &= (UINT64_C(1) << (from->nr_bits % 64u)) - 1u;
    }
    return err;
}

static err_t put_mask(const struct xenctl_bitmap *to, const uint64_t *mask)
{
    uint32_t bytes = to->nr_bits / 8u + ((to->nr_bits % 8u != 0u) ? 1u : 0u);
    uint32_t room = sizeof(((struct vcpu *)NULL)->affinity);

    return copy_out(GVA(to->bitmap.q), mask, (bytes < room) ? bytes : room);
}

err_t domctl_set_affinity(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    struct vcpu *target = find_vcpu(d, a->vcpu);
    uint64_t mask[ARRAY_SIZE(target->affinity)];
    uint32_t home;
    err_t err;

    if (target == NULL) {
        return ERR_SRCH;
    }
    if (target->rt.wanted != 0u) {
        return ERR_BUSY; /* its CPU has promised it time */
    }
    if ((a->flags & XEN_VCPUAFFINITY_HARD) == 0u) {
        return OK; /* soft affinity has no effect here */
    }
    err = get_mask(&a->cpumap_hard, mask);
    if (err != OK) {
        return err;
    }
    for (uint32_t c = 0; c < sizeof(mask) * 8u; c++) {
        if (c >= cpu_count() || !cpu_is_usable(c) || seal_keeps_cpu(c)) {
            mask[c / 64u] &= ~(UINT64_C(1) << (c % 64u));
        }
    }
    if (!vcpu_home_of(mask, target->id, &home)) {
        return ERR_INVAL;
    }
    target->home = home;
    memcpy(target->affinity, mask, sizeof(mask));
    return put_mask(&a->cpumap_hard, mask);
}

err_t domctl_get_affinity(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    const struct vcpu *target = find_vcpu(d, a->vcpu);
    err_t err = OK;

    if (target == NULL) {
        return ERR_SRCH;
    }
    if ((a->flags & XEN_VCPUAFFINITY_HARD) != 0u) {
        err = put_mask(&a->cpumap_hard, target->affinity);
    }
    if (err == OK && (a->flags & XEN_VCPUAFFINITY_SOFT) != 0u) {
        err = put_mask(&a->cpumap_soft, target->affinity);
    }
    return err;
}

err_t domctl_get_vcpu(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *i = &op->u.getvcpuinfo;
    const struct vcpu *target = find_vcpu(d, i->vcpu);
    struct vcpu_runstate_info r;

    if (target == NULL) {
        return ERR_SRCH;
    }
    runstate_read(target, &r);
    *i = (struct xen_domctl_getvcpuinfo){
        .vcpu = target->id,
        .online = __atomic_load_n(&target->power, __ATOMIC_RELAXED) == VCPU_POWER_ON,
        .blocked = __atomic_load_n(&target->state, __ATOMIC_RELAXED) == VCPU_BLOCKED,
        .running = __atomic_load_n(&target->running, __ATOMIC_RELAXED),
        .cpu_time = r.time[RUNSTATE_running],
        .cpu = target->home,
    };
    return OK;
}

/* ---- the rest ---- */

err_t domctl_set_handle(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return OK;
}

/* Clean what a builder wrote through its own mapping; what is left is in the structure. */
err_t domctl_clean(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cacheflush *c = &op->u.cacheflush;
    uint64_t at = c->start_pfn;
    uint64_t end = at + c->nr_pfns;

    if (!range_ok(at, c->nr_pfns, arch_stage2_gfn_limit())) {
        return ERR_INVAL;
    }
    spin_lock(&d->physmap_lock);
    for (uint32_t i = 0; i < PHYSMAP_BATCH && at < end && (i == 0u || !arch_irq_pending()); i++) {
        struct stage2_entry e = physmap_look(d, GFN(at));
        uint64_t span = 1;

        if (e.mapping == MAPPING_RAM) {
            arch_clean(e.mfn, 1);
        } else { /* past the hole */
            span = UINT64_C(1) << e.order;
        }
        at = ALIGN_DOWN(at, span) + span;
    }
    spin_unlock(&d->physmap_lock);
    at = (at < end) ? at : end;
    c->start_pfn = at;
    c->nr_pfns = end - at;
    return (c->nr_pfns != 0u) ? ERR_RESTART : OK;
}
