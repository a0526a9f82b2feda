/* SPDX-License-Identifier: Apache-2.0 */
#include "claim.h"

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
    ranges_shrink_to_pages(free_ram);
    return ranges_are_whole(free_ram);
}
