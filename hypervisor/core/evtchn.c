/* SPDX-License-Identifier: Apache-2.0 */
/* event_channel_op: the calls of guests.
 * [impl->dsn~evtchn-op~1] */
#include "core/evtchn.h"
#include "arch/contract/arch.h"
#include "core/hypercall.h"
#include "core/rights.h"

#include <xen/xen.h>
#include <xen/event_channel.h>

/* EVTCHNOP_expand_array goes on at the port above this bit.  A guest that calls it itself delivers events that have
 * come already. */
#define OP_PLACE 0x40000000u

/* The port that was opened is told to the caller, or closed again. */
static err_t answer_port(struct domain *d, gva_t to, uint32_t port)
{
    err_t err = copy_out(to, &port, sizeof(port));

    if (err != OK) {
        (void)evtchn_close(d, port);
    }
    return err;
}

static gva_t member(gva_t arg, size_t offset)
{
    return GVA(arg.v + offset);
}

static err_t op_alloc_unbound(struct vcpu *v, gva_t arg)
{
    struct evtchn_alloc_unbound a;
    struct domain *d;
    uint32_t port;
    err_t err = copy_in(&a, arg, sizeof(a));

    if (err == OK) {
        err = rights_get(v, BULKHEAD_RIGHT_BUILD, a.dom, &d);
    }
    if (err != OK) {
        return err;
    }
    err = evtchn_alloc_unbound(d, (a.remote_dom == DOMID_SELF) ? v->domain->id : a.remote_dom, &port);
    if (err == OK) {
        err = answer_port(d, member(arg, offsetof(struct evtchn_alloc_unbound, port)), port);
    }
    domain_put(d);
    return err;
}

static err_t op_bind_interdomain(struct vcpu *v, gva_t arg)
{
    struct evtchn_bind_interdomain a;
    struct domain *r;
    uint32_t port;
    err_t err = copy_in(&a, arg, sizeof(a));

    if (err == OK) {
        err = domain_get(v, a.remote_dom, &r);
    }
    if (err != OK) {
        return err;
    }
    err = evtchn_bind_interdomain(v->domain, r, a.remote_port, &port);
    domain_put(r);
    if (err == OK) {
        err = answer_port(v->domain, member(arg, offsetof(struct evtchn_bind_interdomain, local_port)), port);
    }
    return err;
}

static err_t op_bind_virq(struct vcpu *v, gva_t arg)
{
    struct evtchn_bind_virq a;
    uint32_t port;
    err_t err = copy_in(&a, arg, sizeof(a));

    if (err == OK) {
        err = evtchn_bind_virq(v->domain, a.virq, a.vcpu, &port);
    }
    if (err == OK) {
        err = answer_port(v->domain, member(arg, offsetof(struct evtchn_bind_virq, port)), port);
    }
    return err;
}

static err_t op_bind_ipi(struct vcpu *v, gva_t arg)
{
    struct evtchn_bind_ipi a;
    uint32_t port;
    err_t err = copy_in(&a, arg, sizeof(a));

    if (err == OK) {
        err = evtchn_bind_ipi(v->domain, a.vcpu, &port);
    }
    if (err == OK) {
        err = answer_port(v->domain, member(arg, offsetof(struct evtchn_bind_ipi, port)), port);
    }
    return err;
}

/* No physical interrupt is an event on Arm. */
static err_t op_bind_pirq(gva_t arg)
{
    struct evtchn_bind_pirq a;
    err_t err = copy_in(&a, arg, sizeof(a));

    return (err == OK) ? ERR_INVAL : err;
}

static err_t op_bind_vcpu(struct vcpu *v, gva_t arg)
{
    struct evtchn_bind_vcpu a;
    err_t err = copy_in(&a, arg, sizeof(a));

    return (err == OK) ? evtchn_bind_vcpu(v->domain, a.port, a.vcpu) : err;
}

static err_t op_set_priority(struct vcpu *v, gva_t arg)
{
    struct evtchn_set_priority a;
    err_t err = copy_in(&a, arg, sizeof(a));

    return (err == OK) ? evtchn_set_priority(v->domain, a.port, a.priority) : err;
}

static err_t op_close(struct vcpu *v, gva_t arg)
{
    uint32_t port;
    err_t err = copy_in(&port, arg, sizeof(port));

    return (err == OK) ? evtchn_close(v->domain, port) : err;
}

static err_t op_unmask(struct vcpu *v, gva_t arg)
{
    uint32_t port;
    err_t err = copy_in(&port, arg, sizeof(port));

    return (err == OK) ? evtchn_unmask(v->domain, port) : err;
}

static err_t op_status(struct vcpu *v, gva_t arg)
{
    struct evtchn_status s;
    struct domain *d;
    err_t err = copy_in(&s, arg, sizeof(s));

    if (err == OK) {
        err = rights_get(v, BULKHEAD_RIGHT_INFO, s.dom, &d);
    }
    if (err != OK) {
        return err;
    }
    err = evtchn_status(d, &s);
    domain_put(d);
    return (err == OK) ? copy_out(arg, &s, sizeof(s)) : err;
}

static err_t op_reset(struct vcpu *v, gva_t arg)
{
    struct evtchn_reset a;
    struct domain *d;
    err_t err = copy_in(&a, arg, sizeof(a));

    if (err == OK) {
        err = rights_get(v, BULKHEAD_RIGHT_BUILD, a.dom, &d);
    }
    if (err == OK) {
        err = (domain_state(d) != DOMAIN_DYING) ? evtchn_reset(d) : ERR_SRCH;
        domain_put(d);
    }
    return err;
}

static err_t op_init_control(struct vcpu *v, gva_t arg)
{
    const uint8_t link_bits = EVTCHN_FIFO_LINK_BITS;
    struct evtchn_init_control a;
    err_t err = copy_in(&a, arg, sizeof(a));

    if (err == OK) {
        err = evtchn_init_control(v->domain, a.vcpu, GFN(a.control_gfn), a.offset);
    }
    if (err == OK) {
        err = copy_out(member(arg, offsetof(struct evtchn_init_control, link_bits)), &link_bits, sizeof(link_bits));
    }
    return err;
}

static err_t place(struct vcpu *v, uint64_t *args, uint32_t port)
{
    err_t err = evtchn_place(v->domain, &port);

    if (err == ERR_RESTART) {
        args[0] = OP_PLACE | port;
    }
    return err;
}

static err_t op_expand_array(struct vcpu *v, uint64_t *args)
{
    struct evtchn_expand_array a;
    uint32_t first;
    err_t err = copy_in(&a, GVA(args[1]), sizeof(a));

    if (err == OK) {
        err = evtchn_expand_array(v->domain, GFN(a.array_gfn), &first);
    }
    return (err == OK) ? place(v, args, first) : err;
}

/* Everything but send. */
static NOINLINE err_t other_op(struct vcpu *v, uint64_t *args)
{
    uint32_t op = (uint32_t)args[0];
    gva_t arg = GVA(args[1]);

    switch (op) {
    case EVTCHNOP_bind_interdomain:
        return op_bind_interdomain(v, arg);
    case EVTCHNOP_bind_virq:
        return op_bind_virq(v, arg);
    case EVTCHNOP_bind_pirq:
        return op_bind_pirq(arg);
    case EVTCHNOP_close:
        return op_close(v, arg);
    case EVTCHNOP_status:
        return op_status(v, arg);
    case EVTCHNOP_alloc_unbound:
        return op_alloc_unbound(v, arg);
    case EVTCHNOP_bind_ipi:
        return op_bind_ipi(v, arg);
    case EVTCHNOP_bind_vcpu:
        return op_bind_vcpu(v, arg);
    case EVTCHNOP_unmask:
        return op_unmask(v, arg);
    case EVTCHNOP_reset:
        return op_reset(v, arg);
    case EVTCHNOP_init_control:
        return op_init_control(v, arg);
    case EVTCHNOP_expand_array:
        return op_expand_array(v, args);
    case EVTCHNOP_set_priority:
        return op_set_priority(v, arg);
    default:
        if ((op & ~(EVTCHN_PORTS - 1u)) == OP_PLACE) {
            return place(v, args, op & (EVTCHN_PORTS - 1u));
        }
        return ERR_NOSYS;
    }
}

int64_t event_channel_op(struct vcpu *v, uint64_t *args)
{
    uint32_t port;
    err_t err;

    if (UNLIKELY((uint32_t)args[0] != EVTCHNOP_send)) {
        return other_op(v, args);
    }
    err = copy_in32(&port, GVA(args[1]));
    return LIKELY(err == OK) ? evtchn_send(v->domain, port) : err;
}
