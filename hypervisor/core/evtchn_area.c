/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain and the hypervisor share for event channels, from creation to the end.
 * [impl->dsn~evtchn-areas~1] [impl->dsn~evtchn-reap~1] */
#include "core/evtchn_internal.h"
#include "core/physmap.h"
#include "core/pool.h"
#include "core/wallclock.h"
#include "lib/string.h"

static_assert(sizeof(struct vcpu_info) == 48, "Arm layout");

void evtchn_domain_init(struct domain *d, int32_t max_port)
{
    uint32_t wanted = (max_port < 0) ? EVTCHN_DEFAULT : (uint32_t)max_port;

    d->evtchn.max_port = (wanted < EVTCHN_PORTS) ? wanted : EVTCHN_PORTS - 1u;
    d->evtchn.shared = arch_map_frame(d->shared_info);
}

void evtchn_vcpu_init(struct vcpu *v)
{
    if (v->id < XEN_LEGACY_MAX_VCPUS) {
        v->evtchn.info = &v->domain->evtchn.shared->vcpu_info[v->id];
    }
}

void evtchn_quiesce(struct domain *d)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        if (domain_vcpu(d, i) != NULL) {
            spin_lock(&domain_vcpu(d, i)->evtchn.lock);
            spin_unlock(&domain_vcpu(d, i)->evtchn.lock);
        }
    }
}

err_t evtchn_hold(struct domain *d, gfn_t gfn, uint32_t offset, mfn_t *frame, void **view)
{
    err_t err = physmap_hold(d, gfn, frame);

    if (err == OK) {
        *view = (char *)arch_map_frame(*frame) + offset;
    }
    return err;
}

/* The new area says what the old one did, and that everything is pending: nothing of before is lost. */
static void fill_info(const struct vcpu *v, struct vcpu_info *to) REQUIRES(v->evtchn.lock)
{
    const struct vcpu_info *from = v->evtchn.info;

    if (from != NULL) {
        *to = *from;
    } else {
        memset(to, 0, sizeof(*to));
        wallclock_fill_time(&to->time);
    }
    to->evtchn_pending_sel = UINT64_MAX;
    to->evtchn_upcall_pending = 0;
}

err_t evtchn_register_info(struct vcpu *v, gfn_t gfn, uint32_t offset)
{
    struct evtchn_vcpu *e = &v->evtchn;
    enum raise outcome = RAISE_NOTHING;
    bool placed = false;
    mfn_t frame;
    void *view;
    err_t err;

    if (offset > PAGE_SIZE - sizeof(struct vcpu_info) || !IS_ALIGNED(offset, 8u)) {
        return ERR_INVAL;
    }
    err = evtchn_hold(v->domain, gfn, offset, &frame, &view);
    if (err != OK) {
        return err;
    }
    spin_lock(&v->evtchn.lock);
    if (!e->info_held) {
        fill_info(v, view);
        e->info = view;
        e->info_frame = frame;
        e->info_held = true;
        placed = true;
        outcome = evtchn_mark(v);
    }
    spin_unlock(&v->evtchn.lock);
    if (!placed) {
        physmap_release(frame);
        return ERR_INVAL;
    }
    evtchn_tell(v, outcome);
    return OK;
}

void evtchn_vcpu_started(struct vcpu *v)
{
    enum raise outcome = RAISE_NOTHING;

    spin_lock(&v->evtchn.lock);
    if (v->evtchn.info != NULL && __atomic_load_n(&v->evtchn.info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0u) {
        outcome = RAISE_UPCALL;
    }
    spin_unlock(&v->evtchn.lock);
    evtchn_tell(v, outcome);
    evtchn_take_held(v);
    if (v->evtchn.waiting != 0u) {
        timer_arm(&v->timers[TIMER_EVENT], arch_ticks());
    }
}

/* ---- the end ---- */

static void drop_info(struct vcpu *v)
{
    bool held;

    spin_lock(&v->evtchn.lock);
    held = v->evtchn.info_held;
    v->evtchn.info_held = false;
    v->evtchn.info = NULL;
    spin_unlock(&v->evtchn.lock);
    if (held) {
        physmap_release(v->evtchn.info_frame);
    }
}

err_t evtchn_reap(struct domain *d)
{
    err_t err = evtchn_reset(d);

    for (uint32_t i = 0; err == OK && i < d->max_vcpus; i++) {
        if (domain_vcpu(d, i) != NULL) {
            drop_info(domain_vcpu(d, i));
        }
    }
    return err;
}

bool evtchn_free(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t done = 0;

    e->next = 0;
    for (uint32_t n = 0; n < EVTCHN_DIRS; n++) {
        for (uint32_t i = 0; e->dirs[n] != NULL && i < PAGES_A_DIR; i++) {
            struct port_page *page = &e->dirs[n][i];

            if (page->ports != NULL && done == EVTCHN_STEP) {
                return true;
            }
            if (page->ports != NULL) {
                pool_free(d, page->frame);
                page->ports = NULL;
                done++;
            }
        }
    }
    for (uint32_t n = 0; n < EVTCHN_DIRS; n++) {
        if (e->dirs[n] != NULL) {
            pool_free(d, e->dir_frames[n]);
            e->dirs[n] = NULL;
        }
    }
    return false;
}
