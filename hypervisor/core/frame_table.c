/* SPDX-License-Identifier: Apache-2.0 */
#include "core/frame_table.h"
#include "lib/bits.h"

struct region {
    uint64_t base;
    uint64_t count;
    bool outside; /* seen by the Boot Domain, or kept for it, until its exit */
};

struct frame_ram frame_ram;
static struct {
    struct region regions[FRAME_REGIONS]; /* guarded by the frame lock */
    uint32_t region_count;
} table;

uint64_t frame_table_size(const struct board_table *board)
{
    uint64_t frames = 0;

    for (uint32_t i = 0; i < board->ram_count; i++) {
        frames += board->ram[i].size >> PAGE_SHIFT;
    }
    return ALIGN_UP(frames * sizeof(struct frame), PAGE_SIZE);
}

void frame_table_init(const struct board_table *board, void *memory)
{
    uint64_t first = 0;

    frame_ram.entries = memory;
    frame_ram.count = board->ram_count;
    table.region_count = 0;
    for (uint32_t i = 0; i < board->ram_count; i++) {
        frame_ram.ranges[i] = (struct frame_range){
            .base = board->ram[i].base >> PAGE_SHIFT, .count = board->ram[i].size >> PAGE_SHIFT, .first = first};
        first += frame_ram.ranges[i].count;
    }
}

bool frame_in_ram(uint64_t mfn, uint64_t count)
{
    for (uint32_t i = 0; i < frame_ram.count; i++) {
        const struct frame_range *r = &frame_ram.ranges[i];
        if (count > 0u && mfn - r->base < r->count && count <= r->count - (mfn - r->base)) {
            return true;
        }
    }
    return false;
}

uint64_t frame_total_count(void)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < frame_ram.count; i++) {
        n += frame_ram.ranges[i].count;
    }
    return n;
}

mfn_t frame_last(void)
{
    const struct frame_range *r = &frame_ram.ranges[frame_ram.count - 1u];

    return MFN(r->base + r->count - 1u);
}

uint64_t frame_region_gap(uint64_t mfn)
{
    uint64_t gap = UINT64_MAX - mfn;

    for (uint32_t i = 0; i < table.region_count; i++) {
        const struct region *r = &table.regions[i];

        if (mfn - r->base < r->count) {
            return 0;
        }
        if (r->base > mfn && r->base - mfn < gap) {
            gap = r->base - mfn;
        }
    }
    return gap;
}

static void remove_at(uint32_t i)
{
    table.region_count--;
    table.regions[i] = table.regions[table.region_count];
}

/* Join region i with the one it touches, if any.  Bound: FRAME_REGIONS. */
static bool join(uint32_t i)
{
    struct region *a = &table.regions[i];

    for (uint32_t j = 0; j < table.region_count; j++) {
        const struct region *b = &table.regions[j];
        if (j == i || b->outside != a->outside) {
            continue;
        }
        if (b->base + b->count == a->base || a->base + a->count == b->base) {
            a->base = (b->base < a->base) ? b->base : a->base;
            a->count += b->count;
            remove_at(j);
            return true;
        }
    }
    return false;
}

err_t frame_region_add(uint64_t mfn, uint64_t count, bool outside)
{
    if (count == 0u || !range_ok(mfn, count, UINT64_C(1) << 52)) {
        return ERR_INVAL;
    }
    for (uint32_t i = 0; i < table.region_count; i++) {
        if (ranges_overlap(mfn, count, table.regions[i].base, table.regions[i].count)) {
            return ERR_EXIST;
        }
    }
    if (table.region_count == FRAME_REGIONS) {
        return ERR_NOSPC;
    }
    table.regions[table.region_count] = (struct region){.base = mfn, .count = count, .outside = outside};
    table.region_count++;
    for (uint32_t turn = 0; turn < 2u; turn++) { /* a neighbour on each side */
        for (uint32_t i = 0; i < table.region_count; i++) {
            if (mfn - table.regions[i].base < table.regions[i].count) {
                (void)join(i);
                break;
            }
        }
    }
    return OK;
}

void frame_region_drop_outside(void)
{
    for (uint32_t i = table.region_count; i > 0u; i--) {
        if (table.regions[i - 1u].outside) {
            remove_at(i - 1u);
        }
    }
}

void frame_fill(uint64_t mfn, uint64_t count, struct frame f)
{
    uint64_t word = frame_pack(f);
    uint64_t *e = frame_entry(mfn);

    ASSERT(e != NULL);
    for (; count >= 8u;
         count -= 8u) { /* by eight: this is what giving memory to a domain costs, besides scrubbing it */
        __atomic_store_n(&e[0], word, __ATOMIC_RELAXED);
        __atomic_store_n(&e[1], word, __ATOMIC_RELAXED);
        __atomic_store_n(&e[2], word, __ATOMIC_RELAXED);
        __atomic_store_n(&e[3], word, __ATOMIC_RELAXED);
        __atomic_store_n(&e[4], word, __ATOMIC_RELAXED);
        __atomic_store_n(&e[5], word, __ATOMIC_RELAXED);
        __atomic_store_n(&e[6], word, __ATOMIC_RELAXED);
        __atomic_store_n(&e[7], word, __ATOMIC_RELAXED);
        e = &e[8];
    }
    for (; count > 0u; count--) {
        __atomic_store_n(e, word, __ATOMIC_RELAXED);
        e = &e[1];
    }
}
