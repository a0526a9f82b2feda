/* SPDX-License-Identifier: Apache-2.0 */
/* brake: the demo's safe control task.  Every millisecond a virtual timer releases one step of the control law; every
 * second one line says how late the releases were and how many were missed:
 *   brake: seq 3 jitter min 1024 mean 1311 max 9216 ns, missed 0, speed 22.41 m/s
 * Asked whether the platform may be powered off or reset, it agrees.
 * Boot arguments: period_us=N (1000), report=N periods a line (1000), stop_after=LINES (0 = never), agrees=0 (it refuses),
 * uart=1.
 * [impl->dsn~brake~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/power.h>
#include <guest/print.h>
#include <guest/timer.h>

#include <stdbool.h>
#include <xen/sched.h>

#include "law.h"

static struct {
    uint64_t period;            /* ticks */
    volatile uint64_t deadline; /* of the release that the timer is set to */
    volatile uint64_t released; /* when the last release's interrupt came; 0 = taken */
} schedule;

struct jitter {
    uint64_t least, most, sum; /* ticks late */
    uint32_t count;
    uint32_t missed; /* whole periods without a release, since the start */
};

void on_irq(struct exception_frame *frame)
{
    uint64_t now = READ_SYSREG(cntvct_el0);
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid == TIMER_VIRTUAL_PPI) {
        schedule.released = now;
        timer_stop();
    }
    if (intid < GIC_SPURIOUS - 3) {
        gic_end(intid);
    }
}

/* Sleep until the timer's interrupt was taken; returns when that was. */
static uint64_t wait_release(void)
{
    uint64_t released;

    irq_disable();
    while (schedule.released == 0) {
        wfi();
        irq_enable();
        isb();
        irq_disable();
    }
    released = schedule.released;
    schedule.released = 0;
    irq_enable();
    return released;
}

static void note(struct jitter *jitter, uint64_t late)
{
    jitter->least = late < jitter->least ? late : jitter->least;
    jitter->most = late > jitter->most ? late : jitter->most;
    jitter->sum += late;
    jitter->count++;
}

/* Set the timer for the next release that is still ahead; what lies behind is missed.  Returns the periods gone by. */
static uint64_t next_release(struct jitter *jitter)
{
    uint64_t late = ticks() - schedule.deadline;
    uint64_t periods = late / schedule.period + 1;

    jitter->missed += (uint32_t)(periods - 1);
    schedule.deadline += periods * schedule.period;
    timer_set(schedule.deadline);
    return periods;
}

static void report(uint64_t sequence, struct jitter *jitter, const struct brake_law *law)
{
    print("brake: seq %llu jitter min %llu mean %llu max %llu ns, missed %u, speed %d.%02d m/s\n",
          (unsigned long long)sequence, (unsigned long long)ticks_to_ns(jitter->least),
          (unsigned long long)ticks_to_ns(jitter->sum / jitter->count), (unsigned long long)ticks_to_ns(jitter->most),
          (unsigned)jitter->missed, (int)(law->vehicle >> 16), (int)((law->vehicle & 0xffff) * 100 >> 16));
    *jitter = (struct jitter){.least = UINT64_MAX, .missed = jitter->missed};
}

static void run(uint64_t periods_a_line, uint64_t lines, bool agrees)
{
    struct jitter jitter = {.least = UINT64_MAX};
    struct brake_law law;

    brake_law_start(&law);
    for (uint64_t sequence = 1; lines == 0 || sequence <= lines; sequence++) {
        for (uint64_t periods = 0; periods < periods_a_line;) {
            uint64_t released = wait_release();

            note(&jitter, released - schedule.deadline);
            brake_law_step(&law);
            power_answer(agrees);
            periods += next_release(&jitter);
        }
        report(sequence, &jitter, &law);
    }
}

int main(uint64_t x0)
{
    uint64_t periods_a_line;

    platform_init(x0);
    platform_print_by_hypercall();
    gic_init();
    gic_init_cpu();
    gic_enable(TIMER_VIRTUAL_PPI);
    schedule.period = ns_to_ticks(platform_argument("period_us", 1000) * 1000);
    periods_a_line = platform_argument("report", 1000);
    if (schedule.period == 0 || periods_a_line == 0) {
        print("brake: period_us and report must not be 0\n");
        return 1;
    }
    power_watch();
    print("brake: control task, one release every %llu ns\n", (unsigned long long)ticks_to_ns(schedule.period));
    schedule.deadline = ticks() + schedule.period;
    timer_set(schedule.deadline);
    run(periods_a_line, platform_argument("stop_after", 0), platform_argument("agrees", 1) != 0);
    shutdown(SHUTDOWN_poweroff);
}
