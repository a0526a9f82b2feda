/* SPDX-License-Identifier: Apache-2.0 */
/* Traces (bulkhead/trace.h): read, and written in the formats of others.
 * [impl->dsn~tool-trace~2] */
#ifndef TOOL_TRACE_H
#define TOOL_TRACE_H

#include "bulkhead/trace.h"
#include "diag.h"

#define TRACE_CPUS 64u

/* One record, or how many are missing before the next one. */
struct trace_cpu {
    struct bulkhead_trace_record *records;
    uint64_t *lost; /* before each of them */
    size_t count, capacity;
    uint64_t lost_now; /* while reading: before the next one */
};

struct trace {
    struct trace_cpu cpu[TRACE_CPUS];
    uint64_t hz;
    uint64_t first; /* time of the earliest record */
};

/* Blocks from a file: as they are, or as lines of a console's text.  False after reporting what is wrong; a file without
 * any is an error. */
bool trace_read(struct arena *arena, struct diags *d, const char *file, struct bytes data, struct trace *out);

/* Chrome's Trace Event Format, which Perfetto shows: a track for each CPU, a slice from each record to the next one. */
void trace_write_json(struct buffer *out, const struct trace *t);

/* Common Trace Format 1.8: the file `metadata`, and the stream of one CPU. */
void trace_write_metadata(struct buffer *out, const struct trace *t);
void trace_write_stream(struct buffer *out, const struct trace *t, unsigned cpu);

#endif
