/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which right: by role, or by name where the description says so.
 * [impl->dsn~boot-ratchet~2] [impl->dsn~boot-grants~1] */
#ifndef BOOTDOMAIN_HAND_OVER_H
#define BOOTDOMAIN_HAND_OVER_H

#include "builder.h"

/* Domain `index` has been started: the rights over it go by role, those given by name wait for hand_over_rest(). */
void hand_over_domain(const struct builder *builder, uint32_t index);

/* All domains have been started that could be: the rights given by name go, and those over the platform.  What is given to
 * nobody ends. */
void hand_over_rest(const struct builder *builder);

/* Say who holds what, as the hypervisor sees it. */
void hand_over_log(const struct builder *builder);

#endif
