/* SPDX-License-Identifier: Apache-2.0 */
/* Hardware breakpoints, watchpoints and single step of a guest.  The registers trap until they are used; from then on they
 * are switched only for a vCPU that has debugging enabled, and trap again for one that has not.
 * [impl->dsn~guest-debug~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/sysreg.h"
#include "core/upcall.h"

#define MDSCR_ENABLES (BIT(0) | BIT(13) | BIT(15)) /* SS, KDE, MDE */
#define MDCR_DEBUG    (MDCR_TDA)

/* Registers i of both kinds, values and controls, as far as the CPU has them. */
#define DBG16(op, ...)                                                                                                 \
    op(0, __VA_ARGS__) op(1, __VA_ARGS__) op(2, __VA_ARGS__) op(3, __VA_ARGS__) op(4, __VA_ARGS__) op(5, __VA_ARGS__)  \
        op(6, __VA_ARGS__) op(7, __VA_ARGS__) op(8, __VA_ARGS__) op(9, __VA_ARGS__) op(10, __VA_ARGS__)                \
            op(11, __VA_ARGS__) op(12, __VA_ARGS__) op(13, __VA_ARGS__) op(14, __VA_ARGS__) op(15, __VA_ARGS__)
#define SAVE_ONE(i, count, v, c, values, controls)                                                                     \
    if ((i) < (count)) {                                                                                               \
        (values)[i] = read_sysreg(s2_0_c0_c##i##_##v);                                                                 \
        (controls)[i] = read_sysreg(s2_0_c0_c##i##_##c);                                                               \
    }
#define LOAD_ONE(i, count, v, c, values, controls)                                                                     \
    if ((i) < (count)) {                                                                                               \
        write_sysreg(s2_0_c0_c##i##_##v, (values)[i]);                                                                 \
        write_sysreg(s2_0_c0_c##i##_##c, (controls)[i]);                                                               \
    }

static uint32_t breakpoints(void)
{
    return (uint32_t)FIELD(read_sysreg(id_aa64dfr0_el1), 15, 12) + 1u;
}

static uint32_t watchpoints(void)
{
    return (uint32_t)FIELD(read_sysreg(id_aa64dfr0_el1), 23, 20) + 1u;
}

void debug_first_use(struct vcpu *v)
{
    struct debug_state *s = &v->arch.debug;
    uint32_t breaks = breakpoints();
    uint32_t watches = watchpoints();

    DBG16(LOAD_ONE, breaks, 4, 5, s->bvr, s->bcr)
    DBG16(LOAD_ONE, watches, 6, 7, s->wvr, s->wcr)
    write_sysreg(mdscr_el1, s->mdscr);
    s->live = true;
    v->arch.mdcr &= ~MDCR_DEBUG;
    write_sysreg(mdcr_el2, v->arch.mdcr);
    isb();
}

void debug_save(struct vcpu *v)
{
    struct debug_state *s = &v->arch.debug;
    uint32_t breaks = breakpoints();
    uint32_t watches = watchpoints();

    if (!s->live) {
        return;
    }
    s->mdscr = read_sysreg(mdscr_el1);
    DBG16(SAVE_ONE, breaks, 4, 5, s->bvr, s->bcr)
    DBG16(SAVE_ONE, watches, 6, 7, s->wvr, s->wcr)
    write_sysreg(mdscr_el1, 0);
    s->live = false;
    v->arch.mdcr |= MDCR_DEBUG;
}

void debug_load(struct vcpu *v)
{
    if ((v->arch.debug.mdscr & MDSCR_ENABLES) != 0u) {
        debug_first_use(v);
    } else {
        write_sysreg(mdscr_el1, 0);
    }
}

void debug_init(struct vcpu *v)
{
    v->arch.debug = (struct debug_state){.live = false};
    v->arch.mdcr |= MDCR_DEBUG | MDCR_TDOSA | MDCR_TDRA;
}
