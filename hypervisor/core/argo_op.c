/* SPDX-License-Identifier: Apache-2.0 */
/* argo_op: decoding.  A restarted call keeps its place in registers that the ABI says are 0. */
#include "core/argo.h"
#include "core/hypercall.h"
#include "core/label.h"
#include "core/rights.h"

#define NOTIFY_STEP 4u
#define NOTIFY_MAX  256u
#define PAGES(len)  ((uint32_t)(((uint64_t)(len) + sizeof(struct xen_argo_ring) + PAGE_SIZE - 1u) >> PAGE_SHIFT))

static_assert(sizeof(struct xen_argo_iov) == 16 && sizeof(struct xen_argo_ring_data_ent) == 20, "the ABI's structures");

/* -EINVAL, -EPERM, -EACCES.  One that does not exist yet is asked for when it sends. */
static err_t check_partner(const struct vcpu *v, uint16_t partner)
{
    const struct domain *d = v->domain;
    struct domain *r;
    err_t err = OK;

    if (partner == XEN_ARGO_DOMID_ANY) {
        return ((d->flags & BULKHEAD_DOMAIN_ARGO_ANY) != 0u)
                   ? label_check(d->slot, RIGHTS_PLATFORM, BULKHEAD_ACCESS_ARGO_ANY)
                   : ERR_PERM;
    }
    if (partner == SLOT_BOOT || partner >= MAX_DOMAINS) {
        return ERR_INVAL;
    }
    if (domain_get_living(v, partner, &r) == OK) {
        err = label_check(d->slot, r->slot, BULKHEAD_ACCESS_ARGO_REGISTER);
        domain_put(r);
    }
    return err;
}

static int64_t op_register(struct vcpu *v, const uint64_t *args)
{
    struct xen_argo_register_ring a;
    struct argo_registration r;
    err_t err = copy_in(&a, GVA(args[1]), sizeof(a));

    if (err != OK) {
        return err;
    }
    if (a.pad != 0u || (args[4] & ~(uint64_t)XEN_ARGO_REGISTER_FLAG_FAIL_EXIST) != 0u ||
        a.len < 4u * XEN_ARGO_MSG_SLOT_SIZE || a.len > XEN_ARGO_MAX_RING_SIZE || a.len % XEN_ARGO_MSG_SLOT_SIZE != 0u ||
        args[3] != PAGES(a.len)) {
        return ERR_INVAL;
    }
    err = check_partner(v, a.partner_id);
    if (err != OK) {
        return err;
    }
    r = (struct argo_registration){.port = a.aport,
                                   .partner = a.partner_id,
                                   .fail_exist = (args[4] & XEN_ARGO_REGISTER_FLAG_FAIL_EXIST) != 0u,
                                   .len = a.len,
                                   .pages = PAGES(a.len),
                                   .gfns = GVA(args[2])};
    return argo_register(v->domain, &r);
}

static int64_t op_unregister(struct vcpu *v, const uint64_t *args)
{
    struct xen_argo_unregister_ring a;
    err_t err = copy_in(&a, GVA(args[1]), sizeof(a));

    if (err == OK && (a.pad != 0u || args[2] != 0u || args[3] != 0u || args[4] != 0u)) {
        err = ERR_INVAL;
    }
    return (err == OK) ? argo_unregister(v->domain, a.aport, a.partner_id) : err;
}

/* The pieces behind one another at to; *n = their bytes. */
static err_t gather(gva_t iovs, uint64_t count, uint8_t *to, uint32_t *n)
{
    struct xen_argo_iov iov[XEN_ARGO_MAXIOV];
    err_t err = copy_in(iov, iovs, count * sizeof(iov[0]));

    *n = 0;
    for (uint64_t i = 0; err == OK && i < count; i++) { /* bound: XEN_ARGO_MAXIOV */
        if (iov[i].pad != 0u) {
            return ERR_INVAL;
        }
        if (iov[i].iov_len > ARGO_MESSAGE - sizeof(struct xen_argo_ring_message_header) - *n) {
            return ERR_MSGSIZE;
        }
        err = copy_in(&to[*n], GVA((uint64_t)(uintptr_t)iov[i].iov_hnd.p), iov[i].iov_len);
        *n += iov[i].iov_len;
    }
    return err;
}

static bool is_address(const struct domain *d, const struct xen_argo_send_addr *a)
{
    return a->src.pad == 0u && a->dst.pad == 0u &&
           (a->src.domain_id == d->id || a->src.domain_id == XEN_ARGO_DOMID_ANY);
}

static err_t send_to(const struct vcpu *v, const struct xen_argo_send_addr *a, uint8_t *message, uint32_t n)
{
    uint32_t size = argo_size(n);
    uint32_t used = n + (uint32_t)sizeof(struct xen_argo_ring_message_header);
    struct domain *r;
    err_t err = domain_get_living(v, a->dst.domain_id, &r);

    if (err != OK) {
        return err;
    }
    for (; used < size; used++) { /* bound: a slot */
        message[used] = 0;
    }
    err = label_check(v->domain->slot, r->slot, BULKHEAD_ACCESS_ARGO_SEND);
    err = (err == OK) ? argo_send(r, a->dst.aport, v->domain->id, message, size) : err;
    domain_put(r);
    return err;
}

static int64_t op_sendv(struct vcpu *v, const uint64_t *args)
{
    struct xen_argo_ring_message_header *header = argo_bounce(v);
    struct xen_argo_send_addr a;
    uint32_t n = 0;
    err_t err = copy_in(&a, GVA(args[1]), sizeof(a));

    if (err == OK && (!is_address(v->domain, &a) || (args[4] >> 32) != 0u)) {
        err = ERR_INVAL;
    }
    if (err == OK && args[3] > XEN_ARGO_MAXIOV) {
        err = ERR_2BIG;
    }
    if (err == OK && header == NULL) {
        err = ERR_NOMEM;
    }
    err = (err == OK) ? gather(GVA(args[2]), args[3], header->data, &n) : err;
    if (err != OK) {
        return err;
    }
    header->len = n + (uint32_t)sizeof(*header);
    header->source = (struct xen_argo_addr){.aport = a.src.aport, .domain_id = v->domain->id};
    header->message_type = (uint32_t)args[4];
    err = send_to(v, &a, (uint8_t *)header, n);
    return (err == OK) ? (int64_t)n : err;
}

static err_t look_at(const struct vcpu *v, gva_t at)
{
    struct xen_argo_ring_data_ent ent;
    struct domain *r;
    err_t err = copy_in(&ent, at, sizeof(ent));

    if (err == OK && (ent.pad != 0u || ent.ring.pad != 0u)) {
        err = ERR_INVAL;
    }
    if (err != OK) {
        return err;
    }
    if (domain_get_living(v, ent.ring.domain_id, &r) == OK) {
        argo_look(r, v->domain->id, &ent);
        domain_put(r);
    } else {
        ent.flags = 0;
        ent.max_message_size = 0;
    }
    return copy_out(at, &ent, sizeof(ent));
}

/* args[3]: rings of its own that were looked at; args[4]: entries done. */
static int64_t op_notify(struct vcpu *v, uint64_t *args)
{
    struct xen_argo_ring_data a = {.nent = 0};
    uint32_t done = 0;
    err_t err = (args[1] != 0u) ? copy_in(&a, GVA(args[1]), offsetof(struct xen_argo_ring_data, data)) : OK;

    if (err == OK && (args[2] != 0u || a.pad != 0u)) {
        err = ERR_INVAL;
    }
    if (err == OK && a.nent > NOTIFY_MAX) {
        err = ERR_2BIG;
    }
    if (err != OK) {
        return err;
    }
    for (; done < NOTIFY_STEP && argo_tell_waiting(v, (uint32_t)args[3]); done++) {
        args[3]++;
    }
    for (; err == OK && done < NOTIFY_STEP && args[4] < a.nent; done++) {
        err = look_at(v, GVA(args[1] + offsetof(struct xen_argo_ring_data, data) +
                             args[4] * sizeof(struct xen_argo_ring_data_ent)));
        args[4]++;
    }
    return (err == OK && done == NOTIFY_STEP) ? ERR_RESTART : err;
}

/* [impl->dsn~argo-allowed~1] */
int64_t argo_op(struct vcpu *v, uint64_t *args)
{
    if ((v->domain->flags & BULKHEAD_DOMAIN_ARGO) == 0u) {
        return ERR_OPNOTSUPP;
    }
    switch ((uint32_t)args[0]) {
    case XEN_ARGO_OP_register_ring:
        return op_register(v, args);
    case XEN_ARGO_OP_unregister_ring:
        return op_unregister(v, args);
    case XEN_ARGO_OP_sendv:
        return op_sendv(v, args);
    case XEN_ARGO_OP_notify:
        return op_notify(v, args);
    default:
        return ERR_OPNOTSUPP;
    }
}
