/* SPDX-License-Identifier: Apache-2.0 */
/* The platform is powered off or reset for a domain: safe domains of the launch are asked first.
 * [impl->dsn~platform-power~1] */
#ifndef CORE_POWER_H
#define CORE_POWER_H

#include "core/domain.h"
#include "lib/types.h"

/* Once, at the Boot Domain's exit: whether nobody is asked. */
void power_init(bool now);
/* BULKHEAD_OP_POWER by v; d: none.  Does not return where everybody asked has agreed.  Bound: MAX_DOMAINS. */
err_t power_op(struct vcpu *v, struct domain *d, void *structure);
/* The description has a reset follow what happened to d: the same, but for the right.  Nothing where others are being asked.
 * [impl->dsn~platform-failure~1] */
void power_wanted(const struct domain *d);
/* d, asked or not, has ended its life: it does not object. */
void power_ended(const struct domain *d);

#endif
