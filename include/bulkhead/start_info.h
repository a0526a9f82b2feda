/* SPDX-License-Identifier: Apache-2.0 */
/* hvm_start_info, version 1, of the PVH boot ABI, as the Boot Domain gets it (guest-physical address in x0).
 * Field layout: Xen public header hvm/start_info.h, which libxen-dev does not ship.
 * [impl->dsn~boot-domain-entry~1] */
#ifndef BULKHEAD_START_INFO_H
#define BULKHEAD_START_INFO_H

#include <stdint.h>

#define HVM_START_MAGIC 0x336ec578u

struct hvm_start_info {
    uint32_t magic;
    uint32_t version; /* 1 */
    uint32_t flags;   /* 0: SIF_* of the PVH ABI */
    uint32_t nr_modules;
    uint64_t modlist_paddr; /* struct hvm_modlist_entry[nr_modules] */
    uint64_t cmdline_paddr; /* 0 = none */
    uint64_t rsdp_paddr;    /* 0 on Arm */
    uint64_t memmap_paddr;  /* struct hvm_memmap_table_entry[memmap_entries] */
    uint32_t memmap_entries;
    uint32_t reserved;
};

struct hvm_modlist_entry {
    uint64_t paddr; /* guest-physical */
    uint64_t size;  /* bytes; 0 = module absent */
    uint64_t cmdline_paddr;
    uint64_t reserved;
};

#define HVM_MEMMAP_TYPE_RAM      1u /* guest-physical: RAM of the Boot Domain that it may use */
#define HVM_MEMMAP_TYPE_RESERVED 2u /* machine addresses: in use by the hypervisor or a module; not to be claimed */

struct hvm_memmap_table_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};

/* Modules of the Boot Domain. */
enum boot_module {
    BOOT_MODULE_ARCHIVE = 0,
    BOOT_MODULE_DTB = 1,
    BOOT_MODULE_COUNT = 2,
};

#endif
