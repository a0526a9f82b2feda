/* SPDX-License-Identifier: Apache-2.0 */
/* Scrubbing and cache maintenance of RAM frames.
 * [impl->dsn~scrub~2] [impl->dsn~forced-write-back~1] */
#include "arch/arm64/stage2_hw.h"

static uint64_t data_line(void)
{
    return UINT64_C(4) << FIELD(read_sysreg(ctr_el0), 19, 16);
}

/* Bytes that DC ZVA zeroes.  Nothing forbids it at EL2. */
static uint64_t zva_block(void)
{
    return UINT64_C(4) << FIELD(read_sysreg(dczid_el0), 3, 0);
}

/* n times an operation on the block at %0, %1 bytes long: a frame is a multiple of 64 blocks of up to 64 bytes, of 32 of up
 * to 128, of 16 of up to 256 and of 2 of up to 2048. */
#define EACH(n, operations) ".rept " #n "\n\t" operations "\n\tadd %0, %0, %1\n\t.endr"
#define LINE_MAX            256u
#define ZVA_MAX             64u

void arch_flush(mfn_t mfn, uint64_t count)
{
    uint64_t from = (uint64_t)arch_map_frame(mfn);
    uint64_t to = from + count * PAGE_SIZE;
    uint64_t line = data_line();

    ASSERT(line <= LINE_MAX);
    while (from < to) {
        __asm__ volatile(EACH(16, "dc civac, %0") : "+r"(from) : "r"(line) : "memory");
    }
    dsb_sy();
}

/* Forced write-back, a guest hits the caches whatever it believes of them; and CPUs that force it fetch instructions from
 * there (CLIDR_EL1.LoUU and LoUIS are 0), as soon as the instruction caches are told (arch_vcpu_set_context). */
void arch_clean(mfn_t mfn, uint64_t count)
{
    if (stage2_forced) {
        dsb_sy();
    } else {
        arch_flush(mfn, count);
    }
}

/* Where a block that DC ZVA zeroes is a line, each is zeroed and cleaned in one pass. */
void arch_scrub(mfn_t mfn, uint64_t count)
{
    uint64_t from = (uint64_t)arch_map_frame(mfn);
    uint64_t to = from + count * PAGE_SIZE;
    uint64_t block = zva_block();

    if (LIKELY(block == data_line() && block <= ZVA_MAX && !stage2_forced)) {
        while (from < to) {
            __asm__ volatile(EACH(64, "dc zva, %0\n\tdc civac, %0") : "+r"(from) : "r"(block) : "memory");
        }
        dsb_sy();
        return;
    }
    while (from < to && block <= 2u * ZVA_MAX) {
        __asm__ volatile(EACH(32, "dc zva, %0") : "+r"(from) : "r"(block) : "memory");
    }
    while (from < to) {
        __asm__ volatile(EACH(2, "dc zva, %0") : "+r"(from) : "r"(block) : "memory");
    }
    arch_clean(mfn, count);
}
