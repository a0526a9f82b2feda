/* SPDX-License-Identifier: Apache-2.0 */
/* Rights that the description gives to domains by name: "pause:control" over the domain that the property stands in.
 * [impl->dsn~boot-grants~1] */
#include <string.h>

#include "plan_internal.h"
#include "text.h"

static const char *const right_names[BULKHEAD_RIGHT_COUNT] = BULKHEAD_RIGHT_NAMES;

/* BULKHEAD_RIGHT_COUNT: no right that makes sense here is called so. */
static uint32_t find_right(const char *name, size_t length, uint32_t possible)
{
    uint32_t i = 0;

    while (i < BULKHEAD_RIGHT_COUNT && ((possible >> i & 1) == 0 || strlen(right_names[i]) != length ||
                                        memcmp(right_names[i], name, length) != 0)) {
        i++;
    }
    return i;
}

static uint32_t find_receiver(const struct plan *plan, const char *name)
{
    uint32_t i = 0;

    while (i < plan->count && strcmp(plan->domains[i].name, name) != 0) {
        i++;
    }
    return i;
}

static bool is_safe(const struct plan_domain *domain)
{
    return (domain->flags & BULKHEAD_DOMAIN_SAFE) != 0;
}

static bool somebody_is_safe(const struct plan *plan)
{
    uint32_t i = 0;

    while (i < plan->count && !is_safe(&plan->domains[i])) {
        i++;
    }
    return i < plan->count;
}

/* May the receiver have that right over a domain, or over the platform (NULL)?  Only by its own hand, or a safe one's, does
 * a safe domain stop. */
static bool is_sound(const struct plan *plan, const char *domain, uint32_t receiver, uint32_t right)
{
    if (is_safe(&plan->domains[receiver])) {
        return true;
    }
    if (domain == NULL) {
        return (BULKHEAD_RIGHTS_PLATFORM_HARMLESS >> right & 1) != 0 || !somebody_is_safe(plan);
    }
    return (BULKHEAD_RIGHTS_HARMLESS >> right & 1) != 0 || !is_safe(&plan->domains[find_receiver(plan, domain)]);
}

void plan_read_grants(struct plan *plan, const struct plan_context *context, uint16_t *grantee, const char *domain,
                      int node)
{
    struct prop prop;
    uint32_t at = 0;

    if (!prop_find(&prop, context->fdt, node, domain, LAUNCH_PROP_GRANTS)) {
        return;
    }
    for (const char *text = prop_next_string(&prop, &at); text != NULL; text = prop_next_string(&prop, &at)) {
        const char *colon = strchr(text, ':');
        size_t length = (colon == NULL) ? strlen(text) : (size_t)(colon - text);
        uint32_t right = find_right(text, length, (domain == NULL) ? BULKHEAD_RIGHTS_PLATFORM : BULKHEAD_RIGHTS_DOMAIN);
        uint32_t receiver = (colon == NULL) ? plan->count : find_receiver(plan, colon + 1);
        if (right == BULKHEAD_RIGHT_COUNT || receiver == plan->count) {
            log_problem(domain, LAUNCH_PROP_GRANTS " has '%s'; write a right, a colon and a domain's name", text);
        } else if (grantee[right] != 0) {
            log_problem(domain, LAUNCH_PROP_GRANTS " gives '%s' twice; a right has one holder", right_names[right]);
        } else if (!is_sound(plan, domain, receiver, right)) {
            log_problem(domain,
                        LAUNCH_PROP_GRANTS
                        " gives '%s', by which a safe domain can be disturbed, to '%s', which is not safe",
                        right_names[right], plan->domains[receiver].name);
        } else {
            grantee[right] = (uint16_t)(receiver + 1);
        }
    }
}
