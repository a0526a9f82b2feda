/* SPDX-License-Identifier: Apache-2.0 */
/* Console rings, and domains that do not keep the rules.
 * [utest->dsn~store-console~1] */
#include "client.h"

#include <string.h>

#include "console.h"

static struct xencons_interface page;
static struct served_console console;
static char shown[8192];
static size_t shown_size;
static const char *typed;

static void write_text(uint16_t domid, const char *text, uint32_t count)
{
    assert_int_equal(domid, 7);
    assert_true(count != 0 && count <= CONSOLE_PIECE);
    assert_true(shown_size + count < sizeof(shown));
    memcpy(&shown[shown_size], text, count);
    shown_size += count;
    shown[shown_size] = '\0';
}

static uint32_t read_text(uint16_t domid, char *text, uint32_t most)
{
    size_t count = strnlen(typed, most);

    assert_int_equal(domid, 7);
    memcpy(text, typed, count);
    typed += count;
    return (uint32_t)count;
}

static const struct served_machine machine = {.write = write_text, .read = read_text};

static int open_page(void **state)
{
    (void)state;
    memset(&page, 0, sizeof(page));
    shown_size = 0;
    shown[0] = '\0';
    typed = "";
    console_open(&console, 7, &page);
    return 0;
}

static void say(const char *text)
{
    for (; *text != '\0'; text++) {
        page.out[MASK_XENCONS_IDX(page.out_prod, page.out)] = *text;
        page.out_prod++;
    }
}

static void output_is_shown(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++) { /* over the end of the ring */
        say("hello world\n");
        assert_true(console_serve(&console, &machine));
        assert_string_equal(shown, "hello world\n");
        shown_size = 0;
    }
    assert_int_equal(page.out_cons, page.out_prod);
    assert_false(console_serve(&console, &machine));
}

static void much_output_comes_in_pieces(void **state)
{
    char text[sizeof(page.out) + 1];

    (void)state;
    memset(text, 't', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    say(text);
    for (uint32_t i = 0; i < sizeof(page.out) / CONSOLE_PIECE; i++) {
        assert_true(console_serve(&console, &machine));
    }
    assert_string_equal(shown, text);
}

static void input_waits_for_room(void **state)
{
    char text[3001];
    char got[3001];

    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        text[i] = (char)('a' + i % 26);
    }
    text[3000] = '\0';
    typed = text;
    for (uint32_t i = 0; i < 100; i++) {
        (void)console_serve(&console, &machine);
    }
    assert_int_equal(page.in_prod, sizeof(page.in));
    for (uint32_t i = 0; i < 3000; i++) {
        assert_true(page.in_cons != page.in_prod);
        got[i] = page.in[MASK_XENCONS_IDX(page.in_cons, page.in)];
        page.in_cons++;
        (void)console_serve(&console, &machine);
    }
    got[3000] = '\0';
    assert_string_equal(got, text);
}

static void false_indices_harm_nobody(void **state)
{
    (void)state;
    page.out_prod = sizeof(page.out) + 1;
    (void)console_serve(&console, &machine);
    page.out_prod = 0x80000000;
    (void)console_serve(&console, &machine);
    assert_int_equal(shown_size, 0);
    page.in_cons = 0x1234;
    typed = "abc";
    for (uint32_t i = 0; i < 4; i++) {
        (void)console_serve(&console, &machine);
    }
    assert_int_equal(page.in_prod - page.in_cons, 3);
    say("good again");
    (void)console_serve(&console, &machine);
    assert_string_equal(shown, "good again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(output_is_shown, open_page),
        cmocka_unit_test_setup(much_output_comes_in_pieces, open_page),
        cmocka_unit_test_setup(input_waits_for_room, open_page),
        cmocka_unit_test_setup(false_indices_harm_nobody, open_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
