/* SPDX-License-Identifier: Apache-2.0 */
/* What a GICv3 with nothing between it and its CPUs would do: the state of each interrupt, and what each CPU is to be
 * given.  No list registers, no messages: every effect is at once. */
#ifndef TESTS_UNIT_VGIC_REFERENCE_H
#define TESTS_UNIT_VGIC_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#define REF_VCPUS 8u
#define REF_SPIS  96u
#define REF_IRQS  (32u + REF_SPIS)
#define REF_DEPTH 40u

struct ref_irq {
    bool group1, enabled, edge, latch, line, active;
    uint8_t priority;
    uint32_t route; /* vCPU; >= vCPUs: none */
};

struct ref_vcpu {
    struct ref_irq priv[32];
    bool enabled; /* ICC_IGRPEN1_EL1 */
    bool split;   /* EOImode */
    uint32_t pmr;
    uint32_t depth;
    uint32_t taken[REF_DEPTH];        /* not yet EOIed, innermost last */
    uint32_t running[REF_DEPTH];      /* their group priorities */
    uint32_t undeactivated[REF_IRQS]; /* EOImode 1: EOIed, not yet deactivated */
    uint32_t undeactivated_count;
};

struct ref {
    uint32_t vcpus, spis;
    bool group1; /* GICD_CTLR.EnableGrp1 */
    struct ref_vcpu vcpu[REF_VCPUS];
    struct ref_irq spi[REF_SPIS];
};

void ref_start(struct ref *r, uint32_t vcpus, uint32_t spis);
/* The interrupt as vCPU n sees it; intid < 32 + spis. */
struct ref_irq *ref_irq(struct ref *r, uint32_t n, uint32_t intid);
bool ref_is_pending(const struct ref_irq *i);
void ref_line(struct ref_irq *i, bool high);
/* Most urgent interrupt to be given to vCPU n: pending, enabled, not active; 1023 = none.  Not looking at the mask. */
uint32_t ref_best(struct ref *r, uint32_t n);
/* The same with mask, running priority and group enable: what ICC_HPPIR1_EL1 shows. */
uint32_t ref_hppi(struct ref *r, uint32_t n, uint32_t priority_mask);
void ref_acknowledge(struct ref *r, uint32_t n, uint32_t intid, uint32_t group_priority);
void ref_end(struct ref *r, uint32_t n, uint32_t intid);

#endif
