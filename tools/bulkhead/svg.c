// SPDX-License-Identifier: Apache-2.0
#include "svg.h"

#include <string.h>

#include "utf8.h"

#define GLYPH 0.6 /* mean width of a glyph of the sans-serif font, in units of its size */

static void put_escaped(struct buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        size_t wide = byte >= 0x80 ? utf8_printable((const unsigned char *)text + i, length - i) : 0;
        if (byte == '<' || byte == '>' || byte == '&' || byte == '"') {
            buffer_printf(out, "&#%u;", byte);
        } else if (wide > 0) {
            buffer_add(out, text + i, wide);
            i += wide - 1;
        } else {
            buffer_printf(out, "%c", byte < 0x20 || byte >= 0x7f ? '?' : byte);
        }
    }
}

void svg_open(struct buffer *out, double width, double height, const char *title)
{
    buffer_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\" ",
                  width, height, width, height);
    buffer_printf(out, "font-family=\"DejaVu Sans, Segoe UI, Helvetica, Arial, sans-serif\">\n<title>");
    put_escaped(out, title, strlen(title));
    buffer_printf(
        out, "</title>\n<defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" "
             "markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0 L10,5 L0,10 z\" fill=\"#667085\"/></marker></defs>\n"
             "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n");
}

void svg_close(struct buffer *out)
{
    buffer_printf(out, "</svg>\n");
}

void svg_rect(struct buffer *out, struct svg_box box, double radius, const char *style)
{
    buffer_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\" %s/>\n", box.x, box.y,
                  box.width, box.height, radius, style);
}

double svg_text_width(const char *text, double size)
{
    return (double)strlen(text) * size * GLYPH;
}

void svg_text(struct buffer *out, struct svg_place at, double size, double room, const char *style, const char *text)
{
    size_t length = strlen(text);
    size_t fits = room > 0 ? (size_t)(room / (size * GLYPH)) : length;

    buffer_printf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%g\" %s>", at.x, at.y, size, style);
    if (length > fits && fits > 1) {
        put_escaped(out, text, fits - 1);
        buffer_printf(out, "\u2026");
    } else {
        put_escaped(out, text, length);
    }
    buffer_printf(out, "</text>\n");
}

void svg_arrow(struct buffer *out, struct svg_box from, struct svg_box to)
{
    double x1 = from.x + from.width;
    double y1 = from.y + from.height / 2;
    double x2 = to.x;
    double y2 = to.y + to.height / 2;
    double bend = (x2 - x1) / 2;

    buffer_printf(out,
                  "<path d=\"M%.1f,%.1f C%.1f,%.1f %.1f,%.1f %.1f,%.1f\" fill=\"none\" stroke=\"#667085\" "
                  "stroke-width=\"1.5\" marker-end=\"url(#head)\"/>\n",
                  x1, y1, x1 + bend, y1, x2 - bend, y2, x2 - 2, y2);
}
