/* SPDX-License-Identifier: Apache-2.0 */
/* Domains: the unit of isolation.
 * [impl->dsn~domain~1] */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include "arch_types.h"
#include "bulkhead/bulkhead_op.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "core/cpu.h"
#include "core/vcpu.h"

#define MAX_DOMAINS   129u /* slots: slot 0 is the Boot Domain's, slot = domid for all others */
#define MAX_VCPUS     128u /* a domain */
#define SLOT_BOOT     0u
#define HVM_PARAMS    40u

typedef uint16_t domid_value_t;

enum domain_state {
    DOMAIN_BUILDING = 0, /* created, never unpaused */
    DOMAIN_LIVE     = 1,
    DOMAIN_SHUTDOWN = 2, /* shut itself down or crashed; its frames are still there */
    DOMAIN_DYING    = 3, /* being taken apart */
};

struct console_line { /* what a domain printed since its last newline; guarded by the console lock */
    char text[128];
    uint32_t used;
};

struct domain {
    struct arch_domain arch;     /* parts guarded by physmap_lock, see arch_types.h */
    domid_value_t id;            /* const */
    uint16_t slot;               /* const: index in the domain table; VMID = slot + 1 */
    uint16_t role;               /* const after the first unpause: enum bulkhead_role */
    uint32_t flags;              /* const after the first unpause: BULKHEAD_DOMAIN_* */
    char name[32];               /* const after the first unpause */
    uint32_t state;              /* atomic: enum domain_state */
    uint32_t pause_count;        /* atomic: > 0 = no vCPU may run; 1 at creation */
    uint32_t refs;               /* atomic: 1 for existing, 1 for each domain_get */
    uint32_t shutdown_code;      /* const once state is SHUTDOWN: SHUTDOWN_* */
    uint32_t max_vcpus;          /* const after creation: 1..MAX_VCPUS */
    struct vcpu *vcpus[MAX_VCPUS]; /* const after creation */
    struct spinlock lock;        /* rank 2: build state, budgets */
    struct spinlock physmap_lock; /* rank 3: arch stage 2 and what copy_in/out rely on */
    uint64_t frames;             /* guarded by physmap_lock: RAM frames owned */
    uint64_t max_frames;         /* guarded by lock: limit of frames, const after the first unpause */
    mfn_t pool_head;             /* guarded by physmap_lock: free pool frames, linked through themselves */
    uint64_t pool_free;          /* guarded by physmap_lock */
    uint64_t pool_total;         /* guarded by lock: frames given to the pool */
    uint64_t overhead;           /* guarded by lock: frames for struct domain, vCPUs, interrupt state */
    mfn_t shared_info;           /* const after creation */
    uint64_t hvm_params[HVM_PARAMS]; /* guarded by lock */
    struct console_line line;    /* guarded by console lock */
    char input[64];              /* guarded by console lock: for CONSOLEIO_read */
    uint32_t input_head, input_tail; /* guarded by console lock */
    struct list reap_node;       /* cpu-local to the CPU that takes it apart */
    gfn_t reap_gfn;
    uint64_t handle[2];          /* const: xen_domain_handle_t */
    uint64_t faults[4];          /* atomic (relaxed): by enum fault_class */
};

/* The domain called domid (DOMID_SELF = the caller's), with one reference taken.  -SRCH none, or the Boot Domain after
 * its exit.  Bound: O(1), index masked against speculation. */
err_t domain_get(const struct vcpu *caller, uint32_t domid, struct domain **out);
void domain_put(struct domain *d);

#endif
