/* SPDX-License-Identifier: Apache-2.0 */
/* The store domain, and the console domain: one program, one domain each.
 * What to do comes in the ramdisk: requests in the protocol of xenstore, done in the name of the launch.  INTRODUCE names
 * a client of the store, CONTROL "console" a domain whose console is served; the number of each one's event channel
 * here is in the request.  A client's page is mapped when its first event comes: so it is there.  It is mapped again when
 * the client was restarted: its memory is new then, and what was mapped is an empty page.
 * [impl->dsn~store-domain~1] [impl->dsn~store-restarted-client~1] [impl->dsn~store-restarted-back-end~1]
 * [impl->dsn~store-restarted-server~1] */
#include <guest/fdt.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/xen_time.h>

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/sched.h>

#include "console.h"
#include "ring.h"

#define PAGE        UINT64_C(4096)
#define MAP_PAGE    256u        /* pages of the region for grants from which on pages are mapped */
#define MARK        0x6b6c7562u /* "bulk" */
#define CLIENTS_MAX (STORE_CLIENTS - 1u)

enum service { SERVICE_STORE, SERVICE_CONSOLE };

static struct peer {
    enum service service;
    uint16_t domid;
    uint32_t port;   /* ours */
    uint32_t client; /* of the store */
    bool is_mapped;
    uint32_t handle; /* of the mapping */
    struct ring ring;
    struct served_console console;
} peers[CLIENTS_MAX];
static uint32_t peer_count;
static uint32_t poll_ports[CLIENTS_MAX + 1u];
static uint32_t console_port; /* of input; 0 = no console is served */
static volatile struct shared_info *shared;

/* ---- machine ---- */

static void write_console(uint16_t domid, const char *text, uint32_t count)
{
    struct bulkhead_console op = {.domid = domid, .count = count, .buffer = (uint64_t)text};

    (void)bulkhead_op(BULKHEAD_OP_CONSOLE, &op);
}

static uint32_t read_console(uint16_t domid, char *text, uint32_t most)
{
    struct bulkhead_console op = {
        .domid = domid, .flags = BULKHEAD_CONSOLE_READ, .count = most, .buffer = (uint64_t)text};

    return (bulkhead_op(BULKHEAD_OP_CONSOLE, &op) == 0) ? op.count : 0u;
}

static const struct served_machine machine = {.write = write_console, .read = read_console};

static void notify(uint32_t port)
{
    struct evtchn_send op = {.port = port};

    (void)event_channel_op(EVTCHNOP_send, &op);
}

/* Whether an event came at the port since the last time. */
static bool take_event(uint32_t port)
{
    uint64_t bit = UINT64_C(1) << (port % 64u);

    return (__atomic_fetch_and(&shared->evtchn_pending[port / 64u], ~bit, __ATOMIC_SEQ_CST) & bit) != 0u;
}

/* ---- clients ---- */

static uint64_t page_of(const struct peer *peer)
{
    return platform.grant_base + (MAP_PAGE + (uint64_t)(peer - peers)) * PAGE;
}

/* At the end of a mapped page, where no ring is: it goes when the client's memory begins anew. */
static volatile uint32_t *mark_of(const struct peer *peer)
{
    return (volatile uint32_t *)(page_of(peer) + PAGE - sizeof(uint32_t));
}

/* The client was restarted, and what is mapped is not its page any more. */
static void let_go(struct peer *peer)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = page_of(peer), .handle = peer->handle};

    (void)grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
    peer->is_mapped = false;
    if (peer->service == SERVICE_STORE) {
        store_forget(peer->client);
        store_restarted(peer->client);
    }
}

static void map(struct peer *peer)
{
    bool is_store = peer->service == SERVICE_STORE;
    struct gnttab_map_grant_ref op = {.host_addr = page_of(peer),
                                      .flags = GNTMAP_host_map,
                                      .ref = is_store ? GNTTAB_RESERVED_XENSTORE : GNTTAB_RESERVED_CONSOLE,
                                      .dom = peer->domid};

    if (grant_table_op(GNTTABOP_map_grant_ref, &op, 1) != 0 || op.status != GNTST_okay) {
        return; /* its next event is another chance */
    }
    peer->is_mapped = true;
    peer->handle = op.handle;
    *mark_of(peer) = MARK;
    if (is_store) {
        ring_open(&peer->ring, peer->client, (volatile struct xenstore_domain_interface *)op.host_addr);
    } else {
        console_open(&peer->console, peer->domid, (volatile struct xencons_interface *)op.host_addr);
    }
}

/* One step for one client; true: there may be more. */
static bool serve(struct peer *peer)
{
    bool moved = false;

    if (peer->is_mapped) {
        moved = (peer->service == SERVICE_STORE) ? ring_serve(&peer->ring) : console_serve(&peer->console, &machine);
    }
    if (moved) {
        notify(peer->port);
    }
    return moved;
}

/* Everybody in turn, one request each, until nobody has one. */
static void serve_all(void)
{
    bool more = true;

    while (more) {
        more = false;
        for (uint32_t i = 0; i < peer_count; i++) {
            bool has_event = take_event(peers[i].port);
            if (has_event && peers[i].is_mapped && *mark_of(&peers[i]) != MARK) {
                let_go(&peers[i]);
            }
            if (has_event && !peers[i].is_mapped) {
                map(&peers[i]);
            }
            more = serve(&peers[i]) || more;
        }
    }
}

static void wait(void)
{
    struct sched_poll op = {.nr_ports = peer_count + ((console_port != 0u) ? 1u : 0u)};

    poll_ports[peer_count] = console_port;
    op.ports.p = poll_ports;
    (void)sched_op(SCHEDOP_poll, &op);
    if (console_port != 0u) {
        (void)take_event(console_port);
    }
}

/* ---- what the launch wrote ---- */

static bool add_peer(enum service service, uint16_t domid, uint32_t port)
{
    if (peer_count == CLIENTS_MAX || port == 0u || port >= 64u * 64u) {
        return false;
    }
    peers[peer_count].service = service;
    peers[peer_count].domid = domid;
    peers[peer_count].port = port;
    peers[peer_count].client = store_client_count();
    poll_ports[peer_count] = port;
    peer_count++;
    return true;
}

static uint32_t number(const char *text)
{
    uint32_t value = 0;

    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10u + (uint32_t)(*text - '0');
    }
    return value;
}

/* "console", domid, port */
static bool add_console(const char *payload, uint32_t size)
{
    const char *domid = memchr(payload, 0, size);
    const char *port = (domid == NULL) ? NULL : memchr(domid + 1, 0, size - (uint32_t)(domid + 1 - payload));

    return port != NULL && strcmp(payload, "console") == 0 &&
           add_peer(SERVICE_CONSOLE, (uint16_t)number(domid + 1), number(port + 1));
}

static bool perform(const struct xsd_sockmsg *request, const uint8_t *payload)
{
    static struct store_reply reply;
    struct xsd_sockmsg header;

    if (request->type == XS_CONTROL) {
        return add_console((const char *)payload, request->len);
    }
    store_request(STORE_LAUNCH, request, payload, &header, &reply);
    if (request->type == XS_INTRODUCE && header.type != XS_ERROR) {
        struct store_client_info info = store_client(store_client_count());
        return add_peer(SERVICE_STORE, info.domid, info.port);
    }
    return header.type != XS_ERROR;
}

/* False: a request cannot be done, or is cut. */
static bool read_launch(const uint8_t *at, uint64_t size)
{
    static uint8_t payload[XENSTORE_PAYLOAD_MAX + 1u]; /* always ended by a NUL */
    struct xsd_sockmsg request;

    while (size >= sizeof(request)) {
        memcpy(&request, at, sizeof(request));
        at += sizeof(request);
        size -= sizeof(request);
        if (request.len > XENSTORE_PAYLOAD_MAX || request.len > size) {
            return false;
        }
        memcpy(payload, at, request.len);
        payload[request.len] = 0;
        at += request.len;
        size -= request.len;
        if (!perform(&request, payload)) {
            return false;
        }
    }
    return size == 0u;
}

static void bind_input(void)
{
    struct evtchn_bind_virq op = {.virq = VIRQ_CONSOLE};

    for (uint32_t i = 0; i < peer_count && console_port == 0u; i++) {
        if (peers[i].service == SERVICE_CONSOLE && event_channel_op(EVTCHNOP_bind_virq, &op) == 0) {
            console_port = op.port;
        }
    }
}

int main(uint64_t x0)
{
    const uint8_t *data = NULL;
    uint64_t size = 0;

    platform_init(x0);
    store_init();
    shared = shared_info_map();
    if (shared == NULL || !dt_ramdisk((const void *)x0, &data, &size) || !read_launch(data, size)) {
        print("store: the launch gave no tree that can be read; build the image again\n");
        shutdown(SHUTDOWN_crash);
    }
    bind_input();
    print("store: %u clients\n", (unsigned)peer_count);
    for (;;) {
        serve_all();
        wait();
    }
}
