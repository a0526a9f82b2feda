/* SPDX-License-Identifier: Apache-2.0 */
/* t_sink: a domain maps what another granted; that one crashes and is restarted.  The mapper sees a page of its own from then on, and
 * nothing of the life that follows.  Boot arguments: role=1 grants to domain `peer` and crashes, role=2 maps.
 * The same of the granter's table, which the mapper may see by right.
 * [itest->dsn~grant-sink~1] [itest->dsn~domain-restart~1] [itest->dsn~acquire-resource~1] */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "probe.h"

#define PAGE     4096u
#define WORDS    (PAGE / 8u)
#define REF      8u
#define MAP_PAGE 256u /* in the region for grants: nothing is there */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Words of the page: what the granter wrote in this life; what the mapper asks for; what must never be seen here. */
enum { LIFE = 0, ASKED = 1, STRAY = WORDS - 1 };
#define LIFE_MARK UINT64_C(0x4c494645)
#define END       UINT64_C(0x454e44)
#define MARK      UINT64_C(0x4d41524b)

static uint64_t page[WORDS] __attribute__((aligned(4096)));
static struct bulkhead_life life;
static uint16_t peer;

static volatile uint64_t *mapped(uint32_t i)
{
    return (volatile uint64_t *)(platform.grant_base + (uint64_t)(MAP_PAGE + i) * PAGE);
}

static uint64_t soon(void)
{
    return ticks() + 60u * ticks_per_second(); /* ends what hangs */
}

static void wait_for(volatile const uint64_t *word, uint64_t value)
{
    uint64_t deadline = soon();

    while (*word != value && ticks() < deadline) {
    }
    CHECK_EQUAL(*word, value);
}

/* ---- granter ---- */

static void grant(void)
{
    struct xen_add_to_physmap op = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = platform.grant_base / PAGE};
    volatile struct grant_entry_v1 *entry = (volatile struct grant_entry_v1 *)platform.grant_base + REF;

    CHECK_EQUAL(memory_op(XENMEM_add_to_physmap, &op), 0);
    CHECK_EQUAL(entry->flags, 0);
    entry->domid = peer;
    entry->frame = (uint32_t)((uint64_t)page / PAGE);
    __asm__ volatile("dmb ish" ::: "memory");
    entry->flags = GTF_permit_access;
}

static void each_life_grants_a_page_of_its_own(void)
{
    struct sched_shutdown crash = {.reason = SHUTDOWN_crash};

    for (uint32_t i = 0; i < WORDS; i++) {
        CHECK_EQUAL(page[i], 0); /* nothing of the life before, nor of its mapper */
    }
    page[LIFE] = LIFE_MARK + life.restarts;
    grant();
    wait_for(&page[ASKED], END);
    if (life.restarts == 0) {
        (void)sched_op(SCHEDOP_shutdown, &crash);
    }
    CHECK_EQUAL(((volatile uint64_t *)page)[STRAY], 0);
}

/* ---- mapper ---- */

static uint32_t map(uint32_t i)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = (uint64_t)mapped(i), .flags = GNTMAP_host_map, .ref = REF, .dom = peer};
    uint64_t deadline = soon();

    do { /* until the peer has made it */
        CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    } while (op.status != GNTST_okay && ticks() < deadline);
    CHECK_EQUAL(op.status, GNTST_okay);
    return op.handle;
}

static int16_t unmap(uint32_t i, uint32_t handle)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = (uint64_t)mapped(i), .handle = handle};

    CHECK_EQUAL(grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1), 0);
    return op.status;
}

/* The granter's table, by right. */
static void see_table(uint32_t i)
{
    xen_pfn_t to[1] = {(uint64_t)mapped(i) / PAGE};
    struct xen_mem_acquire_resource op = {.domid = peer, .type = XENMEM_resource_grant_table};
    uint64_t deadline = soon();
    int64_t result;

    do { /* until the Boot Domain has handed the right over */
        result = memory_op(XENMEM_acquire_resource, &op);
    } while (result == -1 && ticks() < deadline);
    CHECK_EQUAL(result, 0);
    CHECK(op.nr_frames > 1);
    set_xen_guest_handle(op.frame_list, to);
    op.nr_frames = 1;
    CHECK_EQUAL(memory_op(XENMEM_acquire_resource, &op), 0);
}

static void forget_table(uint32_t i)
{
    struct xen_remove_from_physmap op = {.domid = DOMID_SELF, .gpfn = (uint64_t)mapped(i) / PAGE};

    CHECK_EQUAL(memory_op(XENMEM_remove_from_physmap, &op), 0);
    CHECK(probe_read((uint64_t)mapped(i), 8).faulted);
}

static void a_mapping_outlives_the_granters_life(void)
{
    uint32_t old = map(0);
    uint32_t new;

    CHECK_EQUAL(mapped(0)[LIFE], LIFE_MARK);
    see_table(2);
    CHECK_EQUAL((uint16_t)mapped(2)[REF], GTF_permit_access | GTF_reading | GTF_writing);
    mapped(0)[ASKED] = END;
    wait_for(&mapped(0)[LIFE], 0); /* the sink */
    wait_for(&mapped(2)[REF], 0);
    for (uint32_t i = 0; i < WORDS; i++) {
        CHECK_EQUAL(mapped(0)[i], 0);
    }
    mapped(0)[STRAY] = MARK; /* seen by nobody else */
    new = map(1);
    CHECK_EQUAL(mapped(1)[LIFE], LIFE_MARK + 1);
    CHECK_EQUAL(mapped(1)[STRAY], 0);
    CHECK_EQUAL(mapped(0)[LIFE], 0);
    CHECK_EQUAL(mapped(0)[STRAY], MARK);
    CHECK_EQUAL(mapped(2)[REF], 0); /* the new table has a grant there */
    CHECK_EQUAL(mapped(2)[STRAY], MARK);
    see_table(3);
    CHECK_EQUAL((uint16_t)mapped(3)[REF], GTF_permit_access | GTF_reading | GTF_writing);
    CHECK_EQUAL(mapped(3)[STRAY], 0);
    forget_table(2);
    forget_table(3);
    CHECK_EQUAL(unmap(0, old), GNTST_okay);
    CHECK(probe_read((uint64_t)mapped(0), 8).faulted);
    CHECK_EQUAL(unmap(0, old), (uint64_t)GNTST_bad_handle);
    CHECK_EQUAL(mapped(1)[LIFE], LIFE_MARK + 1);
    mapped(1)[ASKED] = END;
    CHECK_EQUAL(unmap(1, new), GNTST_okay);
}

int main(uint64_t x0)
{
    static const struct test granter[] = {{"each_life_grants_a_page_of_its_own", each_life_grants_a_page_of_its_own}};
    static const struct test mapper[] = {
        {"a_mapping_outlives_the_granters_life", a_mapping_outlives_the_granters_life}};

    platform_init(x0);
    peer = (uint16_t)platform_argument("peer", 0);
    life.domid = DOMID_SELF;
    (void)hypercall2(HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_LIFE, (uint64_t)&life);
    if (platform_argument("role", 0) == 1) {
        test_run(granter, COUNT(granter));
    }
    test_run(mapper, COUNT(mapper));
}
