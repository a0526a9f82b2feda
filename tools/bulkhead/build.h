/* SPDX-License-Identifier: Apache-2.0 */
/* From a description to a checked system, and from that to an image. */
#ifndef TOOL_BUILD_H
#define TOOL_BUILD_H

#include "image.h"
#include "system.h"

#define BUILD_HYPERVISOR  "build/arm64/hypervisor/hypervisor.bin"
#define BUILD_BOOT_DOMAIN "build/arm64/bootdomain/bootdomain.bin"

/* Binaries that go into every image; NULL = the ones of this tree. */
struct build_options {
    const char *hypervisor;
    const char *boot_domain;
    const char *board; /* overrides the description's board */
    struct number cpus;
    struct number memory;
};

/* Decode a description from memory and check every rule that needs no other file than the board's. False when something
 * is wrong. [impl->dsn~tool-check~1] */
bool build_read_system(struct arena *arena, struct diags *d, const char *file, struct bytes text,
                       const struct build_options *options, struct system *s);

/* The domains of a host's device tree (dom0less), checked against its board; modules are at the addresses it names, so
 * the image gets no archive. [impl->dsn~tool-dom0less~1] */
bool build_read_tree(struct arena *arena, struct diags *d, const char *file, struct bytes data,
                     const struct build_options *options, struct system *s);

/* Read the modules too and check the rules about memory. */
bool build_check(struct arena *arena, struct diags *d, const struct build_options *options, struct system *s);

/* Memory that the image of a system with its modules will occupy. */
struct image_span build_span(struct arena *arena, const struct build_options *options, const struct system *s);

/* The image of a checked system. False when hypervisor or Boot Domain are missing or unfit. */
bool build_image(struct arena *arena, struct diags *d, const struct build_options *options, struct system *s,
                 struct buffer *out);

/* The board `name`: a file below boards/ or a path beside `file`; `at` is where it is named. */
bool build_read_board(struct arena *arena, struct diags *d, const char *file, struct text name, struct board *board);

#endif
