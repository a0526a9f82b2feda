// SPDX-License-Identifier: Apache-2.0
/* trace. */
#include <string.h>

#include "tool.h"
#include "trace.h"

static void write_file(struct tool *t, const char *path, struct buffer *out)
{
    (void)tool_write(t, path, buffer_bytes(out));
    buffer_release(out);
}

static void write_ctf(struct tool *t, const char *folder, const struct trace *trace)
{
    struct buffer out = {0};

    trace_write_metadata(&out, trace);
    write_file(t, arena_printf(&t->arena, "%s/metadata", folder), &out);
    for (unsigned cpu = 0; cpu < TRACE_CPUS; cpu++) {
        if (trace->cpu[cpu].count > 0) {
            trace_write_stream(&out, trace, cpu);
            write_file(t, arena_printf(&t->arena, "%s/cpu%u", folder, cpu), &out);
        }
    }
}

/* --ctf FOLDER is taken out of the arguments; NULL = it is not there. */
static const char *take_ctf(int *argc, char **argv)
{
    for (int i = 0; i + 1 < *argc; i++) {
        if (strcmp(argv[i], "--ctf") == 0) {
            const char *folder = argv[i + 1];

            memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 2) * sizeof(argv[0]));
            *argc -= 2;
            return folder;
        }
    }
    return NULL;
}

int verb_trace(struct tool *t, int argc, char **argv)
{
    const char *ctf = take_ctf(&argc, argv);
    struct trace *trace = arena_alloc(&t->arena, 1, sizeof(*trace));
    struct buffer out = {0};
    struct bytes data;
    int code;
    const char *file = tool_only_file(t, tool_find_verb("trace"), argc, argv, &code);

    if (file == NULL) {
        return code;
    }
    if (tool_read(t, file, &data) && trace_read(&t->arena, &t->diags, file, data, trace)) {
        if (ctf != NULL) {
            write_ctf(t, ctf, trace);
        }
        if (ctf == NULL || t->output != NULL) {
            trace_write_json(&out, trace);
            write_file(t, t->output != NULL ? t->output : "-", &out);
        }
    }
    return tool_finish(t);
}
