// SPDX-License-Identifier: Apache-2.0
/* check, build, draw, board. */
#include <inttypes.h>
#include <string.h>

#include "draw.h"
#include "file.h"
#include "launch.h"
#include "tool.h"

int verb_check(struct tool *t, int argc, char **argv)
{
    struct system s;
    int code;
    const char *file = tool_only_file(t, tool_find_verb("check"), argc, argv, &code);

    if (file == NULL) {
        return code;
    }
    if (tool_load_system(t, file, &s)) {
        printf("%s: good: %zu domains on %s, %" PRIu64 " CPUs, %" PRIu64 " MiB\n", file, s.domains.count,
               s.board.name.value, s.board.cpus.value, board_memory(&s.board) >> 20);
    }
    return tool_finish(t);
}

/* NAME.yaml -> build/NAME.img or build/NAME.cpio */
static const char *output_path(struct tool *t, const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(base, '.');
    int length = dot == NULL || dot == base ? (int)strlen(base) : (int)(dot - base);

    if (t->output != NULL) {
        return t->output;
    }
    return file_in_root(&t->arena,
                        arena_printf(&t->arena, "build/%.*s.%s", length, base, t->archive_only ? "cpio" : "img"));
}

/* The domains of a host's device tree, checked; modules stay where the boot loader puts them. */
static bool load_host_tree(struct tool *t, const char *file, struct system *s)
{
    struct bytes data;

    *s = (struct system){.file = file, .name = {.value = "dom0less"}};
    return tool_read(t, file, &data) && build_read_tree(&t->arena, &t->diags, file, data, &t->build, s);
}

int verb_build(struct tool *t, int argc, char **argv)
{
    struct system s;
    struct buffer image = {0};
    int code;
    const char *file = tool_only_file(t, tool_find_verb("build"), argc, argv, &code);

    if (file == NULL) {
        return code;
    }
    if (t->dom0less && t->archive_only) {
        return tool_usage(tool_find_verb("build"), "--dom0less has no archive");
    }
    bool loaded = t->dom0less ? load_host_tree(t, file, &s) : tool_load_system(t, file, &s);
    if (loaded && t->archive_only) {
        s.is_later = true;
        launch_archive(&t->arena, &s, &image);
    } else if (!loaded || !build_image(&t->arena, &t->diags, &t->build, &s, &image)) {
        return tool_finish(t);
    }
    const char *output = output_path(t, file);
    if (tool_write(t, output, buffer_bytes(&image))) {
        printf("%s: %zu domains, %zu KiB\n", output, s.domains.count, image.size / 1024);
    }
    buffer_release(&image);
    return tool_finish(t);
}

int verb_draw(struct tool *t, int argc, char **argv)
{
    struct system s;
    struct buffer picture = {0};
    int code;
    const char *file = tool_only_file(t, tool_find_verb("draw"), argc, argv, &code);

    if (file == NULL) {
        return code;
    }
    if (!tool_load_system(t, file, &s)) {
        return tool_finish(t);
    }
    draw_system(&t->arena, &picture, &s, build_span(&t->arena, &t->build, &s));
    tool_write(t, t->output != NULL ? t->output : "-", buffer_bytes(&picture));
    buffer_release(&picture);
    return tool_finish(t);
}

int verb_board(struct tool *t, int argc, char **argv)
{
    struct board board;
    struct board_table table;
    struct bytes text;
    int code;
    const struct verb *verb = tool_find_verb("board");
    const char *file = tool_only_file(t, verb, argc, argv, &code);

    if (file == NULL) {
        return code;
    }
    if (t->import) {
        return tool_import_board(t, file);
    }
    if (t->output == NULL) {
        return tool_usage(verb, "-o names no file");
    }
    if (tool_read(t, file, &text)) {
        board_read(&t->arena, &t->diags, file, text, &board);
    }
    if (t->diags.errors == 0) {
        board_resize(&t->diags, &board, t->build.cpus, t->build.memory);
    }
    if (t->diags.errors > 0) {
        return tool_finish(t);
    }
    board_table_make(&board, &table);
    tool_write(t, t->output, (struct bytes){.data = (const uint8_t *)&table, .size = sizeof(table)});
    return tool_finish(t);
}
