/* SPDX-License-Identifier: Apache-2.0 */
/* sched_op: a vCPU gives its CPU away, a domain stops.
 * [impl->dsn~sched-op~1] */
#include "core/evtchn.h"
#include "core/hypercall.h"
#include "core/wallclock.h"

#include <xen/sched.h>

/* Now, or (later) whenever it stops. */
COLD static err_t op_shutdown(struct vcpu *v, gva_t arg, bool later)
{
    struct sched_shutdown s;
    err_t err = copy_in(&s, arg, sizeof(s));

    if (err != OK || s.reason > SHUTDOWN_MAX) {
        return (err != OK) ? err : ERR_INVAL;
    }
    if (later) {
        spin_lock(&v->domain->lock);
        v->domain->shutdown_latch = s.reason + 1u;
        spin_unlock(&v->domain->lock);
    } else {
        domain_shutdown(v->domain, s.reason);
    }
    return OK;
}

#define POLL_PORTS 128u

/* One of the ports is pending: 1; 0 = the next event at one of them wakes v. */
COLD static int64_t poll_ports(struct vcpu *v, const struct sched_poll *p)
{
    uint32_t ports[POLL_PORTS];
    err_t err;

    if (p->nr_ports > POLL_PORTS) {
        return ERR_INVAL;
    }
    err = copy_in(ports, GVA(p->ports.q), p->nr_ports * sizeof(ports[0]));
    return (err == OK) ? evtchn_poll(v, ports, p->nr_ports) : err;
}

/* A wait for one of up to POLL_PORTS ports, with a time limit in the guest's system time (nanoseconds since its counter
 * was 0); 0 = no limit. */
COLD static int64_t op_poll(struct vcpu *v, gva_t arg)
{
    struct sched_poll p;
    err_t err = copy_in(&p, arg, sizeof(p));

    if (err != OK) {
        return err;
    }
    if (p.nr_ports != 0u) {
        int64_t ready = poll_ports(v, &p);

        if (ready != 0) {
            return (ready > 0) ? OK : ready;
        }
    }
    if (p.timeout == 0u) {
        vcpu_block(v);
    } else {
        vcpu_block_until(v, v->domain->time_zero + ns_to_ticks(p.timeout));
    }
    return OK;
}

COLD static int64_t op_watchdog(struct vcpu *v, gva_t arg)
{
    struct sched_watchdog w;
    err_t err = copy_in(&w, arg, sizeof(w));

    return (err == OK) ? health_watchdog(v, w.id, w.timeout) : err;
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
        return op_shutdown(v, arg, false);
    case SCHEDOP_poll:
        return op_poll(v, arg);
    case SCHEDOP_shutdown_code:
        return op_shutdown(v, arg, true);
    case SCHEDOP_watchdog:
        return op_watchdog(v, arg);
    default:
        return ERR_NOSYS;
    }
}
