/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's own virtual addresses (TTBR0_EL2, 48 bits, 4 KiB granule).
 *
 *   VA_IMAGE  + offset      hypervisor image: text RX, rodata R, data and bss RW
 *   VA_CPU    + id * 64 KiB guard page, stack, guard page, struct cpu
 *   VA_DEVICE + address     devices, nGnRE, never executable
 *   VA_DIRECT + address     RAM, write-back, never executable; the hypervisor image is left out
 *
 * Included by assembly too. [impl->dsn~el2-layout~1] */
#ifndef ARCH_ARM64_LAYOUT_H
#define ARCH_ARM64_LAYOUT_H

#define VA_IMAGE  0x0000400000000000
#define VA_CPU    0x0000401000000000
#define VA_DEVICE 0x0000200000000000
#define VA_DIRECT 0x0000800000000000

#define CPU_STRIDE     0x10000 /* bytes of virtual space a CPU */
#define CPU_STACK_LOW  0x1000  /* below it: guard page */
#define CPU_STACK_TOP  0x9000  /* 32 KiB of stack; above it: guard page */
#define CPU_STRUCT     0xa000  /* struct cpu: up to 8 KiB */
#define CPU_STRUCT_TOP 0xc000

/* Offsets that entry.S uses; checked in context.c. */
#define VCPU_X      0
#define VCPU_PC     248
#define CPU_STACK   48
#define CPU_TRACE   56
#define CPU_WORK    64
#define CPU_CURRENT 72
#define CPU_HISTORY 32

#endif
