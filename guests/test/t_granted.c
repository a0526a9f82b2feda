/* SPDX-License-Identifier: Apache-2.0 */
/* t_granted: grant tables as a guest sees them; the same answers on Xen.
 * Boot arguments: faults=0 leaves out the write to a read-only page, after which Xen 4.17 does not go on;
 * role=0 alone, with grants to itself; role=1 grants to domain `peer`, role=2 uses the grants of `peer`.
 * [itest->dsn~grant-frames~1] [itest->dsn~grant-op~1] [itest->dsn~grant-map~1] [itest->dsn~grant-unmap~1]
 * [itest->dsn~grant-copy~1] */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/string.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <xen/grant_table.h>
#include <xen/memory.h>

#include "probe.h"

#define PAGE       4096u
#define FIRST_REF  8u
#define PAGES      4u
#define DOMIDS     130u
#define MAP_PAGE   256u /* in the region for grants: nothing is there */
#define HOST       GNTMAP_host_map
#define RO         (GNTMAP_host_map | GNTMAP_readonly)
#define EINVAL     (-22)
#define ENOSYS     (-38)
#define EFAULT     (-14)
#define EOPNOTSUPP (-95)
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define ASKED      UINT64_C(0x41534b4544)
#define ANSWERED   UINT64_C(0x414e535752)

static uint8_t pages[PAGES][PAGE] __attribute__((aligned(4096)));
static uint8_t other[PAGE] __attribute__((aligned(4096)));
static uint16_t self; /* this domain's number; 0 = not known yet */
static uint16_t peer;

static volatile struct grant_entry_v1 *entry(uint32_t ref)
{
    return (volatile struct grant_entry_v1 *)platform.grant_base + ref;
}

static uint64_t map_address(uint32_t i)
{
    return platform.grant_base + (uint64_t)(MAP_PAGE + i) * PAGE;
}

static void grant(uint32_t ref, uint16_t flags, uint16_t to, uint64_t gfn)
{
    entry(ref)->domid = to;
    entry(ref)->frame = (uint32_t)gfn;
    __asm__ volatile("dmb ish" ::: "memory");
    entry(ref)->flags = flags;
    __asm__ volatile("dmb ish" ::: "memory");
}

static uint64_t gfn_of(const void *p)
{
    return (uint64_t)p / PAGE;
}

static int16_t map(uint16_t from, uint32_t ref, uint32_t flags, uint64_t address, uint32_t *handle)
{
    struct gnttab_map_grant_ref op = {.host_addr = address, .flags = flags, .ref = ref, .dom = from};

    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    *handle = op.handle;
    return op.status;
}

static int16_t unmap(uint32_t handle, uint64_t address)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = address, .handle = handle};

    CHECK_EQUAL(grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1), 0);
    return op.status;
}

static int64_t add_table_frame(uint64_t idx, uint64_t address)
{
    struct xen_add_to_physmap op = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = idx, .gpfn = address / PAGE};

    return memory_op(XENMEM_add_to_physmap, &op);
}

/* A domain is not told its number: the one whose grant to itself can be mapped is it. */
static void find_self(void)
{
    uint32_t handle;

    for (uint16_t domid = 1; self == 0 && domid < DOMIDS; domid++) {
        grant(FIRST_REF, GTF_permit_access, domid, gfn_of(pages[0]));
        if (map(domid, FIRST_REF, HOST, map_address(0), &handle) == GNTST_okay) {
            CHECK_EQUAL(unmap(handle, map_address(0)), GNTST_okay);
            self = domid;
        }
    }
    CHECK(self != 0);
}

/* ---- alone ---- */

static void sizes_and_versions(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    struct gnttab_get_version version = {.dom = DOMID_SELF};
    struct gnttab_set_version set = {.version = 2};
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 100000};

    CHECK_EQUAL(grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    CHECK_EQUAL(size.status, GNTST_okay);
    CHECK(size.nr_frames >= 1 && size.nr_frames <= size.max_nr_frames);
    CHECK_EQUAL(grant_table_op(GNTTABOP_get_version, &version, 1), 0);
    CHECK_EQUAL(version.version, 1);
    CHECK_EQUAL(grant_table_op(GNTTABOP_set_version, &set, 1), ENOSYS);
    CHECK_EQUAL(set.version, 1);
    set.version = 1;
    CHECK_EQUAL(grant_table_op(GNTTABOP_set_version, &set, 1), 0);
    set.version = 3;
    CHECK_EQUAL(grant_table_op(GNTTABOP_set_version, &set, 1), EINVAL);
    CHECK_EQUAL(grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    CHECK_EQUAL(setup.status, GNTST_general_error);
    size.dom = 999;
    CHECK_EQUAL(grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    CHECK_EQUAL(size.status, GNTST_bad_domain);
}

static void calls_fail_as_a_whole(void)
{
    CHECK_EQUAL(grant_table_op(13, pages, 1), ENOSYS);
    CHECK_EQUAL(grant_table_op(GNTTABOP_dump_table, pages, 1), ENOSYS);
    CHECK_EQUAL(grant_table_op(1u << 12, pages, 1), EINVAL);
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, pages, 0x80000000u), EINVAL);
    CHECK_EQUAL(grant_table_op(GNTTABOP_setup_table, pages, 2), EINVAL);
    CHECK_EQUAL(grant_table_op(GNTTABOP_query_size, pages, 0), EINVAL);
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, pages, 0), 0);
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, NULL, 1), EFAULT);
    CHECK_EQUAL(grant_table_op(GNTTABOP_copy, (void *)NOTHING_NORMAL, 1), EFAULT);
}

static void the_table_is_mapped(void)
{
    CHECK_EQUAL(add_table_frame(0, platform.grant_base), 0);
    for (uint32_t ref = 0; ref < PAGE / sizeof(struct grant_entry_v1); ref++) {
        if (ref >= FIRST_REF) { /* those before are the builder's */
            CHECK_EQUAL(entry(ref)->flags, 0);
        }
    }
    CHECK_EQUAL(add_table_frame(100000, platform.grant_base + PAGE), EINVAL);
    find_self();
}

static void a_frame_is_mapped_and_unmapped(void)
{
    uint32_t handle = 0;
    struct probe probe;

    grant(FIRST_REF, GTF_permit_access, self, gfn_of(pages[1]));
    pages[1][5] = 0x5a;
    CHECK_EQUAL(map(self, FIRST_REF, HOST, map_address(0), &handle), GNTST_okay);
    CHECK_EQUAL(entry(FIRST_REF)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    CHECK_EQUAL(((volatile uint8_t *)map_address(0))[5], 0x5a);
    ((volatile uint8_t *)map_address(0))[6] = 0x66;
    CHECK_EQUAL(((volatile uint8_t *)pages[1])[6], 0x66);
    CHECK_EQUAL(unmap(handle, 0), GNTST_okay); /* nothing named, nothing done */
    CHECK_EQUAL(((volatile uint8_t *)map_address(0))[5], 0x5a);
    CHECK_EQUAL(unmap(handle, map_address(0)), GNTST_okay);
    CHECK_EQUAL(entry(FIRST_REF)->flags, GTF_permit_access);
    probe = probe_read(map_address(0), 1);
    CHECK(probe.faulted);
    CHECK_EQUAL(unmap(handle, map_address(0)), (uint64_t)GNTST_bad_handle);
    CHECK_EQUAL(unmap(UINT32_MAX, map_address(0)), (uint64_t)GNTST_bad_handle);
}

static void read_only_is_read_only(void)
{
    uint32_t handle = 0, writable = 0;
    struct probe probe;

    grant(FIRST_REF, GTF_permit_access | GTF_readonly, self, gfn_of(pages[2]));
    CHECK_EQUAL(map(self, FIRST_REF, HOST, map_address(1), &handle), (uint64_t)GNTST_general_error);
    CHECK_EQUAL(map(self, FIRST_REF, RO, map_address(1), &handle), GNTST_okay);
    CHECK_EQUAL(entry(FIRST_REF)->flags, GTF_permit_access | GTF_readonly | GTF_reading);
    pages[2][0] = 7;
    CHECK_EQUAL(((volatile uint8_t *)map_address(1))[0], 7);
    if (platform_argument("faults", 1) != 0) {
        probe = probe_write(map_address(1), 1, 8);
        CHECK(probe.faulted);
    }
    CHECK_EQUAL(((volatile uint8_t *)pages[2])[0], 7);
    CHECK_EQUAL(map(self, FIRST_REF, HOST, map_address(2), &writable), (uint64_t)GNTST_general_error);
    CHECK_EQUAL(unmap(handle, map_address(1)), GNTST_okay);
}

static void maps_that_are_refused(void)
{
    const struct {
        uint16_t dom;
        uint32_t ref;
        uint32_t flags;
        int16_t status;
    } cases[] = {
        {self, FIRST_REF, 0, GNTST_bad_gntref},
        {self, FIRST_REF, GNTMAP_device_map, GNTST_general_error},
        {self, FIRST_REF, HOST | GNTMAP_contains_pte, GNTST_general_error},
        {self, FIRST_REF, HOST | GNTMAP_application_map, GNTST_general_error},
        {DOMID_SELF, FIRST_REF, HOST, GNTST_bad_domain},
        {999, FIRST_REF, HOST, GNTST_bad_domain},
        {self, 1u << 24, HOST, GNTST_bad_gntref},
        {self, FIRST_REF + 1, HOST, GNTST_general_error}, /* not granted */
        {self, FIRST_REF + 2, HOST, GNTST_general_error}, /* to another */
        {self, FIRST_REF + 3, HOST, GNTST_bad_page},      /* nothing is there */
    };
    uint32_t handle;

    grant(FIRST_REF, GTF_permit_access, self, gfn_of(pages[0]));
    grant(FIRST_REF + 1, 0, self, gfn_of(pages[0]));
    grant(FIRST_REF + 2, GTF_permit_access, (uint16_t)(self + 1), gfn_of(pages[0]));
    grant(FIRST_REF + 3, GTF_permit_access, self, map_address(0) / PAGE);
    for (uint32_t i = 0; i < COUNT(cases); i++) {
        int16_t status = map(cases[i].dom, cases[i].ref, cases[i].flags, map_address(0), &handle);

        if (status != cases[i].status) {
            test_fail("case %u: status %d, not %d", (unsigned)i, status, cases[i].status);
        }
        CHECK_EQUAL(entry(FIRST_REF)->flags, GTF_permit_access);
    }
}

static void long_arrays(void)
{
    static struct gnttab_map_grant_ref maps[40];
    static struct gnttab_unmap_grant_ref unmaps[40];

    for (uint32_t i = 0; i < 40; i++) {
        grant(FIRST_REF + i, GTF_permit_access, self, gfn_of(pages[i % PAGES]));
        maps[i] = (struct gnttab_map_grant_ref){
            .host_addr = map_address(i), .flags = HOST, .ref = FIRST_REF + i, .dom = self};
    }
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, maps, 40), 0);
    for (uint32_t i = 0; i < 40; i++) {
        CHECK_EQUAL(maps[i].status, GNTST_okay);
        *(volatile uint32_t *)(map_address(i) + 64u * i) = i;
        CHECK_EQUAL(((volatile uint32_t *)(uint64_t)pages[i % PAGES])[16u * i], i);
        unmaps[i] = (struct gnttab_unmap_grant_ref){.host_addr = map_address(i), .handle = maps[i].handle};
    }
    CHECK_EQUAL(grant_table_op(GNTTABOP_unmap_grant_ref, unmaps, 40), 0);
    for (uint32_t i = 0; i < 40; i++) {
        CHECK_EQUAL(unmaps[i].status, GNTST_okay);
        CHECK_EQUAL(entry(FIRST_REF + i)->flags, GTF_permit_access);
        grant(FIRST_REF + i, 0, 0, 0);
    }
}

static int16_t copy(uint16_t from, uint64_t source, uint16_t to, uint64_t dest, uint16_t flags, uint16_t offset)
{
    struct gnttab_copy op = {.flags = flags, .len = 3000};

    op.source.domid = from;
    op.source.u.gmfn = source;
    op.source.offset = offset;
    op.dest.domid = to;
    op.dest.u.gmfn = dest;
    op.dest.offset = 77;
    CHECK_EQUAL(grant_table_op(GNTTABOP_copy, &op, 1), 0);
    return op.status;
}

static void copies(void)
{
    grant(FIRST_REF, GTF_permit_access | GTF_readonly, self, gfn_of(pages[0]));
    grant(FIRST_REF + 1, GTF_permit_access, self, gfn_of(other));
    for (uint16_t form = 0; form < 4; form++) {
        bool source = (form & GNTCOPY_source_gref) != 0, dest = (form & GNTCOPY_dest_gref) != 0;

        for (uint32_t i = 0; i < PAGE; i++) {
            pages[0][i] = (uint8_t)(i * 7 + form);
        }
        memset(other, 0, PAGE);
        CHECK_EQUAL(copy(source ? self : DOMID_SELF, source ? FIRST_REF : gfn_of(pages[0]), dest ? self : DOMID_SELF,
                         dest ? FIRST_REF + 1 : gfn_of(other), form, 13),
                    GNTST_okay);
        CHECK_EQUAL(memcmp(&other[77], &pages[0][13], 3000), 0);
        CHECK_EQUAL(other[76] | other[3077], 0);
    }
    CHECK_EQUAL(copy(self, gfn_of(pages[0]), DOMID_SELF, gfn_of(other), 0, 0), (uint64_t)GNTST_permission_denied);
    CHECK_EQUAL(copy(999, FIRST_REF, DOMID_SELF, gfn_of(other), GNTCOPY_source_gref, 0), (uint64_t)GNTST_bad_domain);
    CHECK_EQUAL(copy(self, 1u << 24, DOMID_SELF, gfn_of(other), GNTCOPY_source_gref, 0), (uint64_t)GNTST_bad_gntref);
    CHECK_EQUAL(copy(DOMID_SELF, gfn_of(other), self, FIRST_REF, GNTCOPY_dest_gref, 0), (uint64_t)GNTST_general_error);
    CHECK_EQUAL(copy(DOMID_SELF, map_address(0) / PAGE, DOMID_SELF, gfn_of(other), 0, 0), (uint64_t)GNTST_bad_page);
    CHECK_EQUAL(copy(DOMID_SELF, gfn_of(other), DOMID_SELF, gfn_of(pages[0]), 0, 1097), (uint64_t)GNTST_bad_copy_arg);
    CHECK_EQUAL(entry(FIRST_REF)->flags, GTF_permit_access | GTF_readonly);
}

static void swaps(void)
{
    struct gnttab_swap_grant_ref op = {.ref_a = FIRST_REF, .ref_b = FIRST_REF + 1};

    grant(FIRST_REF, GTF_permit_access, self, 11);
    grant(FIRST_REF + 1, GTF_permit_access | GTF_readonly, self, 22);
    CHECK_EQUAL(grant_table_op(GNTTABOP_swap_grant_ref, &op, 1), 0);
    CHECK_EQUAL(op.status, GNTST_okay);
    CHECK_EQUAL(entry(FIRST_REF)->frame, 22);
    CHECK_EQUAL(entry(FIRST_REF + 1)->frame, 11);
    op.ref_a = 1u << 24;
    CHECK_EQUAL(grant_table_op(GNTTABOP_swap_grant_ref, &op, 1), 0);
    CHECK_EQUAL(op.status, (uint64_t)GNTST_bad_gntref);
}

static void what_arm_refuses(void)
{
    struct gnttab_transfer transfer = {.mfn = gfn_of(pages[0]), .domid = self, .ref = FIRST_REF};
    struct gnttab_unmap_and_replace replace = {.host_addr = map_address(0), .new_addr = map_address(1)};
    struct gnttab_get_status_frames frames = {.dom = DOMID_SELF, .nr_frames = 1};
    uint32_t handle = 0;

    grant(FIRST_REF, GTF_permit_access, self, gfn_of(pages[0]));
    CHECK_EQUAL(grant_table_op(GNTTABOP_transfer, &transfer, 1), EOPNOTSUPP);
    CHECK_EQUAL(map(self, FIRST_REF, HOST, map_address(0), &handle), GNTST_okay);
    replace.handle = handle;
    CHECK_EQUAL(grant_table_op(GNTTABOP_unmap_and_replace, &replace, 1), 0);
    CHECK_EQUAL(replace.status, (uint64_t)GNTST_general_error);
    CHECK_EQUAL(unmap(handle, map_address(0)), GNTST_okay);
    CHECK_EQUAL(grant_table_op(GNTTABOP_get_status_frames, &frames, 1), 0);
    CHECK_EQUAL(frames.status, (uint64_t)GNTST_general_error);
}

static void cache_maintenance(void)
{
    struct gnttab_cache_flush op = {.offset = 4000, .length = 97, .op = GNTTAB_CACHE_CLEAN};

    CHECK_EQUAL(grant_table_op(GNTTABOP_cache_flush, &op, 1), EINVAL);
    op = (struct gnttab_cache_flush){.length = 0};
    CHECK_EQUAL(grant_table_op(GNTTABOP_cache_flush, &op, 1), 0);
    op = (struct gnttab_cache_flush){.length = 8, .op = 4};
    CHECK_EQUAL(grant_table_op(GNTTABOP_cache_flush, &op, 1), EINVAL);
}

/* ---- two domains ---- */

static bool in_time(uint64_t deadline)
{
    return ticks() < deadline;
}

static uint64_t soon(void)
{
    return ticks() + 60u * ticks_per_second(); /* ends what hangs */
}

static volatile uint64_t *word(void *page, uint32_t i)
{
    return (volatile uint64_t *)page + i;
}

/* Page 0 is mapped by the peer, page 1 copied from, page 2 copied to. */
static void the_peer_uses_what_is_granted(void)
{
    uint64_t deadline = soon();

    *word(pages[0], 1) = ASKED;
    *word(pages[1], 1) = ASKED + 1;
    grant(FIRST_REF + 1, GTF_permit_access | GTF_readonly, peer, gfn_of(pages[1]));
    grant(FIRST_REF + 2, GTF_permit_access, peer, gfn_of(pages[2]));
    grant(FIRST_REF, GTF_permit_access, peer, gfn_of(pages[0]));
    while (*word(pages[0], 0) != ANSWERED && in_time(deadline)) {
    }
    CHECK_EQUAL(*word(pages[0], 0), ANSWERED);
    CHECK_EQUAL(*word(pages[2], 3), ANSWERED + 1);
    while (entry(FIRST_REF)->flags != GTF_permit_access && in_time(deadline)) { /* until it is unmapped */
    }
    CHECK_EQUAL(entry(FIRST_REF)->flags, GTF_permit_access);
    CHECK_EQUAL(entry(FIRST_REF + 1)->flags, GTF_permit_access | GTF_readonly);
    CHECK_EQUAL(entry(FIRST_REF + 2)->flags, GTF_permit_access);
}

static int16_t copy_words(uint16_t flags, uint32_t ref, uint32_t i)
{
    struct gnttab_copy op = {.flags = flags, .len = 8};

    op.source.domid = op.dest.domid = DOMID_SELF;
    op.source.offset = op.dest.offset = (uint16_t)(i * 8);
    op.source.u.gmfn = op.dest.u.gmfn = gfn_of(other);
    if ((flags & GNTCOPY_source_gref) != 0) {
        op.source.domid = peer;
        op.source.u.ref = ref;
    } else {
        op.dest.domid = peer;
        op.dest.u.ref = ref;
    }
    CHECK_EQUAL(grant_table_op(GNTTABOP_copy, &op, 1), 0);
    return op.status;
}

static void a_peers_frames_are_used(void)
{
    uint64_t deadline = soon();
    uint32_t handle = 0, wrong;
    void *page = (void *)map_address(0);

    while (map(peer, FIRST_REF, HOST, map_address(0), &handle) != GNTST_okay && in_time(deadline)) {
    }
    CHECK_EQUAL(*word(page, 1), ASKED);
    CHECK_EQUAL(map(peer, FIRST_REF + 1, HOST, map_address(1), &wrong), (uint64_t)GNTST_general_error);
    CHECK_EQUAL(copy_words(GNTCOPY_source_gref, FIRST_REF + 1, 1), GNTST_okay);
    CHECK_EQUAL(*word(other, 1), ASKED + 1);
    CHECK_EQUAL(copy_words(GNTCOPY_dest_gref, FIRST_REF + 1, 1), (uint64_t)GNTST_general_error);
    *word(other, 3) = ANSWERED + 1;
    CHECK_EQUAL(copy_words(GNTCOPY_dest_gref, FIRST_REF + 2, 3), GNTST_okay);
    *word(page, 0) = ANSWERED;
    CHECK_EQUAL(unmap(handle, map_address(0)), GNTST_okay);
    CHECK(probe_read(map_address(0), 8).faulted);
}

int main(uint64_t x0)
{
    static const struct test alone[] = {
        {"sizes_and_versions", sizes_and_versions},
        {"calls_fail_as_a_whole", calls_fail_as_a_whole},
        {"the_table_is_mapped", the_table_is_mapped},
        {"a_frame_is_mapped_and_unmapped", a_frame_is_mapped_and_unmapped},
        {"read_only_is_read_only", read_only_is_read_only},
        {"maps_that_are_refused", maps_that_are_refused},
        {"long_arrays", long_arrays},
        {"copies", copies},
        {"swaps", swaps},
        {"what_arm_refuses", what_arm_refuses},
        {"cache_maintenance", cache_maintenance},
    };
    static const struct test granter[] = {{"the_table_is_mapped", the_table_is_mapped},
                                          {"the_peer_uses_what_is_granted", the_peer_uses_what_is_granted}};
    static const struct test mapper[] = {{"a_peers_frames_are_used", a_peers_frames_are_used}};

    platform_init(x0);
    peer = (uint16_t)platform_argument("peer", 0);
    switch (platform_argument("role", 0)) {
    case 1:
        test_run(granter, COUNT(granter));
    case 2:
        test_run(mapper, COUNT(mapper));
    default:
        test_run(alone, COUNT(alone));
    }
}
