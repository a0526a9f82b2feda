/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: their records, and what they are bound to.
 * [impl->dsn~evtchn-ports~1] [impl->dsn~evtchn-bind~1] */
#include "core/evtchn_internal.h"
#include "core/pool.h"

struct spinlock evtchn_bindings; /* rank 8 */

/* ---- records ---- */

/* The port that is opened next where none is closed; it may be beyond limit(). */
static uint32_t next_port(const struct domain *d)
{
    uint32_t next = __atomic_load_n(&d->evtchn.next, __ATOMIC_RELAXED);

    return (next != 0u) ? next : 1u;
}

static uint32_t limit(const struct domain *d)
{
    uint32_t max = d->evtchn.max_port;

    return (!evtchn_is_fifo(d) && max > TWO_LEVEL_MAX) ? TWO_LEVEL_MAX : max;
}

static bool has_record(const struct domain *d, uint32_t port)
{
    const struct port_dir *dir = d->evtchn.dirs[port / PORTS_A_DIR];

    return dir != NULL && dir->pages[port / PORTS_A_PAGE % PAGES_A_DIR] != NULL;
}

/* Make the page with the record of port, and the one for pages when the first of its kind is due.  -NOMEM. */
static err_t add_record(struct domain *d, uint32_t port) REQUIRES(d->physmap_lock)
{
    struct port_dir **dir = &d->evtchn.dirs[port / PORTS_A_DIR];
    err_t err = OK;
    mfn_t frame;

    if (*dir == NULL) {
        err = pool_alloc(d, &frame);
        *dir = (err == OK) ? arch_map_frame(frame) : NULL;
    }
    if (err == OK && !has_record(d, port)) {
        err = pool_alloc(d, &frame);
        if (err == OK) {
            (*dir)->pages[port / PORTS_A_PAGE % PAGES_A_DIR] = arch_map_frame(frame);
        }
    }
    return err;
}

/* The record of a port that nobody had, or that was closed: it is open.  Context: bindings lock. */
static struct port *start_record(struct domain *d, uint32_t port)
{
    struct port *p = port_at(d, port);

    __atomic_store_n(&p->early, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&p->min_interval, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&p->not_before, 0u, __ATOMIC_RELAXED);
    d->evtchn.open++;
    return p;
}

/* A closed port of d.  Context: bindings lock, d->physmap_lock.  -NOSPC, -NOMEM, -SRCH d ends. */
static err_t take(struct domain *d, uint32_t *port)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t n = e->free_head;

    if (domain_state(d) == DOMAIN_DYING) {
        return ERR_SRCH;
    }
    if (n != 0u) {
        __atomic_store_n(&e->free_head, binding_unpack(port_at(d, n)->binding).port, __ATOMIC_RELAXED);
    } else {
        n = next_port(d);
        if (n > limit(d)) {
            return ERR_NOSPC;
        }
        if (!has_record(d, n)) {
            return ERR_NOMEM;
        }
        __atomic_store_n(&e->next, n + 1u, __ATOMIC_RELEASE);
    }
    *port = n;
    return OK;
}

/* The next port, which has a record: `port`, or one that is closed.  Context: bindings lock. */
static void pass(struct domain *d, uint32_t port)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t n = next_port(d);

    __atomic_store_n(&e->next, n + 1u, __ATOMIC_RELEASE);
    if (n == port) {
        (void)start_record(d, port);
    } else {
        port_bind(port_at(d, n), (struct binding){.status = EVTCHNSTAT_closed, .port = e->free_head});
        __atomic_store_n(&e->free_head, n, __ATOMIC_RELAXED);
    }
}

err_t evtchn_reach(struct domain *d, uint32_t port)
{
    err_t err = (port > limit(d)) ? ERR_NOSPC : OK;

    if (port < next_port(d)) {
        return ERR_EXIST;
    }
    spin_lock(&d->physmap_lock);
    for (uint32_t i = 0; i < EVTCHN_STEP && err == OK && next_port(d) <= port; i++) {
        err = add_record(d, next_port(d));
        if (err == OK) {
            spin_lock(&evtchn_bindings);
            pass(d, port);
            spin_unlock(&evtchn_bindings);
        }
    }
    spin_unlock(&d->physmap_lock);
    return (err == OK && next_port(d) <= port) ? ERR_RESTART : err;
}

/* ---- binding ---- */

struct port *evtchn_waiting(const struct domain *d, const struct domain *r, uint32_t remote_port)
{
    struct port *q = port_find(r, remote_port);
    struct binding b = port_binding(q);

    return (b.status == EVTCHNSTAT_unbound && b.domid == d->id && domain_state(r) != DOMAIN_DYING) ? q : NULL;
}

void evtchn_join(struct port *q, uint32_t port)
{
    struct binding b = binding_unpack(q->binding);

    b.status = EVTCHNSTAT_interdomain;
    b.port = port;
    port_bind(q, b);
}

/* A new port with this binding; interdomain: to r's port that waits for it, virq: the only one.  Context: bindings lock,
 * d->physmap_lock. */
static err_t open_locked(struct domain *d, struct binding b, const struct domain *r, uint32_t *port)
{
    uint32_t *virq = NULL;
    struct port *q = NULL;
    err_t err = OK;

    if (b.status == EVTCHNSTAT_interdomain) {
        q = evtchn_waiting(d, r, b.port);
        err = (q != NULL) ? OK : ERR_INVAL;
    } else if (b.status == EVTCHNSTAT_virq) {
        virq = &domain_vcpu(d, b.vcpu)->evtchn.virqs[b.port];
        err = (*virq == 0u) ? OK : ERR_EXIST;
    }
    err = (err == OK) ? take(d, port) : err;
    if (err != OK) {
        return err;
    }
    b.priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    port_bind(start_record(d, *port), b);
    if (q != NULL) {
        evtchn_join(q, *port);
    } else if (virq != NULL) {
        __atomic_store_n(virq, *port, __ATOMIC_RELEASE);
    }
    return OK;
}

/* A record for it comes from d's pool if no port is closed; where there can be none, taking one tells. */
static err_t open(struct domain *d, struct binding b, const struct domain *r, uint32_t *port)
{
    err_t err;

    spin_lock(&d->physmap_lock); /* nobody else opens ports of d meanwhile */
    if (__atomic_load_n(&d->evtchn.free_head, __ATOMIC_RELAXED) == 0u && next_port(d) <= limit(d)) {
        (void)add_record(d, next_port(d));
    }
    err = LOCKED(&evtchn_bindings, open_locked(d, b, r, port));
    spin_unlock(&d->physmap_lock);
    return err;
}

err_t evtchn_alloc_unbound(struct domain *d, uint32_t remote, uint32_t *port)
{
    return open(d, (struct binding){.status = EVTCHNSTAT_unbound, .domid = (uint16_t)remote}, NULL, port);
}

err_t evtchn_bind_interdomain(struct domain *d, struct domain *r, uint32_t remote_port, uint32_t *port)
{
    struct binding b = {.status = EVTCHNSTAT_interdomain, .domid = r->id, .port = remote_port};
    err_t err = open(d, b, r, port);
    struct port *p = (err == OK) ? port_find(d, *port) : NULL;

    if (p != NULL) {
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
    struct binding b = {.status = EVTCHNSTAT_virq, .vcpu = (uint8_t)vcpu};

    if (virq >= EVTCHN_VIRQS || (is_global(virq) && vcpu != 0u)) {
        return ERR_INVAL;
    }
    b.port = (uint32_t)index_nospec(virq, EVTCHN_VIRQS);
    return (evtchn_vcpu_find(d, vcpu) != NULL) ? open(d, b, NULL, port) : ERR_NOENT;
}

err_t evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port)
{
    struct binding b = {.status = EVTCHNSTAT_ipi, .vcpu = (uint8_t)vcpu};

    return (evtchn_vcpu_find(d, vcpu) != NULL) ? open(d, b, NULL, port) : ERR_NOENT;
}

/* ---- changing ---- */

err_t evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
{
    struct port *p = port_find(d, port);
    struct binding b;
    err_t err = ERR_INVAL;

    if (evtchn_vcpu_find(d, vcpu) == NULL) {
        return ERR_NOENT;
    }
    spin_lock(&evtchn_bindings);
    b = port_binding(p);
    if (b.status == EVTCHNSTAT_unbound || b.status == EVTCHNSTAT_interdomain ||
        (b.status == EVTCHNSTAT_virq && is_global(b.port))) {
        b.vcpu = (uint8_t)vcpu;
        port_bind(p, b);
        err = OK;
    }
    spin_unlock(&evtchn_bindings);
    return err;
}

err_t evtchn_set_priority(struct domain *d, uint32_t port, uint32_t priority)
{
    struct port *p = port_find(d, port);
    struct binding b;

    if (p != NULL && !evtchn_is_fifo(d)) {
        return ERR_NOSYS;
    }
    if (p == NULL || priority > EVTCHN_FIFO_PRIORITY_MIN) {
        return ERR_INVAL;
    }
    spin_lock(&evtchn_bindings);
    b = port_binding(p);
    if (b.status != EVTCHNSTAT_closed) { /* a closed port gets the default when it is opened */
        b.priority = (uint8_t)priority;
        port_bind(p, b);
    }
    spin_unlock(&evtchn_bindings);
    return OK;
}

/* ---- status ---- */

err_t evtchn_status(struct domain *d, struct evtchn_status *s)
{
    const struct port *p = port_find(d, s->port);
    struct binding b = port_binding(p);

    if (p == NULL) {
        return ERR_INVAL;
    }
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
    port_bind(q, far);
}

static err_t close_locked(struct domain *d, uint32_t port)
{
    struct port *p = port_find(d, port);
    struct binding b = port_binding(p);

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
    __atomic_store_n(&d->evtchn.free_head, port, __ATOMIC_RELAXED);
    d->evtchn.open--;
    return OK;
}

err_t evtchn_close(struct domain *d, uint32_t port)
{
    return LOCKED(&evtchn_bindings, close_locked(d, port));
}

/* The highest port that has a record, which it has no more: what is closed is passed on the way down, and opened as new
 * afterwards.  false = there is none. */
static bool close_last(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t port;

    spin_lock(&evtchn_bindings);
    port = next_port(d) - 1u;
    if (port != 0u) {
        (void)close_locked(d, port);
        __atomic_store_n(&e->next, port, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&e->free_head, 0u, __ATOMIC_RELAXED);
    spin_unlock(&evtchn_bindings);
    return port != 0u;
}

err_t evtchn_reset(struct domain *d)
{
    for (uint32_t i = 0; i < EVTCHN_STEP; i++) {
        if (!close_last(d)) {
            evtchn_fifo_end(d);
            return OK;
        }
    }
    return ERR_RESTART;
}
