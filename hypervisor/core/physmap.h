/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's guest-physical address space: what may be mapped, and the use counts that go with it.
 * Every mapping of a frame holds one count of it; the last one that goes gives the frame back, scrubbed.
 * [impl->dsn~physmap~1] [impl->dsn~physmap-atomic~1] [impl->dsn~domain-budget~1] */
#ifndef CORE_PHYSMAP_H
#define CORE_PHYSMAP_H

#include "arch/contract/stage2.h"
#include "core/domain.h"
#include "lib/types.h"

#define PHYSMAP_BATCH     512u /* frames a step */
#define PHYSMAP_BIG_ORDER 9u
#define PHYSMAP_PIECE     8u /* frames whose life ends or begins in one step */
#define PHYSMAP_PAGES     4u /* pages mapped in one step that are no large entry */

/* Set one entry of e->order (0, 9) at gfn; what was there is gone.  The mapping takes over the caller's count of each
 * frame.  -EINVAL, -NOMEM table budget spent, -EEXIST smaller entries are in the way: then nothing has changed. */
err_t physmap_set(struct domain *d, gfn_t gfn, const struct stage2_entry *e) REQUIRES(d->physmap_lock) MUST_CHECK;

/* The same for a page of d's own that the hypervisor keeps a count of (FRAME_SHARED). */
err_t physmap_set_shared(struct domain *d, gfn_t gfn, const struct stage2_entry *e)
    REQUIRES(d->physmap_lock) MUST_CHECK;

/* Map count frames [mfn, mfn + count) at gfn where nothing is, with the largest entries that fit; the caller has one
 * count of each.  count: 1..PHYSMAP_BATCH.  All or nothing.  -EEXIST something is there, -EINVAL, -NOMEM. */
err_t physmap_map(struct domain *d, gfn_t gfn, uint64_t count, const struct stage2_entry *e)
    REQUIRES(d->physmap_lock) MUST_CHECK;

/* Nothing is mapped at [gfn, gfn + count).  count: 1..PHYSMAP_BATCH. */
bool physmap_is_hole(const struct domain *d, gfn_t gfn, uint64_t count) REQUIRES(d->physmap_lock);

/* Remove 2^order frames at gfn, page by page.  order: 0..9.  -NOENT a hole, -EINVAL, -NOMEM cannot split.
 * A failure after the first entry leaves the entries before it removed. */
err_t physmap_unmap(struct domain *d, gfn_t gfn, uint32_t order) REQUIRES(d->physmap_lock) MUST_CHECK;

/* What is at gfn, with the frame of gfn itself. */
struct stage2_entry physmap_look(const struct domain *d, gfn_t gfn) REQUIRES(d->physmap_lock);

/* The domain's own RAM frame at gfn, with one count taken (frame_put, or hand it to a mapping).  -EINVAL not RAM of d
 * with that access. */
err_t physmap_hold_as(struct domain *d, gfn_t gfn, enum access need, mfn_t *out) EXCLUDES(d->physmap_lock) MUST_CHECK;
static inline MUST_CHECK err_t physmap_hold(struct domain *d, gfn_t gfn, mfn_t *out)
{
    return physmap_hold_as(d, gfn, ACCESS_RW, out);
}
/* Put what physmap_hold took. */
void physmap_release(mfn_t mfn);

/* New RAM: 2^order fresh zeroed frames at gfn.  order: 0..9.  -EEXIST, -EINVAL, -NOMEM (free RAM, limit or tables).
 * ERR_RESTART from order 4 on: an interrupt waits; the same call goes on. */
err_t physmap_populate(struct domain *d, gfn_t gfn, uint32_t order) EXCLUDES(d->physmap_lock) MUST_CHECK;

/* How many of the frames [mfn, mfn + count) are mapped at gfn in one step: 512 if that is one entry, else PHYSMAP_PAGES. */
uint64_t physmap_step(gfn_t gfn, mfn_t mfn, uint64_t count);

/* Frames that take more than a piece: those that the step before has left for the same gfn, count and key, or count = 0: then
 * the caller gives *r mfn and count, of frames that are d's, charged, and in nobody's address space.  ERR_RESTART.
 * Whatever the caller finds, physmap_run_end() follows with its error. */
err_t physmap_run_begin(struct domain *d, gfn_t gfn, uint64_t count, uint64_t key, struct frame_run *r)
    EXCLUDES(d->physmap_lock) MUST_CHECK;
/* Make them ready, a piece at a time, and map them as e says.  ERR_RESTART: an interrupt waits, the same again goes on.
 * Another error, or err: they are given up. */
err_t physmap_run_end(struct domain *d, struct frame_run *r, struct stage2_entry e, err_t err)
    EXCLUDES(d->physmap_lock) MUST_CHECK;
/* Give up what a step has left.  true: nothing is left. */
bool physmap_run_drop(struct domain *d) EXCLUDES(d->physmap_lock) MUST_CHECK;
/* The same of frames that are nowhere else.  true: done; else an interrupt waits. */
bool physmap_give_up(struct frame_run *r);

/* Count frames that become d's against its limit.  -NOMEM. */
err_t physmap_charge(struct domain *d, uint64_t count) MUST_CHECK;
void physmap_uncharge(struct domain *d, uint64_t count);

/* Does a mapping of that kind hold a count of each of its frames? */
bool physmap_is_counted(enum mapping m);

/* Give up the count of a frame, or of a device's frames, that are no longer mapped.  Bound: one frame scrubbed. */
void physmap_drop(const struct stage2_entry *e);

#endif
