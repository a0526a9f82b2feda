/* SPDX-License-Identifier: Apache-2.0 */
/* t_guest: the guest library keeps its promises where it runs.
 * [itest->dsn~guest-start~1] [itest->dsn~guest-wx~1] [itest->dsn~guest-exceptions~1] */
#include <guest/cpu.h>
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/platform.h>
#include <guest/sysreg.h>
#include <guest/test.h>

#include <stddef.h>

#include "probe.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define FSC_PERMISSION 0x0cu
#define SGI            1u

static const uint64_t constant = 0x1234;
static uint8_t zeroed[65536];
static uint64_t argument_of_main;
static volatile uint32_t taken;

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    taken++;
    gic_end(intid);
}

static void starts_with_mmu_and_caches(void)
{
    CHECK_EQUAL(READ_SYSREG(sctlr_el1) & 0x1005, 0x1005);
    CHECK_EQUAL(READ_SYSREG(currentel), 1 << 2);
    CHECK_EQUAL(READ_SYSREG(spsel), 1);
    CHECK_EQUAL(READ_SYSREG(daif) & 0x3c0, 0x3c0);
    CHECK_EQUAL(this_cpu()->index, 0);
}

static void starts_with_zeroed_data(void)
{
    for (uint32_t i = 0; i < sizeof(zeroed); i++) {
        CHECK_EQUAL(((volatile uint8_t *)zeroed)[i], 0);
    }
}

static void keeps_the_loaders_argument(void)
{
    CHECK(argument_of_main == 0 || platform.has_tree);
}

static void check_permission_fault(const struct probe *probe, uint32_t ec)
{
    CHECK(probe->faulted);
    CHECK_EQUAL(ESR_EC(probe->frame.esr), ec);
    CHECK_EQUAL(ESR_FSC(probe->frame.esr) & ~3u, FSC_PERMISSION);
}

static void text_and_constants_are_read_only(void)
{
    struct probe probe = probe_write((uint64_t)check_permission_fault, 4, 0);

    check_permission_fault(&probe, EC_DABT);
    probe = probe_write((uint64_t)&constant, 8, 0);
    check_permission_fault(&probe, EC_DABT);
    CHECK_EQUAL(*(const volatile uint64_t *)&constant, 0x1234);
}

static void data_is_not_executable(void)
{
    const uint64_t addresses[] = {(uint64_t)zeroed, (uint64_t)&constant, (uint64_t)&taken,
                                  0x40400000,       0x200000000,         platform.gicd};

    for (uint32_t i = 0; i < COUNT(addresses); i++) {
        struct probe probe = probe_fetch(addresses[i]);

        check_permission_fault(&probe, EC_IABT);
    }
}

/* All registers come back from an interrupt as they were. */
static void interrupt_keeps_registers(void)
{
    uint64_t wrong;

    gic_init();
    gic_init_cpu();
    gic_enable(SGI);
    taken = 0;
    __asm__ volatile("mov x1, #1\n\tmov x2, #2\n\tmov x7, #7\n\tmov x8, #8\n\tmov x15, #15\n\tmov x16, #16\n\t"
                     "mov x17, #17\n\tmov x18, #18\n\tmov x19, #19\n\tmov x27, #27\n\tmov x28, #28\n\tmov x30, #30\n\t"
                     "msr daifclr, #2\n\tmsr s3_0_c12_c11_5, %1\n\tisb\n\tnop\n\tnop\n\tmsr daifset, #2\n\t"
                     "sub x1, x1, #1\n\tsub x2, x2, #2\n\tsub x7, x7, #7\n\tsub x8, x8, #8\n\tsub x15, x15, #15\n\t"
                     "sub x16, x16, #16\n\tsub x17, x17, #17\n\tsub x18, x18, #18\n\tsub x19, x19, #19\n\t"
                     "sub x27, x27, #27\n\tsub x28, x28, #28\n\tsub x30, x30, #30\n\t"
                     "orr x1, x1, x2\n\torr x1, x1, x7\n\torr x1, x1, x8\n\torr x1, x1, x15\n\torr x1, x1, x16\n\t"
                     "orr x1, x1, x17\n\torr x1, x1, x18\n\torr x1, x1, x19\n\torr x1, x1, x27\n\torr x1, x1, x28\n\t"
                     "orr %0, x1, x30"
                     : "=r"(wrong)
                     : "r"((uint64_t)SGI << 24 | 1)
                     : "memory", "x1", "x2", "x7", "x8", "x15", "x16", "x17", "x18", "x19", "x27", "x28", "x30");
    CHECK_EQUAL(wrong, 0);
    CHECK_EQUAL(taken, 1);
}

static void fault_twice(void *argument)
{
    struct exception_frame inner;
    struct probe probe = probe_read(NOTHING_NORMAL, 8);

    (void)argument;
    CHECK(probe.faulted);
    CHECK(!fault_call((void (*)(void *))starts_with_mmu_and_caches, NULL, &inner));
    (void)mmio_read32(NOTHING_DEVICE);
    test_fail("went on after an abort");
}

static void caught_exceptions_nest(void)
{
    struct exception_frame frame;

    CHECK(fault_call(fault_twice, NULL, &frame));
    CHECK_EQUAL(frame.far, NOTHING_DEVICE);
    CHECK(!this_cpu()->fault.armed || this_cpu()->fault.frame != &frame);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"starts_with_mmu_and_caches", starts_with_mmu_and_caches},
        {"starts_with_zeroed_data", starts_with_zeroed_data},
        {"keeps_the_loaders_argument", keeps_the_loaders_argument},
        {"text_and_constants_are_read_only", text_and_constants_are_read_only},
        {"data_is_not_executable", data_is_not_executable},
        {"interrupt_keeps_registers", interrupt_keeps_registers},
        {"caught_exceptions_nest", caught_exceptions_nest},
    };

    argument_of_main = x0;
    platform_init(x0);
    test_run(tests, COUNT(tests));
}
