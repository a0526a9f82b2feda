/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl: what the platform has.
 * [impl->dsn~sysctl~1] */
#include "arch/contract/arch.h"
#include "core/domctl.h"
#include "core/frame.h"
#include "core/hypercall.h"
#include "core/rights.h"

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

static err_t physinfo(const struct vcpu *v, struct xen_sysctl_physinfo *p)
{
    err_t err = rights_check(v, BULKHEAD_RIGHT_INFO, RIGHTS_PLATFORM);

    if (err != OK) {
        return err;
    }
    *p = (struct xen_sysctl_physinfo){
        .threads_per_core = 1,
        .cores_per_socket = 1,
        .nr_cpus = cpu_count(),
        .max_cpu_id = cpu_count() - 1u,
        .nr_nodes = 1,
        .cpu_khz = (uint32_t)(arch_ticks_hz() / 1000u),
        .capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1,
        .total_pages = frame_total_count(),
        .free_pages = frame_free_count(),
        .max_mfn = frame_last().v,
    };
    return OK;
}

/* Those of the first max_domains domains from first_domain on that the caller may see. */
static err_t list(const struct vcpu *v, struct xen_sysctl_getdomaininfolist *l)
{
    uint32_t n = 0;

    for (uint32_t slot = (l->first_domain == 0u) ? 1u : l->first_domain; slot < MAX_DOMAINS && n < l->max_domains;
         slot++) {
        struct xen_domctl_getdomaininfo info;
        struct domain *d;
        err_t err;

        if (rights_check(v, BULKHEAD_RIGHT_INFO, slot) != OK) {
            continue;
        }
        d = domain_get_slot(slot);
        if (d == NULL) {
            continue;
        }
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

int64_t sysctl(struct vcpu *v, uint64_t *args)
{
    struct xen_sysctl op;
    err_t err = copy_in(&op, GVA(args[0]), sizeof(op));

    if (err != OK) {
        return err;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return ERR_ACCES;
    }
    switch (op.cmd) {
    case XEN_SYSCTL_physinfo:
        err = physinfo(v, &op.u.physinfo);
        break;
    case XEN_SYSCTL_getdomaininfolist:
        err = list(v, &op.u.getdomaininfolist);
        break;
    default:
        err = ERR_NOSYS;
        break;
    }
    return (err == OK) ? copy_out(GVA(args[0]), &op, sizeof(op)) : err;
}
