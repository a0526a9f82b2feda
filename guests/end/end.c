/* SPDX-License-Identifier: Apache-2.0 */
/* end: ends itself in the way that the boot argument how=N names, after one line:
 *   0..4  sched_op(SCHEDOP_shutdown) with that reason: poweroff, reboot, suspend, crash, watchdog
 *   10    PSCI SYSTEM_OFF
 *   11    PSCI SYSTEM_RESET
 *   12    PSCI CPU_OFF of its only CPU
 *   13    an exception without a handler
 *   14    an exception whose handler cannot be fetched, for ever
 * What must not be reached is said: "end: still here". */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/psci.h>
#include <guest/sysreg.h>

#include <xen/sched.h>

static void end(uint64_t how)
{
    struct sched_shutdown argument = {.reason = (unsigned int)how};

    switch (how) {
    case 10:
        (void)psci_call32(PSCI_SYSTEM_OFF, 0, 0, 0);
        break;
    case 11:
        (void)psci_call32(PSCI_SYSTEM_RESET, 0, 0, 0);
        break;
    case 12:
        (void)psci_call32(PSCI_CPU_OFF, 0, 0, 0);
        break;
    case 13:
        __asm__ volatile("udf #0");
        break;
    case 14:
        WRITE_SYSREG(vbar_el1, UINT64_C(0x6000000000));
        isb();
        __asm__ volatile("udf #0");
        break;
    default:
        (void)sched_op(SCHEDOP_shutdown, &argument);
        break;
    }
}

int main(uint64_t x0)
{
    uint64_t how;

    platform_init(x0);
    how = platform_argument("how", 0);
    print("end: how %llu\n", (unsigned long long)how);
    end(how);
    print("end: still here\n");
    for (;;) {
        wfi();
    }
}
