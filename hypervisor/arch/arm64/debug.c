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
#define DBG16(op, v, c, values, controls)                                                                              \
    op(0, v, c, values, controls) op(1, v, c, values, controls) op(2, v, c, values, controls)                          \
        op(3, v, c, values, controls) op(4, v, c, values, controls) op(5, v, c, values, controls)                      \
            op(6, v, c, values, controls) op(7, v, c, values, controls) op(8, v, c, values, controls)                  \
                op(9, v, c, values, controls) op(10, v, c, values, controls) op(11, v, c, values, controls)            \
                    op(12, v, c, values, controls) op(13, v, c, values, controls) op(14, v, c, values, controls)       \
                        op(15, v, c, values, controls)
#define SAVE_ONE(i, v, c, values, controls)                                                                            \
    if ((i) < count) {                                                                                                 \
        (values)[i] = read_sysreg(s2_0_c0_c##i##_##v);                                                                 \
        (controls)[i] = read_sysreg(s2_0_c0_c##i##_##c);                                                               \
    }
#define LOAD_ONE(i, v, c, values, controls)                                                                            \
    if ((i) < count) {                                                                                                 \
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

static void save_breakpoints(struct debug_state *s, uint32_t count)
{
    DBG16(SAVE_ONE, 4, 5, s->bvr, s->bcr)
}

static void save_watchpoints(struct debug_state *s, uint32_t count)
{
    DBG16(SAVE_ONE, 6, 7, s->wvr, s->wcr)
}

static void load_breakpoints(const struct debug_state *s, uint32_t count)
{
    DBG16(LOAD_ONE, 4, 5, s->bvr, s->bcr)
}

static void load_watchpoints(const struct debug_state *s, uint32_t count)
{
    DBG16(LOAD_ONE, 6, 7, s->wvr, s->wcr)
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
