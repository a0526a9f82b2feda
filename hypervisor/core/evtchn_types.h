/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels: their part of a domain and of a vCPU.
 * [impl->dsn~evtchn-ports~1] */
#ifndef CORE_EVTCHN_TYPES_H
#define CORE_EVTCHN_TYPES_H

#include "lib/spinlock.h"
#include "lib/types.h"

#define EVTCHN_PRIORITIES 16u
#define EVTCHN_VIRQS      24u
#define EVTCHN_DIRS       4u /* 256 pages of 128 ports each */

struct port_page;
struct evtchn_fifo;
struct evtchn_fifo_control_block;
struct shared_info;
struct vcpu_info;

/* "bindings lock": the one of core/evtchn_port.c. */
struct evtchn_domain {
    struct port_page *dirs[EVTCHN_DIRS]; /* written under the bindings lock; what `next` covers stays */
    mfn_t dir_frames[EVTCHN_DIRS];
    uint32_t next;              /* atomic (release), written under the bindings lock: ports [1, next) have records */
    uint32_t max_port;          /* const: highest port by the creator's will */
    uint32_t free_head;         /* guarded by the bindings lock: a closed port, 0 = none */
    uint32_t open;              /* guarded by the bindings lock: ports in use */
    uint32_t cursor;            /* guarded by the bindings lock: next port that a reset looks at, 0 = none runs */
    struct evtchn_fifo *fifo;   /* written under the bindings lock, used under a vCPU's event lock; NULL: two-level */
    struct shared_info *shared; /* const */
    uint64_t pollers[2];        /* atomic: vCPUs that wait in SCHEDOP_poll */
    uint64_t early;             /* atomic (relaxed): events that came before their channel's min-interval was over */
};

struct evtchn_vcpu {
    struct spinlock lock;   /* rank 9: delivery to this vCPU; the areas below are used under it only */
    struct vcpu_info *info; /* NULL = none: pending bits only */
    struct evtchn_fifo_control_block *control; /* NULL = none */
    mfn_t info_frame, control_frame;           /* held while the pointer (but vCPU 0's first info) is set */
    bool info_held;                            /* a registered area, not shared_info's */
    uint32_t tail[EVTCHN_PRIORITIES];          /* guarded by lock: last port linked, 0 = none */
    uint32_t virqs[EVTCHN_VIRQS];              /* atomic, written under the bindings lock: port, 0 = unbound */
    uint32_t poll_port;                        /* atomic: 0 = several */
    uint32_t held;                             /* atomic: stack of ports with an event held back, for home */
    uint32_t waiting;                          /* cpu-local to home: list of them */
};

#endif
