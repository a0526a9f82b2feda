/* SPDX-License-Identifier: Apache-2.0 */
/* t_trap: what a guest must not do, or does by mistake, gets the architecture's answer.
 * [itest->dsn~traps~1] [itest->dsn~inject-exception~1] [itest->dsn~sysreg-traps~1] [itest->dsn~id-registers~1]
 * [itest->dsn~copy-guest~1] [itest->dsn~mmio~1] */
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/mmu.h>
#include <guest/pl011.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/psci.h>
#include <guest/test.h>

#include <xen/errno.h>
#include <xen/sched.h>
#include <xen/version.h>

#include "probe.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define ESR_IL         (UINT64_C(1) << 25)
#define ESR_WNR        (UINT64_C(1) << 6)
#define WORD_UDF       UINT32_C(0x00000000)
#define WORD_HVC       UINT32_C(0xd4000002)
#define WORD_SMC       UINT32_C(0xd4000003)
#define WORD_BRK       UINT32_C(0xd4200000)
#define FLOOD_BYTES    8192u
#define FLOOD_PATIENCE 1000000u

static const uint32_t widths[] = {1, 2, 4, 8};

static void check_reads(uint64_t address)
{
    for (uint32_t i = 0; i < COUNT(widths); i++) {
        struct probe probe = probe_read(address, widths[i]);

        check_abort(&probe, EC_DABT, address);
        CHECK_EQUAL(probe.frame.esr & ESR_WNR, 0);
        CHECK((probe.frame.esr & ESR_IL) != 0);
    }
}

static void check_writes(uint64_t address)
{
    for (uint32_t i = 0; i < COUNT(widths); i++) {
        struct probe probe = probe_write(address, widths[i], 0x5a);

        check_abort(&probe, EC_DABT, address);
        CHECK_EQUAL(probe.frame.esr & ESR_WNR, ESR_WNR);
    }
}

static void read_nothing_device(void)
{
    check_reads(NOTHING_DEVICE);
    check_reads(NOTHING_DEVICE + 0xff8);
}

static void write_nothing_device(void)
{
    check_writes(NOTHING_DEVICE);
}

static void read_nothing_normal(void)
{
    check_reads(NOTHING_NORMAL);
}

static void write_nothing_normal(void)
{
    check_writes(NOTHING_NORMAL);
}

static void fetch_nothing(void)
{
    struct probe probe;

    mmu_set_gib(NOTHING_NORMAL >> 30, MMU_RWX);
    probe = probe_fetch(NOTHING_NORMAL + 0x1000);
    mmu_set_gib(NOTHING_NORMAL >> 30, MMU_DATA);
    check_abort(&probe, EC_IABT, NOTHING_NORMAL + 0x1000);
    CHECK_EQUAL(probe.frame.elr, NOTHING_NORMAL + 0x1000);
}

/* Accesses that the hypervisor is told nothing about but the address. */
static void undecoded_access_to_nothing(void)
{
    static const uint32_t words[] = {
        0xa9400400, /* ldp x0, x1, [x0] */
        0xa9000400, /* stp x0, x1, [x0] */
        0xf8408401, /* ldr x1, [x0], #8 */
        0xc85f7c01, /* ldxr x1, [x0] */
        0xd50b7420, /* dc zva, x0 */
        0xb9400001, /* ldr w1, [x0] */
    };

    for (uint32_t i = 0; i < COUNT(words); i++) {
        struct probe probe = probe_instruction(words[i], NOTHING_NORMAL);

        check_abort(&probe, EC_DABT, NOTHING_NORMAL);
    }
}

static void walk_of_nothing(void)
{
    struct probe probe;

    mmu_set_gib_table(NOTHING_NORMAL >> 30, NOTHING_NORMAL);
    probe = probe_read(NOTHING_NORMAL, 8);
    mmu_set_gib(NOTHING_NORMAL >> 30, MMU_DATA);
    CHECK(probe.faulted);
    CHECK_EQUAL(ESR_EC(probe.frame.esr), EC_DABT);
    CHECK_EQUAL(ESR_FSC(probe.frame.esr), 0x16); /* external abort on the walk, level 2 */
}

static void junk_is_undefined(void)
{
    static const uint32_t words[] = {WORD_UDF, 0x0000ffff, 0xffffffff, 0xe7f000f0, 0x04000400 ^ 0x84000000};

    for (uint32_t i = 0; i < COUNT(words); i++) {
        struct probe probe = probe_instruction(words[i], 0);

        check_undefined(&probe);
    }
}

static void brk_reaches_el1(void)
{
    struct probe probe = probe_instruction(WORD_BRK | 0x123 << 5, 0);

    CHECK(probe.faulted);
    CHECK_EQUAL(ESR_EC(probe.frame.esr), EC_BRK64);
    CHECK_EQUAL(probe.frame.esr & 0xffff, 0x123);
}

static void other_hvc_immediates_are_undefined(void)
{
    static const uint32_t immediates[] = {1, 0xea0, 0xea2, 0x7fff, 0xffff};

    for (uint32_t i = 0; i < COUNT(immediates); i++) {
        struct probe probe = probe_instruction(WORD_HVC | immediates[i] << 5, 0);

        check_undefined(&probe);
    }
}

/* SMC #0 is UNDEFINED or answered as SMCCC, and reaches no firmware; with an immediate it is UNDEFINED. */
static void smc_does_nothing(void)
{
    struct probe probe = probe_instruction(WORD_SMC, 0x8400ffff);

    if (probe.faulted) {
        check_undefined(&probe);
    } else {
        CHECK_EQUAL((int32_t)probe.value, PSCI_NOT_SUPPORTED);
    }
    probe = probe_instruction(WORD_SMC | 1 << 5, PSCI_VERSION);
    check_undefined(&probe);
}

static void unknown_hypercalls(void)
{
    static const uint64_t numbers[] = {
        0,          1, 3, 49, 55, 56, 63, 64, 128, 1000, 0xffff, 0xffffffff, UINT64_C(0x100000011), UINT64_C(1) << 63,
        UINT64_MAX,
    };

    for (uint32_t i = 0; i < COUNT(numbers); i++) {
        int64_t result = hypercall5(numbers[i], 0, 0, 0, 0, 0);

        if (result != -XEN_ENOSYS) {
            test_fail("number 0x%llx gives %lld", (unsigned long long)numbers[i], (long long)result);
        }
    }
}

static void unknown_subcommands(void)
{
    CHECK_EQUAL(xen_version(1000, NULL), -XEN_ENOSYS);
    CHECK_EQUAL(xen_version(UINT32_MAX, NULL), -XEN_ENOSYS);
    CHECK_EQUAL(sched_op(1000, NULL), -XEN_ENOSYS);
    CHECK_EQUAL(memory_op(63, NULL), -XEN_ENOSYS);
    CHECK(vcpu_op(1000, 0, NULL) == -XEN_ENOSYS || vcpu_op(1000, 0, NULL) == -XEN_EINVAL);
    CHECK_EQUAL(hvm_op(1000, NULL), -XEN_ENOSYS);
}

static void bad_buffers(void)
{
    void *nothing = (void *)NOTHING_NORMAL;
    void *unmapped = (void *)(UINT64_C(1) << 44);
    void *crossing = (void *)(platform.ram[0].base + platform.ram[0].size - 8);

    CHECK_EQUAL(xen_version(XENVER_extraversion, nothing), -XEN_EFAULT);
    CHECK_EQUAL(xen_version(XENVER_extraversion, unmapped), -XEN_EFAULT);
    CHECK_EQUAL(xen_version(XENVER_extraversion, (void *)UINT64_MAX), -XEN_EFAULT);
    if (platform.ram_count > 0) {
        CHECK_EQUAL(xen_version(XENVER_capabilities, crossing), -XEN_EFAULT);
    }
    /* Not even the hypervisor writes where the guest's own map forbids it. */
    CHECK_EQUAL(xen_version(XENVER_extraversion, (void *)(uintptr_t)widths), -XEN_EFAULT);
    CHECK_EQUAL(widths[0], 1);
}

/* x1..x30 as they were, but for the result in x0. */
static void hypercall_keeps_registers(void)
{
    uint64_t wrong = 0;

    __asm__ volatile("mov x5, #105\n\tmov x6, #106\n\tmov x7, #107\n\tmov x8, #108\n\tmov x9, #109\n\t"
                     "mov x10, #110\n\tmov x11, #111\n\tmov x12, #112\n\tmov x13, #113\n\tmov x14, #114\n\t"
                     "mov x15, #115\n\tmov x17, #117\n\tmov x18, #118\n\tmov x20, #120\n\tmov x28, #128\n\t"
                     "mov x0, #0\n\tmov x16, #17\n\thvc #0xea1\n\t"
                     "sub x5, x5, #105\n\tsub x6, x6, #106\n\tsub x7, x7, #107\n\tsub x8, x8, #108\n\t"
                     "sub x9, x9, #109\n\tsub x10, x10, #110\n\tsub x11, x11, #111\n\tsub x12, x12, #112\n\t"
                     "sub x13, x13, #113\n\tsub x14, x14, #114\n\tsub x15, x15, #115\n\tsub x17, x17, #117\n\t"
                     "sub x18, x18, #118\n\tsub x20, x20, #120\n\tsub x28, x28, #128\n\t"
                     "orr x5, x5, x6\n\torr x5, x5, x7\n\torr x5, x5, x8\n\torr x5, x5, x9\n\torr x5, x5, x10\n\t"
                     "orr x5, x5, x11\n\torr x5, x5, x12\n\torr x5, x5, x13\n\torr x5, x5, x14\n\t"
                     "orr x5, x5, x15\n\torr x5, x5, x17\n\torr x5, x5, x18\n\torr x5, x5, x20\n\t"
                     "orr %0, x5, x28"
                     : "=r"(wrong)
                     :
                     : "memory", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
                       "x14", "x15", "x16", "x17", "x18", "x20", "x28");
    CHECK_EQUAL(wrong, 0);
}

/* With FEAT_IDST a read of an unallocated identification register is reported as EC 0x18. */
static bool is_id_space(uint32_t word, const struct probe *probe)
{
    return ESR_EC(probe->frame.esr) == EC_SYSREG && (word >> 12 & 15) == 0;
}

/* Each read is answered, or is UNDEFINED; none is anything else, and none ends the domain. */
static void sysreg_reads(void)
{
    uint32_t words[PROBE_BATCH], count = 0;

    probe_open_extensions();
    for (uint32_t id = 0; id < 2 * 8 * 16 * 16 * 8; id++) {
        uint32_t op0 = 2 + (id >> 14), op1 = id >> 11 & 7, crn = id >> 7 & 15, crm = id >> 3 & 15, op2 = id & 7;

        words[count++] = word_mrs(op0, op1, crn, crm, op2);
        if (count < PROBE_BATCH) {
            continue;
        }
        probe_prepare(words, count);
        for (uint32_t i = 0; i < count; i++) {
            struct probe probe = probe_prepared(i);

            if (probe.faulted && ESR_EC(probe.frame.esr) != EC_UNKNOWN && !is_id_space(words[i], &probe)) {
                test_fail("word 0x%08x gives ESR 0x%llx", (unsigned)words[i], (unsigned long long)probe.frame.esr);
            }
        }
        count = 0;
    }
}

/* The identification registers, those without a meaning included, can be read. */
static void id_registers(void)
{
    for (uint32_t crm = 1; crm < 8; crm++) {
        for (uint32_t op2 = 0; op2 < 8; op2++) {
            struct probe probe = probe_instruction(word_mrs(3, 0, 0, crm, op2), 0);

            if (probe.faulted) {
                test_fail("S3_0_C0_C%u_%u: ESR 0x%llx", (unsigned)crm, (unsigned)op2,
                          (unsigned long long)probe.frame.esr);
            }
        }
    }
    CHECK((READ_SYSREG(mpidr_el1) & UINT64_C(0x80000000)) != 0);
    if (platform.xen) {
        CHECK_EQUAL(READ_SYSREG(id_aa64pfr0_el1) >> 32 & 15, 0); /* SVE is hidden */
        CHECK_EQUAL(READ_SYSREG(id_aa64pfr0_el1) >> 40 & 15, 0); /* MPAM */
        CHECK_EQUAL(READ_SYSREG(id_aa64pfr0_el1) >> 44 & 15, 0); /* AMU */
    }
}

static void higher_registers_are_undefined(void)
{
    static const uint32_t words[] = {
        0xd53c1100, /* mrs x0, hcr_el2 */
        0xd51c1100, /* msr hcr_el2, x0 */
        0xd53c2100, /* mrs x0, vttbr_el2 */
        0xd53ec000, /* mrs x0, vbar_el3 */
        0xd53e1100, /* mrs x0, scr_el3 */
        0xd51c4100, /* msr sp_el1, x0 */
    };

    for (uint32_t i = 0; i < COUNT(words); i++) {
        struct probe probe = probe_instruction(words[i], 0);

        check_undefined(&probe);
    }
}

static void unaligned_device_access(void)
{
    struct probe probe = probe_read(platform.gicd + 1, 4);

    CHECK(probe.faulted);
    CHECK_EQUAL(ESR_EC(probe.frame.esr), EC_DABT);
    CHECK_EQUAL(ESR_FSC(probe.frame.esr), 0x21);
}

/* Every offset and width of the UART and the distributor: a value or an abort, nothing else. */
static void device_pages_answer(void)
{
    uint64_t pages[] = {platform.gicd, platform.gicd + 0xf000, platform.gicr, platform.gicr + GICR_SGI, platform.uart};

    for (uint32_t page = 0; page < COUNT(pages); page++) {
        for (uint64_t offset = 0; pages[page] != 0 && offset < 0x1000; offset += 4) {
            for (uint32_t i = 0; i < COUNT(widths); i++) {
                struct probe probe = probe_read(pages[page] + (offset & ~UINT64_C(7)), widths[i]);

                if (probe.faulted) {
                    check_abort(&probe, EC_DABT, pages[page] + (offset & ~UINT64_C(7)));
                }
            }
        }
    }
}

static void uart_flood(void)
{
    if (platform.uart == 0) {
        test_skip("no UART");
        return;
    }
    for (uint32_t i = 0; i < FLOOD_BYTES; i++) {
        uint32_t patience = FLOOD_PATIENCE;

        while ((mmio_read32(platform.uart + PL011_FR) & PL011_FR_TXFF) != 0 && patience > 0) {
            patience--;
        }
        if (patience == 0) {
            test_fail("the FIFO stays full at byte %u", (unsigned)i);
            return;
        }
        mmio_write32(platform.uart + PL011_DR, i % 128 == 127 ? '\n' : 'x');
    }
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"read_nothing_device", read_nothing_device},
        {"write_nothing_device", write_nothing_device},
        {"read_nothing_normal", read_nothing_normal},
        {"write_nothing_normal", write_nothing_normal},
        {"fetch_nothing", fetch_nothing},
        {"undecoded_access_to_nothing", undecoded_access_to_nothing},
        {"walk_of_nothing", walk_of_nothing},
        {"junk_is_undefined", junk_is_undefined},
        {"brk_reaches_el1", brk_reaches_el1},
        {"other_hvc_immediates_are_undefined", other_hvc_immediates_are_undefined},
        {"smc_does_nothing", smc_does_nothing},
        {"unknown_hypercalls", unknown_hypercalls},
        {"unknown_subcommands", unknown_subcommands},
        {"bad_buffers", bad_buffers},
        {"hypercall_keeps_registers", hypercall_keeps_registers},
        {"id_registers", id_registers},
        {"higher_registers_are_undefined", higher_registers_are_undefined},
        {"sysreg_reads", sysreg_reads},
        {"unaligned_device_access", unaligned_device_access},
        {"device_pages_answer", device_pages_answer},
        {"uart_flood", uart_flood},
    };

    platform_init(x0);
    test_run(tests, COUNT(tests));
}
