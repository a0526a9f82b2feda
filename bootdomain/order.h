/* SPDX-License-Identifier: Apache-2.0 */
/* Order in which domains are started. */
#ifndef BOOTDOMAIN_ORDER_H
#define BOOTDOMAIN_ORDER_H

#include <stdbool.h>

#include "plan.h"

/* Fill plan->order: whoever is named in `after` comes first, then safe domains, then in the order of the description.
 * False, and the domains that wait for each other are named, when there is a cycle.
 * Bound: count * count steps.
 * [impl->dsn~boot-order~1] */
bool order_domains(struct plan *plan);

/* The domid that domain `index` has or will have: the Control Domain the first one, the others as they are started. */
uint16_t order_domid(const struct plan *plan, uint32_t index);

#endif
