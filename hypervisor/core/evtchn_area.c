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

void *evtchn_hold(struct domain *d, gfn_t gfn, uint32_t offset, size_t size)
{
    mfn_t frame;

    if (!range_ok(offset, size, PAGE_SIZE) || !IS_ALIGNED(offset, 8u) || physmap_hold(d, gfn, &frame) != OK) {
        return NULL;
    }
    return (char *)arch_map_frame(frame) + offset;
}

void evtchn_let_go(const void *view)
{
    if (view != NULL) {
        physmap_release(arch_frame_of(view));
    }
}

/* The new area says what the old one did, and that everything is pending: nothing of before is lost. */
static void fill_info(const struct vcpu *v, struct vcpu_info *to) REQUIRES(v->domain->evtchn.lock)
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
    err_t err = ERR_INVAL;
    void *view = evtchn_hold(v->domain, gfn, offset, sizeof(struct vcpu_info));

    if (view == NULL) {
        return ERR_INVAL;
    }
    spin_lock(&v->domain->evtchn.lock);
    if (!e->info_held) {
        fill_info(v, view);
        e->info = view;
        e->info_held = true;
        outcome = evtchn_mark(v->domain, v);
        err = OK;
    }
    spin_unlock(&v->domain->evtchn.lock);
    if (err != OK) {
        evtchn_let_go(view);
    }
    evtchn_tell(v, outcome);
    return err;
}

void evtchn_vcpu_started(struct vcpu *v)
{
    enum raise outcome = RAISE_NOTHING;

    spin_lock(&v->domain->evtchn.lock);
    if (v->evtchn.info != NULL && __atomic_load_n(&v->evtchn.info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0u) {
        outcome = RAISE_UPCALL;
    }
    spin_unlock(&v->domain->evtchn.lock);
    evtchn_tell(v, outcome);
    evtchn_take_held(v);
}

/* ---- the end ---- */

static void drop_info(struct vcpu *v)
{
    const void *held;

    spin_lock(&v->domain->evtchn.lock);
    held = v->evtchn.info_held ? v->evtchn.info : NULL;
    v->evtchn.info_held = false;
    v->evtchn.info = NULL;
    spin_unlock(&v->domain->evtchn.lock);
    evtchn_let_go(held);
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

void evtchn_renew(struct domain *d)
{
    uint32_t max_port = d->evtchn.max_port;

    memset(&d->evtchn, 0, sizeof(d->evtchn));
    evtchn_domain_init(d, (int32_t)max_port);
}

bool evtchn_free(struct domain *d)
{
    struct evtchn_domain *e = &d->evtchn;
    uint32_t done = 0;

    for (uint32_t k = e->next / PORTS_A_PAGE; k > 0u || e->dirs[0] != NULL; k--) { /* bound: EVTCHN_STEP pages */
        struct port_dir *dir = (k < PAGES_A_DIR * EVTCHN_DIRS) ? e->dirs[k / PAGES_A_DIR] : NULL;

        if (dir != NULL && dir->pages[k % PAGES_A_DIR] != NULL) {
            pool_free(d, arch_frame_of(dir->pages[k % PAGES_A_DIR]));
            dir->pages[k % PAGES_A_DIR] = NULL;
            done++;
        }
        if (k == 0u) {
            break;
        }
        e->next = k * PORTS_A_PAGE - 1u; /* from the last page on */
        if (done == EVTCHN_STEP) {
            return true;
        }
    }
    e->next = 0;
    for (uint32_t n = 0; n < EVTCHN_DIRS; n++) {
        if (e->dirs[n] != NULL) {
            pool_free(d, arch_frame_of(e->dirs[n]));
            e->dirs[n] = NULL;
        }
    }
    return false;
}
