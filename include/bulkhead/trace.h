/* SPDX-License-Identifier: Apache-2.0 */
/* The trace: what a CPU does, in records of 16 bytes, little endian.  Each CPU keeps its last BULKHEAD_TRACE_RECORDS in a ring.
 * A trace file is a sequence of blocks: struct bulkhead_trace_block and its records.  In a console's text a block is a line
 * with the word TRACE and the bytes in hexadecimal digits behind it.  `bulkhead trace` reads both.
 * [impl->dsn~trace-ring~1] */
#ifndef BULKHEAD_TRACE_H
#define BULKHEAD_TRACE_H

#include <stdint.h>

enum bulkhead_trace_kind {
    BULKHEAD_TRACE_RUN = 1,       /* the vCPU is entered */
    BULKHEAD_TRACE_IDLE = 2,      /* nobody can run; domain and vcpu mean nothing */
    BULKHEAD_TRACE_HYPERCALL = 3, /* exit: the number in bits 7-0, its first argument's low bits in 31-8 */
    BULKHEAD_TRACE_TRAP = 4,      /* exit: ESR_EL2 */
    BULKHEAD_TRACE_INTERRUPT = 5, /* exit: INTID of the first one that waits */
};

struct bulkhead_trace_record {
    uint64_t time; /* system counter */
    uint8_t kind;  /* enum bulkhead_trace_kind */
    uint8_t vcpu;
    uint16_t domid;
    uint32_t value;
};

#define BULKHEAD_TRACE_RECORDS 4096u

#define BULKHEAD_TRACE_MAGIC 0x31545242u /* "BRT1" */
struct bulkhead_trace_block {
    uint32_t magic;
    uint16_t cpu;
    uint16_t count; /* records behind it */
    uint64_t lost;  /* records of this CPU that were overwritten before they were read, since the block before */
    uint64_t hz;    /* of the system counter */
};

#endif
