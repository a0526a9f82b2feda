/* SPDX-License-Identifier: Apache-2.0 */
/* Labels: what the label policy of the launch lets one domain do to another, beside the rights.  A domain's label is its
 * slot's from createdomain on, in each of its lives.  Without a policy, for the Boot Domain, and to itself, all is allowed.
 * [impl->dsn~label-check~1] */
#ifndef CORE_LABEL_H
#define CORE_LABEL_H

#include "bulkhead/label.h"
#include "core/domain.h"
#include "core/vcpu.h"

extern uint32_t label_count; /* atomic: labels of the policy; 0 = there is none */

static inline bool label_policy(void)
{
    return __atomic_load_n(&label_count, __ATOMIC_ACQUIRE) != 0u;
}

/* BULKHEAD_OP_SET_LABELS: struct bulkhead_label_policy.
 * Context: the Boot Domain, which has one vCPU. */
err_t label_load(struct vcpu *v, struct domain *d, void *structure);

/* The domain in slot source may do access to the domain in slot target, or (RIGHTS_PLATFORM) to the platform; else -EACCES,
 * counted, and printed when it is the first between two labels.  Bound: 3 loads if it may. */
err_t label_check(uint32_t source, uint32_t target, uint32_t access);
/* The domain in slot source may create one with the wanted label; the same.  -EINVAL no such label. */
err_t label_check_new(uint32_t source, uint32_t wanted);
/* Both may have event channels with each other. */
err_t label_check_channel(const struct domain *a, const struct domain *b);

/* Context: the slot's domain is being created.  given: label_check_new() said yes. */
void label_give(uint32_t slot, uint32_t given);
uint32_t label_of(uint32_t slot);
/* Denials between two labels (or to BULKHEAD_LABEL_PLATFORM) since the launch, modulo 2^32. */
uint32_t label_denials(uint32_t source, uint32_t target);
/* Prints how many labels and denials there are, if there is a policy. */
void label_show(void);

#endif
