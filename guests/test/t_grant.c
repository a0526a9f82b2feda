/* SPDX-License-Identifier: Apache-2.0 */
/* t_grant: grant tables, version 1, with this domain as both ends.  Boot argument: own=DOMID of this domain (1).
 * [itest->dsn~grant-frames~1] [itest->dsn~grant-op~1] [itest->dsn~grant-map~1] [itest->dsn~grant-unmap~1]
 * [itest->dsn~grant-copy~1] */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/string.h>
#include <guest/test.h>

#include <stddef.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

#include "probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE         4096u
#define TABLE_AT     (platform.grant_base)
#define MAP_AT       (platform.grant_base + 0x800000) /* nothing lies there until it is mapped */
#define FIRST_REF    16u
#define REFS_A_FRAME (PAGE / sizeof(grant_entry_v1_t))
#define IN_USE       (GTF_reading | GTF_writing)

static uint8_t pages[4][PAGE] __attribute__((aligned(4096)));
static domid_t own;

static volatile grant_entry_v1_t *entry(uint32_t ref)
{
    return (volatile grant_entry_v1_t *)TABLE_AT + ref;
}

static uint64_t frame_of(const void *page)
{
    return (uint64_t)page >> 12;
}

static void grant(uint32_t ref, const void *page, uint16_t flags)
{
    entry(ref)->domid = own;
    entry(ref)->frame = (uint32_t)frame_of(page);
    __asm__ volatile("dmb ish" ::: "memory");
    entry(ref)->flags = GTF_permit_access | flags;
}

/* The marks are gone, so the grant can be taken back. */
static bool revoke(uint32_t ref)
{
    if ((entry(ref)->flags & IN_USE) != 0) {
        return false;
    }
    entry(ref)->flags = 0;
    return true;
}

static int16_t map(uint32_t ref, uint64_t at, uint32_t flags, uint32_t *handle)
{
    struct gnttab_map_grant_ref request = {.host_addr = at, .flags = flags, .ref = ref, .dom = own};

    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, &request, 1), 0);
    *handle = request.handle;
    return request.status;
}

static int16_t unmap(uint64_t at, uint32_t handle)
{
    struct gnttab_unmap_grant_ref request = {.host_addr = at, .handle = handle};

    CHECK_EQUAL(grant_table_op(GNTTABOP_unmap_grant_ref, &request, 1), 0);
    return request.status;
}

static int64_t add_table_frame(uint64_t index)
{
    struct xen_add_to_physmap request = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_grant_table,
        .idx = index,
        .gpfn = (TABLE_AT >> 12) + index,
    };

    return memory_op(XENMEM_add_to_physmap, &request);
}

static void frames_are_mapped(void)
{
    struct probe probe = probe_read(TABLE_AT, 8);

    CHECK(probe.faulted);
    CHECK_EQUAL(add_table_frame(0), 0);
    CHECK_EQUAL(add_table_frame(1), 0);
    for (uint32_t ref = FIRST_REF; ref < 2 * REFS_A_FRAME; ref++) {
        CHECK_EQUAL(entry(ref)->flags, 0);
    }
    CHECK(add_table_frame(100000) < 0);
}

static void version_and_size(void)
{
    struct gnttab_get_version version = {.dom = DOMID_SELF};
    struct gnttab_query_size size = {.dom = DOMID_SELF};

    CHECK_EQUAL(grant_table_op(GNTTABOP_get_version, &version, 1), 0);
    CHECK_EQUAL(version.version, 1);
    CHECK_EQUAL(grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    CHECK_EQUAL(size.status, GNTST_okay);
    CHECK(size.nr_frames >= 2);
    CHECK(size.max_nr_frames >= size.nr_frames);
}

static void mapping_shows_the_frame(void)
{
    uint32_t handle;

    memset(pages[0], 0x11, PAGE);
    grant(FIRST_REF, pages[0], 0);
    CHECK_EQUAL(map(FIRST_REF, MAP_AT, GNTMAP_host_map, &handle), GNTST_okay);
    CHECK_EQUAL(entry(FIRST_REF)->flags & IN_USE, IN_USE);
    CHECK_EQUAL(*(volatile uint8_t *)MAP_AT, 0x11);
    *(volatile uint64_t *)(MAP_AT + 8) = 0x1234;
    CHECK_EQUAL(*(volatile uint64_t *)&pages[0][8], 0x1234);
    CHECK(!revoke(FIRST_REF));
    CHECK_EQUAL(unmap(MAP_AT, handle), GNTST_okay);
    CHECK(revoke(FIRST_REF));
}

static void nothing_is_left_after_unmap(void)
{
    struct probe probe;
    uint32_t handle;

    grant(FIRST_REF, pages[0], 0);
    CHECK_EQUAL(map(FIRST_REF, MAP_AT, GNTMAP_host_map, &handle), GNTST_okay);
    (void)*(volatile uint8_t *)MAP_AT;
    CHECK_EQUAL(unmap(MAP_AT, handle), GNTST_okay);
    probe = probe_read(MAP_AT, 4);
    check_abort(&probe, EC_DABT, MAP_AT);
    CHECK(unmap(MAP_AT, handle) < 0);
    CHECK(revoke(FIRST_REF));
}

static void read_only_stays_read_only(void)
{
    struct probe probe;
    uint32_t handle;

    memset(pages[1], 0x22, PAGE);
    grant(FIRST_REF, pages[1], GTF_readonly);
    CHECK(map(FIRST_REF, MAP_AT, GNTMAP_host_map, &handle) < 0);
    CHECK_EQUAL(map(FIRST_REF, MAP_AT, GNTMAP_host_map | GNTMAP_readonly, &handle), GNTST_okay);
    CHECK_EQUAL(entry(FIRST_REF)->flags & IN_USE, GTF_reading);
    CHECK_EQUAL(*(volatile uint8_t *)MAP_AT, 0x22);
    probe = probe_write(MAP_AT, 1, 0x33);
    CHECK(probe.faulted);
    CHECK_EQUAL(ESR_EC(probe.frame.esr), EC_DABT);
    CHECK_EQUAL(*(volatile uint8_t *)pages[1], 0x22);
    CHECK_EQUAL(unmap(MAP_AT, handle), GNTST_okay);
    CHECK(revoke(FIRST_REF));
}

static void maps_that_are_refused(void)
{
    struct gnttab_map_grant_ref request = {.host_addr = MAP_AT, .flags = GNTMAP_host_map, .dom = 1000};
    uint32_t handle;

    entry(FIRST_REF)->flags = 0;
    CHECK(map(FIRST_REF, MAP_AT, GNTMAP_host_map, &handle) < 0);
    CHECK(map(UINT32_MAX, MAP_AT, GNTMAP_host_map, &handle) < 0);
    grant(FIRST_REF, pages[0], 0);
    entry(FIRST_REF)->domid = 77;
    CHECK(map(FIRST_REF, MAP_AT, GNTMAP_host_map, &handle) < 0);
    grant(FIRST_REF, (void *)NOTHING_DEVICE, 0);
    CHECK(map(FIRST_REF, MAP_AT, GNTMAP_host_map, &handle) < 0);
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, &request, 1), 0);
    CHECK_EQUAL(request.status, GNTST_bad_domain);
    CHECK_EQUAL(entry(FIRST_REF)->flags & IN_USE, 0);
    CHECK(unmap(MAP_AT, 12345) < 0);
    entry(FIRST_REF)->flags = 0;
}

static void many_in_one_call(void)
{
    static struct gnttab_map_grant_ref maps[40];
    static struct gnttab_unmap_grant_ref unmaps[40];

    grant(FIRST_REF, pages[2], 0);
    memset(pages[2], 0x44, PAGE);
    for (uint32_t i = 0; i < COUNT(maps); i++) {
        maps[i] = (struct gnttab_map_grant_ref){
            .host_addr = MAP_AT + i * PAGE, .flags = GNTMAP_host_map, .ref = FIRST_REF, .dom = own};
    }
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, maps, COUNT(maps)), 0);
    for (uint32_t i = 0; i < COUNT(maps); i++) {
        CHECK_EQUAL(maps[i].status, GNTST_okay);
        CHECK_EQUAL(*(volatile uint8_t *)(MAP_AT + i * PAGE), 0x44);
        unmaps[i] = (struct gnttab_unmap_grant_ref){.host_addr = maps[i].host_addr, .handle = maps[i].handle};
    }
    CHECK_EQUAL(grant_table_op(GNTTABOP_unmap_grant_ref, unmaps, COUNT(unmaps)), 0);
    for (uint32_t i = 0; i < COUNT(maps); i++) {
        struct probe probe = probe_read(MAP_AT + i * PAGE, 1);

        CHECK_EQUAL(unmaps[i].status, GNTST_okay);
        check_abort(&probe, EC_DABT, MAP_AT + i * PAGE);
    }
    CHECK(revoke(FIRST_REF));
}

/* way: bit 0 the source is a grant, bit 1 the destination is */
static int16_t copy(uint32_t way, uint16_t from, uint16_t to, uint16_t bytes)
{
    struct gnttab_copy request = {.len = bytes};

    request.source.domid = (way & 1) != 0 ? own : DOMID_SELF;
    request.dest.domid = (way & 2) != 0 ? own : DOMID_SELF;
    request.source.offset = from;
    request.dest.offset = to;
    request.flags =
        (uint16_t)((way & 1) != 0 ? GNTCOPY_source_gref : 0) | (uint16_t)((way & 2) != 0 ? GNTCOPY_dest_gref : 0);
    if ((way & 1) != 0) {
        request.source.u.ref = FIRST_REF;
    } else {
        request.source.u.gmfn = frame_of(pages[0]);
    }
    if ((way & 2) != 0) {
        request.dest.u.ref = FIRST_REF + 1;
    } else {
        request.dest.u.gmfn = frame_of(pages[1]);
    }
    CHECK_EQUAL(grant_table_op(GNTTABOP_copy, &request, 1), 0);
    return request.status;
}

static void copies_bytes_in_all_ways(void)
{
    for (uint32_t way = 0; way < 4; way++) {
        grant(FIRST_REF, pages[0], GTF_readonly);
        grant(FIRST_REF + 1, pages[1], 0);
        for (uint32_t i = 0; i < PAGE; i++) {
            pages[0][i] = (uint8_t)(i * 7 + way);
            pages[1][i] = 0xee;
        }
        CHECK_EQUAL(copy(way, 100, 200, 1000), GNTST_okay);
        CHECK_EQUAL(memcmp(&pages[0][100], &pages[1][200], 1000), 0);
        CHECK_EQUAL(pages[1][199], 0xee);
        CHECK_EQUAL(pages[1][1200], 0xee);
        CHECK(revoke(FIRST_REF));
        CHECK(revoke(FIRST_REF + 1));
    }
}

static void copies_that_are_refused(void)
{
    grant(FIRST_REF, pages[0], 0);
    grant(FIRST_REF + 1, pages[1], GTF_readonly);
    CHECK(copy(0, 4000, 0, 97) < 0);
    CHECK(copy(0, 0, 4000, 97) < 0);
    CHECK(copy(0, 5000, 0, 1) < 0);
    CHECK(copy(2, 0, 0, 16) < 0); /* into a read-only grant */
    entry(FIRST_REF)->flags = 0;
    CHECK(copy(1, 0, 0, 16) < 0);
    CHECK(revoke(FIRST_REF + 1));
}

static void calls_that_are_refused(void)
{
    struct gnttab_map_grant_ref request = {.dom = own};
    int64_t result = grant_table_op(77, &request, 1);

    CHECK(result == -XEN_ENOSYS);
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, (void *)NOTHING_NORMAL, 1), -XEN_EFAULT);
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, &request, 0x80000001), -XEN_EINVAL);
    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, &request, 0), 0);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"frames_are_mapped", frames_are_mapped},
        {"version_and_size", version_and_size},
        {"mapping_shows_the_frame", mapping_shows_the_frame},
        {"nothing_is_left_after_unmap", nothing_is_left_after_unmap},
        {"read_only_stays_read_only", read_only_stays_read_only},
        {"maps_that_are_refused", maps_that_are_refused},
        {"many_in_one_call", many_in_one_call},
        {"copies_bytes_in_all_ways", copies_bytes_in_all_ways},
        {"copies_that_are_refused", copies_that_are_refused},
        {"calls_that_are_refused", calls_that_are_refused},
    };

    platform_init(x0);
    own = (domid_t)platform_argument("own", 1);
    test_run(tests, COUNT(tests));
}
