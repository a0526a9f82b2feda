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
#define PAGES_A_DIR   512u
#define PORTS_A_DIR   (PAGES_A_DIR * PORTS_A_PAGE)
#define WORDS_A_PAGE  1024u
#define TWO_LEVEL_MAX 4095u
static_assert(PORTS_A_DIR * EVTCHN_DIRS == EVTCHN_PORTS, "a record for every port");
static_assert(WORDS_A_PAGE * EVTCHN_WORD_PAGES == EVTCHN_PORTS, "an event word for every port");
static_assert(EVTCHN_FIFO_NR_CHANNELS == EVTCHN_PORTS && EVTCHN_2L_NR_CHANNELS == TWO_LEVEL_MAX + 1u, "ABI");
static_assert(EVTCHN_FIFO_MAX_QUEUES == EVTCHN_PRIORITIES, "ABI");

/* What an end is bound to: one word of its record. */
struct binding {
    uint8_t status; /* EVTCHNSTAT_* */
    uint8_t vcpu;
    uint8_t priority;
    uint16_t domid; /* interdomain: the peer; unbound: who may become it */
    uint32_t
        port; /* the peer's (unbound: as it was, or is to be; 0 not known); virq: the number; closed: the next closed one */
};
#define BINDING_WAY UINT64_C(0xffff00) /* vcpu and priority: how an event goes, not what it means */

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
    uint8_t unplaced;      /* guarded by the event lock: pending, without an event word yet */
    uint8_t queue_vcpu;    /* guarded by the event lock: FIFO: where it was linked last */
    uint8_t queue_priority;
};
static_assert(sizeof(struct port) * PORTS_A_PAGE == PAGE_SIZE, "a page of ports");

struct port_dir {
    struct port *pages[PAGES_A_DIR];
};
static_assert(sizeof(struct port_dir) == PAGE_SIZE, "a page of pages");

/* What an event means beyond its bits. */
enum raise {
    RAISE_NOTHING = 0,
    RAISE_NEW = 1u << 0,    /* it was not pending before */
    RAISE_UPCALL = 1u << 1, /* the vCPU is to be interrupted */
    RAISE_FAULT = 1u << 2,  /* the guest kept changing the word */
};

static inline uint64_t port_load(const struct port *p)
{
    return __atomic_load_n(&p->binding, __ATOMIC_ACQUIRE);
}

/* What p is bound to; p NULL: closed. */
static inline struct binding port_binding(const struct port *p)
{
    return (p != NULL) ? binding_unpack(port_load(p)) : (struct binding){.status = EVTCHNSTAT_closed};
}

/* Context: bindings lock. */
static inline void port_bind(struct port *p, struct binding b)
{
    __atomic_store_n(&p->binding, binding_pack(b), __ATOMIC_RELEASE);
}

/* The record of a port that d has or had. */
static inline struct port *port_at(const struct domain *d, uint32_t port)
{
    return &d->evtchn.dirs[port / PORTS_A_DIR]->pages[port / PORTS_A_PAGE % PAGES_A_DIR][port % PORTS_A_PAGE];
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

static inline bool evtchn_is_fifo(const struct domain *d)
{
    return __atomic_load_n(&d->evtchn.abi, __ATOMIC_ACQUIRE) == EVTCHN_FIFO;
}

static inline struct vcpu *evtchn_vcpu_find(const struct domain *d, uint32_t id)
{
    return (id < d->max_vcpus) ? domain_vcpu(d, (uint32_t)index_nospec(id, d->max_vcpus)) : NULL;
}

/* A word that a guest may change at the same time loses `clear` and gets `set`; *old = what it was.  false = it kept
 * changing.  Bound: EVTCHN_TRIES.  Bitmaps of 64-bit words are taken as words of 32 bits too. */
bool guest_retry(uint32_t *word, uint32_t clear, uint32_t set, uint32_t *old);
static inline bool guest_update(uint32_t *word, uint32_t clear, uint32_t set, uint32_t *old)
{
    *old = __atomic_load_n(word, __ATOMIC_RELAXED);
    return LIKELY(__atomic_compare_exchange_n(word, old, (*old & ~clear) | set, true, __ATOMIC_SEQ_CST,
                                              __ATOMIC_RELAXED)) ||
           guest_retry(word, clear, set, old);
}

/* ---- evtchn_area.c ---- */

/* The hypervisor's view of `size` bytes at offset in frame gfn of d, which is held from now on.  NULL: misaligned, across
 * pages, or no RAM that d may write. */
void *evtchn_hold(struct domain *d, gfn_t gfn, uint32_t offset, size_t size);
void evtchn_let_go(const void *view);

/* ---- evtchn_port.c ---- */

extern struct spinlock evtchn_bindings; /* the bindings lock */
/* remote_port of r, which waits for d to bind to it; NULL = it does not.  Context: bindings lock. */
struct port *evtchn_waiting(const struct domain *d, const struct domain *r, uint32_t remote_port);
/* q, which waited, is bound to port.  Context: bindings lock. */
void evtchn_join(struct port *q, uint32_t port);
/* `port` has a record that is closed and in no list; new ports below it are closed.  Context: the only one who opens
 * ports of d.  -EEXIST a port from `port` on was opened before, -NOSPC, -NOMEM, ERR_RESTART.  Bound: EVTCHN_STEP ports. */
err_t evtchn_reach(struct domain *d, uint32_t port) MUST_CHECK;

/* ---- evtchn_send.c ---- */

/* An event at d's port, whose binding was seen to be `binding`; nothing if it changed its meaning meanwhile. */
void evtchn_raise(struct domain *d, uint32_t port, struct port *p, uint64_t binding);
/* The same without a look at min-interval. */
void evtchn_deliver(struct domain *d, uint32_t port, struct port *p, uint64_t binding);
/* v of d has a pending event to look at: RAISE_UPCALL unless it knows. */
enum raise evtchn_mark(const struct domain *d, struct vcpu *v) REQUIRES(d->evtchn.lock);
/* Do what outcome asks for: interrupt v, or end its domain. */
void evtchn_tell(struct vcpu *v, enum raise outcome) EXCLUDES(v->domain->evtchn.lock);
void evtchn_clear_pending(struct domain *d, uint32_t port, struct port *p) EXCLUDES(d->evtchn.lock);

/* ---- evtchn_fifo.c ---- */

#define WORD_PENDING ((uint32_t)BIT(EVTCHN_FIFO_PENDING))
#define WORD_MASKED  ((uint32_t)BIT(EVTCHN_FIFO_MASKED))
#define WORD_LINKED  ((uint32_t)BIT(EVTCHN_FIFO_LINKED))
#define WORD_LINK    ((uint32_t)EVTCHN_FIFO_LINK_MASK)

/* The event word of port; NULL = not given by the guest yet. */
uint32_t *evtchn_fifo_word(const struct domain *d, uint32_t port) REQUIRES(d->evtchn.lock);
/* A pending event is to be in v's queue unless it is masked. */
enum raise evtchn_fifo_enqueue(const struct domain *d, struct vcpu *v, uint32_t port, struct port *p)
    REQUIRES(d->evtchn.lock);
/* The event, LINKED by the caller, joins v's queue of that priority; v has a control block. */
enum raise evtchn_fifo_join(const struct domain *d, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority)
    REQUIRES(d->evtchn.lock);
/* Back to two-level. */
void evtchn_fifo_end(struct domain *d) EXCLUDES(d->evtchn.lock);

/* ---- evtchn_limit.c ---- */

/* The event is delivered, or put aside if it comes too soon.  */
void evtchn_raise_limited(struct domain *d, uint32_t port, struct port *p, uint64_t binding);

#endif
