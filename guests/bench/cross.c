/* SPDX-License-Identifier: Apache-2.0 */
/* Events between two domains that share a CPU, through a static channel. */
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/timer.h>

#include <xen/event_channel.h>
#include <xen/memory.h>

#include "cross.h"

#define EVENT_PPI   31u
#define SHARED_INFO UINT64_C(0x38f00000) /* beside the grant frames: nothing is there */
#define DRAIN_DIV   5u                   /* of a second */

uint64_t bench_wait(void);
uint64_t bench_event_send(const uint32_t *port);

static struct shared_info *const shared = (struct shared_info *)SHARED_INFO;
static uint32_t port;

static void seen(void)
{
    (void)__atomic_fetch_and(&shared->evtchn_pending[0], ~(UINT64_C(1) << port), __ATOMIC_SEQ_CST);
    shared->vcpu_info[0].evtchn_pending_sel = 0;
    __atomic_store_n(&shared->vcpu_info[0].evtchn_upcall_pending, (uint8_t)0, __ATOMIC_SEQ_CST);
}

bool cross_prepare(void)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = SHARED_INFO >> 12};

    port = (uint32_t)platform_argument("port", 1);
    gic_enable(EVENT_PPI);
    if (memory_op(XENMEM_add_to_physmap, &map) != 0) {
        return false;
    }
    seen(); /* what came before the interrupt controller was ready interrupts no more */
    return true;
}

void cross_answer(void)
{
    for (;;) { /* the first answer is to what was not heard */
        (void)bench_event_send(&port);
        (void)bench_wait();
        seen();
    }
}

void cross_settle(void)
{
    uint64_t end = ticks() + ticks_per_second() / DRAIN_DIV;

    while (ticks() < end) {
        __asm__ volatile("msr daifclr, #2\n\tisb\n\tmsr daifset, #2" ::: "x17", "memory");
        seen();
    }
}

/* There and back: either way ends with the handler's first instruction, so each is half of it. */
uint64_t cross_measure(void)
{
    uint64_t sent = bench_event_send(&port);
    uint64_t back = bench_wait();

    seen();
    return (back - sent) / 2;
}
