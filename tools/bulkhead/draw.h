/* SPDX-License-Identifier: Apache-2.0 */
/* The picture of a system: who runs where, who starts when, what memory everybody has.  [impl->dsn~tool-draw~1] */
#ifndef TOOL_DRAW_H
#define TOOL_DRAW_H

#include "system.h"

/* An SVG of a checked system; span: memory of the image and the hypervisor. */
void draw_system(struct arena *arena, struct buffer *out, const struct system *s, struct image_span span);

#endif
