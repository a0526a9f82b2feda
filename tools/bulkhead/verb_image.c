// SPDX-License-Identifier: Apache-2.0
/* inspect, image. */
#include <string.h>

#include "inspect.h"
#include "tool.h"

int verb_inspect(struct tool *t, int argc, char **argv)
{
    struct bytes data;
    struct buffer out = {0};

    if (argc != 1 || argv[0][0] == '-') {
        return tool_usage(tool_find_verb("inspect"), "one image is expected");
    }
    if (tool_read(t, argv[0], &data)) {
        inspect_image(&t->arena, &t->diags, argv[0], data, &out);
    }
    fwrite(out.data, 1, out.size, stdout);
    buffer_release(&out);
    return tool_finish(t);
}

/* Pieces that shall replace those of an image. */
struct replacement {
    const char *image;
    const char *archive;
    const char *extract;
    bool no_archive;
    struct number boot_memory;
    struct number boot_cpu;
};

static int take_image_value(const struct verb *verb, struct replacement *r, int argc, char **argv, int *i)
{
    const char *name = argv[*i];
    const bool known = strcmp(name, "--archive") == 0 || strcmp(name, "--extract-archive") == 0 ||
                       strcmp(name, "--boot-memory") == 0 || strcmp(name, "--boot-cpu") == 0;

    if (!known) {
        return 0;
    }
    if (*i + 1 >= argc) {
        tool_usage(verb, "%s has no value; write one behind it", name);
        return -1;
    }
    const char *value = argv[++*i];
    bool good = true;
    if (strcmp(name, "--archive") == 0) {
        r->archive = value;
    } else if (strcmp(name, "--extract-archive") == 0) {
        r->extract = value;
    } else if (strcmp(name, "--boot-memory") == 0) {
        good = r->boot_memory.given = key_parse_size(value, &r->boot_memory.value);
    } else {
        good = r->boot_cpu.given = key_parse_number(value, &r->boot_cpu.value);
    }
    if (!good) {
        tool_usage(verb, "`%s` is no value of %s", value, name);
    }
    return good ? 1 : -1;
}

static int take_arguments(struct tool *t, const struct verb *verb, struct replacement *r, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        int taken = tool_take_option(t, verb, argc, argv, &i);
        if (taken == 0 && strcmp(argv[i], "--no-archive") == 0) {
            r->no_archive = true;
            continue;
        }
        taken = taken == 0 ? take_image_value(verb, r, argc, argv, &i) : taken;
        if (taken < 0) {
            return EXIT_USAGE;
        }
        if (taken == 0 && (argv[i][0] == '-' || r->image != NULL)) {
            return tool_usage(verb, "`%s` is not understood here", argv[i]);
        }
        r->image = taken == 0 ? argv[i] : r->image;
    }
    return r->image == NULL ? tool_usage(verb, "no image is named") : 0;
}

/* A board table from a description or a file made by `bulkhead board`. */
static bool replace_board(struct tool *t, struct image_parts *parts)
{
    struct bytes data;
    struct board board;
    const char *file = t->build.board;
    size_t length = strlen(file);
    struct board_table *table = arena_alloc(&t->arena, 1, sizeof(*table));

    if (length > 4 && strcmp(file + length - 4, ".bin") == 0) {
        if (!tool_read(t, file, &data) || !board_table_check(&t->diags, file, 0, data)) {
            return false;
        }
        parts->board = (struct bytes){.data = data.data, .size = sizeof(*table)};
        return true;
    }
    struct text name = {.value = file, .at = {.file = "command line", .line = 1, .column = 1}, .given = true};
    if (!build_read_board(&t->arena, &t->diags, "", name, &board)) {
        return false;
    }
    board_resize(&t->diags, &board, t->build.cpus, t->build.memory);
    board_table_make(&board, table);
    table->console_cpu = parts->boot_domain_cpu;
    parts->board = (struct bytes){.data = (const uint8_t *)table, .size = sizeof(*table)};
    return t->diags.errors == 0;
}

static bool replace_files(struct tool *t, const struct replacement *r, struct image_parts *parts)
{
    if (t->build.hypervisor != NULL && (!tool_read(t, t->build.hypervisor, &parts->hypervisor) ||
                                        !image_check_hypervisor(&t->diags, t->build.hypervisor, parts->hypervisor))) {
        return false;
    }
    if (t->build.boot_domain != NULL && !tool_read(t, t->build.boot_domain, &parts->boot_domain)) {
        return false;
    }
    if (r->archive != NULL && !tool_read(t, r->archive, &parts->archive)) {
        return false;
    }
    if (r->no_archive) {
        parts->archive = (struct bytes){0};
    }
    return t->build.board == NULL || replace_board(t, parts);
}

/* The changed image must stand the same inspection as any other. */
static int write_replaced(struct tool *t, const struct replacement *r, const struct image_parts *parts)
{
    struct buffer image = {0};
    struct buffer text = {0};
    const char *output = t->output != NULL ? t->output : r->image;

    image_make(parts, &image);
    if (inspect_image(&t->arena, &t->diags, output, buffer_bytes(&image), &text)) {
        tool_write(t, output, buffer_bytes(&image));
    }
    buffer_release(&text);
    buffer_release(&image);
    return tool_finish(t);
}

int verb_image(struct tool *t, int argc, char **argv)
{
    struct replacement r = {0};
    struct bytes data;
    struct image_view view;
    int code = take_arguments(t, tool_find_verb("image"), &r, argc, argv);

    if (code != 0) {
        return code;
    }
    if (!tool_read(t, r.image, &data) || !image_open(&t->diags, r.image, data, &view)) {
        return tool_finish(t);
    }
    if (r.extract != NULL) {
        tool_write(t, r.extract, view.parts.archive);
        return tool_finish(t);
    }
    view.parts.boot_domain_memory = r.boot_memory.given ? r.boot_memory.value : view.parts.boot_domain_memory;
    view.parts.boot_domain_cpu = r.boot_cpu.given ? (uint32_t)r.boot_cpu.value : view.parts.boot_domain_cpu;
    if (!replace_files(t, &r, &view.parts)) {
        return tool_finish(t);
    }
    return write_replaced(t, &r, &view.parts);
}
