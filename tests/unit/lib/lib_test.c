/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves of the hypervisor: locks, lists, ranges, string functions. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/bits.h"
#include "lib/list.h"
#include "lib/spinlock.h"

#define THREADS 4
#define ROUNDS  20000

void *ours_memcpy(void *restrict to, const void *restrict from, size_t n);
void *ours_memmove(void *to, const void *from, size_t n);
void *ours_memset(void *to, int c, size_t n);
int ours_memcmp(const void *a, const void *b, size_t n);

static struct spinlock lock;
static uint64_t guarded; /* plain on purpose: only the lock makes it right, and the thread sanitizer looks */

static void *count_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        spin_lock(&lock);
        guarded++;
        spin_unlock(&lock);
    }
    return NULL;
}

/* [utest->dsn~spinlock~1] */
static void one_holder_at_a_time(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    guarded = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(guarded, (uint64_t)THREADS * ROUNDS);
}

static int order[THREADS];
static int served;

static void *wait_in_line(void *number)
{
    spin_lock(&lock);
    order[served++] = *(const int *)number;
    spin_unlock(&lock);
    return NULL;
}

/* [utest->dsn~spinlock~1] */
static void waiters_are_served_as_they_came(void **state)
{
    static const int numbers[THREADS] = {0, 1, 2, 3};
    pthread_t threads[THREADS];

    (void)state;
    served = 0;
    spin_lock(&lock);
    for (int i = 0; i < THREADS; i++) {
        uint32_t before = __atomic_load_n(&lock.next, __ATOMIC_RELAXED);

        assert_int_equal(pthread_create(&threads[i], NULL, wait_in_line, (void *)&numbers[i]), 0);
        while (__atomic_load_n(&lock.next, __ATOMIC_RELAXED) == before) {
            sched_yield(); /* until it has taken its ticket */
        }
    }
    spin_unlock(&lock);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(order[i], i);
    }
}

static void a_ticket_wraps(void **state)
{
    struct spinlock old = {.next = UINT32_MAX, .owner = UINT32_MAX};

    (void)state;
    spin_lock(&old);
    assert_int_equal(old.next, 0);
    spin_unlock(&old);
    assert_int_equal(old.owner, 0);
    spin_lock(&old);
    spin_unlock(&old);
}

static void lists_keep_their_order(void **state)
{
    struct list head, a, b, c;

    (void)state;
    list_init(&head);
    assert_true(list_empty(&head));
    list_push_back(&head, &a);
    list_push_back(&head, &c);
    list_insert_before(&c, &b);
    assert_ptr_equal(head.next, &a);
    assert_ptr_equal(a.next, &b);
    assert_ptr_equal(b.next, &c);
    assert_ptr_equal(c.next, &head);
    list_remove(&b);
    assert_ptr_equal(a.next, &c);
    assert_ptr_equal(c.prev, &a);
    assert_true(list_empty(&b));
    list_remove(&b); /* a node that is out may be taken out again */
    list_remove(&a);
    list_remove(&c);
    assert_true(list_empty(&head));
}

static void ranges_do_not_wrap(void **state)
{
    (void)state;
    assert_true(range_ok(0, 16, 16));
    assert_true(range_ok(16, 0, 16));
    assert_false(range_ok(1, 16, 16));
    assert_false(range_ok(UINT64_MAX, 2, UINT64_MAX));
    assert_false(range_ok(2, UINT64_MAX, UINT64_MAX));
    assert_true(range_ok(UINT64_MAX - 1, 1, UINT64_MAX));
    assert_true(ranges_overlap(0, 2, 1, 2));
    assert_false(ranges_overlap(0, 2, 2, 2));
    assert_true(ranges_overlap(0, 10, 4, 1));
    assert_true(ranges_overlap(4, 1, 0, 10));
}

static void bits_and_alignment(void **state)
{
    (void)state;
    assert_int_equal(BITS(63, 0), UINT64_MAX);
    assert_int_equal(BITS(7, 4), 0xf0);
    assert_int_equal(FIELD(0xabcd, 15, 12), 0xa);
    assert_int_equal(ALIGN_UP(1u, 4096), 4096);
    assert_int_equal(ALIGN_UP(UINT64_C(0x100000001), 4096), UINT64_C(0x100001000));
    assert_int_equal(ALIGN_DOWN(UINT64_C(0x100000fff), 4096), UINT64_C(0x100000000));
    assert_true(IS_ALIGNED(UINT64_C(0x100000000), 0x200000));
    assert_int_equal(index_nospec(3, 4), 3);
    assert_int_equal(index_nospec(4, 4), 0);
}

/* Every offset and length up to 40, against the C library. */
static void string_functions_agree_with_the_library(void **state)
{
    (void)state;
    for (size_t from = 0; from < 9; from++) {
        for (size_t to = 0; to < 9; to++) {
            for (size_t n = 0; n < 40; n++) {
                uint8_t ours[64], theirs[64], other[64];

                for (size_t i = 0; i < sizeof(ours); i++) {
                    ours[i] = theirs[i] = (uint8_t)(i * 7 + n);
                    other[i] = (uint8_t)(i * 13 + from);
                }
                assert_ptr_equal(ours_memcpy(ours + to, other + from, n), ours + to);
                memcpy(theirs + to, other + from, n);
                assert_memory_equal(ours, theirs, sizeof(ours));
                assert_ptr_equal(ours_memmove(ours + to, ours + from, n), ours + to);
                memmove(theirs + to, theirs + from, n);
                assert_memory_equal(ours, theirs, sizeof(ours));
                assert_ptr_equal(ours_memset(ours + to, 0x1a5, n), ours + to);
                memset(theirs + to, 0xa5, n);
                assert_memory_equal(ours, theirs, sizeof(ours));
            }
        }
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void memcmp_orders_by_unsigned_bytes(void **state)
{
    static const uint8_t low[] = {1, 2, 0x7f}, high[] = {1, 2, 0x80};

    (void)state;
    assert_int_equal(sign(ours_memcmp(low, high, 3)), -1);
    assert_int_equal(sign(ours_memcmp(high, low, 3)), 1);
    assert_int_equal(ours_memcmp(low, high, 2), 0);
    assert_int_equal(ours_memcmp(low, high, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holder_at_a_time),
        cmocka_unit_test(waiters_are_served_as_they_came),
        cmocka_unit_test(a_ticket_wraps),
        cmocka_unit_test(lists_keep_their_order),
        cmocka_unit_test(ranges_do_not_wrap),
        cmocka_unit_test(bits_and_alignment),
        cmocka_unit_test(string_functions_agree_with_the_library),
        cmocka_unit_test(memcmp_orders_by_unsigned_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
