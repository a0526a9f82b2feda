/* SPDX-License-Identifier: Apache-2.0 */
/* `dynamic`: what domains that are created at run time may have. */
#ifndef TOOL_DYNAMIC_H
#define TOOL_DYNAMIC_H

#include "tree.h"

extern const struct key_table dynamic_keys;

/* [impl->dsn~tool-dynamic~1] */
void dynamic_check(struct diags *d, const struct system *s);
uint64_t dynamic_bytes(const struct system *s);
/* Properties of /chosen: into the launch tree, out of it, and as text. */
void dynamic_put(struct arena *arena, void *fdt, const struct system *s);
void dynamic_read(const struct tree *t, int chosen, struct system *s);
void dynamic_describe(struct buffer *out, const struct system *s);

#endif
