/* SPDX-License-Identifier: Apache-2.0 */
/* hvm_op: parameters that a builder leaves for a guest.
 * [impl->dsn~hvm-parameters~1] */
#include "core/hypercall.h"
#include "core/rights.h"
#include "lib/bits.h"

#include <xen/hvm/params.h>

static_assert(HVM_NR_PARAMS <= HVM_PARAMS, "room for every parameter of the ABI");

#define KNOWN                                                                                                          \
    (BIT(HVM_PARAM_CALLBACK_IRQ) | BIT(HVM_PARAM_STORE_PFN) | BIT(HVM_PARAM_STORE_EVTCHN) |                            \
     BIT(HVM_PARAM_CONSOLE_PFN) | BIT(HVM_PARAM_CONSOLE_EVTCHN))

/* Everybody reads its own and sets its own upcall interrupt; a builder reads and writes those of its target. */
static err_t parameter(struct vcpu *v, struct domain *d, struct xen_hvm_param *p, bool set)
{
    bool own = d == v->domain && (!set || p->index == HVM_PARAM_CALLBACK_IRQ);
    err_t err = own ? OK : rights_check(v, BULKHEAD_RIGHT_BUILD, d->slot);
    uint64_t *value = &d->hvm_params[index_nospec(p->index, HVM_PARAMS)];

    if (p->index >= HVM_PARAMS || (KNOWN & BIT(p->index)) == 0u) {
        return ERR_INVAL;
    }
    if (err != OK) {
        return err;
    }
    spin_lock(&d->lock);
    if (!set) {
        p->value = *value;
    } else if (d->started && !own) {
        err = ERR_PERM;
    } else {
        *value = p->value;
    }
    spin_unlock(&d->lock);
    return err;
}

int64_t hvm_op(struct vcpu *v, uint64_t *args)
{
    uint32_t op = (uint32_t)args[0];
    struct xen_hvm_param p;
    struct domain *d;
    err_t err;

    if (op != HVMOP_set_param && op != HVMOP_get_param) {
        return ERR_NOSYS;
    }
    err = copy_in(&p, GVA(args[1]), sizeof(p));
    err = (err == OK) ? domain_get(v, p.domid, &d) : err;
    if (err != OK) {
        return err;
    }
    err = parameter(v, d, &p, op == HVMOP_set_param);
    domain_put(d);
    if (err == OK && op == HVMOP_get_param) {
        err = copy_out(GVA(args[1]), &p, sizeof(p));
    }
    return err;
}
