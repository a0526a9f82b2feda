/* SPDX-License-Identifier: Apache-2.0 */
/* Shares: a client that takes all it can get does not take from anybody else.
 * [utest->dsn~store-quota~1] */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Repeats a request with a number in it until it is refused with ENOSPC; returns how often it was done. */
static uint32_t repeat(uint32_t client, uint32_t transaction, uint32_t type, const char *format, uint32_t size)
{
    static struct store_reply reply;
    struct xsd_sockmsg header = {0};
    uint8_t payload[XENSTORE_PAYLOAD_MAX];

    for (uint32_t i = 0; i < 100000; i++) {
        char text[64];
        memset(payload, 0, sizeof(payload));
        uint32_t length = (uint32_t)snprintf(text, sizeof(text), format, i);
        memcpy(payload, text, length);
        for (uint32_t j = 0; j < length; j++) {
            payload[j] = (payload[j] == '|') ? 0 : payload[j];
        }
        store_request(client, &(struct xsd_sockmsg){.type = type, .tx_id = transaction, .len = length + size}, payload,
                      &header, &reply);
        if (header.type == XS_ERROR) {
            assert_string_equal((const char *)reply.data, "ENOSPC");
            return i;
        }
    }
    fail();
    return 0;
}

static void others_still_have_theirs(void)
{
    uint32_t t;

    assert_int_equal(repeat(TWO, 0, XS_WRITE, "n%u|", 0), STORE_NODES_EACH);
    expect(TWO, 0, XS_WATCH, "w|t|", "OK|");
    t = start(TWO);
    expect(TWO, t, XS_READ, "n0|", "");
    expect(TWO, t, XS_TRANSACTION_END, "T|", "OK|");
    expect(TWO, 0, XS_RM, "n0|", "OK|");
    expect(TWO, 0, XS_WRITE, "n0|x", "OK|");
}

static void nodes(void **state)
{
    (void)state;
    assert_int_equal(repeat(ONE, 0, XS_WRITE, "n%u|", 0), STORE_NODES_EACH);
    expect(ONE, 0, XS_WRITE, "n7|a new value", "OK|"); /* what is there can still change */
    expect_error(ONE, 0, XS_WRITE, "a/b/c|x", "ENOSPC");
    expect_error(ONE, 0, XS_READ, "a|", "ENOENT"); /* nothing was half done */
    expect(ONE, 0, XS_RM, "n1|", "OK|");
    expect_error(ONE, 0, XS_WRITE, "a/b|x", "ENOSPC");
    expect(ONE, 0, XS_WRITE, "a|x", "OK|");
    others_still_have_theirs();
}

static void bytes(void **state)
{
    (void)state;
    assert_int_equal(repeat(ONE, 0, XS_WRITE, "n%u|", 3200), STORE_BLOCKS_EACH / 50);
    expect(ONE, 0, XS_RM, "n0|", "OK|");
    expect(ONE, 0, XS_WRITE, "n0|x", "OK|");
    others_still_have_theirs();
}

static void watches(void **state)
{
    (void)state;
    assert_int_equal(repeat(ONE, 0, XS_WATCH, "n%u|t|", 0), STORE_WATCHES_EACH);
    others_still_have_theirs();
}

static void transactions(void **state)
{
    (void)state;
    assert_int_equal(repeat(ONE, 0, XS_TRANSACTION_START, "|", 0), STORE_TRANSACTIONS);
    assert_int_equal(repeat(ONE, 1, XS_WRITE, "n%u|", 8), STORE_CHANGES_EACH - 1); /* one more is what is above them */
    expect(ONE, 1, XS_TRANSACTION_END, "T|", "OK|");
    expect(ONE, 0, XS_READ, "n5|", "||||||||");
    others_still_have_theirs();
}

/* Nodes in open transactions count too, once each. */
static void nodes_of_transactions(void **state)
{
    uint32_t t;

    (void)state;
    for (uint32_t i = 0; i < STORE_NODES_EACH - 2u; i++) {
        char text[16];
        snprintf(text, sizeof(text), "n%u|", i);
        expect(ONE, 0, XS_WRITE, text, "OK|");
    }
    t = start(ONE);
    expect(ONE, t, XS_WRITE, "a|1", "OK|");
    expect(ONE, t, XS_WRITE, "a|2", "OK|");
    expect(ONE, t, XS_WRITE, "b|1", "OK|");
    expect(ONE, t, XS_WRITE, "n3|1", "OK|");
    expect_error(ONE, t, XS_WRITE, "c|1", "ENOSPC");
    expect_error(ONE, 0, XS_WRITE, "c|1", "ENOSPC");
    expect(ONE, t, XS_TRANSACTION_END, "F|", "OK|");
    assert_int_equal(repeat(ONE, 0, XS_WRITE, "more%u|", 0), 2);
    t = start(ONE);
    expect(ONE, t, XS_RM, "n0|", "OK|");
    expect(ONE, t, XS_TRANSACTION_END, "T|", "OK|");
    assert_int_equal(repeat(ONE, 0, XS_WRITE, "again%u|", 0), 1);
}

/* Who writes pays, whosever node it is; who owned the node gets its share back. */
static void who_writes_pays(void **state)
{
    (void)state;
    expect(LAUNCH, 0, XS_MKDIR, "/shared|", "OK|");
    expect(LAUNCH, 0, XS_SET_PERMS, "/shared|b0|", "OK|");
    for (uint32_t i = 0; i < STORE_NODES_EACH; i++) {
        char text[32];
        snprintf(text, sizeof(text), "/shared/n%u|", i);
        expect(LAUNCH, 0, XS_WRITE, text, "OK|");
        expect(ONE, 0, XS_WRITE, text, "OK|");
    }
    expect_error(ONE, 0, XS_WRITE, "mine|", "ENOSPC");
    expect(LAUNCH, 0, XS_WRITE, "/shared/more|", "OK|");
    expect_error(ONE, 0, XS_WRITE, "/shared/more|1", "ENOSPC");
    expect(TWO, 0, XS_WRITE, "/shared/n0|", "OK|");
    expect(ONE, 0, XS_WRITE, "mine|", "OK|");
    expect(LAUNCH, 0, XS_RM, "/shared|", "OK|");
    assert_int_equal(repeat(ONE, 0, XS_WRITE, "more%u|", 0), STORE_NODES_EACH - 1);
}

/* Everybody takes everything at once: the memory is enough. */
static void all_shares_together_fit(void **state)
{
    (void)state;
    store_init();
    for (uint32_t client = 1; client < STORE_CLIENTS; client++) {
        char text[64];
        snprintf(text, sizeof(text), "%u|0|1|", client);
        expect(LAUNCH, 0, XS_INTRODUCE, text, "OK|");
        snprintf(text, sizeof(text), "/local/domain/%u|", client);
        expect(LAUNCH, 0, XS_MKDIR, text, "OK|");
        snprintf(text, sizeof(text), "/local/domain/%u|n%u|", client, client);
        expect(LAUNCH, 0, XS_SET_PERMS, text, "OK|");
    }
    expect_error(LAUNCH, 0, XS_INTRODUCE, "99|0|1|", "ENOSPC");
    assert_int_equal(repeat(LAUNCH, 0, XS_WRITE, "/x%u|", 0), STORE_NODES_LAUNCH - 2u - (STORE_CLIENTS - 1u));
    for (uint32_t client = 1; client < STORE_CLIENTS; client++) {
        assert_int_equal(repeat(client, 0, XS_WRITE, "n%u|", 2 * STORE_BLOCK_BYTES), STORE_NODES_EACH);
    }
    expect_error(ONE, 0, XS_WRITE, "n0|x", "ENOSPC"); /* the old value is there until the new one is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nodes, setup),
        cmocka_unit_test_setup(bytes, setup),
        cmocka_unit_test_setup(watches, setup),
        cmocka_unit_test_setup(transactions, setup),
        cmocka_unit_test_setup(nodes_of_transactions, setup),
        cmocka_unit_test_setup(who_writes_pays, setup),
        cmocka_unit_test_setup(all_shares_together_fit, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
