/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of machine-memory ranges: what is claimed, and what must not be. */
#ifndef BOOTDOMAIN_RANGES_H
#define BOOTDOMAIN_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include <bulkhead/board.h>

#define RANGES_MAX 512u /* static ranges, modules outside the image, what the board reserves */

struct ranges {
    uint32_t count;
    bool is_cut_short;                    /* something found no room; stays until the set is cleared */
    struct board_range range[RANGES_MAX]; /* in no order, none empty */
};

void ranges_clear(struct ranges *ranges);

/* Add a range; empty ones are left out. */
void ranges_add(struct ranges *ranges, uint64_t base, uint64_t size);

/* Cut [base, base + size) out of every range.  Bound: RANGES_MAX steps. */
void ranges_cut(struct ranges *ranges, uint64_t base, uint64_t size);

/* Cut every range of `holes` out of every range.  Bound: RANGES_MAX squared. */
void ranges_cut_all(struct ranges *ranges, const struct ranges *holes);

/* False, and said, when something found no room since the set was cleared. */
bool ranges_are_whole(const struct ranges *ranges);

/* Leave of every range its whole 4 KiB pages. */
void ranges_shrink_to_pages(struct ranges *ranges);

#endif
