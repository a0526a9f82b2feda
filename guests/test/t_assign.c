/* SPDX-License-Identifier: Apache-2.0 */
/* t_assign: who may give devices of the board, to whom, and what is left of one when its domain ends.
 * Boot arguments: role=1 the Control Domain (holder=, heir=, guard= are domids); role=2 the holder of a GPIO controller, who
 * ends with its line high and pending; role=3 the heir, who gets it afterwards.
 * [itest->dsn~domctl-device~1] [itest->dsn~device-owner~1] [itest->dsn~device-sealed~1] [itest->dsn~device-end~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/sysreg.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <stddef.h>
#include <xen/domctl.h>
#include <xen/sched.h>

#include "probe.h"

#define GPIO            UINT64_C(0x09030000)
#define GPIO_DATA(mask) (4u * (mask))
#define GPIO_DIR        0x400u
#define GPIO_IS         0x404u
#define GPIO_IEV        0x40cu
#define GPIO_IE         0x410u
#define GPIO_RIS        0x414u
#define GPIO_IC         0x41cu
#define GPIO_INTID      39u
#define UART_INTID      33u
#define UNKNOWN         UINT64_C(0x0a000000) /* virtio: registers that nobody was given at launch */
#define RAM             UINT64_C(0x40000000)
#define GICD            UINT64_C(0x08000000)
#define UART            UINT64_C(0x09000000)
#define PATIENCE_S      60u

#define EPERM      (-1)
#define ESRCH      (-3)
#define E2BIG      (-7)
#define EBUSY      (-16)
#define EEXIST     (-17)
#define EINVAL     (-22)
#define EOPNOTSUPP (-95)

static volatile uint32_t gpio_count;
static uint16_t holder, heir, guard;

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid == GPIO_INTID) {
        gpio_count++;
        mmio_write32(GPIO + GPIO_DATA(1), 0);
        mmio_write32(GPIO + GPIO_IC, 1);
    }
    if (intid != GIC_SPURIOUS) {
        gic_end(intid);
    }
}

static int64_t domctl(struct xen_domctl *op, uint32_t cmd, uint16_t domid)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    return domctl_op(op);
}

static int64_t permit(uint16_t domid, uint64_t base, uint64_t pages, bool allow)
{
    struct xen_domctl op = {
        .u.iomem_permission = {.first_mfn = base >> 12, .nr_mfns = pages, .allow_access = allow ? 1 : 0}};

    return domctl(&op, XEN_DOMCTL_iomem_permission, domid);
}

static int64_t map(uint16_t domid, uint64_t to, uint64_t base, uint64_t pages, bool add)
{
    struct xen_domctl op = {.u.memory_mapping = {.first_gfn = to >> 12,
                                                 .first_mfn = base >> 12,
                                                 .nr_mfns = pages,
                                                 .add_mapping = add ? DPCI_ADD_MAPPING : DPCI_REMOVE_MAPPING}};

    return domctl(&op, XEN_DOMCTL_memory_mapping, domid);
}

static int64_t permit_irq(uint16_t domid, uint32_t intid, bool allow)
{
    struct xen_domctl op = {.u.irq_permission = {.pirq = intid, .allow_access = allow ? 1 : 0}};

    return domctl(&op, XEN_DOMCTL_irq_permission, domid);
}

static int64_t bind(uint16_t domid, uint32_t cmd, uint32_t intid, uint32_t type)
{
    struct xen_domctl op = {.u.bind_pt_irq = {.machine_irq = intid, .irq_type = type, .u.spi.spi = (uint16_t)intid}};

    return domctl(&op, cmd, domid);
}

/* Every way to give or take, all refused alike. */
static void check_all_refused(uint16_t domid, int64_t error)
{
    CHECK_EQUAL(permit(domid, GPIO, 1, true), error);
    CHECK_EQUAL(permit(domid, GPIO, 1, false), error);
    CHECK_EQUAL(map(domid, GPIO, GPIO, 1, true), error);
    CHECK_EQUAL(map(domid, GPIO, GPIO, 1, false), error);
    CHECK_EQUAL(permit_irq(domid, GPIO_INTID, true), error);
    CHECK_EQUAL(permit_irq(domid, GPIO_INTID, false), error);
    CHECK_EQUAL(bind(domid, XEN_DOMCTL_bind_pt_irq, GPIO_INTID, PT_IRQ_TYPE_SPI), error);
    CHECK_EQUAL(bind(domid, XEN_DOMCTL_unbind_pt_irq, GPIO_INTID, PT_IRQ_TYPE_SPI), error);
}

/* ---- the Control Domain ---- */

static void protected_domains_and_itself_are_refused(void)
{
    check_all_refused(guard, EPERM);
    check_all_refused(DOMID_SELF, EPERM);
    check_all_refused(99, ESRCH);
    check_all_refused(DOMID_BOOT, ESRCH);
}

static void what_is_no_device_is_refused(void)
{
    CHECK_EQUAL(permit(heir, RAM, 1, true), EINVAL);
    CHECK_EQUAL(permit(heir, RAM - 4096, 2, true), EINVAL);
    CHECK_EQUAL(permit(heir, GICD, 1, true), EINVAL);
    CHECK_EQUAL(permit(heir, UART, 1, true), EINVAL);
    CHECK_EQUAL(permit(heir, 0, UINT64_MAX, true), EINVAL);
    CHECK_EQUAL(permit(heir, UINT64_MAX, 1, true), EINVAL);
    CHECK_EQUAL(permit(heir, GPIO, 0, true), EINVAL);
    CHECK_EQUAL(map(heir, RAM, RAM, 1, true), EPERM);
    CHECK_EQUAL(map(heir, GPIO, GICD, 1, true), EPERM);
    CHECK_EQUAL(map(heir, GPIO, GPIO, 0, true), EINVAL);
    CHECK_EQUAL(map(heir, GPIO, GPIO, 65, true), E2BIG);
    CHECK_EQUAL(map(heir, GPIO, UINT64_MAX, 1, false), EINVAL);
    CHECK_EQUAL(map(heir, RAM, GPIO, 1, false), EINVAL);
    for (uint32_t intid = 0; intid <= UART_INTID; intid += (intid == 0) ? 31 : 2) {
        CHECK_EQUAL(permit_irq(heir, intid, true), EINVAL);
        CHECK_EQUAL(bind(heir, XEN_DOMCTL_bind_pt_irq, intid, PT_IRQ_TYPE_SPI), EINVAL);
    }
    CHECK_EQUAL(bind(heir, XEN_DOMCTL_bind_pt_irq, 1020, PT_IRQ_TYPE_SPI), EINVAL);
    CHECK_EQUAL(bind(heir, XEN_DOMCTL_bind_pt_irq, UINT32_MAX, PT_IRQ_TYPE_SPI), EINVAL);
    CHECK_EQUAL(bind(heir, XEN_DOMCTL_bind_pt_irq, GPIO_INTID, PT_IRQ_TYPE_MSI), EOPNOTSUPP);
}

/* What nobody had at launch stays nobody's: nobody can be made to write to memory by it. */
static void nothing_new_after_the_launch(void)
{
    CHECK_EQUAL(permit(heir, UNKNOWN, 1, true), EPERM);
    CHECK_EQUAL(map(heir, UNKNOWN, UNKNOWN, 1, true), EPERM);
}

static void what_another_has_is_busy(void)
{
    CHECK_EQUAL(permit(heir, GPIO, 1, true), EBUSY);
    CHECK_EQUAL(map(heir, GPIO, GPIO, 1, true), EPERM);
    CHECK_EQUAL(permit_irq(heir, GPIO_INTID, true), EBUSY);
    CHECK_EQUAL(bind(heir, XEN_DOMCTL_bind_pt_irq, GPIO_INTID, PT_IRQ_TYPE_SPI), EBUSY);
    CHECK_EQUAL(permit(holder, GPIO, 1, false), EBUSY);
    CHECK_EQUAL(map(holder, GPIO, GPIO, 1, true), EEXIST);
}

/* The holder has ended by itself, its line high; destroyed, until nobody finds it any more. */
static void holder_ends_with_its_line_pending(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    struct xen_domctl op = {0};
    int64_t result = 0;

    do {
        CHECK_EQUAL(domctl(&op, XEN_DOMCTL_getdomaininfo, holder), 0);
    } while ((op.u.getdomaininfo.flags & XEN_DOMINF_shutdown) == 0 && ticks() < end);
    while (result != ESRCH && ticks() < end) {
        result = domctl(&op, XEN_DOMCTL_destroydomain, holder);
        CHECK(result == 0 || result == ESRCH);
    }
    CHECK_EQUAL(result, ESRCH);
}

static void heir_gets_what_is_free(void)
{
    CHECK_EQUAL(permit(heir, GPIO, 1, true), 0);
    CHECK_EQUAL(bind(heir, XEN_DOMCTL_bind_pt_irq, GPIO_INTID, PT_IRQ_TYPE_SPI), 0);
    CHECK_EQUAL(map(heir, GPIO, GPIO, 1, true), 0);
}

/* ---- the holder and the heir ---- */

static void ordinary_domains_are_refused(void)
{
    check_all_refused(DOMID_SELF, EPERM);
    for (uint16_t domid = 1; domid <= 4; domid++) {
        check_all_refused(domid, EPERM);
    }
}

/* Pending at the controller, not taken. */
static void leaves_its_line_high(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    irq_disable();
    gic_enable(GPIO_INTID);
    mmio_write32(GPIO + GPIO_DIR, 1);
    mmio_write32(GPIO + GPIO_IS, 1);
    mmio_write32(GPIO + GPIO_IEV, 1);
    mmio_write32(GPIO + GPIO_IE, 1);
    mmio_write32(GPIO + GPIO_DATA(1), 1);
    while (!gic_is_pending(GPIO_INTID) && ticks() < end) {
    }
    CHECK(gic_is_pending(GPIO_INTID));
}

/* The line that the one before left high is an interrupt here, once it is enabled, and can be silenced. */
static void inherits_the_device(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    struct probe probe;

    do {
        probe = probe_read(GPIO + GPIO_RIS, 4);
    } while (probe.faulted && ticks() < end);
    CHECK(!probe.faulted);
    CHECK_EQUAL(probe.value & 1, 1);
    irq_enable();
    delay_ns(10000000);
    CHECK_EQUAL(gpio_count, 0);
    gic_enable(GPIO_INTID);
    while (gpio_count == 0 && ticks() < end) {
    }
    delay_ns(10000000);
    irq_disable();
    CHECK_EQUAL(gpio_count, 1);
}

/* All domains exist, and the Boot Domain does not. */
static void wait_for_the_launch(void)
{
    struct bulkhead_boot_record record = {0};

    while (bulkhead_op(BULKHEAD_OP_BOOT_RECORD, &record) == 0 && record.exited == 0) {
        (void)sched_op(SCHEDOP_yield, NULL);
    }
}

int main(uint64_t x0)
{
    static const struct test control[] = {
        {"protected_domains_and_itself_are_refused", protected_domains_and_itself_are_refused},
        {"what_is_no_device_is_refused", what_is_no_device_is_refused},
        {"nothing_new_after_the_launch", nothing_new_after_the_launch},
        {"what_another_has_is_busy", what_another_has_is_busy},
        {"holder_ends_with_its_line_pending", holder_ends_with_its_line_pending},
        {"heir_gets_what_is_free", heir_gets_what_is_free},
    };
    static const struct test holding[] = {
        {"ordinary_domains_are_refused", ordinary_domains_are_refused},
        {"leaves_its_line_high", leaves_its_line_high},
    };
    static const struct test inheriting[] = {
        {"ordinary_domains_are_refused", ordinary_domains_are_refused},
        {"inherits_the_device", inherits_the_device},
    };

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    wait_for_the_launch();
    holder = (uint16_t)platform_argument("holder", 3);
    heir = (uint16_t)platform_argument("heir", 4);
    guard = (uint16_t)platform_argument("guard", 2);
    switch (platform_argument("role", 1)) {
    case 1:
        test_run(control, sizeof(control) / sizeof(control[0]));
    case 2:
        test_run(holding, sizeof(holding) / sizeof(holding[0]));
    default:
        test_run(inheriting, sizeof(inheriting) / sizeof(inheriting[0]));
    }
}
