/* SPDX-License-Identifier: Apache-2.0 */
/* t_labels: what the label policy allows and denies, beside rights and grants that would allow all of it.
 * Boot arguments: role=1 grants a page and opens a channel to domains `friend` and `stranger`; role=2 uses them; role=3 has a
 * label that may not; role=4 the Control Domain, with rights over domains `friend` and `stranger`.
 * [itest->dsn~label-check~1] [itest->dsn~label-toolstack~1] [itest->dsn~label-launch~1] */
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/string.h>
#include <guest/test.h>
#include <guest/timer.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/xsm/flask_op.h>

#define PAGE          4096u
#define SERVER        2u
#define FRIEND_REF    8u
#define STRANGER_REF  9u
#define FRIEND_PORT   1u /* the first that a domain opens */
#define STRANGER_PORT 2u
#define MAP_PAGE      256u /* in the region for grants: nothing is there */
#define MARK          UINT64_C(0x4c4142454c)
#define END           UINT64_C(0x454e44)
#define EPERM         (-1)
#define ESRCH         (-3)
#define EACCES        (-13)
#define EINVAL        (-22)
#define PATIENCE_S    60u

static uint64_t page[PAGE / 8u] __attribute__((aligned(4096)));
static uint16_t friend, stranger;

static uint64_t soon(void)
{
    return ticks() + (uint64_t)PATIENCE_S * ticks_per_second(); /* ends what hangs */
}

static volatile uint64_t *mapped(void)
{
    return (volatile uint64_t *)(platform.grant_base + (uint64_t)MAP_PAGE * PAGE);
}

/* ---- the one who offers ---- */

static void grant(uint32_t ref, uint16_t to)
{
    volatile struct grant_entry_v1 *entry = (volatile struct grant_entry_v1 *)platform.grant_base + ref;

    entry->domid = to;
    entry->frame = (uint32_t)((uint64_t)page / PAGE);
    __asm__ volatile("dmb ish" ::: "memory");
    entry->flags = GTF_permit_access;
}

static uint32_t open_for(uint16_t domid)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = domid};

    CHECK_EQUAL(event_channel_op(EVTCHNOP_alloc_unbound, &a), 0);
    return a.port;
}

static void a_page_and_ports_for_both(void)
{
    struct xen_add_to_physmap table = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = platform.grant_base / PAGE};
    uint64_t deadline = soon();

    page[0] = MARK;
    CHECK_EQUAL(memory_op(XENMEM_add_to_physmap, &table), 0);
    CHECK_EQUAL(open_for(friend), FRIEND_PORT);
    CHECK_EQUAL(open_for(stranger), STRANGER_PORT);
    grant(FRIEND_REF, friend);
    grant(STRANGER_REF, stranger);
    while (((volatile uint64_t *)page)[0] != END && ticks() < deadline) {
    }
    CHECK_EQUAL(((volatile uint64_t *)page)[0], END);
}

/* ---- those who take ---- */

static int16_t map(uint32_t ref)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = (uint64_t)mapped(), .flags = GNTMAP_host_map, .ref = ref, .dom = SERVER};

    CHECK_EQUAL(grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    return op.status;
}

static int64_t bind(uint32_t port)
{
    struct evtchn_bind_interdomain b = {.remote_dom = SERVER, .remote_port = port};

    return event_channel_op(EVTCHNOP_bind_interdomain, &b);
}

static void what_the_policy_allows(void)
{
    uint64_t deadline = soon();
    int64_t bound;
    int16_t status;

    do { /* until the server has made it */
        bound = bind(FRIEND_PORT);
    } while (bound == EINVAL && ticks() < deadline);
    CHECK_EQUAL(bound, 0);
    do {
        status = map(FRIEND_REF);
    } while (status != GNTST_okay && ticks() < deadline);
    CHECK_EQUAL(status, GNTST_okay);
    CHECK_EQUAL(mapped()[0], MARK);
    mapped()[0] = END;
}

static void what_the_policy_denies(void)
{
    struct xen_flask_op op = {.cmd = FLASK_GETENFORCE, .interface_version = XEN_FLASK_INTERFACE_VERSION};

    CHECK_EQUAL(bind(STRANGER_PORT), EACCES);
    CHECK_EQUAL(map(STRANGER_REF), (uint64_t)GNTST_permission_denied);
    CHECK_EQUAL(hypercall2(__HYPERVISOR_xsm_op, (uint64_t)&op, 0), EPERM);
}

/* ---- the Control Domain ---- */

static int64_t control(uint32_t cmd, uint16_t domid, struct xen_domctl *op)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    return hypercall2(__HYPERVISOR_domctl, (uint64_t)op, 0);
}

static int64_t flask(struct xen_flask_op *op)
{
    op->interface_version = XEN_FLASK_INTERFACE_VERSION;
    return hypercall2(__HYPERVISOR_xsm_op, (uint64_t)op, 0);
}

static void a_right_is_not_enough(void)
{
    static struct xen_domctl op;
    uint64_t deadline = soon();
    int64_t paused;

    do { /* until the launch has made it and handed the right over */
        paused = control(XEN_DOMCTL_pausedomain, friend, &op);
    } while ((paused == ESRCH || paused == EPERM) && ticks() < deadline);
    CHECK_EQUAL(paused, 0);
    CHECK_EQUAL(control(XEN_DOMCTL_unpausedomain, friend, &op), 0);
    do {
        paused = control(XEN_DOMCTL_pausedomain, stranger, &op);
    } while ((paused == ESRCH || paused == EPERM) && ticks() < deadline);
    CHECK_EQUAL(paused, EACCES);
    CHECK_EQUAL(control(XEN_DOMCTL_getdomaininfo, stranger, &op), ESRCH); /* the next one that it may look at: none */
}

static void labels_are_readable(void)
{
    static struct xen_domctl info;
    static char text[64];
    struct xen_flask_op op = {.cmd = FLASK_SID_TO_CONTEXT};
    uint32_t sid;

    CHECK_EQUAL(control(XEN_DOMCTL_getdomaininfo, friend, &info), 0);
    sid = info.u.getdomaininfo.ssidref;
    op.u.sid_context.sid = sid;
    op.u.sid_context.size = sizeof(text);
    op.u.sid_context.context.p = text;
    CHECK_EQUAL(flask(&op), 0);
    CHECK(strcmp(text, "system_u:system_r:domU_t") == 0);
    op.cmd = FLASK_CONTEXT_TO_SID;
    op.u.sid_context.sid = 0;
    CHECK_EQUAL(flask(&op), 0);
    CHECK_EQUAL(op.u.sid_context.sid, sid);
    op = (struct xen_flask_op){.cmd = FLASK_GETENFORCE};
    CHECK_EQUAL(flask(&op), 1);
    op.cmd = FLASK_SETENFORCE;
    CHECK_EQUAL(flask(&op), EPERM);
}

/* They stay: the Control Domain asks for them. */
static void __attribute__((noreturn)) run_and_stay(const struct test *test)
{
    test_all(test, 1);
    for (;;) {
        __asm__ volatile("wfi");
    }
}

int main(uint64_t x0)
{
    static const struct test server[] = {{"a_page_and_ports_for_both", a_page_and_ports_for_both}};
    static const struct test allowed[] = {{"what_the_policy_allows", what_the_policy_allows}};
    static const struct test denied[] = {{"what_the_policy_denies", what_the_policy_denies}};
    static const struct test toolstack[] = {{"a_right_is_not_enough", a_right_is_not_enough},
                                            {"labels_are_readable", labels_are_readable}};

    platform_init(x0);
    friend = (uint16_t)platform_argument("friend", 0);
    stranger = (uint16_t)platform_argument("stranger", 0);
    switch (platform_argument("role", 0)) {
    case 1:
        test_run(server, 1);
    case 2:
        run_and_stay(allowed);
    case 3:
        run_and_stay(denied);
    default:
        test_run(toolstack, 2);
    }
}
