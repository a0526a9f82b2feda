/* SPDX-License-Identifier: Apache-2.0 */
/* [utest->dsn~boot-kernel-formats~1] [utest->dsn~boot-gzip~1] */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gunzip.h"
#include "kernel.h"

#define MIB UINT64_C(0x100000)

static const struct kernel_banks banks = {.count = 1, .bank = {{0x40000000, 64 * MIB}}};
static struct kernel kernel;

/* The file is handed over in memory of exactly its size, so that a read past its end is seen. */
static bool examine_in(const struct kernel_banks *where, const void *file, size_t size)
{
    uint8_t *exact = malloc(size + 1);
    memcpy(exact, file, size);
    struct plan_module module = {.name = "kernel", .data = exact, .size = size};
    said_clear();
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, exact, size);
    module.data = copy;
    bool result = kernel_examine(&kernel, "d", &module, where);
    free(copy);
    free(exact);
    return result;
}

static bool examine(const void *file, size_t size)
{
    return examine_in(&banks, file, size);
}

struct image {
    uint32_t code[2];
    uint64_t text_offset;
    uint64_t image_size;
    uint64_t flags;
    uint64_t reserved[3];
    char magic[4];
    uint32_t pe;
    uint8_t text[4096];
};

static struct image good_image(void)
{
    struct image image = {.text_offset = 0, .image_size = 2 * MIB};
    memcpy(image.magic, "ARM\x64", 4);
    return image;
}

static void image_goes_to_the_start_of_memory(void **state)
{
    (void)state;
    struct image image = good_image();
    image.text_offset = 0x80000;
    assert_true(examine(&image, sizeof(image)));
    assert_int_equal(kernel.format, KERNEL_IMAGE);
    assert_int_equal(kernel.entry, 0x40080000);
    assert_int_equal(kernel.low, 0x40080000);
    assert_int_equal(kernel.high, 0x40280000);
    assert_int_equal(kernel.segment_count, 1);
    assert_int_equal(kernel.segments[0].file_size, sizeof(image));
    assert_int_equal(kernel.segments[0].memory_size, 2 * MIB);
}

static void image_goes_to_the_first_bank_that_holds_it(void **state)
{
    (void)state;
    static const struct kernel_banks two = {.count = 2, .bank = {{0x50100000, 2 * MIB}, {0x60000000, 16 * MIB}}};
    struct image image = good_image();
    assert_true(examine_in(&two, &image, sizeof(image)));
    assert_int_equal(kernel.entry, 0x60000000);
    image.image_size = MIB;
    assert_true(examine_in(&two, &image, sizeof(image)));
    assert_int_equal(kernel.entry, 0x50200000);
}

static void refuses_an_image_larger_than_the_memory(void **state)
{
    (void)state;
    struct image image = good_image();
    image.image_size = 65 * MIB;
    assert_false(examine(&image, sizeof(image)));
    assert_said(
        "boot: domain 'd': the kernel needs 66560 KiB of memory, the domain has 65536 KiB for it; give more memory");
    image.image_size = UINT64_MAX;
    assert_false(examine(&image, sizeof(image)));
    image = good_image();
    image.text_offset = UINT64_MAX & ~UINT64_C(0xfff);
    assert_false(examine(&image, sizeof(image)));
}

static void refuses_an_image_header_that_lies(void **state)
{
    (void)state;
    struct image image = good_image();
    image.image_size = sizeof(image) - 1;
    assert_false(examine(&image, sizeof(image)));
    assert_said("boot: domain 'd': the kernel's Image header says 4159 bytes, the file has 4160; "
                "give a whole arm64 Image");
    image.image_size = 0;
    assert_false(examine(&image, sizeof(image)));
    assert_said(
        "boot: domain 'd': the kernel's Image header says 0 bytes, the file has 4160; give a whole arm64 Image");
    image = good_image();
    image.text_offset = 0x100;
    assert_false(examine(&image, sizeof(image)));
    assert_said("boot: domain 'd': the kernel's Image header has text_offset 0x100, not whole pages; "
                "give an arm64 Image");
}

static void anything_else_is_a_flat_binary(void **state)
{
    (void)state;
    assert_true(examine("xyz", 3));
    assert_int_equal(kernel.format, KERNEL_FLAT);
    assert_int_equal(kernel.entry, 0x40000000);
    assert_int_equal(kernel.high, 0x40000003);
    struct image image = good_image();
    assert_true(examine(&image, 63)); /* too short for its header */
    assert_int_equal(kernel.format, KERNEL_FLAT);
}

static void refuses_a_flat_binary_larger_than_the_memory(void **state)
{
    (void)state;
    static const struct kernel_banks small = {.count = 1, .bank = {{0x40000000, 0x1000}}};
    static uint8_t file[0x1001];
    assert_false(examine_in(&small, file, sizeof(file)));
    assert_said("boot: domain 'd': the kernel needs 4 KiB of memory, the domain has 4 KiB for it; give more memory");
}

/* ---- ELF ---- */

struct elf {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
    struct {
        uint32_t type, flags;
        uint64_t offset, vaddr, paddr, filesz, memsz, align;
    } program[20];
    uint8_t text[256];
};

static struct elf good_elf(void)
{
    struct elf elf = {.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                      .type = 2,
                      .machine = 183,
                      .version = 1,
                      .entry = 0xffff000000080010,
                      .phoff = 64,
                      .ehsize = 64,
                      .phentsize = 56,
                      .phnum = 3};
    elf.program[0].type = 1;
    elf.program[0].offset = offsetof(struct elf, text);
    elf.program[0].vaddr = 0xffff000000080000;
    elf.program[0].paddr = 0x40080000;
    elf.program[0].filesz = 64;
    elf.program[0].memsz = 64;
    elf.program[1] = elf.program[0];
    elf.program[1].offset += 64;
    elf.program[1].vaddr += 0x1000;
    elf.program[1].paddr += 0x1000;
    elf.program[1].filesz = 16;
    elf.program[1].memsz = 0x2000;
    elf.program[2].type = 4;
    elf.program[2].offset = UINT64_MAX; /* a note: none of our business */
    return elf;
}

static void elf_goes_where_its_segments_say(void **state)
{
    (void)state;
    struct elf elf = good_elf();
    assert_true(examine(&elf, sizeof(elf)));
    assert_int_equal(kernel.format, KERNEL_ELF);
    assert_int_equal(kernel.segment_count, 2);
    assert_int_equal(kernel.entry, 0x40080010);
    assert_int_equal(kernel.low, 0x40080000);
    assert_int_equal(kernel.high, 0x40083000);
    assert_int_equal(kernel.segments[1].to, 0x40081000);
    assert_int_equal(kernel.segments[1].file_size, 16);
    assert_int_equal(kernel.segments[1].memory_size, 0x2000);
}

static void assert_elf_refused(const struct elf *elf, size_t size, const char *what)
{
    char line[512];

    assert_false(examine(elf, size));
    snprintf(line, sizeof(line),
             "boot: domain 'd': the kernel is an ELF file, but %s; "
             "give an AArch64 executable with PT_LOAD segments in RAM",
             what);
    assert_said(line);
}

static void refuses_an_elf_header_that_lies(void **state)
{
    (void)state;
    struct elf elf = good_elf();
    assert_elf_refused(&elf, 63, "it ends in its header");
    elf.ident[4] = 1;
    assert_elf_refused(&elf, sizeof(elf), "not for little-endian AArch64");
    elf = good_elf();
    elf.ident[5] = 2;
    assert_elf_refused(&elf, sizeof(elf), "not for little-endian AArch64");
    elf = good_elf();
    elf.machine = 62;
    assert_elf_refused(&elf, sizeof(elf), "not for little-endian AArch64");
    elf = good_elf();
    elf.type = 1;
    assert_elf_refused(&elf, sizeof(elf), "not an executable");
    static const uint16_t counts[] = {0, 65, 0xffff};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        elf = good_elf();
        elf.phnum = counts[i];
        assert_elf_refused(&elf, sizeof(elf), "its program headers are missing, too many or of unknown size");
    }
    elf = good_elf();
    elf.phentsize = 32;
    assert_elf_refused(&elf, sizeof(elf), "its program headers are missing, too many or of unknown size");
    elf = good_elf();
    elf.phoff = UINT64_MAX - 8;
    assert_elf_refused(&elf, sizeof(elf), "its program headers run past its end");
    elf = good_elf();
    assert_elf_refused(&elf, 64 + 2 * 56, "its program headers run past its end");
}

static void refuses_elf_segments_that_lie(void **state)
{
    (void)state;
    struct elf elf = good_elf();
    elf.program[0].offset = sizeof(elf) - 63;
    assert_elf_refused(&elf, sizeof(elf), "a segment runs past its end");
    elf = good_elf();
    elf.program[0].offset = UINT64_MAX - 10;
    assert_elf_refused(&elf, sizeof(elf), "a segment runs past its end");
    elf = good_elf();
    elf.program[1].memsz = 15;
    assert_elf_refused(&elf, sizeof(elf), "a segment is smaller in memory than in the file");
    elf = good_elf();
    elf.program[1].paddr = UINT64_MAX - 10;
    assert_elf_refused(&elf, sizeof(elf), "a segment's address wraps around");
    elf = good_elf();
    elf.program[1].vaddr = UINT64_MAX - 10;
    assert_elf_refused(&elf, sizeof(elf), "a segment's address wraps around");
    elf = good_elf();
    elf.program[1].paddr = elf.program[0].paddr + 63;
    assert_elf_refused(&elf, sizeof(elf), "two segments overlap");
    elf = good_elf();
    elf.entry = elf.program[0].vaddr + 64;
    assert_elf_refused(&elf, sizeof(elf), "its entry point is in none of its segments");
    elf = good_elf();
    elf.program[0].type = 0;
    elf.program[1].type = 0;
    assert_elf_refused(&elf, sizeof(elf), "its entry point is in none of its segments");
}

static void refuses_too_many_elf_segments(void **state)
{
    (void)state;
    struct elf elf = good_elf();
    elf.phnum = 17;
    for (uint32_t i = 1; i < 17; i++) {
        elf.program[i] = elf.program[0];
        elf.program[i].paddr += i * 0x1000;
        elf.program[i].vaddr += i * 0x1000;
    }
    assert_elf_refused(&elf, sizeof(elf), "it has more than 16 segments");
}

static void refuses_an_elf_larger_than_the_memory(void **state)
{
    (void)state;
    struct elf elf = good_elf();
    elf.program[1].memsz = 64 * MIB;
    assert_false(examine(&elf, sizeof(elf)));
    assert_said("boot: domain 'd': the kernel's ELF segment 0x40081000 to 0x44081000 is outside the domain's memory; "
                "give more memory or link it at 0x40000000");
    elf = good_elf();
    elf.program[0].paddr = 0x3ffff000;
    assert_false(examine(&elf, sizeof(elf)));
}

static void refuses_every_truncated_elf(void **state)
{
    (void)state;
    struct elf elf = good_elf();
    size_t needed = elf.program[1].offset + elf.program[1].filesz;
    for (size_t size = 4; size < needed; size++) {
        assert_false(examine(&elf, size));
    }
    assert_true(examine(&elf, needed));
}

/* ---- gzip ---- */

static uint8_t packed[65536];

/* Compress by the gzip program. */
static size_t gzip(const void *data, size_t size)
{
    char path[] = "/tmp/kernel_test_XXXXXX";
    char command[128];
    int file = mkstemp(path);

    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    assert_int_equal(fwrite(data, 1, size, out), size);
    fclose(out);
    snprintf(command, sizeof(command), "gzip -9 -c %s", path);
    FILE *pipe = popen(command, "r");
    size_t got = fread(packed, 1, sizeof(packed), pipe);
    assert_int_equal(pclose(pipe), 0);
    remove(path);
    return got;
}

static struct image noisy_image(void)
{
    struct image image = good_image();
    uint32_t noise = 1;
    for (size_t i = 0; i < sizeof(image.text); i++) {
        noise = noise * 1103515245 + 12345;
        image.text[i] = (uint8_t)(noise >> 16);
    }
    return image;
}

static void gzip_image_is_placed_by_its_header(void **state)
{
    (void)state;
    struct image image = noisy_image();
    size_t size = gzip(&image, sizeof(image));
    assert_true(examine(packed, size));
    assert_int_equal(kernel.format, KERNEL_IMAGE_GZIP);
    assert_int_equal(kernel.entry, 0x40000000);
    assert_int_equal(kernel.high, 0x40200000);
}

/* Inflate all in pieces of `piece` bytes. */
static enum gunzip_result inflate_all(size_t size, size_t piece, uint8_t *to, size_t room, size_t *total)
{
    struct gunzip gunzip;
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    enum gunzip_result result = GUNZIP_MORE;

    memcpy(exact, packed, size);
    gunzip_open(&gunzip, exact, size);
    *total = 0;
    while (result == GUNZIP_MORE && *total < room) {
        uint64_t got = 0;
        size_t left = room - *total;
        result = gunzip_read(&gunzip, &to[*total], left < piece ? left : piece, &got);
        *total += got;
    }
    free(exact);
    return result;
}

static void inflates_in_pieces(void **state)
{
    (void)state;
    static uint8_t out[8192];
    struct image image = noisy_image();
    size_t size = gzip(&image, sizeof(image));
    size_t total;
    static const size_t pieces[] = {1, 63, 4096, 8192};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        assert_int_equal(inflate_all(size, pieces[i], out, sizeof(out), &total), GUNZIP_END);
        assert_int_equal(total, sizeof(image));
        assert_memory_equal(out, &image, sizeof(image));
    }
}

static void refuses_every_truncated_gzip(void **state)
{
    (void)state;
    static uint8_t out[8192];
    struct image image = noisy_image();
    size_t size = gzip(&image, sizeof(image));
    size_t total;
    for (size_t cut = 18; cut < size; cut += 7) {
        assert_int_equal(inflate_all(cut, 1000, out, sizeof(out), &total), GUNZIP_BAD);
    }
    assert_int_equal(inflate_all(size - 1, 1000, out, sizeof(out), &total), GUNZIP_BAD);
}

static void refuses_a_damaged_gzip(void **state)
{
    (void)state;
    static uint8_t out[8192];
    struct image image = noisy_image();
    size_t size = gzip(&image, sizeof(image));
    size_t total;
    packed[size - 6] ^= 1; /* the checksum */
    assert_int_equal(inflate_all(size, 8192, out, sizeof(out), &total), GUNZIP_BAD);
    assert_false(examine(packed, 20));
    assert_said("boot: domain 'd': the kernel is damaged gzip data (it ends too early); compress it again");
    packed[3] = 0xff; /* reserved flags */
    assert_false(examine(packed, size));
    assert_said("boot: domain 'd': the kernel is damaged gzip data (unknown header flags set); compress it again");
}

static void refuses_a_gzip_without_an_image(void **state)
{
    (void)state;
    size_t size = gzip("hello", 5);
    assert_false(examine(packed, size));
    assert_said("boot: domain 'd': the kernel is gzip data without an arm64 Image in it; give an Image or Image.gz");
    struct elf elf = good_elf();
    size = gzip(&elf, sizeof(elf));
    assert_false(examine(packed, size));
}

static void refuses_a_gzip_image_larger_than_the_memory(void **state)
{
    (void)state;
    struct image image = noisy_image();
    image.image_size = 100 * MIB;
    size_t size = gzip(&image, sizeof(image));
    assert_false(examine(packed, size));
    assert_said("boot: domain 'd': the kernel needs 102400 KiB of memory, the domain has 65536 KiB for it; "
                "give more memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_goes_to_the_start_of_memory),
        cmocka_unit_test(image_goes_to_the_first_bank_that_holds_it),
        cmocka_unit_test(refuses_an_image_larger_than_the_memory),
        cmocka_unit_test(refuses_an_image_header_that_lies),
        cmocka_unit_test(anything_else_is_a_flat_binary),
        cmocka_unit_test(refuses_a_flat_binary_larger_than_the_memory),
        cmocka_unit_test(elf_goes_where_its_segments_say),
        cmocka_unit_test(refuses_an_elf_header_that_lies),
        cmocka_unit_test(refuses_elf_segments_that_lie),
        cmocka_unit_test(refuses_too_many_elf_segments),
        cmocka_unit_test(refuses_an_elf_larger_than_the_memory),
        cmocka_unit_test(refuses_every_truncated_elf),
        cmocka_unit_test(gzip_image_is_placed_by_its_header),
        cmocka_unit_test(inflates_in_pieces),
        cmocka_unit_test(refuses_every_truncated_gzip),
        cmocka_unit_test(refuses_a_damaged_gzip),
        cmocka_unit_test(refuses_a_gzip_without_an_image),
        cmocka_unit_test(refuses_a_gzip_image_larger_than_the_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
