/* SPDX-License-Identifier: Apache-2.0 */
/* Use counts and owners of single frames: lock-free, by compare-and-swap of one entry.
 * [impl->dsn~frame-owner~1] */
#include "core/frame_table.h"

/* Guests could map one frame more than 2^32 times only with more address space than they have tables for; refused
 * all the same. */
#define COUNT_LIMIT (UINT32_MAX - 1u)

err_t frame_get(mfn_t mfn, uint16_t owner, enum frame_type type)
{
    uint64_t *e = frame_entry(mfn.v);
    struct frame seen;
    struct frame to;

    if (e == NULL) {
        return ERR_PERM;
    }
    seen = frame_load(e);
    do { /* bound: contending CPUs */
        if (seen.owner != owner || seen.type != type || seen.count == 0u) {
            return ERR_PERM;
        }
        if (seen.count == COUNT_LIMIT) {
            return ERR_BUSY;
        }
        to = seen;
        to.count++;
    } while (!frame_swap(e, &seen, to));
    return OK;
}

bool frame_put(mfn_t mfn, uint16_t *owner)
{
    uint64_t *e = frame_entry(mfn.v);
    struct frame seen;
    struct frame to;

    ASSERT(e != NULL);
    seen = frame_load(e);
    do {
        ASSERT(seen.count > 0u && seen.type > FRAME_FREE);
        to = seen;
        to.count--;
    } while (!frame_swap(e, &seen, to));
    *owner = seen.owner;
    return to.count == 0u;
}

err_t frame_move(mfn_t mfn, uint16_t from, uint16_t to)
{
    uint64_t *e = frame_entry(mfn.v);
    struct frame want = {.owner = from, .type = FRAME_RAM, .count = 1};
    struct frame seen = want;

    if (e == NULL) {
        return ERR_PERM;
    }
    want.owner = to;
    if (frame_swap(e, &seen, want)) {
        return OK;
    }
    return (seen.owner == from && seen.type == FRAME_RAM) ? ERR_BUSY : ERR_PERM;
}

bool frame_is_sole(mfn_t mfn, uint16_t owner)
{
    const uint64_t *e = frame_entry(mfn.v);
    struct frame f;

    if (e == NULL) {
        return false;
    }
    f = frame_load(e);
    return f.owner == owner && f.type == FRAME_RAM && f.count == 1u;
}
