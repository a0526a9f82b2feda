/* SPDX-License-Identifier: Apache-2.0 */
/* Use counts and owners of single frames: lock-free, by compare-and-swap of one entry.
 * [impl->dsn~frame-owner~1] */
#include "core/frame_table.h"

/* Guests could map one frame more than 2^32 times only with more address space than they have tables for; refused
 * all the same. */
#define COUNT_LIMIT (UINT32_MAX - 1u)

/* An entry as one word: count in the upper half, owner and type in the lower one (frame_table.h). */
#define ONE                  (UINT64_C(1) << 32)
#define WHOSE(w)             ((uint32_t)(w) & 0xffffffu)
#define COUNT(w)             ((uint32_t)((w) >> 32))
#define TYPE(w)              ((uint8_t)((w) >> 16))
#define CHANGED(e, seen, to) __atomic_compare_exchange_n(e, seen, to, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

err_t frame_get(mfn_t mfn, uint16_t owner, enum frame_type type)
{
    uint32_t whose = (uint32_t)owner | (uint32_t)type << 16;
    uint64_t *e = frame_entry(mfn.v);
    uint64_t seen;

    if (UNLIKELY(e == NULL)) {
        return ERR_PERM;
    }
    seen = __atomic_load_n(e, __ATOMIC_RELAXED);
    do { /* bound: contending CPUs */
        if (UNLIKELY(WHOSE(seen) != whose || COUNT(seen) == 0u)) {
            return ERR_PERM;
        }
        if (UNLIKELY(COUNT(seen) == COUNT_LIMIT)) {
            return ERR_BUSY;
        }
    } while (!CHANGED(e, &seen, seen + ONE));
    return OK;
}

bool frame_put(mfn_t mfn, uint16_t *owner)
{
    uint64_t *e = frame_entry(mfn.v);
    uint64_t seen;

    ASSERT(e != NULL);
    seen = __atomic_load_n(e, __ATOMIC_RELAXED);
    do {
        ASSERT(COUNT(seen) > 0u && TYPE(seen) > FRAME_FREE);
    } while (!CHANGED(e, &seen, seen - ONE));
    *owner = (uint16_t)seen;
    return (seen >> 24) == (ONE >> 24); /* one, and not kept */
}

COLD void frame_keep(mfn_t mfn, uint64_t count)
{
    uint64_t *e = frame_entry(mfn.v);

    ASSERT(e != NULL);
    for (uint64_t i = 0; i < count; i++) {
        (void)__atomic_fetch_or(&e[i], frame_pack((struct frame){.order = FRAME_KEPT}), __ATOMIC_RELAXED);
    }
}

uint64_t frame_rest(mfn_t mfn, uint64_t count)
{
    uint64_t *e = frame_entry(mfn.v);
    uint64_t i = 0;

    ASSERT(e != NULL);
    for (; i < count; i++) {
        uint64_t seen = __atomic_load_n(&e[i], __ATOMIC_RELAXED);

        if ((seen >> 24) != ((ONE >> 24) | FRAME_KEPT) || !CHANGED(&e[i], &seen, seen - ONE)) {
            break;
        }
    }
    return i;
}

/* Are [e, e + count) all this word?  By four: this is long for one step. */
static bool are_all(const uint64_t *e, uint64_t count, uint64_t word)
{
    uint64_t other = 0;
    uint64_t i = 0;

    ASSERT(e != NULL);
    for (; i + 4u <= count; i += 4u) {
        other |=
            (__atomic_load_n(&e[i], __ATOMIC_RELAXED) ^ word) | (__atomic_load_n(&e[i + 1u], __ATOMIC_RELAXED) ^ word);
        other |= (__atomic_load_n(&e[i + 2u], __ATOMIC_RELAXED) ^ word) |
                 (__atomic_load_n(&e[i + 3u], __ATOMIC_RELAXED) ^ word);
    }
    for (; i < count; i++) {
        other |= __atomic_load_n(&e[i], __ATOMIC_RELAXED) ^ word;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return other == 0u;
}

bool frame_wake(mfn_t mfn, uint64_t count, uint16_t owner)
{
    struct frame f = {.owner = owner, .type = FRAME_RAM, .order = FRAME_KEPT};

    if (!are_all(frame_entry(mfn.v), count, frame_pack(f))) {
        return false;
    }
    f.count = 1;
    frame_fill(mfn.v, count, f); /* nobody gets a user to a frame that has none */
    return true;
}

COLD bool frame_is_sole(mfn_t mfn, uint64_t count, uint16_t owner)
{
    return are_all(frame_entry(mfn.v), count,
                   frame_pack((struct frame){.owner = owner, .type = FRAME_RAM, .count = 1}));
}
