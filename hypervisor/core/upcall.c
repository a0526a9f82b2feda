/* SPDX-License-Identifier: Apache-2.0 */
/* Events that arch/ reports and that belong to no other file.
 * [impl->dsn~domain-faults~1] */
#include "core/upcall.h"
#include "core/console.h"

NOINLINE void upcall_timer(struct cpu *cpu)
{
    timer_run(cpu, arch_ticks());
}

NOINLINE void upcall_kick(struct cpu *cpu)
{
    cpu->work |= CPU_WORK_INBOX;
    console_serve();
}

void upcall_guest_fault(struct vcpu *v, enum fault_class c, uint64_t syndrome UNUSED, uint64_t address UNUSED)
{
    static const uint8_t event_of[] = {[FAULT_STAGE2] = BULKHEAD_EVENT_ACCESS,
                                       [FAULT_ILLEGAL] = BULKHEAD_EVENT_ILLEGAL,
                                       [FAULT_SERROR] = BULKHEAD_EVENT_PERIPHERAL,
                                       [FAULT_DOUBLE] = BULKHEAD_EVENT_DOUBLE};

    v->stats.guest_errors++;
    (void)__atomic_fetch_add(&v->domain->faults[c], 1u, __ATOMIC_RELAXED);
    if (c != FAULT_UNDEFINED) {
        health_report(v->domain, v, (enum bulkhead_event)event_of[c]);
    }
}

NOINLINE void upcall_shutdown(struct vcpu *v, uint32_t reason)
{
    domain_shutdown(v->domain, reason);
}
