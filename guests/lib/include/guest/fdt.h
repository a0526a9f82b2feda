/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a flattened device tree, without libfdt: a cursor over the structure block.
 * Every access stays inside totalsize; a tree that is not well formed reads as if it ended there.
 * [impl->dsn~guest-fdt~1] */
#ifndef GUEST_FDT_H
#define GUEST_FDT_H

#include <stdbool.h>
#include <stdint.h>

struct dt {
    const uint8_t *base;
    uint32_t size;
    uint32_t structure, structure_end;
    uint32_t strings, strings_end;
};

struct dt_property {
    const char *name;
    const uint8_t *data; /* big endian */
    uint32_t bytes;
};

#define DT_NONE UINT32_MAX

/* false: no device tree at blob (NULL, magic, version or sizes wrong). */
bool dt_open(struct dt *dt, const void *blob);

/* Node handles: dt_root(), then dt_child() and dt_next(); DT_NONE at the end. */
uint32_t dt_root(const struct dt *dt);
uint32_t dt_child(const struct dt *dt, uint32_t node);
uint32_t dt_next(const struct dt *dt, uint32_t node);
const char *dt_name(const struct dt *dt, uint32_t node);

/* The child of node called name, with or without a unit address. */
uint32_t dt_find(const struct dt *dt, uint32_t node, const char *name);

bool dt_property(const struct dt *dt, uint32_t node, const char *name, struct dt_property *out);
bool dt_is_compatible(const struct dt *dt, uint32_t node, const char *what);

/* The ramdisk that blob names.  false: it names none, or is no device tree. */
bool dt_ramdisk(const void *blob, const uint8_t **data, uint64_t *size);

/* Cell index of property data as a number; cells 1 or 2.  0 when outside of the property. */
uint64_t dt_cells(const struct dt_property *property, uint32_t index, uint32_t cells);

#endif
