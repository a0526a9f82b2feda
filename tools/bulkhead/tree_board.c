// SPDX-License-Identifier: Apache-2.0
/* A board description from the board's device tree. */
#include <inttypes.h>
#include <libfdt.h>
#include <string.h>

#include "tree.h"

#define DEPTH_MAX 16

static void missing(const struct tree *t, const char *what)
{
    diag_error(t->diags, tree_place(t, 0), "import-board",
               "the device tree has no %s; add it, or write the board description by hand", what);
}

static void note(const struct tree *t, int node, const char *text)
{
    diag_note(t->diags, tree_place(t, node), "import-unexpressed", "%s: %s", tree_path(t, node), text);
}

static struct number number_of(const struct tree *t, int node, uint64_t value)
{
    return (struct number){.value = value, .at = tree_place(t, node), .given = true};
}

/* One level of `ranges`: a child address of `bus` as an address of its parent. False when no entry covers it. */
static bool translate_once(const struct tree *t, int bus, uint64_t *address)
{
    int parent = fdt_parent_offset(t->fdt, bus);
    unsigned child_cells = tree_cells(t, bus, "#address-cells", 2);
    unsigned size_cells = tree_cells(t, bus, "#size-cells", 1);
    unsigned parent_cells = tree_cells(t, parent, "#address-cells", 2);
    unsigned entry = child_cells + parent_cells + size_cells;
    int length = 0;
    const void *ranges = fdt_getprop(t->fdt, bus, "ranges", &length);

    if (ranges == NULL) {
        return false;
    }
    for (unsigned i = 0; i < (unsigned)length / (4 * entry); i++) {
        uint64_t child = 0;
        uint64_t base = 0;
        uint64_t size = 0;
        tree_number(t, bus, "ranges", i * entry, child_cells, &child);
        tree_number(t, bus, "ranges", i * entry + child_cells, parent_cells, &base);
        tree_number(t, bus, "ranges", i * entry + child_cells + parent_cells, size_cells, &size);
        if (*address >= child && *address - child < size) {
            *address = base + (*address - child);
            return true;
        }
    }
    return length == 0; /* an empty property maps one to one */
}

/* Register range `index` of a node as the CPU sees it. */
static bool read_range(const struct tree *t, int node, unsigned index, struct range *out)
{
    int bus = fdt_parent_offset(t->fdt, node);
    unsigned address_cells = tree_cells(t, bus, "#address-cells", 2);
    unsigned size_cells = tree_cells(t, bus, "#size-cells", 1);
    uint64_t base;
    uint64_t size;

    if (!tree_number(t, node, "reg", index * (address_cells + size_cells), address_cells, &base) ||
        !tree_number(t, node, "reg", index * (address_cells + size_cells) + address_cells, size_cells, &size)) {
        return false;
    }
    for (unsigned depth = 0; bus > 0 && depth < DEPTH_MAX; depth++) {
        if (!translate_once(t, bus, &base)) {
            return false;
        }
        bus = fdt_parent_offset(t->fdt, bus);
    }
    if (base >> 52 != 0 || size >> 52 != 0) {
        return false;
    }
    *out =
        (struct range){.base = number_of(t, node, base), .size = number_of(t, node, size), .at = tree_place(t, node)};
    return true;
}

/* INTID of interrupt `index` in the three-cell form of the GIC; 0 when there is none. */
static uint64_t read_intid(const struct tree *t, int node, unsigned index)
{
    uint64_t type;
    uint64_t number;

    if (!tree_number(t, node, "interrupts", 3 * index, 1, &type) ||
        !tree_number(t, node, "interrupts", 3 * index + 1, 1, &number) || type > 1 || number > 987) {
        return 0;
    }
    return number + (type == 1 ? 16 : 32);
}

static int find_compatible(const struct tree *t, const char *compatible)
{
    int node = fdt_node_offset_by_compatible(t->fdt, -1, compatible);

    while (node >= 0) {
        const char *status = tree_text(t, node, "status");
        if (status == NULL || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0) {
            return node;
        }
        node = fdt_node_offset_by_compatible(t->fdt, node, compatible);
    }
    return -1;
}

const char *tree_known_board(const char *compatible)
{
    static const struct {
        const char *compatible, *board;
    } known[] = {{"linux,dummy-virt", "qemu-virt"}, {"fsl,imx8mp-evk", "imx8mp-evk"}};

    for (size_t i = 0; compatible != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].compatible, compatible) == 0) {
            return known[i].board;
        }
    }
    return compatible == NULL ? "board" : compatible;
}

static void read_name(const struct tree *t, struct board *b)
{
    const char *compatible = tree_text(t, 0, "compatible");
    const char *model = tree_text(t, 0, "model");
    char *name = arena_printf(t->arena, "%.*s", (int)BOARD_NAME_BYTES - 1, tree_known_board(compatible));

    for (char *p = name; *p != '\0'; p++) {
        *p = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *p) != NULL ? *p : '-';
    }
    b->name = (struct text){.value = name, .at = tree_place(t, 0), .given = true};
    b->description = (struct text){.value = model == NULL ? "" : model, .given = model != NULL};
}

static void read_cpus(const struct tree *t, struct board *b)
{
    struct number *list = arena_alloc(t->arena, BOARD_MAX_CPUS, sizeof(*list));
    int cpus = fdt_path_offset(t->fdt, "/cpus");
    unsigned cells = cpus < 0 ? 1 : tree_cells(t, cpus, "#address-cells", 1);
    size_t count = 0;
    int node;

    fdt_for_each_subnode(node, t->fdt, cpus)
    {
        const char *type = tree_text(t, node, "device_type");
        uint64_t mpidr;
        if (type == NULL || strcmp(type, "cpu") != 0 || !tree_number(t, node, "reg", 0, cells, &mpidr)) {
            continue;
        }
        if (count == BOARD_MAX_CPUS) {
            note(t, node, "more CPUs than the table has room for; this one and the others are left out");
            break;
        }
        list[count++] = number_of(t, node, mpidr & UINT64_C(0xff00ffffff));
    }
    if (count == 0) {
        missing(t, "CPUs");
    }
    b->mpidrs = (struct items){.item = list, .count = count, .at = tree_place(t, cpus), .given = true};
    b->cpus = (struct number){.value = count};
}

static void insert_ram(struct range *list, size_t count, struct range ram)
{
    size_t i = count;

    for (; i > 0 && list[i - 1].base.value > ram.base.value; i--) {
        list[i] = list[i - 1];
    }
    list[i] = ram;
}

static void read_memory_node(const struct tree *t, int node, struct range *list, size_t *count)
{
    struct range ram;

    for (unsigned i = 0; read_range(t, node, i, &ram); i++) {
        if (ram.size.value == 0) {
            continue;
        }
        if (*count == BOARD_MAX_RAM) {
            note(t, node, "more RAM ranges than the table has room for; the others are left out");
            return;
        }
        insert_ram(list, *count, ram);
        *count += 1;
    }
}

static void read_memory(const struct tree *t, struct board *b)
{
    struct range *list = arena_alloc(t->arena, BOARD_MAX_RAM + 1, sizeof(*list));
    size_t count = 0;
    int node;

    fdt_for_each_subnode(node, t->fdt, 0)
    {
        const char *type = tree_text(t, node, "device_type");
        if (type != NULL && strcmp(type, "memory") == 0) {
            read_memory_node(t, node, list, &count);
        }
    }
    if (count == 0) {
        missing(t, "memory");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        list[i].maximum = (struct number){.value = list[i].size.value};
    }
    b->memory = (struct items){.item = list, .count = count, .at = list[0].at, .given = true};
    b->load_address = number_of(t, 0, align_up(list[0].base.value, UINT64_C(1) << 21) + (UINT64_C(1) << 21));
}

/* The tree does not say how many SPIs there are: the highest that it uses is the least there can be. */
static uint64_t highest_spi(const struct tree *t)
{
    uint64_t highest = 31;
    int node;

    for (node = fdt_next_node(t->fdt, -1, NULL); node >= 0; node = fdt_next_node(t->fdt, node, NULL)) {
        for (unsigned i = 0; i < 8; i++) {
            uint64_t type;
            uint64_t intid = read_intid(t, node, i);
            if (intid > highest && tree_number(t, node, "interrupts", 3 * i, 1, &type) && type == 0) {
                highest = intid;
            }
        }
    }
    return highest - 31;
}

static void read_gic(const struct tree *t, struct board *b)
{
    int node = find_compatible(t, "arm,gic-v3");
    uint64_t stride;
    uint64_t maintenance;

    if (node < 0 || !read_range(t, node, 0, &b->gic.distributor) || !read_range(t, node, 1, &b->gic.redistributors)) {
        missing(t, "GICv3 with distributor and redistributors");
        return;
    }
    int length = 0;
    fdt_getprop(t->fdt, node, "redistributor-stride", &length);
    b->gic.stride = number_of(
        t, node, tree_number(t, node, "redistributor-stride", 0, length == 8 ? 2 : 1, &stride) ? stride : 0x20000);
    maintenance = read_intid(t, node, 0);
    b->gic.maintenance = number_of(t, node, maintenance != 0 ? maintenance : 25);
    b->gic.spis = number_of(t, node, align_up(highest_spi(t), 32) > 988 ? 988 : align_up(highest_spi(t), 32));
    note(t, node,
         "the tree does not say how many SPIs there are; the highest that it uses was rounded up, look up GICD_TYPER");
}

static void read_timers(const struct tree *t, struct board *b)
{
    int timer = find_compatible(t, "arm,armv8-timer");
    int pmu = find_compatible(t, "arm,armv8-pmuv3");
    uint64_t physical = timer < 0 ? 0 : read_intid(t, timer, 1);
    uint64_t virtual = timer < 0 ? 0 : read_intid(t, timer, 2);
    uint64_t hypervisor = timer < 0 ? 0 : read_intid(t, timer, 3);
    uint64_t overflow = pmu < 0 ? 0 : read_intid(t, pmu, 0);

    if (timer < 0) {
        note(t, 0, "there is no generic timer; the usual interrupts 26, 27 and 30 are assumed");
    }
    b->timer.physical = number_of(t, 0, physical != 0 ? physical : 30);
    b->timer.virtual = number_of(t, 0, virtual != 0 ? virtual : 27);
    b->timer.hypervisor = number_of(t, 0, hypervisor != 0 ? hypervisor : 26);
    b->pmu = number_of(t, 0, overflow >= 16 && overflow < 32 ? overflow : pmu < 0 ? 23 : 0);
}

static void read_psci(const struct tree *t, struct board *b)
{
    int node = fdt_path_offset(t->fdt, "/psci");
    const char *method = node < 0 ? NULL : tree_text(t, node, "method");

    b->psci = number_of(t, node, BOARD_CONDUIT_NONE);
    if (method != NULL && strcmp(method, "smc") == 0) {
        b->psci.value = BOARD_CONDUIT_SMC;
    } else if (method != NULL && strcmp(method, "hvc") == 0) {
        b->psci.value = BOARD_CONDUIT_SMC;
        note(t, node, "the method is hvc, which reaches EL2 itself; smc is assumed, boot the board with EL2 free");
    } else if (b->mpidrs.count > 1) {
        note(t, 0, "there is no PSCI; only the first CPU can be started");
        b->mpidrs.count = 1;
    }
}

static unsigned uart_kind(const struct tree *t, int node)
{
    static const char *const imx[] = {"fsl,imx6q-uart", "fsl,imx21-uart", "fsl,imx8mp-uart", "fsl,imx8mq-uart"};

    if (fdt_node_check_compatible(t->fdt, node, "arm,pl011") == 0) {
        return BOARD_UART_PL011;
    }
    for (size_t i = 0; i < sizeof(imx) / sizeof(imx[0]); i++) {
        if (fdt_node_check_compatible(t->fdt, node, imx[i]) == 0) {
            return BOARD_UART_IMX;
        }
    }
    return BOARD_UART_NONE;
}

/* The console that the tree chooses, else the first that we can drive. */
static int find_uart(const struct tree *t)
{
    int chosen = fdt_path_offset(t->fdt, "/chosen");
    const char *path = chosen < 0 ? NULL : tree_text(t, chosen, "stdout-path");

    if (path != NULL) {
        int length = (int)strcspn(path, ":");
        int node = fdt_path_offset_namelen(t->fdt, path, length);
        if (node >= 0 && uart_kind(t, node) != BOARD_UART_NONE) {
            return node;
        }
    }
    int node = find_compatible(t, "arm,pl011");
    return node >= 0 ? node : find_compatible(t, "fsl,imx6q-uart");
}

static void read_uart(const struct tree *t, struct board *b)
{
    int node = find_uart(t);
    struct range range;

    if (node < 0 || !read_range(t, node, 0, &range)) {
        note(t, 0, "there is no UART that we can drive (PL011, i.MX)");
        b->uart.kind = number_of(t, 0, BOARD_UART_NONE);
        return;
    }
    b->uart.kind = number_of(t, node, uart_kind(t, node));
    b->uart.base = range.base;
    b->uart.size = number_of(t, node, align_up(range.size.value, 4096));
    b->uart.interrupt = number_of(t, node, read_intid(t, node, 0));
}

static void read_others(const struct tree *t, struct board *b)
{
    int rtc = find_compatible(t, "arm,pl031");
    int dog = find_compatible(t, "fsl,imx21-wdt");
    int smmu = find_compatible(t, "arm,smmu-v3");
    struct range range;

    if (rtc >= 0) {
        read_range(t, rtc, 0, &b->rtc);
    }
    if (smmu >= 0) {
        read_range(t, smmu, 0, &b->smmu);
    }
    if (dog >= 0 && read_range(t, dog, 0, &range)) {
        b->watchdog =
            (struct board_dog){.kind = number_of(t, dog, BOARD_WATCHDOG_IMX), .base = range.base, .size = range.size};
    }
}

bool tree_read_board(const struct tree *t, struct board *board)
{
    size_t before = t->diags->errors;

    *board = (struct board){0};
    read_name(t, board);
    read_cpus(t, board);
    read_memory(t, board);
    read_gic(t, board);
    read_timers(t, board);
    read_psci(t, board);
    read_uart(t, board);
    read_others(t, board);
    return t->diags->errors == before;
}
