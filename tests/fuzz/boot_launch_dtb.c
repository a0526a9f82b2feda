/* SPDX-License-Identifier: Apache-2.0 */
/* A device tree as description, as host tree and as partial tree. */
#include "boot_common.h"

#include <string.h>

#include "claim.h"
#include "guest_fdt.h"
#include "host_tree.h"
#include "layout.h"
#include "passthrough.h"
#include "plan.h"
#include "range.h"
#include "tree.h"

#define MIB UINT64_C(0x100000)

static const uint8_t bytes[64];
static const struct archive archive = {
    .count = 3, .members = {{"kernel", bytes, sizeof(bytes)}, {"ramdisk", bytes, 8}, {"partial.dtb", bytes, 16}}};
static const struct board_table board = {.name = "fuzzed",
                                         .cpu_count = 4,
                                         .ram_count = 1,
                                         .mpidr = {0, 1, 2, 3},
                                         .ram = {{0x40000000, 1024 * MIB}},
                                         .gicd = {0x8000000, 0x10000},
                                         .gicr = {0x80a0000, 0x80000}};
static const struct board_range taken[] = {{0x40200000, 24 * MIB}};

static void build_tree(const struct plan *plan, const struct plan_domain *domain, const void *partial)
{
    static uint8_t out[GUEST_FDT_BYTES] __attribute__((aligned(8)));
    struct kernel_banks banks;
    struct guest_devices devices;
    uint64_t size = 0;
    struct passthrough given;
    struct passthrough_context context = {
        .domain = domain->name, .board = &board, .banks = &banks, .devices = &devices};

    layout_banks(domain, &banks);
    guest_devices_of(domain, &board, &devices);
    if (passthrough_read(&given, &context, partial)) {
        fuzz_assert(given.range_count <= PASSTHROUGH_MAX_RANGES);
        fuzz_assert(given.interrupt_count <= PASSTHROUGH_MAX_INTERRUPTS);
    }
    struct guest_fdt_input input = {
        .domain = domain, .plan = plan, .banks = &banks, .devices = &devices, .partial = partial};
    if (guest_fdt_build(&input, out, &size)) {
        fuzz_assert(size <= sizeof(out) && tree_get(out, size, "built", NULL, 0) != NULL);
    }
}

static void check_domain(const struct plan *plan, const struct plan_domain *domain)
{
    uint64_t fixed = 0;

    fuzz_assert(strlen(domain->name) > 0 && domain->vcpus >= 1 && domain->memory > 0 && domain->memory % 4096 == 0);
    fuzz_assert(domain->first_vcpu + domain->vcpus <= plan->vcpu_count && plan->vcpu_count <= PLAN_MAX_VCPUS);
    for (uint32_t i = 0; i < domain->fixed_count; i++) {
        fixed += domain->fixed[i].size;
    }
    fuzz_assert(domain->fixed_count == 0 || fixed == domain->memory);
    for (uint32_t i = 0; i < domain->vcpus; i++) {
        fuzz_assert(plan->affinity[domain->first_vcpu + i] < 16);
    }
}

static void check_shared(struct plan *plan)
{
    static struct ranges free_ram;
    static const struct ranges in_use = {.count = 1, .range = {{0x40200000, 24 * MIB}}};

    for (uint32_t i = 0; i < plan->channel_count; i++) {
        const struct plan_channel *end = &plan->channels[i];
        fuzz_assert(end->domain < plan->count && end->remote < plan->count && end->port >= 1);
        fuzz_assert(end->port <= LAUNCH_MAX_PORT && end->min_interval <= LAUNCH_MIN_INTERVAL_MAX);
    }
    if (claim_find(&free_ram, &board, &in_use, plan) && claim_place_shares(&free_ram, plan)) {
        for (uint32_t i = 0; i < plan->share_count; i++) {
            const struct board_range *range = &plan->shares[i].machine;
            fuzz_assert(range_contains(&board.ram[0], range) && !range_overlaps(range, &taken[0]));
        }
    }
    for (uint32_t i = 0; i < plan->use_count; i++) {
        fuzz_assert(plan->uses[i].domain < plan->count && plan->uses[i].share < plan->share_count);
        fuzz_assert(plan->uses[i].guest + plan->shares[plan->uses[i].share].machine.size <= LAUNCH_GUEST_SPACE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    static struct ranges reserved;
    static uint64_t room[0x2000];
    if (size >= 40 && size <= sizeof(room)) { /* the hypervisor has checked magic and least size */
        memcpy(room, data, size);
        ranges_clear(&reserved);
        host_tree_read(room, size, &board, &reserved);
    }
    const void *tree = tree_get(data, size, "fuzzed", room, sizeof(room));

    if (tree == NULL) {
        return 0;
    }
    for (uint32_t round = 0; round < 2; round++) {
        struct plan_context context = {
            .fdt = tree, .archive = (round == 0) ? &archive : NULL, .board = &board, .taken = taken, .taken_count = 1};
        if (plan_read(&plan, &context)) {
            check_shared(&plan);
            for (uint32_t i = 0; i < plan.count; i++) {
                check_domain(&plan, &plan.domains[i]);
                build_tree(&plan, &plan.domains[i], tree);
            }
        }
    }
    return 0;
}
