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

uint64_t bulkhead_step(uint64_t gfn, uint64_t count)
{
    uint64_t to_boundary = PHYSMAP_BATCH - (gfn & (PHYSMAP_BATCH - 1u));

    return (count < to_boundary) ? count : to_boundary;
}

err_t bulkhead_map_outside(struct vcpu *v, struct domain *d, void *structure)
{
    struct bulkhead_memory *m = structure;
    struct stage2_entry e = {.mfn = maddr_to_mfn(MADDR(m->base)), .access = ACCESS_R, .mapping = MAPPING_OUTSIDE};
    uint64_t n = bulkhead_step(m->gaddr >> PAGE_SHIFT, m->size >> PAGE_SHIFT);
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

static err_t populate_step(struct domain *d, const struct bulkhead_populate *p, uint64_t n) REQUIRES(d->lock)
{
    struct stage2_entry e = {.mfn = MFN(p->mfn), .access = ACCESS_RWX, .mapping = MAPPING_RAM};
    err_t err = d->started ? ERR_PERM : physmap_charge(d, n);

    if (err != OK) {
        return err;
    }
    err = frame_take(e.mfn, n, FRAME_OWNER(d->slot), FRAME_RAM);
    if (err == OK) {
        arch_scrub(e.mfn, n);
        err = LOCKED(&d->physmap_lock, physmap_map(d, GFN(p->gfn), n, &e));
        if (err != OK) {
            frame_free(e.mfn, n);
        }
    }
    if (err != OK) {
        physmap_uncharge(d, n);
    }
    return err;
}

err_t bulkhead_populate_static(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_populate *p = structure;
    uint64_t n = bulkhead_step(p->gfn, p->count);
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

        if (e.mapping != MAPPING_RAM || (i > 0u && e.mfn.v != mfn->v + i)) {
            break;
        }
        *mfn = (i == 0u) ? e.mfn : *mfn;
        for (; i < n && i < end; i++) {
            if (!frame_is_sole(MFN(mfn->v + i), FRAME_OWNER(from->slot))) {
                return i;
            }
        }
    }
    return i;
}

/* Take the entries out of the caller's address space but keep their counts.  Returns the frames taken out. */
static uint64_t detach(struct domain *from, gfn_t gfn, uint64_t n) REQUIRES(from->physmap_lock)
{
    uint64_t i = 0;

    while (i < n) {
        gfn_t at = GFN(gfn.v + i);
        struct stage2_entry none = {.mfn = MFN_NONE, .mapping = MAPPING_NONE};
        bool big = n - i >= PHYSMAP_BATCH && IS_ALIGNED(at.v, PHYSMAP_BATCH) &&
                   arch_stage2_get(from, at).order == PHYSMAP_BIG_ORDER;

        none.order = big ? PHYSMAP_BIG_ORDER : 0u;
        if (arch_stage2_prepare(from, at, none.order) != OK) {
            break;
        }
        arch_stage2_set(from, at, &none);
        i += UINT64_C(1) << none.order;
    }
    return i;
}

/* Frames that are in nobody's address space become RAM of d at gfn. */
static err_t attach(struct domain *from, struct domain *d, gfn_t gfn, mfn_t mfn, uint64_t n) REQUIRES(d->lock)
{
    struct stage2_entry e = {.mfn = mfn, .access = ACCESS_RWX, .mapping = MAPPING_RAM};
    err_t err = OK;

    for (uint64_t i = 0; i < n; i++) {
        ASSERT(frame_move(MFN(mfn.v + i), FRAME_OWNER(from->slot), FRAME_OWNER(d->slot)) ==
               OK); /* not mapped, count 1 */
    }
    physmap_uncharge(from, n);
    arch_clean(mfn, n);
    err = LOCKED(&d->physmap_lock, physmap_map(d, gfn, n, &e));
    if (err != OK) {
        for (uint64_t i = 0; i < n; i++) {
            physmap_release(MFN(mfn.v + i));
        }
    }
    return err;
}

/* Nothing has changed when this fails, unless d's tables are spent: then the frames of this step are free again. */
static err_t move_step(struct domain *from, struct domain *d, const struct bulkhead_move *m, uint64_t *moved)
    REQUIRES(d->lock)
{
    uint64_t n = bulkhead_step(m->to, m->count);
    mfn_t mfn = MFN_NONE;
    err_t err = (d->started || domain_state(d) == DOMAIN_DYING) ? ERR_PERM : physmap_charge(d, n);
    uint64_t taken;

    if (err != OK) {
        return err;
    }
    err = LOCKED(&d->physmap_lock, physmap_is_hole(d, GFN(m->to), n) ? OK : ERR_EXIST);
    if (err != OK) {
        physmap_uncharge(d, n);
        return err;
    }
    spin_lock(&from->physmap_lock);
    taken = movable(from, GFN(m->from), n, &mfn);
    taken = detach(from, GFN(m->from), taken);
    spin_unlock(&from->physmap_lock);
    if (taken < n) {
        physmap_uncharge(d, n - taken);
    }
    if (taken == 0u) {
        return ERR_INVAL;
    }
    if (taken == m->count && m->tail_bytes < PAGE_SIZE) {
        char *last = arch_map_frame(MFN(mfn.v + taken - 1u));
        memset(last + m->tail_bytes, 0, PAGE_SIZE - m->tail_bytes);
    }
    *moved = taken;
    return attach(from, d, GFN(m->to), mfn, taken);
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
