/* SPDX-License-Identifier: Apache-2.0 */
/* The arm64 part of CPU, vCPU and domain.  Offsets used by entry.S are checked in asm_offsets.h.
 * [impl->dsn~arm64-context~1] */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include "arch/arm64/vgic_types.h"
#include "lib/spinlock.h"
#include "lib/types.h"

/* cpu-local */
struct arch_cpu {
    uint64_t stack_top;       /* first: entry.S */
    struct vcpu *loaded;      /* whose EL1 state is in the registers */
    uint64_t mpidr;           /* const: affinity fields */
    uint64_t gicr;            /* const: virtual address of the redistributor */
    uint64_t hyp_deadline;    /* what CNTHP_CVAL holds; UINT64_MAX = off */
};

/* cpu-local to the vCPU's home.  General registers at exit; the rest is current only while not loaded. */
struct arch_vcpu {
    uint64_t x[31];           /* first: entry.S */
    uint64_t pc;              /* ELR_EL2 */
    uint64_t pstate;          /* SPSR_EL2 */
    uint64_t hcr;             /* HCR_EL2 while it runs */
    uint64_t sp_el0, sp_el1, elr_el1, spsr_el1;
    uint64_t sctlr, actlr, cpacr, ttbr0, ttbr1, tcr, esr, afsr0, afsr1, far, mair, amair, vbar, contextidr;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1, par, cntkctl, csselr, mdscr;
    uint64_t vmpidr;          /* const */
    uint64_t cntv_ctl, cntv_cval; /* virtual timer */
    uint64_t cntp_ctl, cntp_cval; /* emulated physical timer */
    uint64_t apkeys[10];      /* pointer authentication, where the CPU has it */
    uint64_t fpcr, fpsr;
    uint64_t mdcr;            /* MDCR_EL2 while it runs: traps until first use of debug registers or PMU */
    bool debug_used, pmu_used;
    uint64_t dbgbvr[16], dbgbcr[16], dbgwvr[16], dbgwcr[16];
    uint64_t pmcr, pmcntenset, pmintenset, pmovsset, pmselr, pmuserenr, pmccntr, pmccfiltr;
    uint64_t pmevcntr[31], pmevtyper[31];
    struct vgic_vcpu vgic;
    ALIGNED(16) uint8_t fp[32][16];
};

/* guarded by physmap_lock unless said otherwise */
struct arch_domain {
    uint64_t vttbr;           /* const after creation: VMID and root table */
    mfn_t root;               /* const after creation */
    uint64_t cntvoff;         /* const after creation */
    struct vgic_domain vgic;  /* see vgic_types.h */
    struct vuart vuart;
    bool has_vuart;           /* const after the first unpause */
};

#endif
