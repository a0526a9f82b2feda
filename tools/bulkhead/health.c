// SPDX-License-Identifier: Apache-2.0
/* The table of actions of a domain: defaults, rules, cost. */
#include "system.h"

#define PAGE             UINT64_C(4096)
#define DEVICE_TREE_ROOM UINT64_C(0x10000)

bool health_is_described(const struct domain *d)
{
    return d->restartable.value || d->health.at.file != NULL;
}

static unsigned usual(const struct domain *d, unsigned event)
{
    switch (event) {
    case BULKHEAD_EVENT_POWEROFF:
        return BULKHEAD_ACTION_HALT;
    case BULKHEAD_EVENT_ACCESS:
        return BULKHEAD_ACTION_IGNORE;
    case BULKHEAD_EVENT_OVERRUN:
    case BULKHEAD_EVENT_STORM:
        return BULKHEAD_ACTION_LOG;
    default:
        return d->restartable.value ? BULKHEAD_ACTION_RESTART : BULKHEAD_ACTION_HALT;
    }
}

unsigned health_action(const struct domain *d, unsigned event)
{
    const struct number *n = &d->health.action[event];

    return !n->given ? usual(d, event) : (unsigned)n->value + (event < HEALTH_ENDS ? BULKHEAD_ACTION_HALT : 0);
}

uint64_t health_image_bytes(const struct domain *d)
{
    const struct kernel_info *k = &d->module[MODULE_KERNEL].kernel;
    uint64_t sum =
        k->high - k->low + d->module[MODULE_RAMDISK].data.size + DEVICE_TREE_ROOM + (d->verify.value ? PAGE : 0);

    return d->restartable.value ? (sum + PAGE - 1) / PAGE * PAGE : 0;
}

void health_check(struct diags *d, const struct domain *domain)
{
    if (domain->verify.value && !domain->restartable.value) {
        diag_error(d, domain->verify.at, "verify-restartable",
                   "`%s` has no sealed images to verify; write `restartable: true` too, or leave `verify` out",
                   domain->name.value);
    }
    for (unsigned i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        const struct number *n = &domain->health.action[i];
        if (n->given && health_action(domain, i) == BULKHEAD_ACTION_RESTART && !domain->restartable.value) {
            diag_error(d, n->at, "restart-restartable",
                       "`%s` cannot be restarted; write `restartable: true` too, or another action for `%s`",
                       domain->name.value, event_names[i]);
        }
    }
}
