/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

#include <string.h>

#include "guest_layout.h"
#include "gunzip.h"
#include "range.h"
#include "text.h"

/* Header of an arm64 Image. */
#define IMAGE_HEADER_BYTES   64u
#define IMAGE_TEXT_OFFSET_AT 8u
#define IMAGE_SIZE_AT        16u
#define IMAGE_MAGIC_AT       56u
#define IMAGE_MAGIC          "ARM\x64"
#define IMAGE_MAGIC_BYTES    4u
#define KIB_SHIFT            10

static uint64_t read_le64(const uint8_t *from)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < sizeof(value); i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

static bool is_image(const uint8_t *data, uint64_t size)
{
    return size >= IMAGE_HEADER_BYTES && memcmp(&data[IMAGE_MAGIC_AT], IMAGE_MAGIC, IMAGE_MAGIC_BYTES) == 0;
}

/* One segment at `offset` in the first bank that holds it, entered at its first byte. */
static bool place_whole(struct kernel *kernel, const char *domain, const struct kernel_banks *banks, uint64_t offset,
                        const struct kernel_segment *segment)
{
    uint64_t largest = 0;

    for (uint32_t i = 0; i < banks->count; i++) {
        const struct board_range *bank = &banks->bank[i];
        uint64_t base = range_align_up(bank->base, LAYOUT_BLOCK);
        uint64_t room = (range_end(bank) > base) ? range_end(bank) - base : 0;
        if (offset <= room && segment->memory_size <= room - offset) {
            kernel->segment_count = 1;
            kernel->segments[0] = *segment;
            kernel->segments[0].to = base + offset;
            kernel->entry = base + offset;
            kernel->low = base + offset;
            kernel->high = base + offset + segment->memory_size;
            return true;
        }
        largest = (room > largest) ? room : largest;
    }
    log_problem(domain, "the kernel needs %lu KiB of memory, the domain has %lu KiB for it; give more memory",
                (unsigned long)((segment->memory_size >> KIB_SHIFT) + (offset >> KIB_SHIFT)),
                (unsigned long)(largest >> KIB_SHIFT));
    return false;
}

/* header: the first 64 bytes of the Image; file_size 0 = not known yet. */
static bool examine_image(struct kernel *kernel, const char *domain, const uint8_t *header, uint64_t file_size,
                          const struct kernel_banks *banks)
{
    uint64_t text_offset = read_le64(&header[IMAGE_TEXT_OFFSET_AT]);
    uint64_t image_size = read_le64(&header[IMAGE_SIZE_AT]);

    if (text_offset % LAYOUT_PAGE != 0) {
        log_problem(domain, "the kernel's Image header has text_offset 0x%lx, not whole pages; give an arm64 Image",
                    (unsigned long)text_offset);
        return false;
    }
    if (image_size == 0 || image_size < file_size) {
        log_problem(domain, "the kernel's Image header says %lu bytes, the file has %lu; give a whole arm64 Image",
                    (unsigned long)image_size, (unsigned long)file_size);
        return false;
    }
    struct kernel_segment segment = {.file_size = file_size, .memory_size = image_size};
    return place_whole(kernel, domain, banks, text_offset, &segment);
}

static bool examine_gzip(struct kernel *kernel, const char *domain, const struct plan_module *module,
                         const struct kernel_banks *banks)
{
    uint8_t header[IMAGE_HEADER_BYTES];
    uint64_t got = 0;
    struct gunzip gunzip;

    gunzip_open(&gunzip, module->data, module->size);
    enum gunzip_result result = gunzip_read(&gunzip, header, sizeof(header), &got);
    if (result == GUNZIP_BAD) {
        log_problem(domain, "the kernel is damaged gzip data (%s); compress it again", gunzip.reason);
        return false;
    }
    if (got != sizeof(header) || !is_image(header, sizeof(header))) {
        log_problem(domain, "the kernel is gzip data without an arm64 Image in it; give an Image or Image.gz");
        return false;
    }
    kernel->format = KERNEL_IMAGE_GZIP;
    return examine_image(kernel, domain, header, 0, banks);
}

bool kernel_examine(struct kernel *kernel, const char *domain, const struct plan_module *module,
                    const struct kernel_banks *banks)
{
    memset(kernel, 0, sizeof(*kernel));
    if (kernel_is_elf(module)) {
        kernel->format = KERNEL_ELF;
        return kernel_examine_elf(kernel, domain, module, banks);
    }
    if (gunzip_is_gzip(module->data, module->size)) {
        return examine_gzip(kernel, domain, module, banks);
    }
    if (is_image(module->data, module->size)) {
        kernel->format = KERNEL_IMAGE;
        return examine_image(kernel, domain, module->data, module->size, banks);
    }
    struct kernel_segment segment = {.file_size = module->size, .memory_size = module->size};
    kernel->format = KERNEL_FLAT;
    return place_whole(kernel, domain, banks, 0, &segment);
}
