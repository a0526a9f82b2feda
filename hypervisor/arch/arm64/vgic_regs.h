/* SPDX-License-Identifier: Apache-2.0 */
/* What the registers of distributor (vgic_gicd.c) and redistributors (vgic_gicr.c) have in common (GIC architecture,
 * IHI 0069, chapter 12): affinity routing, one security state (DS = 1), no message-based SPIs, no LPIs.  What is not
 * listed there, or has a size that the register does not support, reads as zero and ignores writes. */
#ifndef ARCH_ARM64_VGIC_REGS_H
#define ARCH_ARM64_VGIC_REGS_H

#include "arch/arm64/vgic_internal.h"

#define VGIC_FRAME UINT64_C(0x10000)
#define VGIC_IIDR  0x4200043bu /* product 'B', revision 0, implementer Arm */

enum bank { /* offset / 0x80: arrays with one bit an interrupt */
            BANK_CONTROL = 0,
            BANK_IGROUPR = 1,
            BANK_ISENABLER = 2,
            BANK_ICENABLER = 3,
            BANK_ISPENDR = 4,
            BANK_ICPENDR = 5,
            BANK_ISACTIVER = 6,
            BANK_ICACTIVER = 7,
            BANK_PRIORITY = 8, /* to 15 */
            BANK_ICFGR = 0x18, /* and 0x19 */
};

/* PIDR and CIDR, offset 0xffd0 and up; part is the low byte of the part number. */
uint32_t vgic_id_register(uint32_t offset, uint32_t part);
/* The access has the size of its register: words, bytes too for priorities.  offset: below 0x1000.
 * [impl->dsn~vgic-sizes~1] */
bool vgic_is_sized(const struct mmio *m);

/* The first interrupt that a register below 0x1000, not of BANK_CONTROL, is about. */
static inline uint32_t vgic_first_of(uint32_t offset)
{
    return (offset < 0x400u) ? (offset & 0x7fu) * 8u : (offset < 0x800u) ? offset - 0x400u : (offset - 0xc00u) * 4u;
}
/* What registers of a word only store: group, enable, priority, trigger.  The rest reads as 0. */
uint64_t vgic_read_stored(const struct vgic_irqs *irqs, uint32_t bank, uint32_t first, uint32_t size);
/* Write any register of a word; the interrupts that this may have changed. */
uint32_t vgic_write_stored(struct vgic_irqs *irqs, uint32_t bank, uint32_t first, uint32_t size, uint64_t value);

#endif
