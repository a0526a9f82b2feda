/* SPDX-License-Identifier: Apache-2.0 */
/* newc cpio, written with control over where each member's data starts, and read with distrust.
 * [impl->dsn~tool-archive~1] */
#ifndef TOOL_CPIO_H
#define TOOL_CPIO_H

#include "diag.h"

struct cpio_writer {
    struct buffer *out; /* the archive starts at out's byte 0 */
    unsigned pads;
    size_t quiet_from; /* no byte of a real member may lie below: the page of a module that will be moved */
};

/* Append a member whose data starts at a multiple of `alignment` (>= 4). is_moved: nothing else that must be read
 * later shares a 4 KiB page with its data. Padding members fill the gaps. */
void cpio_add(struct cpio_writer *w, const char *name, struct bytes data, size_t alignment, bool is_moved);

/* The trailer, and zeroes up to a multiple of 4 KiB. */
void cpio_finish(struct cpio_writer *w);

struct cpio_member {
    const char *name; /* in the archive, NUL-terminated */
    uint64_t offset;  /* of the header */
    uint64_t data_offset;
    struct bytes data;
};

struct cpio_reader {
    struct bytes archive;
    uint64_t next;
    bool ended;        /* the trailer was met */
    const char *wrong; /* set by a failing cpio_next(): "what is wrong; what to do" */
    uint64_t wrong_at;
};

/* The next member; false at the end, or with `wrong` set. */
bool cpio_next(struct cpio_reader *r, struct cpio_member *m);

#endif
