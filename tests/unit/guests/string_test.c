/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~guest-string~1] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <guest/string.h>

#define BYTES 64

static void fill(uint8_t *bytes, uint8_t first)
{
    for (int i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)(first + i);
    }
}

static void memcpy_copies_exactly_its_bytes(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 40; length++) {
        for (size_t offset = 0; offset < 9; offset++) {
            uint8_t from[BYTES], to[BYTES];

            fill(from, 1);
            fill(to, 100);
            assert_ptr_equal(memcpy(to + offset, from + 3, length), to + offset);
            for (size_t i = 0; i < BYTES; i++) {
                int inside = i >= offset && i < offset + length;

                assert_int_equal(to[i], inside ? from[3 + i - offset] : 100 + i);
            }
        }
    }
}

static void memmove_survives_overlap(void **state)
{
    (void)state;
    for (size_t from = 0; from < 20; from++) {
        for (size_t to = 0; to < 20; to++) {
            uint8_t bytes[BYTES];

            fill(bytes, 0);
            assert_ptr_equal(memmove(bytes + to, bytes + from, 30), bytes + to);
            for (size_t i = 0; i < BYTES; i++) {
                int inside = i >= to && i < to + 30;

                assert_int_equal(bytes[i], inside ? from + i - to : i);
            }
        }
    }
}

static void memset_sets_exactly_its_bytes(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 40; length++) {
        uint8_t bytes[BYTES];

        fill(bytes, 0);
        assert_ptr_equal(memset(bytes + 5, 0x1ee, length), bytes + 5);
        for (size_t i = 0; i < BYTES; i++) {
            assert_int_equal(bytes[i], i >= 5 && i < 5 + length ? 0xee : i);
        }
    }
}

static void memcmp_compares_unsigned_and_stops(void **state)
{
    (void)state;
    assert_int_equal(memcmp("abc", "abc", 3), 0);
    assert_true(memcmp("ab\x80", "ab\x7f", 3) > 0);
    assert_true(memcmp("aaz", "abz", 3) < 0);
    assert_int_equal(memcmp("abc", "abd", 2), 0);
    assert_int_equal(memcmp("a", "b", 0), 0);
}

static void memchr_finds_the_first_within_bounds(void **state)
{
    const char text[] = "abcabc";

    (void)state;
    assert_ptr_equal(memchr(text, 'c', 6), text + 2);
    assert_null(memchr(text, 'c', 2));
    assert_ptr_equal(memchr(text, 0x100 + 'a', 6), text);
    assert_null(memchr(text, 'z', sizeof(text)));
}

static void lengths(void **state)
{
    (void)state;
    assert_int_equal(strlen(""), 0);
    assert_int_equal(strlen("four"), 4);
    assert_int_equal(strnlen("four", 2), 2);
    assert_int_equal(strnlen("four", 9), 4);
    assert_int_equal(strnlen("", 0), 0);
}

static void comparisons(void **state)
{
    (void)state;
    assert_int_equal(strcmp("a", "a"), 0);
    assert_true(strcmp("a", "ab") < 0);
    assert_true(strcmp("\xff", "a") > 0);
    assert_int_equal(strncmp("abc", "abd", 2), 0);
    assert_true(strncmp("abc", "abd", 3) < 0);
    assert_int_equal(strncmp("ab", "ab", 100), 0);
}

static void searches(void **state)
{
    const char text[] = "one/two/three";

    (void)state;
    assert_ptr_equal(strchr(text, '/'), text + 3);
    assert_ptr_equal(strchr(text, '\0'), text + 13);
    assert_null(strchr(text, 'z'));
    assert_ptr_equal(strrchr(text, '/'), text + 7);
    assert_ptr_equal(strrchr(text, '\0'), text + 13);
    assert_null(strrchr(text, 'z'));
    assert_ptr_equal(strstr(text, "two"), text + 4);
    assert_ptr_equal(strstr(text, ""), text);
    assert_null(strstr(text, "threes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memcpy_copies_exactly_its_bytes),
        cmocka_unit_test(memmove_survives_overlap),
        cmocka_unit_test(memset_sets_exactly_its_bytes),
        cmocka_unit_test(memcmp_compares_unsigned_and_stops),
        cmocka_unit_test(memchr_finds_the_first_within_bounds),
        cmocka_unit_test(lengths),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(searches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
