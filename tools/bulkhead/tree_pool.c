// SPDX-License-Identifier: Apache-2.0
/* CPU pools that a launch tree describes: the other way round than launch.c. */
#include <bulkhead/launch.h>
#include <libfdt.h>
#include <string.h>

#include "pools.h"
#include "tree_internal.h"

static const char *const policies[] = {
    [POLICY_SHARE] = "credit", [POLICY_NULL] = "null", [POLICY_ARINC653] = "arinc653", [POLICY_RTDS] = "rtds"};

static struct number number_at(struct place at, uint64_t value)
{
    return (struct number){.value = value, .at = at, .given = true};
}

static const char *member_in(const struct system *s, const char *pool, uint64_t partition)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        if (d->pool.given && strcmp(d->pool.value, pool) == 0 && d->partition == partition) {
            return d->name.value;
        }
    }
    return "?";
}

static void take_schedule(const struct tree *t, int node, const struct system *s, const struct pool *pool,
                          const char *property, struct schedule *out)
{
    struct place at = tree_place(t, node);
    struct window *windows = arena_alloc(t->arena, BULKHEAD_WINDOWS, sizeof(*windows));
    uint64_t start = 0;
    uint64_t end;
    size_t count = 0;

    for (unsigned i = 0; i < BULKHEAD_WINDOWS && tree_number(t, node, property, 3 * i, 2, &end); i++) {
        uint64_t partition = 0;
        tree_number(t, node, property, 3 * i + 2, 1, &partition);
        if (partition != 0 && end > start) {
            const char *name = member_in(s, pool->name.value, partition);
            windows[count++] = (struct window){.domain = {.value = name, .at = at, .given = true},
                                               .start = number_at(at, start),
                                               .length = number_at(at, end - start),
                                               .at = at};
        }
        start = end > start ? end : start;
    }
    out->major_frame = number_at(at, start);
    out->windows = (struct items){.item = windows, .count = count, .at = at, .given = true};
}

static void take_schedules(const struct tree *t, int node, const struct system *s, struct pool *pool)
{
    struct schedule *more = arena_alloc(t->arena, BULKHEAD_SCHEDULES, sizeof(*more));
    uint64_t guard = 0;

    tree_number(t, node, LAUNCH_PROP_GUARD, 0, 2, &guard);
    pool->guard = number_at(tree_place(t, node), guard);
    pool->schedules.item = more;
    for (unsigned i = 0; i < BULKHEAD_SCHEDULES; i++) {
        const char *property = arena_printf(t->arena, LAUNCH_PROP_SCHEDULE "-%u", i);
        if (fdt_getprop(t->fdt, node, property, NULL) == NULL) {
            continue;
        }
        if (i == 0) {
            take_schedule(t, node, s, pool, property, &pool->main);
        } else {
            struct schedule *next = &more[pool->schedules.count++];
            next->name = (struct text){.value = arena_printf(t->arena, "schedule-%u", i), .given = true};
            take_schedule(t, node, s, pool, property, next);
        }
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        if (pools_of(s, d) == pool && d->partition == 0) {
            pool->idle = number_at(tree_place(t, node), IDLE_LEND);
        }
    }
}

static void take_pool(const struct tree *t, int node, struct system *s)
{
    struct pool *pool = system_pool(s, s->pools.count);
    const char *policy = tree_text(t, node, "cpupool-sched");
    bool cpus[BOARD_MAX_CPUS] = {false};
    struct number *list = arena_alloc(t->arena, BOARD_MAX_CPUS, sizeof(*list));

    s->pools.count++;
    pool->name = (struct text){.value = fdt_get_name(t->fdt, node, NULL), .at = tree_place(t, node), .given = true};
    pool->cpus = (struct items){.item = list, .at = pool->name.at, .given = true};
    if (!tree_parse_affinity(tree_text(t, node, LAUNCH_PROP_CPUS), cpus)) {
        diag_error(t->diags, pool->name.at, "import-pool", "%s: " LAUNCH_PROP_CPUS " is wrong; write \"1,3-4\"",
                   tree_path(t, node));
    }
    for (unsigned cpu = 0; cpu < BOARD_MAX_CPUS; cpu++) {
        if (cpus[cpu]) {
            list[pool->cpus.count++] = number_at(pool->name.at, cpu);
        }
    }
    for (unsigned i = 0; policy != NULL && i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (strcmp(policy, policies[i]) == 0) {
            pool->policy = number_at(pool->name.at, i);
        }
    }
    if (pool->policy.value == POLICY_ARINC653) {
        take_schedules(t, node, s, pool);
    }
}

void tree_read_pools(const struct tree *t, int parent, struct system *s)
{
    int node;

    s->pools = (struct items){
        .item = arena_alloc(t->arena, BULKHEAD_POOLS, sizeof(struct pool)), .at = tree_place(t, parent), .given = true};
    fdt_for_each_subnode(node, t->fdt, parent)
    {
        if (fdt_node_check_compatible(t->fdt, node, "xen,cpupool") == 0 &&
            tree_text(t, node, LAUNCH_PROP_CPUS) != NULL && s->pools.count < BULKHEAD_POOLS) {
            take_pool(t, node, s);
        }
    }
}

void tree_take_partition(const struct tree_reader *r, const char *name)
{
    uint64_t value = 0;

    tree_number(r->tree, r->node, name, 0, 1, &value);
    r->domain->partition = (unsigned)value;
}

void tree_take_period(const struct tree_reader *r, const char *name)
{
    uint64_t value = 0;

    tree_number(r->tree, r->node, name, 0, 1, &value);
    r->domain->period = tree_number_here(r, value * 1000);
}

void tree_take_budget(const struct tree_reader *r, const char *name)
{
    uint64_t value = 0;

    tree_number(r->tree, r->node, name, 0, 1, &value);
    r->domain->budget = tree_number_here(r, value * 1000);
}

void tree_take_extra(const struct tree_reader *r, const char *name)
{
    (void)name;
    r->domain->extra_time = (struct flag){.value = true, .at = tree_here(r), .given = true};
}
