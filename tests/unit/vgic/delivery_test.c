/* SPDX-License-Identifier: Apache-2.0 */
/* Single cases of delivery that the random sequences do not single out, or that they cannot judge. */
#include "model.h"
#include "arch/arm64/vgic_internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define SPI       40u
#define SPI_BIT   BIT(8) /* in word 1 */
#define TIMER     27u
#define TIMER_BIT BIT(27)

static struct vcpu *v0, *v1;

/* Two vCPUs on a CPU each, everything enabled, priorities 0x80. */
static void begin(uint32_t lrs, bool no_tds)
{
    const struct model_options o = {.cpus = 2, .vcpus = 3, .spis = 64, .lrs = lrs, .pribits = 5, .no_tds = no_tds};

    model_start(&o);
    v0 = model.vcpu[0];
    v1 = model.vcpu[1];
    gicd_write(v0, GICD_CTLR, 4, 2);
    for (uint32_t i = 0; i < 2u; i++) {
        gicr_write(model.vcpu[i], i, GICR_SGI + GICD_ISENABLER, 4, UINT32_MAX);
        for (uint32_t n = 0; n < 32u; n += 4u) {
            gicr_write(model.vcpu[i], i, GICR_SGI + GICD_IPRIORITYR + n, 4, 0x80808080);
        }
        guest_set_pmr(model.vcpu[i], 0xf8);
        guest_enable(model.vcpu[i], true);
    }
    for (uint32_t n = 32; n < 96u; n += 4u) {
        gicd_write(v0, GICD_IPRIORITYR + n, 4, 0x80808080);
    }
    gicd_write(v0, GICD_ISENABLER + 4, 4, UINT32_MAX);
    gicd_write(v0, GICD_ISENABLER + 8, 4, UINT32_MAX);
    model_settle();
}

static uint32_t take(struct vcpu *v)
{
    model_settle();
    return guest_iar(v);
}

static struct model_cpu *cpu0(void)
{
    return &model.cpu[0];
}

static int stop(void **state)
{
    (void)state;
    model_stop();
    return 0;
}

/* ---- linked to hardware ---- */

/* The guest's end of the virtual interrupt is the physical one's.  [utest->dsn~vgic-linked~1] */
static void guest_ends_the_physical_interrupt(void **state)
{
    (void)state;
    begin(4, false);
    model_timer_line(v0, true);
    assert_int_equal(take(v0), TIMER);
    assert_int_equal(cpu0()->phys_active, TIMER_BIT);
    model_timer_line(v0, false);
    guest_eoir(v0, TIMER);
    assert_int_equal(cpu0()->phys_active, 0);
    assert_int_equal(cpu0()->deactivations, 0); /* the hardware did it */
    assert_int_equal(take(v0), SPURIOUS);
    model_timer_line(v0, true);
    assert_int_equal(take(v0), TIMER);
}

/* It stays high: it comes again after each end.  [utest->dsn~vgic-linked~1] */
static void a_line_that_stays_high_comes_again(void **state)
{
    (void)state;
    begin(4, false);
    model_timer_line(v0, true);
    for (uint32_t i = 0; i < 5u; i++) {
        assert_int_equal(take(v0), TIMER);
        assert_int_equal(take(v0), SPURIOUS);
        guest_eoir(v0, TIMER);
    }
}

/* Disabled while it waits, the timer reprogrammed meanwhile: no old interrupt when it is enabled.
 * [utest->dsn~vgic-linked~1] */
static void disabled_and_reprogrammed_leaves_nothing(void **state)
{
    (void)state;
    begin(4, false);
    gicr_write(v0, 0, GICR_SGI + GICD_ICENABLER, 4, TIMER_BIT);
    model_timer_line(v0, true);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(cpu0()->phys_active, TIMER_BIT); /* no storm */
    assert_int_equal(gicr_read(v0, 0, GICR_SGI + GICD_ISPENDR, 4), TIMER_BIT);
    model_timer_line(v0, false);
    assert_int_equal(gicr_read(v0, 0, GICR_SGI + GICD_ISPENDR, 4), 0);
    gicr_write(v0, 0, GICR_SGI + GICD_ISENABLER, 4, TIMER_BIT);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(cpu0()->phys_active, 0);
    model_timer_line(v0, true);
    assert_int_equal(take(v0), TIMER);
}

/* Reprogrammed while it waits in a list register: gone at the next exit that looks.  [utest->dsn~vgic-linked~1] */
static void reprogrammed_while_pending_is_withdrawn(void **state)
{
    (void)state;
    begin(4, false);
    model_timer_line(v0, true);
    model_settle();
    assert_int_equal(gicr_read(v0, 0, GICR_SGI + GICD_ISPENDR, 4), TIMER_BIT);
    model_timer_line(v0, false);
    assert_int_equal(gicr_read(v0, 0, GICR_SGI + GICD_ISPENDR, 4), 0);
    model_timer_line(v0, true);
    model_settle();
    model_timer_line(v0, false);
    vgic_maintenance(v0);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(cpu0()->phys_active, 0);
}

/* The same at a switch: nothing is in flight.  [utest->dsn~vgic-linked~1] */
static void reprogrammed_before_a_switch_is_not_in_flight(void **state)
{
    (void)state;
    begin(4, false);
    model_timer_line(v0, true);
    model_settle();
    model_timer_line(v0, false);
    model_enter(v0);
    vgic_save(v0);
    assert_false(vgic_hw_in_flight(v0, TIMER));
    assert_int_equal(cpu0()->phys_active, 0);
    vgic_load(v0);
    assert_int_equal(take(v0), SPURIOUS);
}

/* ICACTIVER of the timer that is being handled lets the physical one go.  [utest->dsn~vgic-linked~1] */
static void deactivated_by_register(void **state)
{
    (void)state;
    begin(4, false);
    model_timer_line(v0, true);
    assert_int_equal(take(v0), TIMER);
    assert_int_equal(gicr_read(v0, 0, GICR_SGI + GICD_ISACTIVER, 4), TIMER_BIT);
    model_timer_line(v0, false);
    gicr_write(v0, 0, GICR_SGI + GICD_ICACTIVER, 4, TIMER_BIT);
    assert_int_equal(gicr_read(v0, 0, GICR_SGI + GICD_ISACTIVER, 4), 0);
    assert_int_equal(cpu0()->phys_active, 0);
    assert_int_equal(cpu0()->deactivations, 1);
}

/* ISPENDR while it is handled: once more after its end, then the physical one is let go.
 * [utest->dsn~vgic-linked~1] */
static void made_pending_while_handled(void **state)
{
    (void)state;
    begin(4, false);
    model_timer_line(v0, true);
    assert_int_equal(take(v0), TIMER);
    model_timer_line(v0, false);
    gicr_write(v0, 0, GICR_SGI + GICD_ISPENDR, 4, TIMER_BIT);
    assert_int_equal(gicr_read(v0, 0, GICR_SGI + GICD_ISPENDR, 4), TIMER_BIT);
    guest_eoir(v0, TIMER);
    assert_int_equal(take(v0), TIMER);
    guest_eoir(v0, TIMER);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(cpu0()->phys_active, 0);
}

/* In flight when the vCPU leaves its CPU: in flight when it is back, on its list register again.
 * [utest->dsn~vgic-linked~1] [utest->dsn~vgic-switch~1] */
static void moves_with_its_vcpu(void **state)
{
    (void)state;
    begin(4, false);
    model_timer_line(v0, true);
    assert_int_equal(take(v0), TIMER);
    model_unload(v0);
    assert_true(vgic_hw_in_flight(v0, TIMER));
    assert_int_equal(cpu0()->phys_active, 0);
    model_load(model.vcpu[2]);
    assert_int_equal(guest_iar(model.vcpu[2]), SPURIOUS);
    model_load(v0);
    assert_int_equal(cpu0()->phys_active, TIMER_BIT);
    model_timer_line(v0, false);
    guest_eoir(v0, TIMER);
    assert_int_equal(cpu0()->phys_active, 0);
    model_unload(v0);
    assert_false(vgic_hw_in_flight(v0, TIMER));
}

/* ---- cost ---- */

/* An SGI to oneself writes one list register and reads none.  [utest->dsn~vgic-sgi-cost~1] */
static void sgi_to_self_is_one_write(void **state)
{
    uint32_t reads, writes;

    (void)state;
    begin(4, false);
    for (uint32_t i = 0; i < 3u; i++) {
        reads = cpu0()->lr_reads;
        writes = cpu0()->lr_writes;
        model_enter(v0);
        vgic_send_sgi(v0, UINT64_C(3) << 24 | 1u);
        assert_int_equal(cpu0()->lr_reads, reads);
        assert_int_equal(cpu0()->lr_writes, writes + 1u);
        assert_int_equal(guest_iar(v0), 3);
        guest_eoir(v0, 3);
    }
}

/* Nothing pending: switching touches no list register.  [utest->dsn~vgic-switch~1] */
static void idle_switch_touches_no_list_register(void **state)
{
    uint32_t accesses;

    (void)state;
    begin(4, false);
    model_unload(v0);
    accesses = cpu0()->lr_reads + cpu0()->lr_writes;
    model_load(model.vcpu[2]);
    model_load(v0);
    model_unload(v0);
    assert_int_equal(cpu0()->lr_reads + cpu0()->lr_writes, accesses);
    assert_int_equal(cpu0()->hcr, ICH_HCR_EN);
}

/* ---- more active interrupts than list registers ---- */

/* SPIs 40.. with priorities 0x70, 0x68 ..: each preempts the one before. */
static void nest(uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++) {
        gicd_write(v0, GICD_IPRIORITYR + SPI + i, 1, 0x70u - 8u * i);
        vgic_pend(v0, SPI + i);
        assert_int_equal(take(v0), SPI + i);
    }
}

/* Its end is not forgotten when an access has to wait right after it.  [utest->dsn~vgic-overflow~1] */
static void an_end_before_a_waiting_access(void **state)
{
    uint32_t last;

    (void)state;
    begin(1, false);
    gicd_write(v0, GICD_IROUTER + 8u * 70u, 8, 1);
    vgic_pend(v0, 70);
    nest(2);
    vgic_pend(v0, SPI + 2u); /* takes the list register of the innermost one once that ends */
    model_settle();
    guest_eoir(v0, SPI + 1u);
    last = (cpu0()->hcr >> ICH_HCR_EOICOUNT_SHIFT) != 0u ? 1u : 0u;
    assert_int_equal(gicd_read(v0, GICD_ISPENDR + 8, 4), BIT(6));
    assert_int_equal(last, 1);
    model_settle();
    assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4), SPI_BIT);
}

/* Active and pending again: what is more urgent and waits outside goes first.  [utest->dsn~vgic-priority~1] */
static void pending_again_does_not_overtake(void **state)
{
    (void)state;
    begin(2, false);
    gicd_write(v0, GICD_ICFGR + SPI / 16u * 4u, 4, UINT32_MAX);
    gicd_write(v0, GICD_IPRIORITYR + SPI + 1u, 1, 0x60);
    gicd_write(v0, GICD_IPRIORITYR + SPI + 2u, 1, 0x68);
    gicd_write(v0, GICD_IPRIORITYR + SPI + 3u, 1, 0x70);
    vgic_pend(v0, SPI + 3u);
    assert_int_equal(take(v0), SPI + 3u);
    guest_set_pmr(v0, 0x10);
    vgic_pend(v0, SPI + 3u);
    vgic_pend(v0, SPI + 1u);
    vgic_pend(v0, SPI + 2u);
    model_settle();
    guest_eoir(v0, SPI + 3u);
    guest_set_pmr(v0, 0xf8);
    for (uint32_t i = 1; i <= 3u; i++) {
        assert_int_equal(take(v0), SPI + i);
        guest_eoir(v0, SPI + i);
    }
}

/* [utest->dsn~vgic-overflow~1] */
static void active_ones_beyond_the_list_registers_end_in_order(void **state)
{
    (void)state;
    begin(2, false);
    nest(10);
    assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4), 0x3ff00);
    for (uint32_t i = 10; i-- > 0u;) {
        guest_eoir(v0, SPI + i);
        model_settle();
        assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4), ((1u << i) - 1u) << 8);
    }
    assert_int_equal(take(v0), SPURIOUS);
}

/* EOImode 1: ended in order, deactivated in any.  [utest->dsn~vgic-overflow~1] */
static void deactivated_in_any_order(void **state)
{
    uint32_t left = 0x3ff00;

    (void)state;
    begin(2, false);
    guest_set_eoimode(v0, true);
    nest(10);
    for (uint32_t i = 10; i-- > 0u;) {
        guest_eoir(v0, SPI + i);
    }
    for (uint32_t i = 0; i < 10u; i++) {
        uint32_t n = i * 7u % 10u;
        model_enter(v0);
        guest_dir(v0, SPI + n);
        model_settle();
        left &= ~(0x100u << n);
        assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4), left);
    }
}

/* ICC_DIR_EL1 cannot be trapped (ICH_VTR_EL2.TDS 0) and EOImode is 1: what does not fit waits for the end of one that
 * does; nothing is lost.  [utest->dsn~vgic-overflow~1] */
static void without_the_trap_they_wait(void **state)
{
    (void)state;
    begin(2, true);
    guest_set_eoimode(v0, true);
    gicd_write(v0, GICD_ICFGR + SPI / 16u * 4u, 4, UINT32_MAX);
    nest(2);
    vgic_pend(v0, SPI + 2u);
    gicd_write(v0, GICD_IPRIORITYR + SPI + 2u, 1, 0);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(gicd_read(v0, GICD_ISPENDR + 4, 4), SPI_BIT << 2);
    guest_eoir(v0, SPI + 1u);
    assert_int_equal(take(v0), SPURIOUS);
    guest_dir(v0, SPI + 1u);
    assert_int_equal(take(v0), SPI + 2u);
    guest_eoir(v0, SPI + 2u);
    guest_dir(v0, SPI + 2u);
    guest_eoir(v0, SPI);
    guest_dir(v0, SPI);
    model_settle();
    assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4), 0);
}

/* All 64 SPIs pending, two list registers: each is delivered once, the most urgent first.
 * [utest->dsn~vgic-overflow~1] [utest->dsn~vgic-priority~1] */
static void many_pending_come_in_order(void **state)
{
    (void)state;
    begin(2, false);
    for (uint32_t i = 0; i < 64u; i++) {
        gicd_write(v0, GICD_IPRIORITYR + 32u + i, 1, (i * 5u % 16u) * 8u);
    }
    for (uint32_t i = 0; i < 64u; i++) {
        vgic_pend(v0, 32u + (i * 11u) % 64u);
    }
    for (uint32_t i = 0; i < 64u; i++) {
        uint32_t intid = take(v0);
        assert_in_range(intid, 32, 95);
        assert_int_equal(gicd_read(v0, GICD_IPRIORITYR + intid, 1), i / 4u * 8u);
        guest_eoir(v0, intid);
    }
    assert_int_equal(take(v0), SPURIOUS);
}

/* ---- routing ---- */

/* IRM = 1: one vCPU that is on gets it, once.  [utest->dsn~vgic-any~1] */
static void any_vcpu_takes_it_once(void **state)
{
    uint32_t taken = 0;

    (void)state;
    begin(4, false);
    v0->power = VCPU_POWER_OFF;
    model.vcpu[2]->power = VCPU_POWER_OFF;
    gicd_write(v1, GICD_IROUTER + 8u * SPI, 8, BIT(31));
    assert_int_equal(gicd_read(v1, GICD_IROUTER + 8u * SPI, 8), BIT(31));
    vgic_pend(v1, SPI);
    model_settle();
    taken += (guest_iar(v0) == SPI) ? 1u : 0u;
    assert_int_equal(taken, 0);
    assert_int_equal(guest_iar(v1), SPI);
    guest_eoir(v1, SPI);
    assert_int_equal(take(v1), SPURIOUS);
    assert_int_equal(take(v0), SPURIOUS);
}

/* Routed to an affinity that nobody has, it waits; routed to a vCPU, it comes.  [utest->dsn~vgic-delivery~1] */
static void waits_for_a_vcpu(void **state)
{
    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, UINT64_C(0x100000001));
    assert_int_equal(gicd_read(v0, GICD_IROUTER + 8u * SPI, 8), UINT64_C(0x100000001));
    vgic_pend(v0, SPI);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(take(v1), SPURIOUS);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    assert_int_equal(take(v1), SPI);
}

/* Group 0 with its group disabled is kept; group 1 interrupts pass it.  [utest->dsn~vgic-delivery~1] */
static void group_0_waits_for_its_enable(void **state)
{
    (void)state;
    begin(1, false);
    gicd_write(v0, GICD_IGROUPR + 4, 4, ~(uint32_t)SPI_BIT);
    gicd_write(v0, GICD_IPRIORITYR + SPI, 1, 0);
    vgic_pend(v0, SPI);
    assert_int_equal(take(v0), SPURIOUS);
    vgic_pend(v0, SPI + 1u);
    assert_int_equal(take(v0), SPI + 1u);
    guest_eoir(v0, SPI + 1u);
    gicd_write(v0, GICD_CTLR, 4, 3);
    model_settle();
    assert_int_equal(cpu0()->lr[0] & (LR_STATE | LR_GROUP1 | 0x3ffu), LR_PENDING | SPI);
}

/* ---- state that is on another CPU ---- */

static bool read_once(struct vcpu *v, uint32_t offset, uint64_t *value)
{
    struct mmio m = {.offset = offset, .size = 4};

    model_enter(v);
    assert_true(vgic_gicd_access(v, &m));
    *value = m.value;
    return !m.again;
}

/* vCPU 1 took it and told nobody: a read by vCPU 0 waits for its CPU's answer, takes no interrupt meanwhile, and is
 * right.  [utest->dsn~vgic-state-registers~1] */
static void asks_the_cpu_that_knows(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    vgic_pend(v0, SPI);
    model_settle();
    assert_int_equal(guest_iar(v1), SPI);
    model_enter(v0);
    vgic_send_sgi(v0, 1);
    assert_false(read_once(v0, GICD_ISACTIVER + 4, &value));
    assert_int_equal(guest_hppir(v0), SPURIOUS);
    model_settle_cpu(0);
    assert_false(read_once(v0, GICD_ISACTIVER + 4, &value)); /* no answer yet */
    model_settle_cpu(1);
    assert_true(read_once(v0, GICD_ISACTIVER + 4, &value));
    assert_int_equal(value, SPI_BIT);
    assert_int_equal(guest_hppir(v0), 0); /* the SGI */
}

/* The answer to a read that the guest gave up is not taken for a later one.  [utest->dsn~vgic-state-registers~1] */
static void an_old_answer_is_not_used(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    vgic_pend(v0, SPI);
    model_settle();
    assert_false(read_once(v0, GICD_ISACTIVER + 4, &value));
    model_settle_cpu(1); /* answers: not active */
    model_enter(v0);
    assert_false(vgic_has_pending(v0)); /* the guest does something else */
    assert_int_equal(guest_iar(v1), SPI);
    assert_false(read_once(v0, GICD_ISACTIVER + 4, &value));
    model_settle_cpu(1);
    assert_true(read_once(v0, GICD_ISACTIVER + 4, &value));
    assert_int_equal(value, SPI_BIT);
}

/* An interrupt that came to another CPU after the question is asked for again.  [utest->dsn~vgic-state-registers~1] */
static void asks_again_for_what_is_new(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    gicd_write(v0, GICD_IROUTER + 8u * (SPI + 1u), 8, 1);
    vgic_pend(v0, SPI);
    model_settle();
    assert_false(read_once(v0, GICD_ISPENDR + 4, &value));
    model_settle_cpu(1);
    model_enter(v1);
    vgic_pend(v1, SPI + 1u);
    assert_false(read_once(v0, GICD_ISPENDR + 4, &value));
    model_settle_cpu(1);
    assert_true(read_once(v0, GICD_ISPENDR + 4, &value));
    assert_int_equal(value, SPI_BIT * 3u);
}

/* Other accesses go on while an answer is missing, and interrupts come again.  [utest->dsn~vgic-state-registers~1] */
static void giving_up_lets_interrupts_in(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    vgic_pend(v0, SPI);
    model_settle();
    assert_false(read_once(v0, GICD_ISACTIVER + 4, &value));
    model_enter(v0);
    vgic_send_sgi(v0, 1);
    assert_int_equal(guest_hppir(v0), SPURIOUS);
    assert_true(read_once(v0, GICD_TYPER, &value));
    assert_int_equal(guest_hppir(v0), 0);
    assert_false(read_once(v0, GICD_ISPENDR + 4, &value));
    model_unload(v0);
    model_settle();
    model_load(v0);
    assert_int_equal(guest_hppir(v0), 0);
    assert_int_equal(gicd_read(v0, GICD_ISPENDR + 4, 4), SPI_BIT);
}

/* Disabling what another CPU has in a list register: GICD_CTLR.RWP says until when.  [utest->dsn~vgic-rwp~1] */
static void rwp_until_it_is_withdrawn(void **state)
{
    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    vgic_pend(v0, SPI);
    model_settle();
    model_enter(v0);
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    assert_int_equal(gicd_read(v0, GICD_CTLR, 4), UINT32_C(0x80000052));
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    model_settle_cpu(1);
    assert_int_equal(gicd_read(v0, GICD_CTLR, 4), 0x52);
    assert_int_equal(guest_iar(v1), SPURIOUS);
}

/* A vCPU that was never loaded gets what came before.  [utest->dsn~vgic-delivery~1] */
static void what_came_before_the_first_load(void **state)
{
    struct vcpu *v2;

    (void)state;
    begin(4, false);
    v2 = model.vcpu[2];
    gicr_write(v0, 2, GICR_SGI + GICD_ISENABLER, 4, BIT(5) | BIT(31));
    gicr_write(v0, 2, GICR_SGI + GICD_IPRIORITYR + 4, 4, 0x10101010);
    model_enter(v1);
    vgic_pend(v2, 31);
    vgic_send_sgi(v1, UINT64_C(5) << 24 | 4u);
    v2->notify = 0; /* nobody looked */
    model_load(v2);
    guest_set_pmr(v2, 0xf8);
    guest_enable(v2, true);
    assert_int_equal(guest_iar(v2), 31);
    guest_eoir(v2, 31);
    assert_int_equal(guest_iar(v2), 5);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, stop)
    const struct CMUnitTest tests[] = {
        T(guest_ends_the_physical_interrupt),
        T(a_line_that_stays_high_comes_again),
        T(disabled_and_reprogrammed_leaves_nothing),
        T(reprogrammed_while_pending_is_withdrawn),
        T(reprogrammed_before_a_switch_is_not_in_flight),
        T(deactivated_by_register),
        T(made_pending_while_handled),
        T(moves_with_its_vcpu),
        T(sgi_to_self_is_one_write),
        T(idle_switch_touches_no_list_register),
        T(an_end_before_a_waiting_access),
        T(pending_again_does_not_overtake),
        T(active_ones_beyond_the_list_registers_end_in_order),
        T(deactivated_in_any_order),
        T(without_the_trap_they_wait),
        T(many_pending_come_in_order),
        T(any_vcpu_takes_it_once),
        T(waits_for_a_vcpu),
        T(group_0_waits_for_its_enable),
        T(asks_the_cpu_that_knows),
        T(an_old_answer_is_not_used),
        T(asks_again_for_what_is_new),
        T(giving_up_lets_interrupts_in),
        T(rwp_until_it_is_withdrawn),
        T(what_came_before_the_first_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
