/* SPDX-License-Identifier: Apache-2.0 */
/* What the Boot Domain asks of the hypervisor, one function a request.
 * Every function returns 0 or a negative errno of the Xen ABI unless it says otherwise. */
#ifndef BOOTDOMAIN_HYPER_H
#define BOOTDOMAIN_HYPER_H

#include <stdbool.h>
#include <stdint.h>

#include <bulkhead/board.h>
#include <bulkhead/bulkhead_op.h>
#include <bulkhead/label.h>

#include "plan.h"

/* Domains */
int64_t hyper_create(const struct plan_domain *domain, uint16_t *domid); /* *domid: wanted; then what it has */
int64_t hyper_destroy(uint16_t domid);
int64_t hyper_unpause(uint16_t domid);
int64_t hyper_set_paging(uint16_t domid, uint64_t bytes);
int64_t hyper_set_max_memory(uint16_t domid, uint64_t bytes);
int64_t hyper_set_vcpus(uint16_t domid, uint32_t count);
int64_t hyper_set_identity(uint16_t domid, const struct plan_domain *domain);
int64_t hyper_set_affinity(uint16_t domid, uint32_t vcpu, uint64_t cpus);
/* All vCPUs of the domain get its period and budget; -ENOSPC a CPU has not that much left. */
int64_t hyper_set_reservation(uint16_t domid, const struct plan_domain *domain);
int64_t hyper_set_entry(uint16_t domid, uint64_t pc, uint64_t x0);
int64_t hyper_clean(uint16_t domid, uint64_t gfn, uint64_t pages);

/* Memory of another domain.  populate: all of [gfn, gfn + pages), largest extents first. */
int64_t hyper_populate(uint16_t domid, uint64_t gfn, uint64_t pages);
int64_t hyper_populate_fixed(uint16_t domid, uint64_t gfn, uint64_t mfn, uint64_t pages);
int64_t hyper_move(uint16_t domid, uint64_t own_gfn, uint64_t gfn, uint64_t pages, uint32_t tail_bytes);

/* Machine pages that become shared memory (domid DOMID_IO), or that are shared memory and appear in a domain. */
int64_t hyper_share(uint16_t domid, uint64_t gfn, uint64_t mfn, uint64_t pages, bool is_read_only);
int64_t hyper_bind_channel(const struct bulkhead_channel *end);

/* What the domain's failures lead to; its pages as they are now come back at a restart; it can be restarted. */
int64_t hyper_set_health(uint16_t domid, const struct bulkhead_health *health);
int64_t hyper_seal_image(uint16_t domid, uint64_t gfn, uint64_t pages);
int64_t hyper_seal_launch(uint16_t domid);
/* Rings of a new domain: a reserved grant of frame gfn to domain `to`, and an HVM parameter. */
int64_t hyper_seed_grant(uint16_t domid, uint32_t ref, uint16_t to, uint64_t gfn);
int64_t hyper_set_parameter(uint16_t domid, uint32_t index, uint64_t value);

/* Map pages [gfn, gfn + pages) of a domain at own guest-physical `to`; pages 1..HYPER_MAP_MAX.  unmap takes them away. */
#define HYPER_MAP_MAX 512u
int64_t hyper_map(uint16_t domid, uint64_t gfn, uint64_t to, uint32_t pages);
int64_t hyper_unmap(uint64_t to, uint32_t pages);

/* Devices of the board: pages of registers at a guest address, and a shared interrupt under its own number. */
int64_t hyper_give_registers(uint16_t domid, uint64_t guest, uint64_t machine, uint64_t size);
int64_t hyper_give_interrupt(uint16_t domid, uint32_t intid);

/* CPU pools, before the first domain is started.  windows: of pool->schedule, pool->count[schedule] of them. */
int64_t hyper_set_pool(uint32_t pool, const struct plan_pool *description);
int64_t hyper_set_schedule(uint32_t pool, uint32_t schedule, const struct bulkhead_window *windows, uint32_t count);

/* Machine memory */
int64_t hyper_claim(uint64_t base, uint64_t size);
int64_t hyper_map_outside(uint64_t base, uint64_t size, uint64_t to);

/* Platform */
int64_t hyper_set_labels(const struct bulkhead_labels *labels);
int64_t hyper_board(struct board_table *board);
int64_t hyper_boot_record(struct bulkhead_boot_record *record);
int64_t hyper_rights(struct bulkhead_rights *rights);
int64_t hyper_move_right(enum bulkhead_right right, uint16_t target, uint16_t receiver);
/* The end of the Boot Domain: BULKHEAD_EXIT_*; what domains of later may have. */
void hyper_exit(uint32_t status, uint32_t action, const struct bulkhead_dynamic *dynamic) __attribute__((noreturn));

/* Where own guest-physical memory is in the address space: the same number, but for the model in the tests. */
void *hyper_pointer(uint64_t gaddr);

/* Virtual counter, and its frequency in Hz. */
uint64_t hyper_ticks(void);
uint64_t hyper_ticks_hz(void);

#endif
