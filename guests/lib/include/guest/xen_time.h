/* SPDX-License-Identifier: Apache-2.0 */
/* shared_info and the wall clock. */
#ifndef GUEST_XEN_TIME_H
#define GUEST_XEN_TIME_H

#include <stdint.h>
#include <guest/hypercall.h>

/* Map shared_info over a page of the program (once); NULL when the hypervisor refuses. */
struct shared_info *shared_info_map(void);

/* Seconds since 1970 now, from shared_info's wall clock and the counter; 0 when there is none.
 * ns (may be NULL): the nanoseconds in that second. */
uint64_t wall_clock(const struct shared_info *info, uint32_t *ns);

#endif
