/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/policy.h"

#include "core/wallclock.h"

#define LEVEL_LAST UINT32_MAX /* no reservation: behind all who have one */

static void set_background(struct sched_budget *b)
{
    b->current = 0;
    b->deadline = UINT64_MAX;
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
        set_background(b);
    } else if (b->current != wanted) {
        begin(b, wanted, now);
    } else {
        b->deadline += ((now - b->deadline) / b->period + 1u) * b->period;
        refill(b);
    }
}

/* Whoever slept with budget may not use more of it before its deadline than its share of that time: others were
 * promised the rest.  left / (deadline - now) > budget / period, without a division; all are below 2^32. */
void rtds_wake(struct sched_budget *b, ticks_t now)
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

static bool is_before(const struct sched_budget *a, const struct sched_budget *b)
{
    return (a->level != b->level) ? a->level < b->level : a->deadline < b->deadline;
}

struct sched_choice rtds_choose(struct list *runnable, struct vcpu *current, ticks_t now)
{
    struct sched_choice c = {.vcpu = NULL, .until = UINT64_MAX};

    if (current != NULL) {
        (void)rtds_spend(&current->rt, now);
    }
    for (struct list *at = runnable->next; at != runnable; at = at->next) {
        struct vcpu *v = CONTAINER_OF(at, struct vcpu, run_node);

        rtds_advance(&v->rt, now);
        c.until = (v->rt.deadline < c.until) ? v->rt.deadline : c.until;
        if (v->rt.left > 0 && (c.vcpu == NULL || is_before(&v->rt, &c.vcpu->rt))) {
            c.vcpu = v;
        }
    }
    if (c.vcpu != NULL) {
        c.vcpu->rt.since = now;
        if (c.vcpu->rt.current != 0u && (uint64_t)c.vcpu->rt.left < c.until - now) {
            c.until = now + (uint64_t)c.vcpu->rt.left;
        }
    }
    return c;
}
