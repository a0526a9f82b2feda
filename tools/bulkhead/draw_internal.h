/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a system's picture share. */
#ifndef TOOL_DRAW_INTERNAL_H
#define TOOL_DRAW_INTERNAL_H

#include <stdbool.h>

#include "draw.h"
#include "pools.h"
#include "svg.h"

#define WIDTH   1200.0
#define MARGIN  32.0
#define GAP     16.0
#define INNER   (WIDTH - 2 * MARGIN)
#define TITLE   "fill=\"#101828\" font-weight=\"bold\""
#define NORMAL  "fill=\"#344054\""
#define FAINT   "fill=\"#667085\""
#define CENTRED "fill=\"#101828\" text-anchor=\"middle\""

struct drawing {
    struct arena *arena;
    struct buffer *out;
    const struct system *system;
    struct image_span span;
    double y; /* where the next section starts */
};

/* Fill and stroke of a domain; strong: a thicker line. */
const char *draw_colours(const struct drawing *g, size_t domain, bool strong);
/* The title of a section, which moves g->y below it. */
void draw_heading(struct drawing *g, const char *title, const char *hint);
const char *draw_size_text(const struct drawing *g, uint64_t bytes);
/* Number of the domain of that name, SIZE_MAX = there is none. */
size_t draw_index_of(const struct system *s, const char *name);

/* Pools: windows to scale, shares of budgets; nothing when there are none. */
void draw_time(struct drawing *g);
/* Who holds which right over whom. */
void draw_rights(struct drawing *g);
/* Channels and shared memory; nothing when there are none. */
void draw_shared(struct drawing *g);

#endif
