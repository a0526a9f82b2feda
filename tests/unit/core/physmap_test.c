/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"
#include "core/pool.h"

#include <string.h>

#define RAM_GFN (GUEST_RAM0_BASE >> PAGE_SHIFT)

static struct vcpu *boot;
static struct domain *d;
static struct domain *other;

/* Two paused domains of 4 MiB with room for 4 MiB more. */
static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    d = domain_of(build_domain(boot, "one", 1, 4));
    other = domain_of(build_domain(boot, "two", 1, 4));
    d->max_frames = 2048;
    return 0;
}

static struct stage2_entry look(struct domain *of, uint64_t gfn)
{
    struct stage2_entry e;

    spin_lock(&of->physmap_lock);
    e = physmap_look(of, GFN(gfn));
    spin_unlock(&of->physmap_lock);
    return e;
}

static err_t unmap(uint64_t gfn, uint32_t order)
{
    err_t err;

    spin_lock(&d->physmap_lock);
    err = physmap_unmap(d, GFN(gfn), order);
    spin_unlock(&d->physmap_lock);
    return err;
}

/* [utest->dsn~physmap~1] */
static void populate_maps_zeroed_frames_of_the_domain(void **state)
{
    uint64_t free_before = frame_free_count();

    (void)state;
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 4096u), 9), OK);
    assert_int_equal(d->frames, 1536);
    assert_int_equal(frame_free_count(), free_before - 512u);
    for (uint64_t i = 0; i < 512u; i++) {
        struct stage2_entry e = look(d, RAM_GFN + 4096u + i);
        struct frame f = frame_look(e.mfn);

        assert_int_equal(e.mapping, MAPPING_RAM);
        assert_int_equal(e.access, ACCESS_RWX);
        assert_int_equal(e.order, 9);
        assert_int_equal(f.owner, FRAME_OWNER(d->slot));
        assert_int_equal(f.type, FRAME_RAM);
        assert_int_equal(f.count, 1);
        for (uint32_t b = 0; b < PAGE_SIZE; b += 8u) {
            assert_int_equal(((const uint64_t *)host_memory(e.mfn))[b / 8u], 0);
        }
    }
    assert_int_equal(d->max_gfn, RAM_GFN + 4096u + 511u);
}

/* [utest->dsn~physmap~1] */
static void populate_refuses_and_changes_nothing(void **state)
{
    uint64_t limit = arch_stage2_gfn_limit();
    const struct {
        uint64_t gfn;
        uint32_t order;
        err_t err;
    } cases[] = {
        {RAM_GFN, 0, ERR_EXIST},      {RAM_GFN + 1023u, 1, ERR_EXIST}, {RAM_GFN + 512u, 9, ERR_EXIST},
        {RAM_GFN - 1u, 1, ERR_EXIST}, {limit, 0, ERR_INVAL},           {limit - 1u, 1, ERR_INVAL},
        {UINT64_MAX, 0, ERR_INVAL},   {UINT64_MAX - 1u, 1, ERR_INVAL}, {RAM_GFN + 4096u, 10, ERR_INVAL},
    };
    uint64_t free_before = frame_free_count();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(physmap_populate(d, GFN(cases[i].gfn), cases[i].order), cases[i].err);
        assert_int_equal(frame_free_count(), free_before);
        assert_int_equal(d->frames, 1024);
    }
}

/* [utest->dsn~domain-budget~1] */
static void nobody_gets_more_than_its_limit(void **state)
{
    (void)state;
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 4096u), 9), OK);
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 4096u + 512u), 9), OK);
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 8192u), 0), ERR_NOMEM);
    assert_int_equal(unmap(RAM_GFN + 4096u + 7u, 0), OK);
    assert_int_equal(d->frames, 2047);
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 8192u), 1), ERR_NOMEM);
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 8192u), 0), OK);
    d->max_frames = 10; /* a limit below what it has */
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 8193u), 0), ERR_NOMEM);
}

/* [utest->dsn~physmap~1] */
static void unmapped_frames_go_back_scrubbed(void **state)
{
    struct stage2_entry e = look(d, RAM_GFN + 5u);
    uint64_t free_before = frame_free_count();

    (void)state;
    memset(arch_map_frame(e.mfn), 0x5a, PAGE_SIZE);
    assert_int_equal(unmap(RAM_GFN + 5u, 0), OK); /* out of the middle of a 2 MiB entry */
    assert_int_equal(look(d, RAM_GFN + 5u).mapping, MAPPING_NONE);
    assert_int_equal(look(d, RAM_GFN + 4u).mapping, MAPPING_RAM);
    assert_int_equal(look(d, RAM_GFN + 6u).mfn.v, e.mfn.v + 1u);
    assert_int_equal(frame_look(e.mfn).type, FRAME_FREE);
    assert_int_equal(frame_free_count(), free_before + 1u);
    for (uint32_t b = 16; b < PAGE_SIZE; b++) { /* behind the links of a free block */
        assert_int_equal(((const uint8_t *)arch_map_frame(e.mfn))[b], 0);
        assert_int_equal(((const uint8_t *)host_memory(e.mfn))[b], 0);
    }
    assert_int_equal(unmap(RAM_GFN + 5u, 0), ERR_NOENT);
    assert_int_equal(unmap(RAM_GFN, 10), ERR_INVAL);
    assert_int_equal(unmap(UINT64_MAX, 0), ERR_INVAL);
    host_check_stage2(d);
}

static err_t map_foreign(uint64_t gfn, uint64_t from)
{
    struct stage2_entry e = {.access = ACCESS_RW, .mapping = MAPPING_FOREIGN};
    err_t err = physmap_hold(other, GFN(from), &e.mfn);

    if (err != OK) {
        return err;
    }
    spin_lock(&d->physmap_lock);
    err = physmap_set(d, GFN(gfn), &e);
    spin_unlock(&d->physmap_lock);
    if (err != OK) {
        physmap_release(e.mfn);
    }
    return err;
}

/* [utest->dsn~physmap~1] [utest->dsn~frame-owner~1] */
static void a_frame_lives_until_its_last_mapping(void **state)
{
    mfn_t m = look(other, RAM_GFN + 3u).mfn;
    uint64_t free_before = frame_free_count();

    (void)state;
    assert_int_equal(map_foreign(RAM_GFN + 9000u, RAM_GFN + 3u), OK);
    assert_int_equal(frame_look(m).count, 2);
    spin_lock(&other->physmap_lock);
    assert_int_equal(physmap_unmap(other, GFN(RAM_GFN + 3u), 0), OK);
    spin_unlock(&other->physmap_lock);
    assert_int_equal(frame_look(m).count, 1);
    assert_int_equal(frame_look(m).owner, FRAME_OWNER(other->slot));
    assert_int_equal(other->frames, 1024);
    assert_int_equal(unmap(RAM_GFN + 9000u, 0), OK);
    assert_int_equal(other->frames, 1023);
    assert_int_equal(frame_look(m).type, FRAME_FREE);
    assert_int_equal(frame_free_count(), free_before + 1u);
    assert_int_equal(map_foreign(RAM_GFN + 9000u, RAM_GFN + 3u), ERR_INVAL); /* a hole now */
}

/* [utest->dsn~physmap~1] */
static void a_foreign_mapping_cannot_be_passed_on(void **state)
{
    mfn_t m;

    (void)state;
    assert_int_equal(map_foreign(RAM_GFN + 9000u, RAM_GFN), OK);
    assert_int_equal(physmap_hold(d, GFN(RAM_GFN + 9000u), &m), ERR_INVAL);
}

/* [utest->dsn~physmap~1] */
static void replacing_a_mapping_gives_up_the_old_one(void **state)
{
    mfn_t own = look(d, RAM_GFN + 100u).mfn;

    (void)state;
    assert_int_equal(map_foreign(RAM_GFN + 100u, RAM_GFN), OK);
    assert_int_equal(frame_look(own).type, FRAME_FREE);
    assert_int_equal(d->frames, 1023);
    assert_int_equal(look(d, RAM_GFN + 100u).mapping, MAPPING_FOREIGN);
    assert_int_equal(look(d, RAM_GFN + 101u).mfn.v, own.v + 1u);
    host_check_stage2(d);
}

/* Pool frames left = n; the rest is kept aside until give_back(). */
static mfn_t aside[256];
static uint64_t aside_count;

static void leave_pool(uint64_t n)
{
    spin_lock(&d->physmap_lock);
    while (d->pool_free > n) {
        assert_int_equal(pool_alloc(d, &aside[aside_count]), OK);
        aside_count++;
    }
    spin_unlock(&d->physmap_lock);
}

static void give_back(void)
{
    spin_lock(&d->physmap_lock);
    while (aside_count > 0u) {
        aside_count--;
        pool_free(d, aside[aside_count]);
    }
    spin_unlock(&d->physmap_lock);
}

/* [utest->dsn~physmap-atomic~1] [utest->dsn~domain-pool~1] */
static void a_spent_table_budget_changes_nothing(void **state)
{
    uint64_t free_before;

    (void)state;
    for (uint64_t left = 0; left < 2u; left++) { /* a new GiB and a new 2 MiB need two tables */
        leave_pool(left);
        free_before = frame_free_count();
        assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 0x80000u + 0x40000u * left), 0), ERR_NOMEM);
        assert_int_equal(look(d, RAM_GFN + 0x80000u + 0x40000u * left).mapping, MAPPING_NONE);
        assert_int_equal(frame_free_count(), free_before);
        assert_int_equal(d->frames, 1024);
        give_back();
    }
    leave_pool(0);
    assert_int_equal(unmap(RAM_GFN + 5u, 0), ERR_NOMEM); /* a 2 MiB entry cannot be split */
    assert_int_equal(look(d, RAM_GFN + 5u).mapping, MAPPING_RAM);
    assert_int_equal(look(d, RAM_GFN + 5u).order, 9);
    assert_int_equal(map_foreign(RAM_GFN + 5u, RAM_GFN), ERR_NOMEM);
    assert_int_equal(frame_look(look(other, RAM_GFN).mfn).count, 1);
    give_back();
    assert_int_equal(unmap(RAM_GFN + 5u, 0), OK);
}

/* [utest->dsn~physmap-atomic~1] */
static void spent_ram_changes_nothing(void **state)
{
    mfn_t m;

    (void)state;
    while (frame_alloc(200, FRAME_POOL, 0, &m) == OK) {
    }
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 4096u), 0), ERR_NOMEM);
    assert_int_equal(d->frames, 1024);
    assert_int_equal(look(d, RAM_GFN + 4096u).mapping, MAPPING_NONE);
}

/* [utest->dsn~interrupt-latency~1] */
static void an_interrupt_ends_a_step_and_the_same_call_goes_on(void **state)
{
    uint64_t free_before = frame_free_count();
    uint32_t steps = 1;

    (void)state;
    d->max_frames = 4096;
    host_irq_every = 1;
    while (physmap_populate(d, GFN(RAM_GFN + 4096u), 9) == ERR_RESTART) {
        assert_int_equal(look(d, RAM_GFN + 4096u).mapping, MAPPING_NONE);
        assert_int_equal(d->frames, 1024u + 512u);
        steps++;
    }
    assert_int_equal(steps, 2u + (512u + 19u) / 20u); /* one finds them, each other but the last ends with a look */
    assert_int_equal(look(d, RAM_GFN + 4096u).order, 9);
    assert_int_equal(frame_free_count(), free_before - 512u);
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 4096u + 512u), 9), ERR_RESTART);
    for (steps = 0; physmap_populate(d, GFN(RAM_GFN + 1027u), 4) == ERR_RESTART; steps++) { /* another call */
        assert_true(steps < 1000u);
    }
    assert_int_equal(d->frames, 1024u + 512u + 16u); /* what the first one had is free again */
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 4096u + 1024u), 9), ERR_RESTART);
    while (!physmap_run_drop(d)) {
    }
    host_irq_every = 0;
    assert_int_equal(d->frames, 1024u + 512u + 16u);
    assert_int_equal(frame_free_count(), free_before - 512u - 16u);
    host_check_stage2(d);
}

/* [utest->dsn~interrupt-latency~1] */
static void frames_in_hand_are_left_alone(void **state)
{
    struct frame_run r;

    (void)state;
    assert_int_equal(physmap_run_begin(d, GFN(RAM_GFN + 4096u), 512, 0, &r), OK);
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 4096u + 512u), 9), ERR_RESTART); /* as if on another CPU */
    assert_false(physmap_run_drop(d));
    assert_int_equal(physmap_run_end(d, &r, (struct stage2_entry){0}, ERR_NOMEM), ERR_NOMEM);
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN + 4096u + 512u), 9), OK);
}

/* [utest->dsn~interrupt-latency~1] */
static void what_a_call_left_is_not_taken_for_what_another_wants(void **state)
{
    struct bulkhead_populate p = {.mfn = (FREE_RAM_AT >> PAGE_SHIFT) + 0x200u, .gfn = RAM_GFN + 4096u, .count = 512};
    struct bulkhead_populate other_frames = p;
    uint64_t frames;

    (void)state;
    boot = machine_start(); /* where nobody has claimed those */
    d = domain_of(build_domain(boot, "one", 1, 0));
    frames = d->frames;
    d->max_frames = 4096;
    p.domid = other_frames.domid = d->id;
    other_frames.mfn += 512u;
    host_irq_every = 1;
    limit_steps(3);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &p), ERR_RESTART); /* and never again */
    limit_steps(0);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_POPULATE_STATIC, &other_frames), OK);
    host_irq_every = 0;
    assert_int_equal(look(d, RAM_GFN + 4096u).mfn.v, (FREE_RAM_AT >> PAGE_SHIFT) + 0x400u);
    assert_int_equal(d->frames, frames + 512u);
    assert_int_equal(frame_look(MFN((FREE_RAM_AT >> PAGE_SHIFT) + 0x200u)).type, FRAME_FREE);
}

/* [utest->dsn~physmap~1] */
static void large_memory_fits_where_small_entries_were(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 512u; i++) { /* leaves an empty table behind */
        assert_int_equal(unmap(RAM_GFN + i, 0), OK);
    }
    leave_pool(0);
    assert_int_equal(physmap_populate(d, GFN(RAM_GFN), 9), OK);
    give_back();
    for (uint64_t i = 0; i < 512u; i++) {
        struct stage2_entry e = look(d, RAM_GFN + i);
        assert_int_equal(e.mapping, MAPPING_RAM);
        assert_int_equal(e.mfn.v, look(d, RAM_GFN).mfn.v + i);
        assert_int_equal(frame_look(e.mfn).count, 1);
    }
    host_check_stage2(d);
}

/* ---- against a reference ---- */

#define WINDOW 3072u

static uint64_t model[WINDOW]; /* 0 hole, 1 own RAM, else 2 + gfn of the foreign frame */

static void check_model(void)
{
    uint64_t own = 0;
    uint32_t users[1024] = {0};

    for (uint64_t i = 0; i < WINDOW; i++) {
        struct stage2_entry e = look(d, RAM_GFN + i);

        assert_int_equal(e.mapping, (model[i] == 0u) ? MAPPING_NONE : (model[i] == 1u) ? MAPPING_RAM : MAPPING_FOREIGN);
        own += (model[i] == 1u) ? 1u : 0u;
        if (model[i] == 1u) {
            assert_int_equal(frame_look(e.mfn).owner, FRAME_OWNER(d->slot));
            assert_int_equal(frame_look(e.mfn).count, 1);
        } else if (model[i] > 1u) {
            assert_int_equal(e.mfn.v, look(other, RAM_GFN + model[i] - 2u).mfn.v);
            users[model[i] - 2u]++;
        }
    }
    for (uint64_t i = 0; i < 1024u; i++) {
        assert_int_equal(frame_look(look(other, RAM_GFN + i).mfn).count, users[i] + 1u);
    }
    assert_int_equal(d->frames, own);
    host_check_stage2(NULL);
}

static bool is_filled(uint64_t at, uint64_t n, bool filled)
{
    for (uint64_t i = at; i < at + n; i++) {
        if ((model[i] != 0u) != filled) {
            return false;
        }
    }
    return true;
}

static void random_step(struct random *r)
{
    uint32_t order = (random_below(r, 3) == 0u) ? 9u : (uint32_t)random_below(r, 4);
    uint64_t n = UINT64_C(1) << order;
    uint64_t at = random_below(r, WINDOW - n + 1u);
    uint64_t from = random_below(r, 1024);

    if (random_below(r, 2) == 0u) {
        at &= ~(n - 1u);
    }
    switch (random_below(r, 3)) {
    case 0: {
        err_t err = physmap_populate(d, GFN(RAM_GFN + at), order);

        if (err == OK) {
            assert_true(is_filled(at, n, false));
            for (uint64_t i = at; i < at + n; i++) {
                model[i] = 1;
            }
        } else {
            assert_true(err == ERR_NOMEM || (err == ERR_EXIST && !is_filled(at, n, false)));
        }
        break;
    }
    case 1:
        if (is_filled(at, n, true)) {
            assert_int_equal(unmap(RAM_GFN + at, order), OK);
            memset(&model[at], 0, n * sizeof(model[0]));
        }
        break;
    default:
        assert_int_equal(map_foreign(RAM_GFN + at, RAM_GFN + from), OK);
        model[at] = 2u + from;
        break;
    }
}

/* [utest->dsn~physmap~1] [utest->dsn~frame-owner~1] */
static void every_mapping_and_count_is_what_a_reference_says(void **state)
{
    struct random r = {.state = 42};

    (void)state;
    for (uint64_t i = 0; i < WINDOW; i++) {
        model[i] = (i < 1024u) ? 1u : 0u;
    }
    for (uint32_t i = 0; i < 3000u; i++) {
        random_step(&r);
        if (i % 300u == 0u) {
            check_model();
        }
    }
    check_model();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(populate_maps_zeroed_frames_of_the_domain, start),
        cmocka_unit_test_setup(populate_refuses_and_changes_nothing, start),
        cmocka_unit_test_setup(nobody_gets_more_than_its_limit, start),
        cmocka_unit_test_setup(unmapped_frames_go_back_scrubbed, start),
        cmocka_unit_test_setup(a_frame_lives_until_its_last_mapping, start),
        cmocka_unit_test_setup(a_foreign_mapping_cannot_be_passed_on, start),
        cmocka_unit_test_setup(replacing_a_mapping_gives_up_the_old_one, start),
        cmocka_unit_test_setup(a_spent_table_budget_changes_nothing, start),
        cmocka_unit_test_setup(spent_ram_changes_nothing, start),
        cmocka_unit_test_setup(large_memory_fits_where_small_entries_were, start),
        cmocka_unit_test_setup(an_interrupt_ends_a_step_and_the_same_call_goes_on, start),
        cmocka_unit_test_setup(frames_in_hand_are_left_alone, start),
        cmocka_unit_test_setup(what_a_call_left_is_not_taken_for_what_another_wants, start),
        cmocka_unit_test_setup(every_mapping_and_count_is_what_a_reference_says, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
