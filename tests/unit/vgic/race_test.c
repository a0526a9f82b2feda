/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs as threads.  Guests send SGIs to each other, devices pend SPIs, while routes, priorities and enables change and
 * vCPUs come and go.  Whoever makes an interrupt pending waits until it was taken before it does so again: so each must
 * be taken exactly once, and none may stay behind.  Built with the thread sanitizer too. */
#include "model.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define CPUS   4u
#define VCPUS  8u /* two on each CPU */
#define SPIS   64u
#define ROUNDS 20000u

static uint32_t spi_made[SPIS], spi_taken[SPIS];                 /* atomic */
static uint32_t sgi_made[VCPUS][VCPUS], sgi_taken[VCPUS][VCPUS]; /* atomic: [from][to]; the SGI's number is from */
static uint32_t busy;                                            /* atomic: threads that still make interrupts */

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define ADD(x)  (void)__atomic_fetch_add(&(x), 1u, __ATOMIC_ACQ_REL)

struct player {
    uint32_t cpu;
    uint64_t seed;
    struct vcpu *loaded;
};

static uint32_t rnd(struct player *p, uint32_t n)
{
    p->seed = p->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(p->seed >> 33) % n;
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* The access is made again while it asks for it; only this CPU goes on meanwhile. */
static uint64_t access(struct player *p, bool gicr, struct mmio m)
{
    for (;;) {
        struct mmio once = m;
        must(gicr ? vgic_gicr_access(p->loaded, &once) : vgic_gicd_access(p->loaded, &once), "a register is missing");
        if (!once.again) {
            return once.value;
        }
        model_settle_cpu(p->cpu);
        sched_yield();
    }
}

static void gicd_set(struct player *p, uint32_t offset, uint32_t size, uint64_t value)
{
    (void)access(p, false, (struct mmio){.offset = offset, .size = size, .write = true, .value = value});
}

static void handle(struct player *p)
{
    uint32_t taken[8];
    uint32_t depth = 0;
    uint32_t to = p->loaded->id;

    while (depth < 8u && (taken[depth] = guest_iar(p->loaded)) != SPURIOUS) {
        uint32_t intid = taken[depth++];
        if (intid < 16u) {
            ADD(sgi_taken[intid][to]);
            must(LOAD(sgi_taken[intid][to]) <= LOAD(sgi_made[intid][to]), "an SGI came that nobody sent");
        } else {
            ADD(spi_taken[intid - 32u]);
            must(LOAD(spi_taken[intid - 32u]) <= LOAD(spi_made[intid - 32u]), "an SPI came that nobody made");
        }
        if (rnd(p, 4) == 0u) {
            model_settle_cpu(p->cpu);
        }
    }
    while (depth-- > 0u) {
        guest_eoir(p->loaded, taken[depth]);
    }
}

static void make(struct player *p)
{
    uint32_t from = p->loaded->id;
    uint32_t to = rnd(p, VCPUS);
    uint32_t spi = rnd(p, SPIS / CPUS) * CPUS + p->cpu; /* each has one maker */

    if (LOAD(sgi_taken[from][to]) == LOAD(sgi_made[from][to])) {
        ADD(sgi_made[from][to]);
        vgic_send_sgi(p->loaded, (uint64_t)from << 24 | BIT(to));
    }
    if (LOAD(spi_taken[spi]) == LOAD(spi_made[spi])) {
        ADD(spi_made[spi]);
        arch_inject(p->loaded, 32u + spi);
    }
}

static void disturb(struct player *p)
{
    uint32_t spi = 32u + rnd(p, SPIS);
    uint64_t value;

    switch (rnd(p, 8)) {
    case 0:
        gicd_set(p, GICD_IROUTER + 8u * spi, 8, rnd(p, VCPUS));
        break;
    case 1:
        gicd_set(p, GICD_IPRIORITYR + spi, 1, rnd(p, 16) * 8u);
        break;
    case 2:
        gicd_set(p, GICD_ICENABLER + spi / 32u * 4u, 4, BIT(spi % 32u));
        gicd_set(p, GICD_ISENABLER + spi / 32u * 4u, 4, BIT(spi % 32u));
        break;
    case 3:
        value = access(p, false, (struct mmio){.offset = GICD_ISPENDR + spi / 32u * 4u, .size = 4});
        value |= access(p, false, (struct mmio){.offset = GICD_ISACTIVER + spi / 32u * 4u, .size = 4});
        must(value <= UINT32_MAX, "a register is too wide");
        break;
    case 4: /* another's SGI frame */
        value = access(p, true,
                       (struct mmio){.offset = rnd(p, VCPUS) * GICR_STRIDE + GICR_SGI + GICD_ISENABLER, .size = 4});
        must(value == 0xffff, "SGIs are not enabled");
        break;
    case 5:
        (void)access(p, true,
                     (struct mmio){.offset = rnd(p, VCPUS) * GICR_STRIDE + GICR_SGI + GICD_IPRIORITYR + rnd(p, 8),
                                   .size = 1,
                                   .write = true,
                                   .value = rnd(p, 16) * 8u});
        break;
    case 6:
        gicd_set(p, GICD_IROUTER + 8u * spi, 8, BIT(31));
        break;
    default:
        p->loaded = model.vcpu[p->cpu + (rnd(p, 2) == 0u ? 0u : CPUS)];
        model_load(p->loaded);
        break;
    }
}

static bool all_taken(void)
{
    for (uint32_t i = 0; i < SPIS; i++) {
        if (LOAD(spi_taken[i]) != LOAD(spi_made[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < VCPUS * VCPUS; i++) {
        if (LOAD(sgi_taken[i / VCPUS][i % VCPUS]) != LOAD(sgi_made[i / VCPUS][i % VCPUS])) {
            return false;
        }
    }
    return true;
}

static void *play(void *arg)
{
    struct player *p = arg;

    p->loaded = model.vcpu[p->cpu];
    model_this_cpu = &model.cpu[p->cpu].cpu;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        make(p);
        if (rnd(p, 3) == 0u) {
            disturb(p);
        }
        model_settle_cpu(p->cpu);
        handle(p);
    }
    (void)__atomic_fetch_sub(&busy, 1u, __ATOMIC_ACQ_REL);
    while (LOAD(busy) != 0u || !all_taken()) { /* ends when nothing is lost; the test's time limit ends it else */
        p->loaded = model.vcpu[p->cpu + (rnd(p, 2) == 0u ? 0u : CPUS)];
        model_load(p->loaded);
        model_settle_cpu(p->cpu);
        handle(p);
        sched_yield();
    }
    return NULL;
}

/* [utest->dsn~vgic-delivery~1] [utest->dsn~vgic-posting~2] */
static void each_interrupt_is_taken_once(void **state)
{
    const struct model_options o = {.cpus = CPUS, .vcpus = VCPUS, .spis = SPIS, .lrs = 2, .pribits = 5};
    struct player players[CPUS];
    pthread_t threads[CPUS];

    (void)state;
    model_start(&o);
    gicd_write(model.vcpu[0], GICD_CTLR, 4, 2);
    for (uint32_t i = 0; i < VCPUS; i++) {
        model_load(model.vcpu[i]);
        gicr_write(model.vcpu[i], i, GICR_SGI + GICD_ISENABLER, 4, 0xffff);
        guest_set_pmr(model.vcpu[i], 0xff);
        guest_enable(model.vcpu[i], true);
    }
    for (uint32_t i = 0; i < SPIS; i++) {
        gicd_write(model.vcpu[4], GICD_ICFGR + (32u + i) / 16u * 4u, 4, UINT32_MAX);
        gicd_write(model.vcpu[4], GICD_ISENABLER + (32u + i) / 32u * 4u, 4, UINT32_MAX);
    }
    for (uint32_t i = 0; i < CPUS; i++) {
        model_load(model.vcpu[i]);
    }
    busy = CPUS;
    for (uint32_t i = 0; i < CPUS; i++) {
        players[i] = (struct player){.cpu = i, .seed = 77u + i};
        assert_int_equal(pthread_create(&threads[i], NULL, play, &players[i]), 0);
    }
    for (uint32_t i = 0; i < CPUS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_true(all_taken());
    model_this_cpu = &model.cpu[0].cpu;
    model_settle();
    model_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_interrupt_is_taken_once)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
