/* SPDX-License-Identifier: Apache-2.0 */
/* The granter's side: entries in memory that its guest may change at any time, and who uses them.
 * An entry is one 64-bit word, read as one: flags, domid, frame.
 * [impl->dsn~grant-pin~1] */
#include "core/grant_table.h"
#include "core/label.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "lib/bits.h"

#define ENTRY_DOMID(id) ((uint64_t)(id) << 16)
#define ENTRY_FRAME(w)  ((w) >> 32)

static_assert(sizeof(struct grant_entry_v1) == 8 && offsetof(struct grant_entry_v1, domid) == 2 &&
                  offsetof(struct grant_entry_v1, frame) == 4,
              "ENTRY_* above");

static uint64_t *entry_of(const struct grant_table *t, uint32_t ref)
{
    return (uint64_t *)arch_map_frame(t->shared[ref / GRANTS_PER_FRAME]) + ref % GRANTS_PER_FRAME;
}

/* The pin of a grant; NULL: its page does not exist yet. */
static struct grant_pin *pin_of(const struct grant_table *t, uint32_t ref) REQUIRES(t->lock)
{
    mfn_t page = t->pins[ref / PINS_PER_PAGE];

    return LIKELY(page.v != 0u) ? (struct grant_pin *)arch_map_frame(page) + ref % PINS_PER_PAGE : NULL;
}

COLD static NOINLINE err_t add_pin_page(struct domain *d, uint32_t ref)
{
    struct grant_table *t = d->grants;
    mfn_t *page = &t->pins[ref / PINS_PER_PAGE];
    err_t err = OK;
    mfn_t mfn;

    spin_lock(&d->physmap_lock);
    if (page->v == 0u) {
        err = pool_alloc(d, &mfn);
        if (err == OK) {
            spin_lock(&t->lock);
            *page = mfn;
            spin_unlock(&t->lock);
        }
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

/* The guest's entry permits the use: mark it as used. */
static bool mark(uint64_t *entry, const struct grant_use *use, uint32_t user, uint64_t *seen)
{
    uint64_t looked_at =
        ENTRY_DOMID(0xffff) | GTF_type_mask | (use->map ? GTF_sub_page : 0u) | (use->write ? GTF_readonly : 0u);
    uint64_t wanted = ENTRY_DOMID(user) | GTF_permit_access;
    uint64_t marks = use->write ? GTF_reading | GTF_writing : GTF_reading;

    *seen = __atomic_load_n(entry, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < MARK_TRIES && (*seen & looked_at) == wanted; i++) {
        if (LIKELY(__atomic_compare_exchange_n(entry, seen, *seen | marks, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
            return true;
        }
    }
    return false;
}

/* A guest that changes its entry all the time may find marks left in it: its own loss. */
static void clear(uint64_t *entry, uint64_t marks)
{
    uint64_t seen = __atomic_load_n(entry, __ATOMIC_RELAXED);

    for (uint32_t i = 0; i < CLEAR_TRIES; i++) {
        if (LIKELY(
                __atomic_compare_exchange_n(entry, &seen, seen & ~marks, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))) {
            return;
        }
    }
}

/* GNTST_no_space: the page of pins is missing. */
static int16_t pin_locked(struct grant_table *t, const struct grant_use *use, const struct domain *user, gfn_t *gfn)
    REQUIRES(t->lock)
{
    uint32_t limit = grant_count(t);
    uint32_t ref = (uint32_t)index_nospec(use->ref, limit);
    struct grant_pin *pin;
    uint64_t seen;

    if (grant_is_closed(t)) {
        return GNTST_bad_domain;
    }
    if (use->ref >= limit) {
        return GNTST_bad_gntref;
    }
    pin = pin_of(t, ref);
    if (pin == NULL) {
        return GNTST_no_space;
    }
    if ((pin->user != 0u && pin->user != user->slot + 1u) || pin->uses[use->write] >= PIN_LIMIT ||
        !mark(entry_of(t, ref), use, user->id, &seen)) {
        return GNTST_general_error;
    }
    pin->user = (uint8_t)(user->slot + 1u);
    pin->uses[use->write]++;
    t->pinned++;
    *gfn = GFN(ENTRY_FRAME(seen));
    return GNTST_okay;
}

static int16_t take_pin(const struct grant_use *use, const struct domain *user, gfn_t *gfn)
{
    struct grant_table *t = use->owner->grants;

    return LOCKED(&t->lock, pin_locked(t, use, user, gfn));
}

int16_t grant_acquire(const struct grant_use *use, struct domain *user, mfn_t *mfn)
{
    int16_t status;
    gfn_t gfn;

    if (use->owner->grants == NULL) {
        return GNTST_bad_gntref;
    }
    if (UNLIKELY(label_policy()) &&
        label_check(user->slot, use->owner->slot,
                    use->write ? BULKHEAD_ACCESS_GRANT_WRITE : BULKHEAD_ACCESS_GRANT_READ) != OK) {
        return GNTST_permission_denied;
    }
    status = take_pin(use, user, &gfn);
    if (UNLIKELY(status == GNTST_no_space) && add_pin_page(use->owner, use->ref) == OK) {
        status = take_pin(use, user, &gfn);
    }
    if (status == GNTST_okay && physmap_hold_as(use->owner, gfn, use->write ? ACCESS_RW : ACCESS_R, mfn) != OK) {
        grant_unpin(use);
        status = GNTST_bad_page;
    }
    return status;
}

int16_t grant_acquire_from(const struct vcpu *v, uint32_t domid, struct grant_use *use, mfn_t *mfn)
{
    int16_t status = GNTST_bad_domain;

    if (domain_get_living(v, domid, &use->owner) == OK) {
        status = grant_acquire(use, v->domain, mfn);
        domain_put(use->owner); /* the pin keeps it from here on */
    }
    return status;
}

void grant_unpin(const struct grant_use *use)
{
    struct grant_table *t = use->owner->grants;
    struct grant_pin *pin;

    spin_lock(&t->lock);
    pin = pin_of(t, use->ref);
    ASSERT(pin != NULL && pin->uses[use->write] > 0u);
    pin->uses[use->write]--;
    if (pin->uses[true] == 0u && pin->uses[false] == 0u) {
        pin->user = 0;
        clear(entry_of(t, use->ref), GTF_reading | GTF_writing);
    } else if (pin->uses[true] == 0u) {
        clear(entry_of(t, use->ref), GTF_writing);
    }
    t->pinned--;
    if (UNLIKELY(grant_is_closed(t)) && t->pinned == 0u) {
        domain_reap_nudge(use->owner); /* under the lock: afterwards the owner may be gone */
    }
    spin_unlock(&t->lock);
}

static bool is_pinned(const struct grant_table *t, uint32_t ref) REQUIRES(t->lock)
{
    const struct grant_pin *pin = pin_of(t, ref);

    return pin != NULL && pin->user != 0u;
}

static int16_t swap(struct grant_table *t, uint32_t a, uint32_t b) REQUIRES(t->lock)
{
    uint32_t limit = grant_count(t);
    uint64_t *x = entry_of(t, (uint32_t)index_nospec(a, limit));
    uint64_t *y = entry_of(t, (uint32_t)index_nospec(b, limit));
    uint64_t first = __atomic_load_n(x, __ATOMIC_RELAXED);

    if (a >= limit || b >= limit) {
        return GNTST_bad_gntref;
    }
    if (a != b && (is_pinned(t, a) || is_pinned(t, b))) {
        return GNTST_eagain;
    }
    __atomic_store_n(x, __atomic_load_n(y, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    __atomic_store_n(y, first, __ATOMIC_RELAXED);
    return GNTST_okay;
}

COLD int64_t grant_swap(struct vcpu *v, void *structure)
{
    struct gnttab_swap_grant_ref *op = structure;
    struct grant_table *t = v->domain->grants;

    op->status = GNTST_bad_gntref;
    if (t != NULL) {
        op->status = LOCKED(&t->lock, swap(t, op->ref_a, op->ref_b));
    }
    return OK;
}
