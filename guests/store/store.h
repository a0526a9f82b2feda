/* SPDX-License-Identifier: Apache-2.0 */
/* The xenstore: a tree of small values that domains use to find their devices, spoken to in the protocol of
 * xen/io/xs_wire.h.  This part is pure: no hypercall, no ring; ring.c carries the messages.
 * All memory is fixed.  Every client has a share of each kind of it that nobody else can use (STORE_*_EACH), and the
 * launch has one, so no client can make another one's request fail.
 * [impl->dsn~store-protocol~1] [impl->dsn~store-quota~1] */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/xs_wire.h>

#define STORE_CLIENTS       32u  /* domains served; client 0 is the launch */
#define STORE_LAUNCH        0u   /* the client whose requests the launch wrote: may do everything */
#define STORE_PATH_MAX      256u /* bytes of an absolute path, NUL included */
#define STORE_NAME_MAX      64u  /* of one of its parts */
#define STORE_TOKEN_MAX     64u
#define STORE_PERMS         5u /* entries of a node's permissions */
#define STORE_BLOCK_BYTES   64u
#define STORE_NODES_LAUNCH  4096u
#define STORE_NODES_EACH    256u
#define STORE_BLOCKS_LAUNCH 6144u
#define STORE_BLOCKS_EACH   512u
#define STORE_WATCHES_EACH  96u
#define STORE_EVENTS_EACH   48u
#define STORE_TRANSACTIONS  8u   /* open ones a client */
#define STORE_CHANGES_EACH  128u /* nodes that a client's transactions look at */

/* A reply: an error that is not 0 goes out as XS_ERROR. */
struct store_reply {
    uint32_t size;
    uint8_t data[XENSTORE_PAYLOAD_MAX];
};

/* What INTRODUCE told of a client. */
struct store_client_info {
    uint16_t domid;
    uint32_t port; /* the client's end of the event channel; 0 = not introduced */
};

/* Empty: the root only. */
void store_init(void);

/* Answer one request.  size: payload bytes, at most XENSTORE_PAYLOAD_MAX.  reply gets the whole answer, header says
 * its type and length.  Bound: one walk over the tree, and over the client's watches for each node that changes. */
void store_request(uint32_t client, const struct xsd_sockmsg *request, const uint8_t *payload,
                   struct xsd_sockmsg *header, struct store_reply *reply);

/* The next event for a client, as a message; false: none waits. */
bool store_next_event(uint32_t client, struct xsd_sockmsg *header, struct store_reply *event);

/* The client's watches, events and transactions are gone: its ring starts anew. */
void store_forget(uint32_t client);

/* The client was restarted: its back ends' devices are new to their drivers, which take up the rings of the front ends where
 * they are.  Bound: one walk over the client's back ends. */
void store_restarted(uint32_t client);

/* Clients that were introduced are 1..store_client_count(). */
uint32_t store_client_count(void);
struct store_client_info store_client(uint32_t client);

#endif
