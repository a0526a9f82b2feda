/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/hypercall.h>
#include <guest/life.h>

static const struct bulkhead_life *this_life(void)
{
    static struct bulkhead_life life;

    life.domid = DOMID_SELF;
    (void)bulkhead_op(BULKHEAD_OP_LIFE, &life);
    return &life;
}

enum start_condition start_condition(void)
{
    const struct bulkhead_life *life = this_life();
    enum start_condition why = HM_PARTITION_RESTART;

    if (life->restarts == 0) {
        why = NORMAL_START;
    } else if (life->cause == 1 + BULKHEAD_EVENT_POWEROFF || life->cause == 1 + BULKHEAD_EVENT_REBOOT) {
        why = PARTITION_RESTART;
    }
    return why;
}

bool start_is_warm(volatile uint64_t *retained, uint64_t bytes, uint64_t cold)
{
    const struct bulkhead_life *life = this_life();
    bool is_warm = life->restarts != 0 && (cold >> life->cause & 1) == 0;

    for (uint64_t i = 0; !is_warm && i < bytes / sizeof(*retained); i++) {
        retained[i] = 0;
    }
    return is_warm;
}
