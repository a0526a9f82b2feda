/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/mmu.h>
#include <guest/sysreg.h>

#include "internal.h"
#include "start.h"

#define IMAGE_BASE UINT64_C(0x40000000)

static const uint64_t kinds[] = {
    [MMU_DEVICE] = DESC_XN | DESC_AF,
    [MMU_DATA] = DESC_XN | DESC_AF | DESC_IS | DESC_NORMAL,
    [MMU_CODE] = DESC_UXN | DESC_AF | DESC_IS | DESC_NORMAL | DESC_RO,
    [MMU_CONST] = DESC_XN | DESC_AF | DESC_IS | DESC_NORMAL | DESC_RO,
    [MMU_RWX] = DESC_UXN | DESC_AF | DESC_IS | DESC_NORMAL,
    [MMU_NONE] = 0,
};

/* A change of memory type or of output needs break-before-make; all changes are made so. */
static void write_entry(uint64_t *entry, uint64_t value)
{
    *(volatile uint64_t *)entry = 0;
    __asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
    *(volatile uint64_t *)entry = value;
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

static uint64_t make(uint64_t address, enum mmu_kind kind, uint64_t type)
{
    return kind == MMU_NONE ? 0 : address | kinds[kind] | type;
}

void mmu_map_gib(uint32_t gib, uint64_t to, enum mmu_kind kind)
{
    if (gib >= 2 && gib < 512) {
        write_entry(&mmu_gib_table[gib], make(to, kind, 1));
    }
}

void mmu_set_gib(uint32_t gib, enum mmu_kind kind)
{
    mmu_map_gib(gib, (uint64_t)gib << 30, kind);
}

void mmu_set_gib_table(uint32_t gib, uint64_t table)
{
    if (gib >= 2 && gib < 512) {
        write_entry(&mmu_gib_table[gib], table | 3);
    }
}

void mmu_set_block(uint64_t address, enum mmu_kind kind)
{
    uint64_t *table = address < IMAGE_BASE ? mmu_low_table : mmu_ram_table;
    uint64_t index = (address >> 21) & 511;

    if (address < 2 * IMAGE_BASE && (address >> 21) != (IMAGE_BASE >> 21)) {
        write_entry(&table[index], make(address & ~UINT64_C(0x1fffff), kind, 1));
    }
}

void mmu_set_page(uint64_t address, enum mmu_kind kind)
{
    if (address - IMAGE_BASE < 0x200000) {
        write_entry(&mmu_image_table[(address >> 12) & 511], make(address & ~UINT64_C(0xfff), kind, 3));
    }
}

/* The running text cannot be unmapped for a moment: only permissions change here, which needs no break. */
void mmu_protect_image(void)
{
    uint64_t text_end = (uint64_t)_text_end - IMAGE_BASE;
    uint64_t rodata_end = (uint64_t)_rodata_end - IMAGE_BASE;
    uint64_t head = (uint64_t)_head - IMAGE_BASE;

    for (uint64_t i = 0; i < 512; i++) {
        uint64_t offset = i << 12;
        enum mmu_kind kind = MMU_DATA;

        if (offset >= head && offset < text_end) {
            kind = MMU_CODE;
        } else if (offset >= text_end && offset < rodata_end) {
            kind = MMU_CONST;
        }
        *(volatile uint64_t *)&mmu_image_table[i] = make(IMAGE_BASE + offset, kind, 3);
    }
    __asm__ volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory");
}
