/* SPDX-License-Identifier: Apache-2.0 */
/* One client's ring: messages in and out of a page that the client can change at any time.
 * Each index of the client is read once a step and checked; our own are kept where it cannot reach.
 * [impl->dsn~store-ring~1] */
#ifndef STORE_RING_H
#define STORE_RING_H

#include "store.h"

struct ring {
    volatile struct xenstore_domain_interface *page; /* shared with the client */
    uint32_t client;
    uint32_t taken, put;    /* our indices: of requests, of answers */
    uint32_t in_used;       /* bytes of the request that have come */
    uint32_t out_used, out; /* bytes of the answer, and those that have gone */
    bool is_broken;         /* the client has broken the protocol: not served until it asks to begin anew */
    struct xsd_sockmsg in_header, out_header;
    uint8_t in[XENSTORE_PAYLOAD_MAX];
    struct store_reply reply;
};

/* The page is there: what is in it already is served. */
void ring_open(struct ring *ring, uint32_t client, volatile struct xenstore_domain_interface *page);

/* Move what can be moved and answer at most one request.  True: something was moved, and the client must be told. */
bool ring_serve(struct ring *ring);

#endif
