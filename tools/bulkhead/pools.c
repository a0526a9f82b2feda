// SPDX-License-Identifier: Apache-2.0
#include "pools.h"

#include <stdlib.h>
#include <string.h>

const struct pool *pools_find(const struct system *s, const char *name)
{
    for (size_t i = 0; i < s->pools.count; i++) {
        if (strcmp(system_pool(s, i)->name.value, name) == 0) {
            return system_pool(s, i);
        }
    }
    return NULL;
}

const struct pool *pools_of(const struct system *s, const struct domain *d)
{
    return d->pool.given ? pools_find(s, d->pool.value) : NULL;
}

bool pools_has(const struct pool *pool, uint64_t cpu)
{
    const struct number *list = pool->cpus.item;

    for (size_t i = 0; i < pool->cpus.count; i++) {
        if (list[i].given && list[i].value == cpu) {
            return true;
        }
    }
    return false;
}

bool pools_may_share(const struct system *s, const struct domain *a, const struct domain *b)
{
    const struct pool *pool = pools_of(s, a);

    return pool == pools_of(s, b) && (pools_is(pool, POLICY_ARINC653) || pools_is(pool, POLICY_RTDS));
}

const struct schedule *pools_schedule(const struct pool *pool, size_t number)
{
    const struct schedule *more = pool->schedules.item;

    return number == 0 ? &pool->main : number <= pool->schedules.count ? &more[number - 1] : NULL;
}

bool pools_has_window(const struct pool *pool, const struct domain *d)
{
    for (size_t s = 0; pools_schedule(pool, s) != NULL; s++) {
        const struct items *list = &pools_schedule(pool, s)->windows;
        const struct window *window = list->item;
        for (size_t i = 0; i < list->count; i++) {
            if (window[i].domain.given && strcmp(window[i].domain.value, d->name.value) == 0) {
                return true;
            }
        }
    }
    return false;
}

static const struct domain *domain_called(const struct system *s, const char *name)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (strcmp(system_domain(s, i)->name.value, name) == 0) {
            return system_domain(s, i);
        }
    }
    return NULL;
}

static int by_start(const void *a, const void *b)
{
    const struct window *const *x = a;
    const struct window *const *y = b;

    return ((*x)->start.value > (*y)->start.value) - ((*x)->start.value < (*y)->start.value);
}

static void add(struct pool_plan *out, uint64_t start, uint64_t end, const struct domain *domain)
{
    if (end > start && out->count < BULKHEAD_WINDOWS) {
        out->window[out->count++] = (struct pool_window){.start = start, .end = end, .domain = domain};
    }
}

void pools_lay_out(const struct system *s, const struct schedule *schedule, struct pool_plan *out)
{
    const struct window *window = schedule->windows.item;
    const struct window *sorted[KEY_MAX_ITEMS];
    size_t count = schedule->windows.count;
    uint64_t at = 0;

    for (size_t i = 0; i < count; i++) {
        sorted[i] = &window[i];
    }
    qsort(sorted, count, sizeof(sorted[0]), by_start);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t end = sorted[i]->start.value + sorted[i]->length.value;
        add(out, at, sorted[i]->start.value, NULL);
        add(out, sorted[i]->start.value, end, domain_called(s, sorted[i]->domain.value));
        at = end;
    }
    add(out, at, schedule->major_frame.value, NULL);
}

void pools_fill(struct system *s)
{
    for (size_t p = 0; p < s->pools.count; p++) {
        struct pool *pool = system_pool(s, p);
        pool->policy.value = pool->policy.given ? pool->policy.value : POLICY_SHARE;
        pool->guard.value = pool->guard.given ? pool->guard.value : POOL_GUARD_DEFAULT;
        unsigned partition = 0;
        for (size_t i = 0; i < s->domains.count; i++) {
            struct domain *d = system_domain(s, i);
            if (pools_of(s, d) != pool) {
                continue;
            }
            if (!d->cpus.given) {
                d->cpus = pool->cpus;
            }
            if (pool->policy.value == POLICY_ARINC653 && pools_has_window(pool, d)) {
                partition++;
                d->partition = partition;
            }
        }
    }
}
