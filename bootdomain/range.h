/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic on ranges [base, base + size) of struct board_range.  No range wraps around. */
#ifndef BOOTDOMAIN_RANGE_H
#define BOOTDOMAIN_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include <bulkhead/board.h>

static inline uint64_t range_end(const struct board_range *range)
{
    return range->base + range->size;
}

static inline bool range_overlaps(const struct board_range *a, const struct board_range *b)
{
    return a->base < range_end(b) && b->base < range_end(a);
}

static inline bool range_contains(const struct board_range *outer, const struct board_range *inner)
{
    return inner->base >= outer->base && range_end(inner) <= range_end(outer);
}

static inline uint64_t range_align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

/* value + alignment - 1 must not wrap. */
static inline uint64_t range_align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

#endif
