/* SPDX-License-Identifier: Apache-2.0 */
/* Shared interrupts that stand for the board's: a device of the board that a domain has.
 * [utest->dsn~vgic-physical~1] */
#include "fixture.h"

#include <string.h>

static struct model_spis *spis(void)
{
    return &model.spis[SPI / 32u - 1u];
}

static void begin_bound(uint32_t lrs, bool no_tds)
{
    begin(lrs, no_tds);
    assert_int_equal(arch_spi_bind(&model.domain, SPI), OK);
}

/* Enabled, configured and routed as the guest says, and only what is bound. */
static void follows_enable_trigger_and_route(void **state)
{
    (void)state;
    begin(4, false);
    assert_int_equal(spis()->enabled, 0);
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    assert_int_equal(arch_spi_bind(&model.domain, SPI), OK);
    assert_int_equal(spis()->enabled, 0);
    gicd_write(v0, GICD_ICFGR + 8, 4, UINT32_C(2) << 16);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    gicd_write(v0, GICD_ISENABLER + 4, 4, UINT32_MAX);
    assert_int_equal(spis()->enabled, SPI_BIT);
    assert_int_equal(spis()->edge, SPI_BIT);
    assert_int_equal(spis()->cpu[8], 1);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 2); /* vCPU 2 lives on CPU 0 */
    assert_int_equal(spis()->cpu[8], 0);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 0x30001); /* nobody: on a CPU of the domain all the same */
    assert_int_equal(spis()->cpu[8], 0);
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    assert_int_equal(spis()->enabled, 0);
}

static void bind_follows_what_is_enabled_already(void **state)
{
    (void)state;
    begin_bound(4, false);
    assert_int_equal(spis()->enabled, SPI_BIT);
    assert_int_equal(arch_spi_bind(&model.domain, 32u + 64u), ERR_INVAL);
    model.domain.arch.has_vuart = true;
    assert_int_equal(arch_spi_bind(&model.domain, 32), ERR_INVAL);
}

/* The guest's end is the physical one's; a line that stays high comes again, one that does not is quiet. */
static void guest_ends_the_physical_interrupt(void **state)
{
    (void)state;
    begin_bound(4, false);
    model_spi_line(SPI, true);
    for (uint32_t i = 0; i < 5u; i++) {
        assert_int_equal(take(v0), SPI);
        assert_true(model_spi_is_active(SPI));
        assert_int_equal(take(v0), SPURIOUS);
        if (i == 4u) {
            model_spi_line(SPI, false);
        }
        guest_eoir(v0, SPI);
        assert_int_equal(model_spi_is_active(SPI), 0);
    }
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(spis()->deactivations, 0); /* the hardware did it */
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPI);
}

static void each_edge_comes_once(void **state)
{
    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    gicd_write(v0, GICD_ICFGR + 8, 4, UINT32_C(2) << 16);
    gicd_write(v0, GICD_ISENABLER + 4, 4, SPI_BIT);
    assert_int_equal(arch_spi_bind(&model.domain, SPI), OK);
    for (uint32_t i = 0; i < 3u; i++) {
        model_spi_line(SPI, true);
        assert_int_equal(take(v0), SPI);
        model_spi_line(SPI, false);
        model_spi_line(SPI, true); /* while it is handled: remembered by the board's distributor */
        assert_int_equal(take(v0), SPURIOUS);
        guest_eoir(v0, SPI);
        assert_int_equal(take(v0), SPI);
        guest_eoir(v0, SPI);
        assert_int_equal(take(v0), SPURIOUS);
        assert_int_equal(model_spi_is_active(SPI), 0);
        model_spi_line(SPI, false);
    }
}

/* Disabled while it waits, the device silenced meanwhile: nothing old when it is enabled. */
static void disabled_and_silenced_leaves_nothing(void **state)
{
    (void)state;
    begin_bound(4, false);
    gicd_write(v0, GICD_CTLR, 4, 0);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPURIOUS);
    assert_true(model_spi_is_active(SPI)); /* no storm */
    assert_int_equal(gicd_read(v0, GICD_ISPENDR + 4, 4), SPI_BIT);
    model_spi_line(SPI, false);
    assert_int_equal(gicd_read(v0, GICD_ISPENDR + 4, 4), 0);
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    assert_int_equal(model_spi_is_active(SPI), 0);
    gicd_write(v0, GICD_CTLR, 4, 2);
    gicd_write(v0, GICD_ISENABLER + 4, 4, SPI_BIT);
    assert_int_equal(take(v0), SPURIOUS);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPI);
}

/* The line of a bound interrupt that is off can be read. */
static void line_of_a_disabled_one_is_readable(void **state)
{
    (void)state;
    begin_bound(4, false);
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(model_spi_is_active(SPI), 0);
    assert_int_equal(gicd_read(v0, GICD_ISPENDR + 4, 4), SPI_BIT);
    model_spi_line(SPI, false);
    assert_int_equal(gicd_read(v0, GICD_ISPENDR + 4, 4), 0);
}

static void silenced_while_in_a_list_register_is_withdrawn(void **state)
{
    (void)state;
    begin_bound(4, false);
    model_spi_line(SPI, true);
    model_settle();
    model_spi_line(SPI, false);
    model_enter(v0);
    vgic_maintenance(v0);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(model_spi_is_active(SPI), 0);
}

/* Ended by a register, and by software where no list register holds it. */
static void ended_by_register(void **state)
{
    (void)state;
    begin_bound(4, false);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPI);
    gicd_write(v0, GICD_ICACTIVER + 4, 4, SPI_BIT);
    assert_int_equal(take(v0), SPURIOUS); /* its priority is still running */
    guest_eoir(v0, SPI);
    assert_int_equal(take(v0), SPI); /* the line was still high */
    model_spi_line(SPI, false);
    gicd_write(v0, GICD_ICACTIVER + 4, 4, SPI_BIT);
    assert_int_equal(model_spi_is_active(SPI), 0);
    guest_eoir(v0, SPI);
    assert_int_equal(take(v0), SPURIOUS);
}

/* In flight when its vCPU leaves the CPU; ended after it is back. */
static void moves_with_its_vcpu(void **state)
{
    (void)state;
    begin_bound(4, false);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPI);
    model_unload(v0);
    assert_true(model_spi_is_active(SPI));
    model_load(model.vcpu[2]);
    assert_int_equal(guest_iar(model.vcpu[2]), SPURIOUS);
    model_load(v0);
    model_spi_line(SPI, false);
    guest_eoir(v0, SPI);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(model_spi_is_active(SPI), 0);
}

/* Pending for a vCPU that is not loaded, then routed to another. */
static void routed_away_while_it_waits(void **state)
{
    (void)state;
    begin_bound(4, false);
    guest_set_pmr(v0, 0);
    model_spi_line(SPI, true);
    model_settle();
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    assert_int_equal(take(v1), SPI);
    model_spi_line(SPI, false);
    guest_eoir(v1, SPI);
    assert_int_equal(take(v1), SPURIOUS);
    assert_int_equal(model_spi_is_active(SPI), 0);
    guest_set_pmr(v0, 0xf8);
    assert_int_equal(take(v0), SPURIOUS);
}

/* Displaced by more urgent ones while it is handled: its end is seen all the same. */
static void displaced_while_it_is_handled(void **state)
{
    (void)state;
    for (uint32_t no_tds = 0; no_tds < 2u; no_tds++) {
        begin(1, no_tds != 0u);
        assert_int_equal(arch_spi_bind(&model.domain, SPI + 20u), OK);
        gicd_write(v0, GICD_IPRIORITYR + SPI + 20u, 1, 0xa0);
        model_spi_line(SPI + 20u, true);
        assert_int_equal(take(v0), SPI + 20u);
        nest(2);
        model_spi_line(SPI + 20u, false);
        guest_eoir(v0, SPI + 1u);
        model_settle();
        guest_eoir(v0, SPI);
        model_settle();
        guest_eoir(v0, SPI + 20u);
        assert_int_equal(take(v0), SPURIOUS);
        assert_int_equal(model_spi_is_active(SPI + 20u), 0);
        model_stop();
    }
    begin(1, false);
}

/* Made pending by the guest: with the physical one, and without. */
static void made_pending_by_register(void **state)
{
    (void)state;
    begin_bound(4, false);
    gicd_write(v0, GICD_ISPENDR + 4, 4, SPI_BIT);
    assert_int_equal(take(v0), SPI);
    assert_int_equal(model_spi_is_active(SPI), 0);
    model_spi_line(SPI, true); /* while the other is handled */
    model_settle();
    model_spi_line(SPI, false);
    guest_eoir(v0, SPI);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(model_spi_is_active(SPI), 0);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPI);
    gicd_write(v0, GICD_ISPENDR + 4, 4, SPI_BIT);
    model_spi_line(SPI, false);
    guest_eoir(v0, SPI);
    assert_int_equal(take(v0), SPI);
    guest_eoir(v0, SPI);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(model_spi_is_active(SPI), 0);
}

/* Refused while a vCPU has it in hand, whatever state it is in there; then masked and inactive. */
static void unbound_only_when_no_vcpu_has_it(void **state)
{
    (void)state;
    begin_bound(4, false);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPI);
    model_enter(v1);
    assert_int_equal(arch_spi_unbind(&model.domain, SPI), ERR_BUSY);
    guest_eoir(v0, SPI); /* ended, not looked at yet */
    model_enter(v1);
    assert_int_equal(arch_spi_unbind(&model.domain, SPI), ERR_BUSY);
    model_spi_line(SPI, false);
    model_settle();
    model_enter(v1);
    assert_int_equal(arch_spi_unbind(&model.domain, SPI), OK);
    assert_int_equal(spis()->enabled, 0);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPURIOUS);
    gicd_write(v0, GICD_ISENABLER + 4, 4, SPI_BIT);
    assert_int_equal(spis()->enabled, 0);
}

/* Its domain ends while the line is high and the interrupt in flight. */
static void unbound_with_its_line_high(void **state)
{
    (void)state;
    begin_bound(4, false);
    model_spi_line(SPI, true);
    model_settle();
    model_unload(v0);
    assert_true(model_spi_is_active(SPI));
    assert_int_equal(arch_spi_unbind(&model.domain, SPI), OK);
    assert_int_equal(spis()->enabled, 0);
    assert_int_equal(spis()->active, 0);
    assert_int_equal(arch_spi_unbind(&model.domain, SPI), OK);
    spis()->active |= SPI_BIT; /* another CPU had taken it just before */
    arch_spi_raise(&model.domain, SPI);
    assert_int_equal(spis()->active, 0);
    model_load(v0);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(arch_spi_unbind(&model.domain, 32u + 64u), OK);
    model.spis[2].active |= 1u;
    arch_spi_raise(&model.domain, 32u + 64u); /* a domain of the slot's next life, with fewer interrupts */
    assert_int_equal(model.spis[2].active, 0);
}

/* Its domain is restarted while the line is high and the interrupt in flight: the interrupt is still its own, and off until the next
 * life wants it.  [utest->dsn~device-restart~1] */
static void renewed_with_its_line_high(void **state)
{
    (void)state;
    begin_bound(4, false);
    model_spi_line(SPI, true);
    assert_int_equal(take(v0), SPI);
    model_unload(v0);
    model_unload(v1);
    assert_true(model_spi_is_active(SPI));
    vgic_domain_renew(&model.domain);
    assert_int_equal(spis()->enabled, 0);
    assert_int_equal(spis()->active, 0);
    assert_int_equal(spis()->deactivations, 0); /* but by the release */
    for (uint32_t i = 0; i < 2u; i++) {
        memset(&model.vcpu[i]->arch.vgic, 0, sizeof(model.vcpu[i]->arch.vgic));
        assert_int_equal(vgic_vcpu_init(model.vcpu[i]), OK);
    }
    model_load(v0);
    gicd_write(v0, GICD_CTLR, 4, 2);
    guest_set_pmr(v0, 0xf8);
    guest_enable(v0, true);
    assert_int_equal(take(v0), SPURIOUS);
    gicd_write(v0, GICD_ISENABLER + 4, 4, SPI_BIT);
    assert_int_equal(spis()->enabled, SPI_BIT);
    assert_int_equal(take(v0), SPI);
    model_spi_line(SPI, false);
    guest_eoir(v0, SPI);
    assert_int_equal(take(v0), SPURIOUS);
    assert_int_equal(model_spi_is_active(SPI), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(follows_enable_trigger_and_route, stop),
        cmocka_unit_test_teardown(bind_follows_what_is_enabled_already, stop),
        cmocka_unit_test_teardown(guest_ends_the_physical_interrupt, stop),
        cmocka_unit_test_teardown(each_edge_comes_once, stop),
        cmocka_unit_test_teardown(disabled_and_silenced_leaves_nothing, stop),
        cmocka_unit_test_teardown(line_of_a_disabled_one_is_readable, stop),
        cmocka_unit_test_teardown(silenced_while_in_a_list_register_is_withdrawn, stop),
        cmocka_unit_test_teardown(ended_by_register, stop),
        cmocka_unit_test_teardown(moves_with_its_vcpu, stop),
        cmocka_unit_test_teardown(routed_away_while_it_waits, stop),
        cmocka_unit_test_teardown(displaced_while_it_is_handled, stop),
        cmocka_unit_test_teardown(made_pending_by_register, stop),
        cmocka_unit_test_teardown(unbound_only_when_no_vcpu_has_it, stop),
        cmocka_unit_test_teardown(unbound_with_its_line_high, stop),
        cmocka_unit_test_teardown(renewed_with_its_line_high, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
