/* SPDX-License-Identifier: Apache-2.0 */
/* The label policy of the launch archive, before any domain is created. */
#ifndef BOOTDOMAIN_LABELS_H
#define BOOTDOMAIN_LABELS_H

#include <stdbool.h>

#include "archive.h"
#include "plan.h"

/* The policy goes to the hypervisor, if the archive has one.  False, with a message: it has another size or is refused, or a
 * domain of the plan has a label that it has not. */
bool labels_load(const struct archive *archive, const struct plan *plan);

#endif
