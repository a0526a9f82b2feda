// SPDX-License-Identifier: Apache-2.0
#include "passthrough.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_PHANDLE_GIC 65000u /* the interrupt controller's node in a guest's tree, as on Xen */
#define PHANDLE_CLOCK     (GUEST_PHANDLE_GIC - 1u)
#define CLOCK_HZ          24000000u /* of PrimeCell devices, whose drivers only want it to be there */
#define LEVEL_HIGH        4u
#define PROP_FORCE        "xen,force-assign-without-iommu"

const struct board_device *passthrough_find(const struct board *board, const char *name)
{
    const struct board_device *device = board->devices.item;

    for (size_t i = 0; i < board->devices.count; i++) {
        if (strcmp(device[i].name.value, name) == 0 ||
            (device[i].alias.given && strcmp(device[i].alias.value, name) == 0)) {
            return &device[i];
        }
    }
    return NULL;
}

/* ---- defaults ---- */

static bool is_named(const struct system *s, const struct board_device *device)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct items *list = &system_domain(s, i)->passthrough;
        const struct text *name = list->item;
        for (size_t j = 0; j < list->count; j++) {
            if (name[j].given && passthrough_find(&s->board, name[j].value) == device) {
                return true;
            }
        }
    }
    return false;
}

void passthrough_fill(struct arena *arena, struct system *s)
{
    const struct board_device *device = s->board.devices.item;

    for (size_t i = 0; i < s->domains.count; i++) {
        struct domain *d = system_domain(s, i);
        if (d->role.value != ROLE_HARDWARE || d->passthrough.given || d->file[MODULE_DEVICE_TREE].given) {
            continue;
        }
        struct text *name = arena_alloc(arena, s->board.devices.count + 1, sizeof(*name));
        d->passthrough = (struct items){.item = name, .at = d->name.at};
        for (size_t j = 0; j < s->board.devices.count; j++) {
            if (!device[j].dma.value && !is_named(s, &device[j])) {
                name[d->passthrough.count++] =
                    (struct text){.value = device[j].name.value, .at = d->name.at, .given = true};
            }
        }
    }
}

bool passthrough_is_forced(struct bytes tree)
{
    int depth = 0;

    for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(tree.data, node, &depth)) {
        if (fdt_getprop(tree.data, node, PROP_FORCE, NULL) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- the tree ---- */

static void must(int result)
{
    if (result < 0) {
        fprintf(stderr, "bulkhead: cannot write a partial device tree: %s; report this\n", fdt_strerror(result));
        exit(70);
    }
}

static void put_cells(void *fdt, const char *name, const uint64_t *values, unsigned count)
{
    fdt64_t cells[3];

    for (unsigned i = 0; i < count; i++) {
        cells[i] = cpu_to_fdt64(values[i]);
    }
    must(fdt_property(fdt, name, cells, (int)(count * sizeof(cells[0]))));
}

static void put_interrupts(struct arena *arena, void *fdt, const struct board_device *device)
{
    const struct number *intid = device->interrupts.item;
    fdt32_t *cells = arena_alloc(arena, 3 * (device->interrupts.count + 1), sizeof(*cells));

    for (size_t i = 0; i < device->interrupts.count; i++) {
        cells[3 * i] = cpu_to_fdt32(0);
        cells[3 * i + 1] = cpu_to_fdt32((uint32_t)intid[i].value - 32);
        cells[3 * i + 2] = cpu_to_fdt32(LEVEL_HIGH);
    }
    must(fdt_property(fdt, "interrupts", cells, (int)(3 * device->interrupts.count * sizeof(*cells))));
    must(fdt_property_u32(fdt, "interrupt-parent", GUEST_PHANDLE_GIC));
}

static bool is_compatible(const struct board_device *device, const char *with)
{
    const struct text *compatible = device->compatible.item;

    for (size_t i = 0; i < device->compatible.count; i++) {
        if (strcmp(compatible[i].value, with) == 0) {
            return true;
        }
    }
    return false;
}

static void put_compatible(struct arena *arena, void *fdt, const struct board_device *device)
{
    const struct text *compatible = device->compatible.item;
    struct buffer strings = {0};

    for (size_t i = 0; i < device->compatible.count; i++) {
        buffer_add(&strings, compatible[i].value, strlen(compatible[i].value) + 1);
    }
    if (strings.size > 0) {
        must(fdt_property(fdt, "compatible", arena_text(arena, (const char *)strings.data, strings.size),
                          (int)strings.size));
    }
    buffer_release(&strings);
}

/* What drivers of some kinds of devices want to find besides. */
static void put_kind(void *fdt, const struct board_device *device)
{
    if (is_compatible(device, "arm,primecell")) {
        must(fdt_property_u32(fdt, "clocks", PHANDLE_CLOCK));
        must(fdt_property_string(fdt, "clock-names", "apb_pclk"));
    }
    if (is_compatible(device, "arm,pl061")) {
        must(fdt_property(fdt, "gpio-controller", NULL, 0));
        must(fdt_property_u32(fdt, "#gpio-cells", 2));
        must(fdt_property(fdt, "interrupt-controller", NULL, 0));
        must(fdt_property_u32(fdt, "#interrupt-cells", 2));
    }
}

static void put_clock(void *fdt)
{
    must(fdt_begin_node(fdt, "apb-pclk"));
    must(fdt_property_string(fdt, "compatible", "fixed-clock"));
    must(fdt_property_u32(fdt, "#clock-cells", 0));
    must(fdt_property_u32(fdt, "clock-frequency", CLOCK_HZ));
    must(fdt_property_u32(fdt, "phandle", PHANDLE_CLOCK));
    must(fdt_end_node(fdt));
}

static void put_device(struct arena *arena, void *fdt, const struct board_device *device)
{
    const char *slash = strrchr(device->name.value, '/');
    uint64_t base = device->base.value & ~UINT64_C(0xfff);
    uint64_t size = align_up(device->base.value + device->size.value - base, 4096);

    must(fdt_begin_node(fdt, slash == NULL ? device->name.value : slash + 1));
    put_compatible(arena, fdt, device);
    put_cells(fdt, "reg", (const uint64_t[]){device->base.value, device->size.value}, 2);
    put_cells(fdt, "xen,reg", (const uint64_t[]){base, size, base}, 3);
    must(fdt_property_string(fdt, "xen,path", device->name.value));
    must(fdt_property(fdt, device->dma.value ? PROP_FORCE : "bulkhead,no-dma", NULL, 0));
    if (device->interrupts.count > 0) {
        put_interrupts(arena, fdt, device);
    }
    put_kind(fdt, device);
    must(fdt_end_node(fdt));
}

struct bytes passthrough_tree(struct arena *arena, const struct board *board, const struct domain *d)
{
    const struct text *path = d->passthrough.item;
    size_t bound = 4096 + d->passthrough.count * 1024;
    bool wants_clock = false;

    for (size_t i = 0; i < d->passthrough.count; i++) {
        const struct board_device *device = passthrough_find(board, path[i].value);
        const struct text *compatible = device->compatible.item;
        bound += 2 * strlen(device->name.value) + 12 * device->interrupts.count;
        for (size_t j = 0; j < device->compatible.count; j++) {
            bound += strlen(compatible[j].value) + 1;
        }
        wants_clock = wants_clock || is_compatible(device, "arm,primecell");
    }
    void *fdt = arena_alloc(arena, bound, 1);
    must(fdt_create(fdt, (int)bound));
    must(fdt_finish_reservemap(fdt));
    must(fdt_begin_node(fdt, ""));
    must(fdt_property_u32(fdt, "#address-cells", 2));
    must(fdt_property_u32(fdt, "#size-cells", 2));
    must(fdt_begin_node(fdt, "passthrough"));
    must(fdt_property_string(fdt, "compatible", "simple-bus"));
    must(fdt_property(fdt, "ranges", NULL, 0));
    must(fdt_property_u32(fdt, "#address-cells", 2));
    must(fdt_property_u32(fdt, "#size-cells", 2));
    if (wants_clock) {
        put_clock(fdt);
    }
    for (size_t i = 0; i < d->passthrough.count; i++) {
        put_device(arena, fdt, passthrough_find(board, path[i].value));
    }
    must(fdt_end_node(fdt));
    must(fdt_end_node(fdt));
    must(fdt_finish(fdt));
    return (struct bytes){.data = fdt, .size = fdt_totalsize(fdt)};
}
