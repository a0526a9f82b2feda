/* SPDX-License-Identifier: Apache-2.0 */
/* Static event channels: nodes compatible with "xen,evtchn-v1" below the domains' nodes.
 * [impl->dsn~boot-channels~1] */
#include <libfdt.h>

#include "plan_internal.h"
#include "text.h"

/* An end's own number and the phandle of the other one's node. */
static bool read_pair(const struct plan_context *context, const char *domain, int node, uint32_t *port,
                      uint32_t *phandle)
{
    const char *name = fdt_get_name(context->fdt, node, NULL);
    struct prop prop;
    uint64_t first = 0;
    uint64_t second = 0;

    if (!prop_find(&prop, context->fdt, node, domain, "xen,evtchn") || prop.size != 2 * sizeof(uint32_t)) {
        log_problem(domain, "channel '%s': xen,evtchn is missing or not two cells; write <port &other-end>", name);
        return false;
    }
    (void)prop_cells(&prop, 0, 1, &first);
    (void)prop_cells(&prop, sizeof(uint32_t), 1, &second);
    *port = (uint32_t)first;
    *phandle = (uint32_t)second;
    return true;
}

/* The end that the phandle names, and whose it is; false, and said, when it is not this end's other one. */
static bool find_other(const struct plan_reader *reader, int node, uint32_t phandle, struct plan_channel *end)
{
    const struct plan_context *context = reader->context;
    const char *domain = reader->domain->name;
    const char *name = fdt_get_name(context->fdt, node, NULL);
    int other = fdt_node_offset_by_phandle(context->fdt, phandle);
    uint32_t back = 0;

    if (other < 0 || fdt_node_check_compatible(context->fdt, other, "xen,evtchn-v1") != 0 ||
        !plan_domain_of(reader->plan, context, fdt_parent_offset(context->fdt, other), &end->remote)) {
        log_problem(domain, "channel '%s': its other end is not a xen,evtchn-v1 node of a domain; point it at one",
                    name);
        return false;
    }
    if (!read_pair(context, reader->plan->domains[end->remote].name, other, &end->remote_port, &back)) {
        return false;
    }
    if (fdt_node_offset_by_phandle(context->fdt, back) != node) {
        log_problem(domain, "channel '%s': its other end does not point back; name each end in the other", name);
        return false;
    }
    return true;
}

static bool read_interval(const struct plan_reader *reader, int node, struct plan_channel *end)
{
    const struct plan_domain *remote = &reader->plan->domains[end->remote];
    const char *name = fdt_get_name(reader->context->fdt, node, NULL);
    struct prop prop;

    if (prop_find(&prop, reader->context->fdt, node, reader->domain->name, LAUNCH_PROP_MIN_INTERVAL)) {
        if (prop_u64(&prop, &end->min_interval) && end->min_interval > LAUNCH_MIN_INTERVAL_MAX) {
            log_problem(reader->domain->name, "channel '%s': " LAUNCH_PROP_MIN_INTERVAL " is %lu; write at most %lu",
                        name, (unsigned long)end->min_interval, (unsigned long)LAUNCH_MIN_INTERVAL_MAX);
        }
        return true;
    }
    if ((reader->domain->flags & ~remote->flags & BULKHEAD_DOMAIN_SAFE) != 0) {
        log_problem(reader->domain->name,
                    "channel '%s' from '%s', which is not safe, has no " LAUNCH_PROP_MIN_INTERVAL
                    "; add it, <0 0> for no limit",
                    name, remote->name);
        return false;
    }
    return true;
}

static bool is_port_free(const struct plan_reader *reader, const struct plan_channel *end)
{
    for (uint32_t i = 0; i < reader->plan->channel_count; i++) {
        const struct plan_channel *other = &reader->plan->channels[i];
        if (other->domain == end->domain && other->port == end->port) {
            log_problem(reader->domain->name, "two channels have port %u; number one anew", end->port);
            return false;
        }
    }
    return true;
}

void plan_read_channel(struct plan_reader *reader, int node)
{
    struct plan *plan = reader->plan;
    struct plan_channel end = {.domain = (uint16_t)(reader->domain - plan->domains)};
    uint32_t phandle = 0;

    if (!read_pair(reader->context, reader->domain->name, node, &end.port, &phandle) ||
        !find_other(reader, node, phandle, &end) || !read_interval(reader, node, &end)) {
        return;
    }
    if (end.port == 0 || end.port > LAUNCH_MAX_PORT) {
        log_problem(reader->domain->name, "channel '%s' has port %u; write 1 to %u",
                    fdt_get_name(reader->context->fdt, node, NULL), end.port, LAUNCH_MAX_PORT);
        return;
    }
    if (plan->channel_count == LAUNCH_MAX_CHANNEL_ENDS) {
        log_problem(reader->domain->name, "more than %u ends of channels; take some out", LAUNCH_MAX_CHANNEL_ENDS);
        return;
    }
    if (is_port_free(reader, &end)) {
        plan->channels[plan->channel_count] = end;
        plan->channel_count++;
    }
}

const struct plan_channel *plan_next_channel(const struct plan *plan, uint32_t domain, uint32_t port)
{
    const struct plan_channel *next = NULL;

    for (uint32_t i = 0; i < plan->channel_count; i++) {
        const struct plan_channel *end = &plan->channels[i];
        if (end->domain == domain && end->port > port && (next == NULL || end->port < next->port)) {
            next = end;
        }
    }
    return next;
}
