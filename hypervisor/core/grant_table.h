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
    uint8_t user;    /* slot + 1; 0 = nobody */
    uint8_t uses[2]; /* for reading, for writing too */
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

#define GRANT_BATCH 16u /* structures a step */
#define GRANT_UNMAP 8u  /* of them mappings that are undone, or of a dead granter redirected */

struct grant_table {
    struct spinlock lock; /* rank 3.5: pins, closed, and the flags GTF_reading and GTF_writing of shared entries */
    uint32_t frames;      /* atomic (release), written under physmap_lock: shared frames */
    uint32_t max_frames;  /* const */
    uint32_t max_records; /* const: pages of records */
    uint32_t pinned;      /* guarded by lock: pins of all entries together */
    uint32_t closed;      /* atomic, set under lock: the domain is being taken apart */

    /* guarded by the domain's physmap_lock */
    uint32_t record_pages;
    uint32_t free_handle; /* first of the free records, NO_HANDLE = none */
    mfn_t sink;           /* what mappings of dead granters are redirected to; made with the first page of records */

    uint32_t
        reap_turn; /* owned by the CPU that takes the domain apart: 0 = its own mappings, n = those of slot n - 1 */
    uint32_t reap_handle;

    mfn_t records[RECORD_DIRECTORIES];   /* guarded by physmap_lock: frames of frame numbers of record pages */
    mfn_t shared[GRANT_FRAMES_LIMIT];    /* const once below frames: entries as guest and we see them */
    gfn_t shared_at[GRANT_FRAMES_LIMIT]; /* guarded by physmap_lock: where last mapped */
    mfn_t pins[PIN_PAGES];               /* written under both locks; 0 = none */
};
static_assert(sizeof(struct grant_table) <= PAGE_SIZE, "one frame");
static_assert(PAGES_A_DIRECTORY * RECORD_DIRECTORIES == GRANT_MAPTRACK_LIMIT, "every page of records has its place");

static inline bool grant_is_closed(const struct grant_table *t)
{
    return __atomic_load_n(&t->closed, __ATOMIC_ACQUIRE) != 0u;
}

static inline uint32_t grant_count(const struct grant_table *t)
{
    return __atomic_load_n(&t->frames, __ATOMIC_ACQUIRE) * GRANTS_PER_FRAME;
}

/* What the record of a mapping of mfn at gfn says. */
static inline uint64_t grant_where(gfn_t gfn, mfn_t mfn)
{
    return gfn.v << RECORD_TAG_BITS | (mfn.v & ((UINT64_C(1) << RECORD_TAG_BITS) - 1u));
}
static inline gfn_t grant_gfn(const struct grant_record *r)
{
    return GFN(r->where >> RECORD_TAG_BITS);
}
/* It has a pin. */
static inline bool grant_has_pin(const struct grant_record *r)
{
    return (r->flags & (RECORD_LIVE | RECORD_SUNK)) == RECORD_LIVE;
}

/* ---- grant_pin.c ---- */

struct grant_use {
    struct domain *owner; /* the granter */
    uint32_t ref;
    bool write;
    bool map; /* for a mapping, not for a copy */
};

/* user begins to use a grant: its entry permits it, is marked, and has one pin more; the granted frame, which is RAM of
 * the granter, has one count more.  GNTST_*.  Context: the caller has a reference of the owner.  Bound: MARK_TRIES. */
int16_t grant_acquire(const struct grant_use *use, struct domain *user, mfn_t *mfn);
/* The same for a grant of domid; use->owner is found. */
int16_t grant_acquire_from(const struct vcpu *v, uint32_t domid, struct grant_use *use, mfn_t *mfn);
/* ... and ends it: everything done through it is visible before the granter sees the marks go.  The owner may be gone
 * afterwards.  Bound: CLEAR_TRIES. */
void grant_unpin(const struct grant_use *use);

/* ---- grant_map.c ---- */

/* What is left to do for mappings that are in no table any more, once no TLB knows them. */
struct grant_leavings {
    uint32_t count;
    struct {
        mfn_t mfn; /* has a count to put; MFN_NONE: nothing */
        struct grant_use use;
    } of[GRANT_BATCH];
};
/* Note r's pin. */
void grant_leave(struct grant_leavings *l, const struct grant_record *r, mfn_t mfn);
/* Counts and pins go. */
void grant_finish(const struct grant_leavings *l);

/* The record of a handle; NULL: there is none. */
struct grant_record *grant_record_at(const struct grant_table *t, uint32_t handle);

/* ---- sub-operations on one decoded structure, answered in place; the result of the call ---- */

typedef int64_t grant_fn(struct vcpu *v, void *op);

grant_fn grant_map, grant_replace, grant_copy, grant_swap, grant_cache_flush;
/* n structures with one flush. */
void grant_unmap(struct domain *d, void *ops, uint32_t n);

/* Grow d's table to n frames.  -INVAL beyond the limit, -NOMEM; frames made before a failure stay. */
err_t grant_grow(struct domain *d, uint32_t n) REQUIRES(d->physmap_lock) MUST_CHECK;
/* Where shared frame i of d is mapped; all ones = nowhere. */
uint64_t grant_frame_address(const struct domain *d, uint32_t i) REQUIRES(d->physmap_lock);
/* One more page of free records.  -NOMEM limit reached or pool spent.  What a failed attempt has made stays for the next. */
err_t grant_add_records(struct domain *d) REQUIRES(d->physmap_lock) MUST_CHECK;

#endif
