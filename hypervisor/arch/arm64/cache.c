/* SPDX-License-Identifier: Apache-2.0 */
/* Scrubbing and cache maintenance of RAM frames.
 * [impl->dsn~scrub~1] */
#include "arch/arm64/layout.h"
#include "arch/arm64/sysreg.h"
#include "arch/contract/arch.h"
#include "lib/string.h"

void *arch_map_frame(mfn_t mfn)
{
    return (void *)(VA_DIRECT + mfn_to_maddr(mfn).v); /* VA_DIRECT is a multiple of every RAM address used */
}

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

/* A frame is a multiple of 16 blocks of any size up to 256 bytes. */
#define SIXTEEN(operations) ".rept 16\n\t" operations "\n\tadd %0, %0, %1\n\t.endr"
#define BLOCK_MAX           256u

static void clean(uint64_t from, uint64_t to)
{
    uint64_t line = data_line();

    while (from < to) {
        __asm__ volatile(SIXTEEN("dc civac, %0") : "+r"(from) : "r"(line) : "memory");
    }
    dsb_sy();
}

void arch_clean(mfn_t mfn, uint64_t count)
{
    uint64_t from = (uint64_t)arch_map_frame(mfn);

    ASSERT(data_line() <= BLOCK_MAX);
    clean(from, from + count * PAGE_SIZE);
}

/* Where a block that DC ZVA zeroes is a line, each is zeroed and cleaned in one pass. */
void arch_scrub(mfn_t mfn, uint64_t count)
{
    uint64_t from = (uint64_t)arch_map_frame(mfn);
    uint64_t to = from + count * PAGE_SIZE;
    uint64_t block = zva_block();

    if (LIKELY(block == data_line() && block <= BLOCK_MAX)) {
        while (from < to) {
            __asm__ volatile(SIXTEEN("dc zva, %0\n\tdc civac, %0") : "+r"(from) : "r"(block) : "memory");
        }
        dsb_sy();
        return;
    }
    memset((void *)from, 0, to - from);
    arch_clean(mfn, count);
}
