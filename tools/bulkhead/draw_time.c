// SPDX-License-Identifier: Apache-2.0
/* CPU pools: the major frame of an arinc653 pool to scale, the shares of budgets in an rtds pool.
 * [impl->dsn~tool-draw-time~1] */
#include "draw_internal.h"

#include <inttypes.h>

#define BAR_HIGH 34.0
#define LABEL    150.0
#define BAR_WIDE (INNER - LABEL)
#define NOBODY   "fill=\"#ffffff\" stroke=\"#98a2b3\" stroke-dasharray=\"4 3\""

static void draw_label(struct drawing *g, const char *title, const char *below)
{
    svg_text(g->out, (struct svg_place){MARGIN, g->y + 15}, 13, LABEL - 12, TITLE, title);
    svg_text(g->out, (struct svg_place){MARGIN, g->y + 31}, 11, LABEL - 12, FAINT, below);
}

/* A part of a bar, [from, to) of `whole`. */
static void draw_part(struct drawing *g, const double part[2], double whole, const char *style, const char *text)
{
    struct svg_box box = {MARGIN + LABEL + part[0] / whole * BAR_WIDE, g->y, (part[1] - part[0]) / whole * BAR_WIDE,
                          BAR_HIGH};

    svg_rect(g->out, box, 0, style);
    if (box.width > 24) {
        svg_text(g->out, (struct svg_place){box.x + box.width / 2, box.y + 21}, 12, box.width - 6, CENTRED, text);
    }
}

static void draw_schedule(struct drawing *g, const struct pool *pool, size_t number, const char *below)
{
    const struct schedule *schedule = pools_schedule(pool, number);
    double frame = (double)schedule->major_frame.value;
    struct pool_plan plan;

    pools_lay_out(g->system, schedule, &plan);
    draw_label(
        g, number == 0 ? pool->name.value : arena_printf(g->arena, "%s: %s", pool->name.value, schedule->name.value),
        below);
    for (size_t i = 0; i < plan.count; i++) {
        const struct pool_window *w = &plan.window[i];
        const double part[2] = {(double)w->start, (double)w->end};
        if (w->domain == NULL) {
            draw_part(g, part, frame, NOBODY, pool->idle.value == IDLE_LEND ? "lent" : "nobody");
        } else {
            draw_part(g, part, frame, draw_colours(g, (size_t)(w->domain - system_domain(g->system, 0)), false),
                      w->domain->name.value);
        }
        svg_text(g->out, (struct svg_place){MARGIN + LABEL + part[0] / frame * BAR_WIDE, g->y + BAR_HIGH + 13}, 10, 0,
                 FAINT, key_time_text(g->arena, w->start));
    }
    svg_text(g->out, (struct svg_place){MARGIN + INNER, g->y + BAR_HIGH + 13}, 10, 0, FAINT " text-anchor=\"end\"",
             key_time_text(g->arena, schedule->major_frame.value));
    g->y += BAR_HIGH + 26;
}

static void draw_budgets(struct drawing *g, const struct pool *pool, unsigned cpu)
{
    double at = 0;

    draw_label(g, pool->name.value, arena_printf(g->arena, "CPU %u", cpu));
    for (size_t i = 0; i < g->system->domains.count; i++) {
        const struct domain *d = system_domain(g->system, i);
        for (uint64_t v = 0; pools_of(g->system, d) == pool && v < d->vcpus.value; v++) {
            double share = (double)d->budget.value / (double)d->period.value;
            const double part[2] = {at, at + share};
            if (d->vcpu_cpu[v] != cpu) {
                continue;
            }
            draw_part(g, part, 1, draw_colours(g, i, false),
                      arena_printf(g->arena, "%s  %s / %s", d->name.value, key_time_text(g->arena, d->budget.value),
                                   key_time_text(g->arena, d->period.value)));
            at += share;
        }
    }
    if (at < 0.999) {
        const double part[2] = {at, 1};
        draw_part(g, part, 1, NOBODY, "not promised");
    }
    g->y += BAR_HIGH + 16;
}

static const char *cpus_of(struct drawing *g, const struct pool *pool)
{
    const struct number *cpu = pool->cpus.item;
    const char *text = pool->cpus.count == 1 ? "CPU" : "CPUs";

    for (size_t i = 0; i < pool->cpus.count; i++) {
        text = arena_printf(g->arena, "%s%s %" PRIu64, text, i == 0 ? "" : ",", cpu[i].value);
    }
    return text;
}

void draw_time(struct drawing *g)
{
    if (g->system->pools.count == 0) {
        return;
    }
    draw_heading(g, "Time", "what each CPU pool promises; windows are the same on all CPUs of a pool");
    for (size_t p = 0; p < g->system->pools.count; p++) {
        const struct pool *pool = system_pool(g->system, p);
        const struct number *cpu = pool->cpus.item;
        switch ((enum pool_policy)pool->policy.value) {
        case POLICY_ARINC653:
            for (size_t i = 0; pools_schedule(pool, i) != NULL; i++) {
                draw_schedule(g, pool, i, cpus_of(g, pool));
            }
            break;
        case POLICY_RTDS:
            for (size_t i = 0; i < pool->cpus.count; i++) {
                draw_budgets(g, pool, (unsigned)cpu[i].value);
            }
            break;
        case POLICY_NULL:
        case POLICY_SHARE:
            draw_label(g, pool->name.value, cpus_of(g, pool));
            svg_text(g->out, (struct svg_place){MARGIN + LABEL, g->y + 21}, 12, 0, NORMAL,
                     pool->policy.value == POLICY_NULL ? "null: each vCPU has a CPU alone"
                                                       : "share: round robin among the pool's domains");
            g->y += BAR_HIGH + 12;
            break;
        }
    }
    g->y += 16;
}
