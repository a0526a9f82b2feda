/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "launch_world.h"
#include "arch/contract/arch.h"

#include <string.h>

#include <xen/memory.h>
#include <xen/sched.h>

struct vcpu *boot;

int launch_start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    return 0;
}

int64_t builder_seals(uint16_t domid, uint64_t gfn, uint64_t count)
{
    struct bulkhead_seal s = {.domid = domid, .gfn = gfn, .count = count};

    return do_bulkhead(boot, (count != 0u) ? BULKHEAD_OP_SEAL_IMAGE : BULKHEAD_OP_SEAL_LAUNCH, &s);
}

struct bulkhead_health health_of(uint16_t domid, uint8_t crash, uint32_t max)
{
    struct bulkhead_health h = {.domid = domid, .fallback = BULKHEAD_ACTION_HALT, .max_restarts = max};

    h.within = UINT64_C(1000000000);
    for (uint32_t i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        h.action[i] = crash;
    }
    h.action[BULKHEAD_EVENT_POWEROFF] = BULKHEAD_ACTION_HALT;
    return h;
}

/* What the builder put at gfn of domid. */
static uint64_t pristine(uint16_t domid, uint64_t page, uint64_t word)
{
    return ((uint64_t)domid << 48) + (page << 16) + word * 3u + 1u;
}

static void fill_image(uint16_t domid)
{
    for (uint64_t p = 0; p < IMAGE_PAGES; p++) {
        uint64_t *page = world_page(domid, RAM_GFN + 3u + p);
        for (uint64_t i = 0; i < 512u; i++) {
            page[i] = pristine(domid, p, i);
        }
        arch_clean(MFN(world_look(domid, RAM_GFN + 3u + p).mfn.v), 1);
    }
}

void check_pristine(uint16_t domid)
{
    for (uint64_t p = 0; p < RAM_PAGES; p++) {
        const uint64_t *page = world_page(domid, RAM_GFN + p);
        bool image = p >= 3u && p < 3u + IMAGE_PAGES;

        assert_int_equal(world_look(domid, RAM_GFN + p).mapping, MAPPING_RAM);
        for (uint64_t i = 0; i < 512u; i++) {
            uint64_t wanted = image ? pristine(domid, p - 3u, i) : 0u;
            if (page[i] != wanted) {
                fail_msg("page %u word %u", (unsigned)p, (unsigned)i);
            }
        }
    }
}

/* A domain with a grant table, sealed, its images filled; crash restarts it. */
uint16_t sealed_domain(const char *name, uint32_t max)
{
    uint16_t domid = world_domain(boot, name, 4, 4);
    struct bulkhead_health h = health_of(domid, BULKHEAD_ACTION_RESTART, max);

    fill_image(domid);
    assert_int_equal(builder_seals(domid, RAM_GFN + 3u, IMAGE_PAGES), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_HEALTH, &h), OK);
    assert_int_equal(builder_seals(domid, 0, 0), OK);
    return domid;
}

void shut_down(uint16_t domid, uint32_t reason)
{
    struct sched_shutdown s = {.reason = reason};

    assert_int_equal(hypercall(vcpu_of(domid, 0), __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&s), 0), OK);
}

/* Until domid runs again, or stopped for good. */
void wait_for(uint16_t domid)
{
    for (uint32_t i = 0; i < 100000u; i++) {
        (void)cpu_runs(vcpu_of(domid, 0)->home);
        if (domain_of(domid)->restarting == RESTART_NONE) {
            return;
        }
        for (uint32_t c = 0; c < HOST_CPUS; c++) {
            (void)cpu_runs(c);
        }
    }
    fail_msg("it does not come back");
}

void dirty(uint16_t domid)
{
    for (uint64_t p = 0; p < RAM_PAGES; p += 5u) {
        if (world_look(domid, RAM_GFN + p).mapping == MAPPING_RAM) {
            memset(world_page(domid, RAM_GFN + p), 0x5a, PAGE_SIZE);
        }
    }
}

uint64_t give_up(uint16_t domid, uint64_t gfn)
{
    xen_pfn_t extent = gfn;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    uint64_t mfn = world_look(domid, gfn).mfn.v;

    r.extent_start.p = &extent;
    assert_int_equal(do_memory(vcpu_of(domid, 0), XENMEM_decrease_reservation, &r), 1);
    return mfn;
}

int64_t take_back(uint16_t domid, uint64_t gfn)
{
    xen_pfn_t extent = gfn;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    r.extent_start.p = &extent;
    return do_memory(vcpu_of(domid, 0), XENMEM_populate_physmap, &r);
}
