/* SPDX-License-Identifier: Apache-2.0 */
/* t_xenver: the small hypercalls of the Xen ABI.
 * [itest->dsn~seen-hypercalls~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/test.h>
#include <guest/timer.h>
#include <guest/xen_time.h>

#include <stddef.h>
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define COUNT(array)    (sizeof(array) / sizeof((array)[0]))
#define OTHER_DOMAIN    1000
#define LONGEST_BOOT_NS UINT64_C(600000000000)
#define ABI_MAJOR       4
#define ABI_MINOR       17
#define BUILD_ID_BYTES  20

static uint8_t vcpu_info_page[4096] __attribute__((aligned(4096)));
static struct vcpu_runstate_info runstate __attribute__((aligned(64)));

static bool ends_in_buffer(const char *text, size_t size)
{
    return strnlen(text, size) < size;
}

static void version(void)
{
    CHECK_EQUAL(xen_version(XENVER_version, NULL), ABI_MAJOR << 16 | ABI_MINOR);
}

static void strings(void)
{
    xen_extraversion_t extra;
    xen_capabilities_info_t capabilities;
    xen_changeset_info_t changeset;
    xen_compile_info_t compile;

    memset(&extra, 'x', sizeof(extra));
    memset(&capabilities, 'x', sizeof(capabilities));
    memset(&changeset, 'x', sizeof(changeset));
    memset(&compile, 'x', sizeof(compile));
    CHECK_EQUAL(xen_version(XENVER_extraversion, &extra), 0);
    CHECK(ends_in_buffer(extra, sizeof(extra)));
    CHECK_EQUAL(xen_version(XENVER_capabilities, &capabilities), 0);
    CHECK(ends_in_buffer(capabilities, sizeof(capabilities)));
    CHECK(strstr(capabilities, "xen-3.0-aarch64") != NULL);
    CHECK_EQUAL(xen_version(XENVER_changeset, &changeset), 0);
    CHECK(ends_in_buffer(changeset, sizeof(changeset)));
    CHECK_EQUAL(xen_version(XENVER_compile_info, &compile), 0);
    CHECK(ends_in_buffer(compile.compiler, sizeof(compile.compiler)));
    CHECK(ends_in_buffer(compile.compile_by, sizeof(compile.compile_by)));
    CHECK(ends_in_buffer(compile.compile_domain, sizeof(compile.compile_domain)));
    CHECK(ends_in_buffer(compile.compile_date, sizeof(compile.compile_date)));
}

static void page_size(void)
{
    CHECK_EQUAL(xen_version(XENVER_pagesize, NULL), 4096);
}

static void features(void)
{
    xen_feature_info_t info = {.submap_idx = 0};

    CHECK_EQUAL(xen_version(XENVER_get_features, &info), 0);
    CHECK((info.submap & 1u << XENFEAT_auto_translated_physmap) != 0);
    info.submap_idx = 1000;
    CHECK_EQUAL(xen_version(XENVER_get_features, &info), -XEN_EINVAL);
}

static void guest_handle_and_build_id(void)
{
    static struct {
        uint32_t room;
        uint8_t buf[64];
    } build_id = {.room = sizeof(build_id.buf)};
    uint8_t any = 0;
    xen_domain_handle_t handle;

    CHECK_EQUAL(xen_version(XENVER_guest_handle, &handle), 0);
    CHECK_EQUAL(xen_version(XENVER_build_id, NULL), BUILD_ID_BYTES);
    CHECK_EQUAL(xen_version(XENVER_build_id, &build_id), BUILD_ID_BYTES);
    for (uint32_t i = 0; i < BUILD_ID_BYTES; i++) {
        any |= build_id.buf[i];
    }
    CHECK(any != 0);
    CHECK_EQUAL(build_id.buf[BUILD_ID_BYTES], 0); /* nothing is written behind it */
    CHECK_EQUAL(xen_version(XENVER_guest_handle, (void *)(UINT64_C(1) << 44)), -XEN_EFAULT);
}

static int64_t get_param(domid_t domain, uint32_t index, uint64_t *value)
{
    struct xen_hvm_param request = {.domid = domain, .index = index};
    int64_t result = hvm_op(HVMOP_get_param, &request);

    *value = request.value;
    return result;
}

static int64_t set_param(domid_t domain, uint32_t index, uint64_t value)
{
    struct xen_hvm_param request = {.domid = domain, .index = index, .value = value};

    return hvm_op(HVMOP_set_param, &request);
}

static void hvm_params(void)
{
    uint64_t value;
    int64_t result;

    CHECK_EQUAL(get_param(DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &value), 0);
    result = set_param(DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, UINT64_C(2) << 56 | 31);
    CHECK(result == 0 || result == -XEN_EPERM);
    CHECK_EQUAL(get_param(DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &value), 0);
    CHECK(result != 0 || value == (UINT64_C(2) << 56 | 31));
    CHECK_EQUAL(get_param(DOMID_SELF, HVM_PARAM_STORE_PFN, &value), 0);
    CHECK_EQUAL(get_param(DOMID_SELF, HVM_PARAM_STORE_EVTCHN, &value), 0);
    CHECK_EQUAL(get_param(DOMID_SELF, HVM_PARAM_CONSOLE_PFN, &value), 0);
}

static void hvm_params_refused(void)
{
    uint64_t value;
    int64_t result;

    CHECK_EQUAL(get_param(DOMID_SELF, HVM_NR_PARAMS, &value), -XEN_EINVAL);
    CHECK_EQUAL(get_param(DOMID_SELF, UINT32_MAX, &value), -XEN_EINVAL);
    CHECK_EQUAL(set_param(DOMID_SELF, HVM_NR_PARAMS, 0), -XEN_EINVAL);
    result = get_param(OTHER_DOMAIN, HVM_PARAM_STORE_PFN, &value);
    CHECK(result == -XEN_ESRCH || result == -XEN_EPERM);
    result = set_param(OTHER_DOMAIN, HVM_PARAM_CALLBACK_IRQ, 0);
    CHECK(result == -XEN_ESRCH || result == -XEN_EPERM);
    CHECK_EQUAL(hvm_op(HVMOP_get_param, (void *)(UINT64_C(1) << 44)), -XEN_EFAULT);
}

static void yield(void)
{
    for (uint32_t i = 0; i < 100; i++) {
        CHECK_EQUAL(sched_op(SCHEDOP_yield, NULL), 0);
    }
}

static volatile uint32_t timer_fired;

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    timer_stop();
    if (intid < 1020) {
        timer_fired++;
        gic_end(intid);
    }
}

/* SCHEDOP_block ends when an interrupt waits for the vCPU, masked by PSTATE or not.  Masked here, or a timer that is early
 * (the machine is an emulator with other work) is over before the call and nothing ends it. */
static void block(void)
{
    uint64_t deadline = ticks() + ns_to_ticks(5000000);
    int64_t result;

    timer_fired = 0;
    gic_enable(TIMER_VIRTUAL_PPI);
    timer_set(deadline);
    result = sched_op(SCHEDOP_block, NULL);
    irq_enable();
    while (timer_fired == 0) {
    }
    irq_disable();
    CHECK_EQUAL(result, 0);
    CHECK(ticks() >= deadline);
}

static void sched_refused(void)
{
    struct sched_remote_shutdown remote = {.domain_id = OTHER_DOMAIN, .reason = SHUTDOWN_crash};
    int64_t result = sched_op(SCHEDOP_remote_shutdown, &remote);

    CHECK(result == -XEN_ESRCH || result == -XEN_EPERM || result == -XEN_ENOSYS);
    CHECK_EQUAL(sched_op(SCHEDOP_shutdown, (void *)(UINT64_C(1) << 44)), -XEN_EFAULT);
}

static void vcpu_info(void)
{
    struct vcpu_register_vcpu_info request = {.mfn = (uint64_t)vcpu_info_page >> 12, .offset = 64};

    CHECK_EQUAL(vcpu_op(VCPUOP_register_vcpu_info, 0, &request), 0);
    /* Once only. */
    CHECK_EQUAL(vcpu_op(VCPUOP_register_vcpu_info, 0, &request), -XEN_EINVAL);
    CHECK(vcpu_op(VCPUOP_register_vcpu_info, 127, &request) < 0);
    CHECK(vcpu_op(VCPUOP_register_vcpu_info, UINT32_MAX, &request) < 0);
}

static void runstate_area(void)
{
    struct vcpu_register_runstate_memory_area request;
    uint64_t entered, boot;

    memset(&request, 0, sizeof(request));
    request.addr.v = &runstate;
    memset(&runstate, 0xff, sizeof(runstate));
    CHECK_EQUAL(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &request), 0);
    CHECK_EQUAL(*(volatile int *)&runstate.state, RUNSTATE_running);
    /* Nanoseconds since the hypervisor's start, which is before this domain's. */
    entered = *(volatile uint64_t *)&runstate.state_entry_time;
    CHECK_EQUAL(entered & XEN_RUNSTATE_UPDATE, 0);
    boot = ticks_to_ns(ticks());
    CHECK(entered < boot + LONGEST_BOOT_NS);
    /* What Linux asks for before it reads the area of another vCPU. */
    CHECK_EQUAL(hypercall3(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0), 0);
    CHECK_EQUAL(hypercall3(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3, 0), -XEN_EINVAL);
}

static void reservation(void)
{
    domid_t self = DOMID_SELF, other = OTHER_DOMAIN;
    int64_t pages = memory_op(XENMEM_current_reservation, &self);
    int64_t most = memory_op(XENMEM_maximum_reservation, &self);
    int64_t last = memory_op(XENMEM_maximum_gpfn, &self);

    CHECK(pages > 0);
    CHECK(most >= pages);
    CHECK(platform.ram_count == 0 || last >= (int64_t)((platform.ram[0].base + platform.ram[0].size) >> 12) - 1);
    CHECK(memory_op(XENMEM_current_reservation, &other) < 0);
    CHECK(memory_op(XENMEM_maximum_gpfn, &other) < 0);
}

static void add_to_physmap(void)
{
    struct xen_add_to_physmap request = {.domid = DOMID_SELF, .space = 77, .gpfn = 0x50000};
    const struct shared_info *info = shared_info_map();
    int64_t result;

    CHECK(info != NULL);
    CHECK(memory_op(XENMEM_add_to_physmap, &request) < 0);
    request.space = XENMAPSPACE_shared_info;
    request.idx = 1;
    CHECK_EQUAL(memory_op(XENMEM_add_to_physmap, &request), -XEN_EINVAL);
    request.idx = 0;
    request.gpfn = UINT64_C(1) << 50;
    CHECK(memory_op(XENMEM_add_to_physmap, &request) < 0);
    request.domid = OTHER_DOMAIN;
    request.gpfn = 0x50000;
    result = memory_op(XENMEM_add_to_physmap, &request);
    CHECK(result == -XEN_ESRCH || result == -XEN_EPERM);
}

static void memory_of_others(void)
{
    struct xen_memory_reservation request = {.nr_extents = 1, .domid = OTHER_DOMAIN};

    CHECK(memory_op(XENMEM_populate_physmap, &request) <= 0);
    CHECK(memory_op(XENMEM_decrease_reservation, &request) <= 0);
}

/* An ordinary domain has no right to any of these. */
static void management_is_refused(void)
{
    static struct xen_domctl domctl;
    int64_t result;

    domctl.cmd = XEN_DOMCTL_destroydomain;
    domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    domctl.domain = DOMID_SELF;
    result = domctl_op(&domctl);
    CHECK(result == -XEN_EPERM || result == -XEN_ENOSYS || result == -XEN_ESRCH);
    domctl.cmd = XEN_DOMCTL_createdomain;
    CHECK(domctl_op(&domctl) < 0);
    result = hypercall2(__HYPERVISOR_sysctl, (uint64_t)&domctl, 0);
    CHECK(result == -XEN_EPERM || result == -XEN_ENOSYS || result == -XEN_EACCES);
    result = hypercall2(__HYPERVISOR_platform_op, (uint64_t)&domctl, 0);
    CHECK(result == -XEN_EPERM || result == -XEN_ENOSYS);
}

static void console(void)
{
    int64_t result = console_io(CONSOLEIO_write, 24, "t_xenver: by console_io\n");

    CHECK(result == 0 || result == -XEN_EPERM);
    CHECK(console_io(77, 0, NULL) < 0);
    if (result == 0) {
        CHECK_EQUAL(console_io(CONSOLEIO_write, 4096, (const char *)(UINT64_C(1) << 44)), -XEN_EFAULT);
    }
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"version", version},
        {"strings", strings},
        {"page_size", page_size},
        {"features", features},
        {"guest_handle_and_build_id", guest_handle_and_build_id},
        {"hvm_params", hvm_params},
        {"hvm_params_refused", hvm_params_refused},
        {"yield", yield},
        {"block", block},
        {"sched_refused", sched_refused},
        {"vcpu_info", vcpu_info},
        {"runstate_area", runstate_area},
        {"reservation", reservation},
        {"add_to_physmap", add_to_physmap},
        {"memory_of_others", memory_of_others},
        {"management_is_refused", management_is_refused},
        {"console", console},
    };

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    test_run(tests, COUNT(tests));
}
