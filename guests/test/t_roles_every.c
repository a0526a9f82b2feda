/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation on others, with arguments that would do harm. */
#include "t_roles.h"

#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/test.h>

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define ROUNDS 100u

static uint64_t refused;
static union {
    vcpu_guest_context_t context;
    uint8_t cpumap[8];
    struct bulkhead_window window;
} data;

/* ---- domctl ---- */

/* Arguments that would do harm. */
static void fill_domctl(uint32_t cmd)
{
    memset(&request, 0, sizeof(request));
    switch (cmd) {
    case XEN_DOMCTL_max_vcpus:
        request.u.max_vcpus.max = 4;
        break;
    case XEN_DOMCTL_setvcpucontext:
        set_xen_guest_handle(request.u.vcpucontext.ctxt, &data.context);
        break;
    case XEN_DOMCTL_setvcpuaffinity:
        request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
        request.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
        set_xen_guest_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, data.cpumap);
        break;
    case XEN_DOMCTL_cacheflush:
        request.u.cacheflush.nr_pfns = 1;
        break;
    case XEN_DOMCTL_iomem_permission:
        request.u.iomem_permission.first_mfn = 0x9030;
        request.u.iomem_permission.nr_mfns = 1;
        break;
    case XEN_DOMCTL_memory_mapping:
        request.u.memory_mapping.first_gfn = 0x40000;
        request.u.memory_mapping.nr_mfns = 1;
        request.u.memory_mapping.add_mapping = DPCI_REMOVE_MAPPING;
        break;
    case XEN_DOMCTL_bind_pt_irq:
    case XEN_DOMCTL_unbind_pt_irq:
        request.u.bind_pt_irq.machine_irq = 33;
        request.u.bind_pt_irq.irq_type = PT_IRQ_TYPE_SPI;
        break;
    case XEN_DOMCTL_scheduler_op:
        request.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
        request.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
        request.u.scheduler_op.u.rtds.period = 1000000;
        request.u.scheduler_op.u.rtds.budget = 10;
        break;
    default:
        break;
    }
}

static const struct {
    const char *name;
    uint32_t cmd;
    int64_t control; /* what the Control Domain is told; others are told EPERM, as they hold no right at all */
} domctls[] = {
    {"destroydomain", XEN_DOMCTL_destroydomain, EPERM},
    {"pausedomain", XEN_DOMCTL_pausedomain, EPERM},
    {"unpausedomain", XEN_DOMCTL_unpausedomain, EPERM},
    {"resumedomain", XEN_DOMCTL_resumedomain, EPERM},
    {"max_mem", XEN_DOMCTL_max_mem, EPERM},
    {"max_vcpus", XEN_DOMCTL_max_vcpus, EPERM},
    {"setvcpucontext", XEN_DOMCTL_setvcpucontext, EPERM},
    {"setvcpuaffinity", XEN_DOMCTL_setvcpuaffinity, EPERM},
    {"setdomainhandle", XEN_DOMCTL_setdomainhandle, EPERM},
    {"set_paging_mempool_size", XEN_DOMCTL_set_paging_mempool_size, EPERM},
    {"cacheflush", XEN_DOMCTL_cacheflush, EPERM},
    {"iomem_permission", XEN_DOMCTL_iomem_permission, EPERM},
    {"memory_mapping", XEN_DOMCTL_memory_mapping, EPERM},
    {"irq_permission", XEN_DOMCTL_irq_permission, EPERM},
    {"bind_pt_irq", XEN_DOMCTL_bind_pt_irq, EPERM},
    {"unbind_pt_irq", XEN_DOMCTL_unbind_pt_irq, EPERM},
    {"scheduler_op", XEN_DOMCTL_scheduler_op, EPERM},
    {"setdebugging", XEN_DOMCTL_setdebugging, ENOSYS},
    {"gdbsx_guestmemio", XEN_DOMCTL_gdbsx_guestmemio, ENOSYS},
    {"gdbsx_pausevcpu", XEN_DOMCTL_gdbsx_pausevcpu, ENOSYS},
    {"set_target", XEN_DOMCTL_set_target, ENOSYS},
    {"settimeoffset", XEN_DOMCTL_settimeoffset, ENOSYS},
    {"assign_device", XEN_DOMCTL_assign_device, ENOSYS},
    {"getpageframeinfo3", XEN_DOMCTL_getpageframeinfo3, ENOSYS},
    {"monitor_op", XEN_DOMCTL_monitor_op, ENOSYS},
    {"vm_event_op", XEN_DOMCTL_vm_event_op, ENOSYS},
    {"set_access_required", XEN_DOMCTL_set_access_required, ENOSYS},
    {"setvcpuextstate", XEN_DOMCTL_setvcpuextstate, ENOSYS},
};

/* ---- bulkhead_op ---- */

static int64_t try_populate_static(void)
{
    struct bulkhead_populate arg = {.domid = victim, .mfn = 0x80000, .gfn = 0x60000, .count = 1};
    return bulkhead_op(BULKHEAD_OP_POPULATE_STATIC, &arg);
}

static int64_t try_move_frames(void)
{
    struct bulkhead_move arg = {
        .domid = victim, .tail_bytes = PAGE, .from = (uint64_t)page >> 12, .to = 0x60000, .count = 1};
    return bulkhead_op(BULKHEAD_OP_MOVE_FRAMES, &arg);
}

static int64_t try_set_domain(void)
{
    struct bulkhead_domain arg = {.domid = victim, .name = "mine"};
    return bulkhead_op(BULKHEAD_OP_SET_DOMAIN, &arg);
}

/* Each right over the victim, to itself, to nobody; also those that it holds. */
static int64_t try_move_rights(void)
{
    for (uint16_t right = 0; right <= BULKHEAD_RIGHT_COUNT; right++) {
        struct bulkhead_right_move arg = {.right = right, .target = victim, .receiver = DOMID_SELF};
        int64_t result = bulkhead_op(BULKHEAD_OP_MOVE_RIGHT, &arg);
        if (result != EPERM && result != EINVAL) {
            return result;
        }
    }
    return EPERM;
}

static int64_t try_share_memory(void)
{
    struct bulkhead_share arg = {.domid = victim, .mfn = 0x80000, .gfn = 0x60000, .count = 1};
    return bulkhead_op(BULKHEAD_OP_SHARE_MEMORY, &arg);
}

static int64_t try_seed_grant(void)
{
    struct bulkhead_seed arg = {.domid = victim, .to = DOMID_SELF, .ref = 1, .gfn = 0x40000};
    return bulkhead_op(BULKHEAD_OP_SEED_GRANT, &arg);
}

static int64_t try_bind_channel(void)
{
    struct bulkhead_channel arg = {.domid = victim, .remote = victim, .port = 5, .remote_port = 5};
    return bulkhead_op(BULKHEAD_OP_BIND_CHANNEL, &arg);
}

static int64_t try_seal_image(void)
{
    struct bulkhead_seal arg = {.domid = victim, .gfn = 0x40000, .count = 1};
    int64_t result = bulkhead_op(BULKHEAD_OP_SEAL_IMAGE, &arg);
    return (result == EPERM) ? bulkhead_op(BULKHEAD_OP_SEAL_LAUNCH, &arg) : result;
}

static int64_t try_set_health(void)
{
    struct bulkhead_health arg = {.domid = victim, .fallback = BULKHEAD_ACTION_PLATFORM};
    memset(arg.action, BULKHEAD_ACTION_PLATFORM, BULKHEAD_EVENT_COUNT);
    return bulkhead_op(BULKHEAD_OP_SET_HEALTH, &arg);
}

static int64_t try_restart(void)
{
    struct bulkhead_life arg = {.domid = victim};
    return bulkhead_op(BULKHEAD_OP_RESTART, &arg);
}

static int64_t try_exit(void)
{
    struct bulkhead_exit arg = {.action = BULKHEAD_EXIT_HALT};
    return bulkhead_op(BULKHEAD_OP_EXIT_BOOT_SERVICES, &arg);
}

static int64_t try_memory(enum bulkhead_op which)
{
    struct bulkhead_memory arg = {.base = UINT64_C(0x80000000), .size = PAGE, .gaddr = UINT64_C(0x60000000)};
    return bulkhead_op(which, &arg);
}

static int64_t try_claim(void)
{
    return try_memory(BULKHEAD_OP_CLAIM_MEMORY);
}

static int64_t try_map_outside(void)
{
    return try_memory(BULKHEAD_OP_MAP_OUTSIDE);
}

static int64_t try_set_pool(void)
{
    struct bulkhead_pool arg = {.pool = 1, .policy = BULKHEAD_POLICY_SHARE, .cpus = 0xff};
    return bulkhead_op(BULKHEAD_OP_SET_POOL, &arg);
}

static int64_t try_set_schedule(void)
{
    struct bulkhead_schedule arg = {.pool = 0, .count = 1, .windows = (uint64_t)&data.window};
    data.window = (struct bulkhead_window){.end = UINT64_C(1000000)};
    return bulkhead_op(BULKHEAD_OP_SET_SCHEDULE, &arg);
}

static int64_t try_switch(void)
{
    struct bulkhead_switch arg = {.pool = 0, .schedule = 1};
    return bulkhead_op(BULKHEAD_OP_SWITCH_SCHEDULE, &arg);
}

/* ---- memory, grants, events, parameters ---- */

static int64_t try_map_foreign(void)
{
    static xen_ulong_t from[1];
    static xen_pfn_t to[1];
    static int errors[1];
    struct xen_add_to_physmap_batch arg = {.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1};

    arg.u.foreign_domid = victim;
    from[0] = 0x40000;
    to[0] = 0x60000;
    set_xen_guest_handle(arg.idxs, from);
    set_xen_guest_handle(arg.gpfns, to);
    set_xen_guest_handle(arg.errs, errors);
    int64_t result = memory_op(XENMEM_add_to_physmap_batch, &arg);
    return (result == 0) ? errors[0] : result;
}

/* Its grant table: who writes it has its memory. */
static int64_t try_acquire(void)
{
    static xen_pfn_t to[1] = {0x60000};
    struct xen_mem_acquire_resource arg = {.domid = victim, .type = XENMEM_resource_grant_table, .nr_frames = 1};

    set_xen_guest_handle(arg.frame_list, to);
    return memory_op(XENMEM_acquire_resource, &arg);
}

static int64_t try_populate(void)
{
    return reservation(XENMEM_populate_physmap, victim, 0x40000);
}

static int64_t try_decrease(void)
{
    return reservation(XENMEM_decrease_reservation, victim, 0x40000);
}

static int64_t try_remove(void)
{
    struct xen_remove_from_physmap arg = {.domid = victim, .gpfn = 0x40000};
    return memory_op(XENMEM_remove_from_physmap, &arg);
}

static int64_t try_add(void)
{
    struct xen_add_to_physmap arg = {.domid = victim, .space = XENMAPSPACE_shared_info, .gpfn = 0x40000};
    return memory_op(XENMEM_add_to_physmap, &arg);
}

/* What it did not grant. */
static int64_t try_grants(void)
{
    for (uint32_t ref = 0; ref < 16; ref++) {
        struct gnttab_map_grant_ref arg = {
            .host_addr = UINT64_C(0x60000000), .flags = GNTMAP_host_map, .ref = ref, .dom = victim};
        int64_t result = grant_table_op(GNTTABOP_map_grant_ref, &arg, 1);
        if (result != 0 || arg.status == GNTST_okay) {
            return (result != 0) ? result : OK;
        }
    }
    return EPERM;
}

static int64_t try_alloc_port(void)
{
    struct evtchn_alloc_unbound arg = {.dom = victim, .remote_dom = DOMID_SELF};
    return event_channel_op(EVTCHNOP_alloc_unbound, &arg);
}

static int64_t try_bind_ports(void)
{
    for (uint32_t port = 1; port < 16; port++) {
        struct evtchn_bind_interdomain arg = {.remote_dom = victim, .remote_port = port};
        int64_t result = event_channel_op(EVTCHNOP_bind_interdomain, &arg);
        if (result != EINVAL) {
            return result;
        }
    }
    return EINVAL;
}

static int64_t try_reset_ports(void)
{
    struct evtchn_reset arg = {.dom = victim};
    return event_channel_op(EVTCHNOP_reset, &arg);
}

static int64_t try_set_param(void)
{
    struct xen_hvm_param arg = {.domid = victim, .index = 0, .value = 1};
    return hvm_op(HVMOP_set_param, &arg);
}

static int64_t try_remote_shutdown(void)
{
    struct sched_remote_shutdown arg = {.domain_id = victim, .reason = SHUTDOWN_crash};
    return sched_op(SCHEDOP_remote_shutdown, &arg);
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    int64_t (*try)(void);
    int64_t control, others;
} attempts[] = {
    {"populate_static", try_populate_static, EPERM, EPERM},
    {"move_frames", try_move_frames, EPERM, EPERM},
    {"set_domain", try_set_domain, EPERM, EPERM},
    {"move_right", try_move_rights, EPERM, EPERM},
    {"share_memory", try_share_memory, EPERM, EPERM},
    {"seed_grant", try_seed_grant, EPERM, EPERM},
    {"bind_channel", try_bind_channel, EPERM, EPERM},
    {"seal_image", try_seal_image, EPERM, EPERM},
    {"set_health", try_set_health, EPERM, EPERM},
    {"restart", try_restart, EPERM, EPERM},
    {"exit_boot_services", try_exit, EPERM, EPERM},
    {"claim_memory", try_claim, EPERM, EPERM},
    {"map_outside", try_map_outside, EPERM, EPERM},
    {"set_pool", try_set_pool, EBUSY, EPERM},         /* it holds the right, but domains run */
    {"set_schedule", try_set_schedule, EBUSY, EPERM}, /* the same */
    {"switch_schedule", try_switch, EINVAL, EPERM},   /* the description has no second one */
    {"map_foreign", try_map_foreign, EPERM, EPERM},
    {"acquire_resource", try_acquire, EPERM, EPERM},
    {"populate_physmap", try_populate, EPERM, EPERM},
    {"decrease_reservation", try_decrease, EPERM, EPERM},
    {"remove_from_physmap", try_remove, EPERM, EPERM},
    {"add_to_physmap", try_add, EPERM, EPERM},
    {"map_grant_ref", try_grants, EPERM, EPERM},
    {"alloc_unbound", try_alloc_port, EPERM, EPERM},
    {"bind_interdomain", try_bind_ports, EINVAL, EINVAL},
    {"evtchn_reset", try_reset_ports, EPERM, EPERM},
    {"set_param", try_set_param, EPERM, EPERM},
    {"remote_shutdown", try_remote_shutdown, ENOSYS, ENOSYS},
};

static void expect(const char *name, int64_t result, int64_t error)
{
    if (result != error) {
        test_fail("%s of domain %u: %lld, not %lld", name, victim, (long long)result, (long long)error);
    }
    refused++;
}

static void attack(void)
{
    for (uint32_t i = 0; i < COUNT(domctls); i++) {
        fill_domctl(domctls[i].cmd);
        expect(domctls[i].name, domctl(domctls[i].cmd, victim), is_control ? domctls[i].control : EPERM);
    }
    for (uint32_t i = 0; i < COUNT(attempts); i++) {
        expect(attempts[i].name, attempts[i].try(), is_control ? attempts[i].control : attempts[i].others);
    }
}

void every_operation_on_every_victim_is_refused(void)
{
    uint64_t rounds = platform_argument("rounds", ROUNDS);
    uint64_t first = platform_argument("first", 1), last = platform_argument("last", 1);

    refused = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint64_t domid = first; domid <= last; domid++) {
            victim = (uint16_t)domid;
            attack();
        }
        if (!is_control) {
            its_own_page_comes_back();
        }
    }
    print("t_roles: %u victims, %u rounds, %u calls refused\n", (unsigned)(last - first + 1), (unsigned)rounds,
          (unsigned)refused);
}
