/* SPDX-License-Identifier: Apache-2.0 */
/* t_start: four lives, each with its start condition, and a page that counts over them.
 *   keep=ADDRESS  of the page (decimal)
 *   kept=0        it is ordinary memory, which is new in each life
 *   cold=BITMAP   after what the start is cold
 * [itest->dsn~life-cause~1] [itest->dsn~guest-life~1] */
#include <guest/cpu.h>
#include <guest/hypercall.h>
#include <guest/life.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/sysreg.h>
#include <guest/test.h>

#include <xen/sched.h>

#define PAGE_BYTES 4096u
#define WORDS      (PAGE_BYTES / sizeof(uint64_t))
#define LIVES      4u
#define NOWHERE    UINT64_C(0x6000000000)

static const struct {
    uint16_t cause;
    enum start_condition condition;
} lives[LIVES] = {
    {0, NORMAL_START},
    {1 + BULKHEAD_EVENT_REBOOT, PARTITION_RESTART},
    {1 + BULKHEAD_EVENT_CRASH, HM_PARTITION_RESTART},
    {1 + BULKHEAD_EVENT_ACCESS, HM_PARTITION_RESTART},
};

static struct bulkhead_life life = {.domid = DOMID_SELF};
static volatile uint64_t *page;
static bool kept;
static uint64_t cold;

static bool is_warm(uint64_t number)
{
    return number > 0 && number < LIVES && (cold >> lives[number].cause & 1) == 0;
}

/* What the page holds when life `number` begins. */
static uint64_t counted(uint64_t number)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < number; i++) {
        count = (kept && is_warm(i)) ? count + 1 : 1;
    }
    return count;
}

/* Every word is the count, with its number above it. */
static void holds(uint64_t count)
{
    uint64_t wrong = 0;

    for (uint64_t i = 0; i < WORDS; i++) {
        wrong += (page[i] != ((count == 0) ? 0 : i << 32 | count)) ? 1u : 0u;
    }
    CHECK_EQUAL(wrong, 0);
}

static void condition_is_told(void)
{
    CHECK(life.restarts < LIVES);
    CHECK_EQUAL(life.cause, lives[life.restarts % LIVES].cause);
    CHECK_EQUAL(start_condition(), lives[life.restarts % LIVES].condition);
}

static void page_is_kept(void)
{
    holds(kept ? counted(life.restarts) : 0);
}

static void start_is_warm_or_cold(void)
{
    CHECK_EQUAL(start_is_warm(page, PAGE_BYTES, cold), is_warm(life.restarts));
    holds((kept && is_warm(life.restarts)) ? counted(life.restarts) : 0);
}

static void count_this_life(void)
{
    uint64_t count = counted(life.restarts + 1);

    for (uint64_t i = 0; i < WORDS; i++) {
        page[i] = i << 32 | count;
    }
    print("t_start: life %llu counts %llu\n", (unsigned long long)life.restarts,
          (unsigned long long)(page[0] & UINT32_MAX));
}

static void __attribute__((noreturn)) end_this_life(void)
{
    struct sched_shutdown argument = {.reason = (life.restarts == 0) ? SHUTDOWN_reboot : SHUTDOWN_crash};

    if (life.restarts < 2) {
        (void)sched_op(SCHEDOP_shutdown, &argument);
    } else if (life.restarts == 2) {
        (void)mmio_read32(NOWHERE);
    }
    for (;;) {
        wfi();
    }
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"condition", condition_is_told},
        {"kept", page_is_kept},
        {"warm", start_is_warm_or_cold},
    };

    platform_init(x0);
    page = (volatile uint64_t *)platform_argument("keep", 0);
    kept = platform_argument("kept", 1) != 0;
    cold = platform_argument("cold", 0);
    CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_LIFE, &life), 0);
    test_all(tests, sizeof(tests) / sizeof(tests[0]));
    count_this_life();
    end_this_life();
}
