/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/policy.h"

#include "core/wallclock.h"

#define LEVEL_LAST UINT32_MAX /* no reservation: behind all who have one */

static void set_background(struct sched_budget *b, ticks_t now)
{
    b->current = 0;
    b->deadline = now + arch_ticks_hz();
    b->left = INT64_MAX;
    b->level = LEVEL_LAST;
}

/* What it overran is taken from the new period's budget. */
static void refill(struct sched_budget *b)
{
    b->left = (int64_t)b->budget + ((b->left < 0) ? b->left : 0);
    b->level = 0;
}

static void begin(struct sched_budget *b, uint64_t wanted, ticks_t now)
{
    b->left = (b->current == 0u) ? 0 : b->left;
    b->current = wanted;
    b->period = ns_to_ticks((uint64_t)sched_budget_period(wanted) * 1000u);
    b->budget = ns_to_ticks((uint64_t)sched_budget_us(wanted) * 1000u);
    b->deadline = now + b->period;
    refill(b);
}

void rtds_advance(struct sched_budget *b, ticks_t now)
{
    uint64_t wanted = __atomic_load_n(&b->wanted, __ATOMIC_RELAXED);

    if (b->current != 0u && now < b->deadline) {
        return;
    }
    if (wanted == 0u) {
        set_background(b, now);
    } else if (b->current != wanted) {
        begin(b, wanted, now);
    } else {
        b->deadline += ((now - b->deadline) / b->period + 1u) * b->period;
        refill(b);
    }
}

/* Whoever slept with budget may not use more of it before its deadline than its share of that time: others were
 * promised the rest.  left / (deadline - now) > budget / period, without a division; all are below 2^32. */
static void wake(struct sched_budget *b, ticks_t now)
{
    rtds_advance(b, now);
    if (b->current != 0u && b->level == 0u && b->left > 0 &&
        (uint64_t)b->left * b->period > (b->deadline - now) * b->budget) {
        b->deadline = now + b->period;
        refill(b);
    }
}

ticks_t rtds_spend(struct sched_budget *b, ticks_t now)
{
    ticks_t over;

    if (b->since == 0u) {
        return 0;
    }
    b->left -= (int64_t)(now - b->since);
    b->since = 0;
    over = (b->left < 0) ? (ticks_t)-b->left : 0u;
    if (b->left <= 0 && (b->current & 1u) != 0u) { /* extra time: again, behind those who have not used theirs up */
        b->left = (int64_t)b->budget;
        b->level += (b->level < LEVEL_LAST - 1u) ? 1u : 0u;
    }
    return over;
}

static void place(struct sched_cpu *s, struct sched_budget *b)
{
    heap_add(&s->deadlines, &b->by_deadline, b->deadline, 0);
    if (b->left > 0) {
        heap_add(&s->order, &b->by_order, b->level, b->deadline);
    }
}

void rtds_remove(struct sched_cpu *s, struct sched_budget *b)
{
    heap_remove(&s->deadlines, &b->by_deadline);
    heap_remove(&s->order, &b->by_order);
}

void rtds_add(struct sched_cpu *s, struct sched_budget *b, ticks_t now)
{
    wake(b, now);
    place(s, b);
}

static void renew(struct sched_cpu *s, struct sched_budget *b, ticks_t now)
{
    rtds_remove(s, b);
    rtds_advance(b, now);
    place(s, b);
}

/* Its time is charged; only who used its budget up, or has none, changes its place. */
static void charge(struct sched_cpu *s, struct sched_budget *b, ticks_t now)
{
    (void)rtds_spend(b, now);
    if (b->by_deadline.rank != 0u && (b->left <= 0 || b->level != b->by_order.major || b->current == 0u)) {
        renew(s, b, now);
    }
}

struct sched_choice rtds_choose(struct sched_cpu *s, struct vcpu *current, ticks_t now)
{
    struct sched_choice c = {.vcpu = NULL, .until = UINT64_MAX};

    if (current != NULL) {
        charge(s, &current->rt, now);
    }
    while (s->deadlines.least != NULL && s->deadlines.least->major <= now) { /* bound: each is behind now then */
        renew(s, CONTAINER_OF(s->deadlines.least, struct sched_budget, by_deadline), now);
    }
    if (s->deadlines.least != NULL) {
        c.until = s->deadlines.least->major;
    }
    if (s->order.least != NULL) {
        struct sched_budget *b = CONTAINER_OF(s->order.least, struct sched_budget, by_order);

        c.vcpu = CONTAINER_OF(b, struct vcpu, rt);
        b->since = now;
        if (b->current != 0u && (uint64_t)b->left < c.until - now) {
            c.until = now + (uint64_t)b->left;
        }
    }
    return c;
}
