/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine memory joins the free pool.
 * [impl->dsn~boot-claim~1] */
#ifndef BOOTDOMAIN_CLAIM_H
#define BOOTDOMAIN_CLAIM_H

#include <stdbool.h>

#include "plan.h"
#include "ranges.h"

/* All RAM of the board in whole pages but what is taken, the static memory of the domains, which nothing else may be put
 * into, and modules outside the image, which are still to be read.  False, and said, when there are too many ranges. */
bool claim_find(struct ranges *free_ram, const struct board_table *board, const struct ranges *taken,
                const struct plan *plan);

#endif
