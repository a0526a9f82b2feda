/* SPDX-License-Identifier: Apache-2.0 */
/* A machine for the virtual interrupt controller: CPUs with GICv3 virtual CPU interfaces (IHI 0069, chapter 4.8 and 6),
 * a domain with vCPUs, and what a run loop does around a guest.  Written from the architecture, not from the code under
 * test: what the architecture calls unpredictable ends the test. */
#ifndef TESTS_UNIT_VGIC_MODEL_H
#define TESTS_UNIT_VGIC_MODEL_H

#include "arch/arm64/vgic.h"
#include "arch/arm64/vgic_hw.h"
#include "arch/arm64/vuart.h"
#include "arch/contract/arch.h"
#include "core/upcall.h"

#define MODEL_CPUS  8u
#define MODEL_VCPUS 20u
#define SPURIOUS    1023u

struct model_options {
    uint32_t cpus, vcpus, spis;
    uint32_t lrs;     /* list registers */
    uint32_t pribits; /* 5..7 */
    bool no_tds;      /* ICH_VTR_EL2.TDS = 0 */
};

/* One physical CPU's virtual CPU interface, and its physical private interrupts. */
struct model_cpu {
    struct cpu cpu;
    struct model_options options;
    uint64_t lr[16];
    uint64_t hcr, vmcr;
    uint32_t ap0r[4], ap1r[4];
    uint32_t phys_active; /* private physical interrupts that are active */
    uint32_t phys_lines;  /* and whose line is high */
    uint32_t lr_reads, lr_writes, deactivations;
};

/* 32 SPIs of the board. */
struct model_spis {
    uint32_t enabled, edge;
    uint32_t line, latched; /* the device's line; an edge that was not taken */
    uint32_t active;
    uint32_t cpu[32]; /* where each goes to */
    uint32_t deactivations;
};
#define MODEL_SPI_WORDS 8u

struct model {
    struct model_spis spis[MODEL_SPI_WORDS];
    struct model_options options;
    struct model_cpu cpu[MODEL_CPUS];
    struct domain domain;
    struct vcpu *vcpu[MODEL_VCPUS];
    void *frames[8];
    uint32_t frames_used, frames_left;
    uint32_t notifications;
    char output[64];
    uint32_t output_used;
};
extern struct model model;

/* A machine; vCPU n lives on CPU n % cpus, and the first of each CPU is loaded. */
void model_start(const struct model_options *options);
void model_stop(void);

struct model_cpu *model_cpu_of(const struct vcpu *v);
/* Make the vCPU's home the CPU that this thread plays. */
struct model_cpu *model_enter(struct vcpu *v);
void model_load(struct vcpu *v); /* instead of the one that is */
void model_unload(struct vcpu *v);
bool model_is_loaded(const struct vcpu *v);

/* One CPU does what it does before it returns to its guest: notifications, physical and maintenance interrupts. */
void model_settle_cpu(uint32_t cpu);
/* All CPUs, until nothing is left to do.  Fails when that does not end. */
void model_settle(void);
/* List registers that are architecturally unpredictable fail the test. */
void model_check(const struct model_cpu *c);
/* ICH_MISR_EL2 */
uint32_t model_misr(const struct model_cpu *c);

/* ---- the guest on vCPU v, which is loaded: ICC_* of group 1 ---- */
uint32_t guest_hppir(struct vcpu *v);
uint32_t guest_iar(struct vcpu *v);
void guest_eoir(struct vcpu *v, uint32_t intid);
void guest_dir(struct vcpu *v, uint32_t intid);
void guest_set_pmr(struct vcpu *v, uint8_t mask);
void guest_set_eoimode(struct vcpu *v, bool split);
void guest_enable(struct vcpu *v, bool on); /* ICC_IGRPEN1_EL1 */
uint32_t guest_running_priority(struct vcpu *v);
/* Priority field of group 1 that preemption looks at, given a priority. */
uint32_t guest_group_priority(struct vcpu *v, uint32_t priority);

/* ---- register accesses of v; made again as long as they ask for it, the machine settles between ---- */
uint64_t gicd_read(struct vcpu *v, uint32_t offset, uint32_t size);
void gicd_write(struct vcpu *v, uint32_t offset, uint32_t size, uint64_t value);
uint64_t gicr_read(struct vcpu *v, uint32_t target, uint32_t offset, uint32_t size);
void gicr_write(struct vcpu *v, uint32_t target, uint32_t offset, uint32_t size, uint64_t value);

/* The physical timer line of the CPU that v lives on; taken at once when high and v is loaded. */
void model_timer_line(struct vcpu *v, bool high);

/* The line of a virtual device: of vCPU v (private, its home CPU does it), or of the domain (SPI, this CPU does). */
void model_line(struct vcpu *v, uint32_t intid, bool high);

/* A device's line into the board's distributor. */
void model_spi_line(uint32_t intid, bool high);
bool model_spi_is_active(uint32_t intid);
void model_spi_end(uint32_t intid);   /* by a list register */
uint32_t model_spi_for(uint32_t cpu); /* that the CPU would take now; SPURIOUS = none */
void model_spi_take(uint32_t cpu);

#define GICD_CTLR       0x0u
#define GICD_TYPER      0x4u
#define GICD_IIDR       0x8u
#define GICD_IGROUPR    0x80u
#define GICD_ISENABLER  0x100u
#define GICD_ICENABLER  0x180u
#define GICD_ISPENDR    0x200u
#define GICD_ICPENDR    0x280u
#define GICD_ISACTIVER  0x300u
#define GICD_ICACTIVER  0x380u
#define GICD_IPRIORITYR 0x400u
#define GICD_ICFGR      0xc00u
#define GICD_IROUTER    0x6000u
#define GICR_SGI        0x10000u
#define GICR_STRIDE     0x20000u

#endif
