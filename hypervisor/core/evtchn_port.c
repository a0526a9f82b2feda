/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: their records, and what they are bound to.
 * [impl->dsn~evtchn-ports~1] [impl->dsn~evtchn-bind~1] */
#include "core/evtchn_internal.h"
#include "core/physmap.h"
#include "core/pool.h"

static struct spinlock bindings_lock; /* rank 8 */

void evtchn_bindings_lock(void) NO_THREAD_SAFETY
{
    spin_lock(&bindings_lock);
}

void evtchn_bindings_unlock(void) NO_THREAD_SAFETY
{
    spin_unlock(&bindings_lock);
}

static struct vcpu *vcpu_find(const struct domain *d, uint32_t id)
{
    return (id < d->max_vcpus) ? domain_vcpu(d, index_nospec(id, d->max_vcpus)) : NULL;
}

/* ---- records ---- */

static struct port_page *page_of(const struct domain *d, uint32_t port)
{
    struct port_page *dir = d->evtchn.dirs[port / (PORTS_A_PAGE * PAGES_A_DIR)];

    return (dir != NULL) ? &dir[port / PORTS_A_PAGE % PAGES_A_DIR] : NULL;
}

static bool has_record(const struct domain *d, uint32_t port)
{
    const struct port_page *page = page_of(d, port);

    return page != NULL && page->ports != NULL;
}

/* The port that is opened next where none is closed; it may be beyond limit(). */
static uint32_t next_port(const struct domain *d)
{
    return (d->evtchn.next != 0u) ? d->evtchn.next : 1u;
}

static uint32_t limit(const struct domain *d)
{
    uint32_t max = d->evtchn.max_port;

    return (d->evtchn.fifo == NULL && max > TWO_LEVEL_MAX) ? TWO_LEVEL_MAX : max;
}

static void give(struct domain *d, mfn_t frame)
{
    if (frame.v != MFN_NONE.v) {
        spin_lock(&d->physmap_lock);
        pool_free(d, frame);
        spin_unlock(&d->physmap_lock);
    }
}

/* Records for the page of the next port, unless somebody else was faster. */
static void install(struct domain *d, mfn_t *page, mfn_t *dir)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t port;

    evtchn_bindings_lock();
    port = next_port(d);
    if (port < EVTCHN_PORTS && !has_record(d, port)) {
        uint32_t n = port / (PORTS_A_PAGE * PAGES_A_DIR);

        if (e->dirs[n] == NULL && dir->v != MFN_NONE.v) {
            e->dirs[n] = arch_map_frame(*dir);
            e->dir_frames[n] = *dir;
            *dir = MFN_NONE;
        }
        if (e->dirs[n] != NULL) {
            struct port_page *to = page_of(d, port);

            to->ports = arch_map_frame(*page);
            to->frame = *page;
            *page = MFN_NONE;
            __atomic_store_n(&e->next, port, __ATOMIC_RELEASE); /* port 0 has a record too */
        }
    }
    evtchn_bindings_unlock();
}

/* A page of records, and one for pages when the first of its kind is due. */
static err_t grow(struct domain *d, uint32_t port)
{
    mfn_t page;
    mfn_t dir = MFN_NONE;
    err_t err;

    spin_lock(&d->physmap_lock);
    err = pool_alloc(d, &page);
    if (err == OK && port / PORTS_A_PAGE % PAGES_A_DIR == 0u) {
        err = pool_alloc(d, &dir);
        if (err != OK) {
            pool_free(d, page);
        }
    }
    spin_unlock(&d->physmap_lock);
    if (err == OK) {
        install(d, &page, &dir);
        give(d, page);
        give(d, dir);
    }
    return err;
}

/* A record for one more port.  -NOMEM.  Where there can be no more, taking one tells. */
static err_t make_room(struct domain *d)
{
    uint32_t port;
    bool needed;

    evtchn_bindings_lock();
    port = next_port(d);
    needed = d->evtchn.free_head == 0u && port <= limit(d) && !has_record(d, port);
    evtchn_bindings_unlock();
    return needed ? grow(d, port) : OK;
}

/* A port that nobody had, or that was closed, is open.  Context: bindings lock. */
static void start_record(struct domain *d, struct port *p)
{
    p->unplaced = 0;
    __atomic_store_n(&p->early, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&p->min_interval, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&p->not_before, 0u, __ATOMIC_RELAXED);
    d->evtchn.open++;
}

/* A closed port of d.  Context: bindings lock.  -NOSPC, -SRCH d ends, ERR_RESTART its record went to somebody else. */
static err_t take(struct domain *d, uint32_t *port, struct port **p)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t n = e->free_head;

    if (domain_state(d) == DOMAIN_DYING) {
        return ERR_SRCH;
    }
    if (e->cursor != 0u) {
        return ERR_BUSY; /* a reset is under way */
    }
    if (n == 0u) {
        n = next_port(d);
        if (n > limit(d)) {
            return ERR_NOSPC;
        }
        if (!has_record(d, n)) {
            return ERR_RESTART;
        }
        __atomic_store_n(&e->next, n + 1u, __ATOMIC_RELEASE);
    }
    *port = n;
    *p = port_find(d, n);
    ASSERT(*p != NULL);
    if (e->free_head != 0u) {
        e->free_head = binding_unpack((*p)->binding).port;
    }
    start_record(d, *p);
    return OK;
}

/* The next port, which has room for its record: `port`, or one that is closed.  Context: bindings lock. */
static void pass(struct domain *d, uint32_t port)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t n = next_port(d);
    struct port *p = port_at(d, n);

    __atomic_store_n(&e->next, n + 1u, __ATOMIC_RELEASE);
    if (n == port) {
        start_record(d, p);
    } else {
        port_bind(p, (struct binding){.status = EVTCHNSTAT_closed, .port = e->free_head});
        e->free_head = n;
    }
}

err_t evtchn_reach(struct domain *d, uint32_t port)
{
    if (port < next_port(d)) {
        return ERR_EXIST;
    }
    if (port > limit(d)) {
        return ERR_NOSPC;
    }
    for (uint32_t i = 0; i < EVTCHN_STEP; i++) {
        uint32_t n = next_port(d);
        err_t err = has_record(d, n) ? OK : grow(d, n);

        if (err != OK) {
            return err;
        }
        evtchn_bindings_lock();
        pass(d, port);
        evtchn_bindings_unlock();
        if (n == port) {
            return OK;
        }
    }
    return ERR_RESTART;
}

/* A new port with this binding. */
static err_t open(struct domain *d, struct binding b, uint32_t *port)
{
    struct port *p;
    err_t err = make_room(d);

    if (err == OK) {
        evtchn_bindings_lock();
        err = take(d, port, &p);
        if (err == OK) {
            port_bind(p, b);
        }
        evtchn_bindings_unlock();
    }
    return err;
}

/* ---- binding ---- */

err_t evtchn_alloc_unbound(struct domain *d, uint32_t remote, uint32_t *port)
{
    struct binding b = {
        .status = EVTCHNSTAT_unbound, .priority = EVTCHN_FIFO_PRIORITY_DEFAULT, .domid = (uint16_t)remote};

    return open(d, b, port);
}

/* Context: bindings lock. */
static err_t connect(struct domain *d, struct domain *r, uint32_t remote_port, uint32_t *port)
{
    struct port *q = port_find(r, remote_port);
    struct binding far;
    struct port *p;
    err_t err;

    if (q == NULL) {
        return ERR_INVAL;
    }
    far = binding_unpack(q->binding);
    if (far.status != EVTCHNSTAT_unbound || far.domid != d->id || domain_state(r) == DOMAIN_DYING) {
        return ERR_INVAL;
    }
    err = take(d, port, &p);
    if (err == OK) {
        port_bind(p, (struct binding){.status = EVTCHNSTAT_interdomain,
                                      .priority = EVTCHN_FIFO_PRIORITY_DEFAULT,
                                      .domid = r->id,
                                      .port = remote_port});
        far.status = EVTCHNSTAT_interdomain;
        far.port = *port;
        port_bind(q, far);
    }
    return err;
}

err_t evtchn_bind_interdomain(struct domain *d, struct domain *r, uint32_t remote_port, uint32_t *port)
{
    struct port *p;
    err_t err = make_room(d);

    if (err == OK) {
        evtchn_bindings_lock();
        err = connect(d, r, remote_port, port);
        evtchn_bindings_unlock();
    }
    if (err == OK) {
        p = port_find(d, *port);
        evtchn_raise(d, *port, p, port_load(p)); /* what the peer sent before is not lost */
    }
    return err;
}

static bool is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

err_t evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    struct vcpu *v = vcpu_find(d, vcpu);
    struct port *p;
    uint32_t *place;
    err_t err;

    if (virq >= EVTCHN_VIRQS || (is_global(virq) && vcpu != 0u)) {
        return ERR_INVAL;
    }
    if (v == NULL) {
        return ERR_NOENT;
    }
    place = &v->evtchn.virqs[index_nospec(virq, EVTCHN_VIRQS)];
    err = make_room(d);
    if (err != OK) {
        return err;
    }
    evtchn_bindings_lock();
    err = (*place != 0u) ? ERR_EXIST : take(d, port, &p);
    if (err == OK) {
        port_bind(p, (struct binding){.status = EVTCHNSTAT_virq,
                                      .vcpu = (uint8_t)vcpu,
                                      .priority = EVTCHN_FIFO_PRIORITY_DEFAULT,
                                      .port = virq});
        __atomic_store_n(place, *port, __ATOMIC_RELEASE);
    }
    evtchn_bindings_unlock();
    return err;
}

err_t evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port)
{
    struct binding b = {.status = EVTCHNSTAT_ipi, .vcpu = (uint8_t)vcpu, .priority = EVTCHN_FIFO_PRIORITY_DEFAULT};

    return (vcpu_find(d, vcpu) != NULL) ? open(d, b, port) : ERR_NOENT;
}

/* ---- changing ---- */

static bool may_move(struct binding b)
{
    return b.status == EVTCHNSTAT_unbound || b.status == EVTCHNSTAT_interdomain ||
           (b.status == EVTCHNSTAT_virq && is_global(b.port));
}

err_t evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
{
    struct port *p = port_find(d, port);
    struct binding b;
    err_t err = ERR_INVAL;

    if (vcpu_find(d, vcpu) == NULL) {
        return ERR_NOENT;
    }
    if (p == NULL) {
        return ERR_INVAL;
    }
    evtchn_bindings_lock();
    b = binding_unpack(p->binding);
    if (may_move(b)) {
        b.vcpu = (uint8_t)vcpu;
        port_bind(p, b);
        err = OK;
    }
    evtchn_bindings_unlock();
    return err;
}

err_t evtchn_set_priority(struct domain *d, uint32_t port, uint32_t priority)
{
    struct port *p = port_find(d, port);
    struct binding b;
    err_t err = OK;

    if (p == NULL) {
        return ERR_INVAL;
    }
    evtchn_bindings_lock();
    b = binding_unpack(p->binding);
    if (d->evtchn.fifo == NULL) {
        err = ERR_NOSYS;
    } else if (priority > EVTCHN_FIFO_PRIORITY_MIN) {
        err = ERR_INVAL;
    } else if (b.status != EVTCHNSTAT_closed) { /* a closed port gets the default when it is opened */
        b.priority = (uint8_t)priority;
        port_bind(p, b);
    }
    evtchn_bindings_unlock();
    return err;
}

/* ---- status ---- */

err_t evtchn_status(struct domain *d, struct evtchn_status *s)
{
    const struct port *p = port_find(d, s->port);
    struct binding b;

    if (p == NULL) {
        return ERR_INVAL;
    }
    b = binding_unpack(port_load(p));
    s->status = b.status;
    s->vcpu = b.vcpu;
    switch (b.status) {
    case EVTCHNSTAT_unbound:
        s->u.unbound.dom = b.domid;
        break;
    case EVTCHNSTAT_interdomain:
        s->u.interdomain.dom = b.domid;
        s->u.interdomain.port = b.port;
        break;
    case EVTCHNSTAT_virq:
        s->u.virq = b.port;
        break;
    default:
        break;
    }
    return OK;
}

/* ---- closing ---- */

/* Context: bindings lock.  The peer of a bound port has not closed its own ports, so it is there. */
static void close_peer(const struct domain *d, struct binding b)
{
    struct domain *r = domain_at((b.domid == DOMID_BOOT) ? SLOT_BOOT : b.domid);
    struct port *q = port_find(r, b.port);
    struct binding far = binding_unpack(q->binding);

    far.status = EVTCHNSTAT_unbound;
    far.domid = d->id;
    far.port = 0;
    port_bind(q, far);
}

static err_t close_locked(struct domain *d, uint32_t port)
{
    struct port *p = port_find(d, port);
    struct binding b = {.status = EVTCHNSTAT_closed};

    if (p != NULL) {
        b = binding_unpack(p->binding);
    }
    switch (b.status) {
    case EVTCHNSTAT_closed:
        return ERR_INVAL;
    case EVTCHNSTAT_interdomain:
        close_peer(d, b);
        break;
    case EVTCHNSTAT_virq:
        __atomic_store_n(&domain_vcpu(d, is_global(b.port) ? 0u : b.vcpu)->evtchn.virqs[b.port], 0u, __ATOMIC_RELEASE);
        break;
    default:
        break;
    }
    port_bind(p, (struct binding){.status = EVTCHNSTAT_closed, .vcpu = b.vcpu, .port = d->evtchn.free_head});
    evtchn_clear_pending(d, port, p);
    d->evtchn.free_head = port;
    d->evtchn.open--;
    return OK;
}

err_t evtchn_close(struct domain *d, uint32_t port)
{
    err_t err;

    evtchn_bindings_lock();
    err = close_locked(d, port);
    evtchn_bindings_unlock();
    return err;
}

/* The port at the cursor.  false = that was the last. */
static bool close_next(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;
    bool more = true;

    evtchn_bindings_lock();
    e->cursor = (e->cursor != 0u) ? e->cursor : 1u;
    if (e->cursor < e->next) {
        (void)close_locked(d, e->cursor);
        e->cursor++;
    } else {
        ASSERT(e->open == 0u); /* no port opens while the cursor is set */
        e->free_head = 0;
        __atomic_store_n(&e->next, (e->next != 0u) ? 1u : 0u, __ATOMIC_RELEASE);
        e->cursor = 0;
        more = false;
    }
    evtchn_bindings_unlock();
    return more;
}

err_t evtchn_reset(struct domain *d)
{
    for (uint32_t i = 0; i < EVTCHN_STEP; i++) {
        if (!close_next(d)) {
            evtchn_fifo_end(d);
            return OK;
        }
    }
    return ERR_RESTART;
}
