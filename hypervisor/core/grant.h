/* SPDX-License-Identifier: Apache-2.0 */
/* Grant tables, version 1: a domain lets another one map or copy single frames.
 * [impl->dsn~grant-table~1] */
#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include "core/domain.h"
#include "lib/types.h"

#define GRANT_FRAMES_LIMIT     128u  /* 4 KiB frames of a table: 65,536 grants */
#define GRANT_MAPTRACK_LIMIT   1024u /* frames of mapping records: 262,144 mappings */
#define GRANT_FRAMES_DEFAULT   64u
#define GRANT_MAPTRACK_DEFAULT 1024u

/* A table for d, paid from its pool.  max_frames 0: d has none, and every call on it is refused.
 * -INVAL a limit is too large, -NOMEM.  Context: d is not visible yet. */
err_t grant_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack) MUST_CHECK;

/* Map frame idx of d's grant table at gfn of d; the table grows to idx + 1 frames.  What was at gfn is gone.
 * -INVAL idx is not below the limit, gfn; -NOMEM the pool is spent. */
err_t grant_add_to_physmap(struct domain *d, uint64_t idx, gfn_t gfn) EXCLUDES(d->physmap_lock) MUST_CHECK;

/* Frame idx of d's table, to which the table grows, with one count taken, to be handed to a mapping by right.
 * -INVAL idx is not below the limit, no table, d ends; -NOMEM; ERR_RESTART it has grown by one frame. */
err_t grant_hold_frame(struct domain *d, uint64_t idx, mfn_t *out) EXCLUDES(d->physmap_lock) MUST_CHECK;

/* Entry ref of d's table, one of the reserved ones, lets the domain `to` use frame gfn of d.  -INVAL ref, gfn, no table.
 * Context: nobody of d runs yet.
 * [impl->dsn~grant-seed~1] */
err_t grant_seed(struct domain *d, uint32_t ref, uint32_t to, gfn_t gfn) MUST_CHECK;
/* All GNTTAB_NR_RESERVED_ENTRIES of them, out of d's table or into it; nothing where it has none.  The same context. */
void grant_get_reserved(const struct domain *d, uint64_t *entries);
void grant_set_reserved(const struct domain *d, const uint64_t *entries);

/* One step of d's end: what it maps of others is given up; what others map of it is redirected to sink frames of their
 * own, and no grant of it works any more.  OK = nothing is left, ERR_RESTART = go on, -BUSY = wait (a call on another
 * CPU is under way; it nudges).  Context: the CPU that takes d apart; no vCPU of d is on a CPU.
 * Bound: GRANT_REAP_STEP records looked at, 16 of them redirected. */
err_t grant_reap(struct domain *d) MUST_CHECK;
#define GRANT_REAP_STEP 64u

/* d's sink frame, with one count taken.  false = it has none and cannot have one. */
bool grant_sink(struct domain *d, mfn_t *out) REQUIRES(d->physmap_lock);
/* The limits that d was created with; 0 without a table. */
void grant_limits(const struct domain *d, uint32_t *frames, uint32_t *maptrack);

/* Give the table's frames back to d's pool.  ERR_RESTART more is left, ERR_BUSY somebody maps one of them by right.
 * Context: nothing of d is mapped by grant, nobody finds it.  Bound: GRANT_FREE_STEP frames. */
err_t grant_free(struct domain *d);
#define GRANT_FREE_STEP 64u

#endif
