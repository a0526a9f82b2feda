/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl create against the model of the hypervisor that the Boot Domain's builder is tested with.
 * [utest->dsn~bhctl-create~1] [utest->dsn~bhctl-create-ordinary~1] */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bulkhead/label.h>
#include <bulkhead/launch.h>
#include <xen/errno.h>

#include "calls.h"
#include "create.h"
#include "model.h"

static char buffer[BHCTL_BUFFER] __attribute__((aligned(4096)));
static char text[16384];
static uint64_t file[65536]; /* the archive */
static size_t file_bytes;
static uint64_t pages_left, ending;
static uint16_t creator;
static const char *known_label;
static uint64_t time_ns;

static int64_t physinfo(struct xen_sysctl *op)
{
    op->u.physinfo = (struct xen_sysctl_physinfo){.outstanding_pages = pages_left, .scrub_pages = ending};
    ending -= (ending > 0) ? 1 : 0;
    return 0;
}

static int64_t bulkhead(uint64_t op, void *structure)
{
    if (op == BULKHEAD_OP_GET_DOMAIN) {
        ((struct bulkhead_domain *)structure)->domid = 1;
    } else {
        struct bulkhead_rights *rights = structure;
        for (uint32_t i = 0; i < BULKHEAD_RIGHT_COUNT; i++) {
            rights->holder[i] = creator;
        }
    }
    return 0;
}

static int64_t label(struct xen_flask_op *op)
{
    char *to = op->u.sid_context.context.p;

    if (known_label == NULL || op->u.sid_context.sid != 7) {
        return -XEN_EINVAL;
    }
    op->u.sid_context.size = (uint32_t)strlen(known_label) + 1;
    memcpy(to, known_label, op->u.sid_context.size);
    return 0;
}

static int64_t call(struct bhctl_port *port, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    (void)port;
    (void)a2;
    switch (number) {
    case __HYPERVISOR_sysctl:
        return physinfo((void *)(uintptr_t)a0);
    case HYPERVISOR_BULKHEAD_OP:
        return bulkhead(a0, (void *)(uintptr_t)a1);
    case __HYPERVISOR_xsm_op:
        return label((void *)(uintptr_t)a0);
    default:
        return 0;
    }
}

static void write_text(struct bhctl_port *port, const char *from, size_t bytes)
{
    (void)port;
    strncat(text, from, bytes);
}

static uint64_t now(struct bhctl_port *port)
{
    (void)port;
    time_ns += UINT64_C(1000000000);
    return time_ns;
}

static struct bhctl_port port = {.call = call, .write = write_text, .now = now, .buffer = buffer};

static void put(const char *name, const void *data, size_t size)
{
    char *at = (char *)file + file_bytes;
    size_t header;

    sprintf(at, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 0u, 0100644u, 0u, 0u, 1u, 0u,
            (unsigned)size, 0u, 0u, 0u, 0u, (unsigned)strlen(name) + 1u, 0u);
    strcpy(at + 110, name);
    header = (110 + strlen(name) + 1 + 3) & ~(size_t)3;
    memcpy(at + header, data, size);
    file_bytes += (header + size + 3) & ~(size_t)3;
}

static void make_archive(bool with_tree)
{
    static uint8_t tree[16384];
    static struct bulkhead_labels labels;
    FILE *pipe = popen("dtc -q -I dts -O dtb '" TEST_FOLDER "/later.dts'", "r");
    size_t size = fread(tree, 1, sizeof(tree), pipe);

    assert_int_equal(pclose(pipe), 0);
    file_bytes = 0;
    memset(file, 0, sizeof(file));
    if (with_tree) {
        put(LAUNCH_DTB_MEMBER, tree, size);
    }
    strcpy(labels.label[2], "system_u:system_r:domU_t");
    put(BULKHEAD_LABELS_FILE, &labels, sizeof(labels));
    put("kernel", "a flat binary", 13);
    put("TRAILER!!!", "", 0);
}

static int start(void **state)
{
    (void)state;
    model_reset();
    model_board = (struct board_table){.magic = BOARD_MAGIC,
                                       .version = BOARD_VERSION,
                                       .size = sizeof(struct board_table),
                                       .cpu_count = 4,
                                       .ram_count = 1,
                                       .ram = {{0x40000000, 0x40000000}},
                                       .gic_spis = 64};
    make_archive(true);
    pages_left = 1024;
    creator = 1;
    known_label = "system_u:system_r:domU_t";
    text[0] = '\0';
    return 0;
}

static int stop(void **state)
{
    (void)state;
    model_reset();
    return 0;
}

static enum bhctl_exit create(const char *name, bool paused)
{
    text[0] = '\0';
    return create_domain(&port, (const uint8_t *)file, file_bytes, name, paused);
}

static void assert_text(const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in: %s", part, text);
    }
}

static void builds_and_starts_one_domain_of_the_archive(void **state)
{
    char got[13];

    (void)state;
    (void)create("plain", false);
    assert_string_equal(text, "");
    assert_true(model_domains[1].is_running);
    assert_string_equal(model_domains[1].identity.name, "plain");
    assert_int_equal(model_domains[1].cpus[0], 8);
    assert_int_equal(model_domains[1].label, 7); /* the running policy's number */
    assert_int_equal(model_moved_pages(1), 0);   /* the archive stays */
    model_read(1, 0x40000000, got, sizeof(got));
    assert_memory_equal(got, "a flat binary", sizeof(got));
    assert_int_equal(create("other", true), BHCTL_GOOD); /* what it waits for at a launch does not matter */
    assert_false(model_domains[2].is_running);
    assert_true(model_domains[2].is_sealed);
    for (uint32_t i = 0; i < BULKHEAD_RIGHT_COUNT; i++) { /* nothing is handed on */
        assert_int_equal(model_domains[1].holder[i], DOMID_BOOT);
    }
}

static void what_the_launch_alone_gives_is_refused(void **state)
{
    (void)state;
    assert_int_equal(create("special", false), BHCTL_REFUSED);
    assert_text("bhctl: domain 'special': it is safe, which only the launch gives; take that out [dynamic-ordinary]\n");
    assert_text("it has a role, ");
    assert_text("it has static memory, ");
    assert_text("it has modules outside the archive, ");
    assert_text("it has static channels, shared memory or devices of other domains, ");
    assert_false(model_domains[1].exists);
}

static void who_may_not_is_told_the_rule(void **state)
{
    (void)state;
    creator = 2;
    assert_int_equal(create("plain", false), BHCTL_REFUSED);
    assert_string_equal(text, "bhctl: create is refused: this domain does not hold the right 'create' that it needs "
                              "[right-over-platform]\n");
}

static void memory_and_labels_that_are_not_there_are_named(void **state)
{
    (void)state;
    pages_left = 511;
    assert_int_equal(create("plain", false), BHCTL_REFUSED);
    assert_string_equal(text, "bhctl: domain 'plain': it has 2048 KiB, of what the launch set aside for later domains "
                              "2044 KiB are left; destroy one, or write more `dynamic: { memory }` [dynamic-memory]\n");
    pages_left = 512;
    known_label = "system_u:system_r:another_t";
    assert_int_equal(create("plain", false), BHCTL_REFUSED);
    assert_text("the label policy of this system does not know its label; ");
    assert_text("[dynamic-label]");
}

static void a_name_that_is_not_there_is_nobody(void **state)
{
    (void)state;
    assert_int_equal(create("nobody", false), BHCTL_NOBODY);
    assert_string_equal(text, "bhctl: the archive has 4 domains, none 'nobody'\n");
    assert_int_equal(create(NULL, false), BHCTL_NOBODY);
    assert_string_equal(text, "bhctl: the archive has 4 domains; name one\n");
}

static void a_damaged_archive_is_refused(void **state)
{
    (void)state;
    make_archive(false);
    assert_int_equal(create("plain", false), BHCTL_FAILED);
    assert_text("bhctl: the archive has no member launch.dtb; ");
    file_bytes = 100;
    assert_int_equal(create("plain", false), BHCTL_FAILED);
    assert_text("the archive ends before its trailer");
}

/* The hypervisor may refuse anything: then nothing is left of the domain. */
static void whatever_the_hypervisor_refuses_nothing_is_left(void **state)
{
    static const int64_t errors[] = {-XEN_ENOMEM, -XEN_ENOSPC, -XEN_EINVAL, -XEN_EPERM};
    uint32_t steps;

    (void)state;
    assert_int_equal(create("plain", false), BHCTL_GOOD);
    steps = model_calls();
    for (uint32_t i = 0; i < steps; i++) {
        model_reset();
        (void)start(state);
        model_fail(i, errors[i % 4u]);
        ending = 3;
        assert_int_equal(create("plain", false), BHCTL_FAILED);
        assert_false(model_domains[1].exists && !model_domains[1].is_destroyed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(builds_and_starts_one_domain_of_the_archive, start, stop),
        cmocka_unit_test_setup_teardown(what_the_launch_alone_gives_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(who_may_not_is_told_the_rule, start, stop),
        cmocka_unit_test_setup_teardown(memory_and_labels_that_are_not_there_are_named, start, stop),
        cmocka_unit_test_setup_teardown(a_name_that_is_not_there_is_nobody, start, stop),
        cmocka_unit_test_setup_teardown(a_damaged_archive_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(whatever_the_hypervisor_refuses_nothing_is_left, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
