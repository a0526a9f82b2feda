/* SPDX-License-Identifier: Apache-2.0 */
/* Grants of a domain to itself: what map, unmap and copy cost without a second domain. */
#ifndef BENCH_GRANTS_H
#define BENCH_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

/* A grant table and one granted page.  false: this hypervisor does not let a domain map its own grant. */
bool grants_prepare(void);
/* Ticks of one call; what it needs and leaves is done outside the measured stretch. */
uint64_t grants_map(void);
uint64_t grants_unmap(void);
uint64_t grants_copy_page(void);
uint64_t grants_add_to_physmap(void);

#endif
