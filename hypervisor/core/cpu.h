/* SPDX-License-Identifier: Apache-2.0 */
/* A physical CPU: its private part, and the one word that others may write.
 * [impl->dsn~cpu-private~1] */
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include "arch_types.h"
#include "bulkhead/board.h"
#include "core/sched_types.h"
#include "lib/list.h"
#include "lib/types.h"

#define MAX_CPUS BOARD_MAX_CPUS

struct vcpu;
struct bulkhead_trace_record;

/* Only its own CPU touches this. */
struct cpu {
    struct arch_cpu arch;                /* first: assembly uses it */
    struct bulkhead_trace_record *trace; /* atomic (release): where exits and entries are recorded; NULL = they are not.
                                          * Any CPU writes it, core/trace.h */
    uint64_t work;                       /* non-zero: do not return to the guest before upcall_next() */
    struct vcpu *current;                /* vCPU that runs or ran last; NULL before the first */
    uint32_t id;                         /* const: index in the board table */
    uint32_t vcpu_count;                 /* vCPUs whose home is this CPU */
    struct list reap;                    /* domains to take apart when nothing else is to do */
    bool online;
    struct sched_cpu sched;
};

#define CPU_WORK_INBOX   1u /* somebody posted */
#define CPU_WORK_RESCHED 2u /* another vCPU should run */
#define CPU_WORK_TRACE   4u /* the entry is to be recorded */

/* What other CPUs may write: one cache line. */
struct cpu_inbox {
    struct vcpu *head; /* atomic (acquire/release): stack of vCPUs with notifications, linked by inbox_next */
    uint32_t active;   /* atomic: sched.active; messages to vCPUs of other queues wait without a kick */
    uint32_t kicked;   /* atomic: 1 = a kick is on its way */
    uint32_t busy;     /* atomic (release by its CPU): 1 = what it took out of the inbox may be in its hands */
} ALIGNED(CACHE_LINE);

extern struct cpu_inbox cpu_inbox[MAX_CPUS];

/* Private area of CPU id, for its own start-up and for panic only. */
struct cpu *cpu_of(uint32_t id);
uint32_t cpu_count(void); /* const after init */
/* CPU id runs or has been started by the firmware.  Const after init. */
bool cpu_is_usable(uint32_t id);

#endif
