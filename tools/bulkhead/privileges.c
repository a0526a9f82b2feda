// SPDX-License-Identifier: Apache-2.0
#include "privileges.h"

#include <string.h>

const char *const privileges_names[BULKHEAD_RIGHT_COUNT] = BULKHEAD_RIGHT_NAMES;

unsigned privileges_right(const char *name)
{
    unsigned right = 0;

    while (right < BULKHEAD_RIGHT_COUNT && strcmp(privileges_names[right], name) != 0) {
        right++;
    }
    return right;
}

static size_t find_domain(const struct system *s, const char *name)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (strcmp(system_domain(s, i)->name.value, name) == 0) {
            return i;
        }
    }
    return PRIVILEGES_NOBODY;
}

static size_t find_role(const struct system *s, unsigned role)
{
    for (size_t i = 0; i < s->domains.count; i++) {
        if (system_domain(s, i)->role.value == role) {
            return i;
        }
    }
    return PRIVILEGES_NOBODY;
}

/* What the Control Domain gets when the description says nothing. */
static uint32_t control_rights(const struct system *s, size_t target)
{
    if (target == s->domains.count) {
        return BULKHEAD_RIGHTS_PLATFORM;
    }
    return system_domain(s, target)->safe.value ? BULKHEAD_RIGHTS_HARMLESS : BULKHEAD_RIGHTS_DOMAIN;
}

void privileges_over(const struct system *s, size_t target, size_t holder[BULKHEAD_RIGHT_COUNT])
{
    const struct items *grants = target == s->domains.count ? &s->grants : &system_domain(s, target)->grants;
    const struct grant *grant = grants->item;

    for (unsigned right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        holder[right] = (control_rights(s, target) >> right & 1) != 0 ? find_role(s, ROLE_CONTROL) : PRIVILEGES_NOBODY;
    }
    if (target != s->domains.count && system_domain(s, target)->console.value == CONSOLE_PV) {
        holder[BULKHEAD_RIGHT_CONSOLE] = find_role(s, ROLE_CONSOLE);
    }
    for (size_t i = 0; i < grants->count; i++) {
        const struct text *name = grant[i].rights.item;
        for (size_t j = 0; j < grant[i].rights.count; j++) {
            holder[privileges_right(name[j].value)] = find_domain(s, grant[i].to.value);
        }
    }
}

static void print_holder(struct buffer *out, const struct system *s, const char *target, const size_t *holder,
                         size_t who)
{
    buffer_printf(out, "rights over %s: %s:", target, system_domain(s, who)->name.value);
    for (unsigned right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        if (holder[right] == who) {
            buffer_printf(out, " %s", privileges_names[right]);
        }
    }
    buffer_printf(out, "\n");
}

static void print_target(struct buffer *out, const struct system *s, size_t target)
{
    const char *name = target == s->domains.count ? "the platform" : system_domain(s, target)->name.value;
    size_t holder[BULKHEAD_RIGHT_COUNT];
    bool somebody = false;

    privileges_over(s, target, holder);
    for (unsigned right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        unsigned first = 0;
        while (holder[first] != holder[right]) {
            first++;
        }
        if (first == right && holder[right] != PRIVILEGES_NOBODY) {
            print_holder(out, s, name, holder, holder[right]);
            somebody = true;
        }
    }
    if (!somebody) {
        buffer_printf(out, "rights over %s: nobody\n", name);
    }
}

void privileges_print(struct buffer *out, const struct system *s)
{
    for (size_t target = 0; target <= s->domains.count; target++) {
        print_target(out, s, target);
    }
}
