/* SPDX-License-Identifier: Apache-2.0 */
/* A QEMU TCG plugin: what lies between a deadline and its handler, in instructions of the CPU whose deadline it is; those of other
 * CPUs, and when the emulator runs them, do not count.  A sample begins when CPU `cpu` reaches the guest's code `arm`, which sets its timer, and
 * ends at `handler`.  It is what that CPU executed of the hypervisor's code [low, high) in between, for whatever reason, and what
 * of the guest's since it was there last.  At the end, on standard error:
 *   DEADLINE samples least sum most over exits waits
 * over: samples of more than `limit` instructions; exits: samples in which the CPU came more than once from the guest to the hypervisor;
 * waits: how often it waited for a lock.  Waiting itself (wait=, wait-end=) is not counted, because an emulated CPU that holds one may not run.
 * Arguments: low= high= wait= wait-end= arm= handler= addresses, cpu= limit= skip= numbers; so many samples at the beginning are left out.
 * Not with -icount: there QEMU does not tell plugins which CPU it is. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

#define PLACES (1u << 16)

int qemu_plugin_version = 2;

static uint64_t low, high, wait, wait_end, arm, handler, only_cpu, limit, skip;

static struct block {
    uint64_t address, size;
} blocks[PLACES];
static unsigned block_count;

/* Of CPU `cpu`: written by its thread. */
static struct {
    uint64_t samples, least, sum, most, over, exits, waits;
} all;
static bool is_armed, is_at_el2;
static uint64_t at_el2, since, exits;

static void end_sample(void)
{
    uint64_t count = at_el2 + since;

    is_armed = false;
    if (skip > 0) {
        skip--;
        return;
    }
    all.least = (all.samples == 0 || count < all.least) ? count : all.least;
    all.most = count > all.most ? count : all.most;
    all.sum += count;
    all.over += count > limit;
    all.exits += exits > 1;
    all.samples++;
}

static void in_hypervisor(unsigned int cpu, void *userdata)
{
    const struct block *b = userdata;

    if (cpu != only_cpu || !is_armed) {
        return;
    }
    exits += !is_at_el2;
    is_at_el2 = true;
    since = 0;
    if (b->address >= wait && b->address < wait_end) {
        all.waits += b->address == wait;
    } else {
        at_el2 += b->size;
    }
}

static void in_guest(unsigned int cpu, void *userdata)
{
    const struct block *b = userdata;

    if (cpu != only_cpu) {
        return;
    }
    is_at_el2 = false;
    if (b->address == handler && is_armed) {
        end_sample();
    }
    since += b->size;
    if (b->address == arm) {
        is_armed = true;
        at_el2 = since = exits = 0;
    }
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    uint64_t address = qemu_plugin_tb_vaddr(tb);
    unsigned n = __atomic_fetch_add(&block_count, 1u, __ATOMIC_RELAXED);
    struct block *b = n < PLACES ? &blocks[n] : malloc(sizeof(*b));

    (void)id;
    *b = (struct block){address, qemu_plugin_tb_n_insns(tb)};
    qemu_plugin_register_vcpu_tb_exec_cb(tb, address >= low && address < high ? in_hypervisor : in_guest, CB_NO_REGS, b);
}

static void at_exit(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    fprintf(stderr, "\nDEADLINE %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", all.samples,
            all.least, all.sum, all.most, all.over, all.exits, all.waits);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    const struct {
        const char *name;
        uint64_t *value;
    } arguments[] = {{"low=", &low},         {"high=", &high},    {"wait=", &wait},   {"wait-end=", &wait_end}, {"arm=", &arm},
                     {"handler=", &handler}, {"cpu=", &only_cpu}, {"limit=", &limit}, {"skip=", &skip}};

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
