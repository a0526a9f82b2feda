/* SPDX-License-Identifier: Apache-2.0 */
#include "host_tree.h"

#include <string.h>

#include <libfdt.h>

#include "prop.h"
#include "text.h"

#define CELL_BYTES ((uint32_t)sizeof(uint32_t))

static struct ranges in_tree;
static struct ranges in_table;

/* Add every <address size> pair of the node's reg; cells are those of the parent. */
static bool add_reg(struct ranges *ranges, const void *fdt, int parent, int node)
{
    uint32_t address_cells;
    uint32_t size_cells;
    struct prop reg;

    if (!prop_find(&reg, fdt, node, NULL, "reg")) {
        return true;
    }
    if (!prop_cell_sizes(fdt, parent, NULL, &address_cells, &size_cells)) {
        return false;
    }
    uint32_t step = (address_cells + size_cells) * CELL_BYTES;
    for (uint32_t at = 0; at < reg.size; at += step) {
        uint64_t base = 0;
        uint64_t size = 0;
        if (!prop_cells(&reg, at, address_cells, &base) ||
            !prop_cells(&reg, at + address_cells * CELL_BYTES, size_cells, &size) || base + size < base) {
            log_problem(NULL, "host device tree: reg of node '%s' is not a list of <address size>; correct the tree",
                        fdt_get_name(fdt, node, NULL));
            return false;
        }
        ranges_add(ranges, base, size);
    }
    return true;
}

/* Secure firmware's memory is in the tree too, disabled. */
static bool is_enabled(const void *fdt, int node)
{
    int size = 0;
    const char *status = fdt_getprop(fdt, node, "status", &size);

    return status == NULL || (size >= 2 && memcmp(status, "ok", 2) == 0);
}

static bool is_memory(const void *fdt, int node)
{
    int size = 0;
    const char *type = fdt_getprop(fdt, node, "device_type", &size);

    return type != NULL && size == (int)sizeof("memory") && memcmp(type, "memory", sizeof("memory")) == 0 &&
           is_enabled(fdt, node);
}

static bool refuse_damaged(int error)
{
    log_problem(NULL, "host device tree: damaged (%s); load it again", fdt_strerror(error));
    return false;
}

static bool is_reserved_memory(const void *fdt, int node)
{
    int length = 0;
    const char *name = fdt_get_name(fdt, node, &length);

    return name != NULL && strcmp(name, "reserved-memory") == 0;
}

/* Memory nodes to in_tree, reservations to taken.  The children of /reserved-memory come right behind it. */
static bool read_nodes(const void *fdt, struct ranges *taken)
{
    int depth = 0;
    int reserved = -1; /* /reserved-memory while the walk is inside it */
    int node = fdt_next_node(fdt, 0, &depth);

    ranges_clear(&in_tree);
    while (node >= 0 && depth > 0) {
        if (depth == 1) {
            reserved = is_reserved_memory(fdt, node) ? node : -1;
        }
        bool is_wanted = (depth == 1) ? is_memory(fdt, node) : (depth == 2 && reserved >= 0);
        if (is_wanted && !add_reg((depth == 1) ? &in_tree : taken, fdt, (depth == 1) ? 0 : reserved, node)) {
            return false;
        }
        node = fdt_next_node(fdt, node, &depth);
    }
    return node >= 0 || node == -FDT_ERR_NOTFOUND || refuse_damaged(node);
}

static void read_table(struct ranges *ranges, const struct board_table *board)
{
    ranges_clear(ranges);
    for (uint32_t i = 0; i < board->ram_count && i < BOARD_MAX_RAM; i++) {
        ranges_add(ranges, board->ram[i].base, board->ram[i].size);
    }
}

static bool refuse(const struct ranges *surplus, const struct board_table *board, const char *here, const char *there)
{
    for (uint32_t i = 0; i < surplus->count; i++) {
        log_problem(NULL,
                    "memory 0x%lx to 0x%lx is in %s, but not in %s; make the board table of '%s' again from this "
                    "device tree",
                    (unsigned long)surplus->range[i].base,
                    (unsigned long)(surplus->range[i].base + surplus->range[i].size), here, there, board->name);
    }
    return surplus->count == 0;
}

/* in_tree is used up. */
static bool check_memory(const struct board_table *board)
{
    read_table(&in_table, board);
    ranges_cut_all(&in_table, &in_tree);
    if (!refuse(&in_table, board, "the board table", "the host device tree")) {
        return false;
    }
    read_table(&in_table, board);
    ranges_cut_all(&in_tree, &in_table);
    return refuse(&in_tree, board, "the host device tree", "the board table");
}

static bool add_reservations(const void *fdt, struct ranges *taken)
{
    int count = fdt_num_mem_rsv(fdt);

    for (int i = 0; i < count; i++) {
        uint64_t base = 0;
        uint64_t size = 0;
        if (fdt_get_mem_rsv(fdt, i, &base, &size) != 0 || base + size < base) {
            log_problem(NULL, "host device tree: memory reservation %u is wrong; correct the tree", (unsigned int)i);
            return false;
        }
        ranges_add(taken, base, size);
    }
    return true;
}

bool host_tree_read(const void *fdt, uint64_t size, const struct board_table *board, struct ranges *taken)
{
    int error = fdt_check_header(fdt);

    if (error == 0 && fdt_totalsize(fdt) > size) {
        error = -FDT_ERR_TRUNCATED;
    }
    if (error != 0) {
        return refuse_damaged(error);
    }
    return read_nodes(fdt, taken) && add_reservations(fdt, taken) && ranges_are_whole(&in_tree) &&
           ranges_are_whole(taken) && check_memory(board);
}
