/* SPDX-License-Identifier: Apache-2.0 */
/* The whole Boot Domain against the model of the hypervisor: start info in, domains and exit status out.
 * [utest->dsn~boot-claim~1] [utest->dsn~boot-host-tree~1] [utest->dsn~boot-plan~1] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <xen/xen.h>
#include <xen/errno.h>

#include <bulkhead/image.h>
#include <bulkhead/label.h>
#include <bulkhead/start_info.h>

#include <guest/exception.h>

#include "model.h"

#define MIB        UINT64_C(0x100000)
#define START_INFO (BOOT_DOMAIN_BASE + 2 * MIB - 4096)

int boot_main(uint64_t start_info);

char _image_end[65536] __attribute__((aligned(4096))); /* RAM behind the image, as the linker script names it */

/* ---- what the hypervisor hands over ---- */

static struct {
    struct hvm_start_info info;
    struct hvm_modlist_entry modules[BOOT_MODULE_COUNT];
    struct hvm_memmap_table_entry memmap[4];
} page;
static uint8_t *archive; /* 2 MiB aligned, as it is mapped */
static size_t archive_size;
static uint64_t host_tree[512];

static void put_header(uint32_t mode, uint32_t size, uint32_t name_size)
{
    archive_size +=
        (size_t)sprintf((char *)&archive[archive_size], "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
                        1u, mode, 0u, 0u, 1u, 0u, size, 0u, 0u, 0u, 0u, name_size, 0u);
}

static void align(void)
{
    archive_size = (archive_size + 3) & ~(size_t)3;
}

static void put_member(const char *name, const void *data, uint32_t size)
{
    put_header(0100644, size, (uint32_t)strlen(name) + 1);
    strcpy((char *)&archive[archive_size], name);
    archive_size += strlen(name) + 1;
    align();
    memcpy(&archive[archive_size], data, size);
    archive_size += size;
    align();
}

static void put_trailer(void)
{
    put_header(0, 0, 11);
    strcpy((char *)&archive[archive_size], "TRAILER!!!");
    archive_size += 11;
    align();
}

static void put_description(const char *dts)
{
    char path[] = "/tmp/main_test_XXXXXX";
    char command[128];
    static uint8_t tree[65536];
    int file = mkstemp(path);

    FILE *out = fdopen(file, "w");
    fprintf(out, "/dts-v1/; / { chosen { #address-cells = <2>; #size-cells = <2>; bulkhead,version = <1>; %s }; };",
            dts);
    fclose(out);
    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb %s", path);
    FILE *pipe = popen(command, "r");
    size_t size = fread(tree, 1, sizeof(tree), pipe);
    assert_int_equal(pclose(pipe), 0);
    remove(path);
    put_member("launch.dtb", tree, (uint32_t)size);
}

static void make_host_tree(uint64_t base, uint64_t size)
{
    fdt64_t reg[2] = {cpu_to_fdt64(base), cpu_to_fdt64(size)};

    fdt_create(host_tree, sizeof(host_tree));
    fdt_add_reservemap_entry(host_tree, 0x4c000100, 0x1000);
    fdt_finish_reservemap(host_tree);
    fdt_begin_node(host_tree, "");
    fdt_property_u32(host_tree, "#address-cells", 2);
    fdt_property_u32(host_tree, "#size-cells", 2);
    fdt_begin_node(host_tree, "memory@40000000");
    fdt_property_string(host_tree, "device_type", "memory");
    fdt_property(host_tree, "reg", reg, sizeof(reg));
    fdt_end_node(host_tree);
    fdt_end_node(host_tree);
    assert_int_equal(fdt_finish(host_tree), 0);
}

#define KERNEL             "module@0 { compatible = \"multiboot,kernel\", \"multiboot,module\"; bulkhead,member = \"kernel\"; }; "
#define DOMAIN(name, keys) name " { compatible = \"xen,domain\"; memory = <0 8192>; cpus = <1>; " keys KERNEL "}; "

#define ON_CPU_1 "vcpu0 { compatible = \"xen,vcpu\"; id = <0>; hard-affinity = \"1\"; }; "

static void hand_over(void)
{
    page.info = (struct hvm_start_info){
        .magic = HVM_START_MAGIC,
        .version = 1,
        .nr_modules = BOOT_MODULE_COUNT,
        .modlist_paddr = START_INFO + ((uint64_t)(uintptr_t)page.modules - (uint64_t)(uintptr_t)&page),
        .memmap_paddr = START_INFO + ((uint64_t)(uintptr_t)page.memmap - (uint64_t)(uintptr_t)&page),
        .memmap_entries = 2,
    };
    page.modules[BOOT_MODULE_ARCHIVE] = (struct hvm_modlist_entry){.paddr = BOOT_DOMAIN_ARCHIVE, .size = archive_size};
    page.modules[BOOT_MODULE_DTB] = (struct hvm_modlist_entry){.paddr = BOOT_DOMAIN_DTB, .size = sizeof(host_tree)};
    page.memmap[0] = (struct hvm_memmap_table_entry){
        .addr = (uint64_t)(uintptr_t)_image_end - 4096, .size = 4096 + sizeof(_image_end), .type = HVM_MEMMAP_TYPE_RAM};
    page.memmap[1] = (struct hvm_memmap_table_entry){.addr = 0x40200000, .size = 16 * MIB, .type = 2};
    model_own_memory(START_INFO, &page, sizeof(page));
    model_own_memory(BOOT_DOMAIN_ARCHIVE, archive, 4 * MIB);
    model_own_memory(BOOT_DOMAIN_DTB, host_tree, sizeof(host_tree));
    model_own_memory((uint64_t)(uintptr_t)_image_end, _image_end, sizeof(_image_end));
}

static int start(void **state)
{
    (void)state;
    archive = aligned_alloc(2 * MIB, 4 * MIB);
    memset(archive, 0, 4 * MIB);
    archive_size = 0;
    model_reset();
    said_clear();
    make_host_tree(0x40000000, 256 * MIB);
    model_board = (struct board_table){.magic = BOARD_MAGIC,
                                       .version = BOARD_VERSION,
                                       .size = sizeof(model_board),
                                       .name = "test-board",
                                       .cpu_count = 4,
                                       .ram_count = 1,
                                       .ram = {{0x40000000, 256 * MIB}}};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    model_reset();
    free(archive);
    return 0;
}

static void run(void)
{
    if (setjmp(model_exit) == 0) {
        boot_main(START_INFO);
    }
}

static void assert_refused(const char *line)
{
    char expected[512];

    run();
    snprintf(expected, sizeof(expected), "%s\nboot: nothing is started\n", line);
    assert_string_equal(said(), expected);
    assert_int_equal(model_action, BULKHEAD_EXIT_HALT);
    assert_true(model_status >= 1);
    assert_false(model_domains[1].exists);
}

/* ---- tests ---- */

static void starts_what_the_archive_describes(void **state)
{
    (void)state;
    put_description(DOMAIN("plain", "") DOMAIN("task", "bulkhead,safe; " ON_CPU_1));
    put_member("kernel", "a flat binary", 13);
    put_trailer();
    hand_over();
    run();
    assert_string_equal(said(), "boot:   domain                            memory          vCPUs   started after\n"
                                "boot:   task                              8192 KiB        1       1 us\n"
                                "boot:   plain                             8192 KiB        1       2 us\n"
                                "boot: the first one 4000 us after reset\n"
                                "boot: 2 of 2 domains started\n"
                                "boot: rights over plain: nobody\n"
                                "boot: rights over task: nobody\n"
                                "boot: rights over the platform: nobody\n");
    assert_int_equal(model_status, 0);
    assert_int_equal(model_action, BULKHEAD_EXIT_CONTINUE);
    assert_int_equal(model_dynamic.domains, 0);
    assert_int_equal(model_dynamic.first, 3);
    assert_string_equal(model_domains[1].identity.name, "task");
    assert_true(model_domains[1].is_running && model_domains[2].is_running);
    assert_int_equal(model_domains[0].holder[BULKHEAD_RIGHT_CREATE], DOMID_INVALID);
}

static void claims_all_ram_but_what_somebody_has(void **state)
{
    (void)state;
    put_description(
        DOMAIN("a", "#address-cells = <2>; #size-cells = <2>; xen,static-mem = <0 0x48000000 0 0x800000>; "));
    put_member("kernel", "a flat binary", 13);
    put_trailer();
    hand_over();
    run();
    assert_int_equal(model_status, 0);
    ranges_cut(&model_claimed, 0x40000000, 2 * MIB); /* below the image */
    ranges_cut(&model_claimed, 0x41200000, 0x48000000 - 0x41200000);
    ranges_cut(&model_claimed, 0x48800000, 0x4c000000 - 0x48800000); /* up to what the tree reserves */
    ranges_cut(&model_claimed, 0x4c002000, 0x50000000 - 0x4c002000);
    assert_int_equal(model_claimed.count, 0);
}

static void says_how_many_were_not_started(void **state)
{
    (void)state;
    put_description("bulkhead,on-failure = \"halt\"; " DOMAIN("good", "") DOMAIN("bad", "nr_spis = <3>; "));
    put_member("kernel", "a flat binary", 13);
    put_trailer();
    hand_over();
    model_fail(18, -XEN_EINVAL);
    run();
    assert_non_null(strstr(said(), "boot: domain 'bad': the hypervisor refuses to "));
    assert_non_null(strstr(said(), "boot:   bad                               8192 KiB        1       not started\n"));
    assert_non_null(strstr(said(), "boot: 1 of 2 domains started\n"));
    assert_int_equal(model_status, 1);
    assert_int_equal(model_action, BULKHEAD_EXIT_HALT);
}

static void reads_the_host_tree_without_an_archive(void **state)
{
    (void)state;
    hand_over();
    page.modules[BOOT_MODULE_ARCHIVE].size = 0;
    assert_refused("boot: the description has no /chosen node; build the image again");
    said_clear();
    page.modules[BOOT_MODULE_DTB].size = 0;
    assert_refused("boot: neither a launch archive nor a host device tree; build the image with a description");
}

static void refuses_a_start_info_that_is_none(void **state)
{
    (void)state;
    hand_over();
    page.info.magic = 1;
    assert_refused("boot: x0 does not point to hvm_start_info version 1; start me from Bulkhead");
    said_clear();
    hand_over();
    page.info.nr_modules = 1;
    assert_refused("boot: hvm_start_info has 1 modules and 2 memory entries; expected 2 and at most 64");
}

static void refuses_a_board_table_of_another_version(void **state)
{
    (void)state;
    hand_over();
    model_board.version = 9;
    assert_refused("boot: the board table is version 9, 864 bytes; this Boot Domain reads version 1, 864 bytes; "
                   "build the image again");
}

static void refuses_memory_that_disagrees(void **state)
{
    (void)state;
    make_host_tree(0x40000000, 128 * MIB);
    hand_over();
    assert_refused("boot: memory 0x48000000 to 0x50000000 is in the board table, but not in the host device tree; "
                   "make the board table of 'test-board' again from this device tree");
}

static void refuses_an_archive_without_a_description(void **state)
{
    (void)state;
    put_member("kernel", "a flat binary", 13);
    put_trailer();
    hand_over();
    assert_refused("boot: launch archive: no member launch.dtb; build the image again");
}

static void refuses_a_truncated_archive(void **state)
{
    (void)state;
    put_description(DOMAIN("plain", ""));
    hand_over();
    page.modules[BOOT_MODULE_ARCHIVE].size = 100;
    assert_refused("boot: launch archive: member 0, at byte 0: the archive ends before its trailer; "
                   "build the image again");
}

static void a_refused_claim_stops_the_launch(void **state)
{
    (void)state;
    put_description(DOMAIN("plain", ""));
    put_member("kernel", "a flat binary", 13);
    put_trailer();
    hand_over();
    model_fail(1, -XEN_EEXIST);
    assert_refused(
        "boot: the hypervisor refuses RAM 0x40000000, 0x200000 bytes (error 17); make the board table again");
}

static struct bulkhead_labels policy;

static void put_labels(uint32_t size)
{
    policy = (struct bulkhead_labels){.magic = BULKHEAD_LABELS_MAGIC, .count = 3};
    put_member(BULKHEAD_LABELS_FILE, &policy, size);
}

/* [utest->dsn~label-launch~1] */
static void domains_get_their_labels(void **state)
{
    (void)state;
    put_description(DOMAIN("one", "bulkhead,label = <2>; ") DOMAIN("two", ""));
    put_member("kernel", "a flat binary", 13);
    put_labels(sizeof(policy));
    put_trailer();
    hand_over();
    run();
    assert_int_equal(model_status, 0);
    assert_int_equal(model_labels, 3);
    assert_int_equal(model_domains[1].label, 2);
    assert_int_equal(model_domains[2].label, 0);
}

/* [utest->dsn~label-launch~1] */
static void refuses_labels_that_do_not_fit(void **state)
{
    static const struct {
        const char *description;
        uint32_t size; /* 0 = no policy */
        int64_t error;
        const char *said;
    } cases[] = {
        {DOMAIN("one", "bulkhead,label = <3>; "), sizeof(policy), 0,
         "boot: domain 'one': label 3, but the label policy has 3; build the image again"},
        {DOMAIN("one", "bulkhead,label = <1>; "), 0, 0,
         "boot: domain 'one': label 1, but the label policy has 0; build the image again"},
        {DOMAIN("one", ""), 100, 0,
         "boot: launch archive: labels has 100 bytes, a label policy has 7312; build the image again"},
        {DOMAIN("one", ""), sizeof(policy), -XEN_EINVAL,
         "boot: the hypervisor refuses the label policy (error 22); build the image again"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        stop(NULL);
        start(NULL);
        put_description(cases[i].description);
        put_member("kernel", "a flat binary", 13);
        if (cases[i].size != 0) {
            put_labels(cases[i].size);
        }
        put_trailer();
        hand_over();
        if (cases[i].error != 0) {
            model_fail(1, cases[i].error);
        }
        assert_refused(cases[i].said);
    }
}

static void an_exception_ends_it(void **state)
{
    struct exception_frame frame = {.esr = 0x96000004, .far = 0x10, .elr = 0x40001234};

    (void)state;
    if (setjmp(model_exit) == 0) {
        on_sync(&frame);
    }
    assert_said("boot: exception in the Boot Domain: ESR 0x96000004 FAR 0x10 at 0x40001234; report this");
    assert_int_equal(model_status, 0xff);
    assert_int_equal(model_action, BULKHEAD_EXIT_HALT);
    said_clear();
    if (setjmp(model_exit) == 0) {
        on_serror(&frame);
    }
    assert_non_null(strstr(said(), "exception in the Boot Domain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(starts_what_the_archive_describes, start, stop),
        cmocka_unit_test_setup_teardown(domains_get_their_labels, start, stop),
        cmocka_unit_test_setup_teardown(refuses_labels_that_do_not_fit, start, stop),
        cmocka_unit_test_setup_teardown(claims_all_ram_but_what_somebody_has, start, stop),
        cmocka_unit_test_setup_teardown(says_how_many_were_not_started, start, stop),
        cmocka_unit_test_setup_teardown(reads_the_host_tree_without_an_archive, start, stop),
        cmocka_unit_test_setup_teardown(refuses_a_start_info_that_is_none, start, stop),
        cmocka_unit_test_setup_teardown(refuses_a_board_table_of_another_version, start, stop),
        cmocka_unit_test_setup_teardown(refuses_memory_that_disagrees, start, stop),
        cmocka_unit_test_setup_teardown(refuses_an_archive_without_a_description, start, stop),
        cmocka_unit_test_setup_teardown(refuses_a_truncated_archive, start, stop),
        cmocka_unit_test_setup_teardown(a_refused_claim_stops_the_launch, start, stop),
        cmocka_unit_test_setup_teardown(an_exception_ends_it, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
