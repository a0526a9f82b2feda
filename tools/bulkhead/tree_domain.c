// SPDX-License-Identifier: Apache-2.0
/* The domains of a dom0less or hyperlaunch device tree, and of our own launch.dtb, which has the same form. */
#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "dynamic.h"
#include "tree_internal.h"

#define PERMISSION_CONTROL  1u
#define PERMISSION_HARDWARE 2u

void tree_note(const struct tree_reader *r, const char *what)
{
    diag_note(r->tree->diags, tree_here(r), "import-unexpressed", "%s: %s", tree_path(r->tree, r->node), what);
    *r->unexpressed += 1;
}

void tree_wrong(const struct tree_reader *r, const char *what)
{
    diag_error(r->tree->diags, tree_here(r), "import-domain", "%s: %s", tree_path(r->tree, r->node), what);
}

static void take_memory(const struct tree_reader *r, const char *name)
{
    int length = 0;
    uint64_t kib = 0;

    fdt_getprop(r->tree->fdt, r->node, name, &length);
    if (!tree_number(r->tree, r->node, name, 0, length >= 8 ? 2 : 1, &kib) || kib > UINT64_MAX / 1024) {
        tree_wrong(r, "`memory` is no number of KiB; write <0 KIB>");
        return;
    }
    r->domain->memory = tree_number_here(r, kib * 1024);
}

static void take_vcpus(const struct tree_reader *r, const char *name)
{
    uint64_t count;

    if (!tree_number(r->tree, r->node, name, 0, 1, &count) || count < 1 || count > DOMAIN_VCPUS_MAX) {
        tree_wrong(r, "`cpus` is no number from 1 to 128; write <COUNT>");
        return;
    }
    r->domain->vcpus = tree_number_here(r, count);
}

static void take_console(const struct tree_reader *r, const char *name)
{
    (void)name;
    r->domain->console = tree_number_here(r, CONSOLE_VPL011);
}

static void take_spis(const struct tree_reader *r, const char *name)
{
    uint64_t count;

    if (!tree_number(r->tree, r->node, name, 0, 1, &count) || count > 988) {
        tree_wrong(r, "`nr_spis` is no number up to 988; write <COUNT>");
        return;
    }
    r->domain->nr_spis = tree_number_here(r, count);
}

static void take_direct_map(const struct tree_reader *r, const char *name)
{
    (void)name;
    r->domain->direct_map = (struct flag){.value = true, .at = tree_here(r), .given = true};
}

static void take_safe(const struct tree_reader *r, const char *name)
{
    (void)name;
    r->domain->safe = (struct flag){.value = true, .at = tree_here(r), .given = true};
}

static void take_argo(const struct tree_reader *r, const char *name)
{
    const char *text = tree_text(r->tree, r->node, name);

    for (unsigned i = ARGO_PARTNERS; text != NULL && argo_choices[i] != NULL; i++) {
        if (strcmp(text, argo_choices[i]) == 0) {
            r->domain->argo = tree_number_here(r, i);
            return;
        }
    }
    tree_wrong(r, "`" LAUNCH_PROP_ARGO "` is neither \"partners\" nor \"any\"; write one of them");
}

static void take_label(const struct tree_reader *r, const char *name)
{
    uint64_t label;

    if (!tree_number(r->tree, r->node, name, 0, 1, &label) || label >= BULKHEAD_LABELS) {
        tree_wrong(r, "`" LAUNCH_PROP_LABEL "` is no number up to 31; write the number of a label");
        return;
    }
    r->domain->label = (uint32_t)label;
}

static void take_capabilities(const struct tree_reader *r, const char *name)
{
    uint64_t bits;

    if (!tree_number(r->tree, r->node, name, 0, 1, &bits)) {
        tree_wrong(r, "the capabilities are no number; write <BITS>");
        return;
    }
    if ((bits & ~(uint64_t)(PERMISSION_CONTROL | PERMISSION_HARDWARE)) != 0) {
        tree_note(r, "capabilities other than control and hardware have no counterpart");
    }
    if ((bits & PERMISSION_CONTROL) != 0 && (bits & PERMISSION_HARDWARE) != 0) {
        tree_wrong(r, "one domain cannot be Hardware and Control Domain at once; give the roles to two domains");
    } else if (bits != 0 && !r->domain->role.given) {
        r->domain->role = tree_number_here(r, (bits & PERMISSION_CONTROL) != 0 ? ROLE_CONTROL : ROLE_HARDWARE);
    }
}

static void take_role(const struct tree_reader *r, const char *name)
{
    const char *text = tree_text(r->tree, r->node, name);

    for (unsigned i = 0; text != NULL && role_choices[i] != NULL; i++) {
        if (strcmp(text, role_choices[i]) == 0) {
            r->domain->role = tree_number_here(r, i);
            return;
        }
    }
    tree_wrong(r, "the role is none of domu, hardware, control; write one of them");
}

static void take_name(const struct tree_reader *r, const char *name)
{
    const char *text = tree_text(r->tree, r->node, name);

    if (text == NULL) {
        tree_wrong(r, "the name is no text; write a string");
        return;
    }
    r->domain->name.value = text;
}

static void take_after(const struct tree_reader *r, const char *name)
{
    int count = fdt_stringlist_count(r->tree->fdt, r->node, name);

    if (count < 0 || count > LAUNCH_MAX_DOMAINS) {
        tree_wrong(r, "the list of predecessors is damaged; write names of domains");
        return;
    }
    struct text *names = arena_alloc(r->tree->arena, (size_t)count + 1, sizeof(*names));
    for (int i = 0; i < count; i++) {
        names[i] = (struct text){
            .value = fdt_stringlist_get(r->tree->fdt, r->node, name, i, NULL), .at = tree_here(r), .given = true};
    }
    r->domain->after = (struct items){.item = names, .count = (size_t)count, .at = tree_here(r), .given = true};
}

static void take_static_memory(const struct tree_reader *r, const char *name)
{
    int length = 0;
    unsigned address = tree_cells(r->tree, r->node, "#xen,static-mem-address-cells",
                                  tree_cells(r->tree, r->node, "#address-cells", 2));
    unsigned size =
        tree_cells(r->tree, r->node, "#xen,static-mem-size-cells", tree_cells(r->tree, r->node, "#size-cells", 2));

    fdt_getprop(r->tree->fdt, r->node, name, &length);
    unsigned count = (unsigned)length / (4 * (address + size));
    if (length <= 0 || (unsigned)length % (4 * (address + size)) != 0 || count > KEY_MAX_ITEMS) {
        tree_wrong(r, "`xen,static-mem` does not hold whole ranges; write <BASE SIZE ...>");
        return;
    }
    struct range *ranges = arena_alloc(r->tree->arena, count, sizeof(*ranges));
    for (unsigned i = 0; i < count; i++) {
        uint64_t base = 0;
        uint64_t bytes = 0;
        tree_number(r->tree, r->node, name, i * (address + size), address, &base);
        tree_number(r->tree, r->node, name, i * (address + size) + address, size, &bytes);
        if (base >> 52 != 0 || bytes >> 52 != 0) {
            tree_wrong(r, "`xen,static-mem` lies beyond every memory; write an address below 2^52");
            return;
        }
        ranges[i] =
            (struct range){.base = tree_number_here(r, base), .size = tree_number_here(r, bytes), .at = tree_here(r)};
    }
    r->domain->static_memory = (struct items){.item = ranges, .count = count, .at = tree_here(r), .given = true};
}

static void take_passthrough(const struct tree_reader *r, const char *name)
{
    const char *text = tree_text(r->tree, r->node, name);

    if (text == NULL || strcmp(text, "disabled") != 0) {
        tree_note(r,
                  "`passthrough` is on, yet the devices are in the partial device tree; name them below `passthrough`");
    }
}

static void take_nothing(const struct tree_reader *r, const char *name)
{
    (void)r;
    (void)name;
}

static void take_enhanced(const struct tree_reader *r, const char *name)
{
    const char *text = tree_text(r->tree, r->node, name);

    if (text != NULL && strcmp(text, "disabled") == 0) {
        tree_note(r, "`xen,enhanced` is disabled; the domain will see the Xen interface all the same");
    }
}

/* CPUs of a pool, as their position below /cpus. */
static void take_pool(const struct tree_reader *r, const char *name)
{
    uint64_t phandle = 0;
    uint64_t cpu;
    struct number *list = arena_alloc(r->tree->arena, BOARD_MAX_CPUS, sizeof(*list));
    size_t count = 0;

    tree_number(r->tree, r->node, name, 0, 1, &phandle);
    int pool = fdt_node_offset_by_phandle(r->tree->fdt, (uint32_t)phandle);
    if (pool >= 0 && tree_text(r->tree, pool, LAUNCH_PROP_CPUS) != NULL) {
        r->domain->pool =
            (struct text){.value = fdt_get_name(r->tree->fdt, pool, NULL), .at = tree_here(r), .given = true};
        return; /* tree_read_pools() reads it */
    }
    for (unsigned i = 0; pool >= 0 && i < BOARD_MAX_CPUS && tree_number(r->tree, pool, "cpupool-cpus", i, 1, &cpu);
         i++) {
        int wanted = fdt_node_offset_by_phandle(r->tree->fdt, (uint32_t)cpu);
        int node;
        unsigned position = 0;
        fdt_for_each_subnode(node, r->tree->fdt, fdt_path_offset(r->tree->fdt, "/cpus"))
        {
            const char *type = tree_text(r->tree, node, "device_type");
            if (node == wanted && position < BOARD_MAX_CPUS) {
                list[count++] = tree_number_here(r, position);
            }
            position += type != NULL && strcmp(type, "cpu") == 0;
        }
    }
    if (count == 0) {
        tree_wrong(r, "`domain-cpupool` names no pool with CPUs; write the phandle of a `xen,cpupool` node");
        return;
    }
    r->domain->cpus = (struct items){.item = list, .count = count, .at = tree_here(r), .given = true};
}

static void take_serves(const struct tree_reader *r, const char *name)
{
    const char *text = tree_text(r->tree, r->node, name);

    r->domain->role = tree_number_here(r, text != NULL && strcmp(text, "console") == 0 ? ROLE_CONSOLE : ROLE_XENSTORE);
}

static void take_pv_console(const struct tree_reader *r, const char *name)
{
    (void)name;
    r->domain->console = tree_number_here(r, CONSOLE_PV);
}

static const struct {
    const char *name;
    void (*take)(const struct tree_reader *r, const char *name);
} properties[] = {
    {"compatible", take_nothing},
    {"#address-cells", take_nothing},
    {"#size-cells", take_nothing},
    {"#xen,static-mem-address-cells", take_nothing},
    {"#xen,static-mem-size-cells", take_nothing},
    {"phandle", take_nothing},
    {"domid", take_nothing},
    {"functions", take_nothing},
    {"memory", take_memory},
    {"cpus", take_vcpus},
    {"vpl011", take_console},
    {"nr_spis", take_spis},
    {"direct-map", take_direct_map},
    {"capabilities", take_capabilities},
    {"permissions", take_capabilities},
    {"xen,static-mem", take_static_memory},
    {"xen,enhanced", take_enhanced},
    {"passthrough", take_passthrough},
    {"domain-cpupool", take_pool},
    {LAUNCH_PROP_PARTITION, tree_take_partition},
    {LAUNCH_PROP_PERIOD, tree_take_period},
    {LAUNCH_PROP_BUDGET, tree_take_budget},
    {LAUNCH_PROP_EXTRA, tree_take_extra},
    {LAUNCH_PROP_NAME, take_name},
    {LAUNCH_PROP_ROLE, take_role},
    {LAUNCH_PROP_SERVES, take_serves},
    {LAUNCH_PROP_CONSOLE, take_pv_console},
    {LAUNCH_PROP_SAFE, take_safe},
    {LAUNCH_PROP_AFTER, take_after},
    {LAUNCH_PROP_KEEP, tree_take_keep},
    {LAUNCH_PROP_VERIFY, tree_take_verify},
    {LAUNCH_PROP_HEALTH, tree_take_health},
    {LAUNCH_PROP_ARGO, take_argo},
    {LAUNCH_PROP_LABEL, take_label},
};

static void take_property(const struct tree_reader *r, const char *name)
{
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (strcmp(properties[i].name, name) == 0) {
            properties[i].take(r, name);
            return;
        }
    }
    tree_note(r, arena_printf(r->tree->arena, "property `%s` has no counterpart and is left out", name));
}

static bool is_compatible(const struct tree *t, int node, const char *a, const char *b)
{
    return fdt_node_check_compatible(t->fdt, node, a) == 0 || fdt_node_check_compatible(t->fdt, node, b) == 0;
}

/* The kind of a module node; MODULE_KINDS when it is none. */
static unsigned module_kind(const struct tree *t, int node)
{
    if (is_compatible(t, node, "multiboot,kernel", "module,kernel")) {
        return MODULE_KERNEL;
    }
    if (is_compatible(t, node, "multiboot,ramdisk", "module,ramdisk")) {
        return MODULE_RAMDISK;
    }
    if (is_compatible(t, node, "multiboot,device-tree", "module,device-tree")) {
        return MODULE_DEVICE_TREE;
    }
    return MODULE_KINDS;
}

static void take_module_place(const struct tree_reader *r, int node, struct module *m)
{
    const struct tree *t = r->tree;
    unsigned address = tree_cells(t, r->node, "#address-cells", 2);
    unsigned size = tree_cells(t, r->node, "#size-cells", 1);
    const char *name = fdt_getprop(t->fdt, node, "reg", NULL) != NULL ? "reg" : "module-addr";
    uint64_t bytes = 0;

    m->member = tree_text(t, node, LAUNCH_PROP_MEMBER);
    m->path = m->member;
    if (m->member != NULL) {
        return;
    }
    if (!tree_number(t, node, name, 0, address, &m->address) || !tree_number(t, node, name, address, size, &bytes) ||
        bytes == 0 || m->address >> 52 != 0 || bytes >> 40 != 0) {
        diag_error(t->diags, m->at, "import-module", "%s: the module has no place; write reg = <ADDRESS SIZE>",
                   tree_path(t, node));
        return;
    }
    m->has_address = true;
    m->data.size = bytes;
    m->path = arena_printf(t->arena, "loaded-at-0x%" PRIx64, m->address);
}

static void take_module(const struct tree_reader *r, int node, unsigned kind)
{
    struct module *m = &r->domain->module[kind];
    const char *bootargs = tree_text(r->tree, node, "bootargs");

    if (m->at.file != NULL) {
        diag_error(r->tree->diags, tree_place(r->tree, node), "import-module",
                   "%s: the domain has two modules of this kind; keep one", tree_path(r->tree, node));
        return;
    }
    m->at = tree_place(r->tree, node);
    take_module_place(r, node, m);
    r->domain->file[kind] = (struct text){.value = m->path == NULL ? "" : m->path, .at = m->at, .given = true};
    if (kind == MODULE_KERNEL && bootargs != NULL) {
        r->domain->bootargs = (struct text){.value = bootargs, .at = m->at, .given = true};
    }
}

static void take_children(const struct tree_reader *r)
{
    int node;
    struct tree_affinity *all = arena_alloc(r->tree->arena, 1, sizeof(*all));

    fdt_for_each_subnode(node, r->tree->fdt, r->node)
    {
        unsigned kind = module_kind(r->tree, node);
        if (kind < MODULE_KINDS) {
            take_module(r, node, kind);
        } else if (fdt_node_check_compatible(r->tree->fdt, node, "xen,vcpu") == 0) {
            tree_take_vcpu(r, node, all);
        } else if (fdt_node_check_compatible(r->tree->fdt, node, "xen,evtchn-v1") == 0) {
            tree_take_channel(r, node);
        } else if (fdt_node_check_compatible(r->tree->fdt, node, "xen,domain-shared-memory-v1") == 0) {
            tree_take_share(r, node);
        } else {
            tree_note(r, arena_printf(r->tree->arena, "node `%s` has no counterpart and is left out",
                                      fdt_get_name(r->tree->fdt, node, NULL)));
        }
    }
    tree_settle_affinity(r, all);
}

static void take_domain(const struct tree_reader *r)
{
    int property;
    struct domain *d = r->domain;
    const char *name = fdt_get_name(r->tree->fdt, r->node, NULL);

    d->at = tree_here(r);
    d->name = (struct text){.value = name == NULL ? "" : name, .at = d->at, .given = true};
    d->console = tree_number_here(r, CONSOLE_NONE);
    fdt_for_each_property_offset(property, r->tree->fdt, r->node)
    {
        const char *property_name = NULL;
        if (fdt_getprop_by_offset(r->tree->fdt, property, &property_name, NULL) != NULL && property_name != NULL) {
            take_property(r, property_name);
        }
    }
    take_children(r);
    if (!d->file[MODULE_KERNEL].given) {
        tree_wrong(r, "the domain has no kernel; add a `multiboot,kernel` module");
    }
}

static void report_leftovers(const struct tree *t, int parent, struct tree_domains *result)
{
    int node;

    if (parent >= 0 && tree_text(t, parent, "xen,xen-bootargs") != NULL) {
        diag_note(t->diags, tree_place(t, parent), "import-unexpressed",
                  "%s: `xen,xen-bootargs` configures Xen and is left out", tree_path(t, parent));
        result->unexpressed++;
    }
    fdt_for_each_subnode(node, t->fdt, parent)
    {
        if (fdt_node_check_compatible(t->fdt, node, "xen,domain") != 0 && module_kind(t, node) != MODULE_KINDS) {
            diag_note(t->diags, tree_place(t, node), "import-unexpressed",
                      "%s: a module of dom0; describe it as a domain of its own", tree_path(t, node));
            result->unexpressed++;
        }
    }
}

struct tree_domains tree_read_domains(const struct tree *t, struct system *s)
{
    struct tree_domains result = {0};
    int chosen = fdt_path_offset(t->fdt, "/chosen");
    int parent = fdt_path_offset(t->fdt, "/chosen/hypervisor");
    int node;
    struct domain *domains = arena_alloc(t->arena, LAUNCH_MAX_DOMAINS, sizeof(*domains));
    const char *on_failure = chosen < 0 ? NULL : tree_text(t, chosen, LAUNCH_PROP_ONFAILURE);
    const char *reboot = chosen < 0 ? NULL : tree_text(t, chosen, LAUNCH_PROP_REBOOT);

    s->on_failure = (struct number){
        .value = on_failure != NULL && strcmp(on_failure, "halt") == 0 ? ON_FAILURE_HALT : ON_FAILURE_CONTINUE,
        .given = on_failure != NULL};
    s->reboot =
        (struct number){.value = reboot != NULL && strcmp(reboot, "immediate") == 0 ? REBOOT_IMMEDIATE : REBOOT_ASK,
                        .given = reboot != NULL};
    dynamic_read(t, chosen, s);
    s->domains = (struct items){.item = domains, .at = tree_place(t, chosen), .given = true};
    struct tree_shared *shared = arena_alloc(t->arena, 1, sizeof(*shared));
    tree_begin_shared(t->arena, s);
    parent = parent < 0 ? chosen : parent;
    if (parent < 0) {
        return result;
    }
    fdt_for_each_subnode(node, t->fdt, parent)
    {
        if (fdt_node_check_compatible(t->fdt, node, "xen,domain") == 0 && s->domains.count < LAUNCH_MAX_DOMAINS) {
            const struct tree_reader r = {.tree = t,
                                          .system = s,
                                          .shared = shared,
                                          .domain = &domains[s->domains.count++],
                                          .node = node,
                                          .unexpressed = &result.unexpressed};
            take_domain(&r);
        }
    }
    tree_settle_shared(t, shared, s, &result.unexpressed);
    tree_read_pools(t, parent, s);
    report_leftovers(t, chosen, &result);
    result.found = s->domains.count > 0;
    return result;
}
