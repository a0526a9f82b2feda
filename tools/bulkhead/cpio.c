// SPDX-License-Identifier: Apache-2.0
#include "cpio.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include <bulkhead/launch.h>

#define HEADER  110u
#define PAGE    4096u
#define TRAILER "TRAILER!!!"

static size_t head_size(const char *name)
{
    return align_up(HEADER + strlen(name) + 1, 4);
}

static void put(struct cpio_writer *w, const char *name, struct bytes data)
{
    bool is_trailer = strcmp(name, TRAILER) == 0;
    size_t start = w->out->size;

    /* Ordinary file, readable by all, no time and no owner: equal inputs give equal bytes. */
    buffer_printf(w->out, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 0, is_trailer ? 0 : 0100444,
                  0, 0, 1, 0, data.size, 0, 0, 0, 0, strlen(name) + 1, 0);
    buffer_add(w->out, name, strlen(name) + 1);
    buffer_fill(w->out, start + head_size(name));
    buffer_add(w->out, data.data, data.size);
    buffer_fill(w->out, align_up(w->out->size, 4));
}

/* A padding member from here, so that the next header starts at `header`. */
static void pad_to(struct cpio_writer *w, size_t header)
{
    struct arena arena = {0};
    struct buffer zeroes = {0};
    const char *name = arena_printf(&arena, LAUNCH_PAD_PREFIX "%u", w->pads++);

    buffer_fill(&zeroes, header - w->out->size - head_size(name));
    put(w, name, buffer_bytes(&zeroes));
    buffer_release(&zeroes);
    arena_release(&arena);
}

void cpio_add(struct cpio_writer *w, const char *name, struct bytes data, size_t alignment, bool is_moved)
{
    size_t smallest_pad = align_up(HEADER + sizeof(LAUNCH_PAD_PREFIX "4294967295"), 4);
    size_t first = w->out->size > w->quiet_from ? w->out->size : w->quiet_from;
    size_t start = align_up(first + head_size(name), alignment);

    while (start - head_size(name) != w->out->size && start - head_size(name) < w->out->size + smallest_pad) {
        start += alignment;
    }
    if (start - head_size(name) != w->out->size) {
        pad_to(w, start - head_size(name));
    }
    put(w, name, data);
    if (is_moved) {
        w->quiet_from = align_up(start + data.size, PAGE);
    }
}

void cpio_finish(struct cpio_writer *w)
{
    cpio_add(w, TRAILER, (struct bytes){0}, 4, false);
    buffer_fill(w->out, align_up(w->out->size, PAGE));
}

static bool fail(struct cpio_reader *r, uint64_t at, const char *wrong)
{
    r->wrong = wrong;
    r->wrong_at = at;
    return false;
}

static bool get_hex(const uint8_t *p, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (!isxdigit(p[i])) {
            return false;
        }
        unsigned digit = isdigit(p[i]) ? (unsigned)(p[i] - '0') : (unsigned)(tolower(p[i]) - 'a') + 10;
        *value = *value << 4 | digit;
    }
    return true;
}

static bool get_member(struct cpio_reader *r, uint64_t at, uint64_t file_size, uint64_t name_size,
                       struct cpio_member *m)
{
    uint64_t left = r->archive.size - at - HEADER;

    if (name_size == 0 || name_size > left || name_size > PAGE) {
        return fail(r, at, "a member's name ends beyond the archive; build the image again");
    }
    m->name = (const char *)r->archive.data + at + HEADER;
    if (m->name[name_size - 1] != '\0' || memchr(m->name, '\0', name_size - 1) != NULL) {
        return fail(r, at, "a member's name is not terminated where its header says; build the image again");
    }
    m->offset = at;
    m->data_offset = align_up(at + HEADER + name_size, 4);
    if (m->data_offset > r->archive.size || file_size > r->archive.size - m->data_offset) {
        return fail(r, at, "a member's data ends beyond the archive; build the image again");
    }
    m->data = (struct bytes){.data = r->archive.data + m->data_offset, .size = file_size};
    r->next = align_up(m->data_offset + file_size, 4);
    return true;
}

bool cpio_next(struct cpio_reader *r, struct cpio_member *m)
{
    uint64_t at = r->next;
    uint64_t file_size;
    uint64_t name_size;

    if (r->ended) {
        return false;
    }
    if (at > r->archive.size || r->archive.size - at < HEADER) {
        return fail(r, at, "the archive ends without its trailer; build the image again");
    }
    const uint8_t *h = r->archive.data + at;
    if (memcmp(h, "070701", 6) != 0 && memcmp(h, "070702", 6) != 0) {
        return fail(r, at, "there is no newc header here; build the image again");
    }
    if (!get_hex(h + 6 + 6 * 8, &file_size) || !get_hex(h + 6 + 11 * 8, &name_size)) {
        return fail(r, at, "a header holds something else than hex digits; build the image again");
    }
    if (!get_member(r, at, file_size, name_size, m)) {
        return false;
    }
    if (strcmp(m->name, TRAILER) == 0) {
        r->ended = true;
        return false;
    }
    return true;
}
