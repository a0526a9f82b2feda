/* SPDX-License-Identifier: Apache-2.0 */
/* What a built domain consists of.
 * [utest->dsn~boot-builder~1] [utest->dsn~boot-zero-copy~1] [utest->dsn~boot-ratchet~2] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <xen/xen.h>
#include <xen/errno.h>

#include "builder_fixture.h"
#include "hand_over.h"
#include "model.h"

static void copies_a_module_that_is_kept(void **state)
{
    (void)state;
    struct plan_domain *domain = builder_add("linux");
    domain->keep_modules = true;
    builder_add_ramdisk(domain);
    builder_run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_int_equal(model_moved_pages(1), 0);
    assert_file_at(1, 0x40e00000, RAMDISK_BYTES, 0);
    assert_zero_at(1, 0x40e00000 + RAMDISK_BYTES, PAGE - 1);
    assert_int_equal(kernel_file[1000], builder_pattern(1000));
}

/* [utest->dsn~boot-launch-record~1] */
static void seals_a_domain_that_is_kept(void **state)
{
    (void)state;
    struct plan_domain *domain = builder_add("linux");
    domain->keep_modules = true;
    domain->has_health = true;
    domain->health.max_restarts = 7;
    builder_add_ramdisk(domain);
    builder_add("other");
    builder_run_all();
    assert_said_nothing();
    assert_true(model_domains[1].is_sealed);
    assert_int_equal(model_domains[1].health.max_restarts, 7);
    assert_in_range(model_domains[1].sealed_pages - (KERNEL_BYTES / PAGE + 1) - (RAMDISK_BYTES / PAGE + 1), 1, 16);
    assert_false(model_domains[2].is_sealed);
    assert_int_equal(model_domains[2].sealed_pages, 0);
}

static void moves_a_module_that_one_domain_uses(void **state)
{
    (void)state;
    builder_add_ramdisk(builder_add("linux"));
    builder_run_all();
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
    struct plan_domain *a = builder_add("a");
    struct plan_domain *b = builder_add("b");
    a->modules[PLAN_KERNEL].shared = true;
    b->modules[PLAN_KERNEL].shared = true;
    builder_add_ramdisk(b);
    b->modules[PLAN_RAMDISK].data += 4;
    builder_run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_whole_domain(2);
    assert_int_equal(model_moved_pages(1) + model_moved_pages(2), 0);
}

static void gives_static_memory(void **state)
{
    (void)state;
    struct plan_domain *domain = builder_add("rt");
    domain->fixed_count = 2;
    domain->fixed[0] = (struct board_range){0x60000000, 10 * MIB};
    domain->fixed[1] = (struct board_range){0x70000000, 6 * MIB};
    builder_run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_int_equal(model_machine(1, 0x40000), 0x60000);
    assert_int_equal(model_machine(1, 0x40a00), 0x70000);
    assert_int_equal(model_moved_pages(1), 0);
}

static void direct_map_is_at_machine_addresses(void **state)
{
    (void)state;
    struct plan_domain *domain = builder_add("rt");
    domain->flags = BULKHEAD_DOMAIN_DIRECT;
    domain->fixed_count = 1;
    domain->fixed[0] = (struct board_range){0x60000000, 16 * MIB};
    builder_run_all();
    assert_said_nothing();
    assert_int_equal(model_domains[1].pc, 0x60000000);
    assert_int_equal(model_machine(1, 0x60000), 0x60000);
    assert_file_at(1, 0x60000000, KERNEL_BYTES, 64);
}

static void reads_a_module_outside_the_image(void **state)
{
    (void)state;
    struct plan_domain *domain = builder_add("far");
    static uint8_t flat[5000];
    builder_fill(flat, sizeof(flat), sizeof(flat));
    model_set_outside(0x48000123, flat, sizeof(flat));
    domain->modules[PLAN_KERNEL].data = NULL;
    domain->modules[PLAN_KERNEL].is_outside = true;
    domain->modules[PLAN_KERNEL].outside = 0x48000123;
    domain->modules[PLAN_KERNEL].size = sizeof(flat);
    builder_run_all();
    assert_said_nothing();
    assert_true(model_domains[1].is_running);
    assert_file_at(1, 0x40000000, sizeof(flat), 0);
}

static void sets_vcpus_names_and_affinity(void **state)
{
    (void)state;
    struct plan_domain *domain = builder_add("linux");
    domain->vcpus = 3;
    plan.affinity[0] = 0x2;
    plan.affinity[2] = 0xc;
    builder_run_all();
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
    builder_add("plain")->keep_modules = true;
    struct plan_domain *safe = builder_add("safe");
    safe->keep_modules = true;
    safe->flags = BULKHEAD_DOMAIN_SAFE;
    struct plan_domain *control = builder_add("control");
    control->keep_modules = true;
    control->role = BULKHEAD_ROLE_CONTROL;
    control->flags = BULKHEAD_DOMAIN_SAFE;
    builder_run_all();
    hand_over_rest(&builder);
    assert_said_nothing();
    uint16_t controller = builder.states[2].domid;
    assert_int_equal(model_domains[0].holder[BULKHEAD_RIGHT_INFO], controller);
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
    builder_add("plain")->keep_modules = true;
    builder_run_all();
    hand_over_rest(&builder);
    assert_int_equal(model_domains[1].holder[BULKHEAD_RIGHT_DESTROY], DOMID_INVALID);
    assert_int_equal(model_domains[1].holder[BULKHEAD_RIGHT_MAP_FOREIGN], DOMID_INVALID);
    assert_int_equal(model_domains[0].holder[BULKHEAD_RIGHT_CREATE], DOMID_INVALID);
}

/* [utest->dsn~boot-grants~1] */
static void rights_given_by_name_go_to_that_domain_once_all_are_built(void **state)
{
    (void)state;
    struct plan_domain *brake = builder_add("brake");
    brake->keep_modules = true;
    brake->flags = BULKHEAD_DOMAIN_SAFE;
    brake->grantee[BULKHEAD_RIGHT_PAUSE] = 3; /* a domain that is built later */
    brake->grantee[BULKHEAD_RIGHT_RESTART] = 4;
    struct plan_domain *control = builder_add("control");
    control->keep_modules = true;
    control->role = BULKHEAD_ROLE_CONTROL;
    builder_add("watch")->keep_modules = true;
    struct plan_domain *bad = builder_add("bad"); /* never comes to be */
    bad->modules[PLAN_KERNEL].size = 1;
    bad->after[0] = 1u << 3;
    plan.grantee[BULKHEAD_RIGHT_CREATE] = 3;
    builder_run_all();
    const struct model_domain *target = &model_domains[builder.states[0].domid];
    assert_int_equal(target->holder[BULKHEAD_RIGHT_PAUSE], DOMID_BOOT);
    hand_over_rest(&builder);
    assert_int_equal(target->holder[BULKHEAD_RIGHT_PAUSE], builder.states[2].domid);
    assert_int_equal(target->holder[BULKHEAD_RIGHT_RESTART], DOMID_INVALID);
    assert_int_equal(target->holder[BULKHEAD_RIGHT_DESTROY], DOMID_INVALID);
    assert_int_equal(target->holder[BULKHEAD_RIGHT_INFO], builder.states[1].domid);
    assert_int_equal(model_domains[0].holder[BULKHEAD_RIGHT_CREATE], builder.states[2].domid);
    assert_int_equal(model_domains[0].holder[BULKHEAD_RIGHT_PLATFORM], builder.states[1].domid);
    hand_over_log(&builder);
    assert_non_null(strstr(said(), "boot: rights over brake: watch: pause\n"));
    assert_non_null(strstr(said(), "boot: rights over brake: control: console info\n"));
    assert_non_null(strstr(said(), "boot: rights over watch: control: destroy pause restart map-foreign"));
    assert_non_null(strstr(said(), "boot: rights over the platform: watch: create\n"));
    assert_null(strstr(said(), "over bad"));
}

static void gives_the_devices_of_the_partial_tree(void **state)
{
    (void)state;
    uint64_t size;
    uint8_t *partial = builder_compile(TEST_FOLDER "/guest_trees/partial.in.dts", &size);
    struct plan_domain *domain = builder_add("rtc");
    memmove(partial + 4, partial, size); /* as in an archive: 4-byte aligned */
    domain->keep_modules = true;
    domain->modules[PLAN_DEVICE_TREE] = (struct plan_module){.name = "partial", .data = partial + 4, .size = size};
    builder_run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    assert_int_equal(model_domains[1].register_count, 1);
    assert_int_equal(model_domains[1].registers[0].machine, 0x9010000);
    assert_int_equal(model_domains[1].registers[0].guest, 0x9010000);
    assert_int_equal(model_domains[1].registers[0].size, 0x1000);
    assert_int_equal(model_domains[1].interrupt_count, 1);
    assert_int_equal(model_domains[1].interrupts[0], 34);
    struct plan_domain *again = builder_add("again");
    again->keep_modules = true;
    again->modules[PLAN_DEVICE_TREE] = domain->modules[PLAN_DEVICE_TREE];
    again->flags = BULKHEAD_DOMAIN_SAFE; /* the tree forces a device past the IOMMU */
    builder_run(&builder, 1);
    assert_said("boot: domain 'again': device 'rtc@9010000' is given by xen,force-assign-without-iommu, but there are "
                "safe domains; take it out");
    assert_false(model_domains[2].exists);
    free(partial);
}

/* [utest->dsn~boot-channels~1] */
static void binds_channels_before_the_peer_exists(void **state)
{
    (void)state;
    builder_add("first")->keep_modules = true;
    struct plan_domain *control = builder_add("control");
    control->keep_modules = true;
    control->role = BULKHEAD_ROLE_CONTROL;
    control->flags = BULKHEAD_DOMAIN_SAFE;
    builder_add("third")->keep_modules = true;
    plan.channels[0] = (struct plan_channel){.domain = 0, .remote = 2, .port = 9, .remote_port = 4};
    plan.channels[1] =
        (struct plan_channel){.domain = 2, .remote = 0, .port = 4, .remote_port = 9, .min_interval = 1500};
    plan.channels[2] = (struct plan_channel){.domain = 0, .remote = 1, .port = 2, .remote_port = 6};
    plan.channels[3] = (struct plan_channel){.domain = 1, .remote = 0, .port = 6, .remote_port = 2};
    plan.channel_count = 4;
    builder_run_all();
    assert_said_nothing();
    const struct model_domain *first = &model_domains[2];
    assert_int_equal(builder.states[0].domid, 2);
    assert_int_equal(first->channel_count, 2);
    assert_int_equal(first->channels[0].port, 2);
    assert_int_equal(first->channels[0].remote, 1);
    assert_int_equal(first->channels[0].remote_port, 6);
    assert_int_equal(first->channels[1].port, 9);
    assert_int_equal(first->channels[1].remote, 3);
    assert_int_equal(model_domains[1].channels[0].remote, 2);
    assert_int_equal(model_domains[3].channels[0].remote, 2);
    assert_int_equal(model_domains[3].channels[0].min_interval, 2); /* a tick is a microsecond: rounded up */
}

/* [utest->dsn~boot-shared-memory~1] */
static void maps_shared_memory_made_once(void **state)
{
    static uint8_t fdt[65536];

    (void)state;
    builder_add("a");
    builder_add("b");
    plan.shares[0] = (struct plan_share){.id = "frames", .machine = {0x70000000, 2 * MIB}, .is_placed = true};
    plan.share_count = 1;
    plan.uses[0] = (struct plan_share_use){.domain = 0, .guest = 0x20000000};
    plan.uses[1] = (struct plan_share_use){.domain = 1, .guest = 0x28000000, .is_read_only = true};
    plan.use_count = 2;
    plan.domains[0].keep_modules = true;
    plan.domains[1].keep_modules = true;
    builder_run_all();
    assert_said_nothing();
    assert_int_equal(model_domains[0].share_count, 1);
    assert_int_equal(model_domains[0].shares[0].count, 512);
    assert_int_equal(model_domains[1].shares[0].gfn, 0x20000);
    assert_int_equal(model_domains[1].shares[0].flags, 0);
    assert_int_equal(model_domains[2].shares[0].gfn, 0x28000);
    assert_int_equal(model_domains[2].shares[0].mfn, 0x70000);
    assert_int_equal(model_domains[2].shares[0].flags, BULKHEAD_SHARE_READ_ONLY);
    assert_int_equal(model_domains[1].paging, (128 + 8 + 8 + 4 + 1) * PAGE);
    model_read(2, model_domains[2].x0, fdt, sizeof(fdt));
    int node = fdt_path_offset(fdt, "/reserved-memory/xen-shmem@28000000");
    assert_true(node >= 0);
    assert_int_equal(fdt_node_check_compatible(fdt, node, "xen,shared-memory-v1"), 0);
    assert_string_equal(fdt_getprop(fdt, node, "xen,id", NULL), "frames");
    assert_memory_equal(fdt_getprop(fdt, node, "reg", NULL), "\0\0\0\0\x28\0\0\0\0\0\0\0\0\x20\0\0", 16);
}

static void maps_a_page_outside_once(void **state)
{
    (void)state;
    static uint8_t flat[5000];
    builder_fill(flat, sizeof(flat), sizeof(flat));
    model_set_outside(0x48000000, flat, sizeof(flat));
    for (uint32_t i = 0; i < 2; i++) {
        struct plan_domain *domain = builder_add(i == 0 ? "a" : "b");
        domain->modules[PLAN_KERNEL] =
            (struct plan_module){.name = "k", .size = sizeof(flat), .is_outside = true, .outside = 0x48000000};
    }
    builder_run_all();
    assert_said_nothing();
    assert_file_at(1, 0x40000000, sizeof(flat), 0);
    assert_file_at(2, 0x40000000, sizeof(flat), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seals_a_domain_that_is_kept, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(copies_a_module_that_is_kept, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(moves_a_module_that_one_domain_uses, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(copies_a_module_that_two_use_or_that_is_not_aligned, builder_start,
                                        builder_stop),
        cmocka_unit_test_setup_teardown(gives_static_memory, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(direct_map_is_at_machine_addresses, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(reads_a_module_outside_the_image, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(sets_vcpus_names_and_affinity, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(rights_go_to_the_control_domain_but_not_those_on_safe_domains, builder_start,
                                        builder_stop),
        cmocka_unit_test_setup_teardown(rights_given_by_name_go_to_that_domain_once_all_are_built, builder_start,
                                        builder_stop),
        cmocka_unit_test_setup_teardown(rights_are_gone_without_a_control_domain, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(gives_the_devices_of_the_partial_tree, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(maps_a_page_outside_once, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(binds_channels_before_the_peer_exists, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(maps_shared_memory_made_once, builder_start, builder_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
