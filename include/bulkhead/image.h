/* SPDX-License-Identifier: Apache-2.0 */
/* One bootable file: NAME.img.
 *
 *   0        arm64 Image header (64 bytes), code0 branches over what follows
 *   0x1000   struct image_descriptor, filled in by `bulkhead image`
 *   ...      hypervisor text, rodata, data, bss (bss is in the file, as zeroes)
 *   board    struct board_table           4 KiB aligned
 *   boot     Boot Domain, flat binary     4 KiB aligned
 *   archive  launch archive, newc cpio    2 MiB aligned (0 bytes = archive outside the image: --dom0less)
 *   runtime  not in the file: frame table, CPU areas, EL2 page tables, the Boot Domain's memory.  2 MiB aligned
 *
 * Image header: text_offset 0, image_size = runtime_offset + runtime_size, so a boot loader keeps all of it free.
 * All offsets are bytes from the start of the image, which is loaded 2 MiB aligned.
 * [impl->dsn~image-layout~1] */
#ifndef BULKHEAD_IMAGE_H
#define BULKHEAD_IMAGE_H

#include <stdint.h>

#define IMAGE_DESCRIPTOR_OFFSET  0x1000u
#define IMAGE_DESCRIPTOR_MAGIC   UINT64_C(0x474d494b4c554221) /* "!BULKIMG" */
#define IMAGE_DESCRIPTOR_VERSION 1u

struct image_part {
    uint64_t offset; /* bytes from the start of the image */
    uint64_t size;   /* bytes; 0 = absent */
};

struct image_descriptor {
    uint64_t magic;
    uint32_t version;
    uint32_t size;                 /* sizeof(struct image_descriptor) */
    struct image_part hypervisor;  /* written by the linker: offset 0, size with bss */
    struct image_part board;       /* struct board_table */
    struct image_part boot_domain; /* flat binary, linked at BOOT_DOMAIN_BASE, entry at its first byte */
    struct image_part archive;     /* module 0 of the Boot Domain */
    struct image_part runtime;     /* memory behind the file that the hypervisor may use before any claim */
    uint64_t boot_domain_memory;   /* bytes of RAM of the Boot Domain, multiple of 2 MiB, taken from runtime */
    uint32_t boot_domain_cpu;      /* index in the board table of the CPU that runs the Boot Domain */
    uint32_t flags;                /* 0 */
};

/* How much runtime memory an image for a board needs, besides boot_domain_memory:
 * the frame table (8 bytes a frame), IMAGE_RUNTIME_CPU bytes a CPU, and IMAGE_RUNTIME_FIXED.
 * The hypervisor refuses an image whose runtime part is smaller. */
#define IMAGE_RUNTIME_CPU   UINT64_C(0x10000)
#define IMAGE_RUNTIME_FIXED UINT64_C(0x200000)

/* Guest-physical layout of the Boot Domain. */
#define BOOT_DOMAIN_BASE    UINT64_C(0x40000000)  /* its RAM; the flat binary starts here */
#define BOOT_DOMAIN_ARCHIVE UINT64_C(0x100000000) /* module 0, the launch archive, 2 MiB aligned */
#define BOOT_DOMAIN_DTB     UINT64_C(0x0f0000000) /* module 1, the host's device tree (in its page) */
#define BOOT_DOMAIN_WINDOW  UINT64_C(0x800000000) /* from here on, free guest-physical space for foreign mappings */

/* Of the guest-physical layout of other domains, what Xen's public header xen/arch-arm.h does not name. */
#define LAUNCH_GICR_STRIDE UINT64_C(0x20000) /* bytes a redistributor */
#define LAUNCH_PMU_PPI     23u               /* INTID of the PMU overflow interrupt */

#endif
