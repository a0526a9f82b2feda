/* SPDX-License-Identifier: Apache-2.0 */
/* t_suspend: role=2 suspends itself three times; role=1, the Control Domain (sleeper= its domid), resumes it each time.
 * [itest->dsn~domain-suspend~1] */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/test.h>
#include <guest/timer.h>
#include <guest/xen_time.h>

#include <stddef.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/sched.h>

#define TIMES      3u
#define PATIENCE_S 30u
#define EINVAL     (-22)

static int64_t domctl(struct xen_domctl *op, uint32_t cmd, domid_t domid)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    return domctl_op(op);
}

/* ---- role 1 ---- */

/* It may not be there yet. */
static bool is_suspended(domid_t domid)
{
    struct xen_domctl op = {.cmd = 0};
    bool is_there = domctl(&op, XEN_DOMCTL_getdomaininfo, domid) == 0 && op.domain == domid;
    uint32_t flags = op.u.getdomaininfo.flags;

    return is_there && (flags & XEN_DOMINF_shutdown) != 0 &&
           ((flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask) == SHUTDOWN_suspend;
}

static void who_suspended_itself_is_resumed(void)
{
    domid_t sleeper = (domid_t)platform_argument("sleeper", 0);
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    for (uint32_t i = 0; i < TIMES; i++) {
        struct xen_domctl op = {.cmd = 0};

        while (!is_suspended(sleeper) && ticks() < end) {
        }
        CHECK_EQUAL(domctl(&op, XEN_DOMCTL_resumedomain, sleeper), 0);
    }
}

static void who_ended_otherwise_is_not(void)
{
    domid_t sleeper = (domid_t)platform_argument("sleeper", 0);
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    struct xen_domctl op = {.cmd = 0};

    do {
        CHECK_EQUAL(domctl(&op, XEN_DOMCTL_getdomaininfo, sleeper), 0);
    } while ((op.u.getdomaininfo.flags & XEN_DOMINF_shutdown) == 0 && ticks() < end);
    CHECK_EQUAL(domctl(&op, XEN_DOMCTL_resumedomain, sleeper), EINVAL);
}

/* ---- role 2 ---- */

static volatile struct shared_info *shared;

static uint32_t own_channel(void)
{
    struct evtchn_alloc_unbound waits = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain binds = {.remote_dom = DOMID_SELF};

    CHECK_EQUAL(event_channel_op(EVTCHNOP_alloc_unbound, &waits), 0);
    binds.remote_port = waits.port;
    CHECK_EQUAL(event_channel_op(EVTCHNOP_bind_interdomain, &binds), 0);
    return waits.port;
}

/* True: an event sent to oneself by the channel comes. */
static bool events_come(uint32_t port)
{
    uint32_t far = port;
    struct evtchn_status status = {.dom = DOMID_SELF, .port = port};
    struct evtchn_send send;

    CHECK_EQUAL(event_channel_op(EVTCHNOP_status, &status), 0);
    far = status.u.interdomain.port;
    (void)__atomic_fetch_and(&shared->evtchn_pending[port / 64], ~(UINT64_C(1) << (port % 64)), __ATOMIC_SEQ_CST);
    send.port = far;
    CHECK_EQUAL(event_channel_op(EVTCHNOP_send, &send), 0);
    return (shared->evtchn_pending[port / 64] >> (port % 64) & 1) != 0;
}

static void suspends_and_runs_on_as_it_was(void)
{
    uint32_t port;

    shared = (volatile struct shared_info *)shared_info_map();
    CHECK(shared != NULL);
    port = own_channel();
    CHECK(events_come(port));
    for (uint32_t i = 0; i < TIMES; i++) {
        struct sched_shutdown op = {.reason = SHUTDOWN_suspend};
        struct sched_poll poll = {.nr_ports = 0};
        uint64_t before = ticks();

        CHECK_EQUAL(sched_op(SCHEDOP_shutdown, &op), 0);
        CHECK(ticks() > before);
        CHECK(events_come(port));
        poll.timeout = ticks_to_ns(ticks()) + UINT64_C(10000000);
        CHECK_EQUAL(sched_op(SCHEDOP_poll, &poll), 0);
        CHECK(ticks_to_ns(ticks()) >= poll.timeout);
    }
}

int main(uint64_t x0)
{
    static const struct test control[] = {{"who_suspended_itself_is_resumed", who_suspended_itself_is_resumed},
                                          {"who_ended_otherwise_is_not", who_ended_otherwise_is_not}};
    static const struct test sleeper[] = {{"suspends_and_runs_on_as_it_was", suspends_and_runs_on_as_it_was}};

    platform_init(x0);
    if (platform_argument("role", 1) == 1) {
        test_run(control, sizeof(control) / sizeof(control[0]));
    }
    test_run(sleeper, sizeof(sleeper) / sizeof(sleeper[0]));
}
