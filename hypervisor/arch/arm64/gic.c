/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/gic.h"
#include "arch/arm64/sysreg.h"
#include "core/upcall.h"

#define GICD_CTLR       0x0000u
#define GICD_TYPER      0x0004u
#define GICD_IGROUPR    0x0080u
#define GICD_ISENABLER  0x0100u
#define GICD_ICENABLER  0x0180u
#define GICD_ISPENDR    0x0200u
#define GICD_ICPENDR    0x0280u
#define GICD_ICACTIVER  0x0380u
#define GICD_IPRIORITYR 0x0400u
#define GICD_ICFGR      0x0c00u
#define GICD_IROUTER    0x6000u
#define GICD_CTLR_RWP   BIT(31)
#define GICD_CTLR_ARE   BIT(4)
#define GICD_CTLR_GRP1  BIT(1)

#define GICR_TYPER          0x0008u
#define GICR_WAKER          0x0014u
#define GICR_SGI            0x10000u
#define GICR_IGROUPR0       (GICR_SGI + 0x0080u)
#define GICR_ISENABLER0     (GICR_SGI + 0x0100u)
#define GICR_ICENABLER0     (GICR_SGI + 0x0180u)
#define GICR_ISACTIVER0     (GICR_SGI + 0x0300u)
#define GICR_ICACTIVER0     (GICR_SGI + 0x0380u)
#define GICR_IPRIORITYR     (GICR_SGI + 0x0400u)
#define GICR_TYPER_LAST     BIT(4)
#define GICR_WAKER_SLEEP    BIT(1)
#define GICR_WAKER_CHILDREN BIT(2)

#define PRIORITY 0xa0a0a0a0u
#define POLL_MAX 1000000u /* reads of a register before the hardware counts as dead */

static const struct board_table *board; /* const after init */
static struct spinlock config_lock;     /* rank 4.5: GICD_ICFGR, read and written */

static uint32_t read32(uint64_t base, uint32_t reg)
{
    return *(volatile uint32_t *)(base + reg);
}
static void write32(uint64_t base, uint32_t reg, uint32_t v)
{
    *(volatile uint32_t *)(base + reg) = v;
}

static uint64_t gicd(void)
{
    return VA_DEVICE + board->gicd.base;
}

static void wait_clear(uint64_t base, uint32_t reg, uint64_t bits)
{
    uint32_t polls = 0;

    while ((read32(base, reg) & bits) != 0u) {
        ASSERT(polls < POLL_MAX);
        polls++;
    }
}

void gic_init(const struct board_table *b)
{
    uint32_t lines;

    board = b;
    write32(gicd(), GICD_CTLR, 0);
    wait_clear(gicd(), GICD_CTLR, GICD_CTLR_RWP);
    lines = ((read32(gicd(), GICD_TYPER) & 0x1fu) + 1u) * 32u;
    for (uint32_t i = 32; i < lines; i += 32u) {
        write32(gicd(), GICD_IGROUPR + i / 8u, UINT32_MAX);
        write32(gicd(), GICD_ICENABLER + i / 8u, UINT32_MAX);
        write32(gicd(), GICD_ICACTIVER + i / 8u, UINT32_MAX);
    }
    for (uint32_t i = 32; i < lines; i += 4u) {
        write32(gicd(), GICD_IPRIORITYR + i, PRIORITY);
    }
    write32(gicd(), GICD_CTLR, (uint32_t)(GICD_CTLR_ARE | GICD_CTLR_GRP1));
    wait_clear(gicd(), GICD_CTLR, GICD_CTLR_RWP);
}

/* GICR_TYPER[63:32] holds Aff3..Aff0 of the CPU it serves. */
static uint64_t find_redistributor(uint64_t mpidr)
{
    uint64_t affinity = (FIELD(mpidr, 39, 32) << 24) | (mpidr & 0xffffffu);

    for (uint64_t at = 0; at + board->gicr_stride <= board->gicr.size; at += board->gicr_stride) {
        uint64_t base = VA_DEVICE + board->gicr.base + at;
        uint64_t typer = *(volatile uint64_t *)(base + GICR_TYPER);
        if ((typer >> 32) == affinity) {
            return base;
        }
        if ((typer & GICR_TYPER_LAST) != 0u) {
            break;
        }
    }
    return 0;
}

err_t gic_cpu_init(struct cpu *cpu)
{
    uint64_t gicr = find_redistributor(cpu->arch.mpidr);

    if (gicr == 0u) {
        return ERR_NODEV;
    }
    cpu->arch.gicr = gicr;
    write32(gicr, GICR_WAKER, read32(gicr, GICR_WAKER) & ~(uint32_t)GICR_WAKER_SLEEP);
    wait_clear(gicr, GICR_WAKER, GICR_WAKER_CHILDREN);
    write32(gicr, GICR_ICENABLER0, UINT32_MAX);
    write32(gicr, GICR_ICACTIVER0, UINT32_MAX);
    write32(gicr, GICR_IGROUPR0, UINT32_MAX);
    for (uint32_t i = 0; i < 32u; i += 4u) {
        write32(gicr, GICR_IPRIORITYR + i, PRIORITY);
    }
    write32(gicr, GICR_ISENABLER0, BIT(GIC_SGI_KICK));
    write_sysreg(s3_4_c12_c9_5, 0xf); /* ICC_SRE_EL2: system registers, EL1 may use them too */
    isb();
    write_sysreg(s3_0_c12_c12_4, 0x2); /* ICC_CTLR_EL1: EOImode 1, drop and deactivation apart */
    write_sysreg(s3_0_c4_c6_0, 0xff);  /* ICC_PMR_EL1 */
    write_sysreg(s3_0_c12_c12_3, 0);   /* ICC_BPR1_EL1 */
    write_sysreg(s3_0_c12_c12_7, 1);   /* ICC_IGRPEN1_EL1 */
    isb();
    return OK;
}

void gic_spi_on(uint32_t intid, bool edge, uint64_t mpidr)
{
    uint32_t config = GICD_ICFGR + intid / 16u * 4u;
    uint32_t bit = 2u << (intid % 16u * 2u);

    gic_spi_off(intid);
    wait_clear(gicd(), GICD_CTLR, GICD_CTLR_RWP);
    spin_lock(&config_lock);
    write32(gicd(), config, (read32(gicd(), config) & ~bit) | (edge ? bit : 0u));
    spin_unlock(&config_lock);
    *(volatile uint64_t *)(gicd() + GICD_IROUTER + 8u * (uint64_t)intid) = mpidr;
    write32(gicd(), GICD_ISENABLER + intid / 32u * 4u, (uint32_t)BIT(intid % 32u));
}

void gic_spi_off(uint32_t intid)
{
    write32(gicd(), GICD_ICENABLER + intid / 32u * 4u, (uint32_t)BIT(intid % 32u));
}

void gic_spi_release(uint32_t intid)
{
    gic_spi_off(intid);
    wait_clear(gicd(), GICD_CTLR, GICD_CTLR_RWP);
    write32(gicd(), GICD_ICPENDR + intid / 32u * 4u, (uint32_t)BIT(intid % 32u));
    gic_spi_deactivate(intid / 32u - 1u, (uint32_t)BIT(intid % 32u));
}

void gic_spi_deactivate(uint32_t word, uint32_t bits)
{
    write32(gicd(), GICD_ICACTIVER + 4u * (word + 1u), bits);
}

uint32_t gic_spi_lines(uint32_t word)
{
    return read32(gicd(), GICD_ISPENDR + 4u * (word + 1u));
}

void gic_enable(struct cpu *cpu, uint32_t intid)
{
    if (intid < 32u) {
        write32(cpu->arch.gicr, GICR_ISENABLER0, (uint32_t)BIT(intid));
    } else {
        gic_spi_on(intid, false, cpu->arch.mpidr);
    }
}

void gic_set_active(struct cpu *cpu, uint32_t intid, bool active)
{
    write32(cpu->arch.gicr, active ? GICR_ISACTIVER0 : GICR_ICACTIVER0, (uint32_t)BIT(intid));
}

static void send_sgi(uint64_t targets)
{
    __asm__ volatile("dsb ishst" ::: "memory");
    write_sysreg(s3_0_c12_c11_5, targets | ((uint64_t)GIC_SGI_KICK << 24));
    isb();
}

/* ICC_SGI1R_EL1: Aff3 55:48, range 47:44, Aff2 39:32, INTID 27:24, Aff1 23:16, target list 15:0 */
void gic_kick(uint64_t mpidr)
{
    send_sgi((FIELD(mpidr, 39, 32) << 48) | (FIELD(mpidr, 7, 4) << 44) | (FIELD(mpidr, 23, 16) << 32) |
             (FIELD(mpidr, 15, 8) << 16) | BIT(mpidr & 0xfu));
}

void gic_kick_all_others(void)
{
    send_sgi(BIT(40));
}
