/* SPDX-License-Identifier: Apache-2.0 */
#include "passthrough.h"

#include <string.h>

#include <libfdt.h>

#define MAX_DEPTH 16

static const char *const merged[] = {"/passthrough", "/aliases"};
static const char *const for_hypervisor[] = {"xen,reg", "xen,path", "xen,force-assign-without-iommu"};

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
