/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_common.h"

#include <stdlib.h>

#include "text.h"

void log_line(const char *line)
{
    for (const char *c = line; *c != '\0'; c++) {
        fuzz_assert(*c >= ' ' && *c <= '~');
    }
}

void fuzz_assert(int holds)
{
    if (!holds) {
        abort();
    }
}

static int is_in_ram(const struct kernel_banks *banks, uint64_t to, uint64_t size)
{
    for (uint32_t i = 0; i < banks->count; i++) {
        const struct board_range *bank = &banks->bank[i];
        if (to >= bank->base && size <= bank->size && to - bank->base <= bank->size - size) {
            return 1;
        }
    }
    return 0;
}

static void check_segment(const struct kernel *kernel, uint32_t n, const struct kernel_banks *banks, uint64_t size)
{
    const struct kernel_segment *segment = &kernel->segments[n];

    fuzz_assert(is_in_ram(banks, segment->to, segment->memory_size));
    fuzz_assert(segment->file_size <= segment->memory_size);
    fuzz_assert(segment->offset <= size && segment->file_size <= size - segment->offset);
    fuzz_assert(segment->to >= kernel->low && segment->to + segment->memory_size <= kernel->high);
    for (uint32_t i = 0; i < n; i++) {
        const struct kernel_segment *other = &kernel->segments[i];
        fuzz_assert(other->to + other->memory_size <= segment->to || segment->to + segment->memory_size <= other->to);
    }
}

void fuzz_kernel(const uint8_t *data, size_t size)
{
    static const struct kernel_banks banks = {.count = 2,
                                              .bank = {{0x40000000, 0xc0000000}, {0x200000000, 0x40000000}}};
    struct plan_module module = {.name = "kernel", .data = data, .size = size};
    struct kernel kernel;

    if (!kernel_examine(&kernel, "fuzzed", &module, &banks)) {
        return;
    }
    fuzz_assert(kernel.segment_count >= 1 && kernel.segment_count <= KERNEL_MAX_SEGMENTS);
    fuzz_assert(kernel.entry >= kernel.low && kernel.entry < kernel.high);
    for (uint32_t i = 0; i < kernel.segment_count; i++) {
        check_segment(&kernel, i, &banks, size);
    }
}
