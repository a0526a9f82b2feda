/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a launch record that its domain gave up, and who gets it back. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "launch_world.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"

#include <pthread.h>
#include <sched.h>

#include <xen/memory.h>
#include <xen/sched.h>

/* [utest->dsn~launch-kept~1] [utest->dsn~launch-balloon~1] */
static void memory_that_it_gave_up_stays_its_own(void **state)
{
    uint16_t one = sealed_domain("one", 9);
    uint64_t free = frame_free_count();
    struct xen_add_to_physmap info = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = RAM_GFN + 50u};
    uint64_t mfn[3];

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    settle();
    ((uint64_t *)world_page(one, RAM_GFN + 300u))[1] = 1;
    mfn[0] = give_up(one, RAM_GFN + 300u);
    mfn[1] = give_up(one, RAM_GFN + 301u);
    mfn[2] = world_look(one, RAM_GFN + 50u).mfn.v;
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &info), OK); /* as Linux does */
    assert_int_equal(frame_free_count(), free);
    assert_int_equal(domain_of(one)->frames, RAM_PAGES);
    assert_int_equal(take_back(one, RAM_GFN + 300u), 1);
    assert_int_equal(world_look(one, RAM_GFN + 300u).mfn.v, mfn[0]);
    assert_int_equal(((uint64_t *)world_page(one, RAM_GFN + 300u))[1], 0);
    assert_int_equal(take_back(one, RAM_GFN + 300u), 0);      /* it has it */
    assert_int_equal(take_back(one, RAM_GFN + RAM_PAGES), 0); /* not of the record: beyond its limit */
    shut_down(one, SHUTDOWN_crash);
    wait_for(one);
    check_pristine(one);
    assert_int_equal(world_look(one, RAM_GFN + 301u).mfn.v, mfn[1]);
    assert_int_equal(world_look(one, RAM_GFN + 50u).mfn.v, mfn[2]);
    assert_int_equal(frame_free_count(), free);
}

/* Its record may be going at the same time, on another CPU. */
/* [utest->dsn~launch-balloon~1] */
static void a_builder_gets_nothing_of_a_record_whose_domain_ends(void **state)
{
    uint64_t before = frame_free_count();
    uint16_t one = sealed_domain("one", 9);
    xen_pfn_t extent = RAM_GFN + 300u;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = one};
    uint64_t *page = arch_map_frame(world_look(one, extent).mfn);

    (void)state;
    r.extent_start.p = &extent;
    page[1] = 7;
    (void)give_up(one, extent);
    assert_int_equal(domain_destroy(domain_of(one)), OK);
    assert_int_equal(do_memory(boot, XENMEM_populate_physmap, &r), 0);
    assert_int_equal(page[1], 7);
    settle();
    assert_int_equal(frame_free_count(), before);
}

#define AT_ONCE 7u /* order */

static struct taker {
    struct domain *d;
    uint32_t cpu;
    err_t err;
} takers[2];
static uint32_t ready; /* takers */

static void *takes_back(void *arg)
{
    struct taker *t = arg;

    host_become(t->cpu);
    (void)__atomic_add_fetch(&ready, 1, __ATOMIC_ACQ_REL);
    for (uint32_t spins = 0; __atomic_load_n(&ready, __ATOMIC_ACQUIRE) < 2u; spins++) {
        if (spins > 10000u) {
            (void)sched_yield();
        }
    }
    t->err = physmap_populate(t->d, GFN(RAM_GFN + 256u), AT_ONCE);
    return NULL;
}

/* [utest->dsn~launch-balloon~1] */
static void two_vcpus_that_take_back_the_same_memory_get_it_once(void **state)
{
    struct domain *d = domain_of(sealed_domain("one", 9));
    uint64_t frames = d->frames;
    pthread_t thread[2];

    (void)state;
    for (uint32_t round = 0; round < 2000u; round++) {
        for (uint64_t i = 0; i < 1u << AT_ONCE; i++) {
            assert_int_equal(LOCKED(&d->physmap_lock, physmap_unmap(d, GFN(RAM_GFN + 256u + i), 0)), OK);
        }
        ready = 0;
        for (uint32_t i = 0; i < 2u; i++) {
            takers[i] = (struct taker){.d = d, .cpu = i};
            assert_int_equal(pthread_create(&thread[i], NULL, takes_back, &takers[i]), 0);
        }
        assert_int_equal(pthread_join(thread[0], NULL) | pthread_join(thread[1], NULL), 0);
        assert_int_equal((takers[0].err == OK) + (takers[1].err == OK), 1);
        assert_int_equal(frame_look(world_look(d->id, RAM_GFN + 256u).mfn).count, 1);
    }
    assert_int_equal(d->frames, frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(memory_that_it_gave_up_stays_its_own, launch_start),
        cmocka_unit_test_setup(a_builder_gets_nothing_of_a_record_whose_domain_ends, launch_start),
        cmocka_unit_test_setup(two_vcpus_that_take_back_the_same_memory_get_it_once, launch_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
