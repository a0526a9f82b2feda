/* SPDX-License-Identifier: Apache-2.0 */
/* Scrubbing and cache maintenance of RAM frames.
 * [impl->dsn~scrub~1] */
#include "arch/arm64/layout.h"
#include "arch/arm64/sysreg.h"
#include "arch/contract/arch.h"
#include "lib/string.h"

#define UNROLL 8u

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

#define EIGHT(op, a, step)                                                                                             \
    __asm__ volatile(op ", %0\n\t" op ", %1\n\t" op ", %2\n\t" op ", %3\n\t" op ", %4\n\t" op ", %5\n\t" op            \
                        ", %6\n\t" op ", %7" ::"r"(a),                                                                 \
                     "r"((a) + (step)), "r"((a) + 2u * (step)), "r"((a) + 3u * (step)), "r"((a) + 4u * (step)),        \
                     "r"((a) + 5u * (step)), "r"((a) + 6u * (step)), "r"((a) + 7u * (step))                            \
                     : "memory")

static void clean(uint64_t from, uint64_t to)
{
    uint64_t line = data_line();

    for (uint64_t a = from; a < to; a += UNROLL * line) { /* a frame is a multiple of 8 lines */
        EIGHT("dc civac", a, line);
    }
    dsb_sy();
}

void arch_clean(mfn_t mfn, uint64_t count)
{
    uint64_t from = (uint64_t)arch_map_frame(mfn);

    clean(from, from + count * PAGE_SIZE);
}

void arch_scrub(mfn_t mfn, uint64_t count)
{
    uint64_t from = (uint64_t)arch_map_frame(mfn);
    uint64_t to = from + count * PAGE_SIZE;
    uint64_t block = zva_block();

    if (block != 0u && block * UNROLL <= PAGE_SIZE) {
        for (uint64_t a = from; a < to; a += UNROLL * block) {
            EIGHT("dc zva", a, block);
        }
    } else {
        memset((void *)from, 0, to - from);
    }
    clean(from, to);
}
