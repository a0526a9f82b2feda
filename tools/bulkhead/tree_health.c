// SPDX-License-Identifier: Apache-2.0
/* What a domain's node says of failures. */
#include "tree_internal.h"

void tree_take_keep(const struct tree_reader *r, const char *name)
{
    (void)name;
    r->domain->restartable = (struct flag){.value = true, .at = tree_here(r), .given = true};
}

void tree_take_verify(const struct tree_reader *r, const char *name)
{
    (void)name;
    r->domain->verify = (struct flag){.value = true, .at = tree_here(r), .given = true};
}

void tree_take_health(const struct tree_reader *r, const char *name)
{
    struct domain_health *h = &r->domain->health;
    uint64_t cell[LAUNCH_HEALTH_CELLS];

    for (unsigned i = 0; i < LAUNCH_HEALTH_CELLS; i++) {
        bool ends = i >= 3 && i < 3 + HEALTH_ENDS;
        uint64_t least = (i == 0 || ends) ? BULKHEAD_ACTION_HALT : 0;
        bool counts = i == 1 || i == 2 || i == LAUNCH_HEALTH_CELLS - 1;
        uint64_t most = counts ? UINT32_MAX : BULKHEAD_ACTION_PLATFORM;
        if (!tree_number(r->tree, r->node, name, i, 1, &cell[i]) || cell[i] < least || cell[i] > most) {
            tree_wrong(r, "the table of actions is damaged; write 14 cells");
            return;
        }
    }
    uint64_t limit = cell[LAUNCH_HEALTH_CELLS - 1] == 0 ? HEALTH_STORM_LIMIT : cell[LAUNCH_HEALTH_CELLS - 1];
    if (limit < BULKHEAD_STORM_WINDOWS || limit > BULKHEAD_STORM_WINDOWS * UINT16_MAX) {
        tree_wrong(r, "the limit of interrupts that are a storm is not 64 to 4194240; write it into the 14th cell");
        return;
    }
    h->at = tree_here(r);
    h->fallback = tree_number_here(r, cell[0] == BULKHEAD_ACTION_PLATFORM);
    h->max_restarts = tree_number_here(r, cell[1]);
    h->within = tree_number_here(r, cell[2]);
    h->storm_limit = tree_number_here(r, limit);
    for (unsigned i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        h->action[i] = tree_number_here(r, cell[3 + i] - (i < HEALTH_ENDS ? BULKHEAD_ACTION_HALT : 0));
    }
}
