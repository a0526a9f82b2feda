/* SPDX-License-Identifier: Apache-2.0 */
/* The launch plan: what the description (launch.dtb, or /chosen of the host's device tree) asks for, checked.
 * Builders take it const: once read, nothing of the description is looked at again.
 * [impl->dsn~boot-plan~1] */
#ifndef BOOTDOMAIN_PLAN_H
#define BOOTDOMAIN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <bulkhead/board.h>
#include <bulkhead/bulkhead_op.h>
#include <bulkhead/launch.h>

#include "archive.h"

#define PLAN_MAX_FIXED       LAUNCH_MAX_STATIC
#define PLAN_MAX_VCPUS       LAUNCH_MAX_VCPUS
#define PLAN_AFTER_WORDS     (LAUNCH_MAX_DOMAINS / 64u)
#define PLAN_NAME_BYTES      32u
#define PLAN_MAX_WINDOWS     512u     /* of all schedules together */
#define PLAN_BUDGET_MIN      10u      /* us, the hypervisor's limit */
#define PLAN_PERIOD_MAX      4000000u /* us */
#define PLAN_GRANT_FRAMES    64u      /* default limits of a domain, as Xen's */
#define PLAN_MAPTRACK_FRAMES 1024u

enum plan_module_kind { PLAN_KERNEL = 0, PLAN_RAMDISK = 1, PLAN_DEVICE_TREE = 2, PLAN_MODULE_KINDS = 3 };

struct plan_module {
    char name[PLAN_NAME_BYTES]; /* for messages, cut to fit; empty = the domain has no such module */
    const uint8_t *data;        /* NULL while it lies outside the image, not mapped */
    uint64_t size;              /* bytes */
    bool is_outside;
    uint64_t outside; /* machine address when is_outside */
    bool shared;      /* another module, or the description, lies in its pages: it cannot be moved */
};

/* What a domain is there for besides itself. */
enum plan_serves { PLAN_SERVES_NOTHING = 0, PLAN_SERVES_STORE = 1, PLAN_SERVES_CONSOLE = 2 };

struct plan_domain {
    char name[PLAN_NAME_BYTES];
    enum bulkhead_role role;
    uint32_t flags;  /* BULKHEAD_DOMAIN_* */
    uint64_t memory; /* bytes, multiple of 4 KiB */
    uint32_t vcpus;
    uint32_t first_vcpu; /* in plan.affinity */
    uint32_t spis;
    uint32_t grant_frames;
    uint32_t maptrack_frames;
    uint64_t paging;   /* bytes of the page-table pool; 0 = the builder's formula */
    bool keep_modules; /* it can be restarted */
    bool verify;       /* it compares its images with their digests before its kernel runs */
    bool has_health;
    struct bulkhead_health health; /* but its domid */
    bool xen_node;                 /* the guest's device tree names the hypervisor */
    bool has_store;                /* it is to have a ring to the store */
    bool has_pv_console;
    enum plan_serves serves;
    const char *bootargs; /* NULL = none */
    struct plan_module modules[PLAN_MODULE_KINDS];
    uint32_t fixed_count;
    struct board_range fixed[PLAN_MAX_FIXED]; /* static memory; none = from the pool */
    uint64_t after[PLAN_AFTER_WORDS];         /* bitmap of domain indices */
    uint16_t grantee[BULKHEAD_RIGHT_COUNT];   /* index + 1 of the domain that gets the right over it; 0 = by its role */
    uint64_t pool_cpus;                       /* bitmap of board CPUs of its pool; 0 = any */
    uint32_t pool;                            /* index of its pool + 1; 0 = none */
    uint32_t period, budget;                  /* us, in an rtds pool; 0 = none */
    bool extra_time;
    uint32_t label; /* number in the label policy; 0 = none */
};

/* A CPU pool that a domain refers to. */
struct plan_pool {
    char name[PLAN_NAME_BYTES];
    uint32_t phandle;
    uint32_t policy;                                               /* BULKHEAD_POLICY_* */
    uint64_t cpus;                                                 /* bitmap of board CPUs */
    uint64_t guard;                                                /* ns */
    uint32_t first[BULKHEAD_SCHEDULES], count[BULKHEAD_SCHEDULES]; /* in plan.windows */
};

/* One end of a static event channel. */
struct plan_channel {
    uint16_t domain; /* index */
    uint16_t remote; /* index */
    uint32_t port;
    uint32_t remote_port;
    uint64_t min_interval; /* ns between two events at this end; 0 = no limit */
};

/* A region of static shared memory. */
struct plan_share {
    char id[LAUNCH_SHARE_ID_BYTES];
    struct board_range machine; /* base: 0 until a place is found, unless is_placed */
    bool is_placed;             /* the description says where it lies */
    bool has_owner;             /* a domain calls itself its owner */
};

/* A domain that sees a region. */
struct plan_share_use {
    uint16_t domain; /* index */
    uint16_t share;  /* index */
    bool is_read_only;
    uint64_t guest; /* guest-physical */
};

#define PLAN_DISK_BYTES 8u /* of "xvda" */
#define PLAN_MAC_BYTES  18u

/* A paravirtual disk or network interface. */
struct plan_device {
    uint16_t domain;  /* index: who sees it */
    uint16_t backend; /* index: who provides it */
    bool is_interface;
    bool is_read_only;
    uint32_t number;            /* disk: Linux's number of the device; interface: counted from 0 */
    uint32_t major, minor;      /* disk: of the back end's block device */
    char name[PLAN_DISK_BYTES]; /* disk */
    char mac[PLAN_MAC_BYTES];   /* interface */
};

struct plan {
    uint32_t count;
    bool halt_on_failure;
    bool power_at_once; /* safe domains are not asked before the platform is powered off or reset */
    struct bulkhead_dynamic dynamic;
    uint32_t vcpu_count;
    struct plan_domain domains[LAUNCH_MAX_DOMAINS];
    uint64_t affinity[PLAN_MAX_VCPUS];      /* bitmap of board CPUs; 0 = any */
    uint16_t grantee[BULKHEAD_RIGHT_COUNT]; /* the same for the rights over the platform */
    uint32_t pool_count;
    struct plan_pool pools[BULKHEAD_POOLS];
    uint32_t window_count;
    struct bulkhead_window windows[PLAN_MAX_WINDOWS];
    uint16_t order[LAUNCH_MAX_DOMAINS]; /* domain indices in the order in which they are started */
    uint32_t channel_count;
    struct plan_channel channels[LAUNCH_MAX_CHANNEL_ENDS];
    uint32_t share_count;
    struct plan_share shares[LAUNCH_MAX_SHARES];
    uint32_t use_count;
    struct plan_share_use uses[LAUNCH_MAX_SHARE_USES];
    uint32_t device_count;
    struct plan_device devices[LAUNCH_MAX_DEVICES];
};

/* What the description is read against. */
struct plan_context {
    const void *fdt;               /* a whole, checked device tree */
    const struct archive *archive; /* NULL: every module lies outside the image */
    const struct board_table *board;
    const struct board_range *taken; /* machine ranges which no domain may have as static memory */
    uint32_t taken_count;
};

/* Read and check the whole description.  False when anything in it is refused: every reason has been said. */
bool plan_read(struct plan *plan, const struct plan_context *context);

/* The domain's end of a channel with the lowest port above `port`; NULL = no more. */
const struct plan_channel *plan_next_channel(const struct plan *plan, uint32_t domain, uint32_t port);

#endif
