/* SPDX-License-Identifier: Apache-2.0 */
/* bulkhead_op: what Bulkhead adds to the Xen ABI, apart from memory (bulkhead_memory.c).
 * [impl->dsn~bulkhead-op~1] */
#include "bulkhead/bulkhead_op.h"
#include "arch/contract/arch.h"
#include "core/bulkhead_memory.h"
#include "core/bulkhead_static.h"
#include "core/console.h"
#include "core/domain.h"
#include "core/frame.h"
#include "core/hypercall.h"
#include "core/health.h"
#include "core/init.h"
#include "core/launch.h"
#include "core/power.h"
#include "core/print.h"
#include "core/rights.h"
#include "core/sched_ops.h"
#include "core/seal.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/xen.h>

#define DOMAIN_FLAGS                                                                                                   \
    (BULKHEAD_DOMAIN_SAFE | BULKHEAD_DOMAIN_VPL011 | BULKHEAD_DOMAIN_DIRECT | BULKHEAD_DOMAIN_ARGO |                   \
     BULKHEAD_DOMAIN_ARGO_ANY | BULKHEAD_DOMAIN_PARTITION(BULKHEAD_PARTITIONS))

/* ---- exit ---- */

/* [impl->dsn~boot-unfinished~1]
 * A domain that nobody finished and nobody else may start would hold its memory for ever. */
static void destroy_unfinished(const struct vcpu *v)
{
    for (uint32_t slot = 1; slot < MAX_DOMAINS; slot++) {
        struct domain *d = domain_get_slot(slot);

        if (d == NULL) {
            continue;
        }
        if (!d->started && rights_check(v, BULKHEAD_RIGHT_PAUSE, slot) == OK) {
            (void)domain_destroy(d); /* -EBUSY: it is being destroyed */
        }
        domain_put(d);
    }
}

static int64_t op_exit(struct vcpu *v, gva_t arg)
{
    struct bulkhead_exit e;
    err_t err = copy_in(&e, arg, sizeof(e));

    if (err != OK) {
        return err;
    }
    if (v->domain->slot != SLOT_BOOT) {
        return ERR_PERM;
    }
    if ((e.action & ~(BULKHEAD_EXIT_HALT | BULKHEAD_EXIT_POWER_AT_ONCE)) != 0u) {
        return ERR_INVAL;
    }
    if ((e.action & BULKHEAD_EXIT_HALT) != 0u) {
        print_panic("bulkhead: the launch failed (status %u) and the system description says halt\n", e.status);
        arch_halt();
    }
    destroy_unfinished(v);
    power_init((e.action & BULKHEAD_EXIT_POWER_AT_ONCE) != 0u);
    seal(e.status);
    frame_drop_outside();
    print("boot services ended, status %u", e.status);
    return domain_destroy(v->domain); /* v does not run again */
}

/* ---- reading ---- */

static int64_t op_board(const struct vcpu *v, gva_t arg)
{
    struct bulkhead_board b;
    const struct board_table *board = init_board();
    err_t err = copy_in(&b, arg, sizeof(b));

    if (err == OK) {
        err = rights_check(v, BULKHEAD_RIGHT_INFO, RIGHTS_PLATFORM);
    }
    if (err == OK) {
        err = copy_out(GVA(b.buffer), board, (b.size < sizeof(*board)) ? b.size : sizeof(*board));
    }
    if (err == OK) {
        b.size = sizeof(*board);
        err = copy_out(arg, &b, sizeof(b));
    }
    return err;
}

static int64_t op_record(gva_t arg)
{
    struct bulkhead_boot_record r;

    seal_record(&r);
    return copy_out(arg, &r, sizeof(r));
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

static int64_t op_set_domain(struct vcpu *v, gva_t arg)
{
    struct bulkhead_domain b;
    struct domain *d;
    err_t err = copy_in(&b, arg, sizeof(b));

    if (err == OK) {
        err = domain_get(v, b.domid, &d);
    }
    if (err != OK) {
        return err;
    }
    if (d->started) {
        err = ERR_BUSY;
    } else {
        err = rights_check(v, BULKHEAD_RIGHT_BUILD, d->slot);
    }
    if (err == OK &&
        (b.role > BULKHEAD_ROLE_CONTROL || !is_name(b.name, sizeof(b.name)) || (b.flags & ~DOMAIN_FLAGS) != 0u)) {
        err = ERR_INVAL;
    }
    if (err == OK) {
        size_t n = 0;
        while (b.name[n] != '\0') {
            n++;
        }
        memset(b.name + n, 0, sizeof(b.name) - n); /* names are compared whole */
        spin_lock(&d->lock);
        err = set_identity(d, &b);
        spin_unlock(&d->lock);
    }
    domain_put(d);
    return err;
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

static int64_t op_move_right(struct vcpu *v, gva_t arg)
{
    struct bulkhead_right_move m;
    struct domain *d = NULL;
    uint32_t target = RIGHTS_PLATFORM;
    err_t err = copy_in(&m, arg, sizeof(m));

    if (err == OK && (m.right >= BULKHEAD_RIGHT_COUNT || m.pad != 0u)) {
        err = ERR_INVAL;
    }
    if (err == OK && m.target != DOMID_SELF) {
        err = domain_get(v, m.target, &d);
        target = (err == OK) ? d->slot : target;
    }
    if (err != OK) {
        return err;
    }
    m.right = (uint16_t)index_nospec(m.right, BULKHEAD_RIGHT_COUNT);
    if (m.receiver == DOMID_INVALID) {
        err = rights_renounce((enum bulkhead_right)m.right, target, v->domain->slot);
    } else {
        err = may_pass_on(d) ? move_to(v, &m, target) : ERR_PERM;
    }
    if (d != NULL) {
        domain_put(d);
    }
    return err;
}

/* ---- launch record, health (core/launch.h, core/health.h) ---- */

/* ops 30..34: each names its domain first */
static int64_t op_life(struct vcpu *v, uint32_t op, gva_t arg)
{
    static const struct {
        uint16_t size;
        uint8_t right;
    } kind[] = {
        [0] = {sizeof(struct bulkhead_seal), BULKHEAD_RIGHT_BUILD},
        [BULKHEAD_OP_SEAL_LAUNCH - BULKHEAD_OP_SEAL_IMAGE] = {sizeof(struct bulkhead_seal), BULKHEAD_RIGHT_BUILD},
        [BULKHEAD_OP_SET_HEALTH - BULKHEAD_OP_SEAL_IMAGE] = {sizeof(struct bulkhead_health), BULKHEAD_RIGHT_BUILD},
        [BULKHEAD_OP_RESTART - BULKHEAD_OP_SEAL_IMAGE] = {sizeof(uint16_t), BULKHEAD_RIGHT_RESTART},
        [BULKHEAD_OP_LIFE - BULKHEAD_OP_SEAL_IMAGE] = {sizeof(uint16_t), BULKHEAD_RIGHT_INFO},
    };
    union {
        uint16_t domid;
        struct bulkhead_seal seal;
        struct bulkhead_health health;
        struct bulkhead_life life;
    } b;
    struct domain *d;
    size_t out = 0;
    err_t err = copy_in(&b, arg, kind[op - BULKHEAD_OP_SEAL_IMAGE].size);

    if (err == OK) {
        err = domain_get(v, b.domid, &d);
    }
    if (err != OK) {
        return err;
    }
    if (op != BULKHEAD_OP_LIFE || d != v->domain) {
        err = rights_check(v, (enum bulkhead_right)kind[op - BULKHEAD_OP_SEAL_IMAGE].right, d->slot);
    }
    if (err != OK) {
        /* nothing */
    } else if (op == BULKHEAD_OP_SET_HEALTH) {
        err = health_configure(d, &b.health);
    } else if (op == BULKHEAD_OP_RESTART) {
        err = domain_restart(d);
    } else if (op == BULKHEAD_OP_LIFE) {
        health_read(d, &b.life);
        out = sizeof(b.life);
    } else {
        spin_lock(&d->lock);
        err = (op == BULKHEAD_OP_SEAL_IMAGE) ? launch_seal_image(d, &b.seal.gfn, &b.seal.count)
                                             : launch_seal(d, &b.seal.gfn, &b.seal.count);
        spin_unlock(&d->lock);
        out = (err == ERR_RESTART) ? sizeof(b.seal) : 0u;
    }
    domain_put(d);
    if (out != 0u) {
        err_t copied = copy_out(arg, &b, out);
        err = (copied == OK) ? err : copied;
    }
    return err;
}

int64_t bulkhead_op(struct vcpu *v, uint64_t *args)
{
    gva_t arg = GVA(args[1]);

    switch ((uint32_t)args[0]) {
    case BULKHEAD_OP_EXIT_BOOT_SERVICES:
        return op_exit(v, arg);
    case BULKHEAD_OP_BOARD:
        return op_board(v, arg);
    case BULKHEAD_OP_CLAIM_MEMORY:
        return bulkhead_claim(v, arg);
    case BULKHEAD_OP_POPULATE_STATIC:
        return bulkhead_populate_static(v, arg);
    case BULKHEAD_OP_MOVE_FRAMES:
        return bulkhead_move_frames(v, arg);
    case BULKHEAD_OP_SET_DOMAIN:
        return op_set_domain(v, arg);
    case BULKHEAD_OP_MOVE_RIGHT:
        return op_move_right(v, arg);
    case BULKHEAD_OP_MAP_OUTSIDE:
        return bulkhead_map_outside(v, arg);
    case BULKHEAD_OP_BOOT_RECORD:
        return op_record(arg);
    case BULKHEAD_OP_SEED_GRANT:
        return bulkhead_seed_grant(v, arg);
    case BULKHEAD_OP_CONSOLE:
        return bulkhead_console(v, arg);
    case BULKHEAD_OP_BIND_CHANNEL:
        return bulkhead_bind_channel(v, arg);
    case BULKHEAD_OP_CHANNEL_EARLY:
        return bulkhead_channel_early(v, arg);
    case BULKHEAD_OP_SHARE_MEMORY:
        return bulkhead_share_memory(v, arg);
    case BULKHEAD_OP_SET_POOL:
        return sched_set_pool(v, arg);
    case BULKHEAD_OP_SET_SCHEDULE:
        return sched_set_schedule(v, arg);
    case BULKHEAD_OP_SWITCH_SCHEDULE:
        return sched_switch(v, arg);
    case BULKHEAD_OP_SEAL_IMAGE:
    case BULKHEAD_OP_SEAL_LAUNCH:
    case BULKHEAD_OP_SET_HEALTH:
    case BULKHEAD_OP_RESTART:
    case BULKHEAD_OP_LIFE:
        return op_life(v, (uint32_t)args[0], arg);
    case BULKHEAD_OP_POWER:
        return power_op(v, arg);
    default:
        return ERR_NOSYS;
    }
}
