/* SPDX-License-Identifier: Apache-2.0 */
/* gzip data, inflated piece by piece into memory that the caller gives.  One stream at a time: the inflater's state is
 * static (zlib's needs 7 KiB and a 32 KiB window).
 * [impl->dsn~boot-gzip~1] */
#ifndef BOOTDOMAIN_GUNZIP_H
#define BOOTDOMAIN_GUNZIP_H

#include <stdbool.h>
#include <stdint.h>

enum gunzip_result {
    GUNZIP_MORE = 0, /* the buffer is full; there may be more */
    GUNZIP_END = 1,  /* all data has come and its checksum is right */
    GUNZIP_BAD = 2,  /* damaged or truncated; reason says how */
};

struct gunzip {
    const uint8_t *next;
    uint64_t left; /* bytes at next that the inflater has not been given */
    const char *reason;
};

bool gunzip_is_gzip(const uint8_t *data, uint64_t size);

/* Start over on the gzip data at [data, data + size).  Ends the stream that was open before. */
void gunzip_open(struct gunzip *gunzip, const uint8_t *data, uint64_t size);

/* Inflate at most room bytes to `to`; *got says how many came. */
enum gunzip_result gunzip_read(struct gunzip *gunzip, uint8_t *to, uint64_t room, uint64_t *got);

#endif
