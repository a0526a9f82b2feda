/* SPDX-License-Identifier: Apache-2.0 */
/* t_power: role=1, the Control Domain, asks for a reset of the platform until everybody agrees; role=2, safe, refuses the first time;
 * role=3, safe, agrees each time.
 * [itest->dsn~platform-power~1] */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/test.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

#define EPERM  (-1)
#define EBUSY  (-16)
#define EINVAL (-22)

static int64_t power(uint32_t action)
{
    struct bulkhead_power op = {.action = action, .seconds = 1};

    return bulkhead_op(BULKHEAD_OP_POWER, &op);
}

/* Whoever is not ready yet is asked again. */
static void asks(void)
{
    struct bulkhead_boot_record record = {.exited = 0};

    while (record.exited == 0) { /* it has the right then */
        CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_BOOT_RECORD, &record), 0);
    }
    CHECK_EQUAL(power(BULKHEAD_POWER_AGREE), (uint64_t)EINVAL);
    CHECK_EQUAL(power(77), (uint64_t)EINVAL);
    for (;;) {
        int64_t result = power(BULKHEAD_POWER_RESET);

        if (result != 0 && result != EBUSY) {
            test_fail("%lld", (long long)result);
            return;
        }
    }
}

static void wait_until_asked(void)
{
    struct evtchn_bind_virq bind = {.virq = BULKHEAD_VIRQ_POWER};
    struct sched_poll poll = {.nr_ports = 1};

    CHECK_EQUAL(power(BULKHEAD_POWER_OFF), (uint64_t)EPERM);
    CHECK_EQUAL(power(BULKHEAD_POWER_RESET), (uint64_t)EPERM);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_bind_virq, &bind), 0);
    poll.ports.p = &bind.port;
    CHECK_EQUAL(sched_op(SCHEDOP_poll, &poll), 0);
}

/* The event stays pending, so from here on only the answer's result tells. */
static void answer(uint32_t action)
{
    int64_t result;

    do {
        result = power(action);
    } while (result == EINVAL);
    CHECK_EQUAL(result, 0);
}

static void refuses_once(void)
{
    wait_until_asked();
    answer(BULKHEAD_POWER_REFUSE);
    print("t_power: refused\n");
    for (;;) {
        answer(BULKHEAD_POWER_AGREE);
    }
}

static void agrees(void)
{
    wait_until_asked();
    for (;;) {
        answer(BULKHEAD_POWER_AGREE);
    }
}

int main(uint64_t x0)
{
    static const struct test roles[] = {{"asks", asks}, {"refuses_once", refuses_once}, {"agrees", agrees}};

    platform_init(x0);
    test_run(&roles[(platform_argument("role", 1) - 1) % 3], 1);
}
