// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <inttypes.h>
#include <string.h>

#define IMAGE_HEADER_BYTES 64u
#define IMAGE_MAGIC        0x644d5241u /* "ARM\x64" */
#define ZIMAGE_MAGIC       0x016f2818u /* 32-bit Arm */

struct probe {
    struct diags *diags;
    struct place at;
    const char *file;
};

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static bool refuse(const struct probe *p, const char *rule, const char *what)
{
    diag_error(p->diags, p->at, rule, "kernel `%s`: %s", p->file, what);
    return false;
}

static bool is_image(struct bytes head)
{
    return head.size >= IMAGE_HEADER_BYTES && get32(head.data + 56) == IMAGE_MAGIC;
}

/* Memory of an Image or flat binary of `size` bytes that starts with `head`. */
static bool probe_image(const struct probe *p, struct bytes head, uint64_t size, struct kernel_info *info)
{
    info->low = 0;
    info->high = size;
    if (!is_image(head)) {
        return true;
    }
    uint64_t offset = get64(head.data + 8);
    uint64_t image_size = get64(head.data + 16);
    if (image_size > KERNEL_MAX_BYTES || offset > KERNEL_MAX_BYTES) {
        return refuse(p, "kernel-image", "its header asks for more than 1 GiB; give an intact arm64 Image");
    }
    info->low = offset;
    info->high = offset + (image_size > size ? image_size : size);
    return true;
}

static bool segment_is_sound(const struct probe *p, const Elf64_Phdr *s, uint64_t size)
{
    uint64_t end;

    if (__builtin_add_overflow(s->p_offset, s->p_filesz, &end) || end > size) {
        return refuse(p, "kernel-elf", "a segment lies beyond the end of the file; give an intact ELF");
    }
    if (s->p_filesz > s->p_memsz || __builtin_add_overflow(s->p_paddr, s->p_memsz, &end)) {
        return refuse(p, "kernel-elf", "a segment's sizes contradict each other; give an intact ELF");
    }
    return true;
}

static bool probe_segments(const struct probe *p, struct bytes data, const Elf64_Ehdr *header, struct kernel_info *info)
{
    bool has_entry = false;

    info->low = UINT64_MAX;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr s;
        memcpy(&s, data.data + header->e_phoff + i * sizeof(s), sizeof(s));
        if (s.p_type != PT_LOAD || s.p_memsz == 0) {
            continue;
        }
        if (!segment_is_sound(p, &s, data.size)) {
            return false;
        }
        info->low = s.p_paddr < info->low ? s.p_paddr : info->low;
        info->high = s.p_paddr + s.p_memsz > info->high ? s.p_paddr + s.p_memsz : info->high;
        has_entry = has_entry || (header->e_entry >= s.p_vaddr && header->e_entry - s.p_vaddr < s.p_memsz);
    }
    if (!has_entry) {
        return refuse(p, "kernel-elf", "its entry point lies in no loaded segment; give an intact ELF");
    }
    return true;
}

static bool probe_elf(const struct probe *p, struct bytes data, struct kernel_info *info)
{
    Elf64_Ehdr h;
    uint64_t end;

    if (data.size < sizeof(h)) {
        return refuse(p, "kernel-elf", "the ELF header is cut off; give an intact ELF");
    }
    memcpy(&h, data.data, sizeof(h));
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_machine != EM_AARCH64) {
        return refuse(p, "kernel-elf", "it is no little-endian 64-bit Arm ELF; build it for aarch64");
    }
    if (h.e_phnum == 0 || h.e_phentsize != sizeof(Elf64_Phdr) ||
        __builtin_add_overflow(h.e_phoff, (uint64_t)h.e_phnum * sizeof(Elf64_Phdr), &end) || end > data.size) {
        return refuse(p, "kernel-elf",
                      "its program headers are missing or lie beyond the end of the file; give an intact "
                      "executable");
    }
    info->is_placed = true;
    return probe_segments(p, data, &h, info);
}

/* Inflate all of it, keep the first bytes and the length: the trailer of a damaged file cannot be trusted. */
static const char *inflate_head(struct archive *reader, struct bytes data, uint8_t head[IMAGE_HEADER_BYTES],
                                uint64_t *length)
{
    struct archive_entry *entry;
    static uint8_t block[1 << 16];
    la_ssize_t got;

    *length = 0;
    archive_read_support_filter_gzip(reader);
    archive_read_support_format_raw(reader);
    if (archive_read_open_memory(reader, data.data, data.size) != ARCHIVE_OK ||
        archive_read_next_header(reader, &entry) != ARCHIVE_OK) {
        return "the gzip stream is damaged or cut off; compress it again";
    }
    if (archive_filter_code(reader, 0) != ARCHIVE_FILTER_GZIP) {
        return "the gzip header is damaged; compress it again";
    }
    while ((got = archive_read_data(reader, block, sizeof(block))) > 0) {
        if (*length < IMAGE_HEADER_BYTES) {
            uint64_t want = IMAGE_HEADER_BYTES - *length;
            memcpy(head + *length, block, (uint64_t)got < want ? (size_t)got : (size_t)want);
        }
        *length += (uint64_t)got;
        if (*length > KERNEL_MAX_BYTES) {
            return "it inflates to more than 1 GiB; give a kernel that fits a domain";
        }
    }
    return got < 0 ? "the gzip stream is damaged or cut off; compress it again" : NULL;
}

static bool probe_gzip(const struct probe *p, struct bytes data, struct kernel_info *info)
{
    uint8_t head[IMAGE_HEADER_BYTES] = {0};
    uint64_t length;
    struct archive *reader = archive_read_new();

    if (reader == NULL) {
        return refuse(p, "kernel-gzip", "it cannot be inflated here; give the uncompressed kernel");
    }
    const char *wrong = inflate_head(reader, data, head, &length);
    archive_read_free(reader);
    if (wrong != NULL) {
        return refuse(p, "kernel-gzip", wrong);
    }
    if (length >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0) {
        return refuse(p, "kernel-gzip", "a compressed ELF is not started; give the ELF itself or a gzip of an Image");
    }
    struct bytes first = {.data = head, .size = length < sizeof(head) ? (size_t)length : sizeof(head)};
    return probe_image(p, first, length, info);
}

bool kernel_probe(struct diags *d, struct place at, const char *file, struct bytes data, struct kernel_info *info)
{
    const struct probe p = {.diags = d, .at = at, .file = file};

    *info = (struct kernel_info){.format = KERNEL_FLAT};
    if (data.size == 0) {
        return refuse(&p, "kernel-empty", "the file is empty; build or fetch it again");
    }
    if (data.size >= 40 && get32(data.data + 36) == ZIMAGE_MAGIC) {
        return refuse(&p, "kernel-32-bit", "it is a 32-bit Arm zImage; build it for aarch64");
    }
    if (data.size >= SELFMAG && memcmp(data.data, ELFMAG, SELFMAG) == 0) {
        info->format = KERNEL_ELF;
        return probe_elf(&p, data, info);
    }
    if (data.size >= 2 && data.data[0] == 0x1f && data.data[1] == 0x8b) {
        info->format = KERNEL_GZIP;
        return probe_gzip(&p, data, info);
    }
    info->format = is_image(data) ? KERNEL_IMAGE : KERNEL_FLAT;
    return probe_image(&p, data, data.size, info);
}

const char *kernel_format_text(enum kernel_format format)
{
    static const char *const names[] = {
        [KERNEL_IMAGE] = "arm64 Image",
        [KERNEL_GZIP] = "gzip",
        [KERNEL_ELF] = "ELF",
        [KERNEL_FLAT] = "flat binary",
    };

    return names[format];
}
