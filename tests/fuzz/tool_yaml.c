// SPDX-License-Identifier: Apache-2.0
/* A system description, and the same text as a board description. */
#include "tool_common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct diags d;
    struct system s = {.file = "fuzz"};
    struct bytes text = {.data = data, .size = size};

    diag_init(&d, &arena);
    struct yaml_node *root = yaml_parse(&arena, &d, "fuzz", text);
    if (root != NULL) {
        key_decode(&arena, &d, &system_keys, root, &s);
        fuzz_board(&arena, &s.board);
        board_resize(&d, &s.board, s.board_choice.cpus, s.board_choice.memory);
        fuzz_check(&arena, &d, &s);
        struct board board;
        board_read(&arena, &d, "fuzz", text, &board);
    }
    arena_release(&arena);
    return 0;
}
