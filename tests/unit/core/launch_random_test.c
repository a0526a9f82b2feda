/* SPDX-License-Identifier: Apache-2.0 */
/* Many lives: whatever one did, the next begins with the same, and nothing is lost. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "launch_world.h"

#include <string.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>

/* What belongs to a domain, to compare before and after. */
struct sum {
    uint64_t free, frames, pool_free, pool_total, overhead, ports;
};

static struct sum sum_of(uint16_t domid)
{
    const struct domain *d = domain_of(domid);

    return (struct sum){frame_free_count(), d->frames, d->pool_free, d->pool_total, d->overhead, d->evtchn.open};
}

static void work(uint16_t one, uint16_t two, struct random *r)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    struct xen_add_to_physmap table = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table};
    uint32_t handle;
    uint64_t gfn = RAM_GFN + random_below(r, RAM_PAGES);

    switch (random_below(r, 7)) {
    case 0:
        (void)hypercall(vcpu_of(one, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, POINTER(&ipi), 0);
        break;
    case 1:
        table.idx = random_below(r, 4);
        table.gpfn = (random_below(r, 2) != 0u) ? gfn : RAM_GFN + random_below(r, UINT64_C(1) << 20);
        (void)do_memory(vcpu_of(one, 0), XENMEM_add_to_physmap, &table);
        break;
    case 2:
        if (world_look(one, gfn).mapping == MAPPING_RAM) {
            (void)give_up(one, gfn);
        }
        break;
    case 3:
        (void)take_back(one, gfn);
        break;
    case 4:
        world_grant(one, 8 + (uint32_t)random_below(r, 100), GTF_permit_access, two, gfn);
        break;
    case 5:
        (void)world_map(two, one, 8 + (uint32_t)random_below(r, 100), GNTMAP_host_map, MAP_GFN + random_below(r, 64),
                        &handle);
        break;
    default:
        if (world_look(one, gfn).mapping == MAPPING_RAM) {
            memset(world_page(one, gfn), 0xff, PAGE_SIZE);
        }
        break;
    }
}

/* [utest->dsn~domain-restart~1] [utest->dsn~launch-kept~1] [utest->dsn~launch-rebuild~1] */
static void whatever_a_life_did_the_next_begins_with_the_same(void **state)
{
    struct random r = {.state = 20261123};
    uint16_t one = sealed_domain("one", UINT32_MAX);
    uint16_t two = world_domain(boot, "two", 4, 4);
    struct sum first;

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    first = sum_of(one);
    for (uint32_t life = 0; life < 300u; life++) {
        struct sum now;

        for (uint64_t i = random_below(&r, 60); i > 0u; i--) {
            work(one, two, &r);
        }
        shut_down(one, SHUTDOWN_crash);
        wait_for(one);
        now = sum_of(one);
        first.free = now.free; /* the mapper's own tables */
        assert_memory_equal(&now, &first, sizeof(now));
        if (life % 10u == 0u) {
            check_pristine(one);
        }
    }
}

/* [utest->dsn~domain-restart~1] */
static void ten_thousand_restarts_leak_nothing(void **state)
{
    uint16_t one = sealed_domain("one", UINT32_MAX);
    struct domain *d = domain_of(one);
    struct sum first;
    struct sum now;

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    first = sum_of(one);
    for (uint32_t life = 0; life < 10000u; life++) {
        shut_down(one, SHUTDOWN_crash);
        while (d->restarting != RESTART_NONE) {
            (void)cpu_runs(d->vcpus[0]->home);
        }
        if (domain_state(d) != DOMAIN_LIVE) {
            fail_msg("life %u", life);
        }
    }
    now = sum_of(one);
    assert_memory_equal(&now, &first, sizeof(now));
    assert_int_equal(d->health.restarts, 10000);
    check_pristine(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(whatever_a_life_did_the_next_begins_with_the_same, launch_start),
        cmocka_unit_test_setup(ten_thousand_restarts_leak_nothing, launch_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
