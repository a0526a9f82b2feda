/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~store-watch~1] */
#include "client.h"

#include <stdio.h>

static void a_watch_begins_with_an_event(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WATCH, "not/there/yet|token|", "OK|");
    expect_event(ONE, "not/there/yet|token|");
    no_more_events(ONE);
}

static void changes_below_are_told_by_the_name_that_was_watched(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WATCH, "d|rel|", "OK|");
    expect(ONE, 0, XS_WATCH, "/local/domain/1/d|abs|", "OK|");
    expect_event(ONE, "d|rel|");
    expect_event(ONE, "/local/domain/1/d|abs|");
    expect(ONE, 0, XS_WRITE, "d/a|1", "OK|");
    expect_event(ONE, "d|rel|");
    expect_event(ONE, "/local/domain/1/d|abs|");
    expect_event(ONE, "d/a|rel|");
    expect_event(ONE, "/local/domain/1/d/a|abs|");
    expect(ONE, 0, XS_WRITE, "dd|1", "OK|");
    no_more_events(ONE);
    expect(ONE, 0, XS_SET_PERMS, "d/a|r1|", "OK|");
    expect_event(ONE, "d/a|rel|");
}

static void removal_tells_watches_above_and_below(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WRITE, "d/a/b|1", "OK|");
    expect(ONE, 0, XS_WATCH, "d|above|", "OK|");
    expect(ONE, 0, XS_WATCH, "d/a/b|below|", "OK|");
    expect_event(ONE, "d|above|");
    expect_event(ONE, "d/a/b|below|");
    expect(ONE, 0, XS_RM, "d/a|", "OK|");
    expect_event(ONE, "d/a|above|");
    expect_event(ONE, "d/a/b|below|");
    no_more_events(ONE);
}

static void nobody_hears_of_what_it_may_not_read(void **state)
{
    (void)state;
    expect(TWO, 0, XS_WATCH, "/local/domain/1/n|t|", "OK|");
    expect(TWO, 0, XS_WATCH, "/|t|", "OK|");
    expect_event(TWO, "/local/domain/1/n|t|");
    expect_event(TWO, "/|t|");
    expect(ONE, 0, XS_WRITE, "n|1", "OK|");
    no_more_events(TWO);
    expect(ONE, 0, XS_SET_PERMS, "n|n1|r2|", "OK|");
    expect_event(TWO, "/local/domain/1/n|t|");
    expect_event(TWO, "/local/domain/1/n|t|");
    no_more_events(TWO);
}

static void unwatch_ends_it_and_its_events(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WATCH, "a|t|", "OK|");
    expect_error(ONE, 0, XS_WATCH, "a|t|", "EEXIST");
    expect(ONE, 0, XS_WATCH, "a|u|", "OK|");
    expect_error(ONE, 0, XS_UNWATCH, "a|v|", "ENOENT");
    expect_error(ONE, 0, XS_UNWATCH, "b|t|", "ENOENT");
    expect(ONE, 0, XS_UNWATCH, "a|t|", "OK|");
    expect_event(ONE, "a|u|");
    no_more_events(ONE);
    expect(ONE, 0, XS_WRITE, "a|1", "OK|");
    expect_event(ONE, "a|u|");
    no_more_events(ONE);
}

static void reset_ends_everything(void **state)
{
    uint32_t t = start(ONE);

    (void)state;
    expect(ONE, 0, XS_WATCH, "a|t|", "OK|");
    expect(ONE, 0, XS_RESET_WATCHES, "|", "OK|");
    no_more_events(ONE);
    expect_error(ONE, t, XS_READ, "a|", "ENOENT");
    expect(ONE, 0, XS_WATCH, "a|t|", "OK|");
}

static void special_watches_are_taken(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WATCH, "@releaseDomain|t|", "OK|");
    expect_event(ONE, "@releaseDomain|t|");
    expect(ONE, 0, XS_WATCH, "@other|t|", "OK|"); /* a relative name like any other */
    expect_event(ONE, "@other|t|");
    expect(ONE, 0, XS_UNWATCH, "@releaseDomain|t|", "OK|");
}

static void equal_events_wait_once(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WATCH, "a|t|", "OK|");
    for (uint32_t i = 0; i < 1000; i++) {
        expect(ONE, 0, XS_WRITE, "a|x", "OK|");
    }
    expect_event(ONE, "a|t|");
    no_more_events(ONE);
}

/* TWO floods what ONE watches: ONE still hears of THREE, and that it must look again. */
static void a_flood_hides_nothing_for_good(void **state)
{
    char text[64];

    (void)state;
    expect(LAUNCH, 0, XS_SET_PERMS, "/local/domain/2|n2|r1|", "OK|");
    expect(ONE, 0, XS_WATCH, "/local/domain/2|flood|", "OK|");
    expect(ONE, 0, XS_WATCH, "/local/domain/1/a|other|", "OK|");
    expect_event(ONE, "/local/domain/2|flood|");
    expect_event(ONE, "/local/domain/1/a|other|");
    for (uint32_t i = 0; i < STORE_EVENTS_EACH + 20u; i++) {
        snprintf(text, sizeof(text), "n%u|", i);
        expect(TWO, 0, XS_WRITE, text, "OK|");
    }
    expect(ONE, 0, XS_WRITE, "a|1", "OK|");
    for (uint32_t i = 0; i < STORE_EVENTS_EACH; i++) {
        snprintf(text, sizeof(text), "/local/domain/2/n%u|flood|", i);
        expect_event(ONE, text);
    }
    expect_event(ONE, "/local/domain/2|flood|");
    expect_event(ONE, "/local/domain/1/a|other|");
    no_more_events(ONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_watch_begins_with_an_event, setup),
        cmocka_unit_test_setup(changes_below_are_told_by_the_name_that_was_watched, setup),
        cmocka_unit_test_setup(removal_tells_watches_above_and_below, setup),
        cmocka_unit_test_setup(nobody_hears_of_what_it_may_not_read, setup),
        cmocka_unit_test_setup(unwatch_ends_it_and_its_events, setup),
        cmocka_unit_test_setup(reset_ends_everything, setup),
        cmocka_unit_test_setup(special_watches_are_taken, setup),
        cmocka_unit_test_setup(equal_events_wait_once, setup),
        cmocka_unit_test_setup(a_flood_hides_nothing_for_good, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
