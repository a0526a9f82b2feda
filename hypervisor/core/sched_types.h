/* SPDX-License-Identifier: Apache-2.0 */
/* What a CPU and a vCPU hold for the scheduler.  Only the CPU itself touches them.
 * [impl->dsn~cpu-pools~1] */
#ifndef CORE_SCHED_TYPES_H
#define CORE_SCHED_TYPES_H

#include "bulkhead/bulkhead_op.h"
#include "lib/heap.h"
#include "lib/list.h"
#include "lib/types.h"

struct sched_pool; /* sched/pools.h */

/* The vCPUs of one CPU that may run at the same times, and their timers: queue n > 0 holds those of partition n of an arinc653
 * pool, queue 0 all others. */
struct sched_queue {
    struct list runnable; /* ready to run; round robin: the next one first */
    struct list timers;   /* by deadline, core/timer.h */
};

struct sched_cpu {
    const struct sched_pool *pool; /* the policy in force; NULL = share, as before the launch described another */
    uint32_t active;               /* the queue that is served now */
    uint32_t hosts_boot;           /* 1: the Boot Domain is at home here */
    ticks_t next;                  /* when to choose again; UINT64_MAX = at the next event */
    ticks_t start;                 /* arinc653: start of the window that was chosen */
    ticks_t armed;                 /* deadline given to arch_timer_set */
    struct sched_queue queue[BULKHEAD_PARTITIONS + 1u];
    struct heap deadlines,
        order; /* rtds: the runnable ones by the end of their period; those with budget, the next one first */
};

/* rtds: what a vCPU was promised and what is left of it. */
struct sched_budget {
    uint64_t wanted;  /* atomic: sched_budget_pack(), 0 = none; in force from the next period on */
    uint64_t current; /* the one in force */
    ticks_t period, budget;
    ticks_t deadline; /* end of the current period; without a reservation: when to look for one */
    int64_t left;     /* ticks of budget; negative: overrun, taken from the next period's */
    ticks_t since;    /* runs since; 0 = does not */
    uint32_t level;   /* extra time: how often the budget was used up in this period; a lower one goes first */
    struct heap_node by_deadline, by_order;
};

#endif
