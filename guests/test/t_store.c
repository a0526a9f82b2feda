/* SPDX-License-Identifier: Apache-2.0 */
/* t_store: the store domain over a real ring.  Boot argument role=2: a client that breaks the protocol over and over,
 * beside the others; role=3: one that is restarted; role=4: one whose servers are restarted when it asks role=5, a
 * Control Domain (store=, consoles=: their domids), for it; peer: the domid of a neighbour.
 * [itest->dsn~store-protocol~1] [itest->dsn~store-ring~1] [itest->dsn~store-quota~1] [itest->dsn~store-domain~1]
 * [itest->dsn~boot-rings~1] [itest->dsn~boot-store-tree~1] [itest->dsn~grant-seed~1] [itest->dsn~store-restarted-client~1]
 * [itest->dsn~store-restarted-server~1] */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/test.h>
#include <guest/timer.h>
#include <guest/xen_time.h>

#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>
#include <xen/sched.h>

#define PAGE       UINT64_C(4096)
#define PATIENCE_S 20u
#define BIG        3000u
#define ROUNDS     200u
#define FLOOD      2000u
#define BELL       20u /* the channel between roles 4 and 5 */

static volatile struct xenstore_domain_interface *ring;
static volatile struct shared_info *shared;
static uint32_t port, self, peer, role;
static struct xsd_sockmsg header; /* of the last message */
static char data[XENSTORE_PAYLOAD_MAX + 1];

/* ---- transport ---- */

static void send_event(uint32_t to)
{
    struct evtchn_send op = {.port = to};

    CHECK_EQUAL(event_channel_op(EVTCHNOP_send, &op), 0);
}

static void notify(void)
{
    send_event(port);
}

/* Whether an event came. */
static bool take_event(uint32_t which)
{
    uint64_t bit = UINT64_C(1) << (which % 64);

    return (__atomic_fetch_and(&shared->evtchn_pending[which / 64], ~bit, __ATOMIC_SEQ_CST) & bit) != 0;
}

/* For 100 ms at most; true: an event came. */
static bool wait_for(uint32_t which)
{
    struct sched_poll op = {.nr_ports = 1, .timeout = ticks_to_ns(ticks()) + UINT64_C(100000000)};

    op.ports.p = &which;
    (void)sched_op(SCHEDOP_poll, &op);
    return take_event(which);
}

static void wait_for_store(void)
{
    (void)wait_for(port);
}

static bool push(const void *from, uint32_t size)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    uint32_t done = 0;

    while (done < size && ticks() < end) {
        while (done < size && ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE) {
            ring->req[MASK_XENSTORE_IDX(ring->req_prod)] = ((const char *)from)[done];
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            ring->req_prod++;
            done++;
        }
        notify();
        if (done < size) {
            wait_for_store();
        }
    }
    return done == size;
}

static bool pull(void *to, uint32_t size)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    uint32_t done = 0;

    while (done < size && ticks() < end) {
        while (done < size && ring->rsp_cons != ring->rsp_prod) {
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            ((char *)to)[done] = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons)];
            ring->rsp_cons++;
            done++;
        }
        if (done < size) {
            notify();
            wait_for_store();
        }
    }
    return done == size;
}

static bool next_message(void)
{
    memset(data, 0, sizeof(data));
    return pull(&header, sizeof(header)) && header.len <= XENSTORE_PAYLOAD_MAX && pull(data, header.len);
}

/* Ask; the answer, whatever it is, is in header and data.  Events that come before it are passed over. */
static bool ask_bytes(uint32_t transaction, uint32_t type, const char *payload, uint32_t size)
{
    static uint32_t id = 1;
    struct xsd_sockmsg request = {.type = type, .req_id = ++id, .tx_id = transaction, .len = size};

    if (!push(&request, sizeof(request)) || !push(payload, size)) {
        return false;
    }
    do {
        if (!next_message()) {
            return false;
        }
    } while (header.type == XS_WATCH_EVENT);
    return header.req_id == id;
}

/* '|' in the text stands for NUL. */
static bool ask(uint32_t transaction, uint32_t type, const char *text)
{
    static char payload[512];
    uint32_t size = (uint32_t)strlen(text);

    for (uint32_t i = 0; i < size; i++) {
        payload[i] = (text[i] == '|') ? '\0' : text[i];
    }
    return ask_bytes(transaction, type, payload, size);
}

static bool answers(uint32_t transaction, uint32_t type, const char *text, const char *answer)
{
    if (!ask(transaction, type, text)) {
        test_fail("no answer to %u %s", type, text);
        return false;
    }
    if ((header.type != type && header.type != XS_ERROR) || strcmp(data, answer) != 0) {
        test_fail("%u %s: %s, not %s", type, text, data, answer);
        return false;
    }
    return true;
}

static uint32_t number(const char *text)
{
    uint32_t value = 0;

    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (uint32_t)(*text - '0');
    }
    return value;
}

/* ---- tests ---- */

static uint64_t parameter(uint32_t index)
{
    struct xen_hvm_param op = {.domid = DOMID_SELF, .index = index};

    CHECK_EQUAL(hvm_op(HVMOP_get_param, &op), 0);
    return op.value;
}

static void the_launch_left_a_ring(void)
{
    uint64_t frame = parameter(HVM_PARAM_STORE_PFN);

    port = (uint32_t)parameter(HVM_PARAM_STORE_EVTCHN);
    if (frame == 0 || port == 0) {
        test_fail("no ring");
        return;
    }
    CHECK_EQUAL(parameter(HVM_PARAM_CONSOLE_PFN) != 0, role == 4);
    ring = (volatile struct xenstore_domain_interface *)(frame * PAGE);
    CHECK_EQUAL(ring->req_prod | ring->rsp_cons, 0);
    shared = (volatile struct shared_info *)shared_info_map();
    CHECK(shared != NULL);
}

static void the_first_tree_is_there(void)
{
    char text[64];

    CHECK(ask(0, XS_READ, "domid|"));
    self = number(data);
    CHECK(self != 0);
    snprintf(text, sizeof(text), "%u|", (unsigned)self);
    answers(0, XS_IS_DOMAIN_INTRODUCED, text, "T");
    CHECK(ask(0, XS_GET_DOMAIN_PATH, text));
    CHECK(strncmp(data, "/local/domain/", 14) == 0 && number(&data[14]) == self);
    CHECK(ask(0, XS_READ, "name|"));
    CHECK(strncmp(data, "client", 6) == 0);
}

static void others_homes_are_closed(void)
{
    char text[64];

    snprintf(text, sizeof(text), "/local/domain/%u/name|", (unsigned)peer);
    answers(0, XS_READ, text, "EACCES");
    answers(0, XS_WRITE, "/local/domain/0/x|1", "EACCES");
    answers(0, XS_DIRECTORY, "/|", "EACCES");
    answers(0, XS_WRITE, "name|mine-now", "EACCES");
    answers(0, XS_INTRODUCE, "9|0|1|", "EACCES");
    answers(0, 77, "|", "ENOSYS");
}

static void values_go_round(void)
{
    static char payload[BIG + 16] = "data/big";

    for (uint32_t i = 0; i < BIG; i++) {
        payload[9 + i] = (char)('a' + i % 26);
    }
    CHECK(ask_bytes(0, XS_WRITE, payload, 9 + BIG));
    CHECK_EQUAL(header.type, XS_WRITE);
    CHECK(ask(0, XS_READ, "data/big|"));
    CHECK_EQUAL(header.len, BIG);
    CHECK_EQUAL(memcmp(data, &payload[9], BIG), 0);
    answers(0, XS_RM, "data/big|", "OK");
    answers(0, XS_READ, "data/big|", "ENOENT");
    for (uint32_t i = 0; i < ROUNDS; i++) {
        char text[32];
        snprintf(text, sizeof(text), "data/n|%u", (unsigned)i);
        answers(0, XS_WRITE, text, "OK");
        CHECK(ask(0, XS_READ, "data/n|"));
        CHECK_EQUAL(number(data), i);
    }
}

static void transactions_conflict(void)
{
    uint32_t first, second;

    CHECK(ask(0, XS_TRANSACTION_START, "|"));
    first = number(data);
    CHECK(ask(0, XS_TRANSACTION_START, "|"));
    second = number(data);
    answers(first, XS_WRITE, "data/t|1", "OK");
    answers(second, XS_WRITE, "data/t|2", "OK");
    answers(first, XS_TRANSACTION_END, "T|", "OK");
    answers(second, XS_TRANSACTION_END, "T|", "EAGAIN");
    answers(0, XS_READ, "data/t|", "1");
}

static void watches_bring_events(void)
{
    const struct xsd_sockmsg write = {.type = XS_WRITE, .len = 9};

    answers(0, XS_WATCH, "data/w|token|", "OK");
    CHECK(next_message());
    CHECK_EQUAL(header.type, XS_WATCH_EVENT);
    CHECK_EQUAL(memcmp(data, "data/w\0token", 13), 0);
    CHECK(push(&write, sizeof(write)) && push("data/w/x", 9));
    CHECK(next_message());
    CHECK_EQUAL(header.type, XS_WRITE);
    CHECK(next_message());
    CHECK_EQUAL(header.type, XS_WATCH_EVENT);
    CHECK_EQUAL(memcmp(data, "data/w\0token", 13), 0); /* made on the way to x */
    CHECK(next_message());
    CHECK_EQUAL(memcmp(data, "data/w/x\0token", 15), 0);
    answers(0, XS_UNWATCH, "data/w|token|", "OK");
}

static void the_share_has_an_end(void)
{
    uint32_t count = 0;
    bool done = true;

    while (done && count < FLOOD) {
        char text[32];
        snprintf(text, sizeof(text), "data/f%u|x", (unsigned)count);
        done = ask(0, XS_WRITE, text) && header.type == XS_WRITE;
        count++;
    }
    CHECK(strcmp(data, "ENOSPC") == 0);
    answers(0, XS_WRITE, "data/f0|still", "OK");
    answers(0, XS_RM, "data|", "OK");
    answers(0, XS_WRITE, "control/x|1", "OK");
}

/* ---- role 2 ---- */

static bool reconnects(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    ring->connection = XENSTORE_RECONNECT;
    notify();
    while (ring->connection != XENSTORE_CONNECTED && ticks() < end) {
        wait_for_store();
    }
    return ring->connection == XENSTORE_CONNECTED && ring->error == XENSTORE_ERROR_NONE;
}

static bool breaks_off(uint32_t error)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    notify();
    while (ring->error != error && ticks() < end) {
        wait_for_store();
    }
    return ring->error == error;
}

static void bad_rings_end_and_begin_anew(void)
{
    const struct xsd_sockmsg too_long = {.type = XS_WRITE, .len = 1u << 30};

    for (uint32_t i = 0; i < 20; i++) {
        ring->req_prod += XENSTORE_RING_SIZE + 1 + i;
        CHECK(breaks_off(XENSTORE_ERROR_RINGIDX));
        CHECK(reconnects());
        CHECK(push(&too_long, sizeof(too_long)));
        CHECK(breaks_off(XENSTORE_ERROR_PROTO));
        CHECK(reconnects());
        ring->rsp_cons = 0x12345;
        CHECK(push(&(struct xsd_sockmsg){.type = XS_READ, .len = 0}, sizeof(too_long)));
        CHECK(breaks_off(XENSTORE_ERROR_RINGIDX));
        CHECK(reconnects());
        answers(0, XS_WRITE, "data/a|1", "OK");
    }
}

/* ---- role 3 ---- */

/* In the first life something of everything is left unfinished; the second one finds what it wrote, and nothing else. */
static void a_restarted_client_begins_anew(void)
{
    static const struct xsd_sockmsg cut = {.type = XS_WRITE, .len = 100};

    CHECK(ask(0, XS_READ, "data/life|"));
    if (header.type == XS_ERROR) {
        answers(0, XS_WRITE, "data/life|1", "OK");
        answers(0, XS_WATCH, "data|token|", "OK");
        CHECK(ask(0, XS_TRANSACTION_START, "|"));
        CHECK(push(&cut, sizeof(cut)));
        shutdown(SHUTDOWN_reboot);
    }
    CHECK(strcmp(data, "1") == 0);
    answers(0, XS_WRITE, "data/life|2", "OK");
    answers(0, XS_UNWATCH, "data|token|", "ENOENT");
    answers(1, XS_READ, "data/life|", "ENOENT");
}

/* ---- role 4 ---- */

static void say_by_the_ring(const char *text)
{
    volatile struct xencons_interface *console =
        (volatile struct xencons_interface *)(parameter(HVM_PARAM_CONSOLE_PFN) * PAGE);
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    for (; *text != '\0'; text++) {
        console->out[MASK_XENCONS_IDX(console->out_prod, console->out)] = *text;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        console->out_prod++;
    }
    send_event((uint32_t)parameter(HVM_PARAM_CONSOLE_EVTCHN));
    while (console->out_cons != console->out_prod && ticks() < end) {
        wait_for_store();
    }
    CHECK_EQUAL(console->out_cons, console->out_prod);
}

/* The tree is the launch's again, the ring begins anew when the client asks, and everything works as before. */
static void restarted_servers_serve_on(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    say_by_the_ring("a line by the ring\n");
    answers(0, XS_WRITE, "data/x|1", "OK");
    answers(0, XS_WATCH, "data|token|", "OK");
    CHECK(next_message());
    (void)take_event(BELL); /* pending since the launch, as one end of a static channel is */
    send_event(BELL);
    while (!wait_for(BELL) && ticks() < end) {
    }
    CHECK(reconnects());
    answers(0, XS_READ, "data/x|", "ENOENT");
    answers(0, XS_UNWATCH, "data|token|", "ENOENT");
    the_first_tree_is_there();
    values_go_round();
    watches_bring_events();
    say_by_the_ring("a line by the restarted server's ring\n");
}

/* ---- role 5 ---- */

static void restart(const char *name)
{
    struct bulkhead_life op = {.domid = (uint16_t)platform_argument(name, 0)};
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_RESTART, &op), 0);
    while (op.restarts == 0 && ticks() < end) {
        CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_LIFE, &op), 0);
    }
    CHECK_EQUAL(op.restarts, 1);
}

static void the_servers_are_restarted_on_request(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    shared = (volatile struct shared_info *)shared_info_map();
    while (!wait_for(BELL) && ticks() < end) {
    }
    restart("store");
    restart("consoles");
    send_event(BELL);
}

int main(uint64_t x0)
{
    static const struct test client[] = {
        {"the_launch_left_a_ring", the_launch_left_a_ring},   {"the_first_tree_is_there", the_first_tree_is_there},
        {"others_homes_are_closed", others_homes_are_closed}, {"values_go_round", values_go_round},
        {"transactions_conflict", transactions_conflict},     {"watches_bring_events", watches_bring_events},
        {"the_share_has_an_end", the_share_has_an_end},
    };
    static const struct test hostile[] = {{"the_launch_left_a_ring", the_launch_left_a_ring},
                                          {"bad_rings_end_and_begin_anew", bad_rings_end_and_begin_anew},
                                          {"the_share_has_an_end", the_share_has_an_end}};

    static const struct test restarted[] = {{"the_launch_left_a_ring", the_launch_left_a_ring},
                                            {"a_restarted_client_begins_anew", a_restarted_client_begins_anew},
                                            {"the_first_tree_is_there", the_first_tree_is_there},
                                            {"the_share_has_an_end", the_share_has_an_end}};

    static const struct test served[] = {{"the_launch_left_a_ring", the_launch_left_a_ring},
                                         {"restarted_servers_serve_on", restarted_servers_serve_on}};
    static const struct test control[] = {
        {"the_servers_are_restarted_on_request", the_servers_are_restarted_on_request}};

    platform_init(x0);
    role = (uint32_t)platform_argument("role", 1);
    if (role == 3) {
        test_run(restarted, sizeof(restarted) / sizeof(restarted[0]));
    }
    if (role == 4) {
        test_run(served, sizeof(served) / sizeof(served[0]));
    }
    if (role == 5) {
        test_run(control, sizeof(control) / sizeof(control[0]));
    }
    peer = (uint32_t)platform_argument("peer", 0);
    if (role == 2) {
        test_run(hostile, sizeof(hostile) / sizeof(hostile[0]));
    }
    test_run(client, sizeof(client) / sizeof(client[0]));
}
