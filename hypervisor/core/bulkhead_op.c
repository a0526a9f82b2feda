/* SPDX-License-Identifier: Apache-2.0 */
/* bulkhead_op: what Bulkhead adds to the Xen ABI, apart from memory (bulkhead_memory.c).
 * [impl->dsn~bulkhead-op~1] [impl->dsn~privilege-table~1] */
#include "bulkhead/bulkhead_op.h"
#include "core/bulkhead_static.h"
#include "core/console.h"
#include "core/frame.h"
#include "core/hypercall.h"
#include "core/init.h"
#include "core/label.h"
#include "core/launch.h"
#include "core/power.h"
#include "core/print.h"
#include "core/rights.h"
#include "core/sched_ops.h"
#include "core/seal.h"
#include "core/trace.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/xen.h>

#define DOMAIN_FLAGS                                                                                                   \
    (BULKHEAD_DOMAIN_SAFE | BULKHEAD_DOMAIN_VPL011 | BULKHEAD_DOMAIN_DIRECT | BULKHEAD_DOMAIN_ARGO |                   \
     BULKHEAD_DOMAIN_ARGO_ANY | BULKHEAD_DOMAIN_PARTITION(BULKHEAD_PARTITIONS))
#define DYNAMIC_FLAGS (BULKHEAD_DOMAIN_VPL011 | BULKHEAD_DOMAIN_ARGO | BULKHEAD_DOMAIN_ARGO_ANY)

/* ---- exit ---- */

#define UNFINISHED_STEP 32u /* slots */

/* [impl->dsn~boot-unfinished~1]
 * A domain that nobody finished and nobody else may start would hold its memory for ever. */
static bool destroy_unfinished(const struct vcpu *v)
{
    static uint32_t next = 1; /* the Boot Domain's: the slot where this step begins */

    for (uint32_t n = 0; n < UNFINISHED_STEP; n++) {
        uint32_t slot = next;
        struct domain *d = domain_get_slot(slot);

        next++;
        if (slot == MAX_DOMAINS) {
            next = 1;
            return true;
        }
        if (d == NULL) {
            continue;
        }
        if (!d->started && rights_check(v, BULKHEAD_RIGHT_PAUSE, slot) == OK) {
            (void)domain_destroy(d); /* -EBUSY: it is being destroyed */
        }
        domain_put(d);
    }
    return false;
}

static err_t op_exit(struct vcpu *v, struct domain *d UNUSED, void *structure)
{
    const struct bulkhead_exit *e = structure;
    const struct bulkhead_dynamic *y = &e->dynamic;

    if ((e->action & ~(BULKHEAD_EXIT_HALT | BULKHEAD_EXIT_POWER_AT_ONCE)) != 0u ||
        !range_ok(y->first, y->domains, MAX_DOMAINS) || (y->first == SLOT_BOOT && y->domains != 0u)) {
        return ERR_INVAL;
    }
    if ((e->action & BULKHEAD_EXIT_HALT) != 0u) {
        print_panic("bulkhead: the launch failed (status %u) and the system description says halt\n", e->status);
        arch_halt();
    }
    if (!destroy_unfinished(v)) {
        return ERR_RESTART;
    }
    power_init((e->action & BULKHEAD_EXIT_POWER_AT_ONCE) != 0u);
    domain_set_room(y->first, (uint32_t)y->first + y->domains, y->vcpus);
    frame_set_budget(FRAME_OWNER(y->first), y->domains, y->memory >> PAGE_SHIFT);
    seal(e->status, y->cpus);
    frame_drop_outside();
    print("boot services ended, status %u", e->status);
    return domain_destroy(v->domain); /* v does not run again */
}

/* ---- reading ---- */

static err_t op_board(struct vcpu *v UNUSED, struct domain *d UNUSED, void *structure)
{
    struct bulkhead_board *b = structure;
    const struct board_table *board = init_board();
    err_t err = copy_out(GVA(b->buffer), board, (b->size < sizeof(*board)) ? b->size : sizeof(*board));

    b->size = sizeof(*board);
    return err;
}

static err_t op_get_domain(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_domain *b = structure;

    *b = (struct bulkhead_domain){.domid = d->id, .role = d->role, .flags = d->flags};
    memcpy(b->name, d->name, sizeof(b->name));
    return OK;
}

/* d: NULL = the platform.  [impl->dsn~rights-readable~1] */
static err_t op_rights(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_rights *r = structure;

    *r = (struct bulkhead_rights){.target = (d != NULL) ? d->id : DOMID_SELF};
    for (uint32_t i = 0; i < BULKHEAD_RIGHT_COUNT; i++) {
        int32_t slot = rights_holder((enum bulkhead_right)i, (d != NULL) ? d->slot : RIGHTS_PLATFORM);

        r->holder[i] = (slot < 0) ? DOMID_INVALID : (slot == (int32_t)SLOT_BOOT) ? DOMID_BOOT : (uint16_t)slot;
    }
    return OK;
}

/* ---- identity ---- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
}

static bool is_name(const char *s, size_t size)
{
    size_t n = 0;

    while (n < size && is_name_char(s[n])) {
        n++;
    }
    return n > 0u && n < size && s[n] == '\0';
}

/* Is there another domain with this name, or with this role of which there is one at most? */
static bool is_taken(const struct domain *self, const struct bulkhead_domain *b)
{
    for (uint32_t slot = 0; slot < MAX_DOMAINS; slot++) {
        struct domain *d = (slot == self->slot) ? NULL : domain_get_slot(slot);
        bool taken;

        if (d == NULL) {
            continue;
        }
        taken = memcmp(d->name, b->name, sizeof(d->name)) == 0 || (b->role != BULKHEAD_ROLE_DOMU && d->role == b->role);
        domain_put(d);
        if (taken) {
            return true;
        }
    }
    return false;
}

/* [impl->dsn~domain-identity~1] */
static err_t set_identity(struct domain *d, const struct bulkhead_domain *b) REQUIRES(d->lock)
{
    err_t err = OK;

    if (d->started) {
        return ERR_BUSY;
    }
    if (!d->initial && ((b->flags & ~DYNAMIC_FLAGS) != 0u || b->role != BULKHEAD_ROLE_DOMU)) {
        return ERR_PERM; /* [impl->dsn~dynamic-ordinary~1] */
    }
    if (is_taken(d, b)) {
        return ERR_EXIST;
    }
    if ((b->flags & ~d->flags & BULKHEAD_DOMAIN_VPL011) != 0u) {
        err = arch_domain_add_vuart(d);
    } else if ((d->flags & ~b->flags & BULKHEAD_DOMAIN_VPL011) != 0u) {
        err = ERR_INVAL; /* it cannot be taken away */
    }
    if (err == OK) {
        memcpy(d->name, b->name, sizeof(d->name));
        d->role = b->role;
        d->flags = b->flags;
    }
    return err;
}

static err_t op_set_domain(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_domain *b = structure;
    size_t n = 0;

    if (d->started) {
        return ERR_BUSY;
    }
    if (b->role > BULKHEAD_ROLE_CONTROL || !is_name(b->name, sizeof(b->name)) || (b->flags & ~DOMAIN_FLAGS) != 0u) {
        return ERR_INVAL;
    }
    while (b->name[n] != '\0') {
        n++;
    }
    memset(b->name + n, 0, sizeof(b->name) - n); /* names are compared whole */
    return LOCKED(&d->lock, set_identity(d, b));
}

/* ---- rights ---- */

/* [impl->dsn~rights-sealed~1]
 * After the Boot Domain's exit nobody gains a right over the platform or an initial domain. */
static bool may_pass_on(const struct domain *target)
{
    return !is_sealed() || (target != NULL && !target->initial);
}

static err_t move_to(const struct vcpu *v, const struct bulkhead_right_move *m, uint32_t target)
{
    enum bulkhead_right right = (enum bulkhead_right)m->right;
    struct domain *to;
    err_t err = domain_get(v, m->receiver, &to);

    if (err != OK) {
        return err;
    }
    if (domain_state(to) == DOMAIN_DYING) {
        err = ERR_SRCH;
    } else {
        err = rights_move(right, target, v->domain->slot, to->slot);
    }
    domain_put(to);
    return err;
}

static err_t op_move_right(struct vcpu *v, struct domain *none UNUSED, void *structure)
{
    struct bulkhead_right_move *m = structure;
    struct domain *d = NULL;
    uint32_t target = RIGHTS_PLATFORM;
    err_t err = (m->right < BULKHEAD_RIGHT_COUNT && m->pad == 0u) ? OK : ERR_INVAL;

    if (err == OK && m->target != DOMID_SELF) {
        err = domain_get(v, m->target, &d);
        target = (err == OK) ? d->slot : target;
    }
    if (err != OK) {
        return err;
    }
    m->right = (uint16_t)index_nospec(m->right, BULKHEAD_RIGHT_COUNT);
    if (m->receiver == DOMID_INVALID) {
        err = rights_move((enum bulkhead_right)m->right, target, v->domain->slot, RIGHTS_NOBODY);
    } else {
        err = may_pass_on(d) ? move_to(v, m, target) : ERR_PERM;
    }
    if (d != NULL) {
        domain_put(d);
    }
    return err;
}

/* ---- launch record, health (core/launch.h, core/health.h) ---- */

static err_t op_seal_image(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_seal *b = structure;

    return LOCKED(&d->lock, launch_seal_image(d, &b->gfn, &b->count));
}

static err_t op_seal_launch(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_seal *b = structure;

    return LOCKED(&d->lock, launch_seal(d, &b->gfn, &b->count));
}

static err_t op_restart(struct vcpu *v UNUSED, struct domain *d, void *structure UNUSED)
{
    return domain_restart(d);
}

/* ---- dispatch ---- */

enum scope {
    ANYBODY = 0, /* no right; MOVE_RIGHT, POWER: to be the holder, or one that was asked, which they find out */
    BOOT_DOMAIN, /* only the Boot Domain */
    PLATFORM,    /* the right over the platform */
    /* from here on the structure begins with a domid */
    DOMAIN, /* over the domain that the structure names first */
    LAUNCH, /* the same, before the end of boot services */
    OTHERS, /* the same, unless it is the caller's own */
    CELLS,  /* the same, or the platform for DOMID_SELF; the Boot Domain needs none */
};

#define IN(name)   sizeof(struct bulkhead_##name), false
#define BOTH(name) sizeof(struct bulkhead_##name), true
#define DOMID      sizeof(uint16_t), false /* of the structure only this is looked at */

static const struct operation {
    bulkhead_fn *fn;
    uint8_t op;    /* enum bulkhead_op */
    uint8_t scope; /* enum scope */
    uint8_t right; /* enum bulkhead_right */
    uint16_t size; /* bytes of the structure */
    bool answers;  /* it is copied back */
} operations[] = {
    {op_exit, BULKHEAD_OP_EXIT_BOOT_SERVICES, BOOT_DOMAIN, 0, IN(exit)},
    {op_board, BULKHEAD_OP_BOARD, PLATFORM, BULKHEAD_RIGHT_INFO, BOTH(board)},
    {bulkhead_claim, BULKHEAD_OP_CLAIM_MEMORY, BOOT_DOMAIN, 0, IN(memory)},
    {bulkhead_populate_static, BULKHEAD_OP_POPULATE_STATIC, LAUNCH, BULKHEAD_RIGHT_BUILD, BOTH(populate)},
    {bulkhead_move_frames, BULKHEAD_OP_MOVE_FRAMES, LAUNCH, BULKHEAD_RIGHT_BUILD, BOTH(move)},
    {op_set_domain, BULKHEAD_OP_SET_DOMAIN, DOMAIN, BULKHEAD_RIGHT_BUILD, IN(domain)},
    {op_move_right, BULKHEAD_OP_MOVE_RIGHT, ANYBODY, 0, IN(right_move)},
    {bulkhead_map_outside, BULKHEAD_OP_MAP_OUTSIDE, BOOT_DOMAIN, 0, BOTH(memory)},
    {seal_record, BULKHEAD_OP_BOOT_RECORD, ANYBODY, 0, BOTH(boot_record)},
    {bulkhead_bind_channel, BULKHEAD_OP_BIND_CHANNEL, DOMAIN, BULKHEAD_RIGHT_BUILD, IN(channel)},
    {bulkhead_channel_early, BULKHEAD_OP_CHANNEL_EARLY, OTHERS, BULKHEAD_RIGHT_INFO, BOTH(early)},
    {bulkhead_seed_grant, BULKHEAD_OP_SEED_GRANT, DOMAIN, BULKHEAD_RIGHT_BUILD, IN(seed)},
    {bulkhead_console, BULKHEAD_OP_CONSOLE, DOMAIN, BULKHEAD_RIGHT_CONSOLE, BOTH(console)},
    {bulkhead_share_memory, BULKHEAD_OP_SHARE_MEMORY, BOOT_DOMAIN, 0, BOTH(share)},
    {op_seal_image, BULKHEAD_OP_SEAL_IMAGE, DOMAIN, BULKHEAD_RIGHT_BUILD, BOTH(seal)},
    {op_seal_launch, BULKHEAD_OP_SEAL_LAUNCH, DOMAIN, BULKHEAD_RIGHT_BUILD, BOTH(seal)},
    {health_configure, BULKHEAD_OP_SET_HEALTH, DOMAIN, BULKHEAD_RIGHT_BUILD, IN(health)},
    {op_restart, BULKHEAD_OP_RESTART, DOMAIN, BULKHEAD_RIGHT_RESTART, DOMID},
    {health_read, BULKHEAD_OP_LIFE, OTHERS, BULKHEAD_RIGHT_INFO, BOTH(life)},
    {power_op, BULKHEAD_OP_POWER, ANYBODY, 0, IN(power)},
    {sched_set_pool, BULKHEAD_OP_SET_POOL, PLATFORM, BULKHEAD_RIGHT_SCHEDULE, IN(pool)},
    {sched_set_schedule, BULKHEAD_OP_SET_SCHEDULE, PLATFORM, BULKHEAD_RIGHT_SCHEDULE, IN(schedule)},
    {sched_switch, BULKHEAD_OP_SWITCH_SCHEDULE, PLATFORM, BULKHEAD_RIGHT_SCHEDULE, BOTH(switch)},
    {op_get_domain, BULKHEAD_OP_GET_DOMAIN, OTHERS, BULKHEAD_RIGHT_INFO, BOTH(domain)},
    {op_rights, BULKHEAD_OP_RIGHTS, CELLS, BULKHEAD_RIGHT_INFO, BOTH(rights)},
    {console_focus, BULKHEAD_OP_FOCUS, DOMAIN, BULKHEAD_RIGHT_CONSOLE, DOMID},
    {trace_op, BULKHEAD_OP_TRACE, PLATFORM, BULKHEAD_RIGHT_INFO, BOTH(trace)},
    {label_load, BULKHEAD_OP_SET_LABELS, BOOT_DOMAIN, 0, IN(label_policy)},
};

static err_t find_cells(const struct vcpu *v, enum bulkhead_right right, uint16_t domid, struct domain **d)
{
    bool is_boot = v->domain->slot == SLOT_BOOT;

    if (domid == DOMID_SELF) {
        return is_boot ? OK : rights_check(v, right, RIGHTS_PLATFORM);
    }
    return is_boot ? domain_get(v, domid, d) : rights_over(v, right, domid, d);
}

/* The domain that the operation is about, a reference taken; NULL = none.  -EFAULT, -ESRCH, -EPERM. */
static err_t find(const struct vcpu *v, const struct operation *o, gva_t arg, struct domain **d)
{
    enum bulkhead_right right = (enum bulkhead_right)o->right;
    uint16_t domid = DOMID_SELF;
    err_t err = (o->scope >= DOMAIN) ? copy_in(&domid, arg, sizeof(domid)) : OK;

    *d = NULL;
    if (err != OK) {
        return err;
    }
    switch (o->scope) {
    case BOOT_DOMAIN:
        return (v->domain->slot == SLOT_BOOT) ? OK : ERR_PERM;
    case PLATFORM:
        return rights_check(v, right, RIGHTS_PLATFORM);
    case DOMAIN:
        return rights_over(v, right, domid, d);
    case LAUNCH:
        return is_sealed() ? ERR_PERM : rights_over(v, right, domid, d);
    case OTHERS:
        return rights_get(v, right, domid, d);
    case CELLS:
        return find_cells(v, right, domid, d);
    default:
        return OK;
    }
}

/* NULL: there is none.  Bound: the table's length. */
static const struct operation *operation_of(uint32_t op)
{
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (operations[i].op == op) {
            return &operations[i];
        }
    }
    return NULL;
}

static err_t run(struct vcpu *v, struct domain *d, const struct operation *o, gva_t arg)
{
    uint64_t structure[(sizeof(struct bulkhead_life) + 7u) / 8u]; /* the largest */
    err_t err;

    ASSERT(o->size <= sizeof(structure));
    err = copy_in(structure, arg, o->size);
    if (err != OK) {
        return err;
    }
    err = o->fn(v, d, structure);
    if (o->answers && (err == OK || err == ERR_RESTART)) {
        err_t out = copy_out(arg, structure, o->size);
        err = (out == OK) ? err : out;
    }
    return err;
}

int64_t bulkhead_op(struct vcpu *v, uint64_t *args)
{
    const struct operation *o = operation_of((uint32_t)args[0]);
    struct domain *d;
    err_t err;

    if (o == NULL) {
        return ERR_NOSYS;
    }
    err = find(v, o, GVA(args[1]), &d);
    if (err != OK) {
        return err;
    }
    err = run(v, d, o, GVA(args[1]));
    if (d != NULL) {
        domain_put(d);
    }
    return err;
}
