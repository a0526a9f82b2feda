/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/host/stage2_hw.h"
#include "arch/host/host.h"
#include "core/frame.h"
#include "lib/bits.h"

#include <pthread.h>

#define IPA_BITS  40u /* two root tables in a row */
#define VALID     BIT(0)
#define TABLE     BIT(1)
#define ADDR      BITS(47, 12)
#define MAX_STALE 65536u

/* A descriptor that was valid, is not any more, and that TLBs may still hold. */
struct stale {
    uint64_t entry; /* machine address of the descriptor */
    uint64_t desc;
    uint16_t slot;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stale stale[MAX_STALE];
static uint32_t stale_count;
static uint32_t unpublished;

void host_stage2_reset(void)
{
    stale_count = 0;
    unpublished = 0;
}

uint32_t stage2_ipa_bits(void)
{
    return IPA_BITS;
}

static uint64_t *entry_at(mfn_t table, uint32_t index)
{
    return (uint64_t *)arch_map_frame(table) + index;
}

static uint64_t address_of(mfn_t table, uint32_t index)
{
    return mfn_to_maddr(table).v + index * 8u;
}

uint64_t stage2_read(mfn_t table, uint32_t index)
{
    return *entry_at(table, index);
}

static bool is_stale(uint64_t address)
{
    for (uint32_t i = 0; i < stale_count; i++) {
        if (stale[i].entry == address) {
            return true;
        }
    }
    return false;
}

/* Descriptors in tables that a test knows to be linked: owner of the table's frame is the domain. */
static void note_stale(uint64_t address, uint64_t desc, uint16_t slot)
{
    if (stale_count == MAX_STALE) {
        host_fail("the TLB model is full");
    }
    stale[stale_count] = (struct stale){.entry = address, .desc = desc, .slot = slot};
    stale_count++;
}

/* No vCPU of it runs any more. */
static bool is_dying(uint16_t slot)
{
    struct domain *d = domain_get_slot(slot);
    bool dying = d == NULL || domain_state(d) == DOMAIN_DYING;

    if (d != NULL) {
        domain_put(d);
    }
    return dying;
}

void stage2_write(mfn_t table, uint32_t index, uint64_t desc)
{
    uint64_t old = stage2_read(table, index);
    uint64_t address = address_of(table, index);
    uint16_t slot = (uint16_t)(frame_look(table).owner - 1u);
    bool walked = !is_dying(slot);

    pthread_mutex_lock(&lock);
    if ((old & VALID) != 0u && (desc & VALID) != 0u && old != desc) {
        host_fail("no break before make: descriptor 0x%lx became 0x%lx", (unsigned long)old, (unsigned long)desc);
    }
    if ((desc & VALID) != 0u && is_stale(address)) {
        host_fail("descriptor 0x%lx made before the TLB forgot the old one", (unsigned long)desc);
    }
    if ((desc & (VALID | TABLE)) == (VALID | TABLE) &&
        frame_look(maddr_to_mfn(MADDR(desc & ADDR))).type == FRAME_POOL && unpublished != 0u) {
        host_fail("table 0x%lx linked before it is published", (unsigned long)desc);
    }
    if ((old & VALID) != 0u && desc == 0u) {
        note_stale(address, old, slot);
    }
    *entry_at(table, index) = desc;
    unpublished += walked ? 1u : 0u;
    pthread_mutex_unlock(&lock);
}

void stage2_publish(void)
{
    pthread_mutex_lock(&lock);
    unpublished = 0;
    pthread_mutex_unlock(&lock);
}

void stage2_init_domain(struct domain *d)
{
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < stale_count; i++) {
        if (stale[i].slot == d->slot) {
            host_fail("VMID %u used again before its TLB entries are gone", d->slot + 1u);
        }
    }
    d->arch.vttbr = mfn_to_maddr(d->arch.root).v | ((uint64_t)(d->slot + 1u) << 48);
    pthread_mutex_unlock(&lock);
}

/* Where the descriptor of the given order for gfn is. */
static uint64_t find(const struct domain *d, gfn_t gfn, uint32_t order)
{
    mfn_t table = d->arch.root;
    uint32_t index = (uint32_t)(gfn.v >> 18);

    for (uint32_t o = 18; o > order; o -= 9u) {
        uint64_t desc = stage2_read(table, index);

        if ((desc & (VALID | TABLE)) != (VALID | TABLE)) {
            return 0;
        }
        table = maddr_to_mfn(MADDR(desc & ADDR));
        index = (uint32_t)(gfn.v >> (o - 9u)) & 511u;
    }
    return address_of(table, index);
}

void stage2_flush(struct domain *d, gfn_t gfn, uint32_t order)
{
    uint64_t address = find(d, gfn, order);

    pthread_mutex_lock(&lock);
    unpublished = 0;
    for (uint32_t i = 0; i < stale_count; i++) {
        if (stale[i].entry == address) {
            stale_count--;
            stale[i] = stale[stale_count];
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

void stage2_flush_pages(struct domain *d, const gfn_t *gfns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        stage2_flush(d, gfns[i], 0);
    }
}

void stage2_flush_all(struct domain *d)
{
    pthread_mutex_lock(&lock);
    unpublished = 0;
    for (uint32_t i = stale_count; i > 0u; i--) {
        if (stale[i - 1u].slot == d->slot) {
            stale_count--;
            stale[i - 1u] = stale[stale_count];
        }
    }
    pthread_mutex_unlock(&lock);
}

void host_check_stage2(const struct domain *d)
{
    pthread_mutex_lock(&lock);
    if (unpublished != 0u) {
        host_fail("%u stage 2 writes not published", unpublished);
    }
    for (uint32_t i = 0; i < stale_count; i++) {
        if (d == NULL || stale[i].slot == d->slot) {
            host_fail("stage 2 entry 0x%lx of slot %u not flushed", (unsigned long)stale[i].desc, stale[i].slot);
        }
    }
    pthread_mutex_unlock(&lock);
}

void host_check_reuse(mfn_t mfn, uint64_t count)
{
    uint64_t from = mfn_to_maddr(mfn).v;

    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < stale_count; i++) {
        if (!is_dying(stale[i].slot) && ranges_overlap(stale[i].desc & ADDR, 1, from, count << PAGE_SHIFT)) {
            host_fail("frame 0x%lx reused while a TLB may know it", (unsigned long)mfn.v);
        }
    }
    pthread_mutex_unlock(&lock);
}
