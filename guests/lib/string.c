/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/string.h>

#include <stdint.h>

#define WORD  sizeof(uint64_t)
#define BLOCK 8u /* words a turn in a long copy */

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    for (; bytes >= BLOCK * WORD; bytes -= BLOCK * WORD, t += BLOCK * WORD, f += BLOCK * WORD) {
        uint64_t block[BLOCK]; /* in registers: all is read before anything is written */

        for (size_t i = 0; i < BLOCK; i++) {
            block[i] = ((const word_t *)f)[i];
        }
        for (size_t i = 0; i < BLOCK; i++) {
            ((word_t *)t)[i] = block[i];
        }
    }
    for (; bytes >= 2 * WORD; bytes -= 2 * WORD, t += 2 * WORD, f += 2 * WORD) {
        uint64_t a = ((const word_t *)f)[0];
        uint64_t b = ((const word_t *)f)[1];

        ((word_t *)t)[0] = a;
        ((word_t *)t)[1] = b;
    }
    for (; bytes > 0; bytes--) {
        *t++ = *f++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if ((uintptr_t)t - (uintptr_t)f >= bytes) {
        for (; bytes > 0; bytes--) {
            *t++ = *f++;
        }
        return to;
    }
    while (bytes > 0) {
        bytes--;
        t[bytes] = f[bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    uint8_t *t = to;
    uint64_t word = UINT64_C(0x0101010101010101) * (uint8_t)value;

    for (; bytes >= 2 * WORD; bytes -= 2 * WORD, t += 2 * WORD) {
        ((word_t *)t)[0] = word;
        ((word_t *)t)[1] = word;
    }
    for (; bytes > 0; bytes--) {
        *t++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a;
    const uint8_t *y = b;

    for (; bytes > 0; bytes--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *in, int value, size_t bytes)
{
    const uint8_t *at = in;

    for (; bytes > 0; bytes--, at++) {
        if (*at == (uint8_t)value) {
            return (void *)(uintptr_t)at;
        }
    }
    return NULL;
}

size_t strnlen(const char *s, size_t max)
{
    size_t length = 0;

    while (length < max && s[length] != '\0') {
        length++;
    }
    return length;
}

size_t strlen(const char *s)
{
    return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t max)
{
    for (; max > 0; max--, a++, b++) {
        if (*a != *b) {
            return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
        }
        if (*a == '\0') {
            break;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++) {
        if (*s == '\0') {
            return NULL;
        }
    }
    return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;

    for (;; s++) {
        if (*s == (char)c) {
            found = s;
        }
        if (*s == '\0') {
            return (char *)(uintptr_t)found;
        }
    }
}

char *strstr(const char *s, const char *what)
{
    size_t length = strlen(what);

    for (; strncmp(s, what, length) != 0; s++) {
        if (*s == '\0') {
            return NULL;
        }
    }
    return (char *)(uintptr_t)s;
}
