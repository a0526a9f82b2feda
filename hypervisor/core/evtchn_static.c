/* SPDX-License-Identifier: Apache-2.0 */
/* Static channels: ends with fixed numbers, each made while its own domain is built. */
#include "core/evtchn_internal.h"

/* Is it the end that is asked for? */
static bool is_same(struct binding b, uint32_t remote, uint32_t remote_port)
{
    return b.domid == remote &&
           (b.status == EVTCHNSTAT_unbound || (b.status == EVTCHNSTAT_interdomain && b.port == remote_port));
}

err_t evtchn_bind_static(struct domain *d, uint32_t port, struct domain *r, uint32_t remote, uint32_t remote_port)
{
    struct binding b = {.status = EVTCHNSTAT_unbound,
                        .priority = EVTCHN_FIFO_PRIORITY_DEFAULT,
                        .domid = (uint16_t)remote,
                        .port = remote_port};
    struct port *p = port_find(d, port);
    struct port *q = NULL;
    err_t err = OK;

    if (p == NULL) {
        err = evtchn_reach(d, port);
    } else if (!is_same(binding_unpack(port_load(p)), remote, remote_port)) {
        err = ERR_EXIST;
    }
    if (err != OK) {
        return err;
    }
    spin_lock(&evtchn_bindings);
    p = port_at(d, port);
    if (port_binding(p).status != EVTCHNSTAT_interdomain) {
        b.vcpu = port_binding(p).vcpu;
        q = (r != NULL) ? evtchn_waiting(d, r, remote_port) : NULL;
        if (q != NULL) {
            evtchn_join(q, port);
            b.status = EVTCHNSTAT_interdomain;
        }
        port_bind(p, b);
    }
    spin_unlock(&evtchn_bindings);
    if (q != NULL) {
        evtchn_raise(d, port, p, port_load(p)); /* what the peer sent before is not lost */
    }
    return OK;
}

bool evtchn_look(const struct domain *d, struct evtchn_end *e, bool *last)
{
    const struct port *p = port_find(d, e->port);
    struct binding b;

    *last = p == NULL;
    if (p == NULL) {
        return false;
    }
    b = binding_unpack(port_load(p));
    e->remote = b.domid;
    e->remote_port = b.port;
    e->min_interval = __atomic_load_n(&p->min_interval, __ATOMIC_RELAXED);
    return b.status == EVTCHNSTAT_interdomain || b.status == EVTCHNSTAT_unbound;
}
