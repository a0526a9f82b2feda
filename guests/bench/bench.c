/* SPDX-License-Identifier: Apache-2.0 */
/* bench: what the hypervisor costs a guest, in counter ticks.  Under QEMU's -icount shift=4 a tick is an instruction.
 * Lines "BENCH name min mean max"; the cost of measuring ("empty") is subtracted from the others.
 * Boot arguments: n=ITERATIONS (1000), settle_s=SECONDS (30: the longest wait for other CPUs to be done booting).
 * vtimer=1: only the virtual timer; vtimer=2: asleep until its deadline.
 * yield=1: only a yield to nobody; yield=2: all vCPUs yield for ever; rounds=1: the same, and how long all of them take.
 * switch=1: only two vCPUs of one CPU that yield to each other.
 * ports=N: so many more ports are bound, before those that events are measured with.
 * refuse=DOMID: only calls over that domain: one that is refused, one that is not; labels=1: under a label policy.
 * role=1, role=2: only events between these two domains, which share a CPU and a static channel (port=N at both ends).
 * Uses only what Xen on Arm offers too.
 * [impl->dsn~bench-guest~1] */
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/psci.h>
#include <guest/timer.h>

#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "cross.h"
#include "grants.h"

#define WARM_UP       32u
#define SELF_SGI      1u
#define PING_SGI      2u
#define PONG_SGI      3u
#define EVENT_PPI     31u
#define SHARED_INFO   UINT64_C(0x38f00000) /* beside the grant frames: nothing is there */
#define TIMER_DELAY   20000u
#define QUIET_WINDOWS 64u
#define RESULTS       24 /* more than there are figures */
#define QUIET_SPINS   10000u

extern char bench_vectors[];
uint64_t bench_empty(void);
uint64_t bench_hypercall(uint64_t x0, uint64_t number);
uint64_t bench_psci(uint64_t function);
uint64_t bench_read32(uint64_t address);
uint64_t bench_sgi_self(uint64_t sgi1r);
uint64_t bench_vtimer(uint64_t delay);
uint64_t bench_wake(uint64_t delay);
uint64_t bench_wait(void);
uint64_t bench_send(uint64_t sgi1r);
uint64_t bench_event_self(const uint32_t *port);
uint64_t bench_event_send(const uint32_t *port);

static uint64_t empty;
static uint64_t iterations;

static struct {
    volatile uint64_t handled; /* written by CPU 1 before it answers */
    volatile uint32_t ready;
} peer;

static struct vcpu_info infos[2] __attribute__((aligned(64))); /* registered for events */
static uint32_t event_ports[2];                                /* to vCPU 0 and 1; 0 = there are no events */

/* vCPU n has seen its events. */
static void events_seen(uint32_t n)
{
    struct shared_info *shared = (struct shared_info *)SHARED_INFO;

    if (event_ports[0] != 0) {
        (void)__atomic_fetch_and(&shared->evtchn_pending[event_ports[n] / 64], ~(UINT64_C(1) << event_ports[n] % 64),
                                 __ATOMIC_SEQ_CST);
        infos[n].evtchn_pending_sel = 0;
        __atomic_store_n(&infos[n].evtchn_upcall_pending, (uint8_t)0, __ATOMIC_SEQ_CST);
    }
}

static uint64_t sgi_value(uint32_t sgi, uint64_t mpidr)
{
    return (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 | (uint64_t)sgi << 24 | (mpidr >> 8 & 0xff) << 16 |
           (mpidr >> 4 & 0xf) << 44 | UINT64_C(1) << (mpidr & 0xf);
}

/* Under -icount the counter counts the instructions of all CPUs: wait until QUIET_WINDOWS loops of one length in
 * sequence took the least time seen, or until deadline. */
static void wait_for_quiet(uint64_t deadline)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t quiet = 0; quiet < QUIET_WINDOWS && ticks() < deadline;) {
        uint64_t start = ticks(), took;

        for (uint32_t i = 0; i < QUIET_SPINS; i++) {
            __asm__ volatile("");
        }
        took = ticks() - start;
        if (took < least - least / 64) {
            least = took;
            quiet = 0;
        }
        quiet = took <= least + least / 64 ? quiet + 1 : 0;
    }
}

static uint64_t measure_empty(void)
{
    return bench_empty();
}

static uint64_t measure_hypercall(void)
{
    return bench_hypercall(XENVER_version, __HYPERVISOR_xen_version);
}

static struct xen_domctl domctl = {.interface_version = XEN_DOMCTL_INTERFACE_VERSION};

static uint64_t measure_domctl(void)
{
    return bench_hypercall((uint64_t)&domctl, __HYPERVISOR_domctl);
}

static uint64_t measure_psci(void)
{
    return bench_psci(PSCI_VERSION);
}

static uint64_t measure_gicd(void)
{
    return bench_read32(platform.gicd + GICD_TYPER);
}

static uint64_t measure_sgi_self(void)
{
    return bench_sgi_self(sgi_value(SELF_SGI, READ_SYSREG(mpidr_el1)));
}

static uint64_t measure_vtimer(void)
{
    return bench_vtimer(TIMER_DELAY);
}

static uint64_t measure_wake(void)
{
    return bench_wake(TIMER_DELAY);
}

static uint64_t measure_ipi(void)
{
    uint64_t sent = bench_send(sgi_value(PING_SGI, platform.mpidr[1]));

    (void)bench_wait();
    return peer.handled - sent;
}

static uint64_t measure_event_self(void)
{
    uint64_t took = bench_event_self(&event_ports[0]);

    events_seen(0);
    return took;
}

static uint64_t measure_event_cpu(void)
{
    uint64_t sent = bench_event_send(&event_ports[1]);

    (void)bench_wait();
    return peer.handled - sent;
}

/* Figures are kept until all are taken: the hypervisor sends a console's text from another CPU, whose instructions the
 * counter counts too. */
static struct result {
    const char *name;
    uint64_t least, mean, most;
} results[RESULTS];
static uint32_t result_count;

static void print_results(void)
{
    for (uint32_t i = 0; i < result_count; i++) {
        print("BENCH %s %llu %llu %llu\n", results[i].name, (unsigned long long)results[i].least,
              (unsigned long long)results[i].mean, (unsigned long long)results[i].most);
    }
}

static void run(const char *name, uint64_t (*measure)(void))
{
    uint64_t least = UINT64_MAX, most = 0, sum = 0;

    for (uint32_t i = 0; i < WARM_UP; i++) {
        (void)measure();
    }
    for (uint64_t i = 0; i < iterations; i++) {
        uint64_t took = measure();

        took -= took < empty ? took : empty;
        least = took < least ? took : least;
        most = took > most ? took : most;
        sum += took;
    }
    results[result_count++] = (struct result){name, least, sum / iterations, most};
    if (measure == measure_empty) {
        empty = least;
    }
}

static void peer_main(uint64_t argument)
{
    (void)argument;
    WRITE_SYSREG(vbar_el1, bench_vectors);
    isb();
    gic_init_cpu();
    gic_enable(PING_SGI);
    gic_enable(EVENT_PPI);
    peer.ready = 1;
    for (;;) {
        peer.handled = bench_wait();
        events_seen(1);
        (void)bench_send(sgi_value(PONG_SGI, platform.mpidr[0]));
    }
}

static void run_ipi(void)
{
    uint64_t patience = ticks() + 2 * ticks_per_second();

    if (platform.cpu_count < 2 || cpu_start(1, platform.mpidr[1], peer_main, 0) != PSCI_OK) {
        print("BENCH ipi_vcpu skip one CPU only\n");
        return;
    }
    while (peer.ready == 0 && ticks() < patience) {
    }
    run("ipi_vcpu", measure_ipi);
    if (event_ports[1] != 0) {
        run("evtchn_cross_cpu", measure_event_cpu);
    }
}

static bool bind_event(uint32_t vcpu)
{
    struct vcpu_register_vcpu_info info = {.mfn = (uint64_t)&infos[vcpu] >> 12,
                                           .offset = (uint32_t)((uint64_t)&infos[vcpu] & 0xfff)};
    struct evtchn_bind_ipi bind = {.vcpu = vcpu};

    if (vcpu_op(VCPUOP_register_vcpu_info, vcpu, &info) != 0 || event_channel_op(EVTCHNOP_bind_ipi, &bind) != 0) {
        return false;
    }
    event_ports[vcpu] = bind.port;
    return true;
}

static bool bind_more(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct evtchn_bind_ipi bind = {.vcpu = 0};

        if (event_channel_op(EVTCHNOP_bind_ipi, &bind) != 0) {
            return false;
        }
    }
    return true;
}

/* Two-level event channels, one to each vCPU. */
static void run_events(void)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = SHARED_INFO >> 12};

    if (memory_op(XENMEM_add_to_physmap, &map) != 0 || !bind_more(platform_argument("ports", 0)) || !bind_event(0)) {
        print("BENCH evtchn_self skip no event channels\n");
        return;
    }
    if (platform.cpu_count > 1) {
        (void)bind_event(1);
    }
    gic_enable(EVENT_PPI);
    (void)bench_event_self(&event_ports[0]); /* registering has made one pending */
    events_seen(0);
    events_seen(1);
    run("evtchn_self", measure_event_self);
}

static void yielder(uint64_t argument)
{
    (void)argument;
    peer.ready = 1;
    for (;;) {
        (void)bench_hypercall(SCHEDOP_yield, __HYPERVISOR_sched_op);
    }
}

/* To the other vCPU and back: two switches. */
static uint64_t measure_switch(void)
{
    return bench_hypercall(SCHEDOP_yield, __HYPERVISOR_sched_op) / 2;
}

static uint64_t measure_yield(void)
{
    return bench_hypercall(SCHEDOP_yield, __HYPERVISOR_sched_op);
}

static void yield_for_ever(void)
{
    for (uint32_t i = 1; i < platform.cpu_count; i++) {
        (void)cpu_start(i, platform.mpidr[i], yielder, 0);
    }
    yielder(0);
}

/* All vCPUs of the CPU yield in turn: a round is a switch for each of them. */
static void run_rounds(void)
{
    uint64_t end = ticks() + platform_argument("settle_s", 30) * ticks_per_second();

    for (uint32_t i = 1; i < platform.cpu_count; i++) {
        (void)cpu_start(i, platform.mpidr[i], yielder, 0);
    }
    while (ticks() < end) { /* the others start */
        (void)measure_yield();
    }
    run("round", measure_yield);
}

static void run_switch(void)
{
    if (platform.cpu_count < 2 || cpu_start(1, platform.mpidr[1], yielder, 0) != PSCI_OK) {
        print("BENCH partition_switch skip one vCPU only\n");
        return;
    }
    while (peer.ready == 0) {
        (void)bench_hypercall(SCHEDOP_yield, __HYPERVISOR_sched_op);
    }
    run("partition_switch", measure_switch);
}

static void run_grants(void)
{
    if (!grants_prepare()) {
        print("BENCH grant_map skip a domain cannot map its own grant here\n");
        return;
    }
    run("grant_map", grants_map);
    run("grant_unmap", grants_unmap);
    run("grant_copy_page", grants_copy_page);
    run("add_to_physmap", grants_add_to_physmap);
}

static int64_t ask_domctl(uint32_t cmd, uint64_t domid)
{
    domctl.cmd = cmd;
    domctl.domain = (domid_t)domid;
    return domctl_op(&domctl);
}

static void run_domctl(const char *name, uint32_t cmd, uint64_t domid, int64_t expected)
{
    int64_t result = ask_domctl(cmd, domid);

    if (result != expected) {
        print("BENCH %s skip it has the result %lld\n", name, (long long)result);
        return;
    }
    run(name, measure_domctl);
}

/* Once the launch has moved the right over it. */
static void run_refusals(uint64_t domid)
{
    uint64_t end = ticks() + platform_argument("settle_s", 30) * ticks_per_second();
    bool labels = platform_argument("labels", 0) != 0;

    while (ask_domctl(XEN_DOMCTL_getdomaininfo, domid) != 0 && ticks() < end) {
    }
    wait_for_quiet(end);
    if (!labels) {
        run_domctl("refusal_held", XEN_DOMCTL_destroydomain, domid, -XEN_EPERM);
    }
    run_domctl(labels ? "domaininfo_labels" : "domaininfo", XEN_DOMCTL_getdomaininfo, domid, 0);
}

static void run_cross(uint64_t role)
{
    if (!cross_prepare()) {
        print("BENCH evtchn_cross_domain skip no event channels\n");
        return;
    }
    if (role == 2) {
        cross_answer();
    }
    for (uint32_t i = 0; i < WARM_UP; i++) {
        (void)cross_measure();
    }
    cross_settle();
    run("evtchn_cross_domain", cross_measure);
}

static void run_operations(void)
{
    run("hypercall_null", measure_hypercall);
    run_domctl("refusal", XEN_DOMCTL_pausedomain, DOMID_FIRST_RESERVED - 1, -XEN_EPERM);
    run("psci_version", measure_psci);
    run("gicd_read", measure_gicd);
    run("sgi_self", measure_sgi_self);
    run("vtimer", measure_vtimer);
    run_events();
    run_grants();
    run_ipi();
}

int main(uint64_t x0)
{
    platform_init(x0);

    uint64_t role = platform_argument("role", 0);
    iterations = platform_argument("n", 1000);
    gic_init();
    gic_init_cpu();
    gic_enable(SELF_SGI);
    gic_enable(PONG_SGI);
    gic_enable(TIMER_VIRTUAL_PPI);
    WRITE_SYSREG(vbar_el1, bench_vectors);
    isb();
    print("BENCH start rate %llu Hz, %llu iterations\n", (unsigned long long)ticks_per_second(),
          (unsigned long long)iterations);
    if (platform_argument("yield", 0) == 2) {
        yield_for_ever();
    }
    if (role == 0 && platform_argument("rounds", 0) == 0) {
        wait_for_quiet(ticks() + platform_argument("settle_s", 30) * ticks_per_second());
    }
    run("empty", measure_empty);
    if (role != 0) {
        run_cross(role);
    } else if (platform_argument("vtimer", 0) == 2) {
        run("wake", measure_wake);
    } else if (platform_argument("vtimer", 0) != 0) {
        run("vtimer", measure_vtimer);
    } else if (platform_argument("rounds", 0) != 0) {
        run_rounds();
    } else if (platform_argument("yield", 0) != 0) {
        run("yield", measure_yield);
    } else if (platform_argument("refuse", 0) != 0) {
        run_refusals(platform_argument("refuse", 0));
    } else if (platform_argument("switch", 0) != 0) {
        run_switch();
    } else {
        run_operations();
    }
    print_results();
    print("BENCH done\n");
    shutdown(SHUTDOWN_poweroff);
}
