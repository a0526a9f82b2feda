/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rights.h"
#include "core/label.h"

#define NOBODY ((uint16_t)0)

/* slot + 1 of the holder; atomic (acquire/release) */
static uint16_t holder[BULKHEAD_RIGHT_COUNT][MAX_DOMAINS + 1u];

/* Cells that name the slot; never less than that, so that a holder is never taken for none; atomic (relaxed) */
static uint32_t held[MAX_DOMAINS];

/* The slot's domain has ended: what names it as the holder names nobody; atomic (acquire/release) */
static bool ended[MAX_DOMAINS];

static uint16_t *cell(uint32_t right, uint32_t target)
{
    ASSERT(right < BULKHEAD_RIGHT_COUNT && target <= RIGHTS_PLATFORM);
    return &holder[right][target];
}

static uint16_t name(uint32_t slot)
{
    return (uint16_t)(slot + 1u);
}

static bool is_ended(uint32_t slot)
{
    return __atomic_load_n(&ended[slot], __ATOMIC_ACQUIRE);
}

void rights_init(void)
{
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        for (uint32_t t = 0; t <= RIGHTS_PLATFORM; t++) {
            *cell(r, t) = (t == RIGHTS_PLATFORM) ? name(SLOT_BOOT) : NOBODY;
        }
    }
    for (uint32_t slot = 0; slot < MAX_DOMAINS; slot++) {
        held[slot] = (slot == SLOT_BOOT) ? BULKHEAD_RIGHT_COUNT : 0u;
        ended[slot] = false;
    }
}

static void count(uint16_t whose, uint32_t change)
{
    if (whose != NOBODY) {
        (void)__atomic_fetch_add(&held[whose - 1u], change, __ATOMIC_RELAXED);
    }
}

bool rights_any(const struct vcpu *caller)
{
    return __atomic_load_n(&held[caller->domain->slot], __ATOMIC_RELAXED) != 0u;
}

err_t rights_check(const struct vcpu *caller, enum bulkhead_right right, uint32_t target)
{
    uint16_t now = __atomic_load_n(cell(right, target), __ATOMIC_ACQUIRE);

    if (now != name(caller->domain->slot) || UNLIKELY(is_ended(caller->domain->slot))) {
        return ERR_PERM;
    }
    return label_check(caller->domain->slot, target, right);
}

/* itself: then the right over its own domain is not asked for. */
static ALWAYS_INLINE err_t get(const struct vcpu *caller, enum bulkhead_right right, uint32_t domid, bool itself,
                               struct domain **out)
{
    err_t err = domain_get(caller, domid, out);

    if (err == OK && !(itself && *out == caller->domain)) {
        err = rights_check(caller, right, (*out)->slot);
        if (err != OK) {
            domain_put(*out);
        }
    }
    return err;
}

err_t rights_get(const struct vcpu *caller, enum bulkhead_right right, uint32_t domid, struct domain **out)
{
    return get(caller, right, domid, true, out);
}

err_t rights_over(const struct vcpu *caller, enum bulkhead_right right, uint32_t domid, struct domain **out)
{
    return get(caller, right, domid, false, out);
}

void rights_create(uint32_t creator, uint32_t target)
{
    count(name(creator), BULKHEAD_RIGHT_COUNT);
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) { /* nobody holds a right over a target that was not there */
        __atomic_store_n(cell(r, target), name(creator), __ATOMIC_RELEASE);
    }
}

static err_t move(enum bulkhead_right right, uint32_t target, uint32_t from, uint32_t to)
{
    uint16_t now = name(from);
    bool moved;

    count(name(to), 1u);
    moved = __atomic_compare_exchange_n(cell(right, target), &now, name(to), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    count(name(moved ? from : to), -1u);
    return moved ? OK : ERR_PERM;
}

void rights_end_held(uint32_t slot)
{
    __atomic_store_n(&ended[slot], true, __ATOMIC_RELEASE);
}

bool rights_drop_held(uint32_t slot, uint32_t *right)
{
    if (__atomic_load_n(&held[slot], __ATOMIC_RELAXED) == 0u || *right >= BULKHEAD_RIGHT_COUNT) {
        return false;
    }
    for (uint32_t t = 0; t <= RIGHTS_PLATFORM; t++) {
        if (__atomic_load_n(cell(*right, t), __ATOMIC_RELAXED) == name(slot)) {
            (void)move((enum bulkhead_right)(*right), t, slot, RIGHTS_NOBODY);
        }
    }
    (*right)++;
    return true;
}

void rights_destroy(uint32_t slot)
{
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        rights_end((enum bulkhead_right)r, slot);
    }
    __atomic_store_n(&ended[slot], false, __ATOMIC_RELEASE);
}

void rights_end(enum bulkhead_right right, uint32_t target)
{
    count(__atomic_exchange_n(cell(right, target), NOBODY, __ATOMIC_ACQ_REL), -1u);
}

err_t rights_move(enum bulkhead_right right, uint32_t target, uint32_t from, uint32_t to)
{
    return is_ended(from) ? ERR_PERM : move(right, target, from, to);
}

int32_t rights_holder(enum bulkhead_right right, uint32_t target)
{
    int32_t slot = (int32_t)__atomic_load_n(cell(right, target), __ATOMIC_ACQUIRE) - 1;

    return (slot >= 0 && is_ended((uint32_t)slot)) ? -1 : slot;
}
