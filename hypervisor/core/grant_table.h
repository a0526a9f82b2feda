/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the grant tables.  For grant*.c only.
 *
 * As granter a domain has shared frames (its guest writes entries there) and, where entries are in use, pages of pins;
 * as mapper it has pages of mapping records.  All come from its own pool, when they are first needed.
 * A pin keeps its granter in existence: the granter is not taken apart further while it has pins. */
#ifndef CORE_GRANT_TABLE_H
#define CORE_GRANT_TABLE_H

#include "arch/contract/stage2.h"
#include "core/grant.h"

#include <xen/xen.h>
#include <xen/grant_table.h>

#define GRANTS_PER_FRAME   512u
#define PINS_PER_PAGE      1024u
#define PIN_PAGES          (GRANT_FRAMES_LIMIT * GRANTS_PER_FRAME / PINS_PER_PAGE)
#define RECORDS_PER_PAGE   256u
#define RECORD_DIRECTORIES 2u
#define PAGES_A_DIRECTORY  512u
#define PIN_LIMIT          128u /* mappings and copies of one grant at a time, for reading and for writing each: as Xen */
#define MARK_TRIES         16u /* changes of a shared entry while its guest changes it too */
#define CLEAR_TRIES        128u

/* Who uses a grant. */
struct grant_pin {
    uint8_t user; /* slot + 1; 0 = nobody */
    uint8_t readers;
    uint8_t writers;
    uint8_t pad;
};
static_assert(sizeof(struct grant_pin) * PINS_PER_PAGE == PAGE_SIZE, "a page of pins");
static_assert(MAX_DOMAINS < 256u, "a slot + 1 fits");

#define RECORD_LIVE  0x1u
#define RECORD_WRITE 0x2u
#define RECORD_SUNK  0x4u /* redirected: the granter is gone, no pin */

/* A mapping; the handle is its number. */
struct grant_record {
    uint64_t where; /* guest frame number << RECORD_TAG_BITS | low bits of the machine frame's number */
    uint32_t ref;   /* of the granter; in a free record: the next free handle */
    uint16_t slot;  /* the granter */
    uint16_t flags; /* RECORD_* */
};
static_assert(sizeof(struct grant_record) * RECORDS_PER_PAGE == PAGE_SIZE, "a page of records");
#define RECORD_TAG_BITS 28u
#define NO_HANDLE       UINT32_MAX

struct grant_table {
    struct spinlock lock; /* rank 3.5: pins, closed, and the flags GTF_reading and GTF_writing of shared entries */
    uint32_t frames;      /* atomic (release under physmap_lock): shared frames */
    uint32_t max_frames;  /* const */
    uint32_t max_records; /* const: pages of records */
    uint32_t pinned;      /* guarded by lock: pins of all entries together */
    uint32_t closed;      /* atomic, set under lock: the domain is being taken apart */

    /* guarded by the domain's physmap_lock */
    uint32_t record_pages;
    uint32_t free_handle; /* first of the free records, NO_HANDLE = none */
    mfn_t sink;           /* what mappings of dead granters are redirected to; made with the first page of records */

    uint32_t reap_slot; /* owned by the CPU that takes the domain apart */
    uint32_t reap_handle;
    uint32_t reap_passed; /* own records given up */

    mfn_t records[RECORD_DIRECTORIES];   /* guarded by physmap_lock: frames of frame numbers of record pages */
    mfn_t shared[GRANT_FRAMES_LIMIT];    /* const once below frames: entries as guest and we see them */
    gfn_t shared_at[GRANT_FRAMES_LIMIT]; /* guarded by physmap_lock: where last mapped */
    mfn_t pins[PIN_PAGES];               /* guarded by lock; 0 = none */
};
static_assert(sizeof(struct grant_table) <= PAGE_SIZE, "one frame");
static_assert(PAGES_A_DIRECTORY * RECORD_DIRECTORIES == GRANT_MAPTRACK_LIMIT, "every page of records has its place");

/* The machine frame a record of e's mapping names, at gfn. */
static inline uint64_t grant_where(gfn_t gfn, mfn_t mfn)
{
    return gfn.v << RECORD_TAG_BITS | (mfn.v & ((UINT64_C(1) << RECORD_TAG_BITS) - 1u));
}

static inline bool grant_is_closed(const struct grant_table *t)
{
    return __atomic_load_n(&t->closed, __ATOMIC_ACQUIRE) != 0u;
}

/* ---- grant_pin.c ---- */

struct grant_use {
    struct domain *owner; /* the granter */
    uint32_t ref;
    bool write;
    bool map; /* for a mapping, not for a copy */
};

/* user's domain begins to use a grant: its entry permits it, is marked, and has one pin more.  *gfn: the granted frame.
 * GNTST_*.  Context: the caller has a reference of the owner.  Bound: MARK_TRIES. */
int16_t grant_pin(const struct grant_use *use, const struct domain *user, gfn_t *gfn);
/* ... and ends it: everything done through it is visible before the granter sees the marks go.  Bound: CLEAR_TRIES. */
void grant_unpin(const struct grant_use *use);
/* pin, and one count of the granted frame, which is RAM of the granter. */
int16_t grant_acquire(const struct grant_use *use, const struct domain *user, mfn_t *mfn);
/* The frame at gfn of d, d's own RAM with that access, with one count taken.  -INVAL. */
err_t grant_hold(struct domain *d, gfn_t gfn, bool write, mfn_t *mfn) EXCLUDES(d->physmap_lock) MUST_CHECK;

/* ---- grant_record.c: mapping records; context of all: d->physmap_lock ---- */

/* The record of a handle; NULL: there is none. */
struct grant_record *grant_record_at(const struct grant_table *t, uint32_t handle);
/* A free record.  -NOMEM limit reached or pool spent. */
err_t grant_record_take(struct domain *d, uint32_t *handle, struct grant_record **record)
    REQUIRES(d->physmap_lock) MUST_CHECK;
/* r, whose handle it is, is free. */
static inline void grant_record_give(struct grant_table *t, uint32_t handle, struct grant_record *r)
{
    r->flags = 0;
    r->ref = t->free_handle;
    t->free_handle = handle;
}

/* ---- sub-operations: n decoded structures, answered in place; the result of the call ---- */

typedef int64_t grant_fn(struct vcpu *v, void *ops, uint32_t n);

grant_fn grant_map, grant_unmap, grant_replace, grant_copy, grant_setup, grant_query, grant_transfer, grant_set_version,
    grant_get_version, grant_status_frames, grant_swap, grant_cache_flush;

#define GRANT_BATCH 16u /* structures a step */

/* Grow d's table to n frames.  -INVAL beyond the limit, -NOMEM; frames made before a failure stay. */
err_t grant_grow(struct domain *d, uint32_t n) REQUIRES(d->physmap_lock) MUST_CHECK;

#endif
