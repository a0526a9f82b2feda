/* SPDX-License-Identifier: Apache-2.0 */
/* A QEMU TCG plugin: how long each CPU stays at EL2.  A stretch is what a CPU executes of [low, high) between two guest
 * instructions, or arrivals at `poll`, where the hypervisor takes interrupts itself.  Stretches count from the CPU's first arrival
 * at `from` on, up to the first one at `to`.  At the end, for each CPU, on standard error:
 *   EL2 cpu stretches instructions longest ADDRESS...     the longest one's way, by the translated blocks' addresses
 * Arguments low=, high=, poll=, from=, to=: addresses; wait=, wait-end=: the wait for a lock, which is not
 * counted, because an emulated CPU that holds one may not run.  Not with -icount: there QEMU does not tell plugins which CPU it is. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

#define CPUS   64u
#define WAY    4096u
#define PLACES (1u << 16)

int qemu_plugin_version = 2;

static uint64_t low, high, poll, from, to, wait, wait_end;

static struct cpu {
    bool started, ended;
    uint64_t now; /* instructions of the stretch */
    uint64_t steps;
    uint64_t way[WAY];
    uint64_t stretches, sum, longest, longest_steps;
    uint64_t longest_way[WAY];
} cpus[CPUS]; /* each written by its own thread */

static struct block {
    uint64_t address, size;
} blocks[PLACES];
static unsigned block_count;

static void end_stretch(struct cpu *c)
{
    if (c->now == 0) {
        return;
    }
    if (c->started) {
        c->stretches++;
        c->sum += c->now;
        if (c->now > c->longest) {
            c->longest = c->now;
            c->longest_steps = c->steps < WAY ? c->steps : WAY;
            memcpy(c->longest_way, c->way, c->longest_steps * sizeof(c->way[0]));
        }
    }
    c->now = 0;
    c->steps = 0;
}

static void at_el2(unsigned int cpu, void *userdata)
{
    const struct block *b = userdata;
    struct cpu *c = &cpus[cpu % CPUS];

    if (b->address == poll || b->address == from) {
        end_stretch(c);
    }
    c->started = c->started || b->address == from;
    if (b->address >= wait && b->address < wait_end) {
        return; /* how long the others hold a lock is in their stretches */
    }
    c->now += b->size;
    if (c->steps < WAY) {
        c->way[c->steps] = b->address;
    }
    c->steps++;
}

static void in_guest(unsigned int cpu, void *userdata)
{
    const struct block *b = userdata;
    struct cpu *c = &cpus[cpu % CPUS];

    end_stretch(c);
    c->ended = c->ended || (to != 0 && c->started && b->address == to);
    c->started = !c->ended && (c->started || b->address == from);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    static struct block other;
    uint64_t address = qemu_plugin_tb_vaddr(tb);
    unsigned n = __atomic_fetch_add(&block_count, 1u, __ATOMIC_RELAXED);
    struct block *b = n < PLACES ? &blocks[n] : &other;

    (void)id;
    *b = (struct block){address, qemu_plugin_tb_n_insns(tb)};
    qemu_plugin_register_vcpu_tb_exec_cb(tb, address >= low && address < high ? at_el2 : in_guest, CB_NO_REGS, b);
}

static void at_exit(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    for (unsigned i = 0; i < CPUS; i++) {
        const struct cpu *c = &cpus[i];

        if (c->started || c->ended) {
            fprintf(stderr, "\nEL2 %u %" PRIu64 " %" PRIu64 " %" PRIu64, i, c->stretches, c->sum, c->longest);
            for (uint64_t k = 0; k < c->longest_steps; k++) {
                fprintf(stderr, " %" PRIx64, c->longest_way[k]);
            }
            fprintf(stderr, "\n");
        }
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    const struct {
        const char *name;
        uint64_t *value;
    } arguments[] = {{"low=", &low}, {"high=", &high}, {"poll=", &poll}, {"from=", &from}, {"to=", &to}, {"wait=", &wait}, {"wait-end=", &wait_end}};

    (void)info;
    for (int i = 0; i < argc; i++) {
        for (unsigned k = 0; k < sizeof(arguments) / sizeof(arguments[0]); k++) {
            if (strncmp(argv[i], arguments[k].name, strlen(arguments[k].name)) == 0) {
                *arguments[k].value = strtoull(argv[i] + strlen(arguments[k].name), NULL, 0);
            }
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
