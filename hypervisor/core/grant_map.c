/* SPDX-License-Identifier: Apache-2.0 */
/* Map and unmap.  On Arm the host address is a guest-physical one: a mapping is an entry of the caller's stage 2 tables.
 * The entry holds the frame's count, the record holds the pin.
 * [impl->dsn~grant-map~1] [impl->dsn~grant-unmap~1] */
#include "core/grant_table.h"
#include "core/physmap.h"
#include "lib/bits.h"

#define FLAGS_ON_ARM (GNTMAP_host_map | GNTMAP_readonly)

static gfn_t gfn_of(uint64_t host_addr)
{
    return gaddr_to_gfn(GADDR(host_addr));
}

struct grant_record *grant_record_at(const struct grant_table *t, uint32_t handle)
{
    uint32_t limit = t->record_pages * RECORDS_PER_PAGE;
    const mfn_t *directory;
    uint32_t page;

    if (handle >= limit) {
        return NULL;
    }
    handle = (uint32_t)index_nospec(handle, limit);
    page = handle / RECORDS_PER_PAGE;
    directory = arch_map_frame(t->records[page / PAGES_A_DIRECTORY]);
    return (struct grant_record *)arch_map_frame(directory[page % PAGES_A_DIRECTORY]) + handle % RECORDS_PER_PAGE;
}

/* ---- map ---- */

/* The frame, with its count and its pin, into d's address space; on success both are the mapping's. */
static int16_t enter(struct domain *d, const struct grant_use *use, gfn_t gfn, const struct stage2_entry *e,
                     uint32_t *handle) REQUIRES(d->physmap_lock)
{
    struct grant_table *t = d->grants;
    struct grant_record *r;

    if (UNLIKELY(t->free_handle == NO_HANDLE) && grant_add_records(d) != OK) {
        return GNTST_no_space;
    }
    if (physmap_set(d, gfn, e) != OK) {
        return GNTST_general_error;
    }
    *handle = t->free_handle;
    r = grant_record_at(t, *handle);
    t->free_handle = r->ref;
    *r = (struct grant_record){.where = grant_where(gfn, e->mfn),
                               .ref = use->ref,
                               .slot = use->owner->slot,
                               .flags = RECORD_LIVE | (use->write ? RECORD_WRITE : 0u)};
    if (UNLIKELY(grant_is_closed(use->owner->grants))) {
        domain_reap_nudge(use->owner); /* it may have looked for this mapping too early */
    }
    return GNTST_okay;
}

static int16_t map_frame(const struct vcpu *v, struct gnttab_map_grant_ref *op)
{
    struct grant_use use = {.ref = op->ref, .write = (op->flags & GNTMAP_readonly) == 0u, .map = true};
    struct stage2_entry e = {.access = use.write ? ACCESS_RW : ACCESS_R, .mapping = MAPPING_GRANT};
    struct domain *d = v->domain;
    int16_t status = grant_acquire_from(v, op->dom, &use, &e.mfn);

    if (status == GNTST_okay) {
        status = LOCKED(&d->physmap_lock, enter(d, &use, gfn_of(op->host_addr), &e, &op->handle));
        if (UNLIKELY(status != GNTST_okay)) {
            physmap_release(e.mfn);
            grant_unpin(&use);
        }
    }
    return status;
}

int64_t grant_map(struct vcpu *v, void *structure)
{
    struct gnttab_map_grant_ref *op = structure;

    if ((op->flags & (GNTMAP_host_map | GNTMAP_device_map)) == 0u) {
        op->status = GNTST_bad_gntref;
    } else if ((op->flags & ~FLAGS_ON_ARM) != 0u) {
        op->status = GNTST_general_error;
    } else if (op->dom == DOMID_SELF) {
        op->status = GNTST_bad_domain;
    } else {
        op->status = (v->domain->grants != NULL) ? map_frame(v, op) : GNTST_no_space;
    }
    if (op->status == GNTST_okay) {
        op->dev_bus_addr = op->host_addr & ~PAGE_MASK; /* a device behind the domain's own translation sees it there */
    }
    return OK;
}

/* ---- unmap ---- */

void grant_leave(struct grant_leavings *l, const struct grant_record *r, mfn_t mfn)
{
    l->of[l->count].mfn = mfn;
    l->of[l->count].use = (struct grant_use){
        .owner = grant_has_pin(r) ? domain_at(r->slot) : NULL, .ref = r->ref, .write = (r->flags & RECORD_WRITE) != 0u};
    l->count++;
}

void grant_finish(const struct grant_leavings *l)
{
    for (uint32_t i = 0; i < l->count; i++) { /* bound: GRANT_BATCH */
        if (l->of[i].mfn.v != MFN_NONE.v) {
            physmap_release(l->of[i].mfn);
        }
        if (l->of[i].use.owner != NULL) {
            grant_unpin(&l->of[i].use);
        }
    }
}

/* The record of a mapping; its handle is free afterwards.  true: the mapping has left the tables, TLBs may know it.
 * false: the guest has put something else there, so it has gone already. */
static bool leave(struct domain *d, uint32_t handle, struct grant_record *r, struct grant_leavings *l)
    REQUIRES(d->physmap_lock)
{
    struct stage2_entry now = physmap_look(d, grant_gfn(r));
    bool there = now.mapping == MAPPING_GRANT && grant_where(grant_gfn(r), now.mfn) == r->where;

    if (there) {
        arch_stage2_clear(d, grant_gfn(r));
    }
    grant_leave(l, r, there ? now.mfn : MFN_NONE);
    *r = (struct grant_record){.ref = d->grants->free_handle};
    d->grants->free_handle = handle;
    return there;
}

void grant_unmap(struct domain *d, void *ops, uint32_t n)
{
    struct gnttab_unmap_grant_ref *op = ops;
    struct grant_leavings l;
    gfn_t gone[GRANT_BATCH];
    uint32_t gone_count = 0;

    l.count = 0; /* the rest is written before it is read */
    spin_lock(&d->physmap_lock);
    for (uint32_t i = 0; i < n; i++) { /* bound: GRANT_BATCH */
        struct grant_record *r = (d->grants != NULL) ? grant_record_at(d->grants, op[i].handle) : NULL;

        op[i].status = GNTST_okay;
        if (r == NULL || (r->flags & RECORD_LIVE) == 0u) {
            op[i].status = GNTST_bad_handle;
        } else if (op[i].host_addr == 0u) { /* the field is ignored, and so nothing is unmapped */
        } else if (gfn_of(op[i].host_addr).v != grant_gfn(r).v) {
            op[i].status = GNTST_general_error;
        } else if (leave(d, op[i].handle, r, &l)) {
            gone[gone_count] = gfn_of(op[i].host_addr);
            gone_count++;
        }
    }
    if (gone_count > 0u) {
        arch_stage2_flush(d, gone, gone_count);
    }
    spin_unlock(&d->physmap_lock);
    grant_finish(&l);
}

/* On Arm the entry cannot be replaced by another one of the guest's tables: with a new address the handle is checked. */
int64_t grant_replace(struct vcpu *v, void *structure)
{
    struct gnttab_unmap_and_replace *op = structure;
    struct gnttab_unmap_grant_ref unmap = {.host_addr = (op->new_addr == 0u) ? op->host_addr : 0u,
                                           .handle = op->handle};

    grant_unmap(v->domain, &unmap, 1);
    op->status = (unmap.status == GNTST_okay && op->new_addr != 0u) ? GNTST_general_error : unmap.status;
    return OK;
}
