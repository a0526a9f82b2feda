/* SPDX-License-Identifier: Apache-2.0 */
#include "builder.h"

#include <string.h>

#include <xen/xen.h>
#include <xen/errno.h>

#include "guest_layout.h"
#include "hand_over.h"
#include "hyper.h"
#include "load.h"
#include "order.h"
#include "outside.h"
#include "rings.h"
#include "store_tree.h"
#include "text.h"

/* Page-table pool of a domain: a page for each 2 MiB, some for each vCPU, and what grants, shared pages and devices need. */
#define PAGING_FIXED_PAGES UINT64_C(128)
#define PAGING_VCPU_PAGES  UINT64_C(8)
#define NANOSECONDS        UINT64_C(1000000000)

static const struct {
    int64_t error;
    const char *what;
    const char *fix;
} refusals[] = {
    {-XEN_ENOSPC, "a CPU has not that much left", "give smaller budgets"},
    {-XEN_ENOMEM, "no memory is left", "give the domains less memory"},
    {-XEN_EEXIST, "it exists already", "choose another name or range"},
    {-XEN_EBUSY, "another domain has it", "give each device to one domain"},
    {-XEN_EPERM, "not permitted", "check the roles in the description"},
    {-XEN_EINVAL, "a value is out of range", "check the description against the board"},
    {-XEN_ENOSYS, "it does not know this", "use a hypervisor and a Boot Domain of one version"},
};

/* What a launch cannot meet, or not with that reason. */
static const struct {
    const char *what;
    int64_t error;
    const char *rule;
} rules[] = {
    {"create the domain", -XEN_ENOSPC,
     "no number, or not so many vCPUs, are left for later domains; destroy one, or write more `dynamic` "
     "[dynamic-domains]"},
    {"set its CPUs", -XEN_EINVAL,
     "they are not there, or not left to later domains; name others, or write `dynamic: { cpus }` [dynamic-cpus]"},
};

static void say_refused(const char *domain, const char *what, int64_t error)
{
    for (uint32_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].error == error && strcmp(rules[i].what, what) == 0) {
            log_problem(domain, "the hypervisor refuses to %s: %s", what, rules[i].rule);
            return;
        }
    }
    for (uint32_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].error == error) {
            log_problem(domain, "the hypervisor refuses to %s: %s; %s", what, refusals[i].what, refusals[i].fix);
            return;
        }
    }
    log_problem(domain, "the hypervisor refuses to %s: error %lu; see its console", what, (unsigned long)-error);
}

void builder_init(struct builder *builder, const struct plan *plan, const struct board_table *board)
{
    memset(builder, 0, sizeof(*builder));
    builder->plan = plan;
    builder->board = board;
    outside_init();
}

/* Said already when error is LOAD_REFUSED. */
static bool passes(const struct plan_domain *domain, const char *what, int64_t error)
{
    if (error != 0 && error != LOAD_REFUSED) {
        say_refused(domain->name, what, error);
    }
    return error == 0;
}

static uint64_t paging_bytes(const struct plan *plan, uint32_t index)
{
    const struct plan_domain *domain = &plan->domains[index];
    uint64_t pages = PAGING_FIXED_PAGES + domain->memory / LAYOUT_BLOCK + domain->vcpus * PAGING_VCPU_PAGES;

    for (uint32_t i = 0; i < plan->use_count; i++) {
        if (plan->uses[i].domain == index) {
            pages += LAUNCH_POOL_SHARE_PAGES + plan->shares[plan->uses[i].share].machine.size / LAYOUT_BLOCK;
        }
    }
    return (domain->paging != 0) ? domain->paging : pages * LAYOUT_PAGE;
}

/* Its ends of channels, before it has any other port: the hypervisor wants them in ascending order.
 * [impl->dsn~boot-channels~1] */
static int64_t bind_channels(const struct plan *plan, uint32_t index, uint16_t domid)
{
    const struct plan_channel *end = plan_next_channel(plan, index, 0);
    int64_t result = 0;

    while (end != NULL && result == 0) {
        uint64_t ticks = (end->min_interval * hyper_ticks_hz() + NANOSECONDS - 1) / NANOSECONDS;
        struct bulkhead_channel op = {.domid = domid,
                                      .remote = order_domid(plan, end->remote),
                                      .port = end->port,
                                      .remote_port = end->remote_port,
                                      .min_interval = (ticks < UINT32_MAX) ? (uint32_t)ticks : UINT32_MAX};
        result = hyper_bind_channel(&op);
        end = plan_next_channel(plan, index, end->port);
    }
    return result;
}

/* Shared memory is made when the first domain that sees it is built.
 * [impl->dsn~boot-shared-memory~1] */
static int64_t map_share(struct builder *builder, const struct plan_share_use *use, uint16_t domid)
{
    const struct plan_share *share = &builder->plan->shares[use->share];
    uint64_t mfn = share->machine.base / LAYOUT_PAGE;
    uint64_t pages = share->machine.size / LAYOUT_PAGE;

    if (!builder->is_shared[use->share]) {
        int64_t result = hyper_share(DOMID_IO, 0, mfn, pages, false);
        if (result != 0) {
            return result;
        }
        builder->is_shared[use->share] = true;
    }
    return hyper_share(domid, use->guest / LAYOUT_PAGE, mfn, pages, use->is_read_only);
}

static int64_t map_shares(struct builder *builder, uint32_t index, uint16_t domid)
{
    int64_t result = 0;

    for (uint32_t i = 0; i < builder->plan->use_count && result == 0; i++) {
        const struct plan_share_use *use = &builder->plan->uses[i];
        if (use->domain == index) {
            result = map_share(builder, use, domid);
        }
    }
    return result;
}

/* The domain with its limits and identity, but without memory. */
static bool create(struct builder *builder, uint32_t index)
{
    const struct plan_domain *domain = &builder->plan->domains[index];
    struct builder_state *state = &builder->states[index];

    state->domid = builder->is_later ? 0 : order_domid(builder->plan, index);
    if (!passes(domain, "create the domain", hyper_create(domain, &state->domid))) {
        return false;
    }
    state->is_created = true;
    return passes(domain, "set its page-table pool",
                  hyper_set_paging(state->domid, paging_bytes(builder->plan, index))) &&
           passes(domain, "set its memory limit",
                  hyper_set_max_memory(state->domid, domain->memory + rings_bytes(builder->plan, index))) &&
           passes(domain, "create its vCPUs", hyper_set_vcpus(state->domid, domain->vcpus)) &&
           passes(domain, "bind its channels", bind_channels(builder->plan, index, state->domid)) &&
           passes(domain, "bind its rings' channels", rings_bind(builder->plan, index)) &&
           passes(domain, "set its name and role", hyper_set_identity(state->domid, domain));
}

static bool set_affinity(const struct builder *builder, const struct plan_domain *domain, uint16_t domid)
{
    for (uint32_t i = 0; i < domain->vcpus; i++) {
        uint64_t cpus = builder->plan->affinity[domain->first_vcpu + i];
        if (cpus != 0 && !passes(domain, "set its CPUs", hyper_set_affinity(domid, i, cpus))) {
            return false;
        }
    }
    return domain->period == 0 || passes(domain, "promise it its budget", hyper_set_reservation(domid, domain));
}

/* What a server of rings is told at its start is its ramdisk. */
static bool write_store_tree(struct load *load, uint32_t index)
{
    static uint8_t tree[STORE_TREE_BYTES];
    struct plan_module *module = &load->modules[PLAN_RAMDISK];
    uint32_t size = 0;

    if (load->domain->serves == PLAN_SERVES_NOTHING) {
        return true;
    }
    *module = (struct plan_module){.name = "first tree", .data = tree, .shared = true};
    if (!store_tree_write(load->plan, index, tree, &size)) {
        return false;
    }
    module->size = size;
    return true;
}

/* All modules of the domain, readable. Whatever is to verify or measure them belongs here.
 * [impl->dsn~boot-measure-place~1] */
static bool get_modules(struct load *load)
{
    for (uint32_t i = 0; i < PLAN_MODULE_KINDS; i++) {
        struct plan_module *module = &load->modules[i];
        *module = load->domain->modules[i];
        if (module->is_outside && !outside_map(load->domain->name, module)) {
            return false;
        }
    }
    return true;
}

static bool has_safe(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if ((plan->domains[i].flags & BULKHEAD_DOMAIN_SAFE) != 0) {
            return true;
        }
    }
    return false;
}

/* [impl->dsn~boot-launch-record~1] */
static bool seal(const struct plan_domain *domain, const struct load *load, uint16_t domid)
{
    if (domain->has_health && !passes(domain, "take its table of actions", hyper_set_health(domid, &domain->health))) {
        return false;
    }
    return !domain->keep_modules || (passes(domain, "seal its images", load_seal(load, domid)) &&
                                     passes(domain, "seal its launch record", hyper_seal_launch(domid)));
}

static bool build(struct builder *builder, uint32_t index)
{
    static struct load load;
    struct builder_state *state = &builder->states[index];
    const struct plan_domain *domain = &builder->plan->domains[index];

    memset(&load, 0, sizeof(load));
    load.domain = domain;
    load.plan = builder->plan;
    load.has_safe = has_safe(builder->plan);
    if (!get_modules(&load) || !write_store_tree(&load, index) || !load_prepare(&load, builder->board)) {
        return false;
    }
    if (!state->is_created && !create(builder, index)) {
        return false;
    }
    return set_affinity(builder, domain, state->domid) &&
           passes(domain, "give it memory", load_memory(&load, state->domid)) &&
           passes(domain, "map its shared memory", map_shares(builder, index, state->domid)) &&
           passes(domain, "fill its memory", load_contents(&load, state->domid)) &&
           passes(domain, "give it its rings", rings_seed(builder->plan, index, state->domid, load.devices.magic)) &&
           passes(domain, "give it its devices", load_devices(&load, state->domid)) &&
           passes(domain, "set its entry state", hyper_set_entry(state->domid, load_entry(&load), load.place.fdt)) &&
           seal(domain, &load, state->domid) &&
           (builder->is_paused || passes(domain, "start it", hyper_unpause(state->domid)));
}

static bool depends_on_failed(const struct builder *builder, uint32_t index)
{
    const struct plan_domain *domain = &builder->plan->domains[index];

    for (uint32_t i = 0; i < builder->plan->count; i++) {
        bool is_needed = (domain->after[i / 64] >> (i % 64) & 1) != 0;
        if (is_needed && !builder->states[i].is_started) {
            log_problem(domain->name, "not started, because '%s' was not; put that right first",
                        builder->plan->domains[i].name);
            return true;
        }
    }
    return false;
}

static void destroy(struct builder *builder, uint32_t index)
{
    struct builder_state *state = &builder->states[index];

    int64_t error = state->is_created ? hyper_destroy(state->domid) : 0;

    if (error != 0) {
        log_problem(builder->plan->domains[index].name,
                    "it could not be destroyed (error %lu); its memory stays in use", (unsigned long)-error);
    }
    state->is_created = false;
}

/* [impl->dsn~boot-pools~1] */
bool builder_make_pools(const struct builder *builder)
{
    const struct plan *plan = builder->plan;

    for (uint32_t p = 0; p < plan->pool_count; p++) {
        const struct plan_pool *pool = &plan->pools[p];
        int64_t error = hyper_set_pool(p, pool);
        for (uint32_t s = 0; s < BULKHEAD_SCHEDULES && error == 0; s++) {
            if (pool->policy == BULKHEAD_POLICY_ARINC653 && pool->count[s] != 0) {
                error = hyper_set_schedule(p, s, &plan->windows[pool->first[s]], pool->count[s]);
            }
        }
        if (error != 0) {
            log_problem(NULL, "the hypervisor refuses pool '%s' (error %lu); check it against the board", pool->name,
                        (unsigned long)-error);
            return false;
        }
    }
    return true;
}

void builder_create_control(struct builder *builder)
{
    for (uint32_t i = 0; i < builder->plan->count; i++) {
        if (builder->plan->domains[i].role == BULKHEAD_ROLE_CONTROL && !create(builder, i)) {
            destroy(builder, i);
        }
    }
}

bool builder_build(struct builder *builder, uint32_t index)
{
    if (depends_on_failed(builder, index) || !build(builder, index)) {
        destroy(builder, index);
        return false;
    }
    builder->states[index].is_started = true;
    builder->states[index].start_ticks = hyper_ticks();
    return true;
}

void builder_run(struct builder *builder, uint32_t index)
{
    if (builder_build(builder, index)) {
        hand_over_domain(builder, index);
    }
}
