/* SPDX-License-Identifier: Apache-2.0 */
/* A QEMU TCG plugin: how long a lock is held.  Counts the instructions that a CPU executes at EL2 ([low, high)) from one after an
 * arrival at an address `take` until it has executed one at an address `give`.  At the end, on standard error:
 *   HOLD holds instructions longest most...   the last: how many holds took that many instructions, 0 to 255
 * Arguments low=, high=, take=, give= (once for each address).  Not with -icount: there QEMU does not tell plugins which CPU it is. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

#define CPUS   64u
#define MARKS  16u
#define COUNTS 256u

int qemu_plugin_version = 2;

static uint64_t low, high;
static uint64_t takes[MARKS], gives[MARKS];
static unsigned take_count, give_count;

static struct cpu {
    bool holds;
    uint64_t now, count, sum, longest;
    uint64_t of[COUNTS]; /* holds that took so many */
} cpus[CPUS];            /* each written by its own thread */

static bool is_one_of(const uint64_t *marks, unsigned count, uint64_t address)
{
    for (unsigned i = 0; i < count; i++) {
        if (marks[i] == address) {
            return true;
        }
    }
    return false;
}

static void at_any(unsigned int cpu, void *userdata)
{
    struct cpu *c = &cpus[cpu % CPUS];

    (void)userdata;
    c->now += c->holds;
}

static void at_take(unsigned int cpu, void *userdata)
{
    (void)userdata;
    cpus[cpu % CPUS].holds = true;
    cpus[cpu % CPUS].now = 0;
}

static void at_give(unsigned int cpu, void *userdata)
{
    struct cpu *c = &cpus[cpu % CPUS];

    (void)userdata;
    if (!c->holds) {
        return;
    }
    c->now++;
    c->count++;
    c->sum += c->now;
    c->of[c->now < COUNTS ? c->now : COUNTS - 1]++;
    c->longest = c->now > c->longest ? c->now : c->longest;
    c->holds = false;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);

        if (address >= low && address < high) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn,
                                                   is_one_of(takes, take_count, address)   ? at_take
                                                   : is_one_of(gives, give_count, address) ? at_give
                                                                                           : at_any,
                                                   CB_NO_REGS, NULL);
        }
    }
}

static void at_exit(qemu_plugin_id_t id, void *userdata)
{
    struct cpu all = {0};

    (void)id;
    (void)userdata;
    for (unsigned i = 0; i < CPUS; i++) {
        all.count += cpus[i].count;
        all.sum += cpus[i].sum;
        all.longest = cpus[i].longest > all.longest ? cpus[i].longest : all.longest;
        for (unsigned k = 0; k < COUNTS; k++) {
            all.of[k] += cpus[i].of[k];
        }
    }
    fprintf(stderr, "\nHOLD %" PRIu64 " %" PRIu64 " %" PRIu64, all.count, all.sum, all.longest);
    for (unsigned k = 0; k < COUNTS; k++) {
        fprintf(stderr, " %" PRIu64, all.of[k]);
    }
    fprintf(stderr, "\n");
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        uint64_t number = value != NULL ? strtoull(value + 1, NULL, 0) : 0;

        if (strncmp(argv[i], "low=", 4) == 0) {
            low = number;
        } else if (strncmp(argv[i], "high=", 5) == 0) {
            high = number;
        } else if (strncmp(argv[i], "take=", 5) == 0 && take_count < MARKS) {
            takes[take_count++] = number;
        } else if (strncmp(argv[i], "give=", 5) == 0 && give_count < MARKS) {
            gives[give_count++] = number;
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
