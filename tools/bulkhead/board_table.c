// SPDX-License-Identifier: Apache-2.0
/* The board table: writing it, and judging one that was found in a file. */
#include <inttypes.h>
#include <string.h>

#include "board.h"

static struct board_range table_range(const struct number *base, const struct number *size)
{
    if (!base->given) {
        return (struct board_range){0};
    }
    return (struct board_range){.base = base->value, .size = size->value};
}

static void put_processors(const struct board *b, struct board_table *t)
{
    const struct number *mpidr = b->mpidrs.item;
    const struct range *ram = b->memory.item;

    t->cpu_count = (uint32_t)b->cpus.value;
    for (uint32_t i = 0; i < t->cpu_count; i++) {
        t->mpidr[i] = mpidr[i].value;
    }
    t->ram_count = (uint32_t)b->memory.count;
    for (uint32_t i = 0; i < t->ram_count; i++) {
        t->ram[i] = (struct board_range){.base = ram[i].base.value, .size = ram[i].size.value};
    }
}

static void put_interrupts(const struct board *b, struct board_table *t)
{
    t->gicd = table_range(&b->gic.distributor.base, &b->gic.distributor.size);
    t->gicr = table_range(&b->gic.redistributors.base, &b->gic.redistributors.size);
    t->gicr_stride = b->gic.stride.value;
    t->gic_spis = (uint32_t)b->gic.spis.value;
    t->maintenance_ppi = (uint32_t)b->gic.maintenance.value;
    t->timer_hyp_ppi = (uint32_t)b->timer.hypervisor.value;
    t->timer_virt_ppi = (uint32_t)b->timer.virtual.value;
    t->timer_phys_ppi = (uint32_t)b->timer.physical.value;
    t->pmu_ppi = (uint32_t)b->pmu.value;
}

void board_table_make(const struct board *b, struct board_table *t)
{
    *t = (struct board_table){.magic = BOARD_MAGIC, .version = BOARD_VERSION, .size = sizeof(*t)};
    size_t length = strlen(b->name.value);
    memcpy(t->name, b->name.value, length < sizeof(t->name) ? length : sizeof(t->name) - 1);
    put_processors(b, t);
    put_interrupts(b, t);
    t->psci_conduit = (uint32_t)b->psci.value;
    t->uart_kind = (uint32_t)b->uart.kind.value;
    t->uart_irq = (uint32_t)b->uart.interrupt.value;
    t->uart = table_range(&b->uart.base, &b->uart.size);
    t->rtc_present = b->rtc.base.given;
    t->rtc = table_range(&b->rtc.base, &b->rtc.size);
    t->watchdog_kind = (uint32_t)b->watchdog.kind.value;
    t->watchdog = table_range(&b->watchdog.base, &b->watchdog.size);
    t->smmu = table_range(&b->smmu.base, &b->smmu.size);
    t->tpm = table_range(&b->tpm.base, &b->tpm.size);
}

static bool table_values_are_sane(const struct board_table *t)
{
    if (t->cpu_count == 0 || t->cpu_count > BOARD_MAX_CPUS || t->ram_count == 0 || t->ram_count > BOARD_MAX_RAM ||
        t->console_cpu >= t->cpu_count || memchr(t->name, '\0', sizeof(t->name)) == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < t->ram_count; i++) {
        uint64_t end;
        if (t->ram[i].size == 0 || __builtin_add_overflow(t->ram[i].base, t->ram[i].size, &end) ||
            ((t->ram[i].base | t->ram[i].size) & 0xfff) != 0) {
            return false;
        }
        if (i > 0 && t->ram[i].base < t->ram[i - 1].base + t->ram[i - 1].size) {
            return false;
        }
    }
    return true;
}

bool board_table_check(struct diags *d, const char *file, uint64_t offset, struct bytes data)
{
    struct board_table t;
    struct place at = place_offset(file, offset);

    if (data.size < sizeof(t)) {
        diag_error(d, at, "board-table", "the board table has %zu bytes of %zu; make it again with `bulkhead board`",
                   data.size, sizeof(t));
        return false;
    }
    memcpy(&t, data.data, sizeof(t));
    if (t.magic != BOARD_MAGIC) {
        diag_error(d, at, "board-table", "there is no board table; make one with `bulkhead board boards/NAME.yaml`");
        return false;
    }
    if (t.version != BOARD_VERSION || t.size != sizeof(t)) {
        diag_error(d, at, "board-version",
                   "the board table has version %" PRIu32 " and size %" PRIu32
                   ", this tool knows version %u and size %zu; "
                   "make it again with `bulkhead board`",
                   t.version, t.size, BOARD_VERSION, sizeof(t));
        return false;
    }
    if (!table_values_are_sane(&t)) {
        diag_error(d, at, "board-table",
                   "the board table contradicts itself (CPUs, RAM or name); make it again with "
                   "`bulkhead board`");
        return false;
    }
    return true;
}

static struct number known(uint64_t value)
{
    return (struct number){.value = value, .given = true};
}

static struct range known_range(struct board_range r)
{
    return (struct range){.base = {.value = r.base, .given = r.size > 0},
                          .size = {.value = r.size, .given = r.size > 0},
                          .maximum = {.value = r.size}};
}

static void list_processors(struct arena *arena, const struct board_table *t, struct board *b)
{
    struct number *mpidr = arena_alloc(arena, t->cpu_count, sizeof(*mpidr));
    struct range *ram = arena_alloc(arena, t->ram_count, sizeof(*ram));

    for (uint32_t i = 0; i < t->cpu_count; i++) {
        mpidr[i] = known(t->mpidr[i]);
    }
    for (uint32_t i = 0; i < t->ram_count; i++) {
        ram[i] = known_range(t->ram[i]);
    }
    b->cpus = known(t->cpu_count);
    b->mpidrs = (struct items){.item = mpidr, .count = t->cpu_count, .given = true};
    b->memory = (struct items){.item = ram, .count = t->ram_count, .given = true};
}

void board_from_table(struct arena *arena, const struct board_table *t, struct board *b)
{
    *b = (struct board){.name = {.value = arena_printf(arena, "%s", t->name), .given = true}};
    list_processors(arena, t, b);
    b->psci = known(t->psci_conduit);
    b->gic.distributor = known_range(t->gicd);
    b->gic.redistributors = known_range(t->gicr);
    b->gic.stride = known(t->gicr_stride);
    b->gic.spis = known(t->gic_spis);
    b->gic.maintenance = known(t->maintenance_ppi);
    b->uart = (struct board_serial){.kind = known(t->uart_kind),
                                    .base = known(t->uart.base),
                                    .size = known(t->uart.size),
                                    .interrupt = known(t->uart_irq)};
    b->timer = (struct board_timer){.hypervisor = known(t->timer_hyp_ppi),
                                    .virtual = known(t->timer_virt_ppi),
                                    .physical = known(t->timer_phys_ppi)};
    b->pmu = known(t->pmu_ppi);
    b->load_address = known(align_up(t->ram[0].base + 1, UINT64_C(1) << 21));
}
