/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <string.h>

#include <libfdt.h>

#include "order.h"
#include "plan_internal.h"
#include "text.h"

/* Properties and nodes of /chosen that concern the firmware, another hypervisor or nobody here. */
static const char *const chosen_properties[] = {
    "#address-cells",   "#size-cells",       "bootargs",           "stdout-path",         "linux,initrd-start",
    "kaslr-seed",       "rng-seed",          "linux,initrd-end",   "xen,xen-bootargs",    "xen,dom0-bootargs",
    "phandle",          "linux,phandle",     LAUNCH_PROP_VERSION,  LAUNCH_PROP_ONFAILURE, LAUNCH_PROP_REBOOT,
    LAUNCH_PROP_GRANTS, LAUNCH_PROP_DYNAMIC, LAUNCH_PROP_DYN_CPUS,
};

static bool is_chosen_property(const char *name)
{
    for (size_t i = 0; i < sizeof(chosen_properties) / sizeof(chosen_properties[0]); i++) {
        if (strcmp(name, chosen_properties[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void report_unknown_properties(const void *fdt, int chosen)
{
    int property;

    fdt_for_each_property_offset(property, fdt, chosen)
    {
        const char *name = NULL;
        if (fdt_getprop_by_offset(fdt, property, &name, NULL) != NULL && !is_chosen_property(name)) {
            log_notice(NULL, "/chosen: property '%s' is not known; it has no effect", name);
        }
    }
}

static void read_version(const struct plan_context *context, int chosen)
{
    struct prop prop;
    uint32_t version = LAUNCH_VERSION;

    if (!prop_find(&prop, context->fdt, chosen, NULL, LAUNCH_PROP_VERSION)) {
        if (context->archive != NULL) {
            log_problem(NULL, "/chosen: no " LAUNCH_PROP_VERSION "; write <%u>", LAUNCH_VERSION);
        }
        return;
    }
    if (prop_u32(&prop, &version) && version != LAUNCH_VERSION) {
        log_problem(NULL, "/chosen: " LAUNCH_PROP_VERSION " is %u, this Boot Domain reads %u; build the image again",
                    version, LAUNCH_VERSION);
    }
}

static void read_on_failure(struct plan *plan, const struct plan_context *context, int chosen)
{
    struct prop prop;

    plan->halt_on_failure = false;
    if (!prop_find(&prop, context->fdt, chosen, NULL, LAUNCH_PROP_ONFAILURE)) {
        return;
    }
    const char *text = prop_string(&prop);
    if (text == NULL) {
        return;
    }
    plan->halt_on_failure = strcmp(text, "halt") == 0;
    if (!plan->halt_on_failure && strcmp(text, "continue") != 0) {
        log_problem(NULL, "/chosen: " LAUNCH_PROP_ONFAILURE " is '%s'; write \"continue\" or \"halt\"", text);
    }
}

/* [impl->dsn~platform-power~1] */
static void read_reboot(struct plan *plan, const struct plan_context *context, int chosen)
{
    struct prop prop;
    const char *text = prop_find(&prop, context->fdt, chosen, NULL, LAUNCH_PROP_REBOOT) ? prop_string(&prop) : NULL;

    plan->power_at_once = text != NULL && strcmp(text, "immediate") == 0;
    if (text != NULL && !plan->power_at_once && strcmp(text, "ask") != 0) {
        log_problem(NULL, "/chosen: " LAUNCH_PROP_REBOOT " is '%s'; write \"ask\" or \"immediate\"", text);
    }
}

static bool is_boot_domain(const void *fdt, int node)
{
    struct prop prop;
    uint32_t functions = 0;

    return prop_find(&prop, fdt, node, NULL, "functions") && prop_u32(&prop, &functions) && (functions & 1u) != 0;
}

static void read_domain_node(struct plan *plan, const struct plan_context *context, int node)
{
    if (is_boot_domain(context->fdt, node)) {
        log_notice(NULL, "node '%s' describes a boot domain; this one is used instead",
                   fdt_get_name(context->fdt, node, NULL));
        return;
    }
    if (plan->count == LAUNCH_MAX_DOMAINS) {
        log_problem(NULL, "more than %u domains; take some out", LAUNCH_MAX_DOMAINS);
        return;
    }
    struct plan_reader reader = {.context = context, .plan = plan, .domain = &plan->domains[plan->count], .node = node};
    plan->count++;
    plan_read_domain(&reader);
}

/* Nodes that the reader uses when something refers to them, or that concern nobody here. */
static bool is_known_node(const void *fdt, int node)
{
    return fdt_node_check_compatible(fdt, node, "xen,cpupool") == 0 ||
           fdt_node_check_compatible(fdt, node, "hypervisor,xen") == 0;
}

static void read_domain_nodes(struct plan *plan, const struct plan_context *context, int parent)
{
    int node;

    fdt_for_each_subnode(node, context->fdt, parent)
    {
        if (fdt_node_check_compatible(context->fdt, node, "xen,domain") == 0) {
            read_domain_node(plan, context, node);
        } else if (!is_known_node(context->fdt, node)) {
            log_notice(NULL, "node '%s' is not known; it has no effect", fdt_get_name(context->fdt, node, NULL));
        }
    }
}

/* Node of the domains: /chosen, or in hyperlaunch /chosen/hypervisor. */
static int parent_of_domains(const void *fdt)
{
    int chosen = fdt_path_offset(fdt, "/chosen");
    int hyperlaunch = fdt_subnode_offset(fdt, chosen, "hypervisor");

    return (hyperlaunch >= 0 && fdt_node_check_compatible(fdt, hyperlaunch, "hypervisor,xen") == 0) ? hyperlaunch
                                                                                                    : chosen;
}

static bool is_domain(const void *fdt, int node)
{
    return fdt_node_check_compatible(fdt, node, "xen,domain") == 0 && !is_boot_domain(fdt, node);
}

bool plan_domain_of(const struct plan *plan, const struct plan_context *context, int node, uint16_t *index)
{
    uint16_t at = 0;
    int other;

    fdt_for_each_subnode(other, context->fdt, parent_of_domains(context->fdt))
    {
        if (is_domain(context->fdt, other)) {
            if (other == node && at < plan->count) {
                *index = at;
                return true;
            }
            at++;
        }
    }
    return false;
}

/* What a domain has in common with others. */
static void read_common(struct plan_reader *reader)
{
    const void *fdt = reader->context->fdt;
    int node;

    fdt_for_each_subnode(node, fdt, reader->node)
    {
        if (fdt_node_check_compatible(fdt, node, "xen,evtchn-v1") == 0) {
            plan_read_channel(reader, node);
        } else if (fdt_node_check_compatible(fdt, node, "xen,domain-shared-memory-v1") == 0) {
            plan_read_share(reader, node);
        } else if (fdt_node_check_compatible(fdt, node, "bulkhead,disk") == 0 ||
                   fdt_node_check_compatible(fdt, node, "bulkhead,nic") == 0) {
            plan_read_device(reader, node);
        }
    }
}

/* Dependencies and channels name domains, so they are read once all of these are known. */
static void read_relations(struct plan *plan, const struct plan_context *context, int parent)
{
    uint32_t index = 0;
    int node;

    fdt_for_each_subnode(node, context->fdt, parent)
    {
        if (index < plan->count && is_domain(context->fdt, node)) {
            struct plan_reader reader = {
                .context = context, .plan = plan, .domain = &plan->domains[index], .node = node};
            plan_read_after(plan, context, index, node);
            plan_read_grants(plan, context, plan->domains[index].grantee, plan->domains[index].name, node);
            read_common(&reader);
            index++;
        }
    }
}

bool plan_read(struct plan *plan, const struct plan_context *context)
{
    uint32_t before = log_problem_count();
    const void *fdt = context->fdt;
    int chosen = fdt_path_offset(fdt, "/chosen");

    memset(plan, 0, sizeof(*plan));
    if (chosen < 0) {
        log_problem(NULL, "the description has no /chosen node; build the image again");
        return false;
    }
    read_version(context, chosen);
    read_on_failure(plan, context, chosen);
    read_reboot(plan, context, chosen);
    report_unknown_properties(fdt, chosen);
    int parent = parent_of_domains(fdt);
    read_domain_nodes(plan, context, parent);
    if (plan->count == 0) {
        log_problem(NULL, "the description has no domain; add a node compatible with \"xen,domain\"");
    }
    if (log_problem_count() != before) {
        return false;
    }
    plan_read_dynamic(plan, context, chosen);
    read_relations(plan, context, parent);
    plan_read_grants(plan, context, plan->grantee, NULL, chosen);
    plan_mark_shared_modules(plan, context);
    plan_check_rules(plan, context);
    plan_check_devices(plan);
    return log_problem_count() == before && order_domains(plan);
}
