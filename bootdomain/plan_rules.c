/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between domains, and between the plan and the board. */
#include <string.h>

#include <libfdt.h>

#include "guest_layout.h"
#include "plan_internal.h"
#include "range.h"
#include "text.h"

#define WORD_BITS 64u
#define MIB_SHIFT 20

static const struct plan_domain *find_domain(const struct plan *plan, const char *name, uint32_t *index)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (strcmp(plan->domains[i].name, name) == 0) {
            *index = i;
            return &plan->domains[i];
        }
    }
    return NULL;
}

void plan_read_after(struct plan *plan, const struct plan_context *context, uint32_t index, int node)
{
    struct plan_domain *domain = &plan->domains[index];
    struct prop prop;
    uint32_t at = 0;

    if (!prop_find(&prop, context->fdt, node, domain->name, LAUNCH_PROP_AFTER)) {
        return;
    }
    for (const char *name = prop_next_string(&prop, &at); name != NULL; name = prop_next_string(&prop, &at)) {
        uint32_t other = 0;
        if (find_domain(plan, name, &other) == NULL) {
            log_problem(domain->name, LAUNCH_PROP_AFTER " names '%s', which is not a domain; write a domain's name",
                        name);
        } else {
            domain->after[other / WORD_BITS] |= UINT64_C(1) << (other % WORD_BITS);
        }
    }
}

static void check_names(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t first = i;
        find_domain(plan, plan->domains[i].name, &first);
        if (first != i) {
            log_problem(plan->domains[i].name, "two domains have this name; rename one");
        }
    }
}

static void check_one_of_role(const struct plan *plan, enum bulkhead_role role, const char *name)
{
    const struct plan_domain *first = NULL;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        if (domain->role == role && first != NULL) {
            log_problem(domain->name, "a second %s Domain beside '%s'; there is at most one, make this one a domu",
                        name, first->name);
        } else if (domain->role == role) {
            first = domain;
        }
    }
}

static void check_control_is_safe(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        if (domain->role == BULKHEAD_ROLE_CONTROL && (domain->flags & BULKHEAD_DOMAIN_SAFE) == 0) {
            log_problem(domain->name, "the Control Domain must be safe; add " LAUNCH_PROP_SAFE);
        }
    }
}

bool plan_is_board_ram(const struct board_table *board, const struct board_range *range)
{
    for (uint32_t i = 0; i < board->ram_count && i < BOARD_MAX_RAM; i++) {
        if (range_contains(&board->ram[i], range)) {
            return true;
        }
    }
    return false;
}

/* One static range against the board, the taken ranges and the static ranges that come before it in the plan. */
static void check_fixed_range(const struct plan *plan, const struct plan_context *context, uint32_t index, uint32_t n)
{
    const struct plan_domain *domain = &plan->domains[index];
    const struct board_range *range = &domain->fixed[n];
    unsigned long base = (unsigned long)range->base;
    unsigned long end = (unsigned long)range_end(range);

    if (!plan_is_board_ram(context->board, range)) {
        log_problem(domain->name, "xen,static-mem 0x%lx to 0x%lx is not RAM of board '%s'; choose a range in its RAM",
                    base, end, context->board->name);
    }
    for (uint32_t i = 0; i < context->taken_count; i++) {
        if (range_overlaps(range, &context->taken[i])) {
            log_problem(domain->name, "xen,static-mem 0x%lx to 0x%lx overlaps 0x%lx to 0x%lx, which is in use; move it",
                        base, end, (unsigned long)context->taken[i].base, (unsigned long)range_end(&context->taken[i]));
        }
    }
    for (uint32_t i = 0; i <= index; i++) {
        const struct plan_domain *other = &plan->domains[i];
        for (uint32_t j = 0; j < ((i == index) ? n : other->fixed_count); j++) {
            if (range_overlaps(range, &other->fixed[j])) {
                log_problem(domain->name, "xen,static-mem 0x%lx to 0x%lx overlaps that of domain '%s'; move one", base,
                            end, other->name);
            }
        }
    }
}

static void check_fixed(const struct plan *plan, const struct plan_context *context, uint32_t index)
{
    const struct plan_domain *domain = &plan->domains[index];
    uint64_t total = 0;

    for (uint32_t i = 0; i < domain->fixed_count; i++) {
        check_fixed_range(plan, context, index, i);
        total += domain->fixed[i].size;
    }
    if (domain->fixed_count != 0 && total != domain->memory) {
        log_problem(domain->name, "xen,static-mem has %lu KiB, memory says %lu KiB; make them equal",
                    (unsigned long)(total >> 10), (unsigned long)(domain->memory >> 10));
    }
    if (domain->fixed_count == 0 && (domain->flags & BULKHEAD_DOMAIN_DIRECT) != 0) {
        log_problem(domain->name, "direct-map without xen,static-mem; name the range, xen,static-mem = <base size>");
    }
}

static void check_total_memory(const struct plan *plan, const struct plan_context *context)
{
    uint64_t have = 0;
    uint64_t want = 0;

    for (uint32_t i = 0; i < context->board->ram_count && i < BOARD_MAX_RAM; i++) {
        have += context->board->ram[i].size;
    }
    for (uint32_t i = 0; i < context->taken_count; i++) {
        have -= (have < context->taken[i].size) ? have : context->taken[i].size;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        want += plan->domains[i].memory;
    }
    for (uint32_t i = 0; i < plan->share_count; i++) {
        want += plan->shares[i].machine.size;
    }
    if (want > have) {
        log_problem(NULL, "the domains' memory is %lu MiB together, board '%s' has %lu MiB left for them; give less",
                    (unsigned long)(want >> MIB_SHIFT), context->board->name, (unsigned long)(have >> MIB_SHIFT));
    }
}

/* A module that a boot loader left in memory: in RAM, and nobody else's. */
static void check_outside(const struct plan *plan, const struct plan_context *context, const struct plan_domain *domain,
                          const struct plan_module *module)
{
    struct board_range range = {.base = range_align_down(module->outside, LAYOUT_PAGE)};
    unsigned long base = (unsigned long)module->outside;
    unsigned long end = (unsigned long)(module->outside + module->size);

    range.size = range_align_up(module->outside + module->size, LAYOUT_PAGE) - range.base;
    if (!plan_is_board_ram(context->board, &range)) {
        log_problem(domain->name, "module '%s' at 0x%lx to 0x%lx is not in RAM of board '%s'; load it into RAM",
                    module->name, base, end, context->board->name);
    }
    for (uint32_t i = 0; i < context->taken_count; i++) {
        if (range_overlaps(&range, &context->taken[i])) {
            log_problem(domain->name,
                        "module '%s' at 0x%lx to 0x%lx overlaps 0x%lx to 0x%lx, which is in use; "
                        "load it elsewhere",
                        module->name, base, end, (unsigned long)context->taken[i].base,
                        (unsigned long)range_end(&context->taken[i]));
        }
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        for (uint32_t j = 0; j < plan->domains[i].fixed_count; j++) {
            if (range_overlaps(&range, &plan->domains[i].fixed[j])) {
                log_problem(domain->name,
                            "module '%s' at 0x%lx to 0x%lx overlaps xen,static-mem of domain '%s'; "
                            "load it elsewhere",
                            module->name, base, end, plan->domains[i].name);
            }
        }
    }
}

static void check_modules(const struct plan *plan, const struct plan_context *context, uint32_t index)
{
    const struct plan_domain *domain = &plan->domains[index];

    for (uint32_t i = 0; i < PLAN_MODULE_KINDS; i++) {
        const struct plan_module *module = &domain->modules[i];
        if (module->is_outside) {
            check_outside(plan, context, domain, module);
        }
    }
}

static void check_verify(const struct plan_domain *domain)
{
    if (domain->verify && !domain->keep_modules) {
        log_problem(domain->name, LAUNCH_PROP_VERIFY " without " LAUNCH_PROP_KEEP "; write both");
    }
}

void plan_check_rules(struct plan *plan, const struct plan_context *context)
{
    uint32_t before = log_problem_count();

    check_names(plan);
    check_one_of_role(plan, BULKHEAD_ROLE_HARDWARE, "Hardware");
    check_one_of_role(plan, BULKHEAD_ROLE_CONTROL, "Control");
    check_control_is_safe(plan);
    for (uint32_t i = 0; i < plan->count; i++) {
        check_fixed(plan, context, i);
        check_modules(plan, context, i);
        check_verify(&plan->domains[i]);
    }
    plan_check_shares(plan, context);
    check_total_memory(plan, context);
    plan_check_cpus(plan, context);
    if (log_problem_count() == before) {
        plan_check_time(plan);
    }
}

/* Index in the board table of the CPU that the cpu node with that phandle describes. */
static bool find_cpu(const struct plan_context *context, uint32_t phandle, uint32_t *cpu)
{
    int node = fdt_node_offset_by_phandle(context->fdt, phandle);
    int size = 0;
    const uint8_t *reg = (node < 0) ? NULL : fdt_getprop(context->fdt, node, "reg", &size);

    if (reg == NULL || (size != 4 && size != 8)) {
        return false;
    }
    uint64_t mpidr = (size == 4) ? fdt32_ld((const fdt32_t *)(const void *)reg)
                                 : ((uint64_t)fdt32_ld((const fdt32_t *)(const void *)reg) << 32 |
                                    fdt32_ld((const fdt32_t *)(const void *)&reg[4]));
    for (uint32_t i = 0; i < context->board->cpu_count && i < BOARD_MAX_CPUS; i++) {
        if (context->board->mpidr[i] == mpidr) {
            *cpu = i;
            return true;
        }
    }
    return false;
}

bool plan_pool_cpus(const struct plan_context *context, const char *domain, int node, uint64_t *cpus)
{
    struct prop prop;

    if (node < 0 || !prop_find(&prop, context->fdt, node, domain, "cpupool-cpus") || prop.size == 0 ||
        prop.size % 4 != 0) {
        log_problem(domain, "domain-cpupool refers to no xen,cpupool node with cpupool-cpus; point it at one");
        return false;
    }
    *cpus = 0;
    for (uint32_t at = 0; at < prop.size; at += 4) {
        uint64_t cpu_phandle = 0;
        uint32_t cpu = 0;
        if (!prop_cells(&prop, at, 1, &cpu_phandle) || !find_cpu(context, (uint32_t)cpu_phandle, &cpu)) {
            log_problem(domain, "cpupool-cpus entry %u is not a CPU of board '%s'; name one of its cpu nodes", at / 4,
                        context->board->name);
            return false;
        }
        *cpus |= UINT64_C(1) << cpu;
    }
    return true;
}
