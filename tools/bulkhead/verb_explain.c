// SPDX-License-Identifier: Apache-2.0
/* explain, schema. */
#include <string.h>

#include "explain.h"
#include "labels.h"
#include "privileges.h"
#include "tool.h"

static int put(struct buffer *out)
{
    fwrite(out->data, 1, out->size, stdout);
    buffer_release(out);
    return EXIT_GOOD;
}

/* Keys of a board description are called board:... , since some names occur in both. */
static int explain_all(const char *wanted)
{
    struct buffer out = {0};

    if (wanted == NULL) {
        buffer_printf(&out, "Keys of a system description (bulkhead explain KEY says more):\n");
        explain_list(&out, &system_keys, "");
        buffer_printf(&out, "\nKeys of a board description (boards/NAME.yaml):\n");
        explain_list(&out, &board_keys, "board:");
        return put(&out);
    }
    size_t found = explain_key(&out, &system_keys, "", wanted);
    found += explain_key(&out, &board_keys, "board:", wanted);
    if (found > 0) {
        return put(&out);
    }
    buffer_release(&out);
    const char *nearest = explain_nearest(&system_keys, wanted);
    nearest = nearest == NULL ? explain_nearest(&board_keys, wanted) : nearest;
    if (nearest != NULL) {
        fprintf(stderr, "bulkhead explain: there is no key `%s`; did you mean `%s`?\n", wanted, nearest);
    } else {
        fprintf(stderr, "bulkhead explain: there is no key `%s`; `bulkhead explain` lists them all\n", wanted);
    }
    return EXIT_BAD_INPUT;
}

static int markdown(const struct key_table *table)
{
    struct buffer out = {0};

    buffer_printf(&out, "| key | meaning | type | default | example |\n|---|---|---|---|---|\n");
    explain_markdown(&out, table, "");
    return put(&out);
}

static int explain_privileges(struct tool *t, const char *file)
{
    struct buffer out = {0};
    struct bytes text;
    struct system s;

    if (!tool_read(t, file, &text) || !build_read_system(&t->arena, &t->diags, file, text, &t->build, &s)) {
        return tool_finish(t);
    }
    privileges_print(&out, &s);
    return put(&out);
}

static int explain_labels(struct tool *t, const char *file)
{
    struct buffer out = {0};
    struct bytes text;
    struct system s;

    if (!tool_read(t, file, &text) || !build_read_system(&t->arena, &t->diags, file, text, &t->build, &s)) {
        return tool_finish(t);
    }
    labels_compile(&t->arena, &t->diags, &s);
    if (s.matrix != NULL) {
        labels_explain(&out, &s);
        put(&out);
    } else if (s.labels.at.file == NULL) {
        printf("%s: no labels: rights alone decide\n", file);
    }
    return tool_finish(t);
}

int verb_explain(struct tool *t, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[0], "privileges") == 0) {
        return explain_privileges(t, argv[1]);
    }
    if (argc == 2 && strcmp(argv[0], "labels") == 0) {
        return explain_labels(t, argv[1]);
    }
    if (argc == 2 && strcmp(argv[0], "--markdown") == 0) {
        if (strcmp(argv[1], "system") == 0 || strcmp(argv[1], "board") == 0) {
            return markdown(strcmp(argv[1], "board") == 0 ? &board_keys : &system_keys);
        }
    }
    if (argc > 1 || (argc == 1 && argv[0][0] == '-')) {
        return tool_usage(tool_find_verb("explain"), "one key is expected");
    }
    return explain_all(argc == 1 ? argv[0] : NULL);
}

int verb_schema(struct tool *t, int argc, char **argv)
{
    struct buffer out = {0};

    (void)t;
    if (argc == 0 || (argc == 1 && strcmp(argv[0], "system") == 0)) {
        explain_schema(&out, &system_keys, "Bulkhead system description", "system.schema.json");
    } else if (argc == 1 && strcmp(argv[0], "board") == 0) {
        explain_schema(&out, &board_keys, "Bulkhead board description", "board.schema.json");
    } else {
        return tool_usage(tool_find_verb("schema"), "`%s` is not understood here", argv[argc - 1]);
    }
    return put(&out);
}
