/* SPDX-License-Identifier: Apache-2.0 */
/* The modelled part of CPU, vCPU and domain.
 * [impl->dsn~host-model~1] */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include "lib/spinlock.h"
#include "lib/types.h"

struct arch_cpu {
    struct vcpu *loaded;
    ticks_t deadline; /* of arch_timer_set */
};

struct arch_vcpu {
    uint64_t x[31];
    uint64_t pc;
    uint64_t pstate;
    uint32_t posted;  /* atomic: interrupts posted and not yet folded in */
    uint32_t pending; /* cpu-local: interrupts that end a WFI */
    uint32_t resets;
    uint32_t fired[4]; /* arch_vcpu_timer() calls by kind */
    ticks_t deadline;  /* of its virtual timer; 0 = off */
    bool trap_wfi;
    mfn_t frame; /* interrupt state, from the pool */
};

struct arch_domain {
    uint64_t vttbr;
    mfn_t root;
    mfn_t frame; /* interrupt state, from the pool */
    uint32_t nr_spis;
    bool has_vuart;
    uint32_t bound[31];  /* SPIs linked to it */
    uint32_t raised[31]; /* and those of them that came */
    uint32_t in_hand;    /* SPI that a vCPU does not let go; 0 = none */
    bool entered;        /* has run, so its memory has been checked */
    uint32_t rx_used;
    char rx[64];
};

#endif
