/* SPDX-License-Identifier: Apache-2.0 */
/* Grant table frames of another domain, mapped by right (XENMEM_acquire_resource): errors, growth, and every end. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "launch_world.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"
#include "core/pool.h"

#include <string.h>

#include <xen/memory.h>
#include <xen/sched.h>

#define NOWHERE UINT64_C(0x1000)
#define FRAMES  4u

static uint16_t one;   /* whose table it is */
static uint16_t two;   /* may map it */
static uint16_t three; /* without any right */

static int start(void **state)
{
    (void)launch_start(state);
    one = world_domain(boot, "one", FRAMES, 4);
    two = world_domain(boot, "two", 2, 2);
    three = world_domain(boot, "three", 2, 2);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_MAP_FOREIGN, one, two), OK);
    return 0;
}

static void check(bool with_one)
{
    const uint16_t all[] = {two, three, one};

    world_check(all, with_one ? 3u : 2u);
}

/* n frames of from's table to MAP_GFN on. */
static int64_t acquire(struct vcpu *by, uint16_t from, uint64_t frame, uint32_t n)
{
    struct xen_mem_acquire_resource r = {
        .domid = from, .type = XENMEM_resource_grant_table, .frame = frame, .nr_frames = n};
    xen_pfn_t list[16];

    for (uint32_t i = 0; i < 16u; i++) {
        list[i] = MAP_GFN + i;
    }
    r.frame_list.p = list;
    return do_memory(by, XENMEM_acquire_resource, &r);
}

static int64_t forget(uint16_t by, uint64_t gfn)
{
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = gfn};

    return do_memory(vcpu_of(by, 0), XENMEM_remove_from_physmap, &r);
}

static void end(uint16_t domid)
{
    struct domain *gone;

    assert_int_equal(destroy(boot, domid), OK);
    settle();
    gone = domain_get_slot(domid);
    assert_null(gone);
}

/* [utest->dsn~acquire-resource~1] */
static void the_size_is_the_limit(void **state)
{
    struct xen_mem_acquire_resource r = {.domid = one, .type = XENMEM_resource_grant_table};

    (void)state;
    assert_int_equal(do_memory(vcpu_of(two, 0), XENMEM_acquire_resource, &r), OK);
    assert_int_equal(r.nr_frames, FRAMES);
    assert_int_equal(domain_of(one)->grants->frames, 1); /* asking makes none */
    r.nr_frames = 0;
    r.domid = build_domain(boot, "none", 1, 2);
    assert_int_equal(do_memory(boot, XENMEM_acquire_resource, &r), ERR_INVAL);
}

/* [utest->dsn~acquire-resource~1] */
static void frames_are_mapped_and_made(void **state)
{
    uint32_t handle = 0;

    (void)state;
    assert_int_equal(acquire(vcpu_of(two, 0), one, 0, FRAMES), OK);
    assert_true(restarts() >= FRAMES - 1u); /* one frame is made at a time */
    assert_int_equal(domain_of(one)->grants->frames, FRAMES);
    for (uint32_t i = 0; i < FRAMES; i++) {
        struct stage2_entry e = world_look(two, MAP_GFN + i);

        assert_int_equal(e.mapping, MAPPING_FOREIGN);
        assert_int_equal(e.access, ACCESS_RW); /* never to execute */
        assert_int_equal(e.mfn.v, domain_of(one)->grants->shared[i].v);
        assert_int_equal(frame_look(e.mfn).count, 2);
    }
    check(true);
    ((struct grant_entry_v1 *)world_page(two, MAP_GFN))[1] =
        (struct grant_entry_v1){.flags = GTF_permit_access, .domid = three, .frame = RAM_GFN + 5u};
    assert_int_equal(world_map(three, one, 1, GNTMAP_host_map, MAP_GFN, &handle), GNTST_okay);
    assert_int_equal(world_look(three, MAP_GFN).mfn.v, world_look(one, RAM_GFN + 5u).mfn.v);
    check(true);
    assert_int_equal(acquire(vcpu_of(two, 0), one, 2, 2), OK); /* others at the same places */
    assert_int_equal(world_look(two, MAP_GFN).mfn.v, domain_of(one)->grants->shared[2].v);
    assert_int_equal(world_look(two, MAP_GFN + 1u).mfn.v, domain_of(one)->grants->shared[3].v);
    check(true);
    for (uint32_t i = 0; i < FRAMES; i++) {
        assert_int_equal(forget(two, MAP_GFN + i), OK);
    }
    check(true);
}

/* [utest->dsn~acquire-resource~1] */
static void what_cannot_be_had_is_refused(void **state)
{
    static xen_pfn_t list[2] = {MAP_GFN, MAP_GFN + 1u};
    static xen_pfn_t far[2] = {MAP_GFN, UINT64_MAX};
    const struct {
        const char *what;
        uint16_t by, domid, type;
        uint32_t id, n, pad;
        uint64_t frame;
        xen_pfn_t *list;
        int64_t result;
    } cases[] = {
        {"itself", two, DOMID_SELF, 1, 0, 2, 0, 0, list, ERR_PERM},
        {"itself by number", two, two, 1, 0, 2, 0, 0, list, ERR_PERM},
        {"without a right", three, one, 1, 0, 2, 0, 0, list, ERR_PERM},
        {"the size without a right", three, one, 1, 0, 0, 0, 0, NULL, ERR_PERM},
        {"of nobody", two, 50, 1, 0, 2, 0, 0, list, ERR_SRCH},
        {"padding", two, one, 1, 0, 2, 1, 0, list, ERR_INVAL},
        {"status frames", two, one, 1, 1, 2, 0, 0, list, ERR_INVAL},
        {"size of status frames", two, one, 1, 1, 0, 0, 0, NULL, ERR_INVAL},
        {"an ioreq server", two, one, 0, 0, 2, 0, 0, list, ERR_OPNOTSUPP},
        {"its size", two, one, 0, 0, 0, 0, 0, NULL, ERR_OPNOTSUPP},
        {"another kind", two, one, 77, 0, 2, 0, 0, list, ERR_OPNOTSUPP},
        {"no frames", two, one, 1, 0, 0, 0, 0, list, ERR_INVAL},
        {"no list", two, one, 1, 0, 2, 0, 0, NULL, ERR_FAULT},
        {"a list nowhere", two, one, 1, 0, 2, 0, 0, (void *)NOWHERE, ERR_FAULT},
        {"beyond the limit", two, one, 1, 0, 1, 0, FRAMES, list, ERR_INVAL},
        {"across the limit", two, one, 1, 0, 2, 0, FRAMES - 1u, list, ERR_INVAL},
        {"a wrapping frame", two, one, 1, 0, 2, 0, UINT64_MAX, list, ERR_INVAL},
        {"beyond the address space", two, one, 1, 0, 2, 0, 0, far, ERR_INVAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct xen_mem_acquire_resource r = {.domid = cases[i].domid,
                                             .type = cases[i].type,
                                             .id = cases[i].id,
                                             .nr_frames = cases[i].n,
                                             .pad = cases[i].pad,
                                             .frame = cases[i].frame};
        int64_t result;

        r.frame_list.p = cases[i].list;
        result = do_memory(vcpu_of(cases[i].by, 0), XENMEM_acquire_resource, &r);
        if (result != cases[i].result) {
            fail_msg("%s: %ld, not %ld", cases[i].what, (long)result, (long)cases[i].result);
        }
        check(true);
    }
    assert_int_equal(hypercall(vcpu_of(two, 0), __HYPERVISOR_memory_op, XENMEM_acquire_resource, NOWHERE, 0),
                     ERR_FAULT);
}

/* [utest->dsn~acquire-resource~1] */
static void a_pool_that_is_spent_makes_no_frame(void **state)
{
    struct domain *d = domain_of(one);
    mfn_t taken[256];
    uint32_t n = 0;

    (void)state;
    spin_lock(&d->physmap_lock);
    while (d->pool_free > 1u) {
        assert_int_equal(pool_alloc(d, &taken[n++]), OK);
    }
    spin_unlock(&d->physmap_lock);
    assert_int_equal(acquire(vcpu_of(two, 0), one, 0, 4), ERR_NOMEM); /* one was there, one is made */
    assert_int_equal(d->grants->frames, 2);
    assert_int_equal(world_look(two, MAP_GFN + 1u).mfn.v, d->grants->shared[1].v);
    assert_int_equal(world_look(two, MAP_GFN + 2u).mapping, MAPPING_NONE);
    spin_lock(&d->physmap_lock);
    while (n > 0u) {
        pool_free(d, taken[--n]);
    }
    spin_unlock(&d->physmap_lock);
    check(true);
}

/* ---- ends ---- */

/* [utest->dsn~acquire-resource~1] */
static void a_mapper_sees_a_page_of_its_own_when_the_domain_ends(void **state)
{
    uint64_t before = frame_free_count();
    uint64_t all = domain_of(one)->frames + domain_of(one)->pool_total + domain_of(one)->overhead;
    uint16_t again;

    (void)state;
    assert_int_equal(acquire(vcpu_of(two, 0), one, 0, 3), OK);
    ((uint64_t *)world_page(two, MAP_GFN))[7] = 7;
    end(one);
    assert_int_equal(frame_free_count(), before + all); /* at once, though all is still mapped */
    for (uint32_t i = 0; i < 3u; i++) {
        assert_int_equal(world_look(two, MAP_GFN + i).mfn.v, domain_of(two)->grants->sink.v);
    }
    assert_int_equal(((uint64_t *)world_page(two, MAP_GFN))[7], 0);
    check(false);
    again = world_domain(boot, "again", FRAMES, 4);
    assert_int_equal(again, one); /* the same number */
    world_grant(again, 0, GTF_permit_access, three, RAM_GFN);
    assert_int_equal(*(uint64_t *)world_page(two, MAP_GFN), 0);
    assert_int_equal(acquire(vcpu_of(two, 0), one, 0, 1), ERR_PERM); /* the right was over the one before */
    check(true);
}

/* [utest->dsn~acquire-resource~1] */
static void a_mapper_that_ends_gives_the_frames_up(void **state)
{
    (void)state;
    assert_int_equal(acquire(vcpu_of(two, 0), one, 0, 3), OK);
    end(two);
    for (uint32_t i = 0; i < 3u; i++) {
        assert_int_equal(frame_look(domain_of(one)->grants->shared[i]).count, 1);
    }
}

/* [utest->dsn~acquire-resource~1] */
static void a_mapper_without_a_sink_has_a_hole(void **state)
{
    uint16_t plain = build_domain(boot, "plain", 1, 2);
    uint16_t other = world_domain(boot, "other", 4, 4);

    (void)state;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_MAP_FOREIGN, other, plain), OK);
    assert_int_equal(acquire(vcpu_of(plain, 0), other, 0, 2), OK);
    end(other);
    assert_int_equal(world_look(plain, MAP_GFN).mapping, MAPPING_NONE);
    assert_int_equal(world_look(plain, MAP_GFN + 1u).mapping, MAPPING_NONE);
}

/* Its right is somebody else's by now: nobody can say who maps the frames. */
/* [utest->dsn~acquire-resource~1] */
static void a_domain_waits_for_a_mapper_that_handed_its_right_on(void **state)
{
    struct domain *d = domain_of(one);
    uint64_t before = frame_free_count();
    uint64_t all = d->frames + d->pool_total + d->overhead;

    (void)state;
    assert_int_equal(acquire(vcpu_of(two, 0), one, 0, 2), OK);
    assert_int_equal(move_right(vcpu_of(two, 0), BULKHEAD_RIGHT_MAP_FOREIGN, one, three), OK);
    assert_int_equal(destroy(boot, one), OK);
    settle();
    assert_int_equal(domain_state(d), DOMAIN_DYING);
    assert_true(frame_free_count() < before + all);
    assert_int_equal(forget(two, MAP_GFN + 1u), OK);
    settle();
    assert_true(frame_free_count() < before + all);
    assert_int_equal(forget(two, MAP_GFN), OK);
    settle();
    assert_int_equal(frame_free_count(), before + all);
    check(false);
}

/* [utest->dsn~acquire-resource~1] [utest->dsn~domain-restart~1] */
static void the_table_of_the_next_life_is_out_of_reach(void **state)
{
    uint16_t again = sealed_domain("again", 9);
    uint64_t before;

    (void)state;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_MAP_FOREIGN, again, two), OK);
    assert_int_equal(unpause(boot, again), OK);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    before = frame_free_count();
    assert_int_equal(acquire(vcpu_of(two, 0), again, 0, 3), OK);
    shut_down(again, SHUTDOWN_crash);
    wait_for(again);
    assert_int_equal(domain_state(domain_of(again)), DOMAIN_LIVE);
    assert_int_equal(frame_free_count(), before);
    assert_int_equal(domain_of(again)->grants->frames, 1);
    world_grant(again, 0, GTF_permit_access, three, RAM_GFN);
    for (uint32_t i = 0; i < 3u; i++) {
        assert_int_equal(world_look(two, MAP_GFN + i).mfn.v, domain_of(two)->grants->sink.v);
        assert_int_equal(*(uint64_t *)world_page(two, MAP_GFN + i), 0);
    }
    assert_int_equal(frame_look(domain_of(again)->grants->shared[0]).count, 1);
    assert_int_equal(acquire(vcpu_of(two, 0), again, 0, 1), OK); /* asked for anew it is the new one */
    assert_int_equal(world_look(two, MAP_GFN).mfn.v, domain_of(again)->grants->shared[0].v);
}

/* [utest->dsn~acquire-resource~1] */
static void a_domain_that_ends_has_no_table_for_anybody(void **state)
{
    struct domain *d = domain_of(one);
    mfn_t mfn;

    (void)state;
    d->state = DOMAIN_DYING; /* found before */
    assert_int_equal(grant_hold_frame(d, 0, &mfn), ERR_INVAL);
    assert_int_equal(frame_look(d->grants->shared[0]).count, 1);
    domain_slot_dying(d, true); /* found now */
    assert_int_equal(acquire(vcpu_of(two, 0), one, 0, 1), ERR_SRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_size_is_the_limit, start),
        cmocka_unit_test_setup(frames_are_mapped_and_made, start),
        cmocka_unit_test_setup(what_cannot_be_had_is_refused, start),
        cmocka_unit_test_setup(a_pool_that_is_spent_makes_no_frame, start),
        cmocka_unit_test_setup(a_mapper_sees_a_page_of_its_own_when_the_domain_ends, start),
        cmocka_unit_test_setup(a_mapper_that_ends_gives_the_frames_up, start),
        cmocka_unit_test_setup(a_mapper_without_a_sink_has_a_hole, start),
        cmocka_unit_test_setup(a_domain_waits_for_a_mapper_that_handed_its_right_on, start),
        cmocka_unit_test_setup(the_table_of_the_next_life_is_out_of_reach, start),
        cmocka_unit_test_setup(a_domain_that_ends_has_no_table_for_anybody, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
