/* SPDX-License-Identifier: Apache-2.0 */
/* Grant tables: the table itself, and calls that are refused as a whole. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grant_world.h"
#include "arch/contract/arch.h"

#include <string.h>

#define HOST GNTMAP_host_map

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

/* ---- the table ---- */

/* [utest->dsn~grant-table~1] [utest->dsn~grant-frames~1] */
static void the_table_grows_where_it_is_mapped(void **state)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = 2, .gpfn = TABLE_GFN};
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    struct domain *d = domain_of(one);
    uint64_t free_before = d->pool_free;

    (void)state;
    assert_int_equal(world_op(one, GNTTABOP_query_size, &q, 1), OK);
    assert_int_equal(q.status, GNTST_okay);
    assert_int_equal(q.nr_frames, 1);
    assert_int_equal(q.max_nr_frames, 4);
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), OK);
    assert_int_equal(d->grants->frames, 3);
    assert_true(free_before - d->pool_free >= 2u); /* two frames, and tables for the mapping */
    for (uint32_t i = 0; i < PAGE_SIZE / 8u; i++) {
        assert_int_equal(((const uint64_t *)world_page(one, TABLE_GFN))[i], 0);
        assert_int_equal(((const uint64_t *)host_memory(d->grants->shared[2]))[i], 0);
    }
    world_grant(one, 2 * GRANTS_PER_FRAME + 5, GTF_permit_access, two, RAM_GFN);
    assert_int_equal(((struct grant_entry_v1 *)world_page(one, TABLE_GFN))[5].frame, RAM_GFN);
    check();
    a.idx = 4;
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), ERR_INVAL);
    a.idx = UINT64_C(0x100000000);
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), ERR_INVAL);
    a.idx = XENMAPIDX_grant_table_status;
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), ERR_INVAL);
    a.idx = 1;
    a.gpfn = arch_stage2_gfn_limit();
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), ERR_INVAL);
    assert_int_equal(do_memory(vcpu_of(none, 0), XENMEM_add_to_physmap, &a), ERR_INVAL);
    check();
}

/* [utest->dsn~grant-frames~1] */
static void setup_lists_where_the_frames_are(void **state)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = 1, .gpfn = TABLE_GFN};
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = TABLE_GFN};
    xen_pfn_t list[4] = {7, 7, 7, 7};
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 3};

    (void)state;
    s.frame_list.p = list;
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &a), OK);
    assert_int_equal(world_op(one, GNTTABOP_setup_table, &s, 1), OK);
    assert_int_equal(s.status, GNTST_okay);
    assert_int_equal(list[0], UINT64_MAX);
    assert_int_equal(list[1], TABLE_GFN);
    assert_int_equal(list[2], UINT64_MAX);
    assert_int_equal(list[3], 7);
    assert_int_equal(domain_of(one)->grants->frames, 3);
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_remove_from_physmap, &r), OK);
    assert_int_equal(world_op(one, GNTTABOP_setup_table, &s, 1), OK);
    assert_int_equal(list[1], UINT64_MAX);
    s.frame_list.q = 0x1000; /* not mapped */
    assert_int_equal(world_op(one, GNTTABOP_setup_table, &s, 1), OK);
    assert_int_equal(s.status, GNTST_bad_virt_addr);
    check();
}

/* ---- calls that are refused ---- */

static union {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_unmap_and_replace replace;
    struct gnttab_setup_table setup;
    struct gnttab_query_size query;
    struct gnttab_transfer transfer;
    struct gnttab_copy copy;
    struct gnttab_swap_grant_ref swap;
    struct gnttab_set_version set_version;
    struct gnttab_get_version get_version;
    struct gnttab_get_status_frames status_frames;
    struct gnttab_cache_flush flush;
    char bytes[64];
} op;

/* [utest->dsn~grant-op~1] */
static void calls_fail_as_a_whole(void **state)
{
    static const struct {
        uint32_t cmd;
        uint64_t count;
        int64_t result;
    } cases[] = {
        {GNTTABOP_dump_table, 1, ERR_NOSYS},
        {13, 1, ERR_NOSYS},
        {4095, 1, ERR_NOSYS},
        {4096, 1, ERR_INVAL},
        {UINT32_MAX, 1, ERR_INVAL},
        {GNTTABOP_map_grant_ref, 0x80000000u, ERR_INVAL},
        {GNTTABOP_copy, UINT32_MAX, ERR_INVAL},
        {GNTTABOP_map_grant_ref, 0, OK},
        {GNTTABOP_unmap_grant_ref, 0, OK},
        {GNTTABOP_copy, 0, OK},
        {GNTTABOP_setup_table, 0, ERR_INVAL},
        {GNTTABOP_setup_table, 2, ERR_INVAL},
        {GNTTABOP_query_size, 0, ERR_INVAL},
        {GNTTABOP_query_size, 2, ERR_INVAL},
        {GNTTABOP_get_status_frames, 2, ERR_INVAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        memset(&op, 0, sizeof(op));
        assert_int_equal(world_op(one, cases[i].cmd, &op, cases[i].count), cases[i].result);
    }
    for (uint32_t cmd = 0; cmd <= GNTTABOP_cache_flush; cmd++) { /* an array that is not there */
        int64_t want = (cmd == GNTTABOP_dump_table) ? ERR_NOSYS : ERR_FAULT;

        assert_int_equal(hypercall(vcpu_of(one, 0), __HYPERVISOR_grant_table_op, cmd, 0x1000, 1), want);
    }
    for (uint32_t cmd = 0; cmd < GNTTABOP_cache_flush; cmd++) { /* an answer that cannot be written */
        if (cmd != GNTTABOP_dump_table && cmd != GNTTABOP_transfer) {
            memset(&op, 0, sizeof(op));
            op.get_version.dom = (cmd == GNTTABOP_get_version) ? DOMID_SELF : 0u;
            host_fail_copy(2);
            assert_int_equal(world_op(one, cmd, &op, 1), ERR_FAULT);
            host_fail_copy(0);
        }
    }
    check();
}

/* [utest->dsn~grant-op~1] */
static void versions_and_sizes_answer(void **state)
{
    (void)state;
    op.set_version.version = 1;
    assert_int_equal(world_op(one, GNTTABOP_set_version, &op, 1), OK);
    op.set_version.version = 2;
    assert_int_equal(world_op(one, GNTTABOP_set_version, &op, 1), ERR_NOSYS);
    assert_int_equal(op.set_version.version, 1);
    op.set_version.version = 3;
    assert_int_equal(world_op(one, GNTTABOP_set_version, &op, 0), ERR_INVAL);
    op.get_version = (struct gnttab_get_version){.dom = DOMID_SELF};
    assert_int_equal(world_op(one, GNTTABOP_get_version, &op, 1), OK);
    assert_int_equal(op.get_version.version, 1);
    op.get_version.dom = two;
    assert_int_equal(world_op(one, GNTTABOP_get_version, &op, 1), ERR_PERM);
    op.get_version.dom = 77;
    assert_int_equal(world_op(one, GNTTABOP_get_version, &op, 1), ERR_SRCH);
    op.query = (struct gnttab_query_size){.dom = two};
    assert_int_equal(world_op(one, GNTTABOP_query_size, &op, 1), OK);
    assert_int_equal(op.query.status, GNTST_permission_denied);
    assert_int_equal(hypercall(boot, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, POINTER(&op), 1), OK);
    assert_int_equal(op.query.status, GNTST_okay); /* its builder */
    assert_int_equal(op.query.max_nr_frames, 2);
    op.query.dom = 77;
    assert_int_equal(world_op(one, GNTTABOP_query_size, &op, 1), OK);
    assert_int_equal(op.query.status, GNTST_bad_domain);
    op.query.dom = DOMID_SELF;
    assert_int_equal(world_op(none, GNTTABOP_query_size, &op, 1), OK);
    assert_int_equal(op.query.max_nr_frames, 0);
    op.setup = (struct gnttab_setup_table){.dom = DOMID_SELF, .nr_frames = 5};
    assert_int_equal(world_op(one, GNTTABOP_setup_table, &op, 1), OK);
    assert_int_equal(op.setup.status, GNTST_general_error);
    op.setup.dom = two;
    assert_int_equal(world_op(one, GNTTABOP_setup_table, &op, 1), OK);
    assert_int_equal(op.setup.status, GNTST_permission_denied);
    op.status_frames = (struct gnttab_get_status_frames){.dom = DOMID_SELF, .nr_frames = 1};
    assert_int_equal(world_op(one, GNTTABOP_get_status_frames, &op, 1), OK);
    assert_int_equal(op.status_frames.status, GNTST_general_error);
    op.transfer = (struct gnttab_transfer){.mfn = RAM_GFN, .domid = two};
    assert_int_equal(world_op(one, GNTTABOP_transfer, &op, 1), ERR_OPNOTSUPP);
    check();
}

/* [utest->dsn~grant-op~1] */
static void swap_exchanges_entries_that_are_not_in_use(void **state)
{
    struct gnttab_swap_grant_ref s[] = {{.ref_a = 1, .ref_b = 2},   {.ref_a = 3, .ref_b = 3},
                                        {.ref_a = 512, .ref_b = 1}, {.ref_a = 1, .ref_b = 512},
                                        {.ref_a = 4, .ref_b = 1},   {.ref_a = 1, .ref_b = 4}};
    uint32_t handle;

    (void)state;
    world_grant(one, 1, GTF_permit_access, two, 11);
    world_grant(one, 2, GTF_permit_access | GTF_readonly, three, 22);
    world_grant(one, 4, GTF_permit_access, two, RAM_GFN);
    assert_int_equal(world_map(two, one, 4, HOST, MAP_GFN, &handle), GNTST_okay);
    assert_int_equal(world_op(one, GNTTABOP_swap_grant_ref, s, 6), OK);
    assert_int_equal(s[0].status, GNTST_okay);
    assert_int_equal(s[1].status, GNTST_okay);
    assert_int_equal(s[2].status, GNTST_bad_gntref);
    assert_int_equal(s[3].status, GNTST_bad_gntref);
    assert_int_equal(s[4].status, GNTST_eagain);
    assert_int_equal(s[5].status, GNTST_eagain);
    assert_int_equal(world_entry(one, 1)->frame, 22);
    assert_int_equal(world_entry(one, 1)->domid, three);
    assert_int_equal(world_entry(one, 2)->frame, 11);
    assert_int_equal(world_op(none, GNTTABOP_swap_grant_ref, s, 1), OK);
    assert_int_equal(s[0].status, GNTST_bad_gntref);
    check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_table_grows_where_it_is_mapped, start),
        cmocka_unit_test_setup(setup_lists_where_the_frames_are, start),
        cmocka_unit_test_setup(calls_fail_as_a_whole, start),
        cmocka_unit_test_setup(versions_and_sizes_answer, start),
        cmocka_unit_test_setup(swap_exchanges_entries_that_are_not_in_use, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
