/* SPDX-License-Identifier: Apache-2.0 */
/* Grant tables: copies and cache maintenance. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grant_world.h"
#include "arch/contract/arch.h"

#include <string.h>

#define SRC GNTCOPY_source_gref
#define DST GNTCOPY_dest_gref

static struct vcpu *boot;
static uint16_t one; /* granter */
static uint16_t two; /* caller */
static uint16_t three;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = world_domain(boot, "one", 2, 2);
    two = world_domain(boot, "two", 2, 2);
    three = world_domain(boot, "three", 2, 2);
    return 0;
}

static void check(void)
{
    const uint16_t all[] = {one, two, three};

    world_check(all, 3);
}

static struct gnttab_copy_ptr by_ref(uint16_t domid, uint32_t ref, uint16_t offset)
{
    struct gnttab_copy_ptr p = {.domid = domid, .offset = offset};

    p.u.ref = ref;
    return p;
}

static struct gnttab_copy_ptr by_gfn(uint16_t domid, uint64_t gfn, uint16_t offset)
{
    struct gnttab_copy_ptr p = {.domid = domid, .offset = offset};

    p.u.gmfn = gfn;
    return p;
}

static int16_t copy(struct gnttab_copy_ptr from, struct gnttab_copy_ptr to, uint16_t len, uint16_t flags)
{
    struct gnttab_copy op = {.source = from, .dest = to, .len = len, .flags = flags, .status = 99};

    assert_int_equal(world_op(two, GNTTABOP_copy, &op, 1), OK);
    return op.status;
}

static void paint(uint8_t *page, uint32_t seed)
{
    for (uint32_t i = 0; i < PAGE_SIZE; i++) {
        page[i] = (uint8_t)(seed + i * 13u + (i >> 7));
    }
}

/* Every length that takes another path, at offsets of every alignment; and nothing around it. */
/* [utest->dsn~grant-copy~1] */
static void copies_take_all_four_forms(void **state)
{
    static const uint16_t lengths[] = {0, 1, 7, 8, 9, 63, 127, 128, 129, 1500, 2048, 4090, 4096};
    uint8_t *from[2] = {world_page(two, RAM_GFN + 1u), world_page(one, RAM_GFN + 1u)};
    uint8_t *to[2] = {world_page(two, RAM_GFN + 2u), world_page(three, RAM_GFN + 2u)};
    uint8_t want[PAGE_SIZE];

    (void)state;
    world_grant(one, 5, GTF_permit_access | GTF_readonly, two, RAM_GFN + 1u);
    world_grant(three, 6, GTF_permit_access, two, RAM_GFN + 2u);
    for (uint32_t form = 0; form < 4u; form++) {
        bool src = (form & 1u) != 0u;
        bool dst = (form & 2u) != 0u;

        for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
            uint16_t room = (uint16_t)(PAGE_SIZE - lengths[l]);
            uint16_t a = (uint16_t)((l * 3u) % (room + 1u)), b = (uint16_t)((l * 5u) % (room + 1u));

            paint(from[src], 1 + form);
            paint(to[dst], 100);
            memcpy(want, to[dst], PAGE_SIZE);
            memcpy(want + b, from[src] + a, lengths[l]);
            assert_int_equal(copy(src ? by_ref(one, 5, a) : by_gfn(DOMID_SELF, RAM_GFN + 1u, a),
                                  dst ? by_ref(three, 6, b) : by_gfn(DOMID_SELF, RAM_GFN + 2u, b), lengths[l],
                                  (uint16_t)((src ? SRC : 0) | (dst ? DST : 0))),
                             GNTST_okay);
            assert_memory_equal(to[dst], want, PAGE_SIZE);
            assert_int_equal(world_flags(one, 5), GTF_permit_access | GTF_readonly);
            assert_int_equal(world_flags(three, 6), GTF_permit_access);
        }
    }
    check();
}

/* [utest->dsn~grant-copy~1] */
static void copies_within_one_frame_may_overlap(void **state)
{
    uint8_t *page = world_page(two, RAM_GFN);
    uint8_t want[PAGE_SIZE];

    (void)state;
    for (uint32_t turn = 0; turn < 2u; turn++) {
        uint16_t a = turn == 0u ? 100 : 117, b = turn == 0u ? 117 : 100;

        paint(page, turn);
        memcpy(want, page, PAGE_SIZE);
        memmove(want + b, want + a, 3000);
        assert_int_equal(copy(by_gfn(DOMID_SELF, RAM_GFN, a), by_gfn(DOMID_SELF, RAM_GFN, b), 3000, 0), GNTST_okay);
        assert_memory_equal(page, want, PAGE_SIZE);
    }
    check();
}

/* [utest->dsn~grant-copy~1] [utest->dsn~grant-pin~1] */
static void copies_that_are_refused_change_nothing(void **state)
{
    const struct gnttab_copy_ptr mine = by_gfn(DOMID_SELF, RAM_GFN, 0);
    const struct {
        struct gnttab_copy_ptr from, to;
        uint16_t len, flags;
        int16_t status;
    } cases[] = {
        {by_gfn(two, RAM_GFN, 0), mine, 8, 0, GNTST_permission_denied}, /* DOMID_SELF is wanted */
        {by_gfn(one, RAM_GFN, 0), mine, 8, 0, GNTST_permission_denied},
        {mine, by_gfn(one, RAM_GFN, 0), 8, 0, GNTST_permission_denied},
        {by_ref(77, 1, 0), mine, 8, SRC, GNTST_bad_domain},
        {mine, by_ref(77, 1, 0), 8, DST, GNTST_bad_domain},
        {by_ref(one, 512, 0), mine, 8, SRC, GNTST_bad_gntref},
        {by_ref(one, 1, 0), mine, 8, SRC, GNTST_general_error}, /* invalid */
        {by_ref(one, 2, 0), mine, 8, SRC, GNTST_general_error}, /* to another domain */
        {mine, by_ref(one, 3, 0), 8, DST, GNTST_general_error}, /* read-only */
        {by_ref(one, 4, 0), mine, 8, SRC, GNTST_bad_page},
        {by_gfn(DOMID_SELF, MAP_GFN, 0), mine, 8, 0, GNTST_bad_page},
        {mine, by_gfn(DOMID_SELF, UINT64_MAX, 0), 8, 0, GNTST_bad_page},
        {by_gfn(DOMID_SELF, RAM_GFN, 4089), mine, 8, 0, GNTST_bad_copy_arg},
        {by_gfn(DOMID_SELF, RAM_GFN, 0), by_gfn(DOMID_SELF, RAM_GFN, 1), 4096, 0, GNTST_bad_copy_arg},
        {by_gfn(DOMID_SELF, RAM_GFN, 65535), mine, 65535, 0, GNTST_bad_copy_arg},
        {by_ref(one, 5, 0), by_ref(one, 5, 0), 65535, SRC | DST, GNTST_bad_copy_arg},
    };

    (void)state;
    world_grant(one, 2, GTF_permit_access, three, RAM_GFN);
    world_grant(one, 3, GTF_permit_access | GTF_readonly, two, RAM_GFN);
    world_grant(one, 4, GTF_permit_access, two, MAP_GFN);
    world_grant(one, 5, GTF_permit_access, two, RAM_GFN);
    memset(world_page(two, RAM_GFN), 0x11, PAGE_SIZE);
    memset(world_page(one, RAM_GFN), 0x22, PAGE_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int16_t status = copy(cases[i].from, cases[i].to, cases[i].len, cases[i].flags);

        if (status != cases[i].status) {
            host_fail("case %zu: status %d, not %d", i, status, cases[i].status);
        }
        for (uint32_t b = 0; b < PAGE_SIZE; b++) {
            assert_int_equal(((uint8_t *)world_page(two, RAM_GFN))[b], 0x11);
            assert_int_equal(((uint8_t *)world_page(one, RAM_GFN))[b], 0x22);
        }
        check();
    }
}

/* [utest->dsn~grant-copy~1] */
static void a_mapped_grant_may_be_copied_too(void **state)
{
    uint32_t handle;

    (void)state;
    world_grant(one, 1, GTF_permit_access, two, RAM_GFN);
    assert_int_equal(world_map(two, one, 1, GNTMAP_host_map | GNTMAP_readonly, MAP_GFN, &handle), GNTST_okay);
    assert_int_equal(copy(by_gfn(DOMID_SELF, RAM_GFN, 0), by_ref(one, 1, 0), 64, DST), GNTST_okay);
    assert_int_equal(world_flags(one, 1), GTF_permit_access | GTF_reading);
    assert_int_equal(copy(by_gfn(DOMID_SELF, MAP_GFN, 0), by_gfn(DOMID_SELF, RAM_GFN, 0), 64, 0), GNTST_bad_page);
    assert_int_equal(world_unmap(two, handle, MAP_GFN), GNTST_okay);
    check();
}

/* [utest->dsn~grant-cache-flush~1] */
static void cache_maintenance_reaches_memory(void **state)
{
    struct gnttab_cache_flush f = {.length = 8, .op = GNTTAB_CACHE_CLEAN};
    uint32_t handle;

    (void)state;
    f.a.dev_bus_addr = ADDRESS(RAM_GFN);
    *(uint64_t *)world_page(two, RAM_GFN) = 0x55;
    assert_int_equal(world_op(two, GNTTABOP_cache_flush, &f, 1), OK);
    assert_int_equal(*(const uint64_t *)host_memory(world_look(two, RAM_GFN).mfn), 0x55);
    world_grant(one, 1, GTF_permit_access, two, RAM_GFN);
    assert_int_equal(world_map(two, one, 1, GNTMAP_host_map, MAP_GFN, &handle), GNTST_okay);
    *(uint64_t *)world_page(two, MAP_GFN) = 0x66;
    f.a.dev_bus_addr = ADDRESS(MAP_GFN);
    f.op = GNTTAB_CACHE_INVAL; /* loses nothing */
    assert_int_equal(world_op(two, GNTTABOP_cache_flush, &f, 1), OK);
    assert_int_equal(*(const uint64_t *)host_memory(world_look(one, RAM_GFN).mfn), 0x66);
    assert_int_equal(*(uint64_t *)world_page(one, RAM_GFN), 0x66);
}

/* [utest->dsn~grant-cache-flush~1] */
static void cache_maintenance_refuses(void **state)
{
    const struct {
        uint64_t address;
        uint16_t offset, length;
        uint32_t op;
        int64_t result;
    } cases[] = {
        {ADDRESS(RAM_GFN), 4096, 0, GNTTAB_CACHE_CLEAN, ERR_INVAL},
        {ADDRESS(RAM_GFN), 4000, 97, GNTTAB_CACHE_CLEAN, ERR_INVAL},
        {ADDRESS(RAM_GFN), 0, 4097, GNTTAB_CACHE_CLEAN, ERR_INVAL},
        {ADDRESS(RAM_GFN), 0, 8, 4, ERR_INVAL},
        {ADDRESS(RAM_GFN), 0, 8, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_SOURCE_GREF, ERR_INVAL},
        {ADDRESS(MAP_GFN), 0, 8, GNTTAB_CACHE_CLEAN, ERR_INVAL},
        {UINT64_MAX, 0, 8, GNTTAB_CACHE_CLEAN, ERR_INVAL},
        {ADDRESS(TABLE_GFN), 0, 8, GNTTAB_CACHE_CLEAN, ERR_PERM},
        {0, 0, 0, 0, OK}, /* how Linux asks whether the call is there */
        {0, 0, 0, GNTTAB_CACHE_INVAL, OK},
        {0, 0, 8, 0, OK},
    };
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = TABLE_GFN};
    struct gnttab_cache_flush many[20];

    (void)state;
    assert_int_equal(do_memory(vcpu_of(two, 0), XENMEM_add_to_physmap, &a), OK);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gnttab_cache_flush f = {.offset = cases[i].offset, .length = cases[i].length, .op = cases[i].op};

        f.a.dev_bus_addr = cases[i].address;
        if (world_op(two, GNTTABOP_cache_flush, &f, 1) != cases[i].result) {
            host_fail("case %zu", i);
        }
    }
    for (uint32_t i = 0; i < 20u; i++) {
        many[i] = (struct gnttab_cache_flush){.length = 8, .op = (i == 18u) ? 4u : GNTTAB_CACHE_CLEAN};
        many[i].a.dev_bus_addr = ADDRESS(RAM_GFN + i);
        *(uint64_t *)world_page(two, RAM_GFN + i) = 1;
    }
    assert_int_equal(world_op(two, GNTTABOP_cache_flush, many, 20), ERR_INVAL); /* the first bad one ends it */
    assert_int_equal(*(const uint64_t *)host_memory(world_look(two, RAM_GFN + 17u).mfn), 1);
    assert_int_equal(*(const uint64_t *)host_memory(world_look(two, RAM_GFN + 19u).mfn), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(copies_take_all_four_forms, start),
        cmocka_unit_test_setup(copies_within_one_frame_may_overlap, start),
        cmocka_unit_test_setup(copies_that_are_refused_change_nothing, start),
        cmocka_unit_test_setup(a_mapped_grant_may_be_copied_too, start),
        cmocka_unit_test_setup(cache_maintenance_reaches_memory, start),
        cmocka_unit_test_setup(cache_maintenance_refuses, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
