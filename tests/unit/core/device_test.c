/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the board: registers and shared interrupts, one owner each. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/device.h"
#include "core/physmap.h"

#include <string.h>
#include <xen/domctl.h>

#define RTC     (UINT64_C(0x09010000) >> PAGE_SHIFT)
#define GPIO    (UINT64_C(0x09030000) >> PAGE_SHIFT)
#define RTC_SPI 34u
#define ALLOW   true
#define FORBID  false

static struct vcpu *boot;
static uint16_t one, two;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = build_domain(boot, "one", 1, 2);
    two = build_domain(boot, "two", 1, 2);
    return 0;
}

static int64_t permit(struct vcpu *by, uint16_t domid, uint64_t first, uint64_t count, bool allow)
{
    struct xen_domctl op = {.u.iomem_permission = {.first_mfn = first, .nr_mfns = count, .allow_access = allow}};

    return do_domctl(by, XEN_DOMCTL_iomem_permission, domid, &op);
}

static int64_t map(struct vcpu *by, uint16_t domid, uint64_t gfn, uint64_t mfn, uint64_t count, bool add)
{
    struct xen_domctl op = {
        .u.memory_mapping = {.first_gfn = gfn, .first_mfn = mfn, .nr_mfns = count, .add_mapping = add}};

    return do_domctl(by, XEN_DOMCTL_memory_mapping, domid, &op);
}

static int64_t permit_irq(struct vcpu *by, uint16_t domid, uint32_t intid, bool allow)
{
    struct xen_domctl op = {.u.irq_permission = {.pirq = intid, .allow_access = allow}};

    return do_domctl(by, XEN_DOMCTL_irq_permission, domid, &op);
}

static int64_t bind_as(struct vcpu *by, uint32_t cmd, uint16_t domid, uint32_t machine, uint32_t type, uint32_t spi)
{
    struct xen_domctl op = {.u.bind_pt_irq = {.machine_irq = machine, .irq_type = type, .u.spi.spi = (uint16_t)spi}};

    return do_domctl(by, cmd, domid, &op);
}

static int64_t bind(uint16_t domid, uint32_t intid)
{
    return bind_as(boot, XEN_DOMCTL_bind_pt_irq, domid, intid, PT_IRQ_TYPE_SPI, intid);
}

static int64_t unbind(uint16_t domid, uint32_t intid)
{
    return bind_as(boot, XEN_DOMCTL_unbind_pt_irq, domid, intid, PT_IRQ_TYPE_SPI, intid);
}

static struct stage2_entry at(uint16_t domid, uint64_t gfn)
{
    struct domain *d = domain_of(domid);
    struct stage2_entry e;

    spin_lock(&d->physmap_lock);
    e = physmap_look(d, GFN(gfn));
    spin_unlock(&d->physmap_lock);
    return e;
}

static bool came(uint16_t domid, uint32_t intid)
{
    return (domain_of(domid)->arch.raised[intid / 32u - 1u] & (1u << (intid % 32u))) != 0u;
}

/* [utest->dsn~device-registers~1] */
static void registers_are_mapped_as_device_memory(void **state)
{
    (void)state;
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, true), ERR_PERM);
    assert_int_equal(permit(boot, one, RTC, 1, ALLOW), OK);
    assert_int_equal(permit(boot, one, RTC, 1, ALLOW), OK);
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, true), OK);
    assert_int_equal(at(one, 0x9010).mapping, MAPPING_DEVICE);
    assert_int_equal(at(one, 0x9010).access, ACCESS_RW);
    assert_int_equal(at(one, 0x9010).mfn.v, RTC);
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, true), ERR_EXIST);
    assert_int_equal(map(boot, one, 0x40000, RTC, 1, true), ERR_EXIST); /* its RAM */
    assert_int_equal(map(boot, one, 0x9010, RTC + 1, 1, false), ERR_INVAL);
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, false), OK);
    assert_int_equal(at(one, 0x9010).mapping, MAPPING_NONE);
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, false), ERR_INVAL);
    assert_int_equal(map(boot, one, 0x40000, RTC, 1, false), ERR_INVAL);
}

/* [utest->dsn~device-registers~1] */
static void nothing_but_registers_of_free_devices(void **state)
{
    const uint64_t ram = HOST_RAM_BASE >> PAGE_SHIFT;
    const uint64_t limit = arch_stage2_gfn_limit();

    (void)state;
    assert_int_equal(permit(boot, one, ram, 1, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, ram - 1u, 2, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, ram + ((uint64_t)RAM_MIB << 8) - 1u, 2, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, 0, ram + 1u, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, HOST_GICD >> PAGE_SHIFT, 1, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, (HOST_GICD >> PAGE_SHIFT) + 15u, 2, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, HOST_UART >> PAGE_SHIFT, 1, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, RTC, 0, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, limit, 1, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, limit - 1u, 2, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, UINT64_MAX, 2, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, 2, UINT64_MAX, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, RTC, 256, ALLOW), OK);
    for (uint32_t add = 0; add < 2u; add++) {
        assert_int_equal(map(boot, one, 0x9010, RTC, 0, add != 0u), ERR_INVAL);
        assert_int_equal(map(boot, one, 0x9010, RTC, DEVICE_BATCH + 1u, add != 0u), ERR_2BIG);
        assert_int_equal(map(boot, one, 0x9010, UINT64_MAX, 2, add != 0u), ERR_INVAL);
        assert_int_equal(map(boot, one, limit, RTC, 1, add != 0u), ERR_INVAL);
        assert_int_equal(map(boot, one, UINT64_MAX, RTC, 2, add != 0u), ERR_INVAL);
    }
    assert_int_equal(map(boot, one, 0x9010, RTC - 1u, 2, true), ERR_PERM);
    assert_int_equal(map(boot, one, 0x9010, RTC + 255u, 2, true), ERR_PERM);
    for (uint64_t i = 0; i < 256u; i += DEVICE_BATCH) {
        assert_int_equal(map(boot, one, 0x9010 + i, RTC + i, DEVICE_BATCH, true), OK);
    }
}

/* Two domains never have the same frames, and what is mapped cannot be given away.
 * [utest->dsn~device-owner~1] */
static void a_range_has_one_owner(void **state)
{
    (void)state;
    assert_int_equal(permit(boot, one, RTC, 2, ALLOW), OK);
    assert_int_equal(permit(boot, two, RTC, 2, ALLOW), ERR_BUSY);
    assert_int_equal(permit(boot, two, RTC + 1u, 1, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, two, RTC - 1u, 2, ALLOW), ERR_INVAL);
    assert_int_equal(permit(boot, one, RTC, 1, FORBID), ERR_INVAL);
    assert_int_equal(map(boot, two, 0x9010, RTC, 1, true), ERR_PERM);
    assert_int_equal(map(boot, one, 0x9010, RTC, 2, true), OK);
    assert_int_equal(map(boot, one, 0xa010, RTC, 1, true), OK); /* once more elsewhere */
    assert_int_equal(permit(boot, one, RTC, 2, FORBID), ERR_BUSY);
    assert_int_equal(map(boot, one, 0x9010, RTC, 2, false), OK);
    assert_int_equal(permit(boot, one, RTC, 2, FORBID), ERR_BUSY);
    assert_int_equal(permit(boot, two, RTC, 2, FORBID), OK); /* it does not have it anyway */
    assert_int_equal(permit(boot, two, GPIO, 2, FORBID), OK);
    assert_int_equal(map(boot, one, 0xa010, RTC, 1, false), OK);
    assert_int_equal(permit(boot, one, RTC, 2, FORBID), OK);
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, true), ERR_PERM);
    assert_int_equal(permit(boot, two, RTC, 2, ALLOW), OK);
    assert_int_equal(map(boot, two, 0x9010, RTC, 2, true), OK);
}

/* A domain that takes its own mapping away, or puts something in its place, has it no longer.
 * [utest->dsn~device-owner~1] */
static void the_guests_own_unmapping_counts(void **state)
{
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = 0x9010};

    (void)state;
    assert_int_equal(permit(boot, one, RTC, 1, ALLOW), OK);
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, true), OK);
    assert_int_equal(unpause(boot, one), OK);
    settle();
    assert_int_equal(do_memory(vcpu_of(one, 0), XENMEM_remove_from_physmap, &r), OK);
    assert_int_equal(at(one, 0x9010).mapping, MAPPING_NONE);
    assert_int_equal(permit(boot, one, RTC, 1, FORBID), OK);
}

/* The table of ranges is full, without harm.  [utest->dsn~device-registers~1] */
static void more_ranges_than_there_is_room_for(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < DEVICE_RANGES; i++) {
        assert_int_equal(permit(boot, one, RTC + 2u * i, 1, ALLOW), OK);
    }
    assert_int_equal(permit(boot, one, GPIO + 1000u, 1, ALLOW), ERR_NOSPC);
    assert_int_equal(destroy(boot, one), OK);
    settle();
    assert_int_equal(permit(boot, two, RTC, 1, ALLOW), OK);
}

/* After the launch nothing can be given that the launch gave to nobody, not even by who may give.
 * [utest->dsn~device-sealed~1] */
static void after_the_launch_devices_only_change_hands(void **state)
{
    uint16_t control = build_domain(boot, "control", 1, 2);
    struct vcpu *v = vcpu_of(control, 0);

    (void)state;
    assert_int_equal(unpause(boot, control), OK);
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(unpause(boot, two), OK);
    assert_int_equal(permit(boot, one, RTC, 1, ALLOW), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_ASSIGN_DEVICE, one, control), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_ASSIGN_DEVICE, two, control), OK);
    settle();
    assert_int_equal(exit_boot(boot, 0), OK);
    settle();
    assert_int_equal(permit(v, two, GPIO, 1, ALLOW), ERR_PERM);
    assert_int_equal(permit(v, two, RTC, 1, ALLOW), ERR_BUSY);
    assert_int_equal(permit(v, one, RTC, 1, FORBID), OK);
    assert_int_equal(permit(v, two, RTC, 1, ALLOW), OK);
    assert_int_equal(map(v, two, 0x9010, RTC, 1, true), OK);
    assert_int_equal(permit(v, control, RTC, 1, ALLOW), ERR_PERM);
}

/* [utest->dsn~device-interrupts~1] */
static void an_interrupt_reaches_its_owner_only(void **state)
{
    (void)state;
    assert_false(upcall_device_interrupt(RTC_SPI));
    assert_int_equal(bind(one, RTC_SPI), OK);
    assert_int_equal(bind(one, RTC_SPI), OK);
    assert_int_equal(bind(two, RTC_SPI), ERR_BUSY);
    assert_int_equal(permit_irq(boot, two, RTC_SPI, ALLOW), ERR_BUSY);
    assert_true(upcall_device_interrupt(RTC_SPI));
    assert_true(came(one, RTC_SPI));
    assert_false(upcall_device_interrupt(RTC_SPI + 1u));
    assert_false(upcall_device_interrupt(1019));
    assert_int_equal(unbind(two, RTC_SPI), OK); /* it does not have it */
    domain_of(one)->arch.in_hand = RTC_SPI;
    assert_int_equal(unbind(one, RTC_SPI), ERR_BUSY);
    assert_int_equal(permit_irq(boot, one, RTC_SPI, FORBID), ERR_BUSY);
    domain_of(one)->arch.in_hand = 0;
    assert_int_equal(unbind(one, RTC_SPI), OK);
    assert_int_equal(bind(two, RTC_SPI), ERR_BUSY); /* kept for it */
    assert_int_equal(permit_irq(boot, one, RTC_SPI, FORBID), OK);
    assert_false(upcall_device_interrupt(RTC_SPI));
    assert_int_equal(permit_irq(boot, two, RTC_SPI, ALLOW), OK);
    assert_int_equal(bind(one, RTC_SPI), ERR_BUSY);
    assert_int_equal(bind(two, RTC_SPI), OK);
    assert_int_equal(permit_irq(boot, two, RTC_SPI, FORBID), OK); /* unlinks it too */
    assert_int_equal(domain_of(two)->arch.bound[0], 0);
}

/* [utest->dsn~device-interrupts~1] [utest->dsn~domctl-device~1] */
static void nothing_but_free_shared_interrupts(void **state)
{
    static const uint32_t bad[] = {0, 1, 16, 27, 31, HOST_UART_IRQ, 32 + HOST_SPIS, 1019, 1020, 1023, 8192, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(bind_as(boot, XEN_DOMCTL_bind_pt_irq, one, bad[i], PT_IRQ_TYPE_SPI, bad[i]), ERR_INVAL);
        assert_int_equal(bind_as(boot, XEN_DOMCTL_unbind_pt_irq, one, bad[i], PT_IRQ_TYPE_SPI, bad[i]), ERR_INVAL);
        assert_int_equal(permit_irq(boot, one, bad[i], ALLOW), ERR_INVAL);
        assert_int_equal(permit_irq(boot, one, bad[i], FORBID), ERR_INVAL);
    }
    for (uint32_t type = 0; type < 8u; type++) {
        int64_t ought = (type == PT_IRQ_TYPE_SPI) ? OK : ERR_OPNOTSUPP;
        assert_int_equal(bind_as(boot, XEN_DOMCTL_bind_pt_irq, one, RTC_SPI, type, RTC_SPI), ought);
    }
    assert_int_equal(bind_as(boot, XEN_DOMCTL_bind_pt_irq, one, RTC_SPI, PT_IRQ_TYPE_SPI, RTC_SPI + 1u), ERR_INVAL);
    assert_int_equal(bind(one, 32u + HOST_SPIS - 1u), ERR_INVAL); /* the board has it, the domain does not */
    assert_int_equal(bind(two, 32u + HOST_SPIS - 1u), ERR_INVAL); /* and nobody keeps it */
}

/* [utest->dsn~domctl-device~1] */
static void who_lacks_the_right_changes_nothing(void **state)
{
    struct vcpu *v = vcpu_of(two, 0);

    (void)state;
    assert_int_equal(permit(boot, one, RTC, 1, ALLOW), OK);
    assert_int_equal(unpause(boot, two), OK);
    settle();
    for (uint32_t i = 0; i < 2u; i++) {
        uint16_t target = (i == 0u) ? one : two;
        assert_int_equal(permit(v, target, GPIO, 1, ALLOW), ERR_PERM);
        assert_int_equal(permit(v, target, RTC, 1, FORBID), ERR_PERM);
        assert_int_equal(map(v, target, 0x9010, RTC, 1, true), ERR_PERM);
        assert_int_equal(permit_irq(v, target, RTC_SPI, ALLOW), ERR_PERM);
        assert_int_equal(bind_as(v, XEN_DOMCTL_bind_pt_irq, target, RTC_SPI, PT_IRQ_TYPE_SPI, RTC_SPI), ERR_PERM);
    }
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, true), OK);
}

/* [utest->dsn~device-end~1] */
static void a_domains_end_frees_its_devices(void **state)
{
    struct domain *d = domain_of(one);

    (void)state;
    assert_int_equal(permit(boot, one, RTC, 1, ALLOW), OK);
    assert_int_equal(permit(boot, one, GPIO, 4, ALLOW), OK);
    assert_int_equal(map(boot, one, 0x9010, RTC, 1, true), OK);
    assert_int_equal(map(boot, one, 0x9030, GPIO, 4, true), OK);
    assert_int_equal(bind(one, RTC_SPI), OK);
    assert_int_equal(permit_irq(boot, one, RTC_SPI + 1u, ALLOW), OK);
    assert_true(upcall_device_interrupt(RTC_SPI)); /* its line is pending */
    d = domain_get_slot(one);                      /* somebody looks at it */
    assert_int_equal(destroy(boot, one), OK);
    assert_int_equal(device_permit(d, RTC, 1, ALLOW), ERR_SRCH);
    assert_int_equal(device_spi(d, RTC_SPI, DEVICE_BIND), ERR_SRCH);
    assert_int_equal(device_spi(d, RTC_SPI, DEVICE_PERMIT), ERR_SRCH);
    settle();
    assert_int_equal(d->arch.bound[0], 0);
    domain_put(d);
    settle();
    assert_null(domain_get_slot(one));
    assert_false(upcall_device_interrupt(RTC_SPI));
    assert_int_equal(permit(boot, two, RTC, 1, ALLOW), OK);
    assert_int_equal(permit(boot, two, GPIO, 4, ALLOW), OK);
    assert_int_equal(bind(two, RTC_SPI), OK);
    assert_int_equal(bind(two, RTC_SPI + 1u), OK);
}

/* Every step that can fail does, once: without tables nothing is mapped or counted.  [utest->dsn~device-registers~1] */
static void without_table_memory_nothing_is_mapped(void **state)
{
    struct domain *d = domain_of(one);
    struct xen_domctl op = {.u.paging_mempool.size = 0};

    (void)state;
    assert_int_equal(permit(boot, one, RTC, 1, ALLOW), OK);
    (void)do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, one, &op); /* whatever is free goes */
    assert_int_equal(d->pool_free, 0);
    assert_int_equal(map(boot, one, UINT64_C(0x200000), RTC, 1, true), ERR_NOMEM);
    assert_int_equal(permit(boot, one, RTC, 1, FORBID), OK);
}

/* [utest->dsn~device-storm~2] */
static void a_line_that_comes_too_often_is_switched_off_and_reported(void **state)
{
    const ticks_t period = arch_ticks_hz() / 64u;
    const uint64_t *storms;

    (void)state;
    assert_int_equal(bind(one, RTC_SPI), OK);
    storms = &domain_of(one)->health.events[BULKHEAD_EVENT_STORM];
    host_set_ticks(1000u * period);
    for (uint32_t i = 0; i < 3u * 511u; i++) {
        host_set_ticks((1000u + i / 511u) * period); /* as often as it may */
        assert_true(upcall_device_interrupt(RTC_SPI));
    }
    assert_int_equal(*storms, 0);
    assert_int_equal(host_muted(), 0);
    assert_true(upcall_device_interrupt(RTC_SPI));
    assert_int_equal(*storms, 1);
    assert_int_equal(host_muted(), RTC_SPI);
    assert_true(came(one, RTC_SPI));
    for (uint32_t i = 0; i < 100u; i++) { /* on their way */
        assert_true(upcall_device_interrupt(RTC_SPI));
    }
    assert_int_equal(*storms, 1);
    host_set_ticks(1003u * period); /* it was enabled again */
    for (uint32_t i = 0; i < 512u; i++) {
        assert_true(upcall_device_interrupt(RTC_SPI));
    }
    assert_int_equal(*storms, 2);
    assert_int_equal(domain_of(two)->health.events[BULKHEAD_EVENT_STORM], 0);
}

/* [utest->dsn~device-storm~2] */
static void a_domain_has_a_limit_of_its_own(void **state)
{
    struct bulkhead_health h = {.fallback = BULKHEAD_ACTION_HALT, .storm = 3};
    const uint64_t *storms = &domain_of(one)->health.events[BULKHEAD_EVENT_STORM];

    (void)state;
    for (uint32_t i = 0; i < 4u; i++) {
        h.action[i] = BULKHEAD_ACTION_HALT;
    }
    h.domid = one;
    assert_int_equal(hypercall(boot, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_SET_HEALTH, POINTER(&h), 0), OK);
    assert_int_equal(bind(one, RTC_SPI), OK);
    host_set_ticks(1000u * (arch_ticks_hz() / 64u));
    assert_true(upcall_device_interrupt(RTC_SPI));
    assert_true(upcall_device_interrupt(RTC_SPI));
    assert_int_equal(*storms, 0);
    assert_true(upcall_device_interrupt(RTC_SPI));
    assert_int_equal(*storms, 1);
    assert_int_equal(host_muted(), RTC_SPI);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_that_comes_too_often_is_switched_off_and_reported, start),
        cmocka_unit_test_setup(a_domain_has_a_limit_of_its_own, start),
        cmocka_unit_test_setup(registers_are_mapped_as_device_memory, start),
        cmocka_unit_test_setup(nothing_but_registers_of_free_devices, start),
        cmocka_unit_test_setup(a_range_has_one_owner, start),
        cmocka_unit_test_setup(the_guests_own_unmapping_counts, start),
        cmocka_unit_test_setup(more_ranges_than_there_is_room_for, start),
        cmocka_unit_test_setup(after_the_launch_devices_only_change_hands, start),
        cmocka_unit_test_setup(an_interrupt_reaches_its_owner_only, start),
        cmocka_unit_test_setup(nothing_but_free_shared_interrupts, start),
        cmocka_unit_test_setup(who_lacks_the_right_changes_nothing, start),
        cmocka_unit_test_setup(a_domains_end_frees_its_devices, start),
        cmocka_unit_test_setup(without_table_memory_nothing_is_mapped, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
