/* SPDX-License-Identifier: Apache-2.0 */
/* attacker: does one thing that costs the hypervisor time, as fast as it can, for ever.  Boot arguments: attack=N,
 *   1 events to port=N of its own, 2 traps, 3 hypercalls, 4 it crashes at once, 5 interrupts, 6 TLB invalidations for all CPUs,
 *   7 none: its own code only, 0 not even that: it waits */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/timer.h>

#include <stddef.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

#define PAGES    64u
#define SOME_SPI 40u

static xen_pfn_t pages[PAGES];

/* Its line stays high. */
void on_irq(struct exception_frame *frame)
{
    (void)frame;
    gic_end(gic_acknowledge());
}

static void send(void)
{
    struct evtchn_send send = {.port = (uint32_t)platform_argument("port", 1)};

    for (;;) {
        (void)event_channel_op(EVTCHNOP_send, &send);
    }
}

static void trap(void)
{
    for (;;) {
        gic_enable(SOME_SPI);
        gic_disable(SOME_SPI);
    }
}

/* Short ones, and the longest that a domain without rights can make: memory given up and asked for again. */
static void call(void)
{
    struct xen_memory_reservation give = {.nr_extents = PAGES, .domid = DOMID_SELF};

    give.extent_start.p = pages;
    for (uint32_t i = 0; i < PAGES; i++) {
        pages[i] = ((uint64_t)&pages >> 12) + 1024 + i; /* 4 MiB further: nothing is there */
    }
    for (;;) {
        (void)xen_version(XENVER_version, NULL);
        (void)memory_op(XENMEM_decrease_reservation, &give);
        (void)memory_op(XENMEM_populate_physmap, &give);
    }
}

static void crash(void)
{
    shutdown(SHUTDOWN_crash);
}

static void interrupt(void)
{
    gic_init();
    gic_init_cpu();
    gic_enable(TIMER_VIRTUAL_PPI);
    timer_set(0);
    irq_enable();
    for (;;) {
    }
}

static void invalidate(void)
{
    for (;;) {
        __asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    }
}

static void spin(void)
{
    for (;;) {
        __asm__ volatile("");
    }
}

static void wait(void)
{
    for (;;) {
        __asm__ volatile("wfi");
    }
}

int main(uint64_t x0)
{
    static void (*const attacks[])(void) = {wait, send, trap, call, crash, interrupt, invalidate, spin};

    platform_init(x0);
    attacks[platform_argument("attack", 0) % (sizeof(attacks) / sizeof(attacks[0]))]();
    return 0;
}
