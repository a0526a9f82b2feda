/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of event channels. */
#ifndef CORE_EVTCHN_INTERNAL_H
#define CORE_EVTCHN_INTERNAL_H

#include "arch/contract/arch.h"
#include "core/evtchn.h"
#include "lib/bits.h"

#include <xen/xen.h>
#include <xen/event_channel.h>

#define PORTS_A_PAGE  128u
#define PAGES_A_DIR   256u
#define WORDS_A_PAGE  1024u
#define FIFO_PAGES    (EVTCHN_PORTS / WORDS_A_PAGE)
#define TWO_LEVEL_MAX 4095u
static_assert(PORTS_A_PAGE * PAGES_A_DIR * EVTCHN_DIRS == EVTCHN_PORTS, "a record for every port");
static_assert(EVTCHN_FIFO_NR_CHANNELS == EVTCHN_PORTS && EVTCHN_2L_NR_CHANNELS == TWO_LEVEL_MAX + 1u, "ABI");
static_assert(EVTCHN_FIFO_MAX_QUEUES == EVTCHN_PRIORITIES, "ABI");

/* What an end is bound to: one word of its record. */
struct binding {
    uint8_t status; /* EVTCHNSTAT_* */
    uint8_t vcpu;
    uint8_t priority;
    uint16_t domid; /* interdomain: the peer; unbound: who may become it */
    uint32_t port;  /* interdomain: the peer's; virq: the number; closed: the next closed one.  17 bits */
};

static inline uint64_t binding_pack(struct binding b)
{
    return (uint64_t)b.status | (uint64_t)b.vcpu << 8 | (uint64_t)b.priority << 16 | (uint64_t)b.domid << 24 |
           (uint64_t)b.port << 40;
}
static inline struct binding binding_unpack(uint64_t w)
{
    return (struct binding){.status = (uint8_t)w,
                            .vcpu = (uint8_t)(w >> 8),
                            .priority = (uint8_t)(w >> 16),
                            .domid = (uint16_t)(w >> 24),
                            .port = (uint32_t)(w >> 40)};
}

struct port {
    uint64_t binding;      /* atomic, written under the bindings lock: struct binding */
    uint64_t not_before;   /* atomic (relaxed): an event before this tick is too early */
    uint32_t min_interval; /* atomic (relaxed): ticks, 0 = no limit */
    uint32_t early;        /* atomic (relaxed): events that were */
    uint32_t next_held;    /* in a list of held back events: the next port */
    uint8_t held;          /* atomic: it is in such a list */
    uint8_t unplaced;      /* pending, without an event word yet.  Written under an event lock */
    uint8_t queue_vcpu;    /* FIFO: where it was linked last.  Written by who set LINKED */
    uint8_t queue_priority;
};
static_assert(sizeof(struct port) * PORTS_A_PAGE == PAGE_SIZE, "a page of ports");

struct port_page {
    struct port *ports; /* written once, under the bindings lock */
    mfn_t frame;
};
static_assert(sizeof(struct port_page) * PAGES_A_DIR == PAGE_SIZE, "a page of pages");

struct evtchn_fifo {
    uint32_t *words[FIFO_PAGES]; /* atomic (release), written under the bindings lock */
    mfn_t frames[FIFO_PAGES];    /* held */
    uint32_t pages;              /* guarded by the bindings lock */
    mfn_t memory;                /* const: frame of this structure */
};
static_assert(sizeof(struct evtchn_fifo) <= PAGE_SIZE, "a frame of the pool");

/* What an event means beyond its bits. */
enum raise {
    RAISE_NOTHING = 0,
    RAISE_NEW = 1u << 0,    /* it was not pending before */
    RAISE_UPCALL = 1u << 1, /* the vCPU is to be interrupted */
    RAISE_MOVE = 1u << 2,   /* FIFO: it was in another vCPU's queue before */
    RAISE_FAULT = 1u << 3,  /* the guest kept changing the word */
};

static inline uint64_t port_load(const struct port *p)
{
    return __atomic_load_n(&p->binding, __ATOMIC_ACQUIRE);
}

/* Context: bindings lock. */
static inline void port_bind(struct port *p, struct binding b)
{
    __atomic_store_n(&p->binding, binding_pack(b), __ATOMIC_RELEASE);
}

/* The record of a port that d has or had. */
static inline struct port *port_at(const struct domain *d, uint32_t port)
{
    return &d->evtchn.dirs[port / (PORTS_A_PAGE * PAGES_A_DIR)][port / PORTS_A_PAGE % PAGES_A_DIR]
                .ports[port % PORTS_A_PAGE];
}

/* The record of port; NULL = d has no such port.  Port 0 is always closed. */
static inline struct port *port_find(const struct domain *d, uint32_t port)
{
    uint32_t limit = __atomic_load_n(&d->evtchn.next, __ATOMIC_ACQUIRE);

    if (UNLIKELY(port >= limit)) {
        return NULL;
    }
    return port_at(d, (uint32_t)index_nospec(port, limit));
}

/* A word that a guest may change at the same time loses `clear` and gets `set`; *old = what it was.  false = it kept
 * changing.  Bound: EVTCHN_TRIES. */
bool guest_retry32(uint32_t *word, uint32_t clear, uint32_t set, uint32_t *old);
bool guest_retry64(uint64_t *word, uint64_t clear, uint64_t set, uint64_t *old);
static inline bool guest_update32(uint32_t *word, uint32_t clear, uint32_t set, uint32_t *old)
{
    *old = __atomic_load_n(word, __ATOMIC_RELAXED);
    return LIKELY(__atomic_compare_exchange_n(word, old, (*old & ~clear) | set, true, __ATOMIC_SEQ_CST,
                                              __ATOMIC_RELAXED)) ||
           guest_retry32(word, clear, set, old);
}
static inline bool guest_update64(uint64_t *word, uint64_t clear, uint64_t set, uint64_t *old)
{
    *old = __atomic_load_n(word, __ATOMIC_RELAXED);
    return LIKELY(__atomic_compare_exchange_n(word, old, (*old & ~clear) | set, true, __ATOMIC_SEQ_CST,
                                              __ATOMIC_RELAXED)) ||
           guest_retry64(word, clear, set, old);
}

/* ---- evtchn_port.c ---- */

/* Frame gfn of d, held, with the hypervisor's view of it at offset.  -EINVAL. */
err_t evtchn_hold(struct domain *d, gfn_t gfn, uint32_t offset, mfn_t *frame, void **view) MUST_CHECK;
void evtchn_bindings_lock(void);
void evtchn_bindings_unlock(void);
/* `port` has a record that is closed and in no list; new ports below it are closed.  Context: the only one who opens
 * ports of d.  -EEXIST a port from `port` on was opened before, -NOSPC, -NOMEM, ERR_RESTART.  Bound: EVTCHN_STEP ports. */
err_t evtchn_reach(struct domain *d, uint32_t port) MUST_CHECK;
/* After this nobody uses what d's records and areas said before.  Bound: vCPUs of d, a lock wait each. */
void evtchn_quiesce(struct domain *d);

/* ---- evtchn_send.c ---- */

/* An event at d's port, whose binding was seen to be `binding`; nothing if it changed its meaning meanwhile. */
void evtchn_raise(struct domain *d, uint32_t port, struct port *p, uint64_t binding);
/* The same without a look at min-interval. */
void evtchn_deliver(struct domain *d, uint32_t port, struct port *p, uint64_t binding);
/* v has a pending event to look at: RAISE_UPCALL unless it knows. */
enum raise evtchn_mark(struct vcpu *v) REQUIRES(v->evtchn.lock);
/* Do what outcome asks for: interrupt v, or end its domain. */
void evtchn_tell(struct vcpu *v, enum raise outcome) EXCLUDES(v->evtchn.lock);
void evtchn_clear_pending(struct domain *d, uint32_t port, struct port *p);

/* ---- evtchn_fifo.c ---- */

enum raise evtchn_fifo_set(struct evtchn_fifo *f, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority)
    REQUIRES(v->evtchn.lock);
/* RAISE_MOVE: the event leaves the vCPU where it was last for v. */
enum raise evtchn_fifo_move(struct domain *d, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority)
    EXCLUDES(v->evtchn.lock);
enum raise evtchn_fifo_unmask(struct evtchn_fifo *f, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority)
    REQUIRES(v->evtchn.lock);
/* The event word of port; NULL = not given by the guest yet. */
uint32_t *evtchn_fifo_word(struct evtchn_fifo *f, uint32_t port);
/* Back to two-level. */
void evtchn_fifo_end(struct domain *d);

/* ---- evtchn_limit.c ---- */

/* The event comes too soon and was put aside.  */
bool evtchn_hold_back(struct domain *d, uint32_t port, struct port *p, uint64_t binding);

#endif
