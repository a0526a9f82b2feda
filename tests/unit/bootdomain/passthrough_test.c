/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~boot-passthrough~1] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "passthrough.h"

#define MIB UINT64_C(0x100000)

static const struct board_table board = {.name = "test-board",
                                         .ram_count = 1,
                                         .ram = {{0x40000000, 1024 * MIB}},
                                         .gicd = {0x8000000, 0x10000},
                                         .gicr = {0x80a0000, 0x80000},
                                         .gic_spis = 256,
                                         .uart = {0x9000000, 0x1000},
                                         .uart_irq = 33};
static const struct kernel_banks banks = {.count = 1, .bank = {{0x40000000, 64 * MIB}}};
static const struct guest_devices devices = {.gicd = {0x3001000, 0x10000},
                                             .gicr = {0x3020000, 0x20000},
                                             .uart = {0x22000000, 0x1000},
                                             .grants = {0x38000000, 0x1000000}};
static struct passthrough given;

/* The partial tree with these nodes below /passthrough; freed by the caller. */
static void *compile(const char *nodes)
{
    char path[] = "/tmp/passthrough_test_XXXXXX";
    char command[128];
    void *tree = malloc(65536);
    int file = mkstemp(path);

    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    fprintf(out, "/dts-v1/; / { passthrough { #address-cells = <2>; #size-cells = <2>; %s }; };", nodes);
    fclose(out);
    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb %s", path);
    FILE *pipe = popen(command, "r");
    assert_true(fread(tree, 1, 65536, pipe) > 0);
    assert_int_equal(pclose(pipe), 0);
    remove(path);
    return tree;
}

static bool read_nodes(const char *nodes, bool has_safe)
{
    struct passthrough_context context = {
        .domain = "d", .board = &board, .banks = &banks, .devices = &devices, .has_safe = has_safe};
    void *tree = compile(nodes);

    said_clear();
    bool result = passthrough_read(&given, &context, tree);
    free(tree);
    return result;
}

#define RTC "compatible = \"arm,pl031\", \"arm,primecell\"; "

static void reads_registers_and_interrupts(void **state)
{
    (void)state;
    assert_true(read_nodes("clock { compatible = \"fixed-clock\"; };"
                           "bus { #address-cells = <1>; #size-cells = <1>;"
                           "  gpio { compatible = \"acme,gpio\"; bulkhead,no-dma; xen,path = \"/gpio\";"
                           "         xen,reg = <0x9030000 0x1000 0x22010000 0x9040000 0x2000 0x22020000>; }; };"
                           "rtc { " RTC "xen,reg = <0 0x9010000 0 0x1000 0 0x9010000>; interrupts = <0 2 4 0 7 1>; };",
                           true));
    assert_said_nothing();
    assert_int_equal(given.range_count, 3);
    assert_int_equal(given.range[1].machine, 0x9040000);
    assert_int_equal(given.range[1].size, 0x2000);
    assert_int_equal(given.range[1].guest, 0x22020000);
    assert_int_equal(given.range[2].guest, 0x9010000);
    assert_int_equal(given.interrupt_count, 2);
    assert_int_equal(given.interrupt[0], 34);
    assert_int_equal(given.interrupt[1], 39);
}

static void a_forced_device_is_given_where_nobody_is_safe(void **state)
{
    (void)state;
    assert_true(read_nodes("net { compatible = \"virtio,mmio\"; xen,force-assign-without-iommu = <1>;"
                           " xen,reg = <0 0xa000000 0 0x1000 0 0xa000000>; };",
                           false));
    assert_said_nothing();
    assert_int_equal(given.range_count, 1);
}

static void refuses_by_name(void **state)
{
    static const struct {
        const char *nodes;
        const char *line;
    } cases[] = {
        {"net { compatible = \"virtio,mmio\"; xen,force-assign-without-iommu = <1>;"
         " xen,reg = <0 0xa000000 0 0x1000 0 0xa000000>; };",
         "boot: domain 'd': device 'net' is given by xen,force-assign-without-iommu, but there are safe domains; "
         "take it out"},
        {"net { compatible = \"virtio,mmio\"; xen,reg = <0 0xa000000 0 0x1000 0 0xa000000>; };",
         "boot: domain 'd': device 'net' may read and write memory by itself, and no SMMU driver confines it yet; "
         "take it out, or write bulkhead,no-dma if it does not"},
        {"b { mmc { compatible = \"acme,mmc\"; xen,path = \"/mmc\"; }; };",
         "boot: domain 'd': device 'mmc' may read and write memory by itself, and no SMMU driver confines it yet; "
         "take it out, or write bulkhead,no-dma if it does not"},
        {"rtc { " RTC "iommus = <1>; xen,reg = <0 0x9010000 0 0x1000 0 0x9010000>; };",
         "boot: domain 'd': device 'rtc' may read and write memory by itself, and no SMMU driver confines it yet; "
         "take it out, or write bulkhead,no-dma if it does not"},
        {"rtc { " RTC "xen,reg = <0 0x9010000 0 0x1000>; };",
         "boot: domain 'd': device 'rtc' has an xen,reg that is not a list of <machine-address size guest-address>; "
         "write it so"},
        {"rtc { " RTC "xen,reg = <0 0x9010000 0 0x1001 0 0x9010000>; };",
         "boot: domain 'd': device 'rtc' has an xen,reg that is not whole 4 KiB pages; align it"},
        {"rtc { " RTC "xen,reg = <0 0x9010000 0 0 0 0x9010000>; };",
         "boot: domain 'd': device 'rtc' has an xen,reg that is not whole 4 KiB pages; align it"},
        {"rtc { " RTC "xen,reg = <0xffffffff 0xfffff000 0 0x2000 0 0x9010000>; };",
         "boot: domain 'd': device 'rtc' has an xen,reg that is not whole 4 KiB pages; align it"},
        {"ram { " RTC "xen,reg = <0 0x50000000 0 0x1000 0 0x9010000>; };",
         "boot: domain 'd': device 'ram' has an xen,reg in RAM or in a device of the hypervisor; take it out"},
        {"gic { " RTC "xen,reg = <0 0x7fff000 0 0x2000 0 0x9010000>; };",
         "boot: domain 'd': device 'gic' has an xen,reg in RAM or in a device of the hypervisor; take it out"},
        {"uart { " RTC "xen,reg = <0 0x9000000 0 0x1000 0 0x9000000>; };",
         "boot: domain 'd': device 'uart' has an xen,reg in RAM or in a device of the hypervisor; take it out"},
        {"rtc { " RTC "xen,reg = <0 0x9010000 0 0x1000 0 0x43fff000>; };",
         "boot: domain 'd': device 'rtc' has an xen,reg over the domain's memory or virtual devices; choose another "
         "guest "
         "address"},
        {"rtc { " RTC "xen,reg = <0 0x9010000 0 0x1000 0 0x22000000>; };",
         "boot: domain 'd': device 'rtc' has an xen,reg over the domain's memory or virtual devices; choose another "
         "guest "
         "address"},
        {"b { #address-cells = <3>; rtc { " RTC "xen,reg = <0 0x9010000 0 0x1000 0 0x9010000>; }; };",
         "boot: domain 'd': #address-cells is 3; write <1> or <2>"},
        {"rtc { " RTC "interrupts = <0 2>; };",
         "boot: domain 'd': device 'rtc' has interrupts that are not a list of <type number flags>; write it so"},
        {"rtc { " RTC "interrupts = <1 2 4>; };",
         "boot: domain 'd': device 'rtc' has an interrupt that is not a free shared one of the board; take it out"},
        {"rtc { " RTC "interrupts = <0 256 4>; };",
         "boot: domain 'd': device 'rtc' has an interrupt that is not a free shared one of the board; take it out"},
        {"rtc { " RTC "interrupts = <0 1 4>; };",
         "boot: domain 'd': device 'rtc' has an interrupt that is not a free shared one of the board; take it out"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(read_nodes(cases[i].nodes, true));
        assert_said(cases[i].line);
    }
}

static void refuses_more_than_a_domain_can_have(void **state)
{
    static char nodes[8192];

    (void)state;
    strcpy(nodes, "rtc { " RTC "xen,reg = <");
    for (uint32_t i = 0; i <= PASSTHROUGH_MAX_RANGES; i++) {
        char range[64];
        snprintf(range, sizeof(range), "0 0x%x 0 0x1000 0 0x%x ", 0xa000000 + i * 0x1000, 0xa000000 + i * 0x1000);
        strcat(nodes, range);
    }
    strcat(nodes, ">; };");
    assert_false(read_nodes(nodes, false));
    assert_said(
        "boot: domain 'd': device 'rtc' is one too many: 32 ranges are all that a domain can have; take one out");
    strcpy(nodes, "rtc { " RTC "interrupts = <");
    for (uint32_t i = 0; i <= PASSTHROUGH_MAX_INTERRUPTS; i++) {
        char interrupt[64];
        snprintf(interrupt, sizeof(interrupt), "0 %u 4 ", i + 8);
        strcat(nodes, interrupt);
    }
    strcat(nodes, ">; };");
    assert_false(read_nodes(nodes, false));
    assert_said("boot: domain 'd': device 'rtc' has one interrupt too many: a domain can have 64; take one out");
}

static void copies_no_tree_that_is_too_deep(void **state)
{
    static uint8_t out[8192] __attribute__((aligned(8)));
    static const struct {
        uint32_t levels;
        bool is_good;
    } cases[] = {{15, true}, {16, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char nodes[1024] = "";
        for (uint32_t level = 0; level < cases[i].levels; level++) {
            strcat(nodes, "n { ");
        }
        for (uint32_t level = 0; level < cases[i].levels; level++) {
            strcat(nodes, "}; ");
        }
        void *tree = compile(nodes);
        fdt_create(out, sizeof(out));
        fdt_finish_reservemap(out);
        fdt_begin_node(out, "");
        assert_int_equal(passthrough_copy(out, tree) == 0, cases[i].is_good);
        free(tree);
    }
}

static void a_tree_without_devices_has_no_effect(void **state)
{
    (void)state;
    struct passthrough_context context = {.domain = "d", .board = &board, .banks = &banks, .devices = &devices};
    static uint8_t tree[256] __attribute__((aligned(8)));
    fdt_create(tree, sizeof(tree));
    fdt_finish_reservemap(tree);
    fdt_begin_node(tree, "");
    fdt_end_node(tree);
    assert_int_equal(fdt_finish(tree), 0);
    said_clear();
    assert_true(passthrough_read(&given, &context, tree));
    assert_said("boot: domain 'd': the partial device tree has no /passthrough node; it has no effect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_registers_and_interrupts),
        cmocka_unit_test(a_forced_device_is_given_where_nobody_is_safe),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(refuses_more_than_a_domain_can_have),
        cmocka_unit_test(copies_no_tree_that_is_too_deep),
        cmocka_unit_test(a_tree_without_devices_has_no_effect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
