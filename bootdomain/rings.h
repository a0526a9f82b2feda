/* SPDX-License-Identifier: Apache-2.0 */
/* Rings that a domain has from its start: to the store, and to the domain that serves its console.  Each is a page of the
 * domain, granted by a reserved entry, an event channel, and two HVM parameters that name them.
 * [impl->dsn~boot-rings~1] */
#ifndef BOOTDOMAIN_RINGS_H
#define BOOTDOMAIN_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

enum ring_kind {
    RING_CONSOLE = 0,
    RING_STORE = 1,
    RING_KINDS = 2
}; /* also: reserved grant, and page of the magic pages */

/* Whether domain `index` has a ring of the kind. */
bool rings_has(const struct plan *plan, enum ring_kind kind, uint32_t index);
/* Index of the domain that serves the kind; plan->count = none. */
uint32_t rings_server(const struct plan *plan, enum ring_kind kind);
/* Bytes of RAM that its rings take beside its memory. */
uint64_t rings_bytes(const struct plan *plan, uint32_t index);
/* Port of its end, and of the server's end, of the ring's event channel. */
uint32_t rings_port(const struct plan *plan, enum ring_kind kind, uint32_t index);
uint32_t rings_server_port(const struct plan *plan, enum ring_kind kind, uint32_t index);

/* ---- rings_make.c ---- */

/* Bind the domain's ends of its rings' channels, and of all channels that it serves. */
int64_t rings_bind(const struct plan *plan, uint32_t index);
/* Who serves its console gets the right to. */
void rings_hand_over(const struct plan *plan, uint32_t index, uint16_t domid);
/* Pages, grants and parameters of its rings.  magic: guest-physical address of the pages. */
int64_t rings_seed(const struct plan *plan, uint32_t index, uint16_t domid, uint64_t magic);

#endif
