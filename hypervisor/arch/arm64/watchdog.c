/* SPDX-License-Identifier: Apache-2.0 */
/* The board's watchdog ends a hang at EL2: the console CPU's hypervisor timer feeds it, so it bites when that CPU no longer
 * comes back to take the timer.  [impl->dsn~watchdog~1] */
#include "arch/arm64/watchdog.h"
#include "arch/arm64/platform.h"
#include "core/upcall.h"

/* i.MX watchdog, 16-bit registers. */
#define IMX_WCR                  0x0u
#define IMX_WSR                  0x2u
#define IMX_WMCR                 0x8u
#define IMX_WCR_BITES            0x0034u /* no assertion of outputs by software, enabled */
#define IMX_WCR_WT(half_seconds) ((uint16_t)(((half_seconds) - 1u) << 8))
#define TIMEOUT_HALF_SECONDS     8u

static void write16(uint32_t reg, uint16_t v)
{
    *(volatile uint16_t *)(VA_DEVICE + board->watchdog.base + reg) = v;
}

static void feed(void)
{
    write16(IMX_WSR, 0x5555);
    write16(IMX_WSR, 0xaaaa);
}

static bool is_served_here(const struct cpu *cpu)
{
    return board->watchdog_kind == BOARD_WATCHDOG_IMX && cpu->id == board->console_cpu;
}

void watchdog_cpu_init(struct cpu *cpu)
{
    cpu->arch.watchdog_due = UINT64_MAX;
    if (is_served_here(cpu)) {
        write16(IMX_WMCR, 0);
        write16(IMX_WCR, IMX_WCR_WT(TIMEOUT_HALF_SECONDS) | IMX_WCR_BITES);
        feed();
        cpu->arch.watchdog_due = arch_ticks() + arch_ticks_hz();
    }
}

void watchdog_serve(struct cpu *cpu)
{
    ticks_t now;

    if (cpu->arch.watchdog_due == UINT64_MAX) {
        return;
    }
    now = arch_ticks();
    if (now >= cpu->arch.watchdog_due) {
        feed();
        cpu->arch.watchdog_due = now + arch_ticks_hz();
        cpu->arch.hyp_deadline = 0; /* the timer is to be programmed anew */
    }
}
