/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the virtual interrupt controller.
 * Lock: vgic.lock of the domain (rank 4).  "home" = the CPU on which the vCPU lives. */
#ifndef ARCH_ARM64_VGIC_INTERNAL_H
#define ARCH_ARM64_VGIC_INTERNAL_H

#include "arch/arm64/gic.h"
#include "arch/arm64/vgic.h"
#include "arch/arm64/vgic_hw.h"
#include "arch/contract/arch.h"
#include "core/upcall.h"
#include "lib/bits.h"

#define VGIC_COLD           __attribute__((noinline)) /* keeps its stack frame off the short paths */
#define VGIC_HOT            static inline __attribute__((always_inline))
#define VGIC_SGI_MASK       0xffffu
#define VGIC_NO_OWNER       0xffu
#define VGIC_BEST_NONE      UINT16_MAX
#define VGIC_KEY_NONE       UINT32_MAX
#define VGIC_WAKER_SLEEP    2u /* GICR_WAKER.ProcessorSleep */
#define VGIC_WAKER_CHILDREN 4u /* GICR_WAKER.ChildrenAsleep */
#define VGIC_RESYNC         1u /* resync: look at list registers and candidates again */
#define VGIC_RESYNC_RWP     2u /* and this one counts in vgic_domain.rwp */

/* What the hardware of every CPU has.  atomic (relaxed): CPUs take away what they lack when they start, before they run a
 * guest. */
struct vgic_caps {
    uint32_t lr_mask;   /* list registers, as bits */
    uint32_t prio_mask; /* implemented bits of a priority */
    uint32_t apr_mask;  /* active priority registers of a group, as bits */
    uint32_t tds;       /* 1 = ICC_DIR_EL1 can be trapped alone */
};
extern struct vgic_caps vgic_caps;

/* vCPUs of one domain that have something to do; filled under the lock. */
struct vgic_kicks {
    uint64_t vcpus[VGIC_REQUESTERS];
    bool withdrawn; /* what was disabled is to leave their list registers: GICD_CTLR.RWP */
};

static inline struct vgic_spis *vgic_spis_at(const struct domain *d, uint32_t word)
{
    return &d->arch.vgic.spis[(word / VGIC_SPIS_A_FRAME) % 2u][word % VGIC_SPIS_A_FRAME]; /* % against speculation */
}
static inline struct vgic_irqs *vgic_irqs_of(struct vcpu *v, uint32_t intid)
{
    return (intid < VGIC_PRIVATE) ? &v->arch.vgic.priv : &vgic_spis_at(v->domain, intid / 32u - 1u)->irqs;
}
static inline void vgic_kick(struct vgic_kicks *k, uint32_t vcpu)
{
    k->vcpus[(vcpu / 64u) % VGIC_REQUESTERS] |= BIT(vcpu % 64u);
}
static inline uint32_t vgic_level_pending(const struct vgic_irqs *irqs)
{
    return irqs->pending | (irqs->level & ~irqs->edge);
}
/* Private interrupts that may go to a list register. */
static inline uint32_t vgic_private_candidates(const struct vgic_vcpu *g)
{
    return vgic_level_pending(&g->priv) & g->ready & ~g->priv.active & ~g->priv.held;
}
static inline uint32_t vgic_group_gate(const struct domain *d, const struct vgic_irqs *irqs)
{
    uint32_t ctlr = __atomic_load_n(&d->arch.vgic.ctlr, __ATOMIC_RELAXED);

    return (((ctlr & 1u) != 0u) ? ~irqs->group : 0u) | (((ctlr & 2u) != 0u) ? irqs->group : 0u);
}
/* A list register's link to the physical interrupt, or its maintenance interrupt where the end must be seen. */
static inline uint64_t vgic_lr_link(const struct vgic_vcpu *g, uint32_t n)
{
    uint32_t bit = (uint32_t)BIT(n);

    if ((g->priv.hw & bit) != 0u) {
        return LR_HW | ((uint64_t)g->pint[n] << LR_PINT_SHIFT);
    }
    return ((~g->priv.edge & g->priv.level & bit) != 0u) ? LR_EOI : 0u;
}
/* INTID, priority and group of a list register. */
static inline uint64_t vgic_lr_base(const struct vgic_irqs *irqs, uint32_t intid)
{
    uint32_t n = intid % 32u;

    return ((uint64_t)irqs->prio[n] << LR_PRIO_SHIFT) | ((uint64_t)((irqs->group >> n) & 1u) << 60) | intid;
}
/* v lives on this CPU. */
static inline bool vgic_is_home(const struct vcpu *v)
{
    return v->home == this_cpu()->id;
}

/* v, which lives here, was given something: have its CPU look whether that ends its wait.
 * [impl->dsn~vgic-wake~1] */
static inline void vgic_wake(struct vcpu *v)
{
    if (v->state == VCPU_BLOCKED) {
        vcpu_notify(v, VCPU_NOTIFY_IRQ);
    }
}

/* ---- vgic_spi.c: candidates ---- */

/* SPIs `mask` of a word changed: put each where it belongs, and tell who is to take it or to let it go.
 * Bound: 32 + 32 candidates. */
void vgic_spi_update(struct domain *d, uint32_t word, uint32_t mask, struct vgic_kicks *k) REQUIRES(d->arch.vgic.lock);
/* The vCPU that v's domain routes bit n of a word to; NULL = none has that affinity.  Bound: vCPUs (1 unless any). */
struct vcpu *vgic_spi_target(const struct domain *d, const struct vgic_spis *s, uint32_t n);
/* Interrupt intid of v is neither in a list register nor, perhaps, active any more: an SPI finds its next vCPU. */
void vgic_released(struct vcpu *v, uint32_t intid, struct vgic_irqs *irqs, struct vgic_kicks *k)
    REQUIRES(v->domain->arch.vgic.lock);
/* Key (priority << 16 | INTID) of v's most urgent SPI to take.  Bound: 2 * words. */
uint32_t vgic_spi_best(const struct vcpu *v) REQUIRES(v->domain->arch.vgic.lock);
/* Let the vCPU that is loaded here act on what changed, release the lock, notify the others.
 * Bound: one resync, and one notification for each vCPU kicked. */
void vgic_commit(struct domain *d, struct vgic_kicks *k) RELEASE(d->arch.vgic.lock);

/* ---- vgic_lr.c: list registers.  Context: home, v loaded ---- */

/* Look at everything: list registers, ended interrupts, candidates.
 * Bound: LRs * (LRs + 32 + 2 * words + VGIC_SPILL_MAX + LRs).  [impl->dsn~vgic-bounds~1] */
void vgic_resync_locked(struct vcpu *v, struct vgic_kicks *k) REQUIRES(v->domain->arch.vgic.lock);
void vgic_resync(struct vcpu *v) EXCLUDES(v->domain->arch.vgic.lock);
/* Private interrupts `bits` of v become pending as edges, some perhaps at once.  Bound: popcount(bits) + a resync. */
void vgic_pend_private(struct vcpu *v, uint32_t bits);
/* Private interrupts that have ended leave their list registers, the short way.  false = there is more to take out.
 * Bound: LRs.  Context: cpu-local, g is loaded. */
bool vgic_drop_ended(struct vgic_vcpu *g);
/* Everything out of the list registers.  Bound: LRs * (32 + VGIC_SPILL_MAX). */
void vgic_take_out_all(struct vcpu *v, struct vgic_kicks *k) REQUIRES(v->domain->arch.vgic.lock);
void vgic_set_hcr(struct vgic_vcpu *g, uint32_t flags);
/* Interrupts of word (0 = private) in v's list registers; of them, those that are active, or pending but for their line.
 * Bound: LRs. */
uint32_t vgic_lr_state(const struct vcpu *v, uint32_t word, uint32_t *pending, uint32_t *active);
/* The physical interrupts behind private interrupts `bits` are let go.  Bound: linked ones. */
void vgic_unlink(struct vgic_vcpu *g, uint32_t bits);
/* See how the lines of linked interrupts are now.  Bound: linked ones. */
void vgic_refresh_lines(struct vgic_vcpu *g);
/* ---- vgic_spill.c: interrupts that the guest has taken and that are in no list register any more ----
 * [impl->dsn~vgic-overflow~1] */

/* intid is active and leaves its list register.  Bound: VGIC_SPILL_MAX. */
void vgic_spill_push(struct vgic_vcpu *g, uint32_t intid);
/* Key of the most urgent one.  Bound: 32 + 2 * (VGIC_SPILL_MAX + LRs). */
uint32_t vgic_spill_best(struct vcpu *v) REQUIRES(v->domain->arch.vgic.lock);
/* The guest ended some: with EOImode 0, the most urgent ones.  Bound: 31 vgic_spill_best. */
void vgic_take_ended(struct vcpu *v, struct vgic_kicks *k) REQUIRES(v->domain->arch.vgic.lock);
/* Interrupt intid, active but in no list register, was ended. */
void vgic_deactivate(struct vcpu *v, uint32_t intid, struct vgic_kicks *k) REQUIRES(v->domain->arch.vgic.lock);

/* ---- vgic_remote.c: asking other CPUs ---- */

/* Pending and active state of SPIs `mask` of a word that other vCPUs hold.  false = not known yet: make the access
 * again.  Context: v is current.  Bound: 32 notifications. */
bool vgic_ask_state(struct vcpu *v, uint32_t word, uint32_t mask, uint32_t *pending, uint32_t *active)
    REQUIRES(v->domain->arch.vgic.lock);
/* Access the SGI frame of t, which lives on another CPU.  false = make the access again. */
bool vgic_ask_access(struct vcpu *v, struct vcpu *t, struct mmio *m);
/* Answer what others asked of v.  Context: home.  Bound: vCPUs of the domain. */
void vgic_answer(struct vcpu *v);
/* v goes on with something else than the access it asked for. */
void vgic_ask_end(struct vcpu *v);

/* ---- vgic_phys.c: SPIs of the board ---- */

/* Lines of level-triggered bound SPIs of a word; level says so where the physical interrupt is active. */
uint32_t vgic_phys_lines(struct vgic_irqs *irqs, uint32_t word);
/* The guest changed enable or route of SPIs `mask`: so do the physical ones.  Bound: 32 vgic_spi_target. */
void vgic_phys_follow(struct domain *d, uint32_t word, uint32_t mask) REQUIRES(d->arch.vgic.lock);
/* Nothing is left to deliver of some of SPIs `mask`: their physical interrupts may come again. */
void vgic_phys_settle(struct vgic_irqs *irqs, uint32_t word, uint32_t mask);

/* ---- vgic_regs.c ---- */

/* An access to v's own SGI frame; offset within it.  Context: home. */
void vgic_sgi_frame(struct vcpu *v, struct mmio *m);

#endif
