// SPDX-License-Identifier: Apache-2.0
/* An ImageBuilder configuration as a description. */
#include "imagebuilder.h"
#include "tool_common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct diags d;
    struct system s = {.file = "fuzz", .name = {.value = "fuzz"}, .board_choice = {.name = {.value = "fuzz"}}};

    diag_init(&d, &arena);
    imagebuilder_is_config((struct bytes){.data = data, .size = size});
    imagebuilder_read(&arena, &d, "fuzz", (struct bytes){.data = data, .size = size}, &s);
    if (d.errors == 0) {
        fuzz_round_trip(&arena, &s);
        fuzz_board(&arena, &s.board);
        fuzz_check(&arena, &d, &s);
    }
    arena_release(&arena);
    return 0;
}
