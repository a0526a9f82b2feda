/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <libfdt.h>

#include <bulkhead/label.h>

#include "guest_layout.h"
#include "plan_internal.h"
#include "text.h"

#define KIB                 UINT64_C(1024)
#define MEMORY_MAX_KIB      ((LAYOUT_RAM0_SIZE + LAYOUT_RAM1_SIZE) / KIB)
#define NS_A_SECOND         UINT64_C(1000000000)
#define SPIS_MAX            960u
#define FRAMES_MAX          4096u
#define CAPABILITY_CONTROL  1u
#define CAPABILITY_HARDWARE 2u
#define CAPABILITY_STORE    4u
#define STORM_CELL          (LAUNCH_HEALTH_CELLS - 1u)
#define STORM_MOST          (BULKHEAD_STORM_WINDOWS * UINT16_MAX)

static const char *const roles[] = {
    [BULKHEAD_ROLE_DOMU] = "domu", [BULKHEAD_ROLE_HARDWARE] = "hardware", [BULKHEAD_ROLE_CONTROL] = "control"};

bool plan_set_name(char name[PLAN_NAME_BYTES], const char *text, uint32_t length)
{
    memset(name, 0, PLAN_NAME_BYTES);
    for (uint32_t i = 0; i < length && i < PLAN_NAME_BYTES - 1; i++) {
        char c = text[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '.' || c == '-';
        name[i] = good ? c : '?';
    }
    return length >= 1 && length < PLAN_NAME_BYTES && strchr(name, '?') == NULL;
}

bool plan_node_name(const void *fdt, int node, char name[PLAN_NAME_BYTES])
{
    int length = 0;
    const char *text = fdt_get_name(fdt, node, &length);

    if (text == NULL) {
        return false;
    }
    const char *unit = memchr(text, '@', (size_t)length);
    return plan_set_name(name, text, (unit == NULL) ? (uint32_t)length : (uint32_t)(unit - text));
}

static void read_memory(struct plan_reader *reader, const struct prop *prop)
{
    uint64_t kib = 0;

    if (!prop_u64(prop, &kib)) {
        return;
    }
    if (kib == 0 || kib > MEMORY_MAX_KIB || kib % (LAYOUT_PAGE / KIB) != 0) {
        log_problem(prop->domain, "memory is %lu KiB; write a multiple of 4 up to %lu", (unsigned long)kib,
                    (unsigned long)MEMORY_MAX_KIB);
        return;
    }
    reader->domain->memory = kib * KIB;
}

static void read_bounded(const struct prop *prop, uint32_t low, uint32_t high, uint32_t *to)
{
    uint32_t value = 0;

    if (!prop_u32(prop, &value)) {
        return;
    }
    if (value < low || value > high) {
        log_problem(prop->domain, "%s is %u; write %u to %u", prop->name, value, low, high);
        return;
    }
    *to = value;
}

static void read_cpus(struct plan_reader *reader, const struct prop *prop)
{
    read_bounded(prop, 1, LAYOUT_MAX_VCPUS, &reader->domain->vcpus);
}

static void read_spis(struct plan_reader *reader, const struct prop *prop)
{
    read_bounded(prop, 0, SPIS_MAX, &reader->domain->spis);
}

static void read_grant_frames(struct plan_reader *reader, const struct prop *prop)
{
    read_bounded(prop, 1, FRAMES_MAX, &reader->domain->grant_frames);
}

static void read_maptrack_frames(struct plan_reader *reader, const struct prop *prop)
{
    read_bounded(prop, 0, FRAMES_MAX, &reader->domain->maptrack_frames);
}

static void read_paging(struct plan_reader *reader, const struct prop *prop)
{
    uint32_t mib = 0;

    read_bounded(prop, 1, 4096, &mib);
    reader->domain->paging = (uint64_t)mib * KIB * KIB;
}

static void read_vpl011(struct plan_reader *reader, const struct prop *prop)
{
    (void)prop;
    reader->domain->flags |= BULKHEAD_DOMAIN_VPL011;
}

static void read_direct_map(struct plan_reader *reader, const struct prop *prop)
{
    (void)prop;
    reader->domain->flags |= BULKHEAD_DOMAIN_DIRECT;
}

static void read_safe(struct plan_reader *reader, const struct prop *prop)
{
    (void)prop;
    reader->domain->flags |= BULKHEAD_DOMAIN_SAFE;
}

static void read_keep(struct plan_reader *reader, const struct prop *prop)
{
    (void)prop;
    reader->domain->keep_modules = true;
}

static void read_verify(struct plan_reader *reader, const struct prop *prop)
{
    (void)prop;
    reader->domain->verify = true;
}

static void read_health(struct plan_reader *reader, const struct prop *prop)
{
    struct bulkhead_health *h = &reader->domain->health;
    uint64_t cells[LAUNCH_HEALTH_CELLS];
    bool good = prop->size == sizeof(uint32_t) * LAUNCH_HEALTH_CELLS;

    for (uint32_t i = 0; good && i < LAUNCH_HEALTH_CELLS; i++) {
        good = prop_cells(prop, i * (uint32_t)sizeof(uint32_t), 1, &cells[i]) &&
               (i == 1 || i == 2 || i == STORM_CELL || cells[i] < BULKHEAD_ACTION_COUNT);
    }
    if (!good ||
        (cells[STORM_CELL] != 0 && (cells[STORM_CELL] < BULKHEAD_STORM_WINDOWS || cells[STORM_CELL] > STORM_MOST))) {
        log_problem(prop->domain,
                    "%s is not <fallback max within>, 10 actions below %u and a limit of 0 or %u to %u; write 14 cells",
                    prop->name, (unsigned)BULKHEAD_ACTION_COUNT, (unsigned)BULKHEAD_STORM_WINDOWS,
                    (unsigned)STORM_MOST);
        return;
    }
    h->fallback = (uint8_t)cells[0];
    h->max_restarts = (uint32_t)cells[1];
    h->within = cells[2] * NS_A_SECOND;
    for (uint32_t i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        h->action[i] = (uint8_t)cells[3 + i];
    }
    h->storm = (uint16_t)(cells[STORM_CELL] / BULKHEAD_STORM_WINDOWS);
    reader->domain->has_health = true;
}

static void read_argo(struct plan_reader *reader, const struct prop *prop)
{
    const char *text = prop_string(prop);

    if (text != NULL && strcmp(text, "partners") != 0 && strcmp(text, "any") != 0) {
        log_problem(prop->domain, "%s is '%s'; write \"partners\" or \"any\"", prop->name, text);
    } else if (text != NULL) {
        reader->domain->flags |= BULKHEAD_DOMAIN_ARGO | ((text[0] == 'a') ? BULKHEAD_DOMAIN_ARGO_ANY : 0u);
    }
}

static void read_passthrough(struct plan_reader *reader, const struct prop *prop)
{
    const char *text = prop_string(prop);

    (void)reader;
    if (text != NULL && strcmp(text, "enabled") != 0 && strcmp(text, "disabled") != 0) {
        log_problem(prop->domain, "passthrough is '%s'; write \"enabled\" or \"disabled\"", text);
    }
}

static void read_capabilities(struct plan_reader *reader, const struct prop *prop)
{
    uint32_t bits = 0;

    if (!prop_u32(prop, &bits)) {
        return;
    }
    if ((bits & ~(CAPABILITY_CONTROL | CAPABILITY_HARDWARE | CAPABILITY_STORE)) != 0 ||
        (bits & (CAPABILITY_CONTROL | CAPABILITY_HARDWARE)) == (CAPABILITY_CONTROL | CAPABILITY_HARDWARE)) {
        log_problem(prop->domain, "%s is %u; write 0 (none), 1 (control) or 2 (hardware): one domain has one role",
                    prop->name, bits);
        return;
    }
    if ((bits & CAPABILITY_STORE) != 0) {
        reader->domain->serves = PLAN_SERVES_STORE;
    }
    if ((bits & CAPABILITY_CONTROL) != 0) {
        reader->domain->role = BULKHEAD_ROLE_CONTROL;
    } else if ((bits & CAPABILITY_HARDWARE) != 0) {
        reader->domain->role = BULKHEAD_ROLE_HARDWARE;
    }
}

static void read_name(struct plan_reader *reader, const struct prop *prop)
{
    const char *text = prop_string(prop);

    if (text != NULL && !plan_set_name(reader->domain->name, text, prop->size - 1)) {
        log_problem(reader->domain->name, "the name is not 1 to 31 of A-Z a-z 0-9 _ . -; write another");
    }
}

static void read_role(struct plan_reader *reader, const struct prop *prop)
{
    const char *text = prop_string(prop);

    if (text == NULL) {
        return;
    }
    for (uint32_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(text, roles[i]) == 0) {
            reader->domain->role = (enum bulkhead_role)i;
            return;
        }
    }
    log_problem(prop->domain, LAUNCH_PROP_ROLE " is '%s'; write \"domu\", \"hardware\" or \"control\"", text);
}

static void add_fixed(struct plan_domain *domain, uint64_t base, uint64_t size)
{
    if (size == 0 || ((base | size) & (LAYOUT_PAGE - 1)) != 0 || base + size < base) {
        log_problem(domain->name, "xen,static-mem range 0x%lx, 0x%lx bytes: not whole 4 KiB pages; align it",
                    (unsigned long)base, (unsigned long)size);
        return;
    }
    if (domain->fixed_count == PLAN_MAX_FIXED) {
        log_problem(domain->name, "xen,static-mem has more than %u ranges; join some", PLAN_MAX_FIXED);
        return;
    }
    domain->fixed[domain->fixed_count] = (struct board_range){.base = base, .size = size};
    domain->fixed_count++;
}

static void read_static_memory(struct plan_reader *reader, const struct prop *prop)
{
    uint32_t address_cells;
    uint32_t size_cells;

    if (!prop_cell_sizes(prop->fdt, prop->node, prop->domain, &address_cells, &size_cells)) {
        return;
    }
    uint32_t step = (address_cells + size_cells) * (uint32_t)sizeof(uint32_t);
    if (prop->size == 0 || prop->size % step != 0) {
        log_problem(prop->domain, "%s has %u bytes, not a multiple of %u; write <base size> pairs", prop->name,
                    prop->size, step);
        return;
    }
    for (uint32_t at = 0; at < prop->size; at += step) {
        uint64_t base = 0;
        uint64_t size = 0;
        if (prop_cells(prop, at, address_cells, &base) &&
            prop_cells(prop, at + address_cells * (uint32_t)sizeof(uint32_t), size_cells, &size)) {
            add_fixed(reader->domain, base, size);
        }
    }
}

static void read_partition(struct plan_reader *reader, const struct prop *prop)
{
    uint32_t partition = 0;

    read_bounded(prop, 1, BULKHEAD_PARTITIONS, &partition);
    reader->domain->flags |= BULKHEAD_DOMAIN_PARTITION(partition);
}

static void read_label(struct plan_reader *reader, const struct prop *prop)
{
    read_bounded(prop, 0, BULKHEAD_LABELS - 1, &reader->domain->label);
}

static void read_period(struct plan_reader *reader, const struct prop *prop)
{
    prop_u32(prop, &reader->domain->period);
}

static void read_budget(struct plan_reader *reader, const struct prop *prop)
{
    prop_u32(prop, &reader->domain->budget);
}

static void read_extra_time(struct plan_reader *reader, const struct prop *prop)
{
    (void)prop;
    reader->domain->extra_time = true;
}

static const struct {
    const char *name;
    void (*read)(struct plan_reader *reader,
                 const struct prop *prop); /* NULL: known, read elsewhere or without effect */
} properties[] = {
    {"memory", read_memory},
    {"cpus", read_cpus},
    {"vpl011", read_vpl011},
    {"nr_spis", read_spis},
    {"capabilities", read_capabilities},
    {"permissions", read_capabilities}, /* hyperlaunch */
    {"direct-map", read_direct_map},
    {"xen,static-mem", read_static_memory},
    {"passthrough", read_passthrough},
    {"domain-cpupool", plan_read_pool},
    {LAUNCH_PROP_PARTITION, read_partition},
    {LAUNCH_PROP_LABEL, read_label},
    {LAUNCH_PROP_PERIOD, read_period},
    {LAUNCH_PROP_BUDGET, read_budget},
    {LAUNCH_PROP_EXTRA, read_extra_time},
    {"max_grant_frames", read_grant_frames},
    {"max_maptrack_frames", read_maptrack_frames},
    {"xen,domain-p2m-mem-mb", read_paging},
    {"xen,enhanced", plan_read_enhanced},
    {LAUNCH_PROP_CONSOLE, plan_read_console},
    {LAUNCH_PROP_SERVES, plan_read_serves},
    {LAUNCH_PROP_ROLE, read_role},
    {LAUNCH_PROP_SAFE, read_safe},
    {LAUNCH_PROP_KEEP, read_keep},
    {LAUNCH_PROP_VERIFY, read_verify},
    {LAUNCH_PROP_HEALTH, read_health},
    {LAUNCH_PROP_ARGO, read_argo},
    {LAUNCH_PROP_NAME, NULL},
    {LAUNCH_PROP_AFTER, NULL},
    {LAUNCH_PROP_GRANTS, NULL},
    {"compatible", NULL},
    {"#address-cells", NULL},
    {"#size-cells", NULL},
    {"#xen,static-mem-address-cells", NULL},
    {"#xen,static-mem-size-cells", NULL},
    {"vpmu", NULL},
    {"phandle", NULL},
    {"functions", NULL},   /* hyperlaunch */
    {"domain-uuid", NULL}, /* hyperlaunch */
};

static void read_property(struct plan_reader *reader, const struct prop *prop)
{
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (strcmp(prop->name, properties[i].name) == 0) {
            if (properties[i].read != NULL) {
                properties[i].read(reader, prop);
            }
            return;
        }
    }
    log_notice(prop->domain, "property '%s' is not known; it has no effect", prop->name);
}

static void read_properties(struct plan_reader *reader)
{
    const void *fdt = reader->context->fdt;
    int offset;

    fdt_for_each_property_offset(offset, fdt, reader->node)
    {
        struct prop prop = {.fdt = fdt, .node = reader->node, .domain = reader->domain->name};
        int size = 0;
        prop.data = fdt_getprop_by_offset(fdt, offset, &prop.name, &size);
        prop.size = (uint32_t)size;
        if (prop.data != NULL) {
            read_property(reader, &prop);
        }
    }
}

/* "id" and "hard-affinity" of a node compatible with "xen,vcpu". */
static void read_vcpu(struct plan_reader *reader, int node)
{
    struct plan_domain *domain = reader->domain;
    const void *fdt = reader->context->fdt;
    struct prop prop;
    uint32_t id = 0;
    uint64_t cpus = 0;

    if (!prop_find(&prop, fdt, node, domain->name, "id") || !prop_u32(&prop, &id) || id >= domain->vcpus) {
        log_problem(domain->name, "node '%s': id is missing or not below cpus (%u); write <0> to <%u>",
                    fdt_get_name(fdt, node, NULL), domain->vcpus, domain->vcpus - 1);
        return;
    }
    if (!prop_find(&prop, fdt, node, domain->name, "hard-affinity")) {
        return;
    }
    const char *text = prop_string(&prop);
    if (text == NULL) {
        return;
    }
    if (!prop_parse_cpus(text, &cpus)) {
        log_problem(domain->name, "vCPU %u: hard-affinity is '%s'; write CPU numbers and ranges, as \"0,2-3\"", id,
                    text);
        return;
    }
    uint32_t board_cpus = reader->context->board->cpu_count;
    if (board_cpus < 64 && (cpus >> board_cpus) != 0) {
        log_problem(domain->name, "vCPU %u: hard-affinity is '%s', but the board has %u CPUs; write 0 to %u", id, text,
                    board_cpus, board_cpus - 1);
        return;
    }
    reader->plan->affinity[domain->first_vcpu + id] = cpus;
}

static void read_subnodes(struct plan_reader *reader)
{
    const void *fdt = reader->context->fdt;
    int node;

    fdt_for_each_subnode(node, fdt, reader->node)
    {
        if (fdt_node_check_compatible(fdt, node, "xen,vcpu") == 0) {
            read_vcpu(reader, node);
        } else if (fdt_node_check_compatible(fdt, node, "multiboot,module") == 0 ||
                   fdt_node_check_compatible(fdt, node, "module") == 0) {
            plan_read_module(reader, node);
        } else if (fdt_node_check_compatible(fdt, node, "xen,evtchn-v1") != 0 &&
                   fdt_node_check_compatible(fdt, node, "xen,domain-shared-memory-v1") != 0 &&
                   fdt_node_check_compatible(fdt, node, "bulkhead,disk") != 0 &&
                   fdt_node_check_compatible(fdt, node, "bulkhead,nic") != 0) {
            log_notice(reader->domain->name, "node '%s' is not known; it has no effect", fdt_get_name(fdt, node, NULL));
        }
    }
}

/* Room for the vCPUs' affinities: the pool's CPUs until a vcpu node says otherwise. */
static bool take_vcpus(struct plan *plan, struct plan_domain *domain)
{
    if (domain->vcpus > PLAN_MAX_VCPUS - plan->vcpu_count) {
        log_problem(domain->name, "more than %u vCPUs in all domains; give fewer", PLAN_MAX_VCPUS);
        return false;
    }
    domain->first_vcpu = plan->vcpu_count;
    plan->vcpu_count += domain->vcpus;
    for (uint32_t i = 0; i < domain->vcpus; i++) {
        plan->affinity[domain->first_vcpu + i] = domain->pool_cpus;
    }
    return true;
}

static void set_defaults(struct plan_domain *domain)
{
    domain->grant_frames = PLAN_GRANT_FRAMES;
    domain->maptrack_frames = PLAN_MAPTRACK_FRAMES;
    domain->xen_node = true;
}

void plan_read_domain(struct plan_reader *reader)
{
    struct plan_domain *domain = reader->domain;
    const void *fdt = reader->context->fdt;
    uint32_t before = log_problem_count();
    struct prop prop;

    set_defaults(domain);
    bool named = plan_node_name(fdt, reader->node, domain->name);
    if (prop_find(&prop, fdt, reader->node, domain->name, LAUNCH_PROP_NAME)) {
        read_name(reader, &prop);
    } else if (!named) {
        log_problem(domain->name, "the node's name is not 1 to 31 of A-Z a-z 0-9 _ . -; add " LAUNCH_PROP_NAME);
    }
    read_properties(reader);
    if (domain->memory == 0 && fdt_getprop(fdt, reader->node, "memory", NULL) == NULL) {
        log_problem(domain->name, "no memory; write memory = <high low> in KiB");
    }
    if (domain->vcpus == 0) {
        if (fdt_getprop(fdt, reader->node, "cpus", NULL) == NULL) {
            log_problem(domain->name, "no cpus; write cpus = <number of vCPUs>");
        }
        return;
    }
    if (!take_vcpus(reader->plan, domain)) {
        return;
    }
    if ((domain->flags & BULKHEAD_DOMAIN_VPL011) != 0 && domain->spis == 0) {
        domain->spis = LAYOUT_PL011_SPI - 32 + 1;
    }
    read_subnodes(reader);
    bool has_devices = domain->modules[PLAN_DEVICE_TREE].name[0] != '\0';
    if (has_devices && fdt_getprop(fdt, reader->node, "nr_spis", NULL) == NULL) {
        domain->spis = reader->context->board->gic_spis; /* its devices keep their numbers */
    }
    if (domain->modules[PLAN_KERNEL].name[0] == '\0' && log_problem_count() == before) {
        log_problem(domain->name, "no kernel; add a module compatible with \"multiboot,kernel\"");
    }
}
