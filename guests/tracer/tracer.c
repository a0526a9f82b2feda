/* SPDX-License-Identifier: Apache-2.0 */
/* tracer: records what all CPUs do for some time and prints it, for `bulkhead trace`.  It must hold the right INFO over the platform: the
 * Control Domain does.
 * work=1: it is one to look at instead: calls, traps, waits for its timer, for ever.
 * Boot arguments: after=MS (0) to wait before it begins, for=MS (20) to record, records=N (4096: all that the rings keep) of each CPU.
 * [itest->dsn~trace-ring~1] */
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/timer.h>

#include <bulkhead/trace.h>
#include <xen/sched.h>
#include <xen/version.h>

#define MS          UINT64_C(1000000)
#define MAX_CPUS    64u
#define LINE_BLOCKS 6u /* records in a line: they fit into one of the console */

static uint64_t next[MAX_CPUS]; /* record of each CPU to be read next */

static int64_t act(uint32_t action)
{
    struct bulkhead_trace op = {.action = action};

    return bulkhead_op(BULKHEAD_OP_TRACE, &op);
}

static char *put_hex(char *to, const void *bytes, uint32_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = ((const uint8_t *)bytes)[i];

        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    return to;
}

static void put_block(uint32_t cpu, uint64_t lost, const struct bulkhead_trace_record *records, uint32_t count)
{
    char line[6 + 2 * sizeof(struct bulkhead_trace_block) + LINE_BLOCKS * 2 * sizeof(*records) + 1] = "TRACE ";
    struct bulkhead_trace_block block = {.magic = BULKHEAD_TRACE_MAGIC,
                                         .cpu = (uint16_t)cpu,
                                         .count = (uint16_t)count,
                                         .lost = lost,
                                         .hz = ticks_per_second()};
    char *to = put_hex(line + 6, &block, sizeof(block));

    to = put_hex(to, records, count * sizeof(*records));
    *to++ = '\n';
    console_write(line, (size_t)(to - line));
}

/* Tracing is off: nothing is overwritten while it is read.  How many were printed. */
static uint64_t put_cpu(uint32_t cpu, uint64_t written)
{
    static struct bulkhead_trace_record records[LINE_BLOCKS];
    uint64_t wanted = platform_argument("records", BULKHEAD_TRACE_RECORDS);
    uint64_t printed = 0;

    if (written - next[cpu] > wanted) {
        next[cpu] = written - wanted;
    }
    while (next[cpu] < written) {
        struct bulkhead_trace op = {.action = BULKHEAD_TRACE_READ,
                                    .cpu = cpu,
                                    .next = next[cpu],
                                    .count = LINE_BLOCKS,
                                    .buffer = (uint64_t)records};

        if (bulkhead_op(BULKHEAD_OP_TRACE, &op) != 0 || op.count == 0) {
            break;
        }
        put_block(cpu, op.next - op.count - next[cpu], records, op.count);
        next[cpu] = op.next;
        printed += op.count;
    }
    return printed;
}

/* Where a CPU's ring ends; false = there is no such CPU. */
static bool find_end(uint32_t cpu, uint64_t *end)
{
    struct bulkhead_trace op = {.action = BULKHEAD_TRACE_READ, .cpu = cpu};

    *end = 0;
    if (bulkhead_op(BULKHEAD_OP_TRACE, &op) != 0) {
        return false;
    }
    *end = op.written;
    return true;
}

static void wait(const char *argument, uint64_t usual)
{
    delay_ns(platform_argument(argument, usual) * MS);
}

void on_irq(struct exception_frame *frame)
{
    (void)frame;
    timer_stop();
    gic_end(gic_acknowledge());
}

static void work(void)
{
    gic_init();
    gic_init_cpu();
    gic_enable(TIMER_VIRTUAL_PPI);
    for (;;) {
        (void)xen_version(XENVER_version, NULL);
        gic_enable(TIMER_VIRTUAL_PPI); /* a trapped access */
        timer_set(ticks() + ns_to_ticks(MS / 10));
        __asm__ volatile("wfi");
        irq_enable();
        irq_disable();
    }
}

int main(uint64_t x0)
{
    struct bulkhead_boot_record record = {.exited = 0};
    uint64_t end;
    int64_t result;

    platform_init(x0);
    if (platform_argument("work", 0) != 0) {
        work();
    }
    while (record.exited == 0) { /* it has the right then */
        (void)bulkhead_op(BULKHEAD_OP_BOOT_RECORD, &record);
    }
    wait("after", 0);
    result = act(BULKHEAD_TRACE_START);
    if (result != 0) {
        print("tracer: cannot begin (%lld)\n", (long long)result);
        shutdown(SHUTDOWN_crash);
    }
    wait("for", 20);
    (void)act(BULKHEAD_TRACE_STOP);
    for (uint32_t cpu = 0; cpu < MAX_CPUS && find_end(cpu, &end); cpu++) {
        uint64_t printed = put_cpu(cpu, end);

        print("tracer: CPU %u: %llu records, %llu of them above\n", cpu, (unsigned long long)end,
              (unsigned long long)printed);
    }
    print("tracer: done\n");
    shutdown(SHUTDOWN_poweroff);
}
