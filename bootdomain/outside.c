/* SPDX-License-Identifier: Apache-2.0 */
#include "outside.h"

#include <bulkhead/image.h>

#include "guest_layout.h"
#include "hyper.h"
#include "range.h"
#include "ranges.h"
#include "text.h"

/* Machine address 0 is mapped here, behind the window of foreign mappings; the others follow. */
#define OUTSIDE_BASE (BOOT_DOMAIN_WINDOW + UINT64_C(0x100000000))

static struct ranges mapped; /* whole pages; a page can be mapped once */
static struct ranges missing;

void outside_init(void)
{
    ranges_clear(&mapped);
}

/* The pages of the module that are not mapped yet. */
static void find_missing(const struct plan_module *module)
{
    uint64_t base = range_align_down(module->outside, LAYOUT_PAGE);
    uint64_t end = range_align_up(module->outside + module->size, LAYOUT_PAGE);

    ranges_clear(&missing);
    ranges_add(&missing, base, end - base);
    ranges_cut_all(&missing, &mapped);
}

bool outside_map(const char *domain, struct plan_module *module)
{
    find_missing(module);
    for (uint32_t i = 0; i < missing.count; i++) {
        const struct board_range *range = &missing.range[i];
        int64_t error = hyper_map_outside(range->base, range->size, OUTSIDE_BASE + range->base);
        if (error != 0) {
            log_problem(domain,
                        "module '%s' at 0x%lx: the hypervisor does not let it be read (error %lu); load it "
                        "elsewhere",
                        module->name, (unsigned long)module->outside, (unsigned long)-error);
            return false;
        }
        ranges_add(&mapped, range->base, range->size);
    }
    module->data = hyper_pointer(OUTSIDE_BASE + module->outside);
    return ranges_are_whole(&mapped);
}
