/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3: distributor, redistributors, and the CPU interface by system registers.  Group 1 only, affinity routing. */
#ifndef GUEST_GIC_H
#define GUEST_GIC_H

#include <stdbool.h>
#include <stdint.h>
#include <guest/sysreg.h>

#define GICD_CTLR       0x0000u
#define GICD_TYPER      0x0004u
#define GICD_IIDR       0x0008u
#define GICD_IGROUPR    0x0080u
#define GICD_ISENABLER  0x0100u
#define GICD_ICENABLER  0x0180u
#define GICD_ISPENDR    0x0200u
#define GICD_ICPENDR    0x0280u
#define GICD_ISACTIVER  0x0300u
#define GICD_ICACTIVER  0x0380u
#define GICD_IPRIORITYR 0x0400u
#define GICD_ITARGETSR  0x0800u
#define GICD_ICFGR      0x0c00u
#define GICD_SGIR       0x0f00u
#define GICD_IROUTER    0x6000u /* + 8 * INTID */
#define GICD_PIDR2      0xffe8u

#define GICR_CTLR  0x0000u
#define GICR_IIDR  0x0004u
#define GICR_TYPER 0x0008u
#define GICR_WAKER 0x0014u
#define GICR_PIDR2 0xffe8u
#define GICR_SGI   0x10000u /* the SGI_base frame; registers at the GICD_* offsets */

#define GIC_SPURIOUS 1023u
#define GIC_PRIORITY 0xa0u

#define ICC_PMR     S3_0_C4_C6_0
#define ICC_IAR1    S3_0_C12_C12_0
#define ICC_EOIR1   S3_0_C12_C12_1
#define ICC_HPPIR1  S3_0_C12_C12_2
#define ICC_BPR1    S3_0_C12_C12_3
#define ICC_DIR     S3_0_C12_C11_1
#define ICC_RPR     S3_0_C12_C11_3
#define ICC_SGI1R   S3_0_C12_C11_5
#define ICC_CTLR    S3_0_C12_C12_4
#define ICC_SRE     S3_0_C12_C12_5
#define ICC_IGRPEN1 S3_0_C12_C12_7
#define ICC_AP1R0   S3_0_C12_C9_0

/* Two steps, so that the macro argument is expanded first. */
#define GIC_READ_(name)         READ_SYSREG(name)
#define GIC_READ(name)          GIC_READ_(name)
#define GIC_WRITE_(name, value) WRITE_SYSREG(name, value)
#define GIC_WRITE(name, value)  GIC_WRITE_(name, value)

/* Enable the distributor; all SPIs disabled, group 1, GIC_PRIORITY, routed to CPU 0.  Once, before gic_init_cpu(). */
void gic_init(void);

/* Wake this CPU's redistributor, SGIs and PPIs disabled, group 1, GIC_PRIORITY; CPU interface on, PMR open. */
void gic_init_cpu(void);

/* Address of this CPU's redistributor. */
uint64_t gic_redistributor(void);

/* For SGIs and PPIs these act on this CPU's redistributor. */
void gic_enable(uint32_t intid);
void gic_disable(uint32_t intid);
void gic_set_priority(uint32_t intid, uint8_t priority);
void gic_set_edge(uint32_t intid, bool edge);
void gic_set_pending(uint32_t intid, bool pending);
bool gic_is_pending(uint32_t intid);
void gic_set_active(uint32_t intid, bool active);
bool gic_is_active(uint32_t intid);
void gic_route(uint32_t intid, uint64_t mpidr);

/* Bytes from the distributor or this CPU's SGI frame at which a bit-per-interrupt register of intid lies. */
uint64_t gic_bit_register(uint32_t reg, uint32_t intid);

/* SGI 0..15 to the CPU with mpidr, or to all but this one. */
void gic_send_sgi(uint32_t sgi, uint64_t mpidr);
void gic_send_sgi_others(uint32_t sgi);

static inline uint32_t gic_acknowledge(void)
{
    return (uint32_t)GIC_READ(ICC_IAR1) & 0xffffffu;
}

static inline void gic_end(uint32_t intid)
{
    GIC_WRITE(ICC_EOIR1, intid);
    isb();
}

#endif
