/* SPDX-License-Identifier: Apache-2.0 */
#include "hyper.h"

#include <stddef.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/domctl.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>

#include <guest/hypercall.h>

#include "guest_layout.h"

#define POPULATE_BATCH 512u
#define MAPPING_BATCH  64u /* pages of registers that are mapped at once, as on Xen */
#define ORDER_1G       18u
#define ORDER_2M       9u
#define KIB            1024u

_Static_assert(LAYOUT_GICD_BASE == GUEST_GICV3_GICD_BASE && LAYOUT_GICD_SIZE == GUEST_GICV3_GICD_SIZE, "Xen's layout");
_Static_assert(LAYOUT_GICR_BASE == GUEST_GICV3_GICR0_BASE, "Xen's layout");
_Static_assert(LAYOUT_PL011_BASE == GUEST_PL011_BASE && LAYOUT_PL011_SIZE == GUEST_PL011_SIZE, "Xen's layout");
_Static_assert(LAYOUT_GNTTAB_BASE == GUEST_GNTTAB_BASE && LAYOUT_GNTTAB_SIZE == GUEST_GNTTAB_SIZE, "Xen's layout");
_Static_assert(LAYOUT_MAGIC_BASE == GUEST_MAGIC_BASE && LAYOUT_MAGIC_SIZE == GUEST_MAGIC_SIZE, "Xen's layout");
_Static_assert(LAYOUT_RAM0_BASE == GUEST_RAM0_BASE && LAYOUT_RAM0_SIZE == GUEST_RAM0_SIZE, "Xen's layout");
_Static_assert(LAYOUT_RAM1_BASE == GUEST_RAM1_BASE && LAYOUT_RAM1_SIZE == GUEST_RAM1_SIZE, "Xen's layout");
_Static_assert(LAYOUT_TIMER_VIRT_PPI == GUEST_TIMER_VIRT_PPI && LAYOUT_TIMER_PHYS_S_PPI == GUEST_TIMER_PHYS_S_PPI &&
                   LAYOUT_TIMER_PHYS_NS_PPI == GUEST_TIMER_PHYS_NS_PPI,
               "Xen's layout");
_Static_assert(LAYOUT_EVTCHN_PPI == GUEST_EVTCHN_PPI && LAYOUT_PL011_SPI == GUEST_VPL011_SPI, "Xen's layout");
_Static_assert(LAYOUT_MAX_VCPUS == GUEST_MAX_VCPUS, "Xen's layout");
_Static_assert(BOARD_MAX_CPUS == 64, "an affinity is one 64-bit word");

static int64_t domctl(struct xen_domctl *op, uint32_t cmd, uint16_t domid)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    return domctl_op(op);
}

int64_t hyper_create(const struct plan_domain *domain, uint16_t *domid)
{
    struct xen_domctl op = {0};

    op.u.createdomain = (struct xen_domctl_createdomain){
        .handle = {[sizeof(xen_domain_handle_t) - 1] = (uint8_t)*domid}, /* Xen's tools tell domains apart by it */
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .ssidref = domain->label,
        .max_vcpus = domain->vcpus,
        .max_evtchn_port = LAUNCH_MAX_PORT,
        .max_grant_frames = (int32_t)domain->grant_frames,
        .max_maptrack_frames = (int32_t)domain->maptrack_frames,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
        .arch = {.gic_version = XEN_DOMCTL_CONFIG_GIC_V3, .nr_spis = domain->spis},
    };
    int64_t result = domctl(&op, XEN_DOMCTL_createdomain, *domid);
    *domid = op.domain;
    return result;
}

int64_t hyper_destroy(uint16_t domid)
{
    struct xen_domctl op = {0};
    int64_t result = domctl(&op, XEN_DOMCTL_destroydomain, domid);

    return (result == -XEN_ESRCH) ? 0 : result; /* a call that was restarted may find the domain gone already */
}

int64_t hyper_unpause(uint16_t domid)
{
    struct xen_domctl op = {0};

    return domctl(&op, XEN_DOMCTL_unpausedomain, domid);
}

int64_t hyper_set_paging(uint16_t domid, uint64_t bytes)
{
    struct xen_domctl op = {0};

    op.u.paging_mempool.size = bytes;
    return domctl(&op, XEN_DOMCTL_set_paging_mempool_size, domid);
}

int64_t hyper_set_max_memory(uint16_t domid, uint64_t bytes)
{
    struct xen_domctl op = {0};

    op.u.max_mem.max_memkb = bytes / KIB;
    return domctl(&op, XEN_DOMCTL_max_mem, domid);
}

int64_t hyper_set_vcpus(uint16_t domid, uint32_t count)
{
    struct xen_domctl op = {0};

    op.u.max_vcpus.max = count;
    return domctl(&op, XEN_DOMCTL_max_vcpus, domid);
}

int64_t hyper_set_identity(uint16_t domid, const struct plan_domain *domain)
{
    struct bulkhead_domain op = {.domid = domid, .role = (uint16_t)domain->role, .flags = domain->flags};

    memcpy(op.name, domain->name, sizeof(op.name));
    return bulkhead_op(BULKHEAD_OP_SET_DOMAIN, &op);
}

int64_t hyper_set_affinity(uint16_t domid, uint32_t vcpu, uint64_t cpus)
{
    struct xen_domctl op = {0};
    uint64_t map = cpus; /* little endian: bit n of the bitmap is CPU n */

    op.u.vcpuaffinity.vcpu = vcpu;
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)&map);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = BOARD_MAX_CPUS;
    return domctl(&op, XEN_DOMCTL_setvcpuaffinity, domid);
}

int64_t hyper_set_reservation(uint16_t domid, const struct plan_domain *domain)
{
    struct xen_domctl op = {0};

    op.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    op.u.scheduler_op.u.rtds = (struct xen_domctl_sched_rtds){
        .period = domain->period,
        .budget = domain->budget,
        .flags = domain->extra_time ? XEN_DOMCTL_SCHEDRT_extra : 0,
    };
    return domctl(&op, XEN_DOMCTL_scheduler_op, domid);
}

int64_t hyper_set_pool(uint32_t pool, const struct plan_pool *description)
{
    struct bulkhead_pool op = {
        .pool = pool, .policy = description->policy, .cpus = description->cpus, .guard = description->guard};

    return bulkhead_op(BULKHEAD_OP_SET_POOL, &op);
}

int64_t hyper_set_schedule(uint32_t pool, uint32_t schedule, const struct bulkhead_window *windows, uint32_t count)
{
    struct bulkhead_schedule op = {
        .pool = pool, .schedule = schedule, .count = count, .windows = (uint64_t)(uintptr_t)windows};

    return bulkhead_op(BULKHEAD_OP_SET_SCHEDULE, &op);
}

int64_t hyper_set_entry(uint16_t domid, uint64_t pc, uint64_t x0)
{
    struct xen_domctl op = {0};
    static vcpu_guest_context_t context;

    memset(&context, 0, sizeof(context));
    context.flags = VGCF_online;
    context.user_regs.pc64 = pc;
    context.user_regs.x0 = x0;
    context.user_regs.cpsr = PSR_GUEST64_INIT;
    context.sctlr = SCTLR_GUEST_INIT;
    op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
    return domctl(&op, XEN_DOMCTL_setvcpucontext, domid);
}

int64_t hyper_clean(uint16_t domid, uint64_t gfn, uint64_t pages)
{
    struct xen_domctl op = {0};

    op.u.cacheflush.start_pfn = gfn;
    op.u.cacheflush.nr_pfns = pages;
    return domctl(&op, XEN_DOMCTL_cacheflush, domid);
}

/* Extents of 2^order pages from gfn on that fit in `pages` and end at the next boundary of a larger order. */
static uint64_t count_extents(uint64_t gfn, uint64_t pages, uint32_t order, uint32_t larger)
{
    uint64_t count = pages >> order;

    if (larger != order) {
        uint64_t boundary = ((gfn >> larger) + 1) << larger;
        uint64_t limit = (boundary - gfn) >> order;
        count = (limit < count) ? limit : count;
    }
    return (count < POPULATE_BATCH) ? count : POPULATE_BATCH;
}

/* Orders in use: 1 GiB, 2 MiB and everything below, so that what is left beside a moved module takes few extents. */
static uint32_t next_order(uint32_t order)
{
    return (order == ORDER_1G) ? ORDER_2M : order - 1;
}

static uint32_t larger_order(uint32_t order)
{
    return (order >= ORDER_2M) ? ORDER_1G : order + 1;
}

/* Largest order, at most `most`, whose extents fit at gfn. */
static uint32_t fitting_order(uint64_t gfn, uint64_t pages, uint32_t most)
{
    uint32_t order = most;

    while (order != 0 && (pages < (UINT64_C(1) << order) || (gfn & ((UINT64_C(1) << order) - 1)) != 0)) {
        order = next_order(order);
    }
    return order;
}

int64_t hyper_populate(uint16_t domid, uint64_t gfn, uint64_t pages)
{
    static xen_pfn_t extents[POPULATE_BATCH];
    uint32_t most = ORDER_1G; /* goes down when the free memory has no extents of that size left */
    uint64_t at = gfn;
    uint64_t left = pages;

    while (left != 0) {
        uint32_t order = fitting_order(at, left, most);
        uint32_t larger = larger_order(order);
        uint64_t count = count_extents(at, left, order, (larger <= most) ? larger : order);
        for (uint64_t i = 0; i < count; i++) {
            extents[i] = at + (i << order);
        }
        struct xen_memory_reservation op = {.nr_extents = count, .extent_order = order, .domid = domid};
        set_xen_guest_handle(op.extent_start, extents);
        int64_t done = memory_op(XENMEM_populate_physmap, &op);
        if (done < 0 || (done == 0 && order == 0)) {
            return (done < 0) ? done : -XEN_ENOMEM;
        }
        most = ((uint64_t)done < count && order != 0) ? next_order(order) : most;
        at += (uint64_t)done << order;
        left -= (uint64_t)done << order;
    }
    return 0;
}

int64_t hyper_populate_fixed(uint16_t domid, uint64_t gfn, uint64_t mfn, uint64_t pages)
{
    struct bulkhead_populate op = {.domid = domid, .mfn = mfn, .gfn = gfn, .count = pages};
    int64_t result = 0;

    while (result == 0 && op.count != 0) {
        result = bulkhead_op(BULKHEAD_OP_POPULATE_STATIC, &op);
    }
    return result;
}

int64_t hyper_share(uint16_t domid, uint64_t gfn, uint64_t mfn, uint64_t pages, bool is_read_only)
{
    struct bulkhead_share op = {
        .domid = domid, .flags = is_read_only ? BULKHEAD_SHARE_READ_ONLY : 0, .mfn = mfn, .gfn = gfn, .count = pages};

    return bulkhead_op(BULKHEAD_OP_SHARE_MEMORY, &op);
}

int64_t hyper_bind_channel(const struct bulkhead_channel *end)
{
    struct bulkhead_channel op = *end;

    return bulkhead_op(BULKHEAD_OP_BIND_CHANNEL, &op);
}

int64_t hyper_seed_grant(uint16_t domid, uint32_t ref, uint16_t to, uint64_t gfn)
{
    struct bulkhead_seed op = {.domid = domid, .to = to, .ref = ref, .gfn = gfn};

    return bulkhead_op(BULKHEAD_OP_SEED_GRANT, &op);
}

int64_t hyper_set_parameter(uint16_t domid, uint32_t index, uint64_t value)
{
    struct xen_hvm_param op = {.domid = domid, .index = index, .value = value};

    return hvm_op(HVMOP_set_param, &op);
}

int64_t hyper_move(uint16_t domid, uint64_t own_gfn, uint64_t gfn, uint64_t pages, uint32_t tail_bytes)
{
    struct bulkhead_move op = {.domid = domid, .tail_bytes = tail_bytes, .from = own_gfn, .to = gfn, .count = pages};
    int64_t result = 0;

    while (result == 0 && op.count != 0) {
        result = bulkhead_op(BULKHEAD_OP_MOVE_FRAMES, &op);
    }
    return result;
}

int64_t hyper_set_health(uint16_t domid, const struct bulkhead_health *health)
{
    struct bulkhead_health op = *health;

    op.domid = domid;
    return bulkhead_op(BULKHEAD_OP_SET_HEALTH, &op);
}

int64_t hyper_seal_image(uint16_t domid, uint64_t gfn, uint64_t pages)
{
    struct bulkhead_seal op = {.domid = domid, .gfn = gfn, .count = pages};

    return bulkhead_op(BULKHEAD_OP_SEAL_IMAGE, &op);
}

int64_t hyper_seal_launch(uint16_t domid)
{
    struct bulkhead_seal op = {.domid = domid};

    return bulkhead_op(BULKHEAD_OP_SEAL_LAUNCH, &op);
}

int64_t hyper_give_registers(uint16_t domid, uint64_t guest, uint64_t machine, uint64_t size)
{
    uint64_t pages = size / LAYOUT_PAGE;
    struct xen_domctl op = {0};

    op.u.iomem_permission =
        (struct xen_domctl_iomem_permission){.first_mfn = machine / LAYOUT_PAGE, .nr_mfns = pages, .allow_access = 1};
    int64_t result = domctl(&op, XEN_DOMCTL_iomem_permission, domid);
    for (uint64_t at = 0; at < pages && result == 0; at += MAPPING_BATCH) {
        uint64_t left = pages - at;
        op.u.memory_mapping =
            (struct xen_domctl_memory_mapping){.first_gfn = guest / LAYOUT_PAGE + at,
                                               .first_mfn = machine / LAYOUT_PAGE + at,
                                               .nr_mfns = (left < MAPPING_BATCH) ? left : MAPPING_BATCH,
                                               .add_mapping = DPCI_ADD_MAPPING};
        result = domctl(&op, XEN_DOMCTL_memory_mapping, domid);
    }
    return result;
}

int64_t hyper_give_interrupt(uint16_t domid, uint32_t intid)
{
    struct xen_domctl op = {0};

    op.u.bind_pt_irq = (struct xen_domctl_bind_pt_irq){
        .machine_irq = intid, .irq_type = PT_IRQ_TYPE_SPI, .u.spi.spi = (uint16_t)intid};
    return domctl(&op, XEN_DOMCTL_bind_pt_irq, domid);
}

int64_t hyper_claim(uint64_t base, uint64_t size)
{
    struct bulkhead_memory op = {.base = base, .size = size};

    return bulkhead_op(BULKHEAD_OP_CLAIM_MEMORY, &op);
}

int64_t hyper_map_outside(uint64_t base, uint64_t size, uint64_t to)
{
    struct bulkhead_memory op = {.base = base, .size = size, .gaddr = to};

    return bulkhead_op(BULKHEAD_OP_MAP_OUTSIDE, &op);
}

int64_t hyper_board(struct board_table *board)
{
    struct bulkhead_board op = {.buffer = (uint64_t)(uintptr_t)board, .size = sizeof(*board)};
    int64_t result = bulkhead_op(BULKHEAD_OP_BOARD, &op);

    return (result == 0 && op.size != sizeof(*board)) ? -XEN_EINVAL : result;
}

int64_t hyper_set_labels(const struct bulkhead_labels *labels)
{
    struct bulkhead_label_policy op = {.labels = (uint64_t)(uintptr_t)labels};

    return bulkhead_op(BULKHEAD_OP_SET_LABELS, &op);
}

int64_t hyper_boot_record(struct bulkhead_boot_record *record)
{
    return bulkhead_op(BULKHEAD_OP_BOOT_RECORD, record);
}

int64_t hyper_rights(struct bulkhead_rights *rights)
{
    return bulkhead_op(BULKHEAD_OP_RIGHTS, rights);
}

int64_t hyper_move_right(enum bulkhead_right right, uint16_t target, uint16_t receiver)
{
    struct bulkhead_right_move op = {.right = (uint16_t)right, .target = target, .receiver = receiver};

    return bulkhead_op(BULKHEAD_OP_MOVE_RIGHT, &op);
}

void hyper_exit(uint32_t status, uint32_t action, const struct bulkhead_dynamic *dynamic)
{
    struct bulkhead_exit op = {.status = status, .action = action, .dynamic = *dynamic};

    bulkhead_op(BULKHEAD_OP_EXIT_BOOT_SERVICES, &op);
    for (;;) { /* the hypervisor has refused: there is nothing left to do */
        __asm__ volatile("wfi");
    }
}

uint64_t hyper_ticks(void)
{
    uint64_t value;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
}

uint64_t hyper_ticks_hz(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
}
