/* SPDX-License-Identifier: Apache-2.0 */
/* Take apart, restart.
 * [impl->dsn~domain-life~1] [impl->dsn~domain-restart~1] */
#include "core/argo.h"
#include "core/console.h"
#include "core/device.h"
#include "core/evtchn.h"
#include "core/frame.h"
#include "core/grant.h"
#include "core/launch.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/rights.h"
#include "core/sched_ops.h"
#include "core/wallclock.h"
#include "lib/string.h"

#define REAP_STEP  4u  /* vCPUs */
#define REAP_STEPS 64u /* of at most a few thousand instructions each, while no interrupt waits */

enum reap_stage {
    REAP_WAIT_VCPUS = 0, /* a CPU may still have one in its registers */
    REAP_GRANTS = 1,     /* Argo's rings; what it maps of others by grant, and others of it */
    REAP_EVENTS = 2,     /* event channels: peers see unbound */
    REAP_MAPPINGS = 3,   /* guest-physical address space, and the frames in it */
    REAP_WAIT_USERS = 4, /* others hold a reference, or map the RAM of one that ends */
    REAP_FOREIGN = 5,    /* who maps its frames by right sees a sink frame */
    REAP_WAIT_TOLD = 6,  /* somebody who held one has told a vCPU something */
    REAP_TABLES = 7,     /* of ports and grants */
    /* from here on a restart builds again */
    REAP_VCPUS = 8,
    REAP_POOL = 9, /* and the rights that it held */
};

static void rewind_reap(struct domain *d)
{
    d->reap_stage = REAP_WAIT_VCPUS;
    d->reap_gfn = GFN(0);
    d->reap_vcpu = 0;
    launch_rewind(d);
}

err_t domain_destroy(struct domain *d)
{
    struct cpu *cpu = this_cpu();
    bool first;
    bool restarting;

    spin_lock(&d->lock);
    restarting = d->restarting == RESTART_ON;
    first = restarting || domain_state(d) != DOMAIN_DYING;
    if (restarting) { /* whose CPU goes on with it */
        __atomic_store_n(&d->restarting, RESTART_CANCEL, __ATOMIC_RELEASE);
    } else if (first) {
        d->reap_cpu = cpu->id;
    }
    if (first) {
        __atomic_store_n(&d->state, DOMAIN_DYING, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
    if (!first) {
        return ERR_BUSY;
    }
    domain_slot_dying(d, true);
    rights_end_held(d->slot);
    console_forget(d);
    if (!restarting) {
        rewind_reap(d);
        list_push_back(&cpu->reap, &d->reap_node);
    }
    vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
    domain_reap_nudge(d);
    return OK;
}

err_t domain_restart(struct domain *d)
{
    uint32_t state;
    err_t err = OK;

    spin_lock(&d->lock);
    state = domain_state(d);
    if (state != DOMAIN_LIVE && state != DOMAIN_SHUTDOWN) {
        err = ERR_BUSY;
    } else if (!launch_is_sealed(d)) {
        err = ERR_NOSYS;
    } else {
        d->reap_cpu = d->vcpus[0]->home;
        __atomic_store_n(&d->restarting, RESTART_ON, __ATOMIC_RELEASE);
        __atomic_store_n(&d->state, DOMAIN_DYING, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
    if (err == OK) {
        domain_slot_dying(d, true);
        vcpu_notify_all(d, VCPU_NOTIFY_HOLD); /* vCPU 0's home begins */
    }
    return err;
}

void domain_restart_begin(struct cpu *cpu, struct domain *d)
{
    if (__atomic_load_n(&d->restarting, __ATOMIC_ACQUIRE) != RESTART_NONE && list_empty(&d->reap_node)) {
        rewind_reap(d);
        list_push_back(&cpu->reap, &d->reap_node);
    }
}

void domain_reap_nudge(const struct domain *d)
{
    if (domain_state(d) == DOMAIN_DYING && d->reap_cpu != this_cpu()->id) {
        arch_cpu_kick(d->reap_cpu);
    }
}

/* ERR_BUSY: a CPU has a vCPU, or a message for it, and nudges when it has not.  ERR_RESTART: it is about to let go. */
static err_t off_all_cpus(const struct domain *d)
{
    err_t err = OK;

    for (uint32_t i = 0; i < d->max_vcpus && err == OK; i++) {
        const struct vcpu *v = domain_vcpu(d, i);

        if (v == NULL) {
            continue;
        }
        if (__atomic_load_n(&v->attached, __ATOMIC_ACQUIRE) || __atomic_load_n(&v->running, __ATOMIC_ACQUIRE) ||
            __atomic_load_n(&v->notify, __ATOMIC_ACQUIRE) != 0u) {
            err = ERR_BUSY;
        } else if (__atomic_load_n(&cpu_inbox[v->home].busy, __ATOMIC_ACQUIRE) != 0u) { /* after notify */
            err = ERR_RESTART;
        } else { /* nobody knows it any more */
        }
    }
    return err;
}

/* One entry of the tables, and what was left of the one before. */
static bool reap_entry(struct domain *d) REQUIRES(d->physmap_lock)
{
    struct stage2_entry e;
    bool more = true;

    if (physmap_give_up(&d->reaped)) {
        more = arch_stage2_reap(d, &d->reap_gfn, &e);
        if (e.order != 0u && physmap_is_counted(e.mapping)) {
            d->reaped = (struct frame_run){.gfn = UINT64_MAX, .mfn = e.mfn, .count = 1u << e.order};
        } else if (e.mapping != MAPPING_NONE) {
            physmap_drop(&e);
        }
    }
    return more;
}

/* Bound: PHYSMAP_BATCH entries, or until an interrupt waits. */
static bool reap_mappings(struct domain *d)
{
    bool more = true;

    if (!physmap_run_drop(d)) {
        return true;
    }
    spin_lock(&d->physmap_lock);
    for (uint32_t i = 0; more && i < PHYSMAP_BATCH && (i == 0u || !arch_irq_pending()); i++) {
        more = reap_entry(d);
    }
    spin_unlock(&d->physmap_lock);
    return more;
}

/* Freed, or as created.  Bound: REAP_STEP. */
static bool reap_vcpus(struct domain *d, bool renew)
{
    uint32_t end = (d->reap_vcpu + REAP_STEP < d->max_vcpus) ? d->reap_vcpu + REAP_STEP : d->max_vcpus;

    for (; d->reap_vcpu < end; d->reap_vcpu++) {
        struct vcpu *v = d->vcpus[d->reap_vcpu];

        if (v != NULL && renew) {
            vcpu_renew(v);
        } else if (v != NULL) {
            vcpu_free(v);
            d->vcpus[d->reap_vcpu] = NULL;
        }
    }
    return d->reap_vcpu < d->max_vcpus;
}

static void reap_rest(struct domain *d)
{
    mfn_t shared = d->shared_info;
    uint32_t slot = d->slot;

    list_remove(&d->reap_node);
    rights_destroy(slot);
    arch_scrub(shared, 1);
    frame_free(shared, 1);
    domain_free_memory(d);
    domain_slot_clear(slot); /* last: who sees it free finds the budget as it was */
}

/* ---- restart ---- */

/* d lives again, or (err) stays stopped, unless it has been destroyed meanwhile. */
static err_t end_restart(struct domain *d, err_t err)
{
    bool on;

    spin_lock(&d->lock);
    on = d->restarting == RESTART_ON;
    if (on) {
        __atomic_store_n(&d->restarting, RESTART_NONE, __ATOMIC_RELEASE);
        list_remove(&d->reap_node);
        arch_domain_start(d);
        wallclock_init(d);
        domain_slot_dying(d, false);
        __atomic_store_n(&d->state, (err == OK) ? DOMAIN_LIVE : DOMAIN_SHUTDOWN, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
    if (!on) {
        return ERR_RESTART;
    }
    vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
    health_restarted(d, err);
    return OK;
}

/* It is empty now: what was shared and counted begins anew. */
static void begin_rebuild(struct domain *d)
{
    d->max_gfn = 0;
    d->shutdown_latch = 0;
    memset(d->health.watchdog, 0, sizeof(d->health.watchdog));
    evtchn_renew(d);
    arch_scrub(d->shared_info, 1);
    launch_rewind(d);
    spin_lock(&d->lock);
    if (d->restarting == RESTART_ON) {
        __atomic_store_n(&d->state, DOMAIN_BUILDING, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
}

/* One step behind REAP_TABLES.  OK: d lives, or it cannot be built again. */
static err_t restart_stage(struct domain *d)
{
    err_t err = ERR_RESTART;

    if (d->reap_stage == REAP_VCPUS) {
        if (d->reap_vcpu == 0u) {
            arch_domain_renew(d);
        }
        d->reap_stage += reap_vcpus(d, true) ? 0u : 1u;
    } else if (domain_state(d) == DOMAIN_DYING) {
        begin_rebuild(d);
    } else {
        err = launch_rebuild(d);
    }
    return (err == ERR_RESTART || err == ERR_BUSY) ? err : end_restart(d, err);
}

/* Until neither its frames nor a reference of it are in anybody's hands.  Where it ends, nobody can find it any more. */
static err_t wait_for_users(struct domain *d, bool restart)
{
    err_t err;

    if (!physmap_run_drop(d)) { /* a call on another CPU was still in the middle of it */
        return ERR_RESTART;
    }
    if (restart) {
        return domain_slot_is_quiet(d) ? OK : ERR_BUSY;
    }
    err = launch_free(d);
    if (err == OK && (__atomic_load_n(&d->frames, __ATOMIC_ACQUIRE) != 0u || !domain_slot_retire(d))) {
        err = ERR_BUSY;
    }
    return err;
}

/* The same of an end.  OK: the slot is free. */
static err_t end_stage(struct domain *d)
{
    if (d->reap_stage == REAP_VCPUS) {
        if (!reap_vcpus(d, false)) {
            d->reap_stage = REAP_POOL;
            d->reap_vcpu = 0;
        }
        return ERR_RESTART;
    }
    (void)pool_shrink(d, PHYSMAP_PIECE);
    if (d->pool_free > 0u || rights_drop_held(d->slot, &d->reap_vcpu)) {
        return ERR_RESTART;
    }
    reap_rest(d);
    return OK;
}

/* One step of the stages that both have.  OK: the slot is free. */
static err_t reap_stage(struct domain *d, bool restart)
{
    err_t err = OK;

    switch (d->reap_stage) {
    case REAP_WAIT_VCPUS:
    case REAP_WAIT_TOLD:
        err = off_all_cpus(d);
        break;
    case REAP_GRANTS:
        err = argo_reap(d);
        err = (err == OK) ? grant_reap(d) : err;
        break;
    case REAP_EVENTS:
        err = evtchn_reap(d);
        break;
    case REAP_MAPPINGS:
        err = (reap_mappings(d) || (!restart && device_release(d, &d->reap_vcpu))) ? ERR_RESTART : OK;
        break;
    case REAP_WAIT_USERS:
        err = wait_for_users(d, restart);
        break;
    case REAP_FOREIGN: /* behind every call that may have mapped one */
        err = launch_redirect(d) ? ERR_RESTART : OK;
        break;
    case REAP_TABLES:
        err = evtchn_free(d) ? ERR_RESTART : grant_free(d);
        break;
    default:
        return end_stage(d);
    }
    if (err != OK) {
        return err;
    }
    if (d->reap_stage == REAP_WAIT_VCPUS) {
        d->health.began = arch_ticks(); /* of a restart: its vCPUs have stopped, its crash is told */
    } else if (d->reap_stage == REAP_WAIT_TOLD && !restart) {
        arch_domain_destroy(d);
    }
    d->reap_gfn = GFN(0);
    d->reap_vcpu = 0;
    d->reap_stage++;
    return ERR_RESTART;
}

err_t domain_reap(struct domain *d)
{
    uint32_t restart = __atomic_load_n(&d->restarting, __ATOMIC_ACQUIRE);

    if (restart == RESTART_CANCEL) { /* it ends: from the first stage on */
        __atomic_store_n(&d->restarting, RESTART_NONE, __ATOMIC_RELEASE);
        rewind_reap(d);
        restart = RESTART_NONE;
    }
    return (restart == RESTART_ON && d->reap_stage >= REAP_VCPUS) ? restart_stage(d)
                                                                  : reap_stage(d, restart == RESTART_ON);
}

bool domain_reap_step(struct cpu *cpu)
{
    struct list *at = cpu->reap.next;

    while (at != &cpu->reap) { /* bound: domains that this CPU takes apart; the first that gets on ends it */
        struct domain *d = CONTAINER_OF(at, struct domain, reap_node);

        err_t err;

        at = at->next;
        err = domain_reap(d);
        for (uint32_t i = 1; err == ERR_RESTART && i < REAP_STEPS && !arch_irq_pending(); i++) {
            err = domain_reap(d);
        }
        if (err != ERR_BUSY) {
            return true;
        }
    }
    return false;
}
