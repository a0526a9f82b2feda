/* SPDX-License-Identifier: Apache-2.0 */
/* The host's device tree against the board table.
 * [impl->dsn~boot-host-tree~1] */
#ifndef BOOTDOMAIN_HOST_TREE_H
#define BOOTDOMAIN_HOST_TREE_H

#include <stdbool.h>

#include <bulkhead/board.h>

#include "ranges.h"

/* Compare the RAM of the tree's memory nodes with the board table's: they must be the same.  Add what /reserved-memory
 * and the tree's own reservations keep to `taken`.
 * [fdt, fdt + size): a device tree, 8-byte aligned; of it only what is read here is checked.
 * False, and said, when the tree is damaged, the memory differs or an entry is wrong.  Bound: one walk of the tree. */
bool host_tree_read(const void *fdt, uint64_t size, const struct board_table *board, struct ranges *taken);

#endif
