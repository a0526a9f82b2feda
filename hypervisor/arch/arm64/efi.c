/* SPDX-License-Identifier: Apache-2.0 */
/* Started as a UEFI application: copy the image to memory that is 2 MiB aligned and large enough, end the boot services,
 * go on as if an arm64 boot loader had started us.  Runs at the load address of the firmware, PC-relative only, and writes
 * nothing of its own: firmware may map a code section read-only.
 * Layouts: UEFI specification 2.10, chapters 4 and 7.  [impl->dsn~uefi-start~1] */
#include "arch/arm64/sysreg.h"
#include "bulkhead/image.h"

#define EFI_LOAD_ERROR   UINT64_C(0x8000000000000001)
#define EFI_LOADER_DATA  2u
#define EFI_ALLOCATE_ANY 0u
#define IMAGE_ALIGN      UINT64_C(0x200000)
#define MAP_BYTES        32768u

struct efi_table_header {
    uint64_t signature;
    uint32_t revision, header_size, crc, reserved;
};

struct efi_guid {
    uint64_t low, high;
};

struct efi_configuration {
    struct efi_guid guid;
    uint64_t table;
};

struct efi_text_output {
    void *reset;
    uint64_t (*output)(struct efi_text_output *self, const uint16_t *text);
};

struct efi_boot_services {
    struct efi_table_header header;
    void *raise_tpl, *restore_tpl;
    uint64_t (*allocate_pages)(uint32_t type, uint32_t memory_type, uint64_t pages, uint64_t *address);
    void *free_pages;
    uint64_t (*get_memory_map)(uint64_t *size, void *map, uint64_t *key, uint64_t *entry_size, uint32_t *version);
    void *others[21];
    uint64_t (*exit_boot_services)(void *image, uint64_t key);
};
static_assert(offsetof(struct efi_boot_services, exit_boot_services) == 0xe8, "UEFI 2.10, 4.4");

struct efi_system_table {
    struct efi_table_header header;
    void *vendor;
    uint64_t revision;
    void *in_handle, *in, *out_handle;
    struct efi_text_output *out;
    void *err_handle, *err, *runtime;
    struct efi_boot_services *boot;
    uint64_t configurations;
    struct efi_configuration *configuration;
};
static_assert(offsetof(struct efi_system_table, configuration) == 0x70, "UEFI 2.10, 4.3");

extern const char image_head[];
extern struct image_descriptor image_descriptor;
NORETURN void efi_continue(uint64_t dtb, uint64_t entry);
uint64_t efi_entry(void *image, struct efi_system_table *table);

static uint64_t refuse(const struct efi_system_table *t, const uint16_t *why)
{
    (void)t->out->output(t->out, u"bulkhead: ");
    (void)t->out->output(t->out, why);
    (void)t->out->output(t->out, u"\r\n");
    return EFI_LOAD_ERROR;
}

/* b1b621d5-f19c-41a5-830b-d9152c69aae0 */
static uint64_t find_dtb(const struct efi_system_table *t)
{
    for (uint64_t i = 0; i < t->configurations; i++) {
        if (t->configuration[i].guid.low == UINT64_C(0x41a5f19cb1b621d5) &&
            t->configuration[i].guid.high == UINT64_C(0xe0aa692c15d90b83)) {
            return t->configuration[i].table;
        }
    }
    return 0;
}

/* Everything copied is visible with the caches off, and no line of the image's memory, file and runtime, is dirty. */
static void copy_image(uint64_t to, uint64_t from, uint64_t size, uint64_t whole)
{
    for (uint64_t i = 0; i < size; i += 8u) {
        *(uint64_t *)(to + i) = *(const uint64_t *)(from + i);
    }
    for (uint64_t a = to; a < to + whole; a += 16u) {
        __asm__ volatile("dc civac, %0" ::"r"(a) : "memory");
    }
    dsb_sy();
}

uint64_t efi_entry(void *image, struct efi_system_table *t)
{
    const struct image_descriptor *d = &image_descriptor;
    uint64_t file =
        d->archive.size != 0u ? d->archive.offset + d->archive.size : d->boot_domain.offset + d->boot_domain.size;
    uint64_t whole = d->runtime.offset + d->runtime.size;
    uint64_t dtb = find_dtb(t);
    uint64_t to, map, key, entry_size, map_size;
    uint32_t version;

    if (((read_sysreg(CurrentEL) >> 2) & 3u) != 2u) {
        return refuse(t, u"not started at EL2; the firmware must hand over at EL2");
    }
    if (dtb == 0u) {
        return refuse(t, u"no device tree from the firmware; switch it from ACPI to device tree");
    }
    if (t->boot->allocate_pages(EFI_ALLOCATE_ANY, EFI_LOADER_DATA, (MAP_BYTES + IMAGE_ALIGN + whole) >> PAGE_SHIFT,
                                &map) != 0u) {
        return refuse(t, u"not enough memory for the image; free some, or build a smaller image");
    }
    to = ALIGN_UP(map + MAP_BYTES, IMAGE_ALIGN);
    copy_image(to, (uint64_t)image_head, ALIGN_UP(file, 8u), whole);
    for (uint32_t tries = 0; tries < 4u; tries++) { /* the map may change between the two calls */
        map_size = MAP_BYTES;
        if (t->boot->get_memory_map(&map_size, (void *)map, &key, &entry_size, &version) != 0u) {
            break;
        }
        if (t->boot->exit_boot_services(image, key) == 0u) {
            efi_continue(dtb, to);
        }
    }
    return refuse(t, u"the firmware does not end its boot services");
}
