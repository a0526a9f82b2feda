/* SPDX-License-Identifier: Apache-2.0 */
#include "core/physmap.h"
#include "core/device.h"
#include "core/frame.h"
#include "core/launch.h"
#include "lib/bits.h"

static bool is_counted(enum mapping m)
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

/* Put one count of each frame; those nobody uses any more go back in runs.  Bound: count, 512 at most. */
static void put_frames(mfn_t mfn, uint64_t count)
{
    uint64_t run = 0;
    uint16_t run_owner = FRAME_NOBODY;

    for (uint64_t i = frame_rest(mfn, count); i < count; i++) { /* kept ones together: a restart's */
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

void physmap_release(mfn_t mfn)
{
    uint16_t owner;

    if (UNLIKELY(frame_put(mfn, &owner))) {
        give_back(mfn, 1, owner);
    }
}

void physmap_drop(const struct stage2_entry *e)
{
    if (LIKELY(e->order == 0u) && is_counted(e->mapping)) {
        physmap_release(e->mfn);
    } else if (is_counted(e->mapping)) {
        put_frames(e->mfn, UINT64_C(1) << e->order);
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

err_t physmap_map(struct domain *d, gfn_t gfn, uint64_t count, const struct stage2_entry *e)
{
    struct stage2_entry one = *e;
    err_t err;

    if (count == 0u || count > PHYSMAP_BATCH || !range_ok(gfn.v, count, arch_stage2_gfn_limit())) {
        return ERR_INVAL;
    }
    if (domain_state(d) == DOMAIN_DYING) {
        return ERR_SRCH;
    }
    if (!physmap_is_hole(d, gfn, count)) {
        return ERR_EXIST;
    }
    err = prepare_all(d, gfn, e->mfn, count);
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
    for (uint64_t i = 0; i < count;) {
        gfn_t at = GFN(gfn.v + i);
        struct stage2_entry old = arch_stage2_get(d, at);
        struct stage2_entry none = {.mfn = MFN_NONE, .mapping = MAPPING_NONE};
        err_t err;

        if (old.mapping == MAPPING_NONE) {
            return ERR_NOENT;
        }
        none.order = (old.order == PHYSMAP_BIG_ORDER && order_for(at, MFN(0), count - i) != 0u) ? old.order : 0u;
        err = physmap_set(d, at, &none);
        if (err != OK) {
            return err;
        }
        i += UINT64_C(1) << none.order;
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

COLD err_t physmap_populate(struct domain *d, gfn_t gfn, uint32_t order)
{
    struct stage2_entry e = {.access = ACCESS_RWX, .mapping = MAPPING_RAM};
    uint64_t count = UINT64_C(1) << order;
    err_t err;

    if (order > PHYSMAP_BIG_ORDER) {
        return ERR_INVAL;
    }
    err = launch_populate(d, gfn, order);
    if (err != ERR_NOENT) {
        return err;
    }
    err = physmap_charge(d, count);
    if (err != OK) {
        return err;
    }
    err = frame_alloc(FRAME_OWNER(d->slot), FRAME_RAM, order, &e.mfn);
    if (err != OK) {
        physmap_uncharge(d, count);
        return err;
    }
    arch_scrub(e.mfn, count);
    err = LOCKED(&d->physmap_lock, physmap_map(d, gfn, count, &e));
    if (err != OK) {
        frame_free(e.mfn, count);
        physmap_uncharge(d, count);
    }
    return err;
}
