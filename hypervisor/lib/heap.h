/* SPDX-License-Identifier: Apache-2.0 */
/* A leftist heap: the least of many in one look, and changes in logarithmic time, without memory of its own.
 * [impl->dsn~rtds-heap~1] */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/types.h"

/* Zeroed: in no heap.  The path along child[1] is never longer than that along child[0]. */
struct heap_node {
    struct heap_node *child[2];
    struct heap_node *parent;
    uint64_t major, minor; /* what it is ordered by */
    uint32_t rank;         /* nodes along child[1] from here on; 0 = in no heap */
};

struct heap {
    struct heap_node *least; /* NULL = empty */
};

/* Bound of both, for n nodes: 2 log2(n + 1) steps down and as many up. */
void heap_add(struct heap *h, struct heap_node *n, uint64_t major, uint64_t minor);
/* Nothing happens when n is in no heap. */
void heap_remove(struct heap *h, struct heap_node *n);

#endif
