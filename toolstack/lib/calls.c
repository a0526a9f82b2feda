/* SPDX-License-Identifier: Apache-2.0 */
#include "calls.h"

#include <string.h>

#define PATIENCE        UINT64_C(10000000000) /* ns */
#define STRUCTURE_BYTES 4096u                 /* of the buffer; data stands behind */

static uint64_t address(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

/* A call whose one structure is copied to where the hypervisor can read it, and back. */
static int64_t with(struct bhctl_port *port, uint64_t number, uint64_t op, void *structure, size_t bytes)
{
    memcpy(port->buffer, structure, bytes);
    int64_t result = port->call(port, number, op, address(port->buffer), 0);
    memcpy(structure, port->buffer, bytes);
    return result;
}

static int64_t domctl(struct bhctl_port *port, struct xen_domctl *op, uint32_t cmd, uint16_t domid)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    memcpy(port->buffer, op, sizeof(*op));
    int64_t result = port->call(port, __HYPERVISOR_domctl, address(port->buffer), 0, 0);
    memcpy(op, port->buffer, sizeof(*op));
    return result;
}

static int64_t sysctl(struct bhctl_port *port, struct xen_sysctl *op, uint32_t cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    memcpy(port->buffer, op, sizeof(*op));
    int64_t result = port->call(port, __HYPERVISOR_sysctl, address(port->buffer), 0, 0);
    memcpy(op, port->buffer, sizeof(*op));
    return result;
}

int64_t call_identity(struct bhctl_port *port, struct bulkhead_domain *identity)
{
    return with(port, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_GET_DOMAIN, identity, sizeof(*identity));
}

int64_t call_domain_from(struct bhctl_port *port, uint32_t domid, struct bhctl_domain *domain)
{
    struct xen_domctl op = {0};
    int64_t result = domctl(port, &op, XEN_DOMCTL_getdomaininfo, (uint16_t)domid);

    if (result != 0) {
        return result;
    }
    domain->info = op.u.getdomaininfo;
    domain->identity = (struct bulkhead_domain){.domid = op.domain};
    return call_identity(port, &domain->identity);
}

/* Digits only: a domain's number; 0 = it is none. */
static uint32_t number_of(const char *text)
{
    uint32_t value = 0;

    for (; *text >= '0' && *text <= '9' && value < 0x8000u; text++) {
        value = value * 10u + (uint32_t)(*text - '0');
    }
    return (*text == '\0' && value < 0x8000u) ? value : 0u;
}

int64_t call_find(struct bhctl_port *port, const char *name, struct bhctl_domain *domain)
{
    uint32_t number = number_of(name);
    int64_t result = 0;

    for (uint32_t domid = (number != 0) ? number : 1; result == 0; domid = domain->info.domain + 1u) {
        result = call_domain_from(port, domid, domain);
        if (result == 0 && (number != 0 || strcmp(domain->identity.name, name) == 0)) {
            return (number == 0 || domain->info.domain == number) ? 0 : -XEN_ESRCH;
        }
    }
    return result;
}

int64_t call_domctl(struct bhctl_port *port, uint32_t cmd, uint16_t domid)
{
    struct xen_domctl op = {0};

    return domctl(port, &op, cmd, domid);
}

int64_t call_settle(struct bhctl_port *port)
{
    uint64_t end = port->now(port) + PATIENCE;
    struct xen_sysctl_physinfo info = {0};

    while (call_physinfo(port, &info) == 0 && info.scrub_pages != 0) {
        if (port->now(port) > end) {
            return -XEN_EBUSY;
        }
        (void)port->call(port, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    }
    return 0; /* who may not ask need not wait */
}

int64_t call_destroy(struct bhctl_port *port, uint16_t domid)
{
    uint64_t end = port->now(port) + PATIENCE;
    int64_t result = call_domctl(port, XEN_DOMCTL_destroydomain, domid);
    struct bhctl_domain left;

    result = (result == -XEN_ESRCH) ? 0 : result; /* a call that went on later may find it gone already */

    while (result == 0) { /* what is left is taken apart on the domain's own CPU */
        result = call_domain_from(port, domid, &left);
        if (result == -XEN_ESRCH || (result == 0 && left.info.domain != domid)) {
            return call_settle(port);
        }
        if (port->now(port) > end) {
            return -XEN_EBUSY;
        }
        (void)port->call(port, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    }
    return result;
}

int64_t call_vcpu(struct bhctl_port *port, uint16_t domid, uint32_t vcpu, struct xen_domctl_getvcpuinfo *info)
{
    struct xen_domctl op = {0};

    op.u.getvcpuinfo.vcpu = vcpu;
    int64_t result = domctl(port, &op, XEN_DOMCTL_getvcpuinfo, domid);
    *info = op.u.getvcpuinfo;
    return result;
}

int64_t call_pool(struct bhctl_port *port, uint16_t domid, uint64_t *bytes)
{
    struct xen_domctl op = {0};
    int64_t result = domctl(port, &op, XEN_DOMCTL_get_paging_mempool_size, domid);

    *bytes = op.u.paging_mempool.size;
    return result;
}

int64_t call_physinfo(struct bhctl_port *port, struct xen_sysctl_physinfo *info)
{
    struct xen_sysctl op = {0};
    int64_t result = sysctl(port, &op, XEN_SYSCTL_physinfo);

    *info = op.u.physinfo;
    return result;
}

int64_t call_console(struct bhctl_port *port, uint32_t *at, uint32_t *bytes)
{
    struct xen_sysctl op = {0};
    uint32_t room = BHCTL_BUFFER - STRUCTURE_BYTES;
    int64_t result = 0;

    *at = STRUCTURE_BYTES;
    *bytes = 0;
    op.u.readconsole.incremental = 1;
    do {
        set_xen_guest_handle(op.u.readconsole.buffer, port->buffer + STRUCTURE_BYTES + *bytes);
        op.u.readconsole.count = room - *bytes;
        result = sysctl(port, &op, XEN_SYSCTL_readconsole);
        *bytes += (result == 0) ? op.u.readconsole.count : 0;
    } while (result == 0 && op.u.readconsole.count > 0 && *bytes < room);
    return result;
}

int64_t call_life(struct bhctl_port *port, struct bulkhead_life *life)
{
    return with(port, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_LIFE, life, sizeof(*life));
}

int64_t call_restart(struct bhctl_port *port, uint16_t domid)
{
    struct bulkhead_life life = {.domid = domid};

    return with(port, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_RESTART, &life, sizeof(life));
}

int64_t call_schedule(struct bhctl_port *port, uint16_t domid, struct xen_domctl_sched_rtds *rtds)
{
    struct xen_domctl op = {0};

    op.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    int64_t result = domctl(port, &op, XEN_DOMCTL_scheduler_op, domid);
    *rtds = op.u.scheduler_op.u.rtds;
    return result;
}

int64_t call_reserve(struct bhctl_port *port, uint16_t domid, const struct xen_domctl_sched_rtds *rtds)
{
    struct xen_domctl op = {0};

    op.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    op.u.scheduler_op.u.rtds = *rtds;
    return domctl(port, &op, XEN_DOMCTL_scheduler_op, domid);
}

int64_t call_switch(struct bhctl_port *port, uint32_t pool, uint32_t schedule)
{
    struct bulkhead_switch op = {.pool = pool, .schedule = schedule};

    return with(port, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_SWITCH_SCHEDULE, &op, sizeof(op));
}

int64_t call_power(struct bhctl_port *port, uint32_t action, uint32_t seconds)
{
    struct bulkhead_power op = {.action = action, .seconds = seconds};

    return with(port, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_POWER, &op, sizeof(op));
}

int64_t call_trace(struct bhctl_port *port, struct bulkhead_trace *op)
{
    return with(port, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_TRACE, op, sizeof(*op));
}

int64_t call_trace_read(struct bhctl_port *port, struct bulkhead_trace *op, struct bulkhead_trace_record *records)
{
    op->action = BULKHEAD_TRACE_READ;
    op->buffer = address(&port->buffer[STRUCTURE_BYTES]);
    int64_t result = call_trace(port, op);
    if (result == 0) {
        memcpy(records, &port->buffer[STRUCTURE_BYTES], op->count * sizeof(*records));
    }
    return result;
}

int64_t call_rights(struct bhctl_port *port, struct bulkhead_rights *rights)
{
    return with(port, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_RIGHTS, rights, sizeof(*rights));
}

int64_t call_holds(struct bhctl_port *port, uint16_t domid, enum bulkhead_right right)
{
    struct bulkhead_domain self = {.domid = DOMID_SELF};
    struct bulkhead_rights rights = {.target = domid};
    int64_t result = call_identity(port, &self);

    if (result == 0) {
        result = call_rights(port, &rights);
    }
    return (result == 0 && rights.holder[right] != self.domid) ? -XEN_EPERM : result;
}

int64_t call_context(struct bhctl_port *port, uint16_t domid, uint32_t vcpu, struct vcpu_guest_context *context)
{
    struct xen_domctl op = {0};
    char *place = &port->buffer[STRUCTURE_BYTES];

    op.u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, (vcpu_guest_context_t *)(void *)place);
    int64_t result = domctl(port, &op, XEN_DOMCTL_getvcpucontext, domid);
    memcpy(context, place, sizeof(*context));
    return result;
}

int64_t call_last_frame(struct bhctl_port *port, uint16_t domid)
{
    struct xen_memory_domain of = {.domid = domid};

    return with(port, __HYPERVISOR_memory_op, XENMEM_maximum_gpfn, &of, sizeof(of));
}

int64_t call_focus(struct bhctl_port *port, uint16_t domid)
{
    struct bulkhead_focus focus = {.domid = domid};

    return with(port, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_FOCUS, &focus, sizeof(focus));
}

int64_t call_port(struct bhctl_port *port, struct evtchn_status *status)
{
    return with(port, __HYPERVISOR_event_channel_op, EVTCHNOP_status, status, sizeof(*status));
}

static int64_t flask(struct bhctl_port *port, struct xen_flask_op *op, uint32_t cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_FLASK_INTERFACE_VERSION;
    memcpy(port->buffer, op, sizeof(*op));
    return port->call(port, __HYPERVISOR_xsm_op, address(port->buffer), 0, 0);
}

int64_t call_enforcing(struct bhctl_port *port)
{
    struct xen_flask_op op = {0};

    return flask(port, &op, FLASK_GETENFORCE);
}

int64_t call_label(struct bhctl_port *port, uint32_t label, char context[BHCTL_LABEL])
{
    struct xen_flask_op op = {0};
    char *text = &port->buffer[STRUCTURE_BYTES];

    op.u.sid_context.sid = label;
    op.u.sid_context.size = BHCTL_LABEL;
    op.u.sid_context.context.q = address(text);
    int64_t result = flask(port, &op, FLASK_SID_TO_CONTEXT);
    if (result == 0) {
        memcpy(context, text, BHCTL_LABEL);
        context[BHCTL_LABEL - 1] = '\0';
    }
    return result;
}
