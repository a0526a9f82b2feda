/* SPDX-License-Identifier: Apache-2.0 */
#include "core/device.h"
#include "core/frame.h"
#include "core/health.h"
#include "core/init.h"
#include "core/physmap.h"
#include "core/seal.h"
#include "core/upcall.h"
#include "lib/bits.h"
#include "lib/string.h"

#define SPI_FIRST    32u
#define SPI_COUNT    988u
#define RELEASE_STEP 128u /* interrupts looked at */

struct device_range {
    uint64_t first;  /* frame */
    uint64_t count;  /* 0: the entry is not used */
    uint64_t mapped; /* frames, each as often as it is mapped */
    uint16_t owner;  /* slot + 1 */
};

static struct spinlock device_lock;               /* rank 3.7 */
static struct device_range ranges[DEVICE_RANGES]; /* guarded by device_lock */
static uint16_t spi_owner[SPI_COUNT];             /* atomic, written under device_lock: slot + 1 */

/* How often an SPI came in this BULKHEAD_STORM_WINDOWS-th of a second; the CPU that takes it writes it (one that moves meanwhile loses a count). */
static struct rate {
    uint16_t since;
    uint16_t count;
} rates[SPI_COUNT];

void device_init(void)
{
    memset(ranges, 0, sizeof(ranges));
    memset(spi_owner, 0, sizeof(spi_owner));
}

/* ---- registers ---- */

static bool is_over(const struct board_range *r, uint64_t first, uint64_t count)
{
    return r->size != 0u && ranges_overlap(r->base >> PAGE_SHIFT, r->size >> PAGE_SHIFT, first, count);
}

/* Neither RAM nor what the hypervisor drives. */
static bool is_device(uint64_t first, uint64_t count)
{
    const struct board_table *b = init_board();
    const struct board_range *own[] = {&b->gicd, &b->gicr, &b->uart, &b->watchdog, &b->smmu, &b->tpm};
    bool is = count > 0u && range_ok(first, count, arch_stage2_gfn_limit());

    for (uint32_t i = 0; i < b->ram_count; i++) {
        is = is && !is_over(&b->ram[i], first, count);
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(own); i++) {
        is = is && !is_over(own[i], first, count);
    }
    return is;
}

/* The range with some of these frames; NULL = none. */
static struct device_range *find(uint64_t first, uint64_t count) REQUIRES(device_lock)
{
    for (uint32_t i = 0; i < DEVICE_RANGES; i++) {
        if (ranges[i].count != 0u && ranges_overlap(ranges[i].first, ranges[i].count, first, count)) {
            return &ranges[i];
        }
    }
    return NULL;
}

static err_t allow_new(uint16_t owner, uint64_t first, uint64_t count) REQUIRES(device_lock)
{
    if (is_sealed()) {
        return ERR_PERM;
    }
    for (uint32_t i = 0; i < DEVICE_RANGES; i++) {
        if (ranges[i].count == 0u) {
            ranges[i] = (struct device_range){.first = first, .count = count, .owner = owner};
            return OK;
        }
    }
    return ERR_NOSPC;
}

static err_t permit(const struct domain *d, uint64_t first, uint64_t count, bool allow) REQUIRES(device_lock)
{
    uint16_t owner = FRAME_OWNER(d->slot);
    struct device_range *r = find(first, count);

    if (domain_state(d) == DOMAIN_DYING) {
        return ERR_SRCH;
    }
    if (r == NULL) {
        return allow ? allow_new(owner, first, count) : OK;
    }
    if (r->first != first || r->count != count) {
        return ERR_INVAL;
    }
    if (r->owner != owner && r->owner != FRAME_NOBODY) {
        return allow ? ERR_BUSY : OK;
    }
    if (!allow && r->mapped != 0u) {
        return ERR_BUSY;
    }
    r->owner = allow ? owner : FRAME_NOBODY;
    return OK;
}

err_t device_permit(struct domain *d, uint64_t first, uint64_t count, bool allow)
{
    if (!is_device(first, count)) {
        return ERR_INVAL;
    }
    return LOCKED(&device_lock, permit(d, first, count, allow));
}

/* More mappings of frames, which owner must be allowed to have. */
static bool count_mapped(uint16_t owner, uint64_t first, uint64_t count)
{
    struct device_range *r;
    bool may;

    spin_lock(&device_lock);
    r = find(first, count);
    may = r != NULL && r->owner == owner && first >= r->first && first + count <= r->first + r->count;
    if (may) {
        r->mapped += count;
    }
    spin_unlock(&device_lock);
    return may;
}

void device_unmapped(mfn_t first, uint64_t count)
{
    struct device_range *r;

    spin_lock(&device_lock);
    r = find(first.v, count);
    ASSERT(r != NULL && r->mapped >= count);
    r->mapped -= count;
    spin_unlock(&device_lock);
}

static err_t unmap(struct domain *d, gfn_t gfn, uint64_t first, uint64_t count) REQUIRES(d->physmap_lock)
{
    err_t err = OK;

    for (uint64_t i = 0; i < count && err == OK; i++) {
        struct stage2_entry e = physmap_look(d, GFN(gfn.v + i));
        err = (e.mapping == MAPPING_DEVICE && e.mfn.v == first + i) ? OK : ERR_INVAL;
    }
    for (uint64_t i = 0; i < count && err == OK; i++) {
        err = physmap_unmap(d, GFN(gfn.v + i), 0);
    }
    return err;
}

err_t device_map(struct domain *d, gfn_t gfn, uint64_t first, uint64_t count, bool add)
{
    struct stage2_entry e = {.mfn = MFN(first), .access = ACCESS_RW, .mapping = MAPPING_DEVICE};
    err_t err;

    if (count == 0u || !range_ok(first, count, arch_stage2_gfn_limit())) {
        return ERR_INVAL;
    }
    if (count > DEVICE_BATCH) {
        return ERR_2BIG;
    }
    if (add && !count_mapped(FRAME_OWNER(d->slot), first, count)) {
        return ERR_PERM;
    }
    err = LOCKED(&d->physmap_lock, add ? physmap_map(d, gfn, count, &e) : unmap(d, gfn, first, count));
    if (add && err != OK) {
        device_unmapped(MFN(first), count);
    }
    return err;
}

/* ---- interrupts ---- */

static uint16_t *owner_of(uint32_t intid)
{
    return &spi_owner[index_nospec(intid - SPI_FIRST, SPI_COUNT)];
}

/* The owner of an SPI that is d's, or may become it, once that has changed. */
static err_t change_spi(struct domain *d, uint32_t intid, enum device_change change, uint16_t *owner)
    REQUIRES(device_lock)
{
    uint16_t mine = FRAME_OWNER(d->slot);
    uint16_t before = *owner;
    err_t err = OK;

    if (change == DEVICE_UNBIND || change == DEVICE_FORBID) {
        if (before == mine) {
            err = arch_spi_unbind(d, intid);
            __atomic_store_n(owner, (err == OK && change == DEVICE_FORBID) ? FRAME_NOBODY : mine, __ATOMIC_RELEASE);
        }
        return err;
    }
    if (domain_state(d) == DOMAIN_DYING) {
        return ERR_SRCH;
    }
    if (before != FRAME_NOBODY && before != mine) {
        return ERR_BUSY;
    }
    __atomic_store_n(owner, mine, __ATOMIC_RELEASE); /* before the first one can come */
    if (change == DEVICE_BIND) {
        err = arch_spi_bind(d, intid);
    }
    if (err != OK) {
        __atomic_store_n(owner, before, __ATOMIC_RELEASE);
    }
    return err;
}

err_t device_spi(struct domain *d, uint32_t intid, enum device_change change)
{
    const struct board_table *b = init_board();

    if (intid - SPI_FIRST >= SPI_COUNT || intid - SPI_FIRST >= b->gic_spis || intid == b->uart_irq) {
        return ERR_INVAL;
    }
    return LOCKED(&device_lock, change_spi(d, intid, change, owner_of(intid)));
}

/* [impl->dsn~device-storm~2] */
static bool begins_storm(struct rate *r, const struct domain *d)
{
    uint16_t now = (uint16_t)(arch_ticks() / (arch_ticks_hz() / BULKHEAD_STORM_WINDOWS));

    r->count = (r->since == now) ? r->count + 1u : 1u;
    r->since = now;
    return r->count == d->health.storm;
}

NOINLINE bool upcall_device_interrupt(uint32_t intid)
{
    uint16_t owner = __atomic_load_n(owner_of(intid), __ATOMIC_ACQUIRE);
    struct domain *d = (owner != FRAME_NOBODY) ? domain_get_slot(owner - 1u) : NULL;

    if (d == NULL) {
        return false;
    }
    arch_spi_raise(d, intid);
    if (UNLIKELY(begins_storm(&rates[intid - SPI_FIRST], d))) {
        arch_spi_mute(intid);
        health_report(d, NULL, BULKHEAD_EVENT_STORM);
    }
    domain_put(d);
    return true;
}

bool device_release(struct domain *d, uint32_t *from)
{
    uint16_t owner = FRAME_OWNER(d->slot);

    for (uint32_t n = 0; n < RELEASE_STEP && *from < SPI_COUNT; n++) {
        if (__atomic_load_n(&spi_owner[*from], __ATOMIC_RELAXED) == owner) {
            ASSERT(device_spi(d, SPI_FIRST + *from, DEVICE_FORBID) == OK);
        }
        (*from)++;
    }
    if (*from < SPI_COUNT) {
        return true;
    }
    spin_lock(&device_lock);
    for (uint32_t i = 0; i < DEVICE_RANGES; i++) {
        ASSERT(ranges[i].owner != owner || ranges[i].mapped == 0u);
        ranges[i].owner = (ranges[i].owner == owner) ? FRAME_NOBODY : ranges[i].owner;
    }
    spin_unlock(&device_lock);
    return false;
}
