/* SPDX-License-Identifier: Apache-2.0 */
/* The hypercalls that the verbs are made of.  Results: 0, or a negative errno of the Xen ABI. */
#ifndef TOOLSTACK_CALLS_H
#define TOOLSTACK_CALLS_H

#include "bhctl.h"

#include <bulkhead/bulkhead_op.h>
#include <bulkhead/trace.h>
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/xsm/flask_op.h>

/* What is said of a domain. */
struct bhctl_domain {
    struct xen_domctl_getdomaininfo info;
    struct bulkhead_domain identity;
};

/* The first domain with this number or a higher one that the caller may see. */
int64_t call_domain_from(struct bhctl_port *port, uint32_t domid, struct bhctl_domain *domain);
/* Of identity->domid, which is the caller or one that it may see. */
int64_t call_identity(struct bhctl_port *port, struct bulkhead_domain *identity);
/* By name, or by number; -ESRCH. */
int64_t call_find(struct bhctl_port *port, const char *name, struct bhctl_domain *domain);

/* A domctl without further arguments: pausedomain and such. */
int64_t call_domctl(struct bhctl_port *port, uint32_t cmd, uint16_t domid);
/* Returns when it is gone; -EBUSY if that takes more than ten seconds. */
int64_t call_destroy(struct bhctl_port *port, uint16_t domid);
/* Returns when all that ended domains had is free again; the same. */
int64_t call_settle(struct bhctl_port *port);
int64_t call_vcpu(struct bhctl_port *port, uint16_t domid, uint32_t vcpu, struct xen_domctl_getvcpuinfo *info);
int64_t call_pool(struct bhctl_port *port, uint16_t domid, uint64_t *bytes);
int64_t call_physinfo(struct bhctl_port *port, struct xen_sysctl_physinfo *info);
/* What the console showed: text in port->buffer from *at on, *bytes of it. */
int64_t call_console(struct bhctl_port *port, uint32_t *at, uint32_t *bytes);
int64_t call_life(struct bhctl_port *port, struct bulkhead_life *life);
int64_t call_restart(struct bhctl_port *port, uint16_t domid);
int64_t call_schedule(struct bhctl_port *port, uint16_t domid, struct xen_domctl_sched_rtds *rtds);
int64_t call_reserve(struct bhctl_port *port, uint16_t domid, const struct xen_domctl_sched_rtds *rtds);
int64_t call_switch(struct bhctl_port *port, uint32_t pool, uint32_t schedule);
/* action: BULKHEAD_POWER_* */
int64_t call_power(struct bhctl_port *port, uint32_t action, uint32_t seconds);
/* -EPERM: the caller does not hold that right over the domain. */
int64_t call_holds(struct bhctl_port *port, uint16_t domid, enum bulkhead_right right);
/* Registers of a vCPU of a domain that does not run. */
int64_t call_context(struct bhctl_port *port, uint16_t domid, uint32_t vcpu, struct vcpu_guest_context *context);
/* The highest frame of its address space that is in use. */
int64_t call_last_frame(struct bhctl_port *port, uint16_t domid);
int64_t call_trace(struct bhctl_port *port, struct bulkhead_trace *op);
/* At most op->count records from op->next on. */
int64_t call_trace_read(struct bhctl_port *port, struct bulkhead_trace *op, struct bulkhead_trace_record *records);
int64_t call_rights(struct bhctl_port *port, struct bulkhead_rights *rights);
int64_t call_focus(struct bhctl_port *port, uint16_t domid);
/* 1: the label policy refuses, 0: it is permissive; -ENOSYS there is none. */
int64_t call_enforcing(struct bhctl_port *port);
/* The context of a label. */
#define BHCTL_LABEL 64u /* bytes, the NUL included */
int64_t call_label(struct bhctl_port *port, uint32_t label, char context[BHCTL_LABEL]);
int64_t call_port(struct bhctl_port *port, struct evtchn_status *status);

#endif
