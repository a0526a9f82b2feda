/* SPDX-License-Identifier: Apache-2.0 */
/* Domains that are created once boot services have ended, by the holder of the right to. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/physmap.h"
#include "core/rights.h"
#include "core/seal.h"

#include <string.h>

#define MIB      UINT64_C(0x100000)
#define OVERHEAD (UINT64_C(512) << 10) /* more than a domain of two vCPUs costs beside its RAM */
#define TURNS    10000u

static struct vcpu *boot;
static uint16_t control, other;

/* Two initial domains; the first may create, within the budget. */
static struct vcpu *launch(struct bulkhead_dynamic budget)
{
    boot = machine_start();
    claim_all(boot);
    control = build_domain(boot, "control", 1, 4);
    other = build_domain(boot, "other", 1, 4);
    for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        if ((BULKHEAD_RIGHTS_PLATFORM >> right & 1u) != 0u) {
            assert_int_equal(move_right(boot, (uint16_t)right, DOMID_SELF, control), OK);
        }
    }
    assert_int_equal(unpause(boot, control), OK);
    assert_int_equal(unpause(boot, other), OK);
    assert_int_equal(exit_boot_with(boot, 0, &budget), OK);
    settle();
    return vcpu_of(control, 0);
}

static int64_t create(struct vcpu *by, uint16_t domid, uint32_t vcpus, uint16_t *got)
{
    struct xen_domctl op = {0};
    int64_t err;

    op.u.createdomain = (struct xen_domctl_createdomain){
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = vcpus, .max_evtchn_port = -1};
    err = do_domctl(by, XEN_DOMCTL_createdomain, domid, &op);
    if (got != NULL) {
        *got = op.domain;
    }
    return err;
}

/* Gone when nobody holds a right over it any more: the last step. */
static void end(struct vcpu *by, uint16_t domid)
{
    assert_int_equal(destroy(by, domid), OK);
    for (uint32_t turn = 0; rights_holder(BULKHEAD_RIGHT_INFO, domid) >= 0; turn++) {
        assert_in_range(turn, 0, 300);
        (void)cpu_runs(turn % HOST_CPUS);
    }
}

/* [utest->dsn~dynamic-domains~1] */
static void without_a_budget_nobody_is_created(void **state)
{
    struct vcpu *v = launch((struct bulkhead_dynamic){0});

    (void)state;
    assert_int_equal(create(v, 0, 1, NULL), ERR_NOSPC);
    assert_int_equal(create(v, 1, 1, NULL), ERR_INVAL);
    assert_int_equal(create(v, 9, 1, NULL), ERR_INVAL);
}

/* [utest->dsn~dynamic-domains~1] */
static void numbers_and_vcpus_are_those_of_the_budget(void **state)
{
    struct vcpu *v =
        launch((struct bulkhead_dynamic){.memory = 32 * MIB, .cpus = UINT64_MAX, .first = 7, .domains = 3, .vcpus = 4});
    uint16_t a, b;

    (void)state;
    assert_int_equal(create(v, 6, 1, NULL), ERR_INVAL);
    assert_int_equal(create(v, 10, 1, NULL), ERR_INVAL);
    assert_int_equal(create(v, 0, 5, NULL), ERR_NOSPC);
    assert_int_equal(create(v, 0, 2, &a), OK);
    assert_int_equal(a, 7);
    assert_int_equal(create(v, 7, 1, NULL), ERR_EXIST);
    assert_int_equal(create(v, 9, 3, NULL), ERR_NOSPC); /* vCPUs */
    assert_int_equal(create(v, 9, 1, &b), OK);
    assert_int_equal(b, 9);
    assert_int_equal(create(v, 0, 1, &b), OK);
    assert_int_equal(b, 8);
    assert_int_equal(create(v, 0, 1, NULL), ERR_NOSPC); /* numbers */
    end(v, a);
    assert_int_equal(create(v, 0, 3, NULL), ERR_NOSPC);
    assert_int_equal(create(v, 0, 2, &a), OK);
    assert_int_equal(a, 7);
    /* The slot of an initial domain is not used again: rights over it are named. */
    assert_int_equal(rights_holder(BULKHEAD_RIGHT_DESTROY, other), -1);
}

static int64_t populate(struct vcpu *by, uint16_t domid, uint64_t gfn, uint32_t order)
{
    xen_pfn_t at = gfn;
    struct xen_memory_reservation r = {.nr_extents = 1, .extent_order = order, .domid = domid, .extent_start.p = &at};

    return do_memory(by, XENMEM_populate_physmap, &r);
}

/* [utest->dsn~dynamic-memory~1] */
static void memory_is_that_of_the_budget(void **state)
{
    struct vcpu *v =
        launch((struct bulkhead_dynamic){.memory = 8 * MIB, .cpus = UINT64_MAX, .first = 3, .domains = 4, .vcpus = 8});
    struct xen_domctl op = {0};
    uint64_t gfn = GUEST_RAM0_BASE >> PAGE_SHIFT;
    uint64_t free = frame_free_count();
    uint64_t budget = frame_budget();
    uint64_t got = 0;
    uint16_t a;

    (void)state;
    assert_int_equal(budget, 8 * MIB >> PAGE_SHIFT);
    assert_int_equal(create(v, 0, 1, &a), OK);
    assert_int_equal(free - frame_free_count(), budget - frame_budget());
    op.u.max_mem.max_memkb = UINT32_MAX;
    assert_int_equal(do_domctl(v, XEN_DOMCTL_max_mem, a, &op), OK);
    while (populate(v, a, gfn + got, 0) == 1) {
        got++;
        assert_in_range(got, 0, budget);
    }
    assert_int_equal(free - frame_free_count(), budget - frame_budget());
    assert_in_range(frame_budget(), 0, 2); /* what tables took it from */
    op.u.paging_mempool.size = 4 * MIB;
    assert_int_equal(do_domctl(v, XEN_DOMCTL_set_paging_mempool_size, a, &op), ERR_NOMEM);
    assert_int_equal(create(v, 0, 1, NULL), ERR_NOMEM);
    /* An initial domain gets back what it gave up, whatever the others ask for. */
    {
        xen_pfn_t at = gfn;
        struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF, .extent_start.p = &at};

        assert_int_equal(do_memory(vcpu_of(other, 0), XENMEM_decrease_reservation, &r), 1);
        assert_int_equal(populate(v, a, gfn + got, 0), 0);
        assert_int_equal(populate(vcpu_of(other, 0), DOMID_SELF, gfn, 0), 1);
    }
    end(v, a);
    assert_int_equal(frame_free_count(), free);
    assert_int_equal(frame_budget(), budget);
}

/* [utest->dsn~dynamic-memory~1] */
static void a_budget_is_no_more_than_what_is_free(void **state)
{
    (void)launch((struct bulkhead_dynamic){.memory = UINT64_MAX, .first = 3, .domains = 1, .vcpus = 1});
    (void)state;
    assert_in_range(frame_budget(), 1, frame_total_count());
    assert_true(frame_budget() <= frame_free_count());
}

/* [utest->dsn~dynamic-ordinary~1] */
static void nothing_that_the_launch_alone_may_decide(void **state)
{
    static const struct bulkhead_domain refused[] = {
        {.name = "x", .flags = BULKHEAD_DOMAIN_SAFE},         {.name = "x", .flags = BULKHEAD_DOMAIN_DIRECT},
        {.name = "x", .flags = BULKHEAD_DOMAIN_PARTITION(1)}, {.name = "x", .role = BULKHEAD_ROLE_HARDWARE},
        {.name = "x", .role = BULKHEAD_ROLE_CONTROL},
    };
    struct vcpu *v =
        launch((struct bulkhead_dynamic){.memory = 8 * MIB, .cpus = UINT64_MAX, .first = 3, .domains = 4, .vcpus = 8});
    struct bulkhead_health h = {.fallback = BULKHEAD_ACTION_HALT};
    struct bulkhead_populate p = {.mfn = 0x1000, .gfn = 0x40000, .count = 1};
    struct bulkhead_move m = {
        .tail_bytes = PAGE_SIZE, .from = GUEST_RAM0_BASE >> PAGE_SHIFT, .to = 0x40000, .count = 1};
    struct bulkhead_domain ordinary = {.name = "x", .flags = BULKHEAD_DOMAIN_VPL011 | BULKHEAD_DOMAIN_ARGO};
    uint16_t a;

    (void)state;
    assert_int_equal(create(v, 0, 1, &a), OK);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct bulkhead_domain b = refused[i];

        b.domid = a;
        assert_int_equal(do_bulkhead(v, BULKHEAD_OP_SET_DOMAIN, &b), ERR_PERM);
    }
    memset(h.action, BULKHEAD_ACTION_HALT, BULKHEAD_EVENT_COUNT);
    h.domid = a;
    for (uint32_t i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        h.action[i] = BULKHEAD_ACTION_PLATFORM;
        assert_int_equal(do_bulkhead(v, BULKHEAD_OP_SET_HEALTH, &h), ERR_INVAL);
        h.action[i] = BULKHEAD_ACTION_RESTART;
    }
    h.fallback = BULKHEAD_ACTION_PLATFORM;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_SET_HEALTH, &h), ERR_INVAL);
    h.fallback = BULKHEAD_ACTION_HALT;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_SET_HEALTH, &h), OK);
    p.domid = a;
    m.domid = a;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_POPULATE_STATIC, &p), ERR_PERM);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_MOVE_FRAMES, &m), ERR_PERM);
    ordinary.domid = a;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_SET_DOMAIN, &ordinary), OK);
    for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) { /* over itself, the platform, the others: none */
        assert_int_not_equal(rights_holder((enum bulkhead_right)right, RIGHTS_PLATFORM), a);
        assert_int_not_equal(rights_holder((enum bulkhead_right)right, control), a);
        assert_int_equal(rights_holder((enum bulkhead_right)right, a), control);
    }
}

/* [utest->dsn~dynamic-cpus~1] */
static void cpus_are_those_of_the_budget(void **state)
{
    struct vcpu *v =
        launch((struct bulkhead_dynamic){.memory = 8 * MIB, .cpus = 6, .first = 3, .domains = 4, .vcpus = 8});
    struct xen_domctl op = {0};
    uint64_t mask = UINT64_MAX;
    uint16_t a;

    (void)state;
    assert_int_equal(create(v, 0, 3, &a), OK);
    op.u.max_vcpus.max = 3;
    assert_int_equal(do_domctl(v, XEN_DOMCTL_max_vcpus, a, &op), OK);
    assert_int_equal(vcpu_of(a, 0)->home, 1);
    assert_int_equal(vcpu_of(a, 1)->home, 2);
    assert_int_equal(vcpu_of(a, 2)->home, 1);
    op.u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){.flags = XEN_VCPUAFFINITY_HARD};
    op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&mask;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    assert_int_equal(do_domctl(v, XEN_DOMCTL_setvcpuaffinity, a, &op), OK);
    assert_int_equal(mask, 6);
    mask = 9;
    assert_int_equal(do_domctl(v, XEN_DOMCTL_setvcpuaffinity, a, &op), ERR_INVAL);
}

/* [utest->dsn~dynamic-domains~1] */
static void an_exit_with_a_wrong_budget_is_refused(void **state)
{
    static const struct bulkhead_dynamic wrong[] = {
        {.first = 0, .domains = 1}, {.first = MAX_DOMAINS, .domains = 1}, {.first = 1, .domains = MAX_DOMAINS}};

    (void)state;
    boot = machine_start();
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(exit_boot_with(boot, 0, &wrong[i]), ERR_INVAL);
    }
    assert_false(is_sealed());
}

/* What there is of everything that a domain can take. */
struct stock {
    uint64_t free, budget, control_frames, control_overhead, control_pool;
    uint32_t control_vcpus, rights;
    int32_t holder[BULKHEAD_RIGHT_COUNT];
};

static struct stock stock_of(void)
{
    struct domain *d = domain_of(control);
    struct stock s;

    memset(&s, 0, sizeof(s));
    s.free = frame_free_count();
    s.budget = frame_budget();
    s.control_frames = d->frames;
    s.control_overhead = d->overhead;
    s.control_pool = d->pool_free;
    for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        for (uint32_t target = 0; target <= RIGHTS_PLATFORM; target++) {
            s.rights += (rights_holder((enum bulkhead_right)right, target) >= 0) ? 1u : 0u;
        }
        s.holder[right] = rights_holder((enum bulkhead_right)right, RIGHTS_PLATFORM);
    }
    return s;
}

/* A port of the creator to the new domain, from it, and closed again. */
static uint32_t talk(struct vcpu *v, uint16_t domid)
{
    struct evtchn_alloc_unbound open = {.dom = DOMID_SELF, .remote_dom = domid};
    struct evtchn_bind_interdomain bind = {.remote_dom = control};
    struct evtchn_close close;

    assert_int_equal(hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, POINTER(&open), 0), OK);
    bind.remote_port = open.port;
    assert_int_equal(
        hypercall(vcpu_of(domid, 0), __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, POINTER(&bind), 0), OK);
    close.port = open.port;
    assert_int_equal(hypercall(v, __HYPERVISOR_event_channel_op, EVTCHNOP_close, POINTER(&close), 0), OK);
    return open.port;
}

/* [utest->dsn~dynamic-domains~1] [utest->dsn~dynamic-memory~1] [utest->dsn~domain-life~1] */
static void ten_thousand_lives_leave_everything_as_it_was(void **state)
{
    struct vcpu *v = launch((struct bulkhead_dynamic){
        .memory = 2 * MIB + OVERHEAD, .cpus = UINT64_MAX, .first = 3, .domains = 1, .vcpus = 2});
    struct stock first;
    uint32_t port = 0;

    (void)state;
    memset(&first, 0, sizeof(first));
    for (uint32_t turn = 0; turn <= TURNS; turn++) { /* the first one fills the creator's own tables */
        uint16_t domid = build_domain(v, "guest", 1u + turn % 2u, 2);
        struct stock now;

        if (domid != 3u || unpause(v, domid) != OK) {
            fail_msg("turn %u: domain %u", turn, domid);
        }
        if (turn % 3u == 0u) {
            port = (turn == 0u) ? talk(v, domid) : port;
            assert_int_equal(talk(v, domid), port);
        }
        end(v, domid);
        now = stock_of();
        first = (turn == 0u) ? now : first;
        if (memcmp(&now, &first, sizeof(now)) != 0) {
            fail_msg("turn %u: %lu frames free of %lu, budget %lu of %lu", turn, (unsigned long)now.free,
                     (unsigned long)first.free, (unsigned long)now.budget, (unsigned long)first.budget);
        }
    }
    assert_int_equal(frame_budget(), (2 * MIB + OVERHEAD) >> PAGE_SHIFT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_budget_nobody_is_created),
        cmocka_unit_test(numbers_and_vcpus_are_those_of_the_budget),
        cmocka_unit_test(memory_is_that_of_the_budget),
        cmocka_unit_test(a_budget_is_no_more_than_what_is_free),
        cmocka_unit_test(nothing_that_the_launch_alone_may_decide),
        cmocka_unit_test(cpus_are_those_of_the_budget),
        cmocka_unit_test(an_exit_with_a_wrong_budget_is_refused),
        cmocka_unit_test(ten_thousand_lives_leave_everything_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
