/* SPDX-License-Identifier: Apache-2.0 */
/* t_gic, which interrupt goes first, which waits, and what happens when there are more than list registers.
 * [itest->dsn~seen-gic-delivery~1] */
#include <guest/gic.h>
#include <guest/platform.h>
#include <guest/test.h>
#include <guest/timer.h>

#include "t_gic.h"

#define LOW    0xc0u /* priorities: a smaller number goes first */
#define MIDDLE 0xa0u
#define HIGH   0x40u

void gic_higher_priority_goes_first(void)
{
    gic_start_over();
    gic_set_priority(GIC_SPI, LOW);
    gic_set_priority(GIC_HIGH_SPI, HIGH);
    gic_set_priority(GIC_SPI + 2, MIDDLE);
    for (uint32_t i = 0; i < 3; i++) {
        gic_enable(GIC_SPI + i);
        gic_set_pending(GIC_SPI + i, true);
    }
    CHECK_EQUAL(GIC_READ(ICC_HPPIR1) & 0xffffff, GIC_HIGH_SPI);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 3);
    CHECK_EQUAL(gic_logs[0].intid[0], GIC_HIGH_SPI);
    CHECK_EQUAL(gic_logs[0].intid[1], GIC_SPI + 2);
    CHECK_EQUAL(gic_logs[0].intid[2], GIC_SPI);
    CHECK_EQUAL(gic_logs[0].priority[0], HIGH);
    CHECK_EQUAL(gic_logs[0].priority[2], LOW);
}

void gic_higher_priority_preempts(void)
{
    gic_start_over();
    gic_nest = true;
    gic_set_priority(GIC_SPI, LOW);
    gic_set_priority(GIC_HIGH_SPI, HIGH);
    gic_enable(GIC_SPI);
    gic_enable(GIC_HIGH_SPI);
    gic_set_pending(GIC_SPI, true);
    irq_enable();
    isb();
    (void)gic_wait(0, 2);
    gic_nest = false;
    delay_ns(1000000);
    irq_disable();
    CHECK(gic_logs[0].count >= 2);
    CHECK_EQUAL(gic_logs[0].intid[0], GIC_SPI);
    CHECK_EQUAL(gic_logs[0].intid[1], GIC_HIGH_SPI);
    CHECK_EQUAL(gic_logs[0].priority[1], HIGH);
    CHECK_EQUAL(GIC_READ(ICC_RPR) & 0xff, 0xff);
    gic_set_pending(GIC_HIGH_SPI, false);
    gic_set_priority(GIC_HIGH_SPI, GIC_PRIORITY);
}

void gic_equal_priority_waits(void)
{
    uint32_t first;

    gic_start_over();
    gic_set_priority(GIC_SPI, MIDDLE);
    gic_set_priority(GIC_HIGH_SPI, MIDDLE);
    gic_set_pending(GIC_SPI, true);
    first = gic_acknowledge();
    CHECK_EQUAL(first, GIC_SPI);
    gic_set_pending(GIC_HIGH_SPI, true);
    CHECK_EQUAL(gic_acknowledge(), GIC_SPURIOUS);
    gic_end(first);
    CHECK_EQUAL(gic_acknowledge(), GIC_HIGH_SPI);
    gic_end(GIC_HIGH_SPI);
}

void gic_priority_mask_holds_back(void)
{
    gic_start_over();
    gic_set_priority(GIC_SPI, LOW);
    GIC_WRITE(ICC_PMR, MIDDLE);
    isb();
    gic_set_pending(GIC_SPI, true);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
    CHECK_EQUAL(gic_acknowledge(), GIC_SPURIOUS);
    GIC_WRITE(ICC_PMR, 0xff);
    isb();
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
}

void gic_group_enable_holds_back(void)
{
    gic_start_over();
    GIC_WRITE(ICC_IGRPEN1, 0);
    isb();
    gic_set_pending(GIC_SPI, true);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
    GIC_WRITE(ICC_IGRPEN1, 1);
    isb();
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
}

void gic_distributor_enable_holds_back(void)
{
    uint32_t control = mmio_read32(platform.gicd + GICD_CTLR);

    gic_start_over();
    mmio_write32(platform.gicd + GICD_CTLR, control & ~2u);
    gic_set_pending(GIC_SPI, true);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
    CHECK_EQUAL(mmio_read32(platform.gicd + GICD_CTLR) & 2, 0);
    mmio_write32(platform.gicd + GICD_CTLR, control);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
}

/* EOImode 1: the end drops the priority, DIR ends the active state. */
void gic_end_and_deactivate_apart(void)
{
    gic_start_over();
    GIC_WRITE(ICC_CTLR, 2);
    isb();
    gic_set_priority(GIC_SPI, MIDDLE);
    gic_set_pending(GIC_SPI, true);
    CHECK_EQUAL(gic_acknowledge(), GIC_SPI);
    CHECK_EQUAL(GIC_READ(ICC_RPR) & 0xff, MIDDLE);
    gic_end(GIC_SPI);
    CHECK_EQUAL(GIC_READ(ICC_RPR) & 0xff, 0xff);
    CHECK(gic_is_active(GIC_SPI));
    /* Pending again, but not while it is active. */
    gic_set_pending(GIC_SPI, true);
    CHECK_EQUAL(gic_acknowledge(), GIC_SPURIOUS);
    GIC_WRITE(ICC_DIR, GIC_SPI);
    isb();
    CHECK(!gic_is_active(GIC_SPI));
    CHECK_EQUAL(gic_acknowledge(), GIC_SPI);
    gic_end(GIC_SPI);
    GIC_WRITE(ICC_DIR, GIC_SPI);
    GIC_WRITE(ICC_CTLR, 0);
    isb();
    CHECK(!gic_is_active(GIC_SPI));
}

void gic_pending_again_while_active(void)
{
    gic_start_over();
    gic_set_edge(GIC_SPI, true);
    gic_set_pending(GIC_SPI, true);
    CHECK_EQUAL(gic_acknowledge(), GIC_SPI);
    CHECK(gic_is_active(GIC_SPI));
    CHECK(!gic_is_pending(GIC_SPI));
    gic_set_pending(GIC_SPI, true);
    CHECK(gic_is_pending(GIC_SPI));
    CHECK_EQUAL(gic_acknowledge(), GIC_SPURIOUS);
    gic_end(GIC_SPI);
    CHECK_EQUAL(gic_acknowledge(), GIC_SPI);
    gic_end(GIC_SPI);
    CHECK_EQUAL(gic_acknowledge(), GIC_SPURIOUS);
    gic_set_edge(GIC_SPI, false);
}

/* More pend than any implementation has list registers. */
void gic_more_pending_than_list_registers(void)
{
    uint32_t last = GIC_SPI + GIC_MANY;
    uint64_t seen = 0;

    gic_start_over();
    for (uint32_t intid = GIC_SPI; intid < last; intid++) {
        gic_set_priority(intid, MIDDLE);
        gic_enable(intid);
        gic_set_pending(intid, true);
    }
    for (uint32_t sgi = 0; sgi < 16; sgi++) {
        gic_enable(sgi);
        gic_send_sgi(sgi, platform.mpidr[0]);
    }
    irq_enable();
    CHECK(gic_wait(0, GIC_MANY + 16));
    irq_disable();
    CHECK_EQUAL(gic_logs[0].count, GIC_MANY + 16);
    for (uint32_t i = 0; i < gic_logs[0].count && i < GIC_LOG; i++) {
        seen |= UINT64_C(1) << gic_logs[0].intid[i];
    }
    CHECK_EQUAL(seen, ((UINT64_C(1) << GIC_MANY) - 1) << GIC_SPI | 0xffff);
}

/* More active at once than list registers: each ended, none deactivated, then deactivated backwards. */
void gic_more_active_than_list_registers(void)
{
    gic_start_over();
    GIC_WRITE(ICC_CTLR, 2);
    isb();
    for (uint32_t i = 0; i < GIC_MANY; i++) {
        gic_set_pending(GIC_SPI + i, true);
    }
    for (uint32_t i = 0; i < GIC_MANY; i++) {
        uint32_t intid = gic_acknowledge();

        if (intid < GIC_SPI || intid >= GIC_SPI + GIC_MANY) {
            test_fail("acknowledge %u gives %u", (unsigned)i, (unsigned)intid);
            break;
        }
        gic_end(intid);
    }
    for (uint32_t i = 0; i < GIC_MANY; i++) {
        CHECK(gic_is_active(GIC_SPI + i));
    }
    CHECK_EQUAL(gic_acknowledge(), GIC_SPURIOUS);
    for (uint32_t i = GIC_MANY; i-- > 0;) {
        GIC_WRITE(ICC_DIR, GIC_SPI + i);
        isb();
        CHECK(!gic_is_active(GIC_SPI + i));
    }
    GIC_WRITE(ICC_CTLR, 0);
    isb();
}
