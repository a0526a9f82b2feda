/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include "guest_layout.h"
#include "range.h"
#include "text.h"

#define USUAL_OFFSET UINT64_C(0x8000000) /* 128 MiB: what Linux expects to be clear of its own image */
#define KIB_SHIFT    10

void layout_banks(const struct plan_domain *domain, struct kernel_banks *banks)
{
    if ((domain->flags & BULKHEAD_DOMAIN_DIRECT) != 0) {
        banks->count = domain->fixed_count;
        for (uint32_t i = 0; i < domain->fixed_count; i++) {
            banks->bank[i] = domain->fixed[i];
        }
        return;
    }
    uint64_t low = (domain->memory < LAYOUT_RAM0_SIZE) ? domain->memory : LAYOUT_RAM0_SIZE;

    banks->count = 1;
    banks->bank[0] = (struct board_range){.base = LAYOUT_RAM0_BASE, .size = low};
    if (domain->memory > low) {
        banks->count = 2;
        banks->bank[1] = (struct board_range){.base = LAYOUT_RAM1_BASE, .size = domain->memory - low};
    }
}

uint32_t layout_fixed_pieces(const struct plan_domain *domain, const struct kernel_banks *banks,
                             struct layout_fixed pieces[LAYOUT_MAX_FIXED])
{
    uint32_t count = 0;
    uint32_t bank = 0;
    uint64_t used = 0; /* bytes of the bank */

    for (uint32_t i = 0; i < domain->fixed_count; i++) {
        struct board_range rest = domain->fixed[i];
        while (rest.size != 0 && bank < banks->count && count < LAYOUT_MAX_FIXED) {
            uint64_t room = banks->bank[bank].size - used;
            uint64_t size = (rest.size < room) ? rest.size : room;
            pieces[count] = (struct layout_fixed){.to = banks->bank[bank].base + used,
                                                  .machine = {.base = rest.base, .size = size}};
            count++;
            rest.base += size;
            rest.size -= size;
            used += size;
            if (used == banks->bank[bank].size) {
                bank++;
                used = 0;
            }
        }
    }
    return count;
}

/* The bank that holds the kernel: kernel_examine() has put it into one. */
static const struct board_range *kernel_bank(const struct kernel_banks *banks, const struct kernel *kernel)
{
    uint32_t i = 0;

    while (i + 1 < banks->count && (kernel->low < banks->bank[i].base || kernel->low >= range_end(&banks->bank[i]))) {
        i++;
    }
    return &banks->bank[i];
}

/* Highest start of `bytes` in [low, high), 2 MiB aligned or else 4 KiB aligned; 0 when there is no room. */
static uint64_t highest(uint64_t low, uint64_t high, uint64_t bytes)
{
    if (high < low || high - low < bytes) {
        return 0;
    }
    uint64_t block = range_align_down(high - bytes, LAYOUT_BLOCK);

    return (block >= low) ? block : range_align_down(high - bytes, LAYOUT_PAGE);
}

bool layout_place(const char *domain, const struct kernel_banks *banks, const struct kernel *kernel,
                  uint64_t ramdisk_bytes, uint64_t fdt_bytes, struct layout_place *place)
{
    const struct board_range *bank = kernel_bank(banks, kernel);
    uint64_t ramdisk_room = range_align_up(ramdisk_bytes, LAYOUT_PAGE);
    uint64_t bytes = ramdisk_room + range_align_up(fdt_bytes, LAYOUT_PAGE);
    uint64_t kernel_end = range_align_up(kernel->high, LAYOUT_PAGE);
    uint64_t usual = bank->base + USUAL_OFFSET;
    uint64_t start;

    if (kernel_end <= usual && usual <= range_end(bank) && range_end(bank) - usual >= bytes) {
        start = usual;
    } else {
        start = highest(kernel_end, range_end(bank), bytes);
    }
    if (start == 0) {
        start = highest(bank->base, range_align_down(kernel->low, LAYOUT_PAGE), bytes);
    }
    if (start == 0) {
        log_problem(domain,
                    "kernel, ramdisk and device tree do not fit: %lu KiB beside the kernel in a bank of %lu KiB; "
                    "give more memory",
                    (unsigned long)(bytes >> KIB_SHIFT), (unsigned long)(bank->size >> KIB_SHIFT));
        return false;
    }
    place->ramdisk = (ramdisk_bytes == 0) ? 0 : start;
    place->fdt = start + ramdisk_room;
    return true;
}
