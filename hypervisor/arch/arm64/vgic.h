/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual GICv3: distributor and redistributors emulated, CPU interface by list registers.
 *
 * State of private interrupts (SGI, PPI) is touched by the vCPU's home CPU only; what others post goes through atomic
 * words and vcpu_notify(VCPU_NOTIFY_IRQ).  State of shared interrupts is guarded by the domain's vgic lock.
 * The list registers of the vCPU that is loaded live in the hardware and are read only where a value is needed.
 * Types: vgic_types.h (struct vgic_vcpu in struct arch_vcpu, struct vgic_domain in struct arch_domain).
 * Context of all unless stated: this CPU's EL2, interrupts masked, vgic.lock not held.
 * [impl->dsn~vgic-delivery~1] */
#ifndef ARCH_ARM64_VGIC_H
#define ARCH_ARM64_VGIC_H

#include "arch/arm64/mmio.h"
#include "lib/types.h"

struct vcpu;
struct domain;

/* Once per CPU: read ICH_VTR, clear the list registers, set the constant part of ICH_HCR. */
void vgic_cpu_init(void);

/* nr_spis: 0..988, rounded up to whole registers.  Frames come from the pool.  -NOMEM, -INVAL.
 * [impl->dsn~vgic-memory~1] */
err_t vgic_domain_init(struct domain *d, uint32_t nr_spis);
/* As after init, but the board's SPIs that are bound stay bound, off and neither pending nor active: their guest enables
 * them again.  The vCPUs are off and renewed by themselves. */
void vgic_domain_renew(struct domain *d);
err_t vgic_vcpu_init(struct vcpu *v);
/* As after CPU_ON: CPU interface and private interrupts as at reset. */
void vgic_vcpu_reset(struct vcpu *v);

/* Emulate an access; region-relative.  false = no register there (the guest gets an external abort).
 * m->again set: the answer is on its way from another CPU; leave the guest's PC and registers, it makes the access again.
 * GICR offset spans all redistributors: stride 128 KiB, vCPU = offset >> 17.  Context: v is current and loaded.
 * Bound: 64 interrupts of one word, vCPUs for GICD_CTLR, plus a resync (vgic_internal.h).
 * [impl->dsn~vgic-registers~1] [impl->dsn~vgic-frames~1] [impl->dsn~vgic-state-readable~1] */
bool vgic_gicd_access(struct vcpu *v, struct mmio *m);
bool vgic_gicr_access(struct vcpu *v, struct mmio *m);

/* Guest wrote ICC_SGI1R_EL1 (trapped).  ICC_SGI0R/ASGI1R are ignored.  Bound: vCPUs of the domain.
 * [impl->dsn~vgic-sgi~1] [impl->dsn~vgic-sgi-cost~1] */
void vgic_send_sgi(struct vcpu *v, uint64_t sgi1r);

/* The line of v's private interrupt intid changes.  Context: home CPU; v need not be loaded. */
void vgic_set_level(struct vcpu *v, uint32_t intid, bool level);
/* SPI intid's line is what *line says (not 0 = high) now.  For devices whose state has its own lock: change *line
 * (atomic), release the lock, call this; the last change wins.  Any CPU. */
void vgic_sample_line(struct domain *d, uint32_t intid, const uint32_t *line);

/* The physical interrupt pintid that the hardware has made active belongs to v's private interrupt vintid (timer, PMU):
 * deliver by a list register with HW set, so the guest's deactivation deactivates it.  Context: v is loaded.
 * [impl->dsn~vgic-linked~1] */
void vgic_pend_hw(struct vcpu *v, uint32_t vintid, uint32_t pintid);
/* v is being unloaded with a HW interrupt in flight: true when pintid is (still) to be active again on load.
 * vgic_save() has run. Timer code uses it to move the physical active state. */
bool vgic_hw_in_flight(const struct vcpu *v, uint32_t vintid);

/* ICH_* out of / into the registers.  Context: home CPU.  vgic_save() looks at the lines of linked interrupts, so the
 * timer's and the PMU's registers are still v's; vgic_load() likewise, so they are v's again and the physical active
 * state of what is in flight is restored.  [impl->dsn~vgic-switch~1] */
void vgic_save(struct vcpu *v);
void vgic_load(struct vcpu *v);

/* An enabled, unmasked (PMR-independent as WFI wants: group enabled in CPU interface not required) interrupt is
 * pending and not active.  Context: home CPU. */
bool vgic_has_pending(struct vcpu *v);

/* Guest wrote ICC_DIR_EL1 (trapped while ICH_HCR_EL2.TDIR is set: an active interrupt is in no list register). */
void vgic_write_dir(struct vcpu *v, uint64_t value);

/* The maintenance interrupt: refill list registers.  Context: v is current and loaded. */
void vgic_maintenance(struct vcpu *v);

#endif
