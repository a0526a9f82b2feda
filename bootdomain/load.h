/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and contents of one domain: populate, move or copy the modules, write the device tree.
 * [impl->dsn~boot-zero-copy~1] */
#ifndef BOOTDOMAIN_LOAD_H
#define BOOTDOMAIN_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_fdt.h"
#include "kernel.h"
#include "layout.h"
#include "passthrough.h"
#include "plan.h"

#define LOAD_MAX_MOVES 2u

/* A module whose frames become the domain's. */
struct load_move {
    uint64_t from;  /* own guest-physical, 2 MiB aligned */
    uint64_t to;    /* the domain's, 4 KiB aligned */
    uint64_t bytes; /* exact */
};

/* Everything that is decided about a domain before the hypervisor is asked for anything. */
struct load {
    const struct plan_domain *domain;
    const struct plan *plan;
    bool has_safe;                                 /* some domain of the plan is safe */
    struct plan_module modules[PLAN_MODULE_KINDS]; /* readable: data is set where the domain has the module */
    struct kernel_banks banks;
    struct guest_devices devices;
    struct kernel kernel;
    struct layout_place place;
    bool is_kernel_moved;
    bool is_ramdisk_moved;
    uint32_t move_count;
    struct load_move moves[LOAD_MAX_MOVES];
    struct passthrough devices_given;
    const uint8_t *fdt;
    uint64_t fdt_size;
    uint64_t verify; /* guest-physical: what compares its images; 0 = nothing does */
};

/* Decide.  load->domain, load->plan, load->modules and load->has_safe are set by the caller.  False, and said, when the domain cannot be built.
 * One at a time: the device tree is in a static buffer until load_contents(). */
bool load_prepare(struct load *load, const struct board_table *board);

/* Give the domain its RAM, moved modules included. */
int64_t load_memory(const struct load *load, uint16_t domid);

/* Give the domain the devices of its partial tree. */
int64_t load_devices(const struct load *load, uint16_t domid);

/* Where its first vCPU begins. */
uint64_t load_entry(const struct load *load);

/* Seal what kernel, ramdisk and device tree are in memory by now. */
int64_t load_seal(const struct load *load, uint16_t domid);

/* Copy what was not moved, and the device tree.  0, a negative errno, or LOAD_REFUSED when the reason has been said. */
#define LOAD_REFUSED INT64_C(1)
int64_t load_contents(const struct load *load, uint16_t domid);

#endif
