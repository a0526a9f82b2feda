/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of the whole machine, recounted from the tables they are about. */
#include "abuse.h"
#include "arch/contract/arch.h"
#include "core/evtchn_internal.h"
#include "core/grant_table.h"
#include "core/rights.h"
#include "core/seal.h"

#include <string.h>

#define BOARD_FRAMES ((uint64_t)RAM_MIB << 8)
#define FIRST_FRAME  (HOST_RAM_BASE >> PAGE_SHIFT)
#define REFS         (8u * GRANTS_PER_FRAME)

static uint32_t users[BOARD_FRAMES]; /* mappings of any domain, and areas that the hypervisor holds */
static uint16_t readers[MAX_DOMAINS][REFS];
static uint16_t writers[MAX_DOMAINS][REFS];

static void use(mfn_t mfn)
{
    if (mfn.v - FIRST_FRAME >= BOARD_FRAMES) {
        host_fail("frame 0x%lx is not RAM and mapped", (unsigned long)mfn.v);
    }
    users[mfn.v - FIRST_FRAME]++;
}

static void count_mappings(struct domain *d)
{
    uint64_t limit = arch_stage2_gfn_limit();

    spin_lock(&d->physmap_lock);
    for (uint64_t at = 0; at < limit && d->arch.root.v != 0u;) { /* who is taken apart has no tables in the end */
        struct stage2_entry e = arch_stage2_get(d, GFN(at));
        uint64_t span = UINT64_C(1) << e.order;

        for (uint64_t i = 0;
             e.mapping != MAPPING_NONE && e.mapping != MAPPING_OUTSIDE && e.mapping != MAPPING_DEVICE && i < span;
             i++) {
            use(MFN(e.mfn.v + i));
        }
        at = (at & ~(span - 1u)) + span;
    }
    spin_unlock(&d->physmap_lock);
}

static void count_areas(const struct domain *d)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = domain_vcpu(d, i);

        if (v != NULL && v->evtchn.info_held) {
            use(arch_frame_of(v->evtchn.info));
        }
        if (v != NULL && v->evtchn.control != NULL) {
            use(arch_frame_of(v->evtchn.control));
        }
    }
    for (uint32_t i = 0; i < d->evtchn.word_pages; i++) {
        use(arch_frame_of(d->evtchn.words[i]));
    }
}

static void count_records(const struct domain *d)
{
    const struct grant_table *t = d->grants;

    for (uint32_t h = 0; t != NULL && h < t->record_pages * RECORDS_PER_PAGE; h++) {
        const struct grant_record *r = grant_record_at(t, h);

        if ((r->flags & (RECORD_LIVE | RECORD_SUNK)) == RECORD_LIVE) {
            if (r->ref >= REFS || r->slot >= MAX_DOMAINS) {
                host_fail("domain %u: record of grant %u of slot %u", d->id, r->ref, r->slot);
            }
            ((r->flags & RECORD_WRITE) != 0u ? writers : readers)[r->slot][r->ref]++;
        }
    }
}

/* ---- grants ---- */

static void check_pins(const struct domain *d)
{
    const struct grant_table *t = d->grants;
    uint32_t sum = 0;

    for (uint32_t ref = 0; t != NULL && ref < t->frames * GRANTS_PER_FRAME; ref++) {
        mfn_t page = t->pins[ref / PINS_PER_PAGE];
        struct grant_pin p = {0};

        if (page.v != 0u) {
            p = ((struct grant_pin *)arch_map_frame(page))[ref % PINS_PER_PAGE];
        }
        if (p.uses[0] != readers[d->slot][ref] || p.uses[1] != writers[d->slot][ref]) {
            host_fail("domain %u grant %u: %u readers, %u writers; records say %u, %u", d->id, ref, p.uses[0],
                      p.uses[1], readers[d->slot][ref], writers[d->slot][ref]);
        }
        sum += p.uses[0] + p.uses[1];
    }
    if (t != NULL && sum != t->pinned) {
        host_fail("domain %u: %u pins, not %u", d->id, t->pinned, sum);
    }
}

/* ---- ports ---- */

static struct binding binding_of(const struct domain *d, uint32_t port)
{
    const struct port *p = port_find(d, port);

    return (p != NULL) ? binding_unpack(port_load(p)) : (struct binding){.status = EVTCHNSTAT_closed};
}

static void check_peer(const struct domain *d, uint32_t port, const struct binding *b)
{
    struct domain *r = domain_get_slot((b->domid == DOMID_BOOT) ? SLOT_BOOT : b->domid);
    struct binding back = {.status = EVTCHNSTAT_closed};

    if (r != NULL) {
        back = binding_of(r, b->port);
        domain_put(r);
    }
    if (back.status != EVTCHNSTAT_interdomain || back.domid != d->id || back.port != port) {
        host_fail("domain %u port %u is bound to port %u of %u, which is not bound to it", d->id, port, b->port,
                  b->domid);
    }
}

static void check_ports(const struct domain *d)
{
    uint32_t open = 0;
    uint32_t closed = 0;
    uint32_t next = d->evtchn.next;
    uint32_t listed = 0;

    for (uint32_t port = 1; port < next; port++) {
        struct binding b = binding_of(d, port);

        open += (b.status != EVTCHNSTAT_closed) ? 1u : 0u;
        closed += (b.status == EVTCHNSTAT_closed) ? 1u : 0u;
        if (b.status == EVTCHNSTAT_interdomain) {
            check_peer(d, port, &b);
        }
        if (b.status != EVTCHNSTAT_closed && (b.vcpu >= d->max_vcpus || b.priority >= EVTCHN_PRIORITIES)) {
            host_fail("domain %u port %u: vCPU %u, priority %u", d->id, port, b.vcpu, b.priority);
        }
    }
    for (uint32_t port = d->evtchn.free_head; port != 0u && listed <= closed; port = binding_of(d, port).port) {
        listed++;
        if (binding_of(d, port).status != EVTCHNSTAT_closed) {
            host_fail("domain %u port %u is in use and free", d->id, port);
        }
    }
    if (open != d->evtchn.open || listed > closed) {
        host_fail("domain %u: %u ports open, not %u; %u closed, %u of them listed", d->id, d->evtchn.open, open, closed,
                  listed);
    }
}

static void check_virqs(const struct domain *d)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = domain_vcpu(d, i);

        for (uint32_t virq = 0; v != NULL && virq < EVTCHN_VIRQS; virq++) {
            uint32_t port = v->evtchn.virqs[virq];
            struct binding b = binding_of(d, port);

            if (port != 0u && (b.status != EVTCHNSTAT_virq || b.port != virq)) {
                host_fail("domain %u vCPU %u: VIRQ %u at port %u, which is not its", d->id, i, virq, port);
            }
        }
    }
}

/* ---- frames ---- */

/* Those that are kept besides: a frame of the pool or one shared with its owner by the hypervisor itself. */
static uint64_t check_frames(void)
{
    static uint64_t ram[MAX_DOMAINS];
    uint64_t free = 0;

    memset(ram, 0, sizeof(ram));
    for (uint64_t i = 0; i < BOARD_FRAMES; i++) {
        struct frame f = frame_look(MFN(FIRST_FRAME + i));
        uint32_t kept = (f.type == FRAME_SHARED || f.type == FRAME_POOL || f.owner == FRAME_COMMON) ? 1u : 0u;

        if (f.type == FRAME_FREE || f.type == FRAME_NONE) {
            free += (f.type == FRAME_FREE) ? 1u : 0u;
            if (users[i] != 0u) {
                host_fail("frame 0x%lx is nobody's and mapped", (unsigned long)(FIRST_FRAME + i));
            }
            continue;
        }
        if (f.count != users[i] + kept) {
            host_fail("frame 0x%lx of slot %d, type %u: count %u, %u users", (unsigned long)(FIRST_FRAME + i),
                      (int)f.owner - 1, f.type, f.count, users[i]);
        }
        if (f.type == FRAME_RAM && f.owner != FRAME_COMMON) {
            ram[f.owner - 1u]++;
        }
    }
    for (uint32_t slot = 0; slot < MAX_DOMAINS; slot++) {
        struct domain *d = domain_get_slot(slot);

        if (ram[slot] != ((d != NULL) ? d->frames : 0u)) {
            host_fail("slot %u: %lu frames of RAM counted, %lu there", slot,
                      (d != NULL) ? (unsigned long)d->frames : 0u, (unsigned long)ram[slot]);
        }
        if (d != NULL) {
            domain_put(d);
        }
    }
    return free;
}

static void check_rights(void)
{
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        for (uint32_t t = 0; t <= RIGHTS_PLATFORM; t++) {
            int32_t holder = rights_holder((enum bulkhead_right)r, t);
            struct domain *d = (holder >= 0) ? domain_get_slot((uint32_t)holder) : NULL;

            if (holder >= 0 && (d == NULL || domain_state(d) == DOMAIN_DYING)) {
                host_fail("right %u over slot %u is held by slot %d, where nobody is", r, t, holder);
            }
            if (d != NULL) {
                domain_put(d);
            }
        }
    }
}

static bool nobody_dies; /* a domain that is being taken apart has entries left for its last flush */

static void look_for_the_dying(struct domain *d)
{
    nobody_dies = nobody_dies && domain_state(d) != DOMAIN_DYING;
}

static void for_all(void (*fn)(struct domain *d))
{
    for (uint32_t slot = 0; slot < MAX_DOMAINS; slot++) {
        struct domain *d = domain_get_slot(slot);

        if (d != NULL) {
            fn(d);
            domain_put(d);
        }
    }
}

/* Frames of a call in steps, or of an entry that is gone. */
static void count_run(const struct frame_run *r)
{
    for (uint32_t i = (r->gfn == UINT64_MAX) ? r->done : 0u; i < r->count; i++) {
        use(MFN(r->mfn.v + i));
    }
}

static void count_all(struct domain *d)
{
    count_run(&d->run);
    count_run(&d->reaped);
    count_mappings(d);
    count_areas(d);
    count_records(d);
}

/* [utest->dsn~seal-cpus~1] */
static void check_homes(const struct domain *d)
{
    for (uint32_t i = 0; i < d->max_vcpus && !d->initial; i++) {
        const struct vcpu *v = domain_vcpu(d, i);

        if (v != NULL && seal_keeps_cpu(v->home)) {
            host_fail("domain %u vCPU %u: on CPU %u of a safe domain", d->id, i, v->home);
        }
    }
}

static void check_all(struct domain *d)
{
    check_homes(d);
    check_pins(d);
    check_ports(d);
    check_virqs(d);
}

void account_check(void)
{
    uint64_t free;

    memset(users, 0, sizeof(users));
    memset(readers, 0, sizeof(readers));
    memset(writers, 0, sizeof(writers));
    for_all(count_all);
    for_all(check_all);
    check_rights();
    free = check_frames();
    if (free != frame_free_count()) {
        host_fail("%lu frames free, %lu counted", (unsigned long)frame_free_count(), (unsigned long)free);
    }
    nobody_dies = true;
    for_all(look_for_the_dying);
    if (nobody_dies) {
        host_check_stage2(NULL);
    }
}
