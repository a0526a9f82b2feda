/* SPDX-License-Identifier: Apache-2.0 */
#include "ranges.h"

#include "guest_layout.h"
#include "range.h"
#include "text.h"

void ranges_clear(struct ranges *ranges)
{
    ranges->count = 0;
    ranges->is_cut_short = false;
}

void ranges_add(struct ranges *ranges, uint64_t base, uint64_t size)
{
    if (size == 0) {
        return;
    }
    if (ranges->count == RANGES_MAX) {
        ranges->is_cut_short = true;
        return;
    }
    ranges->range[ranges->count] = (struct board_range){.base = base, .size = size};
    ranges->count++;
}

void ranges_cut(struct ranges *ranges, uint64_t base, uint64_t size)
{
    struct board_range hole = {.base = base, .size = size};
    uint32_t i = 0;

    while (i < ranges->count) {
        struct board_range old = ranges->range[i];
        if (!range_overlaps(&old, &hole)) {
            i++;
            continue;
        }
        uint64_t below = (hole.base > old.base) ? hole.base - old.base : 0;
        uint64_t above = (range_end(&old) > range_end(&hole)) ? range_end(&old) - range_end(&hole) : 0;
        if (below != 0) {
            ranges->range[i].size = below;
            i++;
        } else {
            ranges->count--;
            ranges->range[i] = ranges->range[ranges->count];
        }
        ranges_add(ranges, range_end(&hole), above);
    }
}

void ranges_cut_all(struct ranges *ranges, const struct ranges *holes)
{
    for (uint32_t i = 0; i < holes->count; i++) {
        ranges_cut(ranges, holes->range[i].base, holes->range[i].size);
    }
}

bool ranges_are_whole(const struct ranges *ranges)
{
    if (ranges->is_cut_short) {
        log_problem(NULL, "more than %u memory ranges; join some", RANGES_MAX);
    }
    return !ranges->is_cut_short;
}

void ranges_shrink_to_pages(struct ranges *ranges)
{
    uint32_t i = 0;

    while (i < ranges->count) {
        uint64_t base = range_align_up(ranges->range[i].base, LAYOUT_PAGE);
        uint64_t end = range_align_down(range_end(&ranges->range[i]), LAYOUT_PAGE);
        if (base < end) {
            ranges->range[i] = (struct board_range){.base = base, .size = end - base};
            i++;
        } else {
            ranges->count--;
            ranges->range[i] = ranges->range[ranges->count];
        }
    }
}
