/* SPDX-License-Identifier: Apache-2.0 */
/* Map and unmap.  On Arm the host address is a guest-physical one: a mapping is an entry of the caller's stage 2 tables.
 * The entry holds the frame's count, the record holds the pin.
 * [impl->dsn~grant-map~1] [impl->dsn~grant-unmap~1] */
#include "arch/contract/arch.h"
#include "core/frame.h"
#include "core/grant_table.h"
#include "core/hypercall.h"
#include "core/physmap.h"

#define FLAGS_ON_ARM (GNTMAP_host_map | GNTMAP_readonly)

static gfn_t gfn_of(uint64_t host_addr)
{
    return gaddr_to_gfn(GADDR(host_addr));
}

/* ---- map ---- */

static int16_t check_flags(uint32_t flags)
{
    if ((flags & (GNTMAP_host_map | GNTMAP_device_map)) == 0u) {
        return GNTST_bad_gntref;
    }
    return ((flags & ~FLAGS_ON_ARM) == 0u) ? GNTST_okay : GNTST_general_error;
}

/* The frame, with its count and its pin, into d's address space; on success both are the mapping's. */
static int16_t enter(struct domain *d, const struct grant_use *use, gfn_t gfn, mfn_t mfn, uint32_t *handle)
{
    struct stage2_entry e = {
        .mfn = mfn, .access = use->write ? ACCESS_RW : ACCESS_R, .mapping = MAPPING_GRANT, .order = 0};
    struct grant_record *r;
    int16_t status = GNTST_okay;

    spin_lock(&d->physmap_lock);
    if (grant_record_take(d, handle, &r) != OK) {
        status = GNTST_no_space;
    } else if (physmap_set(d, gfn, &e) != OK) {
        grant_record_give(d->grants, *handle, r);
        status = GNTST_general_error;
    } else {
        *r = (struct grant_record){.where = grant_where(gfn, mfn),
                                   .ref = use->ref,
                                   .slot = use->owner->slot,
                                   .flags = RECORD_LIVE | (use->write ? RECORD_WRITE : 0u)};
    }
    spin_unlock(&d->physmap_lock);
    return status;
}

static int16_t map_frame(struct domain *d, const struct grant_use *use, gfn_t gfn, uint32_t *handle)
{
    mfn_t mfn;
    int16_t status = grant_acquire(use, d, &mfn);

    if (status != GNTST_okay) {
        return status;
    }
    status = enter(d, use, gfn, mfn, handle);
    if (UNLIKELY(status != GNTST_okay)) {
        physmap_release(mfn);
        grant_unpin(use);
    } else if (UNLIKELY(grant_is_closed(use->owner->grants))) {
        domain_reap_nudge(use->owner); /* it may have looked for this mapping too early */
    }
    return status;
}

static void map_one(struct vcpu *v, struct gnttab_map_grant_ref *op)
{
    struct grant_use use = {.ref = op->ref, .write = (op->flags & GNTMAP_readonly) == 0u, .map = true};

    op->status = check_flags(op->flags);
    if (op->status != GNTST_okay) {
        return;
    }
    if (op->dom == DOMID_SELF || domain_get_living(v, op->dom, &use.owner) != OK) {
        op->status = GNTST_bad_domain;
        return;
    }
    op->status =
        (v->domain->grants != NULL) ? map_frame(v->domain, &use, gfn_of(op->host_addr), &op->handle) : GNTST_no_space;
    if (op->status == GNTST_okay) {
        op->dev_bus_addr = op->host_addr & ~PAGE_MASK; /* a device behind the domain's own translation sees it there */
    }
    domain_put(use.owner);
}

int64_t grant_map(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_map_grant_ref *op = ops;

    for (uint32_t i = 0; i < n; i++) { /* bound: GRANT_BATCH */
        map_one(v, &op[i]);
    }
    return OK;
}

/* ---- unmap ---- */

/* What is left to do for a mapping that is no longer in the tables, once no TLB knows it. */
struct leaving {
    gfn_t gfn;
    struct stage2_entry old;
    struct grant_use use; /* owner NULL: no pin */
};

struct leavings {
    uint32_t count;
    struct leaving of[GRANT_BATCH];
};

/* The record's mapping leaves the tables; the record is free. */
static void leave(struct domain *d, uint32_t handle, struct grant_record *r, struct leaving *out)
    REQUIRES(d->physmap_lock)
{
    gfn_t gfn = GFN(r->where >> RECORD_TAG_BITS);
    struct stage2_entry now = physmap_look(d, gfn);

    *out = (struct leaving){.gfn = gfn};
    if (now.mapping == MAPPING_GRANT && grant_where(gfn, now.mfn) == r->where) {
        out->old = now;
        arch_stage2_clear(d, gfn);
    } /* else the guest has put something else there: its mapping has gone already */
    if ((r->flags & RECORD_SUNK) == 0u) {
        out->use = (struct grant_use){
            .owner = domain_at(r->slot), .ref = r->ref, .write = (r->flags & RECORD_WRITE) != 0u, .map = true};
    }
    grant_record_give(d->grants, handle, r);
}

/* host_addr 0: the field is ignored, and so nothing is unmapped. */
static int16_t unmap_one(struct domain *d, uint64_t host_addr, uint32_t handle, struct leavings *l)
    REQUIRES(d->physmap_lock)
{
    struct grant_record *r = grant_record_at(d->grants, handle);

    if (r == NULL || (r->flags & RECORD_LIVE) == 0u) {
        return GNTST_bad_handle;
    }
    if (host_addr == 0u) {
        return GNTST_okay;
    }
    if (gfn_of(host_addr).v != r->where >> RECORD_TAG_BITS) {
        return GNTST_general_error;
    }
    leave(d, handle, r, &l->of[l->count]);
    l->count++;
    return GNTST_okay;
}

/* No TLB knows the mappings any more: counts and pins go. */
static void finish(const struct leavings *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        physmap_drop(&l->of[i].old);
        if (l->of[i].use.owner != NULL) {
            grant_unpin(&l->of[i].use);
        }
    }
}

static void flush(struct domain *d, const struct leavings *l) REQUIRES(d->physmap_lock)
{
    gfn_t gfns[GRANT_BATCH];
    uint32_t n = 0;

    for (uint32_t i = 0; i < l->count; i++) {
        if (l->of[i].old.mapping != MAPPING_NONE) {
            gfns[n] = l->of[i].gfn;
            n++;
        }
    }
    if (n > 0u) {
        arch_stage2_flush(d, gfns, n);
    }
}

int64_t grant_unmap(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_unmap_grant_ref *op = ops;
    struct domain *d = v->domain;
    struct leavings l;

    l.count = 0; /* the rest is written before it is read */
    spin_lock(&d->physmap_lock);
    for (uint32_t i = 0; i < n; i++) {
        op[i].status = (d->grants != NULL) ? unmap_one(d, op[i].host_addr, op[i].handle, &l) : GNTST_bad_handle;
    }
    if (l.count > 0u) {
        flush(d, &l);
    }
    spin_unlock(&d->physmap_lock);
    finish(&l);
    return OK;
}

/* On Arm the entry cannot be replaced by another one of the guest's tables. */
int64_t grant_replace(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_unmap_and_replace *op = ops;

    for (uint32_t i = 0; i < n; i++) {
        struct gnttab_unmap_grant_ref unmap = {.host_addr = op[i].host_addr, .handle = op[i].handle};

        if (op[i].new_addr == 0u) {
            (void)grant_unmap(v, &unmap, 1);
        } else {
            unmap.host_addr = 0;
            (void)grant_unmap(v, &unmap, 1); /* whether the handle is one */
            unmap.status = (unmap.status == GNTST_okay) ? GNTST_general_error : unmap.status;
        }
        op[i].status = unmap.status;
    }
    return OK;
}
