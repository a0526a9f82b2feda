/* SPDX-License-Identifier: Apache-2.0 */
/* Hardware breakpoints, watchpoints and single step of a guest.  The registers trap until they are used; from then on they
 * are switched only for a vCPU that has debugging enabled, and trap again for one that has not.
 * [impl->dsn~guest-debug~1] */
#include "arch/arm64/context.h"
#include "arch/arm64/sysreg.h"
#include "core/upcall.h"

#define MDSCR_ENABLES (BIT(0) | BIT(13) | BIT(15)) /* SS, KDE, MDE */
#define MDCR_DEBUG    (MDCR_TDA)

#define DBG16(op, reg, array)                                                                                          \
    op(0, s2_0_c0_c0_##reg, array) op(1, s2_0_c0_c1_##reg, array) op(2, s2_0_c0_c2_##reg, array)                       \
        op(3, s2_0_c0_c3_##reg, array) op(4, s2_0_c0_c4_##reg, array) op(5, s2_0_c0_c5_##reg, array)                   \
            op(6, s2_0_c0_c6_##reg, array) op(7, s2_0_c0_c7_##reg, array) op(8, s2_0_c0_c8_##reg, array)               \
                op(9, s2_0_c0_c9_##reg, array) op(10, s2_0_c0_c10_##reg, array) op(11, s2_0_c0_c11_##reg, array)       \
                    op(12, s2_0_c0_c12_##reg, array) op(13, s2_0_c0_c13_##reg, array) op(14, s2_0_c0_c14_##reg, array) \
                        op(15, s2_0_c0_c15_##reg, array)
#define SAVE_ONE(i, r, array)                                                                                          \
    if ((i) < count) {                                                                                                 \
        (array)[i] = read_sysreg(r);                                                                                   \
    }
#define LOAD_ONE(i, r, array)                                                                                          \
    if ((i) < count) {                                                                                                 \
        write_sysreg(r, (array)[i]);                                                                                   \
    }

static uint32_t breakpoints(void)
{
    return (uint32_t)FIELD(read_sysreg(id_aa64dfr0_el1), 15, 12) + 1u;
}

static uint32_t watchpoints(void)
{
    return (uint32_t)FIELD(read_sysreg(id_aa64dfr0_el1), 23, 20) + 1u;
}

static void save_breakpoints(struct debug_state *s, uint32_t count)
{
    DBG16(SAVE_ONE, 4, s->bvr)
    DBG16(SAVE_ONE, 5, s->bcr)
}

static void save_watchpoints(struct debug_state *s, uint32_t count)
{
    DBG16(SAVE_ONE, 6, s->wvr)
    DBG16(SAVE_ONE, 7, s->wcr)
}

static void load_breakpoints(const struct debug_state *s, uint32_t count)
{
    DBG16(LOAD_ONE, 4, s->bvr)
    DBG16(LOAD_ONE, 5, s->bcr)
}

static void load_watchpoints(const struct debug_state *s, uint32_t count)
{
    DBG16(LOAD_ONE, 6, s->wvr)
    DBG16(LOAD_ONE, 7, s->wcr)
}

static void make_live(struct vcpu *v)
{
    struct debug_state *s = &v->arch.debug;

    load_breakpoints(s, breakpoints());
    load_watchpoints(s, watchpoints());
    write_sysreg(mdscr_el1, s->mdscr);
    s->live = true;
    v->arch.mdcr &= ~MDCR_DEBUG;
}

void debug_first_use(struct vcpu *v)
{
    make_live(v);
    write_sysreg(mdcr_el2, v->arch.mdcr);
    isb();
}

void debug_save(struct vcpu *v)
{
    struct debug_state *s = &v->arch.debug;

    if (!s->live) {
        return;
    }
    s->mdscr = read_sysreg(mdscr_el1);
    save_breakpoints(s, breakpoints());
    save_watchpoints(s, watchpoints());
    write_sysreg(mdscr_el1, 0);
    s->live = false;
    v->arch.mdcr |= MDCR_DEBUG;
}

void debug_load(struct vcpu *v)
{
    if ((v->arch.debug.mdscr & MDSCR_ENABLES) != 0u) {
        make_live(v);
    } else {
        write_sysreg(mdscr_el1, 0);
    }
}

void debug_init(struct vcpu *v)
{
    v->arch.debug = (struct debug_state){.live = false};
    v->arch.mdcr |= MDCR_DEBUG | MDCR_TDOSA | MDCR_TDRA;
}
