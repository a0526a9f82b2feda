/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/heap.h"

static uint32_t rank_of(const struct heap_node *n)
{
    return (n == NULL) ? 0u : n->rank;
}

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
    return (a->major != b->major) ? a->major < b->major : a->minor < b->minor;
}

/* The longer path to the left.  false: the rank is what it was. */
static bool settle(struct heap_node *n)
{
    uint32_t before = n->rank;

    if (rank_of(n->child[0]) < rank_of(n->child[1])) {
        struct heap_node *shorter = n->child[0];

        n->child[0] = n->child[1];
        n->child[1] = shorter;
    }
    n->rank = rank_of(n->child[1]) + 1u;
    return n->rank != before;
}

/* a and b become one heap below parent.  Bound: the ranks of both, down and up. */
static struct heap_node *merge(struct heap_node *parent, struct heap_node *a, struct heap_node *b)
{
    struct heap_node *root = NULL;
    struct heap_node **link = &root;
    struct heap_node *up = parent;

    while (a != NULL && b != NULL) {
        struct heap_node *first = is_before(b, a) ? b : a;

        b = (first == b) ? a : b;
        *link = first;
        first->parent = up;
        up = first;
        link = &first->child[1];
        a = *link;
    }
    *link = (a != NULL) ? a : b;
    if (*link != NULL) {
        (*link)->parent = up;
    }
    for (; up != parent; up = up->parent) {
        (void)settle(up);
    }
    return root;
}

void heap_add(struct heap *h, struct heap_node *n, uint64_t major, uint64_t minor)
{
    *n = (struct heap_node){.major = major, .minor = minor, .rank = 1};
    h->least = merge(NULL, h->least, n);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    struct heap_node *up = n->parent;
    struct heap_node *rest;

    if (n->rank == 0u) {
        return;
    }
    rest = merge(up, n->child[0], n->child[1]);
    n->rank = 0;
    if (up == NULL) {
        h->least = rest;
        return;
    }
    up->child[(up->child[1] == n) ? 1 : 0] = rest;
    while (up != NULL && settle(up)) { /* bound: ranks fall on the way up, and are logarithms */
        up = up->parent;
    }
}
