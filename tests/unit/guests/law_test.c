/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~brake~1] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <brake/law.h>

#define ONE    (INT32_C(1) << 16)
#define SECOND 1000

static void stays_in_range_for_ten_minutes(void **state)
{
    struct brake_law law;

    (void)state;
    brake_law_start(&law);
    for (int i = 0; i < 600 * SECOND; i++) {
        brake_law_step(&law);
        assert_in_range(law.vehicle, 0, 30 * ONE);
        assert_in_range(law.wheel, 0, law.vehicle + ONE);
        assert_in_range(law.pressure, 0, ONE);
    }
}

static void brakes_without_locking_the_wheel(void **state)
{
    struct brake_law law;
    int32_t before;

    (void)state;
    brake_law_start(&law);
    for (int second = 0; second < 5; second++) {
        before = law.vehicle;
        for (int i = 0; i < SECOND; i++) {
            brake_law_step(&law);
            assert_true(law.wheel > law.vehicle / 2);
        }
        assert_true(law.vehicle < before);
    }
}

static void starts_again_when_the_car_stands(void **state)
{
    struct brake_law law;
    int starts = 0;

    (void)state;
    brake_law_start(&law);
    for (int i = 0; i < 120 * SECOND; i++) {
        int32_t before = law.vehicle;

        brake_law_step(&law);
        starts += law.vehicle > before;
    }
    assert_true(starts > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_in_range_for_ten_minutes),
        cmocka_unit_test(brakes_without_locking_the_wheel),
        cmocka_unit_test(starts_again_when_the_car_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
