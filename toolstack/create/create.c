/* SPDX-License-Identifier: Apache-2.0 */
#include "create.h"

#include <string.h>

#include <bulkhead/label.h>
#include <bulkhead/launch.h>

#include "archive.h"
#include "builder.h"
#include "calls.h"
#include "guest_layout.h"
#include "hyper.h"
#include "out.h"
#include "plan.h"
#include "text.h"
#include "tree.h"

#define TREE_BYTES 0x40000u /* of a launch.dtb that is not aligned */
#define PREFIX     6u       /* "boot: " */

static struct bhctl_port *said_to;
static struct archive archive;
static struct board_table board;
static struct plan plan;
static struct builder builder;
static uint64_t room[TREE_BYTES / sizeof(uint64_t)];

/* What the builder says. */
void log_line(const char *line)
{
    out_texts(said_to, (const char *const[]){"bhctl: ", &line[PREFIX], "\n", NULL});
}

static bool read_archive(const uint8_t *data, uint64_t size)
{
    struct plan_context context = {.archive = &archive, .board = &board};
    const struct archive_member *tree;

    if (!archive_index(&archive, data, size)) {
        return false;
    }
    tree = archive_find(&archive, LAUNCH_DTB_MEMBER);
    if (tree == NULL) {
        log_problem(NULL,
                    "the archive has no member " LAUNCH_DTB_MEMBER "; make it with bulkhead build --archive-only");
        return false;
    }
    context.fdt = tree_get(tree->data, tree->size, LAUNCH_DTB_MEMBER, room, sizeof(room));
    return context.fdt != NULL && plan_read(&plan, &context);
}

/* plan.count: there is none. */
static uint32_t find(const char *name)
{
    uint32_t i = 0;

    if (name == NULL && plan.count == 1) {
        return 0;
    }
    while (i < plan.count && (name == NULL || strcmp(plan.domains[i].name, name) != 0)) {
        i++;
    }
    if (i == plan.count) {
        log_problem(NULL,
                    name == NULL ? "the archive has %u domains; name one" : "the archive has %u domains, none '%s'",
                    plan.count, name);
    }
    return i;
}

static bool has_relations(uint32_t index)
{
    bool found = false;

    for (uint32_t i = 0; i < plan.channel_count; i++) {
        found = found || plan.channels[i].domain == index;
    }
    for (uint32_t i = 0; i < plan.use_count; i++) {
        found = found || plan.uses[i].domain == index;
    }
    for (uint32_t i = 0; i < plan.device_count; i++) {
        found = found || plan.devices[i].domain == index || plan.devices[i].backend == index;
    }
    return found;
}

static bool is_outside(const struct plan_domain *domain)
{
    bool outside = false;

    for (uint32_t i = 0; i < PLAN_MODULE_KINDS; i++) {
        outside = outside || domain->modules[i].is_outside;
    }
    return outside;
}

/* What only the launch can give.
 * [impl->dsn~bhctl-create-ordinary~1] */
static bool is_ordinary(uint32_t index)
{
    const struct plan_domain *domain = &plan.domains[index];
    const struct {
        bool refused;
        const char *what;
    } rules[] = {
        {(domain->flags & BULKHEAD_DOMAIN_SAFE) != 0, "is safe"},
        {domain->role != BULKHEAD_ROLE_DOMU, "has a role"},
        {domain->fixed_count != 0, "has static memory"},
        {domain->pool != 0, "is in a pool"},
        {domain->modules[PLAN_DEVICE_TREE].size != 0, "has devices of the board"},
        {is_outside(domain), "has modules outside the archive"},
        {domain->has_store || domain->has_pv_console || domain->serves != PLAN_SERVES_NOTHING, "has rings"},
        {has_relations(index), "has static channels, shared memory or devices of other domains"},
    };
    bool good = true;

    for (uint32_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].refused) {
            log_problem(domain->name, "it %s, which only the launch gives; take that out [dynamic-ordinary]",
                        rules[i].what);
            good = false;
        }
    }
    return good;
}

/* The running policy may number its labels otherwise. */
static bool find_label(struct bhctl_port *port, struct plan_domain *domain)
{
    const struct archive_member *member = archive_find(&archive, BULKHEAD_LABELS_FILE);
    const struct bulkhead_labels *labels = (member != NULL) ? (const void *)member->data : NULL;
    char context[BHCTL_LABEL];

    if (domain->label == 0) {
        return true;
    }
    if (labels == NULL || member->size != sizeof(*labels) || domain->label >= BULKHEAD_LABELS) {
        log_problem(domain->name, "its label is not in the archive; make it again");
        return false;
    }
    for (uint32_t i = 0; i < BULKHEAD_LABELS; i++) {
        if (call_label(port, i, context) == 0 &&
            strncmp(context, labels->label[domain->label], BULKHEAD_LABEL_BYTES) == 0) {
            domain->label = i;
            return true;
        }
    }
    log_problem(domain->name,
                "the label policy of this system does not know its label; write it below `labels: { extra: ... }` "
                "[dynamic-label]");
    return false;
}

static bool may_create(struct bhctl_port *port)
{
    struct bulkhead_rights rights = {.target = DOMID_SELF};
    struct bulkhead_domain self = {.domid = DOMID_SELF};

    if (call_identity(port, &self) == 0 && call_rights(port, &rights) == 0 &&
        rights.holder[BULKHEAD_RIGHT_CREATE] == self.domid) {
        return true;
    }
    log_problem(NULL, "create is refused: this domain does not hold the right 'create' that it needs "
                      "[right-over-platform]");
    return false;
}

/* Beside its RAM: its tables, and what the hypervisor keeps of it. */
static bool has_memory(struct bhctl_port *port, const struct plan_domain *domain)
{
    struct xen_sysctl_physinfo info = {0};

    if (call_physinfo(port, &info) != 0 || info.outstanding_pages >= domain->memory / LAYOUT_PAGE) {
        return true; /* the hypervisor will say */
    }
    log_problem(
        domain->name,
        "it has %lu KiB, of what the launch set aside for later domains %lu KiB are left; destroy one, or write "
        "more `dynamic: { memory }` [dynamic-memory]",
        (unsigned long)(domain->memory >> 10), (unsigned long)info.outstanding_pages * (LAYOUT_PAGE >> 10));
    return false;
}

enum bhctl_exit create_domain(struct bhctl_port *port, const uint8_t *data, uint64_t size, const char *name,
                              bool paused)
{
    struct plan_domain *domain;
    uint32_t index;

    said_to = port;
    if (!may_create(port)) {
        return BHCTL_REFUSED;
    }
    if (hyper_board(&board) != 0 || !read_archive(data, size)) {
        return BHCTL_FAILED;
    }
    index = find(name);
    if (index == plan.count) {
        return BHCTL_NOBODY;
    }
    domain = &plan.domains[index];
    if (!is_ordinary(index) || !find_label(port, domain) || !has_memory(port, domain)) {
        return BHCTL_REFUSED;
    }
    for (uint32_t i = 0; i < PLAN_MODULE_KINDS; i++) {
        domain->modules[i].shared = true; /* copied: the archive stays */
    }
    memset(domain->after, 0, sizeof(domain->after));
    builder_init(&builder, &plan, &board);
    builder.is_later = true;
    builder.is_paused = paused;
    if (builder_build(&builder, index)) {
        return BHCTL_GOOD;
    }
    (void)call_settle(port); /* what was begun is free again before the next try */
    return BHCTL_FAILED;
}
