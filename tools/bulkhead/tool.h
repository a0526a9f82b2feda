/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of the program and what they share. */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include "build.h"

enum exit_code {
    EXIT_GOOD = 0,
    EXIT_BAD_INPUT = 1,
    EXIT_USAGE = 2,
    EXIT_TIMEOUT = 3,
    EXIT_NOT_SEEN = 4, /* QEMU ended by itself before the pattern was seen */
    EXIT_FAIL_SEEN = 5,
};

/* One run of the program. */
struct tool {
    struct arena arena;
    struct diags diags;
    struct build_options build;
    const char *output;
    bool dom0less;     /* build: FILE is a host's device tree */
    bool archive_only; /* build: no image, what a Control Domain creates domains from */
    bool import;       /* board: FILE is one */
};

struct verb {
    const char *name;
    const char *arguments;
    const char *meaning;
    const char *options; /* lines for the verb's own help */
    int (*run)(struct tool *t, int argc, char **argv);
};

int verb_check(struct tool *t, int argc, char **argv);
int verb_build(struct tool *t, int argc, char **argv);
int verb_run(struct tool *t, int argc, char **argv);
int verb_explain(struct tool *t, int argc, char **argv);
int verb_schema(struct tool *t, int argc, char **argv);
int verb_inspect(struct tool *t, int argc, char **argv);
int verb_image(struct tool *t, int argc, char **argv);
int verb_import(struct tool *t, int argc, char **argv);
int verb_draw(struct tool *t, int argc, char **argv);
int verb_board(struct tool *t, int argc, char **argv);
int verb_trace(struct tool *t, int argc, char **argv);

/* Usage error: says what is wrong and how the verb is used. Returns EXIT_USAGE. [impl->dsn~tool-usage~1] */
int tool_usage(const struct verb *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
const struct verb *tool_find_verb(const char *name);

/* Read a file that was named on the command line; false after reporting why not. */
bool tool_read(struct tool *t, const char *path, struct bytes *out);

/* Write a result; "-" is standard output. False after reporting why it could not be written. */
bool tool_write(struct tool *t, const char *path, struct bytes data);

/* Take one of --hypervisor, --boot-domain, --board, --cpus, --memory, -o from argv[*i], advancing *i over its value.
 * 1 = taken, 0 = not one of them, -1 = wrong (reported). */
int tool_take_option(struct tool *t, const struct verb *verb, int argc, char **argv, int *i);

/* The one file that a verb takes, with the options above. NULL when usage was wrong, *code says how. */
const char *tool_only_file(struct tool *t, const struct verb *verb, int argc, char **argv, int *code);

/* Print the description of a board from its device tree. */
int tool_import_board(struct tool *t, const char *file);

/* Print all diagnostics; the exit code that they call for. */
int tool_finish(struct tool *t);

/* A checked system from a description's path. */
bool tool_load_system(struct tool *t, const char *path, struct system *s);

#endif
