// SPDX-License-Identifier: Apache-2.0
/* The rules about memory: budgets fit, nothing overlaps, kernels fit their domains. */
#include <inttypes.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "dynamic.h"

#define PAGE             UINT64_C(0x1000)
/* What the hypervisor needs for a domain beside its memory, at least: fixed, a page for 2 MiB, and for each vCPU. */
#define DOMAIN_OVERHEAD  (UINT64_C(1) << 20)
#define BLOCK_OVERHEAD   512u
#define VCPU_OVERHEAD    (UINT64_C(64) << 10)
#define DEVICE_TREE_ROOM (UINT64_C(2) << 20)

/* Bases and sizes are below 2^52: sums cannot wrap. */
static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a_size > 0 && b_size > 0 && a < b + b_size && b < a + a_size;
}

static uint64_t static_sum(const struct domain *domain)
{
    const struct range *range = domain->static_memory.item;
    uint64_t sum = 0;

    for (size_t i = 0; i < domain->static_memory.count; i++) {
        sum += range[i].size.value;
    }
    return sum;
}

static void check_size(struct diags *d, const struct domain *domain)
{
    if (domain->memory.value % PAGE != 0) {
        diag_error(d, domain->memory.at, "memory-aligned", "the memory of `%s` is no multiple of 4 KiB; round it up",
                   domain->name.value);
    }
    if (domain->memory.given && domain->static_memory.given && domain->memory.value != static_sum(domain)) {
        diag_error(d, domain->memory.at, "static-memory-sum",
                   "`%s` has %s of static memory, which is not its `memory`; leave `memory` out", domain->name.value,
                   key_size_text(d->arena, static_sum(domain)));
    }
}

static void check_static_range(struct diags *d, const struct system *s, const struct range *range,
                               struct image_span span)
{
    uint64_t base = range->base.value;
    uint64_t size = range->size.value;

    if (!range->base.given || !range->size.given) {
        return;
    }
    if (base % PAGE != 0 || size % PAGE != 0) {
        diag_error(d, range->at, "memory-aligned",
                   "the static memory is not 4 KiB aligned; round base down and size up");
    }
    if (!board_has_ram(&s->board, base, size)) {
        diag_error(d, range->at, "static-memory-ram",
                   "0x%" PRIx64 " to 0x%" PRIx64
                   " is not in the RAM of board `%s`; write a range that lies in one RAM range",
                   base, base + size, s->board.name.value);
    }
    if (overlap(base, size, span.base, span.size)) {
        diag_error(d, range->at, "static-memory-image",
                   "the static memory overlaps the image, which occupies 0x%" PRIx64 " to 0x%" PRIx64
                   "; write a base from "
                   "0x%" PRIx64 " on",
                   span.base, span.base + span.size, (uint64_t)align_up(span.base + span.size, UINT64_C(1) << 20));
    }
}

static void check_static_pair(struct diags *d, const struct domain *a, const struct range *first,
                              const struct domain *b, const struct range *second)
{
    if (overlap(first->base.value, first->size.value, second->base.value, second->size.value)) {
        diag_error(d, second->at, "static-memory-overlap",
                   "static memory of `%s` overlaps that of `%s` in line %" PRIu32 "; keep them apart", b->name.value,
                   a->name.value, first->at.line);
    }
}

static void check_static_count(struct diags *d, const struct domain *domain)
{
    if (domain->static_memory.given && domain->static_memory.count == 0) {
        diag_error(d, domain->static_memory.at, "static-memory-count",
                   "`%s` has an empty list of static memory; write a range, or leave the key out", domain->name.value);
    } else if (domain->static_memory.count > LAUNCH_MAX_STATIC) {
        diag_error(d, domain->static_memory.at, "static-memory-count",
                   "`%s` has %zu ranges of static memory; write at most %u", domain->name.value,
                   domain->static_memory.count, LAUNCH_MAX_STATIC);
    }
}

static void check_static(struct diags *d, const struct system *s, size_t index, struct image_span span)
{
    const struct domain *domain = system_domain(s, index);
    const struct range *range = domain->static_memory.item;

    for (size_t i = 0; i < domain->static_memory.count; i++) {
        check_static_range(d, s, &range[i], span);
        for (size_t j = 0; j <= index; j++) {
            const struct domain *other = system_domain(s, j);
            const struct range *theirs = other->static_memory.item;
            size_t count = j == index ? i : other->static_memory.count;
            for (size_t k = 0; k < count; k++) {
                check_static_pair(d, other, &theirs[k], domain, &range[i]);
            }
        }
    }
}

/* First RAM bank of the domain in guest-physical addresses: kernel, ramdisk and device tree go there. */
static struct image_span first_bank(const struct domain *domain)
{
    const struct range *range = domain->static_memory.item;

    if (domain->direct_map.value && domain->static_memory.count > 0) {
        return (struct image_span){.base = range[0].base.value, .size = range[0].size.value};
    }
    return (struct image_span){.base = LAUNCH_RAM0_BASE,
                               .size =
                                   domain->memory.value < LAUNCH_RAM0_SIZE ? domain->memory.value : LAUNCH_RAM0_SIZE};
}

static void check_placed_kernel(struct diags *d, const struct domain *domain, struct image_span bank)
{
    const struct kernel_info *k = &domain->module[MODULE_KERNEL].kernel;

    if (k->low < bank.base || k->high > bank.base + bank.size) {
        diag_error(d, domain->file[MODULE_KERNEL].at, "kernel-fits",
                   "the kernel occupies 0x%" PRIx64 " to 0x%" PRIx64 ", the memory of `%s` is 0x%" PRIx64
                   " to 0x%" PRIx64 "; link it inside, or write more `memory`",
                   k->low, k->high, domain->name.value, bank.base, bank.base + bank.size);
    }
}

static void check_kernel(struct diags *d, const struct domain *domain)
{
    const struct module *kernel = &domain->module[MODULE_KERNEL];
    struct image_span bank = first_bank(domain);

    if (kernel->path == NULL || kernel->has_address || domain->memory.value == 0) {
        return;
    }
    if (kernel->kernel.is_placed) {
        check_placed_kernel(d, domain, bank);
        return;
    }
    uint64_t ramdisk = domain->module[MODULE_RAMDISK].data.size;
    uint64_t need = kernel->kernel.high + align_up(ramdisk, PAGE) +
                    (kernel->kernel.format == KERNEL_FLAT ? PAGE : DEVICE_TREE_ROOM) +
                    (domain->verify.value ? LAUNCH_VERIFY_ROOM : 0);
    if (kernel->kernel.high > bank.size) {
        diag_error(d, domain->file[MODULE_KERNEL].at, "kernel-fits",
                   "the kernel needs %" PRIu64 " KiB, `%s` has %" PRIu64 " KiB; write `memory: %" PRIu64
                   " MiB` or more",
                   (kernel->kernel.high + 1023) / 1024, domain->name.value, bank.size / 1024, (need + 0xfffff) >> 20);
    } else if (need > bank.size) {
        diag_error(d, domain->file[MODULE_KERNEL].at, "kernel-fits",
                   "kernel, ramdisk and device tree need %" PRIu64 " KiB, `%s` has %" PRIu64
                   " KiB; write `memory: %" PRIu64 " MiB` or more",
                   (need + 1023) / 1024, domain->name.value, bank.size / 1024, (need + 0xfffff) >> 20);
    }
}

/* Memory that moved modules bring along is counted once, with the image. */
static uint64_t moved_bytes(const struct domain *domain)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < MODULE_KINDS; i++) {
        if (domain->module[i].is_moved) {
            sum += align_up(domain->module[i].data.size, PAGE);
        }
    }
    return sum;
}

static void check_budget(struct diags *d, const struct system *s, struct image_span span)
{
    uint64_t have = board_memory(&s->board);
    uint64_t need = span.size + rules_shared_bytes(s) + dynamic_bytes(s);
    uint64_t domains = 0;

    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        domains += domain->memory.value;
        need += DOMAIN_OVERHEAD + domain->memory.value / BLOCK_OVERHEAD + domain->vcpus.value * VCPU_OVERHEAD;
        need += domain->memory.value + health_image_bytes(domain);
        need -= moved_bytes(domain) < domain->memory.value ? moved_bytes(domain) : domain->memory.value;
    }
    if (need > have) {
        diag_error(d, s->domains.at, "memory-budget",
                   "the domains have %" PRIu64 " MiB, with the image and the hypervisor %" PRIu64
                   " MiB, board `%s` has %" PRIu64 " MiB; give the domains %" PRIu64 " MiB less",
                   domains >> 20, (need + 0xfffff) >> 20, s->board.name.value, have >> 20,
                   (need - have + 0xfffff) >> 20);
    }
}

static void check_module_place(struct diags *d, const struct system *s, const struct module *m, struct image_span span)
{
    if (!m->has_address) {
        return;
    }
    if (overlap(m->address, m->data.size, span.base, span.size)) {
        diag_error(d, m->at, "module-image",
                   "the module at 0x%" PRIx64 " overlaps the image, which occupies 0x%" PRIx64 " to 0x%" PRIx64
                   "; load it elsewhere",
                   m->address, span.base, span.base + span.size);
    }
    if (!board_has_ram(&s->board, m->address, m->data.size)) {
        diag_error(d, m->at, "module-ram",
                   "the module at 0x%" PRIx64 " is not in the RAM of board `%s`; load it elsewhere", m->address,
                   s->board.name.value);
    }
}

/* Two domains may start from the same bytes, but not from pieces of each other's. */
static void check_module_pair(struct diags *d, const struct module *a, const struct module *b)
{
    bool same = a->address == b->address && a->data.size == b->data.size;

    if (a->has_address && b->has_address && !same && overlap(a->address, a->data.size, b->address, b->data.size)) {
        diag_error(d, b->at, "module-overlap",
                   "the module at 0x%" PRIx64 " overlaps the one at 0x%" PRIx64 "; load it elsewhere", b->address,
                   a->address);
    }
}

static void check_modules(struct diags *d, const struct system *s, size_t index, struct image_span span)
{
    for (unsigned kind = 0; kind < MODULE_KINDS; kind++) {
        const struct module *m = &system_domain(s, index)->module[kind];
        check_module_place(d, s, m, span);
        for (size_t i = 0; i <= index; i++) {
            for (unsigned j = 0; j < (i == index ? kind : MODULE_KINDS); j++) {
                check_module_pair(d, &system_domain(s, i)->module[j], m);
            }
        }
    }
}

void rules_check_memory(struct diags *d, const struct system *s, struct image_span span)
{
    if (s->boot_memory % (UINT64_C(2) << 20) != 0) {
        diag_error(d, s->boot_domain.memory.at, "boot-domain-memory",
                   "the memory of the Boot Domain is no multiple of 2 MiB; round it up");
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        check_size(d, domain);
        check_static_count(d, domain);
        check_static(d, s, i, span);
        check_kernel(d, domain);
        check_modules(d, s, i, span);
    }
    rules_check_shared_memory(d, s, span);
    check_budget(d, s, span);
}
