/* SPDX-License-Identifier: Apache-2.0 */
/* Paravirtual devices: nodes compatible with "bulkhead,disk" and "bulkhead,nic" below the domains' nodes; who serves
 * rings, and what that means for the order of start.
 * [impl->dsn~boot-devices~1] */
#include <string.h>

#include <libfdt.h>

#include "plan_internal.h"
#include "text.h"

#define DISK_MAJOR    202u /* Linux's number of "xvd" */
#define DISKS         16u  /* xvda to xvdp */
#define MINOR_SHIFT   4
#define MINOR_DIGITS  20
#define WORD_BITS     64u
#define MAC_CHARACTER 3u /* two digits and a colon */

/* ---- properties of a domain ---- */

void plan_read_enhanced(struct plan_reader *reader, const struct prop *prop)
{
    const char *text = (prop->size == 0) ? "enabled" : prop_string(prop);

    if (text == NULL) {
        return;
    }
    reader->domain->xen_node = strcmp(text, "disabled") != 0;
    reader->domain->has_store = strcmp(text, "enabled") == 0 || strcmp(text, "legacy") == 0;
    if (reader->domain->xen_node && !reader->domain->has_store && strcmp(text, "no-xenstore") != 0) {
        log_problem(prop->domain,
                    "xen,enhanced is '%s'; write \"enabled\", \"no-xenstore\", \"legacy\" or \"disabled\"", text);
    }
}

void plan_read_console(struct plan_reader *reader, const struct prop *prop)
{
    const char *text = prop_string(prop);

    if (text != NULL && strcmp(text, "pv") != 0) {
        log_problem(prop->domain, LAUNCH_PROP_CONSOLE " is '%s'; write \"pv\" or leave it out", text);
    }
    reader->domain->has_pv_console = text != NULL;
}

void plan_read_serves(struct plan_reader *reader, const struct prop *prop)
{
    const char *text = prop_string(prop);

    if (text == NULL) {
        return;
    }
    reader->domain->serves = (strcmp(text, "xenstore") == 0)  ? PLAN_SERVES_STORE
                             : (strcmp(text, "console") == 0) ? PLAN_SERVES_CONSOLE
                                                              : PLAN_SERVES_NOTHING;
    if (reader->domain->serves == PLAN_SERVES_NOTHING) {
        log_problem(prop->domain, LAUNCH_PROP_SERVES " is '%s'; write \"xenstore\" or \"console\"", text);
    }
}

/* ---- devices ---- */

static const char *read_text(const struct plan_reader *reader, int node, const char *name)
{
    struct prop prop;

    if (!prop_find(&prop, reader->context->fdt, node, reader->domain->name, name)) {
        log_problem(reader->domain->name, "device '%s': no %s; add it", fdt_get_name(reader->context->fdt, node, NULL),
                    name);
        return NULL;
    }
    return prop_string(&prop);
}

static bool read_backend(const struct plan_reader *reader, int node, struct plan_device *device)
{
    const char *name = read_text(reader, node, LAUNCH_PROP_BACKEND);

    for (uint32_t i = 0; name != NULL && i < reader->plan->count; i++) {
        if (strcmp(reader->plan->domains[i].name, name) == 0) {
            device->backend = (uint16_t)i;
            return true;
        }
    }
    if (name != NULL) {
        log_problem(reader->domain->name,
                    LAUNCH_PROP_BACKEND " names '%s', which is not a domain; write a domain's name", name);
    }
    return false;
}

static bool read_disk(const struct plan_reader *reader, int node, struct plan_device *device)
{
    const char *domain = reader->domain->name;
    const void *fdt = reader->context->fdt;
    const char *name = read_text(reader, node, LAUNCH_PROP_DISK);
    struct prop prop;
    uint64_t major = 0;
    uint64_t minor = 0;

    if (name == NULL) {
        return false;
    }
    if (strlen(name) != 4 || strncmp(name, "xvd", 3) != 0 || name[3] < 'a' || name[3] >= (char)('a' + DISKS)) {
        log_problem(domain, LAUNCH_PROP_DISK " is '%s'; write \"xvda\" to \"xvdp\"", name);
        return false;
    }
    if (!prop_find(&prop, fdt, node, domain, LAUNCH_PROP_DEVICE) || prop.size != 2 * sizeof(uint32_t) ||
        !prop_cells(&prop, 0, 1, &major) || !prop_cells(&prop, sizeof(uint32_t), 1, &minor) || (major >> 12) != 0 ||
        (minor >> MINOR_DIGITS) != 0) {
        log_problem(domain, "disk '%s': " LAUNCH_PROP_DEVICE " is not <major minor>; write the back end's block device",
                    name);
        return false;
    }
    memcpy(device->name, name, strlen(name) + 1);
    device->number = DISK_MAJOR << 8 | (uint32_t)(name[3] - 'a') << MINOR_SHIFT;
    device->major = (uint32_t)major;
    device->minor = (uint32_t)minor;
    device->is_read_only = fdt_getprop(fdt, node, LAUNCH_PROP_READ_ONLY, NULL) != NULL;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_mac(const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        if ((i % MAC_CHARACTER == 2) ? text[i] != ':' : !is_hex(text[i])) {
            return false;
        }
    }
    return length == PLAN_MAC_BYTES - 1;
}

static bool read_interface(const struct plan_reader *reader, int node, struct plan_device *device)
{
    const char *mac = read_text(reader, node, LAUNCH_PROP_MAC);

    if (mac == NULL) {
        return false;
    }
    if (!is_mac(mac)) {
        log_problem(reader->domain->name, LAUNCH_PROP_MAC " is '%s'; write six pairs of digits, as 00:16:3e:00:00:01",
                    mac);
        return false;
    }
    memcpy(device->mac, mac, PLAN_MAC_BYTES);
    device->is_interface = true;
    for (uint32_t i = 0; i < reader->plan->device_count; i++) {
        const struct plan_device *other = &reader->plan->devices[i];
        device->number += (other->domain == device->domain && other->is_interface) ? 1 : 0;
    }
    return true;
}

static bool is_new(const struct plan_reader *reader, const struct plan_device *device)
{
    for (uint32_t i = 0; i < reader->plan->device_count; i++) {
        const struct plan_device *other = &reader->plan->devices[i];
        if (other->domain == device->domain && other->is_interface == device->is_interface &&
            other->number == device->number) {
            log_problem(reader->domain->name, "two disks are '%s'; name one anew", device->name);
            return false;
        }
    }
    return true;
}

void plan_read_device(struct plan_reader *reader, int node)
{
    struct plan *plan = reader->plan;
    struct plan_device device = {.domain = (uint16_t)(reader->domain - plan->domains)};
    bool is_disk = fdt_node_check_compatible(reader->context->fdt, node, "bulkhead,disk") == 0;

    if (!read_backend(reader, node, &device) ||
        !(is_disk ? read_disk(reader, node, &device) : read_interface(reader, node, &device)) ||
        !is_new(reader, &device)) {
        return;
    }
    if (plan->device_count == LAUNCH_MAX_DEVICES) {
        log_problem(reader->domain->name, "more than %u disks and network interfaces; take some out",
                    LAUNCH_MAX_DEVICES);
        return;
    }
    plan->devices[plan->device_count] = device;
    plan->device_count++;
}

/* ---- rules ---- */

static uint32_t find_server(const struct plan *plan, enum plan_serves service, const char *name)
{
    uint32_t found = plan->count;

    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->domains[i].serves == service && found != plan->count) {
            log_problem(plan->domains[i].name, "a second domain that serves %s; '%s' does already", name,
                        plan->domains[found].name);
        } else if (plan->domains[i].serves == service) {
            found = i;
        }
    }
    return found;
}

/* Clients are started after their server. */
static void set_order(struct plan *plan, uint32_t server, bool is_store)
{
    uint32_t clients = 0;

    for (uint32_t i = 0; i < plan->count; i++) {
        struct plan_domain *domain = &plan->domains[i];
        bool is_client =
            (is_store ? domain->has_store : domain->has_pv_console) && domain->serves == PLAN_SERVES_NOTHING;
        if (is_client) {
            domain->after[server / WORD_BITS] |= UINT64_C(1) << (server % WORD_BITS);
            clients++;
        }
    }
    if (clients > LAUNCH_MAX_CLIENTS) {
        log_problem(plan->domains[server].name, "serves %u domains; it can serve %u", clients, LAUNCH_MAX_CLIENTS);
    }
}

static void check_ends(const struct plan *plan, bool has_store)
{
    for (uint32_t i = 0; i < plan->device_count; i++) {
        const struct plan_device *device = &plan->devices[i];
        const struct plan_domain *ends[] = {&plan->domains[device->domain], &plan->domains[device->backend]};
        for (uint32_t j = 0; j < 2; j++) {
            if (!ends[j]->has_store || !has_store || ends[j]->serves != PLAN_SERVES_NOTHING) {
                log_problem(ends[j]->name, "an end of '%s' without a store; write xen,enhanced = \"enabled\"%s",
                            device->is_interface ? device->mac : device->name,
                            has_store ? "" : " and a domain that serves xenstore");
            }
        }
        if (device->domain == device->backend) {
            log_problem(ends[0]->name, "is its own back end of '%s'; name another domain",
                        device->is_interface ? device->mac : device->name);
        }
    }
}

void plan_check_devices(struct plan *plan)
{
    uint32_t store = find_server(plan, PLAN_SERVES_STORE, "xenstore");
    uint32_t console = find_server(plan, PLAN_SERVES_CONSOLE, "consoles");

    if (store != plan->count) {
        set_order(plan, store, true);
    }
    if (console != plan->count) {
        set_order(plan, console, false);
    }
    check_ends(plan, store != plan->count);
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_domain *domain = &plan->domains[i];
        if (domain->has_pv_console && console == plan->count) {
            log_problem(domain->name, LAUNCH_PROP_CONSOLE " is \"pv\", but no domain serves consoles; add one");
        }
        if (domain->serves != PLAN_SERVES_NOTHING && domain->modules[PLAN_RAMDISK].name[0] != '\0') {
            log_problem(domain->name, "a domain that serves rings gets its ramdisk from the launch; take this one out");
        }
    }
}
