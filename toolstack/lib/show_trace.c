/* SPDX-License-Identifier: Apache-2.0 */
/* trace: what the CPUs do for some time, as the lines that `bulkhead trace` reads.
 * [impl->dsn~bhctl-trace~1] */
#include "show.h"

#define CPUS        64u
#define LINE_BLOCKS 6u /* records in a line: they fit into one of a console */
#define MILLISECOND UINT64_C(1000000)

static void out_bytes(struct bhctl_port *port, const void *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        uint8_t byte = ((const uint8_t *)bytes)[i];
        const char text[2] = {digits[byte >> 4], digits[byte & 15]};

        port->write(port, text, sizeof(text));
    }
}

/* What a CPU recorded from `next` on; it does not record any more. */
static int64_t show_ring(struct bhctl_port *port, uint32_t cpu, uint64_t next, uint64_t hz)
{
    struct bulkhead_trace op = {.cpu = cpu, .next = next};
    int64_t result;

    do {
        struct bulkhead_trace_record records[LINE_BLOCKS];
        struct bulkhead_trace_block block = {.magic = BULKHEAD_TRACE_MAGIC, .cpu = (uint16_t)cpu, .hz = hz};
        uint64_t from = op.next;

        op.count = LINE_BLOCKS;
        result = call_trace_read(port, &op, records);
        if (result == 0 && op.count > 0) {
            block.count = (uint16_t)op.count;
            block.lost = op.next - op.count - from;
            out_text(port, "TRACE ");
            out_bytes(port, &block, sizeof(block));
            out_bytes(port, records, op.count * sizeof(records[0]));
            out_text(port, "\n");
        }
    } while (result == 0 && op.count > 0);
    return result;
}

static int64_t act(struct bhctl_port *port, uint32_t action)
{
    struct bulkhead_trace op = {.action = action};

    return call_trace(port, &op);
}

/* Where each ring ends: what was recorded before is not shown. */
static int64_t find_ends(struct bhctl_port *port, uint32_t cpus, uint64_t *next)
{
    int64_t result = 0;

    for (uint32_t cpu = 0; result == 0 && cpu < cpus; cpu++) {
        struct bulkhead_trace op = {.cpu = cpu};

        result = call_trace(port, &op);
        next[cpu] = op.written;
    }
    return result;
}

int64_t show_trace(struct bhctl_port *port, uint32_t milliseconds)
{
    struct xen_sysctl_physinfo platform = {0};
    int64_t result = call_physinfo(port, &platform);
    uint32_t cpus = (platform.nr_cpus < CPUS) ? platform.nr_cpus : CPUS;
    uint64_t next[CPUS];

    result = (result == 0) ? find_ends(port, cpus, next) : result;
    result = (result == 0) ? act(port, BULKHEAD_TRACE_START) : result;
    for (uint64_t end = port->now(port) + milliseconds * MILLISECOND; result == 0 && port->now(port) < end;) {
        /* no call: each would be a record */
    }
    result = (result == 0) ? act(port, BULKHEAD_TRACE_STOP) : result;
    for (uint32_t cpu = 0; result == 0 && cpu < cpus; cpu++) {
        result = show_ring(port, cpu, next[cpu], platform.cpu_khz * UINT64_C(1000));
    }
    return result;
}
