/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 tables of a domain: what is mapped where.  Two steps: prepare may fail, set may not.
 * Table frames come from the domain's own pool (core/pool.h).
 * [impl->dsn~stage2~1] */
#ifndef ARCH_CONTRACT_STAGE2_H
#define ARCH_CONTRACT_STAGE2_H

#include "lib/types.h"

struct domain;

enum access {
    ACCESS_NONE = 0,
    ACCESS_R = 1,
    ACCESS_RW = 3,
    ACCESS_RX = 5,
    ACCESS_RWX = 7,
};

/* What a mapping refers to; kept in the entry. */
enum mapping {
    MAPPING_NONE = 0,
    MAPPING_RAM = 1,     /* the domain's own RAM: the mapping holds one count of the frame */
    MAPPING_FOREIGN = 2, /* another domain's frame: holds one count */
    MAPPING_SHARED = 3,  /* a hypervisor page given to see (shared info, grant table): holds one count */
    MAPPING_DEVICE = 4,  /* MMIO, no frame table entry */
    MAPPING_OUTSIDE = 5, /* unclaimed RAM seen read-only: holds nothing */
    MAPPING_GRANT = 6,   /* by grant: holds one count */
};

struct stage2_entry {
    mfn_t mfn; /* first machine frame */
    enum access access;
    enum mapping mapping; /* MAPPING_NONE: nothing is there */
    uint32_t order;       /* 0 (4 KiB), 9 (2 MiB) or 18 (1 GiB): size of this entry, or of the hole */
};

/* Guest frame numbers that can exist: gfn.v < stage2_gfn_limit(). Const after boot. */
uint64_t arch_stage2_gfn_limit(void);

/* Empty tables; the root comes from the pool.  -NOMEM. */
err_t arch_stage2_init(struct domain *d);

/* Make sure that one entry of the given order (0, 9, 18) at gfn (aligned to it) can be set: allocates tables, splits a
 * larger entry.  -NOMEM pool spent; -INVAL gfn beyond the limit; -EXIST smaller entries are in the way. Bound: 3 tables. */
err_t arch_stage2_prepare(struct domain *d, gfn_t gfn, uint32_t order);

/* Set the entry that was prepared; break-before-make and TLB maintenance where the old entry was valid.
 * e->mapping MAPPING_NONE removes.  Cannot fail: asserts that it was prepared. */
void arch_stage2_set(struct domain *d, gfn_t gfn, const struct stage2_entry *e);

/* Both at once, and what was there: *old.  The same errors; then nothing has changed but tables that were made. */
err_t arch_stage2_exchange(struct domain *d, gfn_t gfn, const struct stage2_entry *e, struct stage2_entry *old);

/* Remove the 4 KiB entry at gfn, if there is one, and leave it to the caller to make the TLBs forget it
 * (arch_stage2_flush) before it gives up the frame, sets the entry again or lets go of the lock. */
void arch_stage2_clear(struct domain *d, gfn_t gfn);
/* No TLB knows the entries at gfns that were cleared.  count: 1..STAGE2_FLUSH_MAX. */
void arch_stage2_flush(struct domain *d, const gfn_t *gfns, uint32_t count);
#define STAGE2_FLUSH_MAX 16u

/* What is at gfn, with the frame of gfn itself.  Bound: 4 loads. */
struct stage2_entry arch_stage2_get(const struct domain *d, gfn_t gfn);

/* Teardown, once no vCPU of d can run: remove and return through *e the next entry at or after *gfn, moving *gfn
 * behind it; frees empty tables to the pool, and the root unless the domain is being restarted.  false = nothing is left.  Bound: 512 entries looked at a level; when the
 * bound ends the search e->mapping is MAPPING_NONE and true is returned. */
bool arch_stage2_reap(struct domain *d, gfn_t *gfn, struct stage2_entry *e);

#endif
