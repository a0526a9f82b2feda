/* SPDX-License-Identifier: Apache-2.0 */
/* t_fp: two vCPUs that share a CPU keep their floating-point registers, their pointer authentication keys and their
 * other EL1 registers.  What is hidden from guests is UNDEFINED.
 * [itest->dsn~vcpu-context~1] [itest->dsn~arm64-context~1] [itest->dsn~sysreg-traps~1] [itest->dsn~round-robin~1] */
#include <guest/cpu.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/psci.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <stddef.h>
#include <xen/sched.h>
#include <xen/version.h>

#include "probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS       200u
#define PATIENCE_NS  UINT64_C(10000000000)

void fp_fill(uint64_t seed);
uint64_t fp_differs(uint64_t seed);

struct work {
    void (*set)(uint64_t seed);
    uint64_t (*differs)(uint64_t seed);
};

static struct work work;
static volatile bool stop;
static volatile uint32_t rounds[2];
static volatile uint64_t difference[2];

/* With FPCR.RMode (S3_3_C4_C4_0) and the FPSR flags (S3_3_C4_C4_1). */
static void set_fp(uint64_t seed)
{
    fp_fill(seed);
    WRITE_SYSREG(S3_3_C4_C4_0, (seed & 3) << 22);
    WRITE_SYSREG(S3_3_C4_C4_1, seed & 0x1f);
}

static uint64_t differs_fp(uint64_t seed)
{
    return fp_differs(seed) | (READ_SYSREG(S3_3_C4_C4_0) ^ (seed & 3) << 22) |
           (READ_SYSREG(S3_3_C4_C4_1) ^ (seed & 0x1f));
}

/* APIAKey, APIBKey, APDAKey, APDBKey, APGAKey: low and high halves. */
static void set_keys(uint64_t seed)
{
    WRITE_SYSREG(S3_0_C2_C1_0, seed);
    WRITE_SYSREG(S3_0_C2_C1_1, seed + 1);
    WRITE_SYSREG(S3_0_C2_C1_2, seed + 2);
    WRITE_SYSREG(S3_0_C2_C1_3, seed + 3);
    WRITE_SYSREG(S3_0_C2_C2_0, seed + 4);
    WRITE_SYSREG(S3_0_C2_C2_1, seed + 5);
    WRITE_SYSREG(S3_0_C2_C2_2, seed + 6);
    WRITE_SYSREG(S3_0_C2_C2_3, seed + 7);
    WRITE_SYSREG(S3_0_C2_C3_0, seed + 8);
    WRITE_SYSREG(S3_0_C2_C3_1, seed + 9);
}

static uint64_t differs_keys(uint64_t seed)
{
    return (READ_SYSREG(S3_0_C2_C1_0) ^ seed) | (READ_SYSREG(S3_0_C2_C1_1) ^ (seed + 1)) |
           (READ_SYSREG(S3_0_C2_C1_2) ^ (seed + 2)) | (READ_SYSREG(S3_0_C2_C1_3) ^ (seed + 3)) |
           (READ_SYSREG(S3_0_C2_C2_0) ^ (seed + 4)) | (READ_SYSREG(S3_0_C2_C2_1) ^ (seed + 5)) |
           (READ_SYSREG(S3_0_C2_C2_2) ^ (seed + 6)) | (READ_SYSREG(S3_0_C2_C2_3) ^ (seed + 7)) |
           (READ_SYSREG(S3_0_C2_C3_0) ^ (seed + 8)) | (READ_SYSREG(S3_0_C2_C3_1) ^ (seed + 9));
}

static void set_el1(uint64_t seed)
{
    WRITE_SYSREG(tpidr_el0, seed);
    WRITE_SYSREG(tpidrro_el0, seed + 1);
    WRITE_SYSREG(contextidr_el1, (uint32_t)seed);
    WRITE_SYSREG(sp_el0, seed + 3);
    WRITE_SYSREG(far_el1, seed + 4);
    WRITE_SYSREG(esr_el1, seed & 0x1ffffff);
    WRITE_SYSREG(elr_el1, seed + 6);
    WRITE_SYSREG(spsr_el1, 0x3c5 | (seed & 1) << 28);
    WRITE_SYSREG(ttbr1_el1, (seed & 0xffff) << 12);
    WRITE_SYSREG(cntkctl_el1, seed & 3);
    WRITE_SYSREG(csselr_el1, seed & 2);
    WRITE_SYSREG(cntv_cval_el0, seed + UINT64_C(0x1000000000000000));
    WRITE_SYSREG(par_el1, (seed & 0xffff) << 12);
}

static uint64_t differs_el1(uint64_t seed)
{
    return (READ_SYSREG(tpidr_el0) ^ seed) | (READ_SYSREG(tpidrro_el0) ^ (seed + 1)) |
           (READ_SYSREG(contextidr_el1) ^ (uint32_t)seed) | (READ_SYSREG(sp_el0) ^ (seed + 3)) |
           (READ_SYSREG(far_el1) ^ (seed + 4)) | (READ_SYSREG(esr_el1) ^ (seed & 0x1ffffff)) |
           (READ_SYSREG(elr_el1) ^ (seed + 6)) | (READ_SYSREG(spsr_el1) ^ (0x3c5 | (seed & 1) << 28)) |
           (READ_SYSREG(ttbr1_el1) ^ (seed & 0xffff) << 12) | (READ_SYSREG(cntkctl_el1) ^ (seed & 3)) |
           (READ_SYSREG(csselr_el1) ^ (seed & 2)) |
           (READ_SYSREG(cntv_cval_el0) ^ (seed + UINT64_C(0x1000000000000000))) |
           (READ_SYSREG(par_el1) ^ (seed & 0xffff) << 12);
}

/* Set, let the other vCPU run, compare. */
static void one_round(uint32_t who)
{
    uint64_t seed = UINT64_C(0x123456780000) * (who + 1) + 64 * rounds[who] + 3 * who;

    work.set(seed);
    (void)sched_op(SCHEDOP_yield, NULL);
    for (uint32_t i = 0; i < 100; i++) {
        difference[who] |= work.differs(seed);
    }
    rounds[who]++;
}

static void other_vcpu(uint64_t argument)
{
    (void)argument;
    while (!stop) {
        one_round(1);
    }
}

static void share_cpu(struct work what)
{
    uint64_t end = ticks() + ns_to_ticks(PATIENCE_NS);

    if (platform.cpu_count < 2 || !platform.xen) {
        test_skip("needs a hypervisor and two vCPUs on one CPU");
        return;
    }
    work = what;
    stop = false;
    rounds[0] = rounds[1] = 0;
    difference[0] = difference[1] = 0;
    CHECK_EQUAL(cpu_start(1, platform.mpidr[1], other_vcpu, 0), PSCI_OK);
    while ((rounds[0] < ROUNDS || rounds[1] < ROUNDS) && ticks() < end) {
        one_round(0);
    }
    stop = true;
    while (psci_call32(PSCI_AFFINITY_INFO64, platform.mpidr[1], 0, 0) == 0 && ticks() < end) {
    }
    CHECK(rounds[1] >= ROUNDS);
    CHECK_EQUAL(difference[0], 0);
    CHECK_EQUAL(difference[1], 0);
}

static void floating_point(void)
{
    share_cpu((struct work){set_fp, differs_fp});
    WRITE_SYSREG(S3_3_C4_C4_0, 0);
}

static void pointer_authentication_keys(void)
{
    uint64_t isar1 = READ_SYSREG(id_aa64isar1_el1);

    if ((isar1 & 0xff0) == 0 && (READ_SYSREG(S3_0_C0_C6_2) & 0xf000) == 0) {
        test_skip("this CPU has none");
        return;
    }
    share_cpu((struct work){set_keys, differs_keys});
}

static void el1_registers(void)
{
    share_cpu((struct work){set_el1, differs_el1});
}

static void registers_hold_values(void)
{
    fp_fill(5);
    CHECK_EQUAL(fp_differs(5), 0);
    CHECK_EQUAL(fp_differs(6) != 0, 1);
}

/* The hypervisor copies much memory by some of them.  [itest->dsn~vcpu-context~1] */
static void a_long_answer_leaves_them_alone(void)
{
    static xen_capabilities_info_t text;

    if (!platform.xen) {
        test_skip("nobody answers");
        return;
    }
    fp_fill(7);
    CHECK_EQUAL(xen_version(XENVER_capabilities, text), 0);
    CHECK_EQUAL(fp_differs(7), 0);
}

/* Instructions and registers of what ID registers hide. */
static void hidden_extensions_are_undefined(void)
{
    struct probe probe;

    if (!platform.xen) {
        test_skip("nothing hides them");
        return;
    }
    probe_open_extensions();
    probe = probe_instruction(0x04bf5020, 0); /* rdvl x0, #1: SVE */
    check_undefined(&probe);
    probe = probe_instruction(word_mrs(3, 0, 1, 2, 0), 0); /* ZCR_EL1 */
    check_undefined(&probe);
    probe = probe_instruction(word_mrs(3, 0, 1, 2, 6), 0); /* SMCR_EL1 */
    check_undefined(&probe);
    probe = probe_instruction(word_mrs(3, 3, 13, 2, 0), 0); /* AMCR_EL0 */
    check_undefined(&probe);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"registers_hold_values", registers_hold_values},
        {"floating_point", floating_point},
        {"pointer_authentication_keys", pointer_authentication_keys},
        {"el1_registers", el1_registers},
        {"a_long_answer_leaves_them_alone", a_long_answer_leaves_them_alone},
        {"hidden_extensions_are_undefined", hidden_extensions_are_undefined},
    };

    platform_init(x0);
    test_run(tests, COUNT(tests));
}
