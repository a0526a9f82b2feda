/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of a domain from its start, and what their server is told.
 * [utest->dsn~boot-rings~1] [utest->dsn~boot-store-tree~1] [utest->dsn~boot-devices~1] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/hvm/params.h>

#include "builder_fixture.h"
#include "internal.h"
#include "model.h"
#include "order.h"
#include "store_tree.h"

#define MAGIC 0x39000u

/* Clients 0 and 2 of the plan, store 1, console domain 3; started as the plan says. */
static void start_all(void)
{
    struct plan_domain *front = builder_add("front");
    struct plan_domain *store = builder_add("store");
    struct plan_domain *back = builder_add("back");
    struct plan_domain *console = builder_add("console");

    front->has_store = front->has_pv_console = back->has_store = true;
    store->serves = PLAN_SERVES_STORE;
    console->serves = PLAN_SERVES_CONSOLE;
    for (uint32_t i = 0; i < 4; i++) {
        plan.domains[i].keep_modules = true;
    }
    plan.channels[0] = (struct plan_channel){.domain = 0, .remote = 2, .port = 5, .remote_port = 6};
    plan.channels[1] = (struct plan_channel){.domain = 2, .remote = 0, .port = 6, .remote_port = 5};
    plan.channel_count = 2;
    plan.devices[0] = (struct plan_device){
        .domain = 0, .backend = 2, .number = 51712, .major = 7, .minor = 16, .name = "xvda", .is_read_only = true};
    plan.devices[1] = (struct plan_device){.domain = 0, .backend = 2, .is_interface = true, .mac = "00:16:3e:00:00:01"};
    plan.device_count = 2;
    builder_run_all();
    assert_said_nothing();
}

static void check_end(const struct model_domain *model, uint32_t i, uint32_t port, uint16_t remote,
                      uint32_t remote_port)
{
    assert_true(i < model->channel_count);
    assert_int_equal(model->channels[i].port, port);
    assert_int_equal(model->channels[i].remote, remote);
    assert_int_equal(model->channels[i].remote_port, remote_port);
}

static void both_ends_of_each_ring_are_bound(void **state)
{
    (void)state;
    start_all();
    check_end(&model_domains[1], 0, 5, 3, 6);
    check_end(&model_domains[1], 1, 6, 4, 1);
    check_end(&model_domains[1], 2, 7, 2, 1);
    assert_int_equal(model_domains[1].channel_count, 3);
    check_end(&model_domains[2], 0, 1, 1, 7);
    check_end(&model_domains[2], 1, 2, 3, 8);
    assert_int_equal(model_domains[2].channel_count, 2);
    check_end(&model_domains[3], 1, 8, 2, 2);
    check_end(&model_domains[4], 0, 1, 1, 6);
}

static void a_client_gets_pages_grants_and_parameters(void **state)
{
    const struct model_domain *front = &model_domains[1];
    const struct model_domain *back = &model_domains[3];

    (void)state;
    start_all();
    assert_int_equal(model_pages(1), 16 * MIB / PAGE + 2);
    assert_int_equal(model_pages(2), 16 * MIB / PAGE);
    assert_int_equal(model_pages(3), 16 * MIB / PAGE + 1);
    assert_int_equal(front->grants[0].gfn, MAGIC);
    assert_int_equal(front->grants[0].to, 4);
    assert_int_equal(front->grants[1].gfn, MAGIC + 1);
    assert_int_equal(front->grants[1].to, 2);
    assert_int_equal(front->parameters[HVM_PARAM_CONSOLE_PFN], MAGIC);
    assert_int_equal(front->parameters[HVM_PARAM_CONSOLE_EVTCHN], 6);
    assert_int_equal(front->parameters[HVM_PARAM_STORE_PFN], MAGIC + 1);
    assert_int_equal(front->parameters[HVM_PARAM_STORE_EVTCHN], 7);
    assert_int_equal(back->grants[0].to, 0);
    assert_int_equal(back->parameters[HVM_PARAM_CONSOLE_PFN], 0);
    assert_int_equal(back->parameters[HVM_PARAM_STORE_EVTCHN], 8);
    assert_zero_at(1, UINT64_C(0x39000000), 2 * PAGE);
}

static void the_console_domain_gets_the_right_to_the_console(void **state)
{
    (void)state;
    start_all();
    assert_int_equal(model_domains[1].holder[BULKHEAD_RIGHT_CONSOLE], 4);
    assert_int_equal(model_domains[3].holder[BULKHEAD_RIGHT_CONSOLE], DOMID_INVALID);
    assert_int_equal(model_domains[1].holder[BULKHEAD_RIGHT_MAP_FOREIGN], DOMID_INVALID);
}

/* ---- what the servers are told ---- */

static void perform(const uint8_t *at, uint32_t size)
{
    static struct store_reply reply;
    struct xsd_sockmsg request, header;

    store_init();
    while (size != 0) {
        assert_true(size >= sizeof(request));
        memcpy(&request, at, sizeof(request));
        assert_true(size - sizeof(request) >= request.len);
        store_request(STORE_LAUNCH, &request, at + sizeof(request), &header, &reply);
        assert_int_equal(header.type, request.type);
        at += sizeof(request) + request.len;
        size -= (uint32_t)sizeof(request) + request.len;
    }
}

static void expect_node(uint32_t client, const char *path, const char *value)
{
    static struct store_reply reply;
    struct xsd_sockmsg header;

    store_request(client, &(struct xsd_sockmsg){.type = XS_READ, .len = (uint32_t)strlen(path) + 1},
                  (const uint8_t *)path, &header, &reply);
    reply.data[reply.size] = 0;
    assert_string_equal((const char *)reply.data, value);
}

#define FRONT  "/local/domain/1/device/"
#define BACK   "/local/domain/3/backend/"
#define CLIENT 1u /* of the store: front */
#define SERVER 2u /* back */

/* The store of the real thing reads what the ramdisk of the store's domain holds. */
static void the_store_can_do_what_it_is_told(void **state)
{
    static uint8_t fdt[65536];
    static uint8_t tree[STORE_TREE_BYTES];
    uint32_t size;

    (void)state;
    start_all();
    model_read(2, model_domains[2].x0, fdt, sizeof(fdt));
    int chosen = fdt_path_offset(fdt, "/chosen");
    const fdt64_t *first = fdt_getprop(fdt, chosen, "linux,initrd-start", NULL);
    const fdt64_t *end = fdt_getprop(fdt, chosen, "linux,initrd-end", NULL);
    assert_non_null(first);
    size = (uint32_t)(fdt64_ld(end) - fdt64_ld(first));
    assert_true(size > 1000 && size < sizeof(tree));
    model_read(2, fdt64_ld(first), tree, size);
    perform(tree, size);
    assert_int_equal(store_client_count(), 2);
    assert_int_equal(store_client(CLIENT).domid, 1);
    assert_int_equal(store_client(CLIENT).port, 1);
    assert_int_equal(store_client(SERVER).domid, 3);
    assert_int_equal(store_client(SERVER).port, 2);
    expect_node(CLIENT, "name", "front");
    expect_node(CLIENT, "cpu/0/availability", "online");
    expect_node(CLIENT, FRONT "vbd/51712/backend", BACK "vbd/1/51712");
    expect_node(CLIENT, FRONT "vbd/51712/backend-id", "3");
    expect_node(CLIENT, FRONT "vbd/51712/state", "1");
    expect_node(CLIENT, BACK "vbd/1/51712/state", "1");
    expect_node(SERVER, BACK "vbd/1/51712/frontend", FRONT "vbd/51712");
    expect_node(SERVER, BACK "vbd/1/51712/physical-device", "7:10");
    expect_node(SERVER, BACK "vbd/1/51712/mode", "r");
    expect_node(SERVER, FRONT "vif/0/mac", "00:16:3e:00:00:01");
    expect_node(SERVER, BACK "vif/1/0/hotplug-status", "connected");
    expect_node(SERVER, BACK "vif/1/0/handle", "0");
    expect_node(SERVER, "/local/domain/1/name", "EACCES");
    expect_node(CLIENT, "/local/domain/3/name", "EACCES");
}

/* A request in the store of the real thing; the error's name, or the type of the answer. */
static const char *write_node(uint32_t client, const char *path_and_value, uint32_t size)
{
    static struct store_reply reply;
    struct xsd_sockmsg header;

    store_request(client, &(struct xsd_sockmsg){.type = XS_WRITE, .len = size}, (const uint8_t *)path_and_value,
                  &header, &reply);
    reply.data[reply.size] = 0;
    return (const char *)reply.data;
}
#define WRITE(client, text) write_node(client, text, sizeof(text) - 1)

#define SHUTDOWN "/local/domain/2/control/shutdown" /* of front, which is domain 2 beside a Control Domain */

static void tell_store(void)
{
    static uint8_t told[STORE_TREE_BYTES];
    uint32_t size;

    assert_true(store_tree_write(&plan, 1, told, &size));
    perform(told, size);
}

/* [utest->dsn~boot-store-shutdown~1] */
static void who_may_end_a_domain_may_ask_it_to_end(void **state)
{
    (void)state;
    start_all();
    tell_store();
    expect_node(CLIENT, "/local/domain/1/control/shutdown", "ENOENT"); /* there is nobody */
    assert_string_equal(WRITE(SERVER, "/local/domain/1/control/shutdown\0poweroff"), "EACCES");

    plan.domains[2].role = BULKHEAD_ROLE_CONTROL;
    tell_store();
    expect_node(CLIENT, SHUTDOWN, "");
    assert_string_equal(WRITE(SERVER, SHUTDOWN "\0poweroff"), "OK");
    expect_node(CLIENT, SHUTDOWN, "poweroff");
    assert_string_equal(WRITE(CLIENT, SHUTDOWN "\0"), "OK"); /* taken */
    expect_node(SERVER, SHUTDOWN, "");
    assert_string_equal(WRITE(SERVER, "/local/domain/2/control/other\0x"), "EACCES");
    expect_node(SERVER, "/local/domain/1/control/shutdown", "ENOENT"); /* nobody asks itself */

    plan.domains[0].flags |= BULKHEAD_DOMAIN_SAFE; /* nobody may end it */
    tell_store();
    assert_string_equal(WRITE(SERVER, SHUTDOWN "\0poweroff"), "EACCES");
    plan.domains[0].grantee[BULKHEAD_RIGHT_DESTROY] = 3; /* but for whom its description names */
    tell_store();
    assert_string_equal(WRITE(SERVER, SHUTDOWN "\0poweroff"), "OK");
    plan.domains[0].grantee[BULKHEAD_RIGHT_DESTROY] = 4; /* who is no client of the store */
    tell_store();
    assert_string_equal(WRITE(SERVER, SHUTDOWN "\0poweroff"), "EACCES");
}

static void the_console_domain_is_told_of_its_clients(void **state)
{
    static const char wanted[] = "console\0001\0001";
    static uint8_t told[STORE_TREE_BYTES];
    struct xsd_sockmsg header;
    uint32_t size;

    (void)state;
    start_all();
    assert_true(store_tree_write(&plan, 3, told, &size));
    memcpy(&header, told, sizeof(header));
    assert_int_equal(header.type, XS_CONTROL);
    assert_int_equal(header.len, sizeof(wanted));
    assert_int_equal(size, sizeof(header) + sizeof(wanted));
    assert_memory_equal(&told[sizeof(header)], wanted, sizeof(wanted));
}

/* As many clients and devices as there may be: the tree fits, and the store has room for it. */
static void the_largest_tree_fits(void **state)
{
    static uint8_t told[STORE_TREE_BYTES];
    uint32_t size;

    (void)state;
    plan.count = LAUNCH_MAX_CLIENTS + 1;
    for (uint32_t i = 0; i < plan.count; i++) {
        plan.order[i] = (uint16_t)i;
        plan.domains[i].has_store = true;
        plan.domains[i].vcpus = 128;
        memset(plan.domains[i].name, 'n', PLAN_NAME_BYTES - 1);
    }
    plan.domains[0].serves = PLAN_SERVES_STORE;
    plan.device_count = LAUNCH_MAX_DEVICES;
    for (uint32_t i = 0; i < plan.device_count; i++) {
        plan.devices[i] = (struct plan_device){.domain = (uint16_t)(1 + i % 30),
                                               .backend = 31,
                                               .number = 51712 + i / 30 * 16,
                                               .major = 4095,
                                               .minor = 1048575,
                                               .name = "xvda"};
    }
    assert_true(store_tree_write(&plan, 0, told, &size));
    perform(told, size);
    assert_int_equal(store_client_count(), LAUNCH_MAX_CLIENTS);
}

/* Every call refused once: a domain that is not started is named. */
static void a_refused_call_ends_the_domain(void **state)
{
    uint32_t calls = UINT32_MAX;
    uint32_t not_started = 0;

    for (uint32_t n = 0; n < calls; n++) {
        if (n != 0) {
            (void)builder_stop(state);
            (void)builder_start(state);
        }
        builder_add("store")->serves = PLAN_SERVES_STORE;
        builder_add("front")->has_store = true;
        plan.domains[0].keep_modules = plan.domains[1].keep_modules = true;
        model_fail(n, -XEN_ENOMEM);
        builder_run_all();
        calls = model_calls();
        for (uint32_t i = 0; i < 2; i++) {
            not_started += builder.states[i].is_started ? 0 : 1;
            assert_true(builder.states[i].is_started || strstr(said(), plan.domains[i].name) != NULL);
        }
    }
    assert_true(not_started > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ends_of_each_ring_are_bound, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(a_client_gets_pages_grants_and_parameters, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(the_console_domain_gets_the_right_to_the_console, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(the_store_can_do_what_it_is_told, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(who_may_end_a_domain_may_ask_it_to_end, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(the_console_domain_is_told_of_its_clients, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(the_largest_tree_fits, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(a_refused_call_ends_the_domain, builder_start, builder_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
