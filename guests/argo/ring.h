/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's side of Argo: one ring to read from, messages to others, waiting for either. */
#ifndef ARGO_RING_H
#define ARGO_RING_H

#include <stdint.h>

#include <xen/xen.h>
#include <xen/argo.h>

#define RING_MAX 4080u /* bytes of data that a message may have */

struct message {
    struct xen_argo_addr source;
    uint32_t type;
    uint32_t bytes;
    uint8_t data[RING_MAX];
};

/* A ring at port for messages of partner, a domid or XEN_ARGO_DOMID_ANY.  0 or a negative Xen errno. */
int64_t ring_open(uint32_t port, domid_t partner);

/* The next message; waits for it. */
void ring_receive(struct message *m);

/* bytes of data to `to`; waits for space, and for the other one to have its ring.  Bytes sent or a negative Xen errno. */
int64_t ring_send(struct xen_argo_addr to, uint32_t type, const void *data, uint32_t bytes);

#endif
