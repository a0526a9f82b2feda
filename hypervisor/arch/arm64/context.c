/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/context.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/stage2_hw.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/vgic.h"
#include "arch/contract/arch.h"
#include "core/upcall.h"
#include "lib/string.h"

#include <xen/xen.h>
#include <xen/arch-arm.h>

static_assert(offsetof(struct vcpu, arch.x) == VCPU_X && offsetof(struct vcpu, arch.pc) == VCPU_PC &&
                  offsetof(struct vcpu, arch.pstate) == VCPU_PC + 8,
              "entry.S");
static_assert(offsetof(struct cpu, arch.stack_top) == CPU_STACK && offsetof(struct cpu, trace) == CPU_TRACE &&
                  CPU_TRACE == CPU_STACK + 8 && offsetof(struct cpu, current) == CPU_CURRENT &&
                  offsetof(struct cpu, work) == CPU_WORK && offsetof(struct cpu, arch.history) == CPU_HISTORY,
              "entry.S");
static_assert(sizeof(struct cpu) <= 4096, "panic frame follows in the second page");

#define HCR_GUEST                                                                                                      \
    (HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_BSU_IS | HCR_FB | HCR_TWI | HCR_TID3 | HCR_TSC |            \
     HCR_TIDCP | HCR_TACR | HCR_RW | BIT(35) /* TLOR */ | BIT(36) /* TERR */)
#define CPTR_GUEST  0x33ffu              /* RES1; SVE (TZ) and SME (TSM) trap, FP and SIMD do not */
#define SCTLR_RESET UINT64_C(0x30d00800) /* RES1 of SCTLR_EL1 (Armv8.0), MMU and caches off */

void context_cpu_init(void)
{
    uint64_t vtcr;
    uint32_t bits = stage2_ipa_bits();

    /* walks write-back inner shareable, 4 KiB granule, T0SZ, SL0 (0: level 1 -> 1, level 0 -> 2), PS */
    vtcr = BIT(31) | (64u - bits) | ((bits >= 44u ? UINT64_C(2) : UINT64_C(1)) << 6) | (UINT64_C(1) << 8) |
           (UINT64_C(1) << 10) | (UINT64_C(3) << 12);
    vtcr |= (bits >= 48u ? UINT64_C(5) : FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0)) << 16;
    write_sysreg(vtcr_el2, vtcr);
    write_sysreg(cptr_el2, CPTR_GUEST);
    write_sysreg(hstr_el2, 0);
    write_sysreg(vpidr_el2, read_sysreg(midr_el1));
    write_sysreg(cnthctl_el2, 1); /* EL1 reads the physical counter; its physical timer traps */
    write_sysreg(vttbr_el2, 0);
    write_sysreg(mdcr_el2, 0);
    if (FIELD(read_sysreg(id_aa64mmfr1_el1), 43, 40) != 0u) {
        write_sysreg(s3_4_c1_c2_2, 0); /* HCRX_EL2 */
    }
    isb();
    __asm__ volatile("tlbi alle1\n\tdsb nsh\n\tisb" ::: "memory");
}

err_t arch_vcpu_init(struct vcpu *v)
{
    v->arch.vmpidr = BIT(31) | ((uint64_t)(v->id >> 4) << 8) | (v->id & 0xfu);
    v->arch.hcr = HCR_GUEST | (idregs_has_pauth() ? HCR_API | HCR_APK : 0u);
    debug_init(v);
    pmu_init(v);
    return vgic_vcpu_init(v);
}

void arch_vcpu_renew(struct vcpu *v)
{
    memset(&v->arch, 0, sizeof(v->arch));
    ASSERT(arch_vcpu_init(v) == OK); /* it takes nothing from the pool */
}

void arch_vcpu_reset(struct vcpu *v, uint64_t entry, uint64_t arg)
{
    struct arch_vcpu *a = &v->arch;

    memset(a->x, 0, sizeof(a->x));
    a->x[0] = arg;
    a->pc = entry;
    a->pstate = PSTATE_EL1H | PSTATE_DAIF;
    a->sctlr = SCTLR_RESET;
    a->cpacr = 0;
    a->tcr = 0;
    a->cntkctl = 0;
    a->cntv_ctl = 0;
    a->cntp_ctl = 0;
    debug_init(v);
    pmu_init(v);
    vgic_vcpu_reset(v);
}

static void save_el1(struct arch_vcpu *a)
{
    a->sp_el0 = read_sysreg(sp_el0);
    a->sp_el1 = read_sysreg(sp_el1);
    a->elr_el1 = read_sysreg(elr_el1);
    a->spsr_el1 = read_sysreg(spsr_el1);
    a->sctlr = read_sysreg(sctlr_el1);
    a->cpacr = read_sysreg(cpacr_el1);
    a->ttbr0 = read_sysreg(ttbr0_el1);
    a->ttbr1 = read_sysreg(ttbr1_el1);
    a->tcr = read_sysreg(tcr_el1);
    a->esr = read_sysreg(esr_el1);
    a->afsr0 = read_sysreg(afsr0_el1);
    a->afsr1 = read_sysreg(afsr1_el1);
    a->far = read_sysreg(far_el1);
    a->mair = read_sysreg(mair_el1);
    a->amair = read_sysreg(amair_el1);
    a->vbar = read_sysreg(vbar_el1);
    a->contextidr = read_sysreg(contextidr_el1);
    a->tpidr_el0 = read_sysreg(tpidr_el0);
    a->tpidrro_el0 = read_sysreg(tpidrro_el0);
    a->tpidr_el1 = read_sysreg(tpidr_el1);
    a->par = read_sysreg(par_el1);
    a->cntkctl = read_sysreg(cntkctl_el1);
    a->csselr = read_sysreg(csselr_el1);
}

static void load_el1(const struct arch_vcpu *a)
{
    write_sysreg(sp_el0, a->sp_el0);
    write_sysreg(sp_el1, a->sp_el1);
    write_sysreg(elr_el1, a->elr_el1);
    write_sysreg(spsr_el1, a->spsr_el1);
    write_sysreg(sctlr_el1, a->sctlr);
    write_sysreg(cpacr_el1, a->cpacr);
    write_sysreg(ttbr0_el1, a->ttbr0);
    write_sysreg(ttbr1_el1, a->ttbr1);
    write_sysreg(tcr_el1, a->tcr);
    write_sysreg(esr_el1, a->esr);
    write_sysreg(afsr0_el1, a->afsr0);
    write_sysreg(afsr1_el1, a->afsr1);
    write_sysreg(far_el1, a->far);
    write_sysreg(mair_el1, a->mair);
    write_sysreg(amair_el1, a->amair);
    write_sysreg(vbar_el1, a->vbar);
    write_sysreg(contextidr_el1, a->contextidr);
    write_sysreg(tpidr_el0, a->tpidr_el0);
    write_sysreg(tpidrro_el0, a->tpidrro_el0);
    write_sysreg(tpidr_el1, a->tpidr_el1);
    write_sysreg(par_el1, a->par);
    write_sysreg(cntkctl_el1, a->cntkctl);
    write_sysreg(csselr_el1, a->csselr);
    write_sysreg(vmpidr_el2, a->vmpidr);
}

/* APIA, APIB, APDA, APDB, APGA: low and high halves. */
#define KEYS(op)                                                                                                       \
    op(0, s3_0_c2_c1_0) op(1, s3_0_c2_c1_1) op(2, s3_0_c2_c1_2) op(3, s3_0_c2_c1_3) op(4, s3_0_c2_c2_0)                \
        op(5, s3_0_c2_c2_1) op(6, s3_0_c2_c2_2) op(7, s3_0_c2_c2_3) op(8, s3_0_c2_c3_0) op(9, s3_0_c2_c3_1)
#define KEY_SAVE(i, r) a->apkeys[i] = read_sysreg(r);
#define KEY_LOAD(i, r) write_sysreg(r, a->apkeys[i]);

static void save_keys(struct arch_vcpu *a)
{
    KEYS(KEY_SAVE)
}
static void load_keys(const struct arch_vcpu *a)
{
    KEYS(KEY_LOAD)
}

#define FP_PAIRS(op)                                                                                                   \
    ".arch_extension fp\n\t.arch_extension simd\n\t" op " q0, q1, [%0, #0]\n\t" op " q2, q3, [%0, #32]\n\t" op         \
    " q4, q5, [%0, #64]\n\t" op " q6, q7, [%0, #96]\n\t" op " q8, q9, [%0, #128]\n\t" op                               \
    " q10, q11, [%0, #160]\n\t" op " q12, q13, [%0, #192]\n\t" op " q14, q15, [%0, #224]\n\t" op                       \
    " q16, q17, [%0, #256]\n\t" op " q18, q19, [%0, #288]\n\t" op " q20, q21, [%0, #320]\n\t" op                       \
    " q22, q23, [%0, #352]\n\t" op " q24, q25, [%0, #384]\n\t" op " q26, q27, [%0, #416]\n\t" op                       \
    " q28, q29, [%0, #448]\n\t" op " q30, q31, [%0, #480]"

static void save_fp(struct arch_vcpu *a)
{
    __asm__ volatile(FP_PAIRS("stp")::"r"(a->fp) : "memory");
    a->fpcr = read_sysreg(s3_3_c4_c4_0);
    a->fpsr = read_sysreg(s3_3_c4_c4_1);
}

static void load_fp(const struct arch_vcpu *a)
{
    __asm__ volatile(FP_PAIRS("ldp")::"r"(a->fp) : "memory");
    write_sysreg(s3_3_c4_c4_0, a->fpcr);
    write_sysreg(s3_3_c4_c4_1, a->fpsr);
}

static void unload(struct cpu *cpu, struct vcpu *v)
{
    vgic_save(v);
    vtimer_save(cpu, v);
    debug_save(v);
    pmu_save(v);
    save_el1(&v->arch);
    save_fp(&v->arch);
    if ((v->arch.hcr & HCR_API) != 0u) {
        save_keys(&v->arch);
    }
    __atomic_store_n(&v->running, false, __ATOMIC_RELEASE);
}

/* Apart: the usual case, on the way of every event, is that v is loaded. */
static NOINLINE void change(struct cpu *cpu, struct vcpu *v)
{
    if (cpu->arch.loaded != NULL) {
        unload(cpu, cpu->arch.loaded);
    }
    cpu->arch.loaded = v;
    if (v == NULL) {
        return;
    }
    v->running = true;
    write_sysreg(vttbr_el2, v->domain->arch.vttbr);
    write_sysreg(hcr_el2, v->arch.hcr);
    isb();
    load_el1(&v->arch);
    load_fp(&v->arch);
    if ((v->arch.hcr & HCR_API) != 0u) {
        load_keys(&v->arch);
    }
    debug_load(v);
    pmu_load(v);
    write_sysreg(mdcr_el2, v->arch.mdcr);
    vtimer_load(cpu, v);
    vgic_load(v); /* after the timer: looks at its line */
    isb();
}

void arch_vcpu_load(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();

    if (cpu->arch.loaded != v) {
        change(cpu, v);
    }
}

void arch_vcpu_trap_wfi(struct vcpu *v, bool trap)
{
    uint64_t hcr = trap ? v->arch.hcr | HCR_TWI : v->arch.hcr & ~HCR_TWI;

    if (hcr != v->arch.hcr) {
        v->arch.hcr = hcr;
        if (this_cpu()->arch.loaded == v) {
            write_sysreg(hcr_el2, hcr);
            isb();
        }
    }
}

bool arch_vcpu_has_pending(struct vcpu *v)
{
    return vgic_has_pending(v) || vtimer_due(v);
}

void arch_vcpu_take_posted(struct vcpu *v)
{
    vgic_take_posted(v);
}

err_t arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    uint64_t mode = c->user_regs.cpsr & (PSTATE_M | PSTATE_A32);

    if (mode != PSTATE_EL1H && mode != PSTATE_EL1T && mode != PSTATE_EL0T) {
        return ERR_INVAL; /* 64-bit EL0 and EL1 only */
    }
    arch_vcpu_reset(v, c->user_regs.pc64, 0);
    memcpy(v->arch.x, &c->user_regs.x0, sizeof(v->arch.x));
    v->arch.pstate = c->user_regs.cpsr & (PSTATE_M | PSTATE_DAIF | BITS(31, 28));
    v->arch.sp_el0 = c->user_regs.sp_el0;
    v->arch.sp_el1 = c->user_regs.sp_el1;
    v->arch.elr_el1 = c->user_regs.elr_el1;
    v->arch.spsr_el1 = c->user_regs.spsr_el1;
    /* Frames may have held code of another domain: no CPU keeps a stale instruction of it. */
    __asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    v->arch.sctlr = c->sctlr | SCTLR_RESET;
    v->arch.tcr = c->ttbcr;
    v->arch.ttbr0 = c->ttbr0;
    v->arch.ttbr1 = c->ttbr1;
    return OK;
}

void arch_vcpu_dump(const struct vcpu *v, struct bulkhead_crash *out)
{
    const struct arch_vcpu *a = &v->arch;

    memcpy(out->x, a->x, sizeof(out->x));
    out->pc = a->pc;
    out->pstate = a->pstate;
    out->sp_el0 = a->sp_el0;
    out->sp_el1 = a->sp_el1;
    out->elr_el1 = a->elr_el1;
    out->spsr_el1 = a->spsr_el1;
    out->esr_el1 = a->esr;
    out->far_el1 = a->far;
}

void arch_vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
    memset(c, 0, sizeof(*c));
    memcpy(&c->user_regs.x0, v->arch.x, sizeof(v->arch.x));
    c->user_regs.pc64 = v->arch.pc;
    c->user_regs.cpsr = v->arch.pstate;
    c->user_regs.sp_el0 = v->arch.sp_el0;
    c->user_regs.sp_el1 = v->arch.sp_el1;
    c->user_regs.elr_el1 = v->arch.elr_el1;
    c->user_regs.spsr_el1 = v->arch.spsr_el1;
    c->sctlr = v->arch.sctlr;
    c->ttbcr = v->arch.tcr;
    c->ttbr0 = v->arch.ttbr0;
    c->ttbr1 = v->arch.ttbr1;
    c->flags = (__atomic_load_n(&v->power, __ATOMIC_RELAXED) == VCPU_POWER_ON) ? VGCF_online : 0u;
}
