/* SPDX-License-Identifier: Apache-2.0 */
/* cluster: the demo's second safe task, an instrument cluster.  Twenty times a second it moves the needle and checks a
 * part of its memory against the pattern it wrote there; every second one line:
 *   cluster: seq 4 speed 87 km/h, 1024 KiB checked, ok
 * A wrong byte is said at once and ends the domain with SHUTDOWN_crash.
 * Asked whether the platform may be powered off or reset, it agrees.
 * Boot arguments: stop_after=LINES (0 = never), uart=1.
 * [impl->dsn~cluster~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/pattern.h>
#include <guest/platform.h>
#include <guest/power.h>
#include <guest/print.h>
#include <guest/timer.h>

#include <stdbool.h>
#include <xen/sched.h>

#define RATE      20u
#define WORDS     (UINT64_C(1) << 17) /* 1 MiB */
#define PART      (WORDS / RATE + 1)
#define SPEED_MAX 130

static uint64_t pattern[WORDS];
static volatile bool released;

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid == TIMER_VIRTUAL_PPI) {
        timer_stop();
        released = true;
    }
    if (intid < GIC_SPURIOUS - 3) {
        gic_end(intid);
    }
}

static void wait_release(void)
{
    while (!released) {
        wfi();
        irq_enable();
        isb();
        irq_disable();
    }
    released = false;
}

/* A needle that swings between 0 and SPEED_MAX, 3 km/h a step. */
static int speed_at(uint64_t step)
{
    int phase = (int)(step * 3 % (2 * SPEED_MAX));

    return phase < SPEED_MAX ? phase : 2 * SPEED_MAX - phase;
}

int main(uint64_t x0)
{
    uint64_t lines, deadline, period = ticks_per_second() / RATE;

    platform_init(x0);
    platform_print_by_hypercall();
    lines = platform_argument("stop_after", 0);
    gic_init();
    gic_init_cpu();
    gic_enable(TIMER_VIRTUAL_PPI);
    pattern_fill(pattern, WORDS);
    power_watch();
    print("cluster: instrument cluster, %u releases a second\n", RATE);
    deadline = ticks();
    for (uint64_t round = 0; lines == 0 || round < lines; round++) {
        for (uint32_t part = 0; part < RATE; part++) {
            uint64_t end = (part + 1) * PART;

            deadline += period;
            timer_set(deadline);
            wait_release();
            pattern_check("cluster", pattern, part * PART, end < WORDS ? end : WORDS, round);
            power_answer(true);
        }
        print("cluster: seq %llu speed %d km/h, %llu KiB checked, ok\n", (unsigned long long)round + 1,
              speed_at(round * RATE), (unsigned long long)(sizeof(pattern) >> 10));
    }
    shutdown(SHUTDOWN_poweroff);
}
