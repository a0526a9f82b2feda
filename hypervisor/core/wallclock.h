/* SPDX-License-Identifier: Apache-2.0 */
/* Time of day, and what shared_info and vcpu_info say about time.
 * [impl->dsn~wallclock~1] */
#ifndef CORE_WALLCLOCK_H
#define CORE_WALLCLOCK_H

#include "core/domain.h"
#include "lib/types.h"

struct vcpu_time_info;

/* Read the board's clock, once. Without one the epoch is the moment of this call. */
void wallclock_start(void);
/* d's counter has just been set to 0: its shared_info says which time of day that is. */
void wallclock_init(struct domain *d);
/* How to make nanoseconds of the guest's counter; constant for the life of the guest. */
void wallclock_fill_time(struct vcpu_time_info *t);
uint64_t ticks_to_ns(ticks_t t);
ticks_t ns_to_ticks(uint64_t ns);

#endif
