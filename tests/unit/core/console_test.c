/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "core/console.h"
#include "core/print.h"

#include <stdio.h>
#include <string.h>

static struct vcpu *boot;
static struct domain *one;
static struct domain *two;

static void say(struct domain *d, const char *text)
{
    for (; *text != '\0'; text++) {
        upcall_console_output(d, *text);
    }
}

/* The device can take more; output leaves in pieces, for each of which the console's CPU asks itself again. */
static void device_ready(void)
{
    uint32_t before;

    do {
        before = host_kicks(0);
        upcall_console_ready();
    } while (host_kicks(0) != before);
}

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = domain_of(build_domain(boot, "one", 1, 2));
    two = domain_of(build_domain(boot, "two", 1, 2));
    host_console_room(SIZE_MAX);
    device_ready();
    say(boot->domain, "\n"); /* what earlier tests lost has been told */
    say(one, "\n");
    say(two, "\n");
    boot->domain->line.kept = 0;
    one->line.kept = 0;
    two->line.kept = 0;
    host_console_clear();
    return 0;
}

static void type(const char *text)
{
    for (; *text != '\0'; text++) {
        upcall_console_input(*text);
    }
}

/* [utest->dsn~console~1] */
static void complete_lines_come_with_their_domains_name(void **state)
{
    (void)state;
    say(one, "hel");
    say(two, "wor");
    assert_string_equal(host_console(), "");
    say(one, "lo\r\n");
    print("in between %u", 7u);
    say(two, "ld\n");
    assert_string_equal(host_console(), "(one) hello\r\n(bulkhead) in between 7\r\n(two) world\r\n");
}

/* [utest->dsn~console~1] */
static void an_unnamed_domain_has_its_number(void **state)
{
    static const struct domain_config config = {.domid = 3, .max_vcpus = 1};
    struct domain *d;

    (void)state;
    assert_int_equal(domain_create(SLOT_BOOT, &config, &d), OK);
    say(d, "x\n");
    assert_string_equal(host_console(), "(d3) x\r\n");
    host_console_clear();
    say(boot->domain, "y\n");
    assert_string_equal(host_console(), "(boot) y\r\n");
}

/* [utest->dsn~console~1] */
static void without_focus_nothing_moves_the_cursor(void **state)
{
    (void)state;
    say(one, "\x1b[2Ja\rb\bc\td\x7f\x07 \xc3\xa4\n");
    assert_string_equal(host_console(), "(one) [2Jabc\td \xc3\xa4\r\n");
}

/* [utest->dsn~console~1] */
static void a_line_that_is_too_long_goes_on_in_the_next(void **state)
{
    char text[600];
    char expected[700];

    (void)state;
    memset(text, 'x', 300);
    text[300] = '\n';
    text[301] = '\0';
    say(one, text);
    text[300] = '\0';
    snprintf(expected, sizeof(expected), "(one) %.248s\r\n(one) %s\r\n", text, text + 248);
    device_ready();
    assert_string_equal(host_console(), expected);
}

#define SWITCH "\x01\x01\x01"

/* [utest->dsn~console-focus~1] */
static void ctrl_a_three_times_moves_the_input_round(void **state)
{
    (void)state;
    type(SWITCH); /* the Boot Domain has slot 0 */
    assert_string_equal(host_console(),
                        "(bulkhead) *** Serial input to boot (type 'CTRL-a' three times to switch input)\r\n");
    host_console_clear();
    type(SWITCH);
    assert_string_equal(host_console(),
                        "(bulkhead) *** Serial input to one (type 'CTRL-a' three times to switch input)\r\n");
    host_console_clear();
    type(SWITCH);
    type(SWITCH);
    assert_non_null(
        strstr(host_console(),
               "*** Serial input to the hypervisor ('h' for help) (type 'CTRL-a' three times to switch input)\r\n"));
    type(SWITCH SWITCH);
    host_console_clear();
    type("\x01\x01z");
    assert_string_equal(host_console(), "");
}

/* [utest->dsn~console-focus~1] */
static void the_domain_in_focus_is_shown_as_it_writes(void **state)
{
    (void)state;
    type(SWITCH SWITCH);
    host_console_clear();
    say(one, "login: ");
    assert_string_equal(host_console(), "(one) login: ");
    say(two, "other\n"); /* goes around the unfinished line */
    assert_string_equal(host_console(), "(one) login: \r\n(two) other\r\n(one) login: ");
    host_console_clear();
    say(one, "me\x1b[1m\r\n");
    assert_string_equal(host_console(), "me\x1b[1m\r\r\n");
    host_console_clear();
    say(one, "part");
    type(SWITCH);
    assert_string_equal(
        host_console(),
        "(one) part\r\n(bulkhead) *** Serial input to two (type 'CTRL-a' three times to switch input)\r\n"
        "(two) other\r\n");
    host_console_clear();
    say(one, "s\n");
    assert_string_equal(host_console(), "(one) parts\r\n");
}

#define TO_ONE "(bulkhead) *** Serial input to one (type 'CTRL-a' three times to switch input)\r\n"

/* [utest->dsn~console-scroll-back~1] */
static void what_a_domain_said_before_the_switch_is_shown_again(void **state)
{
    struct bulkhead_focus f = {.domid = one->id};

    (void)state;
    say(one, "first\n\nsecond\nunfin");
    say(two, "not asked for\n");
    type(SWITCH);
    host_console_clear();
    type(SWITCH);
    assert_string_equal(host_console(), TO_ONE "(one) first\r\n(one) \r\n(one) second\r\n");
    say(one, "ished\n");
    host_console_clear();
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_FOCUS, &f), OK);
    assert_string_equal(host_console(), TO_ONE "(one) first\r\n(one) \r\n(one) second\r\n(one) unfinished\r\n");
}

/* [utest->dsn~console-scroll-back~1] */
static void what_is_gone_is_counted(void **state)
{
    static const char expected[] =
        TO_ONE "(one) *** 357 bytes before this are gone ***\r\n(one) 8\r\n(one) 089\r\n(one) 090\r\n";
    char text[400];

    (void)state;
    say(one, "ab\n");
    for (uint32_t i = 0; i < 600u; i++) { /* 2405 bytes in all; 2048 are kept */
        snprintf(text, sizeof(text), "%03u\n", i);
        say(one, text);
    }
    say(one, "x\n");
    type(SWITCH);
    host_console_clear();
    type(SWITCH);
    assert_memory_equal(host_console(), expected, sizeof(expected) - 1u);
    host_console_clear();
    one->line.kept = 0;
    memset(one->line.tail, 'x', 300); /* a line as no writer makes it */
    one->line.kept = 300;
    type(SWITCH SWITCH SWITCH SWITCH);
    device_ready();
    assert_non_null(strstr(host_console(), "xxx\r\n"));
}

/* [utest->dsn~console-stamps~1] */
static void lines_begin_with_the_time_when_asked_to(void **state)
{
    (void)state;
    host_set_ticks(UINT64_C(12) * HOST_HZ + HOST_HZ / 1000u);
    type("t");
    say(one, "now\n");
    assert_string_equal(host_console(), "[   12.001000] (one) now\r\n");
    type(SWITCH);
    host_console_clear();
    type(SWITCH); /* what was said before has no time */
    assert_non_null(strstr(host_console(), "[   12.001000] (bulkhead) *** Serial input to one"));
    assert_non_null(strstr(host_console(), "\r\n(one) now\r\n"));
    host_console_clear();
    say(one, "typed");
    assert_string_equal(host_console(), "[   12.001000] (one) typed");
    console_stamps();
    say(one, "\nlater\n");
    assert_non_null(strstr(host_console(), "\r\n(one) later\r\n"));
}

/* [utest->dsn~console-focus~1] */
static void input_goes_to_the_domain_in_focus_only(void **state)
{
    char buf[80] = {0};

    (void)state;
    two->flags |= BULKHEAD_DOMAIN_VPL011;
    two->arch.has_vuart = true;
    type(SWITCH SWITCH);
    type("ab\x01"
         "c");
    assert_int_equal(console_take(two, buf, sizeof(buf)), 0);
    assert_int_equal(console_take(one, buf, 2), 2);
    assert_string_equal(buf, "ab");
    assert_int_equal(console_take(one, buf, sizeof(buf)), 2);
    assert_memory_equal(buf,
                        "\x01"
                        "c",
                        2);
    for (uint32_t i = 0; i < 100u; i++) {
        type("y"); /* more than it has room for */
    }
    assert_int_equal(console_take(one, buf, sizeof(buf)), sizeof(one->input));
    type(SWITCH);
    type("uart");
    assert_memory_equal(two->arch.rx, "uart", 4);
    assert_int_equal(console_take(two, buf, sizeof(buf)), 0);
}

/* [utest->dsn~console-focus~1] */
static void who_has_the_right_moves_the_input(void **state)
{
    struct bulkhead_focus f = {.domid = two->id};
    char got[8];

    (void)state;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_FOCUS, &f), OK);
    host_console_clear();
    type("x");
    assert_int_equal(console_take(two, got, sizeof(got)), 1);
    assert_int_equal(console_take(one, got, sizeof(got)), 0);
    f.domid = one->id;
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CONSOLE, one->id, two->id), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_FOCUS, &f), ERR_PERM);
    assert_int_equal(do_bulkhead(vcpu_of(two->id, 0), BULKHEAD_OP_FOCUS, &f), OK);
    type("y");
    assert_int_equal(console_take(one, got, sizeof(got)), 1);
}

/* [utest->dsn~console-focus~1] */
static void the_focus_leaves_a_domain_that_goes(void **state)
{
    (void)state;
    type(SWITCH SWITCH);
    say(one, "last wor");
    say(two, "unfinished");
    host_console_clear();
    assert_int_equal(destroy(boot, one->id), OK);
    assert_int_equal(destroy(boot, two->id), OK);
    assert_non_null(strstr(host_console(), "(two) unfinished\r\n"));
    settle();
    host_console_clear();
    type("h");
    assert_non_null(strstr(host_console(), "(bulkhead) keys: d or q"));
}

/* [utest->dsn~status-keys~1] */
static void status_lists_domains_states_and_cpus(void **state)
{
    (void)state;
    assert_int_equal(unpause(boot, one->id), OK);
    one->flags |= BULKHEAD_DOMAIN_SAFE;
    (void)cpu_runs(0);
    host_console_clear();
    type("d");
    assert_non_null(strstr(host_console(), "(bulkhead) 4 CPUs, 96 MiB of RAM, "));
    assert_non_null(strstr(host_console(), "32766 boot             running"));
    assert_non_null(strstr(host_console(), "  1 one              running      2 MiB, "));
    assert_non_null(strstr(host_console(), ", safe\r\n(bulkhead)     vCPU 0@CPU0 ready\r\n"));
    assert_non_null(strstr(host_console(), "  2 two              building "));
    assert_int_equal(domain_pause(one), OK);
    host_console_clear();
    type("d");
    assert_non_null(strstr(host_console(), "  1 one              paused "));
    host_console_clear();
    type("q");
    assert_non_null(strstr(host_console(), "4 CPUs"));
    host_console_clear();
    type("x");
    assert_string_equal(host_console(), "");
}

/* [utest->dsn~console-flood~1] */
static void a_flood_loses_its_own_bytes_and_says_so(void **state)
{
    uint64_t lost_before = console_lost();

    (void)state;
    host_console_room(0); /* a device that takes nothing */
    for (uint32_t i = 0; i < 1000u; i++) {
        say(one, "0123456789abcdef\n");
    }
    say(two, "I am heard\n");
    assert_string_equal(host_console(), "");
    assert_true(host_console_wanted());
    assert_true(console_lost() > lost_before);
    host_console_room(SIZE_MAX);
    device_ready();
    assert_non_null(strstr(host_console(), "(two) I am heard\r\n"));
    assert_false(host_console_wanted());
    assert_true(strlen(host_console()) < CONSOLE_QUOTA + 100u);
    host_console_clear();
    say(one, "again\n");
    assert_memory_equal(host_console(), "(one) *** ", 10);
    assert_non_null(strstr(host_console(), " bytes lost ***\r\n(one) again\r\n"));
    host_console_clear();
    say(one, "once\n");
    assert_string_equal(host_console(), "(one) once\r\n");
}

/* [utest->dsn~console-flood~1] */
static void many_floods_leave_room_for_the_hypervisor(void **state)
{
    (void)state;
    host_console_room(0);
    for (uint32_t i = 0; i < 3000u; i++) {
        say(one, "a\n");
        say(two, "b\n");
        say(boot->domain, "c\n");
    }
    print("still here");
    host_console_room(SIZE_MAX);
    device_ready();
    assert_non_null(strstr(host_console(), "(bulkhead) still here\r\n"));
}

/* [utest->dsn~console-flood~1] */
static void floods_of_empty_lines_silence_nobody_else(void **state)
{
    (void)state;
    host_console_room(0);
    for (uint32_t i = 0; i < 3000u; i++) {
        say(one, "\n");
        say(two, "\n");
    }
    say(boot->domain, "I am heard\n");
    host_console_room(SIZE_MAX);
    device_ready();
    assert_non_null(strstr(host_console(), "(boot) I am heard\r\n"));
}

/* [utest->dsn~console-ring~1] */
static void bytes_leave_in_order_however_slow_the_device_is(void **state)
{
    char expected[9000] = "";

    (void)state;
    host_console_room(0);
    for (uint32_t i = 0; i < 200u; i++) {
        char line[40];
        snprintf(line, sizeof(line), "line %u\n", i);
        say((i % 2u == 0u) ? one : two, line);
        snprintf(expected + strlen(expected), 60, "(%s) line %u\r\n", (i % 2u == 0u) ? "one" : "two", i);
    }
    for (uint32_t i = 0; i < 5000u; i++) {
        host_console_room(1);
        device_ready();
    }
    assert_string_equal(host_console(), expected);
}

/* [utest->dsn~console-ring~1] */
static void a_panic_shows_what_waits_first(void **state)
{
    (void)state;
    host_console_room(0);
    print("before");
    print_panic("the end %s\n", "now");
    assert_string_equal(host_console(), "(bulkhead) before\r\nthe end now\r\n");
}

/* [utest->dsn~console-io~1] */
static void console_io_writes_and_reads(void **state)
{
    char text[300];
    struct vcpu *v = one->vcpus[0];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[200] = '\n';
    assert_int_equal(hypercall(v, __HYPERVISOR_console_io, CONSOLEIO_write, 201, POINTER(text)), OK);
    assert_int_equal(restarts(), 201u / 32u);
    device_ready();
    assert_memory_equal(host_console(), "(one) xxx", 9);
    assert_int_equal(strlen(host_console()), 6u + 200u + 2u);
    type(SWITCH SWITCH);
    type("hello");
    assert_int_equal(hypercall(v, __HYPERVISOR_console_io, CONSOLEIO_read, 3, POINTER(text)), 3);
    assert_memory_equal(text, "hel", 3);
    assert_int_equal(hypercall(v, __HYPERVISOR_console_io, CONSOLEIO_read, 300, POINTER(text)), 2);
    assert_int_equal(hypercall(v, __HYPERVISOR_console_io, CONSOLEIO_read, 300, POINTER(text)), 0);
    assert_int_equal(hypercall(v, __HYPERVISOR_console_io, CONSOLEIO_write, 5, 0x123), ERR_FAULT);
    assert_int_equal(hypercall(v, __HYPERVISOR_console_io, CONSOLEIO_write, 0x80000000u, POINTER(text)), ERR_INVAL);
    assert_int_equal(hypercall(v, __HYPERVISOR_console_io, CONSOLEIO_read, 0x80000000u, POINTER(text)), ERR_INVAL);
    assert_int_equal(hypercall(v, __HYPERVISOR_console_io, 2, 0, 0), ERR_NOSYS);
}

/* [utest->dsn~console-flood~1] */
static void another_cpu_does_not_wait_for_the_device(void **state)
{
    uint32_t kicks = host_kicks(0);

    (void)state;
    host_become(1);
    print("from far");
    print("and again");
    assert_null(strstr(host_console(), "far"));
    assert_int_equal(host_kicks(0), kicks + 1u);
    host_become(0);
    upcall_kick(cpu_of(0));
    assert_non_null(strstr(host_console(), "(bulkhead) from far\r\n(bulkhead) and again\r\n"));
}

static void two_says_a_part(void)
{
    say(two, "x");
}

/* It would wait for ever: the lock of the console is held by the one that makes the line.
 * [utest->dsn~console-apart~1] */
static void a_part_of_a_line_waits_for_no_other_domain(void **state)
{
    (void)state;
    host_console_at_write(two_says_a_part);
    say(one, "line\n");
    host_console_at_write(NULL);
    say(two, "\n");
    assert_string_equal(host_console(), "(one) line\r\n(two) x\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(complete_lines_come_with_their_domains_name, start),
        cmocka_unit_test_setup(an_unnamed_domain_has_its_number, start),
        cmocka_unit_test_setup(without_focus_nothing_moves_the_cursor, start),
        cmocka_unit_test_setup(a_line_that_is_too_long_goes_on_in_the_next, start),
        cmocka_unit_test_setup(ctrl_a_three_times_moves_the_input_round, start),
        cmocka_unit_test_setup(the_domain_in_focus_is_shown_as_it_writes, start),
        cmocka_unit_test_setup(what_a_domain_said_before_the_switch_is_shown_again, start),
        cmocka_unit_test_setup(what_is_gone_is_counted, start),
        cmocka_unit_test_setup(lines_begin_with_the_time_when_asked_to, start),
        cmocka_unit_test_setup(input_goes_to_the_domain_in_focus_only, start),
        cmocka_unit_test_setup(who_has_the_right_moves_the_input, start),
        cmocka_unit_test_setup(the_focus_leaves_a_domain_that_goes, start),
        cmocka_unit_test_setup(status_lists_domains_states_and_cpus, start),
        cmocka_unit_test_setup(a_flood_loses_its_own_bytes_and_says_so, start),
        cmocka_unit_test_setup(many_floods_leave_room_for_the_hypervisor, start),
        cmocka_unit_test_setup(floods_of_empty_lines_silence_nobody_else, start),
        cmocka_unit_test_setup(bytes_leave_in_order_however_slow_the_device_is, start),
        cmocka_unit_test_setup(a_panic_shows_what_waits_first, start),
        cmocka_unit_test_setup(console_io_writes_and_reads, start),
        cmocka_unit_test_setup(another_cpu_does_not_wait_for_the_device, start),
        cmocka_unit_test_setup(a_part_of_a_line_waits_for_no_other_domain, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
