/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a domain, as mapper and as granter.
 * As granter: its table is closed, so that no pin is taken any more; then every mapping of it is redirected to a sink
 * frame of the mapper, which takes the pin away.  A mapping that is being made or unmade on another CPU keeps its pin
 * until it is done, and is found in a later round.
 * [impl->dsn~grant-sink~1] [impl->dsn~grant-reap~1] */
#include "arch/contract/arch.h"
#include "core/frame.h"
#include "core/grant_table.h"
#include "core/physmap.h"

static void close(struct grant_table *t)
{
    spin_lock(&t->lock);
    __atomic_store_n(&t->closed, 1u, __ATOMIC_RELEASE);
    spin_unlock(&t->lock);
}

static uint32_t pins_left(struct grant_table *t)
{
    uint32_t n;

    spin_lock(&t->lock);
    n = t->pinned;
    spin_unlock(&t->lock);
    return n;
}

static struct grant_use use_of(const struct grant_record *r, struct domain *owner)
{
    return (struct grant_use){.owner = owner, .ref = r->ref, .write = (r->flags & RECORD_WRITE) != 0u, .map = true};
}

/* Pins that their records no longer have. */
struct pins {
    uint32_t count;
    struct grant_use of[GRANT_REDIRECTS];
};

static void unpin(const struct pins *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        grant_unpin(&p->of[i]);
    }
}

static bool is_pinned(const struct grant_record *r)
{
    return (r->flags & (RECORD_LIVE | RECORD_SUNK)) == RECORD_LIVE;
}

/* ---- as mapper ---- */

/* The pins of d's own mappings; the mappings themselves go with the tables.  true = more is left. */
static bool give_up_mappings(struct domain *d)
{
    struct grant_table *t = d->grants;
    struct pins p = {.count = 0};
    uint32_t end;

    spin_lock(&d->physmap_lock);
    end = t->record_pages * RECORDS_PER_PAGE;
    for (uint32_t n = 0; n < GRANT_REAP_STEP && p.count < GRANT_REDIRECTS && t->reap_passed < end; n++) {
        struct grant_record *r = grant_record_at(t, t->reap_passed);

        if (is_pinned(r)) {
            r->flags |= RECORD_SUNK;
            p.of[p.count] = use_of(r, domain_at(r->slot));
            p.count++;
        }
        t->reap_passed++;
    }
    spin_unlock(&d->physmap_lock);
    unpin(&p);
    return t->reap_passed < end;
}

/* ---- as granter ---- */

/* The mapping becomes one of the sink, with the same access.  false: the mapper is dying and gives it up itself. */
static bool sink(struct domain *mapper, struct grant_record *r) REQUIRES(mapper->physmap_lock)
{
    gfn_t gfn = GFN(r->where >> RECORD_TAG_BITS);
    struct stage2_entry e = physmap_look(mapper, gfn);

    if (e.mapping == MAPPING_GRANT && grant_where(gfn, e.mfn) == r->where) {
        uint16_t owner;

        e.mfn = mapper->grants->sink;
        e.order = 0;
        ASSERT(frame_get(e.mfn, FRAME_OWNER(mapper->slot), FRAME_SHARED) == OK);
        if (physmap_set(mapper, gfn, &e) != OK) {             /* dying: the entry was there, so no table is needed */
            ASSERT(!frame_put(mapper->grants->sink, &owner)); /* the table keeps one */
            return false;
        }
        r->where = grant_where(gfn, e.mfn);
    }
    r->flags |= RECORD_SUNK;
    return true;
}

/* From record t->reap_handle of mapper on.  true = more of its records are left. */
static bool redirect_some(struct domain *d, struct domain *mapper)
{
    struct grant_table *t = d->grants;
    struct pins p = {.count = 0};
    uint32_t end;

    spin_lock(&mapper->physmap_lock);
    end = mapper->grants->record_pages * RECORDS_PER_PAGE;
    for (uint32_t n = 0; n < GRANT_REAP_STEP && p.count < GRANT_REDIRECTS && t->reap_handle < end; n++) {
        struct grant_record *r = grant_record_at(mapper->grants, t->reap_handle);

        if (domain_state(mapper) == DOMAIN_DYING) {
            end = 0;
            break;
        }
        if (r->slot == d->slot && is_pinned(r) && sink(mapper, r)) {
            p.of[p.count] = use_of(r, d);
            p.count++;
        }
        t->reap_handle++;
    }
    spin_unlock(&mapper->physmap_lock);
    unpin(&p);
    return t->reap_handle < end;
}

/* ERR_BUSY: a round is over and pins are left. */
static err_t redirect(struct domain *d)
{
    struct grant_table *t = d->grants;
    struct domain *mapper = domain_get_slot(t->reap_slot);
    bool more = false;

    if (mapper != NULL) {
        more = mapper->grants != NULL && mapper != d && redirect_some(d, mapper);
        domain_put(mapper);
    }
    if (more) {
        return ERR_RESTART;
    }
    t->reap_handle = 0;
    t->reap_slot++;
    if (t->reap_slot < MAX_DOMAINS) {
        return ERR_RESTART;
    }
    t->reap_slot = 0;
    return ERR_BUSY;
}

err_t grant_reap(struct domain *d)
{
    struct grant_table *t = d->grants;

    if (t == NULL) {
        return OK;
    }
    if (!grant_is_closed(t)) {
        close(t);
        return ERR_RESTART;
    }
    if (give_up_mappings(d)) {
        return ERR_RESTART;
    }
    return (pins_left(t) == 0u) ? OK : redirect(d);
}
