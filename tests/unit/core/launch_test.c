/* SPDX-License-Identifier: Apache-2.0 */
/* Restart of one domain: sealing, rebuilding, what others see, what stays. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "launch_world.h"
#include "arch/contract/arch.h"
#include "core/device.h"
#include "core/physmap.h"
#include "core/upcall.h"

#include <string.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>

#define DEVICE (UINT64_C(0x09010000) >> PAGE_SHIFT)

/* [utest->dsn~launch-record~1] [utest->dsn~launch-rebuild~1] [utest->dsn~domain-restart~1] */
static void a_crashed_domain_comes_back_as_it_was_launched(void **state)
{
    uint16_t one = sealed_domain("one", 3);
    struct domain *d = domain_of(one);
    uint64_t frames = frame_free_count();
    uint64_t pool = d->pool_free;

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    settle();
    dirty(one);
    vcpu_of(one, 0)->arch.x[3] = 77;
    vcpu_of(one, 0)->arch.pc = 0x1234;
    shut_down(one, SHUTDOWN_crash);
    wait_for(one);
    assert_int_equal(domain_state(d), DOMAIN_LIVE);
    check_pristine(one);
    assert_int_equal(vcpu_of(one, 0)->arch.pc, GUEST_RAM0_BASE);
    assert_int_equal(vcpu_of(one, 0)->arch.x[3], 0);
    assert_int_equal(d->health.restarts, 1);
    assert_int_equal(frame_free_count(), frames);
    assert_int_equal(d->pool_free, pool);
    assert_non_null(strstr(host_console(), "(bulkhead) one: crashed (shutdown code 3)"));
    assert_non_null(strstr(host_console(), "pc 0000000000001234"));
    assert_non_null(strstr(host_console(), "(bulkhead) one: restarted in 0 us, 1 times by now"));
    assert_true(vcpu_of(one, 0)->attached);
}

/* [utest->dsn~domain-restart~1] */
static void others_see_sink_frames_and_unbound_ports(void **state)
{
    uint16_t one = sealed_domain("one", 9);
    uint16_t two = world_domain(boot, "two", 4, 4);
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = two};
    struct evtchn_bind_interdomain b = {.remote_dom = one};
    struct evtchn_status s = {.dom = DOMID_SELF};
    uint64_t *seen;
    uint32_t handle;

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    world_grant(one, 9, GTF_permit_access, two, RAM_GFN + 100u);
    ((uint64_t *)world_page(one, RAM_GFN + 100u))[0] = 4711;
    assert_int_equal(world_map(two, one, 9, GNTMAP_host_map, MAP_GFN, &handle), GNTST_okay);
    seen = world_page(two, MAP_GFN);
    assert_int_equal(seen[0], 4711);
    assert_int_equal(hypercall(vcpu_of(one, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, POINTER(&a), 0),
                     OK);
    b.remote_port = a.port;
    assert_int_equal(
        hypercall(vcpu_of(two, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, POINTER(&b), 0), OK);
    shut_down(one, SHUTDOWN_crash);
    wait_for(one);
    check_pristine(one);
    seen = world_page(two, MAP_GFN);
    assert_int_equal(seen[0], 0);
    assert_ptr_not_equal(seen, world_page(one, RAM_GFN + 100u));
    seen[0] = 1; /* harms the mapper only */
    assert_int_equal(((uint64_t *)world_page(one, RAM_GFN + 100u))[0], 0);
    s.port = b.local_port;
    assert_int_equal(hypercall(vcpu_of(two, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_status, POINTER(&s), 0), OK);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(world_unmap(two, handle, MAP_GFN), GNTST_okay);
    s.port = a.port;
    assert_int_equal(hypercall(vcpu_of(one, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_status, POINTER(&s), 0),
                     ERR_INVAL);
}

/* [utest->dsn~launch-record~1] [utest->dsn~launch-rebuild~1] */
static void a_static_channel_is_made_again(void **state)
{
    uint16_t two = world_domain(boot, "two", 4, 4);
    uint16_t one = world_domain(boot, "one", 4, 4);
    struct bulkhead_channel near = {.domid = one, .remote = two, .port = 7, .remote_port = 3, .min_interval = 55};
    struct bulkhead_channel far = {.domid = two, .remote = one, .port = 3, .remote_port = 7};
    struct evtchn_alloc_unbound a = {.dom = one, .remote_dom = two};
    struct bulkhead_health h = health_of(one, BULKHEAD_ACTION_RESTART, 9);
    struct evtchn_status s = {.dom = DOMID_SELF, .port = 7};
    struct evtchn_send send = {.port = 3};

    (void)state;
    assert_int_equal(hypercall(boot, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, POINTER(&a), 0), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_BIND_CHANNEL, &near), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_HEALTH, &h), OK);
    assert_int_equal(builder_seals(one, 0, 0), OK); /* the other end is not there yet */
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_BIND_CHANNEL, &far), OK);
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    for (uint32_t life = 0; life < 3u; life++) {
        shut_down(one, SHUTDOWN_crash);
        wait_for(one);
        s.port = 7;
        assert_int_equal(hypercall(vcpu_of(one, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_status, POINTER(&s), 0),
                         OK);
        assert_int_equal(s.status, EVTCHNSTAT_interdomain);
        assert_int_equal(s.u.interdomain.dom, two);
        assert_int_equal(s.u.interdomain.port, 3);
        s.port = a.port;
        assert_int_equal(hypercall(vcpu_of(one, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_status, POINTER(&s), 0),
                         OK);
        assert_int_equal(s.status, EVTCHNSTAT_unbound);
        assert_int_equal(hypercall(vcpu_of(two, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_send, POINTER(&send), 0),
                         OK);
    }
}

/* [utest->dsn~store-restarted-client~1] */
static void grants_of_its_launch_are_there_again(void **state)
{
    uint16_t other = world_domain(boot, "other", 4, 4);
    uint16_t d = world_domain(boot, "again", 4, 4);
    struct bulkhead_health h = health_of(d, BULKHEAD_ACTION_RESTART, 5);
    struct bulkhead_seed s = {.domid = d, .to = other, .ref = GNTTAB_RESERVED_XENSTORE, .gfn = RAM_GFN};
    uint32_t handle = 0;

    (void)state;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SEED_GRANT, &s), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_HEALTH, &h), OK);
    assert_int_equal(builder_seals(d, 0, 0), OK);
    assert_int_equal(unpause(boot, other), OK);
    assert_int_equal(unpause(boot, d), OK);
    (void)cpu_runs(vcpu_of(d, 0)->home);
    world_grant(d, GNTTAB_RESERVED_XENSTORE, 0, 0, 0); /* it takes the grant away itself */
    assert_int_equal(world_map(other, d, GNTTAB_RESERVED_XENSTORE, GNTMAP_host_map, MAP_GFN, &handle),
                     GNTST_general_error);
    shut_down(d, SHUTDOWN_crash);
    wait_for(d);
    assert_int_equal(world_map(other, d, GNTTAB_RESERVED_XENSTORE, GNTMAP_host_map, MAP_GFN, &handle), GNTST_okay);
    assert_int_equal(world_look(other, MAP_GFN).mfn.v, world_look(d, RAM_GFN).mfn.v);
}

/* A domain that may map memory of one. */
static void map_foreign(struct vcpu *v, uint16_t one, uint64_t gfn)
{
    struct xen_add_to_physmap_batch b = {.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1};
    xen_ulong_t idx = RAM_GFN + 200u;
    xen_pfn_t to = gfn;
    int error = 1;

    b.u.foreign_domid = one;
    b.idxs.p = &idx;
    b.gpfns.p = &to;
    b.errs.p = &error;
    assert_int_equal(do_memory(v, XENMEM_add_to_physmap_batch, &b), OK);
    assert_int_equal(error, 0);
}

/* [utest->dsn~domain-restart~1] */
static void a_foreign_mapping_neither_stops_a_restart_nor_sees_the_new_life(void **state)
{
    uint16_t one = sealed_domain("one", 9);
    uint16_t two = world_domain(boot, "two", 4, 4);
    uint64_t *seen;

    (void)state;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_MAP_FOREIGN, one, two), OK);
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    map_foreign(vcpu_of(two, 0), one, MAP_GFN);
    seen = world_page(two, MAP_GFN);
    assert_ptr_equal(seen, world_page(one, RAM_GFN + 200u));
    seen[5] = 5;
    shut_down(one, SHUTDOWN_crash);
    wait_for(one);
    check_pristine(one);
    seen = world_page(two, MAP_GFN);
    assert_ptr_not_equal(seen, world_page(one, RAM_GFN + 200u));
    assert_int_equal(seen[5], 0);
}

/* [utest->dsn~domain-restart~1] */
static void a_destroy_at_any_step_of_a_restart_is_the_end(void **state)
{
    uint64_t before = frame_free_count();
    bool through = false;

    (void)state;
    for (uint32_t step = 0; !through; step++) {
        uint16_t one = sealed_domain("one", 1);
        struct domain *d = domain_of(one);
        struct cpu *cpu = cpu_of(d->vcpus[0]->home);

        assert_int_equal(unpause(boot, one), OK);
        (void)cpu_runs(cpu->id);
        shut_down(one, SHUTDOWN_crash);
        host_become(cpu->id);
        vcpu_drain_inbox(cpu);
        for (uint32_t i = 0; i < step && d->restarting != RESTART_NONE; i++) {
            (void)domain_reap(d);
        }
        through = d->restarting == RESTART_NONE;
        assert_int_equal(destroy(boot, one), OK);
        settle();
        d = domain_get_slot(one);
        if (d != NULL) {
            fail_msg("step %u: stage %u state %u restarting %u frames %u", step, d->reap_stage, d->state, d->restarting,
                     (unsigned)d->frames);
        }
        assert_int_equal(frame_free_count(), before);
    }
}

/* A builder's mistake: the frames noted are the domain's all the same. */
/* [utest->dsn~launch-record~1] */
static void sealing_that_begins_within_an_entry_notes_no_other_frames(void **state)
{
    uint64_t free = frame_free_count();
    uint16_t one = world_domain(boot, "one", 4, 4);

    (void)state;
    assert_int_equal(builder_seals(one, RAM_GFN + 200u, 0), OK);
    for (uint64_t i = 0; i < (uint64_t)RAM_MIB << 8; i++) {
        struct frame f = frame_look(MFN((HOST_RAM_BASE >> PAGE_SHIFT) + i));
        uint64_t at = (HOST_RAM_BASE >> PAGE_SHIFT) + i - world_look(one, RAM_GFN).mfn.v;

        assert_int_equal(f.type == FRAME_RAM && (f.order & FRAME_KEPT) != 0u, at >= 200u && at < RAM_PAGES);
    }
    assert_int_equal(destroy(boot, one), OK);
    settle();
    assert_int_equal(frame_free_count(), free);
}

/* [utest->dsn~launch-record~1] */
static void sealing_is_for_builders_and_only_once(void **state)
{
    uint16_t one = world_domain(boot, "one", 4, 4);
    uint16_t two = sealed_domain("two", 1);
    struct bulkhead_seal s = {.domid = one};
    struct bulkhead_life l = {.domid = one};

    (void)state;
    assert_int_equal(builder_seals(77, 0, 0), ERR_SRCH);
    assert_int_equal(builder_seals(one, RAM_GFN - 1u, 1), ERR_INVAL);
    assert_int_equal(builder_seals(one, RAM_GFN + RAM_PAGES - 1u, 2), ERR_INVAL);
    assert_int_equal(builder_seals(two, 0, 0), ERR_BUSY);
    assert_int_equal(builder_seals(two, RAM_GFN, 1), ERR_BUSY);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_RESTART, &l), ERR_BUSY); /* being built */
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SEAL_LAUNCH, &s), ERR_PERM); /* the right has ended */
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_RESTART, &l), ERR_NOSYS);
    assert_int_equal(do_bulkhead(vcpu_of(one, 0), BULKHEAD_OP_RESTART, &l), ERR_PERM);
    l.domid = two;
    assert_int_equal(unpause(boot, two), OK);
    settle();
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_RESTART, &l), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_RESTART, &l), ERR_BUSY);
    wait_for(two);
    check_pristine(two);
}

/* [utest->dsn~health-storm~1] */
static void too_many_restarts_in_a_time_lead_to_the_fallback(void **state)
{
    uint16_t one = sealed_domain("one", 2);

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    for (uint32_t i = 0; i < 2u; i++) {
        shut_down(one, SHUTDOWN_crash);
        wait_for(one);
        assert_int_equal(domain_state(domain_of(one)), DOMAIN_LIVE);
    }
    host_add_ticks(HOST_HZ + 1u); /* the time is over */
    shut_down(one, SHUTDOWN_crash);
    wait_for(one);
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_LIVE);
    shut_down(one, SHUTDOWN_crash);
    wait_for(one);
    shut_down(one, SHUTDOWN_crash);
    wait_for(one);
    assert_int_equal(domain_state(domain_of(one)), DOMAIN_SHUTDOWN);
    assert_non_null(strstr(host_console(), "(bulkhead) one: restarted too often"));
    assert_int_equal(domain_of(one)->health.restarts, 4);
    assert_int_equal(destroy(boot, one), OK);
}

/* [utest->dsn~life-cause~1] */
static void a_life_knows_what_ended_the_one_before(void **state)
{
    static const struct {
        uint32_t code;
        uint16_t cause;
    } ends[] = {{SHUTDOWN_crash, 1 + BULKHEAD_EVENT_CRASH},
                {SHUTDOWN_reboot, 1 + BULKHEAD_EVENT_REBOOT},
                {SHUTDOWN_watchdog, 1 + BULKHEAD_EVENT_WATCHDOG},
                {SHUTDOWN_reboot, 1 + BULKHEAD_EVENT_REBOOT}};
    uint16_t one = sealed_domain("one", 9);
    struct bulkhead_life l = {.domid = one};
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    settle();
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_LIFE, &l), OK);
    assert_int_equal(l.cause, 0);
    for (uint32_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        shut_down(one, ends[i].code);
        wait_for(one);
        assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_LIFE, &l), OK);
        assert_int_equal(l.restarts, i + 1u);
        assert_int_equal(l.cause, ends[i].cause);
        l.domid = DOMID_SELF;
        assert_int_equal(do_bulkhead(vcpu_of(one, 0), BULKHEAD_OP_LIFE, &l), OK);
        assert_int_equal(l.cause, ends[i].cause);
        l.domid = one;
    }
    /* A suspend that was resumed is no end; then a call restarts it. */
    shut_down(one, SHUTDOWN_suspend);
    settle();
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_resumedomain, one, &op), OK);
    settle();
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_RESTART, &l), OK);
    wait_for(one);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_LIFE, &l), OK);
    assert_int_equal(l.restarts, 5);
    assert_int_equal(l.cause, 0);
}

static int64_t permit_frame(uint16_t domid, uint64_t mfn, bool allow)
{
    struct xen_domctl op = {.u.iomem_permission = {.first_mfn = mfn, .nr_mfns = 1, .allow_access = allow}};

    return do_domctl(boot, XEN_DOMCTL_iomem_permission, domid, &op);
}

static int64_t map_frame(uint16_t domid, uint64_t mfn, bool add)
{
    struct xen_domctl op = {.u.memory_mapping = {.first_gfn = mfn, .first_mfn = mfn, .nr_mfns = 1, .add_mapping = add}};

    return do_domctl(boot, XEN_DOMCTL_memory_mapping, domid, &op);
}

/* Two neighbours and an interrupt stay its own; what is taken from it between two lives is not in the next one.
 * [utest->dsn~device-restart~1] */
static void devices_are_its_own_again(void **state)
{
    uint16_t one = world_domain(boot, "one", 4, 4);
    struct bulkhead_health h = health_of(one, BULKHEAD_ACTION_RESTART, 9);
    struct xen_domctl bind = {.u.bind_pt_irq = {.machine_irq = 34, .irq_type = PT_IRQ_TYPE_SPI, .u.spi.spi = 34}};

    (void)state;
    for (uint64_t mfn = DEVICE; mfn < DEVICE + 2u; mfn++) {
        assert_int_equal(permit_frame(one, mfn, true), OK);
        assert_int_equal(map_frame(one, mfn, true), OK);
    }
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_bind_pt_irq, one, &bind), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_HEALTH, &h), OK);
    assert_int_equal(builder_seals(one, 0, 0), OK);
    assert_int_equal(unpause(boot, one), OK);
    settle();
    for (uint32_t life = 0; life < 4u; life++) {
        shut_down(one, SHUTDOWN_crash);
        wait_for(one);
        assert_int_equal(world_look(one, DEVICE).mapping, MAPPING_DEVICE);
        assert_int_equal(world_look(one, DEVICE).mfn.v, DEVICE);
        assert_int_equal(world_look(one, DEVICE + 1u).mapping, (life < 2u) ? MAPPING_DEVICE : MAPPING_NONE);
        assert_true(upcall_device_interrupt(34));
        assert_int_equal(permit_frame(one, DEVICE, false), ERR_BUSY); /* mapped */
        if (life == 1u) {
            assert_int_equal(map_frame(one, DEVICE + 1u, false), OK);
            assert_int_equal(permit_frame(one, DEVICE + 1u, false), OK);
        }
    }
    assert_int_equal(destroy(boot, one), OK);
    settle();
    assert_false(upcall_device_interrupt(34));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_crashed_domain_comes_back_as_it_was_launched, launch_start),
        cmocka_unit_test_setup(too_many_restarts_in_a_time_lead_to_the_fallback, launch_start),
        cmocka_unit_test_setup(others_see_sink_frames_and_unbound_ports, launch_start),
        cmocka_unit_test_setup(a_static_channel_is_made_again, launch_start),
        cmocka_unit_test_setup(grants_of_its_launch_are_there_again, launch_start),
        cmocka_unit_test_setup(a_foreign_mapping_neither_stops_a_restart_nor_sees_the_new_life, launch_start),
        cmocka_unit_test_setup(a_life_knows_what_ended_the_one_before, launch_start),
        cmocka_unit_test_setup(devices_are_its_own_again, launch_start),
        cmocka_unit_test_setup(a_destroy_at_any_step_of_a_restart_is_the_end, launch_start),
        cmocka_unit_test_setup(sealing_that_begins_within_an_entry_notes_no_other_frames, launch_start),
        cmocka_unit_test_setup(sealing_is_for_builders_and_only_once, launch_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
