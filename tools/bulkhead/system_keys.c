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
static const char *const policy_choices[] = {"share", "null", "arinc653", "rtds", NULL};
static const char *const idle_choices[] = {"keep", "lend", NULL};
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
     .fallback = "none; the Hardware Domain gets what nobody else names",
     .meaning =
         "Devices of the board (paths or aliases of `devices` in its description) that only this domain gets. Devices "
         "that read or write memory by themselves are refused until the SMMU driver exists.",
     .example = "passthrough: [rtc, /pl061@9030000]"},
    {.name = "force-assign-without-iommu",
     .kind = KEY_FLAG,
     FIELD(domain, force_dma),
     .fallback = "false",
     .meaning = "Give it also devices that read and write memory by themselves, though nothing confines them: every "
                "domain's memory is at their mercy. Refused where there is a safe domain; needs `direct-map`.",
     .example = "force-assign-without-iommu: true"},
    {.name = "pool",
     .kind = KEY_TEXT,
     FIELD(domain, pool),
     .fallback = "none: the domain's CPUs are shared round robin",
     .meaning = "The CPU pool in which the domain runs, one of `pools`. Without `cpus` it has all CPUs of the pool.",
     .example = "pool: flight"},
    {.name = "period",
     .kind = KEY_TIME,
     FIELD(domain, period),
     .min = 10000,
     .max = UINT64_C(4000000000),
     .fallback = "none",
     .meaning = "In an rtds pool: each vCPU gets its `budget` once in every period. In whole microseconds.",
     .example = "period: 10 ms"},
    {.name = "budget",
     .kind = KEY_TIME,
     FIELD(domain, budget),
     .min = 10000,
     .max = UINT64_C(4000000000),
     .fallback = "none",
     .meaning = "In an rtds pool: CPU time of each vCPU in every period, at most the period. In whole microseconds.",
     .example = "budget: 2 ms"},
    {.name = "extra-time",
     .kind = KEY_FLAG,
     FIELD(domain, extra_time),
     .fallback = "false",
     .meaning = "In an rtds pool: the domain may run beyond its budget while nobody with budget left wants the CPU.",
     .example = "extra-time: true"},
};
static const struct key_table domain_keys = {KEYS(domain_key_rows), .size = sizeof(struct domain),
                                             .at_offset = offsetof(struct domain, at)};

static const struct key end_key_rows[] = {
    {.name = "domain",
     .kind = KEY_TEXT,
     FIELD(channel_end, domain),
     .required = true,
     .meaning = "The domain that has this end.",
     .example = "domain: brake"},
    {.name = "port",
     .kind = KEY_NUMBER,
     FIELD(channel_end, port),
     .min = 1,
     .max = LAUNCH_MAX_PORT,
     .required = true,
     .meaning = "Event channel port of this end: the number by which the domain sends and receives. Low numbers cost "
                "less memory.",
     .example = "port: 1"},
    {.name = "min-interval",
     .kind = KEY_TIME,
     FIELD(channel_end, min_interval),
     .max = LAUNCH_MIN_INTERVAL_MAX,
     .fallback = "no limit; must be given for events from an unsafe to a safe domain",
     .meaning = "Shortest time between two events that arrive at this end. What comes sooner is counted, and delivered "
                "when the time is over.",
     .example = "min-interval: 1 ms"},
};
static const struct key_table end_keys = {KEYS(end_key_rows), .size = sizeof(struct channel_end),
                                          .at_offset = offsetof(struct channel_end, at)};

static const struct key channel_key_rows[] = {
    {.name = "ends",
     .kind = KEY_MAPS,
     FIELD(channel, ends),
     .inner = &end_keys,
     .required = true,
     .meaning = "The two ends.",
     .example = "ends: [{ domain: a, port: 1 }, { domain: b, port: 1 }]"},
};
static const struct key_table channel_keys = {KEYS(channel_key_rows), .size = sizeof(struct channel),
                                              .at_offset = offsetof(struct channel, at)};

static const struct key use_key_rows[] = {
    {.name = "domain",
     .kind = KEY_TEXT,
     FIELD(share_use, domain),
     .required = true,
     .meaning = "A domain that sees the memory.",
     .example = "domain: brake"},
    {.name = "address",
     .kind = KEY_NUMBER,
     FIELD(share_use, address),
     .max = LAUNCH_GUEST_SPACE - 4096,
     .required = true,
     .meaning = "Guest-physical address at which the domain sees it, a multiple of 4 KiB outside its RAM and devices.",
     .example = "address: 0x20000000"},
    {.name = "read-only",
     .kind = KEY_FLAG,
     FIELD(share_use, read_only),
     .fallback = "false",
     .meaning = "The domain may not write it.",
     .example = "read-only: true"},
};
static const struct key_table use_keys = {KEYS(use_key_rows), .size = sizeof(struct share_use),
                                          .at_offset = offsetof(struct share_use, at)};

static const struct key share_key_rows[] = {
    {.name = "size",
     .kind = KEY_SIZE,
     FIELD(share, size),
     .min = 4096,
     .max = ADDRESS_MAX,
     .required = true,
     .meaning = "Length, a multiple of 4 KiB.",
     .example = "size: 64 KiB"},
    {.name = "base",
     .kind = KEY_NUMBER,
     FIELD(share, base),
     .max = ADDRESS_MAX,
     .fallback = "where there is room",
     .meaning = "Physical address, a multiple of 4 KiB; needed for direct-mapped domains only.",
     .example = "base: 0x90000000"},
    {.name = "owner",
     .kind = KEY_TEXT,
     FIELD(share, owner),
     .fallback = "nobody in particular",
     .meaning =
         "The domain that is called owner, the others borrowers, in the launch tree. It changes nothing else: no "
         "domain's end takes the memory from the others.",
     .example = "owner: brake"},
    {.name = "domains",
     .kind = KEY_MAPS,
     FIELD(share, domains),
     .inner = &use_keys,
     .required = true,
     .meaning = "Who sees the memory, and where.",
     .example = "domains: [{ domain: a, address: 0x20000000 }, { domain: b, address: 0x20000000 }]"},
};
static const struct key_table share_keys = {KEYS(share_key_rows), .size = sizeof(struct share),
                                            .at_offset = offsetof(struct share, at)};
static const struct key window_key_rows[] = {
    {.name = "domain",
     .kind = KEY_TEXT,
     FIELD(window, domain),
     .required = true,
     .meaning = "Whose window it is: a domain of this pool. A domain may have several windows.",
     .example = "domain: brake"},
    {.name = "start",
     .kind = KEY_TIME,
     FIELD(window, start),
     .required = true,
     .meaning = "When the window starts, from the start of the major frame.",
     .example = "start: 2 ms"},
    {.name = "length",
     .kind = KEY_TIME,
     FIELD(window, length),
     .min = 1,
     .required = true,
     .meaning = "How long the window is; the guard time is part of it.",
     .example = "length: 500 us"},
};
static const struct key_table window_keys = {KEYS(window_key_rows), .size = sizeof(struct window),
                                             .at_offset = offsetof(struct window, at)};

#define FRAME_KEY                                                                                                      \
    .name = "major-frame", .kind = KEY_TIME, .min = 1, .max = UINT64_C(1000000000000),                                 \
    .meaning = "arinc653: the schedule repeats after this time. Frames are counted from the moment when the system "   \
               "counter was 0, so that pools with equal frames are aligned.",                                          \
    .example = "major-frame: 10 ms"
#define WINDOWS_KEY                                                                                                    \
    .name = "windows", .kind = KEY_MAPS, .inner = &window_keys,                                                        \
    .meaning = "arinc653: who runs when, on all CPUs of the pool at once. Windows do not overlap; what they leave is " \
               "nobody's time.",                                                                                       \
    .example = "windows: [{ domain: brake, start: 0 ms, length: 2 ms }]"

static const struct key schedule_key_rows[] = {
    {FRAME_KEY, FIELD(schedule, major_frame), .required = true},
    {WINDOWS_KEY, FIELD(schedule, windows), .required = true},
};
static const struct key_table schedule_keys = {KEYS(schedule_key_rows), .size = sizeof(struct schedule),
                                               .at_offset = SIZE_MAX};

static const struct key pool_key_rows[] = {
    {.name = "cpus",
     .kind = KEY_NUMBERS,
     FIELD(pool, cpus),
     .max = BOARD_MAX_CPUS - 1,
     .required = true,
     .meaning = "Physical CPUs of the pool. A CPU is in one pool at most, and only domains of the pool run on it.",
     .example = "cpus: [2, 3]"},
    {.name = "policy",
     .kind = KEY_CHOICE,
     FIELD(pool, policy),
     .choices = policy_choices,
     .fallback = "share",
     .meaning =
         "How the pool's domains share its CPUs. `null`: each vCPU has a CPU alone. `arinc653`: fixed windows in a "
         "repeated major frame. `rtds`: a budget in every period, earliest deadline first. `share`: round robin.",
     .example = "policy: arinc653"},
    {FRAME_KEY, FIELD(pool, main.major_frame), .fallback = "none"},
    {WINDOWS_KEY, FIELD(pool, main.windows), .fallback = "none"},
    {.name = "guard",
     .kind = KEY_TIME,
     FIELD(pool, guard),
     .max = 1000000,
     .fallback = "20 us",
     .meaning = "arinc653: who runs is stopped so long before its window ends, so that the next window starts on time.",
     .example = "guard: 50 us"},
    {.name = "idle",
     .kind = KEY_CHOICE,
     FIELD(pool, idle),
     .choices = idle_choices,
     .fallback = "keep",
     .meaning =
         "arinc653: `lend` gives nobody's time to the domains of the pool that have no window; they must not be safe.",
     .example = "idle: lend"},
    {.name = "schedules",
     .kind = KEY_NAMED,
     FIELD(pool, schedules),
     .inner = &schedule_keys,
     .fallback = "none",
     .meaning =
         "arinc653: up to three further schedules by name. The pool starts with its own `major-frame` and `windows`; "
         "the Control Domain can switch to another one, which begins with a major frame.",
     .example =
         "schedules: { landing: { major-frame: 5 ms, windows: [{ domain: brake, start: 0 ms, length: 5 ms }] } }"},
};
static const struct key_table pool_keys = {KEYS(pool_key_rows), .size = sizeof(struct pool), .at_offset = SIZE_MAX};

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
    {.name = "channels",
     .kind = KEY_NAMED,
     FIELD(system, channels),
     .inner = &channel_keys,
     .names = "^[A-Za-z][A-Za-z0-9_.-]{0,30}$",
     .fallback = "none",
     .meaning = "Event channels that exist from the domains' first instruction on, by name.",
     .example = "channels: { alarm: { ends: [{ domain: a, port: 1 }, { domain: b, port: 1 }] } }"},
    {.name = "shared-memory",
     .kind = KEY_NAMED,
     FIELD(system, shared_memory),
     .inner = &share_keys,
     .names = "^[A-Za-z][A-Za-z0-9_.-]{0,14}$",
     .fallback = "none",
     .meaning =
         "Memory that several domains see, by name: a letter, then at most 14 letters, digits, `_`, `.` or `-`. It "
         "is zeroed at the start.",
     .example = "shared-memory: { frames: { size: 64 KiB, domains: [{ domain: a, address: 0x20000000 }] } }"},
    {.name = "pools",
     .kind = KEY_NAMED,
     FIELD(system, pools),
     .inner = &pool_keys,
     .names = "^[A-Za-z][A-Za-z0-9_.-]{0,30}$",
     .fallback = "none: CPUs are shared round robin",
     .meaning = "CPU pools by name, each with its CPUs and one scheduling policy.",
     .example = "pools: { brakes: { cpus: [2], policy: null } }"},
};
const struct key_table system_keys = {KEYS(system_key_rows), .size = sizeof(struct system),
                                      .at_offset = offsetof(struct system, at)};

static_assert(offsetof(struct domain, name) == 0, "KEY_NAMED stores the name first");
static_assert(offsetof(struct channel, name) == 0 && offsetof(struct share, name) == 0, "the same");
static_assert(LAUNCH_MAX_MODULES >= MODULE_KINDS, "a domain's modules fit the launch archive");
