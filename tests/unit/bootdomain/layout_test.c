/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~boot-guest-layout~1] [utest->dsn~boot-guest-device-tree~1] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "guest_fdt.h"
#include "layout.h"

#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)

static struct kernel_banks banks;
static struct layout_place place;

static struct kernel kernel_at(uint64_t low, uint64_t high)
{
    return (struct kernel){.low = low, .high = high};
}

static void small_domain_has_one_bank(void **state)
{
    (void)state;
    struct plan_domain domain = {.memory = 64 * MIB};
    layout_banks(&domain, &banks);
    assert_int_equal(banks.count, 1);
    assert_int_equal(banks.bank[0].base, 0x40000000);
    assert_int_equal(banks.bank[0].size, 64 * MIB);
}

static void large_domain_has_two_banks(void **state)
{
    (void)state;
    struct plan_domain domain = {.memory = 5 * GIB};
    layout_banks(&domain, &banks);
    assert_int_equal(banks.count, 2);
    assert_int_equal(banks.bank[0].size, 3 * GIB);
    assert_int_equal(banks.bank[1].base, 0x200000000);
    assert_int_equal(banks.bank[1].size, 2 * GIB);
}

static void direct_mapped_domain_has_its_static_ranges(void **state)
{
    (void)state;
    struct plan_domain domain = {.memory = 48 * MIB,
                                 .flags = BULKHEAD_DOMAIN_DIRECT,
                                 .fixed_count = 2,
                                 .fixed = {{0x50000000, 32 * MIB}, {0x60000000, 16 * MIB}}};
    layout_banks(&domain, &banks);
    assert_int_equal(banks.count, 2);
    assert_int_equal(banks.bank[1].base, 0x60000000);
    struct layout_fixed pieces[LAYOUT_MAX_FIXED];
    assert_int_equal(layout_fixed_pieces(&domain, &banks, pieces), 2);
    assert_int_equal(pieces[1].to, 0x60000000);
    assert_int_equal(pieces[1].machine.base, 0x60000000);
}

static void static_range_is_cut_at_the_end_of_a_bank(void **state)
{
    (void)state;
    struct plan_domain domain = {
        .memory = 4 * GIB, .fixed_count = 2, .fixed = {{0x880000000, 2 * GIB}, {0x980000000, 2 * GIB}}};
    struct layout_fixed pieces[LAYOUT_MAX_FIXED];
    layout_banks(&domain, &banks);
    assert_int_equal(layout_fixed_pieces(&domain, &banks, pieces), 3);
    assert_int_equal(pieces[0].to, 0x40000000);
    assert_int_equal(pieces[1].to, 0xc0000000);
    assert_int_equal(pieces[1].machine.base, 0x980000000);
    assert_int_equal(pieces[1].machine.size, GIB);
    assert_int_equal(pieces[2].to, 0x200000000);
    assert_int_equal(pieces[2].machine.base, 0x9c0000000);
}

static void domain_from_the_pool_has_no_pieces(void **state)
{
    (void)state;
    struct plan_domain domain = {.memory = 64 * MIB};
    struct layout_fixed pieces[LAYOUT_MAX_FIXED];
    layout_banks(&domain, &banks);
    assert_int_equal(layout_fixed_pieces(&domain, &banks, pieces), 0);
}

static void usual_place_is_128_mib_up(void **state)
{
    (void)state;
    struct kernel kernel = kernel_at(0x40000000, 0x42000000);
    banks = (struct kernel_banks){.count = 1, .bank = {{0x40000000, 256 * MIB}}};
    assert_true(layout_place("d", &banks, &kernel, 5 * MIB + 1, 0x10000, &place));
    assert_int_equal(place.ramdisk, 0x48000000);
    assert_int_equal(place.fdt, 0x48000000 + 5 * MIB + 0x1000);
}

static void usual_place_must_hold_all(void **state)
{
    (void)state;
    struct kernel kernel = kernel_at(0x40000000, 0x42000000);
    banks = (struct kernel_banks){.count = 1, .bank = {{0x40000000, 130 * MIB}}};
    assert_true(layout_place("d", &banks, &kernel, 2 * MIB - 0x10000, 0x10000, &place));
    assert_int_equal(place.ramdisk, 0x48000000);
    assert_true(layout_place("d", &banks, &kernel, 2 * MIB - 0x10000 + 1, 0x10000, &place));
    assert_int_equal(place.ramdisk, 0x47e00000);
}

static void small_bank_takes_the_top(void **state)
{
    (void)state;
    struct kernel kernel = kernel_at(0x40000000, 0x40800000);
    banks = (struct kernel_banks){.count = 1, .bank = {{0x40000000, 16 * MIB}}};
    assert_true(layout_place("d", &banks, &kernel, 0, 0x10000, &place));
    assert_int_equal(place.ramdisk, 0);
    assert_int_equal(place.fdt, 0x40e00000);
}

static void tiny_bank_takes_what_is_left(void **state)
{
    (void)state;
    struct kernel kernel = kernel_at(0x40080000, 0x40090001);
    banks = (struct kernel_banks){.count = 1, .bank = {{0x40000000, MIB}}};
    assert_true(layout_place("d", &banks, &kernel, 0, 0x10000, &place));
    assert_int_equal(place.fdt, 0x400f0000);
}

static void kernel_at_the_top_leaves_room_below(void **state)
{
    (void)state;
    struct kernel kernel = kernel_at(0x40c00000, 0x41000000);
    banks = (struct kernel_banks){.count = 1, .bank = {{0x40000000, 16 * MIB}}};
    assert_true(layout_place("d", &banks, &kernel, MIB, 0x10000, &place));
    assert_int_equal(place.ramdisk, 0x40a00000);
    assert_true(place.fdt + 0x10000 <= 0x40c00000);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct kernel kernel = kernel_at(0x40000000, 0x40800000);
    banks = (struct kernel_banks){.count = 1, .bank = {{0x40000000, 16 * MIB}}};
    said_clear();
    assert_false(layout_place("linux", &banks, &kernel, 8 * MIB, 0x10000, &place));
    assert_said(
        "boot: domain 'linux': kernel, ramdisk and device tree do not fit: 8256 KiB beside the kernel in a bank "
        "of 16384 KiB; give more memory");
}

static const struct board_table board = {.gicd = {0x8000000, 0x10000},
                                         .gicr = {0x80a0000, 0x80000},
                                         .uart_kind = BOARD_UART_PL011,
                                         .uart = {0x9000000, 0x1000}};

static void direct_mapped_domain_sees_devices_where_the_board_has_them(void **state)
{
    (void)state;
    struct guest_devices devices;
    struct plan_domain domain = {.flags = BULKHEAD_DOMAIN_DIRECT | BULKHEAD_DOMAIN_VPL011,
                                 .vcpus = 2,
                                 .fixed_count = 1,
                                 .fixed = {{0x38000000, 256 * MIB}}};
    guest_devices_of(&domain, &board, &devices);
    assert_int_equal(devices.gicd.base, 0x8000000);
    assert_int_equal(devices.gicr.base, 0x80a0000);
    assert_int_equal(devices.gicr.size, 0x40000);
    assert_int_equal(devices.uart.base, 0x9000000);
    assert_int_equal(devices.grants.base, 0x1000000);
    domain.fixed[0].base = 0x80000000;
    guest_devices_of(&domain, &board, &devices);
    assert_int_equal(devices.grants.base, 0x38000000);
}

/* dtc before 1.7 prints a list of strings as one, with \\0 between them. */
static void print_lists(char *text)
{
    static const char between[] = "\", \"";

    for (char *at = strstr(text, "\\0"); at != NULL; at = strstr(at, "\\0")) {
        memmove(at + sizeof(between) - 1, at + 2, strlen(at + 2) + 1);
        memcpy(at, between, sizeof(between) - 1);
    }
}

/* The tree as dtc 1.7 prints it; freed by the caller. */
static char *decompile(const uint8_t *tree, uint64_t size)
{
    char path[] = "/tmp/guest_fdt_XXXXXX";
    char command[128];
    char *text = calloc(1, 1 << 16);
    int file = mkstemp(path);

    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    assert_int_equal(fwrite(tree, 1, size, out), size);
    fclose(out);
    snprintf(command, sizeof(command), "dtc -q -I dtb -O dts %s", path);
    FILE *pipe = popen(command, "r");
    assert_true(fread(text, 1, 1 << 15, pipe) > 0); /* room for print_lists() */
    assert_int_equal(pclose(pipe), 0);
    remove(path);
    print_lists(text);
    return text;
}

static uint8_t tree[GUEST_FDT_BYTES] __attribute__((aligned(8)));

static void *compile(const char *path)
{
    char command[512];
    void *partial = malloc(65536);

    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb '%s'", path);
    FILE *pipe = popen(command, "r");
    assert_true(fread(partial, 1, 65536, pipe) > 0);
    assert_int_equal(pclose(pipe), 0);
    return partial;
}

static void assert_tree(const struct guest_fdt_input *input, const char *golden)
{
    char path[512];
    char *expected = calloc(1, 1 << 16);
    uint64_t size = 0;

    assert_true(guest_fdt_build(input, tree, &size));
    char *text = decompile(tree, size);
    snprintf(path, sizeof(path), "%s/guest_trees/%s", TEST_FOLDER, golden);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        assert_true(fread(expected, 1, (1 << 16) - 1, file) > 0);
        fclose(file);
    }
    if (strcmp(text, expected) != 0) { /* leave it in the build folder, to compare and perhaps to take over */
        file = fopen(golden, "w");
        fputs(text, file);
        fclose(file);
    }
    assert_string_equal(text, expected);
    free(text);
    free(expected);
}

static void writes_the_tree_of_a_linux_domain(void **state)
{
    (void)state;
    struct guest_devices devices;
    struct plan_domain domain = {.name = "linux",
                                 .memory = 5 * GIB,
                                 .vcpus = 18,
                                 .flags = BULKHEAD_DOMAIN_VPL011,
                                 .xen_node = true,
                                 .bootargs = "console=hvc0"};
    layout_banks(&domain, &banks);
    guest_devices_of(&domain, &board, &devices);
    struct guest_fdt_input input = {
        .domain = &domain, .banks = &banks, .devices = &devices, .ramdisk = 0x48000000, .ramdisk_size = 12345};
    assert_tree(&input, "linux.dts");
}

static void writes_the_tree_of_a_small_domain_with_a_partial_tree(void **state)
{
    (void)state;
    struct guest_devices devices;
    struct plan_domain domain = {.name = "task", .memory = 4 * MIB, .vcpus = 1};
    layout_banks(&domain, &banks);
    guest_devices_of(&domain, &board, &devices);
    void *partial = compile(TEST_FOLDER "/guest_trees/partial.in.dts");
    struct guest_fdt_input input = {.domain = &domain, .banks = &banks, .devices = &devices, .partial = partial};
    assert_tree(&input, "small.dts");
    free(partial);
}

/* Ranges of the hypervisor's node: 1, or 2 with an extended region. */
static int hypervisor_ranges(const struct guest_fdt_input *input)
{
    uint64_t size = 0;
    int bytes = 0;

    assert_true(guest_fdt_build(input, tree, &size));
    assert_non_null(fdt_getprop(tree, fdt_path_offset(tree, "/hypervisor"), "reg", &bytes));
    return bytes / 16;
}

/* [utest->dsn~boot-extended-region~1] */
static void an_extended_region_is_where_nothing_else_is(void **state)
{
    static struct plan plan;
    struct guest_devices devices;
    struct plan_domain *domain = &plan.domains[1];
    struct guest_fdt_input input = {.domain = domain, .plan = &plan, .banks = &banks, .devices = &devices};

    (void)state;
    plan.count = 2;
    *domain = (struct plan_domain){.name = "linux", .memory = GIB, .vcpus = 1, .xen_node = true};
    layout_banks(domain, &banks);
    guest_devices_of(domain, &board, &devices);
    assert_int_equal(hypervisor_ranges(&input), 2);
    plan.use_count = 1;
    plan.uses[0] = (struct plan_share_use){.domain = 1, .share = 0, .guest = UINT64_C(0xe3ffff000)};
    plan.shares[0].machine.size = 0x2000;
    assert_int_equal(hypervisor_ranges(&input), 1);
    plan.uses[0].guest = UINT64_C(0xe40000000);
    assert_int_equal(hypervisor_ranges(&input), 2);
    plan.uses[0] = (struct plan_share_use){.domain = 0, .share = 0, .guest = UINT64_C(0xe3ffff000)};
    assert_int_equal(hypervisor_ranges(&input), 2); /* that is another domain's */
    void *partial = compile(TEST_FOLDER "/guest_trees/partial.in.dts");
    input.partial = partial;
    assert_int_equal(hypervisor_ranges(&input), 1);
    input.partial = NULL;
    free(partial);
    domain->flags = BULKHEAD_DOMAIN_DIRECT;
    assert_int_equal(hypervisor_ranges(&input), 1);
    domain->flags = 0;
    domain->memory = 60 * GIB;
    layout_banks(domain, &banks);
    assert_int_equal(hypervisor_ranges(&input), 1);
}

static void refuses_a_tree_that_is_too_large(void **state)
{
    (void)state;
    static char bootargs[GUEST_FDT_BYTES];
    struct guest_devices devices;
    uint64_t size = 0;
    struct plan_domain domain = {.name = "task", .memory = 4 * MIB, .vcpus = 1, .bootargs = bootargs};
    memset(bootargs, 'x', sizeof(bootargs) - 1);
    layout_banks(&domain, &banks);
    guest_devices_of(&domain, &board, &devices);
    struct guest_fdt_input input = {.domain = &domain, .banks = &banks, .devices = &devices};
    said_clear();
    assert_false(guest_fdt_build(&input, tree, &size));
    assert_said(
        "boot: domain 'task': the guest's device tree: FDT_ERR_NOSPACE; at most 65536 bytes: shorten bootargs or "
        "the partial tree");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_domain_has_one_bank),
        cmocka_unit_test(large_domain_has_two_banks),
        cmocka_unit_test(direct_mapped_domain_has_its_static_ranges),
        cmocka_unit_test(static_range_is_cut_at_the_end_of_a_bank),
        cmocka_unit_test(domain_from_the_pool_has_no_pieces),
        cmocka_unit_test(usual_place_is_128_mib_up),
        cmocka_unit_test(usual_place_must_hold_all),
        cmocka_unit_test(small_bank_takes_the_top),
        cmocka_unit_test(tiny_bank_takes_what_is_left),
        cmocka_unit_test(kernel_at_the_top_leaves_room_below),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(direct_mapped_domain_sees_devices_where_the_board_has_them),
        cmocka_unit_test(writes_the_tree_of_a_linux_domain),
        cmocka_unit_test(writes_the_tree_of_a_small_domain_with_a_partial_tree),
        cmocka_unit_test(an_extended_region_is_where_nothing_else_is),
        cmocka_unit_test(refuses_a_tree_that_is_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
