/* SPDX-License-Identifier: Apache-2.0 */
/* CPU pools of the description: nodes compatible with "xen,cpupool" that a domain refers to.
 * [impl->dsn~boot-pools~1] */
#include <string.h>

#include <libfdt.h>

#include "plan_internal.h"
#include "text.h"

#define WINDOW_BYTES 12u /* 64-bit end, 32-bit partition */

static const struct {
    const char *name;
    uint32_t policy;
} policies[] = {
    {"null", BULKHEAD_POLICY_NULL},    {"arinc653", BULKHEAD_POLICY_ARINC653}, {"rtds", BULKHEAD_POLICY_RTDS},
    {"credit", BULKHEAD_POLICY_SHARE}, {"credit2", BULKHEAD_POLICY_SHARE},     {"share", BULKHEAD_POLICY_SHARE},
};

static void read_policy(struct plan_pool *pool, const struct plan_context *context, int node)
{
    struct prop prop;

    pool->policy = BULKHEAD_POLICY_SHARE;
    if (!prop_find(&prop, context->fdt, node, NULL, "cpupool-sched")) {
        return;
    }
    const char *text = prop_string(&prop);
    if (text == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (strcmp(text, policies[i].name) == 0) {
            pool->policy = policies[i].policy;
            return;
        }
    }
    log_problem(NULL, "pool '%s': cpupool-sched is '%s'; write \"null\", \"arinc653\", \"rtds\" or \"credit\"",
                pool->name, text);
}

static void add_window(struct plan *plan, struct plan_pool *pool, uint32_t schedule, const struct bulkhead_window *w)
{
    const struct bulkhead_window *last = (pool->count[schedule] == 0) ? NULL : &plan->windows[plan->window_count - 1];
    uint64_t start = (last == NULL) ? 0 : last->end;

    if (w->end > BULKHEAD_FRAME_MAX || w->end <= start || w->end - start <= pool->guard) {
        log_problem(
            NULL,
            "pool '%s': window %u of schedule %u from %lu to %lu ns is not longer than the guard time (%lu ns), or "
            "its frame is longer than 1000 s; write ends that rise",
            pool->name, pool->count[schedule], schedule, (unsigned long)start, (unsigned long)w->end,
            (unsigned long)pool->guard);
        return;
    }
    if (w->partition > BULKHEAD_PARTITIONS) {
        log_problem(NULL, "pool '%s': partition %u; write 1 to %u, or 0 for nobody", pool->name, w->partition,
                    BULKHEAD_PARTITIONS);
        return;
    }
    if (pool->count[schedule] == BULKHEAD_WINDOWS || plan->window_count == PLAN_MAX_WINDOWS) {
        log_problem(NULL, "pool '%s': more than %u windows in a schedule, or %u in all; join some", pool->name,
                    BULKHEAD_WINDOWS, PLAN_MAX_WINDOWS);
        return;
    }
    plan->windows[plan->window_count] = *w;
    plan->window_count++;
    pool->count[schedule]++;
}

static void read_schedule(struct plan *plan, struct plan_pool *pool, uint32_t schedule, const struct prop *prop)
{
    uint32_t before = log_problem_count();

    pool->first[schedule] = plan->window_count;
    if (prop->size == 0 || prop->size % WINDOW_BYTES != 0) {
        log_problem(NULL, "pool '%s': %s has %u bytes; write <end-high end-low partition> for each window", pool->name,
                    prop->name, prop->size);
        return;
    }
    for (uint32_t at = 0; at < prop->size && log_problem_count() == before; at += WINDOW_BYTES) {
        struct bulkhead_window w = {0};
        uint64_t partition = 0;
        prop_cells(prop, at, 2, &w.end);
        prop_cells(prop, at + 8, 1, &partition);
        w.partition = (uint32_t)partition;
        add_window(plan, pool, schedule, &w);
    }
}

static void read_schedules(struct plan *plan, struct plan_pool *pool, const struct plan_context *context, int node)
{
    static const char *const names[BULKHEAD_SCHEDULES] = {LAUNCH_PROP_SCHEDULE "-0", LAUNCH_PROP_SCHEDULE "-1",
                                                          LAUNCH_PROP_SCHEDULE "-2", LAUNCH_PROP_SCHEDULE "-3"};
    struct prop prop;

    if (prop_find(&prop, context->fdt, node, NULL, LAUNCH_PROP_GUARD) && prop_u64(&prop, &pool->guard) &&
        pool->guard > BULKHEAD_GUARD_MAX) {
        log_problem(NULL, "pool '%s': a guard time of %lu ns; write at most %lu", pool->name,
                    (unsigned long)pool->guard, (unsigned long)BULKHEAD_GUARD_MAX);
    }
    for (uint32_t i = 0; i < BULKHEAD_SCHEDULES; i++) {
        if (prop_find(&prop, context->fdt, node, NULL, names[i])) {
            read_schedule(plan, pool, i, &prop);
        }
    }
    if (pool->policy == BULKHEAD_POLICY_ARINC653 && pool->count[0] == 0) {
        log_problem(NULL, "pool '%s': arinc653 without windows; write " LAUNCH_PROP_SCHEDULE "-0", pool->name);
    }
}

/* Board CPUs by number in a launch.dtb, which has no cpu nodes. */
static bool read_numbers(const struct plan_context *context, const struct plan_pool *pool, const struct prop *prop,
                         uint64_t *cpus)
{
    const char *text = prop_string(prop);
    uint32_t count = context->board->cpu_count;

    if (text == NULL) {
        return false;
    }
    if (!prop_parse_cpus(text, cpus) || *cpus == 0 || (count < 64 && (*cpus >> count) != 0)) {
        log_problem(NULL, "pool '%s': " LAUNCH_PROP_CPUS " is '%s'; write CPU numbers below %u, as \"0,2-3\"",
                    pool->name, text, count);
        return false;
    }
    return true;
}

static bool add_pool(struct plan_reader *reader, int node, uint32_t phandle)
{
    struct plan *plan = reader->plan;
    const struct plan_context *context = reader->context;
    struct plan_pool *pool = &plan->pools[plan->pool_count];
    struct prop prop;

    if (plan->pool_count == BULKHEAD_POOLS) {
        log_problem(NULL, "more than %u CPU pools; join some", BULKHEAD_POOLS);
        return false;
    }
    memset(pool, 0, sizeof(*pool));
    pool->phandle = phandle;
    plan_node_name(context->fdt, node, pool->name);
    bool has_cpus = prop_find(&prop, context->fdt, node, NULL, LAUNCH_PROP_CPUS)
                        ? read_numbers(context, pool, &prop, &pool->cpus)
                        : plan_pool_cpus(context, reader->domain->name, node, &pool->cpus);
    if (!has_cpus) {
        return false;
    }
    read_policy(pool, context, node);
    read_schedules(plan, pool, context, node);
    for (uint32_t i = 0; i < plan->pool_count; i++) {
        uint64_t both = plan->pools[i].cpus & pool->cpus;
        if (both != 0) {
            log_problem(NULL, "CPU %u is in two pools, '%s' and '%s'; take it out of one",
                        (unsigned int)__builtin_ctzll(both), plan->pools[i].name, pool->name);
        }
    }
    plan->pool_count++;
    return true;
}

void plan_read_pool(struct plan_reader *reader, const struct prop *prop)
{
    struct plan *plan = reader->plan;
    struct plan_domain *domain = reader->domain;
    uint32_t phandle = 0;

    if (!prop_u32(prop, &phandle)) {
        return;
    }
    int node = fdt_node_offset_by_phandle(reader->context->fdt, phandle);
    if (node < 0 || fdt_node_check_compatible(reader->context->fdt, node, "xen,cpupool") != 0) {
        node = -1;
    }
    for (uint32_t i = 0; i < plan->pool_count; i++) {
        if (plan->pools[i].phandle == phandle) {
            domain->pool = i + 1;
        }
    }
    if (domain->pool == 0 && add_pool(reader, node, phandle)) {
        domain->pool = plan->pool_count;
    }
    domain->pool_cpus = (domain->pool == 0) ? 0 : plan->pools[domain->pool - 1].cpus;
}
