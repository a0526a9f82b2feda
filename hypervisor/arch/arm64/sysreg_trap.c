/* SPDX-License-Identifier: Apache-2.0 */
/* Trapped system registers, by encoding.  What is not listed is UNDEFINED, as on a CPU without the feature.
 * [impl->dsn~sysreg-traps~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/trap.h"
#include "arch/arm64/vgic.h"
#include "core/upcall.h"

#define ENC(op0, op1, crn, crm, op2) (((op0) << 14) | ((op1) << 11) | ((crn) << 7) | ((crm) << 3) | (op2))

#define ISS_READ(esr) (((esr) & 1u) != 0u)
#define ISS_RT(esr)   FIELD(esr, 9, 5)

#define OSLSR_OSLM 0x8u /* the OS lock is implemented */
#define OSLSR_OSLK 0x2u

static uint32_t encoding(uint64_t esr)
{
    return ENC((uint32_t)FIELD(esr, 21, 20), (uint32_t)FIELD(esr, 16, 14), (uint32_t)FIELD(esr, 13, 10),
               (uint32_t)FIELD(esr, 4, 1), (uint32_t)FIELD(esr, 19, 17));
}

enum outcome {
    DONE,  /* next instruction */
    AGAIN, /* the register works now: execute the instruction again */
    UNDEFINED,
};

/* op0 2: debug. */
static enum outcome access_debug(struct vcpu *v, uint32_t reg, bool read, uint64_t *value)
{
    struct debug_state *s = &v->arch.debug;

    switch (reg) {
    case ENC(2, 0, 1, 0, 0): /* MDRAR_EL1 */
        *value = 0;
        return read ? DONE : UNDEFINED;
    case ENC(2, 0, 1, 0, 4): /* OSLAR_EL1 */
        s->os_lock = (*value & 1u) != 0u;
        return read ? UNDEFINED : DONE;
    case ENC(2, 0, 1, 1, 4): /* OSLSR_EL1 */
        *value = OSLSR_OSLM | (s->os_lock ? OSLSR_OSLK : 0u);
        return read ? DONE : UNDEFINED;
    case ENC(2, 0, 1, 3, 4): /* OSDLR_EL1 */
    case ENC(2, 0, 1, 4, 4): /* DBGPRCR_EL1 */
        *value = 0;
        return DONE;
    default:
        break;
    }
    if (s->live) {
        return UNDEFINED;
    }
    debug_first_use(v);
    return AGAIN;
}

static bool is_pmu(uint32_t reg)
{
    switch (reg & ~7u) {
    case ENC(3, 3, 9, 12, 0):
    case ENC(3, 3, 9, 13, 0):
    case ENC(3, 3, 9, 14, 0):
    case ENC(3, 0, 9, 14, 0):
        return true;
    default: /* PMEVCNTRn, PMEVTYPERn, PMCCFILTR */
        return (reg & ~0x7fu) == ENC(3, 3, 14, 0, 0) && ((reg >> 3) & 0xfu) >= 8u;
    }
}

static enum outcome access_pmu(struct vcpu *v)
{
    if (v->arch.pmu.live || (idregs_read(5, 0) & BITS(11, 8)) == 0u) {
        return UNDEFINED;
    }
    pmu_first_use(v);
    return AGAIN;
}

static enum outcome access(struct vcpu *v, uint32_t reg, bool read, uint64_t *value)
{
    if (reg == ENC(3, 0, 12, 11, 5)) { /* ICC_SGI1R_EL1 */
        vgic_send_sgi(v, *value);
        return read ? UNDEFINED : DONE;
    }
    if ((reg & ~0x3fu) == ENC(3, 0, 0, 0, 0) && read) { /* ID registers: CRm 1..7 */
        *value = idregs_read((reg >> 3) & 7u, reg & 7u);
        return DONE;
    }
    if (reg >> 14 == 2u) {
        return access_debug(v, reg, read, value);
    }
    if (is_pmu(reg)) {
        return access_pmu(v);
    }
    switch (reg) {
    case ENC(3, 0, 12, 11, 6): /* ICC_ASGI1R_EL1 */
    case ENC(3, 0, 12, 11, 7): /* ICC_SGI0R_EL1 */
        return read ? UNDEFINED : DONE;
    case ENC(3, 0, 12, 11, 1): /* ICC_DIR_EL1, while ICH_HCR_EL2.TDIR is set */
        vgic_write_dir(v, *value);
        return read ? UNDEFINED : DONE;
    case ENC(3, 3, 14, 2, 0): /* CNTP_TVAL_EL0 */
    case ENC(3, 3, 14, 2, 1): /* CNTP_CTL_EL0 */
    case ENC(3, 3, 14, 2, 2): /* CNTP_CVAL_EL0 */
        return ptimer_access(v, reg & 7u, !read, value) ? DONE : UNDEFINED;
    case ENC(3, 0, 1, 0, 1): /* ACTLR_EL1 */
        *value = 0;
        return DONE;
    default:
        return UNDEFINED;
    }
}

void trap_sysreg(struct vcpu *v, uint64_t esr)
{
    uint64_t rt = ISS_RT(esr);
    bool read = ISS_READ(esr);
    uint64_t value = (read || rt == 31u) ? 0u : v->arch.x[rt];

    switch (access(v, encoding(esr), read, &value)) {
    case DONE:
        if (read && rt != 31u) {
            v->arch.x[rt] = value;
        }
        v->arch.pc += 4u;
        break;
    case AGAIN:
        break;
    case UNDEFINED:
    default:
        upcall_guest_fault(v, FAULT_UNDEFINED, esr, v->arch.pc);
        context_inject_undefined(v);
        break;
    }
}
