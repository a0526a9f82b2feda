/* SPDX-License-Identifier: Apache-2.0 */
/* The host's device tree against the board table.
 * [impl->dsn~boot-host-tree~1] */
#ifndef BOOTDOMAIN_HOST_TREE_H
#define BOOTDOMAIN_HOST_TREE_H

#include <stdbool.h>

#include <bulkhead/board.h>

#include "ranges.h"

/* Compare the RAM of the tree's /memory nodes with the board table's: they must be the same.  False, and said, when
 * they are not.  fdt: a whole, checked tree. */
bool host_tree_check_memory(const void *fdt, const struct board_table *board);

/* Add what /reserved-memory and the tree's own reservations keep to `taken`.  False, and said, on a bad entry. */
bool host_tree_add_reserved(const void *fdt, struct ranges *taken);

#endif
