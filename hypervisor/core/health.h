/* SPDX-License-Identifier: Apache-2.0 */
/* The health monitor: what a domain's failures lead to.
 * [impl->dsn~health-table~1] [impl->dsn~health-storm~1] */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include "bulkhead/bulkhead_op.h"
#include "lib/types.h"

struct domain;
struct vcpu;

#define HEALTH_WATCHDOGS 2u /* a domain, as in Xen */

struct health {                           /* of a domain; guarded by its lock where nothing else is said */
    uint8_t action[BULKHEAD_EVENT_COUNT]; /* const after the first unpause: enum bulkhead_action */
    uint8_t fallback;                     /* the same */
    uint16_t storm;                       /* the same: interrupts of a line in a 64th of a second */
    uint32_t max_restarts;                /* the same */
    ticks_t within;                       /* the same */
    ticks_t first;                        /* first of the restarts that are counted */
    uint32_t recent;                      /* restarts since then */
    uint32_t logged;                      /* atomic: events printed in this life, one bit each */
    uint64_t restarts;                    /* all of them */
    ticks_t began;                        /* the last one */
    ticks_t took;                         /* the last one that is over */
    uint16_t ended;                       /* what ended this life: 1 + enum bulkhead_event; 0: nothing yet */
    uint16_t cause;                       /* the same of the life before */
    uint64_t crashes;
    uint64_t events[BULKHEAD_EVENT_COUNT]; /* atomic (relaxed) */
    ticks_t watchdog[HEALTH_WATCHDOGS];    /* deadline; 0 = off */
    struct bulkhead_crash crash;           /* the last one */
    bool untold;                           /* it is to be printed, by the home of the vCPU that crashed */
};

/* A new domain: what ends it ends it, the rest is counted. */
void health_init(struct health *h);
/* BULKHEAD_OP_SET_HEALTH, before d's first unpause.  -INVAL, as bulkhead/bulkhead_op.h says. */
err_t health_configure(struct vcpu *v, struct domain *d, void *structure) MUST_CHECK;
/* event happened to d.  v: the vCPU that it happened to, current here, or NULL.
 * Any CPU, no lock held.  Bound: 600 bytes printed. */
void health_report(struct domain *d, struct vcpu *v, enum bulkhead_event event);
/* A restart of d is over; err: it cannot be built again. */
void health_restarted(struct domain *d, err_t err);
/* Print d's last crash, which is still to be told (VCPU_NOTIFY_CRASH).  Interrupts are taken between two lines. */
void health_tell_crash(struct domain *d);
/* BULKHEAD_OP_LIFE: counts and the last crash. */
err_t health_read(struct vcpu *v, struct domain *d, void *structure);

/* ---- watchdogs: timers of vCPU 0, wherever they were set ---- */

/* SCHEDOP_watchdog with v's domain: the id of a new one, 0, or an error. */
int64_t health_watchdog(struct vcpu *v, uint32_t id, uint32_t seconds);
/* Context: home of v, which is vCPU 0. */
void health_watchdog_set(struct vcpu *v);
void health_watchdog_due(struct vcpu *v);

#endif
