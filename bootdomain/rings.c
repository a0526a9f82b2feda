/* SPDX-License-Identifier: Apache-2.0 */
#include "rings.h"

#include <stddef.h>

#include "guest_layout.h"

static const enum plan_serves servers[RING_KINDS] = {
    [RING_CONSOLE] = PLAN_SERVES_CONSOLE, [RING_STORE] = PLAN_SERVES_STORE};

uint32_t rings_server(const struct plan *plan, enum ring_kind kind)
{
    uint32_t server = 0;

    while (server < plan->count && plan->domains[server].serves != servers[kind]) {
        server++;
    }
    return server;
}

bool rings_has(const struct plan *plan, enum ring_kind kind, uint32_t index)
{
    const struct plan_domain *domain = &plan->domains[index];
    bool wants = (kind == RING_STORE) ? domain->has_store : domain->has_pv_console;

    return wants && domain->serves == PLAN_SERVES_NOTHING && rings_server(plan, kind) != plan->count;
}

uint64_t rings_bytes(const struct plan *plan, uint32_t index)
{
    uint64_t bytes = 0;

    for (uint32_t kind = 0; kind < RING_KINDS; kind++) {
        bytes += rings_has(plan, (enum ring_kind)kind, index) ? LAYOUT_PAGE : 0;
    }
    return bytes;
}

/* The highest port that the description uses. */
static uint32_t last_channel(const struct plan *plan, uint32_t index)
{
    const struct plan_channel *end = plan_next_channel(plan, index, 0);
    uint32_t port = 0;

    while (end != NULL) {
        port = end->port;
        end = plan_next_channel(plan, index, port);
    }
    return port;
}

uint32_t rings_port(const struct plan *plan, enum ring_kind kind, uint32_t index)
{
    return last_channel(plan, index) + 1u + (uint32_t)kind;
}

uint32_t rings_server_port(const struct plan *plan, enum ring_kind kind, uint32_t index)
{
    uint32_t port = last_channel(plan, rings_server(plan, kind)) + 1u;

    for (uint32_t i = 0; i < index; i++) {
        port += rings_has(plan, kind, i) ? 1u : 0u;
    }
    return port;
}
