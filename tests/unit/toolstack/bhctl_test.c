/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~bhctl-verbs~1] [utest->dsn~bhctl-errors~1] [utest->dsn~bhctl-json~1] */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bhctl_fixture.h"
#include "core/console.h"
#include "core/label.h"

#include <string.h>

#include <xen/sched.h>

static void lists_what_may_be_seen(void **state)
{
    (void)state;
    assert_int_equal(run("list"), BHCTL_GOOD);
    assert_non_null(strstr(said, "Name                    ID   Mem   VCPUs State"));
    assert_non_null(strstr(said, "\ncontrol                 1    2     1 "));
    assert_non_null(strstr(said, "\nbrake                   2    2     1 "));
    assert_non_null(strstr(said, " control  safe\n"));
    assert_non_null(strstr(said, "\nlinux                   3    2     2 "));
    assert_int_equal(run("list brake"), BHCTL_GOOD);
    assert_null(strstr(said, "linux"));
    assert_int_equal(run("  list\t3 "), BHCTL_GOOD);
    assert_non_null(strstr(said, "linux"));
    assert_int_equal(run("vcpu-list linux"), BHCTL_GOOD);
    assert_non_null(strstr(said, "\nlinux                   3    0    "));
    assert_non_null(strstr(said, "\nlinux                   3    1    "));
    assert_int_equal(run("mem"), BHCTL_GOOD);
    assert_non_null(strstr(said, " CPUs, 96 MiB of RAM, "));
    assert_non_null(strstr(said, "\nbrake                   2    2048     "));
    assert_int_equal(run("ports linux"), BHCTL_GOOD);
    assert_int_equal(run("info linux"), BHCTL_GOOD);
}

static void pauses_and_unpauses_what_it_may(void **state)
{
    (void)state;
    assert_int_equal(run("pause linux"), BHCTL_GOOD);
    assert_int_equal(linux_domain->pause_count, 1);
    assert_int_equal(run("list linux"), BHCTL_GOOD);
    assert_non_null(strstr(said, "-p---"));
    assert_int_equal(run("unpause linux"), BHCTL_GOOD);
    assert_int_equal(linux_domain->pause_count, 0);
    assert_int_equal(run("unpause linux"), BHCTL_FAILED);
    assert_string_equal(said, "bhctl: unpause failed: not in the state that it is in, or no such number\n");
    clock_step = 1000;
    assert_int_equal(run("destroy linux"), BHCTL_GOOD);
    assert_int_equal(run("list linux"), BHCTL_NOBODY);
}

static void a_refusal_names_the_rule(void **state)
{
    static const char *const verbs[] = {"pause", "unpause", "destroy"};

    (void)state;
    for (uint32_t i = 0; i < 3u; i++) {
        char line[40];

        strcpy(line, verbs[i]);
        strcat(line, " brake");
        assert_int_equal(run(line), BHCTL_REFUSED);
        assert_non_null(strstr(said, " of brake is refused: it is a safe domain, and its description gives nobody here "
                                     "the right '"));
        assert_non_null(strstr(said, "' [safe-domain-protected]\n"));
    }
    assert_int_equal(domain_state(brake), DOMAIN_LIVE);
    assert_int_equal(brake->pause_count, 0);
    assert_int_equal(move_right(caller, BULKHEAD_RIGHT_PAUSE, linux_domain->id, DOMID_INVALID), OK);
    assert_int_equal(run("pause linux"), BHCTL_REFUSED);
    assert_string_equal(said, "bhctl: pause of linux is refused: this domain does not hold the right 'pause' over it "
                              "[right-over-domain]\n");
    caller = vcpu_of(linux_domain->id, 0);
    assert_int_equal(run("dmesg"), BHCTL_REFUSED);
    assert_string_equal(said, "bhctl: dmesg is refused: this domain does not hold the right 'console' that it needs "
                              "[right-over-platform]\n");
    caller = vcpu_of(brake->id, 0); /* holds nothing at all */
    assert_int_equal(run("list"), BHCTL_REFUSED);
}

static void says_what_is_wrong_with_a_command(void **state)
{
    (void)state;
    ARE_USAGE_ERRORS("pause", "pause a b", "dmesg x", "list a b c d e f g h i j k");
    assert_int_equal(run(""), BHCTL_GOOD);
    ARE_USAGE_ERRORS("explode");
    assert_string_equal(said, "bhctl: there is no verb 'explode'; 'help' lists them\n");
    assert_int_equal(run("pause nobody"), BHCTL_NOBODY);
    assert_string_equal(said, "bhctl: there is no domain 'nobody' that may be seen; 'list' shows them\n");
    assert_int_equal(run("pause 77"), BHCTL_NOBODY);
    assert_int_equal(run("pause 99999999999999999999"), BHCTL_NOBODY);
    assert_int_equal(run("help"), BHCTL_GOOD);
    assert_non_null(strstr(said, "  pause       DOMAIN  it stops where it is\n"));
}

/* [utest->dsn~rights-readable~1] */
static void tells_who_holds_which_right(void **state)
{
    (void)state;
    assert_int_equal(run("privileges"), BHCTL_GOOD);
    assert_string_equal(said,
                        "rights over control: control: console info\n"
                        "rights over brake: control: console info\n"
                        "rights over linux: control: destroy pause restart map-foreign device-model assign-device "
                        "schedule suspend console clone info\n"
                        "rights over the platform: control: console info\n");
    assert_int_equal(run("privileges brake"), BHCTL_GOOD);
    assert_string_equal(said, "rights over brake: control: console info\n");
}

/* [utest->dsn~bhctl-health~2] */
static void tells_restarts_failures_and_the_last_crash(void **state)
{
    struct vcpu *v = vcpu_of(linux_domain->id, 0);

    (void)state;
    assert_int_equal(run("health"), BHCTL_GOOD);
    assert_non_null(strstr(said, "\nbrake                   0        0.000     0   0      0     "));
    assert_non_null(strstr(said, " -            -\n"));
    assert_int_equal(run("restart linux"), BHCTL_FAILED);
    assert_string_equal(said, "bhctl: restart failed: its description does not say `restartable: true` "
                              "[not-restartable]\n");
    assert_int_equal(run("restart brake"), BHCTL_REFUSED);
    assert_non_null(strstr(said, "the right 'restart' [safe-domain-protected]"));
    console_write(linux_domain, "oh dear\n", 8);
    hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_shutdown, (uint64_t)(uintptr_t)&(struct sched_shutdown){SHUTDOWN_crash},
              0);
    settle();
    assert_int_equal(run("health linux"), BHCTL_GOOD);
    assert_non_null(strstr(said, " crash\nlast crash: crash on vCPU 0 after "));
    assert_non_null(strstr(said, "\n  pc       0000"));
    assert_non_null(strstr(said, "\n  x30      0000"));
    assert_non_null(strstr(said, "its last lines:\noh dear\n"));
    linux_domain->health.restarts = 2;
    assert_int_equal(run("health linux"), BHCTL_GOOD);
    assert_non_null(strstr(said, " call         crash\n"));
    linux_domain->health.cause = 1 + BULKHEAD_EVENT_WATCHDOG;
    assert_int_equal(run("health linux"), BHCTL_GOOD);
    assert_non_null(strstr(said, " watchdog     crash\n"));
    linux_domain->health.cause = 1 + BULKHEAD_EVENT_COUNT; /* of a later hypervisor */
    assert_int_equal(run("health linux --json"), BHCTL_GOOD);
    assert_non_null(strstr(said, "\"cause\": \"?\", \"last\": \"crash\"}"));
    assert_int_equal(run("list linux"), BHCTL_GOOD);
    assert_non_null(strstr(said, "sc- "));
    assert_int_equal(run("resume linux"), BHCTL_FAILED);
}

static void tells_budgets_and_switches_schedules(void **state)
{
    (void)state;
    assert_int_equal(run("sched"), BHCTL_GOOD);
    assert_null(strstr(said, "brake")); /* nobody may ask */
    assert_non_null(strstr(said, "\nlinux                   0          0          no\n"));
    assert_int_equal(run("sched brake"), BHCTL_REFUSED);
    ARE_USAGE_ERRORS("switch 0", "switch 0 x");
    assert_int_equal(run("switch 0 1"), BHCTL_REFUSED);
    assert_string_equal(said, "bhctl: switch is refused: this domain does not hold the right 'schedule' that it needs "
                              "[right-over-platform]\n");
}

static void tells_cpu_time_since_it_was_told_last(void **state)
{
    (void)state;
    clock_ns = 1000000000;
    assert_int_equal(run("top"), BHCTL_GOOD);
    clock_ns += 1000000000;
    assert_int_equal(run("top linux"), BHCTL_GOOD);
    assert_non_null(strstr(said, "Name                    State   Time(s)    CPU(%)\nlinux "));
    assert_int_equal(port.interval, 1000000000);
}

static void ends_the_machine_only_with_the_right_to(void **state)
{
    (void)state;
    ARE_USAGE_ERRORS("power", "power down", "power off soon", "power off 5 6");
    assert_int_equal(run("power reset 5"), BHCTL_REFUSED);
    assert_string_equal(said, "bhctl: power is refused: this domain does not hold the right 'platform' that it needs "
                              "[right-over-platform]\n");
}

static char created[32]; /* what was asked for: "FIRST SECOND" */
static bool created_paused;

static enum bhctl_exit note_creation(struct bhctl_port *unused, const char *first, const char *second, bool paused)
{
    (void)unused;
    strcpy(created, first);
    strcat(created, " ");
    strcat(created, (second != NULL) ? second : "-");
    created_paused = paused;
    return BHCTL_NOBODY;
}

/* [utest->dsn~bhctl-create~1] */
static void create_takes_an_archive_a_name_and_whether_it_waits(void **state)
{
    (void)state;
    assert_int_equal(run("create guest.cpio"), BHCTL_REFUSED);
    assert_string_equal(said, "bhctl: create is refused: this program has no archives [no-archive]\n");
    port.create = note_creation;
    ARE_USAGE_ERRORS("create", "create --pause guest.cpio", "create a b c");
    assert_string_equal(created, "");
    assert_int_equal(run("create guest.cpio"), BHCTL_NOBODY);
    assert_string_equal(created, "guest.cpio -");
    assert_false(created_paused);
    assert_int_equal(run("create guest.cpio --paused one"), BHCTL_NOBODY);
    assert_string_equal(created, "guest.cpio one");
    assert_true(created_paused);
    port.create = NULL;
}

static void says_why_something_is_not_there(void **state)
{
    static const char *const verbs[] = {"suspend linux"};

    (void)state;
    for (uint32_t i = 0; i < 1u; i++) {
        assert_int_equal(run(verbs[i]), BHCTL_REFUSED);
        assert_non_null(strstr(said, " is refused: "));
        assert_non_null(strstr(said, "]\n"));
    }
}

/* [utest->dsn~bhctl-labels~1] */
static void shows_labels_and_what_they_refuse(void **state)
{
    static struct bulkhead_labels labels = {.magic = BULKHEAD_LABELS_MAGIC, .count = 2};
    struct bulkhead_label_policy p = {.labels = (uint64_t)(uintptr_t)&labels};

    (void)state;
    label_count = 0;
    assert_int_equal(run("labels"), BHCTL_FAILED);
    assert_string_equal(said, "bhctl: labels failed: the description of the system says no `labels:` [no-labels]\n");
    strcpy(labels.label[0], "u:r:none");
    strcpy(labels.label[1], "u:r:one");
    labels.allowed[0][1] = 1u << BULKHEAD_RIGHT_INFO;
    boot = machine_start();
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_LABELS, &p), OK);
    start(NULL);
    label_give(linux_domain->slot, 1);
    assert_int_equal(run("labels linux"), BHCTL_GOOD);
    assert_string_equal(said, "the label policy is enforced\n"
                              "Name                    ID   Label\n"
                              "linux                   3    u:r:one\n");
    assert_int_equal(run("pause linux"), BHCTL_REFUSED);
    assert_string_equal(said, "bhctl: pause of linux is refused: the label policy does not allow it [label-policy]\n");
    assert_int_equal(run("labels linux --json"), BHCTL_GOOD);
    assert_non_null(strstr(said, "\"label\": \"u:r:one\""));
    label_count = 0;
}

static void moves_the_input_and_reads_the_console(void **state)
{
    char got[4];

    (void)state;
    assert_int_equal(run("console linux"), BHCTL_GOOD);
    upcall_console_input('x');
    assert_int_equal(console_take(linux_domain, got, sizeof(got)), 1);
    console_line("before", 6);
    console_line("last but one", 12);
    console_line("last", 4);
    assert_int_equal(run("dmesg 2"), BHCTL_GOOD);
    assert_string_equal(said, "(bulkhead) last but one\n(bulkhead) last\n");
    for (uint32_t i = 0; i < 30u; i++) {
        console_line("more", 4);
    }
    assert_int_equal(run("dmesg"), BHCTL_GOOD);
    assert_int_equal(said_bytes, 20u * strlen("(bulkhead) more\n"));
}

static void writes_json(void **state)
{
    (void)state;
    assert_int_equal(run("list --json"), BHCTL_GOOD);
    assert_memory_equal(said, "[\n {\"name\": \"control\", \"id\": 1, \"mib\": 2, \"vcpus\": 1, \"state\": \"", 62);
    assert_non_null(strstr(said, "\"role\": \"domu\", \"safety\": \"-\"}\n]\n"));
    assert_int_equal(run("--json ports linux"), BHCTL_GOOD);
    assert_string_equal(said, "[]\n");
    assert_int_equal(run("privileges brake --json"), BHCTL_GOOD);
    assert_string_equal(said, "[\n {\"over\": \"brake\", \"holder\": \"control\", \"rights\": \"console info\"}\n]\n");
    assert_int_equal(run("health brake --json"), BHCTL_GOOD);
    assert_non_null(strstr(said, "\"restarts\": 0, \"took_ms\": 0.000, \"poweroff\": 0, "));
    assert_int_equal(run("list brake"), BHCTL_GOOD);
    assert_null(strstr(said, "{"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lists_what_may_be_seen, start),
        cmocka_unit_test_setup(pauses_and_unpauses_what_it_may, start),
        cmocka_unit_test_setup(a_refusal_names_the_rule, start),
        cmocka_unit_test_setup(says_what_is_wrong_with_a_command, start),
        cmocka_unit_test_setup(tells_who_holds_which_right, start),
        cmocka_unit_test_setup(tells_restarts_failures_and_the_last_crash, start),
        cmocka_unit_test_setup(tells_budgets_and_switches_schedules, start),
        cmocka_unit_test_setup(tells_cpu_time_since_it_was_told_last, start),
        cmocka_unit_test_setup(ends_the_machine_only_with_the_right_to, start),
        cmocka_unit_test_setup(create_takes_an_archive_a_name_and_whether_it_waits, start),
        cmocka_unit_test_setup(says_why_something_is_not_there, start),
        cmocka_unit_test_setup(shows_labels_and_what_they_refuse, start),
        cmocka_unit_test_setup(moves_the_input_and_reads_the_console, start),
        cmocka_unit_test_setup(writes_json, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
