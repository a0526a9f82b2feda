/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool.h"
#include "core/frame.h"
#include "core/physmap.h"

/* The first word of a free pool frame is the next one's frame number; the rest is what was there.  Frames are scrubbed when
 * they are taken, so that a generous pool costs nothing until it is used. */
static uint64_t *next_of(mfn_t mfn)
{
    return arch_map_frame(mfn);
}

void pool_free(struct domain *d, mfn_t mfn)
{
    *next_of(mfn) = d->pool_head.v;
    d->pool_head = mfn;
    d->pool_free++;
}

err_t pool_alloc(struct domain *d, mfn_t *out)
{
    mfn_t mfn = d->pool_head;

    if (d->pool_free == 0u) {
        return ERR_NOMEM;
    }
    d->pool_head.v = *next_of(mfn);
    d->pool_free--;
    arch_scrub(mfn, 1);
    *out = mfn;
    return OK;
}

err_t pool_alloc_order(struct domain *d, uint32_t order, mfn_t *out)
{
    err_t err = frame_alloc(FRAME_OWNER(d->slot), FRAME_POOL, order, out);

    if (err != OK) {
        return err;
    }
    arch_scrub(*out, UINT64_C(1) << order);
    d->overhead += UINT64_C(1) << order;
    return OK;
}

void pool_free_order(struct domain *d, mfn_t mfn, uint32_t order)
{
    arch_scrub(mfn, UINT64_C(1) << order);
    frame_free(mfn, UINT64_C(1) << order);
    d->overhead -= UINT64_C(1) << order;
}

err_t pool_grow(struct domain *d, uint64_t count)
{
    uint32_t order = PHYSMAP_BIG_ORDER;

    while (count > 0u) { /* the largest blocks that there are */
        mfn_t mfn;

        if (count < (UINT64_C(1) << order) || frame_alloc(FRAME_OWNER(d->slot), FRAME_POOL, order, &mfn) != OK) {
            if (order == 0u) {
                return ERR_NOMEM;
            }
            order--;
            continue;
        }
        for (uint64_t i = UINT64_C(1) << order; i > 0u; i--) {
            pool_free(d, MFN(mfn.v + i - 1u));
        }
        d->pool_total += UINT64_C(1) << order;
        count -= UINT64_C(1) << order;
    }
    return OK;
}

uint64_t pool_shrink(struct domain *d, uint64_t count)
{
    uint64_t done = 0;

    while (done < count && d->pool_free > 0u) {
        mfn_t mfn = d->pool_head;

        d->pool_head.v = *next_of(mfn);
        d->pool_free--;
        d->pool_total--;
        frame_free(mfn, 1);
        done++;
    }
    return done;
}
