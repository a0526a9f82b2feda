/* SPDX-License-Identifier: Apache-2.0 */
/* t_evtchn: event channels of a domain with itself and with another one.
 * Boot arguments: role=1 offers its first port to domain peer; role=2 binds to port 1 of domain peer.
 * [itest->dsn~evtchn-op~1] [itest->dsn~evtchn-send~1] [itest->dsn~evtchn-two-level~1] [itest->dsn~evtchn-fifo~1]
 * [itest->dsn~evtchn-poll~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define EVENT_PPI   31u
#define SHARED_INFO UINT64_C(0x38f00000) /* beside the grant frames: nothing is there */
#define ROUNDS      500u
#define PATIENCE_S  20u
#define OFFERED     1u
#define PAGE        4096u
#define ENOSYS      38
#define EINVAL      22
#define ENOENT      2

static struct shared_info *const shared = (struct shared_info *)SHARED_INFO;
static struct vcpu_info info __attribute__((aligned(64)));
static struct evtchn_fifo_control_block control __attribute__((aligned(256)));
static uint32_t words[PAGE / 4] __attribute__((aligned(PAGE)));
static volatile uint32_t upcalls;
static uint32_t role, own_port, channel_port;

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    if (intid == EVENT_PPI) {
        upcalls++;
        __atomic_store_n(&info.evtchn_upcall_pending, (uint8_t)0, __ATOMIC_SEQ_CST);
        (void)__atomic_exchange_n(&info.evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    }
    if (intid != GIC_SPURIOUS) {
        gic_end(intid);
    }
}

static int64_t send(uint32_t port)
{
    struct evtchn_send s = {.port = port};

    return event_channel_op(EVTCHNOP_send, &s);
}

static bool is_pending(uint32_t port)
{
    return (__atomic_load_n(&shared->evtchn_pending[port / 64], __ATOMIC_SEQ_CST) >> (port % 64) & 1) != 0;
}

static bool take(uint32_t port)
{
    uint64_t bit = UINT64_C(1) << (port % 64);

    return (__atomic_fetch_and(&shared->evtchn_pending[port / 64], ~bit, __ATOMIC_SEQ_CST) & bit) != 0;
}

static void open_window(void)
{
    __asm__ volatile("msr daifclr, #2\n\tisb\n\tmsr daifset, #2" ::: "memory");
}

/* What a peer sent is an interrupt by now. */
static void settle(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();

    do {
        open_window();
    } while (__atomic_load_n(&info.evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0 && ticks() < end);
    upcalls = 0;
}

/* The event at port, or false after PATIENCE_S. */
static bool wait_for(uint32_t port)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    struct sched_poll p = {.nr_ports = 1};

    p.ports.p = &port;
    while (!take(port)) {
        if (ticks() > end) {
            return false;
        }
        (void)sched_op(SCHEDOP_poll, &p);
        open_window();
    }
    return true;
}

static void areas_are_registered(void)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = SHARED_INFO >> 12};
    struct vcpu_register_vcpu_info r = {.mfn = (uint64_t)&info >> 12, .offset = (uint32_t)((uint64_t)&info % PAGE)};

    CHECK_EQUAL(memory_op(XENMEM_add_to_physmap, &map), 0);
    CHECK_EQUAL(vcpu_op(VCPUOP_register_vcpu_info, 0, &r), 0);
    CHECK_EQUAL(vcpu_op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
    upcalls = 0;
    open_window();
    CHECK_EQUAL(upcalls, 1); /* registering makes everything pending */
}

/* Role 1's first port, so that role 2 knows its number. */
static void a_port_is_offered_or_bound(void)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    domid_t peer = (domid_t)platform_argument("peer", 0);
    struct evtchn_alloc_unbound offer = {.dom = DOMID_SELF, .remote_dom = peer};
    struct evtchn_bind_interdomain bind = {.remote_dom = peer, .remote_port = OFFERED};
    int64_t result = -1;

    if (role == 1) {
        CHECK_EQUAL(event_channel_op(EVTCHNOP_alloc_unbound, &offer), 0);
        CHECK_EQUAL(offer.port, OFFERED);
        channel_port = offer.port;
        return;
    }
    while (result != 0 && ticks() < end) {
        result = event_channel_op(EVTCHNOP_bind_interdomain, &bind);
    }
    CHECK_EQUAL(result, 0);
    channel_port = bind.local_port;
    CHECK(is_pending(channel_port));
    (void)take(channel_port);
}

static void events_go_to_and_fro(void)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = channel_port};

    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (role == 2) {
            CHECK_EQUAL(send(channel_port), 0);
        }
        if (!wait_for(channel_port)) {
            test_fail("no event in round %u", i);
            return;
        }
        if (role == 1) {
            CHECK_EQUAL(send(channel_port), 0);
        }
    }
    CHECK_EQUAL(event_channel_op(EVTCHNOP_status, &s), 0);
    CHECK_EQUAL(s.u.interdomain.dom, platform_argument("peer", 0));
}

static void an_event_to_oneself_interrupts_once(void)
{
    struct evtchn_bind_ipi bind = {.vcpu = 0};

    CHECK_EQUAL(event_channel_op(EVTCHNOP_bind_ipi, &bind), 0);
    own_port = bind.port;
    settle();
    CHECK_EQUAL(send(own_port), 0);
    CHECK_EQUAL(send(own_port), 0);
    CHECK(is_pending(own_port));
    open_window();
    CHECK_EQUAL(upcalls, 1);
    CHECK(take(own_port));
    open_window();
    CHECK_EQUAL(upcalls, 1);
}

static void a_masked_event_waits_for_unmask(void)
{
    struct evtchn_unmask unmask = {.port = own_port};

    shared->evtchn_mask[own_port / 64] |= UINT64_C(1) << (own_port % 64);
    upcalls = 0;
    CHECK_EQUAL(send(own_port), 0);
    open_window();
    CHECK_EQUAL(upcalls, 0);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_unmask, &unmask), 0);
    open_window();
    CHECK_EQUAL(upcalls, 1);
    CHECK(take(own_port));
}

static void bad_calls_have_their_error(void)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 99};
    struct evtchn_bind_virq virq = {.virq = 99};
    struct evtchn_close none = {.port = 0};

    CHECK_EQUAL(send(0), -EINVAL);
    CHECK_EQUAL(send(UINT32_MAX), -EINVAL);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_close, &none), -EINVAL);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_bind_ipi, &ipi), -ENOENT);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_bind_virq, &virq), -EINVAL);
    CHECK_EQUAL(event_channel_op(99, &none), -ENOSYS);
}

static void fifo_queues_link_events(void)
{
    struct evtchn_init_control c = {.control_gfn = (uint64_t)&control >> 12,
                                    .offset = (uint32_t)((uint64_t)&control % PAGE)};
    struct evtchn_expand_array array = {.array_gfn = (uint64_t)words >> 12};
    struct evtchn_bind_ipi bind = {.vcpu = 0};

    CHECK_EQUAL(event_channel_op(EVTCHNOP_init_control, &c), 0);
    CHECK_EQUAL(c.link_bits, EVTCHN_FIFO_LINK_BITS);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_expand_array, &array), 0);
    CHECK_EQUAL(event_channel_op(EVTCHNOP_bind_ipi, &bind), 0);
    upcalls = 0;
    CHECK_EQUAL(send(own_port), 0);
    CHECK_EQUAL(send(bind.port), 0);
    CHECK_EQUAL(send(own_port), 0);
    open_window();
    CHECK_EQUAL(upcalls, 1);
    CHECK_EQUAL(control.ready, 1u << EVTCHN_FIFO_PRIORITY_DEFAULT);
    CHECK_EQUAL(control.head[EVTCHN_FIFO_PRIORITY_DEFAULT], own_port);
    CHECK_EQUAL(words[own_port], 1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED | bind.port);
    CHECK_EQUAL(words[bind.port], 1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED);
}

static void reset_closes_everything(void)
{
    struct evtchn_reset reset = {.dom = DOMID_SELF};

    CHECK_EQUAL(event_channel_op(EVTCHNOP_reset, &reset), 0);
    CHECK_EQUAL(send(own_port), -EINVAL);
    CHECK_EQUAL(send(channel_port), -EINVAL);
    words[own_port] = 0;
    an_event_to_oneself_interrupts_once(); /* two-level again */
}

static const struct test tests[] = {
    {"areas_are_registered", areas_are_registered},
    {"a_port_is_offered_or_bound", a_port_is_offered_or_bound},
    {"events_go_to_and_fro", events_go_to_and_fro},
    {"an_event_to_oneself_interrupts_once", an_event_to_oneself_interrupts_once},
    {"a_masked_event_waits_for_unmask", a_masked_event_waits_for_unmask},
    {"bad_calls_have_their_error", bad_calls_have_their_error},
    {"fifo_queues_link_events", fifo_queues_link_events},
    {"reset_closes_everything", reset_closes_everything},
};

int main(uint64_t x0)
{
    platform_init(x0);
    role = (uint32_t)platform_argument("role", 1);
    gic_init();
    gic_init_cpu();
    gic_enable(EVENT_PPI);
    test_run(tests, sizeof(tests) / sizeof(tests[0]));
}
