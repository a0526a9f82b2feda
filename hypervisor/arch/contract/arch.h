/* SPDX-License-Identifier: Apache-2.0 */
/* What every architecture gives to the core.  arch/arm64 implements it on hardware, arch/host as a model that fails
 * on an omission (a missing clean, a stale TLB entry, a missing break-before-make).
 * Each architecture brings arch_types.h: struct arch_cpu, struct arch_vcpu, struct arch_domain.
 * Context of all functions unless stated: any CPU, at the hypervisor's level, interrupts masked.
 * [impl->dsn~arch-contract~1] */
#ifndef ARCH_CONTRACT_ARCH_H
#define ARCH_CONTRACT_ARCH_H

#include "arch_types.h"
#include "lib/types.h"
#include "arch/contract/stage2.h"

struct cpu;
struct domain;
struct vcpu;
struct board_table;

/* ---- CPUs ---- */

/* The CPU that executes this.  Bound: 1 load. */
#include "arch_inline.h" /* static inline struct cpu *this_cpu(void); */

/* Start CPU id (index in the board table); it enters upcall_cpu_started() by itself.
 * -NODEV the firmware refused. */
err_t arch_cpu_start(uint32_t id);

/* Make CPU id leave its guest or its idle wait soon.  All stores before are visible to it. */
void arch_cpu_kick(uint32_t id);

/* bool arch_irq_pending(void), in arch_inline.h: an interrupt waits for this CPU.  What takes long looks after every few
 * thousand instructions and stops, to be restarted.  Bound: 1 register read.  [impl->dsn~interrupt-latency~1] */

/* Wait for an interrupt with interrupts masked, then take what is pending (calls upcall_*).
 * Returns after at least one event, perhaps spurious. */
void arch_cpu_idle(void);

/* Take the interrupt that is pending, and those that come until `until` or until this CPU has work.  Bound: until. */
void arch_cpu_wait(ticks_t until);

/* Enter the guest: v is loaded and current.  The stack is empty from now on. */
NORETURN void arch_enter_guest(struct vcpu *v);

/* Stop the whole machine / reset it / power it off, by firmware. */
NORETURN void arch_halt(void);
NORETURN void arch_reset(void);
NORETURN void arch_power_off(void);

/* ---- time ---- */

ticks_t arch_ticks(void);     /* now */
uint64_t arch_ticks_hz(void); /* ticks a second, const */
/* This CPU's hypervisor timer fires upcall_timer() at or after deadline; UINT64_MAX = off. */
void arch_timer_set(ticks_t deadline);
/* Seconds since 1970 from the board's clock, 0 = the board has none. */
uint64_t arch_wallclock_seconds(void);

/* ---- memory ---- */

/* The hypervisor's own view of a RAM frame; 4 KiB, read-write, never executable: void *arch_map_frame(mfn_t mfn), in
 * arch_inline.h; and back: mfn_t arch_frame_of(const void *p).  Bound: O(1). */

/* Zero frames [mfn, mfn + count): a guest sees zeroes, with its MMU on or off.  Bound: count * 64 zeroing and 64 cleaning
 * operations; count 1..512. */
void arch_scrub(mfn_t mfn, uint64_t count);

/* What was written to [mfn, mfn + count) is what a guest with its MMU off reads and executes.  count 1..512. */
void arch_clean(mfn_t mfn, uint64_t count);

/* Clean and invalidate [mfn, mfn + count) to the point of coherency, where devices look.  count 1..512. */
void arch_flush(mfn_t mfn, uint64_t count);

/* Copy between the hypervisor and the current vCPU's guest virtual memory, with its EL1 translation live.
 * -FAULT not mapped, not permitted, or not RAM; then an unknown prefix was copied.  n: 0..4096 bytes.
 * The caller must be running its own hypercall: before any switch or deferral. */
err_t copy_in(void *to, gva_t from, size_t n);
err_t copy_out(gva_t to, const void *from, size_t n);
/* copy_in of one number, read once. */
err_t copy_in32(uint32_t *to, gva_t from);
/* The machine frame and offset behind a guest virtual address of the current vCPU, writable RAM only; used at
 * registration of runstate and other areas.  -FAULT */
err_t arch_translate(gva_t from, gaddr_t *out);

/* ---- vCPUs ---- */

/* Initialise the architecture's part of a zeroed vCPU.  -NOMEM the domain's pool is spent. */
err_t arch_vcpu_init(struct vcpu *v);

/* Put v, which is not running and not loaded, in the state of a CPU that was just switched on: EL1, MMU off,
 * interrupts masked, pc = entry, x0 = arg. */
void arch_vcpu_reset(struct vcpu *v, uint64_t entry, uint64_t arg);

/* Make v the vCPU whose state is in the registers of this CPU; saves the one before.  NULL = just save. */
void arch_vcpu_load(struct vcpu *v);

/* v's state has an interrupt (or other reason) that ends a WFI.  Context: v's own CPU. */
bool arch_vcpu_has_pending(struct vcpu *v);

/* Fold what others posted to v (vCPU notifications of kind VCPU_NOTIFY_IRQ) into its virtual interrupt controller.
 * Context: v's own CPU. */
void arch_vcpu_take_posted(struct vcpu *v);

/* A timer of v that was queued by arch code is due.  kind: as queued.  Context: v's own CPU. */
void arch_vcpu_timer(struct vcpu *v, uint32_t kind);

/* Whether WFI leaves the guest: true when the CPU has something else to run.  Context: v's own CPU. */
void arch_vcpu_trap_wfi(struct vcpu *v, bool trap);

/* v, which is not running and which nobody posts anything to, is as after arch_vcpu_init(). */
void arch_vcpu_renew(struct vcpu *v);
/* The registers of a vCPU that is not loaded. */
struct bulkhead_crash;
void arch_vcpu_dump(const struct vcpu *v, struct bulkhead_crash *out);

/* Read or write the Xen-visible register set of a vCPU that is not running.  *c is struct vcpu_guest_context. */
struct vcpu_guest_context;
err_t arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
void arch_vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c);

/* ---- domains ---- */

struct arch_domain_config {
    uint32_t nr_spis; /* 0..988 */
};
#define ARCH_VUART_RX_MAX 64u

/* Initialise the architecture's part (stage 2, virtual interrupt controller).  -NOMEM, -INVAL. */
err_t arch_domain_init(struct domain *d, const struct arch_domain_config *c);
/* The domain is about to run for the first time: its counter reads 0 now, so that its time of day, which a guest adds to
 * its own start, is right however long it took to build it. */
void arch_domain_start(struct domain *d);
/* Add the virtual UART.  Before the first unpause. */
err_t arch_domain_add_vuart(struct domain *d);
/* Virtual interrupt controller and UART of a domain whose vCPUs are off are as after arch_domain_init() and
 * arch_domain_add_vuart(). */
void arch_domain_renew(struct domain *d);
/* Give back what arch_domain_init and arch_vcpu_init took from the pool, but stage 2 tables (see arch_stage2_reap). */
void arch_domain_destroy(struct domain *d);

/* A character for the domain's virtual UART.  false = its receive queue is full (counted there). */
bool arch_vuart_receive(struct domain *d, char c);

/* Pend the shared peripheral or private interrupt intid (0..1019) of v's domain as edge.  Any CPU. */
void arch_inject(struct vcpu *v, uint32_t intid);

/* SPI intid of the board becomes d's interrupt of the same number, enabled as d enables it, level or edge as d says, sent to
 * a CPU of d's vCPUs.  -EINVAL d has no such interrupt, or it is its virtual UART's. */
err_t arch_spi_bind(struct domain *d, uint32_t intid) MUST_CHECK;
/* And no more: masked, neither pending nor active at the board's controller.  No error when it is not d's.
 * -EBUSY one of d's vCPUs has it in hand: it was told to let go. */
err_t arch_spi_unbind(struct domain *d, uint32_t intid) MUST_CHECK;
/* SPI intid was taken by this CPU and is active: pend d's; what d does not have any more is ended. */
void arch_spi_raise(struct domain *d, uint32_t intid);
/* SPI intid does not come any more, until the domain that has it enables it once more. */
void arch_spi_mute(uint32_t intid);

/* ---- the console device ---- */

/* Write as many of n characters as the device takes without waiting; returns how many.  Context: console lock. */
size_t arch_console_write(const char *s, size_t n);
/* Ask for (or stop asking for) upcall_console_ready() when the device can take more. */
void arch_console_want_ready(bool want);
/* Write all, waiting: for panic only. */
void arch_console_write_sync(const char *s, size_t n);

/* What the linker made of everything that runs here: BUILD_ID_BYTES bytes, equal only for equal images. */
#define BUILD_ID_BYTES 20
const uint8_t *arch_build_id(void);

#endif
