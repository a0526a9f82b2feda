/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/hypercall.h>
#include <guest/platform.h>

#include <xen/grant_table.h>
#include <xen/memory.h>

#include "grants.h"

#define PAGE        4096u
#define REF         8u /* behind the reserved ones */
#define DOMIDS      130u
#define TABLE_PAGE  0u /* in the region for grants */
#define MAP_PAGE    256u
#define SECOND_PAGE 512u

uint64_t bench_call(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t number);

static uint8_t granted[PAGE] __attribute__((aligned(4096)));
static uint8_t copied[PAGE] __attribute__((aligned(4096)));
static uint16_t self;
static struct gnttab_map_grant_ref map_op;
static struct gnttab_unmap_grant_ref unmap_op;
static struct gnttab_copy copy_op;
static struct xen_add_to_physmap add_op;

static uint64_t address(uint32_t page)
{
    return platform.grant_base + (uint64_t)page * PAGE;
}

static void fill_map(void)
{
    map_op = (struct gnttab_map_grant_ref){
        .host_addr = address(MAP_PAGE), .flags = GNTMAP_host_map, .ref = REF, .dom = self};
}

static void fill_unmap(void)
{
    unmap_op = (struct gnttab_unmap_grant_ref){.host_addr = address(MAP_PAGE), .handle = map_op.handle};
}

static void fill_add(uint32_t page)
{
    add_op = (struct xen_add_to_physmap){
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = address(page) / PAGE};
}

/* A domain is not told its number: the one whose grant to itself can be mapped is it. */
static bool find_self(volatile struct grant_entry_v1 *entry)
{
    for (self = 1; self < DOMIDS; self++) {
        entry->domid = self;
        entry->frame = (uint32_t)((uint64_t)granted / PAGE);
        __asm__ volatile("dmb ish" ::: "memory");
        entry->flags = GTF_permit_access;
        fill_map();
        if (grant_table_op(GNTTABOP_map_grant_ref, &map_op, 1) == 0 && map_op.status == GNTST_okay) {
            fill_unmap();
            return grant_table_op(GNTTABOP_unmap_grant_ref, &unmap_op, 1) == 0;
        }
    }
    return false;
}

bool grants_prepare(void)
{
    fill_add(TABLE_PAGE);
    return memory_op(XENMEM_add_to_physmap, &add_op) == 0 &&
           find_self((volatile struct grant_entry_v1 *)address(TABLE_PAGE) + REF);
}

uint64_t grants_map(void)
{
    uint64_t took;

    fill_map();
    took = bench_call(GNTTABOP_map_grant_ref, (uint64_t)&map_op, 1, __HYPERVISOR_grant_table_op);
    fill_unmap();
    (void)grant_table_op(GNTTABOP_unmap_grant_ref, &unmap_op, 1);
    return took;
}

uint64_t grants_unmap(void)
{
    fill_map();
    (void)grant_table_op(GNTTABOP_map_grant_ref, &map_op, 1);
    fill_unmap();
    return bench_call(GNTTABOP_unmap_grant_ref, (uint64_t)&unmap_op, 1, __HYPERVISOR_grant_table_op);
}

uint64_t grants_copy_page(void)
{
    copy_op = (struct gnttab_copy){
        .source = {.domid = self}, .dest = {.domid = DOMID_SELF}, .len = PAGE, .flags = GNTCOPY_source_gref};
    copy_op.source.u.ref = REF;
    copy_op.dest.u.gmfn = (uint64_t)copied / PAGE;
    return bench_call(GNTTABOP_copy, (uint64_t)&copy_op, 1, __HYPERVISOR_grant_table_op);
}

uint64_t grants_add_to_physmap(void)
{
    struct xen_remove_from_physmap remove_op = {.domid = DOMID_SELF, .gpfn = address(SECOND_PAGE) / PAGE};
    uint64_t took;

    fill_add(SECOND_PAGE);
    took = bench_call(XENMEM_add_to_physmap, (uint64_t)&add_op, 0, __HYPERVISOR_memory_op);
    (void)memory_op(XENMEM_remove_from_physmap, &remove_op);
    return took;
}
