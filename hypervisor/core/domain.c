/* SPDX-License-Identifier: Apache-2.0 */
/* The table of domains, and how one comes into being. */
#include "core/domain.h"
#include "core/argo.h"
#include "core/evtchn.h"
#include "core/frame.h"
#include "core/grant.h"
#include "core/label.h"
#include "core/pool.h"
#include "core/print.h"
#include "core/rights.h"
#include "core/seal.h"
#include "lib/bits.h"
#include "lib/string.h"

struct slot {
    struct domain *d; /* guarded by slots_lock for writing; valid while refs > 0 */
    uint32_t refs;    /* atomic: 0 = not to be found, 1 = exists, more = in use */
    uint16_t vcpus;   /* guarded by slots_lock: of the domain that has it or is being made; 0 = free */
    uint8_t dying;    /* atomic: the domain is being taken apart, by CPU dying - 1 */
};
static_assert(sizeof(struct slot) == 16u && MAX_CPUS < UINT8_MAX && MAX_VCPUS <= UINT16_MAX, "found by a shift");

static struct spinlock slots_lock; /* rank 1 */
static struct slot slots[MAX_DOMAINS];

/* Slots that a new domain may have, and the vCPUs that those in them may have together; guarded by slots_lock. */
static struct {
    uint32_t first, end, vcpus, used;
} room;

void domain_init(void)
{
    memset(slots, 0, sizeof(slots));
    domain_set_room(1, MAX_DOMAINS, UINT32_MAX);
}

/* [impl->dsn~dynamic-domains~1] */
void domain_set_room(uint32_t first, uint32_t end, uint32_t vcpus)
{
    spin_lock(&slots_lock);
    room.first = first;
    room.end = end;
    room.vcpus = vcpus;
    room.used = 0;
    for (uint32_t i = first; i < end; i++) {
        room.used += slots[i].vcpus;
    }
    spin_unlock(&slots_lock);
}

/* ---- finding ---- */

static ALWAYS_INLINE struct domain *get(struct slot *s)
{
    uint32_t refs = __atomic_load_n(&s->refs, __ATOMIC_RELAXED);

    do { /* bound: contending CPUs */
        if (UNLIKELY(refs == 0u)) {
            return NULL;
        }
    } while (!__atomic_compare_exchange_n(&s->refs, &refs, refs + 1u, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return s->d;
}

struct domain *domain_get_slot(uint32_t slot)
{
    return (slot < MAX_DOMAINS) ? get(&slots[index_nospec(slot, MAX_DOMAINS)]) : NULL;
}

/* The slot that domid names for the caller; MAX_DOMAINS = none. */
static ALWAYS_INLINE uint32_t slot_of(const struct vcpu *caller, uint32_t domid)
{
    if (LIKELY(domid - 1u < MAX_DOMAINS - 1u)) {
        return domid;
    }
    if (domid == DOMID_SELF) {
        return caller->domain->slot;
    }
    return (domid == DOMID_BOOT && !is_sealed()) ? SLOT_BOOT : MAX_DOMAINS;
}

err_t domain_get(const struct vcpu *caller, uint32_t domid, struct domain **out)
{
    *out = domain_get_slot(slot_of(caller, domid));
    return (*out != NULL) ? OK : ERR_SRCH;
}

err_t domain_get_living(const struct vcpu *caller, uint32_t domid, struct domain **out)
{
    uint32_t slot = slot_of(caller, domid);
    struct slot *s = &slots[index_nospec(slot, MAX_DOMAINS)];

    *out = (slot < MAX_DOMAINS && !__atomic_load_n(&s->dying, __ATOMIC_ACQUIRE)) ? get(s) : NULL;
    return (*out != NULL) ? OK : ERR_SRCH;
}

void domain_slot_dying(const struct domain *d, bool dying)
{
    __atomic_store_n(&slots[d->slot].dying, (uint8_t)(dying ? d->reap_cpu + 1u : 0u), __ATOMIC_RELEASE);
}

bool domain_slot_is_quiet(const struct domain *d)
{
    return __atomic_load_n(&slots[d->slot].refs, __ATOMIC_ACQUIRE) == 1u;
}

void domain_put(struct domain *d)
{
    struct slot *s = &slots[d->slot];
    uint32_t left = __atomic_sub_fetch(&s->refs, 1u, __ATOMIC_ACQ_REL);
    uint32_t dying =
        __atomic_load_n(&s->dying, __ATOMIC_RELAXED); /* what was stored before another reference was put is seen */

    ASSERT(left > 0u); /* d may be gone from here on, and its slot another's: one kick too many */
    if (left == 1u && dying != 0u) {
        arch_cpu_kick(dying - 1u);
    }
}

struct domain *domain_at(uint32_t slot)
{
    ASSERT(slot < MAX_DOMAINS && slots[slot].d != NULL);
    return slots[slot].d;
}

bool domain_slot_retire(struct domain *d)
{
    uint32_t one = 1;

    return __atomic_compare_exchange_n(&slots[d->slot].refs, &one, 0u, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

COLD uint32_t domain_count_ending(void)
{
    uint32_t n = 0;

    spin_lock(&slots_lock);
    for (uint32_t i = 0; i < MAX_DOMAINS; i++) {
        bool ends = i == SLOT_BOOT || __atomic_load_n(&slots[i].dying, __ATOMIC_RELAXED) ||
                    __atomic_load_n(&slots[i].refs, __ATOMIC_RELAXED) == 0u;

        n += (slots[i].vcpus != 0u && ends) ? 1u : 0u;
    }
    spin_unlock(&slots_lock);
    return n;
}

static bool is_in_room(uint32_t slot)
{
    return slot >= room.first && slot < room.end;
}

COLD void domain_slot_clear(uint32_t slot)
{
    spin_lock(&slots_lock);
    room.used -= is_in_room(slot) ? slots[slot].vcpus : 0u;
    slots[slot].d = NULL;
    slots[slot].vcpus = 0;
    __atomic_store_n(&slots[slot].dying, (uint8_t)0u, __ATOMIC_RELEASE);
    spin_unlock(&slots_lock);
}

COLD void domain_say(const struct domain *d, const char *what)
{
    print("%s: %s", d->name, what);
}

/* ---- creating ---- */

/* Reserve the slot for domid, or the lowest free one for domid 0. */
static err_t take_slot(uint32_t domid, uint32_t vcpus, uint32_t *out)
{
    bool boot = domid == DOMID_BOOT;
    uint32_t slot = boot ? SLOT_BOOT : domid;
    err_t err = OK;

    spin_lock(&slots_lock);
    if (domid == 0u) {
        for (slot = room.first; slot < room.end && slots[slot].vcpus != 0u; slot++) { /* bound: MAX_DOMAINS */
        }
    }
    if (!boot && !is_in_room(slot)) {
        err = (domid == 0u) ? ERR_NOSPC : ERR_INVAL;
    } else if (slots[slot].vcpus != 0u) {
        err = ERR_EXIST;
    } else if (!boot && room.used + vcpus > room.vcpus) {
        err = ERR_NOSPC;
    } else {
        slots[slot].vcpus = (uint16_t)vcpus;
        room.used += boot ? 0u : vcpus;
        *out = slot;
    }
    spin_unlock(&slots_lock);
    return err;
}

/* Zeroed memory for struct domain, at its own cost. */
static err_t alloc_domain(uint32_t slot, struct domain **out)
{
    uint32_t order = order_of(sizeof(struct domain));
    mfn_t mfn;
    err_t err = frame_alloc(FRAME_OWNER(slot), FRAME_POOL, order, &mfn);

    if (err != OK) {
        return err;
    }
    arch_scrub(mfn, UINT64_C(1) << order);
    *out = arch_map_frame(mfn);
    (*out)->memory = mfn;
    (*out)->slot = (uint16_t)slot;
    (*out)->overhead = UINT64_C(1) << order;
    return OK;
}

COLD void domain_free_memory(struct domain *d)
{
    uint64_t count = UINT64_C(1) << order_of(sizeof(struct domain));
    mfn_t mfn = d->memory;

    arch_scrub(mfn, count);
    frame_free(mfn, count);
}

static err_t alloc_shared_info(struct domain *d)
{
    err_t err = frame_alloc(FRAME_OWNER(d->slot), FRAME_SHARED, 0, &d->shared_info);

    if (err == OK) {
        arch_scrub(d->shared_info, 1);
        d->overhead++;
    }
    return err;
}

/* Everything of a domain that can fail to be had.
 * [impl->dsn~domain-create-atomic~1] */
COLD static err_t build(struct domain *d, const struct domain_config *config)
{
    err_t err = alloc_shared_info(d);

    if (err != OK) {
        return err;
    }
    err = pool_grow(d, DOMAIN_MIN_POOL);
    err = (err == OK) ? grant_init(d, config->max_grant_frames, config->max_maptrack_frames) : err;
    if (err == OK) {
        list_init(&d->argo.rings);
        evtchn_domain_init(d, config->max_evtchn_port);
        err = arch_domain_init(d, &config->arch);
    }
    if (err != OK) {
        (void)grant_free(d); /* one step: it is empty */
        (void)pool_shrink(d, d->pool_total);
        arch_scrub(d->shared_info, 1);
        frame_free(d->shared_info, 1);
    }
    return err;
}

COLD err_t domain_create(uint32_t creator, const struct domain_config *config, struct domain **out)
{
    struct domain *d;
    uint32_t slot;
    err_t err;

    if (config->max_vcpus == 0u || config->max_vcpus > MAX_VCPUS) {
        return ERR_INVAL;
    }
    err = take_slot(config->domid, config->max_vcpus, &slot);
    if (err != OK) {
        return err;
    }
    err = alloc_domain(slot, &d);
    if (err != OK) {
        domain_slot_clear(slot);
        return err;
    }
    d->id = (domid_value_t)((slot == SLOT_BOOT) ? DOMID_BOOT : slot);
    (void)format_string(d->name, sizeof(d->name), (slot == SLOT_BOOT) ? "boot" : "d%u", (unsigned)slot);
    d->initial = !is_sealed();
    d->state = DOMAIN_BUILDING;
    d->pause_count = 1;
    d->max_vcpus = config->max_vcpus;
    memcpy(d->handle, config->handle, sizeof(d->handle));
    list_init(&d->reap_node);
    health_init(&d->health);
    err = build(d, config);
    if (err != OK) {
        domain_free_memory(d);
        domain_slot_clear(slot);
        return err;
    }
    slots[slot].d = d;
    rights_create(creator, slot);
    label_give(slot, config->label);
    __atomic_store_n(&slots[slot].refs, 2u, __ATOMIC_RELEASE);
    *out = d;
    return OK;
}

COLD err_t domain_add_vcpus(struct domain *d)
{
    uint32_t made = 0;

    for (uint32_t id = 0; id < d->max_vcpus; id++) { /* bound: MAX_VCPUS looks, DOMAIN_VCPU_BATCH creations */
        err_t err;

        if (d->vcpus[id] != NULL) {
            continue;
        }
        if (made == DOMAIN_VCPU_BATCH) {
            return ERR_RESTART;
        }
        err = vcpu_create(d, id);
        if (err != OK) {
            return err;
        }
        made++;
    }
    return OK;
}
