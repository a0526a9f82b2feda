// SPDX-License-Identifier: Apache-2.0
#include "build.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "labels.h"
#include "launch.h"
#include "modules.h"
#include "passthrough.h"
#include "tree.h"

/* What is assumed of binaries that are not there yet, so that `check` works before the first build. */
#define ASSUMED_BINARY (UINT64_C(1) << 20)

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t suffix_length = strlen(suffix);

    return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

static int is_board(const struct dirent *entry)
{
    return has_suffix(entry->d_name, ".yaml");
}

static const char *known_boards(struct arena *arena)
{
    struct buffer names = {0};
    struct dirent **entries = NULL;
    int count = scandir(file_in_root(arena, "boards"), &entries, is_board, alphasort);

    for (int i = 0; i < count; i++) {
        buffer_printf(&names, "%s%.*s", i == 0 ? "" : ", ", (int)strlen(entries[i]->d_name) - 5, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    const char *text = arena_text(arena, (const char *)names.data, names.size);
    buffer_release(&names);
    return text;
}

bool build_read_board(struct arena *arena, struct diags *d, const char *file, struct text name, struct board *board)
{
    bool is_path = has_suffix(name.value, ".yaml") || strchr(name.value, '/') != NULL;
    const char *path = is_path ? file_beside(arena, file, name.value)
                               : file_in_root(arena, arena_printf(arena, "boards/%s.yaml", name.value));
    struct bytes text;
    size_t before = d->errors;

    int error = file_read(arena, path, &text);
    if (error != 0) {
        diag_error(d, name.at, "board-exists",
                   "the board `%s` cannot be read (%s: %s); the boards are %s, or write a path", name.value, path,
                   strerror(error), known_boards(arena));
        return false;
    }
    board_read(arena, d, path, text, board);
    return d->errors == before;
}

static struct place command_line(void)
{
    return (struct place){.file = "command line", .line = 1, .column = 1};
}

bool build_read_system(struct arena *arena, struct diags *d, const char *file, struct bytes text,
                       const struct build_options *options, struct system *s)
{
    size_t before = d->errors;
    struct yaml_node *root = yaml_parse(arena, d, file, text);

    *s = (struct system){.file = file};
    if (root == NULL) {
        return false;
    }
    key_decode(arena, d, &system_keys, root, s);
    if (options->board != NULL) {
        s->board_choice.name = (struct text){.value = options->board, .at = command_line(), .given = true};
    }
    if (!s->board_choice.name.given ||
        !build_read_board(arena, d, options->board != NULL ? "" : file, s->board_choice.name, &s->board)) {
        return false;
    }
    board_resize(d, &s->board, options->cpus.given ? options->cpus : s->board_choice.cpus,
                 options->memory.given ? options->memory : s->board_choice.memory);
    passthrough_fill(arena, s);
    system_fill(s);
    rules_check(d, s);
    return d->errors == before;
}

static const char *hypervisor_path(struct arena *arena, const struct build_options *options)
{
    return options->hypervisor != NULL ? options->hypervisor : file_in_root(arena, BUILD_HYPERVISOR);
}

static const char *boot_domain_path(struct arena *arena, const struct build_options *options)
{
    return options->boot_domain != NULL ? options->boot_domain : file_in_root(arena, BUILD_BOOT_DOMAIN);
}

static uint64_t assumed_size(struct arena *arena, const char *path)
{
    struct bytes data;

    return file_read(arena, path, &data) == 0 ? data.size : ASSUMED_BINARY;
}

static bool is_outside(const struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (system_domain(s, i)->module[MODULE_KERNEL].has_address) {
            return true;
        }
    }
    return false;
}

/* The image's span from the sizes of its files. */
struct image_span build_span(struct arena *arena, const struct build_options *options, const struct system *s)
{
    struct board_table table;
    struct buffer archive = {0};

    board_table_make(&s->board, &table);
    if (!is_outside(s)) {
        launch_archive(arena, s, &archive);
    }
    uint64_t before = align_up(assumed_size(arena, hypervisor_path(arena, options)), 4096) +
                      align_up(sizeof(table), 4096) + assumed_size(arena, boot_domain_path(arena, options));
    uint64_t size =
        align_up(align_up(before, 1 << 21) + archive.size, 1 << 21) + image_runtime_size(&table, s->boot_memory);
    buffer_release(&archive);
    return (struct image_span){.base = s->board.load_address.value, .size = size};
}

bool build_check(struct arena *arena, struct diags *d, const struct build_options *options, struct system *s)
{
    size_t before = d->errors;

    labels_compile(arena, d, s);
    modules_read(arena, d, s);
    modules_plan(s);
    if (d->errors > before) {
        return false;
    }
    rules_check_memory(d, s, build_span(arena, options, s));
    return d->errors == before;
}

bool build_read_tree(struct arena *arena, struct diags *d, const char *file, struct bytes data,
                     const struct build_options *options, struct system *s)
{
    size_t before = d->errors;
    struct tree tree;

    if (!tree_open(&tree, arena, d, place_offset(file, 0), data)) {
        return false;
    }
    struct text name = {.value = options->board, .at = command_line(), .given = true};
    if (options->board != NULL ? !build_read_board(arena, d, "", name, &s->board)
                               : !tree_read_board(&tree, &s->board)) {
        return false;
    }
    board_resize(d, &s->board, options->cpus, options->memory);
    if (!tree_read_domains(&tree, s).found) {
        diag_error(d, tree_place(&tree, 0), "import-domain",
                   "there is no domain below /chosen; give a tree with `xen,domain` nodes");
    }
    diag_drop_notes(d); /* the Boot Domain reads the tree itself and reports what it does not know */
    if (d->errors > before) {
        return false;
    }
    system_fill(s);
    rules_check(d, s);
    rules_check_memory(d, s, build_span(arena, options, s));
    return d->errors == before;
}

static bool read_binary(struct arena *arena, struct diags *d, const char *path, const char *what, struct bytes *out)
{
    int error = file_read(arena, path, out);

    if (error == 0 && out->size > 0) {
        return true;
    }
    diag_error(d, place_offset(path, 0), "file-exists",
               "the %s cannot be read (%s); run `make`, or name it on the command line", what,
               error == 0 ? "it is empty" : strerror(error));
    return false;
}

bool build_image(struct arena *arena, struct diags *d, const struct build_options *options, struct system *s,
                 struct buffer *out)
{
    struct image_parts parts = {.boot_domain_memory = s->boot_memory, .boot_domain_cpu = s->boot_cpu};
    struct board_table table;
    struct buffer archive = {0};
    const char *hypervisor = hypervisor_path(arena, options);

    bool found = read_binary(arena, d, hypervisor, "hypervisor", &parts.hypervisor);
    found = read_binary(arena, d, boot_domain_path(arena, options), "Boot Domain", &parts.boot_domain) && found;
    if (!found || !image_check_hypervisor(d, hypervisor, parts.hypervisor)) {
        return false;
    }
    board_table_make(&s->board, &table);
    table.console_cpu = s->boot_cpu; /* keeps the UART's interrupt off safe domains */
    if (!is_outside(s)) {
        launch_archive(arena, s, &archive);
    }
    parts.board = (struct bytes){.data = (const uint8_t *)&table, .size = sizeof(table)};
    parts.archive = buffer_bytes(&archive);
    image_make(&parts, out);
    buffer_release(&archive);
    return true;
}
