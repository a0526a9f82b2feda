// SPDX-License-Identifier: Apache-2.0
/* run: an image or a description in QEMU. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "qemu.h"
#include "relay.h"
#include "tool.h"

struct run {
    struct tool *tool;
    const struct verb *verb;
    const char *file;
    struct qemu_options qemu;
    struct relay_options relay;
    bool headless;
    bool only_print;
    const char *log;
    struct board board;
};

static bool take_pattern(struct run *r, const char *text, regex_t *patterns, unsigned *count)
{
    if (*count == RELAY_MAX_PATTERNS) {
        tool_usage(r->verb, "there are more than %u patterns", RELAY_MAX_PATTERNS);
        return false;
    }
    int error = regcomp(&patterns[*count], text, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
    if (error != 0) {
        char reason[128];
        regerror(error, &patterns[*count], reason, sizeof(reason));
        tool_usage(r->verb, "`%s` is no regular expression (%s)", text, reason);
        return false;
    }
    *count += 1;
    return true;
}

static bool take_timeout(struct run *r, const char *text)
{
    char *end;

    r->relay.timeout = strtod(text, &end);
    if (end == text || *end != '\0' || !(r->relay.timeout > 0)) {
        tool_usage(r->verb, "`%s` is no number of seconds", text);
        return false;
    }
    return true;
}

/* --icount, --icount=N, --gdb, --gdb=PORT. */
static int take_optional_number(struct run *r, const char *argument, const char *name, unsigned *value, uint64_t max)
{
    size_t length = strlen(name);
    uint64_t number;

    if (strncmp(argument, name, length) != 0 || (argument[length] != '\0' && argument[length] != '=')) {
        return 0;
    }
    if (argument[length] == '=') {
        if (!key_parse_number(argument + length + 1, &number) || number > max) {
            tool_usage(r->verb, "%s has a wrong value", argument);
            return -1;
        }
        *value = (unsigned)number;
    }
    return 1;
}

static int take_flag(struct run *r, const char *argument)
{
    unsigned shift = 0;
    unsigned port = QEMU_GDB_PORT;
    int icount = take_optional_number(r, argument, "--icount", &shift, 10);
    int gdb = icount == 0 ? take_optional_number(r, argument, "--gdb", &port, 65535) : 0;

    if (icount == 1) {
        r->qemu.icount = true;
        r->qemu.shift = shift;
    } else if (gdb == 1) {
        r->qemu.gdb_port = port;
    } else if (strcmp(argument, "--headless") == 0) {
        r->headless = true;
        return 1;
    } else if (strcmp(argument, "--print") == 0) {
        r->only_print = true;
        return 1;
    }
    return icount != 0 ? icount : gdb;
}

static int take_run_value(struct run *r, int argc, char **argv, int *i)
{
    static const char *const names[] = {"--log", "--until", "--fail", "--timeout", "--cpu"};
    const char *name = argv[*i];
    size_t which = 0;

    while (which < sizeof(names) / sizeof(names[0]) && strcmp(names[which], name) != 0) {
        which++;
    }
    if (which == sizeof(names) / sizeof(names[0])) {
        return 0;
    }
    if (*i + 1 >= argc) {
        tool_usage(r->verb, "%s has no value; write one behind it", name);
        return -1;
    }
    const char *value = argv[++*i];
    bool good = true;
    switch (which) {
    case 0:
        r->log = value;
        break;
    case 1:
        good = take_pattern(r, value, r->relay.until, &r->relay.until_count);
        break;
    case 2:
        good = take_pattern(r, value, r->relay.fail, &r->relay.fail_count);
        break;
    case 3:
        good = take_timeout(r, value);
        break;
    default:
        r->qemu.cpu = value;
        break;
    }
    return good ? 1 : -1;
}

/* 0 when the arguments are good, else the exit code. */
static int take_arguments(struct run *r, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            r->qemu.extra = argv + i + 1;
            break;
        }
        int taken = tool_take_option(r->tool, r->verb, argc, argv, &i);
        taken = taken == 0 ? take_flag(r, argv[i]) : taken;
        taken = taken == 0 ? take_run_value(r, argc, argv, &i) : taken;
        if (taken < 0) {
            return EXIT_USAGE;
        }
        if (taken == 0 && (argv[i][0] == '-' || r->file != NULL)) {
            return tool_usage(r->verb, "`%s` is not understood here", argv[i]);
        }
        r->file = taken == 0 ? argv[i] : r->file;
    }
    return r->file == NULL ? tool_usage(r->verb, "no file is named") : 0;
}

/* The board description behind the table of an image: its QEMU part, with the image's CPUs and RAM. */
static bool board_of_image(struct run *r, const struct image_view *view)
{
    struct tool *t = r->tool;
    const struct board_table *table = &view->board;
    uint64_t memory = 0;
    struct text name = {.value = t->build.board != NULL ? t->build.board : arena_printf(&t->arena, "%s", table->name),
                        .at = place_offset(r->file, view->descriptor.board.offset),
                        .given = true};

    for (uint32_t i = 0; i < table->ram_count; i++) {
        memory += table->ram[i].size;
    }
    if (!build_read_board(&t->arena, &t->diags, "", name, &r->board)) {
        return false;
    }
    struct number cpus = {.value = table->cpu_count, .at = name.at, .given = true};
    struct number ram = {.value = memory, .at = name.at, .given = true};
    board_resize(&t->diags, &r->board, t->build.cpus.given ? t->build.cpus : cpus,
                 t->build.memory.given ? t->build.memory : ram);
    return t->diags.errors == 0;
}

/* Bytes as a file that needs no cleaning up: it lives as long as somebody has it open. */
static const char *anonymous_file(struct tool *t, const char *name, struct bytes data)
{
    int fd = memfd_create(name, 0);

    for (size_t done = 0; fd >= 0 && done < data.size;) {
        ssize_t n = write(fd, data.data + done, data.size - done);
        if (n <= 0) {
            close(fd);
            fd = -1;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0) {
        diag_error(&t->diags, place_offset(name, 0), "file-write", "there is no memory for it; close other programs");
        return NULL;
    }
    return arena_printf(&t->arena, "/dev/fd/%d", fd);
}

/* The image as a path that QEMU can open; NULL after reporting why not. */
static const char *prepare_image(struct run *r)
{
    struct tool *t = r->tool;
    struct bytes data;
    struct image_view view;
    struct system s;
    struct buffer image = {0};

    if (!tool_read(t, r->file, &data)) {
        return NULL;
    }
    if (image_is_image(data)) {
        return image_open(&t->diags, r->file, data, &view) && board_of_image(r, &view) ? r->file : NULL;
    }
    if (!build_read_system(&t->arena, &t->diags, r->file, data, &t->build, &s) ||
        !build_check(&t->arena, &t->diags, &t->build, &s) ||
        !build_image(&t->arena, &t->diags, &t->build, &s, &image)) {
        return NULL;
    }
    r->board = s.board;
    r->qemu.cpu = r->qemu.cpu == NULL && s.board_choice.cpu.given ? s.board_choice.cpu.value : r->qemu.cpu;
    const char *path = r->only_print ? "IMAGE" : anonymous_file(t, "image", buffer_bytes(&image));
    buffer_release(&image);
    return path;
}

static void print_command(const char *const *command)
{
    for (; *command != NULL; command++) {
        bool plain = strspn(*command, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,./:@+") ==
                     strlen(*command);
        printf(plain ? "%s " : "'%s' ", *command);
    }
    printf("\n");
}

static int exit_code_of(const struct run *r, enum relay_end end, int status)
{
    switch (end) {
    case RELAY_SEEN:
        return EXIT_GOOD;
    case RELAY_FAILED:
        fprintf(stderr, "bulkhead run: a pattern of --fail was seen\n");
        return EXIT_FAIL_SEEN;
    case RELAY_TIMEOUT:
        fprintf(stderr, "bulkhead run: %g seconds are over\n", r->relay.timeout);
        return EXIT_TIMEOUT;
    case RELAY_LEFT:
        return r->relay.until_count > 0 ? EXIT_NOT_SEEN : EXIT_GOOD;
    case RELAY_SIGNAL:
        return status;
    case RELAY_EXITED:
        if (r->relay.until_count > 0 && status == 0) {
            fprintf(stderr, "bulkhead run: QEMU ended before the pattern was seen\n");
            return EXIT_NOT_SEEN;
        }
        return status;
    default:
        return EXIT_BAD_INPUT;
    }
}

static int start_qemu(struct run *r, const char *const *command)
{
    int status = 0;

    if (r->log != NULL && (r->relay.log = fopen(r->log, "we")) == NULL) {
        diag_error(&r->tool->diags, place_offset(r->log, 0), "file-write",
                   "the log cannot be written; name another file");
        return tool_finish(r->tool);
    }
    r->relay.use_input = !r->headless;
    r->relay.use_escape = isatty(0);
    r->relay.use_output = !r->headless || r->log == NULL;
    if (!r->headless && isatty(0)) {
        fprintf(stderr, "Ctrl-A x leaves.  Ctrl-A three times moves your input to the next domain.\n");
    }
    if (r->qemu.gdb_port != 0) {
        fprintf(stderr,
                "Waiting for a debugger: gdb-multiarch build/arm64/hypervisor/hypervisor.elf -ex 'target remote :%u'\n",
                r->qemu.gdb_port);
    }
    enum relay_end end = relay_run(command, &r->relay, &status);
    if (!r->headless && isatty(0)) {
        fprintf(stderr, "\n");
    }
    if (r->relay.log != NULL) {
        fclose(r->relay.log);
    }
    return exit_code_of(r, end, status);
}

static int run_prepared(struct run *r, const char *image)
{
    struct tool *t = r->tool;
    const char *tree = NULL;

    if (!r->board.qemu.machine.given) {
        diag_error(&t->diags, r->board.name.at, "board-qemu",
                   "board `%s` is no QEMU machine; write `qemu: { machine: ... }`, or boot the image on the board",
                   r->board.name.value);
        return tool_finish(t);
    }
    if (!r->board.qemu.device_tree.value && !r->only_print) {
        tree = anonymous_file(t, "tree", qemu_tree(&t->arena, &r->board));
    }
    const char **command = qemu_command(&t->arena, &r->board, &r->qemu, image, tree);
    if (r->only_print) {
        print_command(command);
        return tool_finish(t);
    }
    diag_print(&t->diags, stderr);
    return start_qemu(r, command);
}

int verb_run(struct tool *t, int argc, char **argv)
{
    struct run r = {.tool = t, .verb = tool_find_verb("run")};
    int code = take_arguments(&r, argc, argv);

    if (code == 0) {
        const char *image = prepare_image(&r);
        code = image == NULL ? tool_finish(t) : run_prepared(&r, image);
    }
    for (unsigned i = 0; i < r.relay.until_count; i++) {
        regfree(&r.relay.until[i]);
    }
    for (unsigned i = 0; i < r.relay.fail_count; i++) {
        regfree(&r.relay.fail[i]);
    }
    return code;
}
