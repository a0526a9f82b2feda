/* SPDX-License-Identifier: Apache-2.0 */
/* Argo's rings: who has which, their pages, their end. */
#include "core/argo_internal.h"
#include "core/physmap.h"
#include "core/pool.h"

struct argo_ring *argo_find(const struct domain *d, uint32_t port, uint16_t partner)
{
    for (struct list *at = d->argo.rings.next; at != &d->argo.rings; at = at->next) { /* bound: ARGO_RINGS */
        struct argo_ring *ring = CONTAINER_OF(at, struct argo_ring, node);
        if (ring->port == port && ring->partner == partner) {
            return ring;
        }
    }
    return NULL;
}

/* ---- frames of a ring's own ---- */

static void free_frames(struct domain *d, struct argo_ring *ring)
{
    spin_lock(&d->physmap_lock);
    for (uint32_t i = 0; i < ring->index_count; i++) {
        pool_free(d, ring->index[i]);
    }
    pool_free(d, ring->frame);
    spin_unlock(&d->physmap_lock);
}

static struct argo_ring *alloc_frames(struct domain *d, uint32_t pages)
{
    uint32_t indexes = (pages + ARGO_PER_INDEX - 1u) / ARGO_PER_INDEX;
    struct argo_ring *ring = NULL;
    mfn_t mfn;

    spin_lock(&d->physmap_lock);
    if (d->pool_free > indexes && pool_alloc(d, &mfn) == OK) {
        ring = arch_map_frame(mfn);
        ring->frame = mfn;
        while (ring->index_count < indexes) {
            ASSERT(pool_alloc(d, &ring->index[ring->index_count]) == OK);
            ring->index_count++;
        }
    }
    spin_unlock(&d->physmap_lock);
    return ring;
}

/* ---- the end of a ring ---- */

/* Nobody sends to it from the first step on.  The last step's result is why it ends. */
err_t argo_unregister(struct domain *d, uint32_t port, uint16_t partner)
{
    mfn_t held[ARGO_STEP];
    struct argo_ring *ring;
    err_t err = ERR_NOENT;
    bool last = false;
    uint32_t n = 0;

    spin_lock(&d->argo.lock);
    ring = argo_find(d, port, partner);
    if (ring != NULL) {
        ring->ready = false;
        for (; n < ARGO_STEP && ring->held > 0u; n++) {
            ring->held--;
            held[n] = *argo_page(ring, ring->held);
        }
        last = ring->held == 0u;
        err = last ? ring->error : ERR_RESTART;
        if (last) {
            list_remove(&ring->node);
            d->argo.count--;
        }
    }
    spin_unlock(&d->argo.lock);
    for (uint32_t i = 0; i < n; i++) {
        physmap_release(held[i]);
    }
    if (last) {
        free_frames(d, ring);
    }
    return err;
}

err_t argo_reap(struct domain *d)
{
    if (!list_empty(&d->argo.rings)) {
        const struct argo_ring *ring = CONTAINER_OF(d->argo.rings.next, struct argo_ring, node);

        (void)argo_unregister(d, ring->port, ring->partner);
        return ERR_RESTART;
    }
    spin_lock(&d->physmap_lock);
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = domain_vcpu(d, i);
        if (v != NULL && v->argo_bounce.v != 0u) {
            pool_free(d, v->argo_bounce);
            v->argo_bounce = MFN(0);
        }
    }
    spin_unlock(&d->physmap_lock);
    return OK;
}

/* ---- its beginning ---- */

static err_t add(struct domain *d, const struct argo_registration *r)
{
    struct argo_ring *ring = alloc_frames(d, r->pages);
    err_t err = ERR_RESTART;

    if (ring == NULL) {
        return ERR_NOMEM;
    }
    ring->port = r->port;
    ring->partner = r->partner;
    ring->len = r->len;
    ring->pages = r->pages;
    spin_lock(&d->argo.lock);
    if (argo_find(d, r->port, r->partner) != NULL) { /* another vCPU was quicker */
        err = ERR_BUSY;
    } else if (d->argo.count == ARGO_RINGS) {
        err = ERR_NOSPC;
    } else {
        list_push_back(&d->argo.rings, &ring->node);
        d->argo.count++;
    }
    spin_unlock(&d->argo.lock);
    if (err != ERR_RESTART) {
        free_frames(d, ring);
    }
    return err;
}

static bool is_pointer(const struct argo_ring *ring, uint32_t p)
{
    return p < ring->len && p % XEN_ARGO_MSG_SLOT_SIZE == 0u;
}

/* All pages are held: messages follow those that the ring already has, if its pointers make sense. */
static void make_ready(struct argo_ring *ring)
{
    struct xen_argo_ring *shared = argo_shared(ring);
    uint32_t tx = __atomic_load_n(&shared->tx_ptr, __ATOMIC_RELAXED);
    uint32_t rx = __atomic_load_n(&shared->rx_ptr, __ATOMIC_RELAXED);

    ring->tx_ptr = is_pointer(ring, tx) ? tx : is_pointer(ring, rx) ? rx : 0u;
    __atomic_store_n(&shared->tx_ptr, ring->tx_ptr, __ATOMIC_RELEASE);
    ring->ready = true;
}

/* held[0..n) become pages [from, from + n) of the ring, unless another vCPU has changed it meanwhile. */
static err_t store(struct domain *d, const struct argo_registration *r, uint32_t from, const mfn_t *held, uint32_t n)
{
    struct argo_ring *ring;
    err_t err = ERR_BUSY;

    spin_lock(&d->argo.lock);
    ring = argo_find(d, r->port, r->partner);
    if (ring != NULL && !ring->ready && ring->held == from && ring->pages == r->pages) {
        for (uint32_t i = 0; i < n; i++) {
            *argo_page(ring, from + i) = held[i];
        }
        ring->held = from + n;
        err = ERR_RESTART;
        if (ring->held == ring->pages) {
            make_ready(ring);
            err = OK;
        }
    }
    spin_unlock(&d->argo.lock);
    return err;
}

/* It will not be finished: the calls that follow take it down, the last of them says why. */
static err_t give_up(struct domain *d, const struct argo_registration *r, err_t why)
{
    struct argo_ring *ring;

    spin_lock(&d->argo.lock);
    ring = argo_find(d, r->port, r->partner);
    if (ring != NULL && !ring->ready) {
        ring->error = why;
    }
    spin_unlock(&d->argo.lock);
    return ERR_RESTART;
}

static err_t hold_some(struct domain *d, const struct argo_registration *r, uint32_t from)
{
    uint32_t want = (r->pages - from < ARGO_STEP) ? r->pages - from : ARGO_STEP;
    xen_argo_gfn_t gfns[ARGO_STEP];
    mfn_t held[ARGO_STEP];
    uint32_t n = 0;
    err_t err = copy_in(gfns, GVA(r->gfns.v + from * sizeof(gfns[0])), want * sizeof(gfns[0]));

    while (err == OK && n < want) {
        err = (gfns[n] < arch_stage2_gfn_limit()) ? physmap_hold(d, GFN(gfns[n]), &held[n]) : ERR_INVAL;
        n += (err == OK) ? 1u : 0u;
    }
    err = (err == OK) ? store(d, r, from, held, n) : err;
    if (err != OK && err != ERR_RESTART) {
        for (uint32_t i = 0; i < n; i++) {
            physmap_release(held[i]);
        }
    }
    return err;
}

err_t argo_register(struct domain *d, const struct argo_registration *r)
{
    const struct argo_ring *ring;
    uint32_t from = 0;
    bool ready = false, same = false;
    err_t err;

    spin_lock(&d->argo.lock);
    ring = argo_find(d, r->port, r->partner);
    if (ring != NULL) {
        ready = ring->ready;
        same = !ready && ring->error == OK && ring->pages == r->pages && ring->len == r->len;
        from = ring->held;
    }
    spin_unlock(&d->argo.lock);
    if (ring == NULL) {
        return add(d, r);
    }
    if (ready && r->fail_exist) {
        return ERR_EXIST;
    }
    if (!same) { /* the old one, or one that failed, goes first */
        err = argo_unregister(d, r->port, r->partner);
        return (err == OK || err == ERR_NOENT) ? ERR_RESTART : err;
    }
    err = hold_some(d, r, from);
    if (err != OK && err != ERR_RESTART && err != ERR_BUSY) {
        err = give_up(d, r, err);
    }
    return err;
}
