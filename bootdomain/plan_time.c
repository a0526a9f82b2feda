/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between CPU pools and domains: the same rules as the host tool's, for who writes images by other means.
 * [impl->dsn~boot-time-rules~1] */
#include "plan_internal.h"
#include "text.h"

#define PARTS UINT64_C(1000000) /* shares of a CPU in messages */

const struct plan_pool *plan_pool_of(const struct plan *plan, const struct plan_domain *domain)
{
    return (domain->pool == 0) ? NULL : &plan->pools[domain->pool - 1];
}

static bool has_policy(const struct plan *plan, const struct plan_domain *domain, uint32_t policy)
{
    const struct plan_pool *pool = plan_pool_of(plan, domain);

    return pool != NULL && pool->policy == policy;
}

bool plan_may_share(const struct plan *plan, const struct plan_domain *a, const struct plan_domain *b)
{
    return a->pool == b->pool &&
           (has_policy(plan, a, BULKHEAD_POLICY_ARINC653) || has_policy(plan, a, BULKHEAD_POLICY_RTDS));
}

/* ---- who is in which pool ---- */

static void check_member(const struct plan *plan, const struct plan_domain *domain, const struct plan_pool *pool)
{
    for (uint32_t i = 0; i < domain->vcpus; i++) {
        uint64_t cpus = plan->affinity[domain->first_vcpu + i];
        if (domain->pool != 0 && &plan->pools[domain->pool - 1] == pool) {
            if ((cpus & ~pool->cpus) != 0) {
                log_problem(domain->name,
                            "vCPU %u may run on CPU %u, which is not in its pool '%s'; choose CPUs of the pool", i,
                            (unsigned int)__builtin_ctzll(cpus & ~pool->cpus), pool->name);
            }
        } else if ((cpus & pool->cpus) != 0) {
            log_problem(domain->name,
                        "CPU %u is in pool '%s', and the domain is not; give it domain-cpupool, or other CPUs",
                        (unsigned int)__builtin_ctzll(cpus & pool->cpus), pool->name);
        }
    }
}

/* The home of vCPU i: as the hypervisor chooses it. */
static uint32_t home_of(const struct plan *plan, const struct plan_domain *domain, uint32_t i)
{
    uint64_t cpus = plan->affinity[domain->first_vcpu + i];

    for (uint32_t skip = i % (uint32_t)__builtin_popcountll(cpus); skip != 0; skip--) {
        cpus &= cpus - 1;
    }
    return (uint32_t)__builtin_ctzll(cpus);
}

/* ---- null ---- */

static void check_null(const struct plan *plan, uint32_t pool)
{
    const struct plan_domain *owner[BOARD_MAX_CPUS] = {0};

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        for (uint32_t v = 0; domain->pool == pool + 1 && v < domain->vcpus; v++) {
            uint32_t cpu = home_of(plan, domain, v);
            if (owner[cpu] != NULL) {
                log_problem(domain->name,
                            "vCPU %u would share CPU %u with '%s', and in the null pool '%s' a vCPU has its CPU "
                            "alone; give the pool more CPUs, or fewer vCPUs",
                            v, cpu, owner[cpu]->name, plan->pools[pool].name);
            }
            owner[cpu] = domain;
        }
    }
}

/* ---- arinc653 ---- */

static bool has_window(const struct plan *plan, const struct plan_pool *pool, uint32_t partition)
{
    for (uint32_t s = 0; s < BULKHEAD_SCHEDULES; s++) {
        for (uint32_t i = 0; i < pool->count[s]; i++) {
            if (plan->windows[pool->first[s] + i].partition == partition) {
                return true;
            }
        }
    }
    return false;
}

static void check_partition(const struct plan *plan, const struct plan_domain *domain)
{
    uint32_t partition = BULKHEAD_DOMAIN_PARTITION_OF(domain->flags);

    if (!has_policy(plan, domain, BULKHEAD_POLICY_ARINC653)) {
        if (partition != 0) {
            log_problem(domain->name, LAUNCH_PROP_PARTITION " needs a pool with cpupool-sched = \"arinc653\"");
        }
        return;
    }
    const struct plan_pool *pool = plan_pool_of(plan, domain);
    if (partition == 0 && (domain->flags & BULKHEAD_DOMAIN_SAFE) != 0) {
        log_problem(domain->name, "it is safe and has no partition in pool '%s'; write " LAUNCH_PROP_PARTITION,
                    pool->name);
    } else if (!has_window(plan, pool, partition)) {
        log_problem(domain->name, "no window of pool '%s' is for partition %u; it would never run", pool->name,
                    partition);
    }
}

/* ---- rtds ---- */

static void check_reservation(const struct plan *plan, const struct plan_domain *domain)
{
    if (!has_policy(plan, domain, BULKHEAD_POLICY_RTDS)) {
        if (domain->period != 0 || domain->budget != 0) {
            log_problem(domain->name,
                        LAUNCH_PROP_PERIOD " and " LAUNCH_PROP_BUDGET " need a pool with cpupool-sched = \"rtds\"");
        }
    } else if (domain->budget < PLAN_BUDGET_MIN || domain->budget > domain->period ||
               domain->period > PLAN_PERIOD_MAX) {
        log_problem(
            domain->name,
            "a budget of %u us in a period of %u us; write a budget of %u us or more, at most the period, which is "
            "at most %u us",
            domain->budget, domain->period, PLAN_BUDGET_MIN, PLAN_PERIOD_MAX);
    }
}

/* The arithmetic of the hypervisor's admission test. */
static void check_load(const struct plan *plan, uint32_t pool)
{
    uint64_t load[BOARD_MAX_CPUS] = {0};

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        for (uint32_t v = 0; domain->pool == pool + 1 && domain->period != 0 && v < domain->vcpus; v++) {
            uint32_t cpu = home_of(plan, domain, v);
            uint64_t share = (domain->budget * PARTS + domain->period - 1) / domain->period;
            if (load[cpu] + share > PARTS) {
                log_problem(domain->name,
                            "CPU %u of pool '%s' is promised to %lu of %lu already, and %u us in %u us are %lu "
                            "more; give a smaller budget",
                            cpu, plan->pools[pool].name, (unsigned long)load[cpu], (unsigned long)PARTS, domain->budget,
                            domain->period, (unsigned long)share);
                return;
            }
            load[cpu] += share;
        }
    }
}

void plan_check_time(const struct plan *plan)
{
    uint32_t before = log_problem_count();

    for (uint32_t i = 0; i < plan->count; i++) {
        for (uint32_t p = 0; p < plan->pool_count; p++) {
            check_member(plan, &plan->domains[i], &plan->pools[p]);
        }
        check_partition(plan, &plan->domains[i]);
        check_reservation(plan, &plan->domains[i]);
    }
    for (uint32_t p = 0; p < plan->pool_count && log_problem_count() == before; p++) {
        if (plan->pools[p].policy == BULKHEAD_POLICY_NULL) {
            check_null(plan, p);
        } else if (plan->pools[p].policy == BULKHEAD_POLICY_RTDS) {
            check_load(plan, p);
        }
    }
}
