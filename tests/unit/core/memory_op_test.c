/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"

#include <string.h>

#define RAM_GFN 0x40000u
#define WINDOW  (BOOT_DOMAIN_WINDOW >> PAGE_SHIFT)
#define NOWHERE 0x1000u

static struct vcpu *boot;
static uint16_t one;   /* being built */
static struct vcpu *v; /* running, without rights, 4 MiB of at most 8 MiB */

static int start(void **state)
{
    struct xen_domctl op = {.u.max_mem.max_memkb = 8192};
    uint16_t two;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = build_domain(boot, "one", 1, 4);
    two = build_domain(boot, "two", 1, 4);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_max_mem, two, &op), OK);
    op.u.max_mem.max_memkb = 16384;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_max_mem, one, &op), OK);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    v = vcpu_of(two, 0);
    return 0;
}

static int64_t reserve(struct vcpu *by, uint32_t op, uint16_t domid, xen_pfn_t *extents, uint64_t n, uint32_t order)
{
    struct xen_memory_reservation r = {.nr_extents = n, .extent_order = order, .domid = domid};

    r.extent_start.p = extents;
    return do_memory(by, op, &r);
}

static enum mapping at(struct domain *d, uint64_t gfn)
{
    struct stage2_entry e;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, GFN(gfn));
    spin_unlock(&d->physmap_lock);
    return e.mapping;
}

/* [utest->dsn~memory-op~1] */
static void populate_counts_the_extents_it_did(void **state)
{
    xen_pfn_t list[4] = {0x50000, 0x50001, RAM_GFN /* taken */, 0x50003};
    xen_pfn_t big[3] = {0x60000, 0x60200, 0x60400};

    (void)state;
    assert_int_equal(reserve(v, XENMEM_populate_physmap, DOMID_SELF, list, 4, 0), 2);
    assert_int_equal(at(v->domain, 0x50001), MAPPING_RAM);
    assert_int_equal(at(v->domain, 0x50003), MAPPING_NONE);
    assert_int_equal(reserve(boot, XENMEM_populate_physmap, one, big, 3, 9), 3);
    assert_int_equal(domain_of(one)->frames, 1024 + 3u * 512u);
    assert_int_equal(reserve(boot, XENMEM_populate_physmap, one, big, 3, 9), 0);
    assert_int_equal(reserve(boot, XENMEM_populate_physmap, one, big, 3, 10), 0); /* no such large extents */
    assert_int_equal(reserve(boot, XENMEM_populate_physmap, one, NULL, 3, 0), 0); /* a list that is nowhere */
    assert_int_equal(reserve(boot, XENMEM_populate_physmap, one, NULL, 0, 0), 0);
}

/* [utest->dsn~interrupt-latency~1] */
static void steps_follow_each_other_until_an_interrupt_waits(void **state)
{
    static struct multicall_entry list[80];
    uint64_t args[5] = {POINTER(list), ARRAY_SIZE(list)};

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(list); i++) {
        list[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize}};
    }
    host_become(v->home);
    this_cpu()->current = v;
    this_cpu()->work = 0;
    host_irq_every = 1;
    assert_int_equal(upcall_again(v, __HYPERVISOR_multicall, args), ERR_RESTART);
    assert_int_equal(args[1], 80);
    host_irq_every = 0;
    this_cpu()->work = CPU_WORK_RESCHED;
    assert_int_equal(upcall_again(v, __HYPERVISOR_multicall, args), ERR_RESTART);
    assert_int_equal(args[1], 80);
    this_cpu()->work = 0;
    assert_int_equal(upcall_again(v, __HYPERVISOR_multicall, args), ERR_RESTART); /* others have their turn */
    assert_int_equal(args[1], 80 - 64);
    assert_int_equal(upcall_again(v, __HYPERVISOR_multicall, args), OK);
    assert_int_equal(list[79].result, 4096);
}

/* [utest->dsn~memory-op~1] */
static void long_lists_are_done_in_steps(void **state)
{
    static xen_pfn_t list[1500];

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(list); i++) {
        list[i] = 0x50000u + 2u * i;
    }
    assert_int_equal(reserve(boot, XENMEM_populate_physmap, one, list, ARRAY_SIZE(list), 0), 1500);
    assert_int_equal(restarts(), 2);
    assert_int_equal(reserve(v, XENMEM_populate_physmap, DOMID_SELF, list, ARRAY_SIZE(list), 0), 1024); /* its limit */
    assert_int_equal(reserve(v, XENMEM_decrease_reservation, DOMID_SELF, list, ARRAY_SIZE(list), 0), 1024);
    assert_int_equal(v->domain->frames, 1024);
}

/* [utest->dsn~memory-op~1] */
static void decrease_takes_own_ram_only(void **state)
{
    xen_pfn_t list[2] = {RAM_GFN + 512u, 0x50000};
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = 0x50000};
    uint64_t free_before = frame_free_count();

    (void)state;
    assert_int_equal(reserve(v, XENMEM_decrease_reservation, DOMID_SELF, list, 1, 9), 1);
    assert_int_equal(frame_free_count(), free_before + 512u);
    assert_int_equal(do_memory(v, XENMEM_add_to_physmap, &a), OK);
    assert_int_equal(reserve(v, XENMEM_decrease_reservation, DOMID_SELF, &list[1], 1, 0), 0);
    assert_int_equal(at(v->domain, 0x50000), MAPPING_SHARED);
    assert_int_equal(reserve(v, XENMEM_increase_reservation, DOMID_SELF, list, 1, 0), 0);
}

/* [utest->dsn~memory-op~1] */
static void sizes_are_ones_own_or_need_the_right(void **state)
{
    domid_t self = DOMID_SELF;
    domid_t other = one;
    domid_t nobody = 50;

    (void)state;
    assert_int_equal(do_memory(v, XENMEM_current_reservation, &self), 1024);
    assert_int_equal(do_memory(v, XENMEM_maximum_reservation, &self), 2048);
    assert_int_equal(do_memory(v, XENMEM_maximum_gpfn, &self), RAM_GFN + 1023u);
    assert_int_equal(do_memory(v, XENMEM_current_reservation, &other), ERR_PERM);
    assert_int_equal(do_memory(v, XENMEM_current_reservation, &nobody), ERR_SRCH);
    assert_int_equal(do_memory(boot, XENMEM_maximum_reservation, &other), 4096);
    assert_int_equal(do_memory(v, XENMEM_current_reservation, NULL), ERR_FAULT);
}

/* [utest->dsn~memory-op~1] */
static void shared_info_may_replace_ram(void **state)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = RAM_GFN + 7u};
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = RAM_GFN + 7u};

    (void)state;
    assert_int_equal(do_memory(v, XENMEM_add_to_physmap, &a), OK); /* what Linux does */
    assert_int_equal(at(v->domain, RAM_GFN + 7u), MAPPING_SHARED);
    assert_int_equal(at(v->domain, RAM_GFN + 8u), MAPPING_RAM);
    assert_int_equal(v->domain->frames, 1023);
    assert_int_equal(frame_look(v->domain->shared_info).count, 2);
    a.gpfn = 0x50000; /* a second place */
    assert_int_equal(do_memory(v, XENMEM_add_to_physmap, &a), OK);
    assert_int_equal(frame_look(v->domain->shared_info).count, 3);
    assert_int_equal(do_memory(v, XENMEM_remove_from_physmap, &r), OK);
    assert_int_equal(do_memory(v, XENMEM_remove_from_physmap, &r), ERR_NOENT);
    assert_int_equal(frame_look(v->domain->shared_info).count, 2);
}

/* [utest->dsn~memory-op~1] */
static void bad_requests_have_their_error(void **state)
{
    static struct xen_add_to_physmap index1 = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .idx = 1, .gpfn = 9};
    static struct xen_add_to_physmap far = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = UINT64_MAX};
    static struct xen_add_to_physmap grant = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = 9};
    static struct xen_add_to_physmap mmio = {.domid = DOMID_SELF, .space = XENMAPSPACE_dev_mmio, .gpfn = 9};
    static struct xen_add_to_physmap remap = {.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .gpfn = 9};
    static struct xen_add_to_physmap other = {.domid = 1, .space = XENMAPSPACE_shared_info, .gpfn = 9};
    static struct xen_add_to_physmap nobody = {.domid = 50, .space = XENMAPSPACE_shared_info, .gpfn = 9};
    static struct xen_remove_from_physmap hole = {.domid = DOMID_SELF, .gpfn = 9};
    static struct xen_remove_from_physmap beyond = {.domid = DOMID_SELF, .gpfn = UINT64_MAX};
    static struct xen_remove_from_physmap others = {.domid = 1, .gpfn = RAM_GFN};
    static struct xen_memory_reservation of_other = {.domid = 1, .nr_extents = 1};
    static struct xen_memory_reservation too_many = {.domid = DOMID_SELF, .nr_extents = UINT64_MAX};
    static struct xen_add_to_physmap_batch not_me = {.domid = 1, .space = XENMAPSPACE_gmfn_foreign};
    static struct xen_add_to_physmap_batch no_right = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1, .u.foreign_domid = 1};
    static struct xen_add_to_physmap_batch myself = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1, .u.foreign_domid = DOMID_SELF};
    const struct {
        const char *what;
        uint32_t op;
        void *arg;
        int64_t result;
    } cases[] = {
        {"from nowhere", XENMEM_populate_physmap, NULL, ERR_FAULT},
        {"from nowhere", XENMEM_decrease_reservation, NULL, ERR_FAULT},
        {"from nowhere", XENMEM_add_to_physmap, NULL, ERR_FAULT},
        {"from nowhere", XENMEM_add_to_physmap_batch, NULL, ERR_FAULT},
        {"from nowhere", XENMEM_remove_from_physmap, NULL, ERR_FAULT},
        {"another's memory", XENMEM_populate_physmap, &of_other, ERR_PERM},
        {"another's memory", XENMEM_decrease_reservation, &of_other, ERR_PERM},
        {"too many", XENMEM_populate_physmap, &too_many, ERR_INVAL},
        {"second shared_info", XENMEM_add_to_physmap, &index1, ERR_INVAL},
        {"beyond the address space", XENMEM_add_to_physmap, &far, ERR_INVAL},
        {"grant table of a domain without grants", XENMEM_add_to_physmap, &grant, ERR_INVAL},
        {"device", XENMEM_add_to_physmap, &mmio, ERR_NOSYS},
        {"remap", XENMEM_add_to_physmap, &remap, ERR_NOSYS},
        {"into another", XENMEM_add_to_physmap, &other, ERR_PERM},
        {"into nobody", XENMEM_add_to_physmap, &nobody, ERR_SRCH},
        {"a hole", XENMEM_remove_from_physmap, &hole, ERR_NOENT},
        {"beyond", XENMEM_remove_from_physmap, &beyond, ERR_INVAL},
        {"another's", XENMEM_remove_from_physmap, &others, ERR_PERM},
        {"batch into another", XENMEM_add_to_physmap_batch, &not_me, ERR_PERM},
        {"batch without right", XENMEM_add_to_physmap_batch, &no_right, ERR_PERM},
        {"batch of oneself", XENMEM_add_to_physmap_batch, &myself, ERR_INVAL},
        {"machine map", XENMEM_machine_memory_map, NULL, ERR_NOSYS},
        {"machine frames", XENMEM_machphys_mfn_list, NULL, ERR_NOSYS},
        {"exchange", XENMEM_exchange, NULL, ERR_NOSYS},
        {"claim", XENMEM_claim_pages, NULL, ERR_NOSYS},
        {"resource from nowhere", XENMEM_acquire_resource, NULL, ERR_FAULT},
        {"unknown", 63, NULL, ERR_NOSYS},
    };
    uint64_t free_before = frame_free_count();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t result = do_memory(v, cases[i].op, cases[i].arg);
        if (result != cases[i].result) {
            fail_msg("%u, %s: %ld, not %ld", cases[i].op, cases[i].what, (long)result, (long)cases[i].result);
        }
    }
    assert_int_equal(frame_free_count(), free_before);
    assert_int_equal(frame_look(v->domain->shared_info).count, 1);
}

struct batch {
    xen_ulong_t idx[40];
    xen_pfn_t gfn[40];
    int err[40];
    struct xen_add_to_physmap_batch b;
};

static void make_batch(struct batch *b, uint32_t n)
{
    memset(b, 0, sizeof(*b));
    b->b = (struct xen_add_to_physmap_batch){
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = (uint16_t)n, .u.foreign_domid = one};
    b->b.idxs.p = b->idx;
    b->b.gpfns.p = b->gfn;
    b->b.errs.p = b->err;
    for (uint32_t i = 0; i < n; i++) {
        b->idx[i] = RAM_GFN + 10u * i;
        b->gfn[i] = WINDOW + i;
        b->err[i] = 1;
    }
}

/* [utest->dsn~foreign-map~1] */
static void a_builder_maps_its_targets_ram(void **state)
{
    struct batch b;
    struct stage2_entry e;

    (void)state;
    make_batch(&b, 40);
    b.idx[3] = 0x99999;    /* a hole */
    b.gfn[5] = UINT64_MAX; /* no such place */
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b.b), OK);
    assert_int_equal(restarts(), 2);
    for (uint32_t i = 0; i < 40u; i++) {
        assert_int_equal(b.err[i], (i == 3u || i == 5u) ? ERR_INVAL : OK);
    }
    spin_lock(&boot->domain->physmap_lock);
    e = physmap_look(boot->domain, GFN(WINDOW + 7u));
    spin_unlock(&boot->domain->physmap_lock);
    assert_int_equal(e.mapping, MAPPING_FOREIGN);
    assert_int_equal(e.access, ACCESS_RW); /* to write, not to execute */
    assert_int_equal(frame_look(e.mfn).owner, FRAME_OWNER(one));
    assert_int_equal(frame_look(e.mfn).count, 2);
    assert_int_equal(at(boot->domain, WINDOW + 3u), MAPPING_NONE);
}

/* [utest->dsn~foreign-map~1] */
static void a_list_that_cannot_be_read_or_answered_is_a_fault(void **state)
{
    struct batch b;

    (void)state;
    make_batch(&b, 2);
    b.b.idxs.q = NOWHERE;
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b.b), ERR_FAULT);
    make_batch(&b, 2);
    b.b.gpfns.q = NOWHERE;
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b.b), ERR_FAULT);
    make_batch(&b, 2);
    b.b.errs.q = NOWHERE;
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b.b), ERR_FAULT);
    make_batch(&b, 2);
    b.b.u.foreign_domid = 50;
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b.b), ERR_SRCH);
    make_batch(&b, 0);
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b.b), OK);
}

/* [utest->dsn~memory-op~1] */
static void a_batch_maps_ones_own_things(void **state)
{
    struct batch b;

    (void)state;
    make_batch(&b, 2);
    b.b.space = XENMAPSPACE_shared_info;
    b.idx[0] = 0;
    b.idx[1] = 1; /* there is one only */
    assert_int_equal(do_memory(v, XENMEM_add_to_physmap_batch, &b.b), OK);
    assert_int_equal(b.err[0], OK);
    assert_int_equal(b.err[1], ERR_INVAL);
    assert_int_equal(at(v->domain, WINDOW), MAPPING_SHARED);
    b.b.space = XENMAPSPACE_gmfn;
    assert_int_equal(do_memory(v, XENMEM_add_to_physmap_batch, &b.b), OK);
    assert_int_equal(b.err[0], ERR_NOSYS);
    b.b.domid = one;
    assert_int_equal(do_memory(v, XENMEM_add_to_physmap_batch, &b.b), ERR_PERM);
    b.b.space = XENMAPSPACE_shared_info; /* its builder may */
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b.b), OK);
    assert_int_equal(b.err[0], OK);
    b.b.space = XENMAPSPACE_gmfn_foreign; /* others' frames into one's own address space only */
    assert_int_equal(do_memory(boot, XENMEM_add_to_physmap_batch, &b.b), ERR_PERM);
}

/* A guest can write any number into the register that counts finished extents. */
static void the_progress_counter_is_checked(void **state)
{
    struct xen_memory_reservation r = {.nr_extents = 2, .domid = DOMID_SELF};
    struct batch b;

    (void)state;
    assert_int_equal(hypercall(v, __HYPERVISOR_memory_op, XENMEM_populate_physmap | (3u << 6), POINTER(&r), 0),
                     ERR_INVAL);
    make_batch(&b, 2);
    assert_int_equal(hypercall(boot, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch | (3u << 6), POINTER(&b.b), 0),
                     ERR_INVAL);
    assert_int_equal(hypercall(v, __HYPERVISOR_memory_op, UINT64_MAX & ~UINT64_C(63), POINTER(&r), 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(populate_counts_the_extents_it_did, start),
        cmocka_unit_test_setup(long_lists_are_done_in_steps, start),
        cmocka_unit_test_setup(steps_follow_each_other_until_an_interrupt_waits, start),
        cmocka_unit_test_setup(decrease_takes_own_ram_only, start),
        cmocka_unit_test_setup(sizes_are_ones_own_or_need_the_right, start),
        cmocka_unit_test_setup(shared_info_may_replace_ram, start),
        cmocka_unit_test_setup(bad_requests_have_their_error, start),
        cmocka_unit_test_setup(a_builder_maps_its_targets_ram, start),
        cmocka_unit_test_setup(a_list_that_cannot_be_read_or_answered_is_a_fault, start),
        cmocka_unit_test_setup(a_batch_maps_ones_own_things, start),
        cmocka_unit_test_setup(the_progress_counter_is_checked, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
