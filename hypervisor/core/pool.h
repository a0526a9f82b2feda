/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's own frames for what the hypervisor keeps on its behalf: stage 2 tables, vCPUs, interrupt state.
 * Filled from the builder's budget (XEN_DOMCTL_set_paging_mempool_size, createdomain), frozen at the first unpause.
 * [impl->dsn~domain-pool~1] */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "lib/types.h"

struct domain;

/* Context of all: the domain's physmap_lock is held, or the domain is not visible yet, or not any more. */

/* 1 zeroed frame (hypervisor's view through arch_map_frame).  -NOMEM. */
err_t pool_alloc(struct domain *d, mfn_t *out);
/* The order of a block of frames for size bytes, 1 and more. */
static inline uint32_t order_of(size_t size)
{
    return (size <= PAGE_SIZE) ? 0u : 64u - (uint32_t)__builtin_clzll((size - 1u) >> PAGE_SHIFT);
}
/* 2^order contiguous zeroed frames; only while the domain is being created (frames come from the free list). -NOMEM */
err_t pool_alloc_order(struct domain *d, uint32_t order, mfn_t *out);
void pool_free(struct domain *d, mfn_t mfn);
void pool_free_order(struct domain *d, mfn_t mfn, uint32_t order);

/* Add count frames of free RAM; -NOMEM: as many as there were.  count: 1..FRAME_BATCH. */
err_t pool_grow(struct domain *d, uint64_t count);
/* Give up to count unused frames back; returns how many.  count: 1..FRAME_BATCH. */
uint64_t pool_shrink(struct domain *d, uint64_t count);

#endif
