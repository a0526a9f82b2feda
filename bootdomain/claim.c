/* SPDX-License-Identifier: Apache-2.0 */
#include "claim.h"

#include "guest_layout.h"
#include "range.h"
#include "text.h"

static void cut_domain(struct ranges *free_ram, const struct plan_domain *domain)
{
    for (uint32_t i = 0; i < domain->fixed_count; i++) {
        ranges_cut(free_ram, domain->fixed[i].base, domain->fixed[i].size);
    }
    for (uint32_t i = 0; i < PLAN_MODULE_KINDS; i++) {
        const struct plan_module *module = &domain->modules[i];
        if (module->is_outside) {
            ranges_cut(free_ram, module->outside, module->size);
        }
    }
}

bool claim_find(struct ranges *free_ram, const struct board_table *board, const struct ranges *taken,
                const struct plan *plan)
{
    ranges_clear(free_ram);
    for (uint32_t i = 0; i < board->ram_count && i < BOARD_MAX_RAM; i++) {
        ranges_add(free_ram, board->ram[i].base, board->ram[i].size);
    }
    ranges_cut_all(free_ram, taken);
    for (uint32_t i = 0; i < plan->count; i++) {
        cut_domain(free_ram, &plan->domains[i]);
    }
    for (uint32_t i = 0; i < plan->share_count; i++) {
        if (plan->shares[i].is_placed) {
            ranges_cut(free_ram, plan->shares[i].machine.base, plan->shares[i].machine.size);
        }
    }
    ranges_shrink_to_pages(free_ram);
    return ranges_are_whole(free_ram);
}

/* The highest place in the set for `bytes`; false when there is none. */
static bool find_place(const struct ranges *free_ram, uint64_t bytes, uint64_t *base)
{
    uint64_t alignment = (bytes >= LAYOUT_BLOCK) ? LAYOUT_BLOCK : LAYOUT_PAGE;
    bool found = false;

    *base = 0;
    for (uint32_t i = 0; i < free_ram->count; i++) {
        const struct board_range *range = &free_ram->range[i];
        uint64_t at = (range->size < bytes) ? 0 : range_align_down(range_end(range) - bytes, alignment);
        if (range->size >= bytes && at >= range->base && at >= *base) {
            *base = at;
            found = true;
        }
    }
    return found;
}

bool claim_place_shares(struct ranges *free_ram, struct plan *plan)
{
    for (uint32_t i = 0; i < plan->share_count; i++) {
        struct plan_share *share = &plan->shares[i];
        if (share->is_placed) {
            continue;
        }
        if (!find_place(free_ram, share->machine.size, &share->machine.base)) {
            log_problem(NULL, "shared memory '%s': no %lu KiB in a row are free; give the domains less memory",
                        share->id, (unsigned long)(share->machine.size >> 10));
            return false;
        }
        share->is_placed = true;
        ranges_cut(free_ram, share->machine.base, share->machine.size);
    }
    return ranges_are_whole(free_ram);
}
