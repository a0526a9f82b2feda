/* SPDX-License-Identifier: Apache-2.0 */
/* t_gic: the virtual GICv3 against the architecture.  Two vCPUs or more for all of it.  This file: the CPU interface
 * and delivery; t_gic_order.c: priorities, masks and overflow; t_gic_registers.c: distributor and redistributor
 * registers.
 * [itest->dsn~seen-gic-delivery~1] [itest->dsn~vgic-delivery~1] [itest->dsn~vgic-priority~1]
 * [itest->dsn~vgic-overflow~1] [itest->dsn~vgic-sgi~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/test.h>
#include <guest/timer.h>

#include "t_gic.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct gic_log gic_logs[GUEST_MAX_CPUS];
volatile bool gic_nest;

static volatile bool hold; /* the handler of GIC_SPI stays until this ends */

void on_irq(struct exception_frame *frame)
{
    struct gic_log *log = &gic_logs[this_cpu()->index];
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid >= 1020) {
        log->spurious++;
        return;
    }
    if (intid == TIMER_VIRTUAL_PPI) {
        timer_stop();
    }
    if (log->count < GIC_LOG) {
        log->intid[log->count] = intid;
        log->priority[log->count] = (uint8_t)GIC_READ(ICC_RPR);
    }
    log->count++;
    while (hold && intid == GIC_SPI) {
    }
    if (gic_nest && intid == GIC_SPI) {
        uint64_t elr = READ_SYSREG(elr_el1), spsr = READ_SYSREG(spsr_el1);

        gic_set_pending(GIC_HIGH_SPI, true);
        irq_enable();
        delay_ns(100000);
        irq_disable();
        WRITE_SYSREG(elr_el1, elr);
        WRITE_SYSREG(spsr_el1, spsr);
    }
    gic_end(intid);
}

void gic_start_over(void)
{
    irq_disable();
    gic_nest = false;
    for (uint32_t i = 0; i < GUEST_MAX_CPUS; i++) {
        gic_logs[i].count = 0;
        gic_logs[i].spurious = 0;
    }
}

bool gic_wait(uint32_t cpu, uint32_t count)
{
    uint64_t end = ticks() + ns_to_ticks(GIC_PATIENCE_NS);

    while (gic_logs[cpu].count < count) {
        if (ticks() > end) {
            return false;
        }
    }
    return true;
}

/* Open interrupts for a moment: long enough for all that is pending. */
void gic_take(void)
{
    irq_enable();
    isb();
    delay_ns(200000);
    irq_disable();
}

static void spurious_when_nothing_pends(void)
{
    gic_start_over();
    CHECK_EQUAL(gic_acknowledge(), GIC_SPURIOUS);
    CHECK_EQUAL(GIC_READ(ICC_HPPIR1) & 0xffffff, GIC_SPURIOUS);
    CHECK_EQUAL(GIC_READ(ICC_RPR) & 0xff, 0xff);
}

static void sgi_to_self(void)
{
    for (uint32_t sgi = 0; sgi < 16; sgi++) {
        gic_start_over();
        gic_enable(sgi);
        gic_send_sgi(sgi, platform.mpidr[0]);
        gic_take();
        CHECK_EQUAL(gic_logs[0].count, 1);
        CHECK_EQUAL(gic_logs[0].intid[0], sgi);
        CHECK_EQUAL(gic_logs[0].priority[0], GIC_PRIORITY);
        CHECK(!gic_is_pending(sgi));
        CHECK(!gic_is_active(sgi));
    }
}

static void sgi_to_each_cpu(void)
{
    for (uint32_t cpu = 1; cpu < platform.cpu_count; cpu++) {
        gic_start_over();
        gic_send_sgi(GIC_PEER_SGI, platform.mpidr[cpu]);
        CHECK(gic_wait(cpu, 1));
        CHECK_EQUAL(gic_logs[cpu].intid[0], GIC_PEER_SGI);
        for (uint32_t other = 0; other < platform.cpu_count; other++) {
            CHECK_EQUAL(gic_logs[other].count, other == cpu ? 1 : 0);
        }
    }
}

static void sgi_to_all_but_self(void)
{
    gic_start_over();
    gic_enable(GIC_PEER_SGI);
    gic_send_sgi_others(GIC_PEER_SGI);
    for (uint32_t cpu = 1; cpu < platform.cpu_count; cpu++) {
        CHECK(gic_wait(cpu, 1));
    }
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
}

static void sgi_to_a_list(void)
{
    uint64_t list = (UINT64_C(1) << platform.cpu_count) - 1;

    gic_start_over();
    gic_enable(GIC_PEER_SGI);
    /* CPUs that do not exist are in the list too. */
    GIC_WRITE(ICC_SGI1R, (uint64_t)GIC_PEER_SGI << 24 | list | 0xff00);
    isb();
    for (uint32_t cpu = 1; cpu < platform.cpu_count; cpu++) {
        CHECK(gic_wait(cpu, 1));
    }
    gic_take();
    for (uint32_t cpu = 0; cpu < platform.cpu_count; cpu++) {
        CHECK_EQUAL(gic_logs[cpu].count, 1);
    }
}

static void sgi_to_nobody(void)
{
    gic_start_over();
    GIC_WRITE(ICC_SGI1R, (uint64_t)GIC_PEER_SGI << 24);
    GIC_WRITE(ICC_SGI1R, UINT64_C(0x00ff00ff00ff00ff) & ~(UINT64_C(1) << 40));
    isb();
    gic_take();
    for (uint32_t cpu = 0; cpu < platform.cpu_count; cpu++) {
        CHECK_EQUAL(gic_logs[cpu].count, 0);
    }
}

/* Many SGIs both ways; one that comes while it pends is merged, the last is never lost. */
static void sgi_storm(void)
{
    gic_start_over();
    for (uint32_t i = 0; i < 500; i++) {
        uint32_t before = gic_logs[1].count;

        gic_send_sgi(GIC_PEER_SGI, platform.mpidr[1]);
        if (!gic_wait(1, before + 1)) {
            test_fail("SGI %u was lost", (unsigned)i);
            return;
        }
    }
}

static void spi_by_pending_register(void)
{
    gic_start_over();
    gic_enable(GIC_SPI);
    gic_set_pending(GIC_SPI, true);
    CHECK(gic_is_pending(GIC_SPI));
    CHECK_EQUAL(GIC_READ(ICC_HPPIR1) & 0xffffff, GIC_SPI);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
    CHECK_EQUAL(gic_logs[0].intid[0], GIC_SPI);
    CHECK(!gic_is_pending(GIC_SPI));
    gic_disable(GIC_SPI);
}

static void ppi_by_pending_register(void)
{
    gic_start_over();
    gic_enable(GIC_PPI);
    gic_set_pending(GIC_PPI, true);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
    CHECK_EQUAL(gic_logs[0].intid[0], GIC_PPI);
    gic_disable(GIC_PPI);
}

static void pending_is_withdrawn(void)
{
    gic_start_over();
    gic_enable(GIC_SPI);
    gic_set_pending(GIC_SPI, true);
    gic_set_pending(GIC_SPI, false);
    CHECK(!gic_is_pending(GIC_SPI));
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
    gic_disable(GIC_SPI);
}

static void disabled_while_pending(void)
{
    gic_start_over();
    gic_disable(GIC_SPI);
    gic_set_pending(GIC_SPI, true);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
    CHECK(gic_is_pending(GIC_SPI));
    gic_enable(GIC_SPI);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
    /* Enabled, pending, and disabled again before it is taken. */
    gic_set_pending(GIC_SPI, true);
    gic_disable(GIC_SPI);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
    CHECK(gic_is_pending(GIC_SPI));
    gic_set_pending(GIC_SPI, false);
}

static void spi_follows_its_route(void)
{
    gic_start_over();
    gic_enable(GIC_SPI);
    gic_route(GIC_SPI, platform.mpidr[1]);
    gic_set_pending(GIC_SPI, true);
    CHECK(gic_wait(1, 1));
    CHECK_EQUAL(gic_logs[1].intid[0], GIC_SPI);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
    /* Routed away while it pends here. */
    gic_route(GIC_SPI, platform.mpidr[0]);
    gic_set_pending(GIC_SPI, true);
    gic_route(GIC_SPI, platform.mpidr[1]);
    CHECK(gic_wait(1, 2));
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
    gic_route(GIC_SPI, platform.mpidr[0]);
    gic_disable(GIC_SPI);
}

/* What only CPU 1 knows, as its handler runs without telling anybody. */
static void state_on_another_cpu(void)
{
    gic_start_over();
    gic_set_edge(GIC_SPI, true);
    gic_enable(GIC_SPI);
    gic_route(GIC_SPI, platform.mpidr[1]);
    hold = true;
    gic_set_pending(GIC_SPI, true);
    CHECK(gic_wait(1, 1));
    CHECK(gic_is_active(GIC_SPI));
    CHECK(!gic_is_pending(GIC_SPI));
    gic_set_pending(GIC_SPI, true);
    CHECK(gic_is_pending(GIC_SPI));
    CHECK(gic_is_active(GIC_SPI));
    CHECK_EQUAL(gic_logs[1].count, 1);
    hold = false;
    CHECK(gic_wait(1, 2));
    while (gic_is_active(GIC_SPI)) {
    }
    CHECK(!gic_is_pending(GIC_SPI));
    CHECK_EQUAL(gic_logs[1].count, 2);
    gic_disable(GIC_SPI);
    gic_set_edge(GIC_SPI, false);
    gic_route(GIC_SPI, platform.mpidr[0]);
}

static void ppi_of_another_cpu(void)
{
    uint64_t frame = gic_logs[1].redistributor + GICR_SGI;

    gic_start_over();
    mmio_write32(frame + GICD_ISENABLER, 1u << GIC_PPI);
    mmio_write32(frame + GICD_ISPENDR, 1u << GIC_PPI);
    CHECK(gic_wait(1, 1));
    CHECK_EQUAL(gic_logs[1].intid[0], GIC_PPI);
    CHECK_EQUAL(mmio_read32(frame + GICD_ISENABLER) & 1u << GIC_PPI, 1u << GIC_PPI);
    mmio_write32(frame + GICD_ICENABLER, 1u << GIC_PPI);
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 0);
}

static void wfi_ends_with_interrupts_masked(void)
{
    gic_start_over();
    gic_enable(TIMER_VIRTUAL_PPI);
    timer_set(ticks() + ns_to_ticks(2000000));
    while (!gic_is_pending(TIMER_VIRTUAL_PPI)) {
        wfi();
    }
    gic_take();
    CHECK_EQUAL(gic_logs[0].count, 1);
}

static void peer(uint64_t argument)
{
    (void)argument;
    gic_init_cpu();
    gic_enable(GIC_PEER_SGI);
    gic_logs[this_cpu()->index].redistributor = gic_redistributor();
    gic_logs[this_cpu()->index].ready = true;
    irq_enable();
    for (;;) {
        wfi();
    }
}

static void start_peers(void)
{
    for (uint32_t cpu = 1; cpu < platform.cpu_count; cpu++) {
        if (cpu_start(cpu, platform.mpidr[cpu], peer, 0) != 0) {
            test_fail("CPU %u does not start", (unsigned)cpu);
            return;
        }
        while (!gic_logs[cpu].ready) {
        }
    }
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"distributor_identity", gic_distributor_identity},
        {"redistributor_identity", gic_redistributor_identity},
        {"enable_registers", gic_enable_registers},
        {"priority_registers", gic_priority_registers},
        {"configuration_registers", gic_configuration_registers},
        {"routing_registers", gic_routing_registers},
        {"pending_and_active_registers", gic_pending_and_active_registers},
        {"reserved_registers", gic_reserved_registers},
        {"cpu_interface_registers", gic_cpu_interface_registers},
        {"timer_pending_and_active", gic_timer_pending_and_active},
        {"timer_level", gic_timer_level},
        {"active_blocks_delivery", gic_active_blocks_delivery},
        {"spurious_when_nothing_pends", spurious_when_nothing_pends},
        {"start_peers", start_peers},
        {"sgi_to_self", sgi_to_self},
        {"sgi_to_each_cpu", sgi_to_each_cpu},
        {"sgi_to_all_but_self", sgi_to_all_but_self},
        {"sgi_to_a_list", sgi_to_a_list},
        {"sgi_to_nobody", sgi_to_nobody},
        {"sgi_storm", sgi_storm},
        {"spi_by_pending_register", spi_by_pending_register},
        {"ppi_by_pending_register", ppi_by_pending_register},
        {"pending_is_withdrawn", pending_is_withdrawn},
        {"disabled_while_pending", disabled_while_pending},
        {"spi_follows_its_route", spi_follows_its_route},
        {"state_on_another_cpu", state_on_another_cpu},
        {"ppi_of_another_cpu", ppi_of_another_cpu},
        {"higher_priority_goes_first", gic_higher_priority_goes_first},
        {"higher_priority_preempts", gic_higher_priority_preempts},
        {"equal_priority_waits", gic_equal_priority_waits},
        {"priority_mask_holds_back", gic_priority_mask_holds_back},
        {"group_enable_holds_back", gic_group_enable_holds_back},
        {"distributor_enable_holds_back", gic_distributor_enable_holds_back},
        {"end_and_deactivate_apart", gic_end_and_deactivate_apart},
        {"pending_again_while_active", gic_pending_again_while_active},
        {"more_pending_than_list_registers", gic_more_pending_than_list_registers},
        {"more_active_than_list_registers", gic_more_active_than_list_registers},
        {"wfi_ends_with_interrupts_masked", wfi_ends_with_interrupts_masked},
    };

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    test_run(tests, COUNT(tests));
}
