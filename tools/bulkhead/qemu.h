/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's command line for an image on its board. */
#ifndef TOOL_QEMU_H
#define TOOL_QEMU_H

#include "board.h"

#define QEMU_PROGRAM  "qemu-system-aarch64"
#define QEMU_GDB_PORT 1234u

struct qemu_options {
    const char *cpu; /* NULL = the board's */
    bool icount;
    unsigned shift;    /* nanoseconds an instruction takes, as a power of two */
    unsigned gdb_port; /* 0 = none; else wait for a debugger there */
    char **extra;      /* NULL-terminated further arguments, or NULL */
};

/* The NULL-terminated argument vector. image and tree are paths; tree NULL = QEMU makes its own device tree.
 * [impl->dsn~tool-qemu~1] */
const char **qemu_command(struct arena *arena, const struct board *board, const struct qemu_options *options,
                          const char *image, const char *tree);

/* A device tree with the memory, CPUs and PSCI of the board, for machines of which QEMU makes none. */
struct bytes qemu_tree(struct arena *arena, const struct board *board);

#endif
