/* SPDX-License-Identifier: Apache-2.0 */
/* t_roles: a hostile domain tries every operation on others that its role does not let it touch, and is refused with the
 * documented error; who they are does not notice.  Boot arguments: control=1 it is the Control Domain (it may look at
 * them), else it holds no right at all; first=, last= domids of the victims; rounds=N; of the Control Domain, domains=
 * and vcpus= that it may create; of others, later= the first domid of these; every=1 nothing but every operation.
 *   t_roles: 2 victims, 100 rounds, 11000 calls refused
 * [itest->dsn~hostile-roles~1] [impl->dsn~hostile-roles~1] */
#include "t_roles.h"

#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/string.h>
#include <guest/test.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sysctl.h>

bool is_control;
uint16_t victim;
uint8_t page[PAGE] __attribute__((aligned(PAGE)));
struct xen_domctl request;

int64_t domctl(uint32_t cmd, uint16_t domid)
{
    request.cmd = cmd;
    request.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    request.domain = domid;
    return domctl_op(&request);
}

int64_t reservation(unsigned int cmd, uint16_t domid, uint64_t gfn)
{
    xen_pfn_t frame = gfn;
    struct xen_memory_reservation arg = {.nr_extents = 1, .domid = domid};

    set_xen_guest_handle(arg.extent_start, &frame);
    return memory_op(cmd, &arg);
}

/* What it may look at, it may; without a right it may not even look. */
static void looking_is_all_that_a_role_allows(void)
{
    struct bulkhead_domain name = {.domid = (uint16_t)platform_argument("first", 1)};
    struct bulkhead_rights rights = {.target = name.domid};
    struct bulkhead_focus focus = {.domid = name.domid};
    struct evtchn_status status = {.dom = name.domid, .port = 1};
    int64_t error = is_control ? OK : EPERM;

    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_GET_DOMAIN, &name), error);
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_RIGHTS, &rights), error);
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_FOCUS, &focus), error);
    memset(&request, 0, sizeof(request));
    CHECK_EQUAL(domctl(XEN_DOMCTL_getdomaininfo, name.domid), error);
    status.port = 4095; /* nobody has so many */
    CHECK(event_channel_op(EVTCHNOP_status, &status) != OK);
}

static void the_platform_is_not_its_to_change(void)
{
    static const struct {
        uint32_t cmd;
        int64_t control; /* what the Control Domain is told; others are told EPERM */
    } sysctls[] = {
        {XEN_SYSCTL_tbuf_op, ENOSYS},
        {XEN_SYSCTL_perfc_op, ENOSYS},
        {XEN_SYSCTL_debug_keys, ENOSYS},
        {XEN_SYSCTL_cpupool_op, ENOSYS},
        {XEN_SYSCTL_cpu_hotplug, ENOSYS},
        {XEN_SYSCTL_scheduler_op, EINVAL}, /* it may choose among schedules: no pool has any */
    };
    struct xen_sysctl sysctl = {.interface_version = XEN_SYSCTL_INTERFACE_VERSION};

    for (uint32_t i = 0; i < COUNT(sysctls); i++) {
        sysctl.cmd = sysctls[i].cmd;
        CHECK_EQUAL(hypercall2(__HYPERVISOR_sysctl, (uint64_t)&sysctl, 0), is_control ? sysctls[i].control : EPERM);
    }
    CHECK_EQUAL(hypercall2(__HYPERVISOR_platform_op, (uint64_t)page, 0), ENOSYS);
    CHECK_EQUAL(hypercall2(__HYPERVISOR_physdev_op, 0, (uint64_t)page), ENOSYS);
    CHECK_EQUAL(hypercall2(__HYPERVISOR_xsm_op, (uint64_t)page, 0), ENOSYS);
    CHECK_EQUAL(hypercall3(__HYPERVISOR_dm_op, victim, 0, (uint64_t)page), ENOSYS);
    CHECK_EQUAL(hypercall2(__HYPERVISOR_kexec_op, 0, (uint64_t)page), ENOSYS);
}

/* No right over the platform goes anywhere, nor does one over a domain that is not there. */
static void no_right_moves_any_more(void)
{
    static const uint16_t targets[] = {DOMID_SELF, DOMID_BOOT, DOMID_IO, DOMID_XEN, DOMID_INVALID, 0, 99};

    for (uint32_t i = 0; i < COUNT(targets); i++) {
        for (uint16_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
            struct bulkhead_right_move move = {.right = right, .target = targets[i], .receiver = victim};
            int64_t result = bulkhead_op(BULKHEAD_OP_MOVE_RIGHT, &move);
            CHECK(result == EPERM || result == ESRCH || result == EINVAL);
        }
    }
}

/* Safe domains are asked, and one of these refuses: the machine stays on. */
static void the_platform_does_not_end_while_a_safe_domain_refuses(void)
{
    struct bulkhead_power power = {.action = BULKHEAD_POWER_RESET, .seconds = 1};
    int64_t result = bulkhead_op(BULKHEAD_OP_POWER, &power);

    CHECK_EQUAL(result, is_control ? OK : EPERM);
    power.action = BULKHEAD_POWER_AGREE; /* not for others */
    CHECK(bulkhead_op(BULKHEAD_OP_POWER, &power) != OK);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"looking", looking_is_all_that_a_role_allows},
        {"create", nothing_is_created_beyond_what_the_launch_set_aside}, /* from here on the budget is spent */
        {"every_operation", every_operation_on_every_victim_is_refused},
        {"platform", the_platform_is_not_its_to_change},
        {"no_right_moves", no_right_moves_any_more},
        {"power", the_platform_does_not_end_while_a_safe_domain_refuses},
    };
    static const struct test every[] = {{"every_operation", every_operation_on_every_victim_is_refused}};
    struct bulkhead_boot_record record = {.exited = 0};

    platform_init(x0);
    is_control = platform_argument("control", 0) != 0;
    while (record.exited == 0) { /* rights have moved then */
        (void)bulkhead_op(BULKHEAD_OP_BOOT_RECORD, &record);
    }
    if (platform_argument("every", 0) != 0) {
        test_run(every, COUNT(every));
    }
    test_run(tests, COUNT(tests));
}
