/* SPDX-License-Identifier: Apache-2.0 */
#include "core/label.h"
#include "core/hypercall.h"
#include "core/print.h"
#include "core/rights.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/xen.h>
#include <xen/xsm/flask_op.h>

#define HALF (sizeof(struct bulkhead_labels) / 2u) /* what one copy takes */
static_assert(HALF <= PAGE_SIZE && sizeof(struct bulkhead_labels) % 2u == 0u, "all of it");

static struct bulkhead_labels policy; /* const once label_count is not 0 */
uint32_t label_count;                 /* atomic (release) */

static uint8_t label[MAX_DOMAINS];                              /* const while the slot has a domain */
static uint32_t denials[BULKHEAD_LABELS][BULKHEAD_LABELS + 1u]; /* atomic (relaxed) */

static bool is_text(const char *text, size_t size)
{
    return text[size - 1u] == '\0';
}

static bool is_permissive(void)
{
    return (policy.flags & BULKHEAD_LABELS_PERMISSIVE) != 0u;
}

static bool is_sound(const struct bulkhead_labels *p)
{
    bool sound = p->magic == BULKHEAD_LABELS_MAGIC && p->count - 1u < BULKHEAD_LABELS && p->pad == 0u;

    for (uint32_t i = 0; i < BULKHEAD_LABELS; i++) {
        sound = sound && is_text(p->label[i], BULKHEAD_LABEL_BYTES) && is_text(p->access[i], BULKHEAD_ACCESS_BYTES);
    }
    return sound;
}

err_t label_load(struct vcpu *v UNUSED, struct domain *d UNUSED, void *structure)
{
    const struct bulkhead_label_policy *from = structure;
    err_t err = label_policy() ? ERR_EXIST : OK;

    for (uint32_t at = 0; at < sizeof(policy) && err == OK; at += HALF) {
        err = copy_in((char *)&policy + at, GVA(from->labels + at), HALF);
    }
    if (err == OK && !is_sound(&policy)) {
        err = ERR_INVAL;
    }
    if (err != OK) {
        return err;
    }
    if (is_permissive()) {
        print("labels: PERMISSIVE: what the policy denies is counted, and done");
    }
    __atomic_store_n(&label_count, policy.count, __ATOMIC_RELEASE);
    return OK;
}

/* [impl->dsn~label-permissive~1] */
static NOINLINE err_t deny(uint32_t source, uint32_t target, uint32_t access)
{
    if (__atomic_fetch_add(&denials[source][target], 1u, __ATOMIC_RELAXED) == 0u) {
        print("labels: %s may not %s %s", policy.label[source], policy.access[access],
              (target == BULKHEAD_LABEL_PLATFORM) ? "the platform" : policy.label[target]);
    }
    return is_permissive() ? OK : ERR_ACCES;
}

static err_t check(uint32_t slot, uint32_t target, uint32_t access)
{
    uint32_t source = label[slot];

    if (slot == SLOT_BOOT || ((uint64_t)policy.allowed[source][target] & BIT(access)) != 0u) {
        return OK;
    }
    return deny(source, target, access);
}

err_t label_check(uint32_t source, uint32_t target, uint32_t access)
{
    if (!label_policy() || source == target) {
        return OK;
    }
    return check(source, (target == RIGHTS_PLATFORM) ? BULKHEAD_LABEL_PLATFORM : label[target], access);
}

err_t label_check_new(uint32_t source, uint32_t wanted)
{
    uint32_t count = __atomic_load_n(&label_count, __ATOMIC_ACQUIRE);

    if (wanted != 0u && wanted >= count) {
        return ERR_INVAL;
    }
    return (count == 0u) ? OK : check(source, wanted, BULKHEAD_ACCESS_CREATE_AS);
}

err_t label_check_channel(const struct domain *a, const struct domain *b)
{
    err_t err = label_check(a->slot, b->slot, BULKHEAD_ACCESS_EVENT);

    return (err == OK) ? label_check(b->slot, a->slot, BULKHEAD_ACCESS_EVENT) : err;
}

void label_give(uint32_t slot, uint32_t given)
{
    label[slot] = (uint8_t)given;
}

uint32_t label_of(uint32_t slot)
{
    return label[slot];
}

uint32_t label_denials(uint32_t source, uint32_t target)
{
    return __atomic_load_n(&denials[source][target], __ATOMIC_RELAXED);
}

void label_show(void)
{
    uint32_t sum = 0;

    if (!label_policy()) {
        return;
    }
    for (uint32_t i = 0; i < BULKHEAD_LABELS * (BULKHEAD_LABELS + 1u); i++) {
        sum += label_denials(i / (BULKHEAD_LABELS + 1u), i % (BULKHEAD_LABELS + 1u));
    }
    print("%u labels%s, %u denials", (unsigned)label_count, is_permissive() ? ", permissive" : "", (unsigned)sum);
}

/* ---- what a toolstack asks ---- */

static err_t to_number(struct xen_flask_sid_context *c)
{
    char text[BULKHEAD_LABEL_BYTES] = {0};
    err_t err = (c->size < sizeof(text)) ? copy_in(text, GVA(c->context.q), c->size) : ERR_INVAL;

    for (uint32_t i = 0; i < policy.count && err == OK; i++) {
        if (memcmp(text, policy.label[i], sizeof(text)) == 0) {
            c->sid = i;
            return OK;
        }
    }
    return (err == OK) ? ERR_INVAL : err;
}

static err_t to_context(struct xen_flask_sid_context *c)
{
    uint32_t room = c->size;
    const char *text;

    if (c->sid >= policy.count) {
        return ERR_INVAL;
    }
    text = policy.label[index_nospec(c->sid, BULKHEAD_LABELS)];
    for (c->size = 1; text[c->size - 1u] != '\0'; c->size++) { /* bound: BULKHEAD_LABEL_BYTES */
    }
    return (c->size <= room) ? copy_out(GVA(c->context.q), text, c->size) : ERR_RANGE;
}

/* [impl->dsn~label-toolstack~1] */
int64_t xsm_op(struct vcpu *v, uint64_t *args)
{
    struct xen_flask_op op;
    err_t err, out;

    if (!label_policy()) {
        return ERR_NOSYS;
    }
    err = rights_any(v) ? copy_in(&op, GVA(args[0]), sizeof(op)) : ERR_PERM;
    if (err != OK) {
        return err;
    }
    if (op.interface_version != XEN_FLASK_INTERFACE_VERSION) {
        return ERR_NOSYS;
    }
    switch (op.cmd) {
    case FLASK_GETENFORCE:
        return is_permissive() ? 0 : 1;
    case FLASK_CONTEXT_TO_SID:
        err = to_number(&op.u.sid_context);
        break;
    case FLASK_SID_TO_CONTEXT:
        err = to_context(&op.u.sid_context);
        break;
    case FLASK_LOAD: /* the policy of the launch is for good */
    case FLASK_SETENFORCE:
    case FLASK_SETBOOL:
    case FLASK_RELABEL_DOMAIN:
        return ERR_PERM;
    default:
        return ERR_NOSYS;
    }
    out = (err == OK || err == ERR_RANGE) ? copy_out(GVA(args[0]), &op, sizeof(op)) : err;
    return (out == OK) ? err : out;
}
