/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DR    0x00u
#define RSR   0x04u
#define FR    0x18u
#define IBRD  0x24u
#define LCR_H 0x2cu
#define CR    0x30u
#define IFLS  0x34u
#define IMSC  0x38u
#define RIS   0x3cu
#define MIS   0x40u
#define ICR   0x44u

#define RX 0x10u
#define TX 0x20u
#define RT 0x40u
#define OE 0x400u

static struct vcpu *v0;

static int start(void **state)
{
    const struct model_options o = {.cpus = 2, .vcpus = 2, .spis = 32, .lrs = 4, .pribits = 5};

    (void)state;
    model_start(&o);
    v0 = model.vcpu[0];
    gicd_write(v0, GICD_CTLR, 4, 2);
    gicd_write(v0, GICD_ISENABLER + 4, 4, 1);
    guest_set_pmr(v0, 0xf8);
    guest_enable(v0, true);
    return 0;
}
static int stop(void **state)
{
    (void)state;
    model_stop();
    return 0;
}

static uint64_t read_size(uint32_t offset, uint32_t size)
{
    struct mmio m = {.offset = offset, .size = size};

    model_enter(v0);
    assert_true(vuart_access(v0, &m));
    return m.value;
}
static uint32_t in(uint32_t offset)
{
    return (uint32_t)read_size(offset, 4);
}
static void out_size(uint32_t offset, uint32_t size, uint64_t value)
{
    struct mmio m = {.offset = offset, .size = size, .write = true, .value = value};

    model_enter(v0);
    assert_true(vuart_access(v0, &m));
}
static void out(uint32_t offset, uint32_t value)
{
    out_size(offset, 4, value);
}
static uint32_t take(void)
{
    model_settle();
    return guest_iar(v0);
}

/* Linux' amba bus wants 0x00041011 under 0x000fffff and the cell identification.  [utest->dsn~vuart-registers~1] */
static void is_a_pl011(void **state)
{
    uint32_t pid = 0;
    uint32_t cid = 0;

    (void)state;
    for (uint32_t i = 0; i < 4u; i++) {
        pid |= in(0xfe0u + 4u * i) << (8u * i);
        cid |= in(0xff0u + 4u * i) << (8u * i);
    }
    assert_int_equal(pid & 0xfffffu, 0x41011);
    assert_int_equal(cid, 0xb105f00d);
}

/* [utest->dsn~vuart-registers~1] */
static void registers(void **state)
{
    static const struct {
        uint32_t offset, reset, writable;
    } table[] = {
        {RSR, 0, 0},      {FR, 0x90, 0},       {0x20, 0, 0xff},    {IBRD, 0, 0xffff}, {0x28, 0, 0x3f},
        {LCR_H, 0, 0xff}, {CR, 0x300, 0xff87}, {IFLS, 0x12, 0x3f}, {IMSC, 0, 0x7ff},  {RIS, TX, 0},
        {0x48, 0, 7},     {0x4c, 0, 0},        {0x80, 0, 0},       {0xfdc, 0, 0},
    };

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(in(table[i].offset), table[i].reset);
        out(table[i].offset, UINT32_MAX);
        assert_int_equal(in(table[i].offset), table[i].reset | table[i].writable);
        out(table[i].offset, 0);
        assert_int_equal(in(table[i].offset), table[i].reset & ~table[i].writable);
    }
}

/* [utest->dsn~vuart-registers~1] */
static void sizes(void **state)
{
    struct mmio beyond = {.offset = 0x1000, .size = 4};

    (void)state;
    out(IBRD, 0x1234);
    assert_int_equal(read_size(IBRD, 1), 0x34);
    assert_int_equal(read_size(IBRD, 2), 0x1234);
    assert_int_equal(read_size(IBRD, 8), 0);
    assert_int_equal(read_size(IBRD + 1u, 1), 0);
    out_size(IBRD, 8, 0);
    assert_int_equal(in(IBRD), 0x1234);
    assert_false(vuart_access(v0, &beyond));
}

/* [utest->dsn~vuart-transmit~1] */
static void what_is_sent_leaves_at_once(void **state)
{
    (void)state;
    out_size(DR, 1, 'a');
    out_size(DR, 2, 'b');
    out_size(DR, 4, 'c');
    assert_memory_equal(model.output, "abc", 3);
    assert_int_equal(model.output_used, 3);
    assert_int_equal(in(FR), 0x90);
}

/* The transmit interrupt is up while enabled, as the queue is empty; cleared, it returns with the next character.
 * [utest->dsn~vuart-interrupt~1] */
static void transmit_interrupt(void **state)
{
    (void)state;
    assert_int_equal(take(), SPURIOUS);
    out(IMSC, TX);
    assert_int_equal(in(MIS), TX);
    assert_int_equal(take(), 32);
    out(ICR, TX);
    guest_eoir(v0, 32);
    assert_int_equal(take(), SPURIOUS);
    out(DR, 'x');
    assert_int_equal(take(), 32);
    out(IMSC, 0);
    guest_eoir(v0, 32);
    assert_int_equal(take(), SPURIOUS);
}

/* [utest->dsn~vuart-receive~1] [utest->dsn~vuart-interrupt~1] */
static void receives(void **state)
{
    (void)state;
    out(IMSC, RX | RT);
    model_enter(model.vcpu[1]); /* another CPU has the console */
    assert_true(vuart_receive(&model.domain, 'h'));
    assert_true(vuart_receive(&model.domain, 'i'));
    assert_int_equal(take(), 32);
    assert_int_equal(in(MIS), RX | RT);
    assert_int_equal(in(FR), 0x80);
    assert_int_equal(in(DR), 'h');
    out(ICR, RX | RT); /* one still waits: not forgotten */
    assert_int_equal(in(MIS), RT);
    guest_eoir(v0, 32);
    assert_int_equal(take(), 32);
    assert_int_equal(read_size(DR, 1), 'i');
    assert_int_equal(in(MIS), 0);
    guest_eoir(v0, 32);
    assert_int_equal(take(), SPURIOUS);
    assert_int_equal(in(FR), 0x90);
    assert_int_equal(in(DR), 0);
}

/* Level: taken back when the guest reads it by polling before the interrupt is taken.  [utest->dsn~vuart-interrupt~1] */
static void polled_before_the_interrupt(void **state)
{
    (void)state;
    out(IMSC, RX | RT);
    assert_true(vuart_receive(&model.domain, 'p'));
    model_settle();
    assert_int_equal(guest_hppir(v0), 32);
    assert_int_equal(in(DR), 'p');
    assert_int_equal(take(), SPURIOUS);
}

/* [utest->dsn~vuart-overrun~1] */
static void overrun_is_told_and_counted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARCH_VUART_RX_MAX; i++) {
        assert_true(vuart_receive(&model.domain, (char)('0' + i)));
    }
    assert_int_equal(in(FR), 0xc0); /* full */
    assert_false(vuart_receive(&model.domain, '!'));
    assert_false(vuart_receive(&model.domain, '!'));
    assert_int_equal(model.domain.arch.vuart.lost, 2);
    assert_int_equal(in(RIS)&OE, OE);
    assert_int_equal(in(RSR), 8);
    assert_int_equal(in(DR), 0x800u | '0');
    assert_int_equal(in(RSR), 0);
    for (uint32_t i = 1; i < ARCH_VUART_RX_MAX; i++) {
        assert_int_equal(in(DR), '0' + i);
    }
    out(ICR, OE);
    assert_int_equal(in(RIS), TX);
    assert_true(vuart_receive(&model.domain, 'n'));
    assert_int_equal(in(DR), 'n');
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        T(is_a_pl011),
        T(registers),
        T(sizes),
        T(what_is_sent_leaves_at_once),
        T(transmit_interrupt),
        T(receives),
        T(polled_before_the_interrupt),
        T(overrun_is_told_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
