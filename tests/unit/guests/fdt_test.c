/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~guest-fdt~1] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <libfdt.h>

#include <guest/fdt.h>

#define BLOB_BYTES 4096
#define MOST_NODES 64

/* The same tree with its structure block at the end of an allocation of exactly its size, so that a sanitizer sees a
 * byte too far. */
static void *structure_last(void *blob, uint32_t *size)
{
    uint32_t strings_at = fdt_off_dt_struct(blob), strings_bytes = (fdt_size_dt_strings(blob) + 3u) & ~3u;
    uint32_t structure_at = strings_at + strings_bytes, structure_bytes = fdt_size_dt_struct(blob);
    uint8_t *moved;

    *size = structure_at + structure_bytes;
    moved = malloc(*size);
    for (uint32_t i = 0; i < *size; i++) {
        uint32_t from = i;

        if (i >= structure_at) {
            from = fdt_off_dt_struct(blob) + i - structure_at;
        } else if (i >= strings_at) {
            from = fdt_off_dt_strings(blob) + i - strings_at;
        }
        moved[i] = from < BLOB_BYTES ? ((uint8_t *)blob)[from] : 0;
    }
    free(blob);
    fdt_set_off_dt_struct(moved, structure_at);
    fdt_set_off_dt_strings(moved, strings_at);
    fdt_set_totalsize(moved, *size);
    return moved;
}

/* / { chosen { bootargs }; memory@40000000 { reg }; soc { uart@1 { compatible list }; uart@2 {}; }; last {}; } */
static void *make_blob(uint32_t *size)
{
    static const char compatible[] = "arm,pl011\0arm,primecell";
    void *blob = malloc(BLOB_BYTES);

    assert_int_equal(fdt_create(blob, BLOB_BYTES), 0);
    fdt_finish_reservemap(blob);
    fdt_begin_node(blob, "");
    fdt_property_u32(blob, "#address-cells", 2);
    fdt_begin_node(blob, "chosen");
    fdt_property_string(blob, "bootargs", "a=1 b=2");
    fdt_end_node(blob);
    fdt_begin_node(blob, "memory@40000000");
    fdt_property_u64(blob, "reg", UINT64_C(0x1122334455667788));
    fdt_end_node(blob);
    fdt_begin_node(blob, "soc");
    fdt_begin_node(blob, "uart@1");
    fdt_property(blob, "compatible", compatible, sizeof(compatible));
    fdt_property(blob, "empty", NULL, 0);
    fdt_end_node(blob);
    fdt_begin_node(blob, "uart@2");
    fdt_end_node(blob);
    fdt_end_node(blob);
    fdt_begin_node(blob, "last");
    fdt_end_node(blob);
    fdt_end_node(blob);
    assert_int_equal(fdt_finish(blob), 0);
    return structure_last(blob, size);
}

static void finds_nodes_and_properties(void **state)
{
    struct dt_property property;
    uint32_t size, root, soc;
    void *blob = make_blob(&size);
    struct dt dt;

    (void)state;
    assert_true(dt_open(&dt, blob));
    root = dt_root(&dt);
    assert_true(dt_property(&dt, root, "#address-cells", &property));
    assert_int_equal(dt_cells(&property, 0, 1), 2);
    assert_true(dt_property(&dt, dt_find(&dt, root, "chosen"), "bootargs", &property));
    assert_int_equal(property.bytes, 8);
    assert_memory_equal(property.data, "a=1 b=2", 8);
    assert_true(dt_property(&dt, dt_find(&dt, root, "memory"), "reg", &property));
    assert_int_equal(dt_cells(&property, 0, 2), UINT64_C(0x1122334455667788));
    assert_int_equal(dt_cells(&property, 1, 1), 0x55667788);
    soc = dt_find(&dt, root, "soc");
    assert_string_equal(dt_name(&dt, dt_find(&dt, soc, "uart@2")), "uart@2");
    assert_string_equal(dt_name(&dt, dt_find(&dt, soc, "uart")), "uart@1");
    assert_int_equal(dt_find(&dt, soc, "uar"), DT_NONE);
    assert_int_equal(dt_find(&dt, root, "uart"), DT_NONE);
    assert_int_equal(dt_next(&dt, dt_find(&dt, root, "last")), DT_NONE);
    assert_int_equal(dt_child(&dt, dt_find(&dt, root, "last")), DT_NONE);
    free(blob);
}

static void compatible_compares_whole_entries(void **state)
{
    uint32_t size, uart;
    void *blob = make_blob(&size);
    struct dt dt;

    (void)state;
    assert_true(dt_open(&dt, blob));
    uart = dt_find(&dt, dt_find(&dt, dt_root(&dt), "soc"), "uart");
    assert_true(dt_is_compatible(&dt, uart, "arm,pl011"));
    assert_true(dt_is_compatible(&dt, uart, "arm,primecell"));
    assert_false(dt_is_compatible(&dt, uart, "arm,pl01"));
    assert_false(dt_is_compatible(&dt, uart, "arm,pl0111"));
    assert_false(dt_is_compatible(&dt, dt_root(&dt), "arm,pl011"));
    free(blob);
}

static void cells_outside_are_zero(void **state)
{
    const uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const struct dt_property property = {.data = data, .bytes = sizeof(data)};

    (void)state;
    assert_int_equal(dt_cells(&property, 2, 1), 0);
    assert_int_equal(dt_cells(&property, 1, 2), 0);
    assert_int_equal(dt_cells(&property, UINT32_MAX, 2), 0);
    assert_int_equal(dt_cells(&property, 0, 3), 0);
    assert_int_equal(dt_cells(&property, 0, 0), 0);
}

static void finds_the_ramdisk(void **state)
{
    static const struct {
        uint64_t start, end; /* 0: no such property */
        bool is_wide, is_found;
    } cases[] = {
        {UINT64_C(0x148000000), UINT64_C(0x148000123), true, true},
        {0x48000000, 0x48001000, false, true},
        {0x48000000, 0, false, false},
        {0, 0x48001000, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t blob[BLOB_BYTES] __attribute__((aligned(8)));
        const uint8_t *data;
        uint64_t size;

        assert_int_equal(fdt_create_empty_tree(blob, sizeof(blob)), 0);
        int chosen = fdt_add_subnode(blob, 0, "chosen");
        const uint64_t values[] = {cases[i].start, cases[i].end};
        for (size_t which = 0; which < 2; which++) {
            const char *name = which == 0 ? "linux,initrd-start" : "linux,initrd-end";
            if (values[which] != 0 && cases[i].is_wide) {
                assert_int_equal(fdt_setprop_u64(blob, chosen, name, values[which]), 0);
            } else if (values[which] != 0) {
                assert_int_equal(fdt_setprop_u32(blob, chosen, name, (uint32_t)values[which]), 0);
            }
        }
        assert_int_equal(dt_ramdisk(blob, &data, &size), cases[i].is_found);
        if (cases[i].is_found) {
            assert_int_equal((uintptr_t)data, cases[i].start);
            assert_int_equal(size, cases[i].end - cases[i].start);
        }
    }
}

static void no_ramdisk_without_a_tree_or_chosen(void **state)
{
    uint8_t blob[BLOB_BYTES] __attribute__((aligned(8)));
    const uint8_t *data;
    uint64_t size;

    (void)state;
    assert_false(dt_ramdisk(NULL, &data, &size));
    assert_int_equal(fdt_create_empty_tree(blob, sizeof(blob)), 0);
    assert_false(dt_ramdisk(blob, &data, &size));
}

static void refuses_what_is_no_tree(void **state)
{
    uint8_t zero[64] __attribute__((aligned(8))) = {0};
    struct dt dt;

    (void)state;
    assert_false(dt_open(&dt, NULL));
    assert_false(dt_open(&dt, zero));
    assert_false(dt_open(&dt, zero + 1));
}

/* Walk everything; the count of nodes is bounded by the blob. */
static uint32_t walk(const struct dt *dt, uint32_t node, uint32_t depth)
{
    struct dt_property property;
    uint32_t count = 1;

    (void)dt_property(dt, node, "reg", &property);
    (void)dt_is_compatible(dt, node, "arm,pl011");
    for (uint32_t child = dt_child(dt, node); child != DT_NONE && depth < 8; child = dt_next(dt, child)) {
        count += walk(dt, child, depth + 1);
    }
    return count;
}

/* One changed byte at a time, in every place, with values that hurt. */
static void a_damaged_tree_reads_as_shorter(void **state)
{
    static const uint8_t values[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x09, 0x7f, 0x80, 0xff};
    uint32_t size;
    uint8_t *blob = make_blob(&size);

    (void)state;
    for (uint32_t at = 0; at < size; at++) {
        /* totalsize says where the memory ends: it is believed. */
        if (at >= 4 && at < 8) {
            continue;
        }
        for (size_t i = 0; i < sizeof(values); i++) {
            uint8_t kept = blob[at];
            struct dt dt;

            blob[at] = values[i];
            if (dt_open(&dt, blob)) {
                assert_true(walk(&dt, dt_root(&dt), 0) < MOST_NODES);
            }
            blob[at] = kept;
        }
    }
    free(blob);
}

/* The tree's last tokens are a node or a property of which nothing follows. */
static void a_token_cut_off_is_the_end(void **state)
{
    static const uint8_t kinds[] = {1, 3};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds); i++) {
        uint32_t size;
        uint8_t *blob = make_blob(&size);
        struct dt dt;

        blob[size - 5] = 4; /* the root's end becomes a NOP */
        blob[size - 1] = kinds[i];
        assert_true(dt_open(&dt, blob));
        assert_int_equal(dt_find(&dt, dt_root(&dt), "missing"), DT_NONE);
        assert_true(walk(&dt, dt_root(&dt), 0) < MOST_NODES);
        free(blob);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_nodes_and_properties),
        cmocka_unit_test(compatible_compares_whole_entries),
        cmocka_unit_test(cells_outside_are_zero),
        cmocka_unit_test(refuses_what_is_no_tree),
        cmocka_unit_test(a_damaged_tree_reads_as_shorter),
        cmocka_unit_test(a_token_cut_off_is_the_end),
        cmocka_unit_test(finds_the_ramdisk),
        cmocka_unit_test(no_ramdisk_without_a_tree_or_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
