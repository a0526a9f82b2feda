/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a domain, as mapper and as granter.
 * Its table is closed, so that no pin is taken any more; then the pins of its own mappings go (the mappings themselves
 * go with its tables), and every mapping of its frames is redirected to a sink frame of the mapper, which takes the pin
 * away.  A mapping that is being made or unmade on another CPU keeps its pin until it is done, and is found in a later
 * round.
 * [impl->dsn~grant-sink~1] [impl->dsn~grant-reap~1] */
#include "core/grant_table.h"
#include "core/physmap.h"

/* No pin is left.  Under the lock: who takes the last one away does not use the table after it. */
static bool is_unused(struct grant_table *t)
{
    return LOCKED(&t->lock, t->pinned == 0u);
}

/* The mapping becomes one of the sink, with the same access, unless the guest has put something else there.
 * false: the mapper is dying and gives it up itself. */
static bool sink(struct domain *mapper, struct grant_record *r) REQUIRES(mapper->physmap_lock)
{
    gfn_t gfn = grant_gfn(r);
    struct stage2_entry e = physmap_look(mapper, gfn);

    if (e.mapping == MAPPING_GRANT && grant_where(gfn, e.mfn) == r->where) {
        e.mfn = mapper->grants->sink;
        if (physmap_set_shared(mapper, gfn, &e) != OK) { /* dying: the entry was there, so no table is needed */
            return false;
        }
        r->where = grant_where(gfn, e.mfn);
    }
    return true;
}

/* From record t->reap_handle of mapper on, which may be d itself.  true = more of its records are left. */
static bool take_pins(struct domain *d, struct domain *mapper)
{
    struct grant_table *t = d->grants;
    struct grant_leavings l = {.count = 0};
    struct grant_record *r = NULL;

    spin_lock(&mapper->physmap_lock);
    for (uint32_t n = 0; n < GRANT_REAP_STEP && l.count < GRANT_UNMAP; n++) {
        r = (mapper == d || domain_state(mapper) != DOMAIN_DYING) ? grant_record_at(mapper->grants, t->reap_handle)
                                                                  : NULL;
        if (r == NULL) {
            break;
        }
        if (grant_has_pin(r) && (mapper == d || (r->slot == d->slot && sink(mapper, r)))) {
            grant_leave(&l, r, MFN_NONE);
            r->flags |= RECORD_SUNK;
        }
        t->reap_handle++;
    }
    spin_unlock(&mapper->physmap_lock);
    grant_finish(&l);
    return r != NULL;
}

err_t grant_reap(struct domain *d)
{
    struct grant_table *t = d->grants;
    struct domain *mapper;
    bool more = false;

    if (t == NULL || (t->reap_turn > 0u && is_unused(t))) {
        return OK;
    }
    if (!grant_is_closed(t)) {
        spin_lock(&t->lock);
        __atomic_store_n(&t->closed, 1u, __ATOMIC_RELEASE);
        spin_unlock(&t->lock);
        return ERR_RESTART;
    }
    mapper = domain_get_slot((t->reap_turn == 0u) ? d->slot : t->reap_turn - 1u);
    if (mapper != NULL) {
        more = mapper->grants != NULL && take_pins(d, mapper);
        domain_put(mapper);
    }
    if (more) {
        return ERR_RESTART;
    }
    t->reap_handle = 0;
    t->reap_turn++;
    if (t->reap_turn <= MAX_DOMAINS) {
        return ERR_RESTART;
    }
    t->reap_turn = 1;
    return ERR_BUSY;
}
