// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#include <inttypes.h>

#define BOOT_DOMID      0x7ffeu
#define CTF_MAGIC       0xc1fc1fc1u
#define NS_PER_SECOND   1000000000u
#define HYPERCALL_NAMES 64u

static const char *const hypercalls[HYPERCALL_NAMES] = {
    [12] = "memory_op", [13] = "multicall",        [17] = "xen_version", [18] = "console_io", [20] = "grant_table_op",
    [24] = "vcpu_op",   [29] = "sched_op",         [34] = "hvm_op",      [35] = "sysctl",     [36] = "domctl",
    [39] = "argo_op",   [32] = "event_channel_op", [48] = "bulkhead_op",
};

/* By exception class of ESR_EL2. */
static const char *const traps[64] = {
    [0x01] = "wait", [0x07] = "floating point",  [0x0e] = "illegal state",     [0x16] = "hvc",
    [0x17] = "smc",  [0x18] = "system register", [0x20] = "instruction abort", [0x24] = "device or memory",
};

/* Nanoseconds since the first record. */
static uint64_t since(const struct trace *t, uint64_t time)
{
    uint64_t ticks = time - t->first;

    return ticks / t->hz * NS_PER_SECOND + ticks % t->hz * NS_PER_SECOND / t->hz;
}

static void put_domain(struct buffer *out, const struct bulkhead_trace_record *r)
{
    if (r->domid == BOOT_DOMID) {
        buffer_printf(out, "boot");
    } else {
        buffer_printf(out, "d%uv%u", r->domid, r->vcpu);
    }
}

static void put_name(struct buffer *out, const struct bulkhead_trace_record *r)
{
    const char *name;

    switch (r->kind) {
    case BULKHEAD_TRACE_RUN:
        put_domain(out, r);
        break;
    case BULKHEAD_TRACE_IDLE:
        buffer_printf(out, "idle");
        break;
    case BULKHEAD_TRACE_HYPERCALL:
        name = (r->value & 0xff) < HYPERCALL_NAMES ? hypercalls[r->value & 0xff] : NULL;
        buffer_printf(out, "hypercall %s", name != NULL ? name : "unknown");
        break;
    case BULKHEAD_TRACE_TRAP:
        name = traps[r->value >> 26];
        buffer_printf(out, "trap %s", name != NULL ? name : "undefined");
        break;
    case BULKHEAD_TRACE_INTERRUPT:
        buffer_printf(out, "interrupt %" PRIu32, r->value);
        break;
    default:
        buffer_printf(out, "record %u", r->kind);
        break;
    }
}

static const char *category(uint8_t kind)
{
    return kind == BULKHEAD_TRACE_RUN ? "guest" : kind == BULKHEAD_TRACE_IDLE ? "idle" : "hypervisor";
}

static void put_slice(struct buffer *out, const struct trace *t, unsigned cpu, size_t i)
{
    const struct trace_cpu *c = &t->cpu[cpu];
    const struct bulkhead_trace_record *r = &c->records[i];
    uint64_t from = since(t, r->time);
    uint64_t to = i + 1 < c->count && c->lost[i + 1] == 0 ? since(t, r[1].time) : from;

    if (c->lost[i] > 0) {
        buffer_printf(out,
                      ",\n{\"name\": \"%" PRIu64
                      " records lost\", \"ph\": \"i\", \"s\": \"t\", \"pid\": 0, \"tid\": %u, "
                      "\"ts\": %" PRIu64 ".%03u}",
                      c->lost[i], cpu, from / 1000, (unsigned)(from % 1000));
    }
    buffer_printf(out, ",\n{\"name\": \"");
    put_name(out, r);
    buffer_printf(out,
                  "\", \"cat\": \"%s\", \"ph\": \"X\", \"pid\": 0, \"tid\": %u, \"ts\": %" PRIu64
                  ".%03u, \"dur\": %" PRIu64 ".%03u",
                  category(r->kind), cpu, from / 1000, (unsigned)(from % 1000), (to - from) / 1000,
                  (unsigned)((to - from) % 1000));
    if (r->kind != BULKHEAD_TRACE_IDLE) {
        buffer_printf(out, ", \"args\": {\"vcpu\": \"");
        put_domain(out, r);
        buffer_printf(out, "\", \"value\": \"0x%" PRIx32 "\"}", r->value);
    }
    buffer_printf(out, "}");
}

void trace_write_json(struct buffer *out, const struct trace *t)
{
    buffer_printf(out, "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n"
                       "{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": 0, \"args\": {\"name\": \"Bulkhead\"}}");
    for (unsigned cpu = 0; cpu < TRACE_CPUS; cpu++) {
        if (t->cpu[cpu].count > 0) {
            buffer_printf(
                out,
                ",\n{\"name\": \"thread_name\", \"ph\": \"M\", \"pid\": 0, \"tid\": %u, \"args\": {\"name\": \"CPU "
                "%u\"}}",
                cpu, cpu);
        }
        for (size_t i = 0; i < t->cpu[cpu].count; i++) {
            put_slice(out, t, cpu, i);
        }
    }
    buffer_printf(out, "\n]}\n");
}

/* ---- Common Trace Format ---- */

/* A record is an event as it stands: its header, and one field. */
void trace_write_metadata(struct buffer *out, const struct trace *t)
{
    static const char *const events[] = {
        [BULKHEAD_TRACE_RUN] = "run",
        [BULKHEAD_TRACE_IDLE] = "idle",
        [BULKHEAD_TRACE_HYPERCALL] = "hypercall",
        [BULKHEAD_TRACE_TRAP] = "trap",
        [BULKHEAD_TRACE_INTERRUPT] = "interrupt",
    };

    buffer_printf(out,
                  "/* CTF 1.8 */\n"
                  "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
                  "typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"
                  "typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
                  "typealias integer { size = 32; align = 8; signed = false; base = 16; } := hex32_t;\n"
                  "typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
                  "trace {\n  major = 1;\n  minor = 8;\n  byte_order = le;\n"
                  "  packet.header := struct { uint32_t magic; uint32_t stream_id; };\n};\n"
                  "clock {\n  name = counter;\n  freq = %" PRIu64 ";\n};\n"
                  "typealias integer { size = 64; align = 8; signed = false; map = clock.counter.value; } := ticks_t;\n"
                  "stream {\n  id = 0;\n"
                  "  packet.context := struct { uint64_t cpu_id; };\n"
                  "  event.header := struct { ticks_t timestamp; uint8_t id; };\n"
                  "  event.context := struct { uint8_t vcpu; uint16_t domid; };\n};\n",
                  t->hz);
    for (unsigned i = BULKHEAD_TRACE_RUN; i < sizeof(events) / sizeof(events[0]); i++) {
        buffer_printf(out,
                      "event {\n  name = \"%s\";\n  id = %u;\n  stream_id = 0;\n"
                      "  fields := struct { hex32_t value; };\n};\n",
                      events[i], i);
    }
}

void trace_write_stream(struct buffer *out, const struct trace *t, unsigned cpu)
{
    const uint32_t header[] = {CTF_MAGIC, 0, cpu, 0};

    buffer_add(out, header, sizeof(header));
    buffer_add(out, t->cpu[cpu].records, t->cpu[cpu].count * sizeof(t->cpu[cpu].records[0]));
}
