// SPDX-License-Identifier: Apache-2.0
/* import, and board --import. */
#include <inttypes.h>
#include <string.h>

#include "describe.h"
#include "imagebuilder.h"
#include "tool.h"
#include "tree.h"

#define DTB_MAGIC "\xd0\x0d\xfe\xed"

static bool is_tree(struct bytes data)
{
    return data.size >= 4 && memcmp(data.data, DTB_MAGIC, 4) == 0;
}

/* A tree says where a boot loader puts a module, not which file it is. */
static void ask_for_files(struct tool *t, const struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        for (unsigned kind = 0; kind < MODULE_KINDS; kind++) {
            if (d->module[kind].has_address) {
                diag_note(&t->diags, d->module[kind].at, "import-file",
                          "domain `%s`: the file that is loaded at 0x%" PRIx64
                          " is not named; write its path instead of `%s`",
                          d->name.value, d->module[kind].address, d->file[kind].value);
            }
        }
    }
}

static void import_tree(struct tool *t, const char *file, struct bytes data, struct system *s)
{
    struct tree tree;

    if (!tree_open(&tree, &t->arena, &t->diags, place_offset(file, 0), data)) {
        return;
    }
    const char *compatible = tree_text(&tree, 0, "compatible");
    if (t->build.board == NULL && compatible != NULL) {
        const char *known = tree_known_board(compatible);
        s->board_choice.name.value = known != compatible ? known : NULL;
    }
    struct tree_domains found = tree_read_domains(&tree, s);
    if (!found.found && t->diags.errors == 0) {
        diag_error(&t->diags, tree_place(&tree, 0), "import-domain",
                   "there is no domain below /chosen; give a tree with `xen,domain` nodes");
    }
    ask_for_files(t, s);
}

static void choose_board(struct tool *t, const char *file, struct system *s)
{
    if (t->build.board != NULL) {
        s->board_choice.name.value = t->build.board;
    } else if (s->board_choice.name.value == NULL) {
        s->board_choice.name.value = "qemu-virt";
        diag_note(&t->diags, (struct place){.file = file, .line = 1, .column = 1}, "import-board",
                  "the board is not known from the input; qemu-virt is assumed, name another with --board");
    }
}

/* "boards/virt.dtb" -> "virt" */
static const char *base_name(struct tool *t, const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(base, '.');

    return arena_text(&t->arena, base, dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base));
}

static int import_data(struct tool *t, const char *file, struct bytes data)
{
    struct system s = {.file = file};
    struct buffer out = {0};

    if (is_tree(data)) {
        import_tree(t, file, data, &s);
    } else if (imagebuilder_is_config(data)) {
        imagebuilder_read(&t->arena, &t->diags, file, data, &s);
    } else {
        diag_error(&t->diags, place_offset(file, 0), "import-format",
                   "this is neither a device tree (.dtb) nor an ImageBuilder configuration; give one of them");
    }
    if (s.domains.count > 0) {
        rules_check_names(&t->diags, &s);
    }
    if (t->diags.errors == 0) {
        choose_board(t, file, &s);
        s.name.value = base_name(t, file);
        buffer_printf(&out, "# Made from %s by `bulkhead import`; what it could not say is on standard error.\n", file);
        describe_system(&out, &s);
        tool_write(t, t->output != NULL ? t->output : "-", buffer_bytes(&out));
        buffer_release(&out);
    }
    return tool_finish(t);
}

int verb_import(struct tool *t, int argc, char **argv)
{
    struct bytes data;
    int code;
    const char *file = tool_only_file(t, tool_find_verb("import"), argc, argv, &code);

    if (file == NULL) {
        return code;
    }
    return tool_read(t, file, &data) ? import_data(t, file, data) : tool_finish(t);
}

int tool_import_board(struct tool *t, const char *file)
{
    struct bytes data;
    struct tree tree;
    struct board board;
    struct buffer out = {0};

    if (tool_read(t, file, &data) && tree_open(&tree, &t->arena, &t->diags, place_offset(file, 0), data) &&
        tree_read_board(&tree, &board)) {
        buffer_printf(&out, "# Made from %s by `bulkhead board --import`.\n", file);
        describe_board(&out, &board);
        tool_write(t, t->output != NULL ? t->output : "-", buffer_bytes(&out));
        buffer_release(&out);
    }
    return tool_finish(t);
}
