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
#include "core/argo_types.h"
#include "core/evtchn_types.h"
#include "core/health.h"
#include "core/vcpu.h"
#include "arch/contract/arch.h"

#define MAX_DOMAINS 129u /* slots: slot 0 is the Boot Domain's, slot = domid for all others */
#define MAX_VCPUS   128u /* a domain */
#define SLOT_BOOT   0u
#define HVM_PARAMS  40u

typedef uint16_t domid_value_t;

enum domain_state {
    DOMAIN_BUILDING = 0, /* created, never unpaused */
    DOMAIN_LIVE = 1,
    DOMAIN_SHUTDOWN = 2, /* shut itself down or crashed; its frames are still there */
    DOMAIN_DYING = 3,    /* being taken apart */
};

struct grant_table; /* core/grant.h */
struct launch;      /* core/launch.h */

enum restart {
    RESTART_NONE = 0,
    RESTART_ON = 1,     /* it is taken apart (DYING), then built again (BUILDING) */
    RESTART_CANCEL = 2, /* destroyed meanwhile: DYING, from the first step on */
};

struct console_line {     /* what a domain printed since its last newline */
    struct spinlock lock; /* rank 6.8: of the writers; what is on the screen is written under the console lock too */
    char text[248];
    uint32_t used;
    uint32_t kept;   /* bytes ever put to tail */
    char tail[2048]; /* ring: the last whole lines */
};

#define FRAME_RUN_KEEPS (UINT64_C(1) << 63)

/* Frames of d on their way into its address space or out of it, a piece at a time (core/physmap.h). */
struct frame_run {
    uint64_t gfn; /* where they will be; UINT64_MAX = they are given up */
    mfn_t mfn;
    uint32_t count; /* 0 = there are none */
    uint32_t done;  /* that are ready, or given up */
    uint64_t
        key;  /* which frames: by whom and from where; FRAME_RUN_KEEPS: what is in them stays, cleaned, not scrubbed */
    bool out; /* a CPU works on them */
    bool found; /* in this step */
};

struct domain {
    struct arch_domain arch;         /* parts guarded by physmap_lock, see arch_types.h */
    domid_value_t id;                /* const */
    uint16_t slot;                   /* const: index in the domain table; VMID = slot + 1 */
    uint16_t role;                   /* const after the first unpause: enum bulkhead_role */
    uint32_t flags;                  /* const after the first unpause: BULKHEAD_DOMAIN_* */
    char name[32];                   /* const after the first unpause; "dN" or "boot" until one is set */
    uint32_t state;                  /* atomic: enum domain_state */
    uint32_t pause_count;            /* atomic: > 0 = no vCPU may run; 1 at creation */
    bool initial;                    /* const: created before the Boot Domain's exit */
    bool started;                    /* guarded by lock: has been unpaused once */
    uint32_t shutdown_code;          /* const while state is SHUTDOWN: SHUTDOWN_* */
    uint32_t max_vcpus;              /* const after creation: 1..MAX_VCPUS */
    struct vcpu *vcpus[MAX_VCPUS];   /* atomic (release) while created, const after the first unpause */
    struct spinlock lock;            /* rank 2: build state, budgets */
    struct spinlock physmap_lock;    /* rank 3: arch stage 2 and what copy_in/out rely on */
    uint64_t frames;                 /* atomic: RAM frames owned, mapped by itself or by others */
    uint64_t max_frames;             /* atomic: limit of frames, const after the first unpause */
    uint64_t max_gfn;                /* guarded by physmap_lock: highest guest frame ever mapped */
    struct frame_run run;            /* guarded by physmap_lock while it is not out */
    mfn_t pool_head;                 /* guarded by physmap_lock: free pool frames, linked through themselves */
    uint64_t pool_free;              /* guarded by physmap_lock */
    uint64_t pool_total;             /* guarded by lock: frames given to the pool */
    uint64_t overhead;               /* guarded by lock: frames for struct domain, vCPUs, interrupt state */
    mfn_t shared_info;               /* const after creation */
    struct evtchn_domain evtchn;     /* see evtchn_types.h */
    struct argo_domain argo;         /* see argo_types.h */
    struct grant_table *grants;      /* const after creation: NULL = it has no grants */
    mfn_t grants_frame;              /* const after creation */
    uint64_t hvm_params[HVM_PARAMS]; /* guarded by lock */
    struct console_line line;        /* guarded by its lock */
    char input[64];                  /* guarded by console lock: for CONSOLEIO_read */
    uint32_t input_head, input_tail; /* guarded by console lock */
    struct list reap_node;           /* cpu-local to the CPU that takes it apart */
    gfn_t reap_gfn;                  /* owned by the CPU that takes it apart */
    struct frame_run reaped;         /* the same: of an entry that is gone, not given up yet */
    uint32_t reap_stage;             /* the same */
    uint32_t reap_vcpu;              /* the same */
    uint32_t reap_cpu;               /* const once DYING: the CPU that takes it apart */
    ticks_t time_zero;               /* const after the first unpause: when the guest's counter was 0 */
    uint32_t shutdown_latch;         /* guarded by lock: SCHEDOP_shutdown_code + 1; 0 = none */
    mfn_t memory;                    /* const: first frame of this structure */
    uint64_t handle[2];              /* const: xen_domain_handle_t */
    uint64_t faults[5];              /* atomic (relaxed): by enum fault_class */
    struct launch *launch;           /* const after the first unpause; NULL = it cannot be restarted */
    uint32_t restarting;             /* atomic, written under lock: enum restart */
    struct health health;            /* see core/health.h */
};

static inline uint32_t domain_state(const struct domain *d)
{
    return __atomic_load_n(&d->state, __ATOMIC_ACQUIRE);
}

/* vCPU id, which may be being created; NULL = not yet.  id: below max_vcpus. */
static inline struct vcpu *domain_vcpu(const struct domain *d, uint32_t id)
{
    return __atomic_load_n(&d->vcpus[id], __ATOMIC_ACQUIRE);
}

/* Once, by the boot CPU: no domains. */
void domain_init(void);
/* From now on new domains get slots first..end - 1, and have no more than that many vCPUs together. */
void domain_set_room(uint32_t first, uint32_t end, uint32_t vcpus);

/* The domain called domid (DOMID_SELF = the caller's), with one reference taken; it may be shut down or dying.
 * -SRCH none, or the Boot Domain after its exit.  Bound: O(1), index masked against speculation. */
err_t domain_get(const struct vcpu *caller, uint32_t domid, struct domain **out);
/* The same, but -SRCH too while it is being taken apart: for calls that any domain may make as often as it likes, whose
 * references together might otherwise keep it from ever ending. */
err_t domain_get_living(const struct vcpu *caller, uint32_t domid, struct domain **out);
void domain_put(struct domain *d);
/* The same for a slot: for lists and the console.  NULL = empty. */
struct domain *domain_get_slot(uint32_t slot);
/* The domain in a slot, when something else keeps it alive (a frame that it owns).  Never NULL. */
struct domain *domain_at(uint32_t slot);

/* Domains that are being taken apart or restarted, and the Boot Domain: frames of theirs are still to come back.
 * Bound: MAX_DOMAINS. */
uint32_t domain_count_ending(void);

struct domain_config {
    uint32_t domid;               /* 1..MAX_DOMAINS - 1, DOMID_BOOT, or 0 = any free one */
    uint32_t max_vcpus;           /* 1..MAX_VCPUS */
    uint32_t max_grant_frames;    /* 0..GRANT_FRAMES_LIMIT */
    uint32_t max_maptrack_frames; /* 0..GRANT_MAPTRACK_LIMIT */
    int32_t max_evtchn_port;      /* highest event channel port; negative = the usual number */
    uint32_t label;               /* label_check_new() said yes */
    uint64_t handle[2];
    struct arch_domain_config arch;
};

#define DOMAIN_MIN_POOL 18u /* frames of pool that a domain starts with */

/* A new domain, paused, without vCPUs and RAM; its rights' cells go to the slot creator.  One reference is the
 * caller's.  -EINVAL, -EEXIST domid in use, -NOSPC no free slot or too many vCPUs, -NOMEM.  All or nothing. */
err_t domain_create(uint32_t creator, const struct domain_config *config, struct domain **out);
/* Create at most DOMAIN_VCPU_BATCH of the vCPUs that are missing.  ERR_RESTART: not all yet.  -NOMEM.
 * Context: d->lock held or d not visible. */
err_t domain_add_vcpus(struct domain *d);
#define DOMAIN_VCPU_BATCH 1u

/* Printed behind d's name. */
void domain_say(const struct domain *d, const char *what);

/* ---- life (core/domain_life.c, core/domain_reap.c) ---- */

/* One more, one fewer reason not to run.  Does not wait for the vCPUs to stop.
 * -EINVAL: unpause of a domain that is not paused or has no vCPU to start. */
err_t domain_pause(struct domain *d) MUST_CHECK; /* -EBUSY 255 times already */
err_t domain_unpause(struct domain *d) MUST_CHECK;
/* d stops with its memory kept, and core/health.h decides what follows.  Any CPU.  The first code counts. */
void domain_shutdown(struct domain *d, uint32_t code);
/* d goes on after it suspended itself (SHUTDOWN_suspend).  -EINVAL it did not. */
err_t domain_resume(struct domain *d) MUST_CHECK;
/* d becomes what it was at its launch, in the time of its vCPU 0's home, unless it is destroyed meanwhile.
 * -NOSYS not sealed, -BUSY being built, restarted or taken apart.  [impl->dsn~domain-restart~1] */
err_t domain_restart(struct domain *d) MUST_CHECK;
/* d starts to be taken apart, by this CPU.  -EBUSY it already is. */
err_t domain_destroy(struct domain *d) MUST_CHECK;
/* One bounded step of it.  OK = the slot is free again, ERR_RESTART = go on, -EBUSY = wait for others (a CPU that still
 * has a vCPU in its registers, a domain that maps its frames, a reference).  Context: the CPU that destroyed it. */
err_t domain_reap(struct domain *d) MUST_CHECK;
/* vCPUs may run: not paused, shut down or dying. */
bool domain_may_run(const struct domain *d);

/* Something that the taking apart of d may wait for has come. */
void domain_reap_nudge(const struct domain *d);

/* ---- for domain*.c only ---- */
bool domain_slot_retire(struct domain *d);         /* nobody can find d any more; false = somebody holds a reference */
bool domain_slot_is_quiet(const struct domain *d); /* nobody holds one just now */
void domain_slot_clear(uint32_t slot);             /* the slot may be used again */
void domain_slot_dying(const struct domain *d, bool dying);
void domain_free_memory(struct domain *d);
/* For vcpu.c: this CPU, home of vCPU 0, goes on with a restart. */
void domain_restart_begin(struct cpu *cpu, struct domain *d);

#endif
