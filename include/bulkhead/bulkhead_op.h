/* SPDX-License-Identifier: Apache-2.0 */
/* bulkhead_op: the one hypercall that Bulkhead adds to the Xen ABI.
 *
 *   x16 = HYPERVISOR_BULKHEAD_OP, x0 = BULKHEAD_OP_*, x1 = guest virtual address of the operation's structure
 *   result in x0: 0 or a negative Xen errno value
 *
 * Structures are little endian, naturally aligned, without implicit padding; pad fields must be 0.
 * Operations that may take long are restarted by the hypervisor: the structure then says what is left.
 * [impl->dsn~bulkhead-op~1] */
#ifndef BULKHEAD_BULKHEAD_OP_H
#define BULKHEAD_BULKHEAD_OP_H

#include <stdint.h>

#define HYPERVISOR_BULKHEAD_OP 48u /* __HYPERVISOR_arch_0 */

/* The Boot Domain's domid.  Refused by every call once it has exited. */
#define DOMID_BOOT 0x7FFEu

enum bulkhead_op {
    BULKHEAD_OP_EXIT_BOOT_SERVICES = 1, /* struct bulkhead_exit */
    BULKHEAD_OP_BOARD = 2,              /* struct bulkhead_board: read the board table */
    BULKHEAD_OP_CLAIM_MEMORY = 3,       /* struct bulkhead_memory: RAM range joins the free pool */
    BULKHEAD_OP_POPULATE_STATIC = 4,    /* struct bulkhead_populate: chosen frames to a domain */
    BULKHEAD_OP_MOVE_FRAMES = 5,        /* struct bulkhead_move: caller's own frames become another domain's */
    BULKHEAD_OP_SET_DOMAIN = 6,         /* struct bulkhead_domain: name, role, criticality */
    BULKHEAD_OP_MOVE_RIGHT = 7,         /* struct bulkhead_right_move: hand a privilege over, once */
    BULKHEAD_OP_MAP_OUTSIDE = 8,    /* struct bulkhead_memory: map an unclaimed RAM range read-only into the caller */
    BULKHEAD_OP_BOOT_RECORD = 9,    /* struct bulkhead_boot_record: status of the launch, readable by everybody */
    BULKHEAD_OP_SEED_GRANT = 10,    /* struct bulkhead_seed: a reserved entry of a new domain's grant table */
    BULKHEAD_OP_CONSOLE = 11,       /* struct bulkhead_console: lines and input of another domain's console */
    BULKHEAD_OP_BIND_CHANNEL = 20,  /* struct bulkhead_channel: one end of a static event channel */
    BULKHEAD_OP_CHANNEL_EARLY = 21, /* struct bulkhead_early: how many events came before their min-interval was over */
    BULKHEAD_OP_SHARE_MEMORY = 22,  /* struct bulkhead_share: static shared memory */
    BULKHEAD_OP_SEAL_IMAGE = 30,    /* struct bulkhead_seal: pages as they are now come back at a restart */
    BULKHEAD_OP_SEAL_LAUNCH = 31,   /* struct bulkhead_seal: the domain can be restarted from now on */
    BULKHEAD_OP_SET_HEALTH = 32,    /* struct bulkhead_health: what its failures lead to */
    BULKHEAD_OP_RESTART = 33,       /* struct bulkhead_life: domid; by the holder of RIGHT_RESTART */
    BULKHEAD_OP_LIFE = 34,          /* struct bulkhead_life: how often it was restarted, and its last crash */
    BULKHEAD_OP_POWER = 35,         /* struct bulkhead_power: the platform's end, and what safe domains say to it */
    BULKHEAD_OP_SET_POOL = 40,      /* struct bulkhead_pool: CPUs and their policy */
    BULKHEAD_OP_SET_SCHEDULE = 41,  /* struct bulkhead_schedule: windows of an arinc653 pool */
    BULKHEAD_OP_SWITCH_SCHEDULE = 42, /* struct bulkhead_switch: another schedule at the next major frame */
    BULKHEAD_OP_GET_DOMAIN = 50,      /* struct bulkhead_domain: name, role, criticality of a domain */
    BULKHEAD_OP_RIGHTS = 51,          /* struct bulkhead_rights: who holds the rights over a domain or the platform */
    BULKHEAD_OP_FOCUS = 52,           /* struct bulkhead_focus: what is typed goes to a domain */
    BULKHEAD_OP_TRACE = 53,           /* struct bulkhead_trace: what the CPUs do, bulkhead/trace.h */
    BULKHEAD_OP_SET_LABELS = 60,      /* struct bulkhead_label_policy: the label policy, once; Boot Domain only */
};

/* What domains that are created from then on may have, together; they get domids first..first + domains - 1. */
struct bulkhead_dynamic {
    uint64_t memory; /* bytes, everything that the hypervisor spends on them included; at most what is free */
    uint64_t cpus;   /* bitmap of board CPUs, beside the rule that none is a safe domain's */
    uint16_t first, domains;
    uint32_t vcpus;
};

/* EXIT_BOOT_SERVICES: caller must be DOMID_BOOT (-EPERM).  Does not return on success: every right that the caller
 * still holds is destroyed, its memory is scrubbed and returned, its domid refused from now on. */
struct bulkhead_exit {
    uint32_t status; /* 0 = every domain started; else number of domains that were not */
    uint32_t action; /* BULKHEAD_EXIT_* */
    struct bulkhead_dynamic dynamic;
};
#define BULKHEAD_EXIT_CONTINUE      0u /* what was started runs on */
#define BULKHEAD_EXIT_HALT          1u /* stop the platform: the description wants all or nothing */
#define BULKHEAD_EXIT_POWER_AT_ONCE 2u /* beside CONTINUE: BULKHEAD_OP_POWER asks nobody */

/* BOARD: copies at most size bytes of struct board_table (bulkhead/board.h) to buffer. */
struct bulkhead_board {
    uint64_t buffer; /* guest virtual address */
    uint32_t size;   /* in: bytes at buffer; out: bytes of the table */
    uint32_t pad;
};

/* CLAIM_MEMORY, MAP_OUTSIDE: [base, base + size) of machine memory, 4 KiB aligned.
 * -EINVAL not RAM of the board table, misaligned or empty; -EEXIST part of it is owned, free or ours already.
 * MAP_OUTSIDE: gaddr = where in the caller's physmap (4 KiB aligned, read-only); ignored by CLAIM_MEMORY. */
struct bulkhead_memory {
    uint64_t base;
    uint64_t size;
    uint64_t gaddr;
};

/* POPULATE_STATIC: machine frames [mfn, mfn + count), free or unclaimed, become RAM of domid at gfn.
 * Restarted until count is 0.  Scrubbed first. */
struct bulkhead_populate {
    uint16_t domid;
    uint16_t pad[3];
    uint64_t mfn;
    uint64_t gfn;
    uint64_t count;
};

/* MOVE_FRAMES: the caller's frames [from, from + count) become domid's at [to, to + count), contents kept;
 * the caller's mapping is gone.  Bytes of the last frame beyond tail_bytes (1..4096) are zeroed, then all are
 * cleaned to the point of coherency.  Restarted until count is 0. */
struct bulkhead_move {
    uint16_t domid;
    uint16_t pad;
    uint32_t tail_bytes;
    uint64_t from;  /* caller's gfn */
    uint64_t to;    /* domid's gfn */
    uint64_t count; /* frames */
};

enum bulkhead_role {
    BULKHEAD_ROLE_DOMU = 0,
    BULKHEAD_ROLE_HARDWARE = 1,
    BULKHEAD_ROLE_CONTROL = 2,
};

#define BULKHEAD_DOMAIN_SAFE     0x1u  /* runs a safety-critical task */
#define BULKHEAD_DOMAIN_VPL011   0x2u  /* has the virtual PL011 */
#define BULKHEAD_DOMAIN_DIRECT   0x4u  /* direct map: guest-physical = machine addresses */
#define BULKHEAD_DOMAIN_ARGO     0x40u /* may use Argo */
#define BULKHEAD_DOMAIN_ARGO_ANY 0x80u /* and have rings that anybody may send to */

/* Partition of an arinc653 pool in which the domain runs: 1..BULKHEAD_PARTITIONS; 0 = none, it runs in nobody's windows. */
#define BULKHEAD_PARTITIONS                 31u
#define BULKHEAD_DOMAIN_PARTITION(n)        ((uint32_t)(n) << 16)
#define BULKHEAD_DOMAIN_PARTITION_OF(flags) (((flags) >> 16) & BULKHEAD_PARTITIONS)

/* SET_DOMAIN: with the right BUILD, so before the first unpause only.  -EEXIST a second Hardware or Control Domain or name.
 * GET_DOMAIN: needs the right INFO over it. */
struct bulkhead_domain {
    uint16_t domid;
    uint16_t role;  /* enum bulkhead_role */
    uint32_t flags; /* BULKHEAD_DOMAIN_* */
    char name[32];  /* NUL-terminated, [A-Za-z0-9_.-] */
};

/* SET_POOL, SET_SCHEDULE: right SCHEDULE of the platform, before the first start of a domain (-EBUSY after).
 * -EINVAL a value is out of range, -EEXIST the pool or the schedule is described already.
 * The CPU of the Boot Domain follows its pool from the Boot Domain's exit on. */
#define BULKHEAD_POOLS           32u
#define BULKHEAD_POLICY_SHARE    5u /* the numbers of XEN_SCHEDULER_*: round robin */
#define BULKHEAD_POLICY_ARINC653 7u
#define BULKHEAD_POLICY_RTDS     8u
#define BULKHEAD_POLICY_NULL     9u
#define BULKHEAD_GUARD_MAX       UINT64_C(1000000) /* ns */
struct bulkhead_pool {
    uint32_t pool;   /* 0..BULKHEAD_POOLS - 1 */
    uint32_t policy; /* BULKHEAD_POLICY_* */
    uint64_t cpus;   /* bitmap; no CPU is in two pools */
    uint64_t guard;  /* arinc653: ns, at most BULKHEAD_GUARD_MAX */
};

/* Windows of an arinc653 pool, the same on each of its CPUs.  A window ends where the next one starts, the last one ends the
 * major frame; each is longer than the guard time.  Frames are counted from the moment when the system counter was 0. */
#define BULKHEAD_SCHEDULES 4u
#define BULKHEAD_WINDOWS   63u
#define BULKHEAD_FRAME_MAX UINT64_C(1000000000000) /* ns */
struct bulkhead_window {
    uint64_t end;       /* ns from the start of the frame, rising */
    uint32_t partition; /* 0 = nobody's */
    uint32_t pad;
};
struct bulkhead_schedule {
    uint32_t pool;
    uint32_t schedule; /* 0..BULKHEAD_SCHEDULES - 1; 0 is in force first */
    uint32_t count;    /* windows: 1..BULKHEAD_WINDOWS */
    uint32_t pad;
    uint64_t windows; /* guest virtual address of that many struct bulkhead_window */
};

/* SWITCH_SCHEDULE: right SCHEDULE of the platform.  -EBUSY an earlier switch is still to come. */
struct bulkhead_switch {
    uint32_t pool;
    uint32_t schedule;
    uint64_t at; /* out: system counter at the major frame with which it begins */
};

/* Rights: what one domain may do to another, or to the platform (target DOMID_SELF = the platform cell). */
enum bulkhead_right {
    BULKHEAD_RIGHT_CREATE = 0, /* platform: create domains */
    BULKHEAD_RIGHT_DESTROY = 1,
    BULKHEAD_RIGHT_PAUSE = 2, /* pause and unpause */
    BULKHEAD_RIGHT_RESTART = 3,
    BULKHEAD_RIGHT_MAP_FOREIGN = 4,
    BULKHEAD_RIGHT_DEVICE_MODEL = 5,
    BULKHEAD_RIGHT_ASSIGN_DEVICE = 6,
    BULKHEAD_RIGHT_PLATFORM = 7, /* platform: power off, reboot */
    BULKHEAD_RIGHT_SCHEDULE = 8,
    BULKHEAD_RIGHT_SUSPEND = 9,
    BULKHEAD_RIGHT_CONSOLE = 10,
    BULKHEAD_RIGHT_LABEL = 11,       /* platform: label policy */
    BULKHEAD_RIGHT_MEASUREMENT = 12, /* platform: measurement log */
    BULKHEAD_RIGHT_CLONE = 13,
    BULKHEAD_RIGHT_INFO = 14,  /* read state: getdomaininfo and the like */
    BULKHEAD_RIGHT_BUILD = 15, /* memory, vCPU context, limits; gone at the target's first unpause */
    BULKHEAD_RIGHT_COUNT = 16,
};

/* What they are called in descriptions and in what the tools print. */
#define BULKHEAD_RIGHT_NAMES                                                                                           \
    {"create",   "destroy", "pause",   "restart", "map-foreign", "device-model", "assign-device", "platform",          \
     "schedule", "suspend", "console", "label",   "measurement", "clone",        "info",          "build"}
/* Bitmaps: those that make sense over a domain, over the platform, and those of each by which a safe domain cannot be
 * disturbed. */
#define BULKHEAD_RIGHTS_DOMAIN            0x677eu
#define BULKHEAD_RIGHTS_PLATFORM          0x5d81u
#define BULKHEAD_RIGHTS_HARMLESS          0x4400u
#define BULKHEAD_RIGHTS_PLATFORM_HARMLESS 0x5401u

/* MOVE_RIGHT: -EPERM when the caller is not the holder; afterwards the caller is not. */
struct bulkhead_right_move {
    uint16_t right;    /* enum bulkhead_right */
    uint16_t target;   /* domid whose cell, or DOMID_SELF for the platform cell */
    uint16_t receiver; /* domid that holds it from now on; DOMID_INVALID destroys it */
    uint16_t pad;
};

/* RIGHTS: needs the right INFO over the target; the Boot Domain reads all. */
struct bulkhead_rights {
    uint16_t target;                       /* domid, or DOMID_SELF for the platform */
    uint16_t holder[BULKHEAD_RIGHT_COUNT]; /* out: domid; DOMID_INVALID = nobody */
};

/* FOCUS: needs the right CONSOLE over the domain.  -ESRCH also while it is being taken apart. */
struct bulkhead_focus {
    uint16_t domid;
};

/* TRACE: right INFO of the platform.  START: all CPUs record from now on; the first time, 64 KiB a CPU are taken from the free
 * memory for good (-ENOMEM).  STOP.  READ: count records of cpu from record `next` on, which are numbered from 0, go to buffer.
 * Of what was read, records below written - BULKHEAD_TRACE_RECORDS + 1 may have been overwritten meanwhile: drop them. */
struct bulkhead_trace {
    uint32_t action; /* BULKHEAD_TRACE_READ, STOP, START */
    uint32_t cpu;
    uint64_t next; /* out: the record behind the last one read; what is missing before `next - count` was overwritten */
    uint64_t written; /* out: records of this CPU by now */
    uint32_t count;   /* out: at most BULKHEAD_TRACE_BATCH */
    uint32_t pad;
    uint64_t buffer; /* guest virtual address */
};
#define BULKHEAD_TRACE_READ  0u
#define BULKHEAD_TRACE_STOP  1u
#define BULKHEAD_TRACE_START 2u
#define BULKHEAD_TRACE_BATCH 256u

/* BOOT_RECORD: how the launch went. */
struct bulkhead_boot_record {
    uint32_t exited;             /* 1 after EXIT_BOOT_SERVICES */
    uint32_t status;             /* as given there */
    uint64_t ticks_first_domain; /* generic timer at the first unpause of an Initial Domain */
    uint64_t ticks_reset;        /* generic timer at the hypervisor's first instruction */
};

/* SEED_GRANT: entry ref of domid's grant table lets `to`, which need not exist yet, map and write frame gfn.
 * -EPERM without the right BUILD over domid, or after its first unpause; -EINVAL ref is not one of the 8 reserved
 * entries, domid has no grant table, `to` is no domid, gfn beyond 2^32. */
struct bulkhead_seed {
    uint16_t domid;
    uint16_t to;
    uint32_t ref;
    uint64_t gfn;
};

/* CONSOLE: for the holder of the right CONSOLE over domid (-EPERM).  Write: count bytes at buffer go to domid's lines on
 * the machine's console, under its name; restarted until count is 0.  Read: at most count bytes of input for domid,
 * which has no virtual UART, go to buffer; count says how many.  VIRQ_CONSOLE tells the holder that input has come. */
struct bulkhead_console {
    uint16_t domid;
    uint16_t flags; /* BULKHEAD_CONSOLE_* */
    uint32_t count;
    uint64_t buffer; /* guest virtual address */
};
#define BULKHEAD_CONSOLE_READ 0x1u

/* BIND_CHANNEL: `port` of domid is an end of a channel whose other end is remote_port of remote, which need not exist yet:
 * the end whose call comes second connects both.  Said again, or said for one end after its domain's ports were closed,
 * it makes the same channel again.  Restarted while ports below `port` get their records.
 * -EPERM without the right BUILD over domid, or after its first unpause; -EINVAL remote is no domid; -EEXIST `port` is in
 * use or lower than one that was opened: bind in ascending order; -ENOSPC beyond the domain's ports; -ENOMEM its pool is
 * spent. */
struct bulkhead_channel {
    uint16_t domid;
    uint16_t remote;
    uint32_t port;
    uint32_t remote_port;
    uint32_t min_interval; /* generic timer ticks between two events at `port`; 0 = no limit */
};

/* CHANNEL_EARLY: of a port of the caller's own (DOMID_SELF), or of a domain over which it has the right INFO.
 * -EINVAL no such port. */
struct bulkhead_early {
    uint16_t domid;
    uint16_t pad;
    uint32_t port;
    uint64_t early; /* out: events put off since the port was opened, modulo 2^32 */
};

/* SHARE_MEMORY, the Boot Domain only (-EPERM).  domid DOMID_IO: machine frames [mfn, mfn + count), free or unclaimed,
 * become shared memory, scrubbed; they belong to nobody and stay shared memory for good.  Another domid, with the right
 * BUILD over it: such frames appear at [gfn, gfn + count), never executable.  Restarted until count is 0.
 * -EEXIST they are not free, or something is at gfn; -EPERM they are not shared memory; -EINVAL; -ENOMEM. */
struct bulkhead_share {
    uint16_t domid;
    uint16_t flags; /* BULKHEAD_SHARE_* */
    uint32_t pad;
    uint64_t mfn;
    uint64_t gfn;
    uint64_t count;
};
#define BULKHEAD_SHARE_READ_ONLY 0x1u

/* SEAL_IMAGE, before the first unpause: the domain's RAM pages [gfn, gfn + count) as they are now; restarted until
 * count is 0.  SEAL_LAUNCH, last: where its memory is, its entry state and limits; gfn must be 0 and is the hypervisor's
 * to change, count 0.  -EBUSY started or sealed, -EINVAL not its RAM, -ENOSPC too many pieces, -ENOMEM. */
struct bulkhead_seal {
    uint16_t domid;
    uint16_t pad[3];
    uint64_t gfn;
    uint64_t count;
};

/* What can become of a domain.  The first four end its life, whatever the action. */
enum bulkhead_event {
    BULKHEAD_EVENT_POWEROFF = 0,   /* it asked to be switched off */
    BULKHEAD_EVENT_REBOOT = 1,     /* it asked to be restarted */
    BULKHEAD_EVENT_CRASH = 2,      /* it says that it crashed */
    BULKHEAD_EVENT_WATCHDOG = 3,   /* its watchdog (SCHEDOP_watchdog) expired */
    BULKHEAD_EVENT_ACCESS = 4,     /* access to what is not there, answered by an abort */
    BULKHEAD_EVENT_ILLEGAL = 5,    /* illegal execution state */
    BULKHEAD_EVENT_DOUBLE = 6,     /* a fault where its fault handler should be */
    BULKHEAD_EVENT_OVERRUN = 7,    /* it used more than its time */
    BULKHEAD_EVENT_PERIPHERAL = 8, /* an asynchronous error, attributed to it */
    BULKHEAD_EVENT_STORM = 9,      /* an interrupt of a device that it has came too often, and was switched off */
    BULKHEAD_EVENT_COUNT = 10,
};

/* All but IGNORE raise VIRQ_DOM_EXC at the holder of RIGHT_INFO over the domain. */
enum bulkhead_action {
    BULKHEAD_ACTION_IGNORE = 0, /* counted */
    BULKHEAD_ACTION_NOTIFY = 1,
    BULKHEAD_ACTION_LOG = 2,   /* printed once in a life */
    BULKHEAD_ACTION_PAUSE = 3, /* until the holder of RIGHT_PAUSE unpauses it */
    BULKHEAD_ACTION_HALT = 4,  /* it stays stopped */
    BULKHEAD_ACTION_RESTART = 5,
    BULKHEAD_ACTION_PLATFORM = 6, /* the machine is reset, as if by POWER with 10 seconds */
    BULKHEAD_ACTION_COUNT = 7,
};

#define BULKHEAD_STORM_WINDOWS 64u /* a second; interrupts of a line are counted in each of them */

/* SET_HEALTH, before the first unpause.  -EINVAL an action below HALT for one of the first four events, or RESTART as
 * fallback; -EBUSY started. */
struct bulkhead_health {
    uint16_t domid;
    uint8_t fallback; /* enum bulkhead_action: when it cannot be restarted, or not again */
    uint8_t pad;
    uint32_t max_restarts; /* that many within ... */
    uint64_t within;       /* nanoseconds, counted from the first of them */
    uint8_t action[14];    /* by enum bulkhead_event; the rest 0 */
    uint16_t storm; /* interrupts of one line in a BULKHEAD_STORM_WINDOWS-th of a second that are a storm; 0: 512 */
};

/* The vCPU that an abnormal end was reported for. */
struct bulkhead_crash {
    uint32_t event; /* enum bulkhead_event */
    uint32_t vcpu;
    uint64_t time; /* nanoseconds of the domain's life */
    uint64_t x[31];
    uint64_t pc, pstate, sp_el0, sp_el1, elr_el1, spsr_el1, esr_el1, far_el1;
    char console[512]; /* the last lines it printed, oldest first, NUL-terminated */
};

/* LIFE: of the caller itself, or right INFO.  RESTART: -ENOSYS not sealed, -EBUSY being restarted or taken apart. */
struct bulkhead_life {
    uint16_t domid;
    uint16_t cause; /* what ended the life before: 1 + enum bulkhead_event; 0: a call, or there was none */
    uint16_t pad[2];
    uint64_t restarts;
    uint64_t took;               /* nanoseconds of the last one */
    uint64_t events[16];         /* reports by enum bulkhead_event, of all lives */
    uint64_t crashes;            /* abnormal ends; 0: the rest is 0 */
    struct bulkhead_crash crash; /* the last one */
};

/* POWER.  OFF and RESET, by the holder of the right PLATFORM: each other safe domain of the launch that runs gets
 * BULKHEAD_VIRQ_POWER.  When the last of them has agreed, or ended its life, it is done; where there is none, or the description
 * says `reboot: immediate`, at once.  One that refuses, or says nothing for so many seconds, ends the request.
 * AGREE and REFUSE, by one that was asked.  -EPERM, -EBUSY others are still being asked, -EINVAL not asked, or too late. */
struct bulkhead_power {
    uint32_t action;  /* BULKHEAD_POWER_* */
    uint32_t seconds; /* of OFF and RESET: 1..3600 */
};
#define BULKHEAD_POWER_OFF    1u
#define BULKHEAD_POWER_RESET  2u
#define BULKHEAD_POWER_AGREE  3u
#define BULKHEAD_POWER_REFUSE 4u
#define BULKHEAD_VIRQ_POWER   16u /* VIRQ_ARCH_0 */

#endif
