/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of a device-tree node, with their lengths checked. */
#ifndef BOOTDOMAIN_PROP_H
#define BOOTDOMAIN_PROP_H

#include <stdbool.h>
#include <stdint.h>

/* One property of one node; domain names the domain it belongs to, for messages (NULL = none). */
struct prop {
    const void *fdt;
    int node;
    const char *domain;
    const char *name;
    const uint8_t *data;
    uint32_t size; /* bytes */
};

/* Numbers of exactly 4 or 8 bytes.  False, and said, when the length is another. */
bool prop_u32(const struct prop *prop, uint32_t *value);
bool prop_u64(const struct prop *prop, uint64_t *value);

/* The text of a property that is one NUL-terminated string.  NULL, and said, when it is not. */
const char *prop_string(const struct prop *prop);

/* Next string of a property that is a list of them: *at counts bytes from 0.  NULL at the end or, said, when the list is
 * not terminated. */
const char *prop_next_string(const struct prop *prop, uint32_t *at);

/* A number of `cells` 32-bit cells (1 or 2) at byte `at`.  False when it does not lie in the property. */
bool prop_cells(const struct prop *prop, uint32_t at, uint32_t cells, uint64_t *value);

/* #address-cells and #size-cells of a node (1 or 2 each); false, and said, when they are something else. */
bool prop_cell_sizes(const void *fdt, int node, const char *domain, uint32_t *address, uint32_t *size);

/* Property `name` of the node; false when it is absent. */
bool prop_find(struct prop *prop, const void *fdt, int node, const char *domain, const char *name);

/* "0,2-4" to a bitmap of CPUs 0..63.  False when it is not such a list. */
bool prop_parse_cpus(const char *text, uint64_t *cpus);

#endif
