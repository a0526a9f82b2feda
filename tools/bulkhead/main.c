// SPDX-License-Identifier: Apache-2.0
/* bulkhead: check, build, run, draw, explain, inspect, import, trace. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const char build_options_text[] = "  --hypervisor FILE   instead of " BUILD_HYPERVISOR "\n"
                                         "  --boot-domain FILE  instead of " BUILD_BOOT_DOMAIN "\n"
                                         "  --board NAME        instead of the description's board\n"
                                         "  --cpus N            how many CPUs the board has\n"
                                         "  --memory SIZE       how much RAM the board has, as in `2 GiB`\n";

static const char run_options_text[] =
    "  --headless          no input; with --log, no output either\n"
    "  --log FILE          write the console to FILE too\n"
    "  --until REGEX       end with exit code 0 once a line matches; several must all match\n"
    "  --fail REGEX        end with exit code 5 once a line matches\n"
    "  --timeout SECONDS   end with exit code 3 after that time\n"
    "  --icount[=SHIFT]    count instructions: equal runs, 2^SHIFT nanoseconds each (0)\n"
    "  --cpu MODEL         instead of the board's CPU model\n"
    "  --cpus N, --smp N   how many CPUs the board has\n"
    "  --memory SIZE       how much RAM the board has, as in `2 GiB`\n"
    "  --gdb[=PORT]        wait for a debugger on the port (1234)\n"
    "  --print             print the command instead of starting it\n"
    "  --hypervisor FILE, --boot-domain FILE, --board NAME as with build\n"
    "  -- ARGUMENTS        further arguments of QEMU\n"
    "exit code: 0 seen or left, 3 timeout, 4 ended before REGEX was seen, 5 --fail seen, else QEMU's\n";

static const char image_options_text[] = "  --hypervisor FILE        another hypervisor\n"
                                         "  --boot-domain FILE       another Boot Domain\n"
                                         "  --board NAME|TABLE.bin   another board, with --cpus N and --memory SIZE\n"
                                         "  --archive FILE.cpio      another launch archive\n"
                                         "  --no-archive             none: domains come from the boot loader\n"
                                         "  --boot-memory SIZE       memory of the Boot Domain\n"
                                         "  --boot-cpu N             CPU of the Boot Domain\n"
                                         "  --extract-archive FILE   write the launch archive to FILE and stop\n"
                                         "  -o FILE                  instead of changing the image in place\n";

static const struct verb verbs[] = {
    {"check", "FILE.yaml", "report everything that is wrong with a system description", build_options_text, verb_check},
    {"build", "FILE.yaml [--archive-only] [-o NAME.img] | --dom0less HOST.dtb -o NAME.img",
     "make the bootable image of a system", build_options_text, verb_build},
    {"run", "FILE.yaml|IMAGE [OPTIONS] [-- QEMU ARGUMENTS]", "start a system in QEMU", run_options_text, verb_run},
    {"inspect", "IMAGE", "show what is in an image and verify it", "", verb_inspect},
    {"image", "IMAGE [OPTIONS]", "replace single pieces of an image", image_options_text, verb_image},
    {"draw", "FILE.yaml [-o PICTURE.svg]", "draw domains, CPUs, launch order and memory", build_options_text,
     verb_draw},
    {"explain", "[KEY | privileges FILE.yaml | labels FILE.yaml | --markdown system|board]",
     "say what a configuration key means, who holds which right in a system, or what its labels allow", "",
     verb_explain},
    {"schema", "[system|board]", "print the JSON Schema of descriptions, for editors", "", verb_schema},
    {"import", "FILE.dtb|CONFIG [-o FILE.yaml]",
     "describe a dom0less device tree or an ImageBuilder configuration as YAML",
     "  --board NAME        the board of the system\n", verb_import},
    {"board", "FILE.yaml -o TABLE.bin | --import FILE.dtb [-o FILE.yaml]",
     "make the table of a board, or its description from its device tree",
     "  --cpus N, --memory SIZE   instead of the description's\n", verb_board},
    {"trace", "FILE [-o OUT.json] [--ctf FOLDER]",
     "convert a trace, or a console's text with one, for Perfetto and Chrome",
     "  --ctf FOLDER        write the Common Trace Format instead of JSON, or beside -o\n", verb_trace},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

const struct verb *tool_find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static void print_verb(FILE *out, const struct verb *verb)
{
    fprintf(out, "usage: bulkhead %s %s\n  %s\n%s", verb->name, verb->arguments, verb->meaning, verb->options);
}

int tool_usage(const struct verb *verb, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "bulkhead %s: ", verb->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    print_verb(stderr, verb);
    return EXIT_USAGE;
}

static int print_help(FILE *out, int code)
{
    fprintf(out, "usage: bulkhead VERB ...      bulkhead help VERB for its options\n\n");
    for (size_t i = 0; i < VERB_COUNT; i++) {
        fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].meaning);
    }
    return code;
}

static int help(int argc, char **argv)
{
    const struct verb *verb = argc > 0 ? tool_find_verb(argv[0]) : NULL;

    if (verb == NULL) {
        return print_help(stdout, EXIT_GOOD);
    }
    print_verb(stdout, verb);
    return EXIT_GOOD;
}

static int report_unknown_verb(const char *name)
{
    const char *names[VERB_COUNT];

    for (size_t i = 0; i < VERB_COUNT; i++) {
        names[i] = verbs[i].name;
    }
    const char *nearest = key_nearest(name, names, VERB_COUNT);
    if (nearest != NULL) {
        fprintf(stderr, "bulkhead: there is no verb `%s`; did you mean `%s`?\n", name, nearest);
        return EXIT_USAGE;
    }
    fprintf(stderr, "bulkhead: there is no verb `%s`\n", name);
    return print_help(stderr, EXIT_USAGE);
}

static bool asks_for_help(const char *text)
{
    return strcmp(text, "help") == 0 || strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0;
}

int main(int argc, char **argv)
{
    struct tool tool = {0};

    if (argc < 2) {
        return print_help(stderr, EXIT_USAGE);
    }
    if (asks_for_help(argv[1])) {
        return help(argc - 2, argv + 2);
    }
    const struct verb *verb = tool_find_verb(argv[1]);
    if (verb == NULL) {
        return report_unknown_verb(argv[1]);
    }
    if (argc == 3 && asks_for_help(argv[2])) {
        return help(1, argv + 1);
    }
    diag_init(&tool.diags, &tool.arena);
    int code = verb->run(&tool, argc - 2, argv + 2);
    arena_release(&tool.arena);
    return code;
}
