/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that a boot loader left in memory, mapped read-only where the Boot Domain can read them. */
#ifndef BOOTDOMAIN_OUTSIDE_H
#define BOOTDOMAIN_OUTSIDE_H

#include <stdbool.h>

#include "plan.h"

/* Nothing is mapped yet. */
void outside_init(void);

/* Map the module, unless another one has mapped its pages already, and set its data.
 * False, and said in the name of the domain, when the hypervisor refuses. */
bool outside_map(const char *domain, struct plan_module *module);

#endif
