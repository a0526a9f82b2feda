/* SPDX-License-Identifier: Apache-2.0 */
/* The bootable image: putting its parts together, and taking one apart with distrust.  Layout: bulkhead/image.h. */
#ifndef TOOL_IMAGE_H
#define TOOL_IMAGE_H

#include <bulkhead/board.h>
#include <bulkhead/image.h>

#include "diag.h"

/* What an image is made of. archive.size 0: the launch archive is outside (dom0less). */
struct image_parts {
    struct bytes hypervisor; /* flat binary with Image header and descriptor */
    struct bytes board;      /* struct board_table */
    struct bytes boot_domain;
    struct bytes archive;
    uint64_t boot_domain_memory; /* bytes, multiple of 2 MiB */
    uint32_t boot_domain_cpu;
};

/* Bytes of runtime memory that the hypervisor needs on this board. */
uint64_t image_runtime_size(const struct board_table *board, uint64_t boot_domain_memory);

/* Bytes from the load address on that an image of these parts occupies, runtime memory included. */
uint64_t image_total_size(const struct image_parts *parts);

/* True when `data` is a hypervisor that an image can be made of; else the reasons are in d. */
bool image_check_hypervisor(struct diags *d, const char *file, struct bytes data);

/* Put an image together; the parts are good. [impl->dsn~tool-image~1] */
void image_make(const struct image_parts *parts, struct buffer *out);

struct image_view {
    struct image_descriptor descriptor;
    struct board_table board;
    struct image_parts parts;
    uint64_t image_size; /* of the Image header */
};

/* True when the bytes start like an image of ours; nothing is verified. */
bool image_is_image(struct bytes data);

/* Verify everything that can be verified without the archive's content; reasons in d.
 * [impl->dsn~tool-image-verify~1] */
bool image_open(struct diags *d, const char *file, struct bytes data, struct image_view *view);

#endif
