/* SPDX-License-Identifier: Apache-2.0 */
/* What the architecture's start code found out before the core runs.
 * [impl->dsn~boot-info~1] */
#ifndef CORE_BOOT_H
#define CORE_BOOT_H

#include "bulkhead/board.h"
#include "bulkhead/image.h"
#include "lib/types.h"

struct boot_info {
    const struct board_table *board;           /* checked by the architecture: magic, version, size, counts */
    const struct image_descriptor *descriptor; /* checked: parts inside the image, runtime large enough */
    maddr_t image;                             /* load address, 2 MiB aligned */
    uint64_t image_size;                       /* bytes, runtime included */
    maddr_t boot_domain;                       /* flat binary */
    uint64_t boot_domain_size;
    maddr_t archive;
    uint64_t archive_size; /* 0 = none */
    maddr_t dtb;           /* host's device tree; 0 = none */
    uint64_t dtb_size;     /* its totalsize, already checked: 40..2 MiB */
    maddr_t free;          /* runtime memory not yet used, 4 KiB aligned: frame table, then the Boot Domain's RAM */
    uint64_t free_size;
    ticks_t ticks_reset;
    uint32_t boot_cpu; /* index in the board table */
};

#endif
