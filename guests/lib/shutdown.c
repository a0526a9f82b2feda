/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/psci.h>
#include <guest/sysreg.h>

#include <xen/sched.h>

#include "internal.h"

void shutdown(unsigned int reason)
{
    struct sched_shutdown argument = {.reason = reason};

    if (platform.xen) {
        (void)sched_op(SCHEDOP_shutdown, &argument);
    }
    (void)psci_call32(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;) {
        wfi();
    }
}

void cpu_main(uint64_t x0)
{
    mmu_protect_image();
    shutdown(main(x0) == 0 ? SHUTDOWN_poweroff : SHUTDOWN_crash);
}
