/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <libfdt.h>

#include "guest_layout.h"
#include "plan_internal.h"
#include "range.h"
#include "text.h"

/* First string of `compatible` -> kind; dom0less, then hyperlaunch. */
static const struct {
    const char *compatible;
    enum plan_module_kind kind;
} kinds[] = {
    {"multiboot,kernel", PLAN_KERNEL}, {"multiboot,ramdisk", PLAN_RAMDISK}, {"multiboot,device-tree", PLAN_DEVICE_TREE},
    {"module,kernel", PLAN_KERNEL},    {"module,ramdisk", PLAN_RAMDISK},    {"module,device-tree", PLAN_DEVICE_TREE},
};

static const char *const known_properties[] = {
    "compatible", "reg", "module-addr", "bootargs", "phandle", LAUNCH_PROP_MEMBER,
};

static bool find_kind(const void *fdt, int node, enum plan_module_kind *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (fdt_node_check_compatible(fdt, node, kinds[i].compatible) == 0) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static void report_unknown(const void *fdt, int node, const char *domain)
{
    int property;

    fdt_for_each_property_offset(property, fdt, node)
    {
        const char *name = NULL;
        bool known = fdt_getprop_by_offset(fdt, property, &name, NULL) == NULL;
        for (size_t i = 0; i < sizeof(known_properties) / sizeof(known_properties[0]) && !known; i++) {
            known = strcmp(name, known_properties[i]) == 0;
        }
        if (!known) {
            log_notice(domain, "%s: property '%s' is not known; it has no effect", fdt_get_name(fdt, node, NULL), name);
        }
    }
}

static void read_member(struct plan_reader *reader, const struct prop *prop, struct plan_module *module)
{
    const char *name = prop_string(prop);

    if (name == NULL) {
        return;
    }
    if (reader->context->archive == NULL) {
        log_problem(prop->domain, "module '%s' is named as a member, but the image has no archive; write reg", name);
        return;
    }
    const struct archive_member *member = archive_find(reader->context->archive, name);
    if (member == NULL) {
        log_problem(prop->domain, "module '%s' is not in the launch archive; build the image again", name);
        return;
    }
    if (member->size == 0) {
        log_problem(prop->domain, "module '%s' is empty; give a file with contents", name);
        return;
    }
    *module = (struct plan_module){.data = member->data, .size = member->size};
    text_format(module->name, sizeof(module->name), "%s", member->name);
}

/* A module that a boot loader put into memory: <address size> in the cells of the domain's node. */
static void read_outside(struct plan_reader *reader, const struct prop *prop, struct plan_module *module)
{
    uint32_t address_cells;
    uint32_t size_cells;
    uint64_t base = 0;
    uint64_t size = 0;

    if (!prop_cell_sizes(prop->fdt, reader->node, prop->domain, &address_cells, &size_cells)) {
        return;
    }
    if (prop->size != (address_cells + size_cells) * sizeof(uint32_t) || !prop_cells(prop, 0, address_cells, &base) ||
        !prop_cells(prop, address_cells * (uint32_t)sizeof(uint32_t), size_cells, &size) || size == 0 ||
        base + size < base) {
        log_problem(prop->domain, "module '%s': %s is not one <address size> pair with a size; write it so",
                    fdt_get_name(prop->fdt, prop->node, NULL), prop->name);
        return;
    }
    *module = (struct plan_module){.size = size, .is_outside = true, .outside = base};
    text_format(module->name, sizeof(module->name), "%s", fdt_get_name(prop->fdt, prop->node, NULL));
}

static void read_source(struct plan_reader *reader, int node, struct plan_module *module)
{
    const void *fdt = reader->context->fdt;
    const char *domain = reader->domain->name;
    struct prop member;
    struct prop reg;
    bool has_member = prop_find(&member, fdt, node, domain, LAUNCH_PROP_MEMBER);
    bool has_reg = prop_find(&reg, fdt, node, domain, "reg") || prop_find(&reg, fdt, node, domain, "module-addr");

    if (has_member == has_reg) {
        log_problem(domain, "module '%s' has %s; write one of them", fdt_get_name(fdt, node, NULL),
                    has_member ? "both reg and " LAUNCH_PROP_MEMBER : "neither reg nor " LAUNCH_PROP_MEMBER);
    } else if (has_member) {
        read_member(reader, &member, module);
    } else {
        read_outside(reader, &reg, module);
    }
}

void plan_read_module(struct plan_reader *reader, int node)
{
    const void *fdt = reader->context->fdt;
    struct plan_domain *domain = reader->domain;
    enum plan_module_kind kind = PLAN_KERNEL;
    struct prop prop;

    if (!find_kind(fdt, node, &kind)) {
        log_notice(domain->name, "module '%s' is of no known kind; it has no effect", fdt_get_name(fdt, node, NULL));
        return;
    }
    struct plan_module *module = &domain->modules[kind];
    if (module->name[0] != '\0') {
        log_problem(domain->name, "module '%s' is the second of its kind; take one out", fdt_get_name(fdt, node, NULL));
        return;
    }
    report_unknown(fdt, node, domain->name);
    read_source(reader, node, module);
    if (kind == PLAN_KERNEL && prop_find(&prop, fdt, node, domain->name, "bootargs")) {
        domain->bootargs = prop_string(&prop);
    }
}

/* Whether `bytes` at `data` lie in a frame of the module. */
static bool lies_in_frames(const struct plan_module *module, const uint8_t *data, uint64_t bytes)
{
    uint64_t start = range_align_down((uint64_t)(uintptr_t)module->data, LAYOUT_PAGE);
    uint64_t end = range_align_up((uint64_t)(uintptr_t)module->data + module->size, LAYOUT_PAGE);

    return (uint64_t)(uintptr_t)data < end && start < (uint64_t)(uintptr_t)data + bytes;
}

static struct plan_module *nth_module(struct plan *plan, uint32_t n)
{
    return &plan->domains[n / PLAN_MODULE_KINDS].modules[n % PLAN_MODULE_KINDS];
}

/* Bound: (LAUNCH_MAX_DOMAINS * PLAN_MODULE_KINDS) squared steps. */
void plan_mark_shared_modules(struct plan *plan, const struct plan_context *context)
{
    uint32_t total = plan->count * PLAN_MODULE_KINDS;

    for (uint32_t i = 0; i < total; i++) {
        struct plan_module *module = nth_module(plan, i);
        if (module->data == NULL) {
            continue;
        }
        module->shared = lies_in_frames(module, context->fdt, fdt_totalsize(context->fdt));
        for (uint32_t j = 0; j < total && !module->shared; j++) {
            const struct plan_module *other = nth_module(plan, j);
            module->shared = j != i && other->data != NULL && lies_in_frames(module, other->data, other->size);
        }
    }
}
