/* SPDX-License-Identifier: Apache-2.0 */
#include "core/device.h"
#include "arch/contract/arch.h"
#include "bulkhead/board.h"
#include "core/frame.h"
#include "core/init.h"
#include "core/physmap.h"
#include "core/seal.h"
#include "core/upcall.h"
#include "lib/bits.h"
#include "lib/string.h"

#define SPI_FIRST 32u
#define SPI_COUNT 988u

struct device_range {
    uint64_t first;  /* frame */
    uint64_t count;  /* 0: the entry is not used */
    uint64_t mapped; /* frames, each as often as it is mapped */
    uint16_t owner;  /* slot + 1 */
};

static struct spinlock device_lock;               /* rank 3.7 */
static struct device_range ranges[DEVICE_RANGES]; /* guarded by device_lock */
static uint16_t spi_owner[SPI_COUNT];             /* atomic, written under device_lock: slot + 1 */

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

static err_t change_range(struct device_range *r, uint16_t owner, bool allow) REQUIRES(device_lock)
{
    if (r->owner != owner && (!allow || r->owner != FRAME_NOBODY)) {
        return allow ? ERR_BUSY : OK;
    }
    if (!allow && r->mapped != 0u) {
        return ERR_BUSY;
    }
    r->owner = allow ? owner : FRAME_NOBODY;
    return OK;
}

err_t device_permit_range(struct domain *d, uint64_t first, uint64_t count, bool allow)
{
    uint16_t owner = FRAME_OWNER(d->slot);
    struct device_range *r;
    err_t err;

    if (!is_device(first, count)) {
        return ERR_INVAL;
    }
    spin_lock(&device_lock);
    r = find(first, count);
    if (domain_state(d) == DOMAIN_DYING) {
        err = ERR_SRCH;
    } else if (r == NULL) {
        err = allow ? allow_new(owner, first, count) : OK;
    } else {
        err = (r->first == first && r->count == count) ? change_range(r, owner, allow) : ERR_INVAL;
    }
    spin_unlock(&device_lock);
    return err;
}

/* More mappings of frames that owner may have. */
static err_t count_mapped(uint16_t owner, uint64_t first, uint64_t count)
{
    struct device_range *r;
    err_t err = ERR_PERM;

    spin_lock(&device_lock);
    r = find(first, count);
    if (r != NULL && r->owner == owner && first >= r->first && first + count <= r->first + r->count) {
        r->mapped += count;
        err = OK;
    }
    spin_unlock(&device_lock);
    return err;
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

static err_t check_batch(uint64_t first, uint64_t count)
{
    if (count == 0u || !range_ok(first, count, arch_stage2_gfn_limit())) {
        return ERR_INVAL;
    }
    return (count <= DEVICE_BATCH) ? OK : ERR_2BIG;
}

err_t device_map(struct domain *d, gfn_t gfn, uint64_t first, uint64_t count)
{
    struct stage2_entry e = {.mfn = MFN(first), .access = ACCESS_RW, .mapping = MAPPING_DEVICE};
    err_t err = check_batch(first, count);

    if (err == OK) {
        err = count_mapped(FRAME_OWNER(d->slot), first, count);
    }
    if (err != OK) {
        return err;
    }
    spin_lock(&d->physmap_lock);
    err = physmap_map(d, gfn, count, &e);
    spin_unlock(&d->physmap_lock);
    if (err != OK) {
        device_unmapped(MFN(first), count);
    }
    return err;
}

err_t device_unmap(struct domain *d, gfn_t gfn, uint64_t first, uint64_t count)
{
    err_t err = check_batch(first, count);

    spin_lock(&d->physmap_lock);
    for (uint64_t i = 0; i < count && err == OK; i++) {
        struct stage2_entry e = physmap_look(d, GFN(gfn.v + i));
        err = (e.mapping == MAPPING_DEVICE && e.mfn.v == first + i) ? OK : ERR_INVAL;
    }
    for (uint64_t i = 0; i < count && err == OK; i++) {
        err = physmap_unmap(d, GFN(gfn.v + i), 0);
    }
    spin_unlock(&d->physmap_lock);
    return err;
}

/* ---- interrupts ---- */

static bool is_free_spi(uint32_t intid)
{
    const struct board_table *b = init_board();

    return intid - SPI_FIRST < SPI_COUNT && intid - SPI_FIRST < b->gic_spis && intid != b->uart_irq;
}

static uint16_t *owner_of(uint32_t intid)
{
    return &spi_owner[index_nospec(intid - SPI_FIRST, SPI_COUNT)];
}

/* d's, from now on, unless it is another's. */
static err_t take_spi(const struct domain *d, uint32_t intid) REQUIRES(device_lock)
{
    uint16_t *owner = owner_of(intid);

    if (domain_state(d) == DOMAIN_DYING) {
        return ERR_SRCH;
    }
    if (*owner != FRAME_NOBODY && *owner != FRAME_OWNER(d->slot)) {
        return ERR_BUSY;
    }
    __atomic_store_n(owner, FRAME_OWNER(d->slot), __ATOMIC_RELEASE);
    return OK;
}

/* Unlinked and, if so wanted, nobody's; what is not d's stays. */
static err_t drop_spi(struct domain *d, uint32_t intid, bool forget)
{
    uint16_t *owner = owner_of(intid);
    err_t err = OK;

    spin_lock(&device_lock);
    if (*owner == FRAME_OWNER(d->slot)) {
        err = arch_spi_unbind(d, intid);
        if (err == OK && forget) {
            __atomic_store_n(owner, FRAME_NOBODY, __ATOMIC_RELEASE);
        }
    }
    spin_unlock(&device_lock);
    return err;
}

err_t device_permit_spi(struct domain *d, uint32_t intid, bool allow)
{
    err_t err = is_free_spi(intid) ? OK : ERR_INVAL;

    if (err == OK && allow) {
        spin_lock(&device_lock);
        err = take_spi(d, intid);
        spin_unlock(&device_lock);
    } else if (err == OK) {
        err = drop_spi(d, intid, true);
    }
    return err;
}

err_t device_bind(struct domain *d, uint32_t intid)
{
    uint16_t before;
    err_t err = is_free_spi(intid) ? OK : ERR_INVAL;

    if (err != OK) {
        return err;
    }
    spin_lock(&device_lock);
    before = *owner_of(intid);
    err = take_spi(d, intid);
    if (err == OK) {
        err = arch_spi_bind(d, intid);
        __atomic_store_n(owner_of(intid), (err == OK) ? FRAME_OWNER(d->slot) : before, __ATOMIC_RELEASE);
    }
    spin_unlock(&device_lock);
    return err;
}

err_t device_unbind(struct domain *d, uint32_t intid)
{
    return is_free_spi(intid) ? drop_spi(d, intid, false) : ERR_INVAL;
}

bool upcall_device_interrupt(uint32_t intid)
{
    uint16_t owner = __atomic_load_n(owner_of(intid), __ATOMIC_ACQUIRE);
    struct domain *d = (owner != FRAME_NOBODY) ? domain_get_slot(owner - 1u) : NULL;

    if (d == NULL) {
        return false;
    }
    arch_spi_raise(d, intid);
    domain_put(d);
    return true;
}

void device_release(struct domain *d)
{
    uint16_t owner = FRAME_OWNER(d->slot);

    for (uint32_t i = 0; i < SPI_COUNT; i++) {
        if (__atomic_load_n(&spi_owner[i], __ATOMIC_RELAXED) == owner) {
            ASSERT(drop_spi(d, SPI_FIRST + i, true) == OK);
        }
    }
    spin_lock(&device_lock);
    for (uint32_t i = 0; i < DEVICE_RANGES; i++) {
        ASSERT(ranges[i].owner != owner || ranges[i].mapped == 0u);
        ranges[i].owner = (ranges[i].owner == owner) ? FRAME_NOBODY : ranges[i].owner;
    }
    spin_unlock(&device_lock);
}
