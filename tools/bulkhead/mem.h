/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of one run of the tool: an arena that is released as a whole, and growing buffers.
 * Running out of memory ends the process with a message; no caller checks for it. */
#ifndef TOOL_MEM_H
#define TOOL_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
};

/* A view of bytes that somebody else owns. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* count * size zeroed bytes, valid until arena_release(). */
void *arena_alloc(struct arena *a, size_t count, size_t size);
char *arena_text(struct arena *a, const char *text, size_t length);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void arena_release(struct arena *a);

void buffer_add(struct buffer *b, const void *data, size_t size);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Zero bytes up to offset `size`; nothing when the buffer is that long already. */
void buffer_fill(struct buffer *b, size_t size);
void buffer_release(struct buffer *b);

static inline struct bytes buffer_bytes(const struct buffer *b)
{
    return (struct bytes){.data = b->data, .size = b->size};
}

static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

#endif
