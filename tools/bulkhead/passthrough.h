/* SPDX-License-Identifier: Apache-2.0 */
/* The partial device tree that gives a domain the devices of its `passthrough` list, in the form of the dom0less
 * bindings: /passthrough/NODE with xen,reg and xen,path. [impl->dsn~tool-passthrough~1] */
#ifndef TOOL_PASSTHROUGH_H
#define TOOL_PASSTHROUGH_H

#include "system.h"

/* The tree for domain d, whose list is good and not empty. */
struct bytes passthrough_tree(struct arena *arena, const struct board *board, const struct domain *d);

/* The device of the board with this path; NULL when there is none. */
const struct board_device *passthrough_find(const struct board *board, const char *path);

#endif
