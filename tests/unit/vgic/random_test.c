/* SPDX-License-Identifier: Apache-2.0 */
/* Random sequences of what guests, devices and the scheduler do, against the reference.  After each step the machine
 * settles; then every loaded vCPU must be offered exactly what the reference says, every register must read as the
 * reference says, and each CPU's list registers must be architecturally legal. */
#include "model.h"
#include "reference.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct ref ref;
static uint64_t seed;
static uint32_t prio_mask;
static char last[160]; /* the last step, for a failure's message */

static uint32_t rnd(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

static bool trace; /* VGIC_TRACE=1: every step of every sequence */
#define STEP(...) ((void)snprintf(last, sizeof(last), __VA_ARGS__), trace ? (void)puts(last) : (void)0)

static struct vcpu *some_loaded(void)
{
    uint32_t start = rnd(model.options.vcpus);

    for (uint32_t i = 0; i < model.options.vcpus; i++) {
        struct vcpu *v = model.vcpu[(start + i) % model.options.vcpus];
        if (model_is_loaded(v)) {
            return v;
        }
    }
    return NULL;
}

/* ---- comparison ---- */

static void check_vcpu(struct vcpu *v)
{
    uint32_t n = v->id;
    uint32_t best = ref_best(&ref, n);

    model_enter(v);
    if (model_is_loaded(v)) {
        uint32_t is = guest_hppir(v);
        uint32_t ought = ref_hppi(&ref, n, prio_mask);
        if (is != ought) {
            fail_msg("after %s: vCPU %u is offered %u, ought to be %u", last, n, is, ought);
        }
    }
    if (best != 27u && vgic_has_pending(v) != (best != SPURIOUS)) {
        fail_msg("after %s: vCPU %u pending %d, ought to be %u", last, n, vgic_has_pending(v), best);
    }
}

static uint32_t ref_word(uint32_t n, uint32_t word, uint32_t kind)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 32u; i++) {
        const struct ref_irq *q = ref_irq(&ref, n, word * 32u + i);
        bool bit = (kind == GICD_ISPENDR) ? ref_is_pending(q) : (kind == GICD_ISACTIVER) ? q->active : q->enabled;
        value |= bit ? UINT32_C(1) << i : 0u;
    }
    return value;
}

static void check_registers(struct vcpu *v)
{
    static const uint32_t kinds[] = {GICD_ISENABLER, GICD_ISPENDR, GICD_ISACTIVER};

    for (uint32_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        for (uint32_t word = 1; word <= ref.spis / 32u; word++) {
            uint32_t is = (uint32_t)gicd_read(v, kinds[k] + 4u * word, 4);
            uint32_t ought = ref_word(v->id, word, kinds[k]);
            if (is != ought) {
                fail_msg("after %s: GICD 0x%x word %u is %08x, ought to be %08x", last, kinds[k], word, is, ought);
            }
        }
        for (uint32_t n = 0; n < ref.vcpus; n++) {
            uint32_t is = (uint32_t)gicr_read(v, n, GICR_SGI + kinds[k], 4);
            uint32_t ought = ref_word(n, 0, kinds[k]);
            uint32_t ignore = model_is_loaded(model.vcpu[n]) ? 0u : (uint32_t)BIT(27); /* its line is not looked at */
            if (((is ^ ought) & ~ignore) != 0u) {
                fail_msg("after %s: vCPU %u reads GICR %u 0x%x as %08x, ought to be %08x", last, v->id, n, kinds[k], is,
                         ought);
            }
        }
    }
}

static void check(void)
{
    model_settle();
    for (uint32_t i = 0; i < model.options.vcpus; i++) {
        check_vcpu(model.vcpu[i]);
    }
    if (rnd(8) == 0u && some_loaded() != NULL) {
        check_registers(some_loaded());
    }
}

/* ---- steps ---- */

/* SPIs of the board: level-triggered, their lines are its distributor's. */
static bool is_board(uint32_t intid)
{
    return intid >= 32u && intid % 3u == 0u;
}

static bool is_taken(uint32_t intid)
{
    for (uint32_t n = 0; n < ref.vcpus; n++) {
        for (uint32_t i = 0; i < ref.vcpu[n].depth; i++) {
            if (ref.vcpu[n].taken[i] == intid) {
                return true;
            }
        }
    }
    return false;
}

/* A line of the board is looked at when something is done with its interrupt, in a list register at any exit that looks:
 * what was pending and not yet taken is withdrawn then. */
static void lower_board_line(uint32_t intid, const struct ref_irq *q)
{
    struct vcpu *v = some_loaded();

    model_spi_line(intid, false);
    gicd_write(v, (q->enabled ? GICD_ISENABLER : GICD_ICENABLER) + intid / 32u * 4u, 4, BIT(intid % 32u));
    for (uint32_t i = 0; i < model.options.vcpus; i++) {
        if (model_is_loaded(model.vcpu[i])) {
            model_enter(model.vcpu[i]);
            vgic_maintenance(model.vcpu[i]);
        }
    }
}

static void set_line(uint32_t intid, struct ref_irq *q, struct vcpu *context, bool high)
{
    ref_line(q, high);
    if (!is_board(intid)) {
        model_line(context, intid, high);
    } else if (high) {
        model_spi_line(intid, true);
    } else {
        lower_board_line(intid, q);
    }
}

static void step_device(void)
{
    uint32_t intid = 32u + rnd(ref.spis);
    struct ref_irq *q = ref_irq(&ref, 0, intid);
    struct vcpu *context = model.vcpu[rnd(model.options.vcpus)];

    model_enter(context);
    if (rnd(2) == 0u) {
        STEP("edge of %u on CPU %u", intid, context->home);
        q->latch = true;
        arch_inject(context, intid);
    } else {
        bool high = rnd(2) == 0u || (is_board(intid) && some_loaded() == NULL);
        STEP("line %u %s", intid, high ? "high" : "low");
        set_line(intid, q, context, high);
    }
}

static void step_private(void)
{
    struct vcpu *v = model.vcpu[rnd(model.options.vcpus)];
    uint32_t intid = (rnd(2) == 0u) ? 27u : 16u + rnd(16);
    struct vcpu *context = model.vcpu[rnd(model.options.vcpus)];

    if (intid == 27u) {
        bool high = rnd(2) == 0u || !model_is_loaded(v); /* only the guest makes it low */
        STEP("timer of vCPU %u %s", v->id, high ? "high" : "low");
        ref_line(ref_irq(&ref, v->id, 27), high);
        model_timer_line(v, high);
        if (model_is_loaded(v)) {
            vgic_maintenance(v); /* any exit that looks */
        }
        return;
    }
    model_enter(context);
    if (rnd(2) == 0u) {
        STEP("edge of %u of vCPU %u", intid, v->id);
        ref_irq(&ref, v->id, intid)->latch = true;
        arch_inject(v, intid);
    } else {
        bool high = rnd(2) == 0u;
        STEP("line %u of vCPU %u %s", intid, v->id, high ? "high" : "low");
        ref_line(ref_irq(&ref, v->id, intid), high);
        model_line(v, intid, high);
    }
}

static void step_sgi(struct vcpu *v)
{
    uint32_t intid = rnd(16);
    bool all = rnd(4) == 0u;
    uint32_t list = rnd(1u << ref.vcpus);

    STEP("vCPU %u sends SGI %u to %s %x", v->id, intid, all ? "all but itself" : "list", list);
    for (uint32_t n = 0; n < ref.vcpus; n++) {
        struct ref_irq *q = ref_irq(&ref, n, intid);
        bool named = all ? n != v->id : (list & (1u << n)) != 0u;
        q->latch = q->latch || (named && q->group1);
    }
    model_enter(v);
    vgic_send_sgi(v, (uint64_t)intid << 24 | (all ? BIT(40) | list : list));
}

static void apply_bits(struct ref_irq *q, uint32_t kind)
{
    switch (kind) {
    case GICD_ISENABLER:
        q->enabled = true;
        break;
    case GICD_ICENABLER:
        q->enabled = false;
        break;
    case GICD_ISPENDR:
        q->latch = true;
        break;
    case GICD_ICPENDR:
        q->latch = false;
        break;
    case GICD_ISACTIVER:
        q->active = true;
        break;
    default:
        q->active = false;
        break;
    }
}

/* Bits that a correct guest may write: it does not deactivate or activate what it is handling. */
static uint32_t legal(uint32_t n, uint32_t word, uint32_t kind, uint32_t bits)
{
    for (uint32_t i = 0; i < 32u; i++) {
        bool state = kind == GICD_ISACTIVER || kind == GICD_ICACTIVER;
        if (state && (is_taken(word * 32u + i) || (word == 0u && i == 27u))) {
            bits &= ~(1u << i);
        }
        if (word == 0u && i == 27u && kind == GICD_ISPENDR && !model_is_loaded(model.vcpu[n])) {
            bits &= ~(1u << i);
        }
    }
    return bits;
}

static void step_bits(struct vcpu *v)
{
    static const uint32_t kinds[] = {GICD_ISENABLER, GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,
                                     GICD_ICPENDR,   GICD_ICACTIVER, GICD_ICACTIVER, GICD_ISACTIVER};
    uint32_t kind = kinds[rnd(ARRAY_SIZE(kinds) - (rnd(4) == 0u ? 0u : 1u))];
    uint32_t word = rnd(1u + ref.spis / 32u);
    uint32_t n = rnd(ref.vcpus);
    uint32_t bits = (kind == GICD_ISENABLER) ? rnd(UINT32_MAX) : rnd(UINT32_MAX) & rnd(UINT32_MAX) & rnd(UINT32_MAX);

    bits = legal(n, word, kind, bits);
    STEP("vCPU %u writes 0x%x word %u (of vCPU %u) with %08x", v->id, kind, word, n, bits);
    for (uint32_t i = 0; i < 32u; i++) {
        if ((bits & (1u << i)) != 0u) {
            apply_bits(ref_irq(&ref, n, word * 32u + i), kind);
        }
    }
    if (word == 0u) {
        gicr_write(v, n, GICR_SGI + kind, 4, bits);
    } else {
        gicd_write(v, kind + 4u * word, 4, bits);
    }
}

static void step_priority(struct vcpu *v)
{
    uint32_t intid = rnd(32u + ref.spis);
    uint32_t n = rnd(ref.vcpus);
    uint32_t priority = rnd(31) * 8u;

    if (is_taken(intid)) {
        return;
    }
    STEP("priority of %u of vCPU %u becomes %x", intid, n, priority);
    ref_irq(&ref, n, intid)->priority = (uint8_t)(priority & prio_mask);
    if (intid < 32u) {
        gicr_write(v, n, GICR_SGI + GICD_IPRIORITYR + intid, 1, priority);
    } else {
        gicd_write(v, GICD_IPRIORITYR + intid, 1, priority);
    }
}

static void step_route(struct vcpu *v)
{
    uint32_t intid = 32u + rnd(ref.spis);
    uint32_t to = rnd(ref.vcpus + 1u);

    STEP("%u is routed to vCPU %u", intid, to);
    ref_irq(&ref, 0, intid)->route = to;
    gicd_write(v, GICD_IROUTER + 8u * intid, 8, to);
}

static void step_config(struct vcpu *v)
{
    uint32_t intid = 16u + rnd(16u + ref.spis);
    uint32_t n = rnd(ref.vcpus);
    struct ref_irq *q = ref_irq(&ref, n, intid);
    uint32_t offset = GICD_ICFGR + intid / 16u * 4u;
    uint32_t bit = 2u << (2u * (intid % 16u));

    if (intid == 27u || is_board(intid) || q->enabled || q->active || ref_is_pending(q)) {
        return; /* to be changed while disabled only; the timer's line is not modelled as an edge */
    }
    STEP("%u (of vCPU %u) becomes %s", intid, n, q->edge ? "level" : "edge");
    q->edge = !q->edge;
    if (intid < 32u) {
        gicr_write(v, n, GICR_SGI + offset, 4, gicr_read(v, n, GICR_SGI + offset, 4) ^ bit);
    } else {
        gicd_write(v, offset, 4, gicd_read(v, offset, 4) ^ bit);
    }
}

static void step_group(struct vcpu *v)
{
    if (rnd(2) == 0u) {
        STEP("GICD_CTLR toggles");
        ref.group1 = !ref.group1;
        gicd_write(v, GICD_CTLR, 4, ref.group1 ? 2u : 0u);
    } else {
        uint32_t word = rnd(1u + ref.spis / 32u);
        uint32_t n = rnd(ref.vcpus);
        uint32_t value = rnd(UINT32_MAX) | rnd(UINT32_MAX) | rnd(UINT32_MAX);
        STEP("groups of word %u become %08x", word, value);
        for (uint32_t i = 0; i < 32u; i++) {
            ref_irq(&ref, n, word * 32u + i)->group1 = (value & (1u << i)) != 0u;
        }
        if (word == 0u) {
            gicr_write(v, n, GICR_SGI + GICD_IGROUPR, 4, value);
        } else {
            gicd_write(v, GICD_IGROUPR + 4u * word, 4, value);
        }
    }
}

static void step_acknowledge(struct vcpu *v)
{
    uint32_t intid = guest_iar(v);

    STEP("vCPU %u takes %u", v->id, intid);
    assert_int_equal(intid, ref_hppi(&ref, v->id, prio_mask));
    if (intid != SPURIOUS) {
        ref_acknowledge(&ref, v->id, intid, guest_group_priority(v, ref_irq(&ref, v->id, intid)->priority));
    }
}

static void step_end(struct vcpu *v)
{
    struct ref_vcpu *q = &ref.vcpu[v->id];

    if (q->depth != 0u && (q->undeactivated_count == 0u || rnd(2) == 0u)) {
        uint32_t intid = q->taken[q->depth - 1u];
        STEP("vCPU %u ends %u", v->id, intid);
        guest_eoir(v, intid);
        ref_end(&ref, v->id, intid);
    } else if (q->undeactivated_count != 0u) {
        uint32_t at = rnd(q->undeactivated_count);
        uint32_t intid = q->undeactivated[at];
        STEP("vCPU %u deactivates %u", v->id, intid);
        q->undeactivated[at] = q->undeactivated[--q->undeactivated_count];
        ref_irq(&ref, v->id, intid)->active = false;
        guest_dir(v, intid);
    }
}

static void step_switch(void)
{
    struct vcpu *v = model.vcpu[rnd(model.options.vcpus)];

    if (model_is_loaded(v)) {
        STEP("vCPU %u is unloaded", v->id);
        model_unload(v);
    } else {
        STEP("vCPU %u is loaded", v->id);
        model_load(v);
    }
}

static void step(void)
{
    uint32_t what = rnd(40);
    struct vcpu *v = some_loaded();

    if (what < 3u || v == NULL) {
        step_switch();
    } else if (what < 9u) {
        step_device();
    } else if (what < 12u) {
        step_private();
    } else if (what < 16u) {
        step_sgi(v);
    } else if (what < 21u) {
        step_bits(v);
    } else if (what < 23u) {
        step_priority(v);
    } else if (what < 25u) {
        step_route(v);
    } else if (what < 26u) {
        step_config(v);
    } else if (what < 27u) {
        if (rnd(4) == 0u) {
            step_group(v);
        }
    } else if (what < 28u) {
        ref.vcpu[v->id].pmr = (rnd(4) != 0u) ? 0xf8u : rnd(32) * 8u;
        STEP("mask of vCPU %u becomes %x", v->id, ref.vcpu[v->id].pmr);
        guest_set_pmr(v, (uint8_t)ref.vcpu[v->id].pmr);
    } else if (what < 34u) {
        for (uint32_t i = 0; i < 3u && guest_hppir(v) != SPURIOUS; i++) {
            step_acknowledge(v);
            check();
        }
    } else {
        step_end(v);
    }
}

static void run(uint64_t from, const struct model_options *o, uint32_t steps, bool split)
{
    seed = from;
    trace = getenv("VGIC_TRACE") != NULL;
    STEP("start %lu: %u CPUs, %u vCPUs, %u SPIs, %u LRs, EOImode %d", (unsigned long)from, o->cpus, o->vcpus, o->spis,
         o->lrs, split);
    model_start(o);
    ref_start(&ref, o->vcpus, o->spis);
    prio_mask = (0xffu << (8u - o->pribits)) & 0xffu;
    for (uint32_t i = 0; i < o->vcpus; i++) {
        model_load(model.vcpu[i]);
        guest_set_pmr(model.vcpu[i], 0xf8);
        guest_enable(model.vcpu[i], true);
        guest_set_eoimode(model.vcpu[i], split);
        ref.vcpu[i].pmr = 0xf8;
        ref.vcpu[i].enabled = true;
        ref.vcpu[i].split = split;
    }
    gicd_write(some_loaded(), GICD_CTLR, 4, 2);
    ref.group1 = true;
    for (uint32_t intid = 32; intid < 32u + o->spis; intid++) {
        if (is_board(intid)) {
            assert_int_equal(arch_spi_bind(&model.domain, intid), OK);
        }
    }
    for (uint32_t i = 0; i < steps; i++) {
        step();
        check();
    }
    model_stop();
}

/* [utest->dsn~vgic-delivery~1] [utest->dsn~vgic-state-readable~1] [utest->dsn~vgic-switch~1] */
static void delivers_what_a_gic_would(void **state)
{
    static const uint32_t lrs[] = {1, 2, 4, 16};
    const char *from = getenv("VGIC_SEED");
    uint64_t first = (from != NULL) ? strtoul(from, NULL, 0) : 13000u;

    (void)state;
    for (uint32_t i = 0; i < 48u; i++) {
        struct model_options o = {.cpus = 1u + i % 4u,
                                  .vcpus = 1u + i * 3u % 8u,
                                  .spis = (i % 3u) * 32u + 32u,
                                  .lrs = lrs[(i / 2u) % 4u],
                                  .pribits = 5u + (i / 8u) % 3u,
                                  .no_tds = i % 8u == 4u};
        run(first + i, &o, 5000, (i & 1u) != 0u);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_what_a_gic_would),
    };

    (void)argc;
    (void)argv;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
