/* SPDX-License-Identifier: Apache-2.0 */
/* The model's CPU pools and reservations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hyper.h"
#include "model.h"

struct model_pool model_pools[BULKHEAD_POOLS];

int64_t hyper_set_reservation(uint16_t domid, const struct plan_domain *domain)
{
    int64_t error;

    model_assert_building(domid);
    if (!model_step(&error)) {
        return error;
    }
    model_domains[domid].period = domain->period;
    model_domains[domid].budget = domain->budget;
    model_domains[domid].extra_time = domain->extra_time;
    return 0;
}

/* Pools come before every domain. */
int64_t hyper_set_pool(uint32_t pool, const struct plan_pool *description)
{
    int64_t error;

    assert_true(pool < BULKHEAD_POOLS);
    assert_int_equal(model_pools[pool].pool.policy, 0);
    for (uint32_t i = 1; i < MODEL_DOMAINS; i++) {
        assert_false(model_domains[i].exists);
    }
    if (!model_step(&error)) {
        return error;
    }
    model_pools[pool].pool = *description;
    return 0;
}

int64_t hyper_set_schedule(uint32_t pool, uint32_t schedule, const struct bulkhead_window *windows, uint32_t count)
{
    int64_t error;

    assert_int_equal(model_pools[pool].pool.policy, BULKHEAD_POLICY_ARINC653);
    assert_int_equal(model_pools[pool].count[schedule], 0);
    assert_true(count > 0);
    if (!model_step(&error)) {
        return error;
    }
    model_pools[pool].count[schedule] = count;
    model_pools[pool].last[schedule] = windows[count - 1];
    return 0;
}

uint64_t hyper_ticks_hz(void)
{
    return 1000000;
}
