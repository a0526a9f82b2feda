/* SPDX-License-Identifier: Apache-2.0 */
/* Where a domain's RAM, ramdisk and device tree lie in its guest-physical space.
 * [impl->dsn~boot-guest-layout~1] */
#ifndef BOOTDOMAIN_LAYOUT_H
#define BOOTDOMAIN_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel.h"
#include "plan.h"

/* One piece of a domain's static memory: machine [base, base + size) appears at `to`. */
struct layout_fixed {
    uint64_t to;
    struct board_range machine;
};

#define LAYOUT_MAX_FIXED (PLAN_MAX_FIXED + 1u) /* a range may be cut at the end of the first bank */

/* The RAM banks that the guest sees: RAM0 and RAM1 of Xen on Arm, or the static ranges of a direct-mapped domain. */
void layout_banks(const struct plan_domain *domain, struct kernel_banks *banks);

/* Cut the static ranges at the banks' ends.  Returns the number of pieces, 0 when the domain has no static memory.
 * Bound: LAYOUT_MAX_FIXED pieces. */
uint32_t layout_fixed_pieces(const struct plan_domain *domain, const struct kernel_banks *banks,
                             struct layout_fixed pieces[LAYOUT_MAX_FIXED]);

struct layout_place {
    uint64_t ramdisk; /* guest-physical, 4 KiB aligned; 0 = none */
    uint64_t fdt;     /* guest-physical, 4 KiB aligned */
};

/* Place ramdisk and device tree beside the kernel in the kernel's bank: 128 MiB from the bank's start when all fits
 * there, else as high as it fits, else below the kernel.  2 MiB aligned where possible.
 * False, and said, when the bank is too small. */
bool layout_place(const char *domain, const struct kernel_banks *banks, const struct kernel *kernel,
                  uint64_t ramdisk_bytes, uint64_t fdt_bytes, struct layout_place *place);

#endif
