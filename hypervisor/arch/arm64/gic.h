/* SPDX-License-Identifier: Apache-2.0 */
/* The physical GICv3.
 * [impl->dsn~gic~1] */
#ifndef ARCH_ARM64_GIC_H
#define ARCH_ARM64_GIC_H

#include "bulkhead/board.h"
#include "lib/types.h"

struct cpu;

/* The distributor: everything off, group 1, affinity routing.  Boot CPU, once. */
void gic_init(const struct board_table *b);
/* This CPU's redistributor and CPU interface.  -NODEV no redistributor answers for this CPU. */
err_t gic_cpu_init(struct cpu *cpu);
/* Let intid (PPI of this CPU, or SPI routed to this CPU) through, level-triggered. */
void gic_enable(struct cpu *cpu, uint32_t intid);
/* SPI intid of a guest: level or edge, sent to the CPU with that affinity, let through. */
void gic_spi_on(uint32_t intid, bool edge, uint64_t mpidr);
void gic_spi_off(uint32_t intid);
/* Off, and neither pending (but for its line) nor active.  Bound: POLL_MAX reads. */
void gic_spi_release(uint32_t intid);
/* word w: INTIDs 32 * (w + 1) and up. */
void gic_spi_deactivate(uint32_t word, uint32_t bits);
/* Level-triggered SPIs whose line is high (edge-triggered ones: pending). */
uint32_t gic_spi_lines(uint32_t word);
/* Set or clear the active state of one of this CPU's PPIs. */
void gic_set_active(struct cpu *cpu, uint32_t intid, bool active);
void gic_kick(uint64_t mpidr);
void gic_kick_all_others(void);

#define GIC_SGI_KICK   0u
#define GIC_INTID_NONE 1020u /* and above: nothing pending */

static inline uint32_t gic_acknowledge(void)
{
    uint64_t iar;

    __asm__ volatile("mrs %0, s3_0_c12_c12_0" : "=r"(iar)::"memory"); /* ICC_IAR1_EL1 */
    __asm__ volatile("dsb sy" ::: "memory");
    return (uint32_t)(iar & 0xffffffu);
}
/* The interrupt that gic_acknowledge would return. */
static inline uint32_t gic_next(void)
{
    uint64_t hppir;

    __asm__ volatile("mrs %0, s3_0_c12_c12_2" : "=r"(hppir)); /* ICC_HPPIR1_EL1 */
    return (uint32_t)(hppir & 0xffffffu);
}
/* Priority drop; the interrupt stays active until gic_deactivate or, for a list register with HW, the guest's. */
static inline void gic_priority_drop(uint32_t intid)
{
    __asm__ volatile("msr s3_0_c12_c12_1, %0\n\tisb" ::"r"((uint64_t)intid) : "memory"); /* ICC_EOIR1_EL1 */
}
static inline void gic_deactivate(uint32_t intid)
{
    __asm__ volatile("msr s3_0_c12_c11_1, %0\n\tisb" ::"r"((uint64_t)intid) : "memory"); /* ICC_DIR_EL1 */
}

#endif
