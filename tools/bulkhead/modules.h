/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a system's domains are started from. */
#ifndef TOOL_MODULES_H
#define TOOL_MODULES_H

#include "system.h"

/* Find and read every file that the description names, judge kernels and device trees, and choose the names in the
 * archive. [impl->dsn~tool-modules~1] */
void modules_read(struct arena *arena, struct diags *d, struct system *s);

/* Decide which modules are moved into their domain instead of being copied: used once, taken as they are, and not kept
 * for a restart, by a domain whose memory is not chosen by address. */
void modules_plan(struct system *s);

/* A device tree that is what its header says; *size gets the header's size. */
bool modules_is_device_tree(struct bytes data, uint32_t *size);

#endif
