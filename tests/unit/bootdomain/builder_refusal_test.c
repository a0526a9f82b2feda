/* SPDX-License-Identifier: Apache-2.0 */
/* Domains that cannot be built.
 * [utest->dsn~boot-builder~1] [utest->dsn~boot-gzip~1] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <xen/xen.h>
#include <xen/errno.h>

#include "builder_fixture.h"
#include "model.h"

static void a_domain_that_cannot_be_built_is_destroyed_and_named(void **state)
{
    (void)state;
    builder_add("small")->memory = 2 * MIB;
    builder_add("good")->keep_modules = true;
    builder_run_all();
    assert_said("boot: domain 'small': the kernel needs 4096 KiB of memory, the domain has 2048 KiB for it; "
                "give more memory");
    assert_false(builder.states[0].is_started);
    assert_true(builder.states[1].is_started);
}

static void what_waits_for_a_failed_domain_is_not_started(void **state)
{
    (void)state;
    builder_add("store")->memory = 2 * MIB;
    struct plan_domain *user = builder_add("user");
    user->after[0] = 1;
    builder_run_all();
    assert_non_null(
        strstr(said(), "boot: domain 'user': not started, because 'store' was not; put that right first\n"));
    assert_false(builder.states[1].is_started);
    assert_false(model_domains[1].exists);
}

/* A gzip file of an Image that has `bytes` bytes and says that it needs `says` in memory. */
static size_t make_gzip(uint8_t *packed, size_t room, uint64_t bytes, uint64_t says)
{
    char path[] = "/tmp/builder_test_XXXXXX";
    char command[128];
    int file = mkstemp(path);
    FILE *out = fdopen(file, "w");

    memcpy(&kernel_file[16], &says, 8);
    assert_int_equal(fwrite(kernel_file, 1, bytes, out), bytes);
    fclose(out);
    snprintf(command, sizeof(command), "gzip -1 -c %s", path);
    FILE *pipe = popen(command, "r");
    size_t size = fread(packed, 1, room, pipe);
    assert_int_equal(pclose(pipe), 0);
    remove(path);
    return size;
}

static void refuses_a_damaged_gzip_kernel_after_its_header(void **state)
{
    (void)state;
    static uint8_t packed[4 << 20];
    size_t size = make_gzip(packed, sizeof(packed), KERNEL_BYTES, 4 * MIB);
    struct plan_domain *good = builder_add("good");
    good->modules[PLAN_KERNEL].data = packed;
    good->modules[PLAN_KERNEL].size = size;
    builder_run_all();
    assert_said_nothing();
    assert_whole_domain(1);
    packed[size - 8] ^= 0xff; /* checksum */
    struct plan_domain *bad = builder_add("bad");
    bad->modules[PLAN_KERNEL] = good->modules[PLAN_KERNEL];
    builder_run(&builder, 1);
    assert_said("boot: domain 'bad': the kernel is damaged gzip data (incorrect data check); compress it again");
    assert_true(model_domains[2].is_destroyed);
}

/* Each call that can fail is made to fail once. */
static void inflates_no_further_than_the_header_says(void **state)
{
    static uint8_t packed[4 << 20];
    static const struct {
        uint64_t bytes;
        bool is_good;
    } cases[] = {{3 * MIB, true}, {3 * MIB + 1, false}, {3 * MIB - 1, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct plan_domain *domain = builder_add("zip");
        said_clear();
        domain->modules[PLAN_KERNEL].data = packed;
        domain->modules[PLAN_KERNEL].size = make_gzip(packed, sizeof(packed), cases[i].bytes, 3 * MIB);
        builder_run(&builder, (uint32_t)i);
        assert_int_equal(builder.states[i].is_started, cases[i].is_good);
        if (cases[i].is_good) {
            assert_said_nothing();
            assert_file_at(builder.states[i].domid, 0x40000000, cases[i].bytes, 64);
        } else {
            assert_said(
                "boot: domain 'zip': the kernel is damaged gzip data (it is longer than its Image header says); "
                "compress it again");
        }
    }
}

static void every_refusal_of_the_hypervisor_ends_cleanly(void **state)
{
    static const int64_t errors[] = {-XEN_ENOMEM, -XEN_EPERM, -XEN_EIO};
    uint32_t n = 0;
    bool is_started = false;

    (void)state;
    while (!is_started) {
        for (uint32_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
            builder_stop(NULL);
            builder_start(NULL);
            struct plan_domain *domain = builder_add("linux");
            domain->keep_modules = true;
            plan.affinity[0] = 1;
            builder_add_ramdisk(domain);
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

static void refuses_a_damaged_partial_tree(void **state)
{
    static uint64_t junk[16];

    (void)state;
    struct plan_domain *domain = builder_add("d");
    domain->modules[PLAN_DEVICE_TREE] =
        (struct plan_module){.name = "partial.dtb", .data = (const uint8_t *)junk, .size = sizeof(junk)};
    builder_run_all();
    assert_said("boot: partial.dtb: not a whole device tree (FDT_ERR_BADMAGIC); build it again with dtc");
    assert_false(model_domains[1].exists);
}

static void names_a_module_outside_that_cannot_be_read(void **state)
{
    (void)state;
    struct plan_domain *domain = builder_add("far");
    domain->modules[PLAN_KERNEL] =
        (struct plan_module){.name = "module@48000000", .size = 4096, .is_outside = true, .outside = 0x48000000};
    model_fail(0, -XEN_EEXIST);
    builder_run_all();
    assert_said("boot: domain 'far': module 'module@48000000' at 0x48000000: the hypervisor does not let it be read "
                "(error 17); load it elsewhere");
}

static void says_when_a_domain_cannot_be_destroyed(void **state)
{
    (void)state;
    builder_add("linux");
    model_fail(1, -XEN_ENOMEM);
    model_fail_destroy();
    builder_run(&builder, 0);
    assert_non_null(
        strstr(said(), "boot: domain 'linux': it could not be destroyed (error 16); its memory stays in use\n"));
}

static void goes_on_without_a_control_domain_that_cannot_be_created(void **state)
{
    (void)state;
    struct plan_domain *control = builder_add("control");
    control->role = BULKHEAD_ROLE_CONTROL;
    builder_add("plain")->keep_modules = true;
    plan.domains[0].memory = 2 * MIB; /* nor can it be built later */
    model_fail(0, -XEN_ENOMEM);
    builder_run_all();
    assert_false(builder.states[0].is_started);
    assert_true(builder.states[1].is_started);
    assert_int_equal(model_domains[builder.states[1].domid].holder[BULKHEAD_RIGHT_DESTROY], DOMID_INVALID);
}

static void names_the_refusal(void **state)
{
    (void)state;
    builder_add("linux");
    model_fail(0, -XEN_ENOMEM);
    builder_run(&builder, 0);
    assert_said("boot: domain 'linux': the hypervisor refuses to create the domain: no memory is left; "
                "give the domains less memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_domain_that_cannot_be_built_is_destroyed_and_named, builder_start,
                                        builder_stop),
        cmocka_unit_test_setup_teardown(what_waits_for_a_failed_domain_is_not_started, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_gzip_kernel_after_its_header, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(inflates_no_further_than_the_header_says, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(every_refusal_of_the_hypervisor_ends_cleanly, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_partial_tree, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(names_a_module_outside_that_cannot_be_read, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(says_when_a_domain_cannot_be_destroyed, builder_start, builder_stop),
        cmocka_unit_test_setup_teardown(goes_on_without_a_control_domain_that_cannot_be_created, builder_start,
                                        builder_stop),
        cmocka_unit_test_setup_teardown(names_the_refusal, builder_start, builder_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
