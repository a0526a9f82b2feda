/* SPDX-License-Identifier: Apache-2.0 */
/* The policies: who runs next on a CPU and until when, from the state and the time alone.
 * Context: the CPU whose queue it is.  null has no function: the first vCPU, for ever. */
#ifndef SCHED_POLICY_H
#define SCHED_POLICY_H

#include "core/sched_types.h"
#include "core/vcpu.h"
#include "sched/pools.h"

struct sched_choice {
    struct vcpu *vcpu; /* NULL: nobody can run */
    ticks_t until;     /* choose again then; UINT64_MAX = at the next event */
};

/* The first of a list of runnable vCPUs, or NULL. */
struct vcpu *sched_first(const struct list *runnable);

/* [impl->dsn~round-robin~1]
 * Round robin: current stays until its turn of `slice` ticks is over; who has no company has no turn.  Bound: O(1). */
struct sched_choice share_choose(struct list *runnable, const struct vcpu *current, bool company, ticks_t now,
                                 ticks_t slice);

/* [impl->dsn~arinc653-window~1]
 * The window at t of a schedule whose frames are counted from epoch; total for every t.  count: 1..BULKHEAD_WINDOWS, ends
 * strictly rising.  Bound: 6 steps. */
struct sched_place arinc653_window(const struct sched_schedule *s, ticks_t epoch, ticks_t t);
/* The first frame of that schedule that starts at t or later. */
ticks_t arinc653_frame(const struct sched_schedule *s, ticks_t epoch, ticks_t t);

/* [impl->dsn~rtds-edf~1] [impl->dsn~rtds-budget~1] [impl->dsn~rtds-heap~1]
 * The earliest deadline of those with budget left; a vCPU without a reservation runs in what they leave.
 * current's time is charged.  Bound, of n runnable vCPUs: log n, for current and for each whose period ends now. */
struct sched_choice rtds_choose(struct sched_cpu *s, struct vcpu *current, ticks_t now);
/* A vCPU begins to be runnable, and ends to be.  Bound: log n.  [impl->dsn~rtds-wake~1] */
void rtds_add(struct sched_cpu *s, struct sched_budget *b, ticks_t now);
void rtds_remove(struct sched_cpu *s, struct sched_budget *b);
/* A new period when the current one is over. */
void rtds_advance(struct sched_budget *b, ticks_t now);
/* It ran until now.  By how much it has overrun its budget. */
ticks_t rtds_spend(struct sched_budget *b, ticks_t now);

/* A reservation in one word: period (1 .. 2^32-1) and budget (1 .. period) in microseconds, extra time.  0 = none. */
static inline uint64_t sched_budget_pack(uint32_t period_us, uint32_t budget_us, bool extra)
{
    return ((uint64_t)period_us << 32) | ((uint64_t)budget_us << 1) | (extra ? 1u : 0u);
}
static inline uint32_t sched_budget_period(uint64_t word)
{
    return (uint32_t)(word >> 32);
}
static inline uint32_t sched_budget_us(uint64_t word)
{
    return (uint32_t)word >> 1;
}

#endif
