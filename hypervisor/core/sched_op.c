/* SPDX-License-Identifier: Apache-2.0 */
/* sched_op: a vCPU gives its CPU away, a domain stops.
 * [impl->dsn~sched-op~1] */
#include "arch/contract/arch.h"
#include "core/domain.h"
#include "core/hypercall.h"
#include "core/wallclock.h"

#include <xen/xen.h>
#include <xen/sched.h>

static err_t get_reason(gva_t arg, uint32_t *reason)
{
    struct sched_shutdown s;
    err_t err = copy_in(&s, arg, sizeof(s));

    if (err == OK && s.reason > SHUTDOWN_MAX) {
        err = ERR_INVAL;
    }
    *reason = s.reason;
    return err;
}

static err_t op_shutdown(struct vcpu *v, gva_t arg)
{
    uint32_t reason;
    err_t err = get_reason(arg, &reason);

    if (err == OK) {
        domain_shutdown(v->domain, reason);
    }
    return err;
}

static err_t op_shutdown_code(struct vcpu *v, gva_t arg)
{
    uint32_t reason;
    err_t err = get_reason(arg, &reason);

    if (err == OK) {
        spin_lock(&v->domain->lock);
        v->domain->shutdown_latch = reason + 1u;
        spin_unlock(&v->domain->lock);
    }
    return err;
}

/* A wait with a time limit in the guest's system time (nanoseconds since its counter was 0); 0 = no limit.  There are
 * no ports to wait for yet. */
static err_t op_poll(struct vcpu *v, gva_t arg)
{
    struct sched_poll p;
    err_t err = copy_in(&p, arg, sizeof(p));

    if (err != OK) {
        return err;
    }
    if (p.nr_ports != 0u) {
        return (p.nr_ports > 128u) ? ERR_INVAL : ERR_NOSYS;
    }
    if (p.timeout == 0u) {
        vcpu_block(v);
    } else {
        vcpu_block_until(v, v->domain->time_zero + ns_to_ticks(p.timeout));
    }
    return OK;
}

int64_t sched_op(struct vcpu *v, uint64_t *args)
{
    gva_t arg = GVA(args[1]);

    switch ((uint32_t)args[0]) {
    case SCHEDOP_yield:
        vcpu_yield(v);
        return OK;
    case SCHEDOP_block:
        vcpu_block(v);
        return OK;
    case SCHEDOP_shutdown:
        return op_shutdown(v, arg);
    case SCHEDOP_poll:
        return op_poll(v, arg);
    case SCHEDOP_shutdown_code:
        return op_shutdown_code(v, arg);
    default:
        return ERR_NOSYS;
    }
}
