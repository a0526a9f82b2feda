/* SPDX-License-Identifier: Apache-2.0 */
/* Reading device trees with distrust: helpers, the domains of a dom0less or hyperlaunch tree, and a board. */
#ifndef TOOL_TREE_H
#define TOOL_TREE_H

#include "system.h"

/* A device tree that was checked as a whole; its nodes may still say anything. */
struct tree {
    struct arena *arena;
    struct diags *diags;
    const char *file;
    uint64_t offset; /* of the tree in the file */
    const void *fdt;
};

/* Check and copy a tree out of `data`, which starts at byte `start` of its file; false when it is none, reason in
 * diags. */
bool tree_open(struct tree *t, struct arena *arena, struct diags *d, struct place start, struct bytes data);

/* The place of a node, for messages. */
struct place tree_place(const struct tree *t, int node);
/* The node's path, for messages. */
const char *tree_path(const struct tree *t, int node);

/* Property of at least `cells` big-endian cells as one number of 1 or 2 cells; false when it is missing or shorter. */
bool tree_number(const struct tree *t, int node, const char *name, unsigned index, unsigned cells, uint64_t *value);
/* NUL-terminated text property; NULL when missing or not terminated. */
const char *tree_text(const struct tree *t, int node, const char *name);
/* #address-cells or #size-cells that apply to the children of `node`, 1 or 2. */
unsigned tree_cells(const struct tree *t, int node, const char *name, unsigned fallback);

/* How the domains are used: inspect wants to see, import and dom0less to rebuild. */
struct tree_domains {
    bool found; /* any */
    unsigned unexpressed;
};

/* The domains below /chosen (dom0less) or /chosen/hypervisor (hyperlaunch) into s->domains and s->on_failure. What a
 * description cannot say is reported as a note, what is wrong as an error. [impl->dsn~tool-import-dtb~1] */
struct tree_domains tree_read_domains(const struct tree *t, struct system *s);

/* The board that the tree describes. [impl->dsn~tool-board-import~1] */
bool tree_read_board(const struct tree *t, struct board *board);

/* Our name of a board that calls itself `compatible`; the word itself when we have no such board. */
const char *tree_known_board(const char *compatible);

#endif
