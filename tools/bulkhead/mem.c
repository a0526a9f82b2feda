// SPDX-License-Identifier: Apache-2.0
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    _Alignas(16) uint8_t data[];
};

static void *must_have(void *memory)
{
    if (memory == NULL) {
        fputs("bulkhead: out of memory; close other programs or use a smaller description\n", stderr);
        exit(70);
    }
    return memory;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - sizeof(struct arena_block)) {
        must_have(NULL);
    }
    struct arena_block *block = must_have(calloc(1, sizeof(*block) + bytes));
    block->next = a->blocks;
    a->blocks = block;
    return block->data;
}

char *arena_text(struct arena *a, const char *text, size_t length)
{
    char *copy = arena_alloc(a, length + 1, 1);

    if (length > 0) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = arena_alloc(a, (size_t)(length < 0 ? 0 : length) + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}

void arena_release(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
}

static void buffer_reserve(struct buffer *b, size_t more)
{
    if (more <= b->capacity - b->size) {
        return;
    }
    size_t capacity = b->capacity < 4096 ? 4096 : b->capacity;
    while (capacity - b->size < more) {
        if (capacity > SIZE_MAX / 2) {
            must_have(NULL);
        }
        capacity *= 2;
    }
    b->data = must_have(realloc(b->data, capacity));
    b->capacity = capacity;
}

void buffer_add(struct buffer *b, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    buffer_reserve(b, size);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length <= 0) {
        return;
    }
    buffer_reserve(b, (size_t)length + 1);
    va_start(args, format);
    vsnprintf((char *)b->data + b->size, (size_t)length + 1, format, args);
    va_end(args);
    b->size += (size_t)length;
}

void buffer_fill(struct buffer *b, size_t size)
{
    if (size > b->size) {
        buffer_reserve(b, size - b->size);
        memset(b->data + b->size, 0, size - b->size);
        b->size = size;
    }
}

void buffer_release(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}
