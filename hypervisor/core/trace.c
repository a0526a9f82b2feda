/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trace.h"
#include "arch/contract/arch.h"
#include "core/domain.h"
#include "core/frame.h"
#include "core/upcall.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/xen.h>

#define RING_ORDER 4u
static_assert(sizeof(struct bulkhead_trace_record) * BULKHEAD_TRACE_RECORDS == PAGE_SIZE << RING_ORDER,
              "frames of a ring");

/* const once there: from the first START on, for ever */
static struct bulkhead_trace_record *ring[MAX_CPUS];
static uint64_t written[MAX_CPUS]; /* atomic (release): records so far; only its own CPU writes it */
static struct spinlock lock;       /* rank 5.5: START and STOP */

void trace_init(void)
{
    memset(ring, 0, sizeof(ring));
    memset(written, 0, sizeof(written));
}

NOINLINE void upcall_trace(const struct cpu *cpu, enum bulkhead_trace_kind kind, const struct vcpu *v, uint32_t value)
{
    struct bulkhead_trace_record *records = __atomic_load_n(&cpu->trace, __ATOMIC_ACQUIRE);
    uint64_t n = written[cpu->id];

    if (records == NULL) {
        return; /* switched off since it was tested */
    }
    records[n % BULKHEAD_TRACE_RECORDS] =
        (struct bulkhead_trace_record){.time = arch_ticks(),
                                       .domid = (v != NULL) ? v->domain->id : DOMID_INVALID,
                                       .vcpu = (v != NULL) ? (uint8_t)v->id : 0u,
                                       .kind = (uint8_t)kind,
                                       .value = value};
    __atomic_store_n(&written[cpu->id], n + 1u, __ATOMIC_RELEASE);
}

static err_t turn(bool on) REQUIRES(lock)
{
    for (uint32_t c = 0; c < cpu_count(); c++) { /* bound: CPUs */
        if (on && ring[c] == NULL) {
            mfn_t mfn;
            err_t err = frame_alloc(FRAME_OWNER(MAX_DOMAINS), FRAME_POOL, RING_ORDER, &mfn);

            if (err != OK) {
                return err;
            }
            ring[c] = arch_map_frame(mfn);
        }
        __atomic_store_n(&cpu_of(c)->trace, on ? ring[c] : NULL, __ATOMIC_RELEASE);
    }
    return OK;
}

/* What is copied while its CPU overwrites it is told by `written`, which is read again afterwards. */
static err_t read_ring(struct bulkhead_trace *t)
{
    uint32_t c = (uint32_t)index_nospec(t->cpu, MAX_CPUS);
    uint64_t end = __atomic_load_n(&written[c], __ATOMIC_ACQUIRE);
    uint64_t oldest = (end > BULKHEAD_TRACE_RECORDS) ? end - BULKHEAD_TRACE_RECORDS : 0u;
    uint64_t from = (t->next < oldest) ? oldest : (t->next > end) ? end : t->next;
    uint32_t at = (uint32_t)(from % BULKHEAD_TRACE_RECORDS);
    uint32_t n = BULKHEAD_TRACE_RECORDS - at; /* to the ring's end */
    err_t err;

    n = (n < BULKHEAD_TRACE_BATCH) ? n : BULKHEAD_TRACE_BATCH;
    n = (n < t->count) ? n : t->count;
    n = (n < end - from) ? n : (uint32_t)(end - from);
    err = (n != 0u) ? copy_out(GVA(t->buffer), &ring[c][at], n * sizeof(ring[c][at])) : OK;
    t->count = n;
    t->next = from + n;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    t->written = __atomic_load_n(&written[c], __ATOMIC_RELAXED);
    return err;
}

err_t trace_op(struct vcpu *v UNUSED, struct domain *d UNUSED, void *structure)
{
    struct bulkhead_trace *t = structure;

    if (t->action > BULKHEAD_TRACE_START || t->cpu >= cpu_count() || t->pad != 0u) {
        return ERR_INVAL;
    }
    if (t->action == BULKHEAD_TRACE_READ) {
        return read_ring(t);
    }
    return LOCKED(&lock, turn(t->action == BULKHEAD_TRACE_START));
}
