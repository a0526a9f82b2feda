/* SPDX-License-Identifier: Apache-2.0 */
/* Grant tables: CPUs that map, unmap, copy, revoke and take a granter apart at the same time. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grant_world.h"
#include "arch/contract/arch.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define ROUNDS 3000u
#define REFS   8u
#define LIVES  12u

static struct vcpu *boot;
static uint16_t one; /* granter */
static uint16_t two; /* mapper, a vCPU on each CPU */

static uint32_t running; /* atomic: mappers that go on */
static uint32_t revoked; /* grants that the granter took back */

static uint16_t build(const char *name, uint32_t vcpus)
{
    uint16_t domid = build_domain(boot, name, vcpus, 2);

    assert_int_equal(grant_init(domain_of(domid), 2, 2), OK);
    return domid;
}

static void permit_all(void)
{
    for (uint32_t ref = 0; ref < REFS; ref++) {
        world_grant(one, ref, GTF_permit_access, two, RAM_GFN + ref);
    }
}

static int start(void **state)
{
    uint32_t handle;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = build("one", 1);
    two = build("two", 4);
    permit_all();
    /* Every table that the threads need is there: the TLB model knows one writer at a time. */
    assert_int_equal(world_map(two, one, 0, GNTMAP_host_map, MAP_GFN, &handle), GNTST_okay);
    assert_int_equal(world_unmap(two, handle, MAP_GFN), GNTST_okay);
    return 0;
}

static void at_once(void *(*const fns[HOST_CPUS])(void *))
{
    pthread_t threads[HOST_CPUS];

    for (uint32_t i = 0; i < HOST_CPUS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fns[i], cpu_of(i)), 0);
    }
    for (uint32_t i = 0; i < HOST_CPUS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

/* The calling thread is this CPU and runs the mapper's vCPU there. */
static struct vcpu *be(void *arg)
{
    struct cpu *cpu = arg;

    host_become(cpu->id);
    cpu->current = vcpu_of(two, cpu->id);
    return cpu->current;
}

static int64_t call(struct vcpu *v, uint32_t cmd, void *op)
{
    uint64_t args[5] = {cmd, POINTER(op), 1, 0, 0};

    return upcall_hypercall(v, __HYPERVISOR_grant_table_op, args);
}

/* Map and unmap whatever is granted, each CPU at places of its own; a mapping's handle is good until it is unmapped. */
static void map_and_unmap(struct vcpu *v, uint32_t rounds)
{
    struct random r = {.state = v->id};

    for (uint32_t i = 0; i < rounds; i++) {
        uint64_t at = ADDRESS(MAP_GFN + v->id * 8u + random_below(&r, 8));
        struct gnttab_map_grant_ref map = {
            .host_addr = at, .flags = GNTMAP_host_map, .ref = (grant_ref_t)random_below(&r, REFS), .dom = one};
        struct gnttab_unmap_grant_ref unmap = {.host_addr = at};

        map.flags |= (random_below(&r, 2) == 0u) ? GNTMAP_readonly : 0u;
        if (call(v, GNTTABOP_map_grant_ref, &map) != OK) {
            host_fail("map failed as a whole");
        }
        unmap.handle = map.handle;
        if (map.status == GNTST_okay &&
            (call(v, GNTTABOP_unmap_grant_ref, &unmap) != OK || unmap.status != GNTST_okay)) {
            host_fail("unmap of a mapping: %d", unmap.status);
        }
        vcpu_drain_inbox(this_cpu());
    }
}

static void *map_rounds(void *arg)
{
    map_and_unmap(be(arg), ROUNDS);
    (void)__atomic_sub_fetch(&running, 1u, __ATOMIC_RELEASE);
    return NULL;
}

static void *copy_rounds(void *arg)
{
    struct vcpu *v = be(arg);
    struct random r = {.state = 99};

    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct gnttab_copy op = {.flags = GNTCOPY_source_gref, .len = 64};

        op.source.domid = one;
        op.source.u.ref = (grant_ref_t)random_below(&r, REFS);
        op.dest.domid = DOMID_SELF;
        op.dest.u.gmfn = RAM_GFN + 100u;
        if (call(v, GNTTABOP_copy, &op) != OK || op.status > GNTST_okay) {
            host_fail("copy: %d", op.status);
        }
    }
    (void)__atomic_sub_fetch(&running, 1u, __ATOMIC_RELEASE);
    return NULL;
}

/* The granter's guest takes grants back when it sees nobody use them: then nobody has them mapped. */
static void *revoke_rounds(void *arg)
{
    struct random r = {.state = 7};

    host_become(((struct cpu *)arg)->id);
    while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) != 0u) {
        uint32_t ref = (uint32_t)random_below(&r, REFS);
        uint16_t seen = GTF_permit_access;

        if (__atomic_compare_exchange_n(&world_entry(one, ref)->flags, &seen, 0, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            mfn_t frame = world_look(one, RAM_GFN + ref).mfn;

            if (frame_look(frame).count != 1u) {
                host_fail("grant %u taken back with %u uses", ref, frame_look(frame).count);
            }
            revoked++;
            __atomic_store_n(&world_entry(one, ref)->flags, GTF_permit_access, __ATOMIC_RELEASE);
        }
    }
    return NULL;
}

/* [utest->dsn~grant-pin~1] [utest->dsn~grant-map~1] [utest->dsn~grant-unmap~1] */
static void a_grant_taken_back_is_in_nobodys_tables(void **state)
{
    static void *(*const fns[])(void *) = {map_rounds, map_rounds, copy_rounds, revoke_rounds};
    const uint16_t all[] = {one, two};

    (void)state;
    running = 3;
    revoked = 0;
    at_once(fns);
    host_become(0);
    assert_true(revoked > 0u);
    world_check(all, 2);
}

/* ---- a granter that dies meanwhile ---- */

static void *map_meanwhile(void *arg)
{
    struct vcpu *v = be(arg);

    while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) != 0u) {
        map_and_unmap(v, 20);
    }
    map_and_unmap(v, 20);
    return NULL;
}

static void *take_apart(void *arg)
{
    struct domain *d = domain_of(one);
    err_t err;

    host_become(((struct cpu *)arg)->id);
    for (uint32_t i = 0; i < 200u; i++) {
        (void)sched_yield();
    }
    if (domain_destroy(d) != OK) {
        host_fail("destroy");
    }
    do {
        vcpu_drain_inbox(this_cpu());
        err = domain_reap(d);
    } while (err != OK); /* ends: the mappers do not wait for anything */
    __atomic_store_n(&running, 0u, __ATOMIC_RELEASE);
    return NULL;
}

/* [utest->dsn~grant-sink~1] [utest->dsn~grant-reap~1] */
static void a_granter_is_taken_apart_while_others_map_it(void **state)
{
    static void *(*const fns[])(void *) = {map_meanwhile, map_meanwhile, map_meanwhile, take_apart};

    (void)state;
    for (uint32_t life = 0; life < LIVES; life++) {
        uint64_t free_before;

        running = 1;
        at_once(fns);
        host_become(0);
        cpu_of(0)->current = NULL;
        world_check(&two, 1);
        free_before = frame_free_count();
        one = build("one", 1);
        permit_all();
        assert_true(frame_free_count() < free_before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_grant_taken_back_is_in_nobodys_tables, start),
        cmocka_unit_test_setup(a_granter_is_taken_apart_while_others_map_it, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
