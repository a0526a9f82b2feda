/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of hypercall structures and pages.  Normal memory takes any alignment. */
#include "lib/string.h"
#include "lib/types.h"

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

#define BLOCK 64u

/* n: a multiple of BLOCK, not 0.  By four vector registers, which are the guest's and get back what they held. */
static inline void copy_blocks(char *to, const char *from, size_t n)
{
#if defined(__aarch64__)
    __asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t"
                     "stp q0, q1, [sp, #-64]!\n\t"
                     "stp q2, q3, [sp, #32]\n\t"
                     "1: ldp q0, q1, [%1], #32\n\t"
                     "ldp q2, q3, [%1], #32\n\t"
                     "subs %2, %2, #64\n\t"
                     "stp q0, q1, [%0], #32\n\t"
                     "stp q2, q3, [%0], #32\n\t"
                     "b.ne 1b\n\t"
                     "ldp q2, q3, [sp, #32]\n\t"
                     "ldp q0, q1, [sp], #64"
                     : "+r"(to), "+r"(from), "+r"(n)
                     :
                     : "cc", "memory");
#else
    for (size_t i = 0; i < n; i += sizeof(word_t)) {
        *(word_t *)(void *)(to + i) = *(const word_t *)(const void *)(from + i);
    }
#endif
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    size_t blocks = n & ~(size_t)(BLOCK - 1u);
    char *t = to;
    const char *f = from;

    if (blocks > 0u) {
        copy_blocks(t, f, blocks);
        t = &t[blocks];
        f = &f[blocks];
        n -= blocks;
    }
    for (; n >= sizeof(word_t); n -= sizeof(word_t)) {
        *(word_t *)(void *)t = *(const word_t *)(const void *)f;
        t += sizeof(word_t);
        f += sizeof(word_t);
    }
    for (; n > 0u; n--) {
        *t++ = *f++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;

    if (t <= f || t >= f + n) {
        return memcpy(to, from, n);
    }
    while (n > 0u) {
        n--;
        t[n] = f[n];
    }
    return to;
}

void *memset(void *to, int c, size_t n)
{
    char *t = to;
    uint64_t word = UINT64_C(0x0101010101010101) * (uint8_t)c;

    for (; n > 0u && ((uintptr_t)t & 7u) != 0u; n--) {
        *t++ = (char)c;
    }
    for (; n >= 32u; n -= 32u) {
        *(word_t *)(void *)t = word;
        *(word_t *)(void *)(t + 8) = word;
        *(word_t *)(void *)(t + 16) = word;
        *(word_t *)(void *)(t + 24) = word;
        t += 32;
    }
    for (; n >= 8u; n -= 8u) {
        *(word_t *)(void *)t = word;
        t += 8;
    }
    for (; n > 0u; n--) {
        *t++ = (char)c;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a;
    const unsigned char *y = b;

    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i]) {
            return (int)x[i] - (int)y[i];
        }
    }
    return 0;
}
