/* SPDX-License-Identifier: Apache-2.0 */
/* Grant tables: whatever three domains do, and whenever one dies, every frame's count and owner, every pin, mark and
 * record is right afterwards, and all memory comes back. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grant_world.h"
#include "arch/contract/arch.h"

#include <string.h>

#define DOMAINS 3u
#define REFS    24u
#define PLACES  40u
#define HANDLES 128u
#define CALLS   6000u
#define A_CHECK 60u /* calls */

static struct vcpu *boot;
static struct random rnd;

static struct {
    uint16_t id;
    uint32_t handles[HANDLES]; /* what maps answered, freed ones among them */
    uint64_t at[HANDLES];
    uint32_t n;
} them[DOMAINS];

static uint32_t below(uint32_t n)
{
    return (uint32_t)random_below(&rnd, n);
}

static void be_born(uint32_t i)
{
    static const char *const names[DOMAINS] = {"one", "two", "three"};

    them[i].id = world_domain(boot, names[i], 1u + below(4), below(3));
    them[i].n = 0;
}

static uint64_t place(void)
{
    return (below(8) == 0u) ? RAM_GFN + below(64) : MAP_GFN + below(PLACES);
}

static bool is_used(uint16_t domid, uint32_t ref)
{
    return (world_flags(domid, ref) & (GTF_reading | GTF_writing)) != 0u;
}

static void write_entry(uint32_t i)
{
    static const uint16_t flags[] = {
        GTF_permit_access,  GTF_permit_access, GTF_permit_access, GTF_permit_access | GTF_readonly, 0,
        GTF_accept_transfer};
    uint32_t ref = below(REFS);

    if (!is_used(them[i].id, ref)) { /* as a guest that plays by the rules */
        world_grant(them[i].id, ref, flags[below(ARRAY_SIZE(flags))], them[below(DOMAINS)].id,
                    (below(10) == 0u) ? MAP_GFN : RAM_GFN + below(64));
    }
}

static void map(uint32_t i)
{
    static struct gnttab_map_grant_ref ops[20];
    uint32_t n = 1u + below(3) * below(9);

    for (uint32_t k = 0; k < n; k++) {
        ops[k] = (struct gnttab_map_grant_ref){.host_addr = ADDRESS(place()),
                                               .flags = GNTMAP_host_map | (below(2) == 0u ? GNTMAP_readonly : 0u),
                                               .ref = below(REFS),
                                               .dom = them[below(DOMAINS)].id};
    }
    assert_int_equal(world_op(them[i].id, GNTTABOP_map_grant_ref, ops, n), OK);
    for (uint32_t k = 0; k < n; k++) {
        if (ops[k].status == GNTST_okay) {
            uint32_t slot = (them[i].n < HANDLES) ? them[i].n++ : below(HANDLES);
            them[i].handles[slot] = ops[k].handle;
            them[i].at[slot] = ops[k].host_addr;
        }
    }
}

static void unmap(uint32_t i)
{
    static struct gnttab_unmap_grant_ref ops[20];
    uint32_t n = 1u + below(20);

    for (uint32_t k = 0; k < n; k++) {
        uint32_t slot = below(HANDLES);
        bool known = slot < them[i].n;

        ops[k] = (struct gnttab_unmap_grant_ref){.host_addr = known ? them[i].at[slot] : ADDRESS(place()),
                                                 .handle = known ? them[i].handles[slot] : below(600)};
    }
    assert_int_equal(world_op(them[i].id, GNTTABOP_unmap_grant_ref, ops, n), OK);
}

static struct gnttab_copy_ptr copy_side(uint32_t i, bool by_grant)
{
    struct gnttab_copy_ptr p = {.domid = DOMID_SELF, .offset = (uint16_t)below(2100)};

    (void)i;
    if (by_grant) {
        p.domid = them[below(DOMAINS)].id;
        p.u.ref = below(REFS);
    } else {
        p.u.gmfn = place();
    }
    return p;
}

static void copy(uint32_t i)
{
    struct gnttab_copy op = {.flags = (uint16_t)below(4), .len = (uint16_t)below(2100)};

    op.source = copy_side(i, (op.flags & GNTCOPY_source_gref) != 0u);
    op.dest = copy_side(i, (op.flags & GNTCOPY_dest_gref) != 0u);
    assert_int_equal(world_op(them[i].id, GNTTABOP_copy, &op, 1), OK);
}

static void swap(uint32_t i)
{
    struct gnttab_swap_grant_ref op = {.ref_a = below(REFS), .ref_b = below(REFS)};

    assert_int_equal(world_op(them[i].id, GNTTABOP_swap_grant_ref, &op, 1), OK);
}

/* What guests do to their address space besides. */
static void change_space(uint32_t i)
{
    struct xen_add_to_physmap a = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = below(5), .gpfn = TABLE_GFN + below(8)};
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = place()};
    xen_pfn_t extent = RAM_GFN + below(64);
    struct xen_memory_reservation m = {.nr_extents = 1, .domid = DOMID_SELF};
    struct vcpu *v = vcpu_of(them[i].id, 0);

    m.extent_start.p = &extent;
    switch (below(5)) {
    case 0:
        (void)do_memory(v, XENMEM_add_to_physmap, &a);
        break;
    case 1:
        (void)do_memory(v, XENMEM_remove_from_physmap, &r);
        break;
    case 2:
        (void)do_memory(v, XENMEM_decrease_reservation, &m);
        break;
    default:
        (void)do_memory(v, XENMEM_populate_physmap, &m);
        break;
    }
}

static void die(uint32_t i)
{
    assert_int_equal(destroy(boot, them[i].id), OK);
    settle();
    assert_null(domain_get_slot(them[i].id));
}

static void check(void)
{
    uint16_t ids[DOMAINS];

    for (uint32_t i = 0; i < DOMAINS; i++) {
        ids[i] = them[i].id;
    }
    world_check(ids, DOMAINS);
}

static void step(void)
{
    static void (*const calls[])(uint32_t) = {write_entry, write_entry, write_entry, map,         map,
                                              unmap,       copy,        swap,        change_space};
    uint32_t i = below(DOMAINS);

    if (below(200) == 0u) {
        die(i);
        if (below(2) == 0u) { /* the others go on for a while with what they have of it */
            uint32_t other = (i + 1u) % DOMAINS;
            unmap(other);
            copy(other);
        }
        be_born(i);
    } else {
        calls[below(ARRAY_SIZE(calls))](i);
    }
}

/* [utest->dsn~grant-reap~1] [utest->dsn~grant-sink~1] [utest->dsn~grant-map~1] [utest->dsn~grant-unmap~1] */
static void run(uint64_t seed)
{
    uint64_t free_before;

    rnd.state = seed;
    boot = machine_start();
    claim_all(boot);
    free_before = frame_free_count();
    for (uint32_t i = 0; i < DOMAINS; i++) {
        be_born(i);
    }
    for (uint32_t n = 0; n < CALLS; n++) {
        step();
        if (n % A_CHECK == 0u) {
            check();
        }
    }
    check();
    for (uint32_t i = 0; i < DOMAINS; i++) {
        die(i);
    }
    assert_int_equal(frame_free_count(), free_before);
    host_check_stage2(NULL);
}

static void accounts_are_exact_seed_1(void **state)
{
    (void)state;
    run(1);
}

static void accounts_are_exact_seed_2(void **state)
{
    (void)state;
    run(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_exact_seed_1),
        cmocka_unit_test(accounts_are_exact_seed_2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
