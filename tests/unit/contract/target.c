/* SPDX-License-Identifier: Apache-2.0 */
/* A hypervisor that tests its architecture instead of running domains: the linker puts this in the place of the run loop
 * (--wrap=upcall_next), so the code under test is the code that ships. */
#include "arch/contract/arch.h"
#include "contract.h"
#include "core/print.h"
#include "core/upcall.h"

struct vcpu *__wrap_upcall_next(struct cpu *cpu);

/* The CPU that the Boot Domain lives on tests, once the domain is there. */
static bool is_due(const struct cpu *cpu)
{
    struct domain *d = domain_get_slot(SLOT_BOOT);
    bool due = d != NULL && domain_state(d) == DOMAIN_LIVE && d->vcpus[0]->home == cpu->id;

    if (d != NULL) {
        domain_put(d);
    }
    return due;
}

struct vcpu *__wrap_upcall_next(struct cpu *cpu)
{
    bool done = false;

    for (;;) {
        if (!done && is_due(cpu)) {
            uint32_t failures = contract_run();
            print("DONE %u passed, %u failed", (unsigned)(contract_count() - failures), (unsigned)failures);
            done = true;
        }
        arch_cpu_idle();
    }
}
