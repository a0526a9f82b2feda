/* SPDX-License-Identifier: Apache-2.0 */
/* attacker: does one thing that costs the hypervisor time, as fast as it can, for ever.  Boot arguments: attack=N,
 *   1 events to port=N of its own, 2 traps, 3 hypercalls, memory given up and asked for again among them, 4 it crashes at once,
 *   5 its timer's interrupts, 6 TLB invalidations for all CPUs, 7 none: its own code only, 0 not even that: it waits,
 *   8 lines on the console, 9 grants mapped and unmapped, 10 SGIs.
 * turn=MICROSECONDS: all of these in turns so long, each time beginning with the next one, until its watchdog ends it in the
 * midst of one after a second; then crashes=N lives in which it crashes at once. */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/timer.h>

#include <stdbool.h>
#include <stddef.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

#include "grants.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGES        64u
#define BURST        256u
#define SOME_SPI     40u
#define SOME_SGI     1u

static xen_pfn_t pages[PAGES];

static volatile uint32_t line_stays; /* so many interrupts the timer's line stays high, and nothing else is run */

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid == TIMER_VIRTUAL_PPI && --line_stays == 0) {
        timer_stop();
    }
    gic_end(intid);
}

static void send(void)
{
    struct evtchn_send send = {.port = (uint32_t)platform_argument("port", 1)};

    for (uint32_t i = 0; i < BURST; i++) {
        (void)event_channel_op(EVTCHNOP_send, &send);
    }
}

static void trap(void)
{
    for (uint32_t i = 0; i < BURST; i++) {
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
    (void)xen_version(XENVER_version, NULL);
    (void)memory_op(XENMEM_decrease_reservation, &give);
    (void)memory_op(XENMEM_populate_physmap, &give);
}

static void crash(void)
{
    shutdown(SHUTDOWN_crash);
}

static void interrupt(void)
{
    gic_enable(TIMER_VIRTUAL_PPI);
    line_stays = BURST;
    timer_set(0);
    irq_enable();
    while (line_stays != 0) {
    }
    irq_disable();
}

static void invalidate(void)
{
    for (uint32_t i = 0; i < BURST; i++) {
        __asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
    }
}

static void spin(void)
{
    for (uint32_t i = 0; i < BURST; i++) {
        __asm__ volatile("");
    }
}

static void wait(void)
{
    __asm__ volatile("wfi");
}

/* By the hypercall, and character by character. */
static void write(void)
{
    static const char line[] = "attacker: ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n\n\n\n";

    (void)console_io(CONSOLEIO_write, sizeof(line) - 1, line);
    print("%s", line);
}

static void grant(void)
{
    static bool prepared, works;

    if (!prepared) {
        prepared = true;
        works = grants_prepare();
    }
    if (works) {
        (void)grants_map();
        (void)grants_copy_page();
        (void)grants_add_to_physmap();
    }
}

static void signal(void)
{
    gic_enable(SOME_SGI);
    irq_enable();
    for (uint32_t i = 0; i < BURST; i++) {
        gic_send_sgi(SOME_SGI, READ_SYSREG(mpidr_el1));
    }
    irq_disable();
}

static void (*const attacks[])(void) = {wait,       send, trap,  call,  crash, interrupt,
                                        invalidate, spin, write, grant, signal};

static void in_turns(uint64_t turn)
{
    static const uint8_t order[] = {1, 2, 3, 5, 6, 8, 9, 10};
    static struct bulkhead_life life = {.domid = DOMID_SELF};
    struct sched_watchdog watchdog = {.timeout = 1};
    uint64_t lives = platform_argument("crashes", 0) + 1;

    (void)bulkhead_op(BULKHEAD_OP_LIFE, &life);
    if (life.restarts % lives != 0) {
        crash();
    }
    (void)sched_op(SCHEDOP_watchdog, &watchdog);
    for (uint64_t first = life.restarts / lives, i = 0;; i++) {
        uint64_t end = ticks() + turn;

        if (i == COUNT(order)) {
            print("\nattacker: made every attack\n");
        }
        while (ticks() < end) {
            attacks[order[(first + i) % COUNT(order)]]();
        }
    }
}

int main(uint64_t x0)
{
    uint64_t turn;

    platform_init(x0);
    gic_init();
    gic_init_cpu();
    turn = ns_to_ticks(platform_argument("turn", 0) * 1000);
    if (turn != 0) {
        in_turns(turn);
    }
    for (;;) {
        attacks[platform_argument("attack", 0) % COUNT(attacks)]();
    }
}
