/* SPDX-License-Identifier: Apache-2.0 */
/* Pause, start, shut down, take apart.
 * [impl->dsn~domain-life~1] */
#include "arch/contract/arch.h"
#include "core/console.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/evtchn.h"
#include "core/frame.h"
#include "core/grant.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/print.h"
#include "core/rights.h"
#include "core/sched_ops.h"
#include "core/seal.h"
#include "core/wallclock.h"

#include <xen/xen.h>
#include <xen/sched.h>

#define PAUSE_LIMIT 255u
#define REAP_VCPUS  4u /* a step */

enum reap_stage {
    REAP_WAIT_VCPUS = 0, /* a CPU may still have one in its registers */
    REAP_GRANTS = 1,     /* what it maps of others by grant, and others of it */
    REAP_EVENTS = 2,     /* event channels: peers see unbound */
    REAP_MAPPINGS = 3,   /* guest-physical address space, and the frames in it */
    REAP_WAIT_USERS = 4, /* others map its frames or hold a reference */
    REAP_WAIT_TOLD = 5,  /* somebody who held one has told a vCPU something */
    REAP_TABLES = 6,     /* of ports and grants */
    REAP_VCPUS_FREE = 7,
    REAP_POOL = 8,
};

/* ---- pause ---- */

bool domain_may_run(const struct domain *d)
{
    return __atomic_load_n(&d->pause_count, __ATOMIC_ACQUIRE) == 0u && domain_state(d) == DOMAIN_LIVE;
}

err_t domain_pause(struct domain *d)
{
    uint32_t count;

    spin_lock(&d->lock);
    count = __atomic_load_n(&d->pause_count, __ATOMIC_RELAXED);
    if (count < PAUSE_LIMIT) {
        __atomic_store_n(&d->pause_count, count + 1u, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
    if (count >= PAUSE_LIMIT) {
        return ERR_BUSY;
    }
    if (count == 0u) {
        vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
    }
    return OK;
}

/* Every vCPU exists and one is to run. */
static bool is_complete(const struct domain *d)
{
    bool on = false;

    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = domain_vcpu(d, i);
        if (v == NULL) {
            return false;
        }
        on = on || v->power == VCPU_POWER_ON;
    }
    return on;
}

/* What a builder decided is final from now on.
 * [impl->dsn~rights-build-ends~1] */
static void start(struct domain *d)
{
    d->started = true;
    arch_domain_start(d);
    wallclock_init(d);
    rights_end(BULKHEAD_RIGHT_BUILD, d->slot);
    __atomic_store_n(&d->state, DOMAIN_LIVE, __ATOMIC_RELEASE);
    if (d->slot != SLOT_BOOT) {
        seal_note_start(arch_ticks());
    }
}

static err_t unpause_locked(struct domain *d, uint32_t *left) REQUIRES(d->lock)
{
    uint32_t count = __atomic_load_n(&d->pause_count, __ATOMIC_RELAXED);

    if (count == 0u || domain_state(d) == DOMAIN_DYING) {
        return ERR_INVAL;
    }
    if (count == 1u && !d->started) {
        if (!is_complete(d)) {
            return ERR_INVAL;
        }
        start(d);
    }
    *left = count - 1u;
    __atomic_store_n(&d->pause_count, *left, __ATOMIC_RELEASE);
    return OK;
}

err_t domain_unpause(struct domain *d)
{
    uint32_t left = 1;
    err_t err;

    spin_lock(&d->lock);
    err = unpause_locked(d, &left);
    spin_unlock(&d->lock);
    if (err == OK && left == 0u) {
        vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
    }
    return err;
}

/* ---- shutdown ---- */

void domain_shutdown(struct domain *d, uint32_t code)
{
    static const char *const why[] = {
        [SHUTDOWN_poweroff] = "powered off", [SHUTDOWN_reboot] = "wants to reboot",
        [SHUTDOWN_suspend] = "suspended",    [SHUTDOWN_crash] = "crashed",
        [SHUTDOWN_watchdog] = "watchdog",    [SHUTDOWN_soft_reset] = "wants a soft reset",
    };
    char label[32];
    bool first = false;

    spin_lock(&d->lock);
    if (domain_state(d) == DOMAIN_LIVE) {
        d->shutdown_code = (d->shutdown_latch != 0u) ? d->shutdown_latch - 1u : code;
        code = d->shutdown_code;
        __atomic_store_n(&d->state, DOMAIN_SHUTDOWN, __ATOMIC_RELEASE);
        first = true;
    }
    spin_unlock(&d->lock);
    if (first) {
        vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
        domain_label(d, label, sizeof(label));
        print("%s: %s (shutdown code %u)", label, (code < ARRAY_SIZE(why)) ? why[code] : "stopped", (unsigned)code);
    }
}

/* [impl->dsn~domain-suspend~1] */
err_t domain_resume(struct domain *d)
{
    err_t err = ERR_INVAL;

    spin_lock(&d->lock);
    if (domain_state(d) == DOMAIN_SHUTDOWN && d->shutdown_code == SHUTDOWN_suspend) {
        d->shutdown_latch = 0;
        __atomic_store_n(&d->state, DOMAIN_LIVE, __ATOMIC_RELEASE);
        err = OK;
    }
    spin_unlock(&d->lock);
    if (err == OK) {
        vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
    }
    return err;
}

/* ---- taking apart ---- */

err_t domain_destroy(struct domain *d)
{
    struct cpu *cpu = this_cpu();
    bool first;

    spin_lock(&d->lock);
    first = domain_state(d) != DOMAIN_DYING;
    if (first) {
        d->reap_cpu = cpu->id;
        __atomic_store_n(&d->state, DOMAIN_DYING, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
    if (!first) {
        return ERR_BUSY;
    }
    domain_slot_dying(d);
    rights_drop_held(d->slot);
    console_forget(d);
    list_push_back(&cpu->reap, &d->reap_node);
    vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
    return OK;
}

void domain_reap_nudge(const struct domain *d)
{
    if (domain_state(d) == DOMAIN_DYING && d->reap_cpu != this_cpu()->id) {
        arch_cpu_kick(d->reap_cpu);
    }
}

static bool is_off_all_cpus(const struct domain *d)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = domain_vcpu(d, i);
        if (v != NULL &&
            (__atomic_load_n(&v->attached, __ATOMIC_ACQUIRE) || __atomic_load_n(&v->running, __ATOMIC_ACQUIRE) ||
             __atomic_load_n(&v->notify, __ATOMIC_ACQUIRE) != 0u)) {
            return false;
        }
    }
    return true;
}

/* Bound: PHYSMAP_BATCH frames given up, or 512 entries looked at. */
static bool reap_mappings(struct domain *d)
{
    bool more = true;

    spin_lock(&d->physmap_lock);
    for (uint64_t done = 0; more && done < PHYSMAP_BATCH;) {
        struct stage2_entry e;

        more = arch_stage2_reap(d, &d->reap_gfn, &e);
        if (e.mapping == MAPPING_NONE) {
            break;
        }
        physmap_drop(&e);
        done += UINT64_C(1) << e.order;
    }
    spin_unlock(&d->physmap_lock);
    return more;
}

/* Bound: REAP_VCPUS. */
static bool reap_vcpus(struct domain *d)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        if (d->vcpus[i] == NULL) {
            continue;
        }
        if (done == REAP_VCPUS) {
            return true;
        }
        vcpu_free(d->vcpus[i]);
        d->vcpus[i] = NULL;
        done++;
    }
    return false;
}

static bool reap_pool(struct domain *d)
{
    (void)pool_shrink(d, PHYSMAP_BATCH);
    return d->pool_free > 0u;
}

static void reap_rest(struct domain *d)
{
    mfn_t shared = d->shared_info;

    list_remove(&d->reap_node);
    rights_destroy(d->slot);
    arch_scrub(shared, 1);
    frame_free(shared, 1);
    domain_slot_clear(d);
    domain_free_memory(d);
}

err_t domain_reap(struct domain *d)
{
    err_t err;

    switch ((enum reap_stage)d->reap_stage) {
    case REAP_WAIT_VCPUS:
        if (!is_off_all_cpus(d)) {
            return ERR_BUSY;
        }
        break;
    case REAP_GRANTS:
        err = grant_reap(d);
        if (err != OK) {
            return err;
        }
        break;
    case REAP_EVENTS:
        if (evtchn_reap(d) != OK) {
            return ERR_RESTART;
        }
        break;
    case REAP_MAPPINGS:
        if (reap_mappings(d)) {
            return ERR_RESTART;
        }
        device_release(d);
        break;
    case REAP_WAIT_USERS:
        if (__atomic_load_n(&d->frames, __ATOMIC_ACQUIRE) != 0u || !domain_slot_retire(d)) {
            return ERR_BUSY;
        }
        break;
    case REAP_WAIT_TOLD:
        if (!is_off_all_cpus(d)) {
            return ERR_BUSY;
        }
        arch_domain_destroy(d);
        break;
    case REAP_TABLES:
        if (evtchn_free(d) || grant_free(d)) {
            return ERR_RESTART;
        }
        break;
    case REAP_VCPUS_FREE:
        if (reap_vcpus(d)) {
            return ERR_RESTART;
        }
        break;
    case REAP_POOL:
        if (reap_pool(d)) {
            return ERR_RESTART;
        }
        reap_rest(d);
        return OK;
    }
    d->reap_stage++;
    return ERR_RESTART;
}

bool domain_reap_step(struct cpu *cpu)
{
    struct list *at = cpu->reap.next;

    while (at != &cpu->reap) { /* bound: domains that this CPU takes apart; the first that gets on ends it */
        struct domain *d = CONTAINER_OF(at, struct domain, reap_node);

        at = at->next;
        if (domain_reap(d) != ERR_BUSY) {
            return true;
        }
    }
    return false;
}
