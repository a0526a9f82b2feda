/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "core/rights.h"

#include <string.h>

static struct vcpu *boot;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    return 0;
}

/* [utest->dsn~rights-cells~1] */
static void the_boot_domain_starts_with_the_platform_and_what_it_creates(void **state)
{
    uint16_t one;

    (void)state;
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        assert_int_equal(rights_holder(r, RIGHTS_PLATFORM), SLOT_BOOT);
        assert_int_equal(rights_holder(r, 1), -1);
    }
    one = build_domain(boot, "one", 1, 2);
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        assert_int_equal(rights_holder(r, one), SLOT_BOOT);
    }
}

/* [utest->dsn~rights-move~1] */
static void a_moved_right_is_gone_from_the_giver(void **state)
{
    uint16_t one = build_domain(boot, "one", 1, 2);
    uint16_t two = build_domain(boot, "two", 1, 2);

    (void)state;
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        assert_int_equal(move_right(boot, (uint16_t)r, one, two), OK);
        assert_int_equal(rights_holder(r, one), two);
        assert_int_equal(rights_check(boot, r, one), ERR_PERM);
        assert_int_equal(rights_check(vcpu_of(two, 0), r, one), OK);
        assert_int_equal(move_right(boot, (uint16_t)r, one, two), ERR_PERM);
        assert_int_equal(move_right(boot, (uint16_t)r, one, DOMID_INVALID), ERR_PERM);
        assert_int_equal(move_right(vcpu_of(two, 0), (uint16_t)r, one, DOMID_INVALID), OK);
        assert_int_equal(rights_holder(r, one), -1);
        assert_int_equal(move_right(boot, (uint16_t)r, one, two), ERR_PERM); /* nobody can bring it back */
    }
}

/* [utest->dsn~rights-move~1] */
static void bad_moves_are_refused(void **state)
{
    uint16_t one = build_domain(boot, "one", 1, 2);
    const struct {
        struct bulkhead_right_move m;
        int64_t err;
    } cases[] = {
        {{.right = BULKHEAD_RIGHT_COUNT, .target = one, .receiver = one}, ERR_INVAL},
        {{.right = 0xffff, .target = one, .receiver = one}, ERR_INVAL},
        {{.right = 1, .target = one, .receiver = one, .pad = 1}, ERR_INVAL},
        {{.right = 1, .target = 77, .receiver = one}, ERR_SRCH},
        {{.right = 1, .target = one, .receiver = 77}, ERR_SRCH},
        {{.right = 1, .target = DOMID_INVALID, .receiver = one}, ERR_SRCH},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bulkhead_right_move m = cases[i].m;
        assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_RIGHT, &m), cases[i].err);
        assert_int_equal(rights_holder(1, one), SLOT_BOOT);
    }
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_MOVE_RIGHT, NULL), ERR_FAULT);
}

/* [utest->dsn~rights-build-ends~1] */
static void the_right_to_build_ends_with_the_first_unpause(void **state)
{
    struct xen_domctl op = {0};
    xen_pfn_t extent = 7;
    struct xen_memory_reservation r = {.nr_extents = 1, .extent_start.p = &extent};
    struct xen_hvm_param p = {.index = HVM_PARAM_STORE_PFN};
    uint16_t one = build_domain(boot, "one", 1, 2);

    (void)state;
    assert_int_equal(unpause(boot, one), OK);
    assert_int_equal(rights_holder(BULKHEAD_RIGHT_BUILD, one), -1);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_max_mem, one, &op), ERR_PERM);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_setvcpucontext, one, &op), ERR_PERM);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_set_paging_mempool_size, one, &op), ERR_PERM);
    r.domid = one;
    assert_int_equal(do_memory(boot, XENMEM_populate_physmap, &r), ERR_PERM);
    p.domid = one;
    assert_int_equal(hypercall(boot, __HYPERVISOR_hvm_op, HVMOP_set_param, POINTER(&p), 0), ERR_PERM);
    assert_int_equal(rights_holder(BULKHEAD_RIGHT_PAUSE, one), SLOT_BOOT); /* the others do not */
}

/* [utest->dsn~rights-end~1] */
static void what_a_domain_held_ends_with_it(void **state)
{
    uint16_t one = build_domain(boot, "one", 1, 2);
    uint16_t two = build_domain(boot, "two", 1, 2);

    (void)state;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_PAUSE, one, two), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CREATE, DOMID_SELF, two), OK);
    assert_int_equal(destroy(boot, two), OK);
    settle();
    assert_int_equal(rights_holder(BULKHEAD_RIGHT_PAUSE, one), -1);
    assert_int_equal(rights_holder(BULKHEAD_RIGHT_CREATE, RIGHTS_PLATFORM), -1);
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        assert_int_equal(rights_holder(r, two), -1);
    }
    assert_int_equal(exit_boot(boot, 0), OK);
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        for (uint32_t t = 0; t <= RIGHTS_PLATFORM; t++) {
            assert_int_not_equal(rights_holder(r, t), SLOT_BOOT);
        }
    }
}

/* ---- no sequence of calls gives a domain a right that the launch did not ---- */

#define ACTORS 4u

static bool launched[BULKHEAD_RIGHT_COUNT][MAX_DOMAINS + 1u][MAX_DOMAINS]; /* right, target, holder */

static uint16_t any_domid(struct random *r)
{
    static const uint16_t special[] = {DOMID_SELF, DOMID_BOOT, DOMID_INVALID, 0, 0xffff, 200};

    return (random_below(r, 4) == 0u) ? special[random_below(r, ARRAY_SIZE(special))]
                                      : (uint16_t)(1u + random_below(r, ACTORS + 3u));
}

/* One call with arguments that are often sensible. */
static void random_call(struct random *r, struct vcpu *v)
{
    static const uint32_t domctls[] = {XEN_DOMCTL_createdomain,  XEN_DOMCTL_destroydomain, XEN_DOMCTL_pausedomain,
                                       XEN_DOMCTL_unpausedomain, XEN_DOMCTL_max_vcpus,     XEN_DOMCTL_setvcpucontext,
                                       XEN_DOMCTL_max_mem,       XEN_DOMCTL_getdomaininfo};
    vcpu_guest_context_t context = {.flags = VGCF_online, .user_regs = {.cpsr = PSR_GUEST64_INIT}};
    struct xen_domctl op = {0};
    uint32_t cmd;

    switch (random_below(r, 5)) {
    case 0:
    case 1:
        (void)move_right(v, (uint16_t)random_below(r, BULKHEAD_RIGHT_COUNT + 1u), any_domid(r), any_domid(r));
        break;
    case 2:
        (void)exit_boot(v, 0);
        break;
    default:
        cmd = domctls[random_below(r, ARRAY_SIZE(domctls))];
        if (cmd == XEN_DOMCTL_createdomain) {
            op.u.createdomain =
                (struct xen_domctl_createdomain){.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1};
        } else if (cmd == XEN_DOMCTL_max_vcpus) {
            op.u.max_vcpus.max = 1;
        } else if (cmd == XEN_DOMCTL_setvcpucontext) {
            op.u.vcpucontext.ctxt.p = &context;
        }
        (void)do_domctl(v, cmd, any_domid(r), &op);
        break;
    }
}

/* Cells of the platform and of initial domains: holder as launched, or nobody. */
static void check_launched(void)
{
    for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        for (uint32_t t = 0; t <= RIGHTS_PLATFORM; t++) {
            int32_t holder = rights_holder(right, t);
            struct domain *d = (t == RIGHTS_PLATFORM) ? NULL : domain_get_slot(t);
            bool initial = t == RIGHTS_PLATFORM || (d != NULL && d->initial);

            if (d != NULL) {
                domain_put(d);
            }
            if (initial && holder >= 0) {
                assert_true(launched[right][t][holder]);
            }
        }
    }
}

static void launch(struct random *r)
{
    boot = machine_start();
    claim_all(boot);
    for (uint32_t i = 0; i < ACTORS; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        assert_int_equal(build_domain(boot, name, 1, 2), i + 1u);
    }
    for (uint32_t i = 0; i < ACTORS; i++) {
        assert_int_equal(unpause(boot, (uint16_t)(i + 1u)), OK);
    }
    memset(launched, 0, sizeof(launched));
    for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        for (uint32_t t = 0; t <= ACTORS; t++) {
            uint16_t to = (uint16_t)(1u + random_below(r, ACTORS));
            if (move_right(boot, (uint16_t)right, (t == 0u) ? DOMID_SELF : (uint16_t)t, to) == OK) {
                launched[right][(t == 0u) ? RIGHTS_PLATFORM : t][to] = true;
            }
        }
    }
    assert_int_equal(exit_boot(boot, 0), OK);
    settle();
}

/* [utest->dsn~rights-sealed~1] */
static void no_sequence_of_calls_gives_more_than_the_launch_did(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8u; seed++) {
        struct random r = {.state = seed};

        launch(&r);
        for (uint32_t i = 0; i < 3000u; i++) {
            struct domain *d = domain_get_slot(1u + (uint32_t)random_below(&r, ACTORS));

            if (d != NULL) {
                struct vcpu *v = d->vcpus[0];
                bool alive = domain_state(d) != DOMAIN_DYING && v != NULL;
                domain_put(d);
                if (alive) {
                    random_call(&r, v);
                }
            }
            if (i % 20u == 0u) {
                settle();
            }
            check_launched();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_boot_domain_starts_with_the_platform_and_what_it_creates, start),
        cmocka_unit_test_setup(a_moved_right_is_gone_from_the_giver, start),
        cmocka_unit_test_setup(bad_moves_are_refused, start),
        cmocka_unit_test_setup(the_right_to_build_ends_with_the_first_unpause, start),
        cmocka_unit_test_setup(what_a_domain_held_ends_with_it, start),
        cmocka_unit_test_setup(no_sequence_of_calls_gives_more_than_the_launch_did, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
