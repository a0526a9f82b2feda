/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels: their part of a domain and of a vCPU.
 * [impl->dsn~evtchn-ports~1] */
#ifndef CORE_EVTCHN_TYPES_H
#define CORE_EVTCHN_TYPES_H

#include "lib/spinlock.h"
#include "lib/types.h"

#define EVTCHN_PRIORITIES 16u
#define EVTCHN_VIRQS      24u
#define EVTCHN_DIRS       2u   /* 512 pages of 128 ports each */
#define EVTCHN_WORD_PAGES 128u /* FIFO: 1,024 event words each */

struct port_dir;
struct evtchn_fifo_control_block;
struct shared_info;
struct vcpu_info;

enum evtchn_abi {
    EVTCHN_TWO_LEVEL = 0,
    EVTCHN_FIFO = 1,
    EVTCHN_FIFO_ENDS = 2, /* its pages are being let go */
};

/* "bindings lock": the one of core/evtchn_port.c. */
struct evtchn_domain {
    struct spinlock lock; /* rank 9: delivery to the domain; what its guest shares is used under it only */
    uint32_t abi;         /* atomic, written under lock: enum evtchn_abi */
    uint32_t word_pages;  /* guarded by lock */
    uint32_t *words[EVTCHN_WORD_PAGES]; /* guarded by lock: event words, in frames that are held */
    struct port_dir *dirs[EVTCHN_DIRS]; /* written under physmap_lock; what `next` covers stays */
    uint32_t next;              /* atomic (release), written under the bindings lock: ports [1, next) have records */
    uint32_t max_port;          /* const: highest port by the creator's will */
    uint32_t free_head;         /* atomic, written under the bindings lock: a closed port, 0 = none */
    uint32_t open;              /* guarded by the bindings lock: ports in use */
    struct shared_info *shared; /* const */
    uint64_t pollers[2];        /* atomic: vCPUs that wait in SCHEDOP_poll */
    uint64_t early;             /* atomic (relaxed): events that came before their channel's min-interval was over */
};

/* "lock": the domain's. */
struct evtchn_vcpu {
    struct vcpu_info *info;                    /* guarded by lock; NULL = none: pending bits only */
    struct evtchn_fifo_control_block *control; /* guarded by lock; NULL = none; in a frame that is held */
    bool info_held;                            /* guarded by lock: a registered area, not shared_info's */
    uint32_t tail[EVTCHN_PRIORITIES];          /* guarded by lock: last port linked, 0 = none */
    uint32_t virqs[EVTCHN_VIRQS];              /* atomic, written under the bindings lock: port, 0 = unbound */
    uint32_t poll_port;                        /* atomic: 0 = several */
    uint32_t held;                             /* atomic: stack of ports with an event held back */
};

#endif
