/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain was at its launch, sealed, and how it becomes that again.
 * [impl->dsn~launch-record~1] */
#ifndef CORE_LAUNCH_H
#define CORE_LAUNCH_H

#include "core/domain.h"
#include "lib/types.h"

/* One step of copying d's pages [*gfn, *gfn + *count) to frames that are mapped nowhere; both move on.  ERR_RESTART: more.
 * -BUSY sealed, -INVAL not its RAM, -NOSPC, -NOMEM.  Bound: COPY_FRAMES pages. */
err_t launch_seal_image(struct domain *d, uint64_t *gfn, uint64_t *count) REQUIRES(d->lock) MUST_CHECK;
/* One step of noting what is mapped from *gfn on, then which channels there are from *port on; ERR_RESTART: more.
 * OK: d can be restarted.  The same errors.  Bound: 512 entries or frames, or until an interrupt waits. */
err_t launch_seal(struct domain *d, uint64_t *gfn, uint64_t *port) REQUIRES(d->lock) MUST_CHECK;
bool launch_is_sealed(const struct domain *d);
/* Frames of the record for [gfn, gfn + count), which d gave up, have a user again.  -NOENT the record says nothing about
 * them.  -BUSY they are still in use. */
err_t launch_find(struct domain *d, gfn_t gfn, uint64_t count, mfn_t *out) EXCLUDES(d->physmap_lock) MUST_CHECK;

/* ---- steps of a restart or an end; context: the CPU that takes d apart; nothing of d runs ---- */

/* Mappings of d's frames by the holder of RIGHT_MAP_FOREIGN go to its sink frame.  true = more.
 * Bound: 512 of its entries, or until an interrupt waits. */
bool launch_redirect(struct domain *d);
/* Memory as the record says, scrubbed, and channels; then the images, parameters, grants and entry state.
 * -BUSY: others still use a frame, -NOMEM the pool is spent.  Bound: 512 frames, or until an interrupt waits. */
err_t launch_rebuild(struct domain *d) MUST_CHECK;
/* Frames of the record become free.  ERR_RESTART, -BUSY as above.  Bound: PHYSMAP_PIECE frames scrubbed. */
err_t launch_free(struct domain *d) MUST_CHECK;
/* The next rebuild begins at its first step. */
void launch_rewind(struct domain *d);

#endif
