/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself: creation, growth, where its frames are, version.
 * [impl->dsn~grant-table~1] [impl->dsn~grant-frames~1] */
#include "core/grant_table.h"
#include "arch/contract/arch.h"
#include "core/frame.h"
#include "core/hypercall.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/rights.h"
#include "lib/bits.h"

/* ---- creation, growth, end ---- */

err_t grant_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack)
{
    mfn_t mfn;
    err_t err;

    if (max_frames > GRANT_FRAMES_LIMIT || max_maptrack > GRANT_MAPTRACK_LIMIT) {
        return ERR_INVAL;
    }
    if (max_frames == 0u) {
        return OK;
    }
    err = pool_alloc(d, &mfn);
    if (err != OK) {
        return err;
    }
    d->grants_frame = mfn;
    d->grants = arch_map_frame(mfn);
    d->grants->max_frames = max_frames;
    d->grants->max_records = max_maptrack;
    d->grants->free_handle = NO_HANDLE;
    spin_lock(&d->physmap_lock);
    err = grant_grow(d, 1);
    spin_unlock(&d->physmap_lock);
    if (err != OK) {
        (void)grant_free(d);
    }
    return err;
}

err_t grant_grow(struct domain *d, uint32_t n)
{
    struct grant_table *t = d->grants;

    if (n > t->max_frames) {
        return ERR_INVAL;
    }
    while (t->frames < n) { /* bound: GRANT_FRAMES_LIMIT */
        mfn_t mfn;
        err_t err = pool_alloc(d, &mfn);

        if (err != OK) {
            return err;
        }
        frame_assign(mfn, 1, FRAME_OWNER(d->slot), FRAME_SHARED);
        arch_clean(mfn, 1); /* for a guest that has its caches off */
        t->shared[t->frames] = mfn;
        t->shared_at[t->frames] = GFN_NONE;
        spin_lock(&t->lock);
        t->frames++;
        spin_unlock(&t->lock);
    }
    return OK;
}

static void give_frame(struct domain *d, mfn_t mfn)
{
    frame_assign(mfn, 1, FRAME_OWNER(d->slot), FRAME_POOL);
    pool_free(d, mfn);
}

static void give_shared(struct domain *d, mfn_t mfn)
{
    ASSERT(frame_look(mfn).count == 1u); /* ours: no mapping is left */
    give_frame(d, mfn);
}

/* Pages of records from the last one on, then their directories. */
static bool free_records(struct domain *d, uint32_t *left)
{
    struct grant_table *t = d->grants;

    for (; t->record_pages > 0u; (*left)--) {
        uint32_t page = t->record_pages - 1u;
        mfn_t *directory = arch_map_frame(t->records[page / PAGES_A_DIRECTORY]);

        if (*left == 0u) {
            return true;
        }
        pool_free(d, directory[page % PAGES_A_DIRECTORY]);
        t->record_pages = page;
    }
    for (uint32_t i = 0; i < RECORD_DIRECTORIES; i++) {
        if (t->records[i].v != 0u) {
            pool_free(d, t->records[i]);
            t->records[i] = MFN(0);
        }
    }
    if (t->sink.v != 0u) {
        give_shared(d, t->sink);
        t->sink = MFN(0);
    }
    return false;
}

bool grant_free(struct domain *d)
{
    struct grant_table *t = d->grants;
    uint32_t left = GRANT_FREE_STEP;
    bool more;

    if (t == NULL) {
        return false;
    }
    spin_lock(&d->physmap_lock);
    more = free_records(d, &left);
    for (; !more && t->frames > 0u; left--) {
        if (left == 0u) {
            more = true;
            break;
        }
        t->frames--;
        give_shared(d, t->shared[t->frames]);
    }
    for (uint32_t i = 0; !more && i < PIN_PAGES; i++) { /* at most one for two shared frames */
        if (t->pins[i].v != 0u) {
            pool_free(d, t->pins[i]);
            t->pins[i] = MFN(0);
        }
    }
    if (!more) {
        d->grants = NULL;
        pool_free(d, d->grants_frame);
    }
    spin_unlock(&d->physmap_lock);
    return more;
}

/* ---- the frames in the guest's address space ---- */

err_t grant_add_to_physmap(struct domain *d, uint64_t idx, gfn_t gfn)
{
    struct stage2_entry e = {.access = ACCESS_RW, .mapping = MAPPING_SHARED, .order = 0};
    struct grant_table *t = d->grants;
    uint16_t owner;
    err_t err;

    if (t == NULL || idx >= t->max_frames) {
        return ERR_INVAL;
    }
    idx = index_nospec(idx, GRANT_FRAMES_LIMIT);
    spin_lock(&d->physmap_lock);
    err = grant_grow(d, (uint32_t)idx + 1u > t->frames ? (uint32_t)idx + 1u : t->frames);
    if (err == OK) {
        e.mfn = t->shared[idx];
        err = frame_get(e.mfn, FRAME_OWNER(d->slot), FRAME_SHARED);
    }
    if (err == OK) {
        err = physmap_set(d, gfn, &e);
        if (err == OK) {
            t->shared_at[idx] = gfn;
        } else {
            ASSERT(!frame_put(e.mfn, &owner)); /* the table keeps one */
        }
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

/* ---- operations ---- */

/* domid's domain, if the caller is it or may build it. */
static int16_t get_target(struct vcpu *v, uint32_t domid, struct domain **out)
{
    if (domain_get_living(v, domid, out) != OK) {
        return GNTST_bad_domain;
    }
    if (*out != v->domain && rights_check(v, BULKHEAD_RIGHT_BUILD, (*out)->slot) != OK) {
        domain_put(*out);
        return GNTST_permission_denied;
    }
    return GNTST_okay;
}

/* Where shared frame i is mapped; all ones = nowhere. */
static xen_pfn_t frame_address(const struct domain *d, uint32_t i) REQUIRES(d->physmap_lock)
{
    const struct grant_table *t = d->grants;
    gfn_t at = t->shared_at[i];
    struct stage2_entry e = {.mapping = MAPPING_NONE};

    if (at.v != GFN_NONE.v) {
        e = physmap_look(d, at);
    }
    return (e.mapping == MAPPING_SHARED && e.mfn.v == t->shared[i].v) ? at.v : UINT64_MAX;
}

static int16_t list_frames(struct domain *d, const struct gnttab_setup_table *op)
{
    for (uint32_t i = 0; i < op->nr_frames; i++) { /* bound: GRANT_FRAMES_LIMIT */
        xen_pfn_t gfn;

        spin_lock(&d->physmap_lock);
        gfn = frame_address(d, i);
        spin_unlock(&d->physmap_lock);
        if (copy_out(GVA(op->frame_list.q + i * sizeof(gfn)), &gfn, sizeof(gfn)) != OK) {
            return GNTST_bad_virt_addr;
        }
    }
    return GNTST_okay;
}

int64_t grant_setup(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_setup_table *op = ops;
    struct domain *d;
    err_t err = ERR_INVAL;

    (void)n;
    op->status = get_target(v, op->dom, &d);
    if (op->status != GNTST_okay) {
        return OK;
    }
    if (d->grants != NULL && op->nr_frames <= d->grants->max_frames) {
        spin_lock(&d->physmap_lock);
        err = grant_grow(d, op->nr_frames);
        spin_unlock(&d->physmap_lock);
    }
    op->status = (err == OK) ? list_frames(d, op) : GNTST_general_error;
    domain_put(d);
    return OK;
}

int64_t grant_query(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_query_size *op = ops;
    struct domain *d;

    (void)n;
    op->status = get_target(v, op->dom, &d);
    if (op->status == GNTST_okay) {
        op->nr_frames = (d->grants != NULL) ? __atomic_load_n(&d->grants->frames, __ATOMIC_RELAXED) : 0u;
        op->max_nr_frames = (d->grants != NULL) ? d->grants->max_frames : 0u;
        domain_put(d);
    }
    return OK;
}

/* Frames of guests with a second address space cannot be given away. */
int64_t grant_transfer(struct vcpu *v, void *ops, uint32_t n)
{
    (void)v;
    (void)ops;
    (void)n;
    return ERR_OPNOTSUPP;
}

int64_t grant_set_version(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_set_version *op = ops;
    err_t err = (op->version == 1u) ? OK : (op->version == 2u) ? ERR_NOSYS : ERR_INVAL;

    (void)v;
    (void)n;
    op->version = 1;
    return err;
}

int64_t grant_get_version(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_get_version *op = ops;
    struct domain *d;
    int16_t status = get_target(v, op->dom, &d);

    (void)n;
    if (status != GNTST_okay) {
        return (status == GNTST_bad_domain) ? ERR_SRCH : ERR_PERM;
    }
    op->version = 1;
    domain_put(d);
    return OK;
}

/* Version 1 has none. */
int64_t grant_status_frames(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_get_status_frames *op = ops;
    struct domain *d;

    (void)n;
    op->status = get_target(v, op->dom, &d);
    if (op->status == GNTST_okay) {
        op->status = (op->nr_frames == 0u) ? GNTST_okay : GNTST_general_error;
        domain_put(d);
    }
    return OK;
}
