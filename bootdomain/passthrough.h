/* SPDX-License-Identifier: Apache-2.0 */
/* Partial device trees (multiboot,device-tree): what of the board a domain is given, by the dom0less bindings.
 *
 * /passthrough holds the devices.  Of each node
 *   xen,reg      <machine-address size guest-address ...>, whole 4 KiB pages, in the cells of the node's parent
 *   interrupts   <type number flags ...> of the GIC; only shared ones (type 0)
 *   xen,path     the device in the host's device tree
 *   xen,force-assign-without-iommu
 *   bulkhead,no-dma   whoever wrote the tree knows that the device does not read or write memory by itself
 * [impl->dsn~boot-passthrough~1] */
#ifndef BOOTDOMAIN_PASSTHROUGH_H
#define BOOTDOMAIN_PASSTHROUGH_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_fdt.h"
#include "kernel.h"
#include "plan.h"

#define PASSTHROUGH_MAX_RANGES     32u
#define PASSTHROUGH_MAX_INTERRUPTS 64u

struct passthrough_range {
    uint64_t machine; /* 4 KiB aligned, as the others */
    uint64_t size;
    uint64_t guest;
};

struct passthrough {
    uint32_t range_count;
    uint32_t interrupt_count;
    struct passthrough_range range[PASSTHROUGH_MAX_RANGES];
    uint32_t interrupt[PASSTHROUGH_MAX_INTERRUPTS]; /* INTID, the guest's is the same */
};

/* What the devices are checked against. */
struct passthrough_context {
    const char *domain;
    const struct board_table *board;
    const struct kernel_banks *banks;    /* the domain's RAM */
    const struct guest_devices *devices; /* its virtual devices */
    bool has_safe;                       /* some domain of the plan is safe */
};

/* Read what the checked tree `partial` asks for.  False, and said for the first device, when one cannot be given: it is
 * RAM or the hypervisor's, lies over the domain's RAM or virtual devices, may read or write memory by itself (nothing confines it before
 * there is an SMMU driver), or is not described as above.  Bound: nodes of the tree. */
bool passthrough_read(struct passthrough *passthrough, const struct passthrough_context *context, const void *partial);

/* Copy /passthrough and /aliases into the tree being written sequentially at `to`, without the properties that are for
 * the hypervisor.  0 or a negative FDT_ERR_*.  Bound: tags of the partial tree, 16 levels. */
int passthrough_copy(void *to, const void *partial);

#endif
