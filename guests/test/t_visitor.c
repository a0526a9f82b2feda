/* SPDX-License-Identifier: Apache-2.0 */
/* t_visitor: answers each event on the port that domain 1 opened for it (boot argument port=) with one of its own. */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/xen_time.h>

#include <stddef.h>
#include <xen/event_channel.h>
#include <xen/sched.h>

int main(uint64_t x0)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = 1};
    struct shared_info *shared;

    platform_init(x0);
    shared = shared_info_map();
    bind.remote_port = (evtchn_port_t)platform_argument("port", 1);
    if (shared == NULL || event_channel_op(EVTCHNOP_bind_interdomain, &bind) != 0) {
        shutdown(SHUTDOWN_crash);
    }
    for (;;) {
        evtchn_port_t port = bind.local_port;
        struct sched_poll poll = {.nr_ports = 1};
        struct evtchn_send send = {.port = port};
        xen_ulong_t bit = (xen_ulong_t)1 << port;

        set_xen_guest_handle(poll.ports, &port);
        (void)sched_op(SCHEDOP_poll, &poll);
        if ((__atomic_fetch_and(&shared->evtchn_pending[0], ~bit, __ATOMIC_ACQ_REL) & bit) != 0) {
            (void)event_channel_op(EVTCHNOP_send, &send);
        }
    }
}
