/* SPDX-License-Identifier: Apache-2.0 */
/* Argo, as guests use and misuse it. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evtchn_fixture.h"
#include "arch/contract/arch.h"
#include "core/argo.h"
#include "core/physmap.h"
#include "core/pool.h"

#include <string.h>

#define RING_GFN   0x40040u /* RAM of both domains */
#define PORT       7u
#define RING_PAGES 2u
#define RING_LEN   (RING_PAGES * 4096u - 64u)
#define NOWHERE    UINT64_C(0x1000)
#define ROUNDS     20000u
#define HUGE_PAGES 4097u

static struct random dice = {.state = 3};
static uint32_t virq_port[3]; /* of domains 1 and 2 */

static struct vcpu *vcpu(uint16_t domid)
{
    return (domid == 1) ? one : two;
}

static int64_t argo(uint16_t domid, uint64_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    return hypercall5(vcpu(domid), __HYPERVISOR_argo_op, (const uint64_t[5]){op, a1, a2, a3, a4});
}

static mfn_t frame_at(uint16_t domid, uint64_t gfn)
{
    struct domain *d = domain_of(domid);
    struct stage2_entry e;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, GFN(gfn));
    spin_unlock(&d->physmap_lock);
    return e.mfn;
}

static void *page(uint16_t domid, uint64_t gfn)
{
    return arch_map_frame(frame_at(domid, gfn));
}

static struct xen_argo_ring *ring_of(uint16_t domid)
{
    return page(domid, RING_GFN);
}

static int64_t register_len(uint16_t domid, uint32_t port, uint16_t partner, uint32_t len, uint64_t flags)
{
    static xen_argo_gfn_t gfns[HUGE_PAGES];
    struct xen_argo_register_ring r = {.aport = port, .partner_id = partner, .len = len};
    uint64_t pages = (len + 64u + 4095u) / 4096u;

    for (uint32_t i = 0; i < HUGE_PAGES; i++) {
        gfns[i] = RING_GFN + i % 64u;
    }
    return argo(domid, XEN_ARGO_OP_register_ring, POINTER(&r), POINTER(gfns), pages, flags);
}

static int64_t register_ring(uint16_t domid, uint32_t port, uint16_t partner)
{
    return register_len(domid, port, partner, RING_LEN, 0);
}

static int64_t unregister(uint16_t domid, uint32_t port, uint16_t partner)
{
    struct xen_argo_unregister_ring r = {.aport = port, .partner_id = partner};

    return argo(domid, XEN_ARGO_OP_unregister_ring, POINTER(&r), 0, 0, 0);
}

static int64_t send(uint16_t from, uint16_t to, uint32_t port, const void *data, uint32_t n)
{
    struct xen_argo_send_addr a = {.src = {.aport = 99, .domain_id = from}, .dst = {.aport = port, .domain_id = to}};
    struct xen_argo_iov iov[2] = {{.iov_len = n / 3u}, {.iov_len = n - n / 3u}};

    iov[0].iov_hnd.p = (uint8_t *)(uintptr_t)data;
    iov[1].iov_hnd.p = (uint8_t *)(uintptr_t)data + n / 3u;
    return argo(from, XEN_ARGO_OP_sendv, POINTER(&a), POINTER(iov), 2, 0x1234);
}

static bool told(uint16_t domid)
{
    bool pending = is_pending(vcpu(domid), virq_port[domid]);

    consume(vcpu(domid));
    return pending;
}

static int start(void **state)
{
    (void)start_two(state);
    for (uint16_t domid = 1; domid <= 2; domid++) {
        struct evtchn_bind_virq bind = {.virq = VIRQ_ARGO};

        domain_of(domid)->flags |= BULKHEAD_DOMAIN_ARGO;
        give_info(vcpu(domid), 0x40001);
        assert_int_equal(event_op(vcpu(domid), EVTCHNOP_bind_virq, &bind), OK);
        virq_port[domid] = bind.port;
        memset(page(domid, RING_GFN), 0, 4096);
        consume(vcpu(domid));
    }
    return 0;
}

/* ---- messages ---- */

/* What the receiver reads at rx_ptr; it moves on.  Returns the bytes of data, or -1: the ring is empty. */
static int32_t receive(uint16_t domid, uint8_t *data, struct xen_argo_ring_message_header *header)
{
    struct xen_argo_ring *ring = ring_of(domid);
    uint8_t raw[RING_LEN];
    uint32_t n;

    if (ring->rx_ptr == ring->tx_ptr) {
        return -1;
    }
    for (uint32_t i = 0; i < RING_LEN; i++) {
        uint32_t at = 64u + (ring->rx_ptr + i) % RING_LEN;
        raw[i] = ((uint8_t *)page(domid, RING_GFN + at / 4096u))[at % 4096u];
    }
    memcpy(header, raw, sizeof(*header));
    n = header->len - (uint32_t)sizeof(*header);
    memcpy(data, &raw[sizeof(*header)], n);
    ring->rx_ptr = (ring->rx_ptr + (header->len + 15u) / 16u * 16u) % RING_LEN;
    return (int32_t)n;
}

/* [utest->dsn~argo~1] */
static void a_message_arrives_and_its_receiver_is_told(void **state)
{
    struct xen_argo_ring_message_header header;
    uint8_t data[64];

    (void)state;
    assert_int_equal(register_ring(2, PORT, 1), OK);
    assert_int_equal(send(1, 2, PORT, "over the wall", 14), 14);
    assert_true(told(2));
    assert_int_equal(receive(2, data, &header), 14);
    assert_string_equal((char *)data, "over the wall");
    assert_int_equal(header.source.domain_id, 1);
    assert_int_equal(header.source.aport, 99);
    assert_int_equal(header.message_type, 0x1234);
    assert_int_equal(receive(2, data, &header), -1);
    assert_int_equal(ring_of(2)->tx_ptr, 32);
}

/* Any lengths, around the ring's end; the reader sees just what was sent, in order.
 * [utest->dsn~argo~1] */
static void a_stream_of_messages_is_what_was_sent(void **state)
{
    static uint8_t sent[8][4096];
    uint32_t length[8], head = 0, tail = 0, full = 0;
    struct xen_argo_ring_message_header header;
    uint8_t data[4096];

    (void)state;
    assert_int_equal(register_ring(2, PORT, 1), OK);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (head - tail < 8u && random_below(&dice, 2) != 0u) {
            uint32_t n = (uint32_t)random_below(&dice, (random_below(&dice, 4) == 0u) ? 4081u : 200u);
            int64_t result;

            for (uint32_t b = 0; b < n; b++) {
                sent[head % 8u][b] = (uint8_t)random_next(&dice);
            }
            length[head % 8u] = n;
            result = send(1, 2, PORT, sent[head % 8u], n);
            assert_true(result == (int64_t)n || (result == ERR_AGAIN && head != tail));
            full += (result == ERR_AGAIN) ? 1u : 0u;
            head += (result == (int64_t)n) ? 1u : 0u;
        } else if (head != tail) {
            assert_int_equal(receive(2, data, &header), length[tail % 8u]);
            assert_memory_equal(data, sent[tail % 8u], length[tail % 8u]);
            tail++;
        }
    }
    assert_true(full > 10u);
}

/* [utest->dsn~argo-space~1] */
static void who_found_no_space_is_told_when_there_is(void **state)
{
    struct xen_argo_ring_message_header header;
    static const uint8_t data[4000];
    uint8_t seen[4096];

    (void)state;
    assert_int_equal(register_ring(2, PORT, 1), OK);
    assert_int_equal(send(1, 2, PORT, data, 4000), 4000);
    assert_int_equal(send(1, 2, PORT, data, 4000), 4000);
    assert_int_equal(send(1, 2, PORT, data, 4000), ERR_AGAIN);
    assert_int_equal(argo(2, XEN_ARGO_OP_notify, 0, 0, 0, 0), OK);
    assert_false(told(1)); /* nothing was read yet */
    assert_int_equal(receive(2, seen, &header), 4000);
    assert_int_equal(argo(2, XEN_ARGO_OP_notify, 0, 0, 0, 0), OK);
    assert_true(told(1));
    assert_int_equal(argo(2, XEN_ARGO_OP_notify, 0, 0, 0, 0), OK);
    assert_false(told(1)); /* once */
    assert_int_equal(send(1, 2, PORT, data, 4000), 4000);
}

struct question { /* struct xen_argo_ring_data with room */
    uint32_t nent, pad;
    struct xen_argo_ring_data_ent ent[20];
};

/* [utest->dsn~argo-space~1] */
static void notify_says_what_a_ring_is(void **state)
{
    static struct question q;
    static const uint8_t data[4000];

    (void)state;
    assert_int_equal(register_ring(2, PORT, 1), OK);
    q.nent = 20;
    for (uint32_t i = 0; i < 20u; i++) {
        q.ent[i].ring = (struct xen_argo_addr){.aport = (i == 3u) ? 1000u : PORT, .domain_id = (i == 4u) ? 77 : 2};
        q.ent[i].space_required = (i == 5u) ? 4081u : (i == 6u) ? UINT32_MAX : 4080u;
    }
    assert_int_equal(argo(1, XEN_ARGO_OP_notify, POINTER(&q), 0, 0, 0), OK);
    assert_true(restarts() > 2u);
    assert_int_equal(q.ent[0].flags, XEN_ARGO_RING_EXISTS | XEN_ARGO_RING_EMPTY | XEN_ARGO_RING_SUFFICIENT);
    assert_int_equal(q.ent[0].max_message_size, 4080);
    assert_int_equal(q.ent[3].flags, 0);
    assert_int_equal(q.ent[4].flags, 0);
    assert_int_equal(q.ent[5].flags, XEN_ARGO_RING_EXISTS | XEN_ARGO_RING_EMPTY | XEN_ARGO_RING_EMSGSIZE);
    assert_int_equal(q.ent[6].flags, XEN_ARGO_RING_EXISTS | XEN_ARGO_RING_EMPTY | XEN_ARGO_RING_EMSGSIZE);
    assert_int_equal(q.ent[19].flags, q.ent[0].flags);
    assert_int_equal(send(1, 2, PORT, data, 4000), 4000);
    assert_int_equal(send(1, 2, PORT, data, 100), 100);
    q.nent = 1;
    assert_int_equal(argo(1, XEN_ARGO_OP_notify, POINTER(&q), 0, 0, 0), OK);
    assert_int_equal(q.ent[0].flags, XEN_ARGO_RING_EXISTS); /* no space: it waits now */
    ring_of(2)->rx_ptr = ring_of(2)->tx_ptr;
    assert_int_equal(argo(2, XEN_ARGO_OP_notify, 0, 0, 0, 0), OK);
    assert_true(told(1));
}

/* ---- who may ---- */

/* [utest->dsn~argo-allowed~1] */
static void only_domains_with_argo_use_it(void **state)
{
    (void)state;
    domain_of(1)->flags &= ~BULKHEAD_DOMAIN_ARGO;
    assert_int_equal(register_ring(1, PORT, 2), ERR_OPNOTSUPP);
    assert_int_equal(send(1, 2, PORT, "x", 1), ERR_OPNOTSUPP);
    assert_int_equal(send(2, 1, PORT, "x", 1), ERR_CONNREFUSED);
    assert_int_equal(argo(1, 77, 0, 0, 0, 0), ERR_OPNOTSUPP);
    assert_int_equal(argo(2, 77, 0, 0, 0, 0), ERR_OPNOTSUPP);
}

/* [utest->dsn~argo-allowed~1] */
static void a_ring_for_anybody_needs_to_be_allowed(void **state)
{
    (void)state;
    assert_int_equal(register_ring(2, PORT, XEN_ARGO_DOMID_ANY), ERR_PERM);
    domain_of(2)->flags |= BULKHEAD_DOMAIN_ARGO_ANY;
    assert_int_equal(register_ring(2, PORT, XEN_ARGO_DOMID_ANY), OK);
    assert_int_equal(send(1, 2, PORT, "x", 1), 1);
    assert_int_equal(unregister(2, PORT, XEN_ARGO_DOMID_ANY), OK);
    assert_int_equal(send(1, 2, PORT, "x", 1), ERR_CONNREFUSED);
}

/* [utest->dsn~argo-allowed~1] */
static void a_ring_is_for_its_partner_only(void **state)
{
    (void)state;
    assert_int_equal(register_ring(2, PORT, 9), OK);
    assert_int_equal(send(1, 2, PORT, "x", 1), ERR_CONNREFUSED);
    assert_int_equal(register_ring(2, PORT + 1, 2), OK);
    assert_int_equal(send(2, 2, PORT + 1, "x", 1), 1); /* to itself */
}

/* ---- bad calls ---- */

/* [utest->dsn~argo-refused~1] */
static void bad_registrations_are_refused(void **state)
{
    xen_argo_gfn_t gfns[2] = {RING_GFN, UINT64_MAX};
    struct xen_argo_register_ring r = {.aport = PORT, .partner_id = 1, .len = RING_LEN};
    uint64_t free = domain_of(2)->pool_free;

    (void)state;
    assert_int_equal(argo(2, XEN_ARGO_OP_register_ring, NOWHERE, POINTER(gfns), 2, 0), ERR_FAULT);
    assert_int_equal(argo(2, XEN_ARGO_OP_register_ring, POINTER(&r), NOWHERE, 2, 0), ERR_FAULT);
    assert_int_equal(argo(2, XEN_ARGO_OP_register_ring, POINTER(&r), POINTER(gfns), 2, 0), ERR_INVAL);
    assert_int_equal(argo(2, XEN_ARGO_OP_register_ring, POINTER(&r), POINTER(gfns), 1, 0), ERR_INVAL);
    assert_int_equal(argo(2, XEN_ARGO_OP_register_ring, POINTER(&r), POINTER(gfns), 2, 2), ERR_INVAL);
    gfns[1] = 0x90000; /* a hole */
    assert_int_equal(argo(2, XEN_ARGO_OP_register_ring, POINTER(&r), POINTER(gfns), 2, 0), ERR_INVAL);
    r.pad = 1;
    assert_int_equal(argo(2, XEN_ARGO_OP_register_ring, POINTER(&r), POINTER(gfns), 2, 0), ERR_INVAL);
    assert_int_equal(register_len(2, PORT, 1, 48, 0), ERR_INVAL);
    assert_int_equal(register_len(2, PORT, 1, 4000 + 8, 0), ERR_INVAL);
    assert_int_equal(register_len(2, PORT, 1, 0x1000010, 0), ERR_INVAL);
    assert_int_equal(register_ring(2, PORT, 0), ERR_INVAL);
    assert_int_equal(register_ring(2, PORT, 0x7FFE), ERR_INVAL);
    assert_int_equal(unregister(2, PORT, 1), ERR_NOENT);
    assert_int_equal(domain_of(2)->pool_free, free);
    assert_int_equal(register_ring(2, PORT, 1), OK);
    assert_int_equal(register_len(2, PORT, 1, RING_LEN, XEN_ARGO_REGISTER_FLAG_FAIL_EXIST), ERR_EXIST);
}

/* [utest->dsn~argo-refused~1] */
static void bad_messages_are_refused_and_leave_the_ring_alone(void **state)
{
    static uint8_t data[5000];
    struct xen_argo_send_addr a = {.src = {.domain_id = 1}, .dst = {.aport = PORT, .domain_id = 2}};
    struct xen_argo_iov iov[9] = {{.iov_len = 1}};
    struct question q = {.nent = 257};

    (void)state;
    iov[0].iov_hnd.p = data;
    assert_int_equal(register_len(2, PORT, 1, 2048, 0), OK);
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, NOWHERE, POINTER(iov), 1, 0), ERR_FAULT);
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, POINTER(&a), NOWHERE, 1, 0), ERR_FAULT);
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, POINTER(&a), POINTER(iov), 9, 0), ERR_2BIG);
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, POINTER(&a), POINTER(iov), UINT64_MAX, 0), ERR_2BIG);
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, POINTER(&a), POINTER(iov), 1, UINT64_C(1) << 32), ERR_INVAL);
    iov[0].iov_hnd.p = (uint8_t *)(uintptr_t)NOWHERE;
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, POINTER(&a), POINTER(iov), 1, 0), ERR_FAULT);
    iov[0].pad = 1;
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, POINTER(&a), POINTER(iov), 1, 0), ERR_INVAL);
    iov[0] = (struct xen_argo_iov){.iov_len = UINT32_MAX};
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, POINTER(&a), POINTER(iov), 1, 0), ERR_MSGSIZE);
    assert_int_equal(send(1, 2, PORT, data, 4081), ERR_MSGSIZE);
    assert_int_equal(send(1, 2, PORT, data, 2048), ERR_MSGSIZE);
    a.src.domain_id = 2;
    assert_int_equal(argo(1, XEN_ARGO_OP_sendv, POINTER(&a), POINTER(iov), 1, 0), ERR_INVAL);
    assert_int_equal(send(1, 77, PORT, data, 1), ERR_SRCH);
    assert_int_equal(send(1, 0x7FFE, PORT, data, 1), ERR_CONNREFUSED);
    assert_int_equal(argo(1, XEN_ARGO_OP_notify, POINTER(&q), 0, 0, 0), ERR_2BIG);
    assert_int_equal(argo(1, XEN_ARGO_OP_notify, NOWHERE, 0, 0, 0), ERR_FAULT);
    assert_int_equal(argo(1, XEN_ARGO_OP_notify, 0, 1, 0, 0), ERR_INVAL);
    assert_int_equal(ring_of(2)->tx_ptr, 0);
    assert_false(told(2));
}

/* [utest->dsn~argo-refused~1] */
static void pointers_of_the_guest_are_not_believed(void **state)
{
    (void)state;
    ring_of(2)->tx_ptr = UINT32_MAX;
    ring_of(2)->rx_ptr = 8;
    assert_int_equal(register_ring(2, PORT, 1), OK);
    assert_int_equal(ring_of(2)->tx_ptr, 0);
    assert_int_equal(send(1, 2, PORT, "x", 1), ERR_AGAIN); /* rx_ptr makes no sense: there is no space */
    ring_of(2)->rx_ptr = 0;
    ring_of(2)->tx_ptr = 0x7fffff0;
    assert_int_equal(send(1, 2, PORT, "x", 1), 1);
    assert_int_equal(ring_of(2)->tx_ptr, 32);
    ring_of(2)->rx_ptr = UINT32_MAX;
    assert_int_equal(send(1, 2, PORT, "x", 1), ERR_AGAIN);
}

/* [utest->dsn~argo-refused~1] */
static void rings_and_waiters_are_limited(void **state)
{
    struct xen_argo_ring_data_ent ent = {.ring = {.aport = 1000, .domain_id = 2}, .space_required = 4000};
    static const uint8_t data[4000];
    uint32_t n = 0;

    (void)state;
    domain_of(2)->flags |= BULKHEAD_DOMAIN_ARGO_ANY;
    assert_int_equal(register_ring(2, 1000, XEN_ARGO_DOMID_ANY), OK);
    assert_int_equal(send(1, 2, 1000, data, 4000), 4000);
    assert_int_equal(send(1, 2, 1000, data, 4000), 4000);
    for (uint16_t sender = 10; sender < 10 + ARGO_WAITERS; sender++) {
        argo_look(domain_of(2), sender, &ent);
        assert_int_equal(ent.flags & XEN_ARGO_RING_EBUSY, 0);
    }
    assert_int_equal(send(1, 2, 1000, data, 4000), ERR_BUSY);
    while (register_len(2, n, 1, 64, 0) == OK) {
        n++;
    }
    assert_true(n < ARGO_RINGS);
    assert_int_equal(register_len(2, n, 1, 64, 0), ERR_NOMEM); /* the pool ends first */
    assert_int_equal(domain_of(2)->pool_free <= 1u, true);
    assert_int_equal(unregister(2, 0, 1), OK);
    assert_int_equal(register_len(2, n, 1, 64, 0), OK);
}

/* ---- the end ---- */

/* [utest->dsn~argo-end~1] */
static void the_largest_ring_comes_and_goes_in_steps(void **state)
{
    uint64_t free = domain_of(2)->pool_free;

    (void)state;
    assert_int_equal(register_len(2, PORT, 1, XEN_ARGO_MAX_RING_SIZE, 0), OK);
    assert_int_equal(restarts() >= HUGE_PAGES / ARGO_STEP, true);
    assert_int_equal(register_ring(2, PORT, 1), OK); /* another in its place */
    assert_int_equal(send(1, 2, PORT, "x", 1), 1);
    assert_int_equal(unregister(2, PORT, 1), OK);
    assert_int_equal(domain_of(2)->pool_free, free);
}

/* Page 4096 of it is not there: nothing is left of the 4096 that were held.
 * [utest->dsn~argo-end~1] */
static void a_ring_that_fails_at_its_last_page_leaves_nothing(void **state)
{
    static xen_argo_gfn_t gfns[HUGE_PAGES];
    struct xen_argo_register_ring r = {.aport = PORT, .partner_id = 1, .len = XEN_ARGO_MAX_RING_SIZE};
    uint64_t free = domain_of(2)->pool_free;

    (void)state;
    for (uint32_t i = 0; i < HUGE_PAGES; i++) {
        gfns[i] = RING_GFN;
    }
    gfns[HUGE_PAGES - 1u] = 0x90000;
    assert_int_equal(argo(2, XEN_ARGO_OP_register_ring, POINTER(&r), POINTER(gfns), HUGE_PAGES, 0), ERR_INVAL);
    assert_int_equal(domain_of(2)->pool_free, free);
    assert_int_equal(frame_look(frame_at(2, RING_GFN)).count, 1);
    assert_int_equal(unregister(2, PORT, 1), ERR_NOENT);
}

/* [utest->dsn~argo-end~1] */
static void a_dead_domain_leaves_nothing(void **state)
{
    uint64_t free = frame_free_count() + domain_of(2)->frames + domain_of(2)->pool_total + domain_of(2)->overhead;

    (void)state;
    assert_int_equal(register_ring(2, PORT, 1), OK);
    assert_int_equal(register_ring(2, PORT + 1, 1), OK);
    assert_int_equal(register_ring(1, PORT, 2), OK);
    assert_int_equal(send(2, 1, PORT, "x", 1), 1);
    assert_int_equal(destroy(boot, 2), OK);
    settle();
    assert_null(domain_get_slot(2));
    assert_int_equal(frame_free_count(), free);
    assert_int_equal(send(1, 2, PORT, "x", 1), ERR_SRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_message_arrives_and_its_receiver_is_told, start),
        cmocka_unit_test_setup(a_stream_of_messages_is_what_was_sent, start),
        cmocka_unit_test_setup(who_found_no_space_is_told_when_there_is, start),
        cmocka_unit_test_setup(notify_says_what_a_ring_is, start),
        cmocka_unit_test_setup(only_domains_with_argo_use_it, start),
        cmocka_unit_test_setup(a_ring_for_anybody_needs_to_be_allowed, start),
        cmocka_unit_test_setup(a_ring_is_for_its_partner_only, start),
        cmocka_unit_test_setup(bad_registrations_are_refused, start),
        cmocka_unit_test_setup(bad_messages_are_refused_and_leave_the_ring_alone, start),
        cmocka_unit_test_setup(pointers_of_the_guest_are_not_believed, start),
        cmocka_unit_test_setup(rings_and_waiters_are_limited, start),
        cmocka_unit_test_setup(the_largest_ring_comes_and_goes_in_steps, start),
        cmocka_unit_test_setup(a_ring_that_fails_at_its_last_page_leaves_nothing, start),
        cmocka_unit_test_setup(a_dead_domain_leaves_nothing, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
