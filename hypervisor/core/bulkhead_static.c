/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bulkhead_static.h"
#include "core/evtchn.h"
#include "core/frame.h"
#include "core/grant.h"
#include "core/label.h"
#include "core/physmap.h"
#include "core/rights.h"
#include "lib/bits.h"

#include <xen/xen.h>

/* ---- channels ---- */

static err_t bind_channel(const struct vcpu *v, struct domain *d, const struct bulkhead_channel *c) REQUIRES(d->lock)
{
    struct domain *r;
    err_t err;

    if (d->started || domain_state(d) == DOMAIN_DYING) {
        return ERR_PERM;
    }
    if (domain_get(v, c->remote, &r) != OK) {
        r = NULL;
    }
    err = (r != NULL) ? label_check_channel(d, r) : OK;
    err = (err == OK) ? evtchn_bind_static(d, c->port, r, c->remote, c->remote_port) : err;
    if (r != NULL) {
        domain_put(r);
    }
    return (err == OK) ? evtchn_limit(d, c->port, c->min_interval) : err;
}

err_t bulkhead_bind_channel(struct vcpu *v, struct domain *d, void *structure)
{
    const struct bulkhead_channel *c = structure;

    if (c->remote == 0u || c->remote >= MAX_DOMAINS) {
        return ERR_INVAL;
    }
    return LOCKED(&d->lock, bind_channel(v, d, c));
}

err_t bulkhead_channel_early(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_early *e = structure;

    return evtchn_early(d, e->port, &e->early);
}

/* ---- grants ---- */

err_t bulkhead_seed_grant(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    const struct bulkhead_seed *s = structure;

    if (s->to == 0u || s->to >= MAX_DOMAINS) {
        return ERR_INVAL;
    }
    return LOCKED(&d->lock, d->started ? ERR_PERM : grant_seed(d, s->ref, s->to, GFN(s->gfn)));
}

/* ---- shared memory ---- */

/* Nobody's frames become shared memory.
 * [impl->dsn~share-memory~1] */
static err_t make_shared(mfn_t mfn, uint64_t count)
{
    err_t err = frame_take(mfn, count, FRAME_COMMON, FRAME_RAM);

    if (err == OK) {
        arch_scrub(mfn, count);
    }
    return err;
}

/* Each entry holds a count, beside the one that is never given up, so these frames are never freed. */
static err_t map_shared(struct domain *d, gfn_t gfn, uint64_t count, const struct stage2_entry *e) REQUIRES(d->lock)
{
    err_t err = (d->started || domain_state(d) == DOMAIN_DYING) ? ERR_PERM : OK;
    uint64_t held = 0;
    uint16_t owner;

    while (err == OK && held < count) {
        err = frame_get(MFN(e->mfn.v + held), FRAME_COMMON, FRAME_RAM);
        held += (err == OK) ? 1u : 0u;
    }
    err = (err == OK) ? LOCKED(&d->physmap_lock, physmap_map(d, gfn, count, e)) : err;
    while (err != OK && held > 0u) {
        held--;
        ASSERT(!frame_put(MFN(e->mfn.v + held), &owner));
    }
    return err;
}

static err_t share_step(const struct vcpu *v, const struct bulkhead_share *s, uint64_t n)
{
    struct stage2_entry e = {.mfn = MFN(s->mfn), .access = ACCESS_RW, .mapping = MAPPING_FOREIGN};
    struct domain *d;
    err_t err;

    if (s->domid == DOMID_IO) {
        return make_shared(e.mfn, n);
    }
    err = rights_over(v, BULKHEAD_RIGHT_BUILD, s->domid, &d);
    if (err == OK) {
        e.access = ((s->flags & BULKHEAD_SHARE_READ_ONLY) != 0u) ? ACCESS_R : ACCESS_RW;
        err = LOCKED(&d->lock, map_shared(d, GFN(s->gfn), n, &e));
        domain_put(d);
    }
    return err;
}

err_t bulkhead_share_memory(struct vcpu *v, struct domain *none UNUSED, void *structure)
{
    struct bulkhead_share *s = structure;
    uint64_t n = physmap_step(GFN(s->gfn), MFN(s->mfn), s->count);
    err_t err;

    if (s->domid == DOMID_IO) {
        n = (s->count < PHYSMAP_PIECE) ? s->count : PHYSMAP_PIECE;
    }
    if (s->pad != 0u || (s->flags & ~BULKHEAD_SHARE_READ_ONLY) != 0u || s->count == 0u ||
        !range_ok(s->mfn, s->count, frame_last().v + 1u) || !range_ok(s->gfn, s->count, arch_stage2_gfn_limit())) {
        return ERR_INVAL;
    }
    err = share_step(v, s, n);
    if (err != OK) {
        return err;
    }
    s->mfn += n;
    s->gfn += n;
    s->count -= n;
    return (s->count != 0u) ? ERR_RESTART : OK;
}
