/* SPDX-License-Identifier: Apache-2.0 */
/* partition: a task that is restarted, and says why it began and what it still knows.  Sixty-four steps a life, counted in memory that
 * outlives a restart; its first life ends because it asks for a restart, its second one by a crash, the third one goes on:
 *   partition: PARTITION_RESTART, warm, 64 steps so far
 * Boot arguments: keep=ADDRESS of that memory, cold=BITMAP of the causes after which it is not to be trusted (guest/life.h). */
#include <guest/cpu.h>
#include <guest/hypercall.h>
#include <guest/life.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/sysreg.h>

#include <xen/sched.h>

#define STEPS 64u
#define MARK  UINT64_C(0x5a5a5a5a5a5a5a5a)

/* A life may end between two writes: what was counted is what has its check word. */
struct state {
    uint64_t steps[2], check[2]; /* the one that is written is the older one */
};

static uint64_t steps_of(const volatile struct state *s)
{
    uint64_t steps = 0;

    for (unsigned i = 0; i < 2; i++) {
        if ((s->steps[i] ^ s->check[i]) == MARK && s->steps[i] > steps) {
            steps = s->steps[i];
        }
    }
    return steps;
}

static void step(volatile struct state *s)
{
    uint64_t next = steps_of(s) + 1;

    s->check[next % 2] = 0;
    s->steps[next % 2] = next;
    s->check[next % 2] = next ^ MARK;
}

int main(uint64_t x0)
{
    static const char *const names[] = {
        [NORMAL_START] = "NORMAL_START",
        [PARTITION_RESTART] = "PARTITION_RESTART",
        [HM_MODULE_RESTART] = "HM_MODULE_RESTART",
        [HM_PARTITION_RESTART] = "HM_PARTITION_RESTART",
    };
    enum start_condition why = start_condition();
    volatile struct state *state;
    bool warm;

    platform_init(x0);
    state = (volatile struct state *)platform_argument("keep", 0);
    warm = start_is_warm((volatile uint64_t *)state, sizeof(*state), platform_argument("cold", 0));
    print("partition: %s, %s, %llu steps so far\n", names[why], warm ? "warm" : "cold",
          (unsigned long long)steps_of(state));
    for (unsigned i = 0; i < STEPS; i++) {
        step(state);
    }
    if (why == NORMAL_START) {
        shutdown(SHUTDOWN_reboot);
    } else if (why == PARTITION_RESTART) {
        shutdown(SHUTDOWN_crash);
    }
    for (;;) {
        wfi();
    }
}
