/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself: creation, growth, where its frames are, end; pages of mapping records.
 * [impl->dsn~grant-table~1] [impl->dsn~grant-frames~1] [impl->dsn~grant-record~1] */
#include "core/grant_table.h"
#include "core/frame.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "lib/bits.h"
#include "lib/string.h"

COLD err_t grant_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack)
{
    err_t err;

    if (max_frames > GRANT_FRAMES_LIMIT || max_maptrack > GRANT_MAPTRACK_LIMIT) {
        return ERR_INVAL;
    }
    if (max_frames == 0u) {
        return OK;
    }
    err = pool_alloc(d, &d->grants_frame);
    if (err != OK) {
        return err;
    }
    d->grants = arch_map_frame(d->grants_frame);
    d->grants->max_frames = max_frames;
    d->grants->max_records = max_maptrack;
    d->grants->free_handle = NO_HANDLE;
    err = LOCKED(&d->physmap_lock, grant_grow(d, 1));
    if (err != OK) {
        (void)grant_free(d);
    }
    return err;
}

/* A frame of the pool that d may map.  Clean, for a guest that has its caches off. */
static err_t take_shared(struct domain *d, mfn_t *mfn) REQUIRES(d->physmap_lock)
{
    err_t err = pool_alloc(d, mfn);

    if (err == OK) {
        frame_assign(*mfn, 1, FRAME_OWNER(d->slot), FRAME_SHARED);
        arch_clean(*mfn, 1);
    }
    return err;
}

static void give_shared(struct domain *d, mfn_t mfn) REQUIRES(d->physmap_lock)
{
    ASSERT(frame_look(mfn).count == 1u); /* ours: no mapping is left */
    frame_assign(mfn, 1, FRAME_OWNER(d->slot), FRAME_POOL);
    pool_free(d, mfn);
}

COLD err_t grant_grow(struct domain *d, uint32_t n)
{
    struct grant_table *t = d->grants;
    err_t err = (n <= t->max_frames) ? OK : ERR_INVAL;

    while (err == OK && t->frames < n) { /* bound: GRANT_FRAMES_LIMIT */
        err = take_shared(d, &t->shared[t->frames]);
        if (err == OK) {
            t->shared_at[t->frames] = GFN_NONE;
            __atomic_store_n(&t->frames, t->frames + 1u, __ATOMIC_RELEASE);
        }
    }
    return err;
}

/* ---- pages of records ---- */

/* Where the frame number of a page is kept; its directory exists. */
static mfn_t *record_page(const struct grant_table *t, uint32_t page)
{
    return (mfn_t *)arch_map_frame(t->records[page / PAGES_A_DIRECTORY]) + page % PAGES_A_DIRECTORY;
}

COLD err_t grant_add_records(struct domain *d)
{
    struct grant_table *t = d->grants;
    uint32_t page = t->record_pages;
    mfn_t *directory = &t->records[page / PAGES_A_DIRECTORY];
    err_t err = (page < t->max_records) ? OK : ERR_NOMEM;
    struct grant_record *r;

    if (err == OK && t->sink.v == 0u) { /* before any mapping: redirecting it to the sink cannot fail then */
        err = take_shared(d, &t->sink);
    }
    if (err == OK && directory->v == 0u) {
        err = pool_alloc(d, directory);
    }
    err = (err == OK) ? pool_alloc(d, record_page(t, page)) : err;
    if (err == OK) {
        r = arch_map_frame(*record_page(t, page));
        for (uint32_t i = 0; i < RECORDS_PER_PAGE; i++) {
            r[i].ref = page * RECORDS_PER_PAGE + i + 1u;
        }
        r[RECORDS_PER_PAGE - 1u].ref = t->free_handle;
        t->free_handle = page * RECORDS_PER_PAGE;
        t->record_pages++;
    }
    return err;
}

COLD bool grant_sink(struct domain *d, mfn_t *out)
{
    struct grant_table *t = d->grants;

    if (t == NULL || (t->sink.v == 0u && take_shared(d, &t->sink) != OK)) {
        return false;
    }
    *out = t->sink;
    return frame_get(t->sink, FRAME_OWNER(d->slot), FRAME_SHARED) == OK;
}

void grant_limits(const struct domain *d, uint32_t *frames, uint32_t *maptrack)
{
    *frames = (d->grants != NULL) ? d->grants->max_frames : 0u;
    *maptrack = (d->grants != NULL) ? d->grants->max_records : 0u;
}

/* ---- the end ---- */

static void give_all(struct domain *d, mfn_t *frames, uint32_t n) REQUIRES(d->physmap_lock)
{
    for (uint32_t i = 0; i < n; i++) {
        if (frames[i].v != 0u) {
            pool_free(d, frames[i]);
        }
    }
}

COLD err_t grant_free(struct domain *d)
{
    struct grant_table *t = d->grants;
    uint32_t n = 0;
    err_t err;

    if (t == NULL) {
        return OK;
    }
    spin_lock(&d->physmap_lock);
    for (; n < GRANT_FREE_STEP && t->record_pages > 0u; n++) {
        t->record_pages--;
        pool_free(d, *record_page(t, t->record_pages));
    }
    for (; n < GRANT_FREE_STEP && t->frames > 0u && frame_look(t->shared[t->frames - 1u]).count == 1u; n++) {
        t->frames--;
        give_shared(d, t->shared[t->frames]);
    }
    err = (t->record_pages + t->frames == 0u) ? OK : (n > 0u) ? ERR_RESTART : ERR_BUSY;
    if (err == OK) {
        if (t->sink.v != 0u) {
            give_shared(d, t->sink);
        }
        give_all(d, t->records, RECORD_DIRECTORIES);
        give_all(d, t->pins, PIN_PAGES); /* at most one for two shared frames */
        give_all(d, &d->grants_frame, 1);
        d->grants = NULL;
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

/* ---- the frames in the guest's address space ---- */

err_t grant_add_to_physmap(struct domain *d, uint64_t idx, gfn_t gfn)
{
    struct stage2_entry e = {.access = ACCESS_RW, .mapping = MAPPING_SHARED};
    struct grant_table *t = d->grants;
    err_t err;

    if (t == NULL || idx >= t->max_frames) {
        return ERR_INVAL;
    }
    idx = index_nospec(idx, GRANT_FRAMES_LIMIT);
    spin_lock(&d->physmap_lock);
    err = (idx < t->frames) ? OK : grant_grow(d, (uint32_t)idx + 1u);
    if (err == OK) {
        e.mfn = t->shared[idx];
        err = physmap_set_shared(d, gfn, &e);
    }
    if (err == OK) {
        t->shared_at[idx] = gfn;
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

/* [impl->dsn~acquire-resource~1] */
COLD err_t grant_hold_frame(struct domain *d, uint64_t idx, mfn_t *out)
{
    const struct grant_table *t;
    err_t err = ERR_INVAL;

    spin_lock(&d->physmap_lock);
    t = d->grants;
    if (t != NULL && idx < t->max_frames && domain_state(d) != DOMAIN_DYING) {
        idx = index_nospec(idx, GRANT_FRAMES_LIMIT);
        if (idx >= t->frames) { /* no more at once: they are scrubbed and cleaned */
            err = grant_grow(d, t->frames + 1u);
            err = (err == OK) ? ERR_RESTART : err;
        } else {
            *out = t->shared[idx];
            err = frame_get(*out, FRAME_OWNER(d->slot), FRAME_SHARED);
        }
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

void grant_get_reserved(const struct domain *d, uint64_t *entries)
{
    if (d->grants != NULL) {
        memcpy(entries, arch_map_frame(d->grants->shared[0]), GNTTAB_NR_RESERVED_ENTRIES * sizeof(*entries));
    }
}

void grant_set_reserved(const struct domain *d, const uint64_t *entries)
{
    if (d->grants != NULL) {
        memcpy(arch_map_frame(d->grants->shared[0]), entries, GNTTAB_NR_RESERVED_ENTRIES * sizeof(*entries));
        arch_clean(d->grants->shared[0], 1);
    }
}

COLD err_t grant_seed(struct domain *d, uint32_t ref, uint32_t to, gfn_t gfn)
{
    uint64_t entries[GNTTAB_NR_RESERVED_ENTRIES];

    if (d->grants == NULL || ref >= GNTTAB_NR_RESERVED_ENTRIES || gfn.v > UINT32_MAX) {
        return ERR_INVAL;
    }
    grant_get_reserved(d, entries);
    entries[ref] = GTF_permit_access | (uint64_t)to << 16 | gfn.v << 32;
    grant_set_reserved(d, entries);
    return OK;
}

uint64_t grant_frame_address(const struct domain *d, uint32_t i)
{
    gfn_t at = d->grants->shared_at[i];
    struct stage2_entry e = {.mapping = MAPPING_NONE};

    if (at.v != GFN_NONE.v) {
        e = physmap_look(d, at);
    }
    return (e.mapping == MAPPING_SHARED && e.mfn.v == d->grants->shared[i].v) ? at.v : UINT64_MAX;
}
