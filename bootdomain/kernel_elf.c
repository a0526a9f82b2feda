/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

#include <string.h>

#include "range.h"
#include "text.h"

/* ELF-64 object file format, as far as an executable's program headers need it. */
struct elf_header {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t phoff;
    uint64_t shoff;
    uint32_t flags;
    uint16_t ehsize;
    uint16_t phentsize;
    uint16_t phnum;
    uint16_t shentsize;
    uint16_t shnum;
    uint16_t shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 64, "layout of the file");

struct elf_program {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t filesz;
    uint64_t memsz;
    uint64_t align;
};
_Static_assert(sizeof(struct elf_program) == 56, "layout of the file");

#define ELF_MAGIC        "\177ELF"
#define ELF_MAGIC_BYTES  4u
#define ELF_CLASS_AT     4u
#define ELF_DATA_AT      5u
#define ELF_CLASS_64     2u
#define ELF_DATA_LITTLE  1u
#define ELF_TYPE_EXEC    2u
#define ELF_TYPE_DYN     3u
#define ELF_AARCH64      183u
#define ELF_LOAD         1u
#define ELF_MAX_PROGRAMS 64u

bool kernel_is_elf(const struct plan_module *module)
{
    return module->size >= ELF_MAGIC_BYTES && memcmp(module->data, ELF_MAGIC, ELF_MAGIC_BYTES) == 0;
}

static bool refuse(const char *domain, const char *what)
{
    log_problem(domain, "the kernel is an ELF file, but %s; give an AArch64 executable with PT_LOAD segments in RAM",
                what);
    return false;
}

static bool check_header(const char *domain, const struct plan_module *module, struct elf_header *header)
{
    if (module->size < sizeof(*header)) {
        return refuse(domain, "it ends in its header");
    }
    memcpy(header, module->data, sizeof(*header));
    if (header->ident[ELF_CLASS_AT] != ELF_CLASS_64 || header->ident[ELF_DATA_AT] != ELF_DATA_LITTLE ||
        header->machine != ELF_AARCH64) {
        return refuse(domain, "not for little-endian AArch64");
    }
    if (header->type != ELF_TYPE_EXEC && header->type != ELF_TYPE_DYN) {
        return refuse(domain, "not an executable");
    }
    if (header->phentsize != sizeof(struct elf_program) || header->phnum == 0 || header->phnum > ELF_MAX_PROGRAMS) {
        return refuse(domain, "its program headers are missing, too many or of unknown size");
    }
    uint64_t bytes = (uint64_t)header->phnum * sizeof(struct elf_program);
    if (header->phoff > module->size || bytes > module->size - header->phoff) {
        return refuse(domain, "its program headers run past its end");
    }
    return true;
}

static bool is_in_banks(const struct kernel_banks *banks, const struct board_range *range)
{
    for (uint32_t i = 0; i < banks->count; i++) {
        if (range_contains(&banks->bank[i], range)) {
            return true;
        }
    }
    return false;
}

static bool check_program(const struct kernel *kernel, const char *domain, const struct plan_module *module,
                          const struct elf_program *program)
{
    struct board_range range = {.base = program->paddr, .size = program->memsz};

    if (program->offset > module->size || program->filesz > module->size - program->offset) {
        return refuse(domain, "a segment runs past its end");
    }
    if (program->memsz < program->filesz) {
        return refuse(domain, "a segment is smaller in memory than in the file");
    }
    if (program->paddr + program->memsz < program->paddr || program->vaddr + program->memsz < program->vaddr) {
        return refuse(domain, "a segment's address wraps around");
    }
    for (uint32_t i = 0; i < kernel->segment_count; i++) {
        const struct kernel_segment *other = &kernel->segments[i];
        struct board_range taken = {.base = other->to, .size = other->memory_size};
        if (range_overlaps(&range, &taken)) {
            return refuse(domain, "two segments overlap");
        }
    }
    return true;
}

static bool add_program(struct kernel *kernel, const char *domain, const struct elf_program *program,
                        const struct kernel_banks *banks)
{
    struct board_range range = {.base = program->paddr, .size = program->memsz};

    if (!is_in_banks(banks, &range)) {
        log_problem(domain,
                    "the kernel's ELF segment 0x%lx to 0x%lx is outside the domain's memory; give more memory "
                    "or link it at 0x%lx",
                    (unsigned long)range.base, (unsigned long)range_end(&range), (unsigned long)banks->bank[0].base);
        return false;
    }
    if (kernel->segment_count == KERNEL_MAX_SEGMENTS) {
        return refuse(domain, "it has more than 16 segments");
    }
    kernel->segments[kernel->segment_count] = (struct kernel_segment){
        .to = program->paddr, .offset = program->offset, .file_size = program->filesz, .memory_size = program->memsz};
    kernel->low = (kernel->segment_count == 0 || range.base < kernel->low) ? range.base : kernel->low;
    kernel->high = (range_end(&range) > kernel->high) ? range_end(&range) : kernel->high;
    kernel->segment_count++;
    return true;
}

bool kernel_examine_elf(struct kernel *kernel, const char *domain, const struct plan_module *module,
                        const struct kernel_banks *banks)
{
    struct elf_header header;
    bool has_entry = false;

    if (!check_header(domain, module, &header)) {
        return false;
    }
    for (uint32_t i = 0; i < header.phnum; i++) {
        struct elf_program program;
        memcpy(&program, &module->data[header.phoff + i * sizeof(program)], sizeof(program));
        if (program.type != ELF_LOAD || program.memsz == 0) {
            continue;
        }
        if (!check_program(kernel, domain, module, &program) || !add_program(kernel, domain, &program, banks)) {
            return false;
        }
        if (header.entry >= program.vaddr && header.entry - program.vaddr < program.filesz) {
            kernel->entry = program.paddr + (header.entry - program.vaddr);
            has_entry = true;
        }
    }
    if (!has_entry) {
        return refuse(domain, "its entry point is in none of its segments");
    }
    return true;
}
