/* SPDX-License-Identifier: Apache-2.0 */
/* domctl operations that give devices of the board to a domain and take them back.
 * [impl->dsn~domctl-device~1] */
#include "core/device.h"
#include "core/domctl.h"

#include <xen/domctl.h>

err_t domctl_iomem_permission(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_iomem_permission *p = &op->u.iomem_permission;

    return device_permit(d, p->first_mfn, p->nr_mfns, p->allow_access != 0u);
}

err_t domctl_memory_mapping(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_memory_mapping *m = &op->u.memory_mapping;

    return device_map(d, GFN(m->first_gfn), m->first_mfn, m->nr_mfns, m->add_mapping != DPCI_REMOVE_MAPPING);
}

err_t domctl_irq_permission(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    return device_spi(d, op->u.irq_permission.pirq,
                      (op->u.irq_permission.allow_access != 0u) ? DEVICE_PERMIT : DEVICE_FORBID);
}

/* As Xen on Arm: shared interrupts, each under its own number. */
err_t domctl_bind_irq(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_bind_pt_irq *b = &op->u.bind_pt_irq;

    if (b->irq_type != PT_IRQ_TYPE_SPI) {
        return ERR_OPNOTSUPP;
    }
    if (b->machine_irq != b->u.spi.spi) {
        return ERR_INVAL;
    }
    return device_spi(d, b->machine_irq, (op->cmd == XEN_DOMCTL_bind_pt_irq) ? DEVICE_BIND : DEVICE_UNBIND);
}
