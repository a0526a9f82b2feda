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
    struct vcpu *loaded;   /* whose EL1 state is in the registers */
    uint64_t mpidr;        /* const: affinity fields */
    uint64_t gicr;         /* const: virtual address of the redistributor */
    uint64_t hyp_deadline; /* what CNTHP_CVAL holds; UINT64_MAX = off */
    uint64_t history;      /* const: entry.S: turns of the loop, or firmware function */
    uint64_t watchdog_due; /* when to feed the board's watchdog; UINT64_MAX = not here */
    uint64_t stack_top;    /* last: entry.S loads it and struct cpu's trace at once */
};

/* Debug registers of a guest; in the hardware only while `live`. */
struct debug_state {
    bool live;
    bool os_lock;
    uint64_t mdscr;
    uint64_t bvr[16], bcr[16], wvr[16], wcr[16];
};

/* PMU of a guest; in the hardware only while `live`. */
struct pmu_state {
    bool live;
    bool used; /* ever touched */
    uint64_t pmcr, cntenset, intenset, ovsset, selr, userenr, ccntr, ccfiltr;
    uint64_t evcntr[31], evtyper[31];
};

/* cpu-local to the vCPU's home.  General registers at exit; the rest is current only while not loaded. */
struct arch_vcpu {
    uint64_t x[31];  /* first: entry.S */
    uint64_t pc;     /* ELR_EL2 */
    uint64_t pstate; /* SPSR_EL2 */
    uint64_t hcr;    /* HCR_EL2 while it runs */
    uint64_t mdcr;   /* MDCR_EL2 while it runs: traps until first use of debug registers or PMU */
    uint64_t vmpidr; /* const */
    uint64_t sp_el0, sp_el1, elr_el1, spsr_el1;
    uint64_t sctlr, cpacr, ttbr0, ttbr1, tcr, esr, afsr0, afsr1, far, mair, amair, vbar, contextidr;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1, par, cntkctl, csselr;
    uint64_t cntv_ctl, cntv_cval; /* virtual timer */
    uint64_t cntp_ctl, cntp_cval; /* emulated physical timer; always current */
    uint64_t apkeys[10];          /* pointer authentication, where the CPU has it */
    uint64_t fpcr, fpsr;
    ALIGNED(16) uint8_t fp[32][16];
    struct vgic_vcpu vgic;
    struct debug_state debug;
    struct pmu_state pmu;
};

/* guarded by physmap_lock unless said otherwise */
struct arch_domain {
    uint64_t vttbr;            /* const after creation: VMID and root table */
    mfn_t root;                /* const after creation */
    uint64_t cntvoff;          /* const after the first unpause */
    uint64_t gicd, gicr, uart; /* const after the first unpause: guest-physical addresses of emulated devices */
    struct vgic_domain vgic;   /* see vgic_types.h */
    struct vuart vuart;
    bool has_vuart; /* const after the first unpause */
};

#endif
