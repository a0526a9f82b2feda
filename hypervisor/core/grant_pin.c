/* SPDX-License-Identifier: Apache-2.0 */
/* The granter's side: entries in memory that its guest may change at any time, and who uses them.
 * An entry is one 64-bit word, read as one: flags, domid, frame.
 * [impl->dsn~grant-pin~1] */
#include "arch/contract/arch.h"
#include "core/frame.h"
#include "core/grant_table.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "lib/bits.h"

#define ENTRY_FLAGS(w) ((uint32_t)((w) & 0xffffu))
#define ENTRY_DOMID(w) ((uint32_t)((w) >> 16) & 0xffffu)
#define ENTRY_FRAME(w) ((w) >> 32)

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

/* Make the page of pins for ref.  -NOMEM the granter's pool is spent. */
static NOINLINE err_t add_pin_page(struct domain *d, uint32_t ref)
{
    struct grant_table *t = d->grants;
    mfn_t page;
    err_t err;

    spin_lock(&d->physmap_lock);
    err = pool_alloc(d, &page);
    spin_unlock(&d->physmap_lock);
    if (err != OK) {
        return err;
    }
    spin_lock(&t->lock);
    if (t->pins[ref / PINS_PER_PAGE].v == 0u && !grant_is_closed(t)) {
        t->pins[ref / PINS_PER_PAGE] = page;
        page.v = 0;
    }
    spin_unlock(&t->lock);
    if (page.v != 0u) { /* another CPU was first */
        spin_lock(&d->physmap_lock);
        pool_free(d, page);
        spin_unlock(&d->physmap_lock);
    }
    return OK;
}

/* The guest's entry permits the use: mark it as used. */
static int16_t mark(uint64_t *entry, const struct grant_use *use, uint32_t user, uint64_t *seen)
{
    uint32_t mask = use->map ? GTF_type_mask | GTF_sub_page : GTF_type_mask;
    uint64_t marks = use->write ? GTF_reading | GTF_writing : GTF_reading;

    *seen = __atomic_load_n(entry, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < MARK_TRIES; i++) {
        if ((ENTRY_FLAGS(*seen) & mask) != GTF_permit_access || ENTRY_DOMID(*seen) != user ||
            (use->write && (ENTRY_FLAGS(*seen) & GTF_readonly) != 0u)) {
            return GNTST_general_error;
        }
        if (LIKELY(__atomic_compare_exchange_n(entry, seen, *seen | marks, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
            return GNTST_okay;
        }
    }
    return GNTST_general_error;
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

static bool is_full(const struct grant_pin *pin, bool write)
{
    return (write ? pin->writers : pin->readers) >= PIN_LIMIT;
}

/* A missing page of pins: *ready false, and nothing has happened. */
static int16_t pin_locked(struct grant_table *t, const struct grant_use *use, const struct domain *user, uint64_t *seen,
                          bool *ready) REQUIRES(t->lock)
{
    uint32_t limit = t->frames * GRANTS_PER_FRAME;
    struct grant_pin *pin;
    uint32_t ref;

    if (grant_is_closed(t)) {
        return GNTST_bad_domain;
    }
    if (use->ref >= limit) {
        return GNTST_bad_gntref;
    }
    ref = (uint32_t)index_nospec(use->ref, limit);
    pin = pin_of(t, ref);
    *ready = pin != NULL;
    if (pin == NULL) {
        return GNTST_no_space;
    }
    if (pin->user != 0u && (pin->user != user->slot + 1u || is_full(pin, use->write))) {
        return GNTST_general_error;
    }
    if (pin->user == 0u || (use->write && pin->writers == 0u)) {
        int16_t status = mark(entry_of(t, ref), use, user->id, seen);
        if (status != GNTST_okay) {
            return status;
        }
    } else {
        *seen = __atomic_load_n(entry_of(t, ref), __ATOMIC_RELAXED);
    }
    pin->user = (uint8_t)(user->slot + 1u);
    pin->writers = (uint8_t)(pin->writers + (use->write ? 1u : 0u));
    pin->readers = (uint8_t)(pin->readers + (use->write ? 0u : 1u));
    t->pinned++;
    return GNTST_okay;
}

int16_t grant_pin(const struct grant_use *use, const struct domain *user, gfn_t *gfn)
{
    struct grant_table *t = use->owner->grants;
    bool ready = true;
    uint64_t seen = 0;
    int16_t status;

    if (t == NULL) {
        return GNTST_bad_gntref;
    }
    spin_lock(&t->lock);
    status = pin_locked(t, use, user, &seen, &ready);
    spin_unlock(&t->lock);
    if (UNLIKELY(!ready) && add_pin_page(use->owner, use->ref) == OK) {
        spin_lock(&t->lock);
        status = pin_locked(t, use, user, &seen, &ready);
        spin_unlock(&t->lock);
    }
    *gfn = GFN(ENTRY_FRAME(seen));
    return status;
}

void grant_unpin(const struct grant_use *use)
{
    struct grant_table *t = use->owner->grants;
    struct grant_pin *pin;
    uint64_t marks = 0;

    spin_lock(&t->lock);
    pin = pin_of(t, use->ref);
    ASSERT(pin != NULL && (use->write ? pin->writers : pin->readers) > 0u && t->pinned > 0u);
    if (use->write) {
        pin->writers--;
        marks = (pin->writers == 0u) ? GTF_writing : 0u;
    } else {
        pin->readers--;
    }
    if (pin->writers == 0u && pin->readers == 0u) {
        pin->user = 0;
        marks |= GTF_reading;
    }
    if (marks != 0u) {
        clear(entry_of(t, use->ref), marks);
    }
    t->pinned--;
    if (UNLIKELY(grant_is_closed(t)) && t->pinned == 0u) {
        domain_reap_nudge(use->owner); /* under the lock: afterwards the owner may be gone */
    }
    spin_unlock(&t->lock);
}

err_t grant_hold(struct domain *d, gfn_t gfn, bool write, mfn_t *mfn)
{
    uint32_t need = write ? ACCESS_RW : ACCESS_R;
    struct stage2_entry e;
    err_t err = ERR_INVAL;

    spin_lock(&d->physmap_lock);
    e = arch_stage2_get(d, gfn); /* its tables are there: d runs, or the pin keeps it from being taken apart further */
    e.mfn.v += gfn.v & ((UINT64_C(1) << e.order) - 1u);
    if (e.mapping == MAPPING_RAM && ((uint32_t)e.access & need) == need &&
        frame_get(e.mfn, FRAME_OWNER(d->slot), FRAME_RAM) == OK) {
        *mfn = e.mfn;
        err = OK;
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

int16_t grant_acquire(const struct grant_use *use, const struct domain *user, mfn_t *mfn)
{
    gfn_t gfn;
    int16_t status = grant_pin(use, user, &gfn);

    if (status == GNTST_okay && grant_hold(use->owner, gfn, use->write, mfn) != OK) {
        grant_unpin(use);
        status = GNTST_bad_page;
    }
    return status;
}

static bool is_pinned(const struct grant_table *t, uint32_t ref) REQUIRES(t->lock)
{
    const struct grant_pin *pin = pin_of(t, ref);

    return pin != NULL && pin->user != 0u;
}

static int16_t swap(struct grant_table *t, uint32_t a, uint32_t b) REQUIRES(t->lock)
{
    uint32_t limit = t->frames * GRANTS_PER_FRAME;
    uint64_t first;

    if (a >= limit || b >= limit) {
        return GNTST_bad_gntref;
    }
    a = (uint32_t)index_nospec(a, limit);
    b = (uint32_t)index_nospec(b, limit);
    if (a == b) {
        return GNTST_okay;
    }
    if (is_pinned(t, a) || is_pinned(t, b)) {
        return GNTST_eagain;
    }
    first = __atomic_load_n(entry_of(t, a), __ATOMIC_RELAXED);
    __atomic_store_n(entry_of(t, a), __atomic_load_n(entry_of(t, b), __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    __atomic_store_n(entry_of(t, b), first, __ATOMIC_RELAXED);
    return GNTST_okay;
}

int64_t grant_swap(struct vcpu *v, void *ops, uint32_t n)
{
    struct gnttab_swap_grant_ref *op = ops;
    struct grant_table *t = v->domain->grants;

    for (uint32_t i = 0; i < n; i++) {
        op[i].status = GNTST_bad_gntref;
        if (t != NULL) {
            spin_lock(&t->lock);
            op[i].status = swap(t, op[i].ref_a, op[i].ref_b);
            spin_unlock(&t->lock);
        }
    }
    return OK;
}
