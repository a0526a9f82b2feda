/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/context.h"
#include "arch/arm64/stage2_hw.h"
#include "arch/arm64/vgic.h"
#include "lib/string.h"

#include <xen/xen.h>

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
#define SCTLR_RESET UINT64_C(0x30d00800) /* RES1 of SCTLR_EL1 (Armv8.0), MMU and caches off */

COLD void context_cpu_init(void)
{
    uint64_t vtcr;
    uint32_t bits = stage2_ipa_bits();

    /* walks write-back inner shareable, 4 KiB granule, T0SZ, SL0 (0: level 1 -> 1, level 0 -> 2), PS */
    vtcr = BIT(31) | (64u - bits) | ((bits >= 44u ? UINT64_C(2) : UINT64_C(1)) << 6) | (UINT64_C(1) << 8) |
           (UINT64_C(1) << 10) | (UINT64_C(3) << 12);
    vtcr |= (bits >= 48u ? UINT64_C(5) : FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0)) << 16;
    ASSERT(stage2_can_force() || !stage2_forced);
    write_sysreg(vtcr_el2, vtcr);
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

COLD err_t arch_vcpu_init(struct vcpu *v)
{
    v->arch.vmpidr = BIT(31) | ((uint64_t)(v->id >> 4) << 8) | (v->id & 0xfu);
    v->arch.hcr = HCR_GUEST | (idregs_has_pauth() ? HCR_API | HCR_APK : 0u) | (stage2_forced ? HCR_FWB : 0u);
    debug_init(v);
    pmu_init(v);
    return vgic_vcpu_init(v);
}

void arch_vcpu_renew(struct vcpu *v)
{
    memset(&v->arch, 0, sizeof(v->arch));
    ASSERT(arch_vcpu_init(v) == OK); /* it takes nothing from the pool */
}

COLD void arch_vcpu_reset(struct vcpu *v, uint64_t entry, uint64_t arg)
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

/* Member of struct arch_vcpu, and where it is while the vCPU is loaded. */
#define REGISTERS(op)                                                                                                  \
    op(sp_el0, sp_el0) op(sp_el1, sp_el1) op(elr_el1, elr_el1) op(spsr_el1, spsr_el1) op(sctlr, sctlr_el1)             \
        op(cpacr, cpacr_el1) op(ttbr0, ttbr0_el1) op(ttbr1, ttbr1_el1) op(tcr, tcr_el1) op(esr, esr_el1)               \
            op(afsr0, afsr0_el1) op(afsr1, afsr1_el1) op(far, far_el1) op(mair, mair_el1) op(amair, amair_el1)         \
                op(vbar, vbar_el1) op(contextidr, contextidr_el1) op(tpidr_el0, tpidr_el0)                             \
                    op(tpidrro_el0, tpidrro_el0) op(tpidr_el1, tpidr_el1) op(par, par_el1) op(cntkctl, cntkctl_el1)    \
                        op(csselr, csselr_el1) op(fpcr, s3_3_c4_c4_0) op(fpsr, s3_3_c4_c4_1)
/* APIA, APIB, APDA, APDB, APGA: low and high halves. */
#define KEYS(op)                                                                                                       \
    op(apkeys[0], s3_0_c2_c1_0) op(apkeys[1], s3_0_c2_c1_1) op(apkeys[2], s3_0_c2_c1_2) op(apkeys[3], s3_0_c2_c1_3)    \
        op(apkeys[4], s3_0_c2_c2_0) op(apkeys[5], s3_0_c2_c2_1) op(apkeys[6], s3_0_c2_c2_2)                            \
            op(apkeys[7], s3_0_c2_c2_3) op(apkeys[8], s3_0_c2_c3_0) op(apkeys[9], s3_0_c2_c3_1)
#define SAVE(member, r) v->arch.member = read_sysreg(r);
#define LOAD(member, r) write_sysreg(r, v->arch.member);

#define FP(op)                                                                                                         \
    __asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t" op " {v0.16b-v3.16b}, [%0], #64\n\t" op          \
                     " {v4.16b-v7.16b}, [%0], #64\n\t" op " {v8.16b-v11.16b}, [%0], #64\n\t" op                        \
                     " {v12.16b-v15.16b}, [%0], #64\n\t" op " {v16.16b-v19.16b}, [%0], #64\n\t" op                     \
                     " {v20.16b-v23.16b}, [%0], #64\n\t" op " {v24.16b-v27.16b}, [%0], #64\n\t" op                     \
                     " {v28.16b-v31.16b}, [%0]"                                                                        \
                     : "+r"(fp)::"memory")

static void unload(struct cpu *cpu, struct vcpu *v)
{
    void *fp = v->arch.fp;

    vgic_save(v);
    vtimer_save(cpu, v);
    debug_save(v);
    pmu_save(v);
    REGISTERS(SAVE)
    FP("st1");
    if ((v->arch.hcr & HCR_API) != 0u) {
        KEYS(SAVE)
    }
    __atomic_store_n(&v->running, false, __ATOMIC_RELEASE);
}

/* Apart: the usual case, on the way of every event, is that v is loaded. */
static NOINLINE void change(struct cpu *cpu, struct vcpu *v)
{
    const void *fp;

    if (cpu->arch.loaded != NULL) {
        unload(cpu, cpu->arch.loaded);
    }
    cpu->arch.loaded = v;
    if (v == NULL) {
        return;
    }
    v->running = true;
    fp = v->arch.fp;
    write_sysreg(vttbr_el2, v->domain->arch.vttbr);
    write_sysreg(hcr_el2, v->arch.hcr);
    isb();
    REGISTERS(LOAD)
    write_sysreg(vmpidr_el2, v->arch.vmpidr);
    FP("ld1");
    if ((v->arch.hcr & HCR_API) != 0u) {
        KEYS(LOAD)
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

COLD err_t arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
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

COLD void arch_vcpu_dump(const struct vcpu *v, struct bulkhead_crash *out)
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

COLD void arch_vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
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
