// SPDX-License-Identifier: Apache-2.0
#include "draw.h"

#include "devices.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "draw_internal.h"
#include "passthrough.h"

#define PILL_HIGH  26.0
#define CARD_WIDE  272.0
#define CARD_HIGH  191.0
#define STAGE_WIDE 168.0
#define STAGE_HIGH 34.0

/* Light fill and strong line of each domain, told apart by brightness as well as by hue. */
static const struct {
    const char *fill, *line;
} palette[] = {
    {"#d6e8fa", "#1f6fb2"}, {"#fde3cc", "#c2570c"}, {"#d3f0e1", "#0f7b55"}, {"#f3dcec", "#a3377f"},
    {"#fff2c4", "#947100"}, {"#dcd9f7", "#5344b5"}, {"#d2eff4", "#0e7283"}, {"#e6e6e6", "#4a4a4a"},
};
#define PALETTE (sizeof(palette) / sizeof(palette[0]))

const char *draw_colours(const struct drawing *g, size_t domain, bool strong)
{
    return arena_printf(g->arena, "fill=\"%s\" stroke=\"%s\" stroke-width=\"%s\"", palette[domain % PALETTE].fill,
                        palette[domain % PALETTE].line, strong ? "2.5" : "1.2");
}

void draw_heading(struct drawing *g, const char *title, const char *hint)
{
    svg_text(g->out, (struct svg_place){MARGIN, g->y + 18}, 18, 0, TITLE, title);
    svg_text(g->out, (struct svg_place){MARGIN + svg_text_width(title, 18) + 28, g->y + 18}, 12, 0, FAINT, hint);
    g->y += 34;
}

const char *draw_size_text(const struct drawing *g, uint64_t bytes)
{
    uint64_t mib = bytes >> 20;

    if (mib >= 10240 || (mib >= 1024 && mib % 1024 == 0)) {
        return arena_printf(g->arena, mib % 1024 == 0 ? "%.0f GiB" : "%.1f GiB", (double)mib / 1024);
    }
    return mib > 0 ? arena_printf(g->arena, "%" PRIu64 " MiB", mib)
                   : arena_printf(g->arena, "%" PRIu64 " KiB", bytes >> 10);
}

static void draw_title(struct drawing *g)
{
    const struct system *s = g->system;
    const char *board = s->board.description.given ? s->board.description.value : s->board.name.value;

    svg_text(g->out, (struct svg_place){MARGIN, g->y + 26}, 26, INNER, TITLE, s->name.value);
    svg_text(g->out, (struct svg_place){MARGIN, g->y + 50}, 14, INNER, FAINT,
             arena_printf(g->arena, "%s \xc2\xb7 %" PRIu64 " CPUs \xc2\xb7 %s RAM \xc2\xb7 %zu domains", board,
                          s->board.cpus.value, draw_size_text(g, board_memory(&s->board)), s->domains.count));
    g->y += 78;
}

/* A vCPU, or the Boot Domain, on its CPU. */
static void draw_pill(struct drawing *g, struct svg_box at, const char *style, const char *text)
{
    svg_rect(g->out, at, PILL_HIGH / 2, style);
    svg_text(g->out, (struct svg_place){at.x + at.width / 2, at.y + at.height / 2 + 4}, 12, at.width - 12, CENTRED,
             text);
}

static bool cpu_of_safe(const struct system *s, unsigned cpu)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        const struct number *list = d->cpus.item;
        for (size_t j = 0; d->safe.value && j < d->cpus.count; j++) {
            if (list[j].value == cpu) {
                return true;
            }
        }
    }
    return false;
}

static const char *cpu_note(const struct system *s, unsigned cpu)
{
    for (size_t p = 0; p < s->pools.count; p++) {
        if (pools_has(system_pool(s, p), cpu)) {
            return system_pool(s, p)->name.value;
        }
    }
    return "one safe domain";
}

static unsigned pills_on(const struct system *s, unsigned cpu)
{
    unsigned count = s->boot_cpu == cpu;

    for (size_t i = 0; i < s->domains.count; i++) {
        for (uint64_t v = 0; v < system_domain(s, i)->vcpus.value; v++) {
            count += system_domain(s, i)->vcpu_cpu[v] == cpu;
        }
    }
    return count;
}

static void draw_cpu(struct drawing *g, struct svg_box box, unsigned cpu)
{
    const struct system *s = g->system;
    bool safe = cpu_of_safe(s, cpu);
    double y = box.y + 38;

    svg_rect(g->out, box, 10,
             safe ? "fill=\"#f6fef9\" stroke=\"#0f7b55\" stroke-width=\"2\"" : "fill=\"#f9fafb\" stroke=\"#d0d5dd\"");
    svg_text(g->out, (struct svg_place){box.x + 12, box.y + 23}, 14, 0, TITLE, arena_printf(g->arena, "CPU %u", cpu));
    if (safe) {
        svg_text(g->out, (struct svg_place){box.x + box.width - 12, box.y + 23}, 11, 0,
                 "fill=\"#0f7b55\" text-anchor=\"end\"", cpu_note(s, cpu));
    }
    if (s->boot_cpu == cpu) {
        draw_pill(g, (struct svg_box){box.x + 10, y, box.width - 20, PILL_HIGH},
                  "fill=\"#ffffff\" stroke=\"#667085\" stroke-dasharray=\"4 3\"", "Boot Domain, until it exits");
        y += PILL_HIGH + 6;
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        for (uint64_t v = 0; v < d->vcpus.value; v++) {
            if (d->vcpu_cpu[v] == cpu) {
                draw_pill(g, (struct svg_box){box.x + 10, y, box.width - 20, PILL_HIGH}, draw_colours(g, i, false),
                          d->vcpus.value == 1 ? d->name.value
                                              : arena_printf(g->arena, "%s \xc2\xb7 vCPU %" PRIu64, d->name.value, v));
                y += PILL_HIGH + 6;
            }
        }
    }
}

static void draw_cpus(struct drawing *g)
{
    unsigned count = (unsigned)g->system->board.cpus.value;
    unsigned a_row = count < 5 ? count : count < 9 ? (count + 1) / 2 : 6;
    double wide = (INNER - GAP * (a_row - 1)) / a_row;

    draw_heading(g, "CPUs",
                 g->system->pools.count == 0
                     ? "every vCPU stays on its CPU; a safe domain's CPU runs nothing else"
                     : "every vCPU stays on its CPU; who shares one is kept apart by the pool's policy");
    for (unsigned first = 0; first < count; first += a_row) {
        unsigned most = 1;
        for (unsigned cpu = first; cpu < first + a_row && cpu < count; cpu++) {
            unsigned pills = pills_on(g->system, cpu);
            most = pills > most ? pills : most;
        }
        double high = 44 + most * (PILL_HIGH + 6);
        for (unsigned cpu = first; cpu < first + a_row && cpu < count; cpu++) {
            draw_cpu(g, (struct svg_box){MARGIN + (cpu - first) * (wide + GAP), g->y, wide, high}, cpu);
        }
        g->y += high + GAP;
    }
    g->y += 12;
}

static void draw_badge(struct drawing *g, double right, double y, const char *text, const char *colour)
{
    double wide = svg_text_width(text, 11) + 14;

    svg_rect(g->out, (struct svg_box){right - wide, y, wide, 20}, 10, arena_printf(g->arena, "fill=\"%s\"", colour));
    svg_text(g->out, (struct svg_place){right - wide / 2, y + 14}, 11, 0, "fill=\"#ffffff\" text-anchor=\"middle\"",
             text);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static void draw_line(struct drawing *g, struct svg_box card, unsigned row, const char *key, const char *value)
{
    double y = card.y + 56 + row * 19;

    svg_text(g->out, (struct svg_place){card.x + 18, y}, 12, 0, FAINT, key);
    svg_text(g->out, (struct svg_place){card.x + 92, y}, 12, card.width - 102, NORMAL, value);
}

static const char *cpus_text(struct drawing *g, const struct domain *d)
{
    const char *text = arena_printf(g->arena, "%" PRIu64 " on CPU", d->vcpus.value);

    for (uint64_t v = 0; v < d->vcpus.value && v < 16; v++) {
        text = arena_printf(g->arena, "%s%s %u", text, v == 0 ? "" : ",", d->vcpu_cpu[v]);
    }
    return text;
}

/* Devices of the board, then those of other domains. */
static const char *own_devices_text(struct drawing *g, const struct domain *d)
{
    const struct text *name = d->passthrough.item;
    const char *text = d->file[MODULE_DEVICE_TREE].given ? base_name(d->file[MODULE_DEVICE_TREE].value) : "";
    const char *others = devices_text(g->arena, d);

    for (size_t i = 0; i < d->passthrough.count; i++) {
        const struct board_device *device = passthrough_find(&g->system->board, name[i].value);
        const char *shown = device != NULL && device->alias.given ? device->alias.value : base_name(name[i].value);
        text = arena_printf(g->arena, "%s%s%s", text, i == 0 ? "" : ", ", shown);
    }
    if (*text == '\0') {
        return *others == '\0' ? "none" : others;
    }
    return *others == '\0' ? text : arena_printf(g->arena, "%s, %s", text, others);
}

static const char *after_text(struct drawing *g, const struct domain *d)
{
    const struct text *after = d->after.item;
    const char *text = d->after.count == 0 ? "nobody" : "";

    for (size_t i = 0; i < d->after.count; i++) {
        text = arena_printf(g->arena, "%s%s%s", text, i == 0 ? "" : ", ", after[i].value);
    }
    return text;
}

static const char *const consoles[] = {
    [CONSOLE_VPL011] = "virtual PL011", [CONSOLE_NONE] = "hypercall only", [CONSOLE_PV] = "paravirtual"};

static void draw_card(struct drawing *g, struct svg_box card, size_t index)
{
    const struct domain *d = system_domain(g->system, index);
    const struct text *kernel = &d->file[MODULE_KERNEL];
    const struct text *ramdisk = &d->file[MODULE_RAMDISK];
    double right = card.x + card.width - 12;

    svg_rect(g->out, card, 10, "fill=\"#ffffff\" stroke=\"#d0d5dd\"");
    svg_rect(g->out, (struct svg_box){card.x, card.y, 8, card.height}, 3,
             arena_printf(g->arena, "fill=\"%s\"", palette[index % PALETTE].line));
    svg_text(g->out, (struct svg_place){card.x + 18, card.y + 27}, 16, card.width - 130, TITLE, d->name.value);
    if (d->safe.value) {
        draw_badge(g, right, card.y + 13, "safe", "#0f7b55");
        right -= 48;
    }
    if (d->role.value != ROLE_DOMU) {
        draw_badge(g, right, card.y + 13, role_choices[d->role.value], "#5344b5");
    }
    draw_line(g, card, 0, "memory",
              arena_printf(g->arena, "%s%s", draw_size_text(g, d->memory.value),
                           d->direct_map.value          ? ", direct map"
                           : d->static_memory.count > 0 ? ", static"
                                                        : ""));
    draw_line(g, card, 1, "vCPUs", cpus_text(g, d));
    draw_line(g, card, 2, "kernel", base_name(kernel->value));
    draw_line(g, card, 3, "ramdisk", ramdisk->given ? base_name(ramdisk->value) : "none");
    draw_line(g, card, 4, "console", consoles[d->console.value]);
    draw_line(g, card, 5, "devices", own_devices_text(g, d));
    draw_line(g, card, 6, "waits for", after_text(g, d));
}

static void draw_cards(struct drawing *g)
{
    size_t a_row = 4;

    draw_heading(g, "Domains", "each gets what is written here, and nothing else");
    for (size_t i = 0; i < g->system->domains.count; i++) {
        double x = MARGIN + (double)(i % a_row) * (CARD_WIDE + GAP);
        draw_card(g, (struct svg_box){x, g->y, CARD_WIDE, CARD_HIGH}, i);
        if (i % a_row == a_row - 1 || i + 1 == g->system->domains.count) {
            g->y += CARD_HIGH + GAP;
        }
    }
    g->y += 12;
}

size_t draw_index_of(const struct system *s, const char *name)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (strcmp(system_domain(s, i)->name.value, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* The stage of each domain: one more than the latest that it waits for. The order has no cycle. */
static unsigned find_stages(const struct system *s, unsigned stage[LAUNCH_MAX_DOMAINS])
{
    unsigned last = 0;

    for (size_t round = 0; round < s->domains.count; round++) {
        for (size_t i = 0; i < s->domains.count; i++) {
            const struct domain *d = system_domain(s, i);
            const struct text *after = d->after.item;
            for (size_t j = 0; j < d->after.count; j++) {
                size_t other = draw_index_of(s, after[j].value);
                if (other != SIZE_MAX && stage[i] < stage[other] + 1) {
                    stage[i] = stage[other] + 1;
                }
            }
            last = stage[i] > last ? stage[i] : last;
        }
    }
    return last;
}

/* Where each domain stands in the launch picture: a column a stage, safe ones on top. */
static unsigned place_stages(const struct drawing *g, const unsigned *stage, double step, struct svg_box *box)
{
    const struct system *s = g->system;
    unsigned rows[LAUNCH_MAX_DOMAINS] = {0};
    unsigned most = 0;

    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < s->domains.count; i++) {
            if (system_domain(s, i)->safe.value != (pass == 0)) {
                continue;
            }
            unsigned row = rows[stage[i]]++;
            most = row + 1 > most ? row + 1 : most;
            box[i] = (struct svg_box){MARGIN + (stage[i] + 1) * step, g->y + row * (STAGE_HIGH + 12), STAGE_WIDE,
                                      STAGE_HIGH};
        }
    }
    return most;
}

static void draw_order(struct drawing *g)
{
    const struct system *s = g->system;
    unsigned stage[LAUNCH_MAX_DOMAINS] = {0};
    struct svg_box box[LAUNCH_MAX_DOMAINS];
    unsigned last = find_stages(s, stage);
    double step = last < 4 ? STAGE_WIDE + 100 : (INNER - STAGE_WIDE) / (last + 1);

    draw_heading(g, "Launch",
                 "the Boot Domain starts each domain once those it waits for have been started, safe ones first");
    unsigned most = place_stages(g, stage, step, box);
    double high = most * (STAGE_HIGH + 12);
    struct svg_box boot = {MARGIN, g->y + (high - 12 - STAGE_HIGH) / 2, STAGE_WIDE, STAGE_HIGH};
    draw_pill(g, boot, "fill=\"#ffffff\" stroke=\"#667085\" stroke-dasharray=\"4 3\"", "Boot Domain");
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        const struct text *after = d->after.item;
        if (d->after.count == 0) {
            svg_arrow(g->out, boot, box[i]);
        }
        for (size_t j = 0; j < d->after.count; j++) {
            size_t other = draw_index_of(s, after[j].value);
            if (other != SIZE_MAX) {
                svg_arrow(g->out, box[other], box[i]);
            }
        }
        svg_rect(g->out, box[i], 8, draw_colours(g, i, d->safe.value));
        svg_text(g->out, (struct svg_place){box[i].x + STAGE_WIDE / 2, box[i].y + 22}, 13, STAGE_WIDE - 12, CENTRED,
                 d->name.value);
    }
    g->y += high + 22;
}

/* A piece of a memory bar, labelled where it is wide enough. */
static void draw_piece(struct drawing *g, struct svg_box box, const char *style, const char *name, uint64_t bytes)
{
    svg_rect(g->out, box, 0, style);
    if (box.width > 60) {
        svg_text(g->out, (struct svg_place){box.x + box.width / 2, box.y + 22}, 12, box.width - 8, CENTRED, name);
        svg_text(g->out, (struct svg_place){box.x + box.width / 2, box.y + 38}, 11, box.width - 4,
                 "fill=\"#344054\" text-anchor=\"middle\"", draw_size_text(g, bytes));
    }
}

/* One RAM range to scale: the image, then static memory, then what is the pool's. */
static void draw_range(struct drawing *g, const struct range *ram)
{
    double base = (double)ram->base.value;
    double scale = INNER / (double)ram->size.value;

    svg_rect(g->out, (struct svg_box){MARGIN, g->y, INNER, 48}, 0, "fill=\"#f2f4f7\" stroke=\"#98a2b3\"");
    if (g->span.base >= ram->base.value && g->span.base - ram->base.value < ram->size.value) {
        double wide = (double)g->span.size * scale;
        draw_piece(g, (struct svg_box){MARGIN + ((double)g->span.base - base) * scale, g->y, wide < 3 ? 3 : wide, 48},
                   "fill=\"#c9ced6\" stroke=\"#475467\"", "image", g->span.size);
    }
    for (size_t i = 0; i < g->system->domains.count; i++) {
        const struct domain *d = system_domain(g->system, i);
        const struct range *part = d->static_memory.item;
        for (size_t j = 0; j < d->static_memory.count; j++) {
            if (part[j].base.value < ram->base.value || part[j].base.value - ram->base.value >= ram->size.value) {
                continue;
            }
            double wide = (double)part[j].size.value * scale;
            draw_piece(
                g,
                (struct svg_box){MARGIN + ((double)part[j].base.value - base) * scale, g->y, wide < 3 ? 3 : wide, 48},
                draw_colours(g, i, false), d->name.value, part[j].size.value);
        }
    }
    svg_text(g->out, (struct svg_place){MARGIN, g->y + 64}, 11, 0, FAINT,
             arena_printf(g->arena, "0x%" PRIx64, ram->base.value));
    svg_text(g->out, (struct svg_place){MARGIN + INNER, g->y + 64}, 11, 0, "fill=\"#667085\" text-anchor=\"end\"",
             arena_printf(g->arena, "0x%" PRIx64, ram->base.value + ram->size.value));
    g->y += 78;
}

static void draw_legend_entry(struct drawing *g, unsigned slot, const char *style, const char *text)
{
    double x = MARGIN + (slot % 4) * (INNER / 4);
    unsigned row = slot / 4;
    double y = g->y + row * 24.0;

    svg_rect(g->out, (struct svg_box){x, y, 14, 14}, 3, style);
    svg_text(g->out, (struct svg_place){x + 22, y + 12}, 12, INNER / 4 - 30, NORMAL, text);
}

/* Who has how much, all of it to one scale. */
static void draw_amounts(struct drawing *g)
{
    const struct system *s = g->system;
    uint64_t total = board_memory(&s->board);
    uint64_t used = g->span.size;
    double scale = INNER / (double)total;
    double x = MARGIN + (double)g->span.size * scale;
    unsigned slot = 0;

    svg_rect(g->out, (struct svg_box){MARGIN, g->y, INNER, 48}, 0, "fill=\"#ffffff\" stroke=\"#98a2b3\"");
    draw_piece(g, (struct svg_box){MARGIN, g->y, (double)g->span.size * scale, 48},
               "fill=\"#c9ced6\" stroke=\"#475467\"", "image", g->span.size);
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        double wide = (double)d->memory.value * scale;
        draw_piece(g, (struct svg_box){x, g->y, wide < 2 ? 2 : wide, 48}, draw_colours(g, i, false), d->name.value,
                   d->memory.value);
        x += wide;
        used += d->memory.value;
    }
    uint64_t left = total > used ? total - used : 0;
    svg_text(g->out, (struct svg_place){(x + MARGIN + INNER) / 2, g->y + 29}, 12, MARGIN + INNER - x,
             "fill=\"#667085\" text-anchor=\"middle\"", arena_printf(g->arena, "%s left", draw_size_text(g, left)));
    g->y += 64;
    draw_legend_entry(g, slot++, "fill=\"#c9ced6\" stroke=\"#475467\"",
                      arena_printf(g->arena, "image and hypervisor  %s", draw_size_text(g, g->span.size)));
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        draw_legend_entry(g, slot++, draw_colours(g, i, false),
                          arena_printf(g->arena, "%s  %s", d->name.value, draw_size_text(g, d->memory.value)));
    }
    unsigned rows = (slot + 3) / 4;
    g->y += rows * 24.0 + 12;
}

static bool has_static(const struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (system_domain(s, i)->static_memory.count > 0) {
            return true;
        }
    }
    return false;
}

static void draw_memory(struct drawing *g)
{
    const struct range *ram = g->system->board.memory.item;

    draw_heading(g, "Memory",
                 "to scale; the image's part includes the launch archive, most of which moves into the domains");
    draw_amounts(g);
    if (has_static(g->system)) {
        svg_text(g->out, (struct svg_place){MARGIN, g->y + 12}, 12, 0, FAINT,
                 "physical addresses of the image and of static memory");
        g->y += 22;
        for (size_t i = 0; i < g->system->board.memory.count; i++) {
            draw_range(g, &ram[i]);
        }
    }
}

void draw_system(struct arena *arena, struct buffer *out, const struct system *s, struct image_span span)
{
    struct buffer body = {0};
    struct drawing g = {.arena = arena, .out = &body, .system = s, .span = span, .y = MARGIN};

    draw_title(&g);
    draw_cpus(&g);
    draw_time(&g);
    draw_order(&g);
    draw_cards(&g);
    draw_rights(&g);
    draw_shared(&g);
    draw_memory(&g);
    svg_open(out, WIDTH, g.y + MARGIN / 2, s->name.value);
    buffer_add(out, body.data, body.size);
    svg_close(out);
    buffer_release(&body);
}
