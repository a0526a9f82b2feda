/* SPDX-License-Identifier: Apache-2.0 */
#include "rings.h"

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/hvm/params.h>

#include "guest_layout.h"
#include "hyper.h"
#include "order.h"

_Static_assert((int)RING_CONSOLE == GNTTAB_RESERVED_CONSOLE && (int)RING_STORE == GNTTAB_RESERVED_XENSTORE, "grants");

/* HVM parameters. */
static const struct {
    uint32_t frame;
    uint32_t port;
} parameters[RING_KINDS] = {
    [RING_CONSOLE] = {HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN},
    [RING_STORE] = {HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN},
};

static int64_t bind(const struct plan *plan, uint32_t from, uint32_t port, uint32_t to, uint32_t remote_port)
{
    struct bulkhead_channel op = {
        .domid = order_domid(plan, from), .remote = order_domid(plan, to), .port = port, .remote_port = remote_port};

    return hyper_bind_channel(&op);
}

/* Server's ends in ascending order of ports, as the hypervisor wants them. */
static int64_t bind_clients(const struct plan *plan, enum ring_kind kind, uint32_t server)
{
    int64_t result = 0;

    for (uint32_t i = 0; i < plan->count && result == 0; i++) {
        if (rings_has(plan, kind, i)) {
            result = bind(plan, server, rings_server_port(plan, kind, i), i, rings_port(plan, kind, i));
        }
    }
    return result;
}

int64_t rings_bind(const struct plan *plan, uint32_t index)
{
    int64_t result = 0;

    for (uint32_t k = 0; k < RING_KINDS && result == 0; k++) {
        enum ring_kind kind = (enum ring_kind)k;
        uint32_t server = rings_server(plan, kind);
        if (server == index) {
            result = bind_clients(plan, kind, server);
        } else if (rings_has(plan, kind, index)) {
            result = bind(plan, index, rings_port(plan, kind, index), server, rings_server_port(plan, kind, index));
        }
    }
    return result;
}

int64_t rings_seed(const struct plan *plan, uint32_t index, uint16_t domid, uint64_t magic)
{
    int64_t result = 0;

    for (uint32_t k = 0; k < RING_KINDS && result == 0; k++) {
        enum ring_kind kind = (enum ring_kind)k;
        uint64_t gfn = magic / LAYOUT_PAGE + k;
        if (!rings_has(plan, kind, index)) {
            continue;
        }
        result = hyper_populate(domid, gfn, 1);
        if (result == 0) {
            result = hyper_seed_grant(domid, k, order_domid(plan, rings_server(plan, kind)), gfn);
        }
        if (result == 0) {
            result = hyper_set_parameter(domid, parameters[kind].frame, gfn);
        }
        if (result == 0) {
            result = hyper_set_parameter(domid, parameters[kind].port, rings_port(plan, kind, index));
        }
    }
    return result;
}

void rings_hand_over(const struct plan *plan, uint32_t index, uint16_t domid)
{
    if (rings_has(plan, RING_CONSOLE, index)) {
        (void)hyper_move_right(BULKHEAD_RIGHT_CONSOLE, domid, order_domid(plan, rings_server(plan, RING_CONSOLE)));
    }
}
