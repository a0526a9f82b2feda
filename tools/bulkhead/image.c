// SPDX-License-Identifier: Apache-2.0
#include "image.h"

#include <inttypes.h>
#include <string.h>

#include "board.h"

#define HEADER_BYTES      64u
#define HEADER_IMAGE_SIZE 16u
#define HEADER_MAGIC      56u
#define HEADER_PE_OFFSET  60u
#define PE_MZ             0x5a4du
#define PE_MAGIC          0x00004550u /* "PE\0\0" */
#define PE_SECTIONS       6u          /* offsets from there */
#define PE_OPTIONAL_SIZE  20u
#define PE_OPTIONAL       24u
#define PE32_PLUS         0x20bu
#define PE_HEADERS        0x1000u     /* SizeOfHeaders, which is also where the section starts */
#define MAGIC             0x644d5241u /* "ARM\x64" */
#define PAGE              UINT64_C(0x1000)
#define BLOCK             UINT64_C(0x200000)
#define FRAME_TABLE_ENTRY 8u

static uint64_t get(struct bytes data, size_t offset, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, data.data + offset, size);
    return value;
}

uint64_t image_runtime_size(const struct board_table *board, uint64_t boot_domain_memory)
{
    uint64_t frames = 0;

    for (uint32_t i = 0; i < board->ram_count; i++) {
        frames += board->ram[i].size / PAGE;
    }
    return align_up(frames * FRAME_TABLE_ENTRY + board->cpu_count * IMAGE_RUNTIME_CPU + IMAGE_RUNTIME_FIXED, BLOCK) +
           boot_domain_memory;
}

/* The descriptor that the linker left in a hypervisor binary. */
static struct image_descriptor linked_descriptor(struct bytes hypervisor)
{
    struct image_descriptor d;

    memcpy(&d, hypervisor.data + IMAGE_DESCRIPTOR_OFFSET, sizeof(d));
    return d;
}

static struct image_descriptor lay_out(const struct image_parts *p)
{
    struct image_descriptor d = linked_descriptor(p->hypervisor);
    struct board_table board;

    memcpy(&board, p->board.data, sizeof(board));
    d.hypervisor.offset = 0;
    d.board = (struct image_part){.offset = align_up(d.hypervisor.size, PAGE), .size = p->board.size};
    d.boot_domain =
        (struct image_part){.offset = align_up(d.board.offset + d.board.size, PAGE), .size = p->boot_domain.size};
    uint64_t end = d.boot_domain.offset + d.boot_domain.size;
    d.archive = (struct image_part){0};
    if (p->archive.size > 0) {
        d.archive = (struct image_part){.offset = align_up(end, BLOCK), .size = p->archive.size};
        end = d.archive.offset + d.archive.size;
    }
    d.runtime =
        (struct image_part){.offset = align_up(end, BLOCK), .size = image_runtime_size(&board, p->boot_domain_memory)};
    d.boot_domain_memory = p->boot_domain_memory;
    d.boot_domain_cpu = p->boot_domain_cpu;
    d.flags = 0;
    return d;
}

uint64_t image_total_size(const struct image_parts *parts)
{
    struct image_descriptor d = lay_out(parts);

    return d.runtime.offset + d.runtime.size;
}

/* Where the fields of the PE header are that say how large the image is: the file is a UEFI application too. */
struct pe_fields {
    size_t code_size; /* of the optional header */
    size_t image_size;
    size_t virtual_size; /* of the one section, which starts at PE_HEADERS */
    size_t raw_size;
};

/* False when the hypervisor has no PE header of the form that head.S writes. */
static bool find_pe(struct bytes data, struct pe_fields *pe)
{
    uint64_t header = get(data, HEADER_PE_OFFSET, 4);

    if (get(data, 0, 2) != PE_MZ || header > PE_HEADERS - 512 || get(data, header, 4) != PE_MAGIC ||
        get(data, header + PE_SECTIONS, 2) != 1 || get(data, header + PE_OPTIONAL, 2) != PE32_PLUS) {
        return false;
    }
    uint64_t optional_size = get(data, header + PE_OPTIONAL_SIZE, 2);
    if (optional_size > 256) {
        return false;
    }
    size_t optional = header + PE_OPTIONAL;
    size_t section = optional + optional_size;
    *pe = (struct pe_fields){
        .code_size = optional + 4, .image_size = optional + 56, .virtual_size = section + 8, .raw_size = section + 16};
    return true;
}

/* The sizes that the PE header leaves open: one section from the descriptor page to the end of the file. */
static void put_pe(struct buffer *out)
{
    struct pe_fields pe;
    uint32_t whole = (uint32_t)out->size;
    uint32_t section = whole - PE_HEADERS;

    if (find_pe(buffer_bytes(out), &pe)) {
        memcpy(out->data + pe.code_size, &section, sizeof(section));
        memcpy(out->data + pe.image_size, &whole, sizeof(whole));
        memcpy(out->data + pe.virtual_size, &section, sizeof(section));
        memcpy(out->data + pe.raw_size, &section, sizeof(section));
    }
}

static void put_part(struct buffer *out, const struct image_part *part, struct bytes data)
{
    if (part->size > 0) {
        buffer_fill(out, part->offset);
        buffer_add(out, data.data, data.size);
    }
}

void image_make(const struct image_parts *parts, struct buffer *out)
{
    struct image_descriptor d = lay_out(parts);
    uint64_t image_size = d.runtime.offset + d.runtime.size;
    struct bytes hypervisor = parts->hypervisor;

    hypervisor.size = hypervisor.size < d.hypervisor.size ? hypervisor.size : (size_t)d.hypervisor.size;
    buffer_add(out, hypervisor.data, hypervisor.size);
    put_part(out, &d.board, parts->board);
    put_part(out, &d.boot_domain, parts->boot_domain);
    put_part(out, &d.archive, parts->archive);
    buffer_fill(out, align_up(out->size, PAGE));
    put_pe(out);
    memcpy(out->data + HEADER_IMAGE_SIZE, &image_size, sizeof(image_size));
    memcpy(out->data + IMAGE_DESCRIPTOR_OFFSET, &d, sizeof(d));
}

bool image_is_image(struct bytes data)
{
    return data.size >= IMAGE_DESCRIPTOR_OFFSET + sizeof(struct image_descriptor) &&
           get(data, HEADER_MAGIC, 4) == MAGIC && get(data, IMAGE_DESCRIPTOR_OFFSET, 8) == IMAGE_DESCRIPTOR_MAGIC;
}

static bool check_descriptor(struct diags *d, const char *file, struct bytes data, struct image_descriptor *out)
{
    if (data.size < IMAGE_DESCRIPTOR_OFFSET + sizeof(*out)) {
        diag_error(d, place_offset(file, data.size), "image-truncated",
                   "the file ends before the image descriptor at 0x1000; build it again");
        return false;
    }
    if (get(data, HEADER_MAGIC, 4) != MAGIC) {
        diag_error(d, place_offset(file, HEADER_MAGIC), "image-header",
                   "there is no arm64 Image header; give an image made by `bulkhead build`");
        return false;
    }
    *out = linked_descriptor(data);
    if (out->magic != IMAGE_DESCRIPTOR_MAGIC) {
        diag_error(d, place_offset(file, IMAGE_DESCRIPTOR_OFFSET), "image-descriptor",
                   "there is no image descriptor, the file is another kernel; give an image made by `bulkhead build`");
        return false;
    }
    if (out->version != IMAGE_DESCRIPTOR_VERSION || out->size != sizeof(*out)) {
        diag_error(d, place_offset(file, IMAGE_DESCRIPTOR_OFFSET + 8), "image-version",
                   "the image descriptor has version %" PRIu32 " and size %" PRIu32
                   ", this tool knows version %u and size %zu; use the tool that made the image",
                   out->version, out->size, IMAGE_DESCRIPTOR_VERSION, sizeof(*out));
        return false;
    }
    return true;
}

bool image_check_hypervisor(struct diags *d, const char *file, struct bytes data)
{
    struct image_descriptor descriptor;

    if (!check_descriptor(d, file, data, &descriptor)) {
        return false;
    }
    if (descriptor.hypervisor.offset != 0 ||
        descriptor.hypervisor.size < IMAGE_DESCRIPTOR_OFFSET + sizeof(descriptor) ||
        descriptor.hypervisor.size > UINT64_C(1) << 30) {
        diag_error(d, place_offset(file, IMAGE_DESCRIPTOR_OFFSET + offsetof(struct image_descriptor, hypervisor)),
                   "image-hypervisor", "the hypervisor's size is 0x%" PRIx64 ", which cannot be; link it again",
                   descriptor.hypervisor.size);
        return false;
    }
    return true;
}

struct part_rule {
    const char *name;
    size_t field;
    uint64_t alignment;
    bool is_in_file;
    bool is_optional;
};

static const struct part_rule part_rules[] = {
    {"hypervisor", offsetof(struct image_descriptor, hypervisor), PAGE, true, false},
    {"board table", offsetof(struct image_descriptor, board), PAGE, true, false},
    {"Boot Domain", offsetof(struct image_descriptor, boot_domain), PAGE, true, false},
    {"launch archive", offsetof(struct image_descriptor, archive), BLOCK, true, true},
    {"runtime memory", offsetof(struct image_descriptor, runtime), BLOCK, false, false},
};
#define PART_COUNT (sizeof(part_rules) / sizeof(part_rules[0]))

static struct image_part part_of(const struct image_descriptor *descriptor, size_t i)
{
    struct image_part part;

    memcpy(&part, (const char *)descriptor + part_rules[i].field, sizeof(part));
    return part;
}

/* Parts are in the order of part_rules, so `from` is the end of the one before. */
static bool check_part(struct diags *d, const char *file, size_t i, struct image_part part, uint64_t from,
                       uint64_t file_size)
{
    const struct part_rule *rule = &part_rules[i];
    struct place at = place_offset(file, IMAGE_DESCRIPTOR_OFFSET + rule->field);
    uint64_t end;

    if (part.size == 0) {
        if (!rule->is_optional) {
            diag_error(d, at, "image-part", "the %s is missing; build the image again", rule->name);
        }
        return rule->is_optional;
    }
    if (__builtin_add_overflow(part.offset, part.size, &end) || end > UINT64_C(1) << 48) {
        diag_error(d, at, "image-part", "the %s is larger than any memory; build the image again", rule->name);
        return false;
    }
    if (part.offset % rule->alignment != 0) {
        diag_error(d, at, "image-part",
                   "the %s is at 0x%" PRIx64 ", not at a multiple of 0x%" PRIx64 "; build the image again", rule->name,
                   part.offset, rule->alignment);
        return false;
    }
    if (part.offset < from) {
        diag_error(d, at, "image-part", "the %s at 0x%" PRIx64 " overlaps the part before it; build the image again",
                   rule->name, part.offset);
        return false;
    }
    if (rule->is_in_file && end > file_size) {
        diag_error(d, at, "image-truncated",
                   "the %s ends at 0x%" PRIx64 ", the file at 0x%" PRIx64 "; copy or build the image again", rule->name,
                   end, file_size);
        return false;
    }
    return true;
}

static bool check_parts(struct diags *d, const char *file, const struct image_descriptor *descriptor,
                        uint64_t file_size)
{
    uint64_t from = 0;
    bool good = true;

    for (size_t i = 0; i < PART_COUNT; i++) {
        struct image_part part = part_of(descriptor, i);
        if (!check_part(d, file, i, part, from, file_size)) {
            good = false;
        } else if (part.size > 0) {
            from = part.offset + part.size;
        }
    }
    return good;
}

static struct bytes slice(struct bytes data, struct image_part part)
{
    return (struct bytes){.data = data.data + part.offset, .size = part.size};
}

static void check_sizes(struct diags *d, const char *file, const struct image_view *v)
{
    const struct image_descriptor *descriptor = &v->descriptor;
    struct place at = place_offset(file, IMAGE_DESCRIPTOR_OFFSET + offsetof(struct image_descriptor, runtime));
    uint64_t need = image_runtime_size(&v->board, descriptor->boot_domain_memory);

    if (descriptor->boot_domain_memory == 0 || descriptor->boot_domain_memory % BLOCK != 0 ||
        descriptor->boot_domain_memory > descriptor->runtime.size) {
        diag_error(d,
                   place_offset(file, IMAGE_DESCRIPTOR_OFFSET + offsetof(struct image_descriptor, boot_domain_memory)),
                   "image-boot-domain", "the Boot Domain has 0x%" PRIx64 " bytes of memory; write a multiple of 2 MiB",
                   descriptor->boot_domain_memory);
    } else if (descriptor->boot_domain.size > descriptor->boot_domain_memory / 2) {
        diag_error(d, place_offset(file, IMAGE_DESCRIPTOR_OFFSET + offsetof(struct image_descriptor, boot_domain)),
                   "image-boot-domain",
                   "the Boot Domain's binary has 0x%" PRIx64 " bytes, its memory 0x%" PRIx64 "; give it more memory",
                   descriptor->boot_domain.size, descriptor->boot_domain_memory);
    } else if (descriptor->runtime.size < need) {
        diag_error(d, at, "image-runtime",
                   "the runtime memory is 0x%" PRIx64 " bytes, the board needs 0x%" PRIx64 "; build the image again",
                   descriptor->runtime.size, need);
    }
    if (v->image_size != descriptor->runtime.offset + descriptor->runtime.size) {
        diag_error(d, place_offset(file, HEADER_IMAGE_SIZE), "image-size",
                   "the Image header says 0x%" PRIx64 " bytes, the parts need 0x%" PRIx64 "; build the image again",
                   v->image_size, descriptor->runtime.offset + descriptor->runtime.size);
    }
    if (descriptor->boot_domain_cpu >= v->board.cpu_count) {
        diag_error(d, place_offset(file, IMAGE_DESCRIPTOR_OFFSET + offsetof(struct image_descriptor, boot_domain_cpu)),
                   "image-boot-domain",
                   "the Boot Domain's CPU %" PRIu32 " does not exist, the board has %" PRIu32 "; build the image again",
                   descriptor->boot_domain_cpu, v->board.cpu_count);
    }
}

/* A UEFI loader takes the PE header's sizes, not ours. */
static void check_pe(struct diags *d, const char *file, struct bytes data)
{
    struct pe_fields pe;

    if (find_pe(data, &pe) &&
        (get(data, pe.image_size, 4) != data.size || get(data, pe.raw_size, 4) + PE_HEADERS != data.size ||
         get(data, pe.virtual_size, 4) + PE_HEADERS != data.size)) {
        diag_error(d, place_offset(file, pe.image_size), "image-pe",
                   "the PE header says 0x%" PRIx64 " bytes, the file has 0x%zx; build the image again",
                   get(data, pe.image_size, 4), data.size);
    }
}

bool image_open(struct diags *d, const char *file, struct bytes data, struct image_view *v)
{
    size_t before = d->errors;

    *v = (struct image_view){0};
    if (!check_descriptor(d, file, data, &v->descriptor) || !image_check_hypervisor(d, file, data) ||
        !check_parts(d, file, &v->descriptor, data.size)) {
        return false;
    }
    v->image_size = get(data, HEADER_IMAGE_SIZE, 8);
    v->parts = (struct image_parts){.hypervisor = slice(data, v->descriptor.hypervisor),
                                    .board = slice(data, v->descriptor.board),
                                    .boot_domain = slice(data, v->descriptor.boot_domain),
                                    .archive = slice(data, v->descriptor.archive),
                                    .boot_domain_memory = v->descriptor.boot_domain_memory,
                                    .boot_domain_cpu = v->descriptor.boot_domain_cpu};
    if (!board_table_check(d, file, v->descriptor.board.offset, v->parts.board)) {
        return false;
    }
    memcpy(&v->board, v->parts.board.data, sizeof(v->board));
    check_sizes(d, file, v);
    check_pe(d, file, data);
    return d->errors == before;
}
