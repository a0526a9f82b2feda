/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~boot-archive~1, dsn~launch-archive~1] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"

/* An archive under construction.  Exactly sized memory is handed to the reader, so that a read past the end is seen. */
static uint8_t buffer[65536 * 4];
static size_t used;
static struct archive archive;

static void put(const void *data, size_t size)
{
    memcpy(&buffer[used], data, size);
    used += size;
}

static void put_header(const char *magic, uint32_t mode, uint32_t links, uint32_t size, uint32_t name_size)
{
    char text[128];
    int length = snprintf(text, sizeof(text), "%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", magic, 1u, mode,
                          0u, 0u, links, 0u, size, 0u, 0u, 0u, 0u, name_size, 0u);
    put(text, (size_t)length);
}

static void align(void)
{
    while (used % 4 != 0) {
        buffer[used] = 0;
        used++;
    }
}

static void put_member(const char *name, const char *data, uint32_t size)
{
    put_header("070701", 0100644, 1, size, (uint32_t)strlen(name) + 1);
    put(name, strlen(name) + 1);
    align();
    put(data, size);
    align();
}

static void put_trailer(void)
{
    put_header("070701", 0, 1, 0, 11);
    put("TRAILER!!!", 11);
    align();
}

static bool index_it(void)
{
    uint8_t *exact = malloc(used == 0 ? 1 : used);
    memcpy(exact, buffer, used);
    said_clear();
    bool result = archive_index(&archive, exact, used);
    free(exact);
    return result;
}

static int start(void **state)
{
    (void)state;
    used = 0;
    return 0;
}

static void lists_members_without_padding(void **state)
{
    (void)state;
    put_member("launch.dtb", "tree", 4);
    put_member(".pad.0", "xxxxx", 5);
    put_member("kernel", "code!", 5);
    put_trailer();
    uint8_t *exact = malloc(used);
    memcpy(exact, buffer, used);
    said_clear();
    assert_true(archive_index(&archive, exact, used));
    assert_said_nothing();
    assert_int_equal(archive.count, 2);
    const struct archive_member *kernel = archive_find(&archive, "kernel");
    assert_non_null(kernel);
    assert_int_equal(kernel->size, 5);
    assert_memory_equal(kernel->data, "code!", 5);
    assert_null(archive_find(&archive, ".pad.0"));
    assert_null(archive_find(&archive, "kern"));
    free(exact);
}

static void reads_lengths_in_small_letters(void **state)
{
    (void)state;
    put_member("kernel", "0123456789", 10);
    put_trailer();
    buffer[6 + 8 * 6 + 7] = 'a';
    assert_true(index_it());
    assert_int_equal(archive.members[0].size, 10);
}

static void accepts_an_archive_without_members(void **state)
{
    (void)state;
    put_trailer();
    assert_true(index_it());
    assert_int_equal(archive.count, 0);
}

static void refuses_no_bytes(void **state)
{
    (void)state;
    assert_false(index_it());
    assert_said(
        "boot: launch archive: member 0, at byte 0: the archive ends before its trailer; build the image again");
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    put_member("launch.dtb", "tree", 4);
    put_member("kernel", "code!", 5);
    put_trailer();
    size_t whole = used;
    for (used = 0; used < whole - 3; used++) {
        assert_false(index_it()); /* the last three bytes only align the trailer */
    }
}

static void refuses_a_missing_trailer(void **state)
{
    (void)state;
    put_member("kernel", "code", 4);
    assert_false(index_it());
    assert_said(
        "boot: launch archive: member 1, at byte 124: the archive ends before its trailer; build the image again");
}

static void refuses_another_magic(void **state)
{
    (void)state;
    put_header("070702", 0100644, 1, 0, 2);
    put("a", 2);
    align();
    put_trailer();
    assert_false(index_it());
    assert_said("boot: launch archive: member 0, at byte 0: no newc header (070701); build the image again");
}

static void refuses_a_field_that_is_no_number(void **state)
{
    (void)state;
    put_member("kernel", "code", 4);
    put_trailer();
    buffer[6 + 8 * 6] = 'G';
    assert_false(index_it());
    assert_said("boot: launch archive: member 0, at byte 0: a header field is not a hexadecimal number; "
                "build the image again");
}

static void refuses_data_past_the_end(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {125, 5000, 0x7fffffff, 0xffffffff, 0xfffffff0};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        used = 0;
        put_header("070701", 0100644, 1, sizes[i], 7);
        put("kernel", 7);
        align();
        put_trailer();
        assert_false(index_it());
        assert_said("boot: launch archive: member 0, at byte 0: the data runs past the end of the archive; "
                    "build the image again");
    }
}

static void refuses_names_that_lie(void **state)
{
    (void)state;
    static const struct {
        uint32_t name_size;
        const char *line;
    } cases[] = {
        {0, "boot: launch archive: member 0, at byte 0: the length of the name is not 1 to 127 characters; "
            "build the image again"},
        {1, "boot: launch archive: member 0, at byte 0: the length of the name is not 1 to 127 characters; "
            "build the image again"},
        {0xffffffff, "boot: launch archive: member 0, at byte 0: the length of the name is not 1 to 127 characters; "
                     "build the image again"},
        {129, "boot: launch archive: member 0, at byte 0: the length of the name is not 1 to 127 characters; "
              "build the image again"},
        {6, "boot: launch archive: member 0, at byte 0: the name does not end where its length says; "
            "build the image again"},
        {8, "boot: launch archive: member 0, at byte 0: the name does not end where its length says; "
            "build the image again"},
        {128, "boot: launch archive: member 0, at byte 0: the name runs past the end of the archive; "
              "build the image again"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        used = 0;
        put_header("070701", 0100644, 1, 0, cases[i].name_size);
        put("kernel", 7);
        align();
        assert_false(index_it());
        assert_said(cases[i].line);
    }
}

static void refuses_what_is_not_a_plain_file(void **state)
{
    (void)state;
    static const struct {
        uint32_t mode;
        uint32_t links;
    } cases[] = {{0040755, 1}, {0120777, 1}, {0100644, 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        used = 0;
        put_header("070701", cases[i].mode, cases[i].links, 0, 2);
        put("a", 2);
        align();
        put_trailer();
        assert_false(index_it());
        assert_said("boot: launch archive: member 0, at byte 0: not a plain file with one name; build the image again");
    }
}

static void refuses_two_members_of_one_name(void **state)
{
    (void)state;
    put_member("kernel", "a", 1);
    put_member("kernel", "b", 1);
    put_trailer();
    assert_false(index_it());
    assert_said("boot: launch archive: member 1, at byte 124: a second member of the same name; build the image again");
}

static void refuses_too_many_members(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= ARCHIVE_MAX_MEMBERS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "m%u", i);
        put_member(name, "", 0);
    }
    put_trailer();
    assert_false(index_it());
    assert_non_null(strstr(said(), "more than 1024 members; build the image again"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lists_members_without_padding, start),
        cmocka_unit_test_setup(reads_lengths_in_small_letters, start),
        cmocka_unit_test_setup(accepts_an_archive_without_members, start),
        cmocka_unit_test_setup(refuses_no_bytes, start),
        cmocka_unit_test_setup(refuses_every_truncation, start),
        cmocka_unit_test_setup(refuses_a_missing_trailer, start),
        cmocka_unit_test_setup(refuses_another_magic, start),
        cmocka_unit_test_setup(refuses_a_field_that_is_no_number, start),
        cmocka_unit_test_setup(refuses_data_past_the_end, start),
        cmocka_unit_test_setup(refuses_names_that_lie, start),
        cmocka_unit_test_setup(refuses_what_is_not_a_plain_file, start),
        cmocka_unit_test_setup(refuses_two_members_of_one_name, start),
        cmocka_unit_test_setup(refuses_too_many_members, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
