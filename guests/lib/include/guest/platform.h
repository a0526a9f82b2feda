/* SPDX-License-Identifier: Apache-2.0 */
/* What this guest runs on, from the device tree in x0; without one, the fixed layout of Xen guests on Arm. */
#ifndef GUEST_PLATFORM_H
#define GUEST_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>
#include <guest/cpu.h>

#define PLATFORM_MAX_RAM 4u

struct platform_range {
    uint64_t base;
    uint64_t size;
};

struct platform {
    bool has_tree;
    bool xen; /* /hypervisor says xen,xen, or there was no tree */
    bool has_pmu;
    uint32_t cpu_count; /* 1..GUEST_MAX_CPUS */
    uint64_t mpidr[GUEST_MAX_CPUS];
    uint64_t gicd, gicr, gicr_size;
    uint64_t uart;       /* 0 = none */
    uint64_t grant_base; /* region 0 of /hypervisor */
    uint32_t ram_count;
    struct platform_range ram[PLATFORM_MAX_RAM];
    char bootargs[128];
};

extern struct platform platform;

/* Fill platform from the device tree at x0 (0 = none) and direct print() to the PL011 if there is one, else to
 * console_io. */
void platform_init(uint64_t x0);

/* Direct print() to console_io, one hypercall a line; to the PL011 where there is no Xen ABI or with the boot argument
 * uart=1 (for a hypervisor that drops what ordinary domains write with console_io). */
void platform_print_by_hypercall(void);

/* The text after "name=" in the boot arguments as a decimal number, or otherwise fallback. */
uint64_t platform_argument(const char *name, uint64_t fallback);

#endif
