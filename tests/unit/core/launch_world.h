/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed domains with images, and their ends. */
#ifndef CORE_LAUNCH_WORLD_H
#define CORE_LAUNCH_WORLD_H

#include "fixture.h"
#include "grant_world.h"
#include "core/launch.h"

#define RAM_PAGES   512u /* 2 MiB */
#define IMAGE_PAGES 70u  /* more than a step */

extern struct vcpu *boot;

int launch_start(void **state); /* cmocka setup */
/* SEAL_IMAGE, or with count 0 SEAL_LAUNCH, by the builder. */
int64_t builder_seals(uint16_t domid, uint64_t gfn, uint64_t count);
/* Every event but POWEROFF leads to `crash`, at most max restarts a second. */
struct bulkhead_health health_of(uint16_t domid, uint8_t crash, uint32_t max);
/* A domain with a grant table, sealed, its images filled; each end but POWEROFF restarts it. */
uint16_t sealed_domain(const char *name, uint32_t max);
/* Its memory is as sealed_domain() made it. */
void check_pristine(uint16_t domid);
void dirty(uint16_t domid);
void shut_down(uint16_t domid, uint32_t reason);
/* Until domid runs again, or stopped for good. */
void wait_for(uint16_t domid);
/* One page of its own by XENMEM_decrease_reservation (which frame that was) and populate_physmap (its result). */
uint64_t give_up(uint16_t domid, uint64_t gfn);
int64_t take_back(uint16_t domid, uint64_t gfn);

#endif
