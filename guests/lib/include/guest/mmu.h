/* SPDX-License-Identifier: Apache-2.0 */
/* EL1 stage 1: one identity map of the first 512 GiB, on from before main().
 *   0          .. 0x38000000   device nGnRE, execute never
 *   0x38000000 .. 0x40000000   normal write-back, inner shareable (grant frames, magic pages), execute never
 *   0x40000000 .. 512 GiB      normal write-back, inner shareable, execute never but for the program's own text
 * The program's text is read-only, its constants are read-only and execute never. */
#ifndef GUEST_MMU_H
#define GUEST_MMU_H

#include <stdint.h>

enum mmu_kind {
    MMU_DEVICE = 0, /* nGnRE, read-write, execute never */
    MMU_DATA = 1,   /* normal write-back, read-write, execute never */
    MMU_CODE = 2,   /* normal write-back, read-only, executable */
    MMU_CONST = 3,  /* normal write-back, read-only, execute never */
    MMU_RWX = 4,    /* normal write-back, read-write, executable: tests only */
    MMU_NONE = 5,   /* not mapped */
};

/* Change the mapping of the 1 GiB block number gib, 2..511. */
void mmu_set_gib(uint32_t gib, enum mmu_kind kind);

/* Map the 1 GiB block number gib, 2..511, to physical address to (1 GiB aligned). */
void mmu_map_gib(uint32_t gib, uint64_t to, enum mmu_kind kind);

/* Let the 1 GiB block number gib, 2..511, be described by the level 2 table at physical address table. */
void mmu_set_gib_table(uint32_t gib, uint64_t table);

/* Change the mapping of 2 MiB blocks in 0..0x7fffffff but for the program's own 2 MiB (0x40000000). */
void mmu_set_block(uint64_t address, enum mmu_kind kind);

/* Change the mapping of 4 KiB pages inside 0x40000000..0x401fffff. */
void mmu_set_page(uint64_t address, enum mmu_kind kind);

#endif
