// SPDX-License-Identifier: Apache-2.0
#include "board.h"

#include <inttypes.h>
#include <string.h>

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)
#define PAGE           UINT64_C(0x1000)
#define BLOCK          UINT64_C(0x200000)

static void set_default(struct number *n, uint64_t value)
{
    if (!n->given) {
        n->value = value;
    }
}

static void fill_defaults(struct board *b)
{
    set_default(&b->cpus, b->mpidrs.count);
    set_default(&b->gic.stride, 0x20000);
    set_default(&b->gic.maintenance, 25);
    set_default(&b->uart.size, PAGE);
    set_default(&b->watchdog.size, PAGE);
    set_default(&b->timer.hypervisor, 26);
    set_default(&b->timer.virtual, 27);
    set_default(&b->timer.physical, 30);
    set_default(&b->pmu, 23);
    for (size_t i = 0; i < b->memory.count; i++) {
        struct range *ram = (struct range *)b->memory.item + i;
        set_default(&ram->maximum, ram->size.value);
    }
}

static void check_mpidrs(struct diags *d, const struct board *b)
{
    const struct number *mpidr = b->mpidrs.item;

    if (b->mpidrs.given && (b->mpidrs.count == 0 || b->mpidrs.count > BOARD_MAX_CPUS)) {
        diag_error(d, b->mpidrs.at, "board-cpus", "there are %zu MPIDRs; write 1 to %u", b->mpidrs.count,
                   BOARD_MAX_CPUS);
        return;
    }
    for (size_t i = 0; i < b->mpidrs.count; i++) {
        if ((mpidr[i].value & ~MPIDR_AFFINITY) != 0) {
            diag_error(d, mpidr[i].at, "board-mpidr",
                       "0x%" PRIx64 " has bits outside the affinity fields; write the value ANDed with 0xff00ffffff",
                       mpidr[i].value);
        }
        for (size_t j = 0; j < i; j++) {
            if (mpidr[j].value == mpidr[i].value) {
                diag_error(d, mpidr[i].at, "board-mpidr", "CPUs %zu and %zu have the same MPIDR; write each CPU's own",
                           j, i);
            }
        }
    }
    if (b->cpus.value > b->mpidrs.count && b->mpidrs.count > 0) {
        diag_error(d, b->cpus.at, "board-cpus", "the board has %zu MPIDRs for %" PRIu64 " CPUs; list the others",
                   b->mpidrs.count, b->cpus.value);
    }
}

static void check_ram(struct diags *d, const struct board *b)
{
    const struct range *ram = b->memory.item;

    if (b->memory.given && (b->memory.count == 0 || b->memory.count > BOARD_MAX_RAM)) {
        diag_error(d, b->memory.at, "board-memory", "there are %zu RAM ranges; write 1 to %u", b->memory.count,
                   BOARD_MAX_RAM);
        return;
    }
    for (size_t i = 0; i < b->memory.count; i++) {
        if (ram[i].base.value % BLOCK != 0 || ram[i].size.value % BLOCK != 0) {
            diag_error(d, ram[i].at, "board-memory", "the RAM range is not 2 MiB aligned; round base up and size down");
        }
        if (ram[i].maximum.value < ram[i].size.value) {
            diag_error(d, ram[i].maximum.at, "board-memory",
                       "the maximum is smaller than the size; write at least the size");
        }
        if (i > 0 && ram[i].base.value < ram[i - 1].base.value + ram[i - 1].maximum.value) {
            diag_error(d, ram[i].at, "board-memory",
                       "the RAM range starts below the end of the one before; order them and keep them apart");
        }
    }
}

static void check_pages(struct diags *d, const struct number *base, const struct number *size, const char *what)
{
    if (base->given && base->value % PAGE != 0) {
        diag_error(d, base->at, "board-device", "the %s's base is not 4 KiB aligned; write the address of its page",
                   what);
    }
    if (size->given && size->value % PAGE != 0) {
        diag_error(d, size->at, "board-device", "the %s's size is no multiple of 4 KiB; round it up", what);
    }
    if (base->given && base->value + size->value > UINT64_C(1) << 52) {
        diag_error(d, base->at, "board-device", "the %s ends beyond the address space; write a smaller size", what);
    }
}

/* What the hypervisor uses itself, by name. */
struct claimed {
    const char *name;
    const struct number *base, *size;
};

static bool claims_meet(const struct claimed *a, const struct claimed *b)
{
    return a->base->given && b->base->given && a->base->value < b->base->value + b->size->value &&
           b->base->value < a->base->value + a->size->value;
}

#define CLAIMED_MAX 6u

static void list_claimed(const struct board *b, struct claimed list[CLAIMED_MAX])
{
    list[0] = (struct claimed){"distributor", &b->gic.distributor.base, &b->gic.distributor.size};
    list[1] = (struct claimed){"redistributors", &b->gic.redistributors.base, &b->gic.redistributors.size};
    list[2] = (struct claimed){"UART", &b->uart.base, &b->uart.size};
    list[3] = (struct claimed){"clock", &b->rtc.base, &b->rtc.size};
    list[4] = (struct claimed){"watchdog", &b->watchdog.base, &b->watchdog.size};
    list[5] = (struct claimed){"SMMU", &b->smmu.base, &b->smmu.size};
}

static void check_against_ram(struct diags *d, const struct board *b, const struct claimed *claim)
{
    const struct range *ram = b->memory.item;

    for (size_t i = 0; i < b->memory.count; i++) {
        const struct claimed memory = {"RAM", &ram[i].base, &ram[i].maximum};
        if (claims_meet(claim, &memory)) {
            diag_error(d, claim->base->at, "board-overlap",
                       "the %s lies in RAM; correct its address, or the RAM's size", claim->name);
        }
    }
}

static void check_given_device(struct diags *d, const struct board *b, const struct board_device *device,
                               const struct claimed *claimed)
{
    const struct claimed claim = {device->name.value, &device->base, &device->size};
    const struct number *intid = device->interrupts.item;

    for (size_t i = 0; i < CLAIMED_MAX; i++) {
        bool is_clock = claimed[i].base == &b->rtc.base; /* read at the start only: a domain may have it */
        if (!is_clock && claims_meet(&claim, &claimed[i])) {
            diag_error(d, device->base.at, "board-overlap",
                       "`%s` overlaps the %s, which is the hypervisor's; take it out of `devices`", claim.name,
                       claimed[i].name);
        }
    }
    for (size_t i = 0; i < device->interrupts.count; i++) {
        if (b->uart.interrupt.value != 0 && intid[i].value == b->uart.interrupt.value) {
            diag_error(d, intid[i].at, "interrupt-shared",
                       "interrupt %" PRIu64 " of `%s` is the hypervisor's UART's; take the device out of `devices`",
                       intid[i].value, claim.name);
        }
    }
    check_against_ram(d, b, &claim);
}

static void check_overlaps(struct diags *d, const struct board *b)
{
    const struct board_device *device = b->devices.item;
    struct claimed claimed[CLAIMED_MAX];

    list_claimed(b, claimed);
    for (size_t i = 0; i < CLAIMED_MAX; i++) {
        check_against_ram(d, b, &claimed[i]);
        for (size_t j = 0; j < i; j++) {
            if (claims_meet(&claimed[i], &claimed[j])) {
                diag_error(d, claimed[i].base->at, "board-overlap",
                           "the %s overlaps the %s; correct one of the addresses", claimed[i].name, claimed[j].name);
            }
        }
    }
    for (size_t i = 0; i < b->devices.count; i++) {
        check_given_device(d, b, &device[i], claimed);
    }
}

static void check_gic(struct diags *d, const struct board *b)
{
    const struct range *gicr = &b->gic.redistributors;

    check_pages(d, &b->gic.distributor.base, &b->gic.distributor.size, "distributor");
    check_pages(d, &gicr->base, &gicr->size, "redistributors");
    if (gicr->size.given && gicr->size.value / b->gic.stride.value < b->cpus.value) {
        diag_error(d, gicr->size.at, "board-gic",
                   "%" PRIu64 " redistributors do not fit for %" PRIu64 " CPUs; write the size of the whole region",
                   gicr->size.value / b->gic.stride.value, b->cpus.value);
    }
}

static void check_devices(struct diags *d, const struct board *b)
{
    check_gic(d, b);
    check_pages(d, &b->uart.base, &b->uart.size, "UART");
    check_pages(d, &b->watchdog.base, &b->watchdog.size, "watchdog");
    check_pages(d, &b->rtc.base, &b->rtc.size, "clock");
    check_pages(d, &b->smmu.base, &b->smmu.size, "SMMU");
    check_pages(d, &b->tpm.base, &b->tpm.size, "TPM");
    check_overlaps(d, b);
    if (b->uart.interrupt.given && b->uart.interrupt.value < 32 && b->uart.interrupt.value != 0) {
        diag_error(d, b->uart.interrupt.at, "board-interrupt",
                   "INTID %" PRIu64 " is no shared interrupt; write 32 plus the SPI number", b->uart.interrupt.value);
    }
    if (b->uart.kind.value != BOARD_UART_NONE && !b->uart.base.given) {
        diag_error(d, b->uart.kind.at, "missing-key", "the UART has no address; write `base: 0x09000000`");
    }
    if (b->watchdog.kind.value != BOARD_WATCHDOG_NONE && !b->watchdog.base.given) {
        diag_error(d, b->watchdog.kind.at, "missing-key", "the watchdog has no address; write `base: 0x30280000`");
    }
    if (b->psci.given && b->psci.value == BOARD_CONDUIT_HVC) {
        diag_error(d, b->psci.at, "board-psci",
                   "HVC calls reach EL2 itself; write `psci: smc`, or `psci: none` for one CPU");
    }
    if (b->psci.given && b->psci.value == BOARD_CONDUIT_NONE && b->cpus.value > 1) {
        diag_error(d, b->psci.at, "board-psci",
                   "without PSCI only one CPU can be started; write `psci: smc` or `cpus: 1`");
    }
}

static void check_text(struct diags *d, const struct board *b)
{
    if (b->name.given && (b->name.value[0] == '\0' || strlen(b->name.value) >= BOARD_NAME_BYTES)) {
        diag_error(d, b->name.at, "board-name", "the name has no or more than %u characters; write a shorter one",
                   BOARD_NAME_BYTES - 1);
    }
    if (b->load_address.given &&
        (b->load_address.value % BLOCK != 0 || !board_has_ram(b, b->load_address.value, BLOCK))) {
        diag_error(d, b->load_address.at, "board-load-address",
                   "0x%" PRIx64 " is not 2 MiB aligned or not in RAM; write where the boot loader puts a kernel",
                   b->load_address.value);
    }
}

void board_read(struct arena *arena, struct diags *d, const char *file, struct bytes text, struct board *board)
{
    *board = (struct board){0};
    size_t before = d->errors;
    struct yaml_node *root = yaml_parse(arena, d, file, text);
    if (root == NULL) {
        return;
    }
    key_decode(arena, d, &board_keys, root, board);
    fill_defaults(board);
    if (d->errors > before) {
        return;
    }
    check_text(d, board);
    check_mpidrs(d, board);
    check_ram(d, board);
    check_devices(d, board);
}

uint64_t board_memory(const struct board *board)
{
    const struct range *ram = board->memory.item;
    uint64_t sum = 0;

    for (size_t i = 0; i < board->memory.count; i++) {
        sum += ram[i].size.value;
    }
    return sum;
}

bool board_has_ram(const struct board *board, uint64_t base, uint64_t size)
{
    const struct range *ram = board->memory.item;

    for (size_t i = 0; i < board->memory.count; i++) {
        uint64_t start = ram[i].base.value;
        if (base >= start && base - start <= ram[i].size.value && size <= ram[i].size.value - (base - start)) {
            return true;
        }
    }
    return false;
}

/* Memory is filled range by range, as boards with several ranges do it. */
static void resize_memory(struct diags *d, struct board *board, struct number memory)
{
    struct range *ram = board->memory.item;
    uint64_t left = memory.value;
    size_t used = 0;

    if (memory.value % BLOCK != 0) {
        diag_error(d, memory.at, "board-memory", "the board's memory is no multiple of 2 MiB; write another size");
        return;
    }
    for (size_t i = 0; i < board->memory.count && left > 0; i++) {
        ram[i].size.value = left < ram[i].maximum.value ? left : ram[i].maximum.value;
        left -= ram[i].size.value;
        used = i + 1;
    }
    if (left > 0) {
        diag_error(d, memory.at, "board-memory", "board `%s` has at most %" PRIu64 " MiB; write a smaller size",
                   board->name.value, (memory.value - left) >> 20);
        return;
    }
    board->memory.count = used;
}

void board_resize(struct diags *d, struct board *board, struct number cpus, struct number memory)
{
    if (cpus.given && cpus.value > board->mpidrs.count) {
        diag_error(d, cpus.at, "board-cpus", "board `%s` has at most %zu CPUs; write a smaller number",
                   board->name.value, board->mpidrs.count);
    } else if (cpus.given) {
        board->cpus.value = cpus.value;
    }
    if (memory.given) {
        resize_memory(d, board, memory);
    }
}
