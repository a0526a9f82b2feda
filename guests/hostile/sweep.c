/* SPDX-License-Identifier: Apache-2.0 */
/* [impl->dsn~hostile-sweep~1] */
#include "sweep.h"

#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/string.h>
#include <bulkhead/label.h>

#include <stdbool.h>
#include <stddef.h>
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "../test/probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* How an operation treats its structure. */
enum kind {
    READS,  /* first of all: -EFAULT where it cannot be read */
    WRITES, /* only writes it: -EFAULT where it cannot be written */
    OTHER,  /* may be refused, or done, before it is looked at */
    DEADLY, /* a good one ends this domain or stops this CPU: bad addresses only */
};

struct operation {
    uint8_t number, op;
    uint8_t at; /* the argument that is the structure's address */
    uint8_t kind;
    uint16_t size;
};

#define EVTCHN(op, type) {__HYPERVISOR_event_channel_op, EVTCHNOP_##op, 1, READS, sizeof(struct type)}
#define GRANT(op, type)  {__HYPERVISOR_grant_table_op, GNTTABOP_##op, 1, READS, sizeof(struct type)}
#define MEMORY(op, type) {__HYPERVISOR_memory_op, XENMEM_##op, 1, READS, sizeof(struct type)}
#define VERSION(op, n)   {__HYPERVISOR_xen_version, XENVER_##op, 1, WRITES, n}
#define NONE(number, op) {number, op, 1, OTHER, 64}
#define OURS(op, type)   {HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_##op, 1, READS, sizeof(struct type)}

static const struct operation operations[] = {
    EVTCHN(bind_interdomain, evtchn_bind_interdomain),
    EVTCHN(bind_virq, evtchn_bind_virq),
    EVTCHN(bind_pirq, evtchn_bind_pirq),
    EVTCHN(close, evtchn_close),
    EVTCHN(send, evtchn_send),
    EVTCHN(status, evtchn_status),
    EVTCHN(alloc_unbound, evtchn_alloc_unbound),
    EVTCHN(bind_ipi, evtchn_bind_ipi),
    EVTCHN(bind_vcpu, evtchn_bind_vcpu),
    EVTCHN(unmask, evtchn_unmask),
    EVTCHN(reset, evtchn_reset),
    EVTCHN(init_control, evtchn_init_control),
    EVTCHN(expand_array, evtchn_expand_array),
    EVTCHN(set_priority, evtchn_set_priority),
    GRANT(map_grant_ref, gnttab_map_grant_ref),
    GRANT(unmap_grant_ref, gnttab_unmap_grant_ref),
    GRANT(setup_table, gnttab_setup_table),
    NONE(__HYPERVISOR_grant_table_op, GNTTABOP_dump_table),
    GRANT(transfer, gnttab_transfer),
    GRANT(copy, gnttab_copy),
    GRANT(query_size, gnttab_query_size),
    GRANT(unmap_and_replace, gnttab_unmap_and_replace),
    GRANT(set_version, gnttab_set_version),
    GRANT(get_status_frames, gnttab_get_status_frames),
    GRANT(get_version, gnttab_get_version),
    GRANT(swap_grant_ref, gnttab_swap_grant_ref),
    GRANT(cache_flush, gnttab_cache_flush),
    NONE(__HYPERVISOR_memory_op, XENMEM_increase_reservation),
    MEMORY(decrease_reservation, xen_memory_reservation),
    MEMORY(populate_physmap, xen_memory_reservation),
    NONE(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page),
    {__HYPERVISOR_memory_op, XENMEM_current_reservation, 1, READS, sizeof(domid_t)},
    {__HYPERVISOR_memory_op, XENMEM_maximum_reservation, 1, READS, sizeof(domid_t)},
    {__HYPERVISOR_memory_op, XENMEM_maximum_gpfn, 1, READS, sizeof(domid_t)},
    MEMORY(add_to_physmap, xen_add_to_physmap),
    MEMORY(add_to_physmap_batch, xen_add_to_physmap_batch),
    MEMORY(remove_from_physmap, xen_remove_from_physmap),
    NONE(__HYPERVISOR_memory_op, XENMEM_memory_map),
    NONE(__HYPERVISOR_memory_op, XENMEM_exchange),
    MEMORY(acquire_resource, xen_mem_acquire_resource),
    {__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 2, READS, sizeof(struct vcpu_register_vcpu_info)},
    {__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 2, WRITES, sizeof(struct vcpu_runstate_info)},
    {__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 2, DEADLY, 8}, /* it would be written there for good */
    {__HYPERVISOR_vcpu_op, VCPUOP_up, 2, OTHER, 64},
    {__HYPERVISOR_vcpu_op, VCPUOP_is_up, 2, OTHER, 64},
    {__HYPERVISOR_sched_op, SCHEDOP_shutdown, 1, DEADLY, sizeof(struct sched_shutdown)},
    {__HYPERVISOR_sched_op, SCHEDOP_shutdown_code, 1, READS, sizeof(struct sched_shutdown)},
    {__HYPERVISOR_sched_op, SCHEDOP_poll, 1, DEADLY, sizeof(struct sched_poll)},
    NONE(__HYPERVISOR_sched_op, SCHEDOP_yield),
    NONE(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown),
    {__HYPERVISOR_sched_op, SCHEDOP_watchdog, 1, DEADLY, sizeof(struct sched_watchdog)},
    NONE(__HYPERVISOR_sched_op, SCHEDOP_pin_override),
    {__HYPERVISOR_hvm_op, HVMOP_get_param, 1, READS, sizeof(struct xen_hvm_param)},
    {__HYPERVISOR_hvm_op, HVMOP_set_param, 1, READS, sizeof(struct xen_hvm_param)},
    NONE(__HYPERVISOR_hvm_op, HVMOP_pagetable_dying),
    NONE(__HYPERVISOR_xen_version, XENVER_version),
    NONE(__HYPERVISOR_xen_version, XENVER_pagesize),
    VERSION(extraversion, sizeof(xen_extraversion_t)),
    VERSION(compile_info, sizeof(struct xen_compile_info)),
    VERSION(capabilities, sizeof(xen_capabilities_info_t)),
    VERSION(changeset, sizeof(xen_changeset_info_t)),
    VERSION(platform_parameters, sizeof(struct xen_platform_parameters)),
    {__HYPERVISOR_xen_version, XENVER_get_features, 1, READS, sizeof(struct xen_feature_info)},
    VERSION(guest_handle, sizeof(xen_domain_handle_t)),
    VERSION(commandline, 1),
    {__HYPERVISOR_xen_version, XENVER_build_id, 1, READS, 4}, /* how much room there is, then the id */
    {__HYPERVISOR_console_io, CONSOLEIO_write, 2, DEADLY, 24},
    {__HYPERVISOR_console_io, CONSOLEIO_read, 2, OTHER, 24},
    {__HYPERVISOR_sysctl, 0, 0, READS, sizeof(struct xen_sysctl)},
    {__HYPERVISOR_domctl, 0, 0, READS, sizeof(struct xen_domctl)},
    {__HYPERVISOR_multicall, 0, 0, DEADLY, sizeof(struct multicall_entry)},
    OURS(EXIT_BOOT_SERVICES, bulkhead_exit),
    OURS(BOARD, bulkhead_board),
    OURS(CLAIM_MEMORY, bulkhead_memory),
    OURS(POPULATE_STATIC, bulkhead_populate),
    OURS(MOVE_FRAMES, bulkhead_move),
    OURS(SET_DOMAIN, bulkhead_domain),
    OURS(MOVE_RIGHT, bulkhead_right_move),
    OURS(MAP_OUTSIDE, bulkhead_memory),
    {HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_BOOT_RECORD, 1, WRITES, sizeof(struct bulkhead_boot_record)},
    OURS(SEED_GRANT, bulkhead_seed),
    OURS(CONSOLE, bulkhead_console),
    OURS(BIND_CHANNEL, bulkhead_channel),
    OURS(CHANNEL_EARLY, bulkhead_early),
    OURS(SHARE_MEMORY, bulkhead_share),
    OURS(SEAL_IMAGE, bulkhead_seal),
    OURS(SEAL_LAUNCH, bulkhead_seal),
    OURS(SET_HEALTH, bulkhead_health),
    OURS(RESTART, bulkhead_focus), /* of the structure the domid only */
    OURS(LIFE, bulkhead_life),
    OURS(POWER, bulkhead_power),
    OURS(SET_POOL, bulkhead_pool),
    OURS(SET_SCHEDULE, bulkhead_schedule),
    OURS(SWITCH_SCHEDULE, bulkhead_switch),
    OURS(GET_DOMAIN, bulkhead_domain),
    OURS(RIGHTS, bulkhead_rights),
    OURS(FOCUS, bulkhead_focus),
    OURS(TRACE, bulkhead_trace),
    OURS(SET_LABELS, bulkhead_label_policy),
    NONE(__HYPERVISOR_physdev_op, 0),
    NONE(__HYPERVISOR_platform_op, 0),
    NONE(__HYPERVISOR_vm_assist, 0),
    NONE(__HYPERVISOR_xsm_op, 0),
    NONE(__HYPERVISOR_argo_op, 1), /* register_ring, unregister_ring, sendv, notify */
    NONE(__HYPERVISOR_argo_op, 2),
    NONE(__HYPERVISOR_argo_op, 3),
    NONE(__HYPERVISOR_argo_op, 4),
    NONE(__HYPERVISOR_hypfs_op, 0),
    NONE(__HYPERVISOR_dm_op, 0),
    NONE(__HYPERVISOR_tmem_op, 0),
};

/* ---- addresses ---- */

enum place {
    UNMAPPED,
    DEVICE,
    END_OF_MEMORY, /* its first bytes are there */
    WRAPS,
    LAST_BYTES,
    NO_ADDRESS,
    READ_ONLY,
    SHARED, /* a page of the hypervisor's, given to see */
    PLAIN,
    MISALIGNED,
    ACROSS,
    PLACES,
};

static uint64_t address(const struct sweep *s, enum place place, uint32_t size)
{
    const struct platform_range *ram = &platform.ram[platform.ram_count - 1];

    switch (place) {
    case UNMAPPED:
        return NOTHING_NORMAL;
    case DEVICE:
        return platform.gicd;
    case END_OF_MEMORY:
        return ram->base + ram->size - size + 1;
    case WRAPS:
        return UINT64_MAX - (size > 1 ? size - 2 : 0); /* one byte cannot wrap, and 0 may be a page of this program's */
    case LAST_BYTES:
        return UINT64_MAX - 7;
    case NO_ADDRESS:
        return UINT64_C(1) << 55;
    case READ_ONLY:
        return (uint64_t)operations;
    case SHARED:
        return platform.grant_base;
    case MISALIGNED:
        return (uint64_t)s->buffer + 1;
    case ACROSS:
        return (uint64_t)s->buffer + 4096 - size / 2;
    default:
        return (uint64_t)s->buffer;
    }
}

static bool can_be_read(enum place place)
{
    return place > NO_ADDRESS;
}

/* ---- contents ---- */

enum contents {
    ZEROS,
    ONES,
    SMALL,
    ANYTHING,
    CONTENTS,
};

static void fill(struct sweep *s, enum contents contents, const struct operation *o)
{
    uint64_t *words = (void *)s->buffer;

    for (uint32_t i = 0; i < 2 * 4096 / 8; i++) {
        switch (contents) {
        case ZEROS:
        case ONES:
            words[i] = contents == ZEROS ? 0 : UINT64_MAX;
            break;
        case SMALL:
            words[i] = (s->value(s->random) & 7) << 32 | (s->value(s->random) & 7);
            break;
        default:
            words[i] = s->value(s->random);
            break;
        }
    }
    if (contents > ONES && o->at == 0) { /* with a version that is looked at further */
        *(uint32_t *)(void *)(s->buffer + 4) =
            o->number == __HYPERVISOR_domctl ? XEN_DOMCTL_INTERFACE_VERSION : XEN_SYSCTL_INTERFACE_VERSION;
    }
}

/* Between two words lies another number, which may be a frame of this program's again. */
static void spare_between(uint64_t at, uint32_t size)
{
    for (uint32_t i = 0; i < size; i += 8) {
        uint64_t value;

        memcpy(&value, (const void *)(at + i), sizeof(value));
        value = spared(value);
        memcpy((void *)(at + i), &value, sizeof(value));
    }
}

/* Calls that need a right are refused before all is read: domctl and sysctl to who holds none, ours by the domain named first. */
static bool is_refused(const struct operation *o, int64_t result)
{
    switch (o->number) {
    case __HYPERVISOR_domctl:
    case __HYPERVISOR_sysctl:
        return result == -XEN_EPERM;
    case HYPERVISOR_BULKHEAD_OP:
        return result == -XEN_EPERM || result == -XEN_ESRCH;
    default:
        return false;
    }
}

static void one(struct sweep *s, const struct operation *o, enum place place, enum contents contents)
{
    uint64_t args[3] = {o->op, 1, 1};
    bool good = can_be_read(place);
    int64_t result;

    if (good && o->kind == DEADLY) {
        return;
    }
    if (o->number == __HYPERVISOR_vcpu_op) {
        args[1] = contents == ONES ? UINT32_MAX : 0;
    } else if (o->number == __HYPERVISOR_console_io) {
        args[1] = o->size;
    }
    fill(s, contents, o);
    args[o->at] = address(s, place, o->size);
    if (place == MISALIGNED || place == ACROSS) {
        spare_between(args[o->at], o->size);
    }
    result = hypercall5(o->number, args[0], args[1], args[2], 1, 1);
    s->calls++;
    s->refusals += result < 0;
    good = good && !(place == READ_ONLY && o->kind == WRITES);
    if (!good && o->kind != OTHER && result != -XEN_EFAULT && !is_refused(o, result) &&
        !(o->number == __HYPERVISOR_vcpu_op && contents == ONES)) {
        print("\nhostile: sweep: call %u op %u place %u: %lld\n", (unsigned)o->number, (unsigned)o->op, (unsigned)place,
              (long long)result);
        s->wrong++;
    }
}

void sweep_pass(struct sweep *s)
{
    for (uint32_t i = 0; i < COUNT(operations); i++) {
        for (uint32_t place = 0; place < PLACES; place++) {
            for (uint32_t contents = 0; contents < CONTENTS; contents++) {
                one(s, &operations[i], (enum place)place, (enum contents)contents);
            }
        }
    }
}

void sweep_disturb(uint8_t *buffer, const volatile uint32_t *stop)
{
    volatile uint64_t *words = (void *)buffer;
    uint64_t x = 1;

    while (*stop == 0) {
        x = x * UINT64_C(6364136223846793005) + 1;
        /* Low bits only: an address stays near, or becomes none; this program's own memory must last. */
        words[(x >> 33) % 8] ^= x & 0x0000001f0000001f;
    }
}
