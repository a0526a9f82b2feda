/* SPDX-License-Identifier: Apache-2.0 */
/* domctl operations on one domain.  Called with a reference to d held; those with the right BUILD also with d->lock,
 * and d has not been started.
 * [impl->dsn~domctl~1] */
#ifndef CORE_DOMCTL_H
#define CORE_DOMCTL_H

#include "core/domain.h"
#include "lib/types.h"

struct xen_domctl;

typedef err_t domctl_fn(struct vcpu *v, struct domain *d, struct xen_domctl *op);

domctl_fn domctl_create; /* d: NULL */

domctl_fn domctl_max_mem;
domctl_fn domctl_max_vcpus;
domctl_fn domctl_set_context;
domctl_fn domctl_set_affinity;
domctl_fn domctl_set_handle;
domctl_fn domctl_set_pool;
domctl_fn domctl_clean;

domctl_fn domctl_iomem_permission;
domctl_fn domctl_memory_mapping;
domctl_fn domctl_irq_permission;
domctl_fn domctl_bind_irq;

domctl_fn domctl_get_pool;
domctl_fn domctl_get_context;
domctl_fn domctl_get_affinity;
domctl_fn domctl_get_vcpu;

/* The domain in the first slot, from `from` on, over which v's domain has the right, with a reference; NULL = none. */
struct domain *domctl_next(const struct vcpu *v, enum bulkhead_right right, uint32_t from);

struct xen_domctl_getdomaininfo;
void domctl_fill_info(const struct domain *d, struct xen_domctl_getdomaininfo *out);

#endif
