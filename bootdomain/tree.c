/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <string.h>

#include <libfdt.h>

#include "text.h"

#define TREE_ALIGNMENT 8u

const void *tree_get(const uint8_t *data, uint64_t size, const char *what, uint64_t *room, uint64_t room_bytes)
{
    const void *tree = data;

    if ((uintptr_t)data % TREE_ALIGNMENT != 0) {
        if (size > room_bytes) {
            log_problem(NULL, "%s: a device tree of %lu bytes that is not 8-byte aligned; at most %lu, or align it",
                        what, (unsigned long)size, (unsigned long)room_bytes);
            return NULL;
        }
        memcpy(room, data, size);
        tree = room;
    }
    int error = ((size < FDT_V17_SIZE) || (size > INT32_MAX)) ? -FDT_ERR_TRUNCATED : fdt_check_full(tree, (size_t)size);
    if (error != 0) {
        log_problem(NULL, "%s: not a whole device tree (%s); build it again with dtc", what, fdt_strerror(error));
        return NULL;
    }
    return tree;
}
