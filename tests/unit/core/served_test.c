/* SPDX-License-Identifier: Apache-2.0 */
/* What the launch prepares for rings: grants of a new domain, and consoles that another domain serves. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evtchn_fixture.h"
#include "arch/contract/arch.h"
#include "core/console.h"
#include "core/grant.h"
#include "core/physmap.h"
#include "core/pool.h"

#include <string.h>

#include <xen/event_channel.h>
#include <xen/grant_table.h>

#define MAP_AT 0x50000u /* guest frame, a hole */
#define FRAME  0x40005u

static uint16_t third; /* being built */

/* A grant table, as createdomain makes it. */
static void give_grants(struct domain *d)
{
    spin_lock(&d->physmap_lock);
    assert_int_equal(pool_grow(d, 16), OK);
    spin_unlock(&d->physmap_lock);
    assert_int_equal(grant_init(d, 4, 4), OK);
}

static int start(void **state)
{
    (void)start_two(state);
    third = build_domain(boot, "third", 1, 4);
    give_grants(domain_of(third));
    give_grants(one->domain);
    give_grants(two->domain);
    return 0;
}

static int64_t seed(struct vcpu *by, uint16_t domid, uint32_t ref, uint16_t to, uint64_t gfn)
{
    struct bulkhead_seed s = {.domid = domid, .to = to, .ref = ref, .gfn = gfn};

    return do_bulkhead(by, BULKHEAD_OP_SEED_GRANT, &s);
}

static int16_t map(struct vcpu *by, uint16_t domid, uint32_t ref)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = (uint64_t)MAP_AT << PAGE_SHIFT, .flags = GNTMAP_host_map, .ref = ref, .dom = domid};

    assert_int_equal(hypercall(by, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (uint64_t)(uintptr_t)&op, 1),
                     OK);
    return op.status;
}

/* [utest->dsn~grant-seed~1] */
static void a_seeded_grant_can_be_mapped(void **state)
{
    struct domain *d = domain_of(third);
    struct domain *user = one->domain;
    mfn_t there, here;

    (void)state;
    assert_int_equal(map(one, third, GNTTAB_RESERVED_XENSTORE), GNTST_general_error);
    assert_int_equal(seed(boot, third, GNTTAB_RESERVED_XENSTORE, user->id, FRAME), OK);
    assert_int_equal(unpause(boot, third), OK);
    settle();
    assert_int_equal(map(two, third, GNTTAB_RESERVED_XENSTORE), GNTST_general_error); /* not its */
    assert_int_equal(map(one, third, GNTTAB_RESERVED_CONSOLE), GNTST_general_error);
    assert_int_equal(map(one, third, GNTTAB_RESERVED_XENSTORE), GNTST_okay);
    spin_lock(&d->physmap_lock);
    there = physmap_look(d, GFN(FRAME)).mfn;
    spin_unlock(&d->physmap_lock);
    spin_lock(&user->physmap_lock);
    here = physmap_look(user, GFN(MAP_AT)).mfn;
    spin_unlock(&user->physmap_lock);
    assert_int_equal(here.v, there.v);
}

/* [utest->dsn~grant-seed~1] */
static void bad_seeds_have_their_error(void **state)
{
    (void)state;
    assert_int_equal(seed(boot, third, GNTTAB_NR_RESERVED_ENTRIES, 1, FRAME), ERR_INVAL);
    assert_int_equal(seed(boot, third, UINT32_MAX, 1, FRAME), ERR_INVAL);
    assert_int_equal(seed(boot, third, 0, 0, FRAME), ERR_INVAL);
    assert_int_equal(seed(boot, third, 0, MAX_DOMAINS, FRAME), ERR_INVAL);
    assert_int_equal(seed(boot, third, 0, DOMID_SELF, FRAME), ERR_INVAL);
    assert_int_equal(seed(boot, third, 0, 1, UINT64_C(1) << 32), ERR_INVAL);
    assert_int_equal(seed(boot, 77, 0, 1, FRAME), ERR_SRCH);
    assert_int_equal(seed(boot, two->domain->id, 0, 1, FRAME), ERR_PERM); /* it runs */
    assert_int_equal(seed(one, third, 0, 1, FRAME), ERR_PERM);
    assert_int_equal(seed(one, DOMID_SELF, 0, 1, FRAME), ERR_PERM);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SEED_GRANT, (void *)0x1000u), ERR_FAULT);
}

static int64_t console(struct vcpu *by, uint16_t domid, uint16_t flags, void *text, uint32_t *count)
{
    struct bulkhead_console c = {.domid = domid, .flags = flags, .count = *count, .buffer = (uint64_t)(uintptr_t)text};
    int64_t result = do_bulkhead(by, BULKHEAD_OP_CONSOLE, &c);

    *count = c.count;
    return result;
}

/* The device takes everything. */
static void drain(void)
{
    host_become(0);
    for (uint32_t i = 0; i < 100u; i++) {
        upcall_console_ready();
    }
}

/* [utest->dsn~console-served~1] */
static void who_holds_the_right_writes_in_the_others_name(void **state)
{
    char text[300];
    uint32_t count = 201;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[200] = '\n';
    host_console_room(SIZE_MAX);
    drain();
    host_console_clear();
    assert_int_equal(console(one, third, 0, text, &count), ERR_PERM);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CONSOLE, third, one->domain->id), OK);
    assert_int_equal(console(one, third, 0, text, &count), OK);
    assert_true(restarts() > 0u);
    assert_int_equal(count, 0);
    drain();
    assert_memory_equal(host_console(), "(third) xxx", 11);
    assert_int_equal(strlen(host_console()), 8u + 200u + 2u);
    count = 5;
    assert_int_equal(console(two, third, 0, text, &count), ERR_PERM);
    assert_int_equal(console(boot, third, 0, text, &count), ERR_PERM); /* moved, not copied */
    assert_int_equal(console(one, two->domain->id, 0, text, &count), ERR_PERM);
    assert_int_equal(console(one, 77, 0, text, &count), ERR_SRCH);
    assert_int_equal(console(one, third, 2, text, &count), ERR_INVAL);
    assert_int_equal(console(one, third, 0, (void *)0x123u, &count), ERR_FAULT);
    assert_int_equal(do_bulkhead(one, BULKHEAD_OP_CONSOLE, (void *)0x1000u), ERR_FAULT);
}

/* [utest->dsn~console-served~1] */
static void input_goes_to_who_serves_the_console(void **state)
{
    struct evtchn_bind_virq bind = {.virq = VIRQ_CONSOLE};
    uint32_t count = 300;
    char text[300];

    (void)state;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CONSOLE, third, one->domain->id), OK);
    assert_int_equal(event_op(one, EVTCHNOP_bind_virq, &bind), OK);
    for (const char *key = "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
                           "ab";
         *key != '\0'; key++) {
        upcall_console_input(*key); /* the Boot Domain, one, two, third */
    }
    assert_true(is_pending(one, bind.port));
    assert_int_equal(console(one, third, BULKHEAD_CONSOLE_READ, (void *)0x123u, &count), ERR_FAULT);
    upcall_console_input('c'); /* what could not be told is gone */
    count = 300;
    assert_int_equal(console(one, third, BULKHEAD_CONSOLE_READ, text, &count), OK);
    assert_int_equal(count, 1);
    assert_int_equal(text[0], 'c');
    count = 300;
    assert_int_equal(console(one, third, BULKHEAD_CONSOLE_READ, text, &count), OK);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_seeded_grant_can_be_mapped, start),
        cmocka_unit_test_setup(bad_seeds_have_their_error, start),
        cmocka_unit_test_setup(who_holds_the_right_writes_in_the_others_name, start),
        cmocka_unit_test_setup(input_goes_to_who_serves_the_console, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
