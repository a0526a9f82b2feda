/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~store-protocol~1] */
#include "client.h"

#include <string.h>

static void what_is_written_can_be_read(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WRITE, "data/a|hello", "OK|");
    expect(ONE, 0, XS_READ, "data/a|", "hello");
    expect(ONE, 0, XS_READ, "/local/domain/1/data/a|", "hello");
    expect(ONE, 0, XS_READ, "data|", "");
    expect(ONE, 0, XS_WRITE, "data/a|", "OK|");
    expect(ONE, 0, XS_READ, "data/a|", "");
    expect(ONE, 0, XS_WRITE, "data/a|x|y|", "OK|");
    expect(ONE, 0, XS_READ, "data/a|", "x|y|");
}

static void values_of_every_length_are_kept(void **state)
{
    char text[3000];
    char value[3000];

    (void)state;
    for (uint32_t size = 1; size < 2900; size += (size < 200) ? 1 : 67) {
        memset(value, 'v', size);
        value[size - 1] = 'e';
        value[size] = '\0';
        strcpy(text, "long|");
        strcat(text, value);
        expect(ONE, 0, XS_WRITE, text, "OK|");
        expect(ONE, 0, XS_READ, "long|", value);
    }
}

static void children_are_listed_in_the_order_of_creation(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WRITE, "d/b|1", "OK|");
    expect(ONE, 0, XS_MKDIR, "d/a|", "OK|");
    expect(ONE, 0, XS_MKDIR, "d/a|", "OK|");
    expect(ONE, 0, XS_WRITE, "d/c/e|", "OK|");
    expect(ONE, 0, XS_DIRECTORY, "d|", "b|a|c|");
    expect(ONE, 0, XS_DIRECTORY, "d/a|", "");
    expect(LAUNCH, 0, XS_DIRECTORY, "/|", "local|");
    expect(LAUNCH, 0, XS_DIRECTORY, "/local/domain|", "1|2|3|");
}

static void long_lists_come_in_parts(void **state)
{
    char text[128];
    char name[60];
    char answer[XENSTORE_PAYLOAD_MAX + 1];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    for (char c = 'a'; c <= 'z'; c++) {
        for (char e = 'a'; e <= 'c'; e++) {
            name[0] = c;
            name[1] = e;
            strcpy(text, "many/");
            strcat(text, name);
            strcat(text, "|");
            expect(ONE, 0, XS_MKDIR, text, "OK|");
        }
    }
    expect_error(ONE, 0, XS_DIRECTORY, "many|", "E2BIG");
    /* 68 names of 60 bytes beside the generation, then the other ten */
    strcpy(answer, "");
    struct store_reply reply;
    struct xsd_sockmsg header;
    const char request[] = "many\0"
                           "0";
    store_request(ONE, &(struct xsd_sockmsg){.type = XS_DIRECTORY_PART, .len = sizeof(request)},
                  (const uint8_t *)request, &header, &reply);
    assert_int_equal(header.type, XS_DIRECTORY_PART);
    size_t generation = strlen((const char *)reply.data) + 1u;
    assert_int_equal(reply.size, generation + 68 * 60);
    const char second[] = "many\0"
                          "4080";
    store_request(ONE, &(struct xsd_sockmsg){.type = XS_DIRECTORY_PART, .len = sizeof(second)}, (const uint8_t *)second,
                  &header, &reply);
    assert_int_equal(reply.size, generation + 10 * 60 + 1);
    assert_int_equal(reply.data[reply.size - 1], 0);
    assert_int_equal(reply.data[generation], 'w');
    expect_error(ONE, 0, XS_DIRECTORY_PART, "many|x|", "EINVAL");
    expect_error(ONE, 0, XS_DIRECTORY_PART, "many|", "EINVAL");
}

static void removal_takes_everything_below(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WRITE, "d/a/b/c|1", "OK|");
    expect(ONE, 0, XS_WRITE, "d/a/d|1", "OK|");
    expect(ONE, 0, XS_WRITE, "d/e|1", "OK|");
    expect(ONE, 0, XS_RM, "d/a|", "OK|");
    expect(ONE, 0, XS_DIRECTORY, "d|", "e|");
    expect_error(ONE, 0, XS_READ, "d/a/b/c|", "ENOENT");
    expect(ONE, 0, XS_RM, "d/a|", "OK|"); /* nothing there, but something above */
    expect_error(ONE, 0, XS_RM, "d/a/b|", "ENOENT");
    expect_error(LAUNCH, 0, XS_RM, "/|", "EINVAL");
}

static void only_who_is_permitted_sees_and_changes(void **state)
{
    (void)state;
    expect(ONE, 0, XS_WRITE, "secret|1", "OK|");
    expect_error(TWO, 0, XS_READ, "/local/domain/1/secret|", "EACCES");
    expect_error(TWO, 0, XS_READ, "/local/domain/1/nothing|", "EACCES");
    expect_error(TWO, 0, XS_WRITE, "/local/domain/1/secret|2", "EACCES");
    expect_error(TWO, 0, XS_RM, "/local/domain/1/secret|", "EACCES");
    expect_error(TWO, 0, XS_MKDIR, "/local/domain/1/more|", "EACCES");
    expect_error(TWO, 0, XS_DIRECTORY, "/|", "EACCES");
    expect_error(TWO, 0, XS_WRITE, "/mine|", "EACCES");
    expect(ONE, 0, XS_SET_PERMS, "secret|n1|r2|w3|", "OK|");
    expect(ONE, 0, XS_READ, "secret|", "1");
    expect(TWO, 0, XS_READ, "/local/domain/1/secret|", "1");
    expect_error(TWO, 0, XS_WRITE, "/local/domain/1/secret|2", "EACCES");
    expect(THREE, 0, XS_WRITE, "/local/domain/1/secret|3", "OK|");
    expect_error(THREE, 0, XS_READ, "/local/domain/1/secret|", "EACCES");
    expect(ONE, 0, XS_READ, "secret|", "3");
    expect(ONE, 0, XS_SET_PERMS, "secret|r1|", "OK|");
    expect(THREE, 0, XS_READ, "/local/domain/1/secret|", "3");
}

static void permissions_are_inherited_with_the_maker_as_owner(void **state)
{
    (void)state;
    expect(LAUNCH, 0, XS_MKDIR, "/shared|", "OK|");
    expect(LAUNCH, 0, XS_SET_PERMS, "/shared|n0|b1|r2|", "OK|");
    expect(LAUNCH, 0, XS_WRITE, "/shared/by-launch|1", "OK|");
    expect(LAUNCH, 0, XS_GET_PERMS, "/shared/by-launch|", "n0|b1|r2|");
    expect(ONE, 0, XS_WRITE, "/shared/by-one/below|1", "OK|");
    expect(ONE, 0, XS_GET_PERMS, "/shared/by-one|", "n1|b1|r2|");
    expect(TWO, 0, XS_GET_PERMS, "/shared/by-one/below|", "n1|b1|r2|");
    expect_error(THREE, 0, XS_GET_PERMS, "/shared/by-one|", "EACCES");
    expect_error(ONE, 0, XS_SET_PERMS, "/shared|n1|", "EACCES");
    expect_error(ONE, 0, XS_SET_PERMS, "/shared/by-one|n2|", "EPERM");
    expect_error(ONE, 0, XS_SET_PERMS, "/shared/by-one|x1|", "EINVAL");
    expect_error(ONE, 0, XS_SET_PERMS, "/shared/by-one|n|", "EINVAL");
    expect_error(ONE, 0, XS_SET_PERMS, "/shared/by-one|", "EINVAL");
    expect_error(ONE, 0, XS_SET_PERMS, "/shared/by-one|n1|r2|r3|r4|r5|r6|", "ENOSPC");
    expect(LAUNCH, 0, XS_SET_PERMS, "/shared/by-one|n2|", "OK|");
}

static void bad_names_are_refused(void **state)
{
    static const char *const names[] = {"|",    "a//b|", "a/|", "/local/domain/1/|", "a b|", "a\n|",
                                        "a.b|", "\x80|", "//|"};
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        expect_error(ONE, 0, XS_READ, names[i], "EINVAL");
        expect_error(ONE, 0, XS_WRITE, names[i], "EINVAL");
    }
    memset(text, 'a', sizeof(text));
    strcpy(&text[STORE_NAME_MAX], "|");
    expect_error(ONE, 0, XS_WRITE, text, "EINVAL");
    strcpy(&text[STORE_NAME_MAX - 1], "|");
    expect(ONE, 0, XS_WRITE, text, "OK|");
    memset(text, 'a', sizeof(text));
    for (size_t i = 10; i < sizeof(text); i += 10) {
        text[i] = '/';
    }
    strcpy(&text[STORE_PATH_MAX - strlen("/local/domain/1/")], "|");
    expect_error(ONE, 0, XS_WRITE, text, "EINVAL");
    strcpy(&text[STORE_PATH_MAX - strlen("/local/domain/1/") - 1], "|");
    expect(ONE, 0, XS_WRITE, text, "OK|");
    expect(ONE, 0, XS_READ, text, "");
}

static void bad_requests_have_their_error(void **state)
{
    (void)state;
    for (uint32_t type = XS_TYPE_COUNT; type < XS_TYPE_COUNT + 10; type++) {
        expect_error(ONE, 0, type, "a|", "ENOSYS");
    }
    expect_error(ONE, 0, XS_INVALID, "a|", "ENOSYS");
    expect_error(ONE, 0, XS_ERROR, "a|", "ENOSYS");
    expect_error(ONE, 0, XS_WATCH_EVENT, "a|", "ENOSYS");
    expect_error(ONE, 0, XS_READ, "", "EINVAL");
    expect_error(ONE, 0, XS_READ, "no-end", "EINVAL");
    expect_error(ONE, 0, XS_WRITE, "no-end", "EINVAL");
    expect_error(ONE, 0, XS_WATCH, "path|no-end", "EINVAL");
    expect_error(ONE, 0, XS_WATCH, "path|", "EINVAL");
    expect_error(ONE, 0, XS_INTRODUCE, "4|0|1|", "EACCES");
    expect_error(ONE, 0, XS_RELEASE, "4|", "EACCES");
    expect_error(ONE, 0, XS_RESUME, "4|", "EACCES");
    expect_error(ONE, 0, XS_SET_TARGET, "4|5|", "EACCES");
    expect_error(ONE, 0, XS_CONTROL, "help|", "EACCES");
    expect_error(LAUNCH, 0, XS_CONTROL, "help|", "ENOSYS");
    expect_error(ONE, 5, XS_READ, "a|", "ENOENT"); /* no such transaction */
}

static void domains_are_known_by_number(void **state)
{
    (void)state;
    expect(ONE, 0, XS_GET_DOMAIN_PATH, "2|", "/local/domain/2|");
    expect(ONE, 0, XS_GET_DOMAIN_PATH, "999|", "/local/domain/999|");
    expect_error(ONE, 0, XS_GET_DOMAIN_PATH, "99999999999|", "EINVAL");
    expect_error(ONE, 0, XS_GET_DOMAIN_PATH, "two|", "EINVAL");
    expect(ONE, 0, XS_IS_DOMAIN_INTRODUCED, "3|", "T|");
    expect(ONE, 0, XS_IS_DOMAIN_INTRODUCED, "4|", "F|");
    expect_error(ONE, 0, XS_IS_DOMAIN_INTRODUCED, "|", "EINVAL");
    assert_int_equal(store_client_count(), 3);
    assert_int_equal(store_client(TWO).domid, 2);
    assert_int_equal(store_client(TWO).port, 12);
    expect_error(LAUNCH, 0, XS_INTRODUCE, "0|0|1|", "EINVAL");
    expect_error(LAUNCH, 0, XS_INTRODUCE, "5|0|x|", "EINVAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_written_can_be_read, setup),
        cmocka_unit_test_setup(values_of_every_length_are_kept, setup),
        cmocka_unit_test_setup(children_are_listed_in_the_order_of_creation, setup),
        cmocka_unit_test_setup(long_lists_come_in_parts, setup),
        cmocka_unit_test_setup(removal_takes_everything_below, setup),
        cmocka_unit_test_setup(only_who_is_permitted_sees_and_changes, setup),
        cmocka_unit_test_setup(permissions_are_inherited_with_the_maker_as_owner, setup),
        cmocka_unit_test_setup(bad_names_are_refused, setup),
        cmocka_unit_test_setup(bad_requests_have_their_error, setup),
        cmocka_unit_test_setup(domains_are_known_by_number, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
