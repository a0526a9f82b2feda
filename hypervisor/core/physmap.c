/* SPDX-License-Identifier: Apache-2.0 */
#include "core/physmap.h"
#include "core/device.h"
#include "core/frame.h"
#include "core/launch.h"
#include "lib/bits.h"

#define READY_PIECE 20u  /* frames scrubbed or cleaned between two looks */
#define REST_PIECE  128u /* kept frames given up between two looks for an interrupt */

bool physmap_is_counted(enum mapping m)
{
    return m == MAPPING_RAM || m == MAPPING_FOREIGN || m == MAPPING_SHARED || m == MAPPING_GRANT;
}

err_t physmap_charge(struct domain *d, uint64_t count)
{
    uint64_t limit = __atomic_load_n(&d->max_frames, __ATOMIC_RELAXED);
    uint64_t have = __atomic_load_n(&d->frames, __ATOMIC_RELAXED);

    do { /* bound: contending CPUs */
        if (have > limit || count > limit - have) {
            return ERR_NOMEM;
        }
    } while (!__atomic_compare_exchange_n(&d->frames, &have, have + count, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return OK;
}

void physmap_uncharge(struct domain *d, uint64_t count)
{
    /* release: whoever sees 0 and frees d has seen this CPU finish with it */
    ASSERT(__atomic_fetch_sub(&d->frames, count, __ATOMIC_RELEASE) >= count);
}

/* Frames [mfn, mfn + count) of one owner lost their last user. */
static void give_back(mfn_t mfn, uint64_t count, uint16_t owner)
{
    arch_scrub(mfn, count);
    frame_free(mfn, count);
    physmap_uncharge(domain_at(owner - 1u), count);
}

/* Put one count of each frame; those nobody uses any more go back in runs.  Bound: PHYSMAP_PIECE. */
static void put_frames(mfn_t mfn, uint64_t count)
{
    uint64_t run = 0;
    uint16_t run_owner = FRAME_NOBODY;

    for (uint64_t i = 0; i < count; i++) {
        uint16_t owner;
        bool last = frame_put(MFN(mfn.v + i), &owner);

        if (run > 0u && (!last || owner != run_owner)) {
            give_back(MFN(mfn.v + i - run), run, run_owner);
            run = 0;
        }
        if (last) {
            run_owner = owner;
            run++;
        }
    }
    if (run > 0u) {
        give_back(MFN(mfn.v + count - run), run, run_owner);
    }
}

bool physmap_give_up(struct frame_run *r)
{
    while (r->done < r->count) {
        mfn_t at = MFN(r->mfn.v + r->done);
        uint32_t left = r->count - r->done;
        uint32_t n = (uint32_t)frame_rest(at, (left < REST_PIECE) ? left : REST_PIECE); /* a restart's: all at once */

        if (n == 0u) {
            n = (left < PHYSMAP_PIECE) ? left : PHYSMAP_PIECE;
            put_frames(at, n);
        }
        r->done += n;
        if (r->done < r->count && arch_irq_pending()) {
            return false;
        }
    }
    r->count = 0;
    return true;
}

void physmap_release(mfn_t mfn)
{
    uint16_t owner;

    if (UNLIKELY(frame_put(mfn, &owner))) {
        give_back(mfn, 1, owner);
    }
}

void physmap_drop(const struct stage2_entry *e)
{
    if (LIKELY(physmap_is_counted(e->mapping))) {
        physmap_release(e->mfn);
    } else if (e->mapping == MAPPING_DEVICE) {
        device_unmapped(e->mfn, UINT64_C(1) << e->order);
    }
}

struct stage2_entry physmap_look(const struct domain *d, gfn_t gfn)
{
    if (domain_state(d) == DOMAIN_DYING) {
        return (struct stage2_entry){.mfn = MFN_NONE}; /* its tables are going */
    }
    return arch_stage2_get(d, gfn);
}

err_t physmap_set(struct domain *d, gfn_t gfn, const struct stage2_entry *e)
{
    struct stage2_entry old;
    err_t err = (domain_state(d) == DOMAIN_DYING) ? ERR_SRCH : arch_stage2_exchange(d, gfn, e, &old);

    if (err != OK) {
        return err;
    }
    if (e->mapping != MAPPING_NONE && gfn.v + (UINT64_C(1) << e->order) - 1u > d->max_gfn) {
        d->max_gfn = gfn.v + (UINT64_C(1) << e->order) - 1u;
    }
    if (old.mapping != MAPPING_NONE) {
        physmap_drop(&old);
    }
    return OK;
}

err_t physmap_set_shared(struct domain *d, gfn_t gfn, const struct stage2_entry *e)
{
    err_t err = frame_get(e->mfn, FRAME_OWNER(d->slot), FRAME_SHARED);
    uint16_t owner;

    if (err == OK) {
        err = physmap_set(d, gfn, e);
        if (err != OK) {
            ASSERT(!frame_put(e->mfn, &owner)); /* it keeps one */
        }
    }
    return err;
}

/* Largest entry for what is left of a batch: 2 MiB where both sides are aligned. */
static uint32_t order_for(gfn_t gfn, mfn_t mfn, uint64_t left)
{
    uint64_t big = UINT64_C(1) << PHYSMAP_BIG_ORDER;

    return (left >= big && IS_ALIGNED(gfn.v | mfn.v, big)) ? PHYSMAP_BIG_ORDER : 0u;
}

uint64_t physmap_step(gfn_t gfn, mfn_t mfn, uint64_t count)
{
    uint64_t to_boundary = PHYSMAP_PAGES - (gfn.v & (PHYSMAP_PAGES - 1u)); /* steps end where large entries begin */

    if (order_for(gfn, mfn, count) != 0u) {
        return PHYSMAP_BATCH;
    }
    return (count < to_boundary) ? count : to_boundary;
}

COLD bool physmap_is_hole(const struct domain *d, gfn_t gfn, uint64_t count)
{
    uint64_t at = gfn.v;

    while (at < gfn.v + count) {
        struct stage2_entry e = arch_stage2_get(d, GFN(at));
        uint64_t span = UINT64_C(1) << e.order;

        if (e.mapping != MAPPING_NONE) {
            return false;
        }
        at = ALIGN_DOWN(at, span) + span;
    }
    return true;
}

/* Make every entry of the batch settable; tables made for a batch that then fails stay, empty. */
COLD static err_t prepare_all(struct domain *d, gfn_t gfn, mfn_t mfn, uint64_t count)
{
    for (uint64_t i = 0; i < count;) {
        uint32_t order = order_for(GFN(gfn.v + i), MFN(mfn.v + i), count - i);
        err_t err = arch_stage2_prepare(d, GFN(gfn.v + i), order);

        if (err == ERR_EXIST && order != 0u) { /* an empty table is there: page by page */
            order = 0;
            err = arch_stage2_prepare(d, GFN(gfn.v + i), 0);
        }
        if (err != OK) {
            return err;
        }
        /* one table serves all pages of its 2 MiB */
        i += (order != 0u) ? PHYSMAP_BATCH : PHYSMAP_BATCH - ((gfn.v + i) & (PHYSMAP_BATCH - 1u));
    }
    return OK;
}

/* physmap_map() of these would do. */
COLD static err_t check_map(struct domain *d, gfn_t gfn, mfn_t mfn, uint64_t count) REQUIRES(d->physmap_lock)
{
    if (count == 0u || count > PHYSMAP_BATCH || !range_ok(gfn.v, count, arch_stage2_gfn_limit())) {
        return ERR_INVAL;
    }
    if (domain_state(d) == DOMAIN_DYING) {
        return ERR_SRCH;
    }
    if (!physmap_is_hole(d, gfn, count)) {
        return ERR_EXIST;
    }
    return prepare_all(d, gfn, mfn, count);
}

err_t physmap_map(struct domain *d, gfn_t gfn, uint64_t count, const struct stage2_entry *e)
{
    struct stage2_entry one = *e;
    err_t err = check_map(d, gfn, e->mfn, count);

    if (err != OK) {
        return err;
    }
    for (uint64_t i = 0; i < count;) {
        gfn_t at = GFN(gfn.v + i);

        one.mfn = MFN(e->mfn.v + i);
        one.order = order_for(at, one.mfn, count - i);
        if (one.order != 0u && arch_stage2_prepare(d, at, one.order) != OK) {
            one.order = 0;
        }
        arch_stage2_set(d, at, &one);
        i += UINT64_C(1) << one.order;
    }
    if (gfn.v + count - 1u > d->max_gfn) {
        d->max_gfn = gfn.v + count - 1u;
    }
    return OK;
}

COLD err_t physmap_unmap(struct domain *d, gfn_t gfn, uint32_t order)
{
    uint64_t count = UINT64_C(1) << order;

    if (order > PHYSMAP_BIG_ORDER || !range_ok(gfn.v, count, arch_stage2_gfn_limit())) {
        return ERR_INVAL;
    }
    if (domain_state(d) == DOMAIN_DYING) {
        return ERR_SRCH;
    }
    for (uint64_t i = 0; i < count; i++) {
        static const struct stage2_entry none = {.mfn = MFN_NONE, .mapping = MAPPING_NONE};
        gfn_t at = GFN(gfn.v + i);
        err_t err = (arch_stage2_get(d, at).mapping != MAPPING_NONE) ? physmap_set(d, at, &none) : ERR_NOENT;

        if (err != OK) {
            return err;
        }
    }
    return OK;
}

err_t physmap_hold_as(struct domain *d, gfn_t gfn, enum access need, mfn_t *out)
{
    struct stage2_entry e;
    err_t err = ERR_INVAL;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, gfn);
    if (e.mapping == MAPPING_RAM && (e.access & need) == need &&
        frame_get(e.mfn, FRAME_OWNER(d->slot), FRAME_RAM) == OK) {
        *out = e.mfn;
        err = OK;
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

/* ---- runs ---- */

COLD err_t physmap_run_begin(struct domain *d, gfn_t gfn, uint64_t count, uint64_t key, struct frame_run *r)
{
    err_t err = OK;

    *r = (struct frame_run){.count = 0};
    spin_lock(&d->physmap_lock);
    if (count > PHYSMAP_PIECE && d->run.out) {
        err = ERR_RESTART;
    } else if (count > PHYSMAP_PIECE) {
        *r = d->run;
        r->out = true;
        d->run.out = true;
    }
    spin_unlock(&d->physmap_lock);
    if (err == OK && r->count != 0u &&
        (r->gfn == UINT64_MAX || r->gfn != gfn.v || r->count != count || r->key != key)) {
        r->done = (r->gfn == UINT64_MAX) ? r->done : 0u;
        r->gfn = UINT64_MAX;
        err = physmap_give_up(r) ? OK : ERR_RESTART;
    }
    if (err == OK && r->count == 0u) {
        r->gfn = gfn.v;
        r->done = 0;
        r->key = key;
        r->found = true;
        if ((key & FRAME_RUN_KEEPS) != 0u ||
            count > PHYSMAP_PIECE) { /* before somebody loses them, or they are worked on */
            spin_lock(&d->physmap_lock);
            err = check_map(d, gfn, MFN(0), count);
            spin_unlock(&d->physmap_lock);
        }
    }
    return err;
}

static err_t make_ready(struct frame_run *r)
{
    while (r->done < r->count) {
        uint32_t n = (r->count - r->done < READY_PIECE) ? r->count - r->done : READY_PIECE;
        mfn_t at = MFN(r->mfn.v + r->done);

        if ((r->key & FRAME_RUN_KEEPS) != 0u) {
            arch_clean(at, n);
        } else {
            arch_scrub(at, n);
        }
        r->done += n;
        if (r->count > PHYSMAP_PIECE && arch_irq_pending()) {
            return ERR_RESTART;
        }
    }
    return OK;
}

COLD err_t physmap_run_end(struct domain *d, struct frame_run *r, struct stage2_entry e, err_t err)
{
    if (err == OK && r->found && r->count > PHYSMAP_PIECE && arch_irq_pending()) {
        err = ERR_RESTART; /* it took its time to find them */
    } else if (err == OK) {
        err = make_ready(r);
    }
    spin_lock(&d->physmap_lock);
    if (err == OK) {
        e.mfn = r->mfn;
        err = physmap_map(d, GFN(r->gfn), r->count, &e);
        r->count = (err == OK) ? 0u : r->count;
    }
    if (r->count != 0u && err != ERR_RESTART) {
        r->gfn = UINT64_MAX;
        r->done = 0;
    }
    if (r->out) {
        r->out = false;
        r->found = false;
        d->run = *r;
        r->count = 0;
    }
    spin_unlock(&d->physmap_lock);
    if (r->count != 0u) {
        (void)physmap_give_up(r); /* one piece */
    }
    return err;
}

bool physmap_run_drop(struct domain *d)
{
    static const struct stage2_entry none = {.mapping = MAPPING_NONE};
    struct frame_run r;
    err_t err = physmap_run_begin(d, GFN(UINT64_MAX), PHYSMAP_BATCH, 0, &r); /* which no frames are for */

    return physmap_run_end(d, &r, none, err) != ERR_RESTART;
}

/* Frames for gfn: those that it gave up of its launch record there, or others. */
COLD static err_t find_frames(struct domain *d, gfn_t gfn, uint32_t order, struct frame_run *r)
{
    uint64_t count = UINT64_C(1) << order;
    err_t err = launch_find(d, gfn, count, &r->mfn);

    if (err == ERR_NOENT) {
        err = physmap_charge(d, count);
        if (err == OK) {
            err = frame_alloc(FRAME_OWNER(d->slot), FRAME_RAM, order, &r->mfn);
            if (err != OK) {
                physmap_uncharge(d, count);
            }
        }
    }
    r->count = (err == OK) ? (uint32_t)count : 0u;
    return err;
}

COLD err_t physmap_populate(struct domain *d, gfn_t gfn, uint32_t order)
{
    static const struct stage2_entry e = {.access = ACCESS_RWX, .mapping = MAPPING_RAM};
    struct frame_run r;
    err_t err;

    if (order > PHYSMAP_BIG_ORDER) {
        return ERR_INVAL;
    }
    err = physmap_run_begin(d, gfn, UINT64_C(1) << order, 0, &r);
    if (err == OK && r.count == 0u) {
        err = find_frames(d, gfn, order, &r);
    }
    return physmap_run_end(d, &r, e, err);
}
