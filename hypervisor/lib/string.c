/* SPDX-License-Identifier: Apache-2.0 */
/* Word-wise where both sides are aligned alike: copies of hypercall structures and pages. */
#include "lib/string.h"
#include "lib/types.h"

typedef uint64_t __attribute__((may_alias)) word_t;

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    char *t = to;
    const char *f = from;

    if ((((uintptr_t)t | (uintptr_t)f) & 7u) == 0u) {
        for (; n >= 8u; n -= 8u) {
            *(word_t *)(void *)t = *(const word_t *)(const void *)f;
            t += 8;
            f += 8;
        }
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
