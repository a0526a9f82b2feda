/* SPDX-License-Identifier: Apache-2.0 */
/* Single cases of delivery that the random sequences do not single out, or that they cannot judge. */
#include "fixture.h"

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
    arch_inject(v1, SPI);
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
    arch_inject(v0, SPI);
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
    arch_inject(v0, SPI);
    assert_int_equal(take(v0), SPURIOUS);
    arch_inject(v0, SPI + 1u);
    assert_int_equal(take(v0), SPI + 1u);
    guest_eoir(v0, SPI + 1u);
    gicd_write(v0, GICD_CTLR, 4, 3);
    model_settle();
    assert_int_equal(cpu0()->lr[0] & (LR_STATE | LR_GROUP1 | 0x3ffu), LR_PENDING | SPI);
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
    arch_inject(v2, 31);
    vgic_send_sgi(v1, UINT64_C(5) << 24 | 4u);
    v2->notify = 0; /* nobody looked */
    model_load(v2);
    guest_set_pmr(v2, 0xf8);
    guest_enable(v2, true);
    assert_int_equal(guest_iar(v2), 31);
    guest_eoir(v2, 31);
    assert_int_equal(guest_iar(v2), 5);
}

/* Of a line's changes the last one counts.  [utest->dsn~vgic-posting~2] */
static void lines_keep_their_order(void **state)
{
    (void)state;
    begin(4, false);
    model_line(v0, 30, true);
    model_line(v0, 30, false);
    assert_int_equal(take(v0), SPURIOUS);
    model_line(v0, 30, true);
    model_line(v0, 30, false);
    model_line(v0, 30, true);
    assert_int_equal(take(v0), 30);
}

/* Affinities that no vCPU has, and group 0: an SGI goes nowhere.  [utest->dsn~vgic-sgi~1] */
static void sgi_to_nobody(void **state)
{
    static const uint64_t fields[] = {BIT(32), BIT(48), BIT(44), BIT(16), BIT(20)};

    (void)state;
    begin(4, false);
    model_enter(v0);
    for (uint32_t i = 0; i < ARRAY_SIZE(fields); i++) {
        vgic_send_sgi(v0, fields[i] | 3u);
    }
    vgic_send_sgi(v0, 0xfff8);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(take(v1), SPURIOUS);
    gicr_write(v0, 0, GICR_SGI + GICD_IGROUPR, 4, ~UINT32_C(1));
    model_enter(v0);
    vgic_send_sgi(v0, 1);
    assert_int_equal(gicr_read(v0, 0, GICR_SGI + GICD_ISPENDR, 4), 0);
}

/* A vCPU waits in WFI, its registers still in its CPU or not: whatever comes on that CPU has it looked at.
 * [utest->dsn~vgic-wake~1] */
static void a_waiting_vcpu_is_woken(void **state)
{
    struct vcpu *v2;

    (void)state;
    begin(4, false);
    v2 = model.vcpu[2]; /* lives on the CPU of v0 */
    for (uint32_t loaded = 0; loaded < 2u; loaded++) {
        struct vcpu *t = (loaded != 0u) ? v0 : v2;
        t->state = VCPU_BLOCKED;
        gicd_write(v1, GICD_IROUTER + 8u * SPI, 8, t->id);
        gicr_write(v0, t->id, GICR_SGI + GICD_ISENABLER, 4, UINT32_MAX);
        model_settle();
        model_enter(v0);
        arch_inject(v0, SPI);
        assert_int_equal(t->notify, VCPU_NOTIFY_IRQ);
        model_settle();
        model_enter(v0);
        arch_inject(t, 20);
        assert_int_equal(t->notify, VCPU_NOTIFY_IRQ);
        model_settle();
        model_line(t, 21, true);
        assert_int_equal(t->notify, VCPU_NOTIFY_IRQ);
        model_settle();
        gicr_write(v0, t->id, GICR_SGI + GICD_ISPENDR, 4, BIT(22));
        assert_int_equal(t->notify, VCPU_NOTIFY_IRQ);
        model_settle();
        gicd_write(v0, GICD_ISPENDR + 4, 4, SPI_BIT << 1);
        gicd_write(v0, GICD_IROUTER + 8u * (SPI + 1u), 8, t->id);
        assert_int_equal(t->notify, VCPU_NOTIFY_IRQ);
        model_settle();
        assert_true(vgic_has_pending(t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sgi_to_self_is_one_write, stop),
        cmocka_unit_test_teardown(idle_switch_touches_no_list_register, stop),
        cmocka_unit_test_teardown(any_vcpu_takes_it_once, stop),
        cmocka_unit_test_teardown(waits_for_a_vcpu, stop),
        cmocka_unit_test_teardown(group_0_waits_for_its_enable, stop),
        cmocka_unit_test_teardown(what_came_before_the_first_load, stop),
        cmocka_unit_test_teardown(lines_keep_their_order, stop),
        cmocka_unit_test_teardown(sgi_to_nobody, stop),
        cmocka_unit_test_teardown(a_waiting_vcpu_is_woken, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
