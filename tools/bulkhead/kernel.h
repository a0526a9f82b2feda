/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel file is and how much memory it needs, from its headers. */
#ifndef TOOL_KERNEL_H
#define TOOL_KERNEL_H

#include "diag.h"

enum kernel_format {
    KERNEL_IMAGE, /* arm64 Image */
    KERNEL_GZIP,  /* gzip of an Image or of a flat binary */
    KERNEL_ELF,   /* ELF64, AArch64 */
    KERNEL_FLAT,  /* anything else: copied to the start of RAM, entered at its first byte */
};

struct kernel_info {
    enum kernel_format format;
    bool is_placed; /* ELF: low and high are guest-physical addresses, else offsets in the domain's RAM */
    uint64_t low;
    uint64_t high; /* first byte behind the kernel in memory, bss included */
};

/* Largest uncompressed kernel; a gzip that yields more is refused. */
#define KERNEL_MAX_BYTES (UINT64_C(1) << 30)

/* Judge a kernel. file: its path, for messages; at: where the description names it.
 * False when it is damaged; the reason is in d. [impl->dsn~tool-kernel-probe~1] */
bool kernel_probe(struct diags *d, struct place at, const char *file, struct bytes data, struct kernel_info *info);

const char *kernel_format_text(enum kernel_format format);

#endif
