/* SPDX-License-Identifier: Apache-2.0 */
/* The trace.  [utest->dsn~trace-ring~1] [utest->dsn~trace-off~1] */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "core/rights.h"
#include "core/upcall.h"

#define NOWHERE 0x1000u /* not mapped */

static struct vcpu *boot;
static uint16_t guest;
static struct bulkhead_trace_record out[BULKHEAD_TRACE_BATCH];

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    guest = build_domain(boot, "guest", 1, 4);
    assert_int_equal(unpause(boot, guest), OK);
    settle();
    return 0;
}

static struct bulkhead_trace reading(uint32_t cpu, uint64_t next, uint32_t count)
{
    return (struct bulkhead_trace){
        .action = BULKHEAD_TRACE_READ, .cpu = cpu, .next = next, .count = count, .buffer = POINTER(out)};
}

static int64_t act(uint32_t action)
{
    struct bulkhead_trace t = {.action = action};

    return do_bulkhead(boot, BULKHEAD_OP_TRACE, &t);
}

static struct bulkhead_trace read_from(uint32_t cpu, uint64_t next, uint32_t count)
{
    struct bulkhead_trace t = reading(cpu, next, count);

    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_TRACE, &t), OK);
    return t;
}

static void write_records(uint32_t cpu, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++) {
        host_set_ticks(1000u + i);
        upcall_trace(cpu_of(cpu), BULKHEAD_TRACE_TRAP, vcpu_of(guest, 0), i);
    }
}

static void nothing_is_written_while_it_is_off(void **state)
{
    (void)state;
    write_records(1, 0, 5);
    assert_int_equal(read_from(1, 0, 10).count, 0);
    assert_int_equal(act(BULKHEAD_TRACE_STOP), OK); /* it is */
    write_records(1, 0, 5);
    assert_int_equal(read_from(1, 0, 10).written, 0);
}

static void who_runs_and_who_idles_is_recorded(void **state)
{
    const struct vcpu *v;
    struct bulkhead_trace t;

    (void)state;
    assert_int_equal(act(BULKHEAD_TRACE_START), OK);
    host_set_ticks(77);
    v = cpu_runs(0);
    assert_non_null(v);
    t = read_from(0, 0, 10);
    assert_true(t.count >= 1u);
    assert_int_equal(t.next, t.count);
    assert_int_equal(out[t.count - 1u].kind, BULKHEAD_TRACE_RUN);
    assert_int_equal(out[t.count - 1u].domid, v->domain->id);
    assert_int_equal(out[t.count - 1u].vcpu, v->id);
    assert_int_equal(out[t.count - 1u].time, 77);
    for (uint32_t c = 0; c < cpu_count(); c++) {
        if (cpu_runs(c) == NULL) {
            t = read_from(c, 0, 10);
            assert_true(t.count >= 1u);
            assert_int_equal(out[t.count - 1u].kind, BULKHEAD_TRACE_IDLE);
            assert_int_equal(out[t.count - 1u].domid, DOMID_INVALID);
            return;
        }
    }
    fail_msg("no CPU idles");
}

static void it_is_read_in_pieces(void **state)
{
    struct bulkhead_trace t;

    (void)state;
    assert_int_equal(act(BULKHEAD_TRACE_START), OK);
    write_records(1, 0, 300);
    t = read_from(1, 0, 10000);
    assert_int_equal(t.count, BULKHEAD_TRACE_BATCH);
    assert_int_equal(t.written, 300);
    assert_int_equal(out[255].value, 255);
    t = read_from(1, t.next, 10);
    assert_int_equal(t.count, 10);
    assert_int_equal(out[0].value, 256);
    assert_int_equal(out[0].kind, BULKHEAD_TRACE_TRAP);
    assert_int_equal(out[0].time, 1256);
    assert_int_equal(read_from(1, t.next, 10000).count, 34);
    assert_int_equal(read_from(1, 300, 10000).count, 0);
    t = read_from(1, UINT64_MAX, 1); /* beyond the end */
    assert_int_equal(t.count, 0);
    assert_int_equal(t.next, 300);
    assert_int_equal(read_from(1, 0, 0).count, 0);
}

static void what_was_overwritten_shows(void **state)
{
    struct bulkhead_trace t;

    (void)state;
    assert_int_equal(act(BULKHEAD_TRACE_START), OK);
    write_records(1, 0, BULKHEAD_TRACE_RECORDS + 100u);
    t = read_from(1, 3, 5);
    assert_int_equal(t.next, 105); /* from 100 on */
    assert_int_equal(out[0].value, 100);
    t = read_from(1, BULKHEAD_TRACE_RECORDS - 2u, 5); /* up to the ring's end */
    assert_int_equal(t.count, 2);
    assert_int_equal(read_from(1, t.next, 500).count, 100);
    assert_int_equal(out[0].value, BULKHEAD_TRACE_RECORDS);
}

static void it_goes_on_after_a_stop(void **state)
{
    uint64_t free;

    (void)state;
    assert_int_equal(act(BULKHEAD_TRACE_START), OK);
    free = frame_free_count();
    write_records(1, 0, 3);
    assert_int_equal(act(BULKHEAD_TRACE_STOP), OK);
    write_records(1, 3, 3);
    assert_int_equal(read_from(1, 0, 10).count, 3);
    assert_int_equal(act(BULKHEAD_TRACE_START), OK);
    write_records(1, 6, 1);
    assert_int_equal(read_from(1, 0, 10).count, 4);
    assert_int_equal(out[3].value, 6);
    assert_int_equal(frame_free_count(), free); /* the rings are the same */
}

static void bad_calls_have_their_error(void **state)
{
    struct bulkhead_trace t = {.action = 3};

    (void)state;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_TRACE, &t), ERR_INVAL);
    t = (struct bulkhead_trace){.action = BULKHEAD_TRACE_READ, .cpu = cpu_count()};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_TRACE, &t), ERR_INVAL);
    t = (struct bulkhead_trace){.action = BULKHEAD_TRACE_STOP, .pad = 1};
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_TRACE, &t), ERR_INVAL);
    assert_int_equal(hypercall(boot, HYPERVISOR_BULKHEAD_OP, BULKHEAD_OP_TRACE, NOWHERE, 0), ERR_FAULT);
    t = reading(0, 0, 1);
    assert_int_equal(do_bulkhead(vcpu_of(guest, 0), BULKHEAD_OP_TRACE, &t), ERR_PERM);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_INFO, DOMID_SELF, guest), OK);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_TRACE, &t), ERR_PERM);
    assert_int_equal(do_bulkhead(vcpu_of(guest, 0), BULKHEAD_OP_TRACE, &t), OK);
}

static void a_buffer_that_is_not_there_is_refused(void **state)
{
    struct bulkhead_trace t = reading(1, 0, 4);

    (void)state;
    assert_int_equal(act(BULKHEAD_TRACE_START), OK);
    write_records(1, 0, 4);
    t.buffer = NOWHERE;
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_TRACE, &t), ERR_FAULT);
}

static void without_memory_it_does_not_start(void **state)
{
    mfn_t mfn;

    (void)state;
    for (uint32_t order = 9; order + 1u > 4u; order--) {
        while (frame_alloc(FRAME_OWNER(5), FRAME_POOL, order, &mfn) == OK) {
        }
    }
    assert_int_equal(act(BULKHEAD_TRACE_START), ERR_NOMEM);
    write_records(0, 0, 4);
    assert_int_equal(read_from(0, 0, 4).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_written_while_it_is_off, start),
        cmocka_unit_test_setup(who_runs_and_who_idles_is_recorded, start),
        cmocka_unit_test_setup(it_is_read_in_pieces, start),
        cmocka_unit_test_setup(what_was_overwritten_shows, start),
        cmocka_unit_test_setup(it_goes_on_after_a_stop, start),
        cmocka_unit_test_setup(bad_calls_have_their_error, start),
        cmocka_unit_test_setup(a_buffer_that_is_not_there_is_refused, start),
        cmocka_unit_test_setup(without_memory_it_does_not_start, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
