/* SPDX-License-Identifier: Apache-2.0 */
/* event_channel_op: the calls of guests.
 * [impl->dsn~evtchn-op~1] */
#include "core/evtchn.h"
#include "core/hypercall.h"
#include "core/label.h"
#include "core/rights.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/event_channel.h>

/* EVTCHNOP_expand_array goes on at the port above this bit.  A guest that calls it itself delivers events that have
 * come already. */
#define OP_PLACE 0x40000000u

/* A call in progress. */
struct call {
    struct vcpu *v;
    struct domain *d; /* the target; the caller's domain where the operation names none */
    union {
        domid_t dom; /* of those with a target */
        uint32_t port;
        struct evtchn_alloc_unbound alloc_unbound;
        struct evtchn_bind_interdomain bind_interdomain;
        struct evtchn_bind_virq bind_virq;
        struct evtchn_bind_ipi bind_ipi;
        struct evtchn_bind_vcpu bind_vcpu;
        struct evtchn_set_priority set_priority;
        struct evtchn_status status;
        struct evtchn_init_control init_control;
        struct evtchn_expand_array expand_array;
        char bytes[sizeof(struct evtchn_status)];
    } a;
};
static_assert(offsetof(struct evtchn_alloc_unbound, dom) == 0 && offsetof(struct evtchn_status, dom) == 0 &&
                  offsetof(struct evtchn_reset, dom) == 0,
              "a.dom");

COLD static err_t bind_interdomain(struct call *c)
{
    struct evtchn_bind_interdomain *a = &c->a.bind_interdomain;
    struct domain *r;
    err_t err = domain_get(c->v, a->remote_dom, &r);

    if (err == OK) {
        err = label_check_channel(c->d, r);
        err = (err == OK) ? evtchn_bind_interdomain(c->d, r, a->remote_port, &a->local_port) : err;
        domain_put(r);
    }
    return err;
}

#define OPERATIONS 14u
/* The structure's size, and the member that the caller is told. */
#define ANSWERS(name, member)                                                                                          \
    .size = sizeof(struct evtchn_##name), .answer = offsetof(struct evtchn_##name, member),                            \
    .length = sizeof(((struct evtchn_##name *)NULL)->member)
#define TARGETS(name) .targets = true, .right = BULKHEAD_RIGHT_##name

static const struct operation {
    uint8_t size;   /* 0: no such operation */
    uint8_t answer; /* what the caller is told: from this byte on */
    uint8_t length;
    bool opens;   /* the answer is a port that was opened */
    bool targets; /* a.dom is the caller's domain, or one that it holds right over */
    enum bulkhead_right right;
} operations[OPERATIONS] = {
    [EVTCHNOP_bind_interdomain] = {ANSWERS(bind_interdomain, local_port), .opens = true},
    [EVTCHNOP_bind_virq] = {ANSWERS(bind_virq, port), .opens = true},
    [EVTCHNOP_bind_pirq] = {.size = sizeof(struct evtchn_bind_pirq)},
    [EVTCHNOP_close] = {.size = sizeof(struct evtchn_close)},
    [EVTCHNOP_status] = {.size = sizeof(struct evtchn_status), .length = sizeof(struct evtchn_status), TARGETS(INFO)},
    [EVTCHNOP_alloc_unbound] = {ANSWERS(alloc_unbound, port), .opens = true, TARGETS(BUILD)},
    [EVTCHNOP_bind_ipi] = {ANSWERS(bind_ipi, port), .opens = true},
    [EVTCHNOP_bind_vcpu] = {.size = sizeof(struct evtchn_bind_vcpu)},
    [EVTCHNOP_unmask] = {.size = sizeof(struct evtchn_unmask)},
    [EVTCHNOP_reset] = {.size = sizeof(struct evtchn_reset), TARGETS(BUILD)},
    [EVTCHNOP_init_control] = {ANSWERS(init_control, link_bits)},
    [EVTCHNOP_expand_array] = {.size = sizeof(struct evtchn_expand_array)},
    [EVTCHNOP_set_priority] = {.size = sizeof(struct evtchn_set_priority)},
};

COLD static err_t run(uint32_t op, struct call *c)
{
    struct domain *d = c->d;

    switch (op) {
    case EVTCHNOP_bind_interdomain:
        return bind_interdomain(c);
    case EVTCHNOP_bind_virq:
        return evtchn_bind_virq(d, c->a.bind_virq.virq, c->a.bind_virq.vcpu, &c->a.bind_virq.port);
    case EVTCHNOP_close:
        return evtchn_close(d, c->a.port);
    case EVTCHNOP_status:
        return evtchn_status(d, &c->a.status);
    case EVTCHNOP_alloc_unbound:
        return evtchn_alloc_unbound(
            d, (c->a.alloc_unbound.remote_dom == DOMID_SELF) ? c->v->domain->id : c->a.alloc_unbound.remote_dom,
            &c->a.alloc_unbound.port);
    case EVTCHNOP_bind_ipi:
        return evtchn_bind_ipi(d, c->a.bind_ipi.vcpu, &c->a.bind_ipi.port);
    case EVTCHNOP_bind_vcpu:
        return evtchn_bind_vcpu(d, c->a.bind_vcpu.port, c->a.bind_vcpu.vcpu);
    case EVTCHNOP_unmask:
        return evtchn_unmask(d, c->a.port);
    case EVTCHNOP_reset:
        return (domain_state(d) != DOMAIN_DYING) ? evtchn_reset(d) : ERR_SRCH;
    case EVTCHNOP_init_control:
        c->a.init_control.link_bits = EVTCHN_FIFO_LINK_BITS;
        return evtchn_init_control(d, c->a.init_control.vcpu, GFN(c->a.init_control.control_gfn),
                                   c->a.init_control.offset);
    case EVTCHNOP_expand_array: /* afterwards `port` is where placing starts */
        return evtchn_expand_array(d, GFN(c->a.expand_array.array_gfn), &c->a.port);
    case EVTCHNOP_set_priority:
        return evtchn_set_priority(d, c->a.set_priority.port, c->a.set_priority.priority);
    default: /* EVTCHNOP_bind_pirq: no physical interrupt is an event on Arm */
        return ERR_INVAL;
    }
}

/* A port that the caller could not be told is closed again. */
COLD static err_t tell(const struct operation *o, struct call *c, gva_t arg)
{
    err_t err = copy_out(GVA(arg.v + o->answer), &c->a.bytes[o->answer], o->length);
    uint32_t port;

    if (err != OK && o->opens) {
        memcpy(&port, &c->a.bytes[o->answer], sizeof(port));
        (void)evtchn_close(c->d, port);
    }
    return err;
}

COLD static err_t call(uint32_t op, const struct operation *o, struct call *c, gva_t arg)
{
    err_t err = copy_in(&c->a, arg, o->size);

    if (err == OK && o->targets) {
        err = rights_get(c->v, o->right, c->a.dom, &c->d);
    }
    if (err != OK) {
        return err;
    }
    err = run(op, c);
    if (err == OK && o->length > 0u) {
        err = tell(o, c, arg);
    }
    if (o->targets) {
        domain_put(c->d);
    }
    return err;
}

COLD static err_t place(struct vcpu *v, uint64_t *args, uint32_t port)
{
    err_t err = evtchn_place(v->domain, &port);

    if (err == ERR_RESTART) {
        args[0] = OP_PLACE | port;
    }
    return err;
}

/* Everything but send. */
COLD static NOINLINE err_t other_op(struct vcpu *v, uint64_t *args)
{
    uint32_t op = (uint32_t)args[0];
    const struct operation *o = &operations[index_nospec(op, OPERATIONS)];
    struct call c = {.v = v, .d = v->domain};
    err_t err;

    if ((op & ~(EVTCHN_PORTS - 1u)) == OP_PLACE) {
        return place(v, args, op & (EVTCHN_PORTS - 1u));
    }
    if (op >= OPERATIONS || o->size == 0u) {
        return ERR_NOSYS;
    }
    err = call(op, o, &c, GVA(args[1]));
    return (err == OK && op == EVTCHNOP_expand_array) ? place(v, args, c.a.port) : err;
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
