/* SPDX-License-Identifier: Apache-2.0 */
/* t_gic, second half: what distributor and redistributor registers read after writes, timer and active state.
 * [itest->dsn~seen-gic-registers~1] [itest->dsn~seen-gic-state~1]
 * [itest->dsn~vgic-registers~1] [itest->dsn~vgic-state-readable~1] */
#include <guest/gic.h>
#include <guest/platform.h>
#include <guest/psci.h>
#include <guest/test.h>
#include <guest/timer.h>

#include "t_gic.h"

#define CTLR_ARE    0x10u
#define CTLR_GROUP1 0x02u
#define WORD        (GIC_SPI / 32)
#define BIT         (1u << (GIC_SPI % 32))

static uint64_t gicd(uint32_t offset)
{
    return platform.gicd + offset;
}

static uint64_t sgi_frame(uint32_t offset)
{
    return gic_redistributor() + GICR_SGI + offset;
}

void gic_distributor_identity(void)
{
    uint32_t typer = mmio_read32(gicd(GICD_TYPER));

    CHECK((typer & 31) >= 1);                       /* 64 interrupts or more */
    CHECK(!platform.xen || (typer >> 17 & 1) == 0); /* no LPIs for a guest */
    CHECK((typer >> 19 & 31) >= 9);                 /* 10 bits of INTID */
    CHECK_EQUAL(mmio_read32(gicd(GICD_PIDR2)) >> 4 & 15, 3);
    CHECK_EQUAL(mmio_read32(gicd(GICD_CTLR)) & (CTLR_ARE | CTLR_GROUP1), CTLR_ARE | CTLR_GROUP1);
    (void)mmio_read32(gicd(GICD_IIDR));
    /* Read-only: a write changes nothing. */
    mmio_write32(gicd(GICD_TYPER), 0);
    CHECK_EQUAL(mmio_read32(gicd(GICD_TYPER)), typer);
    mmio_write32(gicd(GICD_PIDR2), 0);
    CHECK_EQUAL(mmio_read32(gicd(GICD_PIDR2)) >> 4 & 15, 3);
}

void gic_redistributor_identity(void)
{
    uint64_t mpidr = READ_SYSREG(mpidr_el1);
    uint64_t typer = mmio_read64(gic_redistributor() + GICR_TYPER);
    bool last = false;
    uint32_t count = 0;

    CHECK_EQUAL(typer >> 32, (mpidr & 0xffffff) | (mpidr >> 8 & 0xff000000));
    CHECK(!platform.xen || (typer & 1) == 0);
    CHECK_EQUAL(mmio_read32(gic_redistributor() + GICR_TYPER), typer & UINT32_MAX);
    CHECK_EQUAL(mmio_read32(gic_redistributor() + GICR_TYPER + 4), typer >> 32);
    CHECK_EQUAL(mmio_read32(gic_redistributor() + GICR_PIDR2) >> 4 & 15, 3);
    CHECK_EQUAL(mmio_read32(gic_redistributor() + GICR_WAKER) & 6, 0);
    for (; !last && count < 128; count++) {
        typer = mmio_read64(platform.gicr + count * UINT64_C(0x20000) + GICR_TYPER);
        CHECK_EQUAL(typer >> 8 & 0xffff, count);
        last = (typer >> 4 & 1) != 0;
    }
    CHECK_EQUAL(count, platform.cpu_count);
}

void gic_enable_registers(void)
{
    uint32_t lines = ((mmio_read32(gicd(GICD_TYPER)) & 31) + 1) * 32;

    mmio_write32(gicd(GICD_ISENABLER + 4 * WORD), BIT);
    CHECK_EQUAL(mmio_read32(gicd(GICD_ISENABLER + 4 * WORD)) & BIT, BIT);
    CHECK_EQUAL(mmio_read32(gicd(GICD_ICENABLER + 4 * WORD)) & BIT, BIT);
    mmio_write32(gicd(GICD_ISENABLER + 4 * WORD), 0);
    CHECK_EQUAL(mmio_read32(gicd(GICD_ISENABLER + 4 * WORD)) & BIT, BIT);
    mmio_write32(gicd(GICD_ICENABLER + 4 * WORD), BIT);
    CHECK_EQUAL(mmio_read32(gicd(GICD_ISENABLER + 4 * WORD)) & BIT, 0);
    /* SGIs and PPIs are the redistributor's; the distributor's words for them are RAZ/WI. */
    mmio_write32(gicd(GICD_ISENABLER), UINT32_MAX);
    CHECK_EQUAL(mmio_read32(gicd(GICD_ISENABLER)), 0);
    mmio_write32(sgi_frame(GICD_ISENABLER), 1u << GIC_PPI | 1u << 3);
    CHECK_EQUAL(mmio_read32(sgi_frame(GICD_ISENABLER)), 1u << GIC_PPI | 1u << 3);
    mmio_write32(sgi_frame(GICD_ICENABLER), UINT32_MAX);
    CHECK_EQUAL(mmio_read32(sgi_frame(GICD_ISENABLER)), 0);
    if (lines < 992) {
        mmio_write32(gicd(GICD_ISENABLER + lines / 8), UINT32_MAX);
        CHECK_EQUAL(mmio_read32(gicd(GICD_ISENABLER + lines / 8)), 0);
    }
}

void gic_priority_registers(void)
{
    uint64_t word = gicd(GICD_IPRIORITYR + (GIC_SPI & ~3u));

    mmio_write32(word, 0x10305070);
    CHECK_EQUAL(mmio_read32(word), 0x10305070);
    mmio_write8(word + 1, 0xf0);
    CHECK_EQUAL(mmio_read32(word), 0x1030f070);
    CHECK_EQUAL(mmio_read8(word + 3), 0x10);
    CHECK_EQUAL(mmio_read8(word), 0x70);
    /* At least 16 levels. */
    mmio_write8(word, 0xff);
    CHECK_EQUAL(mmio_read8(word) & 0xf0, 0xf0);
    mmio_write32(word, GIC_PRIORITY * 0x01010101u);
    mmio_write32(sgi_frame(GICD_IPRIORITYR + 4), 0x20406080);
    CHECK_EQUAL(mmio_read32(sgi_frame(GICD_IPRIORITYR + 4)), 0x20406080);
    CHECK_EQUAL(mmio_read8(sgi_frame(GICD_IPRIORITYR + 7)), 0x20);
    mmio_write32(sgi_frame(GICD_IPRIORITYR + 4), GIC_PRIORITY * 0x01010101u);
    mmio_write32(gicd(GICD_IPRIORITYR), UINT32_MAX);
    CHECK_EQUAL(mmio_read32(gicd(GICD_IPRIORITYR)), 0);
}

void gic_configuration_registers(void)
{
    uint64_t reg = gicd(GICD_ICFGR + 4 * (GIC_SPI / 16));
    uint32_t field = 2u << (GIC_SPI % 16 * 2);

    gic_set_edge(GIC_SPI, true);
    CHECK_EQUAL(mmio_read32(reg) & field, field);
    gic_set_edge(GIC_SPI, false);
    CHECK_EQUAL(mmio_read32(reg) & field, 0);
    /* SGIs are edge, for ever. */
    mmio_write32(sgi_frame(GICD_ICFGR), 0);
    CHECK_EQUAL(mmio_read32(sgi_frame(GICD_ICFGR)), 0xaaaaaaaa);
    /* Group 1 is all there is for this guest, or it can be written; either way it must read as group 1 now. */
    CHECK_EQUAL(mmio_read32(gicd(GICD_IGROUPR + 4 * WORD)) & BIT, BIT);
}

void gic_routing_registers(void)
{
    uint64_t reg = gicd(GICD_IROUTER + 8 * GIC_SPI);
    uint64_t target = platform.mpidr[platform.cpu_count - 1] & UINT64_C(0xff00ffffff);

    mmio_write64(reg, target);
    CHECK_EQUAL(mmio_read64(reg), target);
    CHECK_EQUAL(mmio_read32(reg), target & UINT32_MAX);
    CHECK_EQUAL(mmio_read32(reg + 4), target >> 32);
    mmio_write32(reg, 0);
    CHECK_EQUAL(mmio_read64(reg) & UINT32_MAX, 0);
    mmio_write64(reg, platform.mpidr[0] & UINT64_C(0xff00ffffff));
    /* With affinity routing the registers of GICv2 are RAZ/WI. */
    mmio_write32(gicd(GICD_ITARGETSR + GIC_SPI), UINT32_MAX);
    CHECK_EQUAL(mmio_read32(gicd(GICD_ITARGETSR + (GIC_SPI & ~3u))), 0);
    mmio_write32(gicd(GICD_SGIR), 0x00010003);
}

/* Set, read and clear both kinds of state of every kind of interrupt, while it is disabled. */
void gic_pending_and_active_registers(void)
{
    static const uint32_t intids[] = {
        0, 7, 15, GIC_PPI, TIMER_VIRTUAL_PPI, TIMER_PHYSICAL_PPI, GIC_SPI, GIC_SPI + GIC_MANY};

    gic_start_over();
    for (uint32_t i = 0; i < sizeof(intids) / sizeof(intids[0]); i++) {
        uint32_t intid = intids[i];

        gic_disable(intid);
        gic_set_pending(intid, true);
        if (!gic_is_pending(intid)) {
            test_fail("%u does not become pending", (unsigned)intid);
        }
        gic_set_pending(intid, false);
        if (gic_is_pending(intid)) {
            test_fail("%u stays pending", (unsigned)intid);
        }
        gic_set_active(intid, true);
        if (!gic_is_active(intid)) {
            test_fail("%u does not become active", (unsigned)intid);
        }
        gic_set_active(intid, false);
        if (gic_is_active(intid)) {
            test_fail("%u stays active", (unsigned)intid);
        }
    }
}

void gic_reserved_registers(void)
{
    static const uint32_t offsets[] = {0x000c, 0x0040, 0x0c80 + 0x200, 0x0f20 + 0x100, 0x5000, 0x8000, 0xbffc};

    for (uint32_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        mmio_write32(gicd(offsets[i]), UINT32_MAX);
        CHECK_EQUAL(mmio_read32(gicd(offsets[i])), 0);
    }
    CHECK_EQUAL(mmio_read32(gic_redistributor() + 0x0100), 0);
    CHECK_EQUAL(mmio_read32(sgi_frame(0x0500)), 0);
}

void gic_cpu_interface_registers(void)
{
    uint64_t control = GIC_READ(ICC_CTLR);

    CHECK_EQUAL(GIC_READ(ICC_SRE) & 1, 1);
    CHECK((control >> 8 & 7) >= 3); /* 16 priorities or more */
    GIC_WRITE(ICC_PMR, 0x80);
    isb();
    CHECK_EQUAL(GIC_READ(ICC_PMR), 0x80);
    GIC_WRITE(ICC_PMR, 0xff);
    isb();
    CHECK((GIC_READ(ICC_PMR) & 0xf0) == 0xf0);
    GIC_WRITE(ICC_BPR1, 5);
    isb();
    CHECK_EQUAL(GIC_READ(ICC_BPR1), 5);
    GIC_WRITE(ICC_BPR1, 0);
    isb();
    GIC_WRITE(ICC_CTLR, 2);
    isb();
    CHECK_EQUAL(GIC_READ(ICC_CTLR) & 2, 2);
    GIC_WRITE(ICC_CTLR, 0);
    isb();
    CHECK_EQUAL(GIC_READ(ICC_IGRPEN1), 1);
}

/* The timer's line shows in ISPENDR, its handling in ISACTIVER. */
void gic_timer_pending_and_active(void)
{
    gic_start_over();
    gic_enable(TIMER_VIRTUAL_PPI);
    CHECK(!gic_is_pending(TIMER_VIRTUAL_PPI));
    timer_set(ticks());
    delay_ns(1000000);
    CHECK(gic_is_pending(TIMER_VIRTUAL_PPI));
    CHECK(!gic_is_active(TIMER_VIRTUAL_PPI));
    CHECK_EQUAL(gic_acknowledge(), TIMER_VIRTUAL_PPI);
    CHECK(gic_is_active(TIMER_VIRTUAL_PPI));
    timer_stop();
    gic_end(TIMER_VIRTUAL_PPI);
    CHECK(!gic_is_active(TIMER_VIRTUAL_PPI));
    CHECK(!gic_is_pending(TIMER_VIRTUAL_PPI));
    CHECK_EQUAL(gic_acknowledge(), GIC_SPURIOUS);
}

/* The timer is a level: it comes again until it is served; clearing the pending bit does not help. */
void gic_timer_level(void)
{
    gic_start_over();
    timer_set(ticks());
    delay_ns(1000000);
    CHECK_EQUAL(gic_acknowledge(), TIMER_VIRTUAL_PPI);
    gic_end(TIMER_VIRTUAL_PPI);
    delay_ns(1000000);
    CHECK_EQUAL(gic_acknowledge(), TIMER_VIRTUAL_PPI);
    gic_end(TIMER_VIRTUAL_PPI);
    delay_ns(1000000);
    gic_set_pending(TIMER_VIRTUAL_PPI, false);
    delay_ns(1000000);
    CHECK(gic_is_pending(TIMER_VIRTUAL_PPI));
    timer_stop();
    delay_ns(1000000);
    gic_take();
    /* Set by hand, with the line low. */
    gic_start_over();
    gic_set_pending(TIMER_VIRTUAL_PPI, true);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
    CHECK_EQUAL(gic_logs[0].intid[0], TIMER_VIRTUAL_PPI);
}

/* An interrupt that was made active by hand is not delivered until it is made inactive. */
void gic_active_blocks_delivery(void)
{
    static const uint32_t intids[] = {7, GIC_PPI, TIMER_VIRTUAL_PPI, GIC_SPI};

    for (uint32_t i = 0; i < sizeof(intids) / sizeof(intids[0]); i++) {
        uint32_t intid = intids[i];

        gic_start_over();
        gic_enable(intid);
        gic_set_active(intid, true);
        gic_set_pending(intid, true);
        gic_take();
        if (gic_logs[0].count != 0) {
            test_fail("%u came while active", (unsigned)intid);
        }
        gic_set_active(intid, false);
        gic_take();
        if (gic_logs[0].count != 1 || gic_logs[0].intid[0] != intid) {
            test_fail("%u did not come after its active state was cleared", (unsigned)intid);
        }
        gic_disable(intid);
    }
}
