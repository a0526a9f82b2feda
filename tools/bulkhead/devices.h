/* SPDX-License-Identifier: Apache-2.0 */
/* Paravirtual disks, network interfaces and consoles: keys, rules, launch tree.
 * [impl->dsn~tool-devices~1] */
#ifndef TOOL_DEVICES_H
#define TOOL_DEVICES_H

#include "system.h"

struct disk {
    struct text name;    /* xvda .. xvdp */
    struct text backend; /* domain */
    struct text device;  /* MAJOR:MINOR there */
    struct flag read_only;
    struct place at;
};

struct nic {
    struct text backend;
    struct text mac;
    struct place at;
};

extern const struct key_table disk_keys;
extern const struct key_table nic_keys;

void devices_check(struct diags *d, const struct system *s);

/* Properties and nodes of a domain in launch.dtb, within the domain's node. */
void devices_put_properties(void *fdt, const struct domain *domain);
void devices_put_nodes(struct arena *arena, void *fdt, const struct domain *domain);
/* Bytes that these take at most. */
size_t devices_bound(const struct domain *domain);

/* "xvda from storage, network from net"; "" = none. */
const char *devices_text(struct arena *arena, const struct domain *domain);

#endif
