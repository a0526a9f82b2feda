/* SPDX-License-Identifier: Apache-2.0 */
/* A system: what a description says, and what it means on its board. */
#ifndef TOOL_SYSTEM_H
#define TOOL_SYSTEM_H

#include <bulkhead/bulkhead_op.h>
#include <bulkhead/label.h>

#include "board.h"
#include "kernel.h"

#define DOMAIN_NAME_MAX            31u
#define DOMAIN_BOOTARGS_MAX        2047u
#define DOMAIN_VCPUS_MAX           128u            /* GUEST_MAX_VCPUS of the Xen ABI */
#define POOL_GUARD_DEFAULT         UINT64_C(20000) /* ns */
#define BOOT_DOMAIN_DEFAULT_MEMORY (UINT64_C(4) << 20)

enum domain_role {
    ROLE_DOMU,
    ROLE_HARDWARE,
    ROLE_CONTROL,
    ROLE_XENSTORE, /* serves rings; to the hypervisor an ordinary domain */
    ROLE_CONSOLE,
};

enum domain_enhanced {
    ENHANCED_NO_STORE,
    ENHANCED_YES,
    ENHANCED_LEGACY,
};

enum domain_console {
    CONSOLE_VPL011,
    CONSOLE_NONE,
    CONSOLE_PV,
};

enum module_kind {
    MODULE_KERNEL,
    MODULE_RAMDISK,
    MODULE_DEVICE_TREE,
    MODULE_KINDS,
};

enum pool_policy {
    POLICY_SHARE,
    POLICY_NULL,
    POLICY_ARINC653,
    POLICY_RTDS,
};

enum pool_idle {
    IDLE_KEEP,
    IDLE_LEND,
};

/* A window of an arinc653 pool; times in nanoseconds. */
struct window {
    struct text domain;
    struct number start, length;
    struct place at;
};

/* The first field must be the name: see KEY_NAMED. */
struct schedule {
    struct text name;
    struct number major_frame;
    struct items windows; /* struct window */
};

struct pool {
    struct text name;
    struct items cpus;      /* struct number */
    struct number policy;   /* enum pool_policy */
    struct number guard;    /* ns */
    struct number idle;     /* enum pool_idle */
    struct schedule main;   /* its own major-frame and windows */
    struct items schedules; /* struct schedule: further ones */
};

/* A file of a domain. */
struct module {
    const char *path; /* NULL = the domain has none */
    struct bytes data;
    struct place at;  /* where the description names it */
    bool has_address; /* outside the image, at `address`: dom0less */
    uint64_t address;
    const char *member;        /* name in the launch archive */
    bool is_moved;             /* becomes the domain's memory as it is */
    struct kernel_info kernel; /* MODULE_KERNEL */
};

#define HEALTH_MAX_RESTARTS 3u
#define HEALTH_WITHIN       60u    /* seconds */
#define HEALTH_STORM_LIMIT  32768u /* interrupts a second */
#define HEALTH_ENDS         4u     /* the first events end a life: their choices begin with `halt` */

struct domain_health {
    struct number action[BULKHEAD_EVENT_COUNT]; /* enum bulkhead_action; of the first HEALTH_ENDS from `halt` on */
    struct number max_restarts;
    struct number within;      /* seconds */
    struct number storm_limit; /* interrupts of a line a second */
    struct number fallback;    /* 0 halt, 1 platform */
    struct place at;
};

/* Rights given by name: over the domain, or the system, that the list stands in. */
struct grant {
    struct text to;
    struct items rights; /* struct text */
    struct place at;
};

/* The first field must be the name: see KEY_NAMED. */
struct domain {
    struct text name;
    struct number role; /* enum domain_role */
    struct flag safe;
    struct number memory;
    struct items cpus; /* struct number */
    struct number vcpus;
    struct text file[MODULE_KINDS];
    struct text bootargs;
    struct number console;      /* enum domain_console */
    struct items after;         /* struct text */
    struct items static_memory; /* struct range */
    struct flag direct_map;
    struct number argo; /* enum domain_argo */
    struct number nr_spis;
    struct flag restartable;
    struct flag verify;
    struct domain_health health;
    struct items passthrough; /* struct text */
    struct flag force_dma;
    struct text pool;
    struct number period, budget; /* ns */
    struct flag extra_time;
    struct number enhanced; /* enum domain_enhanced */
    struct items disks;     /* struct disk */
    struct items nics;      /* struct nic */
    struct items grants;    /* struct grant */
    struct text seclabel;   /* user:role:type */
    struct place at;

    uint32_t label;     /* its number in the compiled policy */
    unsigned partition; /* of its arinc653 pool; 0 = it has no window */
    struct module module[MODULE_KINDS];
    unsigned vcpu_cpu[DOMAIN_VCPUS_MAX]; /* physical CPU of each vCPU */
};

/* One of the two ends of a channel. */
struct channel_end {
    struct text domain;
    struct number port;
    struct number min_interval; /* ns between two events at this end; 0 = no limit */
    struct place at;
};

/* A static event channel. */
struct channel {
    struct text name;
    struct items ends; /* struct channel_end */
    struct place at;
};

/* A domain that sees a region of shared memory. */
struct share_use {
    struct text domain;
    struct number address; /* guest-physical */
    struct flag read_only;
    struct place at;
};

/* A region of static shared memory. */
struct share {
    struct text name;
    struct number size;
    struct number base; /* machine address; not given = where there is room */
    struct text owner;
    struct items domains; /* struct share_use */
    struct place at;
};

struct system_board {
    struct text name;
    struct number cpus;
    struct number memory;
    struct text cpu;
    struct place at;
};

struct system_boot_domain {
    struct number cpu;
    struct number memory;
};

enum domain_argo {
    ARGO_NO,
    ARGO_PARTNERS,
    ARGO_ANY,
};

enum label_mode {
    LABELS_ENFORCING,
    LABELS_PERMISSIVE,
};

struct system_labels {
    struct text policy;
    struct number mode; /* enum label_mode */
    struct items extra; /* struct text: labels of domains that are created later */
    struct place at;    /* no file: the description has no labels */
};

struct system_dynamic {
    struct number memory, domains, vcpus;
    struct items cpus; /* struct number */
    struct place at;   /* no file: the description has none */
};

enum on_failure {
    ON_FAILURE_CONTINUE,
    ON_FAILURE_HALT,
};

enum reboot {
    REBOOT_ASK,
    REBOOT_IMMEDIATE,
};

struct system {
    struct text name;
    struct system_board board_choice;
    struct number on_failure; /* enum on_failure */
    struct number reboot;     /* enum reboot */
    struct system_boot_domain boot_domain;
    struct items domains;       /* struct domain */
    struct items channels;      /* struct channel */
    struct items shared_memory; /* struct share */
    struct items pools;         /* struct pool */
    struct items grants;        /* struct grant, over the platform */
    struct system_labels labels;
    struct system_dynamic dynamic;
    struct place at;

    const char *file;
    bool is_later; /* no launch: its domains are created when another system runs */
    struct board board;
    unsigned boot_cpu;
    uint64_t boot_memory;
    const struct bulkhead_labels *matrix; /* the compiled label policy; NULL = none */
};

extern const struct key_table system_keys;
extern const struct key_table channel_keys;
extern const struct key_table share_keys;
extern const char *const role_choices[];
extern const char *const argo_choices[];
extern const char *const action_choices[]; /* enum bulkhead_action */
extern const char *const event_names[];    /* enum bulkhead_event */

/* The domain has a table of actions, or can be restarted. */
bool health_is_described(const struct domain *d);
/* The action for an event, as the hypervisor numbers it. */
unsigned health_action(const struct domain *d, unsigned event);
/* [impl->dsn~tool-health~1] */
void health_check(struct diags *d, const struct domain *domain);
extern const struct key_table health_keys;
extern const struct key_table grant_keys;
/* Bytes that a restartable domain's sealed images take. */
uint64_t health_image_bytes(const struct domain *d);

static inline struct domain *system_domain(const struct system *s, size_t i)
{
    return (struct domain *)s->domains.item + i;
}

/* Fill in what the description leaves open: vCPU count, CPUs, the Boot Domain's CPU and memory.
 * [impl->dsn~tool-defaults~1] */
void system_fill(struct system *s);

/* Names and number of the domains. */
void rules_check_names(struct diags *d, const struct system *s);

bool rules_has_safe(const struct system *s);

/* The rules that need no file: roles, names, CPUs, memory, order. [impl->dsn~tool-rules~1] */
void rules_check(struct diags *d, const struct system *s);

/* Bytes of physical memory that the image and the hypervisor occupy from the load address on. */
struct image_span {
    uint64_t base;
    uint64_t size;
};

/* Rights given by name. [impl->dsn~tool-grants~1] */
void rules_check_grants(struct diags *d, const struct system *s);

/* The rules about memory, once modules and the image's span are known. [impl->dsn~tool-memory-rules~1] */
void rules_check_memory(struct diags *d, const struct system *s, struct image_span span);

/* The devices of domain number `index`, beside those of the domains before it. */
void rules_check_devices(struct diags *d, const struct system *s, size_t index);

/* Channels and shared memory: who; and where, once the image's span is known. [impl->dsn~tool-shared~1] */
void rules_check_shared(struct diags *d, const struct system *s);
void rules_check_shared_memory(struct diags *d, const struct system *s, struct image_span span);
/* Memory that shared regions take, with the tables that map them. */
uint64_t rules_shared_bytes(const struct system *s);

#endif
