/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs where: a safe domain shares its CPUs with nobody. */
#include "plan_internal.h"
#include "text.h"

static bool is_safe(const struct plan_domain *domain)
{
    return (domain->flags & BULKHEAD_DOMAIN_SAFE) != 0;
}

/* CPUs that the description names for the domain's vCPUs. */
static uint64_t named_cpus(const struct plan *plan, const struct plan_domain *domain)
{
    uint64_t cpus = 0;

    for (uint32_t i = 0; i < domain->vcpus; i++) {
        cpus |= plan->affinity[domain->first_vcpu + i];
    }
    return cpus;
}

static void check_names_cpus(const struct plan *plan, const struct plan_domain *domain)
{
    for (uint32_t i = 0; i < domain->vcpus; i++) {
        if (plan->affinity[domain->first_vcpu + i] == 0) {
            log_problem(domain->name,
                        "it is safe, but vCPU %u names no CPU that others could be kept off; add a vcpu "
                        "node with hard-affinity",
                        i);
        }
    }
}

/* other: a domain that comes before in the plan, or any that is not safe. */
static void check_apart(const struct plan *plan, const struct plan_domain *safe, const struct plan_domain *other)
{
    uint64_t shared = named_cpus(plan, safe) & named_cpus(plan, other);

    if (shared != 0) {
        log_problem(other->name, "CPU %u belongs to the safe domain '%s'; give one of them another CPU",
                    (unsigned int)__builtin_ctzll(shared), safe->name);
    }
}

static uint64_t board_cpus(const struct board_table *board)
{
    return (board->cpu_count >= BOARD_MAX_CPUS) ? UINT64_MAX : (UINT64_C(1) << board->cpu_count) - 1;
}

/* The domain's vCPUs that may run anywhere run on these CPUs. */
static void deal(struct plan *plan, const struct plan_domain *domain, uint64_t cpus)
{
    bool is_without = false;

    for (uint32_t i = 0; i < domain->vcpus; i++) {
        uint64_t *affinity = &plan->affinity[domain->first_vcpu + i];
        *affinity = (*affinity == 0) ? cpus : *affinity;
        is_without = is_without || *affinity == 0;
    }
    if (is_without) {
        log_problem(domain->name, "every CPU belongs to a safe domain or a pool; keep one free for the others");
    }
}

/* They are those that no safe domain and no pool has. */
static void deal_others(struct plan *plan, const struct plan_context *context, uint64_t safe)
{
    uint64_t left = board_cpus(context->board) & ~safe;

    for (uint32_t i = 0; i < plan->pool_count; i++) {
        left &= ~plan->pools[i].cpus;
    }
    if (left == board_cpus(context->board)) {
        return; /* any is any */
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        if (!is_safe(&plan->domains[i])) {
            deal(plan, &plan->domains[i], left);
        }
    }
}

void plan_check_cpus(struct plan *plan, const struct plan_context *context)
{
    uint64_t safe = 0;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        if (!is_safe(domain)) {
            continue;
        }
        check_names_cpus(plan, domain);
        safe |= named_cpus(plan, domain);
        for (uint32_t j = 0; j < plan->count; j++) {
            if ((j < i || (j > i && !is_safe(&plan->domains[j]))) && !plan_may_share(plan, domain, &plan->domains[j])) {
                check_apart(plan, domain, &plan->domains[j]);
            }
        }
    }
    deal_others(plan, context, safe);
}
