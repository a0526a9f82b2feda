/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of domains that are created later: who may not create gets none of it, and who may gets all of it, no more,
 * and nothing that only the launch gives.
 * [itest->dsn~dynamic-domains~1, dsn~dynamic-memory~1, dsn~dynamic-cpus~1, dsn~dynamic-ordinary~1] */
#include "t_roles.h"

#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/test.h>

#include <xen/memory.h>
#include <xen/sysctl.h>

#define GFN        UINT64_C(0x40000)
#define NOBODY     99u
#define FRAMES_MAX 65536u /* a budget has less */

static int64_t create(uint16_t domid, uint32_t vcpus)
{
    memset(&request, 0, sizeof(request));
    request.u.createdomain = (struct xen_domctl_createdomain){.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                                                              .max_vcpus = vcpus,
                                                              .max_grant_frames = -1,
                                                              .max_maptrack_frames = -1};
    return domctl(XEN_DOMCTL_createdomain, domid);
}

static int64_t add_vcpus(uint16_t domid, uint32_t vcpus)
{
    memset(&request, 0, sizeof(request));
    request.u.max_vcpus.max = vcpus;
    return domctl(XEN_DOMCTL_max_vcpus, domid);
}

static int64_t limit_memory(uint16_t domid, uint64_t kib)
{
    memset(&request, 0, sizeof(request));
    request.u.max_mem.max_memkb = kib;
    return domctl(XEN_DOMCTL_max_mem, domid);
}

static int64_t grow_tables(uint16_t domid, uint64_t bytes)
{
    memset(&request, 0, sizeof(request));
    request.u.paging_mempool.size = bytes;
    return domctl(XEN_DOMCTL_set_paging_mempool_size, domid);
}

static int64_t run_on(uint16_t domid, uint64_t cpus)
{
    memset(&request, 0, sizeof(request));
    request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    request.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)&cpus);
    return domctl(XEN_DOMCTL_setvcpuaffinity, domid);
}

/* Frames of the budget that are left. */
static uint64_t left(void)
{
    struct xen_sysctl sysctl = {.cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};

    CHECK_EQUAL(hypercall2(__HYPERVISOR_sysctl, (uint64_t)&sysctl, 0), OK);
    return sysctl.u.physinfo.outstanding_pages;
}

/* ---- who may not create ---- */

static void none_of_it(void)
{
    CHECK_EQUAL(create(0, 1), EPERM);
    CHECK_EQUAL(create(NOBODY, 1), EPERM);
    CHECK_EQUAL(create((uint16_t)platform_argument("last", 1), 1), EPERM);
    for (uint64_t domid = platform_argument("later", NOBODY); domid <= NOBODY; domid++) { /* there by now, or not */
        int64_t result = reservation(XENMEM_populate_physmap, (uint16_t)domid, GFN);

        CHECK(result == EPERM || result == ESRCH);
        CHECK_EQUAL(limit_memory((uint16_t)domid, UINT64_MAX), EPERM);
        CHECK_EQUAL(add_vcpus((uint16_t)domid, 1), EPERM);
        CHECK_EQUAL(grow_tables((uint16_t)domid, UINT64_C(1) << 40), EPERM);
    }
}

/* What an initial domain gives up is kept for it, whoever takes all there is. */
void its_own_page_comes_back(void)
{
    uint64_t gfn = (uint64_t)page / PAGE;

    CHECK_EQUAL(reservation(XENMEM_decrease_reservation, DOMID_SELF, gfn), 1);
    CHECK_EQUAL(reservation(XENMEM_populate_physmap, DOMID_SELF, gfn), 1);
    page[0] = 1;
    CHECK_EQUAL(page[0], 1);
}

/* ---- who may ---- */

static void no_wrong_domain(uint32_t vcpus)
{
    for (uint16_t domid = 1; domid <= (uint16_t)platform_argument("last", 1); domid++) {
        CHECK_EQUAL(create(domid, 1), EINVAL);
    }
    CHECK_EQUAL(create(NOBODY, 1), EINVAL);
    CHECK_EQUAL(create(0, 0), EINVAL);
    CHECK_EQUAL(create(0, vcpus + 1), ENOSPC);
    CHECK_EQUAL(create(0, UINT32_MAX), EINVAL);
}

static void nothing_special(uint16_t domid)
{
    static const struct bulkhead_domain special[] = {
        {.name = "x", .flags = BULKHEAD_DOMAIN_SAFE},         {.name = "x", .flags = BULKHEAD_DOMAIN_DIRECT},
        {.name = "x", .flags = BULKHEAD_DOMAIN_PARTITION(1)}, {.name = "x", .role = BULKHEAD_ROLE_HARDWARE},
        {.name = "x", .role = BULKHEAD_ROLE_CONTROL},
    };
    struct bulkhead_populate chosen = {.domid = domid, .mfn = 0x80000, .gfn = GFN, .count = 1};
    struct bulkhead_move mine = {
        .domid = domid, .tail_bytes = PAGE, .from = (uint64_t)page / PAGE, .to = GFN, .count = 1};
    struct bulkhead_health health = {.domid = domid, .fallback = BULKHEAD_ACTION_PLATFORM};

    for (uint32_t i = 0; i < COUNT(special); i++) {
        struct bulkhead_domain arg = special[i];

        arg.domid = domid;
        CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_SET_DOMAIN, &arg), EPERM);
    }
    memset(health.action, BULKHEAD_ACTION_PLATFORM, BULKHEAD_EVENT_COUNT);
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_SET_HEALTH, &health), EINVAL);
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_POPULATE_STATIC, &chosen), EPERM);
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_MOVE_FRAMES, &mine), EPERM);
    for (uint64_t cpu = 1; cpu <= 3; cpu++) { /* of safe domains, its own too */
        CHECK_EQUAL(run_on(domid, UINT64_C(1) << cpu), EINVAL);
    }
}

/* Frames for one domain until there are no more: not for its tables, nor for vCPUs of another one. */
static void all_memory(uint16_t domid, uint16_t other)
{
    uint64_t frames = 0;

    CHECK_EQUAL(limit_memory(domid, UINT64_MAX), OK);
    while (frames < FRAMES_MAX && reservation(XENMEM_populate_physmap, domid, GFN + frames) == 1) {
        frames++;
    }
    CHECK(frames > 0 && frames < FRAMES_MAX);
    CHECK_EQUAL(left(), 0);
    CHECK_EQUAL(limit_memory(other, UINT64_MAX), OK);
    CHECK_EQUAL(reservation(XENMEM_populate_physmap, other, GFN), 0);
    CHECK_EQUAL(grow_tables(other, UINT64_C(1) << 40), ENOMEM);
    CHECK_EQUAL(add_vcpus(other, 1), ENOMEM);
    print("t_roles: the budget is spent, the last %u frames by one domain\n", (unsigned)frames);
}

static void all_of_it(void)
{
    uint32_t domains = (uint32_t)platform_argument("domains", 2), vcpus = (uint32_t)platform_argument("vcpus", 3);
    uint64_t budget = left();
    uint16_t made[2] = {0, 0};

    no_wrong_domain(vcpus);
    CHECK_EQUAL(left(), budget);
    for (uint32_t i = 0; i < domains && i < COUNT(made); i++) {
        CHECK_EQUAL(create(0, (i == 0) ? vcpus - domains + 1 : 1), OK);
        made[i] = request.domain;
        CHECK_EQUAL(create(0, vcpus - domains + 1), ENOSPC); /* so many vCPUs are not left, and in the end no number */
        CHECK_EQUAL(create(made[i], 1), EEXIST);
    }
    CHECK_EQUAL(create(0, 1), ENOSPC);
    CHECK_EQUAL(add_vcpus(made[0], vcpus), EINVAL);
    CHECK_EQUAL(add_vcpus(made[0], vcpus - domains + 1), OK);
    nothing_special(made[0]);
    all_memory(made[0], made[1]);
}

void nothing_is_created_beyond_what_the_launch_set_aside(void)
{
    if (is_control) {
        all_of_it();
    } else {
        none_of_it();
        its_own_page_comes_back();
    }
}
