/* SPDX-License-Identifier: Apache-2.0 */
/* CPU pools of a description and their schedules, as the hypervisor sees them. */
#ifndef TOOL_POOLS_H
#define TOOL_POOLS_H

#include <bulkhead/bulkhead_op.h>

#include "system.h"

/* A window of a complete schedule: they follow each other, the last ends the frame. */
struct pool_window {
    uint64_t start, end;         /* ns from the start of the frame */
    const struct domain *domain; /* NULL = nobody's */
};

struct pool_plan {
    size_t count;
    struct pool_window window[BULKHEAD_WINDOWS];
};

static inline struct pool *system_pool(const struct system *s, size_t i)
{
    return (struct pool *)s->pools.item + i;
}

/* The pool of that name, NULL = none. */
const struct pool *pools_find(const struct system *s, const char *name);
/* The domain's pool, NULL = none, or none of that name. */
const struct pool *pools_of(const struct system *s, const struct domain *d);
bool pools_has(const struct pool *pool, uint64_t cpu);
static inline bool pools_is(const struct pool *pool, enum pool_policy policy)
{
    return pool != NULL && pool->policy.value == policy;
}
/* Both are in one pool that keeps them apart in time. */
bool pools_may_share(const struct system *s, const struct domain *a, const struct domain *b);

/* Schedules of an arinc653 pool: 0 = its own keys, the others below `schedules`.  NULL = there is none of that number. */
const struct schedule *pools_schedule(const struct pool *pool, size_t number);
bool pools_has_window(const struct pool *pool, const struct domain *d);
/* Windows in the order of time, with nobody's between them.  The rules hold. */
void pools_lay_out(const struct system *s, const struct schedule *schedule, struct pool_plan *out);

/* A domain without CPUs of its own has those of its pool; partitions get their numbers.  Before anything else is filled in. */
void pools_fill(struct system *s);

extern const struct key_table pool_keys;

/* [impl->dsn~tool-time-rules~1] */
void rules_check_time(struct diags *d, const struct system *s);

#endif
