/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine memory joins the free pool.
 * [impl->dsn~boot-claim~1] */
#ifndef BOOTDOMAIN_CLAIM_H
#define BOOTDOMAIN_CLAIM_H

#include <stdbool.h>

#include "plan.h"
#include "ranges.h"

/* All RAM of the board in whole pages but what is taken, the static memory of the domains and shared memory, which
 * nothing else may be put into, and modules outside the image, which are still to be read.  False, and said, when there
 * are too many ranges. */
bool claim_find(struct ranges *free_ram, const struct board_table *board, const struct ranges *taken,
                const struct plan *plan);

/* Shared memory whose place the description leaves open gets one, cut out of the free RAM: 2 MiB aligned from that size
 * on.  False, and said, when there is no room. */
bool claim_place_shares(struct ranges *free_ram, struct plan *plan);

#endif
