// SPDX-License-Identifier: Apache-2.0
/* An image; or, when the first byte is an 'A', the launch archive behind it. */
#include "inspect.h"
#include "tool_common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct diags d;
    struct buffer out = {0};
    struct system s = {.file = "fuzz"};

    diag_init(&d, &arena);
    if (size > 0 && data[0] == 'A') {
        fuzz_board(&arena, &s.board);
        if (inspect_archive(&arena, &d, place_offset("fuzz", 0), (struct bytes){.data = data + 1, .size = size - 1}, &s,
                            &out)) {
            system_fill(&s);
            rules_check(&d, &s);
            rules_check_memory(&d, &s, (struct image_span){.base = UINT64_C(0x40200000), .size = UINT64_C(64) << 20});
        }
    } else {
        inspect_image(&arena, &d, "fuzz", (struct bytes){.data = data, .size = size}, &out);
    }
    buffer_release(&out);
    arena_release(&arena);
    return 0;
}
