/* SPDX-License-Identifier: Apache-2.0 */
/* Labels: what the policy denies is refused, counted, said once, and nothing else changes. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "grant_world.h"
#include "bulkhead/label.h"
#include "core/argo.h"
#include "core/label.h"
#include "core/rights.h"
#include "core/status.h"

#include <stdio.h>
#include <string.h>
#include <xen/xsm/flask_op.h>

#define REF 20u

enum { NONE, A, B, SPARE, COUNT };

static struct bulkhead_labels policy;
static struct vcpu *boot;
static uint16_t one, two; /* of labels A and B */

static void allow(uint32_t source, uint32_t target, uint32_t access)
{
    policy.allowed[source][target] |= 1u << access;
}

static int64_t load(void)
{
    struct bulkhead_label_policy p = {.labels = POINTER(&policy)};

    return do_bulkhead(boot, BULKHEAD_OP_SET_LABELS, &p);
}

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    label_count = 0;
    claim_all(boot);
    one = world_domain(boot, "one", 4, 16);
    two = world_domain(boot, "two", 4, 16);
    label_give(domain_of(one)->slot, A);
    label_give(domain_of(two)->slot, B);
    policy = (struct bulkhead_labels){.magic = BULKHEAD_LABELS_MAGIC, .count = COUNT};
    strcpy(policy.label[NONE], "system_u:system_r:unlabeled_t");
    strcpy(policy.label[A], "u:r:a_t");
    strcpy(policy.label[B], "u:r:b_t");
    strcpy(policy.label[SPARE], "u:r:spare_t");
    for (uint32_t i = 0; i < BULKHEAD_ACCESS_COUNT; i++) {
        sprintf(policy.access[i], "access:%u", i);
    }
    host_console_clear();
    return 0;
}

static int64_t call(uint16_t domid, uint64_t nr, uint64_t op, void *arg)
{
    return hypercall(vcpu_of(domid, 0), nr, op, POINTER(arg), 0);
}

/* ---- loading ---- */

/* [utest->dsn~label-matrix~1] */
static void a_policy_is_loaded_once(void **state)
{
    (void)state;
    assert_int_equal(load(), OK);
    assert_int_equal(load(), ERR_EXIST);
    assert_string_equal(host_console(), "");
}

/* [utest->dsn~label-matrix~1] */
static void a_policy_that_makes_no_sense_is_refused(void **state)
{
    struct bulkhead_labels good = policy;
    struct bulkhead_label_policy nowhere = {.labels = 0};

    (void)state;
    policy.magic++;
    assert_int_equal(load(), ERR_INVAL);
    policy = good;
    policy.count = 0;
    assert_int_equal(load(), ERR_INVAL);
    policy.count = BULKHEAD_LABELS + 1u;
    assert_int_equal(load(), ERR_INVAL);
    policy = good;
    policy.pad = 1;
    assert_int_equal(load(), ERR_INVAL);
    policy = good;
    memset(policy.label[BULKHEAD_LABELS - 1u], 'x', BULKHEAD_LABEL_BYTES);
    assert_int_equal(load(), ERR_INVAL);
    policy = good;
    memset(policy.access[31], 'x', BULKHEAD_ACCESS_BYTES);
    assert_int_equal(load(), ERR_INVAL);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_LABELS, NULL), ERR_FAULT);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_LABELS, &nowhere), ERR_FAULT);
    assert_int_equal(label_count, 0);
    assert_int_equal(do_bulkhead(vcpu_of(one, 0), BULKHEAD_OP_SET_LABELS, &nowhere), ERR_PERM);
}

/* ---- checks ---- */

/* [utest->dsn~label-check~1] */
static void a_right_needs_the_label_too(void **state)
{
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_PAUSE, two, one), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_INFO, two, one), OK);
    allow(A, B, BULKHEAD_RIGHT_INFO);
    assert_int_equal(load(), OK);
    assert_int_equal(do_domctl(vcpu_of(one, 0), XEN_DOMCTL_pausedomain, two, &op), ERR_ACCES);
    assert_string_equal(host_console(), "(bulkhead) labels: u:r:a_t may not access:2 u:r:b_t\r\n");
    assert_int_equal(do_domctl(vcpu_of(one, 0), XEN_DOMCTL_pausedomain, two, &op), ERR_ACCES);
    assert_int_equal(do_domctl(vcpu_of(one, 0), XEN_DOMCTL_destroydomain, two, &op),
                     ERR_PERM); /* no right, no denial */
    assert_string_equal(host_console(), "(bulkhead) labels: u:r:a_t may not access:2 u:r:b_t\r\n");
    assert_int_equal(do_domctl(vcpu_of(one, 0), XEN_DOMCTL_getdomaininfo, two, &op), OK);
    assert_int_equal(op.u.getdomaininfo.ssidref, B);
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_pausedomain, two, &op), ERR_PERM); /* handed over */
    assert_int_equal(do_domctl(boot, XEN_DOMCTL_destroydomain, two, &op), OK);     /* the Boot Domain needs no label */
}

/* [utest->dsn~label-check~1] */
static void rights_over_the_platform_have_a_column(void **state)
{
    (void)state;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_PLATFORM, DOMID_SELF, one), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_SCHEDULE, DOMID_SELF, one), OK);
    allow(A, BULKHEAD_LABEL_PLATFORM, BULKHEAD_RIGHT_SCHEDULE);
    assert_int_equal(load(), OK);
    assert_int_equal(rights_check(vcpu_of(one, 0), BULKHEAD_RIGHT_SCHEDULE, RIGHTS_PLATFORM), OK);
    assert_int_equal(rights_check(vcpu_of(one, 0), BULKHEAD_RIGHT_PLATFORM, RIGHTS_PLATFORM), ERR_ACCES);
    assert_string_equal(host_console(), "(bulkhead) labels: u:r:a_t may not access:7 the platform\r\n");
}

/* [utest->dsn~label-check~1] */
static void grants_are_mapped_and_copied_as_the_policy_says(void **state)
{
    struct gnttab_copy copy = {.source = {.u.ref = REF, .domid = one},
                               .dest = {.u.gmfn = RAM_GFN + 5u, .domid = DOMID_SELF},
                               .len = 8,
                               .flags = GNTCOPY_source_gref};
    uint32_t handle;

    (void)state;
    world_grant(one, REF, GTF_permit_access, two, RAM_GFN);
    allow(B, A, BULKHEAD_ACCESS_GRANT_READ);
    assert_int_equal(load(), OK);
    assert_int_equal(world_map(two, one, REF, GNTMAP_host_map, MAP_GFN, &handle), GNTST_permission_denied);
    assert_int_equal(world_flags(one, REF), GTF_permit_access);
    assert_int_equal(world_map(two, one, REF, GNTMAP_host_map | GNTMAP_readonly, MAP_GFN, &handle), GNTST_okay);
    assert_int_equal(world_unmap(two, handle, MAP_GFN), GNTST_okay);
    assert_int_equal(world_op(two, GNTTABOP_copy, &copy, 1), OK);
    assert_int_equal(copy.status, GNTST_okay);
    copy = (struct gnttab_copy){.source = {.u.gmfn = RAM_GFN + 5u, .domid = DOMID_SELF},
                                .dest = {.u.ref = REF, .domid = one},
                                .len = 8,
                                .flags = GNTCOPY_dest_gref};
    assert_int_equal(world_op(two, GNTTABOP_copy, &copy, 1), OK);
    assert_int_equal(copy.status, GNTST_permission_denied);
    world_check((const uint16_t[]){one, two}, 2);
}

static int64_t connect(void)
{
    struct evtchn_alloc_unbound u = {.dom = DOMID_SELF, .remote_dom = two};
    struct evtchn_bind_interdomain b = {.remote_dom = one};

    assert_int_equal(call(one, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &u), OK);
    b.remote_port = u.port;
    return call(two, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &b);
}

/* [utest->dsn~label-check~1] */
static void a_channel_needs_both_ways(void **state)
{
    (void)state;
    allow(A, B, BULKHEAD_ACCESS_EVENT);
    assert_int_equal(load(), OK);
    assert_int_equal(connect(), ERR_ACCES);
    label_count = 0;
    allow(B, A, BULKHEAD_ACCESS_EVENT);
    policy.allowed[A][B] = 0;
    assert_int_equal(load(), OK);
    assert_int_equal(connect(), ERR_ACCES);
    label_count = 0;
    allow(A, B, BULKHEAD_ACCESS_EVENT);
    assert_int_equal(load(), OK);
    assert_int_equal(connect(), OK);
}

/* [utest->dsn~label-check~1] */
static void a_static_channel_needs_both_ways(void **state)
{
    struct bulkhead_channel near = {.domid = one, .remote = two, .port = 3, .remote_port = 4};
    struct bulkhead_channel far = {.domid = two, .remote = one, .port = 4, .remote_port = 3};

    (void)state;
    allow(A, B, BULKHEAD_ACCESS_EVENT);
    assert_int_equal(load(), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_BIND_CHANNEL, &near), ERR_ACCES);
    label_count = 0;
    allow(B, A, BULKHEAD_ACCESS_EVENT);
    assert_int_equal(load(), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_BIND_CHANNEL, &near), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_BIND_CHANNEL, &far), OK);
}

static int64_t argo(uint16_t domid, uint64_t op, void *a, void *b, uint64_t c)
{
    return hypercall5(vcpu_of(domid, 0), __HYPERVISOR_argo_op, (const uint64_t[5]){op, POINTER(a), POINTER(b), c, 0});
}

static int64_t ring_for(uint16_t partner, uint32_t port)
{
    static xen_argo_gfn_t gfns[2] = {RAM_GFN + 8u, RAM_GFN + 9u};
    struct xen_argo_register_ring r = {.aport = port, .partner_id = partner, .len = 4096u};

    return argo(one, XEN_ARGO_OP_register_ring, &r, gfns, 2);
}

static int64_t send(uint32_t port)
{
    static char text[16];
    xen_argo_iov_t iov[1] = {{.iov_hnd.p = (uint8_t *)text, .iov_len = sizeof(text)}};
    struct xen_argo_send_addr a = {.src = {.domain_id = two}, .dst = {.domain_id = one, .aport = port}};

    return argo(two, XEN_ARGO_OP_sendv, &a, iov, 1);
}

/* [utest->dsn~label-check~1] */
static void argo_asks_at_the_ring_and_at_each_message(void **state)
{
    (void)state;
    domain_of(one)->flags |= BULKHEAD_DOMAIN_ARGO | BULKHEAD_DOMAIN_ARGO_ANY;
    domain_of(two)->flags |= BULKHEAD_DOMAIN_ARGO;
    assert_int_equal(load(), OK);
    assert_int_equal(ring_for(two, 7), ERR_ACCES);
    assert_int_equal(ring_for(XEN_ARGO_DOMID_ANY, 8), ERR_ACCES);
    assert_int_equal(ring_for(77, 9), OK); /* nobody yet; it is asked when it sends */
    label_count = 0;
    allow(A, B, BULKHEAD_ACCESS_ARGO_REGISTER);
    allow(A, BULKHEAD_LABEL_PLATFORM, BULKHEAD_ACCESS_ARGO_ANY);
    assert_int_equal(load(), OK);
    assert_int_equal(ring_for(two, 7), OK);
    assert_int_equal(ring_for(XEN_ARGO_DOMID_ANY, 8), OK);
    assert_int_equal(send(7), ERR_ACCES);
    assert_int_equal(send(8), ERR_ACCES);
    label_count = 0;
    allow(B, A, BULKHEAD_ACCESS_ARGO_SEND);
    assert_int_equal(load(), OK);
    assert_int_equal(send(7), 16);
    assert_int_equal(send(8), 16);
}

static int64_t create(struct vcpu *by, uint32_t label)
{
    struct xen_domctl op = {0};

    op.u.createdomain = (struct xen_domctl_createdomain){
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .ssidref = label, .max_vcpus = 1, .max_evtchn_port = -1};
    return do_domctl(by, XEN_DOMCTL_createdomain, 7, &op);
}

/* [utest->dsn~label-check~1] */
static void a_domain_is_created_with_a_label_that_its_creator_may_give(void **state)
{
    (void)state;
    assert_int_equal(create(boot, 1), ERR_INVAL); /* no policy, no labels */
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CREATE, DOMID_SELF, one), OK);
    allow(A, BULKHEAD_LABEL_PLATFORM, BULKHEAD_RIGHT_CREATE);
    allow(A, SPARE, BULKHEAD_ACCESS_CREATE_AS);
    assert_int_equal(load(), OK);
    assert_int_equal(create(vcpu_of(one, 0), COUNT), ERR_INVAL);
    assert_int_equal(create(vcpu_of(one, 0), B), ERR_ACCES);
    assert_int_equal(create(vcpu_of(one, 0), SPARE), OK);
    assert_int_equal(label_of(domain_of(7)->slot), SPARE);
}

static void label_shown(void)
{
    char expected[64];
    uint32_t sum = 0;

    for (uint32_t s = 0; s < COUNT; s++) {
        for (uint32_t t = 0; t <= BULKHEAD_LABELS; t++) {
            sum += label_denials(s, t);
        }
    }
    snprintf(expected, sizeof(expected), "(bulkhead) %u labels, permissive, %u denials\r\n", COUNT, sum);
    status_key('d');
    assert_non_null(strstr(host_console(), expected));
}

/* [utest->dsn~label-permissive~1] */
static void permissive_says_so_and_denies_nothing(void **state)
{
    (void)state;
    policy.flags = BULKHEAD_LABELS_PERMISSIVE;
    assert_int_equal(load(), OK);
    assert_string_equal(host_console(),
                        "(bulkhead) labels: PERMISSIVE: what the policy denies is counted, and done\r\n");
    host_console_clear();
    label_give(domain_of(two)->slot, SPARE);
    for (uint32_t i = 0; i < 3u; i++) {
        assert_int_equal(label_check(domain_of(two)->slot, domain_of(one)->slot, BULKHEAD_RIGHT_SUSPEND), OK);
    }
    assert_int_equal(label_denials(SPARE, A), 3);
    assert_string_equal(host_console(), "(bulkhead) labels: u:r:spare_t may not access:9 u:r:a_t\r\n");
    label_shown();
}

/* ---- a toolstack's questions ---- */

static int64_t flask(uint16_t domid, struct xen_flask_op *op)
{
    op->interface_version = XEN_FLASK_INTERFACE_VERSION;
    return hypercall(vcpu_of(domid, 0), __HYPERVISOR_xsm_op, POINTER(op), 0, 0);
}

static int64_t simple(uint32_t cmd)
{
    struct xen_flask_op op = {.cmd = cmd};

    return flask(one, &op);
}

/* [utest->dsn~label-toolstack~1] */
static void a_toolstack_reads_labels(void **state)
{
    static char text[BULKHEAD_LABEL_BYTES] = "u:r:b_t";
    struct xen_flask_op op = {.cmd = FLASK_CONTEXT_TO_SID, .u.sid_context = {.size = 7, .context.p = text}};

    (void)state;
    assert_int_equal(simple(FLASK_GETENFORCE), ERR_NOSYS); /* no policy */
    assert_int_equal(load(), OK);
    assert_int_equal(flask(two, &op), ERR_PERM); /* no right over anything */
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_INFO, two, one), OK);
    assert_int_equal(flask(one, &op), OK);
    assert_int_equal(op.u.sid_context.sid, B);
    text[6] = 'x';
    assert_int_equal(flask(one, &op), ERR_INVAL);
    op.u.sid_context.size = sizeof(text);
    assert_int_equal(flask(one, &op), ERR_INVAL);
    op.u.sid_context.size = 7;
    op.u.sid_context.context.p = NULL;
    assert_int_equal(flask(one, &op), ERR_FAULT);

    op = (struct xen_flask_op){.cmd = FLASK_SID_TO_CONTEXT, .u.sid_context = {.sid = B, .size = 7, .context.p = text}};
    assert_int_equal(flask(one, &op), ERR_RANGE);
    assert_int_equal(op.u.sid_context.size, 8);
    assert_int_equal(flask(one, &op), OK);
    assert_string_equal(text, "u:r:b_t");
    op.u.sid_context.sid = COUNT;
    assert_int_equal(flask(one, &op), ERR_INVAL);

    assert_int_equal(simple(FLASK_GETENFORCE), 1);
    assert_int_equal(simple(FLASK_LOAD), ERR_PERM);
    assert_int_equal(simple(FLASK_SETENFORCE), ERR_PERM);
    assert_int_equal(simple(FLASK_SETBOOL), ERR_PERM);
    assert_int_equal(simple(FLASK_RELABEL_DOMAIN), ERR_PERM);
    assert_int_equal(simple(FLASK_ACCESS), ERR_NOSYS);
    op.interface_version = 2;
    assert_int_equal(hypercall(vcpu_of(one, 0), __HYPERVISOR_xsm_op, POINTER(&op), 0, 0), ERR_NOSYS);
    assert_int_equal(hypercall(vcpu_of(one, 0), __HYPERVISOR_xsm_op, 0, 0, 0), ERR_FAULT);
    label_count = 0;
    policy.flags = BULKHEAD_LABELS_PERMISSIVE;
    assert_int_equal(load(), OK);
    assert_int_equal(simple(FLASK_GETENFORCE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_policy_is_loaded_once, start),
        cmocka_unit_test_setup(a_policy_that_makes_no_sense_is_refused, start),
        cmocka_unit_test_setup(a_right_needs_the_label_too, start),
        cmocka_unit_test_setup(rights_over_the_platform_have_a_column, start),
        cmocka_unit_test_setup(grants_are_mapped_and_copied_as_the_policy_says, start),
        cmocka_unit_test_setup(a_channel_needs_both_ways, start),
        cmocka_unit_test_setup(a_static_channel_needs_both_ways, start),
        cmocka_unit_test_setup(argo_asks_at_the_ring_and_at_each_message, start),
        cmocka_unit_test_setup(a_domain_is_created_with_a_label_that_its_creator_may_give, start),
        cmocka_unit_test_setup(permissive_says_so_and_denies_nothing, start),
        cmocka_unit_test_setup(a_toolstack_reads_labels, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
