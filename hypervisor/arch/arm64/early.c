/* SPDX-License-Identifier: Apache-2.0 */
/* Before translation is on: check what the boot loader brought, build the hypervisor's translation tables.
 * Runs at the load address with caches off: PC-relative accesses only (no pointers in static data), aligned accesses.
 * [impl->dsn~el2-translation~1] */
#include "arch/arm64/early.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/platform.h"
#include "arch/arm64/sysreg.h"
#include "bulkhead/board.h"
#include "bulkhead/image.h"

#define TABLES  48u
#define ENTRIES 512u

/* Stage 1 EL2 descriptors. */
#define DESC_VALID  BIT(0)
#define DESC_TABLE  BIT(1) /* table, or page at level 3 */
#define DESC_DEVICE (UINT64_C(1) << 2)
#define DESC_AP1    BIT(6) /* RES1 at EL2 */
#define DESC_RO     BIT(7)
#define DESC_ISH    (UINT64_C(3) << 8)
#define DESC_AF     BIT(10)
#define DESC_XN     BIT(54)
#define DESC_ADDR   BITS(47, 12)

#define PROT_COMMON (DESC_VALID | DESC_AP1 | DESC_AF | DESC_ISH)
#define PROT_TEXT   (PROT_COMMON | DESC_RO)
#define PROT_RODATA (PROT_COMMON | DESC_RO | DESC_XN)
#define PROT_DATA   (PROT_COMMON | DESC_XN)
#define PROT_DEVICE (DESC_VALID | DESC_AP1 | DESC_AF | DESC_XN | DESC_DEVICE)

static_assert(sizeof(struct image_descriptor) == 112, "head.S writes the size");
static_assert(sizeof(struct board_range) == 16, "board table layout");

extern const char image_head[], text_start[], text_end[], rodata_end[], image_end[];
extern struct image_descriptor image_descriptor;

static ALIGNED(4096) uint64_t tables[TABLES][ENTRIES];
static uint32_t tables_used;

uint64_t early_root; /* machine address of the root table, for secondary CPUs */
uint64_t early_tcr;
struct early_info early_info;

/* ---- refusal, before any console exists ---- */

static void put_text(const struct board_table *b, const char *s)
{
    const struct uart_registers *r = &uart_registers[b->uart_kind];
    const volatile uint32_t *status = (const volatile uint32_t *)(b->uart.base + r->status);

    for (; *s != '\0'; s++) {
        for (uint32_t spin = 0; spin < 1000000u && (*status & r->full) != 0u; spin++) {
        }
        *(volatile uint32_t *)(b->uart.base + r->out) = (uint8_t)*s;
    }
}

static NORETURN void refuse(const struct board_table *b, const char *why)
{
    if (b != NULL && (b->uart_kind == BOARD_UART_PL011 || b->uart_kind == BOARD_UART_IMX)) {
        put_text(b, "bulkhead: ");
        put_text(b, why);
        put_text(b, "\r\n");
    }
    for (;;) {
        __asm__ volatile("wfe");
    }
}

/* ---- tables ---- */

static uint64_t *new_table(const struct board_table *b)
{
    if (tables_used == TABLES) {
        refuse(b, "out of translation tables; the board table has too many or badly aligned ranges");
    }
    return tables[tables_used++];
}

/* Map [va, va + size) to pa with the largest entries that fit.  Bound: entries written. */
static void map(const struct board_table *b, uint64_t va, uint64_t pa, uint64_t size, uint64_t prot)
{
    uint64_t *root = tables[0];

    while (size > 0u) {
        uint64_t *table = root;
        uint32_t shift = 39;

        while (shift > 12u) { /* at most 3 steps down */
            uint64_t span = UINT64_C(1) << shift;
            uint64_t *entry = &table[(va >> shift) & (ENTRIES - 1u)];

            if (shift <= 30u && size >= span && IS_ALIGNED(va | pa, span) && (*entry & DESC_VALID) == 0u) {
                break;
            }
            if ((*entry & DESC_VALID) == 0u) {
                *entry = (uint64_t)new_table(b) | DESC_VALID | DESC_TABLE;
            }
            table = (uint64_t *)(*entry & DESC_ADDR);
            shift -= 9u;
        }
        table[(va >> shift) & (ENTRIES - 1u)] = pa | prot | (shift == 12u ? DESC_TABLE : 0u);
        va += UINT64_C(1) << shift;
        pa += UINT64_C(1) << shift;
        size -= UINT64_C(1) << shift;
    }
}

static void map_device(const struct board_table *b, struct board_range r)
{
    if (r.size != 0u) {
        uint64_t base = ALIGN_DOWN(r.base, PAGE_SIZE);
        map(b, VA_DEVICE + base, base, ALIGN_UP(r.base + r.size, PAGE_SIZE) - base, PROT_DEVICE);
    }
}

static void map_image(const struct board_table *b, uint64_t load)
{
    uint64_t text = (uint64_t)text_start - load;
    uint64_t rodata = (uint64_t)text_end - load;
    uint64_t data = (uint64_t)rodata_end - load;
    uint64_t end = (uint64_t)image_end - load;

    map(b, load + text, load + text, rodata - text, PROT_TEXT); /* identity, for the switch */
    map(b, VA_IMAGE, load, text, PROT_RODATA);
    map(b, VA_IMAGE + text, load + text, rodata - text, PROT_TEXT);
    map(b, VA_IMAGE + rodata, load + rodata, data - rodata, PROT_RODATA);
    map(b, VA_IMAGE + data, load + data, end - data, PROT_DATA);
}

/* RAM but the hypervisor's own image. */
static void map_direct(const struct board_table *b, uint64_t load)
{
    uint64_t end = ALIGN_UP(load + image_descriptor.hypervisor.size, PAGE_SIZE);

    for (uint32_t i = 0; i < b->ram_count; i++) {
        uint64_t from = b->ram[i].base;
        uint64_t to = b->ram[i].base + b->ram[i].size;

        if (load >= from && load < to) {
            map(b, VA_DIRECT + from, from, load - from, PROT_DATA);
            from = end;
        }
        map(b, VA_DIRECT + from, from, to - from, PROT_DATA);
    }
}

static void map_cpus(const struct board_table *b, uint64_t areas)
{
    for (uint32_t i = 0; i < b->cpu_count; i++) {
        uint64_t va = VA_CPU + (uint64_t)i * CPU_STRIDE;
        uint64_t pa = areas + (uint64_t)i * IMAGE_RUNTIME_CPU;

        map(b, va + CPU_STACK_LOW, pa + CPU_STACK_LOW, CPU_STACK_TOP - CPU_STACK_LOW, PROT_DATA);
        map(b, va + CPU_STRUCT, pa + CPU_STRUCT, CPU_STRUCT_TOP - CPU_STRUCT, PROT_DATA);
    }
}

/* ---- checks ---- */

static const struct board_table *check_board(uint64_t load)
{
    const struct board_table *b = (const struct board_table *)(load + image_descriptor.board.offset);

    if (image_descriptor.board.size == 0u || b->magic != BOARD_MAGIC) {
        refuse(NULL, ""); /* no UART is known: stay silent and stop */
    }
    if (b->version != BOARD_VERSION || b->size != sizeof(*b)) {
        refuse(b, "board table of another version; rebuild the image with the host tool of this hypervisor");
    }
    if (b->cpu_count == 0u || b->cpu_count > BOARD_MAX_CPUS || b->ram_count == 0u || b->ram_count > BOARD_MAX_RAM) {
        refuse(b, "board table with impossible CPU or RAM count; rebuild the image");
    }
    return b;
}

/* The whole image, runtime part included, is inside one RAM range. */
static void check_image(const struct board_table *b, uint64_t load)
{
    const struct image_part *r = &image_descriptor.runtime;

    if (!IS_ALIGNED(load, 0x200000u)) {
        refuse(b, "image not loaded 2 MiB aligned; load it at a multiple of 0x200000");
    }
    for (uint32_t i = 0; i < b->ram_count; i++) {
        if (load >= b->ram[i].base && r->offset + r->size <= b->ram[i].size &&
            load - b->ram[i].base <= b->ram[i].size - (r->offset + r->size)) {
            return;
        }
    }
    refuse(b, "image does not fit the RAM of the board table; load it lower, or correct the board's ram ranges");
}

static void check_runtime(const struct board_table *b)
{
    uint64_t frames = 0;

    for (uint32_t i = 0; i < b->ram_count; i++) {
        frames += b->ram[i].size >> PAGE_SHIFT;
    }
    if (image_descriptor.runtime.size <
        frames * 8u + b->cpu_count * IMAGE_RUNTIME_CPU + IMAGE_RUNTIME_FIXED + image_descriptor.boot_domain_memory) {
        refuse(b, "image built with too little runtime memory for this board; rebuild it with the host tool");
    }
}

/* Everything above was written past the caches; lines that the boot loader left there are older. */
static void forget_cached(uint64_t from, uint64_t to)
{
    uint64_t line = UINT64_C(4) << FIELD(read_sysreg(ctr_el0), 19, 16);

    for (uint64_t a = ALIGN_DOWN(from, line); a < to; a += line) {
        __asm__ volatile("dc ivac, %0" ::"r"(a) : "memory");
    }
}

uint64_t early_start(uint64_t dtb, uint64_t load, uint64_t ticks)
{
    const struct board_table *b = check_board(load);
    uint64_t areas = load + image_descriptor.runtime.offset;
    uint64_t pa_range = FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0);

    if (((read_sysreg(CurrentEL) >> 2) & 3u) != 2u) {
        refuse(b, "not started at EL2; use a boot loader or machine that enters at EL2 "
                  "(QEMU: -machine virt,virtualization=on)");
    }
    check_image(b, load);
    check_runtime(b);
    tables_used = 1;
    map_image(b, load);
    map_direct(b, load);
    map_device(b, b->gicd);
    map_device(b, b->gicr);
    map_device(b, b->uart);
    map_device(b, b->rtc);
    map_device(b, b->watchdog);
    map_cpus(b, areas);

    /* T0SZ 16, write-back write-allocate inner shareable walks, PS; bits 31 and 23 are RES1 */
    early_tcr = 16u | (UINT64_C(1) << 8) | (UINT64_C(1) << 10) | (UINT64_C(3) << 12) |
                ((pa_range > 5u ? 5u : pa_range) << 16) | BIT(23) | BIT(31);
    early_root = (uint64_t)tables[0];
    early_info = (struct early_info){.load = load,
                                     .dtb = dtb,
                                     .ticks = ticks,
                                     .board_offset = image_descriptor.board.offset,
                                     .areas = areas,
                                     .areas_size = b->cpu_count * IMAGE_RUNTIME_CPU};
    forget_cached((uint64_t)rodata_end, (uint64_t)image_end);
    dsb_sy();
    return early_root;
}
