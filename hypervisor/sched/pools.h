/* SPDX-License-Identifier: Apache-2.0 */
/* CPU pools as the launch describes them: const from the first start of a domain on, but for the choice among the schedules of an
 * arinc653 pool.
 * [impl->dsn~cpu-pools~1] */
#ifndef SCHED_POOLS_H
#define SCHED_POOLS_H

#include "bulkhead/bulkhead_op.h"
#include "lib/spinlock.h"
#include "lib/types.h"

/* A window ends where the next one starts; the first starts with the frame, the last ends it. */
struct sched_window {
    ticks_t end; /* from the start of the frame */
    uint32_t partition;
};

struct sched_schedule {
    uint32_t count; /* 0 = not described */
    struct sched_window window[BULKHEAD_WINDOWS];
};

struct sched_pool {
    uint32_t policy; /* BULKHEAD_POLICY_*; 0 = there is no such pool */
    uint64_t cpus;
    ticks_t guard;                    /* arinc653: who runs stops so long before the window's end */
    struct sched_schedule *schedules; /* arinc653: BULKHEAD_SCHEDULES of them, in a frame of their own */
    struct spinlock lock;             /* rank 6.5: those who write the next two */
    uint64_t plan,
        before; /* atomic (release): plan_pack() of the last two schedules; plan is in force from its time on */
    uint8_t owner[BULKHEAD_PARTITIONS + 1u]; /* atomic: slot of the domain that last was the partition */
};

/* Where a moment lies. */
struct sched_place {
    uint32_t partition;
    ticks_t start, end; /* of the window */
};

/* The pool of a CPU, NULL = none described.  Bound: 1 load. */
const struct sched_pool *sched_pool_of(uint32_t cpu);
/* The domain in that slot is the partition, on this CPU at least. */
void sched_pool_own(uint32_t cpu, uint32_t partition, uint32_t slot);
/* The window of an arinc653 pool at t.  The same answer on every CPU.  Bound: 6 steps of a binary search. */
struct sched_place sched_pool_window(const struct sched_pool *pool, ticks_t t);

#endif
