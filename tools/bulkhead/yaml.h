/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML document as a tree in which every node knows its line and column.  Anchors, aliases, tags, several documents
 * and keys that are no plain text are refused: a system description says each thing once, in one place. */
#ifndef TOOL_YAML_H
#define TOOL_YAML_H

#include "diag.h"

#define YAML_MAX_BYTES (1u << 20)
#define YAML_MAX_DEPTH 16u
#define YAML_MAX_NODES 16384u

enum yaml_kind {
    YAML_SCALAR,
    YAML_LIST,
    YAML_MAP,
};

struct yaml_node {
    enum yaml_kind kind;
    bool quoted; /* a scalar in quotes is text, whatever it looks like */
    struct place at;
    const char *text;        /* scalar, NUL-terminated */
    struct yaml_node *first; /* list: items; map: keys */
    struct yaml_node *next;  /* sibling */
    struct yaml_node *value; /* of a key */
};

/* NULL when the text is no document; the reasons are in d. file: as it shall be printed.
 * Bound: depth YAML_MAX_DEPTH, size YAML_MAX_BYTES. [impl->dsn~tool-yaml~1] */
struct yaml_node *yaml_parse(struct arena *arena, struct diags *d, const char *file, struct bytes text);

#endif
