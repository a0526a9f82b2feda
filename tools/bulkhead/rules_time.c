// SPDX-License-Identifier: Apache-2.0
/* The rules about time: pools, windows, budgets. What breaks a rule is shown as a small time line where that helps. */
#include <inttypes.h>
#include <string.h>

#include "pools.h"

#define LINE_COLUMNS 40u
#define PERIOD_MAX   UINT64_C(4000000000) /* ns, the hypervisor's limit */
#define PARTS        UINT64_C(1000000)
#define STEPS_MAX    100000u /* of the simulated schedule */

static const struct domain *domain_called(const struct system *s, const char *name)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (strcmp(system_domain(s, i)->name.value, name) == 0) {
            return system_domain(s, i);
        }
    }
    return NULL;
}

/* ---- pools and their members ---- */

static void check_pool_cpu(struct diags *d, const struct system *s, size_t index, size_t i)
{
    const struct pool *pool = system_pool(s, index);
    const struct number *cpu = (const struct number *)pool->cpus.item + i;

    if (cpu->given && cpu->value >= s->board.cpus.value) {
        diag_error(d, cpu->at, "cpu-exists",
                   "CPU %" PRIu64 " does not exist, board `%s` has %" PRIu64 " here; write 0 to %" PRIu64, cpu->value,
                   s->board.name.value, s->board.cpus.value, s->board.cpus.value - 1);
    }
    for (size_t j = 0; j < i; j++) {
        if (((const struct number *)pool->cpus.item)[j].value == cpu->value) {
            diag_error(d, cpu->at, "cpu-twice", "CPU %" PRIu64 " is listed twice; write it once", cpu->value);
        }
    }
    for (size_t other = 0; other < index; other++) {
        if (pools_has(system_pool(s, other), cpu->value)) {
            diag_error(d, cpu->at, "pool-cpu-twice",
                       "CPU %" PRIu64 " is in pool `%s` already; take it out of one of the two", cpu->value,
                       system_pool(s, other)->name.value);
        }
    }
}

static void check_pool(struct diags *d, const struct system *s, size_t index)
{
    const struct pool *pool = system_pool(s, index);
    bool used = false;

    if (pool->cpus.given && pool->cpus.count == 0) {
        diag_error(d, pool->cpus.at, "pool-cpus", "pool `%s` has no CPU; name one, as in `cpus: [2]`",
                   pool->name.value);
    }
    for (size_t i = 0; i < pool->cpus.count; i++) {
        check_pool_cpu(d, s, index, i);
    }
    if (domain_called(s, pool->name.value) != NULL) {
        diag_error(d, pool->name.at, "pool-name", "a domain is called `%s` too; choose another name for the pool",
                   pool->name.value);
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        used = used || pools_of(s, system_domain(s, i)) == pool;
    }
    if (!used) {
        diag_error(d, pool->name.at, "pool-unused",
                   "no domain is in pool `%s`; write `pool: %s` for one, or leave it out", pool->name.value,
                   pool->name.value);
    }
}

static void check_member(struct diags *d, const struct system *s, const struct domain *domain)
{
    const struct pool *pool = pools_of(s, domain);
    const struct number *cpu = domain->cpus.item;

    if (domain->pool.given && pool == NULL) {
        diag_error(d, domain->pool.at, "pool-exists", "there is no pool `%s`; describe it below `pools`",
                   domain->pool.value);
        return;
    }
    for (size_t i = 0; i < domain->cpus.count; i++) {
        if (pool != NULL && cpu[i].given && !pools_has(pool, cpu[i].value)) {
            diag_error(d, cpu[i].at, "pool-member",
                       "CPU %" PRIu64 " is not in the pool `%s` of `%s`; list CPUs of the pool", cpu[i].value,
                       pool->name.value, domain->name.value);
        }
        for (size_t p = 0; pool == NULL && p < s->pools.count; p++) {
            if (pools_has(system_pool(s, p), cpu[i].value)) {
                diag_error(d, cpu[i].at, "pool-member",
                           "CPU %" PRIu64 " is in pool `%s`, and `%s` is not; write `pool: %s`, or choose another CPU",
                           cpu[i].value, system_pool(s, p)->name.value, domain->name.value,
                           system_pool(s, p)->name.value);
            }
        }
    }
}

/* ---- null ---- */

static void check_null(struct diags *d, const struct system *s, const struct pool *pool)
{
    const struct domain *owner[BOARD_MAX_CPUS] = {0};

    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        for (uint64_t v = 0; pools_of(s, domain) == pool && v < domain->vcpus.value && v < DOMAIN_VCPUS_MAX; v++) {
            unsigned cpu = domain->vcpu_cpu[v] % BOARD_MAX_CPUS;
            if (owner[cpu] != NULL) {
                diag_error(d, domain->pool.at, "null-alone",
                           "vCPU %" PRIu64
                           " of `%s` would share CPU %u with `%s`, and in the null pool `%s` a vCPU has its "
                           "CPU alone; give the pool more CPUs, or fewer vCPUs",
                           v, domain->name.value, cpu, owner[cpu]->name.value, pool->name.value);
                return;
            }
            owner[cpu] = domain;
        }
    }
}

/* ---- arinc653 ---- */

static const char *time_text(struct diags *d, uint64_t ns)
{
    return key_time_text(d->arena, ns);
}

/* The frame in LINE_COLUMNS columns: two windows as letters, # where both are. */
static const char *draw_windows(struct diags *d, const struct window *a, const struct window *b, uint64_t frame)
{
    char line[LINE_COLUMNS + 1] = {0};

    for (unsigned i = 0; i < LINE_COLUMNS; i++) {
        uint64_t from = frame / LINE_COLUMNS * i;
        uint64_t to = from + frame / LINE_COLUMNS;
        bool in_a = from < a->start.value + a->length.value && a->start.value < to;
        bool in_b = from < b->start.value + b->length.value && b->start.value < to;
        line[i] = in_a && in_b ? '#' : in_a ? 'A' : in_b ? 'B' : '.';
    }
    return arena_printf(d->arena, "0 |%s| %s, A %s, B %s", line, time_text(d, frame), a->domain.value, b->domain.value);
}

static bool is_long_enough(const struct window *w, uint64_t guard)
{
    return w->length.value > guard;
}

static void check_window(struct diags *d, const struct system *s, const struct pool *pool,
                         const struct schedule *schedule, const struct window *w)
{
    const struct domain *domain = domain_called(s, w->domain.value);

    if (w->domain.given && (domain == NULL || pools_of(s, domain) != pool)) {
        diag_error(d, w->domain.at, "window-domain", "`%s` is no domain of pool `%s`; write `pool: %s` for it",
                   w->domain.value, pool->name.value, pool->name.value);
    }
    if (!w->start.given || !w->length.given) {
        return;
    }
    if (!is_long_enough(w, pool->guard.value)) {
        diag_error(d, w->length.at, "window-length",
                   "the window of `%s` is %s long, and the guard time takes %s of it; make it longer", w->domain.value,
                   time_text(d, w->length.value), time_text(d, pool->guard.value));
    }
    if (schedule->major_frame.given && w->start.value + w->length.value > schedule->major_frame.value) {
        diag_error(d, w->start.at, "window-frame",
                   "the window of `%s` ends at %s, the major frame at %s; make the frame longer, or the window shorter",
                   w->domain.value, time_text(d, w->start.value + w->length.value),
                   time_text(d, schedule->major_frame.value));
    }
}

static bool overlap(const struct window *a, const struct window *b)
{
    return a->start.value < b->start.value + b->length.value && b->start.value < a->start.value + a->length.value;
}

/* Windows that are apart, but by less than the guard time. */
static void check_gap(struct diags *d, const struct pool *pool, const struct window *a, const struct window *b)
{
    const struct window *first = a->start.value < b->start.value ? a : b;
    const struct window *second = first == a ? b : a;
    uint64_t gap = second->start.value - first->start.value - first->length.value;

    if (gap != 0 && gap <= pool->guard.value) {
        diag_error(
            d, second->start.at, "window-gap",
            "between the windows of `%s` and `%s` are %s, no more than the guard time of %s; close the gap, or widen "
            "it",
            first->domain.value, second->domain.value, time_text(d, gap), time_text(d, pool->guard.value));
    }
}

static void check_windows(struct diags *d, const struct system *s, const struct pool *pool,
                          const struct schedule *schedule)
{
    const struct window *w = schedule->windows.item;

    for (size_t i = 0; i < schedule->windows.count; i++) {
        check_window(d, s, pool, schedule, &w[i]);
        for (size_t j = 0; j < i; j++) {
            if (overlap(&w[i], &w[j])) {
                diag_error(d, w[i].start.at, "window-overlap",
                           "the windows of `%s` and `%s` overlap: %s; move or shorten one of them", w[j].domain.value,
                           w[i].domain.value, draw_windows(d, &w[j], &w[i], schedule->major_frame.value));
            } else {
                check_gap(d, pool, &w[j], &w[i]);
            }
        }
    }
}

static void check_schedule(struct diags *d, const struct system *s, const struct pool *pool,
                           const struct schedule *schedule, struct place at)
{
    struct pool_plan plan;
    size_t before = d->errors;

    if (!schedule->major_frame.given || schedule->windows.count == 0) {
        diag_error(d, at, "arinc653-windows",
                   "a schedule of pool `%s` has no major frame or no window; write `major-frame: 10 ms` and `windows`",
                   pool->name.value);
        return;
    }
    check_windows(d, s, pool, schedule);
    if (d->errors != before) {
        return;
    }
    pools_lay_out(s, schedule, &plan);
    if (plan.window[plan.count - 1].end != schedule->major_frame.value) {
        diag_error(d, schedule->windows.at, "window-count",
                   "there are more than %u windows, idle ones counted; join some", BULKHEAD_WINDOWS);
    } else if (!is_long_enough(&(struct window){.length.value = plan.window[plan.count - 1].end -
                                                                plan.window[plan.count - 1].start},
                               pool->guard.value)) {
        diag_error(
            d, schedule->major_frame.at, "window-gap",
            "the major frame ends %s behind the last window, no more than the guard time of %s; close the gap, or "
            "widen it",
            time_text(d, plan.window[plan.count - 1].end - plan.window[plan.count - 1].start),
            time_text(d, pool->guard.value));
    }
}

static bool has_idle(const struct system *s, const struct pool *pool)
{
    struct pool_plan plan;

    for (size_t i = 0; pools_schedule(pool, i) != NULL; i++) {
        pools_lay_out(s, pools_schedule(pool, i), &plan);
        for (size_t w = 0; w < plan.count; w++) {
            if (plan.window[w].domain == NULL) {
                return true;
            }
        }
    }
    return false;
}

/* Who has no window runs in nobody's, if they are lent. */
static void check_without_window(struct diags *d, const struct system *s, const struct pool *pool,
                                 const struct domain *domain)
{
    if (pools_has_window(pool, domain)) {
        return;
    }
    if (domain->safe.value) {
        diag_error(d, domain->pool.at, "pool-window", "the safe domain `%s` has no window in pool `%s`; write one",
                   domain->name.value, pool->name.value);
    } else if (pool->idle.value != IDLE_LEND || !has_idle(s, pool)) {
        diag_error(
            d, domain->pool.at, "pool-window",
            "`%s` has no window in pool `%s`, which lends nobody's; write a window, or `idle: lend` and leave some "
            "time to nobody",
            domain->name.value, pool->name.value);
    }
}

static void check_arinc653(struct diags *d, const struct system *s, const struct pool *pool)
{
    const struct schedule *more = pool->schedules.item;
    size_t before = d->errors;
    unsigned partitions = 0;

    check_schedule(d, s, pool, &pool->main, pool->name.at);
    if (pool->schedules.count >= BULKHEAD_SCHEDULES) {
        diag_error(d, pool->schedules.at, "schedules", "there are %zu schedules with the first one; write at most %u",
                   pool->schedules.count + 1, BULKHEAD_SCHEDULES);
        return;
    }
    for (size_t i = 0; i < pool->schedules.count; i++) {
        check_schedule(d, s, pool, &more[i], more[i].name.at);
    }
    bool is_good = d->errors == before;
    for (size_t i = 0; is_good && i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        partitions += domain->partition != 0 && pools_of(s, domain) == pool;
        if (pools_of(s, domain) == pool) {
            check_without_window(d, s, pool, domain);
        }
    }
    if (partitions > BULKHEAD_PARTITIONS) {
        diag_error(d, pool->name.at, "partitions", "pool `%s` has %u domains with windows; write at most %u",
                   pool->name.value, partitions, BULKHEAD_PARTITIONS);
    }
}

static void check_not_arinc653(struct diags *d, const struct pool *pool)
{
    const struct place *at = pool->main.major_frame.given ? &pool->main.major_frame.at
                             : pool->main.windows.given   ? &pool->main.windows.at
                             : pool->schedules.given      ? &pool->schedules.at
                             : pool->guard.given          ? &pool->guard.at
                             : pool->idle.given           ? &pool->idle.at
                                                          : NULL;

    if (at != NULL) {
        diag_error(d, *at, "arinc653-only",
                   "only a pool with `policy: arinc653` has windows; write that, or leave this key out");
    }
}

/* ---- rtds ---- */

static void check_budget(struct diags *d, const struct system *s, const struct domain *domain)
{
    const struct number *period = &domain->period;
    const struct number *budget = &domain->budget;

    if (!pools_is(pools_of(s, domain), POLICY_RTDS)) {
        if (period->given || budget->given || domain->extra_time.given) {
            diag_error(d,
                       period->given   ? period->at
                       : budget->given ? budget->at
                                       : domain->extra_time.at,
                       "rtds-only",
                       "only a domain in a pool with `policy: rtds` has a period and a budget; leave them out of `%s`",
                       domain->name.value);
        }
    } else if (!period->given || !budget->given) {
        if (period->at.file == NULL && budget->at.file == NULL) {
            diag_error(d, domain->pool.at, "rtds-budget",
                       "`%s` is in the rtds pool `%s`; write its `period: 10 ms` and `budget: 2 ms`",
                       domain->name.value, domain->pool.value);
        } else if (period->at.file == NULL || budget->at.file == NULL) {
            diag_error(d, period->at.file == NULL ? budget->at : period->at, "rtds-budget",
                       "a period needs a budget, and a budget a period; write both");
        }
    } else if (budget->value > period->value) {
        diag_error(d, budget->at, "budget-period", "the budget of `%s`, %s, is longer than its period, %s; write less",
                   domain->name.value, time_text(d, budget->value), time_text(d, period->value));
    }
}

/* The vCPUs of a CPU. */
struct load {
    const struct domain *domain;
    uint64_t deadline, left;
};

static size_t collect(const struct system *s, const struct pool *pool, unsigned cpu, struct load *loads, size_t most)
{
    size_t count = 0;

    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        for (uint64_t v = 0; pools_of(s, domain) == pool && v < domain->vcpus.value && v < DOMAIN_VCPUS_MAX; v++) {
            if (domain->vcpu_cpu[v] == cpu && count < most) {
                loads[count++] =
                    (struct load){.domain = domain, .deadline = domain->period.value, .left = domain->budget.value};
            }
        }
    }
    return count;
}

/* EDF from a common start until a deadline is missed: what ran, in order. */
static const char *draw_miss(struct diags *d, struct load *loads, size_t count)
{
    struct arena *arena = d->arena;
    const char *text = "0";
    uint64_t now = 0;

    for (unsigned step = 0; step < STEPS_MAX; step++) {
        struct load *first = NULL;
        uint64_t next = UINT64_MAX;
        for (size_t i = 0; i < count; i++) {
            if (loads[i].left > 0 && loads[i].deadline <= now) {
                return arena_printf(arena, "%s| %s misses its deadline at %s by %s", text, loads[i].domain->name.value,
                                    time_text(d, loads[i].deadline), time_text(d, loads[i].left));
            }
            if (loads[i].deadline <= now) {
                loads[i].left = loads[i].domain->budget.value;
                loads[i].deadline += loads[i].domain->period.value;
            }
            next = loads[i].deadline < next ? loads[i].deadline : next;
            if (loads[i].left > 0 && (first == NULL || loads[i].deadline < first->deadline)) {
                first = &loads[i];
            }
        }
        uint64_t end = first != NULL && now + first->left < next ? now + first->left : next;
        if (step < 12) {
            text = arena_printf(arena, "%s |%s %s", text, first == NULL ? "-" : first->domain->name.value,
                                time_text(d, end));
        } else if (step == 12) {
            text = arena_printf(arena, "%s |...", text);
        }
        if (first != NULL) {
            first->left -= end - now;
        }
        now = end;
    }
    return text;
}

static const char *share_text(struct diags *d, uint64_t parts)
{
    return arena_printf(d->arena, "%" PRIu64 ".%04" PRIu64, parts / PARTS, parts % PARTS / 100);
}

static void check_load(struct diags *d, const struct system *s, const struct pool *pool, unsigned cpu)
{
    static struct load loads[KEY_MAX_ITEMS];
    size_t count = collect(s, pool, cpu, loads, KEY_MAX_ITEMS);
    const char *sum_text = "";
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        const struct domain *domain = loads[i].domain;
        if (domain->period.value == 0) {
            return;
        }
        sum +=
            (uint64_t)(((__uint128_t)domain->budget.value * PARTS + domain->period.value - 1) / domain->period.value);
        sum_text = arena_printf(d->arena, "%s%s%s/%s", sum_text, i == 0 ? "" : " + ",
                                time_text(d, domain->budget.value), time_text(d, domain->period.value));
        if (sum > PARTS) {
            diag_error(d, domain->budget.at, "rtds-load",
                       "CPU %u of pool `%s` would be promised %s = %s of its time: %s; give a smaller budget", cpu,
                       pool->name.value, sum_text, share_text(d, sum), draw_miss(d, loads, i + 1));
            return;
        }
    }
}

/* ---- all ---- */

void rules_check_time(struct diags *d, const struct system *s)
{
    size_t before = d->errors;

    for (size_t i = 0; i < s->pools.count; i++) {
        check_pool(d, s, i);
    }
    if (s->pools.count > BULKHEAD_POOLS) {
        diag_error(d, s->pools.at, "pools", "there are %zu pools; write at most %u", s->pools.count, BULKHEAD_POOLS);
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        check_member(d, s, system_domain(s, i));
        check_budget(d, s, system_domain(s, i));
    }
    for (size_t i = 0; i < s->pools.count && d->errors == before; i++) {
        const struct pool *pool = system_pool(s, i);
        if (pools_is(pool, POLICY_ARINC653)) {
            check_arinc653(d, s, pool);
            continue;
        }
        check_not_arinc653(d, pool);
        if (pools_is(pool, POLICY_NULL)) {
            check_null(d, s, pool);
        }
        for (unsigned cpu = 0; pools_is(pool, POLICY_RTDS) && cpu < s->board.cpus.value; cpu++) {
            check_load(d, s, pool, cpu);
        }
    }
}
