/* SPDX-License-Identifier: Apache-2.0 */
/* What an event and a grant cost does not depend on how many domains and ports there are: the core is built here so that
 * every branch it takes is counted.  And what a domain's ports and grants cost in memory. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evtchn_fixture.h"
#include "arch/contract/arch.h"
#include "core/evtchn.h"
#include "core/grant.h"
#include "core/pool.h"

#include <stdio.h>
#include <string.h>

#include <xen/grant_table.h>

#define ARRAY_GFN   0x40020u
#define CONTROL_GFN 0x40010u
#define GRANT_GFN   0x38000u
#define MAP_GFN     0x60000u
#define POOL_FRAMES 1400u
#define MANY_PORTS  100000u

void __sanitizer_cov_trace_pc(void);

static uint64_t steps; /* branches taken by the core so far */

__attribute__((no_sanitize("coverage", "address", "undefined"))) void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

struct cost {
    uint64_t send, map, unmap, copy;
};

static struct vcpu *make(const char *name)
{
    uint16_t domid = build_domain(boot, name, 1, 4);
    struct xen_domctl op = {.u.paging_mempool.size = (uint64_t)POOL_FRAMES << PAGE_SHIFT};
    struct domain *d = domain_of(domid);

    assert_int_equal(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, domid, &op), OK);
    d->evtchn.max_port = EVTCHN_PORTS - 1u;
    assert_int_equal(grant_init(d, 64, 4), OK);
    assert_int_equal(unpause(boot, domid), OK);
    settle();
    return vcpu_of(domid, 0);
}

static void use_queues(struct vcpu *v, uint32_t ports)
{
    struct evtchn_init_control c = {.control_gfn = CONTROL_GFN, .vcpu = 0};

    assert_int_equal(event_op(v, EVTCHNOP_init_control, &c), OK);
    for (uint32_t i = 0; i <= (ports + 10u) / 1024u; i++) {
        struct evtchn_expand_array array = {.array_gfn = ARRAY_GFN + i};

        assert_int_equal(event_op(v, EVTCHNOP_expand_array, &array), OK);
    }
}

/* A world with `others` more domains, in which each of two has `ports` ports already. */
static void build_world(uint32_t others, uint32_t ports)
{
    boot = machine_start();
    claim_all(boot);
    one = make("one");
    two = make("two");
    for (uint32_t i = 0; i < others; i++) {
        char name[16];

        snprintf(name, sizeof(name), "other-%u", i);
        (void)build_domain(boot, name, 1, 0);
    }
    use_queues(one, ports);
    use_queues(two, ports);
    for (uint32_t i = 0; i < ports; i++) {
        assert_true(alloc_unbound(one, two->domain->id) > 0);
        assert_true(alloc_unbound(two, one->domain->id) > 0);
    }
}

static uint64_t counted(struct vcpu *v, uint64_t nr, uint64_t a0, void *arg, uint64_t a2)
{
    uint64_t before = steps;

    assert_int_equal(hypercall(v, nr, a0, POINTER(arg), a2), OK);
    return steps - before;
}

static uint64_t cost_of_send(void)
{
    int64_t port = alloc_unbound(one, two->domain->id);
    uint32_t from = (uint32_t)bind_interdomain(two, one->domain->id, (uint32_t)port);

    return counted(two, __HYPERVISOR_event_channel_op, EVTCHNOP_send, &from, 0);
}

static void grant_one(void)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = GRANT_GFN};
    struct grant_entry_v1 *entries;

    assert_int_equal(do_memory(one, XENMEM_add_to_physmap, &a), OK);
    entries = arch_map_frame(arch_stage2_get(one->domain, GFN(GRANT_GFN)).mfn);
    entries[9] = (struct grant_entry_v1){GTF_permit_access, two->domain->id, 0x40100};
}

static void cost_of_grant(struct cost *c)
{
    for (uint32_t n = 0; n < 2u; n++) { /* the first time tables are made */
        struct gnttab_map_grant_ref m = {
            .host_addr = (uint64_t)MAP_GFN << PAGE_SHIFT, .flags = GNTMAP_host_map, .ref = 9, .dom = one->domain->id};
        struct gnttab_unmap_grant_ref u = {.host_addr = m.host_addr};
        struct gnttab_copy k = {.flags = GNTCOPY_source_gref, .len = 64};

        c->map = counted(two, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
        assert_int_equal(m.status, GNTST_okay);
        u.handle = m.handle;
        c->unmap = counted(two, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1);
        assert_int_equal(u.status, GNTST_okay);
        k.source.u.ref = 9;
        k.source.domid = one->domain->id;
        k.dest.u.gmfn = 0x40101;
        k.dest.domid = DOMID_SELF;
        c->copy = counted(two, __HYPERVISOR_grant_table_op, GNTTABOP_copy, &k, 1);
        assert_int_equal(k.status, GNTST_okay);
    }
}

static struct cost measure(uint32_t domains, uint32_t ports)
{
    struct cost c;

    build_world(domains - 2u, ports);
    c.send = cost_of_send();
    grant_one();
    cost_of_grant(&c);
    print_message("%u domains, %u ports: send %lu, map %lu, unmap %lu, copy %lu branches\n", domains, ports,
                  (unsigned long)c.send, (unsigned long)c.map, (unsigned long)c.unmap, (unsigned long)c.copy);
    return c;
}

/* [utest->dsn~cost-constant~1] */
static void cost_does_not_grow(void **state)
{
    struct cost few = measure(2, 10);
    struct cost some = measure(16, 10);
    struct cost many = measure(128, 10);
    struct cost ports = measure(2, MANY_PORTS);

    (void)state;
    assert_true(few.send > 10u && few.map > 10u);
    assert_memory_equal(&few, &some, sizeof(few));
    assert_memory_equal(&few, &many, sizeof(few));
    assert_memory_equal(&few, &ports, sizeof(few));
}

/* [utest->dsn~cost-memory~1] */
static void ports_and_grants_cost_little_memory(void **state)
{
    uint64_t before;
    uint64_t spent;

    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = make("one");
    before = one->domain->pool_free;
    for (uint32_t i = 0; i < 1023u; i++) {
        assert_true(alloc_unbound(one, 0x7ff0) > 0);
    }
    for (uint32_t i = 0; i < 64u; i++) {
        struct xen_add_to_physmap a = {
            .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = i, .gpfn = GRANT_GFN + i};

        assert_int_equal(do_memory(one, XENMEM_add_to_physmap, &a), OK);
    }
    spent = (before - one->domain->pool_free) * (PAGE_SIZE / 1024u);
    print_message("1,024 ports and 64 grant frames: %lu KiB\n", (unsigned long)spent);
    assert_in_range(spent, 256, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cost_does_not_grow),
        cmocka_unit_test(ports_and_grants_cost_little_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
