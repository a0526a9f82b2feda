/* SPDX-License-Identifier: Apache-2.0 */
#include "store_tree.h"

#include <stdarg.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "order.h"
#include "rings.h"
#include "text.h"

#define MESSAGE_BYTES 512u
#define PATH_BYTES    128u
#define NAMED_VCPUS   16u /* Linux asks whether they are plugged in; it takes no answer for yes */
#define WAITS         1u  /* XenbusStateInitialising */

struct writer {
    uint8_t *to;
    uint32_t used;
    bool is_full;
};

/* The NULs between strings are written as '|', which no name and no value has. */
static void put(struct writer *writer, uint32_t type, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void put(struct writer *writer, uint32_t type, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list values;

    va_start(values, format);
    uint32_t size = (uint32_t)text_vformat(text, sizeof(text), format, values);
    va_end(values);
    for (uint32_t i = 0; i < size; i++) {
        text[i] = (text[i] == '|') ? '\0' : text[i];
    }
    struct xsd_sockmsg header = {.type = type, .len = size};
    if (writer->is_full || STORE_TREE_BYTES - writer->used < sizeof(header) + size) {
        writer->is_full = true;
        return;
    }
    memcpy(&writer->to[writer->used], &header, sizeof(header));
    memcpy(&writer->to[writer->used + sizeof(header)], text, size);
    writer->used += (uint32_t)sizeof(header) + size;
}

/* Folders that a domain may fill as it likes. */
static const char *const own_folders[] = {"control", "data", "attr", "drivers", "error", "feature"};

/* Whoever may end the domain, and reaches the store, may ask its kernel to end: a request that Linux and others wait for in
 * control/shutdown.  Returns plan->count where there is nobody.
 * [impl->dsn~boot-store-shutdown~1] */
static uint32_t find_ender(const struct plan *plan, uint32_t index)
{
    const struct plan_domain *domain = &plan->domains[index];
    uint32_t ender = domain->grantee[BULKHEAD_RIGHT_DESTROY] - 1u;

    if (domain->grantee[BULKHEAD_RIGHT_DESTROY] == 0) {
        for (ender = 0; ender < plan->count && plan->domains[ender].role != BULKHEAD_ROLE_CONTROL; ender++) {
        }
        ender = ((domain->flags & BULKHEAD_DOMAIN_SAFE) != 0) ? plan->count : ender;
    }
    return (ender < plan->count && ender != index && rings_has(plan, RING_STORE, ender)) ? ender : plan->count;
}

static void put_shutdown(struct writer *writer, const struct plan *plan, uint32_t index)
{
    uint32_t domid = order_domid(plan, index);
    uint32_t ender = find_ender(plan, index);

    if (ender < plan->count) {
        put(writer, XS_WRITE, "/local/domain/%u/control/shutdown|", domid);
        put(writer, XS_SET_PERMS, "/local/domain/%u/control/shutdown|n%u|b%u|", domid, domid, order_domid(plan, ender));
    }
}

static void put_domain(struct writer *writer, const struct plan *plan, uint32_t index)
{
    uint32_t domid = order_domid(plan, index);

    put(writer, XS_INTRODUCE, "%u|0|%u|", domid, rings_server_port(plan, RING_STORE, index));
    put(writer, XS_MKDIR, "/local/domain/%u|", domid);
    put(writer, XS_SET_PERMS, "/local/domain/%u|n0|r%u|", domid, domid);
    put(writer, XS_WRITE, "/local/domain/%u/name|%s", domid, plan->domains[index].name);
    put(writer, XS_WRITE, "/local/domain/%u/domid|%u", domid, domid);
    for (uint32_t i = 0; i < plan->domains[index].vcpus && i < NAMED_VCPUS; i++) {
        put(writer, XS_WRITE, "/local/domain/%u/cpu/%u/availability|online", domid, i);
    }
    for (uint32_t i = 0; i < sizeof(own_folders) / sizeof(own_folders[0]); i++) {
        put(writer, XS_MKDIR, "/local/domain/%u/%s|", domid, own_folders[i]);
        put(writer, XS_SET_PERMS, "/local/domain/%u/%s|n%u|", domid, own_folders[i], domid);
    }
    put_shutdown(writer, plan, index);
}

/* Both ends of a device point to each other, and may read each other. */
static void put_ends(struct writer *writer, const char *front, uint32_t front_domid, const char *back,
                     uint32_t back_domid)
{
    put(writer, XS_MKDIR, "%s|", front);
    put(writer, XS_SET_PERMS, "%s|n%u|r%u|", front, front_domid, back_domid);
    put(writer, XS_WRITE, "%s/backend|%s", front, back);
    put(writer, XS_WRITE, "%s/backend-id|%u", front, back_domid);
    put(writer, XS_WRITE, "%s/state|%u", front, WAITS);
    put(writer, XS_MKDIR, "%s|", back);
    put(writer, XS_SET_PERMS, "%s|n%u|r%u|", back, back_domid, front_domid);
    put(writer, XS_WRITE, "%s/frontend|%s", back, front);
    put(writer, XS_WRITE, "%s/frontend-id|%u", back, front_domid);
    put(writer, XS_WRITE, "%s/online|1", back);
    put(writer, XS_WRITE, "%s/state|%u", back, WAITS);
}

static void put_disk(struct writer *writer, const struct plan_device *device, const char *front, const char *back)
{
    put(writer, XS_WRITE, "%s/virtual-device|%u", front, device->number);
    put(writer, XS_WRITE, "%s/device-type|disk", front);
    put(writer, XS_WRITE, "%s/dev|%s", back, device->name);
    put(writer, XS_WRITE, "%s/type|phy", back);
    put(writer, XS_WRITE, "%s/mode|%s", back, device->is_read_only ? "r" : "w");
    put(writer, XS_WRITE, "%s/device-type|disk", back);
    put(writer, XS_WRITE, "%s/removable|0", back);
    put(writer, XS_WRITE, "%s/physical-device|%lx:%lx", back, (unsigned long)device->major,
        (unsigned long)device->minor);
}

/* Nobody runs a script: hotplug-status says that what it would do is done. */
static void put_interface(struct writer *writer, const struct plan_device *device, const char *front, const char *back)
{
    put(writer, XS_WRITE, "%s/handle|%u", front, device->number);
    put(writer, XS_WRITE, "%s/mac|%s", front, device->mac);
    put(writer, XS_WRITE, "%s/handle|%u", back, device->number);
    put(writer, XS_WRITE, "%s/mac|%s", back, device->mac);
    put(writer, XS_WRITE, "%s/type|vif", back);
    put(writer, XS_WRITE, "%s/script|none", back);
    put(writer, XS_WRITE, "%s/hotplug-status|connected", back);
}

static void put_device(struct writer *writer, const struct plan *plan, const struct plan_device *device)
{
    const char *kind = device->is_interface ? "vif" : "vbd";
    uint32_t front_domid = order_domid(plan, device->domain);
    uint32_t back_domid = order_domid(plan, device->backend);
    char front[PATH_BYTES];
    char back[PATH_BYTES];

    text_format(front, sizeof(front), "/local/domain/%u/device/%s/%u", front_domid, kind, device->number);
    text_format(back, sizeof(back), "/local/domain/%u/backend/%s/%u/%u", back_domid, kind, front_domid, device->number);
    put_ends(writer, front, front_domid, back, back_domid);
    if (device->is_interface) {
        put_interface(writer, device, front, back);
    } else {
        put_disk(writer, device, front, back);
    }
}

static void put_store(struct writer *writer, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (rings_has(plan, RING_STORE, i)) {
            put_domain(writer, plan, i);
        }
    }
    for (uint32_t i = 0; i < plan->device_count; i++) {
        put_device(writer, plan, &plan->devices[i]);
    }
}

static void put_consoles(struct writer *writer, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (rings_has(plan, RING_CONSOLE, i)) {
            put(writer, XS_CONTROL, "console|%u|%u|", (uint32_t)order_domid(plan, i),
                rings_server_port(plan, RING_CONSOLE, i));
        }
    }
}

bool store_tree_write(const struct plan *plan, uint32_t server, uint8_t to[STORE_TREE_BYTES], uint32_t *size)
{
    struct writer writer = {.to = to};

    if (plan->domains[server].serves == PLAN_SERVES_STORE) {
        put_store(&writer, plan);
    } else {
        put_consoles(&writer, plan);
    }
    if (writer.is_full) {
        log_problem(plan->domains[server].name, "the first tree of the store has more than %u bytes; take devices out",
                    STORE_TREE_BYTES);
    }
    *size = writer.used;
    return !writer.is_full;
}
