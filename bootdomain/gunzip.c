/* SPDX-License-Identifier: Apache-2.0 */
#include "gunzip.h"

#include <stddef.h>
#include <string.h>

#include <zlib.h>

#define POOL_BYTES   0xc000u
#define WINDOW_BITS  (15 + 16) /* 32 KiB window; 16: gzip header and checksum */
#define PIECE_BYTES  UINT64_C(0x40000000)
#define HEADER_BYTES 18u
#define MAGIC_0      0x1fu
#define MAGIC_1      0x8bu

static uint8_t pool[POOL_BYTES] __attribute__((aligned(16)));
static size_t pool_used;
static z_stream stream;

/* zlib asks twice a stream, and never more than the pool has; nothing is given back before the next stream. */
static voidpf take(voidpf opaque, uInt items, uInt size)
{
    size_t bytes = ((size_t)items * size + 15u) & ~(size_t)15u;

    (void)opaque;
    if (bytes > POOL_BYTES - pool_used) {
        return NULL;
    }
    void *memory = &pool[pool_used];
    pool_used += bytes;
    return memory;
}

static void give(voidpf opaque, voidpf memory)
{
    (void)opaque;
    (void)memory;
}

bool gunzip_is_gzip(const uint8_t *data, uint64_t size)
{
    return size >= HEADER_BYTES && data[0] == MAGIC_0 && data[1] == MAGIC_1;
}

void gunzip_open(struct gunzip *gunzip, const uint8_t *data, uint64_t size)
{
    *gunzip = (struct gunzip){.next = data, .left = size, .reason = NULL};
    pool_used = 0;
    memset(&stream, 0, sizeof(stream));
    stream.zalloc = take;
    stream.zfree = give;
    if (inflateInit2(&stream, WINDOW_BITS) != Z_OK) {
        gunzip->reason = "no memory";
    }
}

/* Give the inflater its next piece of input when it has used up the last one. */
static void feed(struct gunzip *gunzip)
{
    if (stream.avail_in == 0) {
        uInt piece = (uInt)((gunzip->left < PIECE_BYTES) ? gunzip->left : PIECE_BYTES);
        stream.next_in = gunzip->next;
        stream.avail_in = piece;
        gunzip->next += piece;
        gunzip->left -= piece;
    }
}

enum gunzip_result gunzip_read(struct gunzip *gunzip, uint8_t *to, uint64_t room, uint64_t *got)
{
    *got = 0;
    if (gunzip->reason != NULL) {
        return GUNZIP_BAD;
    }
    while (*got < room) {
        uint64_t rest = room - *got;
        uInt piece = (uInt)((rest < PIECE_BYTES) ? rest : PIECE_BYTES);
        feed(gunzip);
        stream.next_out = &to[*got];
        stream.avail_out = piece;
        int result = inflate(&stream, Z_NO_FLUSH);
        *got += piece - stream.avail_out;
        if (result == Z_STREAM_END) {
            return GUNZIP_END;
        }
        if (result != Z_OK) { /* Z_BUF_ERROR: no more input */
            gunzip->reason = (result == Z_BUF_ERROR || stream.msg == NULL) ? "it ends too early" : stream.msg;
            return GUNZIP_BAD;
        }
    }
    return GUNZIP_MORE;
}
