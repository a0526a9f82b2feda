/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/policy.h"

static ticks_t major_frame(const struct sched_schedule *s)
{
    return s->window[s->count - 1u].end;
}

struct sched_place arinc653_window(const struct sched_schedule *s, ticks_t epoch, ticks_t t)
{
    ticks_t offset = (t - epoch) % major_frame(s);
    ticks_t frame = t - offset;
    uint32_t low = 0;
    uint32_t high = s->count - 1u; /* the answer is in [low, high]: the first window that ends behind offset */

    /*@ loop invariant low <= high < s->count && offset < s->window[high].end;
      @ loop invariant \forall integer k; 0 <= k < low ==> s->window[k].end <= offset;
      @ loop assigns low, high;
      @ loop variant high - low; */
    while (low < high) { /* bound: log2(BULKHEAD_WINDOWS) */
        uint32_t middle = (low + high) / 2u;

        if (s->window[middle].end <= offset) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return (struct sched_place){.partition = s->window[low].partition,
                                .start = frame + ((low == 0u) ? 0u : s->window[low - 1u].end),
                                .end = frame + s->window[low].end};
}

ticks_t arinc653_frame(const struct sched_schedule *s, ticks_t epoch, ticks_t t)
{
    ticks_t offset = (t - epoch) % major_frame(s);

    return (offset == 0u) ? t : t - offset + major_frame(s);
}
