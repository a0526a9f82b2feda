/* SPDX-License-Identifier: Apache-2.0 */
/* More interrupts than list registers. */
#include "fixture.h"

/* Its end is not forgotten when an access has to wait right after it.  [utest->dsn~vgic-overflow~1] */
static void an_end_before_a_waiting_access(void **state)
{
    uint32_t last;

    (void)state;
    begin(1, false);
    gicd_write(v0, GICD_IROUTER + 8u * 70u, 8, 1);
    arch_inject(v0, 70);
    nest(2);
    arch_inject(v0, SPI + 2u); /* takes the list register of the innermost one once that ends */
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
    arch_inject(v0, SPI + 3u);
    assert_int_equal(take(v0), SPI + 3u);
    guest_set_pmr(v0, 0x10);
    arch_inject(v0, SPI + 3u);
    arch_inject(v0, SPI + 1u);
    arch_inject(v0, SPI + 2u);
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
    arch_inject(v0, SPI + 2u);
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

/* The same across a switch: the active ones come back first.  [utest->dsn~vgic-overflow~1] */
static void without_the_trap_active_ones_come_back_first(void **state)
{
    (void)state;
    begin(1, true);
    guest_set_eoimode(v0, true);
    nest(1);
    arch_inject(v0, SPI + 1u);
    gicd_write(v0, GICD_IPRIORITYR + SPI + 1u, 1, 0);
    model_unload(v0);
    model_load(v0);
    guest_eoir(v0, SPI);
    guest_dir(v0, SPI);
    assert_int_equal(take(v0), SPI + 1u);
    assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4), SPI_BIT << 1);
}

/* What one vCPU made active by a register another one can deactivate by ICC_DIR_EL1.
 * [utest->dsn~vgic-state-readable~1] */
static void made_active_by_register_ends_by_dir(void **state)
{
    (void)state;
    begin(4, false);
    guest_set_eoimode(v1, true);
    gicd_write(v0, GICD_ISACTIVER + 4, 4, SPI_BIT);
    model_settle();
    guest_dir(v1, SPI);
    model_settle();
    assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4), 0);
}

static void made_active_in_a_redistributor_ends_by_dir(void **state)
{
    (void)state;
    begin(4, false);
    guest_set_eoimode(v1, true);
    gicr_write(v0, 1, GICR_SGI + GICD_ISACTIVER, 4, 1);
    guest_dir(v1, 0);
    assert_int_equal(gicr_read(v0, 1, GICR_SGI + GICD_ISACTIVER, 4), 0);
}

/* Made active by a register while it is being handled: the guest's end is the end.
 * [utest->dsn~vgic-state-readable~1] */
static void made_active_while_handled(void **state)
{
    (void)state;
    begin(4, false);
    arch_inject(v0, SPI);
    assert_int_equal(take(v0), SPI);
    gicd_write(v0, GICD_ISACTIVER + 4, 4, SPI_BIT);
    guest_eoir(v0, SPI);
    model_settle();
    assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4), 0);
}

/* An SGI to oneself that a register made active waits.  [utest->dsn~vgic-state-readable~1] */
static void active_sgi_waits(void **state)
{
    (void)state;
    begin(4, true);
    gicr_write(v0, 0, GICR_SGI + GICD_ISACTIVER, 4, 4);
    model_enter(v0);
    vgic_send_sgi(v0, UINT64_C(2) << 24 | 1u);
    assert_int_equal(take(v0), SPURIOUS);
    gicr_write(v0, 0, GICR_SGI + GICD_ICACTIVER, 4, 4);
    assert_int_equal(take(v0), 2);
    guest_eoir(v0, 2);
    assert_int_equal(take(v0), SPURIOUS);
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
        arch_inject(v0, 32u + (i * 11u) % 64u);
    }
    for (uint32_t i = 0; i < 64u; i++) {
        uint32_t intid = take(v0);
        assert_in_range(intid, 32, 95);
        assert_int_equal(gicd_read(v0, GICD_IPRIORITYR + intid, 1), i / 4u * 8u);
        guest_eoir(v0, intid);
    }
    assert_int_equal(take(v0), SPURIOUS);
}

/* More taken and not deactivated than can be kept: the next one waits for a deactivation, none is lost.
 * [utest->dsn~vgic-overflow~1] */
static void more_taken_than_can_be_displaced(void **state)
{
    uint32_t taken[40];
    uint32_t count = 0;
    uint32_t first;

    (void)state;
    begin(2, false);
    guest_set_eoimode(v0, true);
    for (uint32_t i = 0; i < 40u; i++) {
        arch_inject(v0, SPI + i);
    }
    for (uint32_t intid = take(v0); intid != SPURIOUS; intid = take(v0)) {
        assert_true(count < 40u);
        taken[count++] = intid;
        guest_eoir(v0, intid);
    }
    first = count;
    assert_in_range(first, 32, 39);
    while (count < 40u) {
        guest_dir(v0, taken[count - first]);
        taken[count] = take(v0);
        assert_int_equal(taken[count], SPI + count);
        guest_eoir(v0, taken[count]);
        count++;
    }
    for (uint32_t i = 40u - first; i < 40u; i++) {
        guest_dir(v0, taken[i]);
        model_settle();
    }
    assert_int_equal(gicd_read(v0, GICD_ISACTIVER + 4, 4) | gicd_read(v0, GICD_ISACTIVER + 8, 4), 0);
}

/* An SGI to oneself that comes again, in the list register that it had, does not overtake what waits outside.
 * [utest->dsn~vgic-priority~1] */
static void coming_again_does_not_overtake(void **state)
{
    (void)state;
    begin(2, false);
    gicd_write(v0, GICD_ICFGR + SPI / 16u * 4u, 4, UINT32_MAX);
    gicd_write(v0, GICD_IPRIORITYR + SPI, 1, 0x60);
    gicd_write(v0, GICD_IPRIORITYR + SPI + 1u, 1, 0x70);
    model_enter(v0);
    vgic_send_sgi(v0, UINT64_C(9) << 24 | 1u);
    assert_int_equal(take(v0), 9);
    guest_set_pmr(v0, 0x10);
    arch_inject(v0, SPI);
    arch_inject(v0, SPI + 1u);
    model_settle();
    guest_eoir(v0, 9);
    model_enter(v0);
    vgic_send_sgi(v0, UINT64_C(9) << 24 | 1u);
    guest_set_pmr(v0, 0xf8);
    assert_int_equal(take(v0), SPI);
    guest_eoir(v0, SPI);
    assert_int_equal(take(v0), SPI + 1u);
    guest_eoir(v0, SPI + 1u);
    assert_int_equal(take(v0), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_end_before_a_waiting_access, stop),
        cmocka_unit_test_teardown(pending_again_does_not_overtake, stop),
        cmocka_unit_test_teardown(active_ones_beyond_the_list_registers_end_in_order, stop),
        cmocka_unit_test_teardown(deactivated_in_any_order, stop),
        cmocka_unit_test_teardown(without_the_trap_they_wait, stop),
        cmocka_unit_test_teardown(without_the_trap_active_ones_come_back_first, stop),
        cmocka_unit_test_teardown(made_active_by_register_ends_by_dir, stop),
        cmocka_unit_test_teardown(many_pending_come_in_order, stop),
        cmocka_unit_test_teardown(made_active_in_a_redistributor_ends_by_dir, stop),
        cmocka_unit_test_teardown(made_active_while_handled, stop),
        cmocka_unit_test_teardown(active_sgi_waits, stop),
        cmocka_unit_test_teardown(more_taken_than_can_be_displaced, stop),
        cmocka_unit_test_teardown(coming_again_does_not_overtake, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
