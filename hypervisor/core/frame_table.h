/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the frame table: entries by frame number, and the ranges that are claimed.  For frame*.c only. */
#ifndef CORE_FRAME_TABLE_H
#define CORE_FRAME_TABLE_H

#include "core/frame.h"

#define FRAME_NO_LINK UINT64_MAX

void frame_table_init(const struct board_table *board, void *memory);

struct frame_range {
    uint64_t base;  /* frame number */
    uint64_t count; /* frames */
    uint64_t first; /* index of base in the table */
};

/* Const after init; each entry atomic. */
extern struct frame_ram {
    uint64_t *entries;
    struct frame_range ranges[BOARD_MAX_RAM];
    uint32_t count;
} frame_ram;

/* The entry of a frame; NULL = not RAM.  Neighbouring frames of one RAM range have neighbouring entries.
 * Bound: BOARD_MAX_RAM. */
static inline uint64_t *frame_entry(uint64_t mfn)
{
    for (uint32_t i = 0; i < frame_ram.count; i++) {
        const struct frame_range *r = &frame_ram.ranges[i];
        if (LIKELY(mfn - r->base < r->count)) {
            return &frame_ram.entries[r->first + (mfn - r->base)];
        }
    }
    return NULL;
}
/* Entries of [mfn, mfn + count), all in RAM, say f.  Bound: count writes. */
void frame_fill(uint64_t mfn, uint64_t count, struct frame f);
/* [mfn, mfn + count) is not empty and inside one RAM range. */
bool frame_in_ram(uint64_t mfn, uint64_t count);

/* Claimed and reserved ranges; caller holds the frame lock.  add joins neighbours of the same kind.
 * -EINVAL empty or wraps, -EEXIST overlap, -ENOSPC. */
err_t frame_region_add(uint64_t mfn, uint64_t count, bool outside);
void frame_region_drop_outside(void);
/* Frames from mfn on that no range covers; 0 = one covers mfn.  Bound: FRAME_REGIONS. */
uint64_t frame_region_gap(uint64_t mfn);

static inline uint64_t frame_pack(struct frame f)
{
    return (uint64_t)f.owner | (uint64_t)f.type << 16 | (uint64_t)f.order << 24 | (uint64_t)f.count << 32;
}
static inline struct frame frame_load(const uint64_t *e)
{
    uint64_t w = __atomic_load_n(e, __ATOMIC_RELAXED);

    return (struct frame){
        .owner = (uint16_t)w, .type = (uint8_t)(w >> 16), .order = (uint8_t)(w >> 24), .count = (uint32_t)(w >> 32)};
}
static inline void frame_store(uint64_t *e, struct frame f)
{
    __atomic_store_n(e, frame_pack(f), __ATOMIC_RELAXED);
}

#endif
