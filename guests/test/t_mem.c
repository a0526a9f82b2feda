/* SPDX-License-Identifier: Apache-2.0 */
/* t_mem: the memory a domain was given, and the address space around it.
 * [itest->dsn~seen-memory-zero~1] [itest->dsn~seen-memory-bounds~1] [itest->dsn~seen-cache-maintenance~1] */
#include <guest/exception.h>
#include <guest/fdt.h>
#include <guest/mmu.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/sysreg.h>
#include <guest/test.h>

#include <stddef.h>

#include "probe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE         UINT64_C(4096)
#define GIB          (UINT64_C(1) << 30)
#define WINDOW_GIB   300u /* of virtual addresses, for physical ones beyond 512 GiB */

extern char _head[], _image_end[];

static uint64_t tree_base, tree_end; /* the device tree's pages */

/* The whole of RAM but for the program and the device tree; false when there is none at index. */
static bool free_range(uint32_t index, uint64_t *start, uint64_t *end)
{
    uint64_t edges[6], count = 0;
    uint64_t base, top;

    if (index / 3 >= platform.ram_count) {
        return false;
    }
    base = platform.ram[index / 3].base;
    top = base + platform.ram[index / 3].size;
    edges[count++] = base;
    if ((uint64_t)_head >= base && (uint64_t)_head < top) {
        edges[count++] = (uint64_t)_head & ~(PAGE - 1);
        edges[count++] = (uint64_t)_image_end;
    }
    if (tree_base >= base && tree_base < top) {
        edges[count++] = tree_base;
        edges[count++] = tree_end;
    }
    edges[count++] = top;
    *start = 2 * (index % 3) < count ? edges[2 * (index % 3)] : top;
    *end = 2 * (index % 3) < count ? edges[2 * (index % 3) + 1] : top;
    return true;
}

static void note_tree(uint64_t x0)
{
    struct dt dt;

    if (dt_open(&dt, (const void *)x0)) {
        tree_base = x0 & ~(PAGE - 1);
        tree_end = (x0 + dt.size + PAGE - 1) & ~(PAGE - 1);
        if (tree_base < (uint64_t)_head) {
            test_fail("the device tree lies below the program");
        }
    }
}

/* What was not loaded is zero: no byte of an earlier owner is seen. */
static void starts_as_zero(void)
{
    uint64_t start, end, total = 0;

    for (uint32_t i = 0; free_range(i, &start, &end); i++) {
        for (uint64_t at = start; at < end; at += 8) {
            if (*(volatile uint64_t *)at != 0) {
                test_fail("0x%llx holds 0x%llx", (unsigned long long)at, (unsigned long long)*(volatile uint64_t *)at);
                return;
            }
        }
        total += end - start;
    }
    print("t_mem: %llu KiB were zero\n", (unsigned long long)total >> 10);
    CHECK(total > 0);
}

static void holds_what_is_written(void)
{
    uint64_t start, end;

    for (uint32_t i = 0; free_range(i, &start, &end); i++) {
        for (uint64_t at = start; at < end; at += 512) {
            *(volatile uint64_t *)at = at ^ UINT64_C(0x5a5a5a5a5a5a5a5a);
        }
    }
    for (uint32_t i = 0; free_range(i, &start, &end); i++) {
        for (uint64_t at = start; at < end; at += 512) {
            CHECK_EQUAL(*(volatile uint64_t *)at, at ^ UINT64_C(0x5a5a5a5a5a5a5a5a));
        }
    }
}

static void ends_where_it_should(void)
{
    for (uint32_t i = 0; i < platform.ram_count; i++) {
        uint64_t end = platform.ram[i].base + platform.ram[i].size;
        struct probe probe = probe_read(end - 8, 8);

        CHECK(!probe.faulted);
        probe = probe_read(end, 8);
        check_abort(&probe, EC_DABT, end);
        probe = probe_write(end, 1, 1);
        check_abort(&probe, EC_DABT, end);
        probe = probe_read(end + 0x123000, 4);
        check_abort(&probe, EC_DABT, end + 0x123000);
    }
}

static void nothing_below_ram(void)
{
    struct probe probe = probe_read(platform.ram[0].base - 8, 8);

    if (!platform.xen) {
        test_skip("a board may have devices there");
        return;
    }
    check_abort(&probe, EC_DABT, platform.ram[0].base - 8);
    probe = probe_read(0x3a000000, 8);
    check_abort(&probe, EC_DABT, 0x3a000000);
    probe = probe_write(0, 4, 0);
    check_abort(&probe, EC_DABT, 0);
}

static void sweep_of_address_space(void)
{
    for (uint32_t gib = 16; gib < 512; gib += 31) {
        uint64_t address = (uint64_t)gib * GIB + 0x1000;
        struct probe probe = probe_read(address, 8);

        check_abort(&probe, EC_DABT, address);
    }
}

static void beyond_512_gib(void)
{
    static const uint32_t bits[] = {32, 36, 40, 42, 44, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48};
    uint64_t va = WINDOW_GIB * GIB;
    uint32_t width = bits[READ_SYSREG(id_aa64mmfr0_el1) & 15];
    struct probe probe;

    for (uint32_t bit = 39; bit < width; bit++) {
        mmu_map_gib(WINDOW_GIB, UINT64_C(1) << bit, MMU_DATA);
        probe = probe_read(va, 8);
        check_abort(&probe, EC_DABT, va);
    }
    mmu_map_gib(WINDOW_GIB, (UINT64_C(1) << width) - GIB, MMU_DATA);
    probe = probe_write(va + GIB - 8, 8, 0);
    check_abort(&probe, EC_DABT, va + GIB - 8);
    /* Above the announced range the stage 1 walk itself faults: address size, level 1. */
    if (width < 48) {
        mmu_map_gib(WINDOW_GIB, UINT64_C(1) << width, MMU_DATA);
        probe = probe_read(va, 8);
        CHECK(probe.faulted);
        CHECK_EQUAL(ESR_FSC(probe.frame.esr), 1);
    }
    mmu_set_gib(WINDOW_GIB, MMU_DATA);
}

/* Clean and invalidate level by set and way, as firmware and kernels do when they stop. */
static void clean_level(uint32_t level)
{
    uint64_t ccsidr, sets, ways, line, way_shift = 32;

    WRITE_SYSREG(csselr_el1, level << 1);
    isb();
    ccsidr = READ_SYSREG(ccsidr_el1);
    line = (ccsidr & 7) + 4;
    ways = (ccsidr >> 3 & 0x3ff) + 1;
    sets = (ccsidr >> 13 & 0x7fff) + 1;
    for (uint64_t power = 1; power < ways; power *= 2) {
        way_shift--;
    }
    for (uint64_t way = 0; way < ways; way++) {
        for (uint64_t set = 0; set < sets; set++) {
            uint64_t operand = way << way_shift | set << line | level << 1;

            __asm__ volatile("dc cisw, %0" ::"r"(operand) : "memory");
        }
    }
    dsb();
}

static void cache_by_set_and_way(void)
{
    static volatile uint64_t canary = 0x1234;
    uint64_t clidr = READ_SYSREG(clidr_el1);

    canary = 0x5678;
    for (uint32_t level = 0; level < 7; level++) {
        uint32_t type = clidr >> (3 * level) & 7;

        if (type >= 2) {
            clean_level(level);
        }
    }
    CHECK_EQUAL(canary, 0x5678);
}

static void cache_by_address(void)
{
    static uint64_t line[64] __attribute__((aligned(512)));
    uint64_t at = (uint64_t)line;

    line[0] = 42;
    __asm__ volatile("dc cvac, %0\n\tdc cvau, %0\n\tdc civac, %0\n\tdsb sy\n\tic ivau, %0\n\tdsb sy\n\tisb" ::"r"(at)
                     : "memory");
    CHECK_EQUAL(*(volatile uint64_t *)line, 42);
    __asm__ volatile("dc ivac, %0\n\tdsb sy" ::"r"(at) : "memory");
    CHECK_EQUAL(*(volatile uint64_t *)line, 42);
    if ((READ_SYSREG(dczid_el0) & 16) == 0) {
        __asm__ volatile("dc zva, %0\n\tdsb sy" ::"r"(at) : "memory");
        CHECK_EQUAL(*(volatile uint64_t *)line, 0);
    }
    __asm__ volatile("ic iallu\n\tic ialluis\n\ttlbi vmalle1is" ::: "memory");
}

static void invalidate_tlb(void *argument)
{
    (void)argument;
    __asm__ volatile("tlbi vmalle1is\n\ttlbi vmalle1\n\ttlbi vaae1is, xzr\n\tdsb sy\n\tisb" ::: "memory");
}

static void tlb_maintenance(void)
{
    CHECK(!fault_call(invalidate_tlb, NULL, NULL));
}

static void exclusives_and_alignment(void)
{
    static volatile uint64_t word;
    uint64_t value, failed;

    __asm__ volatile("1: ldaxr %0, [%2]\n\tadd %0, %0, #1\n\tstlxr %w1, %0, [%2]\n\tcbnz %w1, 1b"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(&word)
                     : "memory");
    CHECK_EQUAL(word, 1);
    /* Normal memory takes unaligned accesses. */
    CHECK_EQUAL(mmio_read32((uint64_t)&word + 1), 0);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"starts_as_zero", starts_as_zero},
        {"holds_what_is_written", holds_what_is_written},
        {"ends_where_it_should", ends_where_it_should},
        {"nothing_below_ram", nothing_below_ram},
        {"sweep_of_address_space", sweep_of_address_space},
        {"beyond_512_gib", beyond_512_gib},
        {"cache_by_set_and_way", cache_by_set_and_way},
        {"cache_by_address", cache_by_address},
        {"tlb_maintenance", tlb_maintenance},
        {"exclusives_and_alignment", exclusives_and_alignment},
    };

    platform_init(x0);
    note_tree(x0);
    test_run(tests, COUNT(tests));
}
