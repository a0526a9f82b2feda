/* SPDX-License-Identifier: Apache-2.0 */
#include "archive.h"

#include <string.h>

#include <bulkhead/launch.h>

#include "text.h"

/* A newc header: the magic, then thirteen fields of eight hexadecimal digits. */
#define MAGIC        "070701"
#define MAGIC_BYTES  6u
#define FIELD_BYTES  8u
#define HEADER_BYTES 110u
#define ALIGNMENT    4u
#define TRAILER      "TRAILER!!!"
#define MODE_TYPE    0170000u
#define MODE_REGULAR 0100000u

enum field { FIELD_MODE = 1, FIELD_LINKS = 4, FIELD_SIZE = 6, FIELD_NAME_SIZE = 11 };

struct cursor {
    const uint8_t *base;
    uint64_t size;
    uint64_t offset; /* of the current header, <= size */
    uint32_t number; /* of the current member, from 0 */
};

struct header {
    uint32_t mode;
    uint32_t links;
    uint32_t size;
    uint32_t name_size;
};

static bool parse_hex(const uint8_t *digits, uint32_t *value)
{
    uint32_t result = 0;

    for (uint32_t i = 0; i < FIELD_BYTES; i++) {
        uint8_t c = digits[i];
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)c - '0';
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint32_t)c - 'a' + 10u;
        } else if (c >= 'A' && c <= 'F') {
            digit = (uint32_t)c - 'A' + 10u;
        } else {
            return false;
        }
        result = (result << 4) | digit;
    }
    *value = result;
    return true;
}

static bool read_field(const uint8_t *header, enum field field, uint32_t *value)
{
    return parse_hex(&header[MAGIC_BYTES + FIELD_BYTES * (uint32_t)field], value);
}

static bool refuse(const struct cursor *at, const char *what)
{
    log_problem(NULL, "launch archive: member %u, at byte %lu: %s; build the image again", at->number,
                (unsigned long)at->offset, what);
    return false;
}

static bool read_header(const struct cursor *at, struct header *header)
{
    const uint8_t *raw = &at->base[at->offset];

    if (at->size - at->offset < HEADER_BYTES) {
        return refuse(at, "the archive ends before its trailer");
    }
    if (memcmp(raw, MAGIC, MAGIC_BYTES) != 0) {
        return refuse(at, "no newc header (070701)");
    }
    if (!read_field(raw, FIELD_MODE, &header->mode) || !read_field(raw, FIELD_LINKS, &header->links) ||
        !read_field(raw, FIELD_SIZE, &header->size) || !read_field(raw, FIELD_NAME_SIZE, &header->name_size)) {
        return refuse(at, "a header field is not a hexadecimal number");
    }
    return true;
}

/* The name lies behind the header: inside the archive, and exactly as long as the header says. */
static bool check_name(const struct cursor *at, const struct header *header)
{
    uint64_t room = at->size - at->offset - HEADER_BYTES;
    const uint8_t *name = &at->base[at->offset + HEADER_BYTES];

    if (header->name_size < 2 || header->name_size > ARCHIVE_NAME_BYTES) {
        return refuse(at, "the length of the name is not 1 to 127 characters");
    }
    if (header->name_size > room) {
        return refuse(at, "the name runs past the end of the archive");
    }
    if (memchr(name, '\0', header->name_size) != &name[header->name_size - 1]) {
        return refuse(at, "the name does not end where its length says");
    }
    return true;
}

static bool is_padding(const char *name)
{
    return strncmp(name, LAUNCH_PAD_PREFIX, sizeof(LAUNCH_PAD_PREFIX) - 1) == 0;
}

static bool add_member(struct archive *archive, const struct cursor *at, const struct header *header,
                       const struct archive_member *member)
{
    if ((header->mode & MODE_TYPE) != MODE_REGULAR || header->links > 1) {
        return refuse(at, "not a plain file with one name");
    }
    if (is_padding(member->name)) {
        return true;
    }
    if (archive_find(archive, member->name) != NULL) {
        return refuse(at, "a second member of the same name");
    }
    if (archive->count == ARCHIVE_MAX_MEMBERS) {
        return refuse(at, "more than 1024 members");
    }
    archive->members[archive->count] = *member;
    archive->count++;
    return true;
}

static uint64_t align_up(uint64_t value)
{
    return (value + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

bool archive_index(struct archive *archive, const uint8_t *base, uint64_t size)
{
    struct cursor at = {.base = base, .size = size, .offset = 0, .number = 0};

    archive->count = 0;
    for (;;) {
        struct header header;
        if (!read_header(&at, &header) || !check_name(&at, &header)) {
            return false;
        }
        const char *name = (const char *)&base[at.offset + HEADER_BYTES];
        if (strcmp(name, TRAILER) == 0) {
            return true;
        }
        uint64_t data = align_up(at.offset + HEADER_BYTES + header.name_size);
        if (data > size || header.size > size - data) {
            return refuse(&at, "the data runs past the end of the archive");
        }
        struct archive_member member = {.name = name, .data = &base[data], .size = header.size};
        if (!add_member(archive, &at, &header, &member)) {
            return false;
        }
        uint64_t next = align_up(data + header.size);
        at.offset = (next < size) ? next : size;
        at.number++;
    }
}

const struct archive_member *archive_find(const struct archive *archive, const char *name)
{
    for (uint32_t i = 0; i < archive->count; i++) {
        if (strcmp(archive->members[i].name, name) == 0) {
            return &archive->members[i];
        }
    }
    return NULL;
}
