/* SPDX-License-Identifier: Apache-2.0 */
/* State that is in another CPU's list registers. */
#include "fixture.h"

static bool read_once(struct vcpu *v, uint32_t offset, uint64_t *value)
{
    struct mmio m = {.offset = offset, .size = 4};

    model_enter(v);
    assert_true(vgic_gicd_access(v, &m));
    *value = m.value;
    return !m.again;
}

/* vCPU 1 took it and told nobody: a read by vCPU 0 waits for its CPU's answer, takes no interrupt meanwhile, and is
 * right.  [utest->dsn~vgic-state-readable~1] */
static void asks_the_cpu_that_knows(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    arch_inject(v0, SPI);
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

/* The answer to a read that the guest gave up is not taken for a later one.  [utest->dsn~vgic-state-readable~1] */
static void an_old_answer_is_not_used(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    arch_inject(v0, SPI);
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

/* An interrupt that came to another CPU after the question is asked for again.  [utest->dsn~vgic-state-readable~1] */
static void asks_again_for_what_is_new(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    gicd_write(v0, GICD_IROUTER + 8u * (SPI + 1u), 8, 1);
    arch_inject(v0, SPI);
    model_settle();
    assert_false(read_once(v0, GICD_ISPENDR + 4, &value));
    model_settle_cpu(1);
    model_enter(v1);
    arch_inject(v1, SPI + 1u);
    assert_false(read_once(v0, GICD_ISPENDR + 4, &value));
    model_settle_cpu(1);
    assert_true(read_once(v0, GICD_ISPENDR + 4, &value));
    assert_int_equal(value, SPI_BIT * 3u);
}

/* Other accesses go on while an answer is missing, and interrupts come again.  [utest->dsn~vgic-state-readable~1] */
static void giving_up_lets_interrupts_in(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    arch_inject(v0, SPI);
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
    arch_inject(v0, SPI);
    model_settle();
    model_enter(v0);
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    assert_int_equal(gicd_read(v0, GICD_CTLR, 4), UINT32_C(0x80000052));
    gicd_write(v0, GICD_ICENABLER + 4, 4, SPI_BIT);
    model_settle_cpu(1);
    assert_int_equal(gicd_read(v0, GICD_CTLR, 4), 0x52);
    assert_int_equal(guest_iar(v1), SPURIOUS);
}

/* So does the timer.  [utest->dsn~vgic-state-readable~1] */
static void the_timer_ends_the_wait(void **state)
{
    uint64_t value;

    (void)state;
    begin(4, false);
    gicd_write(v0, GICD_IROUTER + 8u * SPI, 8, 1);
    arch_inject(v0, SPI);
    model_settle();
    assert_false(read_once(v0, GICD_ISACTIVER + 4, &value));
    model_timer_line(v0, true);
    model_settle_cpu(0);
    assert_int_equal(guest_hppir(v0), TIMER);
}

/* The answer to one access to another's frame does not serve a different one.  [utest->dsn~vgic-state-readable~1] */
static void an_answer_serves_its_access_only(void **state)
{
    struct mmio enable = {.offset = GICR_STRIDE + GICR_SGI + GICD_ISENABLER, .size = 4};
    struct mmio write = {.offset = GICR_STRIDE + GICR_SGI + GICD_ICENABLER, .size = 4, .write = true, .value = 1};
    struct mmio other;

    (void)state;
    begin(4, false);
    model_enter(v0);
    assert_true(vgic_gicr_access(v0, &enable) && enable.again);
    model_settle_cpu(1);
    model_enter(v0);
    other = write;
    assert_true(vgic_gicr_access(v0, &other) && other.again);
    model_settle_cpu(1);
    model_enter(v0);
    other = write;
    other.value = 2; /* the same register, another value */
    assert_true(vgic_gicr_access(v0, &other) && other.again);
    model_settle_cpu(1);
    model_enter(v0);
    other = (struct mmio){.offset = write.offset, .size = 4, .write = true, .value = 2};
    assert_true(vgic_gicr_access(v0, &other) && !other.again);
    assert_int_equal(gicr_read(v0, 1, GICR_SGI + GICD_ISENABLER, 4), ~UINT32_C(3));
}

/* An interrupt for a vCPU of a domain that is not in this CPU's registers leaves those alone.
 * [utest->dsn~vgic-delivery~1] */
static void another_domain_is_loaded(void **state)
{
    struct domain *other = calloc(1, sizeof(*other));
    struct vcpu *stranger = aligned_alloc(_Alignof(struct vcpu), sizeof(*stranger));
    uint32_t accesses;

    (void)state;
    begin(4, false);
    *stranger = (struct vcpu){.domain = other};
    other->max_vcpus = 1;
    other->vcpus[0] = stranger;
    assert_int_equal(vgic_domain_init(other, 0), OK);
    assert_int_equal(vgic_vcpu_init(stranger), OK);
    model_load(stranger);
    accesses = cpu0()->lr_reads + cpu0()->lr_writes;
    model.notifications = 0;
    arch_inject(v0, SPI);
    assert_int_equal(cpu0()->lr_reads + cpu0()->lr_writes, accesses);
    assert_int_equal(model.notifications, 1);
    model_load(v0);
    assert_int_equal(take(v0), SPI);
    free(stranger);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(asks_the_cpu_that_knows, stop),
        cmocka_unit_test_teardown(an_old_answer_is_not_used, stop),
        cmocka_unit_test_teardown(asks_again_for_what_is_new, stop),
        cmocka_unit_test_teardown(giving_up_lets_interrupts_in, stop),
        cmocka_unit_test_teardown(rwp_until_it_is_withdrawn, stop),
        cmocka_unit_test_teardown(the_timer_ends_the_wait, stop),
        cmocka_unit_test_teardown(an_answer_serves_its_access_only, stop),
        cmocka_unit_test_teardown(another_domain_is_loaded, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
