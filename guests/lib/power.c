/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/power.h>
#include <guest/print.h>
#include <guest/xen_time.h>

#include <xen/event_channel.h>

static volatile struct shared_info *shared;
static uint32_t port;

void power_watch(void)
{
    struct evtchn_bind_virq bind = {.virq = BULKHEAD_VIRQ_POWER};

    if (event_channel_op(EVTCHNOP_bind_virq, &bind) == 0) {
        port = bind.port;
        shared = shared_info_map();
    }
}

void power_answer(bool agrees)
{
    struct bulkhead_power answer = {.action = agrees ? BULKHEAD_POWER_AGREE : BULKHEAD_POWER_REFUSE};
    uint64_t bit = UINT64_C(1) << (port % 64);

    if (shared == NULL || (shared->evtchn_pending[port / 64] & bit) == 0) {
        return;
    }
    __atomic_fetch_and(&shared->evtchn_pending[port / 64], ~bit, __ATOMIC_SEQ_CST);
    if (bulkhead_op(BULKHEAD_OP_POWER, &answer) == 0) { /* else it is too late, or nobody asked */
        print("power: %s\n", agrees ? "agreed" : "refused");
    }
}
