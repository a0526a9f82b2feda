/* SPDX-License-Identifier: Apache-2.0 */
#include "core/console_ring.h"
#include "core/console.h"
#include "lib/string.h"

#define RECORDS      8192u
#define RECORDS_SELF 64u /* kept for the hypervisor */
#define LINE_LEAST   6u  /* bytes of the shortest line: "(n) ", CR, LF */

/* A stretch of bytes of one owner. */
struct record {
    uint16_t owner;
    uint16_t bytes;
};

static struct {
    char bytes[CONSOLE_RING];
    struct record records[RECORDS];
    uint32_t head, tail;               /* of bytes: free-running, head - tail waits */
    uint32_t cleared;                  /* nobody reads what is before */
    uint32_t record_head, record_tail; /* of records: free-running */
    uint32_t queued[MAX_DOMAINS + 1u];
    uint64_t lost[MAX_DOMAINS + 1u];
    uint64_t lost_total;
    bool want_ready;
} ring;

static_assert((CONSOLE_RING & (CONSOLE_RING - 1u)) == 0u && (RECORDS & (RECORDS - 1u)) == 0u, "free-running indices");
static_assert((CONSOLE_RING / LINE_LEAST) <= (RECORDS - RECORDS_SELF),
              "empty lines of several domains run out of bytes first");
static_assert(CONSOLE_QUOTA * 8u <= CONSOLE_RING, "seven floods do not silence an eighth domain");

static struct record *last_record(void)
{
    return &ring.records[(ring.record_head - 1u) % RECORDS];
}

/* Domains leave some room for what the hypervisor has to say. */
static bool has_room(uint32_t owner, size_t n)
{
    bool self = owner == CONSOLE_SELF;
    uint32_t bytes = CONSOLE_RING - (ring.head - ring.tail);
    uint32_t records = RECORDS - (ring.record_head - ring.record_tail);

    return n + (self ? 0u : CONSOLE_QUOTA) <= bytes && records > (self ? 0u : RECORDS_SELF) &&
           (self || ring.queued[owner] + n <= CONSOLE_QUOTA);
}

static void note(uint32_t owner, size_t n)
{
    if (ring.record_head != ring.record_tail && last_record()->owner == owner &&
        last_record()->bytes + n <= UINT16_MAX) {
        last_record()->bytes = (uint16_t)(last_record()->bytes + n);
    } else {
        ring.records[ring.record_head % RECORDS] = (struct record){.owner = (uint16_t)owner, .bytes = (uint16_t)n};
        ring.record_head++;
    }
    ring.queued[owner] += (uint32_t)n;
}

bool console_ring_put(uint32_t owner, const char *s, size_t n)
{
    size_t straight;

    if (n == 0u) {
        return true;
    }
    if (!has_room(owner, n)) {
        ring.lost[owner] += n;
        ring.lost_total += n;
        return false;
    }
    straight = CONSOLE_RING - ring.head % CONSOLE_RING;
    if (n == 1u) {
        ring.bytes[ring.head % CONSOLE_RING] = *s;
    } else {
        straight = (n < straight) ? n : straight;
        memcpy(&ring.bytes[ring.head % CONSOLE_RING], s, straight);
        memcpy(ring.bytes, &s[straight], n - straight);
    }
    ring.head += (uint32_t)n;
    note(owner, n);
    return true;
}

/* n bytes have left, from the oldest record on. */
static void forget(size_t n)
{
    ring.tail += (uint32_t)n;
    while (n > 0u) {
        struct record *r = &ring.records[ring.record_tail % RECORDS];
        uint32_t part = (n < r->bytes) ? (uint32_t)n : r->bytes;

        r->bytes = (uint16_t)(r->bytes - part);
        ring.queued[r->owner] -= part;
        n -= part;
        if (r->bytes == 0u) {
            ring.record_tail++;
        }
    }
}

/* Bytes at the tail that do not wrap. */
static size_t chunk(void)
{
    uint32_t waiting = ring.head - ring.tail;
    uint32_t straight = CONSOLE_RING - ring.tail % CONSOLE_RING;

    return (waiting < straight) ? waiting : straight;
}

bool console_ring_drain(size_t limit)
{
    bool full = false;

    for (uint32_t turn = 0; turn < 2u && !full && limit > 0u && chunk() > 0u; turn++) { /* the ring wraps once */
        size_t n = (chunk() < limit) ? chunk() : limit;
        size_t sent = arch_console_write(&ring.bytes[ring.tail % CONSOLE_RING], n);

        forget(sent);
        limit -= sent;
        full = sent < n;
    }
    if (full != ring.want_ready) {
        ring.want_ready = full;
        arch_console_want_ready(full);
    }
    return !full && ring.head != ring.tail;
}

void console_ring_flush(void)
{
    for (uint32_t turn = 0; turn < 2u && chunk() > 0u; turn++) {
        size_t n = chunk();

        arch_console_write_sync(&ring.bytes[ring.tail % CONSOLE_RING], n);
        forget(n);
    }
}

size_t console_ring_history(uint32_t *index, char *to, size_t n, bool clear)
{
    uint32_t kept = ring.head - ring.cleared;
    size_t done = 0;

    kept = (kept < CONSOLE_RING) ? kept : CONSOLE_RING;
    if (ring.head - *index > kept) {
        *index = ring.head - kept;
    }
    for (; done < n && *index != ring.head; done++) {
        to[done] = ring.bytes[*index % CONSOLE_RING];
        (*index)++;
    }
    if (clear) {
        ring.cleared = *index;
    }
    return done;
}

uint64_t console_ring_lost(uint32_t owner)
{
    return ring.lost[owner];
}

void console_ring_told(uint32_t owner, uint64_t n)
{
    ring.lost[owner] -= n;
}

uint64_t console_ring_lost_total(void)
{
    return ring.lost_total;
}
