/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~store-restarted-back-end~1] */
#include "client.h"

#define BACK "/local/domain/1/backend/vbd/2/5"

/* Domain 1 has a back end for domain 2, connected. */
static int setup_device(void **state)
{
    int result = setup(state);

    expect(LAUNCH, 0, XS_MKDIR, "/local/domain/1|", "OK|");
    expect(LAUNCH, 0, XS_SET_PERMS, "/local/domain/1|n0|r1|", "OK|");
    expect(LAUNCH, 0, XS_MKDIR, BACK "|", "OK|");
    expect(LAUNCH, 0, XS_SET_PERMS, BACK "|n1|r2|", "OK|");
    expect(LAUNCH, 0, XS_WRITE, BACK "/state|1", "OK|");
    expect(ONE, 0, XS_WRITE, BACK "/state|4", "OK|");
    expect(ONE, 0, XS_WRITE, BACK "/queue/state|4", "OK|");
    return result;
}

static void a_device_of_a_restarted_back_end_is_new(void **state)
{
    (void)state;
    expect(TWO, 0, XS_WATCH, BACK "/state|t|", "OK|");
    expect_event(TWO, BACK "/state|t|");
    store_restarted(ONE);
    expect(TWO, 0, XS_READ, BACK "/state|", "1");
    expect_event(TWO, BACK "/state|t|");
    expect(ONE, 0, XS_WRITE, BACK "/state|2", "OK|"); /* it is still the driver's */
    expect(ONE, 0, XS_GET_PERMS, BACK "/state|", "n1|r2|");
}

static void nothing_else_changes(void **state)
{
    (void)state;
    store_restarted(TWO);
    store_restarted(THREE);
    expect(TWO, 0, XS_READ, BACK "/state|", "4");
    store_restarted(ONE);
    expect(TWO, 0, XS_READ, BACK "/queue/state|", "4");
    expect_error(LAUNCH, 0, XS_READ, "/local/domain/1/backend/vbd/state|", "ENOENT");
    expect_error(LAUNCH, 0, XS_READ, "/local/domain/1/backend/vbd/2/state|", "ENOENT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_device_of_a_restarted_back_end_is_new, setup_device),
        cmocka_unit_test_setup(nothing_else_changes, setup_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
