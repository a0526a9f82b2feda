// SPDX-License-Identifier: Apache-2.0
/* What domains have in common: a column a domain, a line a channel, a box a region of shared memory. */
#include <inttypes.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "draw_internal.h"

#define HEAD_HIGH    30.0
#define CHANNEL_HIGH 34.0
#define SHARE_HIGH   44.0
#define DOT          5.0

static double column(const struct drawing *g, size_t domain)
{
    return MARGIN + INNER * ((double)domain + 0.5) / (double)g->system->domains.count;
}

static void rule(struct drawing *g, double x, double high)
{
    svg_rect(g->out, (struct svg_box){x - 0.75, g->y + HEAD_HIGH, 1.5, high}, 0, "fill=\"#d0d5dd\"");
}

static const char *time_text(const struct drawing *g, uint64_t ns)
{
    return ns % 1000000 == 0 ? arena_printf(g->arena, "%" PRIu64 " ms", ns / 1000000)
           : ns % 1000 == 0  ? arena_printf(g->arena, "%" PRIu64 " us", ns / 1000)
                             : arena_printf(g->arena, "%" PRIu64 " ns", ns);
}

static const char *end_text(const struct drawing *g, const struct channel_end *end)
{
    const char *text = arena_printf(g->arena, "port %" PRIu64, end->port.value);

    return end->min_interval.value == 0
               ? text
               : arena_printf(g->arena, "%s, %s between events", text, time_text(g, end->min_interval.value));
}

/* The end's dot on its domain's column, its port beside it on the inner side. */
static void draw_end(struct drawing *g, const struct channel_end *end, double x, bool is_left)
{
    size_t domain = draw_index_of(g->system, end->domain.value);
    const char *anchor = is_left ? "fill=\"#344054\"" : "fill=\"#344054\" text-anchor=\"end\"";

    svg_rect(g->out, (struct svg_box){x - DOT, g->y + 20 - DOT, 2 * DOT, 2 * DOT}, DOT, draw_colours(g, domain, true));
    svg_text(g->out, (struct svg_place){is_left ? x + 12 : x - 12, g->y + 34}, 11, 0, anchor, end_text(g, end));
}

static void draw_channel(struct drawing *g, const struct channel *channel)
{
    const struct channel_end *ends = channel->ends.item;
    double a = column(g, draw_index_of(g->system, ends[0].domain.value));
    double b = column(g, draw_index_of(g->system, ends[1].domain.value));
    double left = a < b ? a : b;
    double right = a < b ? b : a;

    svg_rect(g->out, (struct svg_box){left, g->y + 19, right - left, 2}, 1, "fill=\"#475467\"");
    draw_end(g, &ends[0], a, a <= b);
    draw_end(g, &ends[1], b, a > b);
    svg_text(g->out, (struct svg_place){(left + right) / 2, g->y + 14}, 13, 0, CENTRED, channel->name.value);
    g->y += CHANNEL_HIGH + 8;
}

static void draw_share(struct drawing *g, const struct share *share)
{
    const struct share_use *use = share->domains.item;
    double left = WIDTH;
    double right = 0;

    for (size_t i = 0; i < share->domains.count; i++) {
        double x = column(g, draw_index_of(g->system, use[i].domain.value));
        left = x < left ? x : left;
        right = x > right ? x : right;
    }
    struct svg_box box = {left - 80, g->y + 4, right - left + 160, SHARE_HIGH - 6};
    svg_rect(g->out, box, 6, "fill=\"#fff8e5\" stroke=\"#947100\" stroke-width=\"1.2\"");
    svg_text(g->out, (struct svg_place){(left + right) / 2, g->y + 20}, 13, 0, CENTRED,
             arena_printf(g->arena, "%s  %s", share->name.value, draw_size_text(g, share->size.value)));
    for (size_t i = 0; i < share->domains.count; i++) {
        double x = column(g, draw_index_of(g->system, use[i].domain.value));
        bool is_owner = share->owner.given && strcmp(share->owner.value, use[i].domain.value) == 0;
        svg_text(g->out, (struct svg_place){x, g->y + 36}, 11, 156, "fill=\"#344054\" text-anchor=\"middle\"",
                 arena_printf(g->arena, "0x%" PRIx64 "%s%s", use[i].address.value, is_owner ? ", owner" : "",
                              use[i].read_only.value ? ", read only" : ""));
    }
    g->y += SHARE_HIGH + 4;
}

void draw_shared(struct drawing *g)
{
    const struct system *s = g->system;
    const struct channel *channel = s->channels.item;
    const struct share *share = s->shared_memory.item;
    double high =
        (double)s->channels.count * (CHANNEL_HIGH + 8) + (double)s->shared_memory.count * (SHARE_HIGH + 4) + 8;

    if (s->channels.count == 0 && s->shared_memory.count == 0) {
        return;
    }
    draw_heading(g, "Between domains", "a line is a channel of events, a box is memory that the domains share");
    double wide = INNER / (double)s->domains.count;
    for (size_t i = 0; i < s->domains.count; i++) {
        double x = column(g, i);
        double pill = wide - 12 < 150 ? wide - 12 : 150;
        rule(g, x, high);
        svg_rect(g->out, (struct svg_box){x - pill / 2, g->y, pill, HEAD_HIGH - 4}, 8, draw_colours(g, i, false));
        svg_text(g->out, (struct svg_place){x, g->y + 17}, 12, pill - 8, CENTRED, system_domain(s, i)->name.value);
    }
    g->y += HEAD_HIGH;
    for (size_t i = 0; i < s->channels.count; i++) {
        draw_channel(g, &channel[i]);
    }
    for (size_t i = 0; i < s->shared_memory.count; i++) {
        draw_share(g, &share[i]);
    }
    g->y += 28;
}
