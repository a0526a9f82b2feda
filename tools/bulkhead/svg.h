/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of an SVG picture. Lengths are pixels. */
#ifndef TOOL_SVG_H
#define TOOL_SVG_H

#include "mem.h"

struct svg_box {
    double x, y, width, height;
};

struct svg_place {
    double x, y;
};

void svg_open(struct buffer *out, double width, double height, const char *title);
void svg_close(struct buffer *out);

/* style: further attributes, as `fill="#fff"`. */
void svg_rect(struct buffer *out, struct svg_box box, double radius, const char *style);

/* Text that is cut with an ellipsis when it is wider than `room` (0 = never). */
void svg_text(struct buffer *out, struct svg_place at, double size, double room, const char *style, const char *text);

/* A curve from the right edge of one box to the left edge of another, with an arrow head. */
void svg_arrow(struct buffer *out, struct svg_box from, struct svg_box to);

/* How wide the text is, about. */
double svg_text_width(const char *text, double size);

#endif
