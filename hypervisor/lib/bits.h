/* SPDX-License-Identifier: Apache-2.0 */
/* Bits, checked arithmetic, speculation-safe indices. */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include "lib/types.h"

#define BIT(n)           (UINT64_C(1) << (n))
#define BITS(hi, lo)     ((~UINT64_C(0) >> (63u - (hi))) & (~UINT64_C(0) << (lo)))
#define FIELD(x, hi, lo) (((x) & BITS(hi, lo)) >> (lo))
#define ALIGN_UP(x, a)   (((x) + ((a) - 1u)) & ~((uint64_t)(a) - 1u))
#define ALIGN_DOWN(x, a) ((x) & ~((uint64_t)(a) - 1u))
#define IS_ALIGNED(x, a) (((x) & ((uint64_t)(a) - 1u)) == 0u)

/* [base, base + size) does not wrap and lies inside [0, limit). */
static inline bool range_ok(uint64_t base, uint64_t size, uint64_t limit)
{
    return size <= limit && base <= limit - size;
}
static inline bool ranges_overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* index if index < size, else 0, without a branch that could be mispredicted.  size: 1..2^63. */
static inline uint64_t index_nospec(uint64_t index, uint64_t size)
{
#if defined(__aarch64__)
    uint64_t mask;
    __asm__ volatile("cmp %1, %2\n\tsbc %0, xzr, xzr\n\thint #20 /* csdb */"
                     : "=r"(mask)
                     : "r"(index), "r"(size)
                     : "cc");
    return index & mask;
#else
    return (index < size) ? index : 0u;
#endif
}

#endif
