/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl: what the platform has.
 * [impl->dsn~sysctl~1] [impl->dsn~privilege-table~1] */
#include "core/console.h"
#include "core/domctl.h"
#include "core/frame.h"
#include "core/hypercall.h"
#include "core/rights.h"
#include "core/sched_ops.h"
#include "lib/bits.h"

#include <xen/sysctl.h>

typedef err_t sysctl_fn(const struct vcpu *v, struct xen_sysctl *op);

static err_t physinfo(const struct vcpu *v UNUSED, struct xen_sysctl *op)
{
    op->u.physinfo = (struct xen_sysctl_physinfo){
        .threads_per_core = 1,
        .cores_per_socket = 1,
        .nr_cpus = cpu_count(),
        .max_cpu_id = cpu_count() - 1u,
        .nr_nodes = 1,
        .cpu_khz = (uint32_t)(arch_ticks_hz() / 1000u),
        .capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1,
        .total_pages = frame_total_count(),
        .free_pages = frame_free_count(),
        .scrub_pages = domain_count_ending(), /* not 0: some of what a domain had is still to come back */
        .outstanding_pages = frame_budget(),
        .max_mfn = frame_last().v,
    };
    return OK;
}

/* Of CPUs that no pool of the description has. */
static err_t sched_id(const struct vcpu *v UNUSED, struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT;
    return OK;
}

/* Those of the first max_domains domains from first_domain on that the caller may see. */
static err_t list(const struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    uint32_t slot = (l->first_domain == 0u) ? 1u : l->first_domain;
    uint32_t n = 0;

    for (; n < l->max_domains; slot++) { /* bound: MAX_DOMAINS */
        struct domain *d = domctl_next(v, BULKHEAD_RIGHT_INFO, slot);
        struct xen_domctl_getdomaininfo info;
        err_t err;

        if (d == NULL) {
            break;
        }
        slot = d->slot;
        domctl_fill_info(d, &info);
        domain_put(d);
        err = copy_out(GVA(l->buffer.q + n * sizeof(info)), &info, sizeof(info));
        if (err != OK) {
            return err;
        }
        n++;
    }
    l->num_domains = n;
    return OK;
}

#define CONSOLE_PIECE  256u
#define CONSOLE_PIECES 8u /* a call: what is read is short, the next call goes on */

static err_t read_console(const struct vcpu *v UNUSED, struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    uint32_t index = (r->incremental != 0u) ? r->index : 0u;
    uint32_t done = 0;

    for (uint32_t i = 0; i < CONSOLE_PIECES; i++) {
        char text[CONSOLE_PIECE];
        uint32_t room = r->count - done;
        size_t n = console_history(&index, text, (room < CONSOLE_PIECE) ? room : CONSOLE_PIECE, r->clear != 0u);
        err_t err = copy_out(GVA(r->buffer.q + done), text, n);

        if (err != OK) {
            return err;
        }
        done += (uint32_t)n;
    }
    r->count = done;
    r->index = index;
    return OK;
}

/* The rights are over the platform, but for the list, which is of domains over which the caller has it. */
static const struct {
    sysctl_fn *fn;
    enum bulkhead_right right;
    bool over_domains;
} operations[] = {
    [XEN_SYSCTL_readconsole] = {read_console, BULKHEAD_RIGHT_CONSOLE, false},
    [XEN_SYSCTL_physinfo] = {physinfo, BULKHEAD_RIGHT_INFO, false},
    [XEN_SYSCTL_sched_id] = {sched_id, BULKHEAD_RIGHT_INFO, false},
    [XEN_SYSCTL_scheduler_op] = {sched_sysctl, BULKHEAD_RIGHT_INFO, false},
    [XEN_SYSCTL_getdomaininfolist] = {list, BULKHEAD_RIGHT_INFO, true},
};

int64_t sysctl(struct vcpu *v, uint64_t *args)
{
    struct xen_sysctl op;
    uint64_t n;
    err_t err = rights_any(v) ? copy_in(&op, GVA(args[0]), sizeof(op)) : ERR_PERM;

    if (err != OK) {
        return err;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return ERR_ACCES;
    }
    n = index_nospec(op.cmd, ARRAY_SIZE(operations));
    if (op.cmd >= ARRAY_SIZE(operations) || operations[n].fn == NULL) {
        return ERR_NOSYS;
    }
    if (!operations[n].over_domains) {
        err = rights_check(v, operations[n].right, RIGHTS_PLATFORM);
    }
    err = (err == OK) ? operations[n].fn(v, &op) : err;
    return (err == OK) ? copy_out(GVA(args[0]), &op, sizeof(op)) : err;
}
