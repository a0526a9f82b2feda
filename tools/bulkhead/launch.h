/* SPDX-License-Identifier: Apache-2.0 */
/* launch.dtb and the launch archive of a system. */
#ifndef TOOL_LAUNCH_H
#define TOOL_LAUNCH_H

#include "system.h"

/* The device tree that the Boot Domain reads: dom0less bindings below /chosen. [impl->dsn~tool-launch-dtb~1] */
struct bytes launch_tree(struct arena *arena, const struct system *s);

/* The whole archive into `out`, which is empty. */
void launch_archive(struct arena *arena, const struct system *s, struct buffer *out);

/* A write into a tree that was sized for it. */
void launch_must(int result);

#endif
