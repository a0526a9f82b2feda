/* SPDX-License-Identifier: Apache-2.0 */
/* Guests that do what no guest should: any value to any register in any size, ends of what was never taken, EOImode
 * changed in between, interrupts reconfigured while active.  Nothing of ours may break: list registers stay legal, no
 * maintenance interrupt storms, no access costs more than its bound, and afterwards the controller still works. */
#include "model.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

static struct vcpu *some_loaded(void)
{
    for (;;) {
        struct vcpu *v = model.vcpu[rnd(model.options.vcpus)];
        if (model_is_loaded(v)) {
            return v;
        }
        if (rnd(4) == 0u) {
            model_load(v);
            return v;
        }
    }
}

/* Offsets where something is, and some where nothing is. */
static uint64_t some_offset(bool gicr)
{
    static const uint32_t arrays[] = {0x80,  0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400,
                                      0x420, 0x480, 0xc00, 0xd00, 0x800, 0,     0xffd0};
    uint32_t offset = (rnd(8) == 0u) ? rnd(0x10000) : arrays[rnd(ARRAY_SIZE(arrays))] + rnd(8) * 4u + rnd(9) / 8u;

    if (gicr) {
        return rnd(model.options.vcpus) * GICR_STRIDE + (rnd(4) != 0u ? GICR_SGI : 0u) + offset;
    }
    return (rnd(6) == 0u) ? GICD_IROUTER + 8u * rnd(1024) + rnd(2) * 4u : offset;
}

static void touch(struct vcpu *v)
{
    bool gicr = rnd(2) == 0u;
    struct mmio m = {.offset = some_offset(gicr), .size = 1u << rnd(4), .write = rnd(4) != 0u};
    uint32_t before = model_cpu_of(v)->lr_reads + model_cpu_of(v)->lr_writes;
    uint32_t lrs = model.options.lrs;

    m.value = (uint64_t)rnd(UINT32_MAX) << 32 | rnd(UINT32_MAX);
    if (rnd(2) == 0u) {
        m.value &= 0xff;
    }
    model_enter(v);
    assert_true(gicr ? vgic_gicr_access(v, &m) : vgic_gicd_access(v, &m));
    /* read each once, move each once, and what is displaced meanwhile */
    assert_true(model_cpu_of(v)->lr_reads + model_cpu_of(v)->lr_writes - before <= 4u * lrs);
}

static void act(struct vcpu *v)
{
    struct model_cpu *c = model_cpu_of(v);

    switch (rnd(9)) {
    case 0:
        (void)guest_iar(v);
        break;
    case 1:
        if ((c->ap1r[0] | c->ap1r[1] | c->ap1r[2] | c->ap1r[3]) != 0u) {
            guest_eoir(v, rnd(130));
        }
        break;
    case 2:
        guest_dir(v, rnd(3) == 0u ? rnd(UINT32_MAX) : rnd(130));
        break;
    case 3:
        guest_set_eoimode(v, rnd(2) == 0u);
        break;
    case 4:
        guest_set_pmr(v, (uint8_t)rnd(256));
        guest_enable(v, rnd(4) != 0u);
        break;
    case 5:
        model_enter(v);
        vgic_send_sgi(v, (uint64_t)rnd(UINT32_MAX) << 32 | rnd(UINT32_MAX));
        vgic_send_sgi(v, (uint64_t)rnd(16) << 24 | rnd(0x10000));
        break;
    case 6:
        model_timer_line(v, rnd(2) == 0u);
        break;
    case 7:
        model_enter(v);
        (void)vgic_has_pending(v);
        break;
    default:
        model_unload(model.vcpu[rnd(model.options.vcpus)]);
        break;
    }
}

static void device(void)
{
    struct vcpu *v = model.vcpu[rnd(model.options.vcpus)];

    model_enter(model.vcpu[rnd(model.options.vcpus)]);
    if (rnd(2) == 0u) {
        arch_inject(v, 16u + rnd(8) + (rnd(4) != 0u ? 16u + rnd(104) : 0u)); /* PPIs, SPIs, beyond the last one */
    } else if (rnd(2) == 0u) {
        model_spi_line(32u + rnd(96), rnd(2) == 0u);
    } else {
        model_line(v, 28u + rnd(100), rnd(2) == 0u);
    }
}

/* After a reset of everything a guest can reset, an interrupt comes. */
static void still_works(struct vcpu *v)
{
    model_load(v);
    for (uint32_t i = 0; i < 4u; i++) {
        model_cpu_of(v)->ap1r[i] = 0;
        model_cpu_of(v)->ap0r[i] = 0;
    }
    model_timer_line(v, false);
    for (uint32_t intid = 32; intid < 128u; intid++) {
        model_spi_line(intid, false);
    }
    gicd_write(v, GICD_CTLR, 4, 2);
    gicr_write(v, v->id, GICR_SGI + GICD_ICENABLER, 4, UINT32_MAX);
    gicr_write(v, v->id, GICR_SGI + GICD_ICACTIVER, 4, UINT32_MAX);
    for (uint32_t i = 4; i <= 12u; i += 4u) {
        gicd_write(v, GICD_ICENABLER + i, 4, UINT32_MAX);
        gicd_write(v, GICD_ICACTIVER + i, 4, UINT32_MAX);
        gicd_write(v, GICD_ICPENDR + i, 4, UINT32_MAX);
        gicd_write(v, GICD_IGROUPR + i, 4, UINT32_MAX);
    }
    guest_set_pmr(v, 0xff);
    guest_enable(v, true);
    model_settle();
    assert_int_equal(guest_iar(v), SPURIOUS);
    for (uint32_t intid = 33; intid < 128u; intid += 2u) {
        assert_false(model_spi_is_active(intid));
    }
    gicd_write(v, GICD_IPRIORITYR + 77, 1, 0x40);
    gicd_write(v, GICD_IROUTER + 8 * 77, 8, v->id);
    gicd_write(v, GICD_ISENABLER + 8, 4, BIT(13));
    gicd_write(v, GICD_ISPENDR + 8, 4, BIT(13));
    model_settle();
    assert_int_equal(guest_iar(v), 77);
    guest_eoir(v, 77);
    guest_dir(v, 77);
}

/* [utest->dsn~vgic-overflow~1] [utest->dsn~vgic-bounds~1] */
static void nothing_of_ours_breaks(void **state)
{
    static const uint32_t lrs[] = {1, 2, 4, 16};

    (void)state;
    for (uint32_t i = 0; i < 32u; i++) {
        const struct model_options o = {.cpus = 1u + i % 3u,
                                        .vcpus = 1u + i % 5u,
                                        .spis = 96,
                                        .lrs = lrs[i % 4u],
                                        .pribits = 5u + i % 3u,
                                        .no_tds = i % 8u == 3u};
        seed = 500u + i;
        model_start(&o);
        for (uint32_t intid = 33; intid < 128u; intid += 2u) {
            assert_int_equal(arch_spi_bind(&model.domain, intid), OK);
        }
        for (uint32_t n = 0; n < 6000u; n++) {
            if (rnd(2) == 0u) {
                touch(some_loaded());
            } else if (rnd(3) != 0u) {
                act(some_loaded());
            } else {
                device();
            }
            if (rnd(3) == 0u) {
                model_settle();
            }
        }
        model_settle();
        still_works(model.vcpu[o.vcpus - 1u]);
        model_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_of_ours_breaks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
