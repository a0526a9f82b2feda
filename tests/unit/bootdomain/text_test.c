/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~boot-messages~1] */
#include "said.h"

#include <string.h>

#include "text.h"

static void formats_each_conversion(void **state)
{
    char line[128];

    (void)state;
    size_t used = text_format(line, sizeof(line), "%s %c %u %lu 0x%lx 100%%", "text", 'c', 0u, ~0ul, 0xabcul);
    assert_string_equal(line, "text c 0 18446744073709551615 0xabc 100%");
    assert_int_equal(used, strlen(line));
}

static void copies_what_is_no_conversion(void **state)
{
    static const char format[] = "%q %l %";
    char line[32];

    (void)state;
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat"
#pragma clang diagnostic ignored "-Wformat-nonliteral"
#pragma clang diagnostic ignored "-Wformat-security"
    text_format(line, sizeof(line), format);
#pragma clang diagnostic pop
    assert_string_equal(line, format);
}

static void cuts_at_the_end_of_the_buffer(void **state)
{
    char line[8];

    (void)state;
    memset(line, 'x', sizeof(line));
    assert_int_equal(text_format(line, 4, "%s", "abcdef"), 3);
    assert_string_equal(line, "abc");
    assert_int_equal(line[4], 'x');
    assert_int_equal(text_format(line, 1, "%u", 12345u), 0);
    assert_string_equal(line, "");
    assert_int_equal(text_format(line, 4, "%lx", 0x12345ul), 3);
    assert_string_equal(line, "123");
}

static void hides_what_steers_a_terminal(void **state)
{
    char line[32];

    (void)state;
    text_format(line, sizeof(line), "%s%c", "a\033[2J\r\n\x7f\xff", '\a');
    assert_string_equal(line, "a?[2J?????");
    text_format(line, sizeof(line), "%s", (const char *)NULL);
    assert_string_equal(line, "(none)");
}

static void counts_problems_not_notices(void **state)
{
    (void)state;
    said_clear();
    uint32_t before = log_problem_count();
    log_notice("linux", "hello %u", 1u);
    assert_int_equal(log_problem_count(), before);
    log_problem(NULL, "bad; good");
    assert_int_equal(log_problem_count(), before + 1);
    assert_string_equal(said(), "boot: domain 'linux': hello 1\nboot: bad; good\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_each_conversion),       cmocka_unit_test(copies_what_is_no_conversion),
        cmocka_unit_test(cuts_at_the_end_of_the_buffer), cmocka_unit_test(hides_what_steers_a_terminal),
        cmocka_unit_test(counts_problems_not_notices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
