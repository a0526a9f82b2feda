/* SPDX-License-Identifier: Apache-2.0 */
/* Copy within two frames, each the caller's own or another domain's by grant; and cache maintenance.
 * No lock is held while bytes move: counts and pins keep the frames.
 * [impl->dsn~grant-copy~1] [impl->dsn~grant-cache-flush~1] */
#include "arch/contract/arch.h"
#include "core/grant_table.h"
#include "core/hypercall.h"
#include "core/physmap.h"
#include "lib/string.h"

/* Guests choose alignment; normal memory takes any. */
struct word {
    uint64_t v;
} __attribute__((packed, may_alias));
/* Moved at once: load pairs and store pairs of general registers. */
struct block {
    uint64_t a, b, c, d, e, f, g, h;
} __attribute__((packed, may_alias));

struct side {
    struct grant_use use; /* owner: the frame's; use.ref with by_grant only */
    mfn_t mfn;
    bool by_grant;
    bool foreign; /* a reference of the domain is held */
};

/* ---- bytes ---- */

static void move_bytes(char *to, const char *from, uint32_t n)
{
    for (; n >= sizeof(struct block); n -= (uint32_t)sizeof(struct block)) { /* bound: n is at most a page */
        const struct block *in = (const void *)from;
        struct block *out = (void *)to;
        uint64_t a = in->a, b = in->b, c = in->c, d = in->d, e = in->e, f = in->f, g = in->g, h = in->h;

        out->a = a;
        out->b = b;
        out->c = c;
        out->d = d;
        out->e = e;
        out->f = f;
        out->g = g;
        out->h = h;
        from += sizeof(struct block);
        to += sizeof(struct block);
    }
    for (; n >= 8u; n -= 8u) {
        *(struct word *)(void *)to = *(const struct word *)(const void *)from;
        from += 8;
        to += 8;
    }
    for (; n > 0u; n--) {
        *to++ = *from++;
    }
}

/* ---- sides ---- */

/* The domain behind a side.  Without a grant only the caller itself. */
static int16_t find(struct vcpu *v, const struct gnttab_copy_ptr *p, struct side *s)
{
    if (p->domid == DOMID_SELF) {
        s->use.owner = v->domain;
        return GNTST_okay;
    }
    if (!s->by_grant) {
        return GNTST_permission_denied;
    }
    if (domain_get_living(v, p->domid, &s->use.owner) != OK) {
        return GNTST_bad_domain;
    }
    s->foreign = true;
    return GNTST_okay;
}

static int16_t claim(struct vcpu *v, const struct gnttab_copy_ptr *p, struct side *s)
{
    if (s->by_grant) {
        s->use.ref = p->u.ref;
        return grant_acquire(&s->use, v->domain, &s->mfn);
    }
    return (grant_hold(s->use.owner, GFN(p->u.gmfn), s->use.write, &s->mfn) == OK) ? GNTST_okay : GNTST_bad_page;
}

static void release(struct side *s)
{
    physmap_release(s->mfn);
    if (s->by_grant) {
        grant_unpin(&s->use);
    }
}

/* Both frames are held. */
static int16_t move(const struct gnttab_copy *op, const struct side *from, const struct side *to)
{
    if (op->source.offset + (uint32_t)op->len > PAGE_SIZE || op->dest.offset + (uint32_t)op->len > PAGE_SIZE) {
        return GNTST_bad_copy_arg;
    }
    if (from->mfn.v == to->mfn.v) {
        char *page = arch_map_frame(to->mfn);
        memmove(page + op->dest.offset, page + op->source.offset, op->len);
    } else {
        move_bytes((char *)arch_map_frame(to->mfn) + op->dest.offset,
                   (const char *)arch_map_frame(from->mfn) + op->source.offset, op->len);
    }
    return GNTST_okay;
}

static int16_t between(struct vcpu *v, const struct gnttab_copy *op, struct side *from, struct side *to)
{
    int16_t status = claim(v, &op->source, from);

    if (status != GNTST_okay) {
        return status;
    }
    status = claim(v, &op->dest, to);
    if (status == GNTST_okay) {
        status = move(op, from, to);
        release(to);
    }
    release(from);
    return status;
}

static int16_t copy_one(struct vcpu *v, const struct gnttab_copy *op)
{
    struct side from = {.by_grant = (op->flags & GNTCOPY_source_gref) != 0u};
    struct side to = {.by_grant = (op->flags & GNTCOPY_dest_gref) != 0u, .use = {.write = true}};
    int16_t status = find(v, &op->source, &from);

    if (status == GNTST_okay) {
        status = find(v, &op->dest, &to);
    }
    if (status == GNTST_okay) {
        status = between(v, op, &from, &to);
    }
    if (to.foreign) {
        domain_put(to.use.owner);
    }
    if (from.foreign) {
        domain_put(from.use.owner);
    }
    return status;
}

int64_t grant_copy(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_copy *op = ops;

    for (uint32_t i = 0; i < n; i++) {
        op[i].status = copy_one(v, &op[i]);
    }
    return OK;
}

/* ---- cache maintenance ---- */

/* The frame at the address is clean and not cached afterwards, whichever of both was asked for: an invalidation alone
 * could bring back what the granter has overwritten. */
static err_t flush_one(struct domain *d, const struct gnttab_cache_flush *op)
{
    struct stage2_entry e;

    if (op->offset >= PAGE_SIZE || (uint32_t)op->offset + op->length > PAGE_SIZE ||
        (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)) != 0u) {
        return ERR_INVAL;
    }
    if (op->length == 0u || op->op == 0u) {
        return OK;
    }
    spin_lock(&d->physmap_lock);
    e = physmap_look(d, gaddr_to_gfn(GADDR(op->a.dev_bus_addr)));
    if (e.mapping == MAPPING_RAM || e.mapping == MAPPING_GRANT) {
        arch_clean(e.mfn, 1);
    }
    spin_unlock(&d->physmap_lock);
    if (e.mapping == MAPPING_NONE) {
        return ERR_INVAL;
    }
    return (e.mapping == MAPPING_RAM || e.mapping == MAPPING_GRANT) ? OK : ERR_PERM;
}

int64_t grant_cache_flush(struct vcpu *v, void *ops, uint32_t n)
{
    const struct gnttab_cache_flush *op = ops;
    err_t err = OK;

    for (uint32_t i = 0; i < n && err == OK; i++) {
        err = flush_one(v->domain, &op[i]);
    }
    return err;
}
