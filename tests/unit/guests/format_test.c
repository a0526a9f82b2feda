/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~guest-print~1] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <guest/print.h>

#define CHECK_TEXT(want, ...)                                                                                          \
    do {                                                                                                               \
        char text[128];                                                                                                \
        int length = snprintf(text, sizeof(text), __VA_ARGS__);                                                        \
        assert_string_equal(text, want);                                                                               \
        assert_int_equal(length, (int)sizeof(want) - 1);                                                               \
    } while (0)

static void plain_text_and_percent(void **state)
{
    (void)state;
    CHECK_TEXT("", "%s", "");
    CHECK_TEXT("100%", "100%%");
    CHECK_TEXT("a\nb", "a\nb");
}

static void decimal_numbers(void **state)
{
    (void)state;
    CHECK_TEXT("0", "%d", 0);
    CHECK_TEXT("-1", "%d", -1);
    CHECK_TEXT("-2147483648", "%i", INT32_MIN);
    CHECK_TEXT("4294967295", "%u", UINT32_MAX);
    CHECK_TEXT("-9223372036854775808", "%lld", (long long)INT64_MIN);
    CHECK_TEXT("18446744073709551615", "%llu", (unsigned long long)UINT64_MAX);
    CHECK_TEXT("18446744073709551615", "%lu", (unsigned long)UINT64_MAX);
    CHECK_TEXT("7", "%zu", (size_t)7);
    CHECK_TEXT("-7", "%jd", (intmax_t)-7);
}

static void hexadecimal_numbers(void **state)
{
    (void)state;
    CHECK_TEXT("0", "%x", 0);
    CHECK_TEXT("deadbeef", "%x", 0xdeadbeef);
    CHECK_TEXT("DEADBEEF", "%X", 0xdeadbeef);
    CHECK_TEXT("0x1234", "%p", (void *)0x1234);
    CHECK_TEXT("000000000000beef", "%016llx", (unsigned long long)0xbeef);
}

static void width_and_precision(void **state)
{
    (void)state;
    CHECK_TEXT("   42", "%5d", 42);
    CHECK_TEXT("42   |", "%-5d|", 42);
    CHECK_TEXT("00042", "%05d", 42);
    CHECK_TEXT("-0042", "%05d", -42);
    CHECK_TEXT("  042", "%5.3d", 42);
    CHECK_TEXT("   42", "%*d", 5, 42);
    CHECK_TEXT("42   |", "%*d|", -5, 42);
    CHECK_TEXT("  ab", "%4s", "ab");
    CHECK_TEXT("ab  |", "%-4s|", "ab");
    CHECK_TEXT("ab", "%.2s", "abcdef");
    CHECK_TEXT("abc", "%.*s", 3, "abcdef");
    CHECK_TEXT("x", "%c", 'x');
}

static void a_string_without_end_is_read_to_its_precision_only(void **state)
{
    const char letters[3] = {'a', 'b', 'c'};

    (void)state;
    CHECK_TEXT("abc", "%.3s", letters);
}

static void what_does_not_fit_is_cut_and_counted(void **state)
{
    char text[8] = "xxxxxxx";

    (void)state;
    assert_int_equal(snprintf(text, 4, "%s", "abcdef"), 6);
    assert_string_equal(text, "abc");
    assert_int_equal(text[4], 'x');
    assert_int_equal(snprintf(text, 1, "%d", 12345), 5);
    assert_string_equal(text, "");
    assert_int_equal(snprintf(NULL, 0, "%d", 12345), 5);
}

/* Formats that the compiler would refuse. */
static int format_unchecked(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}

static void odd_formats_do_no_harm(void **state)
{
    char text[16];

    (void)state;
    assert_int_equal(format_unchecked(text, sizeof(text), "a%"), 1);
    assert_string_equal(text, "a");
    assert_int_equal(format_unchecked(text, sizeof(text), "%y|"), 3);
    assert_string_equal(text, "%y|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_and_percent),
        cmocka_unit_test(decimal_numbers),
        cmocka_unit_test(hexadecimal_numbers),
        cmocka_unit_test(width_and_precision),
        cmocka_unit_test(a_string_without_end_is_read_to_its_precision_only),
        cmocka_unit_test(what_does_not_fit_is_cut_and_counted),
        cmocka_unit_test(odd_formats_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
