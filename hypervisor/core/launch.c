/* SPDX-License-Identifier: Apache-2.0 */
/* Making a launch record, and what it says.  RAM of the record is kept: it stays the domain's, with a use count of 0 while
 * nothing maps it.
 * [impl->dsn~launch-record~1] [impl->dsn~launch-kept~1] */
#include "core/launch_internal.h"
#include "core/evtchn.h"
#include "core/frame.h"
#include "core/grant.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "lib/string.h"

#define PORTS_A_STEP 32u
#define KEEP_STEP    128u /* frames between two looks for an interrupt */

bool launch_is_sealed(const struct domain *d)
{
    return d->launch != NULL && d->launch->sealed;
}

/* ---- sealing ---- */

static err_t get_record(struct domain *d) REQUIRES(d->lock)
{
    mfn_t mfn;
    err_t err = (d->started || launch_is_sealed(d)) ? ERR_BUSY : OK;

    if (err == OK && d->launch == NULL) {
        err = LOCKED(&d->physmap_lock, pool_alloc(d, &mfn));
        if (err == OK) {
            d->launch = arch_map_frame(mfn);
            d->launch->memory = mfn;
        }
    }
    return err;
}

/* -NOSPC, -NOMEM */
static err_t add(struct domain *d, const struct piece *p) REQUIRES(d->physmap_lock)
{
    struct launch *l = d->launch;
    struct piece *last = (l->count > 0u) ? launch_piece(l, l->count - 1u) : NULL;
    err_t err = OK;

    if (last != NULL && p->kind != PIECE_CHANNEL && last->kind == p->kind && last->access == p->access &&
        last->mapping == p->mapping && last->gfn + last->count == p->gfn && last->mfn + last->count == p->mfn) {
        last->count += p->count;
        return OK;
    }
    if (l->count == LAUNCH_PAGES * LAUNCH_PIECES) {
        return ERR_NOSPC;
    }
    if (l->pages[l->count / LAUNCH_PIECES].v == 0u) {
        err = pool_alloc(d, &l->pages[l->count / LAUNCH_PIECES]);
    }
    if (err == OK) {
        *launch_piece(l, l->count) = *p;
        l->count++;
    }
    return err;
}

static err_t copy_pages(struct domain *d, uint64_t gfn, mfn_t to, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        mfn_t from;
        err_t err = physmap_hold(d, GFN(gfn + i), &from);

        if (err != OK) {
            return err;
        }
        memcpy(arch_map_frame(MFN(to.v + i)), arch_map_frame(from), PAGE_SIZE);
        physmap_release(from);
    }
    return OK;
}

err_t launch_seal_image(struct domain *d, uint64_t *gfn, uint64_t *count)
{
    uint64_t n = (*count < COPY_FRAMES) ? *count : COPY_FRAMES;
    struct piece p = {.gfn = *gfn, .kind = PIECE_IMAGE};
    uint32_t order;
    mfn_t mfn;
    err_t err = get_record(d);

    if (err != OK || n == 0u) {
        return (err != OK) ? err : ERR_INVAL;
    }
    order = 63u - (uint32_t)__builtin_clzll(n);
    err = frame_alloc(FRAME_OWNER(d->slot), FRAME_POOL, order, &mfn);
    if (err != OK && order > 0u) {
        order = 0;
        err = frame_alloc(FRAME_OWNER(d->slot), FRAME_POOL, order, &mfn);
    }
    if (err != OK) {
        return err;
    }
    n = UINT64_C(1) << order;
    p.mfn = mfn.v;
    p.count = (uint32_t)n;
    err = copy_pages(d, *gfn, mfn, n);
    err = (err == OK) ? LOCKED(&d->physmap_lock, add(d, &p)) : err;
    if (err != OK) {
        frame_free(mfn, n);
        return err;
    }
    d->overhead += n;
    *gfn += n;
    *count -= n;
    return (*count > 0u) ? ERR_RESTART : OK;
}

static err_t note(struct domain *d, uint64_t gfn, const struct stage2_entry *e, uint64_t count)
    REQUIRES(d->physmap_lock)
{
    struct piece p = {.gfn = gfn,
                      .mfn = e->mfn.v,
                      .count = (uint32_t)count,
                      .kind = (e->mapping == MAPPING_RAM) ? PIECE_RAM : PIECE_OTHER,
                      .access = (uint8_t)e->access,
                      .mapping = (uint8_t)e->mapping};
    err_t err;

    if (e->mapping == MAPPING_SHARED || e->mapping == MAPPING_GRANT) {
        return OK; /* its guest maps them when it wants them */
    }
    if (e->mapping == MAPPING_FOREIGN && frame_look(MFN(p.mfn)).owner != FRAME_COMMON) {
        return ERR_INVAL; /* another domain's, which may end */
    }
    err = add(d, &p);
    if (err == OK && p.kind == PIECE_RAM) {
        frame_keep(MFN(p.mfn), count);
    }
    return err;
}

/* From *gfn on. */
static err_t note_memory(struct domain *d, uint64_t *gfn) REQUIRES(d->physmap_lock)
{
    uint64_t looked = 0;
    err_t err = OK;

    while (err == OK && *gfn <= d->max_gfn) {
        struct stage2_entry e = arch_stage2_get(d, GFN(*gfn));
        uint64_t span = UINT64_C(1) << e.order;
        uint64_t n = span - (*gfn & (span - 1u));

        n = (e.mapping != MAPPING_NONE && n > KEEP_STEP) ? KEEP_STEP : n;
        if (looked >= PHYSMAP_BATCH || (looked > 0u && arch_irq_pending())) {
            return ERR_RESTART;
        }
        if (e.mapping != MAPPING_NONE) {
            err = note(d, *gfn, &e, n);
            looked += n;
        } else {
            looked++;
        }
        *gfn += n;
    }
    return err;
}

/* From *port on, in ascending order. */
static err_t note_channels(struct domain *d, uint64_t *port) REQUIRES(d->physmap_lock)
{
    err_t err = OK;
    bool last = false;

    for (uint32_t i = 0; err == OK && i < PORTS_A_STEP; i++) {
        struct evtchn_end e = {.port = (uint32_t)*port};
        bool open = evtchn_look(d, &e, &last);

        if (last) {
            return OK;
        }
        if (open && e.remote < MAX_DOMAINS) {
            err = add(d, &(struct piece){.gfn = e.port,
                                         .mfn = e.remote_port | (uint64_t)e.min_interval << 32,
                                         .count = 1,
                                         .kind = PIECE_CHANNEL,
                                         .remote = (uint8_t)e.remote});
        }
        (*port)++;
    }
    return (err == OK) ? ERR_RESTART : err;
}

err_t launch_seal(struct domain *d, uint64_t *gfn, uint64_t *port)
{
    struct launch *l;
    err_t err = get_record(d);

    if (err != OK || domain_vcpu(d, 0) == NULL || *port >= EVTCHN_PORTS) {
        return (err != OK) ? err : ERR_INVAL;
    }
    spin_lock(&d->physmap_lock);
    err = note_memory(d, gfn);
    err = (err == OK) ? note_channels(d, port) : err;
    spin_unlock(&d->physmap_lock);
    if (err != OK) {
        return err;
    }
    l = d->launch;
    grant_limits(d, &l->grant_frames, &l->maptrack_frames);
    memcpy(l->hvm_params, d->hvm_params, sizeof(l->hvm_params));
    grant_get_reserved(d, l->grants);
    arch_vcpu_get_context(d->vcpus[0], &l->context);
    l->sealed = true;
    return OK;
}

/* ---- what the record says ---- */

mfn_t launch_ram_at(const struct launch *l, uint64_t gfn, uint64_t *run)
{
    for (uint32_t i = 0; i < l->count; i++) { /* bound: pieces */
        const struct piece *p = launch_piece(l, i);

        if (p->kind == PIECE_RAM && gfn - p->gfn < p->count) {
            *run = p->count - (gfn - p->gfn);
            return MFN(p->mfn + (gfn - p->gfn));
        }
    }
    return MFN_NONE;
}

/* [impl->dsn~launch-balloon~1] */
err_t launch_find(struct domain *d, gfn_t gfn, uint64_t count, mfn_t *out)
{
    uint64_t run = 0;
    err_t err = OK;

    *out = launch_is_sealed(d) ? launch_ram_at(d->launch, gfn.v, &run) : MFN_NONE;
    if (out->v == MFN_NONE.v) {
        return ERR_NOENT;
    }
    spin_lock(&d->physmap_lock); /* one of its vCPUs gets them */
    if (run < count || !frame_wake(*out, count, FRAME_OWNER(d->slot))) {
        err = ERR_BUSY;
    }
    spin_unlock(&d->physmap_lock);
    return err;
}
