/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual CPU interface of this CPU: ICH_*_EL2 (GIC architecture, IHI 0069).  Host tests define
 * VGIC_HW_MODEL and bring a model.
 * A list register that was written is seen by ICH_ELRSR_EL2 and ICH_HCR_EL2 only after vgic_hw_sync().
 */
#ifndef ARCH_ARM64_VGIC_HW_H
#define ARCH_ARM64_VGIC_HW_H

#include "lib/bits.h"
#include "lib/types.h"

#define LR_PENDING    BIT(62)
#define LR_ACTIVE     BIT(63)
#define LR_STATE      (LR_PENDING | LR_ACTIVE)
#define LR_HW         BIT(61)
#define LR_GROUP1     BIT(60)
#define LR_PRIO_SHIFT 48u
#define LR_PRIO(lr)   ((uint32_t)FIELD(lr, 55, 48))
#define LR_PINT_SHIFT 32u
#define LR_EOI        BIT(41) /* with HW = 0: maintenance interrupt when it becomes inactive */

#define ICH_HCR_EN             0x1u
#define ICH_HCR_LRENPIE        0x4u
#define ICH_HCR_NPIE           0x8u
#define ICH_HCR_TDIR           0x4000u
#define ICH_HCR_EOICOUNT_SHIFT 27u
#define ICH_HCR_EOICOUNT       BITS(31, 27)

#define ICH_VTR_LRS(x)     ((uint32_t)FIELD(x, 4, 0) + 1u)
#define ICH_VTR_PRIBITS(x) ((uint32_t)FIELD(x, 31, 29) + 1u)
#define ICH_VTR_PREBITS(x) ((uint32_t)FIELD(x, 28, 26) + 1u)
#define ICH_VTR_TDS        BIT(19)
#define ICH_VMCR_EOIM      BIT(9)

#if defined(VGIC_HW_MODEL)
#define VGIC_MRS(name, reg) uint64_t name(void);
#define VGIC_MSR(name, reg) void name(uint64_t value_);
#else
#define VGIC_MRS(name, reg)                                                                                            \
    static inline uint64_t name(void)                                                                                  \
    {                                                                                                                  \
        uint64_t value_;                                                                                               \
        __asm__ volatile("mrs %0, " reg : "=r"(value_)::"memory");                                                     \
        return value_;                                                                                                 \
    }
#define VGIC_MSR(name, reg)                                                                                            \
    static inline void name(uint64_t value_)                                                                           \
    {                                                                                                                  \
        __asm__ volatile("msr " reg ", %x0" ::"rZ"(value_) : "memory");                                                \
    }

#endif

VGIC_MRS(vgic_hw_vtr, "s3_4_c12_c11_1")
VGIC_MRS(vgic_hw_hcr, "s3_4_c12_c11_0")
VGIC_MSR(vgic_hw_set_hcr, "s3_4_c12_c11_0")
VGIC_MRS(vgic_hw_vmcr, "s3_4_c12_c11_7")
VGIC_MSR(vgic_hw_set_vmcr, "s3_4_c12_c11_7")
VGIC_MSR(vgic_hw_set_sre, "s3_0_c12_c12_5")    /* ICC_SRE_EL1, the guest's too: system registers are used */
VGIC_MRS(vgic_hw_elrsr, "s3_4_c12_c11_5")      /* 1 = list register empty and no EOI maintenance from it */
VGIC_MSR(vgic_hw_deactivate, "s3_0_c12_c11_1") /* ICC_DIR_EL1: a physical interrupt of this CPU */

#if !defined(VGIC_HW_MODEL)

#define VGIC_HW_APR(op)                                                                                                \
    op(0, "s3_4_c12_c8_0", "s3_4_c12_c9_0") op(1, "s3_4_c12_c8_1", "s3_4_c12_c9_1")                                    \
        op(2, "s3_4_c12_c8_2", "s3_4_c12_c9_2") op(3, "s3_4_c12_c8_3", "s3_4_c12_c9_3")
#define VGIC_HW_LR(op)                                                                                                 \
    op(0, "s3_4_c12_c12_0") op(1, "s3_4_c12_c12_1") op(2, "s3_4_c12_c12_2") op(3, "s3_4_c12_c12_3")                    \
        op(4, "s3_4_c12_c12_4") op(5, "s3_4_c12_c12_5") op(6, "s3_4_c12_c12_6") op(7, "s3_4_c12_c12_7")                \
            op(8, "s3_4_c12_c13_0") op(9, "s3_4_c12_c13_1") op(10, "s3_4_c12_c13_2") op(11, "s3_4_c12_c13_3")          \
                op(12, "s3_4_c12_c13_4") op(13, "s3_4_c12_c13_5") op(14, "s3_4_c12_c13_6") op(15, "s3_4_c12_c13_7")
#define VGIC_HW_LR_READ(n, reg)                                                                                        \
    case n:                                                                                                            \
        __asm__ volatile("mrs %0, " reg : "=r"(value)::"memory");                                                      \
        break;
#define VGIC_HW_LR_WRITE(n, reg)                                                                                       \
    case n:                                                                                                            \
        __asm__ volatile("msr " reg ", %x0" ::"rZ"(value) : "memory");                                                 \
        break;
#define VGIC_HW_APR_READ(n, r0, r1)                                                                                    \
    case n:                                                                                                            \
        __asm__ volatile("mrs %0, " r0 "\n\tmrs %1, " r1 : "=r"(a), "=r"(b)::"memory");                                \
        break;
#define VGIC_HW_APR_WRITE(n, r0, r1)                                                                                   \
    case n:                                                                                                            \
        __asm__ volatile("msr " r0 ", %x0\n\tmsr " r1 ", %x1" ::"rZ"((uint64_t)ap0), "rZ"((uint64_t)ap1) : "memory");  \
        break;

static inline uint64_t vgic_hw_lr(uint32_t n)
{
    uint64_t value = 0;

    switch (n) {
        VGIC_HW_LR(VGIC_HW_LR_READ)
    default:
        break;
    }
    return value;
}
void vgic_hw_set_lr_n(uint32_t n, uint64_t value); /* any n */
static inline void vgic_hw_set_lr(uint32_t n, uint64_t value)
{
    if (LIKELY(n == 0u)) {
        __asm__ volatile("msr s3_4_c12_c12_0, %x0" ::"rZ"(value) : "memory");
    } else {
        vgic_hw_set_lr_n(n, value);
    }
}
static inline void vgic_hw_apr(uint32_t n, uint32_t *ap0, uint32_t *ap1)
{
    uint64_t a = 0;
    uint64_t b = 0;

    switch (n) {
        VGIC_HW_APR(VGIC_HW_APR_READ)
    default:
        break;
    }
    *ap0 = (uint32_t)a;
    *ap1 = (uint32_t)b;
}
static inline void vgic_hw_set_apr(uint32_t n, uint32_t ap0, uint32_t ap1)
{
    switch (n) {
        VGIC_HW_APR(VGIC_HW_APR_WRITE)
    default:
        break;
    }
}
static inline void vgic_hw_sync(void)
{
    __asm__ volatile("isb" ::: "memory");
}
/* The line behind a private interrupt that is linked to hardware, of the vCPU that is loaded: virtual timer (27), PMU
 * (23); it has one, or the interrupt would not have come. */
static inline bool vgic_hw_line(uint32_t vintid)
{
    uint64_t a;
    uint64_t b;
    uint64_t c;

    if (vintid == 27u) {
        __asm__ volatile("mrs %0, cntv_ctl_el0" : "=r"(a)::"memory");
        return (a & 7u) == 5u; /* ENABLE, not IMASK, ISTATUS */
    }
    if (vintid == 23u) {
        __asm__ volatile("mrs %0, s3_3_c9_c14_3" : "=r"(a)::"memory"); /* PMOVSSET_EL0 */
        __asm__ volatile("mrs %0, s3_0_c9_c14_1" : "=r"(b)::"memory"); /* PMINTENSET_EL1 */
        __asm__ volatile("mrs %0, s3_3_c9_c12_0" : "=r"(c)::"memory"); /* PMCR_EL0 */
        return (a & b) != 0u && (c & 1u) != 0u;
    }
    return true;
}

#else /* the model of the host tests */

uint64_t vgic_hw_lr(uint32_t n);
void vgic_hw_set_lr(uint32_t n, uint64_t value);
void vgic_hw_apr(uint32_t n, uint32_t *ap0, uint32_t *ap1);
void vgic_hw_set_apr(uint32_t n, uint32_t ap0, uint32_t ap1);
void vgic_hw_sync(void);
bool vgic_hw_line(uint32_t vintid);

#endif
#endif
