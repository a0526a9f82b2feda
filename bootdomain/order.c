/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"

#include "text.h"

#define WORD_BITS 64u

struct started {
    uint64_t words[PLAN_AFTER_WORDS];
};

static bool is_started(const struct started *started, uint32_t index)
{
    return (started->words[index / WORD_BITS] >> (index % WORD_BITS) & 1u) != 0;
}

static bool is_ready(const struct plan_domain *domain, const struct started *started)
{
    for (uint32_t i = 0; i < PLAN_AFTER_WORDS; i++) {
        if ((domain->after[i] & ~started->words[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* The first ready domain, a safe one if there is one; plan->count when none is ready. */
static uint32_t pick(const struct plan *plan, const struct started *started)
{
    uint32_t found = plan->count;

    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        if (is_started(started, i) || !is_ready(domain, started)) {
            continue;
        }
        if ((domain->flags & BULKHEAD_DOMAIN_SAFE) != 0) {
            return i;
        }
        if (found == plan->count) {
            found = i;
        }
    }
    return found;
}

bool order_domains(struct plan *plan)
{
    struct started started = {{0}};

    for (uint32_t done = 0; done < plan->count; done++) {
        uint32_t next = pick(plan, &started);
        if (next == plan->count) {
            for (uint32_t i = 0; i < plan->count; i++) {
                if (!is_started(&started, i)) {
                    log_problem(plan->domains[i].name,
                                "waits for itself by way of " LAUNCH_PROP_AFTER "; take one name out of the circle");
                }
            }
            return false;
        }
        started.words[next / WORD_BITS] |= UINT64_C(1) << (next % WORD_BITS);
        plan->order[done] = (uint16_t)next;
    }
    return true;
}

uint16_t order_domid(const struct plan *plan, uint32_t index)
{
    uint32_t domid = 1;

    if (plan->domains[index].role == BULKHEAD_ROLE_CONTROL) {
        return (uint16_t)domid;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        domid += (plan->domains[i].role == BULKHEAD_ROLE_CONTROL) ? 1 : 0;
    }
    for (uint32_t i = 0; i < plan->count && plan->order[i] != index; i++) {
        domid += (plan->domains[plan->order[i]].role != BULKHEAD_ROLE_CONTROL) ? 1 : 0;
    }
    return (uint16_t)domid;
}
