/* SPDX-License-Identifier: Apache-2.0 */
/* The partial device tree that gives a domain the devices of its `passthrough` list, in the form of the dom0less
 * bindings: /passthrough/NODE with xen,reg and xen,path. [impl->dsn~tool-passthrough~1] */
#ifndef TOOL_PASSTHROUGH_H
#define TOOL_PASSTHROUGH_H

#include "system.h"

/* The tree for domain d, whose list is good and not empty. */
struct bytes passthrough_tree(struct arena *arena, const struct board *board, const struct domain *d);

/* The device of the board with this path or alias; NULL when there is none. */
const struct board_device *passthrough_find(const struct board *board, const char *name);

/* A Hardware Domain that names no devices gets those that do no DMA and that nobody else names.
 * [impl->dsn~tool-hardware-devices~1] */
void passthrough_fill(struct arena *arena, struct system *s);

/* The partial tree in a file asks for a device that nothing confines.  [impl->dsn~tool-force~1] */
bool passthrough_is_forced(struct bytes tree);

#endif
