/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <guest/string.h>

#define HEADER ((uint32_t)sizeof(struct xsd_sockmsg))

static void after_index(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void clear(struct ring *ring)
{
    ring->in_used = 0;
    ring->out_used = 0;
    ring->out = 0;
    ring->is_broken = false;
}

void ring_open(struct ring *ring, uint32_t client, volatile struct xenstore_domain_interface *page)
{
    ring->client = client;
    ring->page = page;
    ring->taken = page->req_cons;
    ring->put = page->rsp_prod;
    clear(ring);
    page->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR;
}

/* The client has lost its state, as after a boot loader: everything of it is forgotten. */
static bool reconnect(struct ring *ring)
{
    volatile struct xenstore_domain_interface *page = ring->page;

    if (page->connection != XENSTORE_RECONNECT) {
        return false;
    }
    store_forget(ring->client);
    clear(ring);
    ring->taken = 0;
    ring->put = 0;
    page->req_cons = 0;
    page->req_prod = 0;
    page->rsp_cons = 0;
    page->rsp_prod = 0;
    page->error = XENSTORE_ERROR_NONE;
    after_index();
    page->connection = XENSTORE_CONNECTED;
    return true;
}

static void break_off(struct ring *ring, uint32_t error)
{
    ring->is_broken = true;
    ring->page->error = error;
    store_forget(ring->client);
}

/* Up to `most` bytes of what the client has sent. */
static uint32_t take(struct ring *ring, uint8_t *to, uint32_t most)
{
    uint32_t has = ring->page->req_prod - ring->taken;
    uint32_t count = (has < most) ? has : most;

    if (has > XENSTORE_RING_SIZE) {
        break_off(ring, XENSTORE_ERROR_RINGIDX);
        return 0;
    }
    after_index();
    for (uint32_t i = 0; i < count; i++) {
        to[i] = (uint8_t)ring->page->req[MASK_XENSTORE_IDX(ring->taken + i)];
    }
    after_index();
    ring->taken += count;
    ring->page->req_cons = ring->taken;
    return count;
}

/* As much of `from` as there is room for. */
static uint32_t give(struct ring *ring, const uint8_t *from, uint32_t size)
{
    uint32_t waits = ring->put - ring->page->rsp_cons;
    uint32_t room = XENSTORE_RING_SIZE - waits;
    uint32_t count = (room < size) ? room : size;

    if (waits > XENSTORE_RING_SIZE) {
        break_off(ring, XENSTORE_ERROR_RINGIDX);
        return 0;
    }
    after_index();
    for (uint32_t i = 0; i < count; i++) {
        ring->page->rsp[MASK_XENSTORE_IDX(ring->put + i)] = (char)from[i];
    }
    after_index();
    ring->put += count;
    ring->page->rsp_prod = ring->put;
    return count;
}

/* True: some bytes of the answer went out. */
static bool send(struct ring *ring)
{
    uint32_t before = ring->out;

    if (ring->out < HEADER) {
        ring->out += give(ring, (const uint8_t *)&ring->out_header + ring->out, HEADER - ring->out);
    }
    if (ring->out >= HEADER && ring->out < ring->out_used) {
        ring->out += give(ring, &ring->reply.data[ring->out - HEADER], ring->out_used - ring->out);
    }
    return ring->out != before;
}

/* True: some bytes of a request came. */
static bool receive(struct ring *ring)
{
    uint32_t before = ring->in_used;

    if (ring->in_used < HEADER) {
        ring->in_used += take(ring, (uint8_t *)&ring->in_header + ring->in_used, HEADER - ring->in_used);
    }
    if (ring->in_used >= HEADER && ring->in_header.len > XENSTORE_PAYLOAD_MAX) {
        break_off(ring, XENSTORE_ERROR_PROTO);
    } else if (ring->in_used >= HEADER && ring->in_used < HEADER + ring->in_header.len) {
        ring->in_used += take(ring, &ring->in[ring->in_used - HEADER], HEADER + ring->in_header.len - ring->in_used);
    }
    return ring->in_used != before;
}

static void begin_answer(struct ring *ring)
{
    ring->out = 0;
    ring->out_used = HEADER + ring->out_header.len;
}

bool ring_serve(struct ring *ring)
{
    bool moved = reconnect(ring);

    if (ring->is_broken) {
        return false;
    }
    if (ring->out == ring->out_used && store_next_event(ring->client, &ring->out_header, &ring->reply)) {
        begin_answer(ring);
    }
    if (ring->out == ring->out_used) {
        moved = receive(ring) || moved;
        if (!ring->is_broken && ring->in_used >= HEADER && ring->in_used == HEADER + ring->in_header.len) {
            store_request(ring->client, &ring->in_header, ring->in, &ring->out_header, &ring->reply);
            ring->in_used = 0;
            begin_answer(ring);
        }
    }
    if (!ring->is_broken && ring->out != ring->out_used) {
        moved = send(ring) || moved;
    }
    return moved || ring->is_broken;
}
