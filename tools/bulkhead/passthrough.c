// SPDX-License-Identifier: Apache-2.0
#include "passthrough.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_PHANDLE_GIC 65000u /* the interrupt controller's node in a guest's tree, as on Xen */
#define LEVEL_HIGH        4u

const struct board_device *passthrough_find(const struct board *board, const char *path)
{
    const struct board_device *device = board->devices.item;

    for (size_t i = 0; i < board->devices.count; i++) {
        if (strcmp(device[i].name.value, path) == 0) {
            return &device[i];
        }
    }
    return NULL;
}

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

static void put_device(struct arena *arena, void *fdt, const struct board_device *device)
{
    const char *slash = strrchr(device->name.value, '/');
    uint64_t base = device->base.value & ~UINT64_C(0xfff);
    uint64_t size = align_up(device->base.value + device->size.value - base, 4096);

    must(fdt_begin_node(fdt, slash == NULL ? device->name.value : slash + 1));
    if (device->compatible.given) {
        must(fdt_property_string(fdt, "compatible", device->compatible.value));
    }
    put_cells(fdt, "reg", (const uint64_t[]){device->base.value, device->size.value}, 2);
    put_cells(fdt, "xen,reg", (const uint64_t[]){base, size, base}, 3);
    must(fdt_property_string(fdt, "xen,path", device->name.value));
    must(fdt_property(fdt, "bulkhead,no-dma", NULL, 0)); /* check refused all others */
    if (device->interrupts.count > 0) {
        put_interrupts(arena, fdt, device);
    }
    must(fdt_end_node(fdt));
}

struct bytes passthrough_tree(struct arena *arena, const struct board *board, const struct domain *d)
{
    const struct text *path = d->passthrough.item;
    size_t bound = 4096 + d->passthrough.count * 1024;

    for (size_t i = 0; i < d->passthrough.count; i++) {
        bound += 2 * strlen(path[i].value) + 12 * passthrough_find(board, path[i].value)->interrupts.count;
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
    for (size_t i = 0; i < d->passthrough.count; i++) {
        put_device(arena, fdt, passthrough_find(board, path[i].value));
    }
    must(fdt_end_node(fdt));
    must(fdt_end_node(fdt));
    must(fdt_finish(fdt));
    return (struct bytes){.data = fdt, .size = fdt_totalsize(fdt)};
}
