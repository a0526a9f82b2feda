/* SPDX-License-Identifier: Apache-2.0 */
#include "grant_world.h"
#include "arch/contract/arch.h"

#include <string.h>

uint16_t world_domain(struct vcpu *boot, const char *name, uint32_t frames, uint32_t maptrack)
{
    uint16_t domid = build_domain(boot, name, 1, 2);

    if (grant_init(domain_of(domid), frames, maptrack) != OK) {
        host_fail("%s: no grant table", name);
    }
    return domid;
}

struct grant_entry_v1 *world_entry(uint16_t domid, uint32_t ref)
{
    struct grant_table *t = domain_of(domid)->grants;

    if (ref >= t->frames * GRANTS_PER_FRAME) {
        host_fail("grant %u is not in the table", ref);
    }
    return (struct grant_entry_v1 *)arch_map_frame(t->shared[ref / GRANTS_PER_FRAME]) + ref % GRANTS_PER_FRAME;
}

void world_grant(uint16_t domid, uint32_t ref, uint16_t flags, uint16_t to, uint64_t gfn)
{
    union {
        struct grant_entry_v1 entry;
        uint64_t word;
    } e = {.entry = {.flags = flags, .domid = to, .frame = (uint32_t)gfn}};

    __atomic_store_n((uint64_t *)(void *)world_entry(domid, ref), e.word, __ATOMIC_RELEASE);
}

uint16_t world_flags(uint16_t domid, uint32_t ref)
{
    return __atomic_load_n(&world_entry(domid, ref)->flags, __ATOMIC_ACQUIRE);
}

int64_t world_op(uint16_t domid, uint32_t cmd, void *ops, uint64_t count)
{
    return hypercall(vcpu_of(domid, 0), __HYPERVISOR_grant_table_op, cmd, POINTER(ops), count);
}

int16_t world_map(uint16_t by, uint16_t from, uint32_t ref, uint32_t flags, uint64_t gfn, uint32_t *handle)
{
    struct gnttab_map_grant_ref op = {.host_addr = ADDRESS(gfn), .flags = flags, .ref = ref, .dom = from, .status = 99};

    if (world_op(by, GNTTABOP_map_grant_ref, &op, 1) != OK) {
        host_fail("map_grant_ref failed as a whole");
    }
    if (op.status == GNTST_okay) {
        *handle = op.handle;
    }
    return op.status;
}

int16_t world_unmap(uint16_t by, uint32_t handle, uint64_t gfn)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = ADDRESS(gfn), .handle = handle, .status = 99};

    if (world_op(by, GNTTABOP_unmap_grant_ref, &op, 1) != OK) {
        host_fail("unmap_grant_ref failed as a whole");
    }
    return op.status;
}

struct stage2_entry world_look(uint16_t domid, uint64_t gfn)
{
    struct domain *d = domain_of(domid);
    struct stage2_entry e;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, GFN(gfn));
    spin_unlock(&d->physmap_lock);
    return e;
}

void *world_page(uint16_t domid, uint64_t gfn)
{
    struct stage2_entry e = world_look(domid, gfn);

    if (e.mapping == MAPPING_NONE) {
        host_fail("domain %u: nothing at 0x%lx", domid, (unsigned long)gfn);
    }
    return arch_map_frame(e.mfn);
}

/* ---- recounting ---- */

#define BOARD_FRAMES ((uint64_t)RAM_MIB << 8)
#define MAX_REFS     (4u * GRANTS_PER_FRAME)

static uint32_t mapped[BOARD_FRAMES]; /* by machine frame: entries of any domain */
static uint16_t readers[MAX_DOMAINS][MAX_REFS];
static uint16_t writers[MAX_DOMAINS][MAX_REFS];

static void count_range(uint16_t domid, uint64_t gfn, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct stage2_entry e = world_look(domid, gfn + i);

        if (e.mapping != MAPPING_NONE) {
            mapped[e.mfn.v - (HOST_RAM_BASE >> PAGE_SHIFT)]++;
        }
    }
}

static void count_records(uint16_t domid)
{
    const struct grant_table *t = domain_of(domid)->grants;

    for (uint32_t h = 0; h < t->record_pages * RECORDS_PER_PAGE; h++) {
        const struct grant_record *r = grant_record_at(t, h);

        if ((r->flags & (RECORD_LIVE | RECORD_SUNK)) == RECORD_LIVE) {
            if (r->ref >= MAX_REFS) {
                host_fail("record of grant %u", r->ref);
            }
            ((r->flags & RECORD_WRITE) != 0u ? writers : readers)[r->slot][r->ref]++;
        }
    }
}

static struct grant_pin pin_at(const struct grant_table *t, uint32_t ref)
{
    mfn_t page = t->pins[ref / PINS_PER_PAGE];

    return (page.v == 0u) ? (struct grant_pin){0} : ((struct grant_pin *)arch_map_frame(page))[ref % PINS_PER_PAGE];
}

static void check_pins(uint16_t domid)
{
    const struct domain *d = domain_of(domid);
    uint32_t sum = 0;

    for (uint32_t ref = 0; ref < d->grants->frames * GRANTS_PER_FRAME; ref++) {
        struct grant_pin p = pin_at(d->grants, ref);
        uint32_t marks =
            (p.uses[false] + p.uses[true] > 0u ? GTF_reading : 0u) | (p.uses[true] > 0u ? GTF_writing : 0u);

        if (p.uses[false] != readers[d->slot][ref] || p.uses[true] != writers[d->slot][ref] ||
            (p.user != 0u) != (p.uses[false] + p.uses[true] > 0u)) {
            host_fail("domain %u grant %u: %u readers, %u writers; records say %u, %u", domid, ref, p.uses[false],
                      p.uses[true], readers[d->slot][ref], writers[d->slot][ref]);
        }
        if ((world_flags(domid, ref) & (GTF_reading | GTF_writing)) != marks) {
            host_fail("domain %u grant %u: flags 0x%x with marks 0x%x", domid, ref, world_flags(domid, ref), marks);
        }
        sum += p.uses[false] + p.uses[true];
    }
    if (sum != d->grants->pinned) {
        host_fail("domain %u: %u pins, not %u", domid, d->grants->pinned, sum);
    }
}

/* A shared frame or sink has one count more than mappings; a domain's RAM exactly as many. */
static void check_frames(uint16_t domid)
{
    const struct domain *d = domain_of(domid);
    uint64_t ram = 0;

    for (uint64_t i = 0; i < BOARD_FRAMES; i++) {
        struct frame f = frame_look(MFN((HOST_RAM_BASE >> PAGE_SHIFT) + i));
        uint32_t kept = (f.type == FRAME_SHARED || f.type == FRAME_POOL) ? 1u : 0u;

        if (f.owner != FRAME_OWNER(d->slot)) {
            continue;
        }
        if (f.count != mapped[i] + kept) {
            host_fail("domain %u: frame type %u with count %u, %u mappings", domid, f.type, f.count, mapped[i]);
        }
        ram += (f.type == FRAME_RAM) ? 1u : 0u;
    }
    if (ram != d->frames) {
        host_fail("domain %u: %lu frames counted, %lu there", domid, (unsigned long)d->frames, (unsigned long)ram);
    }
}

void world_check(const uint16_t *domids, uint32_t n)
{
    memset(mapped, 0, sizeof(mapped));
    memset(readers, 0, sizeof(readers));
    memset(writers, 0, sizeof(writers));
    for (uint32_t i = 0; i < n; i++) {
        count_range(domids[i], RAM_GFN, 512);
        count_range(domids[i], MAP_GFN, 512);
        count_range(domids[i], TABLE_GFN, 16);
        count_records(domids[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        check_pins(domids[i]);
        check_frames(domids[i]);
    }
    host_check_stage2(NULL);
}
