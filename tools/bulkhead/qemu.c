// SPDX-License-Identifier: Apache-2.0
#include "qemu.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TREE_BYTES 65536

struct arguments {
    const char **list;
    size_t count;
    size_t capacity;
};

static void add(struct arguments *a, const char *argument)
{
    if (a->count < a->capacity) {
        a->list[a->count++] = argument;
    }
}

static void add_serial(struct arguments *a, const struct board *board)
{
    for (uint64_t i = 0; i < board->qemu.serial.value; i++) {
        add(a, "-serial");
        add(a, "null");
    }
    add(a, "-chardev");
    add(a, "stdio,id=console,mux=off,signal=off");
    add(a, "-serial");
    add(a, "chardev:console");
}

static void add_options(struct arena *arena, struct arguments *a, const struct qemu_options *o)
{
    if (o->icount) {
        add(a, "-icount");
        add(a, arena_printf(arena, "shift=%u,sleep=off", o->shift));
        add(a, "-rtc");
        add(a, "base=2026-01-01,clock=vm");
        add(a, "-seed");
        add(a, "1");
    }
    if (o->gdb_port != 0) {
        add(a, "-gdb");
        add(a, arena_printf(arena, "tcp:127.0.0.1:%u", o->gdb_port));
        add(a, "-S");
    }
    for (char **extra = o->extra; extra != NULL && *extra != NULL; extra++) {
        add(a, *extra);
    }
}

/* The board's full argument for a model that is named without its properties: `max` is `max,pauth-impdef=on`. */
static const char *full_model(const struct board *board, const char *model)
{
    const struct text *known = board->qemu.cpus.item;
    size_t length = strlen(model);

    for (size_t i = 0; i < board->qemu.cpus.count; i++) {
        if (strncmp(known[i].value, model, length) == 0 && known[i].value[length] == ',') {
            return known[i].value;
        }
    }
    return model;
}

static size_t count_extra(const struct qemu_options *o)
{
    size_t count = 0;

    while (o->extra != NULL && o->extra[count] != NULL) {
        count++;
    }
    return count;
}

const char **qemu_command(struct arena *arena, const struct board *board, const struct qemu_options *options,
                          const char *image, const char *tree)
{
    const struct text *argument = board->qemu.arguments.item;
    size_t capacity = 48 + 2 * board->qemu.serial.value + board->qemu.arguments.count + count_extra(options);
    struct arguments a = {.list = arena_alloc(arena, capacity + 1, sizeof(char *)), .capacity = capacity};
    const char *cpu = options->cpu != NULL ? options->cpu : board->qemu.cpu.given ? board->qemu.cpu.value : NULL;

    add(&a, QEMU_PROGRAM);
    add(&a, "-machine");
    add(&a, board->qemu.machine.value);
    if (cpu != NULL) {
        add(&a, "-cpu");
        add(&a, full_model(board, cpu));
    }
    add(&a, "-smp");
    add(&a, arena_printf(arena, "%" PRIu64, board->cpus.value));
    add(&a, "-m");
    add(&a, arena_printf(arena, "%" PRIu64 "M", board_memory(board) >> 20));
    add(&a, "-display");
    add(&a, "none");
    add(&a, "-monitor");
    add(&a, "none");
    add(&a, "-no-reboot");
    add_serial(&a, board);
    for (size_t i = 0; i < board->qemu.arguments.count; i++) {
        add(&a, argument[i].value);
    }
    add(&a, "-kernel");
    add(&a, image);
    if (tree != NULL) {
        add(&a, "-dtb");
        add(&a, tree);
    }
    add_options(arena, &a, options);
    return a.list;
}

static void must(int result)
{
    if (result < 0) {
        fprintf(stderr, "bulkhead: cannot write the board's device tree: %s; report this\n", fdt_strerror(result));
        exit(70);
    }
}

static void put_memory(struct arena *arena, void *fdt, const struct board *board)
{
    const struct range *ram = board->memory.item;

    for (size_t i = 0; i < board->memory.count; i++) {
        fdt64_t reg[2] = {cpu_to_fdt64(ram[i].base.value), cpu_to_fdt64(ram[i].size.value)};
        must(fdt_begin_node(fdt, arena_printf(arena, "memory@%" PRIx64, ram[i].base.value)));
        must(fdt_property_string(fdt, "device_type", "memory"));
        must(fdt_property(fdt, "reg", reg, sizeof(reg)));
        must(fdt_end_node(fdt));
    }
}

static void put_cpus(struct arena *arena, void *fdt, const struct board *board)
{
    const struct number *mpidr = board->mpidrs.item;

    must(fdt_begin_node(fdt, "cpus"));
    must(fdt_property_u32(fdt, "#address-cells", 2));
    must(fdt_property_u32(fdt, "#size-cells", 0));
    for (uint64_t i = 0; i < board->cpus.value; i++) {
        must(fdt_begin_node(fdt, arena_printf(arena, "cpu@%" PRIx64, mpidr[i].value)));
        must(fdt_property_string(fdt, "device_type", "cpu"));
        must(fdt_property_string(fdt, "compatible", "arm,armv8"));
        must(fdt_property_string(fdt, "enable-method", "psci"));
        must(fdt_property_u64(fdt, "reg", mpidr[i].value));
        must(fdt_end_node(fdt));
    }
    must(fdt_end_node(fdt));
}

struct bytes qemu_tree(struct arena *arena, const struct board *board)
{
    void *fdt = arena_alloc(arena, TREE_BYTES, 1);
    static const char psci[] = "arm,psci-1.0\0arm,psci-0.2";

    must(fdt_create(fdt, TREE_BYTES));
    must(fdt_finish_reservemap(fdt));
    must(fdt_begin_node(fdt, ""));
    must(fdt_property_u32(fdt, "#address-cells", 2));
    must(fdt_property_u32(fdt, "#size-cells", 2));
    must(fdt_property_string(fdt, "compatible", board->name.value));
    must(fdt_property_string(fdt, "model", board->name.value));
    must(fdt_begin_node(fdt, "chosen"));
    must(fdt_end_node(fdt));
    put_memory(arena, fdt, board);
    put_cpus(arena, fdt, board);
    must(fdt_begin_node(fdt, "psci"));
    must(fdt_property(fdt, "compatible", psci, sizeof(psci)));
    must(fdt_property_string(fdt, "method", board->psci.value == BOARD_CONDUIT_HVC ? "hvc" : "smc"));
    must(fdt_end_node(fdt));
    must(fdt_end_node(fdt));
    must(fdt_finish(fdt));
    return (struct bytes){.data = fdt, .size = fdt_totalsize(fdt)};
}
