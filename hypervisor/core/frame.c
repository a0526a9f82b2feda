/* SPDX-License-Identifier: Apache-2.0 */
#include "core/frame.h"
#include "arch/contract/arch.h"
#include "core/frame_table.h"
#include "lib/bits.h"

/* Links of a free block, kept in its first frame. */
struct free_link {
    uint64_t next;
    uint64_t prev;
};

static struct {
    struct spinlock lock;                /* rank 6 */
    uint64_t head[FRAME_MAX_ORDER + 1u]; /* guarded by lock: first block's frame number */
    uint64_t free;                       /* guarded by lock: frames */
    uint64_t budget;                     /* guarded by lock: frames that budgeted owners may still have */
    uint16_t first, owners;              /* the budgeted ones; const once sealed */
} blocks;

static struct free_link *link_of(uint64_t mfn)
{
    return arch_map_frame(MFN(mfn));
}

static void block_push(uint64_t mfn, uint32_t order)
{
    struct free_link *l = link_of(mfn);

    l->prev = FRAME_NO_LINK;
    l->next = blocks.head[order];
    if (l->next != FRAME_NO_LINK) {
        link_of(l->next)->prev = mfn;
    }
    blocks.head[order] = mfn;
    blocks.free += UINT64_C(1) << order;
    frame_store(frame_entry(mfn), (struct frame){.type = FRAME_FREE, .order = (uint8_t)order});
}

static void block_remove(uint64_t mfn, uint32_t order)
{
    struct free_link *l = link_of(mfn);

    if (l->prev != FRAME_NO_LINK) {
        link_of(l->prev)->next = l->next;
    } else {
        ASSERT(blocks.head[order] == mfn);
        blocks.head[order] = l->next;
    }
    if (l->next != FRAME_NO_LINK) {
        link_of(l->next)->prev = l->prev;
    }
    blocks.free -= UINT64_C(1) << order;
    frame_store(frame_entry(mfn), (struct frame){0});
}

static bool is_free_block(uint64_t mfn, uint32_t order)
{
    const uint64_t *e = frame_entry(mfn);
    struct frame f;

    if (e == NULL) {
        return false;
    }
    f = frame_load(e);
    return f.type == FRAME_FREE && f.order == order;
}

/* Free one aligned block, merging it with its buddies.  Bound: FRAME_MAX_ORDER merges. */
static void block_insert(uint64_t mfn, uint32_t order)
{
    while (order < FRAME_MAX_ORDER) {
        uint64_t buddy = mfn ^ (UINT64_C(1) << order);
        if (!is_free_block(buddy, order)) {
            break;
        }
        block_remove(buddy, order);
        mfn &= buddy;
        order++;
    }
    block_push(mfn, order);
}

/* Free [from, to) as the largest aligned blocks.  Bound: 2 * FRAME_MAX_ORDER blocks and one a GiB. */
static void insert_range(uint64_t from, uint64_t to)
{
    while (from < to) {
        uint32_t order = (from == 0u) ? FRAME_MAX_ORDER : (uint32_t)__builtin_ctzll(from);
        uint32_t fit = 63u - (uint32_t)__builtin_clzll(to - from);

        order = (order < fit) ? order : fit;
        order = (order < FRAME_MAX_ORDER) ? order : FRAME_MAX_ORDER;
        block_insert(from, order);
        from += UINT64_C(1) << order;
    }
}

/* The free block that contains mfn; false = none does.  Bound: FRAME_MAX_ORDER + 1 loads. */
static bool find_block(uint64_t mfn, uint64_t *first, uint32_t *order)
{
    for (uint32_t o = 0; o <= FRAME_MAX_ORDER; o++) {
        uint64_t at = ALIGN_DOWN(mfn, UINT64_C(1) << o);
        const uint64_t *e = frame_entry(at);
        struct frame f;

        if (e == NULL) {
            return false;
        }
        f = frame_load(e);
        if (f.type == FRAME_FREE) {
            *first = at;
            *order = f.order;
            return f.order >= o;
        }
        if (f.type != FRAME_NONE) {
            return false;
        }
    }
    return false;
}

/* Remove [from, to), all of it free, from the free lists.  Bound: blocks in it, each put back in 2 * 18 pieces. */
static void carve(uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t first = 0;
        uint64_t end;
        uint32_t order = 0;

        ASSERT(find_block(from, &first, &order));
        block_remove(first, order);
        end = first + (UINT64_C(1) << order);
        if (first < from) {
            insert_range(first, from);
        }
        if (end > to) {
            insert_range(to, end);
            end = to;
        }
        from = end;
    }
}

/* [impl->dsn~dynamic-memory~1] */
static bool is_budgeted(uint16_t owner)
{
    return (uint16_t)(owner - blocks.first) < blocks.owners;
}

void frame_set_budget(uint16_t first, uint16_t owners, uint64_t frames)
{
    spin_lock(&blocks.lock);
    blocks.budget = (frames < blocks.free) ? frames : blocks.free;
    blocks.first = first;
    blocks.owners = owners;
    spin_unlock(&blocks.lock);
}

void frame_init(const struct board_table *board, void *table)
{
    frame_table_init(board, table);
    blocks.lock = (struct spinlock){0};
    blocks.free = 0;
    blocks.owners = 0;
    blocks.budget = 0;
    for (uint32_t o = 0; o <= FRAME_MAX_ORDER; o++) {
        blocks.head[o] = FRAME_NO_LINK;
    }
}

err_t frame_reserve(mfn_t mfn, uint64_t count)
{
    return LOCKED(&blocks.lock, frame_region_add(mfn.v, count, false));
}

err_t frame_claim(mfn_t mfn, uint64_t count, bool outside)
{
    err_t err = ERR_INVAL;

    spin_lock(&blocks.lock);
    if (frame_in_ram(mfn.v, count)) {
        err = frame_region_add(mfn.v, count, outside);
    }
    if (err == OK && !outside) {
        insert_range(mfn.v, mfn.v + count);
    }
    spin_unlock(&blocks.lock);
    return err;
}

void frame_drop_outside(void)
{
    spin_lock(&blocks.lock);
    frame_region_drop_outside();
    spin_unlock(&blocks.lock);
}

void frame_release_reserved(mfn_t mfn, uint64_t count)
{
    ASSERT(frame_in_ram(mfn.v, count));
    spin_lock(&blocks.lock);
    insert_range(mfn.v, mfn.v + count);
    spin_unlock(&blocks.lock);
}

/* Every frame of the range is free or nobody's.  Bound: blocks and gaps in it, FRAME_BATCH at most. */
static bool all_available(uint64_t mfn, uint64_t count)
{
    uint64_t at = mfn;

    while (at < mfn + count) {
        uint64_t gap = frame_region_gap(at);
        uint64_t first;
        uint32_t order;

        if (gap > 0u) {
            at = (gap < mfn + count - at) ? at + gap : mfn + count;
        } else if (find_block(at, &first, &order)) {
            at = first + (UINT64_C(1) << order);
        } else {
            return false;
        }
    }
    return true;
}

/* What is nobody's in the range joins the free lists.  -ENOSPC. */
static err_t claim_gaps(uint64_t mfn, uint64_t count)
{
    uint64_t end = mfn + count;
    err_t err = OK;

    for (uint64_t at = mfn; at < end && err == OK;) {
        uint64_t gap = frame_region_gap(at);

        if (gap == 0u) { /* free: behind its block */
            uint64_t first = at;
            uint32_t order = 0;

            ASSERT(find_block(at, &first, &order));
            at = first + (UINT64_C(1) << order);
            continue;
        }
        gap = (gap < end - at) ? gap : end - at;
        err = frame_region_add(at, gap, false);
        if (err == OK) {
            insert_range(at, at + gap);
            at += gap;
        }
    }
    return err;
}

err_t frame_take(mfn_t mfn, uint64_t count, uint16_t owner, enum frame_type type)
{
    err_t err = ERR_EXIST;

    if (count == 0u || count > FRAME_BATCH || !frame_in_ram(mfn.v, count)) {
        return ERR_INVAL;
    }
    spin_lock(&blocks.lock);
    if (all_available(mfn.v, count)) {
        err = claim_gaps(mfn.v, count);
    }
    if (err == OK) {
        carve(mfn.v, mfn.v + count);
        frame_fill(mfn.v, count, (struct frame){.owner = owner, .type = (uint8_t)type, .count = 1});
    }
    spin_unlock(&blocks.lock);
    return err;
}

void frame_assign(mfn_t mfn, uint64_t count, uint16_t owner, enum frame_type type)
{
    ASSERT(frame_in_ram(mfn.v, count));
    frame_fill(mfn.v, count, (struct frame){.owner = owner, .type = (uint8_t)type, .count = 1});
}

err_t frame_alloc(uint16_t owner, enum frame_type type, uint32_t order, mfn_t *out)
{
    uint64_t mfn = FRAME_NO_LINK;
    uint64_t cost = is_budgeted(owner) ? UINT64_C(1) << order : 0u;
    uint32_t o = order;

    ASSERT(order <= FRAME_MAX_ORDER);
    spin_lock(&blocks.lock);
    o = (cost <= blocks.budget) ? o : FRAME_MAX_ORDER + 1u;
    while (o <= FRAME_MAX_ORDER && blocks.head[o] == FRAME_NO_LINK) {
        o++;
    }
    if (o <= FRAME_MAX_ORDER) {
        mfn = blocks.head[o];
        blocks.budget -= cost;
        block_remove(mfn, o);
        while (o > order) {
            o--;
            block_push(mfn + (UINT64_C(1) << o), o);
        }
    }
    spin_unlock(&blocks.lock);
    if (mfn == FRAME_NO_LINK) {
        return ERR_NOMEM;
    }
    frame_fill(mfn, UINT64_C(1) << order, (struct frame){.owner = owner, .type = (uint8_t)type, .count = 1});
    *out = MFN(mfn);
    return OK;
}

void frame_free(mfn_t mfn, uint64_t count)
{
    uint64_t cost;

    ASSERT(count > 0u && frame_in_ram(mfn.v, count));
    cost = is_budgeted(frame_load(frame_entry(mfn.v)).owner) ? count : 0u;
    frame_fill(mfn.v, count, (struct frame){0});
    spin_lock(&blocks.lock);
    blocks.budget += cost;
    insert_range(mfn.v, mfn.v + count);
    spin_unlock(&blocks.lock);
}

struct frame frame_look(mfn_t mfn)
{
    const uint64_t *e = frame_entry(mfn.v);
    struct frame f = {0};
    uint64_t first;
    uint32_t order;

    if (e == NULL) {
        return f;
    }
    spin_lock(&blocks.lock);
    f = frame_load(e);
    if (f.type == FRAME_NONE && find_block(mfn.v, &first, &order)) {
        f.type = FRAME_FREE;
    }
    spin_unlock(&blocks.lock);
    return f;
}

uint64_t frame_budget(void)
{
    return __atomic_load_n(&blocks.budget, __ATOMIC_RELAXED);
}

uint64_t frame_free_count(void)
{
    return LOCKED(&blocks.lock, blocks.free);
}
