/* SPDX-License-Identifier: Apache-2.0 */
/* The FIFO ABI: events of a vCPU in 16 linked queues through event words in the guest's memory.
 *
 * Whoever sets LINKED in an event's word owns the event until the guest, having reached it, clears LINKED; it puts the
 * event behind the queue's tail if the guest has not passed the tail yet, else makes it the head.  The tail is
 * remembered here; the guest's links are written, never followed.
 * Modelled in tests/proof/evtchn_fifo.pml.
 * [impl->dsn~evtchn-fifo~1] */
#include "core/evtchn_internal.h"
#include "core/physmap.h"
#include "core/pool.h"

#define WORD_PENDING ((uint32_t)BIT(EVTCHN_FIFO_PENDING))
#define WORD_MASKED  ((uint32_t)BIT(EVTCHN_FIFO_MASKED))
#define WORD_LINKED  ((uint32_t)BIT(EVTCHN_FIFO_LINKED))
#define WORD_BUSY    ((uint32_t)BIT(EVTCHN_FIFO_BUSY))
#define WORD_LINK    ((uint32_t)EVTCHN_FIFO_LINK_MASK)
#define LINK_TRIES   4u /* before and after BUSY */

enum link {
    LINK_DONE,
    LINK_GONE,   /* the guest has passed the tail */
    LINK_FAILED, /* the guest keeps changing the word */
};

uint32_t *evtchn_fifo_word(struct evtchn_fifo *f, uint32_t port)
{
    uint32_t *page = __atomic_load_n(&f->words[port / WORDS_A_PAGE % FIFO_PAGES], __ATOMIC_ACQUIRE);

    return (page != NULL) ? &page[port % WORDS_A_PAGE] : NULL;
}

/* ---- linking ---- */

static enum link try_link(uint32_t *tail, uint32_t port)
{
    uint32_t seen = __atomic_load_n(tail, __ATOMIC_RELAXED);

    for (uint32_t i = 0; i < LINK_TRIES; i++) {
        if ((seen & WORD_LINKED) == 0u) {
            return LINK_GONE;
        }
        if (LIKELY(__atomic_compare_exchange_n(tail, &seen, (seen & ~(WORD_BUSY | WORD_LINK)) | port, true,
                                               __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))) {
            return LINK_DONE;
        }
    }
    return LINK_FAILED;
}

/* port becomes what follows the tail.  BUSY asks the guest to leave the word alone.  Bound: 2 * LINK_TRIES +
 * 2 * EVTCHN_TRIES attempts; one where nobody else changes the word. */
static NOINLINE enum link link_busy(uint32_t *tail, uint32_t port)
{
    enum link result;
    uint32_t old;

    if (!guest_update32(tail, 0, WORD_BUSY, &old)) {
        return LINK_FAILED;
    }
    result = try_link(tail, port);
    if (result != LINK_DONE && !guest_update32(tail, WORD_BUSY, 0, &old)) {
        return LINK_FAILED;
    }
    return result;
}

static enum link set_link(uint32_t *tail, uint32_t port)
{
    enum link result = try_link(tail, port);

    return LIKELY(result != LINK_FAILED) ? result : link_busy(tail, port);
}

/* LINKED is ours.  LINK_GONE: it is another's. */
static enum link take_link(uint32_t *word)
{
    uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

    for (uint32_t i = 0; i < EVTCHN_TRIES; i++) {
        if ((seen & WORD_LINKED) != 0u) {
            return LINK_GONE;
        }
        if (LIKELY(__atomic_compare_exchange_n(word, &seen, (seen & ~WORD_LINK) | WORD_LINKED, true, __ATOMIC_SEQ_CST,
                                               __ATOMIC_RELAXED))) {
            return LINK_DONE;
        }
    }
    return LINK_FAILED;
}

/* The event, LINKED by us, joins a queue of v. */
static enum raise append(struct evtchn_fifo *f, struct vcpu *v, uint32_t port, uint32_t priority)
    REQUIRES(v->evtchn.lock)
{
    struct evtchn_fifo_control_block *control = v->evtchn.control;
    uint32_t tail = v->evtchn.tail[priority];
    uint32_t *word = (tail != 0u && tail != port) ? evtchn_fifo_word(f, tail) : NULL;
    enum link linked = (word != NULL) ? set_link(word, port) : LINK_GONE;
    uint32_t old;

    v->evtchn.tail[priority] = port;
    if (linked == LINK_DONE) {
        return RAISE_NOTHING; /* the guest is on its way to it */
    }
    if (linked == LINK_FAILED) {
        return RAISE_FAULT;
    }
    __atomic_store_n(&control->head[priority], port, __ATOMIC_RELEASE);
    if (!guest_update32(&control->ready, 0, (uint32_t)BIT(priority), &old)) {
        return RAISE_FAULT;
    }
    return ((old & BIT(priority)) == 0u) ? evtchn_mark(v) : RAISE_NOTHING;
}

/* The event is in no queue any more; its last queue must not link to it as its tail. */
static void forget_tail(struct vcpu *v, uint32_t port, const struct port *p) REQUIRES(v->evtchn.lock)
{
    uint32_t *tail = &v->evtchn.tail[p->queue_priority % EVTCHN_PRIORITIES];

    if (*tail == port) {
        *tail = 0;
    }
}

/* A pending event whose word said `seen` is to be in a queue. */
static enum raise enqueue(struct evtchn_fifo *f, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority,
                          uint32_t seen) REQUIRES(v->evtchn.lock)
{
    enum link taken;

    if ((seen & (WORD_MASKED | WORD_LINKED)) != 0u || v->evtchn.control == NULL) {
        return RAISE_NOTHING; /* unmask links it */
    }
    if (UNLIKELY(__atomic_load_n(&p->queue_vcpu, __ATOMIC_RELAXED) != v->id)) {
        return RAISE_MOVE;
    }
    taken = take_link(evtchn_fifo_word(f, port));
    if (UNLIKELY(taken != LINK_DONE)) {
        return (taken == LINK_GONE) ? RAISE_NOTHING : RAISE_FAULT;
    }
    if (UNLIKELY(p->queue_priority != priority)) {
        forget_tail(v, port, p);
        p->queue_priority = (uint8_t)priority;
    }
    return append(f, v, port, priority);
}

enum raise evtchn_fifo_set(struct evtchn_fifo *f, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority)
{
    uint32_t *word = evtchn_fifo_word(f, port);
    enum raise fresh;
    uint32_t old;

    if (UNLIKELY(word == NULL)) {
        p->unplaced = 1; /* evtchn_place() */
        return RAISE_NOTHING;
    }
    if (UNLIKELY(!guest_update32(word, 0, WORD_PENDING, &old))) {
        return RAISE_FAULT;
    }
    fresh = ((old & WORD_PENDING) == 0u) ? RAISE_NEW : RAISE_NOTHING;
    return fresh | enqueue(f, v, port, p, priority, old);
}

enum raise evtchn_fifo_unmask(struct evtchn_fifo *f, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority)
{
    uint32_t *word = evtchn_fifo_word(f, port);
    uint32_t old;

    if (word == NULL) {
        return RAISE_NOTHING;
    }
    if (!guest_update32(word, WORD_MASKED, 0, &old)) {
        return RAISE_FAULT;
    }
    return ((old & WORD_PENDING) != 0u) ? enqueue(f, v, port, p, priority, old & ~WORD_MASKED) : RAISE_NOTHING;
}

enum raise evtchn_fifo_move(struct domain *d, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority)
{
    struct vcpu *from = domain_vcpu(d, __atomic_load_n(&p->queue_vcpu, __ATOMIC_RELAXED));
    enum link taken = LINK_GONE;
    enum raise outcome = RAISE_NOTHING;
    struct evtchn_fifo *f;
    uint32_t *word;

    spin_lock(&from->evtchn.lock);
    f = __atomic_load_n(&d->evtchn.fifo, __ATOMIC_ACQUIRE);
    word = (f != NULL) ? evtchn_fifo_word(f, port) : NULL;
    if (word != NULL && __atomic_load_n(&p->queue_vcpu, __ATOMIC_RELAXED) == from->id) {
        taken = take_link(word);
    }
    if (taken == LINK_DONE) {
        forget_tail(from, port, p);
        p->queue_priority = (uint8_t)priority;
        __atomic_store_n(&p->queue_vcpu, (uint8_t)v->id, __ATOMIC_RELAXED);
    }
    spin_unlock(&from->evtchn.lock);
    if (taken != LINK_DONE) {
        return (taken == LINK_FAILED) ? RAISE_FAULT : RAISE_NOTHING;
    }
    spin_lock(&v->evtchn.lock);
    f = __atomic_load_n(&d->evtchn.fifo, __ATOMIC_ACQUIRE);
    if (f != NULL && v->evtchn.control != NULL) {
        outcome = append(f, v, port, priority);
    }
    spin_unlock(&v->evtchn.lock);
    return outcome;
}

/* ---- areas ---- */

/* The first control block makes a domain a FIFO one.  Context: bindings lock. */
static void place_control(struct domain *d, struct vcpu *v, mfn_t *frame, void *view, mfn_t *memory)
{
    struct evtchn_vcpu *e = &v->evtchn;

    if (d->evtchn.fifo == NULL) {
        struct evtchn_fifo *f = arch_map_frame(*memory);

        f->memory = *memory;
        *memory = MFN_NONE;
        __atomic_store_n(&d->evtchn.fifo, f, __ATOMIC_RELEASE);
    }
    spin_lock(&v->evtchn.lock);
    if (e->control == NULL) {
        e->control = view;
        e->control_frame = *frame;
        *frame = MFN_NONE;
    }
    spin_unlock(&v->evtchn.lock);
}

/* One frame for struct evtchn_fifo if d is two-level yet. */
static err_t get_memory(struct domain *d, mfn_t *memory)
{
    err_t err = OK;

    *memory = MFN_NONE;
    if (__atomic_load_n(&d->evtchn.fifo, __ATOMIC_ACQUIRE) == NULL) {
        spin_lock(&d->physmap_lock);
        err = pool_alloc(d, memory);
        spin_unlock(&d->physmap_lock);
    }
    return err;
}

static void give_memory(struct domain *d, mfn_t memory)
{
    if (memory.v != MFN_NONE.v) {
        spin_lock(&d->physmap_lock);
        pool_free(d, memory);
        spin_unlock(&d->physmap_lock);
    }
}

err_t evtchn_init_control(struct domain *d, uint32_t vcpu, gfn_t gfn, uint32_t offset)
{
    struct vcpu *v = (vcpu < d->max_vcpus) ? domain_vcpu(d, index_nospec(vcpu, d->max_vcpus)) : NULL;
    mfn_t frame;
    mfn_t memory;
    void *view;
    err_t err;

    if (v == NULL) {
        return ERR_NOENT;
    }
    if (offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || !IS_ALIGNED(offset, 8u)) {
        return ERR_INVAL;
    }
    err = evtchn_hold(d, gfn, offset, &frame, &view);
    if (err != OK) {
        return err;
    }
    err = get_memory(d, &memory);
    if (err == OK) {
        evtchn_bindings_lock();
        if (domain_state(d) != DOMAIN_DYING && (d->evtchn.fifo != NULL || memory.v != MFN_NONE.v)) {
            place_control(d, v, &frame, view, &memory);
        }
        evtchn_bindings_unlock();
        give_memory(d, memory);
        err = (frame.v == MFN_NONE.v) ? OK : ERR_INVAL;
    }
    if (frame.v != MFN_NONE.v) {
        physmap_release(frame);
    }
    return err;
}

err_t evtchn_expand_array(struct domain *d, gfn_t gfn, uint32_t *first)
{
    struct evtchn_fifo *f;
    void *view;
    mfn_t frame;
    err_t err;

    if (__atomic_load_n(&d->evtchn.fifo, __ATOMIC_ACQUIRE) == NULL) {
        return ERR_OPNOTSUPP;
    }
    err = evtchn_hold(d, gfn, 0, &frame, &view);
    if (err != OK) {
        return err;
    }
    evtchn_bindings_lock();
    f = d->evtchn.fifo;
    if (f == NULL || domain_state(d) == DOMAIN_DYING) {
        err = ERR_OPNOTSUPP;
    } else if (f->pages == FIFO_PAGES) {
        err = ERR_NOSPC;
    } else {
        *first = f->pages * WORDS_A_PAGE;
        f->frames[f->pages] = frame;
        __atomic_store_n(&f->words[f->pages], view, __ATOMIC_RELEASE);
        f->pages++;
    }
    evtchn_bindings_unlock();
    if (err != OK) {
        physmap_release(frame);
    } else {
        evtchn_quiesce(d); /* who found no word has said so in the record */
    }
    return err;
}

/* An event that came while the domain was two-level: its bit is not looked at any more. */
static bool take_two_level(struct domain *d, uint32_t port)
{
    uint64_t bit = BIT(port % 64u);
    uint64_t *word = &d->evtchn.shared->evtchn_pending[port / 64u % 64u];
    uint64_t old;

    return port <= TWO_LEVEL_MAX && (__atomic_load_n(word, __ATOMIC_RELAXED) & bit) != 0u &&
           guest_update64(word, bit, 0, &old);
}

err_t evtchn_place(struct domain *d, uint32_t *port)
{
    for (uint32_t i = 0; i < EVTCHN_STEP; i++) {
        struct port *p = port_find(d, *port);

        if (p == NULL) {
            return OK;
        }
        if (take_two_level(d, *port) || __atomic_load_n(&p->unplaced, __ATOMIC_RELAXED) != 0u) {
            p->unplaced = 0;
            evtchn_deliver(d, *port, p, port_load(p));
        }
        (*port)++;
        if (*port % WORDS_A_PAGE == 0u) {
            return OK;
        }
    }
    return ERR_RESTART;
}

/* v's queues are empty and nowhere. */
static void drop_control(struct vcpu *v)
{
    struct evtchn_vcpu *e = &v->evtchn;
    bool held;

    spin_lock(&v->evtchn.lock);
    held = e->control != NULL;
    e->control = NULL;
    for (uint32_t i = 0; i < EVTCHN_PRIORITIES; i++) {
        e->tail[i] = 0;
    }
    spin_unlock(&v->evtchn.lock);
    if (held) {
        physmap_release(e->control_frame);
    }
}

void evtchn_fifo_end(struct domain *d)
{
    struct evtchn_fifo *f;

    evtchn_bindings_lock();
    f = d->evtchn.fifo;
    __atomic_store_n(&d->evtchn.fifo, NULL, __ATOMIC_RELEASE);
    evtchn_bindings_unlock();
    if (f == NULL) {
        return;
    }
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        if (domain_vcpu(d, i) != NULL) {
            drop_control(domain_vcpu(d, i)); /* and nobody uses f from here on */
        }
    }
    for (uint32_t i = 0; i < f->pages; i++) {
        physmap_release(f->frames[i]);
    }
    give_memory(d, f->memory);
}
