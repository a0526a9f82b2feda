/* SPDX-License-Identifier: Apache-2.0 */
/* Private interrupts that stand for a physical one. */
#include "fixture.h"

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

/* The same with the interrupt configured as an edge: pending and active at once, not linked meanwhile.
 * [utest->dsn~vgic-linked~1] */
static void an_edge_pending_again_while_handled(void **state)
{
    (void)state;
    begin(4, false);
    gicr_write(v0, 0, GICR_SGI + GICD_ICFGR + 4, 4, UINT32_C(2) << 22);
    model_timer_line(v0, true);
    assert_int_equal(take(v0), TIMER);
    model_timer_line(v0, false);
    gicr_write(v0, 0, GICR_SGI + GICD_ISPENDR, 4, TIMER_BIT);
    guest_eoir(v0, TIMER);
    assert_int_equal(take(v0), TIMER);
    guest_eoir(v0, TIMER);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(cpu0()->phys_active, 0);
}

/* Switched off with its timer in flight and on again: nothing of it is left.  [utest->dsn~vgic-linked~1] */
static void reset_ends_what_was_in_flight(void **state)
{
    (void)state;
    begin(4, false);
    model_timer_line(v0, true);
    model_settle();
    model_unload(v0);
    vgic_vcpu_reset(v0);
    assert_false(vgic_hw_in_flight(v0, TIMER));
    model_timer_line(v0, false);
    model_load(v0);
    gicr_write(v0, 0, GICR_SGI + GICD_ISENABLER, 4, TIMER_BIT);
    guest_set_pmr(v0, 0xf8);
    guest_enable(v0, true);
    assert_int_equal(take(v0), SPURIOUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(guest_ends_the_physical_interrupt, stop),
        cmocka_unit_test_teardown(a_line_that_stays_high_comes_again, stop),
        cmocka_unit_test_teardown(disabled_and_reprogrammed_leaves_nothing, stop),
        cmocka_unit_test_teardown(reprogrammed_while_pending_is_withdrawn, stop),
        cmocka_unit_test_teardown(reprogrammed_before_a_switch_is_not_in_flight, stop),
        cmocka_unit_test_teardown(deactivated_by_register, stop),
        cmocka_unit_test_teardown(made_pending_while_handled, stop),
        cmocka_unit_test_teardown(moves_with_its_vcpu, stop),
        cmocka_unit_test_teardown(an_edge_pending_again_while_handled, stop),
        cmocka_unit_test_teardown(reset_ends_what_was_in_flight, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
