/* SPDX-License-Identifier: Apache-2.0 */
/* From a launch record to a domain as it was launched, or to free frames.
 * [impl->dsn~launch-rebuild~1] [impl->dsn~device-restart~1] */
#include "core/launch_internal.h"
#include "core/device.h"
#include "core/evtchn.h"
#include "core/frame.h"
#include "core/grant.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/rights.h"
#include "lib/bits.h"
#include "lib/string.h"

/* ---- taking apart ---- */

static void redirect_one(struct domain *by, gfn_t gfn) REQUIRES(by->physmap_lock)
{
    struct stage2_entry to = {.mfn = MFN_NONE, .access = ACCESS_RW, .mapping = MAPPING_SHARED};
    uint16_t owner;

    if (!grant_sink(by, &to.mfn)) {
        to.mapping = MAPPING_NONE;
    }
    if (physmap_set(by, gfn, &to) != OK && to.mapping != MAPPING_NONE) {
        (void)frame_put(to.mfn, &owner); /* dying: its mappings go anyway */
    }
}

bool launch_redirect(struct domain *d)
{
    int32_t holder = rights_holder(BULKHEAD_RIGHT_MAP_FOREIGN, d->slot);
    struct domain *by = (holder >= 0 && holder != (int32_t)d->slot) ? domain_get_slot((uint32_t)holder) : NULL;
    bool more = false;

    if (by == NULL) {
        return false;
    }
    spin_lock(&by->physmap_lock);
    for (uint32_t n = 0; n < PHYSMAP_BATCH && d->reap_gfn.v <= by->max_gfn; n++) {
        struct stage2_entry e = physmap_look(by, d->reap_gfn);
        uint64_t span = UINT64_C(1) << e.order;

        if (e.mapping == MAPPING_FOREIGN && e.order == 0u && frame_look(e.mfn).owner == FRAME_OWNER(d->slot)) {
            redirect_one(by, d->reap_gfn);
        }
        d->reap_gfn.v = ALIGN_DOWN(d->reap_gfn.v, span) + span;
        if (arch_irq_pending()) {
            break;
        }
    }
    more = d->reap_gfn.v <= by->max_gfn && domain_state(by) != DOMAIN_DYING;
    spin_unlock(&by->physmap_lock);
    domain_put(by);
    return more;
}

void launch_rewind(struct domain *d)
{
    if (d->launch != NULL) {
        d->launch->pass = 0;
        d->launch->index = 0;
        d->launch->done = 0;
    }
}

/* n frames of the current piece are done. */
static void advance(struct launch *l, uint64_t n)
{
    l->done += n;
    if (l->done == launch_piece(l, l->index)->count) {
        l->done = 0;
        l->index++;
    }
}

err_t launch_free(struct domain *d)
{
    struct launch *l = d->launch;
    uint64_t n;

    if (l == NULL) {
        return OK;
    }
    if (l->index < l->count) {
        const struct piece *p = launch_piece(l, l->index);
        mfn_t mfn = MFN(p->mfn + l->done);

        n = p->count - l->done;
        n = (n < PHYSMAP_PIECE) ? n : PHYSMAP_PIECE;
        if (p->kind == PIECE_RAM && !frame_wake(mfn, n, FRAME_OWNER(d->slot))) {
            return ERR_BUSY;
        }
        if (p->kind == PIECE_RAM || p->kind == PIECE_IMAGE) {
            arch_scrub(mfn, n);
            frame_free(mfn, n);
        }
        if (p->kind == PIECE_RAM) {
            physmap_uncharge(d, n);
        }
        advance(l, n);
        return ERR_RESTART;
    }
    d->launch = NULL;
    spin_lock(&d->physmap_lock);
    for (uint32_t i = 0; i < LAUNCH_PAGES; i++) {
        if (l->pages[i].v != 0u) {
            pool_free(d, l->pages[i]);
        }
    }
    pool_free(d, l->memory);
    spin_unlock(&d->physmap_lock);
    return OK;
}

/* ---- building again ---- */

static err_t rebuild_ram(struct domain *d, gfn_t gfn, uint64_t n, const struct stage2_entry *e)
{
    struct frame_run r;
    err_t err = physmap_run_begin(d, gfn, n, e->mfn.v, &r);

    if (err == OK && r.count == 0u) {
        r.mfn = e->mfn;
        r.count = frame_wake(e->mfn, n, FRAME_OWNER(d->slot)) ? (uint32_t)n : 0u;
        err = (r.count != 0u) ? OK : ERR_BUSY;
    }
    return physmap_run_end(d, &r, *e, err);
}

static err_t rebuild_memory(struct domain *d, const struct piece *p)
{
    struct launch *l = d->launch;
    struct stage2_entry e = {
        .mfn = MFN(p->mfn + l->done), .access = (enum access)p->access, .mapping = (enum mapping)p->mapping};
    gfn_t gfn = GFN(p->gfn + l->done);
    uint64_t n = physmap_step(gfn, e.mfn, p->count - l->done);
    err_t err;

    if (e.mapping == MAPPING_DEVICE) {
        n = 1; /* the next one may be another device's */
        err = device_map(d, gfn, e.mfn.v, n, true);
        err = (err == ERR_PERM) ? OK : err; /* somebody has taken it from d */
    } else if (p->kind == PIECE_RAM) {
        err = rebuild_ram(d, gfn, n, &e);
    } else {
        for (uint64_t i = 0; e.mapping == MAPPING_FOREIGN && i < n; i++) {
            ASSERT(frame_get(MFN(e.mfn.v + i), FRAME_COMMON, FRAME_RAM) == OK); /* nobody gives it up */
        }
        err = LOCKED(&d->physmap_lock, physmap_map(d, gfn, n, &e));
        for (uint64_t i = 0; err != OK && i < n; i++) {
            physmap_release(MFN(e.mfn.v + i));
        }
    }
    if (err == OK) {
        advance(l, n);
    }
    return err;
}

/* The second end whose domain is built connects both. */
static err_t rebuild_channel(struct domain *d, const struct piece *p)
{
    uint32_t remote_port = (uint32_t)p->mfn;
    struct domain *r = (remote_port != 0u) ? domain_get_slot(p->remote) : NULL;
    err_t err = evtchn_bind_static(d, (uint32_t)p->gfn, r, p->remote, remote_port);

    if (r != NULL) {
        domain_put(r);
    }
    if (err == OK) {
        err = evtchn_limit(d, (uint32_t)p->gfn, (uint32_t)(p->mfn >> 32));
        advance(d->launch, 1);
    }
    return err;
}

/* Bound: an image, or until an interrupt waits. */
static void rebuild_image(struct launch *l, const struct piece *p)
{
    uint64_t run = 0;
    mfn_t to = launch_ram_at(l, p->gfn + l->done, &run);
    uint64_t left = p->count - l->done;

    ASSERT(run > 0u); /* it was copied from there */
    left = (left < run) ? left : run;
    do {
        uint64_t n = (left < REBUILD_PAGES) ? left : REBUILD_PAGES;

        memcpy(arch_map_frame(to), arch_map_frame(MFN(p->mfn + l->done)), n * PAGE_SIZE);
        arch_clean(to, n);
        advance(l, n);
        to.v += n;
        left -= n;
    } while (left > 0u && !arch_irq_pending());
}

/* What is neither memory nor channels. */
static err_t finish(struct domain *d, struct launch *l)
{
    struct vcpu *v = d->vcpus[0];
    err_t err = grant_init(d, l->grant_frames, l->maptrack_frames);

    if (err == OK) {
        memcpy(d->hvm_params, l->hvm_params, sizeof(d->hvm_params));
        grant_set_reserved(d, l->grants);
        err = arch_vcpu_set_context(v, &l->context);
    }
    if (err == OK) {
        v->state = VCPU_RUNNABLE;
        __atomic_store_n(&v->power, VCPU_POWER_ON, __ATOMIC_RELEASE);
    }
    return err;
}

err_t launch_rebuild(struct domain *d)
{
    struct launch *l = d->launch;
    const struct piece *p;
    err_t err = OK;

    if (l->index == l->count) {
        if (l->pass == 1u) {
            return finish(d, l);
        }
        l->index = 0;
        l->pass = 1;
        return ERR_RESTART;
    }
    p = launch_piece(l, l->index);
    if ((p->kind == PIECE_IMAGE) != (l->pass == 1u)) {
        l->index++; /* not of this pass */
    } else if (p->kind == PIECE_IMAGE) {
        rebuild_image(l, p);
    } else if (p->kind == PIECE_CHANNEL) {
        err = rebuild_channel(d, p);
    } else {
        err = rebuild_memory(d, p);
    }
    return (err == OK) ? ERR_RESTART : err;
}
