// SPDX-License-Identifier: Apache-2.0
/* Who may do what to whom: a line from the holder of rights to what they are over. */
#include "draw_internal.h"
#include "privileges.h"

#define LINE_HIGH 28.0
#define PILL_WIDE 170.0

static void draw_name(struct drawing *g, double x, size_t domain)
{
    const struct system *s = g->system;
    bool platform = domain == s->domains.count;

    svg_rect(g->out, (struct svg_box){x, g->y, PILL_WIDE, LINE_HIGH - 6}, 8,
             platform ? "fill=\"#ffffff\" stroke=\"#667085\" stroke-dasharray=\"4 3\""
                      : draw_colours(g, domain, false));
    svg_text(g->out, (struct svg_place){x + PILL_WIDE / 2, g->y + 15}, 12, PILL_WIDE - 8, CENTRED,
             platform ? "the platform" : system_domain(s, domain)->name.value);
}

static const char *rights_text(const struct drawing *g, uint32_t rights, bool platform)
{
    const char *text = "";

    if (rights == (platform ? BULKHEAD_RIGHTS_PLATFORM : BULKHEAD_RIGHTS_DOMAIN)) {
        return "every right";
    }
    if (!platform && rights == BULKHEAD_RIGHTS_HARMLESS) {
        return "sees its state and its console";
    }
    for (unsigned right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        if ((rights >> right & 1) != 0) {
            text = arena_printf(g->arena, "%s%s%s", text, *text == '\0' ? "" : ", ", privileges_names[right]);
        }
    }
    return text;
}

static bool draw_line(struct drawing *g, size_t who, size_t target)
{
    size_t holder[BULKHEAD_RIGHT_COUNT];
    uint32_t rights = 0;
    double right_pill = MARGIN + INNER - PILL_WIDE;

    privileges_over(g->system, target, holder);
    for (unsigned right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        rights |= holder[right] == who ? 1u << right : 0;
    }
    if (rights == 0 || who == target) {
        return false;
    }
    draw_name(g, MARGIN, who);
    draw_name(g, right_pill, target);
    svg_arrow(g->out, (struct svg_box){MARGIN, g->y, PILL_WIDE, LINE_HIGH - 6},
              (struct svg_box){right_pill, g->y, PILL_WIDE, LINE_HIGH - 6});
    svg_text(g->out, (struct svg_place){MARGIN + INNER / 2, g->y + 7}, 12, INNER - 2 * PILL_WIDE - 40, CENTRED,
             rights_text(g, rights, target == g->system->domains.count));
    g->y += LINE_HIGH;
    return true;
}

void draw_rights(struct drawing *g)
{
    size_t count = g->system->domains.count;
    bool somebody = false;

    draw_heading(g, "Rights", "what one domain may do to another; the rest is refused");
    for (size_t who = 0; who < count; who++) {
        for (size_t target = 0; target <= count; target++) {
            somebody = draw_line(g, who, target) || somebody;
        }
    }
    if (!somebody) {
        svg_text(g->out, (struct svg_place){MARGIN, g->y + 12}, 13, 0, NORMAL,
                 "Nobody can do anything to another domain, or to the machine.");
        g->y += LINE_HIGH;
    }
    g->y += 22;
}
