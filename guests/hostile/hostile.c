/* SPDX-License-Identifier: Apache-2.0 */
/* hostile: a domain that does everything wrong, at random but repeatably: hypercalls and PSCI calls with arguments
 * from a grammar, accesses to device pages and to nothing, system registers, a flooded UART.  It never asks to be shut
 * down and never stops a CPU of its own, so it must still run at the end:
 *   hostile: seed 1 round 20000, 5211 exceptions, 4102 refusals
 *   hostile: swept 4004 calls, 3641 refused
 *   DONE 2 passed, 0 failed
 * Boot arguments: seed=N (1), rounds=N (20000), sweeps=N of all calls with all kinds of bad addresses after that (1), cpus=N
 * vCPUs that take part (all; the others change what the first one's sweep is about), trace=ROUND announce each action
 * from that round on (never).
 * [impl->dsn~hostile-guest~1] */
#include <guest/cpu.h>
#include <guest/exception.h>
#include <guest/gic.h>
#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/pl011.h>
#include <guest/print.h>
#include <guest/psci.h>

#include <stddef.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "../test/probe.h"
#include "sweep.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BUFFER_BYTES 8192u
#define FILLED_WORDS 64u
#define ROUNDS       20000u
#define FLOOD        32u
#define REPORT       5000u

struct attacker {
    uint64_t random;
    uint64_t exceptions;
    uint64_t refusals;
    uint64_t done;
};

static struct attacker attackers[GUEST_MAX_CPUS];
/* A call at a buffer's end writes into the page behind it. */
static uint8_t buffers[GUEST_MAX_CPUS][BUFFER_BYTES + 4096] __attribute__((aligned(4096)));
static uint8_t swept[3 * 4096] __attribute__((aligned(4096)));
static volatile uint32_t finished;
static volatile uint32_t sweeping_ended;
static uint64_t traced_from; /* round from which each is announced before it is made */

/* xorshift64*: repeatable from the seed, which must not be 0. */
static uint64_t next_random(struct attacker *attacker)
{
    uint64_t x = attacker->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    attacker->random = x;
    return x * UINT64_C(2685821657736338717);
}

static uint64_t below(struct attacker *attacker, uint64_t limit)
{
    return next_random(attacker) % limit;
}

void on_irq(struct exception_frame *frame)
{
    uint32_t intid = gic_acknowledge();

    (void)frame;
    /* What raised it would raise it again. */
    WRITE_SYSREG(cntv_ctl_el0, 0);
    WRITE_SYSREG(cntp_ctl_el0, 0);
    if (intid < 1020) {
        gic_disable(intid);
        gic_end(intid);
    }
}

/* A number that has a meaning somewhere: small, at an edge, an address, or anything. */
static uint64_t any_argument(struct attacker *attacker)
{
    uint8_t *buffer = buffers[attacker - attackers];

    switch (below(attacker, 10)) {
    case 0:
    case 1:
        return below(attacker, 64);
    case 2:
        return UINT64_C(1) << below(attacker, 64);
    case 3:
        return (UINT64_C(1) << below(attacker, 64)) - 1;
    case 4:
    case 5:
        return (uint64_t)buffer + 8 * below(attacker, BUFFER_BYTES / 8);
    case 6:
        return (uint64_t)buffer + BUFFER_BYTES - below(attacker, 64);
    case 7:
        return below(attacker, 2) != 0 ? NOTHING_NORMAL : NOTHING_DEVICE;
    case 8:
        return 0x7ff0 + below(attacker, 16);
    default:
        return next_random(attacker);
    }
}

static uint64_t argument(struct attacker *attacker)
{
    return spared(any_argument(attacker));
}

static void fill_buffer(struct attacker *attacker)
{
    uint64_t *words = (void *)buffers[attacker - attackers];

    for (uint32_t i = 0; i < FILLED_WORDS; i++) {
        words[i] = argument(attacker);
        if (below(attacker, 2) != 0) {
            words[i] = words[i] << 32 | (uint32_t)argument(attacker);
        }
    }
}

/* Success would end this domain or stop this CPU for good.  Commands are 32 bits wide. */
static bool is_suicide(uint64_t number, uint32_t a0)
{
    return number == __HYPERVISOR_sched_op &&
           (a0 == SCHEDOP_shutdown || a0 == SCHEDOP_block || a0 == SCHEDOP_poll || a0 == SCHEDOP_watchdog);
}

/* A list of calls with results: in the buffer only, as its own memory is all that this program must spare. */
static void attack_multicall(struct attacker *attacker)
{
    static const uint8_t spared[] = {__HYPERVISOR_xen_version, __HYPERVISOR_event_channel_op, __HYPERVISOR_hvm_op,
                                     __HYPERVISOR_sysctl,      __HYPERVISOR_multicall,        __HYPERVISOR_physdev_op};
    struct multicall_entry *calls = (void *)buffers[attacker - attackers];

    fill_buffer(attacker);
    for (uint32_t i = 0; i < FILLED_WORDS / 8; i++) { /* none that writes where an earlier one's answer points */
        calls[i].op = spared[below(attacker, COUNT(spared))];
    }
    attacker->refusals +=
        hypercall2(__HYPERVISOR_multicall, (uint64_t)calls, below(attacker, BUFFER_BYTES / sizeof(*calls))) < 0;
}

static void attack_hypercall(struct attacker *attacker)
{
    static const uint8_t known[] = {
        __HYPERVISOR_memory_op, __HYPERVISOR_xen_version, __HYPERVISOR_console_io,       __HYPERVISOR_grant_table_op,
        __HYPERVISOR_vcpu_op,   __HYPERVISOR_sched_op,    __HYPERVISOR_event_channel_op, __HYPERVISOR_physdev_op,
        __HYPERVISOR_hvm_op,    __HYPERVISOR_sysctl,      __HYPERVISOR_domctl,           __HYPERVISOR_argo_op,
        __HYPERVISOR_dm_op,     HYPERVISOR_BULKHEAD_OP,   __HYPERVISOR_vm_assist,        __HYPERVISOR_xsm_op,
    };
    uint64_t number = below(attacker, 8) != 0 ? known[below(attacker, COUNT(known))] : argument(attacker);
    uint64_t a0 = below(attacker, 4) != 0 ? below(attacker, 40) : argument(attacker);
    uint64_t a2 = number == __HYPERVISOR_grant_table_op ? below(attacker, 64) : argument(attacker);

    fill_buffer(attacker);
    if (is_suicide(number, (uint32_t)a0) || number == __HYPERVISOR_multicall) {
        number = __HYPERVISOR_xen_version;
    }
    if (number == __HYPERVISOR_console_io && (uint32_t)a0 == CONSOLEIO_write) {
        a0 = 1000;
    }
    attacker->refusals += hypercall5(number, a0, argument(attacker), a2, argument(attacker), argument(attacker)) < 0;
}

static void attack_psci(struct attacker *attacker)
{
    uint64_t function = 0x84000000u | below(attacker, 2) << 30 | below(attacker, 32);

    switch (function & 0xff) {
    case PSCI_CPU_OFF & 0xff:
    case PSCI_CPU_SUSPEND32 & 0xff:
    case PSCI_SYSTEM_OFF & 0xff:
    case PSCI_SYSTEM_RESET & 0xff:
    case PSCI_SYSTEM_RESET2 & 0xff:
    case 0x0c: /* CPU_DEFAULT_SUSPEND */
    case 0x0e: /* SYSTEM_SUSPEND */
        function = argument(attacker) | 0x4000;
        break;
    case PSCI_CPU_ON32 & 0xff:
        /* Never a CPU that exists: it would run what lies at the address. */
        (void)psci_call(function, 0x80 + argument(attacker) * 0x100, argument(attacker), 0);
        return;
    default:
        break;
    }
    attacker->refusals += (int32_t)psci_call(function, argument(attacker), argument(attacker), 0) < 0;
}

static void attack_memory(struct attacker *attacker)
{
    const uint64_t bases[] = {platform.gicd,           platform.gicd + 0x6000, platform.gicr,  platform.gicr + GICR_SGI,
                              platform.gicr + 0x20000, platform.uart,          NOTHING_DEVICE, NOTHING_NORMAL};
    uint32_t which = (uint32_t)below(attacker, COUNT(bases));
    uint32_t width = 1u << below(attacker, 4);
    uint64_t address = bases[which] + (below(attacker, 0x1000) & ~(uint64_t)(width - 1));
    struct probe probe;

    /* What this program says must stay readable: no characters. */
    if (below(attacker, 2) != 0 && bases[which] != platform.uart) {
        probe = probe_write(address, width, argument(attacker));
    } else {
        probe = probe_read(address, width);
    }
    attacker->exceptions += probe.faulted ? 1 : 0;
}

/* QEMU 10.0 ends itself over a binary point of 8 and more; a real controller takes the three bits that there are. */
static uint64_t spared_emulator(uint32_t word, uint64_t value)
{
    bool is_point = word == word_msr(3, 0, 12, 8, 3) || word == word_msr(3, 0, 12, 12, 3);

    return is_point ? value & 7 : value;
}

/* Reads of all, writes of the interrupt controller's, the timer's, the PMU's and the debug registers. */
static void attack_sysreg(struct attacker *attacker)
{
    uint32_t op1 = (uint32_t)below(attacker, 8), crn = (uint32_t)below(attacker, 16);
    uint32_t crm = (uint32_t)below(attacker, 16), op2 = (uint32_t)below(attacker, 8);
    uint32_t word = word_mrs(2 + (uint32_t)below(attacker, 2), op1, crn, crm, op2);
    struct probe probe;

    switch (below(attacker, 6)) {
    case 0:
        word = word_msr(3, 0, 12, 8 + (uint32_t)below(attacker, 5), op2);
        break;
    case 1:
        word = word_msr(3, 3, 14, 2 + (uint32_t)below(attacker, 2), op2);
        break;
    case 2:
        word = word_msr(3, 3, 9, 12 + (uint32_t)below(attacker, 3), op2);
        break;
    case 3:
        word = word_msr(2, 0, 0, (uint32_t)below(attacker, 16), 4 + (uint32_t)below(attacker, 4));
        break;
    default:
        break;
    }
    probe = probe_instruction(word, spared_emulator(word, argument(attacker)));
    attacker->exceptions += probe.faulted ? 1 : 0;
}

static void attack_junk(struct attacker *attacker)
{
    static const uint32_t words[] = {0x00000000, 0xffffffff, 0xd4000003, 0xd4000022,        0xd41fffe2,
                                     0xd4200000, 0xd4400000, 0x04bf5020, 0xd69f03e0 ^ 0x400};
    struct probe probe = probe_instruction(words[below(attacker, COUNT(words))], 0x8400ffff);

    attacker->exceptions += probe.faulted ? 1 : 0;
}

static void attack_uart(struct attacker *attacker)
{
    if (platform.uart == 0) {
        return;
    }
    for (uint32_t i = 0; i < FLOOD; i++) {
        mmio_write32(platform.uart + PL011_DR, below(attacker, 64) == 0 ? '\n' : '~');
    }
}

static void attack_interrupts(struct attacker *attacker)
{
    GIC_WRITE(ICC_SGI1R, next_random(attacker) & UINT64_C(0x00ff01ff0fffffff));
    irq_enable();
    isb();
    irq_disable();
}

static void attack(uint64_t rounds)
{
    static void (*const ways[])(struct attacker *) = {
        attack_hypercall, attack_hypercall, attack_multicall, attack_psci, attack_memory,
        attack_memory,    attack_sysreg,    attack_junk,      attack_uart, attack_interrupts,
    };
    struct attacker *attacker = &attackers[this_cpu()->index];

    for (uint64_t i = 1; i <= rounds; i++) {
        uint32_t way = (uint32_t)below(attacker, COUNT(ways));

        /* One code page for all CPUs: only the first executes from it. */
        if (this_cpu()->index != 0 && (ways[way] == attack_sysreg || ways[way] == attack_junk)) {
            way = 0;
        }
        if (i >= traced_from) {
            print("\nhostile: CPU %u round %llu way %u\n", (unsigned)this_cpu()->index, (unsigned long long)i,
                  (unsigned)way);
        }
        ways[way](attacker);
        irq_disable();
        attacker->done = i;
        if (i % REPORT == 0 && this_cpu()->index == 0) {
            print("\nhostile: seed-state 0x%llx round %llu, %llu exceptions, %llu refusals\n",
                  (unsigned long long)attacker->random, (unsigned long long)i, (unsigned long long)attacker->exceptions,
                  (unsigned long long)attacker->refusals);
        }
    }
    __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
}

static void attack_on_other_cpu(uint64_t rounds)
{
    gic_init_cpu();
    attack(rounds);
    sweep_disturb(swept, &sweeping_ended);
}

static uint64_t any_value(void *attacker)
{
    return argument(attacker);
}

/* One page of grants is where the sweep expects a page of the hypervisor's. */
static void map_grants(void)
{
    struct xen_add_to_physmap request = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = platform.grant_base >> 12};

    (void)memory_op(XENMEM_add_to_physmap, &request);
}

/* How many answers were wrong. */
static uint64_t sweep(uint64_t passes)
{
    struct sweep s = {.value = any_value, .random = &attackers[0], .buffer = swept};

    map_grants();
    for (uint64_t i = 0; i < passes; i++) {
        sweep_pass(&s);
    }
    sweeping_ended = 1;
    print("\nhostile: swept %llu calls, %llu refused\n", (unsigned long long)s.calls, (unsigned long long)s.refusals);
    return s.wrong;
}

int main(uint64_t x0)
{
    uint64_t seed, rounds, cpus, wrong;

    platform_init(x0);
    seed = platform_argument("seed", 1);
    rounds = platform_argument("rounds", ROUNDS);
    cpus = platform_argument("cpus", platform.cpu_count);
    traced_from = platform_argument("trace", UINT64_MAX);
    cpus = cpus < platform.cpu_count ? cpus : platform.cpu_count;
    gic_init();
    gic_init_cpu();
    print("hostile: seed %llu, %llu rounds on %llu CPUs\n", (unsigned long long)seed, (unsigned long long)rounds,
          (unsigned long long)cpus);
    for (uint32_t i = 0; i < cpus; i++) {
        attackers[i].random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + i;
    }
    for (uint32_t i = 1; i < cpus; i++) {
        (void)cpu_start(i, platform.mpidr[i], attack_on_other_cpu, rounds);
    }
    attack(rounds);
    while (finished < cpus) {
    }
    wrong = sweep(platform_argument("sweeps", 1));
    print("\nDONE %u passed, %u failed\n", wrong == 0 ? 2 : 1, wrong == 0 ? 0 : 1);
    shutdown(SHUTDOWN_poweroff);
}
