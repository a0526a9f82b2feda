/* SPDX-License-Identifier: Apache-2.0 */
/* The FIFO ABI: events of a vCPU in 16 linked queues through event words in the guest's memory.
 *
 * Whoever sets LINKED in an event's word owns the event until the guest, having reached it, clears LINKED; it puts the
 * event behind the queue's tail if the guest has not passed the tail yet, else makes it the head.  The tail is
 * remembered here; the guest's links are written, never followed.
 * Modelled in tests/proof/evtchn_fifo.pml.
 * [impl->dsn~evtchn-fifo~1] */
#include "core/evtchn_internal.h"
#include "lib/string.h"

#define WORD_BUSY  ((uint32_t)BIT(EVTCHN_FIFO_BUSY))
#define LINK_TRIES 4u /* before and after BUSY */

enum link {
    LINK_DONE,
    LINK_GONE,   /* the guest has passed the tail; or LINKED is another's */
    LINK_FAILED, /* the guest keeps changing the word */
};

uint32_t *evtchn_fifo_word(const struct domain *d, uint32_t port)
{
    uint32_t *page = d->evtchn.words[port / WORDS_A_PAGE % EVTCHN_WORD_PAGES];

    return (page != NULL) ? &page[port % WORDS_A_PAGE] : NULL;
}

/* ---- linking ---- */

/* While LINKED is as wanted, `clear` goes and `set` comes.  LINK_GONE: it is not. */
static enum link change(uint32_t *word, uint32_t wanted, uint32_t clear, uint32_t set, uint32_t tries)
{
    uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

    for (uint32_t i = 0; i < tries; i++) { /* bound: EVTCHN_TRIES */
        if ((seen & WORD_LINKED) != wanted) {
            return LINK_GONE;
        }
        if (LIKELY(__atomic_compare_exchange_n(word, &seen, (seen & ~clear) | set, true, __ATOMIC_SEQ_CST,
                                               __ATOMIC_RELAXED))) {
            return LINK_DONE;
        }
    }
    return LINK_FAILED;
}

/* port becomes what follows the tail.  BUSY asks the guest to leave the word alone.  Bound: 2 * LINK_TRIES +
 * 2 * EVTCHN_TRIES attempts; one where nobody else changes the word. */
COLD static enum link set_link(uint32_t *tail, uint32_t port)
{
    enum link result = change(tail, WORD_LINKED, WORD_BUSY | WORD_LINK, port, LINK_TRIES);
    uint32_t old;

    if (UNLIKELY(result == LINK_FAILED) && guest_update(tail, 0, WORD_BUSY, &old)) {
        result = change(tail, WORD_LINKED, WORD_BUSY | WORD_LINK, port, LINK_TRIES);
        if (result != LINK_DONE && !guest_update(tail, WORD_BUSY, 0, &old)) {
            result = LINK_FAILED;
        }
    }
    return result;
}

/* The event, LINKED by us, joins a queue of v. */
static enum raise append(const struct domain *d, struct vcpu *v, uint32_t port, uint32_t priority)
    REQUIRES(d->evtchn.lock)
{
    struct evtchn_fifo_control_block *control = v->evtchn.control;
    uint32_t tail = v->evtchn.tail[priority];
    uint32_t *word = (tail != 0u && tail != port) ? evtchn_fifo_word(d, tail) : NULL;
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
    if (!guest_update(&control->ready, 0, (uint32_t)BIT(priority), &old)) {
        return RAISE_FAULT;
    }
    return ((old & BIT(priority)) == 0u) ? evtchn_mark(d, v) : RAISE_NOTHING;
}

/* The event, which is in no queue any more, goes to another one: its last queue must not link to it as its tail. */
static void move(const struct domain *d, uint32_t vcpu, uint32_t port, struct port *p, uint32_t priority)
    REQUIRES(d->evtchn.lock)
{
    uint32_t *tail = &domain_vcpu(d, p->queue_vcpu)->evtchn.tail[p->queue_priority];

    if (*tail == port) {
        *tail = 0;
    }
    p->queue_vcpu = (uint8_t)vcpu;
    p->queue_priority = (uint8_t)priority;
}

enum raise evtchn_fifo_join(const struct domain *d, struct vcpu *v, uint32_t port, struct port *p, uint32_t priority)
{
    if (UNLIKELY(p->queue_vcpu != v->id || p->queue_priority != priority)) {
        move(d, v->id, port, p, priority);
    }
    return append(d, v, port, priority);
}

COLD enum raise evtchn_fifo_enqueue(const struct domain *d, struct vcpu *v, uint32_t port, struct port *p)
{
    uint32_t *word = evtchn_fifo_word(d, port);
    enum link taken;

    if ((__atomic_load_n(word, __ATOMIC_SEQ_CST) & (WORD_MASKED | WORD_LINKED)) != 0u || v->evtchn.control == NULL) {
        return RAISE_NOTHING; /* unmask links it */
    }
    taken = change(word, 0, WORD_LINK, WORD_LINKED, EVTCHN_TRIES);
    if (UNLIKELY(taken != LINK_DONE)) {
        return (taken == LINK_GONE) ? RAISE_NOTHING : RAISE_FAULT;
    }
    return evtchn_fifo_join(d, v, port, p, port_binding(p).priority % EVTCHN_PRIORITIES);
}

/* ---- areas ---- */

/* The first control block makes a domain a FIFO one. */
COLD err_t evtchn_init_control(struct domain *d, uint32_t vcpu, gfn_t gfn, uint32_t offset)
{
    struct vcpu *v = evtchn_vcpu_find(d, vcpu);
    struct evtchn_domain *e = &d->evtchn;
    err_t err = ERR_INVAL;
    void *view;

    if (v == NULL) {
        return ERR_NOENT;
    }
    view = evtchn_hold(d, gfn, offset, sizeof(struct evtchn_fifo_control_block));
    if (view == NULL) {
        return ERR_INVAL;
    }
    spin_lock(&e->lock);
    if (e->abi != EVTCHN_FIFO_ENDS && v->evtchn.control == NULL && domain_state(d) != DOMAIN_DYING) {
        v->evtchn.control = view;
        __atomic_store_n(&e->abi, EVTCHN_FIFO, __ATOMIC_RELEASE);
        err = OK;
    }
    spin_unlock(&e->lock);
    if (err != OK) {
        evtchn_let_go(view);
    }
    return err;
}

COLD err_t evtchn_expand_array(struct domain *d, gfn_t gfn, uint32_t *first)
{
    struct evtchn_domain *e = &d->evtchn;
    err_t err = OK;
    void *view;

    if (!evtchn_is_fifo(d)) {
        return ERR_OPNOTSUPP;
    }
    view = evtchn_hold(d, gfn, 0, PAGE_SIZE);
    if (view == NULL) {
        return ERR_INVAL;
    }
    spin_lock(&e->lock);
    if (!evtchn_is_fifo(d) || domain_state(d) == DOMAIN_DYING) {
        err = ERR_OPNOTSUPP;
    } else if (e->word_pages == EVTCHN_WORD_PAGES) {
        err = ERR_NOSPC;
    } else {
        *first = e->word_pages * WORDS_A_PAGE;
        e->words[e->word_pages] = view;
        e->word_pages++;
    }
    spin_unlock(&e->lock);
    if (err != OK) {
        evtchn_let_go(view);
    }
    return err;
}

/* The event waits for an event word, or came while the domain was two-level: that bit is not looked at any more. */
COLD static bool take_unplaced(struct domain *d, uint32_t port, struct port *p)
{
    uint32_t bit = (uint32_t)BIT(port % 32u);
    uint32_t *word = (uint32_t *)(void *)d->evtchn.shared->evtchn_pending + port % (TWO_LEVEL_MAX + 1u) / 32u;
    bool unplaced;
    uint32_t old;

    spin_lock(&d->evtchn.lock);
    unplaced = p->unplaced != 0u;
    p->unplaced = 0;
    if (port <= TWO_LEVEL_MAX && (__atomic_load_n(word, __ATOMIC_RELAXED) & bit) != 0u) {
        unplaced = guest_update(word, bit, 0, &old) || unplaced;
    }
    spin_unlock(&d->evtchn.lock);
    return unplaced;
}

COLD err_t evtchn_place(struct domain *d, uint32_t *port)
{
    for (uint32_t i = 0; i < EVTCHN_STEP; i++) {
        struct port *p = port_find(d, *port);

        if (p == NULL) {
            return OK;
        }
        if (take_unplaced(d, *port, p)) {
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
COLD static void drop_control(struct vcpu *v)
{
    const void *control;

    spin_lock(&v->domain->evtchn.lock);
    control = v->evtchn.control;
    v->evtchn.control = NULL;
    memset(v->evtchn.tail, 0, sizeof(v->evtchn.tail));
    spin_unlock(&v->domain->evtchn.lock);
    evtchn_let_go(control);
}

COLD void evtchn_fifo_end(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;
    bool ends;

    spin_lock(&e->lock);
    ends = e->abi == EVTCHN_FIFO;
    if (ends) {
        __atomic_store_n(&e->abi, EVTCHN_FIFO_ENDS, __ATOMIC_RELEASE); /* nobody uses its pages from here on */
    }
    spin_unlock(&e->lock);
    if (!ends) {
        return;
    }
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        if (domain_vcpu(d, i) != NULL) {
            drop_control(domain_vcpu(d, i));
        }
    }
    for (; e->word_pages > 0u; e->word_pages--) {
        evtchn_let_go(e->words[e->word_pages - 1u]);
        e->words[e->word_pages - 1u] = NULL;
    }
    spin_lock(&e->lock);
    __atomic_store_n(&e->abi, EVTCHN_TWO_LEVEL, __ATOMIC_RELEASE);
    spin_unlock(&e->lock);
}
