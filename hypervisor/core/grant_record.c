/* SPDX-License-Identifier: Apache-2.0 */
/* The mapper's side: records of what it maps, in pages made on demand; free ones are linked by handle.
 * [impl->dsn~grant-record~1] */
#include "arch/contract/arch.h"
#include "core/frame.h"
#include "core/grant_table.h"
#include "core/pool.h"
#include "lib/bits.h"

static struct grant_record *page_of(const struct grant_table *t, uint32_t page)
{
    const mfn_t *directory = arch_map_frame(t->records[page / PAGES_A_DIRECTORY]);

    return arch_map_frame(directory[page % PAGES_A_DIRECTORY]);
}

struct grant_record *grant_record_at(const struct grant_table *t, uint32_t handle)
{
    uint32_t limit = t->record_pages * RECORDS_PER_PAGE;
    uint32_t h;

    if (handle >= limit) {
        return NULL;
    }
    h = (uint32_t)index_nospec(handle, limit);
    return page_of(t, h / RECORDS_PER_PAGE) + h % RECORDS_PER_PAGE;
}

/* What mappings are redirected to when their granter is gone: never fails then, because it is made before any. */
static err_t make_sink(struct domain *d, struct grant_table *t) REQUIRES(d->physmap_lock)
{
    err_t err = pool_alloc(d, &t->sink);

    if (err == OK) {
        frame_assign(t->sink, 1, FRAME_OWNER(d->slot), FRAME_SHARED);
        arch_clean(t->sink, 1);
    }
    return err;
}

/* One more page of free records.  What a failed attempt has made stays for the next one. */
static NOINLINE err_t add_page(struct domain *d, struct grant_table *t) REQUIRES(d->physmap_lock)
{
    uint32_t page = t->record_pages;
    mfn_t *directory = &t->records[page / PAGES_A_DIRECTORY];
    mfn_t mfn;
    err_t err = (page < t->max_records) ? OK : ERR_NOMEM;

    if (err == OK && t->sink.v == 0u) {
        err = make_sink(d, t);
    }
    if (err == OK && directory->v == 0u) {
        err = pool_alloc(d, directory);
    }
    if (err == OK) {
        err = pool_alloc(d, &mfn);
    }
    if (err != OK) {
        return err;
    }
    ((mfn_t *)arch_map_frame(*directory))[page % PAGES_A_DIRECTORY] = mfn;
    t->record_pages++;
    for (uint32_t i = RECORDS_PER_PAGE; i > 0u; i--) {
        grant_record_give(t, page * RECORDS_PER_PAGE + i - 1u, (struct grant_record *)arch_map_frame(mfn) + i - 1u);
    }
    return OK;
}

err_t grant_record_take(struct domain *d, uint32_t *handle, struct grant_record **record)
{
    struct grant_table *t = d->grants;

    if (UNLIKELY(t->free_handle == NO_HANDLE)) {
        err_t err = add_page(d, t);
        if (err != OK) {
            return err;
        }
    }
    *handle = t->free_handle;
    *record = grant_record_at(t, *handle);
    t->free_handle = (*record)->ref;
    return OK;
}
