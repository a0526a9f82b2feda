/* SPDX-License-Identifier: Apache-2.0 */
/* A domain is killed in the middle of a call: at each place where the hypervisor reads or writes guest memory, of every kind
 * of call, the caller or the domain that it acts on.  Whoever is left goes on, and in the end everything has come back. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grant_world.h"

#include <string.h>

#include <xen/xen.h>
#include <xen/argo.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define PAGES       8u
#define PLACES_MOST 200u /* of one call */

static struct vcpu *boot;
static struct vcpu *v; /* the caller */
static uint16_t peer, caller;
static uint32_t handle;
static uint32_t peer_port;

/* ---- the kill ---- */

static uint16_t victim;
static uint32_t places; /* to come before the one where it dies */
static bool killed;

/* By another CPU, which would wait for a lock that the call holds: then at the next place. */
static void kill(void)
{
    struct domain *d = domain_get_slot(victim);
    uint32_t here = this_cpu()->id;

    if (killed || d == NULL || d->lock.next != d->lock.owner) {
        if (d != NULL) {
            domain_put(d);
        }
        return;
    }
    if (places > 0u) {
        places--;
    } else {
        killed = true;
        host_become((here + 1u) % HOST_CPUS);
        (void)domain_destroy(d); /* unless the call has done it */
        host_become(here);
    }
    domain_put(d);
}

/* ---- calls, each in several pieces ---- */

static void map(void)
{
    struct gnttab_map_grant_ref ops[PAGES];

    for (uint32_t i = 0; i < PAGES; i++) {
        ops[i] = (struct gnttab_map_grant_ref){
            .host_addr = ADDRESS(MAP_GFN + i), .flags = GNTMAP_host_map, .ref = i, .dom = peer};
    }
    (void)world_op(caller, GNTTABOP_map_grant_ref, ops, PAGES);
}

static void unmap(void)
{
    struct gnttab_unmap_grant_ref ops[2] = {{.host_addr = ADDRESS(MAP_GFN + PAGES), .handle = handle},
                                            {.host_addr = ADDRESS(MAP_GFN + PAGES), .handle = handle}};

    (void)world_op(caller, GNTTABOP_unmap_grant_ref, ops, 2);
}

static void copy(void)
{
    struct gnttab_copy ops[PAGES];

    for (uint32_t i = 0; i < PAGES; i++) {
        ops[i] = (struct gnttab_copy){.source.u.ref = i,
                                      .source.domid = peer,
                                      .dest.u.gmfn = RAM_GFN + i,
                                      .dest.domid = DOMID_SELF,
                                      .len = 100,
                                      .flags = GNTCOPY_source_gref};
    }
    (void)world_op(caller, GNTTABOP_copy, ops, PAGES);
}

static void set_up_table(void)
{
    xen_pfn_t frames[2];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 2};

    set_xen_guest_handle(op.frame_list, frames);
    (void)world_op(caller, GNTTABOP_setup_table, &op, 1);
}

static void repopulate(void)
{
    xen_pfn_t pages[PAGES];
    struct xen_memory_reservation r = {.nr_extents = PAGES, .domid = DOMID_SELF};

    for (uint32_t i = 0; i < PAGES; i++) {
        pages[i] = RAM_GFN + 64u + i;
    }
    set_xen_guest_handle(r.extent_start, pages);
    (void)do_memory(v, XENMEM_decrease_reservation, &r);
    (void)do_memory(v, XENMEM_populate_physmap, &r);
}

static void map_foreign(void)
{
    xen_ulong_t from[PAGES];
    xen_pfn_t to[PAGES];
    int errs[PAGES];
    struct xen_add_to_physmap_batch b = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = PAGES, .u.foreign_domid = peer};

    for (uint32_t i = 0; i < PAGES; i++) {
        from[i] = RAM_GFN + i;
        to[i] = MAP_GFN + 32u + i;
    }
    set_xen_guest_handle(b.idxs, from);
    set_xen_guest_handle(b.gpfns, to);
    set_xen_guest_handle(b.errs, errs);
    (void)do_memory(v, XENMEM_add_to_physmap_batch, &b);
}

static void add_table(void)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = TABLE_GFN};

    (void)do_memory(v, XENMEM_add_to_physmap, &a);
}

static void events(void)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = peer, .remote_port = peer_port};
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = peer};
    struct evtchn_send send;
    struct evtchn_close close;

    (void)hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, POINTER(&bind), 0);
    send.port = bind.local_port;
    (void)hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_send, POINTER(&send), 0);
    (void)hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, POINTER(&alloc), 0);
    close.port = bind.local_port;
    (void)hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_close, POINTER(&close), 0);
}

static void fifo(void)
{
    struct evtchn_init_control control = {.control_gfn = RAM_GFN + 20u};
    struct evtchn_expand_array array = {.array_gfn = RAM_GFN + 21u};

    (void)hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_init_control, POINTER(&control), 0);
    (void)hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, POINTER(&array), 0);
}

static void argo(void)
{
    xen_argo_gfn_t gfns[2] = {RAM_GFN + 30u, RAM_GFN + 31u};
    struct xen_argo_register_ring r = {.aport = 1, .partner_id = peer, .len = 4096};
    char text[64] = {0};
    xen_argo_iov_t iov = {.iov_len = sizeof(text)};
    struct xen_argo_send_addr to = {.src = {.aport = 1, .domain_id = XEN_ARGO_DOMID_ANY},
                                    .dst = {.aport = 1, .domain_id = peer}};

    iov.iov_hnd.p = (void *)text;
    (void)hypercall5(v, __HYPERVISOR_argo_op,
                     (const uint64_t[5]){XEN_ARGO_OP_register_ring, POINTER(&r), POINTER(gfns), 2, 0});
    (void)hypercall5(v, __HYPERVISOR_argo_op,
                     (const uint64_t[5]){XEN_ARGO_OP_sendv, POINTER(&to), POINTER(&iov), 1, 0});
}

static void domctls(void)
{
    struct xen_domctl op = {0};

    (void)do_domctl(v, XEN_DOMCTL_getdomaininfo, peer, &op);
    (void)do_domctl(v, XEN_DOMCTL_pausedomain, peer, &op);
    (void)do_domctl(v, XEN_DOMCTL_unpausedomain, peer, &op);
    (void)do_domctl(v, XEN_DOMCTL_destroydomain, peer, &op);
}

static void create(void)
{
    struct xen_domctl op = {.u.createdomain = {.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                                               .max_vcpus = 1,
                                               .max_evtchn_port = -1,
                                               .arch = {.gic_version = XEN_DOMCTL_CONFIG_GIC_V3}}};

    if (do_domctl(v, XEN_DOMCTL_createdomain, 0, &op) == OK) {
        uint16_t made = op.domain;

        (void)do_domctl(v, XEN_DOMCTL_max_vcpus, made, &op);
        (void)do_domctl(boot, XEN_DOMCTL_destroydomain, made, &op);
    }
}

static void own_ops(void)
{
    struct bulkhead_life life = {.domid = peer};
    struct bulkhead_right_move move = {.right = BULKHEAD_RIGHT_PAUSE, .target = peer, .receiver = peer};

    (void)do_bulkhead(v, BULKHEAD_OP_LIFE, &life);
    (void)do_bulkhead(v, BULKHEAD_OP_RESTART, &life);
    (void)do_bulkhead(v, BULKHEAD_OP_MOVE_RIGHT, &move);
}

static void small_ones(void)
{
    static char text[300];
    struct vcpu_register_runstate_memory_area area = {0};
    struct sched_poll poll = {.nr_ports = 1};
    evtchn_port_t port = 1;
    xen_capabilities_info_t answer;

    memset(text, 'x', sizeof(text));
    (void)hypercall(v, __HYPERVISOR_console_io, CONSOLEIO_write, sizeof(text), POINTER(text));
    (void)hypercall(v, __HYPERVISOR_xen_version, XENVER_capabilities, POINTER(&answer), 0);
    (void)hypercall(v, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, POINTER(&area));
    set_xen_guest_handle(poll.ports, &port);
    (void)hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_poll, POINTER(&poll), 0);
}

static void many(void)
{
    struct gnttab_map_grant_ref op = {.host_addr = ADDRESS(MAP_GFN), .flags = GNTMAP_host_map, .ref = 0, .dom = peer};
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = peer};
    struct multicall_entry list[] = {
        {.op = __HYPERVISOR_grant_table_op, .args = {GNTTABOP_map_grant_ref, POINTER(&op), 1}},
        {.op = __HYPERVISOR_event_channel_op, .args = {EVTCHNOP_alloc_unbound, POINTER(&alloc)}},
    };

    (void)hypercall(v, __HYPERVISOR_multicall, POINTER(list), 2, 0);
}

static const struct call {
    const char *name;
    void (*make)(void);
    bool counts; /* frames have no other users than mappings, so that they can be recounted */
} calls[] = {
    {"map", map, true},
    {"unmap", unmap, true},
    {"copy", copy, true},
    {"set_up_table", set_up_table, true},
    {"events", events, true},
    {"fifo", fifo, false},
    {"repopulate", repopulate, true},
    {"map_foreign", map_foreign, true},
    {"argo", argo, false},
    {"add_table", add_table, true},
    {"domctls", domctls, true},
    {"create", create, true},
    {"own_ops", own_ops, true},
    {"small_ones", small_ones, false},
    {"many", many, true},
};

/* ---- worlds ---- */

static void begin(void)
{
    static const uint16_t rights[] = {BULKHEAD_RIGHT_MAP_FOREIGN, BULKHEAD_RIGHT_DESTROY, BULKHEAD_RIGHT_PAUSE,
                                      BULKHEAD_RIGHT_INFO, BULKHEAD_RIGHT_RESTART};
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF};

    peer = world_domain(boot, "peer", 4, 4);
    caller = world_domain(boot, "caller", 4, 4);
    v = vcpu_of(caller, 0);
    for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
        assert_int_equal(move_right(boot, rights[i], peer, caller), OK);
    }
    domain_of(peer)->flags |= BULKHEAD_DOMAIN_ARGO;
    domain_of(caller)->flags |= BULKHEAD_DOMAIN_ARGO;
    assert_int_equal(unpause(boot, caller), OK);
    assert_int_equal(unpause(v, peer), OK);
    (void)cpu_runs(v->home);
    for (uint32_t i = 0; i < PAGES; i++) {
        world_grant(peer, i, GTF_permit_access, caller, RAM_GFN + i);
    }
    world_grant(peer, PAGES, GTF_permit_access, caller, RAM_GFN + PAGES);
    assert_int_equal(world_map(caller, peer, PAGES, GNTMAP_host_map, MAP_GFN + PAGES, &handle), GNTST_okay);
    alloc.remote_dom = caller;
    assert_int_equal(
        hypercall(vcpu_of(peer, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, POINTER(&alloc), 0), OK);
    peer_port = alloc.port;
}

/* Whoever is left ends, too: what maps others by right keeps them until then. */
static void finish(const struct call *call)
{
    struct domain *d;

    settle();
    for (uint32_t slot = 1; slot < MAX_DOMAINS; slot++) {
        d = domain_get_slot(slot);
        if (d != NULL) {
            if (call->counts && domain_state(d) != DOMAIN_DYING) {
                world_check((const uint16_t[]){(uint16_t)slot}, 1);
            }
            (void)domain_destroy(d);
            domain_put(d);
        }
    }
    settle();
    for (uint32_t slot = 1; slot < MAX_DOMAINS; slot++) {
        d = domain_get_slot(slot);
        if (d != NULL) {
            fail_msg("%s: domain %u does not end: stage %u, state %u, %u frames", call->name, slot, d->reap_stage,
                     domain_state(d), (unsigned)d->frames);
        }
    }
}

/* Each place of each call, with one of the two as victim. */
static void at_each_place(bool caller_dies)
{
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        uint64_t before;
        uint32_t place = 0;
        bool in_call;

        boot = machine_start();
        claim_all(boot);
        before = frame_free_count();
        do {
            begin();
            victim = caller_dies ? caller : peer;
            places = place;
            killed = false;
            host_before_copy(kill);
            calls[i].make();
            host_before_copy(NULL);
            in_call = killed;
            places = 0;
            kill(); /* who has survived the call */
            finish(&calls[i]);
            if (frame_free_count() != before) {
                fail_msg("%s, place %u: %lu frames were free at first, %lu are now", calls[i].name, place,
                         (unsigned long)before, (unsigned long)frame_free_count());
            }
            place++;
        } while (in_call && place < PLACES_MOST);
        assert_true(place > 1u && place < PLACES_MOST);
    }
}

/* [utest->dsn~domain-life~1] [utest->dsn~grant-reap~1] */
static void a_caller_that_is_killed_in_its_call_leaves_nothing(void **state)
{
    (void)state;
    at_each_place(true);
}

/* [utest->dsn~domain-life~1] [utest->dsn~grant-sink~1] */
static void a_domain_that_is_killed_while_it_is_acted_on_leaves_nothing(void **state)
{
    (void)state;
    at_each_place(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caller_that_is_killed_in_its_call_leaves_nothing),
        cmocka_unit_test(a_domain_that_is_killed_while_it_is_acted_on_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
