/* SPDX-License-Identifier: Apache-2.0 */
/* The contract on arch/host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "contract.h"
#include "fixture.h"

static void the_model_keeps_the_contract(void **state)
{
    (void)state;
    assert_non_null(machine_start());
    host_idle_timers(1);
    host_console_clear();
    if (contract_run() != 0u) {
        fail_msg("%s", host_console());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_model_keeps_the_contract)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
