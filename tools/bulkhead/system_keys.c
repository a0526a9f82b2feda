// SPDX-License-Identifier: Apache-2.0
/* The keys of a system description. */
#include "system.h"

#include <assert.h>
#include <bulkhead/launch.h>

#define KEYS(array)             .keys = (array), .count = sizeof(array) / sizeof((array)[0])
#define FIELD(structure, field) .offset = offsetof(struct structure, field)
#define ADDRESS_MAX             ((UINT64_C(1) << 52) - 1)

const char *const role_choices[] = {"domu", "hardware", "control", NULL};
static const char *const console_choices[] = {"vpl011", "none", NULL};
static const char *const on_failure_choices[] = {"continue", "halt", NULL};

static const struct key static_key_rows[] = {
    {.name = "base",
     .kind = KEY_NUMBER,
     FIELD(range, base),
     .max = ADDRESS_MAX,
     .required = true,
     .meaning = "First physical address, a multiple of 4 KiB (2 MiB gives larger translation entries).",
     .example = "base: 0x80000000"},
    {.name = "size",
     .kind = KEY_SIZE,
     FIELD(range, size),
     .min = 4096,
     .max = ADDRESS_MAX,
     .required = true,
     .meaning = "Length, a multiple of 4 KiB.",
     .example = "size: 64 MiB"},
};
static const struct key_table static_keys = {KEYS(static_key_rows), .size = sizeof(struct range),
                                             .at_offset = offsetof(struct range, at)};

static const struct key domain_key_rows[] = {
    {.name = "role",
     .kind = KEY_CHOICE,
     FIELD(domain, role),
     .choices = role_choices,
     .fallback = "domu",
     .meaning =
         "What the domain may do. `domu`: only what affects itself. `hardware`: gets every device that nobody else "
         "was given, and no privilege; at most one. `control`: all privileges that the launch leaves; at most one, "
         "optional, must be safe.",
     .example = "role: hardware"},
    {.name = "safe",
     .kind = KEY_FLAG,
     FIELD(domain, safe),
     .fallback = "false",
     .meaning = "The domain runs a safety-critical task. It must name its `cpus`, which nobody else may use, and it is "
                "built and started before all others.",
     .example = "safe: true"},
    {.name = "memory",
     .kind = KEY_SIZE,
     FIELD(domain, memory),
     .min = UINT64_C(1) << 16,
     .max = UINT64_C(1016) << 30,
     .fallback = "the sum of static-memory",
     .meaning = "RAM of the domain, a multiple of 4 KiB. With `static-memory` it may be left out, or must be its sum.",
     .example = "memory: 256 MiB"},
    {.name = "cpus",
     .kind = KEY_NUMBERS,
     FIELD(domain, cpus),
     .max = BOARD_MAX_CPUS - 1,
     .fallback = "those that no safe domain has",
     .meaning =
         "Physical CPUs on which the domain runs. vCPU i runs on the (i mod n)-th of them and never moves. Where "
         "the key is missing, the CPUs that no safe domain has are dealt out in turn.",
     .example = "cpus: [1]"},
    {.name = "vcpus",
     .kind = KEY_NUMBER,
     FIELD(domain, vcpus),
     .min = 1,
     .max = DOMAIN_VCPUS_MAX,
     .fallback = "1",
     .meaning = "How many virtual CPUs the domain has.",
     .example = "vcpus: 2"},
    {.name = "kernel",
     .kind = KEY_TEXT,
     FIELD(domain, file[MODULE_KERNEL]),
     .required = true,
     .meaning =
         "What the domain runs: an arm64 Image, a gzip of one, an ELF for aarch64, or a flat binary (anything else; "
         "entered at its first byte). A path relative to this file, or `guest:NAME` (one of Bulkhead's own guests), "
         "or `debian:linux-6.1`, `debian:linux-6.12` (Debian's kernels, fetched by the build).",
     .example = "kernel: debian:linux-6.1"},
    {.name = "ramdisk",
     .kind = KEY_TEXT,
     FIELD(domain, file[MODULE_RAMDISK]),
     .fallback = "none",
     .meaning = "Initial ramdisk: a path relative to this file, or `initramfs:NAME` (made by the build).",
     .example = "ramdisk: initramfs:demo"},
    {.name = "device-tree",
     .kind = KEY_TEXT,
     FIELD(domain, file[MODULE_DEVICE_TREE]),
     .fallback = "none",
     .meaning = "Partial device tree (.dtb) whose nodes are added to the domain's own.",
     .example = "device-tree: extra.dtb"},
    {.name = "bootargs",
     .kind = KEY_TEXT,
     FIELD(domain, bootargs),
     .fallback = "empty",
     .meaning = "Kernel command line, at most 2047 characters.",
     .example = "bootargs: \"console=ttyAMA0 quiet\""},
    {.name = "console",
     .kind = KEY_CHOICE,
     FIELD(domain, console),
     .choices = console_choices,
     .fallback = "vpl011",
     .meaning = "`vpl011`: the domain sees a PL011 UART. `none`: only the console hypercall.",
     .example = "console: none"},
    {.name = "after",
     .kind = KEY_TEXTS,
     FIELD(domain, after),
     .fallback = "none",
     .meaning = "Domains that must have been started before this one.",
     .example = "after: [brake, cluster]"},
    {.name = "static-memory",
     .kind = KEY_MAPS,
     FIELD(domain, static_memory),
     .inner = &static_keys,
     .fallback = "none",
     .meaning = "Physical memory chosen by you instead of taken from the pool.",
     .example = "static-memory: [{ base: 0x80000000, size: 64 MiB }]"},
    {.name = "direct-map",
     .kind = KEY_FLAG,
     FIELD(domain, direct_map),
     .fallback = "false",
     .meaning = "Guest-physical addresses equal machine addresses; needs `static-memory`.",
     .example = "direct-map: true"},
    {.name = "nr-spis",
     .kind = KEY_NUMBER,
     FIELD(domain, nr_spis),
     .max = 988,
     .fallback = "what the domain's devices need",
     .meaning = "How many shared interrupts (SPIs) the virtual interrupt controller has.",
     .example = "nr-spis: 64"},
    {.name = "restartable",
     .kind = KEY_FLAG,
     FIELD(domain, restartable),
     .fallback = "false",
     .meaning =
         "Keep the domain's files unchanged in memory, so it can be built again; they are copied instead of moved.",
     .example = "restartable: true"},
    {.name = "passthrough",
     .kind = KEY_TEXTS,
     FIELD(domain, passthrough),
     .fallback = "none",
     .meaning =
         "Devices of the board (their paths in its device tree, see `devices` of the board) that only this domain "
         "gets. Devices that read or write memory by themselves are refused until the SMMU driver exists.",
     .example = "passthrough: [/pl061@9030000]"},
};
static const struct key_table domain_keys = {KEYS(domain_key_rows), .size = sizeof(struct domain),
                                             .at_offset = offsetof(struct domain, at)};

static const struct key choice_key_rows[] = {
    {.name = "name",
     .kind = KEY_TEXT,
     FIELD(system_board, name),
     .required = true,
     .meaning = "Name of a board in `boards/`, or the path of a board description.",
     .example = "name: qemu-virt"},
    {.name = "cpus",
     .kind = KEY_NUMBER,
     FIELD(system_board, cpus),
     .min = 1,
     .max = BOARD_MAX_CPUS,
     .fallback = "the board's own number",
     .meaning = "How many CPUs are used.",
     .example = "cpus: 8"},
    {.name = "memory",
     .kind = KEY_SIZE,
     FIELD(system_board, memory),
     .min = UINT64_C(64) << 20,
     .fallback = "the board's own size",
     .meaning = "How much RAM the board has, a multiple of 2 MiB.",
     .example = "memory: 2 GiB"},
    {.name = "cpu",
     .kind = KEY_TEXT,
     FIELD(system_board, cpu),
     .fallback = "the board's own",
     .meaning = "CPU model for `bulkhead run`.",
     .example = "cpu: cortex-a72"},
};
static const struct key_table choice_keys = {KEYS(choice_key_rows), .size = sizeof(struct system_board),
                                             .at_offset = offsetof(struct system_board, at)};

static const struct key boot_domain_key_rows[] = {
    {.name = "cpu",
     .kind = KEY_NUMBER,
     FIELD(system_boot_domain, cpu),
     .max = BOARD_MAX_CPUS - 1,
     .fallback = "the lowest that no safe domain has",
     .meaning = "Physical CPU of the Boot Domain. It may be a safe domain's CPU only if there is no other.",
     .example = "cpu: 3"},
    {.name = "memory",
     .kind = KEY_SIZE,
     FIELD(system_boot_domain, memory),
     .min = UINT64_C(4) << 20,
     .max = UINT64_C(1) << 30,
     .fallback = "4 MiB",
     .meaning = "RAM of the Boot Domain, a multiple of 2 MiB; returned when it exits.",
     .example = "memory: 32 MiB"},
};
static const struct key_table boot_domain_keys = {KEYS(boot_domain_key_rows), .size = sizeof(struct system_boot_domain),
                                                  .at_offset = SIZE_MAX};

static const struct key system_key_rows[] = {
    {.name = "system",
     .kind = KEY_TEXT,
     FIELD(system, name),
     .required = true,
     .meaning = "Name of the system.",
     .example = "system: cockpit"},
    {.name = "board",
     .kind = KEY_MAP,
     FIELD(system, board_choice),
     .inner = &choice_keys,
     .shorthand = "name",
     .required = true,
     .meaning =
         "The board: its name alone, or a mapping that also changes CPUs or memory of a board that comes in sizes.",
     .example = "board: qemu-virt"},
    {.name = "on-failure",
     .kind = KEY_CHOICE,
     FIELD(system, on_failure),
     .choices = on_failure_choices,
     .fallback = "continue",
     .meaning = "A domain could not be built: `continue` starts the others, `halt` stops the machine.",
     .example = "on-failure: halt"},
    {.name = "boot-domain",
     .kind = KEY_MAP,
     FIELD(system, boot_domain),
     .inner = &boot_domain_keys,
     .fallback = "its own defaults",
     .meaning = "The domain that builds all others and then ceases to exist.",
     .example = "boot-domain: { cpu: 3, memory: 32 MiB }"},
    {.name = "domains",
     .kind = KEY_NAMED,
     FIELD(system, domains),
     .inner = &domain_keys,
     .names = "^[A-Za-z][A-Za-z0-9_.-]{0,30}$",
     .required = true,
     .meaning = "The domains by name: a letter, then at most 30 letters, digits, `_`, `.` or `-`.",
     .example = "domains: { brake: { memory: 16 MiB, kernel: guest:brake } }"},
};
const struct key_table system_keys = {KEYS(system_key_rows), .size = sizeof(struct system),
                                      .at_offset = offsetof(struct system, at)};

static_assert(offsetof(struct domain, name) == 0, "KEY_NAMED stores the name first");
static_assert(LAUNCH_MAX_MODULES >= MODULE_KINDS, "a domain's modules fit the launch archive");
