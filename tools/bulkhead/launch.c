// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bulkhead/bulkhead_op.h>
#include <bulkhead/launch.h>

#include "cpio.h"
#include "devices.h"
#include "dynamic.h"
#include "pools.h"

#define CAPABILITY_CONTROL  1u /* dom0less `capabilities` bits */
#define CAPABILITY_HARDWARE 2u
#define CAPABILITY_XENSTORE 4u

/* Sequential writes into a tree that was sized for them: a failure is a mistake of this program. */
void launch_must(int result)
{
    if (result < 0) {
        fprintf(stderr, "bulkhead: cannot write the launch device tree: %s; report this\n", fdt_strerror(result));
        exit(70);
    }
}

static void must(int result)
{
    launch_must(result);
}

static void put_cells(void *fdt, const char *name, const uint64_t *values, unsigned count)
{
    fdt64_t cells[2 * KEY_MAX_ITEMS];

    for (unsigned i = 0; i < count; i++) {
        cells[i] = cpu_to_fdt64(values[i]);
    }
    must(fdt_property(fdt, name, cells, (int)(count * sizeof(cells[0]))));
}

static void put_address_cells(void *fdt)
{
    must(fdt_property_u32(fdt, "#address-cells", 2));
    must(fdt_property_u32(fdt, "#size-cells", 2));
}

static void put_names(struct arena *arena, void *fdt, const char *name, const struct items *list)
{
    const struct text *text = list->item;
    struct buffer strings = {0};

    for (size_t i = 0; i < list->count; i++) {
        buffer_add(&strings, text[i].value, strlen(text[i].value) + 1);
    }
    char *copy = arena_text(arena, (const char *)strings.data, strings.size);
    must(fdt_property(fdt, name, copy, (int)strings.size));
    buffer_release(&strings);
}

static void put_static_memory(void *fdt, const struct domain *d)
{
    const struct range *range = d->static_memory.item;
    uint64_t values[2 * KEY_MAX_ITEMS];

    for (size_t i = 0; i < d->static_memory.count; i++) {
        values[2 * i] = range[i].base.value;
        values[2 * i + 1] = range[i].size.value;
    }
    put_address_cells(fdt);
    put_cells(fdt, "xen,static-mem", values, (unsigned)(2 * d->static_memory.count));
}

static void put_vcpus(struct arena *arena, void *fdt, const struct domain *d)
{
    for (uint32_t v = 0; v < d->vcpus.value; v++) {
        must(fdt_begin_node(fdt, arena_printf(arena, "vcpu%u", v)));
        must(fdt_property_string(fdt, "compatible", "xen,vcpu"));
        must(fdt_property_u32(fdt, "id", v));
        must(fdt_property_string(fdt, "hard-affinity", arena_printf(arena, "%u", d->vcpu_cpu[v])));
        must(fdt_end_node(fdt));
    }
}

static void put_module(struct arena *arena, void *fdt, const struct domain *d, enum module_kind kind)
{
    static const char *const compatible[MODULE_KINDS] = {
        [MODULE_KERNEL] = "multiboot,kernel\0multiboot,module",
        [MODULE_RAMDISK] = "multiboot,ramdisk\0multiboot,module",
        [MODULE_DEVICE_TREE] = "multiboot,device-tree\0multiboot,module",
    };
    const struct module *m = &d->module[kind];

    if (m->path == NULL) {
        return;
    }
    must(fdt_begin_node(fdt, arena_printf(arena, "module@%d", kind)));
    must(fdt_property(fdt, "compatible", compatible[kind],
                      (int)(strlen(compatible[kind]) + 1 + sizeof("multiboot,module"))));
    must(fdt_property_string(fdt, LAUNCH_PROP_MEMBER, m->member));
    if (kind == MODULE_KERNEL && d->bootargs.given) {
        must(fdt_property_string(fdt, "bootargs", d->bootargs.value));
    }
    must(fdt_end_node(fdt));
}

/* "RIGHT:DOMAIN" for each. */
static void put_grants(struct arena *arena, void *fdt, const struct items *grants)
{
    const struct grant *grant = grants->item;
    struct buffer strings = {0};

    for (size_t i = 0; i < grants->count; i++) {
        const struct text *right = grant[i].rights.item;
        for (size_t j = 0; j < grant[i].rights.count; j++) {
            const char *text = arena_printf(arena, "%s:%s", right[j].value, grant[i].to.value);
            buffer_add(&strings, text, strlen(text) + 1);
        }
    }
    if (strings.size > 0) {
        char *copy = arena_text(arena, (const char *)strings.data, strings.size);
        must(fdt_property(fdt, LAUNCH_PROP_GRANTS, copy, (int)strings.size));
    }
    buffer_release(&strings);
}

static void put_role(void *fdt, const struct domain *d)
{
    uint32_t capabilities = d->role.value == ROLE_CONTROL    ? CAPABILITY_CONTROL
                            : d->role.value == ROLE_HARDWARE ? CAPABILITY_HARDWARE
                            : d->role.value == ROLE_XENSTORE ? CAPABILITY_XENSTORE
                                                             : 0;
    uint64_t role = d->role.value <= ROLE_CONTROL ? d->role.value : ROLE_DOMU;

    must(fdt_property_u32(fdt, "capabilities", capabilities));
    must(fdt_property_string(fdt, LAUNCH_PROP_ROLE, role_choices[role]));
    if (d->safe.value) {
        must(fdt_property(fdt, LAUNCH_PROP_SAFE, NULL, 0));
    }
    if (d->argo.value != ARGO_NO) {
        must(fdt_property_string(fdt, LAUNCH_PROP_ARGO, argo_choices[d->argo.value]));
    }
}

/* [impl->dsn~label-archive~1] */
static void put_label(void *fdt, const struct system *s, const struct domain *d)
{
    if (s->matrix != NULL) {
        must(fdt_property_u32(fdt, LAUNCH_PROP_LABEL, d->label));
    }
}

/* [impl->dsn~tool-health~1] */
static void put_health(void *fdt, const struct domain *d)
{
    fdt32_t cells[LAUNCH_HEALTH_CELLS];

    if (d->restartable.value) {
        must(fdt_property(fdt, LAUNCH_PROP_KEEP, NULL, 0));
    }
    if (d->verify.value) {
        must(fdt_property(fdt, LAUNCH_PROP_VERIFY, NULL, 0));
    }
    if (!health_is_described(d)) {
        return;
    }
    cells[0] = cpu_to_fdt32((uint32_t)d->health.fallback.value * (BULKHEAD_ACTION_PLATFORM - BULKHEAD_ACTION_HALT) +
                            BULKHEAD_ACTION_HALT);
    cells[1] =
        cpu_to_fdt32(d->health.max_restarts.given ? (uint32_t)d->health.max_restarts.value : HEALTH_MAX_RESTARTS);
    cells[2] = cpu_to_fdt32(d->health.within.given ? (uint32_t)d->health.within.value : HEALTH_WITHIN);
    for (unsigned i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        cells[3 + i] = cpu_to_fdt32(health_action(d, i));
    }
    cells[LAUNCH_HEALTH_CELLS - 1] =
        cpu_to_fdt32(d->health.storm_limit.given ? (uint32_t)d->health.storm_limit.value : HEALTH_STORM_LIMIT);
    must(fdt_property(fdt, LAUNCH_PROP_HEALTH, cells, sizeof(cells)));
}

static void put_devices(void *fdt, const struct domain *d)
{
    must(fdt_property_string(fdt, "passthrough", d->passthrough.count > 0 ? "enabled" : "disabled"));
    if (d->console.value == CONSOLE_VPL011) {
        must(fdt_property(fdt, "vpl011", NULL, 0));
    }
    if (d->nr_spis.given) {
        must(fdt_property_u32(fdt, "nr_spis", (uint32_t)d->nr_spis.value));
    }
}

/* The node of an end has its place in the list of channels as phandle. */
static uint32_t end_phandle(size_t channel, size_t end)
{
    return (uint32_t)(2 * channel + end + 1);
}

static void put_channels(struct arena *arena, void *fdt, const struct system *s, const struct domain *d)
{
    const struct channel *channel = s->channels.item;

    for (size_t i = 0; i < s->channels.count; i++) {
        const struct channel_end *end = channel[i].ends.item;
        for (size_t j = 0; j < 2; j++) {
            if (strcmp(end[j].domain.value, d->name.value) != 0) {
                continue;
            }
            fdt32_t cells[] = {cpu_to_fdt32((uint32_t)end[j].port.value), cpu_to_fdt32(end_phandle(i, 1 - j))};
            must(fdt_begin_node(fdt, arena_printf(arena, "evtchn@%" PRIu64, end[j].port.value)));
            must(fdt_property_string(fdt, "compatible", "xen,evtchn-v1"));
            must(fdt_property(fdt, "xen,evtchn", cells, sizeof(cells)));
            must(fdt_property_string(fdt, LAUNCH_PROP_NAME, channel[i].name.value));
            if (end[j].min_interval.given) {
                put_cells(fdt, LAUNCH_PROP_MIN_INTERVAL, &end[j].min_interval.value, 1);
            }
            must(fdt_property_u32(fdt, "phandle", end_phandle(i, j)));
            must(fdt_end_node(fdt));
        }
    }
}

static void put_share(struct arena *arena, void *fdt, const struct share *share, const struct share_use *use)
{
    const uint64_t placed[] = {share->base.value, use->address.value, share->size.value};
    unsigned skip = share->base.given ? 0 : 1;

    must(fdt_begin_node(fdt, arena_printf(arena, "shared@%" PRIx64, use->address.value)));
    must(fdt_property_string(fdt, "compatible", "xen,domain-shared-memory-v1"));
    must(fdt_property_string(fdt, "xen,shm-id", share->name.value));
    put_cells(fdt, "xen,shared-mem", &placed[skip], 3 - skip);
    if (share->owner.given) {
        bool is_owner = strcmp(share->owner.value, use->domain.value) == 0;
        must(fdt_property_string(fdt, "role", is_owner ? "owner" : "borrower"));
    }
    if (use->read_only.value) {
        must(fdt_property(fdt, LAUNCH_PROP_READ_ONLY, NULL, 0));
    }
    must(fdt_end_node(fdt));
}

static void put_shares(struct arena *arena, void *fdt, const struct system *s, const struct domain *d)
{
    const struct share *share = s->shared_memory.item;

    for (size_t i = 0; i < s->shared_memory.count; i++) {
        const struct share_use *use = share[i].domains.item;
        for (size_t j = 0; j < share[i].domains.count; j++) {
            if (strcmp(use[j].domain.value, d->name.value) == 0) {
                put_share(arena, fdt, &share[i], &use[j]);
            }
        }
    }
}

/* Behind those of the channels' ends. */
static uint32_t pool_phandle(size_t index)
{
    return 0x10000u + (uint32_t)index;
}

/* [impl->dsn~tool-pools~1] */
static void put_schedule(void *fdt, const struct system *s, const struct pool *pool, size_t number)
{
    static const char *const names[BULKHEAD_SCHEDULES] = {LAUNCH_PROP_SCHEDULE "-0", LAUNCH_PROP_SCHEDULE "-1",
                                                          LAUNCH_PROP_SCHEDULE "-2", LAUNCH_PROP_SCHEDULE "-3"};
    fdt32_t cells[3 * BULKHEAD_WINDOWS];
    struct pool_plan plan;

    pools_lay_out(s, pools_schedule(pool, number), &plan);
    for (size_t i = 0; i < plan.count; i++) {
        cells[3 * i] = cpu_to_fdt32((uint32_t)(plan.window[i].end >> 32));
        cells[3 * i + 1] = cpu_to_fdt32((uint32_t)plan.window[i].end);
        cells[3 * i + 2] = cpu_to_fdt32(plan.window[i].domain == NULL ? 0 : plan.window[i].domain->partition);
    }
    must(fdt_property(fdt, names[number], cells, (int)(plan.count * 3 * sizeof(cells[0]))));
}

static void put_pool(struct arena *arena, void *fdt, const struct system *s, size_t index)
{
    static const char *const policies[] = {
        [POLICY_SHARE] = "credit", [POLICY_NULL] = "null", [POLICY_ARINC653] = "arinc653", [POLICY_RTDS] = "rtds"};
    const struct pool *pool = system_pool(s, index);
    const struct number *cpu = pool->cpus.item;
    const char *cpus = "";

    for (size_t i = 0; i < pool->cpus.count; i++) {
        cpus = arena_printf(arena, "%s%s%" PRIu64, cpus, i == 0 ? "" : ",", cpu[i].value);
    }
    must(fdt_begin_node(fdt, pool->name.value));
    must(fdt_property_string(fdt, "compatible", "xen,cpupool"));
    must(fdt_property_u32(fdt, "phandle", pool_phandle(index)));
    must(fdt_property_string(fdt, "cpupool-sched", policies[pool->policy.value]));
    must(fdt_property_string(fdt, LAUNCH_PROP_CPUS, cpus));
    if (pool->policy.value == POLICY_ARINC653) {
        must(fdt_property_u64(fdt, LAUNCH_PROP_GUARD, pool->guard.value));
        for (size_t i = 0; pools_schedule(pool, i) != NULL; i++) {
            put_schedule(fdt, s, pool, i);
        }
    }
    must(fdt_end_node(fdt));
}

static void put_time(void *fdt, const struct system *s, const struct domain *d)
{
    const struct pool *pool = pools_of(s, d);

    if (pool == NULL) {
        return;
    }
    must(fdt_property_u32(fdt, "domain-cpupool", pool_phandle((size_t)(pool - system_pool(s, 0)))));
    if (d->partition != 0) {
        must(fdt_property_u32(fdt, LAUNCH_PROP_PARTITION, d->partition));
    }
    if (pool->policy.value == POLICY_RTDS) {
        must(fdt_property_u32(fdt, LAUNCH_PROP_PERIOD, (uint32_t)(d->period.value / 1000)));
        must(fdt_property_u32(fdt, LAUNCH_PROP_BUDGET, (uint32_t)(d->budget.value / 1000)));
        if (d->extra_time.value) {
            must(fdt_property(fdt, LAUNCH_PROP_EXTRA, NULL, 0));
        }
    }
}

static void put_domain(struct arena *arena, void *fdt, const struct system *s, const struct domain *d)
{
    uint64_t memory = d->memory.value / 1024;

    must(fdt_begin_node(fdt, d->name.value));
    must(fdt_property_string(fdt, "compatible", "xen,domain"));
    must(fdt_property_string(fdt, LAUNCH_PROP_NAME, d->name.value));
    put_cells(fdt, "memory", &memory, 1);
    must(fdt_property_u32(fdt, "cpus", (uint32_t)d->vcpus.value));
    put_role(fdt, d);
    put_label(fdt, s, d);
    put_time(fdt, s, d);
    put_health(fdt, d);
    put_devices(fdt, d);
    devices_put_properties(fdt, d);
    put_grants(arena, fdt, &d->grants);
    if (d->direct_map.value) {
        must(fdt_property(fdt, "direct-map", NULL, 0));
    }
    if (d->after.count > 0) {
        put_names(arena, fdt, LAUNCH_PROP_AFTER, &d->after);
    }
    if (d->static_memory.count > 0) {
        put_static_memory(fdt, d);
    } else {
        put_address_cells(fdt);
    }
    if (d->cpus.given || !s->is_later) {
        put_vcpus(arena, fdt, d);
    }
    put_channels(arena, fdt, s, d);
    put_shares(arena, fdt, s, d);
    for (unsigned kind = 0; kind < MODULE_KINDS; kind++) {
        put_module(arena, fdt, d, kind);
    }
    devices_put_nodes(arena, fdt, d);
    must(fdt_end_node(fdt));
}

static size_t tree_bound(const struct system *s)
{
    size_t bound = 4096 + BULKHEAD_RIGHT_COUNT * 64 + s->channels.count * 512 +
                   s->shared_memory.count * LAUNCH_MAX_SHARE_USES * 256 +
                   s->pools.count * (1024 + BULKHEAD_SCHEDULES * BULKHEAD_WINDOWS * 12);

    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *d = system_domain(s, i);
        const struct text *after = d->after.item;
        bound += 2048 + BULKHEAD_RIGHT_COUNT * 64 + devices_bound(d) + d->vcpus.value * 128 +
                 d->static_memory.count * 16 + (d->bootargs.given ? strlen(d->bootargs.value) : 0);
        for (size_t j = 0; j < d->after.count; j++) {
            bound += strlen(after[j].value) + 4;
        }
    }
    return bound;
}

struct bytes launch_tree(struct arena *arena, const struct system *s)
{
    size_t bound = tree_bound(s);
    void *fdt = arena_alloc(arena, bound, 1);

    must(fdt_create(fdt, (int)bound));
    must(fdt_finish_reservemap(fdt));
    must(fdt_begin_node(fdt, ""));
    put_address_cells(fdt);
    must(fdt_property_string(fdt, "model", s->name.value));
    must(fdt_begin_node(fdt, "chosen"));
    put_address_cells(fdt);
    must(fdt_property_u32(fdt, LAUNCH_PROP_VERSION, LAUNCH_VERSION));
    must(fdt_property_string(fdt, LAUNCH_PROP_ONFAILURE, s->on_failure.value == ON_FAILURE_HALT ? "halt" : "continue"));
    if (s->reboot.value == REBOOT_IMMEDIATE) {
        must(fdt_property_string(fdt, LAUNCH_PROP_REBOOT, "immediate"));
    }
    dynamic_put(arena, fdt, s);
    for (size_t i = 0; i < s->pools.count; i++) {
        put_pool(arena, fdt, s, i);
    }
    put_grants(arena, fdt, &s->grants);
    for (size_t i = 0; i < s->domains.count; i++) {
        put_domain(arena, fdt, s, system_domain(s, i));
    }
    must(fdt_end_node(fdt));
    must(fdt_end_node(fdt));
    must(fdt_finish(fdt));
    return (struct bytes){.data = fdt, .size = fdt_totalsize(fdt)};
}

/* True when an earlier module put the same member into the archive. */
static bool is_repeated(const struct system *s, size_t domain, unsigned kind)
{
    const char *member = system_domain(s, domain)->module[kind].member;

    for (size_t i = 0; i <= domain; i++) {
        for (unsigned j = 0; j < (i == domain ? kind : MODULE_KINDS); j++) {
            const struct module *m = &system_domain(s, i)->module[j];
            if (m->path != NULL && strcmp(m->member, member) == 0) {
                return true;
            }
        }
    }
    return false;
}

void launch_archive(struct arena *arena, const struct system *s, struct buffer *out)
{
    struct cpio_writer writer = {.out = out};

    cpio_add(&writer, LAUNCH_DTB_MEMBER, launch_tree(arena, s), 4, false);
    if (s->matrix != NULL) {
        cpio_add(&writer, BULKHEAD_LABELS_FILE,
                 (struct bytes){.data = (const uint8_t *)s->matrix, .size = sizeof(*s->matrix)}, 4, false);
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        for (unsigned kind = 0; kind < MODULE_KINDS; kind++) {
            const struct module *m = &system_domain(s, i)->module[kind];
            if (m->path != NULL && !m->has_address && !is_repeated(s, i, kind)) {
                cpio_add(&writer, m->member, m->data, m->is_moved ? LAUNCH_MODULE_ALIGN : 4, m->is_moved);
            }
        }
    }
    cpio_finish(&writer);
}
