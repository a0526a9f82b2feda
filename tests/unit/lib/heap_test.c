/* SPDX-License-Identifier: Apache-2.0 */
/* The heap against the slowest way to find the least. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/heap.h"

#define NODES  200u
#define ROUNDS 40000u

static struct heap heap;
static struct heap_node node[NODES];

static uint32_t next_random(void)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
    return (a->major != b->major) ? a->major < b->major : a->minor < b->minor;
}

static const struct heap_node *least_of_all(void)
{
    const struct heap_node *least = NULL;

    for (uint32_t i = 0; i < NODES; i++) {
        if (node[i].rank != 0u && (least == NULL || is_before(&node[i], least))) {
            least = &node[i];
        }
    }
    return least;
}

static uint32_t rank_of(const struct heap_node *n)
{
    return (n == NULL) ? 0u : n->rank;
}

/* A rank of r has at least 2^r - 1 nodes below it, so no step takes longer than a logarithm. */
static void check_shape(void)
{
    uint32_t below[NODES] = {0};

    for (uint32_t i = 0; i < NODES; i++) {
        for (const struct heap_node *up = &node[i]; up != NULL && node[i].rank != 0u; up = up->parent) {
            below[up - node]++;
        }
    }
    for (uint32_t i = 0; i < NODES; i++) {
        const struct heap_node *n = &node[i];

        if (n->rank != 0u) {
            assert_int_equal(n->rank, rank_of(n->child[1]) + 1u);
            assert_true(rank_of(n->child[0]) >= rank_of(n->child[1]));
            assert_true(below[i] + 1u >= (1u << n->rank));
            for (uint32_t c = 0; c < 2u; c++) {
                assert_true(n->child[c] == NULL || (n->child[c]->parent == n && !is_before(n->child[c], n)));
            }
        }
    }
}

/* [utest->dsn~rtds-heap~1] */
static void the_least_is_on_top_whatever_is_added_and_removed(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t filled = 1u + (round / 100u) % NODES; /* few and many of them */
        struct heap_node *n = &node[next_random() % filled];
        const struct heap_node *least;

        if (n->rank == 0u) {
            heap_add(&heap, n, next_random() % 16u, next_random() % 16u);
        } else {
            heap_remove(&heap, n);
            assert_int_equal(n->rank, 0);
        }
        least = least_of_all();
        assert_int_equal(heap.least == NULL, least == NULL);
        if (least != NULL) {
            assert_false(is_before(least, heap.least));
            assert_null(heap.least->parent);
        }
        if (round % 64u == 0u) {
            check_shape();
        }
    }
}

/* [utest->dsn~rtds-heap~1] */
static void who_is_in_no_heap_is_not_removed(void **state)
{
    struct heap one = {NULL};
    struct heap_node a, b;

    (void)state;
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    heap_add(&one, &a, 1, 1);
    heap_remove(&one, &b);
    assert_ptr_equal(one.least, &a);
    heap_remove(&one, &a);
    heap_remove(&one, &a);
    assert_null(one.least);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_on_top_whatever_is_added_and_removed),
        cmocka_unit_test(who_is_in_no_heap_is_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
