/* SPDX-License-Identifier: Apache-2.0 */
/* The frame table: every RAM frame has one owner, a type and a use count.  8 bytes a frame, zero = nobody's, so that a
 * zeroed table is a valid one.  Entries change by compare-and-swap; free lists are guarded by the frame lock.
 * [impl->dsn~frame-table~1] */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "bulkhead/board.h"
#include "lib/types.h"

#define FRAME_MAX_ORDER 18u /* largest free block: 1 GiB */
#define FRAME_REGIONS   64u /* claimed or reserved ranges that are not neighbours */
#define FRAME_BATCH     512u

enum frame_type {
    FRAME_NONE = 0,   /* never claimed, or the hypervisor's own */
    FRAME_FREE = 1,   /* first frame of a free block; the others of the block are zero */
    FRAME_RAM = 2,    /* a domain's RAM: count = mappings and short-lived holds */
    FRAME_POOL = 3,   /* the hypervisor's, paid by the owner: tables, vCPUs; never mapped to a guest */
    FRAME_SHARED = 4, /* the hypervisor's, paid by the owner, may be mapped by it: shared info */
};

#define FRAME_KEPT 0x80u /* order of an owned frame: a launch record has it */

/* owner: slot + 1; 0 = nobody */
#define FRAME_OWNER(slot) ((uint16_t)((slot) + 1u))
#define FRAME_NOBODY      ((uint16_t)0)
#define FRAME_COMMON      ((uint16_t)UINT16_MAX) /* static shared memory: one count is its own, for good */

struct frame {
    uint16_t owner;
    uint8_t type;  /* enum frame_type */
    uint8_t order; /* of a free block; FRAME_KEPT */
    uint32_t count;
};
static_assert(sizeof(struct frame) == 8, "one compare-and-swap; the image's runtime size counts 8 bytes a frame");

/* Bytes of the table for this board, a multiple of PAGE_SIZE. */
uint64_t frame_table_size(const struct board_table *board);
/* table: zeroed, frame_table_size() bytes.  Once, by the boot CPU.  No loop over frames. */
void frame_init(const struct board_table *board, void *table);

/* The range is in use by the hypervisor: no claim may include it.  -EINVAL, -EEXIST overlap, -ENOSPC too many ranges. */
err_t frame_reserve(mfn_t mfn, uint64_t count);
/* The Boot Domain's exit: what it saw outside is nobody's again. */
void frame_drop_outside(void);
/* [impl->dsn~frame-claim~1]
 * Nobody's RAM joins the free lists, or (outside) is seen by the Boot Domain: no claim may include it before its exit.
 * -EINVAL not within one RAM range or empty, -EEXIST part of it is claimed, -ENOSPC.
 * Bound: 2 * FRAME_MAX_ORDER + size in GiB blocks. */
err_t frame_claim(mfn_t mfn, uint64_t count, bool outside);
/* Part of a reserved range is not needed: it joins the free lists.  Start-up only. */
void frame_release_reserved(mfn_t mfn, uint64_t count);
/* Nobody's or free frames, by number, become owner's with count 1 each.  count: 1..FRAME_BATCH.
 * -EINVAL not RAM, -EEXIST one is not free, -ENOSPC. All or nothing. */
err_t frame_take(mfn_t mfn, uint64_t count, uint16_t owner, enum frame_type type);
/* Frames inside a reservation become owner's with count 1 each.  Start-up only. */
void frame_assign(mfn_t mfn, uint64_t count, uint16_t owner, enum frame_type type);

/* From now on what owners first..first + owners - 1 are given by frame_alloc counts against a budget of that many frames,
 * or of all that are free, if less. */
void frame_set_budget(uint16_t first, uint16_t owners, uint64_t frames);
uint64_t frame_budget(void); /* what is left of it */

/* 2^order frames, aligned, owned, count 1 each; contents are what they were.  order: 0..9.  -NOMEM, the budget included.
 * Bound: 18 splits, 2^order writes. */
err_t frame_alloc(uint16_t owner, enum frame_type type, uint32_t order, mfn_t *out);
/* Back to the free lists: frames of one owner whose last count was put (or never shared).  The caller has scrubbed them.
 * Bound: count writes and 2 * FRAME_MAX_ORDER merges. */
void frame_free(mfn_t mfn, uint64_t count);

/* One more user of a frame of owner that has users.  -EPERM another owner or type, -EBUSY count is at its limit. */
err_t frame_get(mfn_t mfn, uint16_t owner, enum frame_type type);
/* One user less; true: it was the last and the caller must scrub and free (a kept frame rests).  *owner as found. */
bool frame_put(mfn_t mfn, uint16_t *owner);

/* RAM frames of a launch record stay their owner's when their last user goes.  Bound: count. */
void frame_keep(mfn_t mfn, uint64_t count);
/* frame_put of kept frames [mfn, mfn + count) from the first on, as long as each has one user; returns how many. */
uint64_t frame_rest(mfn_t mfn, uint64_t count);
/* Kept frames that nobody uses have one user again.  false: one of them is in use; then nothing has changed.
 * count: 1..FRAME_BATCH. */
bool frame_wake(mfn_t mfn, uint64_t count, uint16_t owner) MUST_CHECK;

/* All of them are owner's RAM, mapped once, and not of its launch record.  Bound: count loads. */
bool frame_is_sole(mfn_t mfn, uint64_t count, uint16_t owner);

/* What the table says; FRAME_FREE also for the inside of a free block.  Bound: 19 loads. */
struct frame frame_look(mfn_t mfn);
uint64_t frame_free_count(void);  /* frames */
uint64_t frame_total_count(void); /* frames of RAM in the board table */
mfn_t frame_last(void);           /* highest RAM frame */

#endif
