/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of other domains in an address space of one's own: guest-physical is virtual. */
#include "hyper.h"

#include <xen/xen.h>
#include <xen/memory.h>

#include <guest/hypercall.h>

#include "guest_layout.h"

int64_t hyper_map(uint16_t domid, uint64_t gfn, uint64_t to, uint32_t pages)
{
    static xen_ulong_t from_gfns[HYPER_MAP_MAX];
    static xen_pfn_t to_gfns[HYPER_MAP_MAX];
    static int errors[HYPER_MAP_MAX];

    for (uint32_t i = 0; i < pages; i++) {
        from_gfns[i] = gfn + i;
        to_gfns[i] = to / LAYOUT_PAGE + i;
        errors[i] = 0;
    }
    struct xen_add_to_physmap_batch op = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = (uint16_t)pages, .u.foreign_domid = domid};
    set_xen_guest_handle(op.idxs, from_gfns);
    set_xen_guest_handle(op.gpfns, to_gfns);
    set_xen_guest_handle(op.errs, errors);
    int64_t result = memory_op(XENMEM_add_to_physmap_batch, &op);
    for (uint32_t i = 0; i < pages && result == 0; i++) {
        result = errors[i];
    }
    return result;
}

int64_t hyper_unmap(uint64_t to, uint32_t pages)
{
    int64_t result = 0;

    for (uint32_t i = 0; i < pages; i++) {
        struct xen_remove_from_physmap op = {.domid = DOMID_SELF, .gpfn = to / LAYOUT_PAGE + i};
        int64_t one = memory_op(XENMEM_remove_from_physmap, &op);
        result = (result == 0) ? one : result;
    }
    return result;
}

void *hyper_pointer(uint64_t gaddr)
{
    return (void *)(uintptr_t)gaddr;
}
