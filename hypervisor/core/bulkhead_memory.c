/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bulkhead_memory.h"
#include "core/frame.h"
#include "core/physmap.h"
#include "lib/bits.h"
#include "lib/string.h"

/* ---- machine memory as such: the Boot Domain only ---- */

static bool is_range(const struct bulkhead_memory *m)
{
    return IS_ALIGNED(m->base | m->size, PAGE_SIZE) && m->size != 0u;
}

err_t bulkhead_claim(struct vcpu *v UNUSED, struct domain *d UNUSED, void *structure)
{
    const struct bulkhead_memory *m = structure;

    return is_range(m) ? frame_claim(maddr_to_mfn(MADDR(m->base)), m->size >> PAGE_SHIFT, false) : ERR_INVAL;
}

err_t bulkhead_map_outside(struct vcpu *v, struct domain *d, void *structure)
{
    struct bulkhead_memory *m = structure;
    struct stage2_entry e = {.mfn = maddr_to_mfn(MADDR(m->base)), .access = ACCESS_R, .mapping = MAPPING_OUTSIDE};
    uint64_t n = physmap_step(GFN(m->gaddr >> PAGE_SHIFT), e.mfn, m->size >> PAGE_SHIFT);
    err_t err;

    d = v->domain;
    if (!is_range(m) || !IS_ALIGNED(m->gaddr, PAGE_SIZE)) {
        return ERR_INVAL;
    }
    spin_lock(&d->physmap_lock);
    err = frame_claim(e.mfn, n, true);
    err = (err == OK) ? physmap_map(d, GFN(m->gaddr >> PAGE_SHIFT), n, &e) : err;
    spin_unlock(&d->physmap_lock);
    if (err != OK) {
        return err;
    }
    m->base += n << PAGE_SHIFT;
    m->gaddr += n << PAGE_SHIFT;
    m->size -= n << PAGE_SHIFT;
    return (m->size != 0u) ? ERR_RESTART : OK;
}

/* ---- frames to a domain that is being built ---- */

static err_t take_static(struct domain *d, mfn_t mfn, uint64_t n, struct frame_run *r) REQUIRES(d->lock)
{
    err_t err = physmap_charge(d, n);

    if (err == OK) {
        err = frame_take(mfn, n, FRAME_OWNER(d->slot), FRAME_RAM);
        if (err != OK) {
            physmap_uncharge(d, n);
        }
    }
    r->mfn = mfn;
    r->count = (err == OK) ? (uint32_t)n : 0u;
    return err;
}

static const struct stage2_entry ram = {.access = ACCESS_RWX, .mapping = MAPPING_RAM};

static err_t populate_step(struct domain *d, const struct bulkhead_populate *p, uint64_t n) REQUIRES(d->lock)
{
    struct frame_run r;
    err_t err;

    if (d->started) {
        return ERR_PERM;
    }
    err = physmap_run_begin(d, GFN(p->gfn), n, p->mfn & ~FRAME_RUN_KEEPS, &r);
    if (err == OK && r.count == 0u) {
        err = take_static(d, MFN(p->mfn), n, &r);
    }
    return physmap_run_end(d, &r, ram, err);
}

err_t bulkhead_populate_static(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_populate *p = structure;
    uint64_t n = physmap_step(GFN(p->gfn), MFN(p->mfn), p->count);
    err_t err;

    if (n == 0u || !range_ok(p->gfn, p->count, arch_stage2_gfn_limit())) {
        return (p->count == 0u) ? OK : ERR_INVAL;
    }
    err = LOCKED(&d->lock, populate_step(d, p, n));
    if (err != OK) {
        return err;
    }
    p->mfn += n;
    p->gfn += n;
    p->count -= n;
    return (p->count != 0u) ? ERR_RESTART : OK;
}

/* ---- move ---- */

/* How many of the caller's frames from gfn on, n at most, are RAM of its own that nobody else uses, in a row of machine
 * frames; the first is *mfn. */
static uint64_t movable(struct domain *from, gfn_t gfn, uint64_t n, mfn_t *mfn) REQUIRES(from->physmap_lock)
{
    uint64_t i = 0;

    while (i < n) {
        gfn_t at = GFN(gfn.v + i);
        struct stage2_entry e = physmap_look(from, at);
        uint64_t end = ALIGN_DOWN(at.v, UINT64_C(1) << e.order) + (UINT64_C(1) << e.order) - gfn.v; /* of this entry */

        end = (end < n) ? end : n;
        if (e.mapping != MAPPING_RAM || (i > 0u && e.mfn.v != mfn->v + i) ||
            !frame_is_sole(e.mfn, end - i, FRAME_OWNER(from->slot))) {
            break;
        }
        *mfn = (i == 0u) ? e.mfn : *mfn;
        i = end;
    }
    return i;
}

/* Take frames out of the caller's address space; their counts become d's.  *taken: a piece, or one entry that will be one
 * of d's.  ERR_RESTART: an entry was split, which is a step. */
static err_t detach(struct domain *from, const struct domain *d, gfn_t gfn, uint64_t n, mfn_t *mfn, uint64_t *taken)
    REQUIRES(from->physmap_lock)
{
    struct stage2_entry big = {.mfn = MFN_NONE, .mapping = MAPPING_NONE, .order = PHYSMAP_BIG_ORDER};
    struct stage2_entry e = physmap_look(from, gfn);
    uint64_t i = 0;

    if (n == PHYSMAP_BATCH && e.order == PHYSMAP_BIG_ORDER && IS_ALIGNED(gfn.v, n) && movable(from, gfn, n, mfn) == n) {
        arch_stage2_set(from, gfn, &big);
        i = n;
    } else if (e.mapping == MAPPING_RAM && e.order != 0u) {
        return (arch_stage2_prepare(from, gfn, 0) == OK) ? ERR_RESTART : ERR_INVAL;
    } else {
        e.mapping = MAPPING_NONE;
        n = movable(from, gfn, (n < PHYSMAP_PAGES) ? n : PHYSMAP_PAGES, mfn);
        for (; i < n && arch_stage2_prepare(from, GFN(gfn.v + i), 0) == OK; i++) {
            arch_stage2_set(from, GFN(gfn.v + i), &e);
        }
    }
    if (i > 0u) {
        frame_assign(*mfn, i, FRAME_OWNER(d->slot), FRAME_RAM); /* not mapped, count 1: nobody else finds them */
    }
    *taken = i;
    return (i != 0u) ? OK : ERR_INVAL;
}

/* Frames of the caller that are d's, n at most, in nobody's address space. */
static err_t take_from(struct domain *from, struct domain *d, const struct bulkhead_move *m, uint64_t n,
                       struct frame_run *r) REQUIRES(d->lock)
{
    err_t err = physmap_charge(d, n);
    uint64_t taken = 0;

    if (err != OK) {
        return err;
    }
    spin_lock(&from->physmap_lock);
    err = detach(from, d, GFN(m->from), n, &r->mfn, &taken);
    spin_unlock(&from->physmap_lock);
    physmap_uncharge(d, n - taken);
    physmap_uncharge(from, taken);
    if (taken != 0u && taken == m->count && m->tail_bytes < PAGE_SIZE) {
        char *last = arch_map_frame(MFN(r->mfn.v + taken - 1u));
        memset(last + m->tail_bytes, 0, PAGE_SIZE - m->tail_bytes);
    }
    r->count = (uint32_t)taken;
    return err;
}

/* Nothing has changed when this fails. */
static err_t move_step(struct domain *from, struct domain *d, const struct bulkhead_move *m, uint64_t *moved)
    REQUIRES(d->lock)
{
    uint64_t n = physmap_step(GFN(m->to), MFN(0), m->count);
    struct frame_run r;
    err_t err;

    if (d->started || domain_state(d) == DOMAIN_DYING) {
        return ERR_PERM;
    }
    err = physmap_run_begin(d, GFN(m->to), n, FRAME_RUN_KEEPS | (uint64_t)from->slot << 52 | m->from, &r);
    if (err == OK && r.count == 0u) {
        err = take_from(from, d, m, n, &r);
    }
    *moved = r.count;
    return physmap_run_end(d, &r, ram, err);
}

static err_t check_move(const struct vcpu *v, const struct domain *d, const struct bulkhead_move *m)
{
    uint64_t limit = arch_stage2_gfn_limit();

    if (d == v->domain || m->tail_bytes == 0u || m->tail_bytes > PAGE_SIZE || m->pad != 0u ||
        !range_ok(m->from, m->count, limit) || !range_ok(m->to, m->count, limit)) {
        return ERR_INVAL;
    }
    return OK;
}

err_t bulkhead_move_frames(struct vcpu *v, struct domain *d, void *structure)
{
    struct bulkhead_move *m = structure;
    uint64_t n = 0;
    err_t err = check_move(v, d, m);

    if (err == OK && m->count != 0u) {
        err = LOCKED(&d->lock, move_step(v->domain, d, m, &n));
    }
    if (err != OK) {
        return err;
    }
    m->from += n;
    m->to += n;
    m->count -= n;
    return (m->count != 0u) ? ERR_RESTART : OK;
}
