/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree that a domain gets.
 * [impl->dsn~boot-guest-device-tree~1] */
#ifndef BOOTDOMAIN_GUEST_FDT_H
#define BOOTDOMAIN_GUEST_FDT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel.h"
#include "plan.h"

#define GUEST_FDT_BYTES 0x10000u /* largest tree: 64 KiB */

/* Where a domain's virtual devices are. */
struct guest_devices {
    struct board_range gicd;
    struct board_range gicr;
    struct board_range uart;   /* size 0 = none */
    struct board_range grants; /* free guest-physical space for grant frames */
    uint64_t magic;            /* address of the pages of rings that it has from its start */
};

/* The layout of Xen on Arm, or, direct-mapped, where the board has its own. */
void guest_devices_of(const struct plan_domain *domain, const struct board_table *board, struct guest_devices *devices);

struct guest_fdt_input {
    const struct plan_domain *domain;
    const struct plan *plan; /* that the domain is of; NULL = it shares no memory */
    const struct kernel_banks *banks;
    const struct guest_devices *devices;
    uint64_t ramdisk; /* guest-physical; 0 = none */
    uint64_t ramdisk_size;
    const void *partial; /* checked device tree whose /passthrough and /aliases are merged; NULL = none */
};

/* Write the tree to `to`, GUEST_FDT_BYTES large, and its size to *size.
 * False, and said, when it does not fit.  Bound: vCPUs + banks + tags of the partial tree. */
bool guest_fdt_build(const struct guest_fdt_input *input, uint8_t *to, uint64_t *size);

/* Largest size of the tree, known before it is built. */
#define GUEST_FDT_ROOM ((uint64_t)GUEST_FDT_BYTES)

/* MPIDR affinity of vCPU number id: sixteen to a cluster. */
static inline uint64_t guest_cpu_affinity(uint32_t id)
{
    return ((uint64_t)(id >> 4) << 8) | (id & 0xfu);
}

#endif
