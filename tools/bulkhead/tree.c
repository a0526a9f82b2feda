// SPDX-License-Identifier: Apache-2.0
#include "tree.h"

#include <libfdt.h>
#include <string.h>

#include "modules.h"

bool tree_open(struct tree *t, struct arena *arena, struct diags *d, struct place start, struct bytes data)
{
    uint32_t size;

    /* libfdt wants eight-byte alignment, which a member of an archive need not have. */
    uint8_t *copy = arena_alloc(arena, data.size + 1, 1);
    memcpy(copy, data.data, data.size);
    *t = (struct tree){.arena = arena, .diags = d, .file = start.file, .offset = start.column, .fdt = copy};
    if (!modules_is_device_tree((struct bytes){.data = copy, .size = data.size}, &size)) {
        diag_error(d, start, "device-tree-file",
                   "this is damaged or no device tree; compile it with dtc and give the .dtb file");
        return false;
    }
    return true;
}

struct place tree_place(const struct tree *t, int node)
{
    return place_offset(t->file, t->offset + fdt_off_dt_struct(t->fdt) + (uint64_t)(node < 0 ? 0 : node));
}

const char *tree_path(const struct tree *t, int node)
{
    char path[512];

    return fdt_get_path(t->fdt, node, path, sizeof(path)) == 0 ? arena_printf(t->arena, "%s", path)
                                                               : fdt_get_name(t->fdt, node, NULL);
}

bool tree_number(const struct tree *t, int node, const char *name, unsigned index, unsigned cells, uint64_t *value)
{
    int length = 0;
    const fdt32_t *cell = fdt_getprop(t->fdt, node, name, &length);

    if (cell == NULL || cells < 1 || cells > 2 || ((uint64_t)index + cells) * sizeof(*cell) > (uint64_t)length) {
        return false;
    }
    *value = fdt32_to_cpu(cell[index]);
    if (cells == 2) {
        *value = *value << 32 | fdt32_to_cpu(cell[index + 1]);
    }
    return true;
}

const char *tree_text(const struct tree *t, int node, const char *name)
{
    int length = 0;
    const char *text = fdt_getprop(t->fdt, node, name, &length);

    return text != NULL && length > 0 && memchr(text, '\0', (size_t)length) != NULL ? text : NULL;
}

unsigned tree_cells(const struct tree *t, int node, const char *name, unsigned fallback)
{
    uint64_t value;

    return tree_number(t, node, name, 0, 1, &value) && value >= 1 && value <= 2 ? (unsigned)value : fallback;
}
