/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "core/console.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"
#include "core/rights.h"
#include "core/wallclock.h"

#include <string.h>

static struct vcpu *boot;
static struct vcpu *v; /* of an ordinary domain, running */

static int start(void **state)
{
    uint16_t domid;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    domid = build_domain(boot, "guest", 2, 4);
    assert_int_equal(unpause(boot, domid), OK);
    v = vcpu_of(domid, 0);
    (void)cpu_runs(0);
    return 0;
}

#define NOWHERE 0x1000u /* not mapped */

/* [utest->dsn~hypercalls~1] */
static void unknown_numbers_answer_enosys(void **state)
{
    static const uint64_t there[] = {
        __HYPERVISOR_memory_op, __HYPERVISOR_xen_version,    __HYPERVISOR_console_io,       __HYPERVISOR_vcpu_op,
        __HYPERVISOR_sched_op,  __HYPERVISOR_hvm_op,         __HYPERVISOR_sysctl,           __HYPERVISOR_domctl,
        HYPERVISOR_BULKHEAD_OP, __HYPERVISOR_grant_table_op, __HYPERVISOR_event_channel_op, __HYPERVISOR_argo_op,
        __HYPERVISOR_multicall, __HYPERVISOR_vm_assist};
    uint64_t errors = v->stats.guest_errors;
    uint64_t calls = v->stats.hypercalls;

    (void)state;
    host_console_clear();
    for (uint64_t nr = 0; nr < 70u; nr++) {
        bool known = false;

        for (size_t i = 0; i < ARRAY_SIZE(there); i++) {
            known = known || there[i] == nr;
        }
        if (!known) {
            assert_int_equal(hypercall(v, nr, 0, 0, 0), ERR_NOSYS);
            errors++;
            calls++;
        }
    }
    assert_int_equal(hypercall(v, UINT64_MAX, 0, 0, 0), ERR_NOSYS);
    assert_int_equal(hypercall(v, UINT64_C(1) << 32 | __HYPERVISOR_xen_version, 0, 0, 0), ERR_NOSYS);
    assert_int_equal(v->stats.guest_errors, errors + 2u);
    assert_int_equal(v->stats.hypercalls, calls + 2u);
    assert_string_equal(host_console(), ""); /* nothing is printed for a guest's mistake */
}

struct call {
    const char *what;
    uint64_t nr, a0, a1, a2;
    int64_t result;
};

static void check(const struct call *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t result = hypercall(v, calls[i].nr, calls[i].a0, calls[i].a1, calls[i].a2);

        if (result != calls[i].result) {
            fail_msg("%s: %ld, not %ld", calls[i].what, (long)result, (long)calls[i].result);
        }
    }
}

/* [utest->dsn~hypercalls~1] */
static void bad_calls_have_their_error(void **state)
{
    static struct sched_shutdown bad_reason = {.reason = SHUTDOWN_MAX + 1u};
    static struct xen_feature_info bad_map = {.submap_idx = XENFEAT_NR_SUBMAPS};
    static struct vcpu_register_vcpu_info bad_offset = {.mfn = 0x40000, .offset = 4096 - 40};
    static struct vcpu_register_vcpu_info odd_offset = {.mfn = 0x40000, .offset = 4};
    static struct vcpu_register_vcpu_info no_frame = {.mfn = 0x10};
    static const uint32_t id[] = {0, BUILD_ID_BYTES - 1};
    static struct xen_hvm_param bad_index = {.domid = DOMID_SELF, .index = 1000};
    static struct xen_hvm_param odd_index = {.domid = DOMID_SELF, .index = HVM_PARAM_TIMER_MODE};
    static struct xen_hvm_param store = {.domid = DOMID_SELF, .index = HVM_PARAM_STORE_PFN};
    static struct xen_hvm_param other = {.domid = DOMID_BOOT, .index = HVM_PARAM_STORE_PFN};
    static struct xen_hvm_param nobody = {.domid = 99, .index = HVM_PARAM_STORE_PFN};
    static uint64_t elsewhere = NOWHERE;
    static uint64_t pointer_area = UINT64_C(1) << 50;
    const struct call calls[] = {
        {"version", __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0x40011},
        {"version, upper bits ignored", __HYPERVISOR_xen_version, UINT64_C(1) << 40, 0, 0, 0x40011},
        {"page size", __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 4096},
        {"command line", __HYPERVISOR_xen_version, XENVER_commandline, NOWHERE, 0, ERR_FAULT},
        {"length of the build id", __HYPERVISOR_xen_version, XENVER_build_id, 0, 0, BUILD_ID_BYTES},
        {"build id to nowhere", __HYPERVISOR_xen_version, XENVER_build_id, NOWHERE, 0, ERR_FAULT},
        {"build id without room", __HYPERVISOR_xen_version, XENVER_build_id, POINTER(&id[0]), 0, ERR_INVAL},
        {"build id with too little room", __HYPERVISOR_xen_version, XENVER_build_id, POINTER(&id[1]), 0, -105},
        {"unknown version op", __HYPERVISOR_xen_version, 11, 0, 0, ERR_NOSYS},
        {"extraversion to nowhere", __HYPERVISOR_xen_version, XENVER_extraversion, NOWHERE, 0, ERR_FAULT},
        {"compile info to nowhere", __HYPERVISOR_xen_version, XENVER_compile_info, NOWHERE, 0, ERR_FAULT},
        {"capabilities to nowhere", __HYPERVISOR_xen_version, XENVER_capabilities, NOWHERE, 0, ERR_FAULT},
        {"changeset to nowhere", __HYPERVISOR_xen_version, XENVER_changeset, NOWHERE, 0, ERR_FAULT},
        {"platform parameters to nowhere", __HYPERVISOR_xen_version, XENVER_platform_parameters, NOWHERE, 0, ERR_FAULT},
        {"features from nowhere", __HYPERVISOR_xen_version, XENVER_get_features, NOWHERE, 0, ERR_FAULT},
        {"features, second word", __HYPERVISOR_xen_version, XENVER_get_features, POINTER(&bad_map), 0, ERR_INVAL},
        {"handle to nowhere", __HYPERVISOR_xen_version, XENVER_guest_handle, NOWHERE, 0, ERR_FAULT},

        {"shutdown from nowhere", __HYPERVISOR_sched_op, SCHEDOP_shutdown, NOWHERE, 0, ERR_FAULT},
        {"shutdown without reason", __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&bad_reason), 0, ERR_INVAL},
        {"shutdown code from nowhere", __HYPERVISOR_sched_op, SCHEDOP_shutdown_code, NOWHERE, 0, ERR_FAULT},
        {"shutdown code without reason", __HYPERVISOR_sched_op, SCHEDOP_shutdown_code, POINTER(&bad_reason), 0,
         ERR_INVAL},
        {"poll from nowhere", __HYPERVISOR_sched_op, SCHEDOP_poll, NOWHERE, 0, ERR_FAULT},
        {"watchdog", __HYPERVISOR_sched_op, SCHEDOP_watchdog, 0, 0, ERR_FAULT},
        {"remote shutdown", __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, 0, 0, ERR_NOSYS},
        {"pin override", __HYPERVISOR_sched_op, SCHEDOP_pin_override, 0, 0, ERR_NOSYS},
        {"unknown sched op", __HYPERVISOR_sched_op, 8, 0, 0, ERR_NOSYS},

        {"no such vCPU", __HYPERVISOR_vcpu_op, VCPUOP_is_up, 2, 0, ERR_NOENT},
        {"no such vCPU at all", __HYPERVISOR_vcpu_op, VCPUOP_is_up, UINT32_MAX, 0, ERR_NOENT},
        {"vCPU 0 is up", __HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0, 1},
        {"vCPU 1 is not", __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, 0},
        {"vcpu up is PSCI's", __HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, ERR_NOSYS},
        {"vcpu down is PSCI's", __HYPERVISOR_vcpu_op, VCPUOP_down, 1, 0, ERR_NOSYS},
        {"runstate to nowhere", __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, NOWHERE, ERR_FAULT},
        {"runstate area from nowhere", __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, NOWHERE,
         ERR_FAULT},
        {"runstate area untranslatable", __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
         POINTER(&pointer_area), ERR_FAULT},
        {"runstate area of another vCPU", __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 1,
         POINTER(&elsewhere), ERR_INVAL},
        {"runstate area where nothing is: written nowhere", __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area,
         0, POINTER(&elsewhere), OK},
        {"vcpu_info from nowhere", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, NOWHERE, ERR_FAULT},
        {"vcpu_info across a page", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, POINTER(&bad_offset),
         ERR_INVAL},
        {"vcpu_info misaligned", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, POINTER(&odd_offset), ERR_INVAL},
        {"vcpu_info not in RAM", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, POINTER(&no_frame), ERR_INVAL},

        {"hvm_op from nowhere", __HYPERVISOR_hvm_op, HVMOP_get_param, NOWHERE, 0, ERR_FAULT},
        {"hvm parameter out of range", __HYPERVISOR_hvm_op, HVMOP_get_param, POINTER(&bad_index), 0, ERR_INVAL},
        {"hvm parameter not on Arm", __HYPERVISOR_hvm_op, HVMOP_get_param, POINTER(&odd_index), 0, ERR_INVAL},
        {"hvm parameter of its own, write", __HYPERVISOR_hvm_op, HVMOP_set_param, POINTER(&store), 0, ERR_PERM},
        {"hvm parameter of another", __HYPERVISOR_hvm_op, HVMOP_get_param, POINTER(&other), 0, ERR_PERM},
        {"hvm parameter of nobody", __HYPERVISOR_hvm_op, HVMOP_get_param, POINTER(&nobody), 0, ERR_SRCH},
        {"other hvm op", __HYPERVISOR_hvm_op, HVMOP_pagetable_dying, 0, 0, ERR_NOSYS},

        {"runstate area by physical address", __HYPERVISOR_vcpu_op, 14, 0, 0, ERR_NOSYS},
        {"time area by physical address", __HYPERVISOR_vcpu_op, 15, 0, 0, ERR_NOSYS},
        {"list from nowhere", __HYPERVISOR_multicall, NOWHERE, 1, 0, ERR_FAULT},
        {"empty list from nowhere", __HYPERVISOR_multicall, NOWHERE, UINT64_C(1) << 32, 0, OK},
        {"physical devices", __HYPERVISOR_physdev_op, 0, NOWHERE, 0, ERR_NOSYS},
        {"platform", __HYPERVISOR_platform_op, NOWHERE, 0, 0, ERR_NOSYS},
        {"assistance with runstates", __HYPERVISOR_vm_assist, 1, VMASST_TYPE_runstate_update_flag, 0, OK},
        {"neither on nor off", __HYPERVISOR_vm_assist, 2, VMASST_TYPE_runstate_update_flag, 0, ERR_NOSYS},
        {"assistance of x86", __HYPERVISOR_vm_assist, 0, VMASST_TYPE_pae_extended_cr3, 0, ERR_INVAL},

        {"sysctl from nowhere", __HYPERVISOR_sysctl, NOWHERE, 0, 0, ERR_PERM},
        {"domctl from nowhere", __HYPERVISOR_domctl, NOWHERE, 0, 0, ERR_PERM},
    };

    (void)state;
    check(calls, ARRAY_SIZE(calls));
    assert_int_equal(domain_state(v->domain), DOMAIN_LIVE);
}

/* [utest->dsn~xen-version~1] */
static void version_says_who_we_are(void **state)
{
    xen_extraversion_t extra;
    struct xen_compile_info compile;
    xen_capabilities_info_t capabilities;
    struct xen_feature_info f = {0};
    xen_domain_handle_t handle;
    uint32_t id[16];
    char line[2] = "x";

    (void)state;
    assert_int_equal(hypercall(v, __HYPERVISOR_xen_version, XENVER_commandline, POINTER(line), 0), OK);
    assert_string_equal(line, "");
    assert_int_equal(hypercall(v, __HYPERVISOR_xen_version, XENVER_extraversion, POINTER(extra), 0), OK);
    assert_string_equal(extra, ".bulkhead");
    assert_int_equal(hypercall(v, __HYPERVISOR_xen_version, XENVER_compile_info, POINTER(&compile), 0), OK);
    assert_non_null(strstr(compile.compiler, "lang"));
    assert_int_equal(hypercall(v, __HYPERVISOR_xen_version, XENVER_capabilities, POINTER(capabilities), 0), OK);
    assert_string_equal(capabilities, "xen-3.0-aarch64 ");
    assert_int_equal(hypercall(v, __HYPERVISOR_xen_version, XENVER_get_features, POINTER(&f), 0), OK);
    assert_int_equal(f.submap, (1u << XENFEAT_auto_translated_physmap) | (1u << XENFEAT_writable_page_tables) |
                                   (1u << XENFEAT_ARM_SMCCC_supported) | (1u << XENFEAT_not_direct_mapped));
    v->domain->flags |= BULKHEAD_DOMAIN_DIRECT;
    assert_int_equal(hypercall(v, __HYPERVISOR_xen_version, XENVER_get_features, POINTER(&f), 0), OK);
    assert_int_equal(f.submap & (1u << XENFEAT_not_direct_mapped), 0);
    assert_int_not_equal(f.submap & (1u << XENFEAT_direct_mapped), 0);
    v->domain->handle[1] = 0x1122;
    assert_int_equal(hypercall(v, __HYPERVISOR_xen_version, XENVER_guest_handle, POINTER(handle), 0), OK);
    id[0] = sizeof(id) - sizeof(id[0]);
    assert_int_equal(hypercall(v, __HYPERVISOR_xen_version, XENVER_build_id, POINTER(id), 0), BUILD_ID_BYTES);
    assert_memory_equal(&id[1], arch_build_id(), BUILD_ID_BYTES);
    assert_int_equal(handle[8], 0x22);
}

/* [utest->dsn~sched-op~1] */
static void a_latched_shutdown_code_wins(void **state)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_reboot};

    (void)state;
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown_code, POINTER(&s), 0), OK);
    s.reason = SHUTDOWN_poweroff;
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&s), 0), OK);
    assert_int_equal(v->domain->shutdown_code, SHUTDOWN_reboot);
}

/* [utest->dsn~sched-op~1] */
static void yield_and_block_let_others_run(void **state)
{
    (void)state;
    cpu_of(0)->current = v; /* the Boot Domain shares the CPU */
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0), OK);
    assert_int_not_equal(cpu_of(0)->work & CPU_WORK_RESCHED, 0);
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0), OK);
    assert_int_equal(v->state, VCPU_BLOCKED);
}

static void *guest_page(uint64_t gfn, mfn_t *m)
{
    assert_int_equal(physmap_hold(v->domain, GFN(gfn), m), OK);
    physmap_release(*m);
    return arch_map_frame(*m);
}

/* [utest->dsn~multicall~1] */
static void a_list_of_calls_is_made_in_order(void **state)
{
    struct multicall_entry list[5] = {
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
        {.op = __HYPERVISOR_multicall, .args = {POINTER(list), 5}}, /* no list in a list */
        {.op = 63},
        {.op = UINT64_MAX},
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize}},
    };
    uint64_t calls = v->stats.hypercalls;

    (void)state;
    assert_int_equal(hypercall(v, __HYPERVISOR_multicall, POINTER(list), 5, 0), OK);
    assert_int_equal(restarts(), 4); /* one call a step */
    assert_int_equal(list[0].result, 0x40011);
    assert_int_equal((int64_t)list[1].result, ERR_INVAL);
    assert_int_equal((int64_t)list[2].result, ERR_NOSYS);
    assert_int_equal((int64_t)list[3].result, ERR_NOSYS);
    assert_int_equal(list[4].result, 4096);
    assert_int_equal(v->stats.hypercalls, calls + 5u);
}

/* [utest->dsn~multicall~1] */
static void a_long_call_in_a_list_goes_on_where_it_was(void **state)
{
    static xen_pfn_t extents[1024];
    struct xen_memory_reservation r = {.nr_extents = ARRAY_SIZE(extents), .domid = DOMID_SELF};
    struct multicall_entry list[2] = {
        {.op = __HYPERVISOR_memory_op, .args = {XENMEM_decrease_reservation, POINTER(&r)}},
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
    };

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(extents); i++) {
        extents[i] = (GUEST_RAM0_BASE >> PAGE_SHIFT) + i;
    }
    r.extent_start.p = extents;
    assert_int_equal(hypercall(v, __HYPERVISOR_multicall, POINTER(list), 2, 0), OK);
    assert_int_equal(restarts(), 2); /* two steps of the first, one of the second */
    assert_int_equal(list[0].result, ARRAY_SIZE(extents));
    assert_int_equal(list[1].result, 0x40011);
    assert_int_equal(v->domain->frames, 0);
}

/* [utest->dsn~multicall~1] */
static void a_list_that_cannot_be_answered_ends(void **state)
{
    struct multicall_entry list[2] = {{.op = __HYPERVISOR_xen_version}, {.op = __HYPERVISOR_xen_version}};

    (void)state;
    host_fail_copy(4); /* entry, answer, entry, answer */
    assert_int_equal(hypercall(v, __HYPERVISOR_multicall, POINTER(list), 2, 0), ERR_FAULT);
    host_fail_copy(3);
    assert_int_equal(hypercall(v, __HYPERVISOR_multicall, POINTER(list), 2, 0), ERR_FAULT);
    assert_int_equal(list[0].result, 0x40011);
    assert_int_equal(list[1].result, 0);
    host_fail_copy(0);
}

/* [utest->dsn~domain-suspend~1] */
static void a_suspended_domain_is_resumed_by_who_may(void **state)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_suspend};
    struct xen_domctl op = {0};
    uint16_t domid = v->domain->id;

    (void)state;
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_resumedomain, domid, &op), ERR_INVAL); /* it runs */
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&s), 0), OK);
    settle();
    assert_false(v->running);
    assert_int_equal(do_domctl(v, XEN_DOMCTL_resumedomain, domid, &op), ERR_PERM);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_resumedomain, domid, &op), OK);
    settle();
    assert_int_equal(domain_state(v->domain), DOMAIN_LIVE);
    assert_true(domain_may_run(v->domain) && !v->held);
    s.reason = SHUTDOWN_crash;
    assert_int_equal(hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, POINTER(&s), 0), OK);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_resumedomain, domid, &op), ERR_INVAL); /* that was not a suspend */
}

/* [utest->dsn~vcpu-op~1] */
static void vcpu_info_is_placed_once(void **state)
{
    struct vcpu_register_vcpu_info r = {.mfn = 0x40002, .offset = 128};
    const struct vcpu_info *info;
    mfn_t m;

    (void)state;
    memset(guest_page(0x40002, &m), 0xee, PAGE_SIZE);
    assert_int_equal(hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, POINTER(&r)), OK);
    info = (const void *)((const char *)guest_page(0x40002, &m) + 128);
    assert_int_equal(info->evtchn_upcall_pending, 1); /* nothing that came before is lost */
    assert_int_not_equal(info->time.tsc_to_system_mul, 0);
    assert_int_equal(frame_look(m).count, 2);
    assert_int_equal(hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, POINTER(&r)), ERR_INVAL);
    assert_int_equal(hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1, POINTER(&r)), OK);
}

/* [utest->dsn~wallclock~1] */
static void shared_info_tells_the_time_of_day(void **state)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = 0x40100};
    const struct shared_info *s;
    uint64_t ns;

    (void)state;
    assert_int_equal(do_memory(v, XENMEM_add_to_physmap, &a), OK);
    s = arch_map_frame(v->domain->shared_info);
    assert_int_equal(s->wc_version % 2u, 0);
    ns = (uint64_t)s->wc_sec * 1000000000u + s->wc_nsec;
    assert_int_equal(ns, ticks_to_ns(v->domain->time_zero - 1000u)); /* no clock: the epoch is the start at tick 1000 */
}

/* [utest->dsn~wallclock~1] */
static void counter_ticks_become_nanoseconds_by_the_published_factors(void **state)
{
    struct vcpu_time_info t;
    struct random r = {.state = 3};

    (void)state;
    wallclock_fill_time(&t);
    for (uint32_t i = 0; i < 1000u; i++) {
        uint64_t ticks = random_below(&r, UINT64_C(1) << 50);
        uint64_t shifted = (t.tsc_shift >= 0) ? ticks << t.tsc_shift : ticks >> -t.tsc_shift;
        uint64_t ns = (uint64_t)(((unsigned __int128)shifted * t.tsc_to_system_mul) >> 32);

        assert_in_range(ns, ticks_to_ns(ticks) - ticks_to_ns(ticks) / 100000000u - 16u, ticks_to_ns(ticks) + 16u);
        assert_in_range(ns_to_ticks(ticks_to_ns(ticks)), ticks - 1u, ticks);
    }
}

/* [utest->dsn~hvm-parameters~1] */
static void a_builder_leaves_parameters_for_its_guest(void **state)
{
    struct xen_hvm_param p = {.index = HVM_PARAM_CONSOLE_PFN, .value = 0x39000};
    uint16_t domid = build_domain(boot, "second", 1, 2);
    struct vcpu *second = vcpu_of(domid, 0);

    (void)state;
    p.domid = domid;
    assert_int_equal(hypercall(boot, __HYPERVISOR_hvm_op, HVMOP_set_param, POINTER(&p), 0), OK);
    p.value = 0;
    assert_int_equal(hypercall(boot, __HYPERVISOR_hvm_op, HVMOP_get_param, POINTER(&p), 0), OK);
    assert_int_equal(p.value, 0x39000);
    assert_int_equal(unpause(boot, domid), OK);
    p = (struct xen_hvm_param){.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = 5};
    assert_int_equal(hypercall(second, __HYPERVISOR_hvm_op, HVMOP_set_param, POINTER(&p), 0), OK);
    p.index = HVM_PARAM_CONSOLE_PFN;
    p.value = 0;
    assert_int_equal(hypercall(second, __HYPERVISOR_hvm_op, HVMOP_get_param, POINTER(&p), 0), OK);
    assert_int_equal(p.value, 0x39000);
}

/* [utest->dsn~sysctl~1] */
static void sysctl_is_for_those_who_may_look(void **state)
{
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    xen_domctl_getdomaininfo_t list[4];

    (void)state;
    assert_int_equal(hypercall(v, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), ERR_PERM);
    assert_int_equal(hypercall(boot, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), OK);
    assert_int_equal(op.u.physinfo.nr_cpus, HOST_CPUS);
    assert_int_equal(op.u.physinfo.total_pages, RAM_MIB << 8);
    assert_int_equal(op.u.physinfo.free_pages, frame_free_count());
    op.cmd = XEN_SYSCTL_sched_id;
    assert_int_equal(hypercall(v, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), ERR_PERM);
    assert_int_equal(hypercall(boot, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), OK);
    assert_int_equal(op.u.sched_id.sched_id, BULKHEAD_POLICY_SHARE);
    op.interface_version++;
    assert_int_equal(hypercall(boot, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), ERR_ACCES);
    op = (struct xen_sysctl){.cmd = XEN_SYSCTL_getdomaininfolist, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    op.u.getdomaininfolist.max_domains = 4;
    op.u.getdomaininfolist.buffer.p = list;
    assert_int_equal(hypercall(v, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), ERR_PERM);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_SUSPEND, v->domain->id, v->domain->id), OK);
    assert_int_equal(hypercall(v, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), OK);
    assert_int_equal(op.u.getdomaininfolist.num_domains, 0); /* it may see none */
    assert_int_equal(hypercall(boot, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), OK);
    assert_int_equal(op.u.getdomaininfolist.num_domains, 1);
    assert_int_equal(list[0].domain, v->domain->id);
    assert_int_equal(list[0].tot_pages, 1024);
    op.u.getdomaininfolist.buffer.q = NOWHERE;
    assert_int_equal(hypercall(boot, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), ERR_FAULT);
    assert_int_equal(hypercall(boot, __HYPERVISOR_sysctl, 0x1000, 0, 0), ERR_FAULT);
    op.cmd = XEN_SYSCTL_debug_keys;
    assert_int_equal(hypercall(boot, __HYPERVISOR_sysctl, POINTER(&op), 0, 0), ERR_NOSYS);
}

/* One call of readconsole; text gets a NUL. */
static int64_t read_console(struct vcpu *by, struct xen_sysctl *op, char *text, uint32_t room)
{
    int64_t err;

    op->cmd = XEN_SYSCTL_readconsole;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op->u.readconsole.buffer.p = text;
    op->u.readconsole.count = room;
    err = hypercall(by, __HYPERVISOR_sysctl, POINTER(op), 0, 0);
    text[(err == OK) ? op->u.readconsole.count : 0u] = '\0';
    return err;
}

/* [utest->dsn~sysctl~1] */
static void the_console_is_read_again_by_who_has_the_right(void **state)
{
    static char text[40001];
    struct xen_sysctl op = {0};
    uint32_t all = 0;

    (void)state;
    assert_int_equal(read_console(v, &op, text, 2000), ERR_PERM);
    console_line("the first", 9);
    op.u.readconsole.incremental = 1;
    do { /* short reads follow each other until nothing is left */
        assert_int_equal(read_console(boot, &op, text + all, 40000u - all), OK);
        all += op.u.readconsole.count;
    } while (op.u.readconsole.count > 0u);
    assert_non_null(strstr(text, "(bulkhead) the first\r\n"));
    console_line("the second", 10);
    assert_int_equal(read_console(boot, &op, text, 2000), OK);
    assert_string_equal(text, "(bulkhead) the second\r\n");
    op.u.readconsole.index = UINT32_MAX; /* of another time: from the oldest byte on */
    assert_int_equal(read_console(boot, &op, text, 10), OK);
    assert_int_equal(op.u.readconsole.count, 10);
    op.u.readconsole.incremental = 0;
    op.u.readconsole.clear = 1;
    do {
        assert_int_equal(read_console(boot, &op, text, 40000), OK);
    } while (op.u.readconsole.count > 0u);
    console_line("the third", 9);
    assert_int_equal(read_console(boot, &op, text, 2000), OK);
    assert_string_equal(text, "(bulkhead) the third\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unknown_numbers_answer_enosys, start),
        cmocka_unit_test_setup(bad_calls_have_their_error, start),
        cmocka_unit_test_setup(version_says_who_we_are, start),
        cmocka_unit_test_setup(a_latched_shutdown_code_wins, start),
        cmocka_unit_test_setup(yield_and_block_let_others_run, start),
        cmocka_unit_test_setup(a_list_of_calls_is_made_in_order, start),
        cmocka_unit_test_setup(a_long_call_in_a_list_goes_on_where_it_was, start),
        cmocka_unit_test_setup(a_list_that_cannot_be_answered_ends, start),
        cmocka_unit_test_setup(a_suspended_domain_is_resumed_by_who_may, start),
        cmocka_unit_test_setup(vcpu_info_is_placed_once, start),
        cmocka_unit_test_setup(shared_info_tells_the_time_of_day, start),
        cmocka_unit_test_setup(counter_ticks_become_nanoseconds_by_the_published_factors, start),
        cmocka_unit_test_setup(a_builder_leaves_parameters_for_its_guest, start),
        cmocka_unit_test_setup(sysctl_is_for_those_who_may_look, start),
        cmocka_unit_test_setup(the_console_is_read_again_by_who_has_the_right, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
