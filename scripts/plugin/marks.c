/* SPDX-License-Identifier: Apache-2.0 */
/* A QEMU TCG plugin: count executed instructions of all CPUs and say how many there had been at each arrival at
 * marked addresses.  Arguments mark=ADDRESS:NAME:LIMIT:LAST, several: the first LIMIT arrivals are told as lines
 * "MARK name arrival instructions" on standard error, the one numbered LAST (0 = none) ends QEMU.  Argument
 * profile=FILE: then, or when QEMU ends by itself, lines "ADDRESS COUNT" are written there, one for each instruction
 * executed so far.  Arguments cpu=N, from=ADDRESS: the profile is of that CPU alone, from its first arrival at ADDRESS on. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

#define MAX_MARKS   64u
#define PLACE_COUNT (1u << 18) /* instructions that can be told apart; the rest is counted in one */

struct mark {
    uint64_t address;
    char name[48];
    uint64_t limit; /* arrivals that are told */
    uint64_t last;  /* QEMU ends at this one; 0 = never */
    uint64_t arrivals;
};

int qemu_plugin_version = 2;

struct place {
    uint64_t address;
    uint64_t count;
};

static struct place places[PLACE_COUNT];
static const char *profile;
static struct mark marks[MAX_MARKS];
static unsigned mark_count;
static uint64_t executed;
static unsigned only_cpu;
static uint64_t from; /* 0 = all CPUs, from the start */
static bool is_counting = true;

static void count(unsigned int cpu, void *userdata)
{
    struct place *p = userdata;

    executed++;
    if (from != 0 && cpu == only_cpu && p->address == from) {
        is_counting = true;
    }
    if (is_counting && (from == 0 || cpu == only_cpu)) {
        p->count++;
    }
}

/* The counter of the instruction at address; the last one serves all that find no other. */
static struct place *find_place(uint64_t address)
{
    uint64_t start = address >> 2;

    for (uint64_t i = 0; i < 64; i++) {
        struct place *p = &places[(start + i) % (PLACE_COUNT - 1)];

        if (p->address == address || p->address == 0) {
            p->address = address;
            return p;
        }
    }
    return &places[PLACE_COUNT - 1];
}

static void write_profile(void)
{
    FILE *f = profile == NULL ? NULL : fopen(profile, "w");

    for (unsigned i = 0; f != NULL && i < PLACE_COUNT; i++) {
        if (places[i].count != 0) {
            fprintf(f, "%" PRIx64 " %" PRIu64 "\n", places[i].address, places[i].count);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
}

static void at_exit(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    write_profile();
}

static void arrive(unsigned int cpu, void *userdata)
{
    struct mark *m = userdata;

    (void)cpu;
    m->arrivals++;
    if (m->arrivals <= m->limit) {
        fprintf(stderr, "MARK %s %" PRIu64 " %" PRIu64 "\n", m->name, m->arrivals, executed);
    }
    if (m->arrivals == m->last) {
        write_profile();
        _Exit(0);
    }
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t insns = qemu_plugin_tb_n_insns(tb);

    (void)id;
    for (size_t i = 0; i < insns; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

        for (unsigned k = 0; k < mark_count; k++) {
            if (marks[k].address == qemu_plugin_insn_vaddr(insn)) {
                qemu_plugin_register_vcpu_insn_exec_cb(insn, arrive, CB_NO_REGS, &marks[k]);
            }
        }
        qemu_plugin_register_vcpu_insn_exec_cb(insn, count, CB_NO_REGS, find_place(qemu_plugin_insn_vaddr(insn)));
    }
}

/* mark=ADDRESS:NAME:LIMIT:LAST */
static bool add_mark(const char *text)
{
    struct mark *m = &marks[mark_count];

    if (mark_count == MAX_MARKS || strncmp(text, "mark=", 5) != 0 ||
        sscanf(text + 5, "%" SCNx64 ":%47[^:]:%" SCNu64 ":%" SCNu64, &m->address, m->name, &m->limit, &m->last) != 4) {
        fprintf(stderr, "marks: `%s`: write mark=ADDRESS:NAME:LIMIT:LAST\n", text);
        return false;
    }
    mark_count++;
    return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "profile=", 8) == 0) {
            profile = argv[i] + 8;
        } else if (strncmp(argv[i], "cpu=", 4) == 0) {
            only_cpu = (unsigned)strtoul(argv[i] + 4, NULL, 0);
        } else if (strncmp(argv[i], "from=", 5) == 0) {
            from = strtoull(argv[i] + 5, NULL, 0);
            is_counting = false;
        } else if (!add_mark(argv[i])) {
            return 1;
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
