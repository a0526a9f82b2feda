/* SPDX-License-Identifier: Apache-2.0 */
/* t_static: two domains that only the system description connects: a channel with fixed ports and shared memory.
 * Boot arguments: role=1 asks, role=2 answers; port, peer and far: the own port, the peer's number and port.
 * [itest->dsn~evtchn-static~1] [itest->dsn~share-memory~1] [itest->dsn~boot-channels~1] [itest->dsn~boot-shared-memory~1] */
#include <guest/fdt.h>
#include <guest/hypercall.h>
#include <guest/mmu.h>
#include <guest/platform.h>
#include <guest/string.h>
#include <guest/test.h>
#include <guest/timer.h>
#include <guest/xen_time.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "probe.h"

#define RING       UINT64_C(0x20000000)
#define NOTES      UINT64_C(0x21000000)
#define RING_BYTES UINT64_C(0x10000)
#define WORDS      256u
#define ROUNDS     300u
#define PATIENCE_S 20u
#define PAGE       4096u
#define NOTE       UINT64_C(0x4e4f5445)
#define FAR_PAGE   (RING_BYTES / sizeof(uint32_t) - WORDS)
#define EINVAL     22
#define EPERM      1

static struct dt tree;
static struct shared_info *shared;
static uint32_t role, port, far_port;
static domid_t peer;

static bool is_text(const struct dt_property *property, const char *text)
{
    return property->bytes == strlen(text) + 1 && memcmp(property->data, text, property->bytes) == 0;
}

/* Address and size of the region in the guest's device tree. */
static bool find_shared(const char *id, uint64_t *base, uint64_t *size)
{
    uint32_t node = dt_find(&tree, dt_root(&tree), "reserved-memory");
    struct dt_property property;

    for (node = (node == DT_NONE) ? DT_NONE : dt_child(&tree, node); node != DT_NONE; node = dt_next(&tree, node)) {
        if (dt_is_compatible(&tree, node, "xen,shared-memory-v1") && dt_property(&tree, node, "xen,id", &property) &&
            is_text(&property, id) && dt_property(&tree, node, "reg", &property)) {
            *base = dt_cells(&property, 0, 2);
            *size = dt_cells(&property, 2, 2);
            return true;
        }
    }
    return false;
}

static void shared_memory_is_described_and_zero(void)
{
    uint64_t base = 0;
    uint64_t size = 0;
    uint64_t sum = 0;

    CHECK(find_shared("ring", &base, &size));
    CHECK_EQUAL(base, RING);
    CHECK_EQUAL(size, RING_BYTES);
    CHECK(find_shared("notes", &base, &size));
    CHECK_EQUAL(base, NOTES);
    CHECK_EQUAL(size, PAGE);
    CHECK(!find_shared("else", &base, &size));
    for (uint64_t i = RING_BYTES / 16; i < RING_BYTES / 8; i++) { /* the half that nobody writes */
        sum |= ((volatile uint64_t *)RING)[i];
    }
    CHECK_EQUAL(sum, 0);
}

static void the_channel_is_bound(void)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    do { /* unbound until the peer is built */
        CHECK_EQUAL(event_channel_op(EVTCHNOP_status, &s), 0);
    } while (s.status != EVTCHNSTAT_interdomain && ticks() < end);
    CHECK_EQUAL(s.status, EVTCHNSTAT_interdomain);
    CHECK_EQUAL(s.u.interdomain.dom, peer);
    CHECK_EQUAL(s.u.interdomain.port, far_port);
}

static bool take(void)
{
    uint64_t bit = UINT64_C(1) << (port % 64);

    return (__atomic_fetch_and(&shared->evtchn_pending[port / 64], ~bit, __ATOMIC_SEQ_CST) & bit) != 0;
}

static bool wait_for_event(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    struct sched_poll p = {.nr_ports = 1};

    p.ports.p = &port;
    p.timeout = 0;
    while (!take()) {
        if (ticks() > end) {
            return false;
        }
        (void)sched_op(SCHEDOP_poll, &p);
    }
    return true;
}

/* Word i of message n in one direction. */
static uint32_t word(uint32_t direction, uint32_t n, uint32_t i)
{
    return (n * 0x9e3779b1u + i) * 0x85ebca6bu + direction;
}

static void put_message(uint32_t n)
{
    volatile uint32_t *slot = (volatile uint32_t *)RING + ((role == 1) ? 0u : WORDS);
    struct evtchn_send s = {.port = port};

    for (uint32_t i = 1; i < WORDS; i++) {
        slot[i] = word(role, n, i);
    }
    __atomic_store_n(&slot[0], n, __ATOMIC_RELEASE);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_send, &s), 0);
}

static bool get_message(uint32_t n)
{
    volatile uint32_t *slot = (volatile uint32_t *)RING + ((role == 1) ? WORDS : 0u);

    while (__atomic_load_n(&slot[0], __ATOMIC_ACQUIRE) != n) {
        if (!wait_for_event()) {
            test_fail("no message %u", n);
            return false;
        }
    }
    for (uint32_t i = 1; i < WORDS; i++) {
        CHECK_EQUAL(slot[i], word(3 - role, n, i));
    }
    return true;
}

static void messages_go_to_and_fro(void)
{
    if (role == 1) {
        *(volatile uint64_t *)NOTES = NOTE;
    }
    for (uint32_t n = 1; n <= ROUNDS; n++) {
        if (role == 1) {
            put_message(n);
        }
        if (!get_message(n)) {
            return;
        }
        if (role == 2) {
            put_message(n);
        }
    }
    CHECK_EQUAL(*(volatile uint64_t *)NOTES, NOTE);
}

static void a_reader_may_only_read(void)
{
    struct probe probe = probe_write(NOTES + 8, 8, 1);

    CHECK_EQUAL(probe.faulted, role == 2);
    CHECK(!probe_write(RING + 4 * FAR_PAGE + 4, 4, 7).faulted);
    if (role == 2) {
        CHECK(probe_fetch(RING).faulted);
    }
}

/* The frames are no RAM of its own. */
static void shared_memory_cannot_be_given_away(void)
{
    xen_pfn_t gfn = RING / PAGE;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    struct bulkhead_share s = {.domid = DOMID_SELF, .mfn = 0x50000, .gfn = 0x30000, .count = 1};
    struct bulkhead_channel c = {.domid = DOMID_SELF, .remote = peer, .port = 100, .remote_port = 100};

    set_xen_guest_handle(r.extent_start, &gfn);
    CHECK_EQUAL(memory_op(XENMEM_decrease_reservation, &r), 0);
    CHECK(!probe_read(RING, 8).faulted);
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_SHARE_MEMORY, &s), -EPERM);
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_BIND_CHANNEL, &c), -EPERM);
}

/* As on Xen a guest may close its end of a static channel. */
static void a_closed_end_leaves_the_peer_waiting(void)
{
    struct evtchn_close c = {.port = port};
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};
    struct evtchn_send e = {.port = port};
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    if (role == 2) {
        CHECK_EQUAL(event_channel_op(EVTCHNOP_close, &c), 0);
        CHECK_EQUAL(event_channel_op(EVTCHNOP_send, &e), -EINVAL);
        return;
    }
    do {
        CHECK_EQUAL(event_channel_op(EVTCHNOP_status, &s), 0);
    } while (s.status != EVTCHNSTAT_unbound && ticks() < end);
    CHECK_EQUAL(s.status, EVTCHNSTAT_unbound);
    CHECK_EQUAL(s.u.unbound.dom, peer);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_send, &e), 0);
}

static const struct test tests[] = {
    {"shared_memory_is_described_and_zero", shared_memory_is_described_and_zero},
    {"the_channel_is_bound", the_channel_is_bound},
    {"messages_go_to_and_fro", messages_go_to_and_fro},
    {"a_reader_may_only_read", a_reader_may_only_read},
    {"shared_memory_cannot_be_given_away", shared_memory_cannot_be_given_away},
    {"a_closed_end_leaves_the_peer_waiting", a_closed_end_leaves_the_peer_waiting},
};

int main(uint64_t x0)
{
    platform_init(x0);
    (void)dt_open(&tree, (const void *)x0);
    mmu_set_block(RING, MMU_DATA);
    mmu_set_block(NOTES, MMU_DATA);
    shared = shared_info_map();
    role = (uint32_t)platform_argument("role", 1);
    port = (uint32_t)platform_argument("port", 0);
    far_port = (uint32_t)platform_argument("far", 0);
    peer = (domid_t)platform_argument("peer", 0);
    test_run(tests, sizeof(tests) / sizeof(tests[0]));
}
