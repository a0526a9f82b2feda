/* SPDX-License-Identifier: Apache-2.0 */
/* memory_op: guest-physical address spaces by request of guests and builders.
 * Long requests are restarted: the number of finished frames is kept in the operation's register above
 * EXTENT_SHIFT.
 * [impl->dsn~memory-op~1] */
#include "core/grant.h"
#include "core/hypercall.h"
#include "core/physmap.h"
#include "core/rights.h"
#include "lib/bits.h"

#include <xen/memory.h>

#define EXTENT_SHIFT 6u
#define OP_MASK      ((1u << EXTENT_SHIFT) - 1u)
#define BATCH_ITEMS  16u /* single frames a step in lists */
#define FRAME_ITEMS  4u  /* of grant tables, which may have to grow */

/* ---- reservations: populate_physmap, decrease_reservation ---- */

/* Frames of an extent that are not one large entry. */
#define GET_ORDER  3u
#define GIVE_ORDER 2u

static err_t decrease(struct domain *d, gfn_t gfn, uint32_t order)
{
    err_t err = OK;

    spin_lock(&d->physmap_lock);
    for (uint64_t i = 0; i < (UINT64_C(1) << order) && err == OK; i++) {
        err = (physmap_look(d, GFN(gfn.v + i)).mapping == MAPPING_RAM) ? OK : ERR_INVAL;
    }
    if (err == OK) {
        err = physmap_unmap(d, gfn, order);
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

/* How much of an extent is done at once, sub frames of it being done: all of it if that can be one large entry. */
static uint32_t unit_order(struct domain *d, uint32_t op, gfn_t gfn, uint32_t order, uint64_t sub)
{
    uint32_t unit = (op == XENMEM_populate_physmap) ? GET_ORDER : GIVE_ORDER;
    uint32_t hole = 0;

    if (order <= unit) {
        return order;
    }
    if (op == XENMEM_populate_physmap && order == PHYSMAP_BIG_ORDER && sub == 0u && IS_ALIGNED(gfn.v, PHYSMAP_BATCH)) {
        spin_lock(&d->physmap_lock);
        hole = physmap_look(d, gfn).order;
        spin_unlock(&d->physmap_lock);
    }
    return (hole >= PHYSMAP_BIG_ORDER) ? PHYSMAP_BIG_ORDER : unit;
}

/* A unit; a builder's limit and state stay what they are meanwhile, and so does the launch record. */
static err_t one_unit(struct vcpu *v, struct domain *d, uint32_t op, gfn_t gfn, uint32_t order)
{
    if (op == XENMEM_decrease_reservation) {
        return decrease(d, gfn, order);
    }
    if (d == v->domain) {
        return physmap_populate(d, gfn, order);
    }
    return LOCKED(&d->lock,
                  (d->started || domain_state(d) == DOMAIN_DYING) ? ERR_PERM : physmap_populate(d, gfn, order));
}

/* The frames of extents from done on, up to one step's worth.  ERR_RESTART: more is to be done. */
static err_t extents(struct vcpu *v, struct domain *d, uint32_t op, const struct xen_memory_reservation *r,
                     uint64_t *done)
{
    uint64_t end = r->nr_extents << r->extent_order;
    err_t err = OK;

    for (uint64_t n = 0; err == OK && *done < end; n++) {
        uint64_t sub = *done & ((UINT64_C(1) << r->extent_order) - 1u);
        uint32_t order = 0;
        xen_pfn_t gfn;

        if (n == PHYSMAP_BATCH || (n > 0u && arch_irq_pending())) {
            return ERR_RESTART;
        }
        err = copy_in(&gfn, GVA(r->extent_start.q + (*done >> r->extent_order) * sizeof(gfn)), sizeof(gfn));
        if (err == OK) {
            order = unit_order(d, op, GFN(gfn), r->extent_order, sub);
            err = one_unit(v, d, op, GFN(gfn + sub), order);
        }
        *done += (err == OK) ? UINT64_C(1) << order : 0u;
    }
    return err;
}

static int64_t op_reservation(struct vcpu *v, uint64_t *args, uint32_t op, uint64_t done)
{
    struct xen_memory_reservation r;
    struct domain *d;
    err_t err = copy_in(&r, GVA(args[1]), sizeof(r));

    if (err != OK) {
        return err;
    }
    if (r.extent_order > PHYSMAP_BIG_ORDER) {
        return 0;
    }
    if (r.nr_extents > (UINT64_MAX >> (EXTENT_SHIFT + PHYSMAP_BIG_ORDER + 1u)) || done > r.nr_extents
                                                                                             << r.extent_order) {
        return ERR_INVAL;
    }
    err = rights_get(v, BULKHEAD_RIGHT_BUILD, r.domid, &d);
    if (err != OK) {
        return err;
    }
    err = extents(v, d, op, &r, &done);
    domain_put(d);
    if (err != ERR_RESTART) {
        return (int64_t)(done >> r.extent_order); /* as in Xen it counts extents, it is no error code */
    }
    args[0] = op | (done << EXTENT_SHIFT);
    return ERR_RESTART;
}

/* ---- sizes ---- */

static int64_t op_size(struct vcpu *v, gva_t arg, uint32_t op)
{
    struct xen_memory_domain m;
    struct domain *d;
    uint64_t n;
    err_t err = copy_in(&m.domid, arg, sizeof(m.domid));

    if (err == OK) {
        err = rights_get(v, BULKHEAD_RIGHT_INFO, m.domid, &d);
    }
    if (err != OK) {
        return err;
    }
    switch (op) {
    case XENMEM_current_reservation:
        n = __atomic_load_n(&d->frames, __ATOMIC_RELAXED);
        break;
    case XENMEM_maximum_reservation:
        n = __atomic_load_n(&d->max_frames, __ATOMIC_RELAXED);
        break;
    default:
        n = LOCKED(&d->physmap_lock, d->max_gfn);
        break;
    }
    domain_put(d);
    return (int64_t)n;
}

/* ---- add_to_physmap ---- */

static err_t map_shared_info(struct domain *d, gfn_t gfn)
{
    struct stage2_entry e = {.mfn = d->shared_info, .access = ACCESS_RW, .mapping = MAPPING_SHARED};

    return LOCKED(&d->physmap_lock, physmap_set_shared(d, gfn, &e));
}

/* from's RAM at idx, or frame idx of its grant table. */
static err_t map_foreign(struct domain *d, struct domain *from, bool grants, uint64_t idx, gfn_t gfn)
{
    struct stage2_entry e = {.access = ACCESS_RW, .mapping = MAPPING_FOREIGN};
    err_t err = grants ? grant_hold_frame(from, idx, &e.mfn) : physmap_hold(from, GFN(idx), &e.mfn);

    if (err != OK) {
        return err;
    }
    err = LOCKED(&d->physmap_lock, physmap_set(d, gfn, &e));
    if (err != OK) {
        physmap_release(e.mfn);
    }
    return err;
}

/* from: whose frames are foreign ones; NULL = there are none. */
static err_t add_one(struct domain *d, struct domain *from, uint32_t space, uint64_t idx, gfn_t gfn)
{
    switch (space) {
    case XENMAPSPACE_shared_info:
        return (idx == 0u) ? map_shared_info(d, gfn) : ERR_INVAL;
    case XENMAPSPACE_grant_table:
        return grant_add_to_physmap(d, idx, gfn);
    case XENMAPSPACE_gmfn_foreign:
        return (from != NULL) ? map_foreign(d, from, false, idx, gfn) : ERR_NOSYS;
    default:
        return ERR_NOSYS;
    }
}

static int64_t op_add(struct vcpu *v, gva_t arg)
{
    struct xen_add_to_physmap a;
    struct domain *d;
    err_t err = copy_in(&a, arg, sizeof(a));

    if (err == OK) {
        err = rights_get(v, BULKHEAD_RIGHT_BUILD, a.domid, &d);
    }
    if (err != OK) {
        return err;
    }
    err = add_one(d, NULL, a.space, a.idx, GFN(a.gpfn));
    domain_put(d);
    return err;
}

/* May the caller map from's memory into its own address space?
 * [impl->dsn~foreign-map~1] */
static err_t check_foreign(const struct vcpu *v, const struct domain *from)
{
    err_t err = (from != v->domain) ? rights_check(v, BULKHEAD_RIGHT_MAP_FOREIGN, from->slot) : ERR_INVAL;

    return (err == ERR_PERM) ? rights_check(v, BULKHEAD_RIGHT_BUILD, from->slot) : err;
}

/* The domain whose frames d is to map, if it is the caller's own address space; NULL for the caller's own things. */
static err_t get_foreign(struct vcpu *v, const struct domain *d, const struct xen_add_to_physmap_batch *b,
                         struct domain **from)
{
    err_t err = (d == v->domain) ? OK : ERR_PERM;

    *from = NULL;
    if (b->space != XENMAPSPACE_gmfn_foreign) {
        return OK;
    }
    if (err == OK) {
        err = domain_get(v, b->u.foreign_domid, from);
    }
    if (err == OK) {
        err = check_foreign(v, *from);
    }
    return err;
}

/* Up to BATCH_ITEMS entries of the list from entry done on, each with its own error code.  -EFAULT. */
static err_t batch_step(struct domain *d, struct domain *from, const struct xen_add_to_physmap_batch *b, uint64_t *done)
{
    uint64_t end = (*done + BATCH_ITEMS < b->size) ? *done + BATCH_ITEMS : b->size;
    err_t err = OK;

    for (bool first = true; *done < end && err == OK && (first || !arch_irq_pending()); (*done)++) {
        xen_ulong_t idx;
        xen_pfn_t gfn;
        int one;

        first = false;
        err = copy_in(&idx, GVA(b->idxs.q + *done * sizeof(idx)), sizeof(idx));
        if (err == OK) {
            err = copy_in(&gfn, GVA(b->gpfns.q + *done * sizeof(gfn)), sizeof(gfn));
        }
        if (err == OK) {
            one = add_one(d, from, b->space, idx, GFN(gfn));
            err = copy_out(GVA(b->errs.q + *done * sizeof(one)), &one, sizeof(one));
        }
    }
    return err;
}

static int64_t op_add_batch(struct vcpu *v, uint64_t *args, uint64_t done)
{
    struct xen_add_to_physmap_batch b;
    struct domain *d;
    struct domain *from;
    err_t err = copy_in(&b, GVA(args[1]), sizeof(b));

    if (err == OK) {
        err = (done <= b.size) ? rights_get(v, BULKHEAD_RIGHT_BUILD, b.domid, &d) : ERR_INVAL;
    }
    if (err != OK) {
        return err;
    }
    err = get_foreign(v, d, &b, &from);
    if (err == OK) {
        err = batch_step(d, from, &b, &done);
    }
    if (from != NULL) {
        domain_put(from);
    }
    domain_put(d);
    if (err == OK && done < b.size) {
        args[0] = XENMEM_add_to_physmap_batch | (done << EXTENT_SHIFT);
        return ERR_RESTART;
    }
    return err;
}

/* ---- acquire_resource: frames of another domain's grant table ---- */

/* [impl->dsn~acquire-resource~1] */
static err_t check_resource(const struct vcpu *v, struct domain *from, const struct xen_mem_acquire_resource *r)
{
    err_t err = (from != v->domain) ? check_foreign(v, from) : ERR_PERM;

    if (err == OK && r->type != XENMEM_resource_grant_table) {
        err = ERR_OPNOTSUPP;
    }
    return (err == OK && r->id != XENMEM_resource_grant_table_id_shared) ? ERR_INVAL : err;
}

/* Up to FRAME_ITEMS frames from frame done of those asked for on. */
static err_t acquire_step(struct domain *d, struct domain *from, const struct xen_mem_acquire_resource *r,
                          uint64_t *done)
{
    err_t err = (*done < r->nr_frames) ? OK : ERR_INVAL;

    for (uint32_t i = 0; i < FRAME_ITEMS && *done < r->nr_frames && err == OK; i++) {
        xen_pfn_t gfn;

        err = copy_in(&gfn, GVA(r->frame_list.q + *done * sizeof(gfn)), sizeof(gfn));
        err = (err == OK) ? map_foreign(d, from, true, r->frame + *done, GFN(gfn)) : err;
        *done += (err == OK) ? 1u : 0u;
    }
    return (err == OK && *done < r->nr_frames) ? ERR_RESTART : err;
}

static err_t answer_size(struct domain *from, gva_t arg, struct xen_mem_acquire_resource *r)
{
    uint32_t unused;

    spin_lock(&from->physmap_lock);
    grant_limits(from, &r->nr_frames, &unused);
    spin_unlock(&from->physmap_lock);
    return (r->nr_frames != 0u) ? copy_out(arg, r, sizeof(*r)) : ERR_INVAL;
}

static int64_t op_acquire(struct vcpu *v, uint64_t *args, uint64_t done)
{
    struct xen_mem_acquire_resource r;
    struct domain *from;
    err_t err = copy_in(&r, GVA(args[1]), sizeof(r));

    if (err == OK) {
        err = (r.pad == 0u) ? domain_get_living(v, r.domid, &from) : ERR_INVAL;
    }
    if (err != OK) {
        return err;
    }
    err = check_resource(v, from, &r);
    if (err == OK) {
        err = (r.frame_list.q == 0u && r.nr_frames == 0u) ? answer_size(from, GVA(args[1]), &r)
                                                          : acquire_step(v->domain, from, &r, &done);
    }
    domain_put(from);
    if (err == ERR_RESTART) {
        args[0] = XENMEM_acquire_resource | (done << EXTENT_SHIFT);
    }
    return err;
}

/* ---- remove_from_physmap ---- */

static int64_t op_remove(struct vcpu *v, gva_t arg)
{
    struct xen_remove_from_physmap r;
    struct domain *d;
    err_t err = copy_in(&r, arg, sizeof(r));

    if (err == OK) {
        err = rights_get(v, BULKHEAD_RIGHT_BUILD, r.domid, &d);
    }
    if (err != OK) {
        return err;
    }
    err = LOCKED(&d->physmap_lock, physmap_unmap(d, GFN(r.gpfn), 0));
    domain_put(d);
    return err;
}

int64_t memory_op(struct vcpu *v, uint64_t *args)
{
    uint32_t op = (uint32_t)args[0] & OP_MASK;
    uint64_t done = args[0] >> EXTENT_SHIFT;
    gva_t arg = GVA(args[1]);

    switch (op) {
    case XENMEM_populate_physmap:
    case XENMEM_decrease_reservation:
        return op_reservation(v, args, op, done);
    case XENMEM_increase_reservation:
        return 0; /* frames without an address do not exist here: no extent was allocated */
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return op_size(v, arg, op);
    case XENMEM_add_to_physmap:
        return op_add(v, arg);
    case XENMEM_add_to_physmap_batch:
        return op_add_batch(v, args, done);
    case XENMEM_remove_from_physmap:
        return op_remove(v, arg);
    case XENMEM_acquire_resource:
        return op_acquire(v, args, done);
    default:
        return ERR_NOSYS;
    }
}
