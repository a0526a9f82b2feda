/* SPDX-License-Identifier: Apache-2.0 */
/* Pause, start, resume.
 * [impl->dsn~domain-life~1] */
#include "core/rights.h"
#include "core/seal.h"
#include "core/wallclock.h"

#include <xen/sched.h>

#define PAUSE_LIMIT 255u

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
    for (uint32_t i = 0; i < d->max_vcpus && !is_sealed() && (d->flags & BULKHEAD_DOMAIN_SAFE) != 0u; i++) {
        seal_keep_cpu(domain_vcpu(d, i)->home);
    }
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

    err = LOCKED(&d->lock, unpause_locked(d, &left));
    if (err == OK && left == 0u) {
        vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
    }
    return err;
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
