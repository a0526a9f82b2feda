/* SPDX-License-Identifier: Apache-2.0 */
#include "evtchn_fixture.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"

#include <string.h>

#define CONTROL_GFN 0x40010u
#define ARRAY_GFN   0x40020u

struct vcpu *boot;
struct vcpu *one;
struct vcpu *two;

static void pin(uint16_t domid, uint32_t vcpu, uint64_t mask)
{
    struct xen_domctl op = {0};

    op.u.vcpuaffinity.vcpu = vcpu;
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&mask;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    if (do_domctl(boot, XEN_DOMCTL_setvcpuaffinity, domid, &op) != OK) {
        host_fail("pin");
    }
}

static struct vcpu *domain_with(const char *name, uint32_t cpu)
{
    uint16_t domid = build_domain(boot, name, 2, 4);

    pin(domid, 0, UINT64_C(1) << cpu);
    pin(domid, 1, UINT64_C(1) << (cpu + 1u));
    if (unpause(boot, domid) != OK) {
        host_fail("unpause");
    }
    settle();
    return vcpu_of(domid, 0);
}

int start_two(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = domain_with("one", 1);
    two = domain_with("two", 2);
    return 0;
}

int64_t event_op(struct vcpu *v, uint32_t op, void *arg)
{
    return hypercall(v, __HYPERVISOR_event_channel_op, op, POINTER(arg), 0);
}

int64_t alloc_unbound(struct vcpu *v, uint16_t remote)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = remote};
    int64_t err = event_op(v, EVTCHNOP_alloc_unbound, &a);

    return (err == OK) ? (int64_t)a.port : err;
}

int64_t bind_interdomain(struct vcpu *v, uint16_t remote, uint32_t port)
{
    struct evtchn_bind_interdomain a = {.remote_dom = remote, .remote_port = port};
    int64_t err = event_op(v, EVTCHNOP_bind_interdomain, &a);

    return (err == OK) ? (int64_t)a.local_port : err;
}

int64_t send_event(struct vcpu *v, uint32_t port)
{
    return event_op(v, EVTCHNOP_send, &port);
}

void give_info(struct vcpu *v, uint64_t gfn)
{
    struct vcpu_register_vcpu_info r = {.mfn = gfn, .offset = 64};
    struct vcpu *by = vcpu_of(v->domain->id, 0);

    if (hypercall(by, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, v->id, POINTER(&r)) != OK) {
        host_fail("register_vcpu_info");
    }
    (void)upcall(v);
    consume(v);
}

static void *page(struct vcpu *v, uint64_t gfn)
{
    mfn_t frame;

    if (physmap_hold(v->domain, GFN(gfn), &frame) != OK) {
        host_fail("no frame");
    }
    physmap_release(frame);
    return arch_map_frame(frame);
}

void become_fifo(struct vcpu *v)
{
    struct evtchn_expand_array array = {.array_gfn = ARRAY_GFN};

    memset(page(v, ARRAY_GFN), 0, PAGE_SIZE);
    for (uint32_t i = 0; i < v->domain->max_vcpus; i++) {
        struct evtchn_init_control c = {.control_gfn = CONTROL_GFN + i, .offset = 0, .vcpu = i};

        memset(page(v, c.control_gfn), 0, PAGE_SIZE);
        if (event_op(v, EVTCHNOP_init_control, &c) != OK || c.link_bits != EVTCHN_FIFO_LINK_BITS) {
            host_fail("init_control");
        }
    }
    if (event_op(v, EVTCHNOP_expand_array, &array) != OK) {
        host_fail("expand_array");
    }
}

uint32_t *event_word(struct vcpu *v, uint32_t port)
{
    return (uint32_t *)page(v, ARRAY_GFN) + port;
}

bool is_pending(struct vcpu *v, uint32_t port)
{
    return ((v->domain->evtchn.shared->evtchn_pending[port / 64u] >> (port % 64u)) & 1u) != 0u;
}

bool upcall(struct vcpu *v)
{
    const uint32_t bit = 1u << GUEST_EVTCHN_PPI;
    bool was = ((__atomic_fetch_and(&v->arch.posted, ~bit, __ATOMIC_ACQ_REL) | v->arch.pending) & bit) != 0u;

    v->arch.pending &= ~bit;
    return was;
}

void consume(struct vcpu *v)
{
    memset(v->domain->evtchn.shared->evtchn_pending, 0, sizeof(v->domain->evtchn.shared->evtchn_pending));
    v->evtchn.info->evtchn_pending_sel = 0;
    v->evtchn.info->evtchn_upcall_pending = 0;
    (void)upcall(v);
}
