/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/print.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The same as the C library says, as long as both know the conversion. */
#define SAME(...)                                                                                                      \
    do {                                                                                                               \
        char ours[128];                                                                                                \
        char theirs[128];                                                                                              \
        size_t n = format_string(ours, sizeof(ours), __VA_ARGS__);                                                     \
        snprintf(theirs, sizeof(theirs), __VA_ARGS__);                                                                 \
        assert_string_equal(ours, theirs);                                                                             \
        assert_int_equal(n, strlen(theirs));                                                                           \
    } while (0)

/* [utest->dsn~print~1] */
static void conversions_are_those_of_the_c_library(void **state)
{
    (void)state;
    SAME("plain");
    SAME("%u %u %lu", 0u, UINT_MAX, ULONG_MAX);
    SAME("%x %lx %08x %016lx %2x", 0xabcu, 0xdeadbeefcafeul, 0x1fu, 5ul, 0x12345u);
    SAME("%llu %lx", ULLONG_MAX, 0ul);
    SAME("%5u|%-5u|%05u|%-5x|%-5s|%5s|", 42u, 42u, 42u, 42u, "ab", "ab");
    SAME("%s", "");
    SAME("%zu", (size_t)77);
}

/* [utest->dsn~print~1] */
static void what_does_not_fit_is_cut(void **state)
{
    char buf[8];

    (void)state;
    assert_int_equal(format_string(buf, sizeof(buf), "%s", "0123456789"), 7);
    assert_string_equal(buf, "0123456");
    assert_int_equal(format_string(buf, sizeof(buf), "%064u", 1u), 7);
    assert_string_equal(buf, "0000000");
    assert_int_equal(format_string(buf, 1, "x"), 0);
    assert_string_equal(buf, "");
}

/* [utest->dsn~print~1] */
static void rubbish_is_harmless(void **state)
{
    char buf[32];
    const char *volatile odd[] = {"%", "%l", "%5", "%q", "%-", "%%", "%d", "abc%"};
    const char *null = NULL;

    (void)state;
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-security"
#pragma clang diagnostic ignored "-Wformat-nonliteral"
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        assert_true(format_string(buf, sizeof(buf), odd[i]) < sizeof(buf));
    }
#pragma clang diagnostic pop
    format_string(buf, sizeof(buf), "%s", null);
    assert_string_equal(buf, "(null)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_are_those_of_the_c_library),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(rubbish_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
