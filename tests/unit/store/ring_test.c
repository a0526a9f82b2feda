/* SPDX-License-Identifier: Apache-2.0 */
/* Rings, and clients that do not keep the rules.
 * [utest->dsn~store-ring~1] */
#include "client.h"

#include <stdlib.h>
#include <string.h>

#include "ring.h"

static struct xenstore_domain_interface page;
static struct ring ring;

static int open_ring(void **state)
{
    (void)setup(state);
    memset(&page, 0, sizeof(page));
    ring_open(&ring, ONE, &page);
    return 0;
}

static uint32_t push(const void *data, uint32_t size)
{
    const char *bytes = data;
    uint32_t done = 0;

    while (done < size && page.req_prod - page.req_cons < XENSTORE_RING_SIZE) {
        page.req[MASK_XENSTORE_IDX(page.req_prod)] = bytes[done];
        page.req_prod++;
        done++;
    }
    return done;
}

static uint32_t pull(void *data, uint32_t size)
{
    char *bytes = data;
    uint32_t done = 0;

    while (done < size && page.rsp_cons != page.rsp_prod) {
        bytes[done] = page.rsp[MASK_XENSTORE_IDX(page.rsp_cons)];
        page.rsp_cons++;
        done++;
    }
    return done;
}

static void push_request(uint32_t type, const char *payload, uint32_t size)
{
    struct xsd_sockmsg header = {.type = type, .req_id = 3, .len = size};

    assert_int_equal(push(&header, sizeof(header)), sizeof(header));
    assert_int_equal(push(payload, size), size);
}

static void serve_all(void)
{
    for (uint32_t i = 0; i < 1000 && ring_serve(&ring); i++) {
    }
}

static void expect_answer(uint32_t type, const char *payload, uint32_t size)
{
    struct xsd_sockmsg header;
    char data[XENSTORE_PAYLOAD_MAX];

    assert_int_equal(pull(&header, sizeof(header)), sizeof(header));
    assert_int_equal(header.type, type);
    assert_int_equal(header.len, size);
    assert_int_equal(pull(data, size), size);
    assert_memory_equal(data, payload, size);
}

static void requests_are_answered_in_turn(void **state)
{
    (void)state;
    push_request(XS_WRITE, "a\0hello", 7);
    push_request(XS_READ, "a", 2);
    serve_all();
    expect_answer(XS_WRITE, "OK", 3);
    expect_answer(XS_READ, "hello", 5);
    assert_int_equal(page.req_cons, page.req_prod);
    assert_false(ring_serve(&ring));
}

/* One byte at a time, in both directions, over the end of the ring. */
static void pieces_of_any_size_will_do(void **state)
{
    const struct xsd_sockmsg header = {.type = XS_WRITE, .len = 1602};
    char value[1602] = "long";
    uint8_t got[4000];
    uint32_t count = 0;

    (void)state;
    memset(&value[5], 'v', sizeof(value) - 5);
    for (uint32_t i = 0; i < sizeof(header); i++) {
        push((const char *)&header + i, 1);
        serve_all();
    }
    for (uint32_t i = 0; i < sizeof(value); i++) {
        assert_int_equal(push(&value[i], 1), 1);
        serve_all();
    }
    expect_answer(XS_WRITE, "OK", 3);
    push_request(XS_READ, "long", 5);
    for (uint32_t i = 0; i < 4000 && count < sizeof(header) + 1597; i++) {
        serve_all();
        count += pull(&got[count], 1);
    }
    assert_int_equal(count, sizeof(header) + 1597);
    assert_memory_equal(&got[sizeof(header)], &value[5], 1597);
}

static void events_come_between_answers(void **state)
{
    (void)state;
    push_request(XS_WATCH, "a\0t", 4);
    push_request(XS_WRITE, "a\0x", 3);
    serve_all();
    expect_answer(XS_WATCH, "OK", 3);
    expect_answer(XS_WATCH_EVENT, "a\0t", 4);
    expect_answer(XS_WRITE, "OK", 3);
    expect_answer(XS_WATCH_EVENT, "a\0t", 4);
}

/* Nobody takes the answers: requests wait in the ring, and nothing is lost. */
static void a_client_that_does_not_read_waits_for_itself(void **state)
{
    char value[2002] = "a";

    (void)state;
    memset(&value[2], 'v', 900);
    push_request(XS_WRITE, value, 902);
    serve_all();
    expect_answer(XS_WRITE, "OK", 3);
    for (uint32_t i = 0; i < 5; i++) {
        push_request(XS_READ, "a", 2);
    }
    serve_all();
    assert_int_equal(page.rsp_prod - page.rsp_cons, XENSTORE_RING_SIZE);
    assert_true(page.req_prod != page.req_cons);
    for (uint32_t i = 0; i < 5; i++) {
        expect_answer(XS_READ, &value[2], 900);
        serve_all();
    }
}

static void false_indices_end_the_service(void **state)
{
    static const struct {
        uint32_t req_prod, rsp_cons;
    } cases[] = {{XENSTORE_RING_SIZE + 1, 0}, {UINT32_MAX, 0}, {0x80000000, 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)open_ring(state);
        page.req_prod = cases[i].req_prod;
        serve_all();
        assert_int_equal(page.error, XENSTORE_ERROR_RINGIDX);
        assert_int_equal(page.rsp_prod, 0);
        page.req_prod = 0;
        assert_false(ring_serve(&ring));
    }
    (void)open_ring(state);
    page.rsp_cons = 1; /* more than was sent */
    push_request(XS_READ, "a", 2);
    serve_all();
    assert_int_equal(page.error, XENSTORE_ERROR_RINGIDX);
}

static void a_false_length_ends_the_service(void **state)
{
    const struct xsd_sockmsg header = {.type = XS_WRITE, .len = XENSTORE_PAYLOAD_MAX + 1};

    (void)state;
    push(&header, sizeof(header));
    serve_all();
    assert_int_equal(page.error, XENSTORE_ERROR_PROTO);
    assert_false(ring_serve(&ring));
}

/* Our indices in the page are for the client to read; what it writes there is without effect. */
static void our_indices_cannot_be_changed(void **state)
{
    (void)state;
    push_request(XS_WRITE, "a\0x", 3);
    serve_all();
    expect_answer(XS_WRITE, "OK", 3);
    uint32_t prod = page.req_prod, put = page.rsp_prod;
    page.req_cons = 0xdead;
    page.rsp_prod = 0xbeef;
    page.req_prod = prod;
    assert_false(ring_serve(&ring));
    page.req_cons = prod;
    page.rsp_prod = put;
    push_request(XS_READ, "a", 2);
    serve_all();
    expect_answer(XS_READ, "x", 1);
}

static void a_client_can_begin_anew(void **state)
{
    (void)state;
    push_request(XS_WATCH, "a\0t", 4);
    serve_all();
    page.req_prod = 0xffff0000u; /* whatever it was */
    serve_all();
    assert_int_equal(page.error, XENSTORE_ERROR_RINGIDX);
    assert_true((page.server_features & XENSTORE_SERVER_FEATURE_RECONNECTION) != 0);
    page.connection = XENSTORE_RECONNECT;
    serve_all();
    assert_int_equal(page.connection, XENSTORE_CONNECTED);
    assert_int_equal(page.error, XENSTORE_ERROR_NONE);
    push_request(XS_WRITE, "a\0x", 3);
    serve_all();
    expect_answer(XS_WRITE, "OK", 3); /* and no event of the old watch */
    assert_int_equal(page.rsp_cons, page.rsp_prod);
}

static void what_was_sent_before_the_service_began_is_answered(void **state)
{
    (void)setup(state);
    memset(&page, 0, sizeof(page));
    push_request(XS_WRITE, "a\0x", 3);
    ring_open(&ring, ONE, &page);
    serve_all();
    expect_answer(XS_WRITE, "OK", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(requests_are_answered_in_turn, open_ring),
        cmocka_unit_test_setup(pieces_of_any_size_will_do, open_ring),
        cmocka_unit_test_setup(events_come_between_answers, open_ring),
        cmocka_unit_test_setup(a_client_that_does_not_read_waits_for_itself, open_ring),
        cmocka_unit_test_setup(false_indices_end_the_service, open_ring),
        cmocka_unit_test_setup(a_false_length_ends_the_service, open_ring),
        cmocka_unit_test_setup(our_indices_cannot_be_changed, open_ring),
        cmocka_unit_test_setup(a_client_can_begin_anew, open_ring),
        cmocka_unit_test_setup(what_was_sent_before_the_service_began_is_answered, open_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
