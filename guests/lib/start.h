/* SPDX-License-Identifier: Apache-2.0 */
/* Constants shared by start.S, vectors.S, fault.S and C. */
#ifndef GUEST_START_H
#define GUEST_START_H

#define GUEST_BOOT_STACK_SIZE 0x8000

/* Offsets in struct guest_cpu. */
#define CPU_STACK_TOP     0
#define CPU_FAULT_CONTEXT 40

/* Stage 1 descriptors: AF, inner shareable; attribute index 0 device nGnRE, 1 normal write-back. */
#define DESC_AF      0x400
#define DESC_IS      0x300
#define DESC_NORMAL  0x004
#define DESC_RO      0x080
#define DESC_XN      0x0060000000000000
#define DESC_UXN     0x0040000000000000
#define BLOCK_DEVICE (DESC_XN | DESC_AF | 1)
#define BLOCK_DATA   (DESC_XN | DESC_AF | DESC_IS | DESC_NORMAL | 1)
#define PAGE_RWX     (DESC_UXN | DESC_AF | DESC_IS | DESC_NORMAL | 3)

#define MAIR_VALUE  0xff04
#define CPACR_FP    0x300000
/* T0SZ 25 (512 GiB), write-back inner shareable walks, 4 KiB granule, no TTBR1 walks; IPS is added at run time. */
#define TCR_VALUE   0x803519
/* LSMAOE nTLSMD SPAN EIS TSCXT EOS as RES1; I, C, SA0, SA, M. */
#define SCTLR_VALUE 0x30d0181d

#endif
