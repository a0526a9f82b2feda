/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/cpu.h>
#include <guest/gic.h>
#include <guest/platform.h>

#define GICD_CTLR_RWP     (1u << 31)
#define GICD_CTLR_ARE_NS  (1u << 4)
#define GICD_CTLR_GROUP1  (1u << 1)
#define GICR_WAKER_SLEEP  (1u << 1)
#define GICR_WAKER_ASLEEP (1u << 2)
#define GICR_TYPER_LAST   (1u << 4)
#define FRAME_BYTES       UINT64_C(0x20000)

static uint64_t redistributors[GUEST_MAX_CPUS];

static void wait_dist(void)
{
    while ((mmio_read32(platform.gicd + GICD_CTLR) & GICD_CTLR_RWP) != 0) {
    }
}

static uint32_t dist_lines(void)
{
    return ((mmio_read32(platform.gicd + GICD_TYPER) & 31) + 1) * 32;
}

void gic_init(void)
{
    uint32_t lines = dist_lines();

    mmio_write32(platform.gicd + GICD_CTLR, 0);
    wait_dist();
    for (uint32_t i = 32; i < lines; i += 32) {
        mmio_write32(platform.gicd + GICD_ICENABLER + i / 8, UINT32_MAX);
        mmio_write32(platform.gicd + GICD_ICPENDR + i / 8, UINT32_MAX);
        mmio_write32(platform.gicd + GICD_ICACTIVER + i / 8, UINT32_MAX);
        mmio_write32(platform.gicd + GICD_IGROUPR + i / 8, UINT32_MAX);
    }
    for (uint32_t i = 32; i < lines; i += 4) {
        mmio_write32(platform.gicd + GICD_IPRIORITYR + i, GIC_PRIORITY * 0x01010101u);
    }
    mmio_write32(platform.gicd + GICD_CTLR, GICD_CTLR_ARE_NS | GICD_CTLR_GROUP1);
    wait_dist();
    for (uint32_t i = 32; i < lines && i < 1020; i++) {
        gic_route(i, READ_SYSREG(mpidr_el1));
    }
}

static uint64_t find_redistributor(void)
{
    uint64_t mpidr = READ_SYSREG(mpidr_el1);
    uint32_t affinity = (uint32_t)((mpidr & 0xffffff) | ((mpidr >> 8) & 0xff000000));

    for (uint64_t at = 0; at < platform.gicr_size; at += FRAME_BYTES) {
        uint64_t typer = mmio_read64(platform.gicr + at + GICR_TYPER);

        if (typer >> 32 == affinity) {
            return platform.gicr + at;
        }
        if ((typer & GICR_TYPER_LAST) != 0) {
            break;
        }
    }
    return platform.gicr;
}

uint64_t gic_redistributor(void)
{
    return redistributors[this_cpu()->index];
}

void gic_init_cpu(void)
{
    uint64_t frame = find_redistributor();
    uint64_t sgi = frame + GICR_SGI;

    redistributors[this_cpu()->index] = frame;
    mmio_write32(frame + GICR_WAKER, mmio_read32(frame + GICR_WAKER) & ~GICR_WAKER_SLEEP);
    while ((mmio_read32(frame + GICR_WAKER) & GICR_WAKER_ASLEEP) != 0) {
    }
    mmio_write32(sgi + GICD_ICENABLER, UINT32_MAX);
    mmio_write32(sgi + GICD_ICPENDR, UINT32_MAX);
    mmio_write32(sgi + GICD_ICACTIVER, UINT32_MAX);
    mmio_write32(sgi + GICD_IGROUPR, UINT32_MAX);
    for (uint32_t i = 0; i < 32; i += 4) {
        mmio_write32(sgi + GICD_IPRIORITYR + i, GIC_PRIORITY * 0x01010101u);
    }
    GIC_WRITE(ICC_SRE, GIC_READ(ICC_SRE) | 1);
    isb();
    GIC_WRITE(ICC_PMR, 0xff);
    GIC_WRITE(ICC_BPR1, 0);
    GIC_WRITE(ICC_CTLR, 0);
    GIC_WRITE(ICC_IGRPEN1, 1);
    isb();
}

/* Frame that holds the registers of intid. */
static uint64_t frame_of(uint32_t intid)
{
    return intid < 32 ? gic_redistributor() + GICR_SGI : platform.gicd;
}

uint64_t gic_bit_register(uint32_t reg, uint32_t intid)
{
    return frame_of(intid) + reg + 4 * (uint64_t)(intid / 32);
}

static void write_bit(uint32_t reg, uint32_t intid)
{
    mmio_write32(gic_bit_register(reg, intid), 1u << (intid % 32));
}

static bool read_bit(uint32_t reg, uint32_t intid)
{
    return (mmio_read32(gic_bit_register(reg, intid)) >> (intid % 32) & 1) != 0;
}

void gic_enable(uint32_t intid)
{
    write_bit(GICD_ISENABLER, intid);
}

void gic_disable(uint32_t intid)
{
    write_bit(GICD_ICENABLER, intid);
}

void gic_set_priority(uint32_t intid, uint8_t priority)
{
    mmio_write8(frame_of(intid) + GICD_IPRIORITYR + intid, priority);
}

void gic_set_edge(uint32_t intid, bool edge)
{
    uint64_t reg = frame_of(intid) + GICD_ICFGR + 4 * (uint64_t)(intid / 16);
    uint32_t bit = 2u << (intid % 16 * 2);
    uint32_t value = mmio_read32(reg);

    mmio_write32(reg, edge ? value | bit : value & ~bit);
}

void gic_set_pending(uint32_t intid, bool pending)
{
    write_bit(pending ? GICD_ISPENDR : GICD_ICPENDR, intid);
}

bool gic_is_pending(uint32_t intid)
{
    return read_bit(GICD_ISPENDR, intid);
}

void gic_set_active(uint32_t intid, bool active)
{
    write_bit(active ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
}

bool gic_is_active(uint32_t intid)
{
    return read_bit(GICD_ISACTIVER, intid);
}

void gic_route(uint32_t intid, uint64_t mpidr)
{
    mmio_write64(platform.gicd + GICD_IROUTER + 8 * (uint64_t)intid, mpidr & UINT64_C(0xff00ffffff));
}

void gic_send_sgi(uint32_t sgi, uint64_t mpidr)
{
    uint64_t value = (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 | (uint64_t)sgi << 24 |
                     (mpidr >> 8 & 0xff) << 16 | (mpidr >> 4 & 0xf) << 44 | UINT64_C(1) << (mpidr & 0xf);

    dsb();
    GIC_WRITE(ICC_SGI1R, value);
    isb();
}

void gic_send_sgi_others(uint32_t sgi)
{
    dsb();
    GIC_WRITE(ICC_SGI1R, (uint64_t)sgi << 24 | UINT64_C(1) << 40);
    isb();
}
