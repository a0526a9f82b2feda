/* SPDX-License-Identifier: Apache-2.0 */
/* State of the virtual interrupt controller and the virtual UART: their part of a vCPU and of a domain.
 *
 * The state of an interrupt is in struct vgic_irqs, unless it is `held`: then its pending and active state is in a list
 * register of one loaded vCPU, and `pending`, `active`, `cancel`, `deact` are what is still to be applied to it, in the
 * order cancel, deact, active, pending.  A vCPU that is not loaded holds nothing.
 */
#ifndef ARCH_ARM64_VGIC_TYPES_H
#define ARCH_ARM64_VGIC_TYPES_H

#include "arch/arm64/mmio.h"
#include "lib/spinlock.h"
#include "lib/types.h"

#define VGIC_LRS          16u
#define VGIC_PRIVATE      32u
#define VGIC_SPI_WORDS    31u
#define VGIC_SPIS_MAX     988u
#define VGIC_SPILL_MAX    32u /* a guest's active SPIs beyond the list registers that EOI can end */
#define VGIC_REQUESTERS   2u  /* words of 64 vCPUs */
#define VGIC_APRS         4u
#define VGIC_GROUPS       2u
#define VGIC_SPIS_A_FRAME 16u
#define VUART_STORED      16u

/* 32 consecutive interrupts, one bit each.  Private ones: cpu-local to the vCPU's home.  SPIs: guarded by vgic.lock;
 * what registers only store is read without it. */
struct vgic_irqs {
    uint32_t group; /* 1 = group 1 */
    uint32_t enabled;
    uint32_t edge;    /* 1 = edge-triggered */
    uint32_t level;   /* the input line is high */
    uint32_t pending; /* latched: an edge, or written by the guest */
    uint32_t active;
    uint32_t held;   /* in a list register */
    uint32_t cancel; /* held: the pending state there is to go */
    uint32_t deact;  /* held: the active state there is to go */
    uint32_t hw;     /* the physical interrupt is active on its behalf */
    uint32_t again;  /* SPIs, hw: it came once more after the guest ended the one that is held */
    uint32_t bound;  /* SPIs: stands for the board's SPI of the same number */
    uint8_t prio[32];
};

struct vgic_spis {
    struct vgic_irqs irqs;
    uint32_t any;       /* 1 = GICD_IROUTER.Interrupt_Routing_Mode: any vCPU */
    uint32_t route[32]; /* Aff3.Aff2.Aff1.Aff0 */
    uint8_t owner[32];  /* vCPU that holds it, has it active, or has it among its candidates */
};
static_assert(sizeof(struct vgic_spis) <= PAGE_SIZE / VGIC_SPIS_A_FRAME, "two frames for all SPIs");

/* What a vCPU asked other CPUs to do for one trapped access; the access is made again until it is answered. */
struct vgic_request {
    bool valid;   /* cpu-local: asked for the access that the guest is making */
    bool waiting; /* cpu-local: the guest takes no interrupt until it makes the access again */
    uint32_t
        outstanding; /* atomic (release by who answers): answers still to come; until 0 the rest is theirs to read */
    struct mmio *remote; /* == &access: an access to the target's SGI frame; NULL: state of SPIs in list registers */
    struct mmio access;  /* its value is the target's answer */
    uint32_t target;     /* vCPU that is asked for an access */
    uint32_t word;       /* word of SPIs whose state is asked */
    uint32_t asked;      /* SPIs of it that others held */
    uint32_t pending;    /* atomic (relaxed): answer */
    uint32_t active;     /* atomic (relaxed): answer */
};

struct vgic_vcpu {
    /* cpu-local to home */
    struct vgic_irqs priv;
    uint32_t fast;        /* private: goes to a list register at once if there is room; 0 = none, look */
    uint32_t ready;       /* private: enabled, and its group enabled in GICD_CTLR */
    uint32_t lr_used;     /* list registers that hold an interrupt or did since they were last looked at */
    uint32_t lr_latched;  /* its pending state came from `pending`, not from the line */
    uint32_t hcr;         /* ICH_HCR_EL2 while loaded */
    uint32_t spilled;     /* private: taken by the guest, active, and in no list register any more */
    uint32_t spill_count; /* the same for SPIs: entries of spill */
    bool loaded;
    uint8_t pint[VGIC_PRIVATE];  /* private and hw: the physical interrupt */
    uint8_t lr_of[VGIC_PRIVATE]; /* private and held: its list register */
    uint16_t lr_intid[VGIC_LRS];
    uint16_t spill[VGIC_SPILL_MAX + VGIC_LRS]; /* INTIDs */
    uint64_t sgi_self;                         /* const: ICC_SGI1R_EL1 without INTID that names this vCPU only */
    uint64_t vmcr;                             /* while not loaded */
    uint32_t ap0r[VGIC_APRS], ap1r[VGIC_APRS];
    uint32_t waker; /* atomic (relaxed): GICR_WAKER */
    struct vgic_request request;
    /* what other CPUs write */
    ALIGNED(CACHE_LINE) uint32_t posted;  /* atomic: private interrupts to pend as edges */
    uint32_t resync;                      /* atomic: VGIC_RESYNC* */
    uint64_t requesters[VGIC_REQUESTERS]; /* atomic: vCPUs whose request waits for an answer */
    /* SPIs that this vCPU is to take: pending, enabled, not active, not held.  Guarded by vgic.lock of the domain. */
    uint32_t sum[VGIC_GROUPS]; /* words of candidates that are not 0, by group; atomic (relaxed) for a hint */
    uint32_t stale;            /* words whose best is to be computed */
    uint32_t candidates[VGIC_SPI_WORDS];
    uint16_t best[VGIC_GROUPS][VGIC_SPI_WORDS]; /* priority << 8 | bit of the most urgent candidate */
};

struct vgic_domain {
    struct spinlock lock;      /* rank 4 */
    uint32_t ctlr;             /* atomic (relaxed), written under lock: GICD_CTLR.EnableGrp0/1 */
    uint32_t words;            /* const: words of SPIs */
    uint32_t rwp;              /* atomic: vCPUs that have yet to withdraw what was disabled */
    uint32_t trap_dir;         /* atomic (relaxed): an interrupt was made active by a register write */
    struct vgic_spis *spis[2]; /* const: frames of 16 words */
    mfn_t frames[2];           /* const */
};

struct vuart {
    struct spinlock lock; /* rank 5; guards all but line */
    uint8_t rx[64];
    uint32_t rx_head, rx_tail;     /* free-running */
    uint32_t overrun;              /* the guest's DR and RSR tell it */
    uint32_t stored[VUART_STORED]; /* registers that are no more than stored */
    uint32_t ris;
    uint32_t line; /* atomic: masked interrupt status is not 0 */
    uint64_t lost; /* characters received that found the queue full */
};

#endif
