// SPDX-License-Identifier: Apache-2.0
/* What a description connects, against the compiled label policy: channels, shared memory, devices and rings are made at
 * the launch, where nobody asks any more. */
#include <string.h>

#include "devices.h"
#include "label_access.h"
#include "labels.h"
#include "privileges.h"

struct checker {
    struct arena *arena;
    struct diags *diags;
    const struct system *system;
};

static const struct domain *named(const struct system *s, const char *name)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (strcmp(system_domain(s, i)->name.value, name) == 0) {
            return system_domain(s, i);
        }
    }
    return NULL; /* reported elsewhere */
}

static const struct domain *server(const struct system *s, enum domain_role role)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (system_domain(s, i)->role.value == (uint64_t)role) {
            return system_domain(s, i);
        }
    }
    return NULL; /* reported elsewhere */
}

/* Report that `what`, written at `at`, needs an access that is refused. */
static void refuse(const struct checker *c, struct place at, const char *what, unsigned access, const char *from,
                   const char *to)
{
    if ((c->system->matrix->flags & BULKHEAD_LABELS_PERMISSIVE) != 0) {
        diag_note(
            c->diags, at, "label-refuses",
            "%s needs `%s` (%s) from %s to %s, which the label policy refuses; `mode: enforcing` would not have it",
            what, label_accesses[access].name, label_accesses[access].text, from, to);
    } else {
        diag_error(c->diags, at, "label-refuses",
                   "%s needs `%s` (%s) from %s to %s, which the label policy refuses; allow it there, or write another "
                   "`seclabel`",
                   what, label_accesses[access].name, label_accesses[access].text, from, to);
    }
}

static const char *full_name(const struct checker *c, const struct domain *d)
{
    return arena_printf(c->arena, "`%s` (%s)", d->name.value, c->system->matrix->label[d->label]);
}

/* False after a refusal. */
static bool need(const struct checker *c, struct place at, const char *what, unsigned access, const struct domain *from,
                 const struct domain *to)
{
    if (from == NULL || to == NULL || from == to || labels_allow(c->system->matrix, from->label, to->label, access)) {
        return true;
    }
    refuse(c, at, what, access, full_name(c, from), full_name(c, to));
    return false;
}

static void check_channels(const struct checker *c)
{
    const struct channel *channel = c->system->channels.item;

    for (size_t i = 0; i < c->system->channels.count; i++) {
        const struct channel_end *end = channel[i].ends.item;
        const char *what = arena_printf(c->arena, "channel `%s`", channel[i].name.value);
        for (size_t j = 0; j < 2; j++) {
            need(c, end[j].at, what, BULKHEAD_ACCESS_EVENT, named(c->system, end[j].domain.value),
                 named(c->system, end[1 - j].domain.value));
        }
    }
}

/* Who may write the memory writes to the others that see it; they read what comes from there. */
static void check_share(const struct checker *c, const struct share *share)
{
    const struct share_use *use = share->domains.item;
    const char *what = arena_printf(c->arena, "shared memory `%s`", share->name.value);

    for (size_t i = 0; i < share->domains.count; i++) {
        for (size_t j = 0; j < share->domains.count; j++) {
            const struct domain *one = named(c->system, use[i].domain.value);
            const struct domain *other = named(c->system, use[j].domain.value);
            if (!use[i].read_only.value) {
                need(c, use[i].at, what, BULKHEAD_ACCESS_GRANT_WRITE, one, other);
            }
            if (!use[j].read_only.value) {
                need(c, use[i].at, what, BULKHEAD_ACCESS_GRANT_READ, one, other);
            }
        }
    }
}

/* A back end maps what its front end grants; events go both ways. The first refusal is told. */
static bool check_ring(const struct checker *c, struct place at, const char *what, const struct domain *back,
                       const struct domain *front)
{
    return need(c, at, what, BULKHEAD_ACCESS_EVENT, front, back) &&
           need(c, at, what, BULKHEAD_ACCESS_EVENT, back, front) &&
           need(c, at, what, BULKHEAD_ACCESS_GRANT_READ, back, front) &&
           need(c, at, what, BULKHEAD_ACCESS_GRANT_WRITE, back, front);
}

static void check_devices(const struct checker *c, const struct domain *domain)
{
    const struct disk *disk = domain->disks.item;
    const struct nic *nic = domain->nics.item;

    for (size_t i = 0; i < domain->disks.count; i++) {
        check_ring(c, disk[i].at, arena_printf(c->arena, "disk `%s`", disk[i].name.value),
                   named(c->system, disk[i].backend.value), domain);
    }
    for (size_t i = 0; i < domain->nics.count; i++) {
        check_ring(c, nic[i].at, "the network interface", named(c->system, nic[i].backend.value), domain);
    }
}

static void check_servers(const struct checker *c, const struct domain *domain)
{
    const struct domain *console = server(c->system, ROLE_CONSOLE);

    if (domain->enhanced.value != ENHANCED_NO_STORE) {
        check_ring(c, domain->enhanced.at, "the connection to xenstore", server(c->system, ROLE_XENSTORE), domain);
    }
    if (domain->console.value == CONSOLE_PV) {
        (void)(check_ring(c, domain->console.at, "the paravirtual console", console, domain) &&
               need(c, domain->console.at, "the paravirtual console", BULKHEAD_RIGHT_CONSOLE, console, domain));
    }
    if (domain->argo.value == ARGO_ANY &&
        !labels_allow(c->system->matrix, domain->label, BULKHEAD_LABEL_PLATFORM, BULKHEAD_ACCESS_ARGO_ANY)) {
        refuse(c, domain->argo.at, "`argo: any`", BULKHEAD_ACCESS_ARGO_ANY, full_name(c, domain), "the platform");
    }
}

/* A right that the label cannot use. target NULL: over the platform. */
static void check_grants(const struct checker *c, const struct items *grants, const struct domain *target)
{
    const struct grant *grant = grants->item;

    for (size_t i = 0; i < grants->count; i++) {
        const struct text *right = grant[i].rights.item;
        const struct domain *to = named(c->system, grant[i].to.value);
        for (size_t j = 0; j < grant[i].rights.count && to != NULL; j++) {
            unsigned access = privileges_right(right[j].value);
            uint32_t label = target == NULL ? BULKHEAD_LABEL_PLATFORM : target->label;
            if (to != target && !labels_allow(c->system->matrix, to->label, label, access)) {
                refuse(c, right[j].at, "this right", access, full_name(c, to),
                       target == NULL ? "the platform" : full_name(c, target));
            }
        }
    }
}

void labels_check_links(struct arena *arena, struct diags *d, const struct system *s)
{
    const struct checker c = {.arena = arena, .diags = d, .system = s};
    const struct share *share = s->shared_memory.item;

    check_channels(&c);
    for (size_t i = 0; i < s->shared_memory.count; i++) {
        check_share(&c, &share[i]);
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        check_devices(&c, system_domain(s, i));
        check_servers(&c, system_domain(s, i));
        check_grants(&c, &system_domain(s, i)->grants, system_domain(s, i));
    }
    check_grants(&c, &s->grants, NULL);
}
