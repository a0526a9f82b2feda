/* SPDX-License-Identifier: Apache-2.0 */
/* A model of the hypervisor, as far as the Boot Domain's builder sees it: domains, their memory, the window of foreign
 * mappings, rights.  It fails the test on what the hypervisor would not forgive: memory written and not cleaned, pages
 * mapped twice, a window left open at the start of a domain. */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include <bulkhead/bulkhead_op.h>

#include "passthrough.h"
#include "plan.h"
#include "ranges.h"

#define MODEL_DOMAINS 8u

struct model_domain {
    bool exists;
    bool is_running;
    bool is_destroyed;
    struct plan_domain identity; /* as given to SET_DOMAIN */
    uint32_t vcpus;
    uint32_t label;
    uint64_t max_memory;
    uint64_t paging;
    uint64_t cpus[128];
    uint32_t period, budget; /* us, as reserved */
    bool extra_time;
    uint64_t pc;
    uint64_t x0;
    struct bulkhead_health health;
    uint64_t sealed_pages;
    bool is_sealed;
    uint32_t register_count;
    struct passthrough_range registers[PASSTHROUGH_MAX_RANGES];
    uint32_t interrupt_count;
    uint32_t interrupts[PASSTHROUGH_MAX_INTERRUPTS];
    uint32_t channel_count;
    struct bulkhead_channel channels[8]; /* as they were bound */
    uint32_t share_count;
    struct bulkhead_share shares[4]; /* as they were mapped; of domain 0: as they were made */
    struct bulkhead_seed grants[2];
    uint64_t parameters[40];
    uint16_t holder[BULKHEAD_RIGHT_COUNT]; /* domid that holds the right on this domain */
};

extern struct model_domain model_domains[MODEL_DOMAINS]; /* index = domid, 0 = the platform */

void model_reset(void);

/* Call number n from now on (0 = the next) fails with `error`; UINT32_MAX = none. */
void model_fail(uint32_t n, int64_t error);

/* Calls made since model_fail. */
uint32_t model_calls(void);

/* For the model's own files: false = this call fails with *error. */
bool model_step(int64_t *error);
bool model_is_free(uint16_t domid, uint64_t gfn, uint64_t count);
void model_assert_building(uint16_t domid);
/* Pools as described so far: policy 0 = none. */
struct model_pool {
    struct plan_pool pool;
    uint32_t count[BULKHEAD_SCHEDULES];
    struct bulkhead_window last[BULKHEAD_SCHEDULES]; /* the window that ends the frame */
};
extern struct model_pool model_pools[BULKHEAD_POOLS];

/* Pages of the domain's RAM; and bytes of it, which must be there.  moved: pages that came by MOVE_FRAMES. */
uint64_t model_pages(uint16_t domid);
uint64_t model_moved_pages(uint16_t domid);
void model_read(uint16_t domid, uint64_t gaddr, void *to, uint64_t bytes);

/* Machine frame behind a page of static memory, 0 = from the pool. */
uint64_t model_machine(uint16_t domid, uint64_t gfn);

/* The next destroydomain fails. */
void model_fail_destroy(void);

/* Bytes that MAP_OUTSIDE finds at a machine address. */
void model_set_outside(uint64_t base, const void *bytes, uint64_t size);

/* The board that BOARD reads; ranges claimed so far. */
extern struct board_table model_board;
extern struct ranges model_claimed;

/* hyper_exit() comes back here: setjmp() before, then status and action are set. */
extern jmp_buf model_exit;
extern uint32_t model_status;
extern uint32_t model_action;
extern struct bulkhead_dynamic model_dynamic;
extern uint32_t model_labels; /* of the policy that was loaded */

/* Own guest-physical addresses of the Boot Domain's start: [gaddr, gaddr + size) is at `bytes`. */
void model_own_memory(uint64_t gaddr, void *bytes, uint64_t size);

#endif
