/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/panic.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/sysreg.h"
#include "core/upcall.h"
#include "lib/string.h"

extern const char image_start[], text_start[], text_end[];
/* Written by the build after a first link: for each function, by address, two bytes (its distance from the one before, in
 * instructions, little endian) and its NUL-terminated name. */
extern const char symbols_start[], symbols_end[];
/* Written by ASSERT: the address of its BRK instruction (eight bytes), and its NUL-terminated text. */
extern const char asserts_start[], asserts_end[];
extern const uint8_t build_id_note[]; /* an ELF note: 12 bytes, "GNU", the id */

const uint8_t *arch_build_id(void)
{
    return build_id_note + 16;
}

#define BACKTRACE_MAX 24u

uint32_t panic_cpu_plus_one;

/* The name of the function that holds address, and where it starts; NULL: none known. */
static const char *find_symbol(uint64_t address, uint64_t *start)
{
    const char *best = NULL;
    uint64_t at = (uint64_t)image_start;

    for (const char *p = symbols_start; p < symbols_end; p++) { /* bound: bytes of the table */
        at += ((uint64_t)(uint8_t)p[0] | ((uint64_t)(uint8_t)p[1] << 8)) * 4u;
        if (at > address) {
            break;
        }
        *start = at;
        best = &p[2];
        for (p = best; *p != '\0'; p++) {
        }
    }
    return best;
}

/* call: address is a return address, so the function is that of the instruction before. */
static void print_symbol(uint64_t address, bool call)
{
    uint64_t start = 0;
    const char *name = find_symbol(address - (call ? 1u : 0u), &start);

    if (name != NULL && address >= (uint64_t)text_start && address < (uint64_t)text_end) {
        print_panic("  %016lx %s+0x%lx\n", address, name, address - start);
    } else {
        print_panic("  %016lx\n", address);
    }
}

static bool stack_holds(uint64_t fp)
{
    uint64_t offset = fp - VA_CPU;

    return offset < (uint64_t)MAX_CPUS * CPU_STRIDE && IS_ALIGNED(fp, 8u) &&
           (offset & (CPU_STRIDE - 1u)) >= CPU_STACK_LOW && (offset & (CPU_STRIDE - 1u)) <= CPU_STRUCT_TOP - 16u;
}

static void backtrace(uint64_t pc, uint64_t lr, uint64_t fp)
{
    print_panic("backtrace:\n");
    if (pc != 0u) {
        print_symbol(pc, false);
    }
    if (lr != 0u) {
        print_symbol(lr, true);
    }
    for (uint32_t i = 0; i < BACKTRACE_MAX && stack_holds(fp); i++) {
        const uint64_t *record = (const uint64_t *)fp;
        if (record[1] == 0u) {
            break;
        }
        print_symbol(record[1], true);
        fp = record[0];
    }
}

static void print_who(const struct cpu *cpu)
{
    const struct vcpu *v = cpu->current;

    if (v == NULL) {
        print_panic("CPU %u, no domain ran\n", cpu->id);
        return;
    }
    print_panic("CPU %u, domain '%s' (%u) vCPU %u at pc %016lx pstate %08lx\n", cpu->id, v->domain->name,
                (uint32_t)v->domain->id, v->id, v->arch.pc, v->arch.pstate);
}

/* First CPU to get here goes on; the others stop silently. */
static void claim_panic(void)
{
    uint32_t none = 0;

    if (!__atomic_compare_exchange_n(&panic_cpu_plus_one, &none, this_cpu()->id + 1u, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        arch_halt();
    }
    gic_kick_all_others();
}

/* The text of the ASSERT whose instruction is at address; NULL: none is. */
static const char *find_assert(uint64_t address)
{
    const char *p = asserts_start;

    while (p < asserts_end) { /* bound: bytes of the table */
        uint64_t at;

        memcpy(&at, p, sizeof(at));
        p += sizeof(at);
        if (at == address) {
            return p;
        }
        while (*p++ != '\0') {
        }
    }
    return NULL;
}

NORETURN void panic_fault(const struct panic_frame *f)
{
    static const char *const kind[] = {"synchronous exception", "IRQ", "FIQ", "SError"};
    uint64_t esr = read_sysreg(esr_el2);
    uint64_t elr = read_sysreg(elr_el2);
    const char *broken = (ESR_EC(esr) == EC_BRK) ? find_assert(elr) : NULL;

    claim_panic();
    if (broken != NULL) {
        print_panic("\nbulkhead: FATAL: assertion %s\n", broken);
    } else {
        print_panic("\nbulkhead: FATAL: %s at EL2\n", kind[f->slot & 3u]);
    }
    print_who(this_cpu());
    print_panic("ESR %08lx (class %02lx)  FAR %016lx  ELR %016lx  SPSR %08lx\n", esr, ESR_EC(esr), read_sysreg(far_el2),
                elr, read_sysreg(spsr_el2));
    for (uint32_t i = 0; i < 30u; i += 3u) {
        print_panic("x%-2u %016lx  x%-2u %016lx  x%-2u %016lx\n", i, f->x[i], i + 1u, f->x[i + 1u], i + 2u,
                    f->x[i + 2u]);
    }
    print_panic("x30 %016lx  sp  %016lx\n", f->x[30], f->sp);
    backtrace(elr, f->x[30], f->x[29]);
    print_panic("bulkhead: the machine is stopped\n");
    arch_halt();
}
