/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evtchn_fixture.h"
#include "arch/contract/arch.h"
#include "core/evtchn.h"
#include "core/physmap.h"
#include "core/pool.h"

#include <string.h>

#define NOWHERE 0x1000u /* not mapped */

/* [utest->dsn~evtchn-bind~1] [utest->dsn~evtchn-op~1] */
static void two_domains_make_a_channel(void **state)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = 1};

    (void)state;
    assert_int_equal(alloc_unbound(one, two->domain->id), 1);
    assert_int_equal(event_op(one, EVTCHNOP_status, &s), OK);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, two->domain->id);
    assert_int_equal(bind_interdomain(two, one->domain->id, 1), 1);
    assert_true(is_pending(two, 1)); /* what may have been sent before */
    assert_true(upcall(two));
    assert_int_equal(event_op(one, EVTCHNOP_status, &s), OK);
    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.vcpu, 0);
    assert_int_equal(s.u.interdomain.dom, two->domain->id);
    assert_int_equal(s.u.interdomain.port, 1);
    assert_int_equal(event_op(two, EVTCHNOP_status, &s), OK);
    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, one->domain->id);
    assert_int_equal(bind_interdomain(two, one->domain->id, 1), ERR_INVAL); /* it is bound */
}

static uint32_t channel(void)
{
    uint32_t port = (uint32_t)alloc_unbound(one, two->domain->id);
    uint32_t far = (uint32_t)bind_interdomain(two, one->domain->id, port);

    assert_int_equal(port, far);
    consume(two);
    return port;
}

/* [utest->dsn~evtchn-send~1] [utest->dsn~evtchn-two-level~1] */
static void an_event_sets_bits_and_interrupts_once(void **state)
{
    uint32_t port = channel();

    (void)state;
    assert_int_equal(send_event(one, port), OK);
    assert_true(is_pending(two, port));
    assert_int_equal(two->evtchn.info->evtchn_pending_sel, 1);
    assert_int_equal(two->evtchn.info->evtchn_upcall_pending, 1);
    assert_true(upcall(two));
    assert_int_equal(send_event(one, port), OK);
    assert_false(upcall(two)); /* it knows */
    consume(two);
    two->domain->evtchn.shared->evtchn_mask[0] = UINT64_C(1) << port;
    assert_int_equal(send_event(one, port), OK);
    assert_true(is_pending(two, port));
    assert_int_equal(two->evtchn.info->evtchn_pending_sel, 0);
    assert_false(upcall(two));
    assert_int_equal(event_op(two, EVTCHNOP_unmask, &port), OK);
    assert_int_equal(two->domain->evtchn.shared->evtchn_mask[0], 0);
    assert_true(upcall(two));
    assert_int_equal(event_op(two, EVTCHNOP_unmask, &port), OK);
    assert_false(upcall(two));
    consume(two);
    assert_int_equal(send_event(two, port), OK); /* and the other way */
    assert_true(is_pending(one, port));
    assert_true(upcall(one));
}

/* [utest->dsn~evtchn-bind~1] */
static void an_end_without_a_peer_takes_events_and_loses_them(void **state)
{
    uint32_t port = (uint32_t)alloc_unbound(one, two->domain->id);

    (void)state;
    assert_int_equal(send_event(one, port), OK);
    assert_false(is_pending(one, port));
    assert_int_equal(event_op(one, EVTCHNOP_close, &port), OK);
    assert_int_equal(send_event(one, port), ERR_INVAL);
}

/* [utest->dsn~evtchn-areas~1] */
static void a_vcpu_without_an_area_learns_everything_when_it_has_one(void **state)
{
    struct evtchn_bind_ipi b = {.vcpu = 1};
    struct vcpu *second = vcpu_of(one->domain->id, 1);
    struct vcpu_register_vcpu_info r = {.mfn = 0x40002, .offset = 64};
    mfn_t frame;

    (void)state;
    assert_int_equal(event_op(one, EVTCHNOP_bind_ipi, &b), OK);
    assert_int_equal(send_event(one, b.port), OK);
    assert_true(is_pending(one, b.port));
    assert_false(upcall(second));
    assert_int_equal(physmap_hold(one->domain, GFN(0x40002), &frame), OK);
    physmap_release(frame);
    assert_int_equal(hypercall(one, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1, POINTER(&r)), OK);
    assert_true(upcall(second));
    assert_int_equal(second->evtchn.info->evtchn_pending_sel, UINT64_MAX);
    assert_int_equal(frame_look(frame).count, 2); /* it stays, whatever the guest unmaps */
    assert_int_equal(hypercall(one, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1, POINTER(&r)), ERR_INVAL);
    assert_int_equal(frame_look(frame).count, 2);
    consume(second);
    assert_int_equal(send_event(one, b.port), OK);
    assert_true(upcall(second));
    assert_false(upcall(one));
}

/* [utest->dsn~evtchn-areas~1] */
static void an_upcall_outlives_the_reset_of_a_vcpu(void **state)
{
    uint32_t port = channel();

    (void)state;
    assert_int_equal(send_event(one, port), OK);
    assert_true(upcall(two)); /* its interrupt controller forgets it */
    host_become(two->home);
    evtchn_vcpu_started(two);
    assert_true(upcall(two));
}

/* [utest->dsn~evtchn-bind~1] */
static void virqs_are_bound_once_and_delivered(void **state)
{
    struct evtchn_bind_virq b = {.virq = VIRQ_TIMER, .vcpu = 1};
    struct evtchn_bind_virq g = {.virq = VIRQ_ARCH_0};
    struct evtchn_bind_vcpu move = {.vcpu = 1};
    struct evtchn_status s = {.dom = DOMID_SELF};
    struct vcpu *second = vcpu_of(one->domain->id, 1);

    (void)state;
    evtchn_send_virq(second, VIRQ_TIMER); /* nobody listens */
    assert_int_equal(event_op(one, EVTCHNOP_bind_virq, &b), OK);
    s.port = b.port;
    assert_int_equal(event_op(one, EVTCHNOP_status, &s), OK);
    assert_int_equal(s.status, EVTCHNSTAT_virq);
    assert_int_equal(s.u.virq, VIRQ_TIMER);
    assert_int_equal(s.vcpu, 1);
    evtchn_send_virq(second, VIRQ_TIMER);
    assert_true(is_pending(one, b.port));
    assert_int_equal(send_event(one, b.port), ERR_INVAL);
    move.port = b.port;
    assert_int_equal(event_op(one, EVTCHNOP_bind_vcpu, &move), ERR_INVAL);
    assert_int_equal(event_op(one, EVTCHNOP_bind_virq, &b), ERR_EXIST);
    assert_int_equal(event_op(one, EVTCHNOP_close, &s.port), OK);
    assert_false(is_pending(one, b.port));
    assert_int_equal(event_op(one, EVTCHNOP_bind_virq, &b), OK);
    assert_int_equal(event_op(one, EVTCHNOP_bind_virq, &g), OK);
    move.port = g.port;
    assert_int_equal(event_op(one, EVTCHNOP_bind_vcpu, &move), OK);
    s.port = g.port;
    assert_int_equal(event_op(one, EVTCHNOP_close, &s.port), OK);
    assert_int_equal(event_op(one, EVTCHNOP_bind_virq, &g), OK);
    evtchn_send_virq(one, VIRQ_ARCH_0);
    assert_true(upcall(one));
}

/* [utest->dsn~evtchn-bind~1] */
static void a_channel_moves_to_another_vcpu(void **state)
{
    uint32_t port = channel();
    struct evtchn_bind_vcpu b = {.port = port, .vcpu = 1};
    struct vcpu *second = vcpu_of(one->domain->id, 1);

    (void)state;
    give_info(second, 0x40002);
    assert_int_equal(event_op(one, EVTCHNOP_bind_vcpu, &b), OK);
    assert_int_equal(send_event(two, port), OK);
    assert_true(upcall(second));
    assert_false(upcall(one));
}

/* [utest->dsn~evtchn-bind~1] */
static void a_closed_end_leaves_its_peer_unbound(void **state)
{
    uint32_t port = channel();
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};

    (void)state;
    assert_int_equal(send_event(one, port), OK);
    assert_int_equal(event_op(two, EVTCHNOP_close, &port), OK);
    assert_false(is_pending(two, port));
    assert_int_equal(event_op(two, EVTCHNOP_status, &s), OK);
    assert_int_equal(s.status, EVTCHNSTAT_closed);
    assert_int_equal(event_op(one, EVTCHNOP_status, &s), OK);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, two->domain->id);
    assert_int_equal(event_op(two, EVTCHNOP_close, &port), ERR_INVAL);
    assert_int_equal(bind_interdomain(two, one->domain->id, port), port); /* again, at the port that was free */
}

/* [utest->dsn~evtchn-bind~1] */
static void a_domain_talks_to_itself(void **state)
{
    int64_t port = alloc_unbound(one, DOMID_SELF);
    int64_t far = bind_interdomain(one, DOMID_SELF, (uint32_t)port);

    (void)state;
    consume(one);
    assert_int_equal(far, port + 1);
    assert_int_equal(send_event(one, (uint32_t)port), OK);
    assert_true(is_pending(one, (uint32_t)far));
    assert_false(is_pending(one, (uint32_t)port));
}

static const struct evtchn_alloc_unbound no_domain = {.dom = 77, .remote_dom = 1};
static const struct evtchn_bind_interdomain nobody = {.remote_dom = 77, .remote_port = 1},
                                            no_port = {.remote_dom = 2, .remote_port = 99},
                                            port_zero = {.remote_dom = 2, .remote_port = 0};
static const struct evtchn_bind_virq no_virq = {.virq = 24}, global = {.virq = VIRQ_DOM_EXC, .vcpu = 1},
                                     no_vcpu = {.virq = VIRQ_TIMER, .vcpu = 2};
static const struct evtchn_bind_ipi ipi_nobody = {.vcpu = 2};
static const struct evtchn_bind_pirq pirq = {.pirq = 1};
static const struct evtchn_bind_vcpu move_none = {.port = 1, .vcpu = 2}, move_closed = {.port = 77, .vcpu = 1};
static const struct evtchn_status status_none = {.dom = 77, .port = 1}, status_port = {.dom = DOMID_SELF, .port = 77};
static const struct evtchn_set_priority two_level = {.port = 1, .priority = 3}, prio_port = {.port = 77};
static const struct evtchn_init_control control_vcpu = {.vcpu = 2, .control_gfn = 0x40003},
                                        control_gfn = {.control_gfn = NOWHERE},
                                        control_cross = {.control_gfn = 0x40003, .offset = 4032},
                                        control_align = {.control_gfn = 0x40003, .offset = 4};
static const struct evtchn_expand_array array = {.array_gfn = 0x40003};
static const struct evtchn_reset reset_none = {.dom = 77};
static const uint32_t port_none = 77, port_0 = 0, port_wild = UINT32_MAX;
static const struct {
    uint32_t op;
    const void *arg;
    int64_t result;
} calls[] = {
    {EVTCHNOP_alloc_unbound, &no_domain, ERR_SRCH},
    {EVTCHNOP_bind_interdomain, &nobody, ERR_SRCH},
    {EVTCHNOP_bind_interdomain, &no_port, ERR_INVAL},
    {EVTCHNOP_bind_interdomain, &port_zero, ERR_INVAL},
    {EVTCHNOP_bind_virq, &no_virq, ERR_INVAL},
    {EVTCHNOP_bind_virq, &global, ERR_INVAL},
    {EVTCHNOP_bind_virq, &no_vcpu, ERR_NOENT},
    {EVTCHNOP_bind_ipi, &ipi_nobody, ERR_NOENT},
    {EVTCHNOP_bind_pirq, &pirq, ERR_INVAL},
    {EVTCHNOP_bind_vcpu, &move_none, ERR_NOENT},
    {EVTCHNOP_bind_vcpu, &move_closed, ERR_INVAL},
    {EVTCHNOP_status, &status_none, ERR_SRCH},
    {EVTCHNOP_status, &status_port, ERR_INVAL},
    {EVTCHNOP_set_priority, &two_level, ERR_NOSYS},
    {EVTCHNOP_set_priority, &prio_port, ERR_INVAL},
    {EVTCHNOP_init_control, &control_vcpu, ERR_NOENT},
    {EVTCHNOP_init_control, &control_gfn, ERR_INVAL},
    {EVTCHNOP_init_control, &control_cross, ERR_INVAL},
    {EVTCHNOP_init_control, &control_align, ERR_INVAL},
    {EVTCHNOP_expand_array, &array, ERR_OPNOTSUPP},
    {EVTCHNOP_reset, &reset_none, ERR_SRCH},
    {EVTCHNOP_close, &port_none, ERR_INVAL},
    {EVTCHNOP_close, &port_0, ERR_INVAL},
    {EVTCHNOP_close, &port_wild, ERR_INVAL},
    {EVTCHNOP_send, &port_none, ERR_INVAL},
    {EVTCHNOP_send, &port_0, ERR_INVAL},
    {EVTCHNOP_send, &port_wild, ERR_INVAL},
    {EVTCHNOP_unmask, &port_none, ERR_INVAL},
    {EVTCHNOP_unmask, &port_wild, ERR_INVAL},
    {14, &port_none, ERR_NOSYS}, /* Xen's own continuation */
    {15, &port_none, ERR_NOSYS},
    {UINT32_MAX, &port_none, ERR_NOSYS},
};

/* [utest->dsn~evtchn-op~1] [utest->dsn~evtchn~1] */
static void bad_calls_have_their_error(void **state)
{
    (void)state;
    assert_int_equal(alloc_unbound(one, two->domain->id), 1);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        int64_t result = event_op(one, calls[i].op, (void *)(uintptr_t)calls[i].arg);

        if (result != calls[i].result) {
            fail_msg("call %zu, operation %u: %ld, not %ld", i, calls[i].op, (long)result, (long)calls[i].result);
        }
    }
    for (uint32_t op = 0; op <= EVTCHNOP_set_priority; op++) { /* every operand that cannot be read */
        assert_int_equal(hypercall(one, __HYPERVISOR_event_channel_op, op, NOWHERE, 0), ERR_FAULT);
    }
    assert_int_equal(one->domain->evtchn.open, 1);
}

/* [utest->dsn~evtchn-op~1] */
static void others_are_not_a_guests_business(void **state)
{
    struct evtchn_alloc_unbound a = {.dom = two->domain->id, .remote_dom = one->domain->id};
    struct evtchn_status s = {.dom = two->domain->id, .port = 1};
    struct evtchn_reset r = {.dom = two->domain->id};

    (void)state;
    assert_int_equal(event_op(one, EVTCHNOP_alloc_unbound, &a), ERR_PERM);
    assert_int_equal(event_op(one, EVTCHNOP_status, &s), ERR_PERM);
    assert_int_equal(event_op(one, EVTCHNOP_reset, &r), ERR_PERM);
    assert_int_equal(alloc_unbound(two, boot->domain->id), 1); /* for somebody else */
    assert_int_equal(bind_interdomain(one, two->domain->id, 1), ERR_INVAL);
}

/* [utest->dsn~evtchn-op~1] */
static void a_port_that_cannot_be_told_is_closed_again(void **state)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_bind_virq b = {.virq = VIRQ_DEBUG};

    (void)state;
    host_fail_copy(2);
    assert_int_equal(event_op(one, EVTCHNOP_alloc_unbound, &a), ERR_FAULT);
    host_fail_copy(2);
    assert_int_equal(event_op(one, EVTCHNOP_bind_virq, &b), ERR_FAULT);
    assert_int_equal(one->domain->evtchn.open, 0);
    assert_int_equal(event_op(one, EVTCHNOP_bind_virq, &b), OK);
    assert_int_equal(b.port, 1);
}

/* [utest->dsn~evtchn-ports~1] */
static void ports_end_where_the_creator_said(void **state)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    struct evtchn_reset r = {.dom = DOMID_SELF};
    uint64_t before;

    (void)state;
    for (uint32_t i = 1; i <= EVTCHN_DEFAULT; i++) {
        assert_int_equal(event_op(one, EVTCHNOP_bind_ipi, &b), OK);
        assert_int_equal(b.port, i);
    }
    assert_int_equal(event_op(one, EVTCHNOP_bind_ipi, &b), ERR_NOSPC);
    assert_int_equal(send_event(one, EVTCHN_DEFAULT), OK);
    before = one->domain->pool_free;
    assert_int_equal(event_op(one, EVTCHNOP_reset, &r), OK);
    assert_true(restarts() >= EVTCHN_DEFAULT / EVTCHN_STEP);
    assert_int_equal(one->domain->evtchn.open, 0);
    assert_int_equal(send_event(one, 1), ERR_INVAL);
    assert_int_equal(event_op(one, EVTCHNOP_bind_ipi, &b), OK);
    assert_int_equal(b.port, 1);
    assert_int_equal(one->domain->pool_free, before);
}

/* [utest->dsn~evtchn-ports~1] */
static void records_come_from_the_owners_pool(void **state)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    uint64_t before = one->domain->pool_free;
    mfn_t taken[128];
    uint32_t n = 0;

    (void)state;
    spin_lock(&one->domain->physmap_lock);
    while (n < ARRAY_SIZE(taken) && pool_alloc(one->domain, &taken[n]) == OK) {
        n++;
    }
    spin_unlock(&one->domain->physmap_lock);
    assert_int_equal(event_op(one, EVTCHNOP_bind_ipi, &b), ERR_NOMEM);
    assert_int_equal(one->domain->evtchn.open, 0);
    spin_lock(&one->domain->physmap_lock);
    while (n > 0u) {
        n--;
        pool_free(one->domain, taken[n]);
    }
    spin_unlock(&one->domain->physmap_lock);
    assert_int_equal(event_op(one, EVTCHNOP_bind_ipi, &b), OK);
    assert_int_equal(before - one->domain->pool_free, 2);
}

/* [utest->dsn~evtchn-reap~1] */
static void a_domain_that_ends_leaves_its_peers_unbound(void **state)
{
    uint32_t port = channel();
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};
    uint64_t frames = frame_free_count();
    uint16_t third = build_domain(boot, "third", 2, 4);
    struct vcpu *v;

    (void)state;
    assert_int_equal(unpause(boot, third), OK);
    v = vcpu_of(third, 0);
    give_info(v, 0x40002);
    become_fifo(v);
    assert_int_equal(alloc_unbound(one, third), 2);
    assert_int_equal(bind_interdomain(v, one->domain->id, 2), 1);
    assert_int_equal(destroy(boot, third), OK);
    settle();
    assert_int_equal(frame_free_count(), frames);
    s.port = 2;
    assert_int_equal(event_op(one, EVTCHNOP_status, &s), OK);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, third);
    assert_int_equal(send_event(one, 2), OK);
}

/* [utest->dsn~evtchn-poll~1] */
static void a_poll_ends_with_the_first_of_its_ports(void **state)
{
    uint32_t port = channel();
    uint32_t ports[2] = {0, port};
    struct sched_poll p = {.nr_ports = 1};
    struct evtchn_bind_ipi b = {.vcpu = 0};

    (void)state;
    two->domain->evtchn.shared->evtchn_mask[0] = UINT64_MAX; /* a poll needs no upcall */
    p.ports.p = &ports[1];
    assert_ptr_equal(cpu_runs(two->home), two);
    assert_int_equal(hypercall(two, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&p), 0), OK);
    assert_int_equal(two->state, VCPU_BLOCKED);
    assert_int_equal(send_event(one, port), OK);
    assert_ptr_equal(cpu_runs(two->home), two);
    assert_int_equal(hypercall(two, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&p), 0), OK);
    assert_int_equal(two->state, VCPU_RUNNABLE); /* pending already */
    consume(two);
    assert_int_equal(event_op(two, EVTCHNOP_bind_ipi, &b), OK);
    ports[0] = b.port;
    p.ports.p = ports;
    p.nr_ports = 2;
    assert_int_equal(hypercall(two, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&p), 0), OK);
    assert_int_equal(two->state, VCPU_BLOCKED);
    assert_int_equal(send_event(one, port), OK);
    assert_ptr_equal(cpu_runs(two->home), two);
    ports[0] = 99;
    assert_int_equal(hypercall(two, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&p), 0), ERR_INVAL);
    assert_int_equal(two->state, VCPU_RUNNABLE);
    assert_int_equal(two->domain->evtchn.pollers[0], 0);
}

/* [utest->dsn~evtchn-min-interval~1] */
static void events_too_soon_wait_for_their_time(void **state)
{
    uint32_t port = channel();

    (void)state;
    assert_ptr_equal(cpu_runs(two->home), two);
    assert_int_equal(evtchn_limit(two->domain, 77, 1000), ERR_INVAL);
    assert_int_equal(evtchn_limit(two->domain, port, 1000), OK);
    host_set_ticks(50000);
    assert_int_equal(send_event(one, port), OK);
    assert_true(upcall(two));
    consume(two);
    host_set_ticks(50999);
    for (uint32_t i = 0; i < 5u; i++) { /* a storm */
        assert_int_equal(send_event(one, port), OK);
    }
    assert_false(is_pending(two, port));
    assert_false(upcall(two));
    assert_int_equal(two->domain->evtchn.early, 5);
    assert_ptr_equal(cpu_runs(two->home), two);
    assert_int_equal(cpu_of(two->home)->arch.deadline, 51000);
    host_become(two->home);
    host_set_ticks(51000);
    upcall_timer(this_cpu());
    assert_true(is_pending(two, port));
    assert_true(upcall(two));
    consume(two);
    assert_int_equal(send_event(one, port), OK); /* the next one's turn is an interval later again */
    assert_false(is_pending(two, port));
    assert_ptr_equal(cpu_runs(two->home), two);
    assert_int_equal(cpu_of(two->home)->arch.deadline, 52000);
    assert_int_equal(event_op(two, EVTCHNOP_close, &port), OK); /* it waits for nothing now */
    host_become(two->home);
    host_set_ticks(52000);
    upcall_timer(this_cpu());
    assert_false(is_pending(two, port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(two_domains_make_a_channel, start_two),
        cmocka_unit_test_setup(an_event_sets_bits_and_interrupts_once, start_two),
        cmocka_unit_test_setup(an_end_without_a_peer_takes_events_and_loses_them, start_two),
        cmocka_unit_test_setup(a_vcpu_without_an_area_learns_everything_when_it_has_one, start_two),
        cmocka_unit_test_setup(an_upcall_outlives_the_reset_of_a_vcpu, start_two),
        cmocka_unit_test_setup(virqs_are_bound_once_and_delivered, start_two),
        cmocka_unit_test_setup(a_channel_moves_to_another_vcpu, start_two),
        cmocka_unit_test_setup(a_closed_end_leaves_its_peer_unbound, start_two),
        cmocka_unit_test_setup(a_domain_talks_to_itself, start_two),
        cmocka_unit_test_setup(bad_calls_have_their_error, start_two),
        cmocka_unit_test_setup(others_are_not_a_guests_business, start_two),
        cmocka_unit_test_setup(a_port_that_cannot_be_told_is_closed_again, start_two),
        cmocka_unit_test_setup(ports_end_where_the_creator_said, start_two),
        cmocka_unit_test_setup(records_come_from_the_owners_pool, start_two),
        cmocka_unit_test_setup(a_domain_that_ends_leaves_its_peers_unbound, start_two),
        cmocka_unit_test_setup(a_poll_ends_with_the_first_of_its_ports, start_two),
        cmocka_unit_test_setup(events_too_soon_wait_for_their_time, start_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
