/* SPDX-License-Identifier: Apache-2.0 */
/* Domains with grant tables, and calls on them as their guests make them. */
#ifndef CORE_GRANT_WORLD_H
#define CORE_GRANT_WORLD_H

#include "fixture.h"
#include "core/grant_table.h"
#include "core/physmap.h"

#define RAM_GFN      (GUEST_RAM0_BASE >> PAGE_SHIFT)
#define TABLE_GFN    UINT64_C(0x38000) /* where the table is mapped */
#define MAP_GFN      UINT64_C(0x60000) /* nothing is there: for mappings */
#define ADDRESS(gfn) ((uint64_t)(gfn) << PAGE_SHIFT)

/* A domain with 2 MiB and a table of these limits. */
uint16_t world_domain(struct vcpu *boot, const char *name, uint32_t frames, uint32_t maptrack);

/* domid's guest writes entry ref. */
void world_grant(uint16_t domid, uint32_t ref, uint16_t flags, uint16_t to, uint64_t gfn);
/* The entry's flags as the guest sees them. */
uint16_t world_flags(uint16_t domid, uint32_t ref);
struct grant_entry_v1 *world_entry(uint16_t domid, uint32_t ref);

/* vCPU 0 of domid calls. */
int64_t world_op(uint16_t domid, uint32_t cmd, void *ops, uint64_t count);
/* One map: its status, the handle if it is GNTST_okay. */
int16_t world_map(uint16_t by, uint16_t from, uint32_t ref, uint32_t flags, uint64_t gfn, uint32_t *handle);
int16_t world_unmap(uint16_t by, uint32_t handle, uint64_t gfn);

struct stage2_entry world_look(uint16_t domid, uint64_t gfn);
/* What the guest of domid sees at gfn. */
void *world_page(uint16_t domid, uint64_t gfn);

/* Everything about frames, counts, pins, marks and records that can be recounted from tables is as counted; fails
 * the test otherwise.  domids: all domains with grant tables. */
void world_check(const uint16_t *domids, uint32_t n);

#endif
