/* SPDX-License-Identifier: Apache-2.0 */
/* Copy within two frames, each the caller's own or another domain's by grant; and cache maintenance.
 * No lock is held while bytes move: counts and pins keep the frames.
 * [impl->dsn~grant-copy~1] [impl->dsn~grant-cache-flush~1] */
#include "core/grant_table.h"
#include "core/physmap.h"
#include "lib/string.h"

struct side {
    struct grant_use use; /* owner and ref with by_grant only */
    mfn_t mfn;
    bool by_grant;
};

/* Without a grant only frames of the caller itself. */
static int16_t claim(const struct vcpu *v, const struct gnttab_copy_ptr *p, struct side *s)
{
    if (s->by_grant) {
        s->use.ref = p->u.ref;
        return grant_acquire_from(v, p->domid, &s->use, &s->mfn);
    }
    if (p->domid != DOMID_SELF) {
        return GNTST_permission_denied;
    }
    return (physmap_hold_as(v->domain, GFN(p->u.gmfn), s->use.write ? ACCESS_RW : ACCESS_R, &s->mfn) == OK)
               ? GNTST_okay
               : GNTST_bad_page;
}

static void release(const struct side *s)
{
    physmap_release(s->mfn);
    if (s->by_grant) {
        grant_unpin(&s->use);
    }
}

static char *place(const struct gnttab_copy_ptr *p, const struct side *s)
{
    return (char *)arch_map_frame(s->mfn) + p->offset;
}

int64_t grant_copy(struct vcpu *v, void *structure)
{
    struct gnttab_copy *op = structure;
    struct side from = {.by_grant = (op->flags & GNTCOPY_source_gref) != 0u};
    struct side to = {.by_grant = (op->flags & GNTCOPY_dest_gref) != 0u, .use = {.write = true}};

    op->status = claim(v, &op->source, &from);
    if (op->status != GNTST_okay) {
        return OK;
    }
    op->status = claim(v, &op->dest, &to);
    if (op->status == GNTST_okay) {
        if (op->source.offset + (uint32_t)op->len > PAGE_SIZE || op->dest.offset + (uint32_t)op->len > PAGE_SIZE) {
            op->status = GNTST_bad_copy_arg;
        } else {
            memmove(place(&op->dest, &to), place(&op->source, &from), op->len);
        }
        release(&to);
    }
    release(&from);
    return OK;
}

/* The frame at the address is clean and not cached afterwards, whichever of both was asked for: an invalidation alone
 * could bring back what the granter has overwritten. */
int64_t grant_cache_flush(struct vcpu *v, void *structure)
{
    const struct gnttab_cache_flush *op = structure;
    struct domain *d = v->domain;
    struct stage2_entry e;
    bool may;

    if (op->offset >= PAGE_SIZE || (uint32_t)op->offset + op->length > PAGE_SIZE ||
        (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)) != 0u) {
        return ERR_INVAL;
    }
    if (op->length == 0u || op->op == 0u) {
        return OK;
    }
    spin_lock(&d->physmap_lock);
    e = physmap_look(d, gaddr_to_gfn(GADDR(op->a.dev_bus_addr)));
    may = e.mapping == MAPPING_RAM || e.mapping == MAPPING_GRANT;
    if (may) {
        arch_flush(e.mfn, 1);
    }
    spin_unlock(&d->physmap_lock);
    return may ? OK : (e.mapping == MAPPING_NONE) ? ERR_INVAL : ERR_PERM;
}
