// SPDX-License-Identifier: Apache-2.0
/* CPU pools as a description has them. */
#include <inttypes.h>

#include "describe.h"
#include "pools.h"

static void put_time(struct buffer *out, const char *key, uint64_t ns, const char *behind)
{
    struct arena arena = {0};

    buffer_printf(out, "%s: %s%s", key, key_time_text(&arena, ns), behind);
    arena_release(&arena);
}

static void put_schedule(struct buffer *out, const struct schedule *schedule, const char *indent)
{
    const struct window *w = schedule->windows.item;

    buffer_printf(out, "%s", indent);
    put_time(out, "major-frame", schedule->major_frame.value, "\n");
    buffer_printf(out, "%swindows:\n", indent);
    for (size_t i = 0; i < schedule->windows.count; i++) {
        buffer_printf(out, "%s  - { domain: %s, ", indent, w[i].domain.value);
        put_time(out, "start", w[i].start.value, ", ");
        put_time(out, "length", w[i].length.value, " }\n");
    }
}

static void put_arinc653(struct buffer *out, const struct pool *pool)
{
    const struct schedule *more = pool->schedules.item;

    buffer_printf(out, "    ");
    put_time(out, "guard", pool->guard.value, "\n");
    buffer_printf(out, pool->idle.value == IDLE_LEND ? "    idle: lend\n" : "");
    put_schedule(out, &pool->main, "    ");
    buffer_printf(out, pool->schedules.count > 0 ? "    schedules:\n" : "");
    for (size_t i = 0; i < pool->schedules.count; i++) {
        buffer_printf(out, "      %s:\n", more[i].name.value);
        put_schedule(out, &more[i], "        ");
    }
}

void describe_pools(struct buffer *out, const struct system *s)
{
    static const char *const policies[] = {
        [POLICY_SHARE] = "share", [POLICY_NULL] = "null", [POLICY_ARINC653] = "arinc653", [POLICY_RTDS] = "rtds"};

    buffer_printf(out, s->pools.count > 0 ? "pools:\n" : "");
    for (size_t p = 0; p < s->pools.count; p++) {
        const struct pool *pool = system_pool(s, p);
        const struct number *cpu = pool->cpus.item;
        buffer_printf(out, "  %s:\n    cpus: [", pool->name.value);
        for (size_t i = 0; i < pool->cpus.count; i++) {
            buffer_printf(out, "%s%" PRIu64, i == 0 ? "" : ", ", cpu[i].value);
        }
        buffer_printf(out, "]\n    policy: %s\n", policies[pool->policy.value]);
        if (pool->policy.value == POLICY_ARINC653) {
            put_arinc653(out, pool);
        }
    }
}

void describe_domain_time(struct buffer *out, const struct domain *d)
{
    if (d->pool.given) {
        buffer_printf(out, "    pool: %s\n", d->pool.value);
    }
    if (d->period.given && d->budget.given) {
        buffer_printf(out, "    ");
        put_time(out, "period", d->period.value, "\n    ");
        put_time(out, "budget", d->budget.value, d->extra_time.value ? "\n    extra-time: true\n" : "\n");
    }
}
