/* SPDX-License-Identifier: Apache-2.0 */
/* Grant tables: map and unmap. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grant_world.h"
#include "arch/contract/arch.h"

#include <string.h>

#define HOST GNTMAP_host_map
#define RO   (GNTMAP_host_map | GNTMAP_readonly)

static struct vcpu *boot;
static uint16_t one; /* granter */
static uint16_t two; /* mapper */
static uint16_t three;
static uint16_t none; /* without a table */

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = world_domain(boot, "one", 4, 4);
    two = world_domain(boot, "two", 2, 2);
    three = world_domain(boot, "three", 2, 2);
    none = build_domain(boot, "none", 1, 2);
    return 0;
}

static void check(void)
{
    const uint16_t all[] = {one, two, three};

    world_check(all, 3);
}

/* [utest->dsn~grant-map~1] [utest->dsn~grant-pin~1] */
static void maps_that_are_refused_change_nothing(void **state)
{
    static const uint16_t readonly = GTF_permit_access | GTF_readonly;
    const struct {
        uint16_t from;
        uint32_t ref;
        uint32_t flags;
        uint64_t gfn;
        int16_t status;
    } cases[] = {
        {one, 0, 0, MAP_GFN, GNTST_bad_gntref},
        {one, 0, GNTMAP_readonly, MAP_GFN, GNTST_bad_gntref},
        {one, 0, GNTMAP_device_map, MAP_GFN, GNTST_general_error},
        {one, 0, HOST | GNTMAP_device_map, MAP_GFN, GNTST_general_error},
        {one, 0, HOST | GNTMAP_application_map, MAP_GFN, GNTST_general_error},
        {one, 0, HOST | GNTMAP_contains_pte, MAP_GFN, GNTST_general_error},
        {one, 0, HOST | 1u << 20, MAP_GFN, GNTST_general_error},
        {DOMID_SELF, 0, HOST, MAP_GFN, GNTST_bad_domain},
        {77, 0, HOST, MAP_GFN, GNTST_bad_domain},
        {0, 0, HOST, MAP_GFN, GNTST_bad_domain},
        {DOMID_BOOT, 0, HOST, MAP_GFN, GNTST_bad_gntref},
        {none, 0, HOST, MAP_GFN, GNTST_bad_gntref},
        {one, 512, HOST, MAP_GFN, GNTST_bad_gntref},
        {one, UINT32_MAX, HOST, MAP_GFN, GNTST_bad_gntref},
        {one, 1, HOST, MAP_GFN, GNTST_general_error},           /* invalid */
        {one, 2, HOST, MAP_GFN, GNTST_general_error},           /* to another domain */
        {one, 3, HOST, MAP_GFN, GNTST_general_error},           /* read-only */
        {one, 4, HOST, MAP_GFN, GNTST_general_error},           /* part of a page */
        {one, 5, HOST, MAP_GFN, GNTST_general_error},           /* transfer */
        {one, 6, HOST, MAP_GFN, GNTST_general_error},           /* transitive */
        {one, 7, HOST, MAP_GFN, GNTST_bad_page},                /* nothing there */
        {one, 8, HOST, MAP_GFN, GNTST_bad_page},                /* beyond the address space */
        {one, 9, HOST, MAP_GFN, GNTST_bad_page},                /* not RAM */
        {one, 0, HOST, UINT64_C(1) << 30, GNTST_general_error}, /* the caller's address space ends before */
        {one, 0, HOST, UINT64_MAX >> PAGE_SHIFT, GNTST_general_error},
    };
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = TABLE_GFN};
    uint32_t handle;

    (void)state;
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), OK);
    world_grant(one, 0, GTF_permit_access, two, RAM_GFN);
    world_grant(one, 2, GTF_permit_access, three, RAM_GFN);
    world_grant(one, 3, readonly, two, RAM_GFN);
    world_grant(one, 4, GTF_permit_access | GTF_sub_page, two, RAM_GFN);
    world_grant(one, 5, GTF_accept_transfer, two, RAM_GFN);
    world_grant(one, 6, GTF_transitive, two, RAM_GFN);
    world_grant(one, 7, GTF_permit_access, two, RAM_GFN + 512u);
    world_grant(one, 8, GTF_permit_access, two, UINT32_MAX);
    world_grant(one, 9, GTF_permit_access, two, TABLE_GFN);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int16_t status = world_map(two, cases[i].from, cases[i].ref, cases[i].flags, cases[i].gfn, &handle);

        if (status != cases[i].status) {
            host_fail("case %zu: status %d, not %d", i, status, cases[i].status);
        }
        assert_int_equal(world_look(two, MAP_GFN).mapping, MAPPING_NONE);
        check();
    }
    assert_int_equal(world_map(none, one, 0, HOST, MAP_GFN, &handle), GNTST_no_space);
}

/* ---- map and unmap ---- */

/* [utest->dsn~grant-map~1] [utest->dsn~grant-unmap~1] [utest->dsn~grant-pin~1] */
static void a_granted_frame_is_mapped_and_unmapped(void **state)
{
    struct stage2_entry e;
    uint32_t rw, ro;
    mfn_t granted = world_look(one, RAM_GFN + 3u).mfn;

    (void)state;
    world_grant(one, 17, GTF_permit_access, two, RAM_GFN + 3u);
    assert_int_equal(world_map(two, one, 17, RO, MAP_GFN, &ro), GNTST_okay);
    assert_int_equal(world_flags(one, 17), GTF_permit_access | GTF_reading);
    e = world_look(two, MAP_GFN);
    assert_int_equal(e.mapping, MAPPING_GRANT);
    assert_int_equal(e.access, ACCESS_R);
    assert_int_equal(e.mfn.v, granted.v);
    assert_int_equal(world_map(two, one, 17, HOST, MAP_GFN + 1u, &rw), GNTST_okay);
    assert_int_equal(world_flags(one, 17), GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(world_look(two, MAP_GFN + 1u).access, ACCESS_RW);
    assert_int_equal(frame_look(granted).count, 3);
    check();
    assert_int_equal(world_unmap(two, rw, MAP_GFN + 1u), GNTST_okay);
    assert_int_equal(world_flags(one, 17), GTF_permit_access | GTF_reading);
    assert_int_equal(world_unmap(two, rw, MAP_GFN + 1u), GNTST_bad_handle);
    assert_int_equal(world_unmap(two, ro, MAP_GFN), GNTST_okay);
    assert_int_equal(world_flags(one, 17), GTF_permit_access);
    assert_int_equal(world_look(two, MAP_GFN).mapping, MAPPING_NONE);
    assert_int_equal(frame_look(granted).count, 1);
    check();
}

/* [utest->dsn~grant-unmap~1] */
static void unmap_wants_handle_and_address_of_one_mapping(void **state)
{
    struct gnttab_unmap_and_replace r = {.host_addr = ADDRESS(MAP_GFN), .new_addr = ADDRESS(RAM_GFN)};
    uint32_t handle;

    (void)state;
    world_grant(one, 1, GTF_permit_access, two, RAM_GFN);
    assert_int_equal(world_unmap(two, 0, MAP_GFN), GNTST_bad_handle); /* no record at all */
    assert_int_equal(world_map(two, one, 1, HOST, MAP_GFN, &handle), GNTST_okay);
    assert_int_equal(world_unmap(two, handle + 1u, MAP_GFN), GNTST_bad_handle);
    assert_int_equal(world_unmap(two, RECORDS_PER_PAGE, MAP_GFN), GNTST_bad_handle);
    assert_int_equal(world_unmap(two, UINT32_MAX, MAP_GFN), GNTST_bad_handle);
    assert_int_equal(world_unmap(three, handle, MAP_GFN), GNTST_bad_handle); /* of another domain */
    assert_int_equal(world_unmap(none, handle, MAP_GFN), GNTST_bad_handle);
    assert_int_equal(world_unmap(two, handle, MAP_GFN + 1u), GNTST_general_error);
    assert_int_equal(world_unmap(two, handle, 0), GNTST_okay); /* the address is ignored: nothing is unmapped */
    assert_int_equal(world_look(two, MAP_GFN).mapping, MAPPING_GRANT);
    r.handle = handle;
    assert_int_equal(world_op(two, GNTTABOP_unmap_and_replace, &r, 1), OK);
    assert_int_equal(r.status, GNTST_general_error);
    r.handle = 99;
    assert_int_equal(world_op(two, GNTTABOP_unmap_and_replace, &r, 1), OK);
    assert_int_equal(r.status, GNTST_bad_handle);
    check();
    r = (struct gnttab_unmap_and_replace){.host_addr = ADDRESS(MAP_GFN), .handle = handle};
    assert_int_equal(world_op(two, GNTTABOP_unmap_and_replace, &r, 1), OK);
    assert_int_equal(r.status, GNTST_okay); /* with nothing in its place */
    assert_int_equal(world_look(two, MAP_GFN).mapping, MAPPING_NONE);
    check();
}

/* [utest->dsn~grant-map~1] [utest->dsn~grant-unmap~1] */
static void what_is_at_the_address_is_replaced(void **state)
{
    struct xen_remove_from_physmap gone = {.domid = DOMID_SELF, .gpfn = MAP_GFN};
    uint32_t a, b, c;

    (void)state;
    world_grant(one, 1, GTF_permit_access, two, RAM_GFN);
    world_grant(one, 2, GTF_permit_access, two, RAM_GFN + 1u);
    assert_int_equal(world_map(two, one, 1, HOST, RAM_GFN + 9u, &a), GNTST_okay); /* RAM of the mapper */
    assert_int_equal(domain_of(two)->frames, 511);
    assert_int_equal(world_map(two, one, 2, HOST, RAM_GFN + 9u, &b), GNTST_okay); /* a grant mapping */
    check();
    assert_int_equal(world_unmap(two, a, RAM_GFN + 9u), GNTST_okay); /* gone already: b's mapping stays */
    assert_int_equal(world_look(two, RAM_GFN + 9u).mfn.v, world_look(one, RAM_GFN + 1u).mfn.v);
    assert_int_equal(world_flags(one, 1), GTF_permit_access);
    check();
    assert_int_equal(world_unmap(two, b, RAM_GFN + 9u), GNTST_okay);
    assert_int_equal(world_map(two, one, 1, HOST, MAP_GFN, &c), GNTST_okay);
    assert_int_equal(do_memory(vcpu_of(two, 0), XENMEM_remove_from_physmap, &gone), OK);
    assert_int_equal(world_flags(one, 1), GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(world_unmap(two, c, MAP_GFN), GNTST_okay);
    assert_int_equal(world_flags(one, 1), GTF_permit_access);
    check();
}

/* [utest->dsn~grant-map~1] */
static void a_frame_that_was_given_up_lives_until_it_is_unmapped(void **state)
{
    xen_pfn_t extent = RAM_GFN + 4u;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    mfn_t granted = world_look(one, extent).mfn;
    uint32_t handle;

    (void)state;
    r.extent_start.p = &extent;
    world_grant(one, 1, GTF_permit_access, two, extent);
    assert_int_equal(world_map(two, one, 1, HOST, MAP_GFN, &handle), GNTST_okay);
    memset(world_page(one, extent), 0x77, PAGE_SIZE);
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_decrease_reservation, &r), 1);
    assert_int_equal(frame_look(granted).count, 1);
    assert_int_equal(frame_look(granted).owner, FRAME_OWNER(one));
    assert_int_equal(*(uint8_t *)world_page(two, MAP_GFN), 0x77);
    check();
    assert_int_equal(world_unmap(two, handle, MAP_GFN), GNTST_okay);
    assert_int_equal(frame_look(granted).type, FRAME_FREE);
    check();
}

/* [utest->dsn~grant-op~1] [utest->dsn~grant-unmap~1] */
static void long_arrays_are_restarted_and_flush_once_a_step(void **state)
{
    static struct gnttab_map_grant_ref map[40];
    static struct gnttab_unmap_grant_ref unmap[40];

    (void)state;
    for (uint32_t i = 0; i < 40u; i++) {
        world_grant(one, i, GTF_permit_access, two, RAM_GFN + i);
        map[i] = (struct gnttab_map_grant_ref){
            .host_addr = ADDRESS(MAP_GFN + i), .flags = HOST, .ref = (i == 20u) ? 1000u : i, .dom = one};
    }
    assert_int_equal(world_op(two, GNTTABOP_map_grant_ref, map, 40), OK);
    assert_int_equal(restarts(), 2);
    for (uint32_t i = 0; i < 40u; i++) {
        assert_int_equal(map[i].status, (i == 20u) ? GNTST_bad_gntref : GNTST_okay);
        assert_int_equal(world_look(two, MAP_GFN + i).mapping, (i == 20u) ? MAPPING_NONE : MAPPING_GRANT);
        unmap[i] = (struct gnttab_unmap_grant_ref){.host_addr = ADDRESS(MAP_GFN + i), .handle = map[i].handle};
    }
    unmap[20].handle = 5000;
    check();
    assert_int_equal(world_op(two, GNTTABOP_unmap_grant_ref, unmap, 40), OK);
    assert_int_equal(restarts(), 4);
    for (uint32_t i = 0; i < 40u; i++) {
        assert_int_equal(unmap[i].status, (i == 20u) ? GNTST_bad_handle : GNTST_okay);
        assert_int_equal(world_look(two, MAP_GFN + i).mapping, MAPPING_NONE);
    }
    check(); /* the model of the TLB knows none of them */
}

/* [utest->dsn~grant-pin~1] */
static void one_user_at_a_time_and_128_uses(void **state)
{
    static uint32_t handles[PIN_LIMIT];
    uint32_t other;

    (void)state;
    world_grant(one, 3, GTF_permit_access, two, RAM_GFN);
    for (uint32_t i = 0; i < PIN_LIMIT; i++) {
        assert_int_equal(world_map(two, one, 3, RO, MAP_GFN + i, &handles[i]), GNTST_okay);
    }
    assert_int_equal(world_map(two, one, 3, RO, MAP_GFN + PIN_LIMIT, &other), GNTST_general_error);
    world_grant(one, 3, GTF_permit_access | GTF_reading, three, RAM_GFN); /* the granter changes its mind too late */
    assert_int_equal(world_map(three, one, 3, RO, MAP_GFN, &other), GNTST_general_error);
    check();
    for (uint32_t i = 0; i < PIN_LIMIT; i++) {
        assert_int_equal(world_unmap(two, handles[i], MAP_GFN + i), GNTST_okay);
    }
    assert_int_equal(world_map(three, one, 3, RO, MAP_GFN, &other), GNTST_okay);
    assert_int_equal(world_unmap(three, other, MAP_GFN), GNTST_okay);
    check();
}

/* [utest->dsn~grant-map~1] */
static void a_domain_may_map_its_own_grant(void **state)
{
    uint32_t handle;

    (void)state;
    world_grant(one, 1, GTF_permit_access, one, RAM_GFN + 1u);
    assert_int_equal(world_map(one, one, 1, HOST, MAP_GFN, &handle), GNTST_okay);
    *(uint32_t *)world_page(one, MAP_GFN) = 42;
    assert_int_equal(*(uint32_t *)world_page(one, RAM_GFN + 1u), 42);
    check();
    assert_int_equal(world_unmap(one, handle, MAP_GFN), GNTST_okay);
    check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(maps_that_are_refused_change_nothing, start),
        cmocka_unit_test_setup(a_granted_frame_is_mapped_and_unmapped, start),
        cmocka_unit_test_setup(unmap_wants_handle_and_address_of_one_mapping, start),
        cmocka_unit_test_setup(what_is_at_the_address_is_replaced, start),
        cmocka_unit_test_setup(a_frame_that_was_given_up_lives_until_it_is_unmapped, start),
        cmocka_unit_test_setup(long_arrays_are_restarted_and_flush_once_a_step, start),
        cmocka_unit_test_setup(one_user_at_a_time_and_128_uses, start),
        cmocka_unit_test_setup(a_domain_may_map_its_own_grant, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
