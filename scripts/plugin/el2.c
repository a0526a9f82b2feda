/* SPDX-License-Identifier: Apache-2.0 */
/* A QEMU TCG plugin: how long a CPU at EL2 may leave an interrupt waiting.
 * A stretch is what a CPU executes of [low, high) between two guest instructions, or instructions that take an interrupt (read
 * ICC_IAR1_EL1).  It is cut into pieces by the instructions that look whether one is pending (read ISR_EL1).  One that comes during a
 * piece is seen at its end, and taken after the way out: what a stretch does behind a look that has seen one.  Stretches count from the CPU's first arrival at `from` on, up to the first one at
 * `to`.  At the end, in a file:
 *   EL2 cpu stretches instructions longest          for each CPU
 *   CALL nr op handler longest out ADDRESS...       for each hypercall (nr -1 = another cause, named by its handler): its longest
 *                                                   piece, its longest way out, and the way of the piece, by the translated blocks'
 *                                                   addresses
 * Arguments low=, high=, from=, to=, hypercall= (its dispatcher): addresses; out=FILE; places=FILE of lines "p ADDRESS" (takes one), "l ADDRESS
 * REGISTER" (looks), "v ADDRESS" (a vector that a guest's call enters by), "h ADDRESS" (a handler); wait=, wait-end=: the wait for a lock, which
 * is not counted, because an emulated CPU that holds one may not run.
 * Not with -icount: there QEMU does not tell plugins which CPU it is. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

#define CPUS    16u
#define NUMBERS 64 /* of hypercalls */
#define MEMORY_OP 12
#define OPS     64u
#define CALLS  160u
#define WAY    4096u
#define MARKS  1024u

int qemu_plugin_version = 2;

static uint64_t low, high, from, to, wait, wait_end, hypercall;
static const char *places_file, *out_file;

struct piece {
    uint64_t count, steps;
    uint64_t way[WAY];
};

struct call {
    int64_t nr;
    uint64_t op, handler;
    uint64_t longest, out, steps;
    uint64_t way[WAY];
};

static struct cpu {
    bool started, ended;
    struct piece now, worst; /* of the stretch */
    uint64_t sum_now;
    bool seen; /* the last look saw one */
    uint64_t x0, x16; /* of the guest when it entered */
    bool is_call;
    uint64_t handler;
    uint64_t stretches, sum, longest;
    uint32_t call_count;
    struct call calls[CALLS];
    struct qemu_plugin_register *r[31];
    bytes *buffer;
} cpus[CPUS]; /* each written by its own thread */

struct block { /* one a translation: they live as long as QEMU does */
    uint64_t address, size;
    char kind; /* 0, v, h */
};

static struct mark {
    uint64_t address;
    char kind;
    unsigned reg;
} marks[MARKS];
static unsigned mark_count;

static struct mark *mark_at(uint64_t address)
{
    static struct mark none;

    for (unsigned i = 0; i < mark_count; i++) {
        if (marks[i].address == address) {
            return &marks[i];
        }
    }
    return &none;
}

static struct call *call_of(struct cpu *c)
{
    int64_t nr = !c->is_call ? -1 : c->x16 < NUMBERS ? (int64_t)c->x16 : NUMBERS;
    uint64_t x0 = nr == MEMORY_OP ? c->x0 % OPS : c->x0; /* above is its progress */
    uint64_t op = c->is_call && nr < NUMBERS && x0 < OPS ? x0 : 0; /* above: a pointer, or nonsense */

    for (uint32_t i = 0; i < c->call_count; i++) {
        if (c->calls[i].nr == nr && c->calls[i].op == op && c->calls[i].handler == c->handler) {
            return &c->calls[i];
        }
    }
    if (c->call_count < CALLS) {
        c->calls[c->call_count] = (struct call){.nr = nr, .op = op, .handler = c->handler};
        return &c->calls[c->call_count++];
    }
    return &c->calls[CALLS - 1u];
}

static void end_piece(struct cpu *c)
{
    if (c->now.count > c->worst.count) {
        c->worst = c->now;
    }
    c->sum_now += c->now.count;
    c->now.count = 0;
    c->now.steps = 0;
}

static void end_stretch(struct cpu *c)
{
    uint64_t out = c->seen ? c->now.count : 0;

    if (c->sum_now + c->now.count == 0) {
        return;
    }
    end_piece(c);
    if (c->started) {
        struct call *k = call_of(c);

        c->stretches++;
        c->sum += c->sum_now;
        c->longest = c->worst.count > c->longest ? c->worst.count : c->longest;
        k->out = out > k->out ? out : k->out;
        if (c->worst.count > k->longest) {
            k->longest = c->worst.count;
            k->steps = c->worst.steps < WAY ? c->worst.steps : WAY;
            memcpy(k->way, c->worst.way, k->steps * sizeof(k->way[0]));
        }
    }
    c->worst.count = 0;
    c->sum_now = 0;
    c->seen = false;
    c->is_call = false;
    c->handler = 0;
}

static void at_el2(unsigned int cpu, void *userdata)
{
    const struct block *b = userdata;
    struct cpu *c = &cpus[cpu % CPUS];

    if (b->address == from) {
        end_stretch(c);
    }
    if (b->kind == 'h') {
        c->handler = b->address;
    }
    c->started = c->started || b->address == from;
    c->is_call = c->is_call || b->address == hypercall;
    if (b->address >= wait && b->address < wait_end) {
        return; /* how long the others hold a lock is in their stretches */
    }
    c->now.count += b->size;
    c->now.way[c->now.steps % WAY] = b->address;
    c->now.steps++;
}

static void at_take(unsigned int cpu, void *userdata)
{
    (void)userdata;
    end_stretch(&cpus[cpu % CPUS]);
}

static uint64_t value(struct cpu *c, struct qemu_plugin_register *r)
{
    uint64_t v = 0;

    g_byte_array_set_size(c->buffer, 0);
    if (r != NULL && qemu_plugin_read_register(r, c->buffer) == 8) {
        memcpy(&v, c->buffer->data, 8);
    }
    return v;
}

/* Behind the look: userdata is its mark. */
static void at_look(unsigned int cpu, void *userdata)
{
    const struct mark *m = userdata;
    struct cpu *c = &cpus[cpu % CPUS];

    c->seen = value(c, c->r[m->reg]) != 0;
    end_piece(c);
}

static void at_vector(unsigned int cpu, void *userdata)
{
    struct cpu *c = &cpus[cpu % CPUS];

    (void)userdata;
    end_stretch(c);
    c->x0 = value(c, c->r[0]);
    c->x16 = value(c, c->r[16]);
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
    uint64_t address = qemu_plugin_tb_vaddr(tb);
    struct block *b = malloc(sizeof(*b));
    size_t insns = qemu_plugin_tb_n_insns(tb);
    bool is_el2 = address >= low && address < high;

    (void)id;
    if (b == NULL) {
        abort();
    }
    *b = (struct block){address, insns, is_el2 ? mark_at(address)->kind : 0};
    if (b->kind == 'v') {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, at_vector, CB_R_REGS, b);
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, is_el2 ? at_el2 : in_guest, CB_NO_REGS, b);
    for (size_t i = 0; is_el2 && i < insns; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

        struct mark *m = mark_at(qemu_plugin_insn_vaddr(insn));
        struct mark *before = mark_at(qemu_plugin_insn_vaddr(insn) - 4u);

        if (m->kind == 'p') {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, at_take, CB_NO_REGS, b);
        }
        if (before->kind == 'l') {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, at_look, CB_R_REGS, before);
        }
    }
}

static void cpu_init(qemu_plugin_id_t id, unsigned int cpu)
{
    struct cpu *c = &cpus[cpu % CPUS];
    bytes *all = qemu_plugin_get_registers();
    const reg_descriptor *r = (const reg_descriptor *)(void *)all->data;

    (void)id;
    c->buffer = g_byte_array_new();
    for (unsigned i = 0; i < all->len; i++) {
        unsigned n = 31;

        if (sscanf(r[i].name, "x%u", &n) == 1 && n < 31) {
            c->r[n] = r[i].handle;
        }
    }
}

static void at_exit(qemu_plugin_id_t id, void *userdata)
{
    FILE *out = fopen(out_file, "w");

    (void)id;
    (void)userdata;
    for (unsigned i = 0; out != NULL && i < CPUS; i++) {
        const struct cpu *c = &cpus[i];

        if (!c->started && !c->ended) {
            continue;
        }
        fprintf(out, "EL2 %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, c->stretches, c->sum, c->longest);
        for (uint32_t n = 0; n < c->call_count; n++) {
            const struct call *k = &c->calls[n];

            fprintf(out, "CALL %" PRId64 " %" PRIu64 " %" PRIx64 " %" PRIu64 " %" PRIu64, k->nr, k->op, k->handler, k->longest,
                    k->out);
            for (uint64_t s = 0; s < k->steps; s++) {
                fprintf(out, " %" PRIx64, k->way[s]);
            }
            fprintf(out, "\n");
        }
    }
    if (out != NULL) {
        fclose(out);
    }
}

static bool read_places(void)
{
    FILE *f = fopen(places_file, "r");
    char line[80];

    while (f != NULL && mark_count < MARKS && fgets(line, sizeof(line), f) != NULL) {
        struct mark *m = &marks[mark_count];

        mark_count += sscanf(line, "%c %" SCNx64 " %u", &m->kind, &m->address, &m->reg) >= 2 ? 1u : 0u;
    }
    if (f != NULL) {
        fclose(f);
    }
    return mark_count > 0;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    const struct {
        const char *name;
        uint64_t *value;
    } arguments[] = {{"low=", &low}, {"high=", &high}, {"from=", &from},          {"to=", &to},
                     {"wait=", &wait}, {"wait-end=", &wait_end}, {"hypercall=", &hypercall}};

    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "places=", 7) == 0) {
            places_file = argv[i] + 7;
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out_file = argv[i] + 4;
        }
        for (unsigned k = 0; k < sizeof(arguments) / sizeof(arguments[0]); k++) {
            if (strncmp(argv[i], arguments[k].name, strlen(arguments[k].name)) == 0) {
                *arguments[k].value = strtoull(argv[i] + strlen(arguments[k].name), NULL, 0);
            }
        }
    }
    if (places_file == NULL || out_file == NULL || !read_places()) {
        fprintf(stderr, "el2: places=FILE has none, or no out=FILE\n");
        return 1;
    }
    qemu_plugin_register_vcpu_init_cb(id, cpu_init);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
