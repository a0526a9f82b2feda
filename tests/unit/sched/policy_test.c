/* SPDX-License-Identifier: Apache-2.0 */
/* The policies against models that are too simple to be wrong: a schedule laid out window by window, and an EDF that looks
 * at every tick. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "sched/policy.h"

#include <stdlib.h>
#include <string.h>

/* ---- arinc653 ---- */

static struct sched_schedule random_schedule(struct random *r)
{
    struct sched_schedule s = {.count = 1u + (uint32_t)random_below(r, BULKHEAD_WINDOWS)};
    ticks_t end = 0;

    for (uint32_t i = 0; i < s.count; i++) {
        end += 1u + random_below(r, (i % 7u == 0u) ? 3u : 5000u);
        s.window[i] = (struct sched_window){.end = end, .partition = (uint32_t)random_below(r, 32)};
    }
    return s;
}

/* [utest->dsn~arinc653-window~1] */
static void every_moment_lies_in_the_window_that_was_laid_out(void **state)
{
    struct random r = {.state = 1};

    (void)state;
    for (uint32_t round = 0; round < 3000u; round++) {
        struct sched_schedule s = random_schedule(&r);
        ticks_t epoch = random_below(&r, UINT64_C(1) << 50);
        ticks_t at = epoch;

        for (uint32_t i = 0; i < 3u * s.count; i++) { /* three frames, laid out one window after the other */
            uint32_t w = i % s.count;
            ticks_t end = at + s.window[w].end - ((w == 0u) ? 0u : s.window[w - 1u].end);
            ticks_t probes[] = {at, at + (end - at) / 2u, end - 1u};

            for (uint32_t p = 0; p < ARRAY_SIZE(probes); p++) {
                struct sched_place place = arinc653_window(&s, epoch, probes[p]);

                assert_int_equal(place.partition, s.window[w].partition);
                assert_int_equal(place.start, at);
                assert_int_equal(place.end, end);
            }
            assert_int_equal(arinc653_frame(&s, epoch, at) == at, w == 0u);
            at = end;
        }
    }
}

/* [utest->dsn~arinc653-window~1] */
static void windows_follow_each_other_without_a_gap_for_ever(void **state)
{
    struct random r = {.state = 2};

    (void)state;
    for (uint32_t round = 0; round < 300u; round++) {
        struct sched_schedule s = random_schedule(&r);
        ticks_t t = random_next(&r) >> 2; /* far from the epoch too */
        struct sched_place last = arinc653_window(&s, 5, t);

        for (uint32_t i = 0; i < 500u; i++) {
            struct sched_place next = arinc653_window(&s, 5, last.end);
            ticks_t frame = arinc653_frame(&s, 5, last.start);

            assert_int_equal(next.start, last.end);
            assert_true(next.end > next.start);
            assert_true(frame >= last.start && (frame - 5u) % s.window[s.count - 1u].end == 0u);
            last = next;
        }
    }
}

/* ---- rtds ---- */

#define TASKS 8u

/* A task of the model: every rule in its own words, for one tick at a time. */
struct task {
    uint32_t period, budget;
    bool extra, awake, whole; /* whole: awake since the period began or since it woke */
    uint64_t end, sleep_until;
    int64_t left;
    uint32_t turn;    /* how often extra time was begun */
    uint64_t used;    /* in this period, extra time not counted */
    uint64_t granted; /* ticks in all */
};

static void model_new_period(struct task *t, uint64_t end)
{
    t->end = end;
    t->left = t->budget;
    t->turn = 0;
    t->used = 0;
}

static void model_period(struct task *t, uint64_t now)
{
    if (now < t->end) {
        return;
    }
    if (t->awake && t->whole && t->turn == 0u && now > t->period) {
        assert_int_equal(t->left, 0); /* no deadline is missed */
    }
    while (t->end <= now) {
        t->end += t->period;
    }
    model_new_period(t, t->end);
    t->whole = t->awake;
}

static void model_wake(struct task *t, uint64_t now)
{
    model_period(t, now);
    t->awake = true;
    if (t->turn == 0u && t->left > 0 && (uint64_t)t->left * t->period > (t->end - now) * t->budget) {
        model_new_period(t, now + t->period);
    }
    t->whole = true;
}

static bool model_may_run(const struct task *t)
{
    return t->period != 0u && t->awake && t->left > 0;
}

/* Whether nobody comes before it: several may be equal.  TASKS = nobody runs. */
static bool model_agrees(const struct task *task, uint32_t chosen)
{
    const struct task *c = &task[chosen % TASKS];

    for (uint32_t i = 0; i < TASKS; i++) {
        const struct task *t = &task[i];

        if (model_may_run(t) && (chosen == TASKS || t->turn < c->turn || (t->turn == c->turn && t->end < c->end))) {
            return false;
        }
    }
    return chosen == TASKS || model_may_run(c);
}

static void model_run(struct task *t)
{
    t->left--;
    t->granted++;
    if (t->turn == 0u) {
        t->used++;
        assert_true(t->used <= t->budget); /* no budget is exceeded */
    }
    if (t->left == 0 && t->extra) {
        t->left = t->budget;
        t->turn++;
    }
}

struct world {
    struct task task[TASKS];
    struct vcpu vcpu[TASKS];
    struct sched_cpu cpu;
    struct vcpu *current;
    ticks_t until;
};

/* At most the whole CPU is promised. */
static void make_world(struct world *w, struct random *r)
{
    uint64_t free = 1000000;

    memset(w, 0, sizeof(*w));
    for (uint32_t i = 0; i < TASKS; i++) {
        struct task *t = &w->task[i];
        struct sched_budget *b = &w->vcpu[i].rt;
        uint32_t period = 2u + (uint32_t)random_below(r, 60);
        uint32_t budget = 1u + (uint32_t)random_below(r, period / 2u);
        uint64_t need = ((uint64_t)budget * 1000000u + period - 1u) / period;

        if (need > free) {
            continue;
        }
        free -= need;
        *t = (struct task){.period = period, .budget = budget, .extra = random_below(r, 4) == 0u, .sleep_until = 1};
        b->period = period;
        b->budget = budget;
        b->wanted = 2u + (t->extra ? 1u : 0u);
        b->current = b->wanted;
    }
}

static bool wake_and_sleep(struct world *w, struct random *r, uint64_t now)
{
    bool changed = false;

    for (uint32_t i = 0; i < TASKS; i++) {
        struct task *t = &w->task[i];

        if (t->period != 0u && !t->awake && now >= t->sleep_until) {
            model_wake(t, now);
            rtds_add(&w->cpu, &w->vcpu[i].rt, now);
            changed = true;
        }
    }
    if (w->current != NULL && random_below(r, 40) == 0u) {
        struct task *t = &w->task[w->current - w->vcpu];

        t->awake = false;
        t->sleep_until = now + 1u + random_below(r, 3u * t->period);
        rtds_remove(&w->cpu, &w->current->rt);
        changed = true;
    }
    return changed;
}

/* Environment: SCHED_SETS=N task sets (2500).
 * [utest->dsn~rtds-edf~1] [utest->dsn~rtds-budget~1] [utest->dsn~rtds-wake~1] [utest->dsn~rtds-admission~1] */
static void random_task_sets_run_as_the_model_says(void **state)
{
    struct random r = {.state = 3};
    const char *sets = getenv("SCHED_SETS");
    uint32_t rounds = (sets != NULL) ? (uint32_t)strtoul(sets, NULL, 0) : 2500u;

    (void)state;
    for (uint32_t round = 0; round < rounds; round++) {
        struct world w;

        make_world(&w, &r);
        for (uint64_t now = 1; now < 800u; now++) {
            uint32_t chosen;

            if (wake_and_sleep(&w, &r, now) || now >= w.until) {
                struct sched_choice c = rtds_choose(&w.cpu, w.current, now);

                assert_true(c.until > now);
                w.current = c.vcpu;
                w.until = c.until;
            }
            for (uint32_t i = 0; i < TASKS; i++) {
                if (w.task[i].period != 0u && w.task[i].awake) {
                    model_period(&w.task[i], now);
                }
            }
            chosen = (w.current == NULL) ? TASKS : (uint32_t)(w.current - w.vcpu);
            assert_true(model_agrees(w.task, chosen));
            if (chosen != TASKS) {
                model_run(&w.task[chosen]);
            }
        }
    }
}

/* [utest->dsn~rtds-budget~1] */
static void an_overrun_is_taken_from_the_next_budget(void **state)
{
    struct sched_budget b = {.wanted = 2, .current = 2, .period = 100, .budget = 40, .deadline = 100, .left = 40};

    (void)state;
    b.since = 10;
    rtds_spend(&b, 57); /* seven too many */
    assert_int_equal(b.left, -7);
    rtds_advance(&b, 99);
    assert_int_equal(b.left, -7);
    rtds_advance(&b, 100);
    assert_int_equal(b.left, 33);
    assert_int_equal(b.deadline, 200);
    rtds_spend(&b, 150); /* it did not run */
    assert_int_equal(b.left, 33);
}

/* [utest->dsn~rtds-budget~1] */
static void a_reservation_changes_at_the_end_of_a_period(void **state)
{
    struct vcpu v;
    struct sched_cpu cpu = {0};
    struct sched_choice c;

    (void)state;
    host_reset(RAM_MIB);
    memset(&v, 0, sizeof(v));
    rtds_add(&cpu, &v.rt, 1000);
    c = rtds_choose(&cpu, NULL, 1000); /* without a reservation: what is left, for as long as it is */
    assert_ptr_equal(c.vcpu, &v);
    assert_int_equal(c.until, 1000u + HOST_HZ); /* looks for one then */
    v.rt.wanted = sched_budget_pack(1000, 400, false);
    c = rtds_choose(&cpu, &v, 2000);
    assert_int_equal(v.rt.period, HOST_HZ / 1000u);
    assert_int_equal(v.rt.deadline, 2000u + HOST_HZ / 1000u);
    assert_int_equal(c.until, 2000u + HOST_HZ / 2500u);
    v.rt.wanted = sched_budget_pack(2000, 400, false);
    c = rtds_choose(&cpu, &v, c.until);
    assert_ptr_equal(c.vcpu, NULL); /* used up */
    assert_int_equal(v.rt.period, HOST_HZ / 1000u);
    c = rtds_choose(&cpu, NULL, c.until);
    assert_ptr_equal(c.vcpu, &v);
    assert_int_equal(v.rt.period, HOST_HZ / 500u);
    v.rt.wanted = 0;
    (void)rtds_choose(&cpu, &v, v.rt.deadline);
    assert_int_equal(v.rt.current, 0);
}

/* [utest->dsn~rtds-edf~1]
 * Nobody of those without a reservation waits for ever: the one that ran is behind the others at the next choice. */
static void those_without_a_reservation_take_turns(void **state)
{
    struct sched_cpu cpu = {0};
    struct vcpu v[3];
    struct vcpu *current = NULL;
    uint32_t ran[3] = {0};

    (void)state;
    host_reset(RAM_MIB);
    memset(v, 0, sizeof(v));
    for (uint32_t i = 0; i < 3u; i++) {
        rtds_add(&cpu, &v[i].rt, 10u + i);
    }
    for (ticks_t now = 100; now < 160u; now++) {
        current = rtds_choose(&cpu, current, now).vcpu;
        ran[current - v]++;
    }
    assert_int_equal(ran[0], 20);
    assert_int_equal(ran[1], 20);
    rtds_remove(&cpu, &v[0].rt);
    v[1].rt.wanted = sched_budget_pack(1000, 400, false); /* it does not run, and gets it all the same */
    for (ticks_t now = 160; v[1].rt.current == 0u; now = rtds_choose(&cpu, &v[2], now).until) {
        assert_true(now <= 160u + 2u * HOST_HZ);
    }
    assert_ptr_equal(rtds_choose(&cpu, &v[2], v[1].rt.deadline - 1u).vcpu, &v[1]);
}

/* ---- share ---- */

/* [utest->dsn~round-robin~1] */
static void turns_are_equal_whoever_shares(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 16u; n++) {
        struct vcpu v[16];
        struct list runnable;
        struct vcpu *current = NULL;
        ticks_t time[16] = {0};
        ticks_t now = 1;

        memset(v, 0, sizeof(v));
        list_init(&runnable);
        for (uint32_t i = 0; i < n; i++) {
            list_push_back(&runnable, &v[i].run_node);
        }
        for (uint32_t i = 0; i < 10u * n; i++) {
            struct sched_choice c = share_choose(&runnable, current, n > 1u, now, 100);

            if (n == 1u) {
                assert_int_equal(c.until, UINT64_MAX);
                c.until = now + 100u;
            }
            time[c.vcpu - v] += c.until - now;
            current = c.vcpu;
            now = c.until;
        }
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(time[i], 1000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_moment_lies_in_the_window_that_was_laid_out),
        cmocka_unit_test(windows_follow_each_other_without_a_gap_for_ever),
        cmocka_unit_test(random_task_sets_run_as_the_model_says),
        cmocka_unit_test(an_overrun_is_taken_from_the_next_budget),
        cmocka_unit_test(a_reservation_changes_at_the_end_of_a_period),
        cmocka_unit_test(those_without_a_reservation_take_turns),
        cmocka_unit_test(turns_are_equal_whoever_shares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
