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
    settle();
    for (uint32_t r = 0; r < BULKHEAD_RIGHT_COUNT; r++) {
        for (uint32_t t = 0; t <= RIGHTS_PLATFORM; t++) {
            assert_int_not_equal(rights_holder(r, t), SLOT_BOOT);
        }
    }
}

/* Operations that need no right. */
static bool is_for_everybody(uint32_t op)
{
    return op == BULKHEAD_OP_MOVE_RIGHT || op == BULKHEAD_OP_BOOT_RECORD || op == BULKHEAD_OP_POWER;
}

/* [utest->dsn~privilege-table~1] */
static void without_the_right_no_operation_comes_to_its_handler(void **state)
{
    uint16_t one = build_domain(boot, "one", 1, 2);
    uint16_t two = build_domain(boot, "two", 1, 2);
    struct bulkhead_domain any = {.domid = one, .name = "x"}; /* the largest structure; a domid is first in all */
    uint32_t checked = 0;

    (void)state;
    for (uint32_t op = 0; op < 100u; op++) {
        struct bulkhead_domain arg = any;
        int64_t err = is_for_everybody(op) ? ERR_NOSYS : do_bulkhead(vcpu_of(two, 0), op, &arg);

        assert_true(err == ERR_NOSYS || err == ERR_PERM);
        assert_memory_equal(&arg, &any, sizeof(any));
        checked += (err == ERR_PERM) ? 1u : 0u;
    }
    assert_true(checked >= 13u);
}

/* [utest->dsn~rights-readable~1] */
static void who_holds_what_can_be_read_by_who_may_look(void **state)
{
    uint16_t one = build_domain(boot, "one", 1, 2);
    uint16_t two = build_domain(boot, "two", 1, 2);
    struct vcpu *v = vcpu_of(two, 0);
    struct bulkhead_rights r = {.target = one};

    (void)state;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_RIGHTS, &r), ERR_PERM);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_INFO, one, two), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CLONE, one, DOMID_INVALID), OK);
    for (uint32_t i = 0; i < 2u; i++) { /* who may look, and the Boot Domain, which has given the right away */
        r = (struct bulkhead_rights){.target = one};
        assert_int_equal(do_bulkhead((i == 0u) ? v : boot, BULKHEAD_OP_RIGHTS, &r), OK);
        for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
            assert_int_equal(r.holder[right], (right == BULKHEAD_RIGHT_INFO)    ? two
                                              : (right == BULKHEAD_RIGHT_CLONE) ? DOMID_INVALID
                                                                                : DOMID_BOOT);
        }
    }
    r.target = DOMID_SELF;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_RIGHTS, &r), ERR_PERM);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_INFO, DOMID_SELF, two), OK);
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_RIGHTS, &r), OK);
    assert_int_equal(r.holder[BULKHEAD_RIGHT_INFO], two);
    assert_int_equal(r.holder[BULKHEAD_RIGHT_CREATE], DOMID_BOOT);
    r.target = 99;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_RIGHTS, &r), ERR_SRCH);
}

/* [utest->dsn~domain-identity~1] */
static void names_are_read_by_who_may_look_and_by_oneself(void **state)
{
    uint16_t one = build_domain(boot, "one", 1, 2);
    uint16_t two = build_domain(boot, "two", 1, 2);
    struct vcpu *v = vcpu_of(two, 0);
    struct bulkhead_domain d = {.domid = one};

    (void)state;
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_GET_DOMAIN, &d), ERR_PERM);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_GET_DOMAIN, &d), OK);
    assert_string_equal(d.name, "one");
    d = (struct bulkhead_domain){.domid = DOMID_SELF};
    assert_int_equal(do_bulkhead(v, BULKHEAD_OP_GET_DOMAIN, &d), OK);
    assert_int_equal(d.domid, two);
    assert_string_equal(d.name, "two");
    assert_int_equal(d.role, BULKHEAD_ROLE_DOMU);
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
        cmocka_unit_test_setup(without_the_right_no_operation_comes_to_its_handler, start),
        cmocka_unit_test_setup(who_holds_what_can_be_read_by_who_may_look, start),
        cmocka_unit_test_setup(names_are_read_by_who_may_look_and_by_oneself, start),
        cmocka_unit_test_setup(no_sequence_of_calls_gives_more_than_the_launch_did, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
