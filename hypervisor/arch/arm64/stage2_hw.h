/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware under stage2.c.
 * [impl->dsn~stage2-maintenance~1] */
#ifndef ARCH_ARM64_STAGE2_HW_H
#define ARCH_ARM64_STAGE2_HW_H

#include "arch/arm64/sysreg.h"
#include "arch/contract/arch.h"
#include "core/upcall.h"

/* Read what the CPU has.  Boot CPU, before anything else of stage 2. */
void stage2_init(void);

/* Every CPU forces what stage 2 maps as Normal to be write-back cacheable (FEAT_S2FWB), whatever the guest says of it: that
 * its caches are off, for one.  Const after stage2_init. */
extern bool stage2_forced;
/* What stands in every entry for Normal memory: valid, accessed, inner shareable, write-back. */
extern uint64_t stage2_normal;
/* This CPU can.  The CPUs of a board are alike. */
static inline bool stage2_can_force(void)
{
    return FIELD(read_sysreg(s3_0_c0_c7_2), 43, 40) != 0u; /* ID_AA64MMFR2_EL1.FWB */
}

extern uint32_t stage2_bits; /* const after stage2_init */
/* Guest-physical address bits: what the CPU has, 48 at most. */
static inline uint32_t stage2_ipa_bits(void)
{
    return stage2_bits;
}

static inline uint64_t stage2_read(mfn_t table, uint32_t index)
{
    return __atomic_load_n((const uint64_t *)arch_map_frame(table) + index, __ATOMIC_RELAXED);
}
static inline void stage2_write(mfn_t table, uint32_t index, uint64_t desc)
{
    __atomic_store_n((uint64_t *)arch_map_frame(table) + index, desc, __ATOMIC_RELAXED);
}
/* Writes so far are seen by every table walker. */
static inline void stage2_publish(void)
{
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}
/* The domain's tables exist: make the value for VTTBR_EL2. */
static inline void stage2_init_domain(struct domain *d)
{
    d->arch.vttbr = mfn_to_maddr(d->arch.root).v | ((uint64_t)(d->slot + 1u) << 48);
}
/* Forget the entry of the given order at gfn, and stage 1 results made from it, on every CPU. */
void stage2_flush(struct domain *d, gfn_t gfn, uint32_t order);
/* Forget 4 KiB entries at gfns, and stage 1 results made from them, on every CPU.  Bound: count. */
void stage2_flush_pages(struct domain *d, const gfn_t *gfns, uint32_t count);
/* Forget everything of the domain's VMID on every CPU. */
void stage2_flush_all(struct domain *d);

#endif
