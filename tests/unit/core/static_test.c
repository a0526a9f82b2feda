/* SPDX-License-Identifier: Apache-2.0 */
/* Static channels and static shared memory. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evtchn_fixture.h"
#include "arch/contract/arch.h"
#include "core/evtchn.h"
#include "core/physmap.h"
#include "core/pool.h"

#include <string.h>

#define NOWHERE ((void *)0x1000u)
#define PEER    9u /* a domid that nobody has yet */
#define SHARED  ((HOST_RAM_BASE >> PAGE_SHIFT) + 0x4000u)
#define SEEN_AT 0x20000u /* guest frame, a hole */
#define EXTRA   3u

static uint16_t third; /* being built; 4 MiB */

static int start(void **state)
{
    (void)start_two(state);
    third = build_domain(boot, "third", 1, 4);
    return 0;
}

static int64_t bind(uint16_t domid, uint32_t port, uint16_t remote, uint32_t remote_port, uint32_t interval)
{
    struct bulkhead_channel c = {
        .domid = domid, .port = port, .remote = remote, .remote_port = remote_port, .min_interval = interval};

    return do_bulkhead(boot, BULKHEAD_OP_BIND_CHANNEL, &c);
}

static struct evtchn_status status(struct vcpu *v, uint32_t port)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};

    assert_int_equal(event_op(v, EVTCHNOP_status, &s), OK);
    return s;
}

static void assert_bound(struct vcpu *v, uint32_t port, uint16_t domid, uint32_t remote_port)
{
    struct evtchn_status s = status(v, port);

    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, domid);
    assert_int_equal(s.u.interdomain.port, remote_port);
}

/* [utest->dsn~evtchn-static~1] */
static void the_second_end_makes_the_channel(void **state)
{
    uint16_t fourth;

    (void)state;
    assert_int_equal(bind(third, 5, 4, 300, 0), OK); /* domain 4 does not exist yet */
    assert_int_equal(unpause(boot, third), OK);      /* and this one runs before it does */
    settle();
    assert_int_equal(send_event(vcpu_of(third, 0), 5), OK);
    fourth = build_domain(boot, "fourth", 1, 4);
    assert_int_equal(fourth, 4);
    assert_int_equal(bind(fourth, 300, third, 5, 0), OK);
    assert_true(restarts() > 0u); /* 300 records are more than one step */
    assert_int_equal(unpause(boot, fourth), OK);
    settle();
    assert_bound(vcpu_of(third, 0), 5, fourth, 300);
    assert_bound(vcpu_of(fourth, 0), 300, third, 5);
    assert_true(is_pending(vcpu_of(fourth, 0), 300)); /* what was sent before */
    assert_int_equal(send_event(vcpu_of(fourth, 0), 300), OK);
    assert_true(is_pending(vcpu_of(third, 0), 5));
    for (uint32_t port = 1; port < 5u; port++) {
        assert_int_equal(status(vcpu_of(third, 0), port).status, EVTCHNSTAT_closed);
    }
    assert_int_equal(alloc_unbound(vcpu_of(third, 0), DOMID_SELF), 4); /* the numbers between are free */
    assert_int_equal(alloc_unbound(vcpu_of(third, 0), DOMID_SELF), 3);
    assert_int_equal(alloc_unbound(vcpu_of(third, 0), DOMID_SELF), 2);
    assert_int_equal(alloc_unbound(vcpu_of(third, 0), DOMID_SELF), 1);
    assert_int_equal(alloc_unbound(vcpu_of(third, 0), DOMID_SELF), 6);
}

/* [utest->dsn~evtchn-static~1] */
static void an_end_is_for_the_named_domain_only(void **state)
{
    uint16_t fourth = build_domain(boot, "fourth", 1, 4);

    (void)state;
    assert_int_equal(bind(third, 5, PEER, 7, 0), OK);
    assert_int_equal(bind(fourth, 7, third, 5, 0), OK); /* the other side does not want it */
    assert_int_equal(unpause(boot, third), OK);
    assert_int_equal(unpause(boot, fourth), OK);
    settle();
    assert_int_equal(status(vcpu_of(third, 0), 5).status, EVTCHNSTAT_unbound);
    assert_int_equal(status(vcpu_of(third, 0), 5).u.unbound.dom, PEER);
    assert_int_equal(status(vcpu_of(fourth, 0), 7).status, EVTCHNSTAT_unbound);
}

/* [utest->dsn~evtchn-static~1] */
static void an_end_said_again_stays_as_it_is(void **state)
{
    uint16_t fourth = build_domain(boot, "fourth", 1, 4);

    (void)state;
    assert_int_equal(bind(third, 5, fourth, 7, 0), OK);
    assert_int_equal(bind(third, 5, fourth, 7, 0), OK); /* waiting */
    assert_int_equal(domain_of(third)->evtchn.open, 1);
    assert_int_equal(bind(fourth, 7, third, 5, 0), OK);
    assert_int_equal(bind(fourth, 7, third, 5, 0), OK);
    assert_int_equal(bind(third, 5, fourth, 7, 0), OK); /* bound */
    assert_int_equal(domain_of(third)->evtchn.open, 1);
    assert_int_equal(domain_of(fourth)->evtchn.open, 1);
}

/* A domain whose ports were all closed, as a restart does.
 * [utest->dsn~evtchn-static~1] */
static void an_end_is_made_again_after_a_reset(void **state)
{
    uint16_t fourth = build_domain(boot, "fourth", 1, 4);
    struct evtchn_reset r = {.dom = third};

    (void)state;
    assert_int_equal(bind(third, 5, fourth, 7, 0), OK);
    assert_int_equal(bind(fourth, 7, third, 5, 0), OK);
    assert_int_equal(unpause(boot, fourth), OK);
    settle();
    assert_int_equal(event_op(boot, EVTCHNOP_reset, &r), OK);
    assert_int_equal(status(vcpu_of(fourth, 0), 7).status, EVTCHNSTAT_unbound);
    assert_int_equal(bind(third, 5, fourth, 7, 0), OK);
    assert_bound(vcpu_of(fourth, 0), 7, third, 5);
    assert_int_equal(domain_of(third)->evtchn.open, 1);
}

/* As on Xen a guest may close its end; the other one then waits for it.
 * [utest->dsn~evtchn-static~1] */
static void a_closed_end_leaves_its_peer_with_its_limit(void **state)
{
    uint16_t fourth = build_domain(boot, "fourth", 1, 4);
    struct vcpu *v = vcpu_of(third, 0);
    struct vcpu *peer = vcpu_of(fourth, 0);
    uint32_t port = 7;

    (void)state;
    assert_int_equal(bind(third, 5, fourth, 7, 1000), OK);
    assert_int_equal(bind(fourth, 7, third, 5, 0), OK);
    assert_int_equal(unpause(boot, third), OK);
    assert_int_equal(unpause(boot, fourth), OK);
    settle();
    assert_int_equal(event_op(peer, EVTCHNOP_close, &port), OK);
    assert_int_equal(status(v, 5).status, EVTCHNSTAT_unbound);
    assert_int_equal(bind_interdomain(two, third, 5), ERR_INVAL); /* it waits for one domain only */
    port = (uint32_t)bind_interdomain(peer, third, 5);
    assert_int_equal(port, 7);
    host_set_ticks(50000);
    assert_int_equal(send_event(peer, port), OK);
    assert_true(is_pending(v, 5));
    consume(v);
    assert_int_equal(send_event(peer, port), OK);
    assert_false(is_pending(v, 5));
}

/* [utest->dsn~evtchn-static~1] [utest->dsn~evtchn-min-interval~1] */
static void early_events_are_counted_for_who_may_know(void **state)
{
    uint16_t fourth = build_domain(boot, "fourth", 1, 4);
    struct vcpu *v = vcpu_of(third, 0);
    struct bulkhead_early e = {.domid = DOMID_SELF, .port = 5};

    (void)state;
    assert_int_equal(bind(third, 5, fourth, 7, 1000), OK);
    assert_int_equal(bind(fourth, 7, third, 5, 0), OK);
    assert_int_equal(unpause(boot, third), OK);
    assert_int_equal(unpause(boot, fourth), OK);
    settle();
    host_set_ticks(50000);
    for (uint32_t i = 0; i < 8u; i++) {
        assert_int_equal(send_event(vcpu_of(fourth, 0), 7), OK);
    }
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_CHANNEL_EARLY, &e), OK);
    assert_int_equal(e.early, 7);
    e = (struct bulkhead_early){.domid = third, .port = 5};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_CHANNEL_EARLY, &e), OK); /* it has the right INFO */
    assert_int_equal(e.early, 7);
    assert_int_equal(do_bulkhead(one, BULKHEAD_OP_CHANNEL_EARLY, &e), ERR_PERM);
    e.port = 99;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_CHANNEL_EARLY, &e), ERR_INVAL);
    e.domid = PEER;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_CHANNEL_EARLY, &e), ERR_SRCH);
}

/* [utest->dsn~evtchn-static~1] */
static void channels_are_checked(void **state)
{
    struct bulkhead_channel mine = {.domid = third, .port = 6, .remote = PEER, .remote_port = 1};

    (void)state;
    for (uint32_t op = BULKHEAD_OP_BIND_CHANNEL; op <= BULKHEAD_OP_SHARE_MEMORY; op++) {
        assert_int_equal(do_bulkhead(boot, op, NOWHERE), ERR_FAULT);
    }
    assert_int_equal(bind(third, 5, PEER, 1, 0), OK);
    assert_int_equal(bind(third, 0, PEER, 1, 0), ERR_EXIST);
    assert_int_equal(bind(third, 4, PEER, 1, 0), ERR_EXIST); /* descending */
    assert_int_equal(bind(third, 5, PEER + 1u, 1, 0), ERR_EXIST);
    assert_int_equal(bind(third, 1024, PEER, 1, 0), ERR_NOSPC);
    assert_int_equal(bind(third, UINT32_MAX, PEER, 1, 0), ERR_NOSPC);
    assert_int_equal(bind(third, 6, 0, 1, 0), ERR_INVAL);
    assert_int_equal(bind(third, 6, MAX_DOMAINS, 1, 0), ERR_INVAL);
    assert_int_equal(bind(third, 6, DOMID_SELF, 1, 0), ERR_INVAL);
    assert_int_equal(bind(PEER, 6, third, 1, 0), ERR_SRCH);
    assert_int_equal(bind(one->domain->id, 6, third, 1, 0), ERR_PERM); /* it runs */
    assert_int_equal(do_bulkhead(one, BULKHEAD_OP_BIND_CHANNEL, &mine), ERR_PERM);
    mine.domid = DOMID_SELF;
    assert_int_equal(do_bulkhead(one, BULKHEAD_OP_BIND_CHANNEL, &mine), ERR_PERM);
    assert_int_equal(domain_of(third)->evtchn.open, 1);
}

/* [utest->dsn~evtchn-static~1] [utest->dsn~evtchn-ports~1] */
static void a_spent_pool_ends_the_records(void **state)
{
    struct domain *d = domain_of(third);
    mfn_t mfn;

    (void)state;
    spin_lock(&d->physmap_lock);
    while (d->pool_free > EXTRA) { /* a directory and two pages */
        assert_int_equal(pool_alloc(d, &mfn), OK);
    }
    spin_unlock(&d->physmap_lock);
    assert_int_equal(bind(third, 500, PEER, 1, 0), ERR_NOMEM);
    assert_int_equal(d->evtchn.open, 0);
    assert_int_equal(bind(third, 256, PEER, 1, 0), ERR_NOMEM);
    assert_int_equal(destroy(boot, third), OK);
    settle();
    assert_null(domain_get_slot(third));
}

/* What was sent while the receiver was two-level is there when it has its queues.
 * [utest->dsn~evtchn-fifo~1] */
static void an_event_from_before_the_queues_is_not_lost(void **state)
{
    uint16_t fourth = build_domain(boot, "fourth", 1, 4);
    struct vcpu *v = vcpu_of(third, 0);

    (void)state;
    assert_int_equal(bind(third, 5, fourth, 7, 0), OK);
    assert_int_equal(bind(fourth, 7, third, 5, 0), OK);
    assert_int_equal(unpause(boot, third), OK);
    assert_int_equal(unpause(boot, fourth), OK);
    settle();
    assert_int_equal(send_event(vcpu_of(fourth, 0), 7), OK);
    assert_true(is_pending(v, 5));
    become_fifo(v);
    assert_true((*event_word(v, 5) & (UINT32_C(1) << EVTCHN_FIFO_PENDING)) != 0u);
    assert_int_equal(*event_word(v, 4), 0);
    assert_int_equal(v->domain->evtchn.shared->evtchn_pending[0], 0);
}

/* ---- shared memory ---- */

static int64_t share(uint16_t domid, uint64_t mfn, uint64_t gfn, uint64_t count, uint16_t flags)
{
    struct bulkhead_share s = {.domid = domid, .flags = flags, .mfn = mfn, .gfn = gfn, .count = count};

    return do_bulkhead(boot, BULKHEAD_OP_SHARE_MEMORY, &s);
}

static struct stage2_entry look(uint16_t domid, uint64_t gfn)
{
    struct domain *d = domain_of(domid);
    struct stage2_entry e;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, GFN(gfn));
    spin_unlock(&d->physmap_lock);
    return e;
}

static struct frame shared_frame(uint64_t n)
{
    return frame_look(MFN(SHARED + n));
}

/* [utest->dsn~share-memory~1] */
static void two_domains_see_the_same_frames(void **state)
{
    uint16_t fourth = build_domain(boot, "fourth", 1, 4);
    uint64_t before = frame_free_count();
    uint64_t third_has = domain_of(third)->frames;

    (void)state;
    memset(arch_map_frame(MFN(SHARED + 1u)), 0x5a, PAGE_SIZE);
    assert_int_equal(share(DOMID_IO, SHARED, 0, 600, 0), OK);
    assert_int_equal(restarts(), 600u / PHYSMAP_PIECE - 1u);
    assert_int_equal(frame_free_count(), before - 600u);
    assert_int_equal(*(uint64_t *)arch_map_frame(MFN(SHARED + 1u)), 0);
    assert_int_equal(shared_frame(599).count, 1);
    assert_int_equal(shared_frame(599).owner, FRAME_COMMON);
    assert_int_equal(share(third, SHARED, SEEN_AT, 600, 0), OK);
    assert_int_equal(share(fourth, SHARED + 8u, SEEN_AT + 3u, 2, BULKHEAD_SHARE_READ_ONLY), OK);
    assert_int_equal(look(third, SEEN_AT + 599u).mfn.v, SHARED + 599u);
    assert_int_equal(look(third, SEEN_AT).access, ACCESS_RW);
    assert_int_equal(look(fourth, SEEN_AT + 4u).mfn.v, SHARED + 9u);
    assert_int_equal(look(fourth, SEEN_AT + 4u).access, ACCESS_R);
    assert_int_equal(shared_frame(8).count, 3);
    assert_int_equal(shared_frame(10).count, 2);
    assert_int_equal(domain_of(third)->frames, third_has); /* nobody's budget */
}

/* [utest->dsn~share-memory~1] */
static void what_is_shared_stays_when_a_domain_ends(void **state)
{
    uint16_t fourth = build_domain(boot, "fourth", 1, 4);
    uint64_t before;

    (void)state;
    assert_int_equal(share(DOMID_IO, SHARED, 0, 4, 0), OK);
    assert_int_equal(share(third, SHARED, SEEN_AT, 4, 0), OK);
    before = frame_free_count();
    assert_int_equal(share(fourth, SHARED, SEEN_AT, 4, 0), OK);
    memset(arch_map_frame(MFN(SHARED)), 0x5a, PAGE_SIZE);
    assert_int_equal(destroy(boot, third), OK);
    settle();
    assert_null(domain_get_slot(third)); /* who still maps the frames does not hold it up */
    assert_int_equal(shared_frame(0).count, 2);
    assert_int_equal(destroy(boot, fourth), OK);
    settle();
    assert_int_equal(shared_frame(0).count, 1);
    assert_true(frame_free_count() > before);
    third = build_domain(boot, "third", 1, 4);
    assert_int_equal(share(DOMID_IO, SHARED, 0, 4, 0), ERR_EXIST);
    assert_int_equal(share(third, SHARED, SEEN_AT, 4, 0), OK); /* the next life finds what was there */
    assert_int_equal(*(uint8_t *)arch_map_frame(look(third, SEEN_AT).mfn), 0x5a);
}

/* [utest->dsn~share-memory~1] */
static void a_guest_cannot_give_shared_frames_a_second_use(void **state)
{
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = SEEN_AT};
    struct vcpu_register_vcpu_info i = {.mfn = SEEN_AT, .offset = 0};
    xen_pfn_t gfn = SEEN_AT;
    struct xen_memory_reservation m = {.nr_extents = 1, .domid = DOMID_SELF};
    struct vcpu *v = vcpu_of(third, 0);

    (void)state;
    assert_int_equal(share(DOMID_IO, SHARED, 0, 4, 0), OK);
    assert_int_equal(share(third, SHARED, SEEN_AT, 4, 0), OK);
    assert_int_equal(unpause(boot, third), OK);
    settle();
    m.extent_start.p = &gfn;
    assert_int_equal(do_memory(v, XENMEM_decrease_reservation, &m), 0);
    assert_int_equal(hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, POINTER(&i)), ERR_INVAL);
    assert_int_equal(shared_frame(0).count, 2);
    assert_int_equal(do_memory(v, XENMEM_remove_from_physmap, &r), OK); /* it may stop looking */
    assert_int_equal(shared_frame(0).count, 1);
    assert_int_equal(share(third, SHARED, SEEN_AT, 1, 0), ERR_PERM); /* and never starts again by itself */
}

/* [utest->dsn~share-memory~1] */
static void shares_are_checked(void **state)
{
    uint64_t own = look(third, 0x40000).mfn.v;
    struct bulkhead_share s = {.domid = DOMID_IO, .mfn = SHARED, .count = 1};

    (void)state;
    assert_int_equal(share(DOMID_IO, SHARED, 0, 4, 0), OK);
    assert_int_equal(share(DOMID_IO, SHARED + 2u, 0, 4, 0), ERR_EXIST);
    assert_int_equal(shared_frame(4).owner, FRAME_NOBODY);
    assert_int_equal(share(DOMID_IO, own, 0, 1, 0), ERR_EXIST);
    assert_int_equal(share(third, own, SEEN_AT, 1, 0), ERR_PERM);
    assert_int_equal(share(third, SHARED + 2u, SEEN_AT, 4, 0), ERR_PERM); /* the last two are nobody's */
    assert_int_equal(shared_frame(2).count, 1);
    assert_int_equal(look(third, SEEN_AT).mapping, MAPPING_NONE);
    assert_int_equal(share(third, SHARED, 0x40000, 1, 0), ERR_EXIST);
    assert_int_equal(shared_frame(0).count, 1);
    assert_int_equal(share(third, SHARED, SEEN_AT, 0, 0), ERR_INVAL);
    assert_int_equal(share(third, SHARED, SEEN_AT, 1, 2), ERR_INVAL);
    assert_int_equal(share(third, UINT64_MAX, SEEN_AT, 2, 0), ERR_INVAL);
    assert_int_equal(share(third, SHARED, arch_stage2_gfn_limit(), 1, 0), ERR_INVAL);
    assert_int_equal(share(third, SHARED, SEEN_AT, UINT64_MAX, 0), ERR_INVAL);
    assert_int_equal(share(DOMID_IO, 0, 0, 1, 0), ERR_INVAL);                  /* no RAM */
    assert_int_equal(share(one->domain->id, SHARED, SEEN_AT, 1, 0), ERR_PERM); /* it runs */
    assert_int_equal(share(PEER, SHARED, SEEN_AT, 1, 0), ERR_SRCH);
    assert_int_equal(do_bulkhead(one, BULKHEAD_OP_SHARE_MEMORY, &s), ERR_PERM);
}

/* Without the Boot Domain there is no new shared memory, whoever builds domains then. */
static void mapping_fails_without_tables(void **state)
{
    struct domain *d = domain_of(third);
    mfn_t mfn;

    (void)state;
    assert_int_equal(share(DOMID_IO, SHARED, 0, 4, 0), OK);
    spin_lock(&d->physmap_lock);
    while (d->pool_free > 0u) {
        assert_int_equal(pool_alloc(d, &mfn), OK);
    }
    spin_unlock(&d->physmap_lock);
    assert_int_equal(share(third, SHARED, 0x900000, 4, 0), ERR_NOMEM);
    assert_int_equal(shared_frame(3).count, 1);
}

/* Any order of sharing, unmapping, ends and new lives: a frame's count is one and one for each entry that maps it.
 * [utest->dsn~share-memory~1] */
static void counts_are_exact_after_any_sequence(void **state)
{
    enum { FRAMES = 6, DOMAINS = 3, STEPS = 400 };
    bool seen[DOMAINS][FRAMES] = {{false}};
    uint16_t domids[DOMAINS] = {0};
    struct random r = {1};

    (void)state;
    assert_int_equal(share(DOMID_IO, SHARED, 0, FRAMES, 0), OK);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t d = (uint32_t)random_below(&r, DOMAINS);
        uint64_t n = random_below(&r, FRAMES);
        struct xen_remove_from_physmap gone = {.gpfn = SEEN_AT + n};

        if (domids[d] == 0u) {
            const char name[] = {(char)('a' + d), '\0'};
            domids[d] = build_domain(boot, name, 1, 2);
        } else if (random_below(&r, 10) == 0u) {
            assert_int_equal(destroy(boot, domids[d]), OK);
            settle();
            memset(seen[d], 0, sizeof(seen[d]));
            domids[d] = 0;
        } else if (seen[d][n]) {
            gone.domid = domids[d];
            assert_int_equal(do_memory(boot, XENMEM_remove_from_physmap, &gone), OK);
            seen[d][n] = false;
        } else {
            uint16_t flags = (random_below(&r, 2) == 0u) ? BULKHEAD_SHARE_READ_ONLY : 0u;
            assert_int_equal(share(domids[d], SHARED + n, SEEN_AT + n, 1, flags), OK);
            assert_int_equal(share(domids[d], SHARED + n, SEEN_AT + n, 1, flags), ERR_EXIST);
            seen[d][n] = true;
        }
        for (uint32_t f = 0; f < FRAMES; f++) {
            assert_int_equal(shared_frame(f).count, 1u + seen[0][f] + seen[1][f] + seen[2][f]);
            assert_int_equal(shared_frame(f).owner, FRAME_COMMON);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_second_end_makes_the_channel, start),
        cmocka_unit_test_setup(an_end_is_for_the_named_domain_only, start),
        cmocka_unit_test_setup(an_end_said_again_stays_as_it_is, start),
        cmocka_unit_test_setup(an_end_is_made_again_after_a_reset, start),
        cmocka_unit_test_setup(a_closed_end_leaves_its_peer_with_its_limit, start),
        cmocka_unit_test_setup(early_events_are_counted_for_who_may_know, start),
        cmocka_unit_test_setup(channels_are_checked, start),
        cmocka_unit_test_setup(a_spent_pool_ends_the_records, start),
        cmocka_unit_test_setup(an_event_from_before_the_queues_is_not_lost, start),
        cmocka_unit_test_setup(two_domains_see_the_same_frames, start),
        cmocka_unit_test_setup(what_is_shared_stays_when_a_domain_ends, start),
        cmocka_unit_test_setup(a_guest_cannot_give_shared_frames_a_second_use, start),
        cmocka_unit_test_setup(shares_are_checked, start),
        cmocka_unit_test_setup(mapping_fails_without_tables, start),
        cmocka_unit_test_setup(counts_are_exact_after_any_sequence, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
