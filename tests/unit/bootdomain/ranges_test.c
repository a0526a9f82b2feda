/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~boot-claim~1] [utest->dsn~boot-host-tree~1] */
#include "said.h"

#include <string.h>

#include <libfdt.h>

#include "host_tree.h"
#include "ranges.h"

#define MIB UINT64_C(0x100000)

static struct ranges set;

static bool has(uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < set.count; i++) {
        if (set.range[i].base == base && set.range[i].size == size) {
            return true;
        }
    }
    return false;
}

static int start(void **state)
{
    (void)state;
    said_clear();
    ranges_clear(&set);
    ranges_add(&set, 100, 100);
    return 0;
}

static void cut_in_the_middle_leaves_both_sides(void **state)
{
    (void)state;
    ranges_cut(&set, 120, 30);
    assert_int_equal(set.count, 2);
    assert_true(has(100, 20));
    assert_true(has(150, 50));
}

static void cut_at_an_end_leaves_the_rest(void **state)
{
    (void)state;
    ranges_cut(&set, 50, 60);
    assert_true(set.count == 1 && has(110, 90));
    ranges_cut(&set, 190, 1000);
    assert_true(set.count == 1 && has(110, 80));
}

static void cut_of_all_leaves_nothing(void **state)
{
    (void)state;
    ranges_add(&set, 300, 50);
    ranges_cut(&set, 0, 1000);
    assert_int_equal(set.count, 0);
}

static void cut_beside_changes_nothing(void **state)
{
    (void)state;
    ranges_cut(&set, 0, 100);
    ranges_cut(&set, 200, 100);
    assert_true(set.count == 1 && has(100, 100));
}

static void cut_reaches_every_range(void **state)
{
    (void)state;
    ranges_add(&set, 1000, 100);
    ranges_add(&set, 2000, 100);
    ranges_cut(&set, 150, 1900);
    assert_int_equal(set.count, 2);
    assert_true(has(100, 50));
    assert_true(has(2050, 50));
}

static void refuses_more_than_it_can_hold(void **state)
{
    (void)state;
    ranges_clear(&set);
    for (uint32_t i = 0; i < RANGES_MAX; i++) {
        ranges_add(&set, i * 100, 50);
    }
    assert_true(ranges_are_whole(&set));
    ranges_cut(&set, 10, 10);
    assert_false(ranges_are_whole(&set));
    assert_said("boot: more than 512 memory ranges; join some");
}

static void leaves_out_an_empty_range(void **state)
{
    (void)state;
    ranges_add(&set, 5, 0);
    assert_int_equal(set.count, 1);
}

static void leaves_whole_pages(void **state)
{
    (void)state;
    ranges_clear(&set);
    ranges_add(&set, 0x1800, 0x2000);
    ranges_add(&set, 0x8100, 0x100);
    ranges_shrink_to_pages(&set);
    assert_true(set.count == 1 && has(0x2000, 0x1000));
}

/* A host's tree with memory nodes and one reservation. */
static uint8_t tree[4096] __attribute__((aligned(8)));

static void put_reg(const char *node, const char *type, uint64_t base, uint64_t size)
{
    fdt64_t reg[2] = {cpu_to_fdt64(base), cpu_to_fdt64(size)};

    assert_int_equal(fdt_begin_node(tree, node), 0);
    if (type != NULL) {
        fdt_property_string(tree, "device_type", type);
    }
    fdt_property(tree, "reg", reg, sizeof(reg));
    fdt_end_node(tree);
}

static void begin_tree(void)
{
    assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
    fdt_add_reservemap_entry(tree, 0x48000000, 0x1234);
    fdt_finish_reservemap(tree);
    fdt_begin_node(tree, "");
    fdt_property_u32(tree, "#address-cells", 2);
    fdt_property_u32(tree, "#size-cells", 2);
}

static void end_tree(void)
{
    fdt_begin_node(tree, "reserved-memory");
    fdt_property_u32(tree, "#address-cells", 2);
    fdt_property_u32(tree, "#size-cells", 2);
    put_reg("optee@50000000", NULL, 0x50000000, MIB);
    fdt_begin_node(tree, "anywhere");
    fdt_end_node(tree);
    fdt_end_node(tree);
    fdt_end_node(tree);
    assert_int_equal(fdt_finish(tree), 0);
}

static const struct board_table board = {
    .name = "test-board", .ram_count = 2, .ram = {{0x40000000, 512 * MIB}, {0x880000000, 256 * MIB}}};

static void accepts_a_tree_with_the_same_memory_in_other_pieces(void **state)
{
    (void)state;
    begin_tree();
    put_reg("memory@40000000", "memory", 0x40000000, 256 * MIB);
    put_reg("memory@50000000", "memory", 0x50000000, 256 * MIB);
    put_reg("memory@880000000", "memory", 0x880000000, 256 * MIB);
    put_reg("flash@0", NULL, 0, MIB);
    end_tree();
    assert_true(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_said_nothing();
}

static void leaves_disabled_memory_alone(void **state)
{
    (void)state;
    begin_tree();
    put_reg("memory@40000000", "memory", 0x40000000, 512 * MIB);
    put_reg("memory@880000000", "memory", 0x880000000, 256 * MIB);
    fdt_begin_node(tree, "secram@e000000");
    fdt_property_string(tree, "status", "disabled");
    fdt_property_string(tree, "device_type", "memory");
    fdt_property(tree, "reg", "\0\0\0\0\x0e\0\0\0\0\0\0\0\0\x10\0\0", 16);
    fdt_end_node(tree);
    end_tree();
    assert_true(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_said_nothing();
}

static void refuses_a_tree_with_less_memory(void **state)
{
    (void)state;
    begin_tree();
    put_reg("memory@40000000", "memory", 0x40000000, 512 * MIB);
    end_tree();
    assert_false(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_said("boot: memory 0x880000000 to 0x890000000 is in the board table, but not in the host device tree; "
                "make the board table of 'test-board' again from this device tree");
}

static void refuses_a_tree_with_more_memory(void **state)
{
    (void)state;
    begin_tree();
    put_reg("memory@40000000", "memory", 0x40000000, 1024 * MIB);
    put_reg("memory@880000000", "memory", 0x880000000, 256 * MIB);
    end_tree();
    assert_false(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_said("boot: memory 0x60000000 to 0x80000000 is in the host device tree, but not in the board table; "
                "make the board table of 'test-board' again from this device tree");
}

static void takes_reservations_of_both_kinds(void **state)
{
    (void)state;
    begin_tree();
    put_reg("memory@40000000", "memory", 0x40000000, 512 * MIB);
    put_reg("memory@880000000", "memory", 0x880000000, 256 * MIB);
    end_tree();
    ranges_clear(&set);
    assert_true(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_int_equal(set.count, 2);
    assert_true(has(0x48000000, 0x1234));
    assert_true(has(0x50000000, MIB));
}

static void refuses_a_damaged_tree(void **state)
{
    (void)state;
    begin_tree();
    put_reg("memory@40000000", "memory", 0x40000000, 512 * MIB);
    put_reg("memory@880000000", "memory", 0x880000000, 256 * MIB);
    end_tree();
    uint32_t size = fdt_totalsize((const void *)tree);
    assert_false(host_tree_read(tree, size - 1, &board, &set));
    assert_said("boot: host device tree: damaged (FDT_ERR_TRUNCATED); load it again");
    said_clear();
    int memory = fdt_path_offset(tree, "/reserved-memory");
    tree[fdt_off_dt_struct((const void *)tree) + (uint32_t)memory + 3] = 7; /* no such tag */
    assert_false(host_tree_read(tree, size, &board, &set));
    assert_said("boot: host device tree: damaged (FDT_ERR_BADSTRUCTURE); load it again");
    said_clear();
    tree[0] = 0;
    assert_false(host_tree_read(tree, size, &board, &set));
    assert_said("boot: host device tree: damaged (FDT_ERR_BADMAGIC); load it again");
}

static void refuses_cells_and_lists_that_lie(void **state)
{
    (void)state;
    begin_tree();
    fdt_begin_node(tree, "reserved-memory");
    fdt_property_u32(tree, "#size-cells", 3);
    put_reg("optee", NULL, 0x50000000, MIB);
    fdt_end_node(tree);
    fdt_end_node(tree);
    fdt_finish(tree);
    assert_false(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_said("boot: #size-cells is 3; write <1> or <2>");
    said_clear();
    begin_tree();
    fdt_begin_node(tree, "memory@0");
    fdt_property_string(tree, "device_type", "memory");
    fdt_property(tree, "reg", "\0\0\0\0\0\0\0\0\0\0\0\x10", 12);
    fdt_end_node(tree);
    fdt_end_node(tree);
    fdt_finish(tree);
    assert_false(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_said("boot: host device tree: reg of node 'memory@0' is not a list of <address size>; correct the tree");
    said_clear();
    fdt_create(tree, sizeof(tree));
    fdt_add_reservemap_entry(tree, UINT64_MAX - 4, 8);
    fdt_finish_reservemap(tree);
    fdt_begin_node(tree, "");
    fdt_end_node(tree);
    fdt_finish(tree);
    assert_false(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_said("boot: host device tree: memory reservation 0 is wrong; correct the tree");
}

static void refuses_a_reservation_that_wraps(void **state)
{
    (void)state;
    begin_tree();
    put_reg("memory@40000000", "memory", UINT64_MAX - 5, 512 * MIB);
    end_tree();
    assert_false(host_tree_read(tree, sizeof(tree), &board, &set));
    assert_said("boot: host device tree: reg of node 'memory@40000000' is not a list of <address size>; "
                "correct the tree");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(cut_in_the_middle_leaves_both_sides, start),
        cmocka_unit_test_setup(cut_at_an_end_leaves_the_rest, start),
        cmocka_unit_test_setup(cut_of_all_leaves_nothing, start),
        cmocka_unit_test_setup(cut_beside_changes_nothing, start),
        cmocka_unit_test_setup(cut_reaches_every_range, start),
        cmocka_unit_test_setup(refuses_more_than_it_can_hold, start),
        cmocka_unit_test_setup(leaves_out_an_empty_range, start),
        cmocka_unit_test_setup(leaves_whole_pages, start),
        cmocka_unit_test_setup(accepts_a_tree_with_the_same_memory_in_other_pieces, start),
        cmocka_unit_test_setup(leaves_disabled_memory_alone, start),
        cmocka_unit_test_setup(refuses_a_tree_with_less_memory, start),
        cmocka_unit_test_setup(refuses_a_tree_with_more_memory, start),
        cmocka_unit_test_setup(takes_reservations_of_both_kinds, start),
        cmocka_unit_test_setup(refuses_a_damaged_tree, start),
        cmocka_unit_test_setup(refuses_cells_and_lists_that_lie, start),
        cmocka_unit_test_setup(refuses_a_reservation_that_wraps, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
