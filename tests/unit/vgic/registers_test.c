/* SPDX-License-Identifier: Apache-2.0 */
/* Every register of distributor and redistributors: reset value, what a write leaves, accesses of other sizes. */
#include "model.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define VCPUS 18u /* more than one value of Aff1 */
#define SPIS  64u
#define ALL   UINT32_C(0xffffffff)

static const struct model_options options = {.cpus = 2, .vcpus = VCPUS, .spis = SPIS, .lrs = 4, .pribits = 5};

static int start(void **state)
{
    (void)state;
    model_start(&options);
    return 0;
}
static int stop(void **state)
{
    (void)state;
    model_stop();
    return 0;
}

struct reg {
    uint32_t offset;
    uint32_t size;
    uint64_t reset;
    uint64_t writable; /* bits that a write of ones and of zeros changes */
};

static const struct reg distributor[] = {
    {GICD_CTLR, 4, 0x50, 0x3}, /* ARE, DS */
    {GICD_TYPER, 4, 0x00480002, 0},
    {GICD_IIDR, 4, 0x4200043b, 0},
    {0x000c, 4, 0, 0}, /* TYPER2 */
    {0x0010, 4, 0, 0}, /* STATUSR */
    {0x0040, 4, 0, 0}, /* SETSPI_NSR: MBIS = 0 */
    {0x0048, 4, 0, 0},
    {GICD_IGROUPR, 4, 0, 0}, /* private: in the redistributor */
    {GICD_IGROUPR + 4, 4, ALL, ALL},
    {GICD_IGROUPR + 8, 4, ALL, ALL},
    {GICD_IGROUPR + 12, 4, 0, 0}, /* not implemented */
    {GICD_ISENABLER, 4, 0, 0},
    {GICD_ISENABLER + 12, 4, 0, 0},
    {GICD_ISPENDR, 4, 0, 0},
    {GICD_ISPENDR + 12, 4, 0, 0},
    {GICD_ISACTIVER, 4, 0, 0},
    {GICD_ISACTIVER + 12, 4, 0, 0},
    {GICD_IPRIORITYR, 4, 0, 0},
    {GICD_IPRIORITYR + 31, 1, 0, 0},
    {GICD_IPRIORITYR + 32, 4, 0, 0xf8f8f8f8},
    {GICD_IPRIORITYR + 35, 1, 0, 0xf8},
    {GICD_IPRIORITYR + 92, 4, 0, 0xf8f8f8f8},
    {GICD_IPRIORITYR + 96, 4, 0, 0},
    {GICD_IPRIORITYR + 1019, 1, 0, 0},
    {0x0800, 4, 0, 0}, /* ITARGETSR with ARE */
    {0x0820, 4, 0, 0},
    {GICD_ICFGR, 4, 0, 0},
    {GICD_ICFGR + 8, 4, 0, 0xaaaaaaaa},
    {GICD_ICFGR + 20, 4, 0, 0xaaaaaaaa},
    {GICD_ICFGR + 24, 4, 0, 0},
    {0x0d04, 4, 0, 0}, /* IGRPMODR with DS */
    {0x0e08, 4, 0, 0}, /* NSACR with DS */
    {0x0f00, 4, 0, 0}, /* SGIR with ARE */
    {0x0f10, 4, 0, 0}, /* CPENDSGIR with ARE */
    {GICD_IROUTER + 8 * 31, 8, 0, 0},
    {GICD_IROUTER + 8 * 32, 8, 0, UINT64_C(0xff80ffffff)},
    {GICD_IROUTER + 8 * 95, 8, 0, UINT64_C(0xff80ffffff)},
    {GICD_IROUTER + 8 * 95, 4, 0, 0x80ffffff},
    {GICD_IROUTER + 8 * 95 + 4, 4, 0, 0xff},
    {GICD_IROUTER + 8 * 96, 8, 0, 0},
    {GICD_IROUTER + 8 * 1020, 8, 0, 0},
    {0xc000, 4, 0, 0},
    {0xffd0, 4, 0x44, 0},
    {0xffe0, 4, 0x92, 0},
    {0xffe4, 4, 0xb4, 0},
    {0xffe8, 4, 0x3b, 0}, /* PIDR2: GICv3 */
    {0xffec, 4, 0, 0},
    {0xfff0, 4, 0x0d, 0},
    {0xfff4, 4, 0xf0, 0},
    {0xfff8, 4, 0x05, 0},
    {0xfffc, 4, 0xb1, 0},
};

static const struct reg redistributor[] = {
    {0x0000, 4, 0, 0}, /* CTLR: no LPIs */
    {0x0004, 4, 0x4200043b, 0},
    {0x0010, 4, 0, 0},     /* STATUSR */
    {0x0014, 4, 0x6, 0x6}, /* WAKER: ChildrenAsleep follows ProcessorSleep */
    {0x0070, 8, 0, 0},     /* PROPBASER */
    {0x0078, 8, 0, 0},     /* PENDBASER */
    {0xffe0, 4, 0x93, 0},
    {0xffe8, 4, 0x3b, 0},
    {GICR_SGI + GICD_IGROUPR, 4, ALL, ALL},
    {GICR_SGI + GICD_IGROUPR + 4, 4, 0, 0},
    {GICR_SGI + GICD_ISENABLER + 4, 4, 0, 0},
    {GICR_SGI + GICD_ISPENDR + 4, 4, 0, 0},
    {GICR_SGI + GICD_ISACTIVER + 4, 4, 0, 0},
    {GICR_SGI + GICD_IPRIORITYR, 4, 0, 0xf8f8f8f8},
    {GICR_SGI + GICD_IPRIORITYR + 17, 1, 0, 0xf8},
    {GICR_SGI + GICD_IPRIORITYR + 28, 4, 0, 0xf8f8f8f8},
    {GICR_SGI + GICD_IPRIORITYR + 32, 4, 0, 0},
    {GICR_SGI + GICD_ICFGR, 4, 0xaaaaaaaa, 0}, /* SGIs are edges */
    {GICR_SGI + GICD_ICFGR + 4, 4, 0, 0xaaaaaaaa},
    {GICR_SGI + 0x0d00, 4, 0, 0},
    {GICR_SGI + 0x0e00, 4, 0, 0},
    {GICR_SGI + 0xffe8, 4, 0x3b, 0},
};

static void check_reg(const struct reg *r, bool gicr, uint32_t target)
{
    struct vcpu *v = model.vcpu[0];
    uint64_t ones = (r->size == 8u) ? UINT64_MAX : BIT(8u * r->size) - 1u;
    uint64_t is[3];

    is[0] = gicr ? gicr_read(v, target, r->offset, r->size) : gicd_read(v, r->offset, r->size);
    for (uint32_t i = 1; i < 3u; i++) {
        uint64_t value = (i == 1u) ? ones : 0u;
        if (gicr) {
            gicr_write(v, target, r->offset, r->size, value);
            is[i] = gicr_read(v, target, r->offset, r->size);
        } else {
            gicd_write(v, r->offset, r->size, value);
            model_settle(); /* GICD_CTLR.RWP */
            is[i] = gicd_read(v, r->offset, r->size);
        }
    }
    if (is[0] != r->reset || is[1] != (r->reset | r->writable) || is[2] != (r->reset & ~r->writable)) {
        fail_msg("%s 0x%x, %u bytes: reset %lx, after ones %lx, after zeros %lx", gicr ? "GICR" : "GICD", r->offset,
                 r->size, (unsigned long)is[0], (unsigned long)is[1], (unsigned long)is[2]);
    }
}

/* [utest->dsn~vgic-registers~1] */
static void distributor_registers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(distributor); i++) {
        check_reg(&distributor[i], false, 0);
    }
}

/* Of the vCPU itself, of one on the same CPU, of one on another CPU.  [utest->dsn~vgic-registers~1] */
static void redistributor_registers(void **state)
{
    static const uint32_t targets[] = {0, 2, 17};

    (void)state;
    for (uint32_t t = 0; t < ARRAY_SIZE(targets); t++) {
        for (uint32_t i = 0; i < ARRAY_SIZE(redistributor); i++) {
            check_reg(&redistributor[i], true, targets[t]);
        }
    }
}

/* Set and clear registers show the same and change only the ones.  [utest->dsn~vgic-registers~1] */
static void set_and_clear_registers(void **state)
{
    static const uint32_t pairs[][2] = {
        {GICD_ISENABLER, GICD_ICENABLER}, {GICD_ISPENDR, GICD_ICPENDR}, {GICD_ISACTIVER, GICD_ICACTIVER}};
    struct vcpu *v = model.vcpu[1];

    (void)state;
    for (uint32_t i = 0; i < 3u; i++) {
        for (uint32_t word = 1; word <= 2u; word++) {
            uint32_t set = pairs[i][0] + 4u * word;
            uint32_t clear = pairs[i][1] + 4u * word;
            gicd_write(v, set, 4, 0x80000011);
            gicd_write(v, set, 4, 0x100);
            assert_int_equal(gicd_read(v, set, 4), 0x80000111);
            assert_int_equal(gicd_read(v, clear, 4), 0x80000111);
            gicd_write(v, clear, 4, 0x80000001);
            assert_int_equal(gicd_read(v, set, 4), 0x110);
            gicd_write(v, clear, 4, ALL);
            assert_int_equal(gicd_read(v, clear, 4), 0);
        }
        for (uint32_t target = 0; target < 2u; target++) {
            gicr_write(v, target, GICR_SGI + pairs[i][0], 4, 0x08000011);
            gicr_write(v, target, GICR_SGI + pairs[i][0], 4, 0x100);
            assert_int_equal(gicr_read(v, target, GICR_SGI + pairs[i][1], 4), 0x08000111);
            gicr_write(v, target, GICR_SGI + pairs[i][1], 4, 0x08000001);
            assert_int_equal(gicr_read(v, target, GICR_SGI + pairs[i][0], 4), 0x110);
            gicr_write(v, target, GICR_SGI + pairs[i][1], 4, ALL);
        }
    }
}

/* vCPU n has Aff0 = n & 15, Aff1 = n >> 4; only the last one says so.  [utest->dsn~vgic-registers~1] */
static void redistributor_identity(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < VCPUS; n++) {
        uint64_t affinity = (n >> 4) << 8 | (n & 15u);
        uint64_t typer = affinity << 32 | n << 8 | (n == VCPUS - 1u ? 0x10u : 0u);
        assert_int_equal(gicr_read(model.vcpu[3], n, 8, 8), typer);
        assert_int_equal(gicr_read(model.vcpu[3], n, 8, 4), typer & ALL);
        assert_int_equal(gicr_read(model.vcpu[3], n, 12, 4), affinity);
    }
}

/* [utest->dsn~vgic-registers~1] */
static void waking_a_redistributor(void **state)
{
    struct vcpu *v = model.vcpu[0];

    (void)state;
    gicr_write(v, 0, 0x14, 4, 0);
    assert_int_equal(gicr_read(v, 0, 0x14, 4), 0);
    gicr_write(v, 0, 0x14, 4, 2);
    assert_int_equal(gicr_read(v, 0, 0x14, 4), 6);
}

static bool gicd_there(uint64_t offset)
{
    struct mmio m = {.offset = offset, .size = 4};

    model_enter(model.vcpu[0]);
    return vgic_gicd_access(model.vcpu[0], &m);
}
static bool gicr_there(uint64_t offset)
{
    struct mmio m = {.offset = offset, .size = 4};

    model_enter(model.vcpu[0]);
    return vgic_gicr_access(model.vcpu[0], &m);
}

/* [utest->dsn~vgic-frames~1] */
static void outside_the_frames_is_nothing(void **state)
{
    (void)state;
    assert_true(gicd_there(0xfffc));
    assert_false(gicd_there(0x10000));
    assert_false(gicd_there(UINT64_C(0x100000000)));
    assert_true(gicr_there((VCPUS - 1u) * GICR_STRIDE + 0x1fffc));
    assert_false(gicr_there(VCPUS * GICR_STRIDE));
    assert_false(gicr_there(UINT64_MAX - 3u));
}

/* Sizes that a register does not support, and misaligned ones: zero, ignored.  [utest->dsn~vgic-sizes~1] */
static void other_sizes_read_as_zero(void **state)
{
    struct vcpu *v = model.vcpu[0];
    static const struct {
        uint32_t offset, size;
    } wrong[] = {
        {GICD_TYPER, 1},
        {GICD_TYPER, 2},
        {GICD_CTLR, 8},
        {GICD_ISENABLER + 4, 1},
        {GICD_ISENABLER + 4, 2},
        {GICD_ISENABLER + 8, 8},
        {GICD_IPRIORITYR + 32, 2},
        {GICD_IPRIORITYR + 32, 8},
        {GICD_ICFGR + 8, 1},
        {GICD_ICFGR + 8, 8},
        {GICD_IROUTER + 8 * 33, 1},
        {GICD_IROUTER + 8 * 33, 2},
        {GICD_IROUTER + 8 * 33 + 4, 8},
        {GICD_ISENABLER + 6, 4},
        {0xffe8, 1},
        {0xffe8, 8},
    };

    (void)state;
    gicd_write(v, GICD_ISENABLER + 4, 4, ALL);
    gicd_write(v, GICD_ISENABLER + 8, 4, ALL);
    gicd_write(v, GICD_IPRIORITYR + 32, 4, ALL);
    gicd_write(v, GICD_ICFGR + 8, 4, ALL);
    gicd_write(v, GICD_IROUTER + 8 * 33, 8, UINT64_C(0x101));
    for (uint32_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        gicd_write(v, wrong[i].offset, wrong[i].size, 0);
        assert_int_equal(gicd_read(v, wrong[i].offset, wrong[i].size), 0);
    }
    assert_int_equal(gicd_read(v, GICD_ISENABLER + 4, 4), ALL);
    assert_int_equal(gicd_read(v, GICD_ISENABLER + 8, 4), ALL);
    assert_int_equal(gicd_read(v, GICD_IPRIORITYR + 32, 4), 0xf8f8f8f8);
    assert_int_equal(gicd_read(v, GICD_ICFGR + 8, 4), 0xaaaaaaaa);
    assert_int_equal(gicd_read(v, GICD_IROUTER + 8 * 33, 8), 0x101);
    assert_int_equal(gicr_read(v, 0, 8, 2), 0);
    assert_int_equal(gicr_read(v, 0, 12, 8), 0);
    assert_int_equal(gicr_read(v, 0, GICR_SGI + GICD_IGROUPR, 8), 0);
    assert_int_equal(gicr_read(v, 0, GICR_SGI + GICD_IPRIORITYR, 2), 0);
}

/* INTIDs 1020 to 1023 are not interrupts.  [utest->dsn~vgic-sizes~1] */
static void the_last_word_has_28_interrupts(void **state)
{
    const struct model_options all = {.cpus = 1, .vcpus = 1, .spis = 988, .lrs = 4, .pribits = 5};
    struct vcpu *v;

    (void)state;
    model_stop();
    model_start(&all);
    v = model.vcpu[0];
    assert_int_equal(gicd_read(v, GICD_TYPER, 4), 0x0048001f);
    gicd_write(v, GICD_ISENABLER + 124, 4, ALL);
    assert_int_equal(gicd_read(v, GICD_ISENABLER + 124, 4), 0x0fffffff);
    gicd_write(v, GICD_ISPENDR + 124, 4, ALL);
    assert_int_equal(gicd_read(v, GICD_ISPENDR + 124, 4), 0x0fffffff);
    gicd_write(v, GICD_IROUTER + 8 * 1020, 8, 1);
    assert_int_equal(gicd_read(v, GICD_IROUTER + 8 * 1020, 8), 0);
    gicd_write(v, GICD_IROUTER + 8 * 1019, 8, 1);
    assert_int_equal(gicd_read(v, GICD_IROUTER + 8 * 1019, 8), 1);
}

/* [utest->dsn~vgic-memory~1] */
static void memory_comes_from_the_domains_pool(void **state)
{
    (void)state;
    arch_domain_destroy(&model.domain);
    assert_int_equal(model.frames_used, 0);
    assert_int_equal(vgic_domain_init(&model.domain, 989), ERR_INVAL);
    for (uint32_t left = 0; left < 2u; left++) {
        model.frames_left = left;
        assert_int_equal(vgic_domain_init(&model.domain, 988), ERR_NOMEM);
        assert_int_equal(model.frames_used, 0);
    }
    model.frames_left = 2;
    assert_int_equal(vgic_domain_init(&model.domain, 988), OK);
    assert_int_equal(model.frames_used, 2);
    arch_domain_destroy(&model.domain);
    assert_int_equal(vgic_domain_init(&model.domain, 0), OK);
    assert_int_equal(model.frames_used, 0);
    assert_int_equal(gicd_read(model.vcpu[0], GICD_TYPER, 4), 0x00480000);
    assert_int_equal(gicd_read(model.vcpu[0], GICD_ISENABLER + 4, 4), 0);
}

/* What Debian's Linux does to the controller at boot, and that it reads back what it checks.
 * [utest->dsn~vgic-registers~1] */
static void linux_boots(void **state)
{
    (void)state;
    struct vcpu *v = model.vcpu[0];

    assert_int_equal(gicd_read(v, 0xffe8, 4) & 0xf0u, 0x30);
    assert_int_equal(gicr_read(v, 0, 0xffe8, 4) & 0xf0u, 0x30);
    gicd_write(v, GICD_CTLR, 4, 0);
    assert_int_equal(gicd_read(v, GICD_CTLR, 4) & 0x80000000u, 0);
    for (uint32_t i = 32; i < 96u; i += 32u) {
        gicd_write(v, GICD_IGROUPR + i / 8u, 4, ALL);
    }
    for (uint32_t i = 32; i < 96u; i += 16u) {
        gicd_write(v, GICD_ICFGR + i / 4u, 4, 0);
    }
    for (uint32_t i = 32; i < 96u; i += 4u) {
        gicd_write(v, GICD_IPRIORITYR + i, 4, 0xa0a0a0a0);
    }
    for (uint32_t i = 32; i < 96u; i += 32u) {
        gicd_write(v, GICD_ICACTIVER + i / 8u, 4, ALL);
        gicd_write(v, GICD_ICENABLER + i / 8u, 4, ALL);
    }
    gicd_write(v, GICD_CTLR, 4, 0x12);
    assert_int_equal(gicd_read(v, GICD_CTLR, 4), 0x52);
    for (uint32_t i = 32; i < 96u; i++) {
        gicd_write(v, GICD_IROUTER + 8u * i, 8, 0);
    }
    for (uint32_t n = 0; n < 2u; n++) {
        struct vcpu *own = model.vcpu[n];
        model_load(own);
        for (uint32_t i = 0; (gicr_read(own, i, 8, 8) >> 32) != n; i++) {
            assert_int_equal(gicr_read(own, i, 8, 4) & 0x10u, 0);
        }
        gicr_write(own, n, 0x14, 4, gicr_read(own, n, 0x14, 4) & ~2u);
        assert_int_equal(gicr_read(own, n, 0x14, 4) & 4u, 0);
        gicr_write(own, n, GICR_SGI + GICD_IGROUPR, 4, ALL);
        gicr_write(own, n, GICR_SGI + GICD_ICACTIVER, 4, ALL);
        gicr_write(own, n, GICR_SGI + GICD_ICENABLER, 4, 0xffff0000);
        gicr_write(own, n, GICR_SGI + GICD_ISENABLER, 4, 0x0000ffff);
        for (uint32_t i = 0; i < 32u; i += 4u) {
            gicr_write(own, n, GICR_SGI + GICD_IPRIORITYR + i, 4, 0xa0a0a0a0);
        }
        guest_set_pmr(own, 0xf0);
        guest_enable(own, true);
    }
    vgic_send_sgi(model.vcpu[1], UINT64_C(1)); /* to vCPU 0 */
    model_settle();
    assert_int_equal(guest_iar(v), 0);
    guest_eoir(v, 0);
    gicr_write(v, 0, GICR_SGI + GICD_ISENABLER, 4, BIT(27));
    model_timer_line(v, true);
    model_settle();
    assert_int_equal(guest_iar(v), 27);
    model_timer_line(v, false);
    guest_eoir(v, 27);
    model_settle();
    assert_int_equal(guest_iar(v), SPURIOUS);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        T(distributor_registers),
        T(redistributor_registers),
        T(set_and_clear_registers),
        T(redistributor_identity),
        T(waking_a_redistributor),
        T(outside_the_frames_is_nothing),
        T(other_sizes_read_as_zero),
        T(the_last_word_has_28_interrupts),
        T(memory_comes_from_the_domains_pool),
        T(linux_boots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
