/* SPDX-License-Identifier: Apache-2.0 */
/* Grant tables: limits, pools that run dry, and the end of domains. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grant_world.h"
#include "arch/contract/arch.h"
#include "core/pool.h"

#include <string.h>

#define HOST GNTMAP_host_map
#define RO   (GNTMAP_host_map | GNTMAP_readonly)

static struct vcpu *boot;
static uint16_t one; /* granter */
static uint16_t two; /* mapper */
static uint16_t three;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = world_domain(boot, "one", 4, 4);
    two = world_domain(boot, "two", 2, 2);
    three = world_domain(boot, "three", 2, 1);
    return 0;
}

/* The domain is destroyed and its slot free. */
static void end(uint16_t domid)
{
    struct domain *d;

    assert_int_equal(destroy(boot, domid), OK);
    settle();
    d = domain_get_slot(domid);
    assert_null(d);
}

static void check_all(void)
{
    const uint16_t all[] = {one, two, three};

    world_check(all, 3);
}

static void check_without(uint16_t gone)
{
    uint16_t rest[2];
    uint32_t n = 0;

    for (uint16_t d = 0; d < 3u; d++) {
        uint16_t domid = (d == 0u) ? one : (d == 1u) ? two : three;
        if (domid != gone) {
            rest[n++] = domid;
        }
    }
    world_check(rest, 2);
}

/* ---- the end of a granter ---- */

/* [utest->dsn~grant-sink~1] [utest->dsn~grant-reap~1] */
static void mappings_of_a_dead_granter_end_in_the_sink(void **state)
{
    uint64_t free_before = frame_free_count();
    uint64_t of_one = domain_of(one)->frames + domain_of(one)->pool_total + domain_of(one)->overhead;
    uint32_t handles[40];
    mfn_t sink;

    (void)state;
    for (uint32_t i = 0; i < 40u; i++) { /* more than one step redirects */
        world_grant(one, i, GTF_permit_access, two, RAM_GFN + i);
        assert_int_equal(world_map(two, one, i, (i % 2u == 0u) ? HOST : RO, MAP_GFN + i, &handles[i]), GNTST_okay);
    }
    memset(world_page(one, RAM_GFN), 0x5a, PAGE_SIZE);
    check_all();
    end(one);
    assert_int_equal(frame_free_count(), free_before + of_one); /* at once, though all is still mapped */
    sink = domain_of(two)->grants->sink;
    for (uint32_t i = 0; i < 40u; i++) {
        struct stage2_entry e = world_look(two, MAP_GFN + i);

        assert_int_equal(e.mapping, MAPPING_GRANT);
        assert_int_equal(e.access, (i % 2u == 0u) ? ACCESS_RW : ACCESS_R);
        assert_int_equal(e.mfn.v, sink.v);
    }
    assert_int_equal(*(uint8_t *)world_page(two, MAP_GFN), 0);
    assert_int_equal(frame_look(sink).count, 41);
    check_without(one);
    for (uint32_t i = 0; i < 40u; i++) {
        assert_int_equal(world_unmap(two, handles[i], MAP_GFN + i), GNTST_okay);
    }
    assert_int_equal(frame_look(sink).count, 1);
    check_without(one);
}

/* [utest->dsn~grant-sink~1] */
static void the_next_life_is_out_of_reach(void **state)
{
    uint16_t again;
    uint32_t handle;

    (void)state;
    world_grant(one, 3, GTF_permit_access, two, RAM_GFN);
    assert_int_equal(world_map(two, one, 3, HOST, MAP_GFN, &handle), GNTST_okay);
    end(one);
    again = world_domain(boot, "again", 4, 4);
    assert_int_equal(again, one); /* the same number */
    memset(world_page(again, RAM_GFN), 0x99, PAGE_SIZE);
    memset(world_page(two, MAP_GFN), 0x11, PAGE_SIZE);
    assert_int_equal(*(uint8_t *)world_page(again, RAM_GFN), 0x99);
    world_grant(again, 3, GTF_permit_access, three, RAM_GFN);
    assert_int_equal(world_unmap(two, handle, MAP_GFN), GNTST_okay);
    assert_int_equal(world_flags(again, 3), GTF_permit_access); /* no pin of the new life was put */
    check_all();
}

/* [utest->dsn~grant-sink~1] */
static void a_mapping_that_was_replaced_is_left_alone(void **state)
{
    uint32_t a, b;

    (void)state;
    world_grant(one, 1, GTF_permit_access, two, RAM_GFN);
    world_grant(three, 1, GTF_permit_access, two, RAM_GFN + 7u);
    assert_int_equal(world_map(two, one, 1, HOST, MAP_GFN, &a), GNTST_okay);
    assert_int_equal(world_map(two, three, 1, HOST, MAP_GFN, &b), GNTST_okay);
    end(one);
    assert_int_equal(world_look(two, MAP_GFN).mfn.v, world_look(three, RAM_GFN + 7u).mfn.v);
    check_without(one);
    assert_int_equal(world_unmap(two, a, MAP_GFN), GNTST_okay);
    assert_int_equal(world_unmap(two, b, MAP_GFN), GNTST_okay);
    check_without(one);
}

/* A granter that is dying: no new use. */
/* [utest->dsn~grant-reap~1] */
static void a_closed_table_takes_no_pin(void **state)
{
    struct grant_use use = {.owner = domain_of(one), .ref = 1, .map = true};
    mfn_t mfn;

    (void)state;
    world_grant(one, 1, GTF_permit_access, two, RAM_GFN);
    use.owner->state = DOMAIN_DYING;
    assert_int_equal(grant_reap(use.owner), ERR_RESTART);
    assert_int_equal(grant_acquire(&use, domain_of(two), &mfn), GNTST_bad_domain);
    assert_int_equal(use.owner->grants->pinned, 0);
}

/* A use on another CPU is under way: the granter waits for it, and no longer. */
/* [utest->dsn~grant-reap~1] */
static void a_granter_waits_for_a_use_that_is_under_way(void **state)
{
    struct grant_use use = {.owner = domain_of(one), .ref = 1, .write = true};
    uint64_t free_before;
    mfn_t mfn;

    (void)state;
    world_grant(one, 1, GTF_permit_access, two, RAM_GFN);
    assert_int_equal(grant_acquire(&use, domain_of(two), &mfn), GNTST_okay);
    assert_int_equal(destroy(boot, one), OK);
    settle();
    free_before = frame_free_count();
    assert_int_equal(domain_state(use.owner), DOMAIN_DYING);
    physmap_release(mfn);
    grant_unpin(&use);
    settle();
    assert_true(frame_free_count() > free_before + 512u);
    check_without(one);
}

/* ---- the end of a mapper ---- */

/* [utest->dsn~grant-reap~1] */
static void a_mapper_that_dies_gives_everything_up(void **state)
{
    uint64_t free_before = frame_free_count();
    uint64_t of_two = domain_of(two)->frames + domain_of(two)->pool_total + domain_of(two)->overhead;
    uint32_t handle;

    (void)state;
    for (uint32_t i = 0; i < 50u; i++) {
        world_grant(one, i, GTF_permit_access, two, RAM_GFN + i);
        assert_int_equal(world_map(two, one, i, (i % 2u == 0u) ? HOST : RO, MAP_GFN + i, &handle), GNTST_okay);
    }
    world_grant(two, 1, GTF_permit_access, two, RAM_GFN);
    assert_int_equal(world_map(two, two, 1, HOST, MAP_GFN + 90u, &handle), GNTST_okay);
    end(two);
    assert_int_equal(frame_free_count(), free_before + of_two);
    for (uint32_t i = 0; i < 50u; i++) {
        assert_int_equal(world_flags(one, i), GTF_permit_access);
    }
    check_without(two);
}

/* Two that map each other. */
/* [utest->dsn~grant-reap~1] [utest->dsn~grant-sink~1] */
static void domains_that_map_each_other_end_one_by_one(void **state)
{
    uint64_t free_before = frame_free_count();
    uint64_t all = 0;
    uint32_t handle;
    const uint16_t ids[] = {one, two, three};

    (void)state;
    for (uint32_t i = 0; i < 3u; i++) {
        struct domain *d = domain_of(ids[i]);

        all += d->frames + d->pool_total + d->overhead;
        world_grant(ids[i], 1, GTF_permit_access, ids[(i + 1u) % 3u], RAM_GFN);
        world_grant(ids[i], 2, GTF_permit_access, ids[(i + 2u) % 3u], RAM_GFN + 1u);
    }
    for (uint32_t i = 0; i < 3u; i++) {
        assert_int_equal(world_map(ids[(i + 1u) % 3u], ids[i], 1, HOST, MAP_GFN + 1u, &handle), GNTST_okay);
        assert_int_equal(world_map(ids[(i + 2u) % 3u], ids[i], 2, RO, MAP_GFN + 2u, &handle), GNTST_okay);
    }
    check_all();
    for (uint32_t i = 0; i < 3u; i++) {
        end(ids[i]);
    }
    assert_int_equal(frame_free_count(), free_before + all);
}

/* ---- limits and pools ---- */

/* [utest->dsn~grant-record~1] [utest->dsn~grant-table~1] */
static void limits_are_the_creators(void **state)
{
    struct xen_domctl op = {.domain = 0};
    const struct {
        int32_t frames, maptrack;
        int64_t result;
        uint32_t have_frames, have_maptrack;
    } cases[] = {{64, 1024, OK, 64, 1024},  {-1, -1, OK, 64, 1024},     {128, 0, OK, 128, 0},
                 {129, 1, ERR_INVAL, 0, 0}, {1, 1025, ERR_INVAL, 0, 0}, {INT32_MAX, INT32_MAX, ERR_INVAL, 0, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        op.u.createdomain = (struct xen_domctl_createdomain){.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                                                             .max_vcpus = 1,
                                                             .max_grant_frames = cases[i].frames,
                                                             .max_maptrack_frames = cases[i].maptrack};
        assert_int_equal(do_domctl(boot, XEN_DOMCTL_createdomain, 0, &op), cases[i].result);
        if (cases[i].result == OK) {
            const struct grant_table *t = domain_of(op.domain)->grants;

            assert_int_equal(t->max_frames, cases[i].have_frames);
            assert_int_equal(t->max_records, cases[i].have_maptrack);
            assert_int_equal(t->frames, 1);
            end(op.domain);
        }
    }
}

/* [utest->dsn~grant-record~1] */
static void records_end_at_their_limit(void **state)
{
    uint32_t handle;
    uint32_t made = 0;

    (void)state;
    for (uint32_t ref = 0; ref < 3u; ref++) {
        world_grant(one, ref, GTF_permit_access, three, RAM_GFN + ref);
        for (uint32_t i = 0; i < PIN_LIMIT && made < RECORDS_PER_PAGE; i++, made++) {
            assert_int_equal(world_map(three, one, ref, RO, MAP_GFN + made, &handle), GNTST_okay);
            assert_int_equal(handle, made);
        }
    }
    assert_int_equal(made, RECORDS_PER_PAGE);
    assert_int_equal(world_map(three, one, 2, RO, MAP_GFN + made, &handle), GNTST_no_space);
    assert_int_equal(world_flags(one, 2), GTF_permit_access);
    assert_int_equal(world_look(three, MAP_GFN + made).mapping, MAPPING_NONE);
    assert_int_equal(world_unmap(three, 77, MAP_GFN + 77u), GNTST_okay);
    assert_int_equal(world_map(three, one, 2, RO, MAP_GFN + made, &handle), GNTST_okay);
    assert_int_equal(handle, 77);
    check_all();
}

/* Take frames out of d's pool until left are there; give them back. */
static mfn_t hidden[256];
static uint32_t hidden_count;

static void hide_pool(struct domain *d, uint64_t left)
{
    spin_lock(&d->physmap_lock);
    for (hidden_count = 0; d->pool_free > left; hidden_count++) {
        assert_int_equal(pool_alloc(d, &hidden[hidden_count]), OK);
    }
    spin_unlock(&d->physmap_lock);
}

static void show_pool(struct domain *d)
{
    spin_lock(&d->physmap_lock);
    while (hidden_count > 0u) {
        hidden_count--;
        pool_free(d, hidden[hidden_count]);
    }
    spin_unlock(&d->physmap_lock);
}

/* Each allocation of a first map fails once: the granter's page of pins, then the mapper's sink, directory, page and
 * stage 2 tables.  Nothing but what a later attempt uses has changed. */
/* [utest->dsn~grant-record~1] [utest->dsn~grant-pin~1] */
static void a_pool_that_runs_dry_fails_cleanly_at_every_step(void **state)
{
    struct domain *d = domain_of(two);
    uint32_t failures = 0;
    uint32_t handle = 0;
    int16_t status = GNTST_no_space;

    (void)state;
    world_grant(one, 1, GTF_permit_access, two, RAM_GFN);
    hide_pool(domain_of(one), 0);
    assert_int_equal(world_map(two, one, 1, HOST, MAP_GFN, &handle), GNTST_no_space);
    check_all();
    show_pool(domain_of(one));
    for (uint64_t room = 0; status != GNTST_okay && room < 8u; room++) {
        hide_pool(d, (room == 0u) ? 0u : 1u); /* one more frame each time: an attempt keeps what it got */
        status = world_map(two, one, 1, HOST, MAP_GFN, &handle);
        failures += (status != GNTST_okay) ? 1u : 0u;
        show_pool(d);
        assert_true(status == GNTST_okay || world_look(two, MAP_GFN).mapping == MAPPING_NONE);
        assert_int_equal(world_flags(one, 1) & GTF_reading, (status == GNTST_okay) ? GTF_reading : 0);
        check_all();
    }
    assert_int_equal(status, GNTST_okay);
    assert_true(failures >= 4u);
    assert_int_equal(world_unmap(two, handle, MAP_GFN), GNTST_okay);
    check_all();
}

/* [utest->dsn~grant-table~1] */
static void a_table_that_cannot_grow_says_so(void **state)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = 3, .gpfn = TABLE_GFN};
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 3};
    struct domain *d = domain_of(one);

    (void)state;
    hide_pool(d, 0);
    assert_int_equal(world_op(one, GNTTABOP_setup_table, &s, 1), OK);
    assert_int_equal(s.status, GNTST_general_error);
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), ERR_NOMEM);
    show_pool(d);
    hide_pool(d, 3); /* enough for the frames, not for tables that map them */
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), ERR_NOMEM);
    assert_int_equal(d->grants->frames, 4);
    show_pool(d);
    check_all();
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), OK);
    check_all();
}

/* [utest->dsn~grant-table~1] */
static void a_domain_that_cannot_have_a_table_is_not_made(void **state)
{
    struct domain *d = domain_of(build_domain(boot, "small", 1, 2));

    (void)state;
    for (uint64_t left = 0; left < 2u; left++) {
        hide_pool(d, left);
        assert_int_equal(grant_init(d, 4, 4), ERR_NOMEM);
        assert_null(d->grants);
        assert_int_equal(d->pool_free, left);
        show_pool(d);
    }
    assert_int_equal(grant_init(d, GRANT_FRAMES_LIMIT + 1u, 1), ERR_INVAL);
    assert_int_equal(grant_init(d, 1, GRANT_MAPTRACK_LIMIT + 1u), ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mappings_of_a_dead_granter_end_in_the_sink, start),
        cmocka_unit_test_setup(the_next_life_is_out_of_reach, start),
        cmocka_unit_test_setup(a_mapping_that_was_replaced_is_left_alone, start),
        cmocka_unit_test_setup(a_closed_table_takes_no_pin, start),
        cmocka_unit_test_setup(a_granter_waits_for_a_use_that_is_under_way, start),
        cmocka_unit_test_setup(a_mapper_that_dies_gives_everything_up, start),
        cmocka_unit_test_setup(domains_that_map_each_other_end_one_by_one, start),
        cmocka_unit_test_setup(limits_are_the_creators, start),
        cmocka_unit_test_setup(records_end_at_their_limit, start),
        cmocka_unit_test_setup(a_pool_that_runs_dry_fails_cleanly_at_every_step, start),
        cmocka_unit_test_setup(a_table_that_cannot_grow_says_so, start),
        cmocka_unit_test_setup(a_domain_that_cannot_have_a_table_is_not_made, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
