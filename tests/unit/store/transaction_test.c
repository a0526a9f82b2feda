/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~store-transaction~1] */
#include "client.h"

#include <stdio.h>

static void changes_are_seen_by_others_at_the_end(void **state)
{
    uint32_t t = start(ONE);

    (void)state;
    expect(ONE, t, XS_WRITE, "a/b|1", "OK|");
    expect(ONE, t, XS_READ, "a/b|", "1");
    expect(ONE, t, XS_DIRECTORY, "a|", "b|");
    expect(ONE, t, XS_WRITE, "a/b|2", "OK|");
    expect_error(ONE, 0, XS_READ, "a/b|", "ENOENT");
    expect_error(LAUNCH, 0, XS_READ, "/local/domain/1/a|", "ENOENT");
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
    expect(ONE, 0, XS_READ, "a/b|", "2");
    expect_error(ONE, t, XS_READ, "a/b|", "ENOENT");
    expect_error(ONE, t, XS_TRANSACTION_END, "T|", "ENOENT");
}

static void what_is_given_up_leaves_nothing(void **state)
{
    uint32_t t = start(ONE);

    (void)state;
    expect(ONE, 0, XS_WRITE, "kept|1", "OK|");
    expect(ONE, t, XS_WRITE, "a|1", "OK|");
    expect(ONE, t, XS_RM, "kept|", "OK|");
    expect_error(ONE, t, XS_READ, "kept|", "ENOENT");
    expect(ONE, t, XS_TRANSACTION_END, "F|", "OK|");
    expect(ONE, 0, XS_DIRECTORY, "/local/domain/1|", "kept|");
}

static void who_comes_second_is_told_to_try_again(void **state)
{
    uint32_t t = start(ONE), u = start(ONE);

    (void)state;
    expect(ONE, 0, XS_WRITE, "n|0", "OK|");
    expect(ONE, t, XS_READ, "n|", "0");
    expect(ONE, u, XS_READ, "n|", "0");
    expect(ONE, t, XS_WRITE, "n|1", "OK|");
    expect(ONE, u, XS_WRITE, "n|1", "OK|");
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
    expect_error(ONE, u, XS_TRANSACTION_END, "T|", "EAGAIN");
    expect(ONE, 0, XS_READ, "n|", "1");
}

static void a_change_of_anything_read_is_a_conflict(void **state)
{
    static const struct {
        uint32_t type;
        const char *looked;
        uint32_t changed_by;
        const char *change;
    } cases[] = {
        {XS_READ, "n|", XS_WRITE, "n|2"},
        {XS_READ, "n|", XS_RM, "n|"},
        {XS_GET_PERMS, "n|", XS_SET_PERMS, "n|r1|"},
        {XS_DIRECTORY, "d|", XS_MKDIR, "d/new|"},
        {XS_DIRECTORY, "d|", XS_RM, "d/old|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(ONE, 0, XS_WRITE, "n|1", "OK|");
        expect(ONE, 0, XS_WRITE, "d/old|1", "OK|");
        uint32_t t = start(ONE);
        char text[64] = "";
        struct store_reply reply;
        struct xsd_sockmsg header;
        uint32_t size = (uint32_t)snprintf(text, sizeof(text), "%s", cases[i].looked);
        text[size - 1] = '\0';
        store_request(ONE, &(struct xsd_sockmsg){.type = cases[i].type, .tx_id = t, .len = size}, (const uint8_t *)text,
                      &header, &reply);
        assert_int_equal(header.type, cases[i].type);
        expect(ONE, 0, cases[i].changed_by, cases[i].change, "OK|");
        expect_error(ONE, t, XS_TRANSACTION_END, "T|", "EAGAIN");
    }
    uint32_t t = start(ONE);
    expect_error(ONE, t, XS_READ, "not-there|", "ENOENT");
    expect(ONE, 0, XS_WRITE, "not-there|", "OK|");
    expect_error(ONE, t, XS_TRANSACTION_END, "T|", "EAGAIN");
}

static void what_others_do_elsewhere_is_no_conflict(void **state)
{
    uint32_t t = start(ONE);

    (void)state;
    expect(ONE, t, XS_WRITE, "d/a|1", "OK|");
    for (uint32_t i = 0; i < 100; i++) {
        expect(TWO, 0, XS_WRITE, "busy|x", "OK|");
        expect(TWO, 0, XS_RM, "busy|", "OK|");
    }
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
    expect(ONE, 0, XS_READ, "d/a|", "1");
}

static void removal_and_new_life_in_one_transaction(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WRITE, "d/a/b|old", "OK|");
    expect(ONE, 0, XS_WRITE, "d/a/c|old", "OK|");
    uint32_t t = start(ONE);
    expect(ONE, t, XS_READ, "d/a/b|", "old");
    expect(ONE, t, XS_WRITE, "d/a/new|1", "OK|");
    expect(ONE, t, XS_RM, "d/a|", "OK|");
    expect(ONE, t, XS_DIRECTORY, "d|", "");
    expect_error(ONE, t, XS_READ, "d/a/new|", "ENOENT");
    expect_error(ONE, t, XS_READ, "d/a/b|", "ENOENT");
    expect(ONE, t, XS_WRITE, "d/a/b|new", "OK|");
    expect(ONE, t, XS_DIRECTORY, "d/a|", "b|");
    expect(ONE, 0, XS_DIRECTORY, "d/a|", "b|c|");
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
    expect(ONE, 0, XS_DIRECTORY, "d/a|", "b|");
    expect(ONE, 0, XS_READ, "d/a/b|", "new");
}

/* A child that was looked at before there was a parent. */
static void order_does_not_matter(void **state)
{
    uint32_t t = start(ONE);

    (void)state;
    expect_error(ONE, t, XS_READ, "x/y/z|", "ENOENT");
    expect_error(ONE, t, XS_READ, "x/y|", "ENOENT");
    expect(ONE, t, XS_WRITE, "x/y/z|1", "OK|");
    expect(ONE, t, XS_MKDIR, "x/w|", "OK|");
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
    expect(ONE, 0, XS_READ, "x/y/z|", "1");
    expect(ONE, 0, XS_DIRECTORY, "x|", "w|y|");
}

static void permissions_change_in_a_transaction(void **state)
{
    uint32_t t;

    (void)state;
    expect(ONE, 0, XS_WRITE, "n|v", "OK|");
    t = start(ONE);
    expect(ONE, t, XS_SET_PERMS, "n|n1|r2|", "OK|");
    expect(ONE, t, XS_GET_PERMS, "n|", "n1|r2|");
    expect(ONE, t, XS_READ, "n|", "v");
    expect_error(TWO, 0, XS_READ, "/local/domain/1/n|", "EACCES");
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
    expect(TWO, 0, XS_READ, "/local/domain/1/n|", "v");
}

static void events_come_at_the_end(void **state)
{
    uint32_t t;

    (void)state;
    expect(ONE, 0, XS_WRITE, "gone/below|", "OK|");
    expect(ONE, 0, XS_WATCH, "/local/domain/1|w|", "OK|");
    expect_event(ONE, "/local/domain/1|w|");
    t = start(ONE);
    expect(ONE, t, XS_WRITE, "a|1", "OK|");
    expect(ONE, t, XS_RM, "gone|", "OK|");
    expect(ONE, t, XS_READ, "a|", "1");
    no_more_events(ONE);
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
    expect_event(ONE, "/local/domain/1/gone|w|");
    expect_event(ONE, "/local/domain/1/a|w|");
    no_more_events(ONE);
}

static void bad_ends_have_their_error(void **state)
{
    uint32_t t = start(ONE);

    (void)state;
    expect_error(ONE, 0, XS_TRANSACTION_END, "T|", "ENOENT");
    expect_error(ONE, t + 1, XS_TRANSACTION_END, "T|", "ENOENT");
    expect_error(TWO, t, XS_TRANSACTION_END, "T|", "ENOENT");
    expect_error(ONE, t, XS_TRANSACTION_END, "X|", "EINVAL");
    expect_error(ONE, t, XS_TRANSACTION_START, "|", "EBUSY");
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(changes_are_seen_by_others_at_the_end, setup),
        cmocka_unit_test_setup(what_is_given_up_leaves_nothing, setup),
        cmocka_unit_test_setup(who_comes_second_is_told_to_try_again, setup),
        cmocka_unit_test_setup(a_change_of_anything_read_is_a_conflict, setup),
        cmocka_unit_test_setup(what_others_do_elsewhere_is_no_conflict, setup),
        cmocka_unit_test_setup(removal_and_new_life_in_one_transaction, setup),
        cmocka_unit_test_setup(order_does_not_matter, setup),
        cmocka_unit_test_setup(permissions_change_in_a_transaction, setup),
        cmocka_unit_test_setup(events_come_at_the_end, setup),
        cmocka_unit_test_setup(bad_ends_have_their_error, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
