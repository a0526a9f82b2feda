/* SPDX-License-Identifier: Apache-2.0 */
/* Partial device trees (multiboot,device-tree): what of the board a domain is given, by the dom0less bindings.
 * [impl->dsn~boot-passthrough~1] */
#ifndef BOOTDOMAIN_PASSTHROUGH_H
#define BOOTDOMAIN_PASSTHROUGH_H

#include <stdbool.h>
#include <stdint.h>

/* Copy /passthrough and /aliases of the checked tree `partial` into the tree being written sequentially at `to`, without
 * the properties that are for the hypervisor (xen,reg, xen,path, xen,force-assign-without-iommu).
 * 0 or a negative FDT_ERR_*.  Bound: tags of the partial tree, 16 levels. */
int passthrough_copy(void *to, const void *partial);

#endif
