/* SPDX-License-Identifier: Apache-2.0 */
#include "passthrough.h"

#include <string.h>

#include <libfdt.h>

#include "guest_layout.h"
#include "prop.h"
#include "range.h"
#include "text.h"

#define MAX_DEPTH       16
#define CELL_BYTES      ((uint32_t)sizeof(uint32_t))
#define INTERRUPT_CELLS 3u
#define INTERRUPT_SPI   0u
#define SPI_FIRST       32u
#define PROP_FORCE      "xen,force-assign-without-iommu"
#define PROP_NO_DMA     "bulkhead,no-dma"

static const char *const merged[] = {"/passthrough", "/aliases"};
static const char *const for_hypervisor[] = {"xen,reg", "xen,path", PROP_FORCE, PROP_NO_DMA};

/* Devices that are known not to read or write memory by themselves. */
static const char *const without_dma[] = {
    "arm,pl011", "arm,sbsa-uart", "arm,pl031", "arm,pl050", "arm,pl061", "arm,sp804", "arm,sp805",
};

static bool is_for_hypervisor(const char *name)
{
    for (size_t i = 0; i < sizeof(for_hypervisor) / sizeof(for_hypervisor[0]); i++) {
        if (strcmp(name, for_hypervisor[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Open the node in the new tree and copy its properties. */
static int copy_node(void *to, const void *partial, int node)
{
    int property;
    int error = fdt_begin_node(to, fdt_get_name(partial, node, NULL));

    fdt_for_each_property_offset(property, partial, node)
    {
        const char *name = NULL;
        int size = 0;
        const void *data = fdt_getprop_by_offset(partial, property, &name, &size);
        if (error == 0 && data != NULL && !is_for_hypervisor(name)) {
            error = fdt_property(to, name, data, size);
        }
    }
    return error;
}

static int close_nodes(void *to, int count)
{
    int error = 0;

    for (int i = 0; i < count && error == 0; i++) {
        error = fdt_end_node(to);
    }
    return error;
}

/* The node and all below it, in the order of the partial tree. */
static int copy_subtree(void *to, const void *partial, int root)
{
    int depth = 0;
    int open = 0; /* nodes that are open in the new tree */
    int error = 0;

    for (int node = root; node >= 0 && error == 0; node = fdt_next_node(partial, node, &depth)) {
        if (node != root && depth <= 0) {
            break;
        }
        if (depth >= MAX_DEPTH) {
            return -FDT_ERR_BADSTRUCTURE;
        }
        error = close_nodes(to, open - depth);
        open = depth + 1;
        error = (error == 0) ? copy_node(to, partial, node) : error;
    }
    return (error == 0) ? close_nodes(to, open) : error;
}

int passthrough_copy(void *to, const void *partial)
{
    int error = 0;

    for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]) && error == 0; i++) {
        int node = fdt_path_offset(partial, merged[i]);
        error = (node < 0) ? 0 : copy_subtree(to, partial, node);
    }
    return error;
}

/* ---- what is asked for ---- */

struct device {
    const struct passthrough_context *context;
    const void *tree;
    int node;
    const char *name;
};

static bool refuse(const struct device *device, const char *what)
{
    log_problem(device->context->domain, "device '%s' %s", device->name, what);
    return false;
}

static bool has(const struct device *device, const char *property)
{
    return fdt_getprop(device->tree, device->node, property, NULL) != NULL;
}

static bool is_without_dma(const struct device *device)
{
    for (size_t i = 0; i < sizeof(without_dma) / sizeof(without_dma[0]); i++) {
        if (fdt_node_check_compatible(device->tree, device->node, without_dma[i]) == 0) {
            return true;
        }
    }
    return has(device, PROP_NO_DMA);
}

static bool check_dma(const struct device *device)
{
    if (has(device, PROP_FORCE)) {
        return device->context->has_safe
                   ? refuse(device, "is given by " PROP_FORCE ", but there are safe domains; take it out")
                   : true;
    }
    if (has(device, "iommus") || !is_without_dma(device)) {
        return refuse(device, "may read and write memory by itself, and no SMMU driver confines it yet; take it out, "
                              "or write " PROP_NO_DMA " if it does not");
    }
    return true;
}

/* Machine ranges that are nobody's to give: RAM, and what the hypervisor drives. */
static bool is_reserved(const struct board_table *board, const struct board_range *range)
{
    const struct board_range *const own[] = {&board->gicd, &board->gicr,     &board->uart,
                                             &board->smmu, &board->watchdog, &board->tpm};

    for (uint32_t i = 0; i < board->ram_count && i < BOARD_MAX_RAM; i++) {
        if (range_overlaps(&board->ram[i], range)) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (own[i]->size != 0 && range_overlaps(own[i], range)) {
            return true;
        }
    }
    return false;
}

static bool is_in_use(const struct passthrough_context *context, const struct board_range *range)
{
    const struct guest_devices *devices = context->devices;

    for (uint32_t i = 0; i < context->banks->count; i++) {
        if (range_overlaps(&context->banks->bank[i], range)) {
            return true;
        }
    }
    return range_overlaps(&devices->gicd, range) || range_overlaps(&devices->gicr, range) ||
           range_overlaps(&devices->grants, range) ||
           (devices->uart.size != 0 && range_overlaps(&devices->uart, range));
}

static bool add_range(struct passthrough *passthrough, const struct device *device,
                      const struct passthrough_range *range)
{
    struct board_range machine = {.base = range->machine, .size = range->size};
    struct board_range guest = {.base = range->guest, .size = range->size};

    if (range->size == 0 || ((range->machine | range->guest | range->size) & (LAYOUT_PAGE - 1)) != 0 ||
        range->machine + range->size < range->machine || range->guest + range->size < range->guest) {
        return refuse(device, "has an xen,reg that is not whole 4 KiB pages; align it");
    }
    if (is_reserved(device->context->board, &machine)) {
        return refuse(device, "has an xen,reg in RAM or in a device of the hypervisor; take it out");
    }
    if (is_in_use(device->context, &guest)) {
        return refuse(device,
                      "has an xen,reg over the domain's memory or virtual devices; choose another guest address");
    }
    if (passthrough->range_count == PASSTHROUGH_MAX_RANGES) {
        return refuse(device, "is one too many: 32 ranges are all that a domain can have; take one out");
    }
    passthrough->range[passthrough->range_count] = *range;
    passthrough->range_count++;
    return true;
}

static bool read_ranges(struct passthrough *passthrough, const struct device *device, const struct prop *reg)
{
    int parent = fdt_parent_offset(device->tree, device->node);
    uint32_t address_cells;
    uint32_t size_cells;

    if (parent < 0 || !prop_cell_sizes(device->tree, parent, device->context->domain, &address_cells, &size_cells)) {
        return false;
    }
    uint32_t step = (2 * address_cells + size_cells) * CELL_BYTES;
    if (reg->size == 0 || reg->size % step != 0) {
        return refuse(device, "has an xen,reg that is not a list of <machine-address size guest-address>; write it so");
    }
    for (uint32_t at = 0; at < reg->size; at += step) {
        struct passthrough_range range = {0};
        if (!prop_cells(reg, at, address_cells, &range.machine) ||
            !prop_cells(reg, at + address_cells * CELL_BYTES, size_cells, &range.size) ||
            !prop_cells(reg, at + (address_cells + size_cells) * CELL_BYTES, address_cells, &range.guest) ||
            !add_range(passthrough, device, &range)) {
            return false;
        }
    }
    return true;
}

static bool read_interrupts(struct passthrough *passthrough, const struct device *device, const struct prop *list)
{
    if (list->size % (INTERRUPT_CELLS * CELL_BYTES) != 0) {
        return refuse(device, "has interrupts that are not a list of <type number flags>; write it so");
    }
    for (uint32_t at = 0; at < list->size; at += INTERRUPT_CELLS * CELL_BYTES) {
        uint64_t type = 0;
        uint64_t number = 0;
        if (!prop_cells(list, at, 1, &type) || !prop_cells(list, at + CELL_BYTES, 1, &number)) {
            return false;
        }
        uint32_t uart = device->context->board->uart_irq;
        if (type != INTERRUPT_SPI || number >= device->context->board->gic_spis ||
            (uart != 0 && number + SPI_FIRST == uart)) {
            return refuse(device, "has an interrupt that is not a free shared one of the board; take it out");
        }
        if (passthrough->interrupt_count == PASSTHROUGH_MAX_INTERRUPTS) {
            return refuse(device, "has one interrupt too many: a domain can have 64; take one out");
        }
        passthrough->interrupt[passthrough->interrupt_count] = (uint32_t)number + SPI_FIRST;
        passthrough->interrupt_count++;
    }
    return true;
}

/* A node without xen,reg is no device of the board: a clock, a bus. */
static bool read_device(struct passthrough *passthrough, const struct device *device)
{
    struct prop reg;
    struct prop interrupts;
    bool has_reg = prop_find(&reg, device->tree, device->node, device->context->domain, "xen,reg");
    bool has_interrupts = prop_find(&interrupts, device->tree, device->node, device->context->domain, "interrupts");

    if (!has_reg && !has_interrupts && !has(device, "xen,path")) {
        return true;
    }
    return check_dma(device) && (!has_reg || read_ranges(passthrough, device, &reg)) &&
           (!has_interrupts || read_interrupts(passthrough, device, &interrupts));
}

bool passthrough_read(struct passthrough *passthrough, const struct passthrough_context *context, const void *partial)
{
    int root = fdt_path_offset(partial, "/passthrough");
    int depth = 0;

    passthrough->range_count = 0;
    passthrough->interrupt_count = 0;
    if (root < 0) {
        log_notice(context->domain, "the partial device tree has no /passthrough node; it has no effect");
        return true;
    }
    for (int node = fdt_next_node(partial, root, &depth); node >= 0 && depth > 0;
         node = fdt_next_node(partial, node, &depth)) {
        struct device device = {
            .context = context, .tree = partial, .node = node, .name = fdt_get_name(partial, node, NULL)};
        if (!read_device(passthrough, &device)) {
            return false;
        }
    }
    return true;
}
