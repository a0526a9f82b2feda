/* SPDX-License-Identifier: Apache-2.0 */
/* Argo's messages: into a ring, and news of space in it. */
#include "core/argo_internal.h"
#include "core/evtchn.h"
#include "core/pool.h"
#include "lib/string.h"

#define NOBODY 0u /* the Boot Domain's slot is no sender */

void *argo_bounce(struct vcpu *v)
{
    struct domain *d = v->domain;
    err_t err = OK;

    if (v->argo_bounce.v == 0u) {
        err = LOCKED(&d->physmap_lock, pool_alloc(d, &v->argo_bounce));
    }
    return (err == OK) ? arch_map_frame(v->argo_bounce) : NULL;
}

/* The ring for messages from sender: its own, or the one for anybody. */
static struct argo_ring *find_for(const struct domain *r, uint32_t port, uint16_t sender) REQUIRES(r->argo.lock)
{
    struct argo_ring *ring = argo_find(r, port, sender);

    if (ring == NULL) {
        ring = argo_find(r, port, XEN_ARGO_DOMID_ANY);
    }
    return (ring != NULL && ring->ready) ? ring : NULL;
}

/* Bytes that may be written: a slot stays empty, so that full and empty differ.  A pointer of the guest's that makes no
 * sense: none.  *empty: nothing is in it. */
static uint32_t space_in(const struct argo_ring *ring, bool *empty)
{
    uint32_t rx = __atomic_load_n(&argo_shared(ring)->rx_ptr, __ATOMIC_ACQUIRE);
    uint32_t tx = ring->tx_ptr;

    *empty = rx == tx;
    if (rx >= ring->len || rx % XEN_ARGO_MSG_SLOT_SIZE != 0u) {
        return 0;
    }
    return ((rx > tx) ? rx - tx : ring->len - (tx - rx)) - XEN_ARGO_MSG_SLOT_SIZE;
}

static uint32_t largest(const struct argo_ring *ring)
{
    uint32_t room = ring->len - XEN_ARGO_MSG_SLOT_SIZE;

    return (room < ARGO_MESSAGE) ? room : ARGO_MESSAGE;
}

/* sender waits for need bytes, or (0) no longer.  -EBUSY too many do. */
static err_t wait_for(struct argo_ring *ring, uint16_t sender, uint32_t need)
{
    struct argo_waiter *place = NULL;

    for (uint32_t i = 0; i < ARGO_WAITERS; i++) {
        struct argo_waiter *w = &ring->waiting[i];
        if (w->domid == sender) {
            place = w;
            break;
        }
        if (w->domid == NOBODY && place == NULL) {
            place = w;
        }
    }
    if (place == NULL) {
        return ERR_BUSY;
    }
    place->domid = (need != 0u) ? sender : NOBODY;
    place->need = need;
    return OK;
}

static void put(struct argo_ring *ring, const uint8_t *message, uint32_t n)
{
    uint32_t to = ring->tx_ptr;

    while (n > 0u) { /* bound: pages of a message and the ring's end: 3 */
        uint32_t at = to + (uint32_t)sizeof(struct xen_argo_ring);
        uint32_t piece = (uint32_t)(PAGE_SIZE - (at & PAGE_MASK));

        piece = (piece < ring->len - to) ? piece : ring->len - to;
        piece = (piece < n) ? piece : n;
        memcpy((uint8_t *)arch_map_frame(*argo_page(ring, at >> PAGE_SHIFT)) + (at & PAGE_MASK), message, piece);
        message = &message[piece];
        n -= piece;
        to = (to + piece == ring->len) ? 0u : to + piece;
    }
    ring->tx_ptr = to;
    __atomic_store_n(&argo_shared(ring)->tx_ptr, to, __ATOMIC_RELEASE);
}

static void tell(struct domain *d)
{
    struct vcpu *v = domain_vcpu(d, 0);

    if (v != NULL) {
        evtchn_send_virq(v, VIRQ_ARGO);
    }
}

err_t argo_send(struct domain *r, uint32_t port, uint16_t sender, const void *message, uint32_t n)
{
    struct argo_ring *ring;
    err_t err = ERR_CONNREFUSED;
    bool empty;

    spin_lock(&r->argo.lock);
    ring = find_for(r, port, sender);
    if (ring != NULL && n > largest(ring)) {
        err = ERR_MSGSIZE;
    } else if (ring != NULL && n > space_in(ring, &empty)) {
        err = wait_for(ring, sender, n);
        err = (err == OK) ? ERR_AGAIN : err;
    } else if (ring != NULL) {
        put(ring, message, n);
        err = OK;
    }
    spin_unlock(&r->argo.lock);
    if (err == OK) {
        tell(r);
    }
    return err;
}

void argo_look(struct domain *r, uint16_t sender, struct xen_argo_ring_data_ent *ent)
{
    uint32_t need = ent->space_required;
    struct argo_ring *ring;
    bool empty;

    ent->flags = 0;
    ent->max_message_size = 0;
    spin_lock(&r->argo.lock);
    ring = find_for(r, ent->ring.aport, sender);
    if (ring != NULL) {
        uint32_t room = space_in(ring, &empty);

        need = (need != 0u && need <= ARGO_MESSAGE) ? argo_size(need) : need;
        ent->max_message_size = largest(ring) - (uint32_t)sizeof(struct xen_argo_ring_message_header);
        ent->flags = XEN_ARGO_RING_EXISTS | ((ring->partner == XEN_ARGO_DOMID_ANY) ? XEN_ARGO_RING_SHARED : 0u) |
                     (empty ? XEN_ARGO_RING_EMPTY : 0u);
        if (need > largest(ring)) {
            ent->flags |= XEN_ARGO_RING_EMSGSIZE;
        } else if (need == 0u) {
            (void)wait_for(ring, sender, 0);
        } else if (need <= room) {
            ent->flags |= XEN_ARGO_RING_SUFFICIENT;
            (void)wait_for(ring, sender, 0);
        } else if (wait_for(ring, sender, need) != OK) {
            ent->flags |= XEN_ARGO_RING_EBUSY;
        }
    }
    spin_unlock(&r->argo.lock);
}

bool argo_tell_waiting(const struct vcpu *v, uint32_t n)
{
    struct domain *d = v->domain;
    uint16_t told[ARGO_WAITERS];
    uint32_t count = 0;
    struct list *at;
    bool empty;

    spin_lock(&d->argo.lock);
    at = d->argo.rings.next;
    for (uint32_t i = 0; i < n && at != &d->argo.rings; i++) { /* bound: ARGO_RINGS */
        at = at->next;
    }
    if (at != &d->argo.rings) {
        struct argo_ring *ring = CONTAINER_OF(at, struct argo_ring, node);
        uint32_t room = ring->ready ? space_in(ring, &empty) : 0u;

        for (uint32_t i = 0; i < ARGO_WAITERS; i++) {
            if (ring->waiting[i].domid != NOBODY && ring->waiting[i].need <= room) {
                told[count] = ring->waiting[i].domid;
                count++;
                ring->waiting[i].domid = NOBODY;
            }
        }
    }
    spin_unlock(&d->argo.lock);
    for (uint32_t i = 0; i < count; i++) {
        struct domain *w;
        if (domain_get_living(v, told[i], &w) == OK) {
            tell(w);
            domain_put(w);
        }
    }
    return at != &d->argo.rings;
}
