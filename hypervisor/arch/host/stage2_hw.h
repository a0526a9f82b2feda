/* SPDX-License-Identifier: Apache-2.0 */
/* The model under arch/arm64/stage2.c: included before it, instead of arch/arm64/stage2_hw.h.
 * It fails a test on: a valid descriptor replaced without break-before-make, a new one made before the TLB was told of the
 * old one, a table linked before its contents are published, a frame reused while a TLB may still know it, a VMID
 * reused before its TLB entries are gone, and writes never published.
 * [impl->dsn~host-tlb-model~1] */
#ifndef ARCH_ARM64_STAGE2_HW_H
#define ARCH_ARM64_STAGE2_HW_H

#include "arch/contract/arch.h"
#include "core/domain.h"

#define stage2_normal UINT64_C(0x73d) /* valid, accessed, inner shareable, write-back */

uint32_t stage2_ipa_bits(void);
uint64_t stage2_read(mfn_t table, uint32_t index);
void stage2_write(mfn_t table, uint32_t index, uint64_t desc);
void stage2_publish(void);
void stage2_init_domain(struct domain *d);
void stage2_flush(struct domain *d, gfn_t gfn, uint32_t order);
void stage2_flush_pages(struct domain *d, const gfn_t *gfns, uint32_t count);
void stage2_flush_all(struct domain *d);

#endif
