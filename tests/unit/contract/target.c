/* SPDX-License-Identifier: Apache-2.0 */
/* A hypervisor that tests its architecture instead of running domains: the linker puts this in the place of the run loop
 * (--wrap=upcall_next), so the code under test is the code that ships. */
#include "arch/arm64/stage2_hw.h"
#include "contract.h"
#include "core/print.h"
#include "core/upcall.h"
#include "lib/bits.h"

#include <xen/xen.h>
#include <xen/arch-arm.h>

struct vcpu *__wrap_upcall_next(struct cpu *cpu);

/* What its own first instruction is to a guest with its MMU off: Device memory, or write-back where that is forced.
 * [itest->dsn~forced-write-back~1] */
static bool caches_off_is_as_forced(void)
{
    struct vcpu *v = domain_at(SLOT_BOOT)->vcpus[0];
    struct vcpu_guest_context c;
    uint64_t par;

    arch_vcpu_load(NULL);
    arch_vcpu_get_context(v, &c);
    arch_vcpu_load(v);
    __asm__ volatile("at s12e1r, %0\n\tisb" ::"r"(c.user_regs.pc64) : "memory");
    par = read_sysreg(par_el1);
    print("TEST caches_off_is_%s %s", stage2_forced ? "write_back" : "uncached",
          FIELD(par, 63, 56) == (stage2_forced ? 0xffu : 0u) && (par & 1u) == 0u ? "ok" : "FAIL");
    arch_vcpu_load(NULL);
    return stage2_forced == stage2_can_force();
}

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
            uint32_t failures = contract_run() + (caches_off_is_as_forced() ? 0u : 1u);
            print("DONE %u passed, %u failed", (unsigned)(contract_count() - failures), (unsigned)failures);
            done = true;
        }
        arch_cpu_idle();
    }
}
