// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#include <string.h>

#define WORD "TRACE "
#define NEAR 4u /* lines: what broke into one, that some of it was lost, and the rest again */

struct reader {
    struct arena *arena;
    struct diags *diags;
    struct trace *out;
    struct place at;
};

static bool refuse(struct reader *r, const char *what)
{
    diag_error(r->diags, r->at, "trace-block", "%s; give a trace as the hypervisor's user wrote it", what);
    return false;
}

static void add(struct reader *r, struct trace_cpu *c, const struct bulkhead_trace_record *record)
{
    if (c->count == c->capacity) {
        size_t capacity = c->capacity * 2 + 1024;
        struct bulkhead_trace_record *records = arena_alloc(r->arena, capacity, sizeof(*records));
        uint64_t *lost = arena_alloc(r->arena, capacity, sizeof(*lost));

        if (c->count > 0) {
            memcpy(records, c->records, c->count * sizeof(*records));
            memcpy(lost, c->lost, c->count * sizeof(*lost));
        }
        c->records = records;
        c->lost = lost;
        c->capacity = capacity;
    }
    c->records[c->count] = *record;
    c->lost[c->count] = c->lost_now;
    c->lost_now = 0;
    c->count++;
    r->out->first = record->time < r->out->first ? record->time : r->out->first;
}

static bool read_block(struct reader *r, struct bytes data, size_t *size)
{
    struct bulkhead_trace_block block;
    struct trace_cpu *c;

    if (data.size < sizeof(block)) {
        return refuse(r, "the trace ends within a block");
    }
    memcpy(&block, data.data, sizeof(block));
    if (block.magic != BULKHEAD_TRACE_MAGIC || block.cpu >= TRACE_CPUS || block.hz == 0) {
        return refuse(r, "this is no block of a trace");
    }
    *size = sizeof(block) + block.count * sizeof(struct bulkhead_trace_record);
    if (data.size < *size) {
        return refuse(r, "the trace ends within a block");
    }
    c = &r->out->cpu[block.cpu];
    c->lost_now += block.lost;
    r->out->hz = block.hz;
    for (size_t i = 0; i < block.count; i++) {
        struct bulkhead_trace_record record;

        memcpy(&record, data.data + sizeof(block) + i * sizeof(record), sizeof(record));
        if (c->count > 0 && record.time < c->records[c->count - 1].time) {
            return refuse(r, "time goes backwards");
        }
        add(r, c, &record);
    }
    return true;
}

static bool read_binary(struct reader *r, struct bytes data)
{
    size_t size = 0;

    for (size_t at = 0; at < data.size; at += size) {
        r->at.column = at;
        if (!read_block(r, (struct bytes){data.data + at, data.size - at}, &size)) {
            return false;
        }
    }
    return true;
}

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The hexadecimal digits at the start of `text`. */
static struct bytes decode(struct arena *arena, struct bytes text)
{
    uint8_t *out = arena_alloc(arena, text.size / 2 + 1, 1);
    size_t n = 0;

    while (2 * n + 1 < text.size && digit(text.data[2 * n]) >= 0 && digit(text.data[2 * n + 1]) >= 0) {
        out[n] = (uint8_t)(digit(text.data[2 * n]) * 16 + digit(text.data[2 * n + 1]));
        n++;
    }
    return (struct bytes){out, n};
}

/* The line that `text` begins with, its end left out. */
static struct bytes line_of(struct bytes text)
{
    const uint8_t *end = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);

    return (struct bytes){text.data, end == NULL ? text.size : (size_t)(end - text.data)};
}

static struct bytes skip(struct bytes text, size_t size)
{
    return (struct bytes){text.data + size, text.size - size};
}

/* What stands behind the first WORD of a line; nothing where there is none. */
static struct bytes behind_word(struct bytes line)
{
    const uint8_t *word = line.size == 0 ? NULL : memmem(line.data, line.size, WORD, strlen(WORD));

    return word == NULL ? skip(line, line.size) : skip(line, (size_t)(word - line.data) + strlen(WORD));
}

/* Where another domain's line breaks into one, the console begins it again behind that: these digits are not all. */
static bool is_said_again(struct bytes digits, struct bytes later)
{
    for (unsigned i = 0; i < NEAR && later.size > 0; i++) {
        struct bytes line = line_of(later);
        struct bytes again = behind_word(line);

        if (again.size >= digits.size && memcmp(again.data, digits.data, digits.size) == 0) {
            return true;
        }
        later = skip(later, line.size < later.size ? line.size + 1 : line.size);
    }
    return false;
}

static bool read_line(struct reader *r, struct bytes line, struct bytes later)
{
    struct bytes text = behind_word(line);
    struct bytes block = decode(r->arena, text);
    size_t size = 0;

    if (block.size < sizeof(struct bulkhead_trace_block) ||
        is_said_again((struct bytes){text.data, 2 * block.size}, later)) {
        return true; /* somebody else's line, or not whole yet */
    }
    r->at.column = (uint64_t)(text.data - line.data) + 1;
    return read_block(r, block, &size) && (size == block.size || refuse(r, "there is more than a block"));
}

static bool read_text(struct reader *r, struct bytes data)
{
    while (data.size > 0) {
        struct bytes line = line_of(data);

        data = skip(data, line.size < data.size ? line.size + 1 : line.size);
        r->at.line++;
        if (!read_line(r, line, data)) {
            return false;
        }
    }
    return true;
}

bool trace_read(struct arena *arena, struct diags *d, const char *file, struct bytes data, struct trace *out)
{
    struct reader r = {.arena = arena, .diags = d, .out = out, .at = {.file = file}};
    uint32_t magic = BULKHEAD_TRACE_MAGIC;
    bool binary = data.size >= sizeof(magic) && memcmp(data.data, &magic, sizeof(magic)) == 0;

    *out = (struct trace){.first = UINT64_MAX};
    if (!(binary ? read_binary(&r, data) : read_text(&r, data))) {
        return false;
    }
    if (out->first == UINT64_MAX) {
        r.at = place_offset(file, 0);
        return refuse(&r, "there is no record of a trace");
    }
    return true;
}
