/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel formats: what of a file goes where in a domain's RAM, and where the domain starts.
 * arm64 Image, the same compressed by gzip, ELF64, and anything else as a flat binary.
 * [impl->dsn~boot-kernel-formats~1] */
#ifndef BOOTDOMAIN_KERNEL_H
#define BOOTDOMAIN_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <bulkhead/board.h>

#include "plan.h"

#define KERNEL_MAX_SEGMENTS 16u
#define KERNEL_MAX_BANKS    PLAN_MAX_FIXED

enum kernel_format { KERNEL_FLAT = 0, KERNEL_IMAGE = 1, KERNEL_IMAGE_GZIP = 2, KERNEL_ELF = 3 };

/* RAM of a domain, guest-physical. */
struct kernel_banks {
    uint32_t count; /* 1..KERNEL_MAX_BANKS */
    struct board_range bank[KERNEL_MAX_BANKS];
};

struct kernel_segment {
    uint64_t to;          /* guest-physical */
    uint64_t offset;      /* in the file */
    uint64_t file_size;   /* bytes; 0 for KERNEL_IMAGE_GZIP, whose length is known when it is inflated */
    uint64_t memory_size; /* bytes; what lies behind file_size is 0 */
};

struct kernel {
    enum kernel_format format;
    uint64_t entry; /* guest-physical */
    uint64_t low;   /* guest-physical span of all segments: [low, high) */
    uint64_t high;
    uint32_t segment_count;
    struct kernel_segment segments[KERNEL_MAX_SEGMENTS];
};

/* Decide what the module is and where it goes.  module->data must be readable.
 * False, and said in the name of the domain, when it is refused.  Bound: KERNEL_MAX_SEGMENTS squared. */
bool kernel_examine(struct kernel *kernel, const char *domain, const struct plan_module *module,
                    const struct kernel_banks *banks);

/* The parts, by format. */
bool kernel_examine_elf(struct kernel *kernel, const char *domain, const struct plan_module *module,
                        const struct kernel_banks *banks);
bool kernel_is_elf(const struct plan_module *module);

#endif
