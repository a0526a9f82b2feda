// SPDX-License-Identifier: Apache-2.0
#include "tool.h"

#include <errno.h>
#include <string.h>

#include "file.h"

bool tool_read(struct tool *t, const char *path, struct bytes *out)
{
    int error = file_read(&t->arena, path, out);

    if (error != 0) {
        diag_error(&t->diags, place_offset(path, 0), "file-exists",
                   "the file cannot be read (%s); name an existing file", strerror(error));
    }
    return error == 0;
}

bool tool_write(struct tool *t, const char *path, struct bytes data)
{
    int error = 0;

    if (strcmp(path, "-") == 0) {
        error = fwrite(data.data, 1, data.size, stdout) == data.size && fflush(stdout) == 0 ? 0 : EIO;
    } else {
        const char *slash = strrchr(path, '/');
        if (slash != NULL && slash != path) {
            file_make_folder(arena_text(&t->arena, path, (size_t)(slash - path)));
        }
        error = file_write(path, data);
    }
    if (error != 0) {
        diag_error(&t->diags, place_offset(path, 0), "file-write",
                   "the file cannot be written (%s); choose another place with -o", strerror(error));
    }
    return error == 0;
}

int tool_finish(struct tool *t)
{
    fflush(stdout);
    diag_print(&t->diags, stderr);
    return t->diags.errors > 0 ? EXIT_BAD_INPUT : EXIT_GOOD;
}

static int take_number(const struct verb *verb, const char *option, const char *text, struct number *out)
{
    bool is_size = strcmp(option, "--memory") == 0;

    out->given = is_size ? key_parse_size(text, &out->value) : key_parse_number(text, &out->value);
    out->at = (struct place){.file = "command line", .line = 1, .column = 1};
    if (!out->given || out->value == 0) {
        tool_usage(verb, "`%s` is no value of %s; write %s", text, option,
                   is_size ? "a size as in `2 GiB`" : "a number");
        return -1;
    }
    return 1;
}

int tool_take_option(struct tool *t, const struct verb *verb, int argc, char **argv, int *i)
{
    const struct {
        const char *name;
        const char **text;
        struct number *number;
    } options[] = {
        {"--hypervisor", &t->build.hypervisor, NULL},
        {"--boot-domain", &t->build.boot_domain, NULL},
        {"--board", &t->build.board, NULL},
        {"--cpus", NULL, &t->build.cpus},
        {"--smp", NULL, &t->build.cpus},
        {"--memory", NULL, &t->build.memory},
        {"-o", &t->output, NULL},
    };

    if (strcmp(argv[*i], "--dom0less") == 0 && strcmp(verb->name, "build") == 0) {
        t->dom0less = true;
        return 1;
    }
    if (strcmp(argv[*i], "--archive-only") == 0 && strcmp(verb->name, "build") == 0) {
        t->archive_only = true;
        return 1;
    }
    if (strcmp(argv[*i], "--import") == 0 && strcmp(verb->name, "board") == 0) {
        t->import = true;
        return 1;
    }
    for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
        if (strcmp(argv[*i], options[k].name) != 0) {
            continue;
        }
        if (*i + 1 >= argc) {
            tool_usage(verb, "%s has no value; write one behind it", argv[*i]);
            return -1;
        }
        *i += 1;
        if (options[k].number != NULL) {
            return take_number(verb, options[k].name, argv[*i], options[k].number);
        }
        if (options[k].text != NULL) {
            *options[k].text = argv[*i];
        }
        return 1;
    }
    return 0;
}

const char *tool_only_file(struct tool *t, const struct verb *verb, int argc, char **argv, int *code)
{
    const char *file = NULL;

    *code = EXIT_USAGE;
    for (int i = 0; i < argc; i++) {
        int taken = tool_take_option(t, verb, argc, argv, &i);
        if (taken < 0) {
            return NULL;
        }
        if (taken == 0 && argv[i][0] == '-' && argv[i][1] != '\0') {
            tool_usage(verb, "there is no option %s", argv[i]);
            return NULL;
        }
        if (taken == 0 && file != NULL) {
            tool_usage(verb, "one file is expected, `%s` is a second one", argv[i]);
            return NULL;
        }
        file = taken == 0 ? argv[i] : file;
    }
    if (file == NULL) {
        tool_usage(verb, "no file is named");
    }
    return file;
}

bool tool_load_system(struct tool *t, const char *path, struct system *s)
{
    struct bytes text;

    return tool_read(t, path, &text) && build_read_system(&t->arena, &t->diags, path, text, &t->build, s) &&
           build_check(&t->arena, &t->diags, &t->build, s);
}
