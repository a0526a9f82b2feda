/* SPDX-License-Identifier: Apache-2.0 */
/* The platform is to be powered off or reset: a safe domain is asked first.  No interrupt: a task that runs periodically looks.
 * [impl->dsn~guest-power~1] */
#ifndef GUEST_POWER_H
#define GUEST_POWER_H

#include <stdbool.h>

/* Once, before power_answer(); without it, or on a hypervisor that does not ask, nothing is ever asked.  A page of the image
 * becomes the shared information page. */
void power_watch(void);

/* If this domain was asked since the last time: agree, or refuse.  A load where it was not. */
void power_answer(bool agrees);

#endif
