/* SPDX-License-Identifier: Apache-2.0 */
/* Pools and reservations as the builder makes them.
 * [utest->dsn~boot-pools~1] */
#include "said.h"

#include <string.h>

#include <xen/xen.h>
#include <xen/errno.h>

#include "builder_fixture.h"
#include "model.h"

/* Two windows and nobody's time on CPU 1, budgets on CPU 2. */
static void add_pools(void)
{
    static const struct bulkhead_window windows[] = {
        {.end = 1000000, .partition = 1}, {.end = 3000000, .partition = 0}, {.end = 500000, .partition = 1}};

    memcpy(plan.windows, windows, sizeof(windows));
    plan.window_count = 3;
    plan.pool_count = 2;
    plan.pools[0] = (struct plan_pool){.name = "flight", .policy = BULKHEAD_POLICY_ARINC653, .cpus = 2, .guard = 20000};
    plan.pools[0].count[0] = 2;
    plan.pools[0].first[2] = 2;
    plan.pools[0].count[2] = 1;
    plan.pools[1] = (struct plan_pool){.name = "loop", .policy = BULKHEAD_POLICY_RTDS, .cpus = 4};
}

static void makes_pools_and_promises_budgets(void **state)
{
    (void)state;
    add_pools();
    struct plan_domain *brake = builder_add("brake");
    struct plan_domain *motor = builder_add("motor");
    brake->pool = 1;
    brake->flags = BULKHEAD_DOMAIN_PARTITION(1);
    motor->pool = 2;
    motor->period = 10000;
    motor->budget = 2500;
    motor->extra_time = true;
    assert_true(builder_make_pools(&builder));
    builder_run_all();
    assert_said_nothing();
    assert_int_equal(model_pools[0].pool.policy, BULKHEAD_POLICY_ARINC653);
    assert_int_equal(model_pools[0].pool.guard, 20000);
    assert_int_equal(model_pools[0].count[0], 2);
    assert_int_equal(model_pools[0].last[0].end, 3000000);
    assert_int_equal(model_pools[0].count[1], 0);
    assert_int_equal(model_pools[0].last[2].end, 500000);
    assert_int_equal(model_pools[1].pool.cpus, 4);
    assert_int_equal(BULKHEAD_DOMAIN_PARTITION_OF(model_domains[1].identity.flags), 1);
    assert_int_equal(model_domains[1].period, 0);
    assert_int_equal(model_domains[2].period, 10000);
    assert_int_equal(model_domains[2].budget, 2500);
    assert_true(model_domains[2].extra_time);
}

static void a_refused_pool_is_named(void **state)
{
    (void)state;
    add_pools();
    for (uint32_t call = 0; call < 3; call++) {
        model_reset();
        said_clear();
        model_fail(call, -XEN_EINVAL);
        assert_false(builder_make_pools(&builder));
        assert_said("boot: the hypervisor refuses pool 'flight' (error 22); check it against the board");
    }
}

static void a_refused_budget_refuses_the_domain(void **state)
{
    (void)state;
    add_pools();
    struct plan_domain *motor = builder_add("motor");
    motor->pool = 2;
    motor->period = 10000;
    motor->budget = 2500;
    assert_true(builder_make_pools(&builder));
    model_fail(5, -XEN_ENOSPC);
    builder_run_all();
    assert_said(
        "boot: domain 'motor': the hypervisor refuses to promise it its budget: a CPU has not that much left; give "
        "smaller budgets");
    assert_true(model_domains[1].is_destroyed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_pools_and_promises_budgets, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(a_refused_pool_is_named, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(a_refused_budget_refuses_the_domain, builder_start, builder_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
