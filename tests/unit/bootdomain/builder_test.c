/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~boot-builder~1] [utest->dsn~boot-zero-copy~1] [utest->dsn~boot-ratchet~1] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <xen/xen.h>
#include <xen/errno.h>

#include "builder.h"
#include "model.h"

#define MIB  UINT64_C(0x100000)
#define PAGE UINT64_C(4096)

static const struct board_table board = {
    .cpu_count = 4, .ram_count = 1, .ram = {{0x40000000, 0x40000000}}, .gic_spis = 64};
static struct plan plan;
static struct builder builder;

/* Modules as the archive holds them: 2 MiB aligned, with foreign bytes behind their ends. */
static uint8_t *kernel_file;
static uint8_t *ramdisk_file;
#define KERNEL_BYTES  (3 * MIB + 123)
#define RAMDISK_BYTES (PAGE + 1)

static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

static void fill(uint8_t *file, uint64_t size, uint64_t room)
{
    for (uint64_t i = 0; i < room; i++) {
        file[i] = (i < size) ? pattern(i) : 0xcc;
    }
}

/* A device tree from its source; freed by the caller. */
static uint8_t *compile(const char *path, uint64_t *size)
{
    char command[512];
    uint8_t *tree = malloc(65536);

    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb '%s'", path);
    FILE *pipe = popen(command, "r");
    *size = fread(tree, 1, 65000, pipe);
    assert_int_equal(pclose(pipe), 0);
    return tree;
}

/* An arm64 Image, the bytes behind its header a pattern. */
static void make_kernel(void)
{
    uint64_t image_size = 4 * MIB;

    fill(kernel_file, KERNEL_BYTES, 4 * MIB);
    memset(kernel_file, 0, 64);
    memcpy(&kernel_file[16], &image_size, 8);
    memcpy(&kernel_file[56], "ARM\x64", 4);
}

static struct plan_domain *add_domain(const char *name)
{
    struct plan_domain *domain = &plan.domains[plan.count];

    plan.order[plan.count] = (uint16_t)plan.count;
    plan.count++;
    strcpy(domain->name, name);
    domain->memory = 16 * MIB;
    domain->vcpus = 1;
    domain->first_vcpu = plan.vcpu_count;
    plan.vcpu_count++;
    domain->xen_node = true;
    strcpy(domain->modules[PLAN_KERNEL].name, "kernel");
    domain->modules[PLAN_KERNEL].data = kernel_file;
    domain->modules[PLAN_KERNEL].size = KERNEL_BYTES;
    return domain;
}

static void add_ramdisk(struct plan_domain *domain)
{
    strcpy(domain->modules[PLAN_RAMDISK].name, "ramdisk");
    domain->modules[PLAN_RAMDISK].data = ramdisk_file;
    domain->modules[PLAN_RAMDISK].size = RAMDISK_BYTES;
}

static int start(void **state)
{
    (void)state;
    kernel_file = aligned_alloc(2 * MIB, 4 * MIB);
    ramdisk_file = aligned_alloc(2 * MIB, 2 * MIB);
    make_kernel();
    fill(ramdisk_file, RAMDISK_BYTES, 2 * MIB);
    memset(&plan, 0, sizeof(plan));
    model_reset();
    said_clear();
    builder_init(&builder, &plan, &board);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    model_reset();
    free(kernel_file);
    free(ramdisk_file);
    return 0;
}

static void run_all(void)
{
    builder_create_control(&builder);
    for (uint32_t i = 0; i < plan.count; i++) {
        builder_run(&builder, i);
    }
}

static void assert_file_at(uint16_t domid, uint64_t gaddr, uint64_t bytes, uint64_t skip)
{
    uint8_t *got = malloc(bytes);

    model_read(domid, gaddr, got, bytes);
    bool is_same = true;
    for (uint64_t i = skip; i < bytes; i++) {
        is_same = is_same && got[i] == pattern(i);
    }
    assert_true(is_same);
    free(got);
}

static void assert_zero_at(uint16_t domid, uint64_t gaddr, uint64_t bytes)
{
    uint8_t *got = malloc(bytes);

    model_read(domid, gaddr, got, bytes);
    bool is_zero = true;
    for (uint64_t i = 0; i < bytes; i++) {
        is_zero = is_zero && got[i] == 0;
    }
    assert_true(is_zero);
    free(got);
}

static void assert_whole_domain(uint16_t domid)
{
    uint8_t fdt[8192];

    assert_true(model_domains[domid].is_running);
    assert_int_equal(model_domains[domid].pc, 0x40000000);
    assert_file_at(domid, 0x40000000, KERNEL_BYTES, 64);
    assert_zero_at(domid, 0x40000000 + KERNEL_BYTES, MIB - 123);
    model_read(domid, model_domains[domid].x0, fdt, sizeof(fdt));
    assert_int_equal(fdt_check_full(fdt, sizeof(fdt)), 0);
    assert_int_equal(model_pages(domid) * PAGE, model_domains[domid].max_memory);
}

static void copies_a_module_that_is_kept(void **state)
{
    (void)state;
    struct plan_domain *domain = add_domain("linux");
    domain->keep_modules = true;
    add_ramdisk(domain);
    run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_int_equal(model_moved_pages(1), 0);
    assert_file_at(1, 0x40e00000, RAMDISK_BYTES, 0);
    assert_zero_at(1, 0x40e00000 + RAMDISK_BYTES, PAGE - 1);
    assert_int_equal(kernel_file[1000], pattern(1000));
}

static void moves_a_module_that_one_domain_uses(void **state)
{
    (void)state;
    add_ramdisk(add_domain("linux"));
    run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_int_equal(model_moved_pages(1), 3 * 256 + 1 + 2);
    assert_file_at(1, 0x40e00000, RAMDISK_BYTES, 0);
    assert_zero_at(1, 0x40e00000 + RAMDISK_BYTES, PAGE - 1); /* what lay behind the ramdisk is not the domain's */
    assert_int_equal(kernel_file[1000], 0xee);
}

static void copies_a_module_that_two_use_or_that_is_not_aligned(void **state)
{
    (void)state;
    struct plan_domain *a = add_domain("a");
    struct plan_domain *b = add_domain("b");
    a->modules[PLAN_KERNEL].shared = true;
    b->modules[PLAN_KERNEL].shared = true;
    add_ramdisk(b);
    b->modules[PLAN_RAMDISK].data += 4;
    run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_whole_domain(2);
    assert_int_equal(model_moved_pages(1) + model_moved_pages(2), 0);
}

static void gives_static_memory(void **state)
{
    (void)state;
    struct plan_domain *domain = add_domain("rt");
    domain->fixed_count = 2;
    domain->fixed[0] = (struct board_range){0x60000000, 10 * MIB};
    domain->fixed[1] = (struct board_range){0x70000000, 6 * MIB};
    run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_int_equal(model_machine(1, 0x40000), 0x60000);
    assert_int_equal(model_machine(1, 0x40a00), 0x70000);
    assert_int_equal(model_moved_pages(1), 0);
}

static void direct_map_is_at_machine_addresses(void **state)
{
    (void)state;
    struct plan_domain *domain = add_domain("rt");
    domain->flags = BULKHEAD_DOMAIN_DIRECT;
    domain->fixed_count = 1;
    domain->fixed[0] = (struct board_range){0x60000000, 16 * MIB};
    run_all();
    assert_said_nothing();
    assert_int_equal(model_domains[1].pc, 0x60000000);
    assert_int_equal(model_machine(1, 0x60000), 0x60000);
    assert_file_at(1, 0x60000000, KERNEL_BYTES, 64);
}

static void reads_a_module_outside_the_image(void **state)
{
    (void)state;
    struct plan_domain *domain = add_domain("far");
    static uint8_t flat[5000];
    fill(flat, sizeof(flat), sizeof(flat));
    model_set_outside(0x48000123, flat, sizeof(flat));
    domain->modules[PLAN_KERNEL].data = NULL;
    domain->modules[PLAN_KERNEL].is_outside = true;
    domain->modules[PLAN_KERNEL].outside = 0x48000123;
    domain->modules[PLAN_KERNEL].size = sizeof(flat);
    run_all();
    assert_said_nothing();
    assert_true(model_domains[1].is_running);
    assert_file_at(1, 0x40000000, sizeof(flat), 0);
}

static void sets_vcpus_names_and_affinity(void **state)
{
    (void)state;
    struct plan_domain *domain = add_domain("linux");
    domain->vcpus = 3;
    plan.affinity[0] = 0x2;
    plan.affinity[2] = 0xc;
    run_all();
    assert_int_equal(model_domains[1].vcpus, 3);
    assert_int_equal(model_domains[1].cpus[0], 0x2);
    assert_int_equal(model_domains[1].cpus[1], 0);
    assert_int_equal(model_domains[1].cpus[2], 0xc);
    assert_string_equal(model_domains[1].identity.name, "linux");
    assert_int_equal(model_domains[1].paging, (128 + 8 + 3 * 8) * PAGE);
}

static void rights_go_to_the_control_domain_but_not_those_on_safe_domains(void **state)
{
    (void)state;
    add_domain("plain")->keep_modules = true;
    struct plan_domain *safe = add_domain("safe");
    safe->keep_modules = true;
    safe->flags = BULKHEAD_DOMAIN_SAFE;
    struct plan_domain *control = add_domain("control");
    control->keep_modules = true;
    control->role = BULKHEAD_ROLE_CONTROL;
    control->flags = BULKHEAD_DOMAIN_SAFE;
    run_all();
    builder_hand_over_platform(&builder);
    assert_said_nothing();
    uint16_t controller = builder.states[2].domid;
    const struct model_domain *plain = &model_domains[builder.states[0].domid];
    const struct model_domain *kept_safe = &model_domains[builder.states[1].domid];
    for (uint32_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
        bool on_platform = right == BULKHEAD_RIGHT_CREATE || right == BULKHEAD_RIGHT_PLATFORM ||
                           right == BULKHEAD_RIGHT_LABEL || right == BULKHEAD_RIGHT_MEASUREMENT;
        if (on_platform) {
            assert_int_equal(model_domains[0].holder[right], controller);
        } else if (right != BULKHEAD_RIGHT_BUILD) {
            bool is_harmless = right == BULKHEAD_RIGHT_INFO || right == BULKHEAD_RIGHT_CONSOLE;
            assert_int_equal(plain->holder[right], controller);
            assert_int_equal(kept_safe->holder[right], is_harmless ? controller : DOMID_INVALID);
        }
    }
}

static void rights_are_gone_without_a_control_domain(void **state)
{
    (void)state;
    add_domain("plain")->keep_modules = true;
    run_all();
    builder_hand_over_platform(&builder);
    assert_int_equal(model_domains[1].holder[BULKHEAD_RIGHT_DESTROY], DOMID_INVALID);
    assert_int_equal(model_domains[1].holder[BULKHEAD_RIGHT_MAP_FOREIGN], DOMID_INVALID);
    assert_int_equal(model_domains[0].holder[BULKHEAD_RIGHT_CREATE], DOMID_INVALID);
}

static void a_domain_that_cannot_be_built_is_destroyed_and_named(void **state)
{
    (void)state;
    add_domain("small")->memory = 2 * MIB;
    add_domain("good")->keep_modules = true;
    run_all();
    assert_said("boot: domain 'small': the kernel needs 4096 KiB of memory, the domain has 2048 KiB for it; "
                "give more memory");
    assert_false(builder.states[0].is_started);
    assert_true(builder.states[1].is_started);
}

static void what_waits_for_a_failed_domain_is_not_started(void **state)
{
    (void)state;
    add_domain("store")->memory = 2 * MIB;
    struct plan_domain *user = add_domain("user");
    user->after[0] = 1;
    run_all();
    assert_non_null(
        strstr(said(), "boot: domain 'user': not started, because 'store' was not; put that right first\n"));
    assert_false(builder.states[1].is_started);
    assert_false(model_domains[1].exists);
}

static void refuses_a_damaged_gzip_kernel_after_its_header(void **state)
{
    (void)state;
    char path[] = "/tmp/builder_test_XXXXXX";
    char command[128];
    int file = mkstemp(path);
    FILE *out = fdopen(file, "w");
    fwrite(kernel_file, 1, KERNEL_BYTES, out);
    fclose(out);
    snprintf(command, sizeof(command), "gzip -1 -c %s", path);
    FILE *pipe = popen(command, "r");
    static uint8_t packed[4 << 20];
    size_t size = fread(packed, 1, sizeof(packed), pipe);
    assert_int_equal(pclose(pipe), 0);
    remove(path);
    struct plan_domain *good = add_domain("good");
    good->modules[PLAN_KERNEL].data = packed;
    good->modules[PLAN_KERNEL].size = size;
    run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    packed[size - 8] ^= 0xff; /* checksum */
    struct plan_domain *bad = add_domain("bad");
    bad->modules[PLAN_KERNEL] = good->modules[PLAN_KERNEL];
    builder_run(&builder, 1);
    assert_said("boot: domain 'bad': the kernel is damaged gzip data (incorrect data check); compress it again");
    assert_true(model_domains[2].is_destroyed);
}

/* Each call that can fail is made to fail once. */
static void every_refusal_of_the_hypervisor_ends_cleanly(void **state)
{
    static const int64_t errors[] = {-XEN_ENOMEM, -XEN_EPERM, -XEN_EIO};
    uint32_t n = 0;
    bool is_started = false;

    (void)state;
    while (!is_started) {
        for (uint32_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
            stop(NULL);
            start(NULL);
            struct plan_domain *domain = add_domain("linux");
            domain->keep_modules = true;
            plan.affinity[0] = 1;
            add_ramdisk(domain);
            model_fail(n, errors[i]);
            builder_run(&builder, 0);
            is_started = builder.states[0].is_started;
            if (!is_started) {
                assert_non_null(strstr(said(), "boot: domain 'linux': the hypervisor refuses to "));
                assert_false(model_domains[1].exists);
                assert_false(model_domains[1].is_running);
            }
        }
        n++;
    }
    assert_true(n > 15);
    assert_said_nothing();
}

static void gives_the_devices_of_the_partial_tree(void **state)
{
    (void)state;
    uint64_t size;
    uint8_t *partial = compile(TEST_FOLDER "/guest_trees/partial.in.dts", &size);
    struct plan_domain *domain = add_domain("rtc");
    memmove(partial + 4, partial, size); /* as in an archive: 4-byte aligned */
    domain->keep_modules = true;
    domain->modules[PLAN_DEVICE_TREE] = (struct plan_module){.name = "partial", .data = partial + 4, .size = size};
    run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_int_equal(model_domains[1].register_count, 1);
    assert_int_equal(model_domains[1].registers[0].machine, 0x9010000);
    assert_int_equal(model_domains[1].registers[0].guest, 0x9010000);
    assert_int_equal(model_domains[1].registers[0].size, 0x1000);
    assert_int_equal(model_domains[1].interrupt_count, 1);
    assert_int_equal(model_domains[1].interrupts[0], 34);
    struct plan_domain *again = add_domain("again");
    again->keep_modules = true;
    again->modules[PLAN_DEVICE_TREE] = domain->modules[PLAN_DEVICE_TREE];
    again->flags = BULKHEAD_DOMAIN_SAFE; /* the tree forces a device past the IOMMU */
    builder_run(&builder, 1);
    assert_said("boot: domain 'again': device 'rtc@9010000' is given by xen,force-assign-without-iommu, but there are "
                "safe domains; take it out");
    assert_false(model_domains[2].exists);
    free(partial);
}

static void refuses_a_damaged_partial_tree(void **state)
{
    static uint64_t junk[16];

    (void)state;
    struct plan_domain *domain = add_domain("d");
    domain->modules[PLAN_DEVICE_TREE] =
        (struct plan_module){.name = "partial.dtb", .data = (const uint8_t *)junk, .size = sizeof(junk)};
    run_all();
    assert_said("boot: partial.dtb: not a whole device tree (FDT_ERR_BADMAGIC); build it again with dtc");
    assert_false(model_domains[1].exists);
}

static void names_a_module_outside_that_cannot_be_read(void **state)
{
    (void)state;
    struct plan_domain *domain = add_domain("far");
    domain->modules[PLAN_KERNEL] =
        (struct plan_module){.name = "module@48000000", .size = 4096, .is_outside = true, .outside = 0x48000000};
    model_fail(0, -XEN_EEXIST);
    run_all();
    assert_said("boot: domain 'far': module 'module@48000000' at 0x48000000: the hypervisor does not let it be read "
                "(error 17); load it elsewhere");
}

static void maps_a_page_outside_once(void **state)
{
    (void)state;
    static uint8_t flat[5000];
    fill(flat, sizeof(flat), sizeof(flat));
    model_set_outside(0x48000000, flat, sizeof(flat));
    for (uint32_t i = 0; i < 2; i++) {
        struct plan_domain *domain = add_domain(i == 0 ? "a" : "b");
        domain->modules[PLAN_KERNEL] =
            (struct plan_module){.name = "k", .size = sizeof(flat), .is_outside = true, .outside = 0x48000000};
    }
    run_all();
    assert_said_nothing();
    assert_file_at(1, 0x40000000, sizeof(flat), 0);
    assert_file_at(2, 0x40000000, sizeof(flat), 0);
}

static void says_when_a_domain_cannot_be_destroyed(void **state)
{
    (void)state;
    add_domain("linux");
    model_fail(1, -XEN_ENOMEM);
    model_fail_destroy();
    builder_run(&builder, 0);
    assert_non_null(strstr(said(), "boot: domain 'linux': it could not be destroyed; its memory stays in use\n"));
}

static void goes_on_without_a_control_domain_that_cannot_be_created(void **state)
{
    (void)state;
    struct plan_domain *control = add_domain("control");
    control->role = BULKHEAD_ROLE_CONTROL;
    add_domain("plain")->keep_modules = true;
    plan.domains[0].memory = 2 * MIB; /* nor can it be built later */
    model_fail(0, -XEN_ENOMEM);
    run_all();
    assert_false(builder.states[0].is_started);
    assert_true(builder.states[1].is_started);
    assert_int_equal(model_domains[builder.states[1].domid].holder[BULKHEAD_RIGHT_DESTROY], DOMID_INVALID);
}

static void names_the_refusal(void **state)
{
    (void)state;
    add_domain("linux");
    model_fail(0, -XEN_ENOMEM);
    builder_run(&builder, 0);
    assert_said("boot: domain 'linux': the hypervisor refuses to create the domain: no memory is left; "
                "give the domains less memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(copies_a_module_that_is_kept, start, stop),
        cmocka_unit_test_setup_teardown(moves_a_module_that_one_domain_uses, start, stop),
        cmocka_unit_test_setup_teardown(copies_a_module_that_two_use_or_that_is_not_aligned, start, stop),
        cmocka_unit_test_setup_teardown(gives_static_memory, start, stop),
        cmocka_unit_test_setup_teardown(direct_map_is_at_machine_addresses, start, stop),
        cmocka_unit_test_setup_teardown(reads_a_module_outside_the_image, start, stop),
        cmocka_unit_test_setup_teardown(sets_vcpus_names_and_affinity, start, stop),
        cmocka_unit_test_setup_teardown(rights_go_to_the_control_domain_but_not_those_on_safe_domains, start, stop),
        cmocka_unit_test_setup_teardown(rights_are_gone_without_a_control_domain, start, stop),
        cmocka_unit_test_setup_teardown(a_domain_that_cannot_be_built_is_destroyed_and_named, start, stop),
        cmocka_unit_test_setup_teardown(what_waits_for_a_failed_domain_is_not_started, start, stop),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_gzip_kernel_after_its_header, start, stop),
        cmocka_unit_test_setup_teardown(every_refusal_of_the_hypervisor_ends_cleanly, start, stop),
        cmocka_unit_test_setup_teardown(gives_the_devices_of_the_partial_tree, start, stop),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_partial_tree, start, stop),
        cmocka_unit_test_setup_teardown(names_a_module_outside_that_cannot_be_read, start, stop),
        cmocka_unit_test_setup_teardown(maps_a_page_outside_once, start, stop),
        cmocka_unit_test_setup_teardown(says_when_a_domain_cannot_be_destroyed, start, stop),
        cmocka_unit_test_setup_teardown(goes_on_without_a_control_domain_that_cannot_be_created, start, stop),
        cmocka_unit_test_setup_teardown(names_the_refusal, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
