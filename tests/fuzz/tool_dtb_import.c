// SPDX-License-Identifier: Apache-2.0
/* A device tree: its board, and its domains as a description. */
#include "describe.h"
#include "tool_common.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct diags d;
    struct tree tree;
    struct system s = {.file = "fuzz", .name = {.value = "fuzz"}, .board_choice = {.name = {.value = "fuzz"}}};
    struct buffer text = {0};

    diag_init(&d, &arena);
    if (tree_open(&tree, &arena, &d, place_offset("fuzz", 0), (struct bytes){.data = data, .size = size})) {
        if (tree_read_board(&tree, &s.board)) {
            describe_board(&text, &s.board);
            buffer_release(&text);
        }
        d.errors = 0;
        tree_read_domains(&tree, &s);
        rules_check_names(&d, &s);
        if (d.errors == 0) {
            fuzz_round_trip(&arena, &s);
        }
        fuzz_board(&arena, &s.board);
        fuzz_check(&arena, &d, &s);
    }
    arena_release(&arena);
    return 0;
}
