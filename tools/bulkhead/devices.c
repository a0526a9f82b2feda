// SPDX-License-Identifier: Apache-2.0
#include "devices.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bulkhead/launch.h>

#include "key_rows.h"

#define MAC_CHARACTERS 17u
#define MAJOR_MAX      4095u
#define MINOR_MAX      1048575u

/* ---- keys ---- */

static const struct key disk_key_rows[] = {
    {.name = "name",
     .kind = KEY_TEXT,
     FIELD(disk, name),
     .required = true,
     .meaning = "Name of the disk in the domain: `xvda` to `xvdp`.",
     .example = "name: xvda"},
    {.name = "backend",
     .kind = KEY_TEXT,
     FIELD(disk, backend),
     .required = true,
     .meaning = "Domain that provides the disk.",
     .example = "backend: storage"},
    {.name = "device",
     .kind = KEY_TEXT,
     FIELD(disk, device),
     .required = true,
     .meaning = "Block device of the back end, `MAJOR:MINOR` (`ls -l /dev` shows them there).",
     .example = "device: \"7:0\""},
    {.name = "read-only",
     .kind = KEY_FLAG,
     FIELD(disk, read_only),
     .fallback = "false",
     .meaning = "The domain cannot write the disk.",
     .example = "read-only: true"},
};
const struct key_table disk_keys = KEY_TABLE_AT(disk_key_rows, disk);

static const struct key nic_key_rows[] = {
    {.name = "backend",
     .kind = KEY_TEXT,
     FIELD(nic, backend),
     .required = true,
     .meaning = "Domain that provides the network interface.",
     .example = "backend: net"},
    {.name = "mac",
     .kind = KEY_TEXT,
     FIELD(nic, mac),
     .required = true,
     .meaning = "Ethernet address of the domain's end.",
     .example = "mac: 00:16:3e:00:00:01"},
};
const struct key_table nic_keys = KEY_TABLE_AT(nic_key_rows, nic);

/* ---- rules ---- */

static const struct disk *disk_of(const struct domain *domain, size_t i)
{
    return (const struct disk *)domain->disks.item + i;
}

static const struct nic *nic_of(const struct domain *domain, size_t i)
{
    return (const struct nic *)domain->nics.item + i;
}

static bool uses_store(const struct domain *domain)
{
    return domain->enhanced.value == ENHANCED_YES || domain->enhanced.value == ENHANCED_LEGACY;
}

static const struct domain *find_role(const struct system *s, enum domain_role role)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (system_domain(s, i)->role.value == (uint64_t)role) {
            return system_domain(s, i);
        }
    }
    return NULL;
}

static void check_backend(struct diags *d, const struct system *s, const struct domain *domain,
                          const struct text *backend)
{
    const struct domain *other = NULL;

    if (!backend->given) {
        return;
    }
    for (size_t i = 0; i < s->domains.count && other == NULL; i++) {
        other = strcmp(system_domain(s, i)->name.value, backend->value) == 0 ? system_domain(s, i) : NULL;
    }
    if (other == NULL) {
        diag_error(d, backend->at, "backend-exists", "there is no domain `%s`; write the name of another domain",
                   backend->value);
    } else if (other == domain) {
        diag_error(d, backend->at, "backend-other", "`%s` would be its own back end; name another domain",
                   backend->value);
    } else if (!uses_store(other)) {
        diag_error(d, backend->at, "backend-enhanced",
                   "the back end `%s` has no connection to xenstore; write `enhanced: yes` for it", backend->value);
    }
}

static bool split_device(const char *text, unsigned *major, unsigned *minor)
{
    int end = 0;

    return sscanf(text, "%4u:%7u%n", major, minor, &end) == 2 && text[end] == '\0' && *major <= MAJOR_MAX &&
           *minor <= MINOR_MAX && strspn(text, "0123456789:") == strlen(text);
}

static void check_disk(struct diags *d, const struct system *s, const struct domain *domain, size_t index)
{
    const struct disk *disk = disk_of(domain, index);
    unsigned major, minor;

    check_backend(d, s, domain, &disk->backend);
    if (disk->name.given && (strlen(disk->name.value) != 4 || strncmp(disk->name.value, "xvd", 3) != 0 ||
                             disk->name.value[3] < 'a' || disk->name.value[3] > 'p')) {
        diag_error(d, disk->name.at, "disk-name", "`%s` is no name of a disk; write `xvda` to `xvdp`",
                   disk->name.value);
    }
    if (disk->device.given && !split_device(disk->device.value, &major, &minor)) {
        diag_error(d, disk->device.at, "disk-device",
                   "`%s` is no block device; write \"MAJOR:MINOR\" in decimal, as \"7:0\" for /dev/loop0",
                   disk->device.value);
    }
    for (size_t i = 0; i < index && disk->name.given; i++) {
        if (disk_of(domain, i)->name.given && strcmp(disk_of(domain, i)->name.value, disk->name.value) == 0) {
            diag_error(d, disk->name.at, "disk-twice", "`%s` has two disks `%s`; name one anew", domain->name.value,
                       disk->name.value);
            break;
        }
    }
}

static bool is_mac(const char *text)
{
    size_t i = 0;

    for (; text[i] != '\0' && i <= MAC_CHARACTERS; i++) {
        if ((i % 3 == 2) ? text[i] != ':' : strchr("0123456789abcdefABCDEF", text[i]) == NULL) {
            return false;
        }
    }
    return i == MAC_CHARACTERS;
}

/* Addresses are unique in the system. */
static void check_nic(struct diags *d, const struct system *s, const struct domain *domain, size_t index)
{
    const struct nic *nic = nic_of(domain, index);

    check_backend(d, s, domain, &nic->backend);
    if (!nic->mac.given) {
        return;
    }
    if (!is_mac(nic->mac.value)) {
        diag_error(d, nic->mac.at, "mac-form", "`%s` is no Ethernet address; write six pairs as 00:16:3e:00:00:01",
                   nic->mac.value);
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *other = system_domain(s, i);
        for (size_t j = 0; j < other->nics.count; j++) {
            const struct nic *one = nic_of(other, j);
            if (one == nic) {
                return;
            }
            if (one->mac.given && strcmp(one->mac.value, nic->mac.value) == 0) {
                diag_error(d, nic->mac.at, "mac-twice", "`%s` has the address %s already; choose another",
                           other->name.value, nic->mac.value);
                return;
            }
        }
    }
}

static void check_store(struct diags *d, const struct domain *domain, const struct domain *store)
{
    if (!uses_store(domain)) {
        if (domain->disks.count + domain->nics.count > 0) {
            diag_error(d, domain->disks.count > 0 ? domain->disks.at : domain->nics.at, "devices-enhanced",
                       "`%s` has no connection to xenstore, by which its devices are found; write `enhanced: yes`",
                       domain->name.value);
        }
        return;
    }
    if (store == NULL) {
        diag_error(d, domain->enhanced.at, "store-missing",
                   "nobody serves xenstore to `%s`; add a domain with `role: xenstore` and `kernel: guest:store`",
                   domain->name.value);
    } else if (store == domain || domain->role.value == ROLE_CONSOLE) {
        diag_error(d, domain->enhanced.at, "server-enhanced",
                   "`%s` serves others and cannot use xenstore itself; leave `enhanced` out", domain->name.value);
    } else if (domain->safe.value && !store->safe.value) {
        diag_error(d, domain->enhanced.at, "safe-after-unsafe",
                   "the safe domain `%s` would wait for `%s`, which is not safe; leave it out, or make `%s` safe",
                   domain->name.value, store->name.value, store->name.value);
    }
}

static void check_console(struct diags *d, const struct domain *domain, const struct domain *server)
{
    if (domain->console.value != CONSOLE_PV) {
        return;
    }
    if (server == NULL) {
        diag_error(d, domain->console.at, "console-missing",
                   "nobody serves the console of `%s`; add a domain with `role: console` and `kernel: guest:store`",
                   domain->name.value);
    } else if (domain->safe.value && !server->safe.value) {
        diag_error(d, domain->console.at, "safe-after-unsafe",
                   "the safe domain `%s` would wait for `%s`, which is not safe; leave it out, or make `%s` safe",
                   domain->name.value, server->name.value, server->name.value);
    }
}

static void check_server(struct diags *d, const struct system *s, const struct domain *server)
{
    size_t clients = 0;

    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        clients += server->role.value == ROLE_XENSTORE ? uses_store(domain) : domain->console.value == CONSOLE_PV;
    }
    if (clients > LAUNCH_MAX_CLIENTS) {
        diag_error(d, server->name.at, "server-clients", "`%s` would serve %zu domains; it can serve %u",
                   server->name.value, clients, LAUNCH_MAX_CLIENTS);
    }
    if (server->file[MODULE_RAMDISK].given) {
        diag_error(d, server->file[MODULE_RAMDISK].at, "server-ramdisk",
                   "`%s` gets its ramdisk from the launch; leave `ramdisk` out", server->name.value);
    }
}

void devices_check(struct diags *d, const struct system *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->domains.count; i++) {
        const struct domain *domain = system_domain(s, i);
        check_store(d, domain, find_role(s, ROLE_XENSTORE));
        check_console(d, domain, find_role(s, ROLE_CONSOLE));
        if (domain->role.value == ROLE_XENSTORE || domain->role.value == ROLE_CONSOLE) {
            check_server(d, s, domain);
        }
        for (size_t j = 0; j < domain->disks.count; j++) {
            check_disk(d, s, domain, j);
        }
        for (size_t j = 0; j < domain->nics.count; j++) {
            check_nic(d, s, domain, j);
        }
        count += domain->disks.count + domain->nics.count;
    }
    if (count > LAUNCH_MAX_DEVICES) {
        diag_error(d, s->domains.at, "too-many-devices",
                   "the domains have %zu disks and network interfaces together; write at most %u", count,
                   LAUNCH_MAX_DEVICES);
    }
}

/* ---- launch tree ---- */

static void must(int result)
{
    if (result < 0) {
        fprintf(stderr, "bulkhead: cannot write the launch device tree: %s; report this\n", fdt_strerror(result));
        exit(70);
    }
}

void devices_put_properties(void *fdt, const struct domain *domain)
{
    static const char *const enhanced[] = {
        [ENHANCED_NO_STORE] = "no-xenstore", [ENHANCED_YES] = "enabled", [ENHANCED_LEGACY] = "legacy"};

    if (domain->enhanced.given) {
        must(fdt_property_string(fdt, "xen,enhanced", enhanced[domain->enhanced.value]));
    }
    if (domain->role.value == ROLE_XENSTORE || domain->role.value == ROLE_CONSOLE) {
        must(
            fdt_property_string(fdt, LAUNCH_PROP_SERVES, domain->role.value == ROLE_XENSTORE ? "xenstore" : "console"));
    }
    if (domain->console.value == CONSOLE_PV) {
        must(fdt_property_string(fdt, LAUNCH_PROP_CONSOLE, "pv"));
    }
}

static void put_disk(struct arena *arena, void *fdt, const struct disk *disk, size_t index)
{
    unsigned major = 0, minor = 0;

    split_device(disk->device.value, &major, &minor);
    const fdt32_t device[] = {cpu_to_fdt32(major), cpu_to_fdt32(minor)};
    must(fdt_begin_node(fdt, arena_printf(arena, "disk@%zu", index)));
    must(fdt_property_string(fdt, "compatible", "bulkhead,disk"));
    must(fdt_property_string(fdt, LAUNCH_PROP_BACKEND, disk->backend.value));
    must(fdt_property_string(fdt, LAUNCH_PROP_DISK, disk->name.value));
    must(fdt_property(fdt, LAUNCH_PROP_DEVICE, device, sizeof(device)));
    if (disk->read_only.value) {
        must(fdt_property(fdt, LAUNCH_PROP_READ_ONLY, NULL, 0));
    }
    must(fdt_end_node(fdt));
}

void devices_put_nodes(struct arena *arena, void *fdt, const struct domain *domain)
{
    for (size_t i = 0; i < domain->disks.count; i++) {
        put_disk(arena, fdt, disk_of(domain, i), i);
    }
    for (size_t i = 0; i < domain->nics.count; i++) {
        must(fdt_begin_node(fdt, arena_printf(arena, "nic@%zu", i)));
        must(fdt_property_string(fdt, "compatible", "bulkhead,nic"));
        must(fdt_property_string(fdt, LAUNCH_PROP_BACKEND, nic_of(domain, i)->backend.value));
        must(fdt_property_string(fdt, LAUNCH_PROP_MAC, nic_of(domain, i)->mac.value));
        must(fdt_end_node(fdt));
    }
}

size_t devices_bound(const struct domain *domain)
{
    return (domain->disks.count + domain->nics.count) * 256;
}

const char *devices_text(struct arena *arena, const struct domain *domain)
{
    const char *text = "";

    for (size_t i = 0; i < domain->disks.count; i++) {
        text = arena_printf(arena, "%s%s%s from %s", text, *text == '\0' ? "" : ", ", disk_of(domain, i)->name.value,
                            disk_of(domain, i)->backend.value);
    }
    for (size_t i = 0; i < domain->nics.count; i++) {
        text = arena_printf(arena, "%s%snetwork from %s", text, *text == '\0' ? "" : ", ",
                            nic_of(domain, i)->backend.value);
    }
    return text;
}
