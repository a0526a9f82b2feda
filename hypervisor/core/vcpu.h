/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual CPU.  It lives on one physical CPU, its home: everything not atomic is touched there only, once the domain
 * has been unpaused for the first time; before that, by the builder's hypercalls.
 * [impl->dsn~vcpu~1] [impl->dsn~vcpu-notify~1] [impl->dsn~vcpu-block~1] [impl->dsn~vcpu-power~1]
 * [impl->dsn~vcpu-home~1] */
#ifndef CORE_VCPU_H
#define CORE_VCPU_H

#include "arch_types.h"
#include "core/cpu.h"
#include "core/evtchn_types.h"
#include "core/timer.h"
#include "lib/list.h"
#include "lib/types.h"

struct domain;
struct cpu;

enum vcpu_state {
    VCPU_DOWN = 0,    /* never started, or switched off by PSCI */
    VCPU_BLOCKED = 1, /* waits for an interrupt */
    VCPU_RUNNABLE = 2,
};

enum vcpu_notify {
    VCPU_NOTIFY_IRQ = 1u << 0,      /* something was posted to its interrupt controller */
    VCPU_NOTIFY_HOLD = 1u << 1,     /* the domain's pause count changed */
    VCPU_NOTIFY_START = 1u << 2,    /* power is ON_PENDING: start at start_entry */
    VCPU_NOTIFY_WAKE = 1u << 3,     /* what it polls for has come */
    VCPU_NOTIFY_EVENT = 1u << 4,    /* an event is held back until its time */
    VCPU_NOTIFY_WATCHDOG = 1u << 5, /* vCPU 0: a watchdog of its domain was set */
    VCPU_NOTIFY_CRASH = 1u << 6,    /* with HOLD: its crash is to be printed */
};

enum vcpu_power { /* what PSCI AFFINITY_INFO tells */
                  VCPU_POWER_ON = 0,
                  VCPU_POWER_OFF = 1,
                  VCPU_POWER_ON_PENDING = 2,
};

struct vcpu_stats {
    uint64_t hypercalls;
    uint64_t guest_errors;    /* calls that were answered with an error, accesses that were answered with an abort */
    uint64_t windows_overrun; /* arinc653: windows of others that began late because of it; rtds: budgets */
};

struct vcpu {
    struct arch_vcpu arch;            /* first: assembly uses it */
    struct domain *domain;            /* const */
    uint32_t id;                      /* const: 0..max_vcpus - 1 */
    uint32_t home;                    /* const after the first unpause: CPU index */
    enum vcpu_state state;            /* cpu-local to home */
    bool held;                        /* cpu-local to home: domain is paused, shut down or dying */
    bool attached;                    /* atomic (release by home): home knows it; false = nobody will run it again */
    bool running;                     /* atomic (release by home): is or may be in registers; false = safe to look at */
    struct list run_node;             /* cpu-local to home: in a queue's runnable */
    uint32_t notify;                  /* atomic: enum vcpu_notify bits */
    struct vcpu *inbox_next;          /* owned by whoever set notify from 0 */
    uint32_t power;                   /* atomic: enum vcpu_power */
    uint64_t start_entry;             /* with power ON_PENDING: guest-physical entry */
    uint64_t start_arg;               /* and context id */
    struct timer timers[TIMER_KINDS]; /* cpu-local to home */
    ticks_t slice_end;                /* cpu-local: of its turn among equals; 0 = it has none */
    uint32_t queue;                   /* atomic (relaxed by home): index in sched.queue, const once attached */
    struct sched_budget rt;           /* cpu-local but for rt.wanted */
    uint32_t runstate_now;            /* cpu-local: RUNSTATE_* of xen/vcpu.h */
    ticks_t runstate_since;           /* cpu-local: when it became that */
    ticks_t runstate_time[4];         /* cpu-local: ticks in each state before that */
    struct vcpu_stats stats;          /* cpu-local */
    gaddr_t runstate[2];              /* registered area, guest-physical; [1] = its part on the next page; 0 = none */
    struct evtchn_vcpu evtchn;        /* see evtchn_types.h */
    mfn_t
        argo_bounce; /* guarded by the domain's physmap_lock, used by the vCPU itself: frame for a message; 0 = none */
    uint64_t affinity[(MAX_CPUS + 63u) / 64u]; /* const after the first unpause: CPUs it may run on */
    mfn_t memory;                              /* const: first frame of this structure */
};

/* Tell v something from any CPU; it is seen before v runs its next guest instruction. Bound: 1 exchange loop. */
void vcpu_notify(struct vcpu *v, uint32_t bits);

/* Take the notifications of this CPU's inbox.  Bound: vCPUs of this CPU. */
void vcpu_drain_inbox(struct cpu *cpu);

/* v has a reason to run: BLOCKED -> RUNNABLE.  Context: home. */
void vcpu_wake(struct vcpu *v);
/* v waits for an interrupt unless one is pending.  Context: home, v is current. */
void vcpu_block(struct vcpu *v);
/* v is switched off.  Context: home, v is current. */
void vcpu_power_off(struct vcpu *v);
/* Switch on vCPU target of v's domain.  PSCI result: OK, -INVAL no such vCPU, -EXIST on, -AGAIN on pending. */
err_t vcpu_power_on(struct vcpu *v, uint64_t target, uint64_t entry, uint64_t arg);
/* v gives its CPU to the next runnable one.  Context: home, v is current. */
void vcpu_yield(struct vcpu *v);
/* v waits until deadline at most (absolute), unless an interrupt is pending.  Context: home, v is current. */
void vcpu_block_until(struct vcpu *v, ticks_t deadline);
/* Every vCPU of d looks at whether it may run. Any CPU.  Bound: vCPUs of d. */
void vcpu_notify_all(struct domain *d, uint32_t bits);
/* A vCPU of d in zeroed memory; home and affinity: every CPU of the board that no safe domain of the
 * launch keeps, spread by id.  -NOMEM, -INVAL there is none. */
err_t vcpu_create(struct domain *d, uint32_t id);
void vcpu_free(struct vcpu *v);
/* v, which no CPU knows and nobody tells anything, is as created, with its place and affinity. */
void vcpu_renew(struct vcpu *v);
/* The home of vCPU id: the id-th usable CPU of the affinity, going round.  false = there is none. */
bool vcpu_home_of(const uint64_t *affinity, uint32_t id, uint32_t *out);

#endif
