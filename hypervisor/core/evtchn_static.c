/* SPDX-License-Identifier: Apache-2.0 */
/* Static channels: ends with fixed numbers, each made while its own domain is built. */
#include "core/evtchn_internal.h"

/* Context: bindings lock.  true = both ends are bound, by this call. */
static bool connect(const struct domain *d, uint32_t port, struct domain *r, uint32_t remote, uint32_t remote_port)
{
    struct port *p = port_at(d, port);
    struct port *q = (r != NULL && domain_state(r) != DOMAIN_DYING) ? port_find(r, remote_port) : NULL;
    struct binding far = {.status = EVTCHNSTAT_closed};
    struct binding near = {.status = EVTCHNSTAT_unbound,
                           .vcpu = binding_unpack(p->binding).vcpu,
                           .priority = EVTCHN_FIFO_PRIORITY_DEFAULT,
                           .domid = (uint16_t)remote};

    if (q != NULL) {
        far = binding_unpack(q->binding);
    }
    if (far.status == EVTCHNSTAT_unbound && far.domid == d->id) {
        far.status = EVTCHNSTAT_interdomain;
        far.port = port;
        near.status = EVTCHNSTAT_interdomain;
        near.port = remote_port;
        port_bind(q, far);
    }
    port_bind(p, near);
    return near.status == EVTCHNSTAT_interdomain;
}

/* Is it the end that is asked for? */
static bool is_same(struct binding b, uint32_t remote, uint32_t remote_port)
{
    return b.domid == remote &&
           (b.status == EVTCHNSTAT_unbound || (b.status == EVTCHNSTAT_interdomain && b.port == remote_port));
}

err_t evtchn_bind_static(struct domain *d, uint32_t port, struct domain *r, uint32_t remote, uint32_t remote_port)
{
    struct port *p = port_find(d, port);
    bool bound = false;
    err_t err = OK;

    if (p == NULL) {
        err = evtchn_reach(d, port);
    } else if (!is_same(binding_unpack(port_load(p)), remote, remote_port)) {
        err = ERR_EXIST;
    }
    if (err != OK) {
        return err;
    }
    evtchn_bindings_lock();
    p = port_at(d, port);
    if (binding_unpack(p->binding).status != EVTCHNSTAT_interdomain) {
        bound = connect(d, port, r, remote, remote_port);
    }
    evtchn_bindings_unlock();
    if (bound) {
        evtchn_raise(d, port, p, port_load(p)); /* what the peer sent before is not lost */
    }
    return OK;
}
