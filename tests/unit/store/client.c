/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store_reply reply;
static struct xsd_sockmsg header;

static void show(char *to, const uint8_t *data, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        to[i] = (data[i] == 0) ? '|' : (char)data[i];
    }
    to[size] = '\0';
}

static void ask(uint32_t client, uint32_t transaction, uint32_t type, const char *text)
{
    static uint32_t id = 7;
    uint32_t size = (uint32_t)strlen(text);
    uint8_t *payload = malloc(size + 1u); /* exact, for the address sanitizer */

    for (uint32_t i = 0; i < size; i++) {
        payload[i] = (text[i] == '|') ? 0 : (uint8_t)text[i];
    }
    uint8_t *exact = (size != 0u) ? realloc(payload, size) : payload;
    id++;
    store_request(client, &(struct xsd_sockmsg){.type = type, .req_id = id, .tx_id = transaction, .len = size}, exact,
                  &header, &reply);
    free(exact);
    assert_int_equal(header.req_id, id);
    assert_int_equal(header.tx_id, transaction);
    assert_int_equal(header.len, reply.size);
}

void expect(uint32_t client, uint32_t transaction, uint32_t type, const char *payload, const char *answer)
{
    char text[XENSTORE_PAYLOAD_MAX + 1u];

    ask(client, transaction, type, payload);
    show(text, reply.data, reply.size);
    assert_string_equal(text, answer);
    assert_int_equal(header.type, type);
}

void expect_error(uint32_t client, uint32_t transaction, uint32_t type, const char *payload, const char *error)
{
    char text[XENSTORE_PAYLOAD_MAX + 1u];

    ask(client, transaction, type, payload);
    show(text, reply.data, reply.size);
    assert_int_equal(strlen(text), strlen(error) + 1u);
    assert_memory_equal(text, error, strlen(error));
    assert_int_equal(header.type, XS_ERROR);
}

uint32_t start(uint32_t client)
{
    ask(client, 0, XS_TRANSACTION_START, "|");
    assert_int_equal(header.type, XS_TRANSACTION_START);
    return (uint32_t)strtoul((const char *)reply.data, NULL, 10);
}

void expect_event(uint32_t client, const char *event)
{
    char text[XENSTORE_PAYLOAD_MAX + 1u];

    assert_true(store_next_event(client, &header, &reply));
    assert_int_equal(header.type, XS_WATCH_EVENT);
    assert_int_equal(header.len, reply.size);
    show(text, reply.data, reply.size);
    assert_string_equal(text, event);
}

void no_more_events(uint32_t client)
{
    assert_false(store_next_event(client, &header, &reply));
}

int setup(void **state)
{
    char text[64];

    (void)state;
    store_init();
    for (unsigned domid = 1; domid <= 3; domid++) {
        snprintf(text, sizeof(text), "%u|0|%u|", domid, domid + 10);
        expect(LAUNCH, 0, XS_INTRODUCE, text, "OK|");
        snprintf(text, sizeof(text), "/local/domain/%u|", domid);
        expect(LAUNCH, 0, XS_MKDIR, text, "OK|");
        snprintf(text, sizeof(text), "/local/domain/%u|n%u|", domid, domid);
        expect(LAUNCH, 0, XS_SET_PERMS, text, "OK|");
    }
    return 0;
}
