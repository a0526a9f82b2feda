// SPDX-License-Identifier: Apache-2.0
#include "tool_common.h"

#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "launch.h"

/* The YAML library keeps a buffer when it refuses some texts; the tool reads one or two files and ends. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static const char board_text[] = "board: fuzz\n"
                                 "mpidrs: [0, 1, 2, 3]\n"
                                 "memory: [{ base: 0x40000000, size: 4 GiB, maximum: 8 GiB }]\n"
                                 "load-address: 0x40200000\n"
                                 "psci: smc\n"
                                 "gic: { distributor: { base: 0x08000000, size: 64 KiB },\n"
                                 "       redistributors: { base: 0x080a0000, size: 0xf60000 }, spis: 256 }\n"
                                 "uart: { kind: pl011, base: 0x09000000, interrupt: 33 }\n"
                                 "devices: { /a: { base: 0x0a000000, size: 4 KiB, interrupts: [40] },\n"
                                 "           /b: { base: 0x0a001000, size: 4 KiB, interrupts: [40], dma: true } }\n";

void fuzz_board(struct arena *arena, struct board *board)
{
    struct diags d;

    diag_init(&d, arena);
    board_read(arena, &d, "board", (struct bytes){.data = (const uint8_t *)board_text, .size = sizeof(board_text) - 1},
               board);
    if (d.errors > 0) {
        diag_print(&d, stderr);
        abort();
    }
}

/* A tree may name modules by address only; those have no place in an archive. */
static bool is_outside(const struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        for (unsigned kind = 0; kind < MODULE_KINDS; kind++) {
            const struct module *m = &system_domain(s, i)->module[kind];
            if (m->path != NULL && m->member == NULL) {
                return true;
            }
        }
    }
    return false;
}

void fuzz_check(struct arena *arena, struct diags *d, struct system *s)
{
    struct buffer archive = {0};

    system_fill(s);
    rules_check(d, s);
    rules_check_memory(d, s, (struct image_span){.base = s->board.load_address.value, .size = UINT64_C(64) << 20});
    if (d->errors == 0 && !is_outside(s)) {
        launch_archive(arena, s, &archive);
        buffer_release(&archive);
    }
}

void fuzz_round_trip(struct arena *arena, const struct system *s)
{
    struct buffer text = {0};
    struct diags d;
    struct system again = {.file = "again"};

    diag_init(&d, arena);
    describe_system(&text, s);
    struct yaml_node *root = yaml_parse(arena, &d, "again", buffer_bytes(&text));
    if (root != NULL) {
        key_decode(arena, &d, &system_keys, root, &again);
    }
    for (const struct diag *e = d.first; e != NULL; e = e->next) {
        /* Sizes that no domain can have come from the input. */
        if (strcmp(e->rule, "value-range") != 0 && strcmp(e->rule, "yaml-size") != 0) {
            fwrite(text.data, 1, text.size, stderr);
            diag_print(&d, stderr);
            abort();
        }
    }
    buffer_release(&text);
}
