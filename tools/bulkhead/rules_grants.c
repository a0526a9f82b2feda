// SPDX-License-Identifier: Apache-2.0
/* The rules about rights that are given by name. */
#include <string.h>

#include <bulkhead/launch.h>

#include "privileges.h"

static const struct domain *check_receiver(struct diags *d, const struct system *s, const struct text *to)
{
    const char *names[LAUNCH_MAX_DOMAINS];

    for (size_t i = 0; i < s->domains.count; i++) {
        names[i] = system_domain(s, i)->name.value;
        if (strcmp(names[i], to->value) == 0) {
            return system_domain(s, i);
        }
    }
    const char *nearest = key_nearest(to->value, names, s->domains.count);
    diag_error(d, to->at, "grant-to", "there is no domain `%s` to give rights to; %s%s%s", to->value,
               nearest == NULL ? "write the name of a domain" : "did you mean `", nearest == NULL ? "" : nearest,
               nearest == NULL ? "" : "`?");
    return NULL;
}

/* The right, or BULKHEAD_RIGHT_COUNT after a message. */
static unsigned check_name(struct diags *d, const struct text *name, uint32_t possible, const char *over)
{
    unsigned right = privileges_right(name->value);
    const char *nearest = key_nearest(name->value, privileges_names, BULKHEAD_RIGHT_COUNT);

    if (right == BULKHEAD_RIGHT_COUNT) {
        diag_error(d, name->at, "grant-right", "there is no right `%s`; %s%s%s", name->value,
                   nearest == NULL ? "`bulkhead explain rights` lists them" : "did you mean `",
                   nearest == NULL ? "" : nearest, nearest == NULL ? "" : "`?");
    } else if ((possible >> right & 1) == 0) {
        diag_error(d, name->at, "grant-scope",
                   "`%s` is no right over %s; `bulkhead explain rights` lists those that are", name->value, over);
        right = BULKHEAD_RIGHT_COUNT;
    }
    return right;
}

/* A right over the platform by which a safe domain can be disturbed, given to one that is not safe. */
static void check_platform(struct diags *d, const struct system *s, const struct text *name, unsigned right,
                           const struct domain *receiver)
{
    if (receiver == NULL || receiver->safe.value || (BULKHEAD_RIGHTS_PLATFORM_HARMLESS >> right & 1) != 0) {
        return;
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        if (system_domain(s, i)->safe.value) {
            diag_error(
                d, name->at, "grant-to-unsafe",
                "`%s` over the platform, on which `%s` is safe, would be in the hands of `%s`, which is not; give "
                "it to a safe domain, or leave it out",
                name->value, system_domain(s, i)->name.value, receiver->name.value);
            return;
        }
    }
}

/* A right over a domain, given to another one (NULL = unknown). */
static void check_holder(struct diags *d, const struct text *name, unsigned right, const struct domain *target,
                         const struct domain *receiver)
{
    if (right == BULKHEAD_RIGHT_CONSOLE && target->console.value == CONSOLE_PV) {
        diag_error(d, name->at, "grant-console",
                   "`console` over `%s` belongs to whoever serves its paravirtual console; take it out here",
                   target->name.value);
    }
    if (target->safe.value && receiver != NULL && !receiver->safe.value &&
        (BULKHEAD_RIGHTS_HARMLESS >> right & 1) == 0) {
        diag_error(d, name->at, "grant-to-unsafe",
                   "`%s` over the safe domain `%s` would be in the hands of `%s`, which is not safe; give it to "
                   "a safe domain, or leave it out",
                   name->value, target->name.value, receiver->name.value);
    }
}

/* target: NULL = the platform. */
static void check_list(struct diags *d, const struct system *s, const struct domain *target, const struct items *grants)
{
    const struct grant *grant = grants->item;
    uint32_t possible = target == NULL ? BULKHEAD_RIGHTS_PLATFORM : BULKHEAD_RIGHTS_DOMAIN;
    uint32_t given = 0;

    for (size_t i = 0; i < grants->count; i++) {
        const struct domain *receiver = grant[i].to.given ? check_receiver(d, s, &grant[i].to) : NULL;
        const struct text *name = grant[i].rights.item;
        for (size_t j = 0; j < grant[i].rights.count; j++) {
            unsigned right = check_name(d, &name[j], possible, target == NULL ? "the platform" : "a domain");
            if (right == BULKHEAD_RIGHT_COUNT) {
                continue;
            }
            if ((given >> right & 1) != 0) {
                diag_error(d, name[j].at, "grant-twice", "`%s` is given twice; a right has one holder, write it once",
                           name[j].value);
            }
            given |= 1u << right;
            if (target != NULL) {
                check_holder(d, &name[j], right, target, receiver);
            } else {
                check_platform(d, s, &name[j], right, receiver);
            }
        }
    }
}

void rules_check_grants(struct diags *d, const struct system *s)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        check_list(d, s, system_domain(s, i), &system_domain(s, i)->grants);
    }
    check_list(d, s, NULL, &s->grants);
}
