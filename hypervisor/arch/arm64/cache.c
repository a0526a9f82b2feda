/* SPDX-License-Identifier: Apache-2.0 */
/* Scrubbing and cache maintenance of RAM frames.
 * [impl->dsn~scrub~1] */
#include "arch/arm64/sysreg.h"
#include "arch/contract/arch.h"
#include "lib/string.h"

static uint64_t data_line(void)
{
    return UINT64_C(4) << FIELD(read_sysreg(ctr_el0), 19, 16);
}

/* Bytes that DC ZVA zeroes; 0 = not permitted. */
static uint64_t zva_block(void)
{
    uint64_t dczid = read_sysreg(dczid_el0);

    return (dczid & BIT(4)) != 0u ? 0u : UINT64_C(4) << (dczid & 0xfu);
}

/* n times an operation on the block at %0, %1 bytes long: a frame is a multiple of 32 blocks of up to 128 bytes, and of
 * 64 blocks of up to 64 bytes. */
#define EACH(n, operations) ".rept " #n "\n\t" operations "\n\tadd %0, %0, %1\n\t.endr"
#define LINE_MAX            128u
#define ZVA_MAX             64u

static void clean(uint64_t from, uint64_t to)
{
    uint64_t line = data_line();

    while (from < to) {
        __asm__ volatile(EACH(32, "dc civac, %0") : "+r"(from) : "r"(line) : "memory");
    }
    dsb_sy();
}

void arch_clean(mfn_t mfn, uint64_t count)
{
    uint64_t from = (uint64_t)arch_map_frame(mfn);

    ASSERT(data_line() <= LINE_MAX);
    clean(from, from + count * PAGE_SIZE);
}

/* Where a block that DC ZVA zeroes is a line, each is zeroed and cleaned in one pass. */
void arch_scrub(mfn_t mfn, uint64_t count)
{
    uint64_t from = (uint64_t)arch_map_frame(mfn);
    uint64_t to = from + count * PAGE_SIZE;
    uint64_t block = zva_block();

    if (LIKELY(block == data_line() && block <= ZVA_MAX && block != 0u)) {
        while (from < to) {
            __asm__ volatile(EACH(64, "dc zva, %0\n\tdc civac, %0") : "+r"(from) : "r"(block) : "memory");
        }
        dsb_sy();
        return;
    }
    memset((void *)from, 0, to - from);
    arch_clean(mfn, count);
}
