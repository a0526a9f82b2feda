/* SPDX-License-Identifier: Apache-2.0 */
#include "core/runstate.h"
#include "arch/contract/arch.h"
#include "core/domain.h"
#include "core/physmap.h"
#include "core/wallclock.h"
#include "lib/string.h"

#include <xen/xen.h>
#include <xen/vcpu.h>

void runstate_read(const struct vcpu *v, struct vcpu_runstate_info *out)
{
    ticks_t now = arch_ticks();
    ticks_t since = v->since;
    ticks_t running = v->runtime + ((since != 0u) ? now - since : 0u);
    ticks_t alive = now - v->domain->time_zero;

    memset(out, 0, sizeof(*out));
    out->state = RUNSTATE_running;
    if (__atomic_load_n(&v->power, __ATOMIC_RELAXED) != VCPU_POWER_ON) {
        out->state = RUNSTATE_offline;
    } else if (since == 0u) {
        out->state = (v->state == VCPU_BLOCKED) ? RUNSTATE_blocked : RUNSTATE_runnable;
    }
    out->state_entry_time = ticks_to_ns((since != 0u) ? since - v->domain->time_zero : 0u);
    out->time[RUNSTATE_running] = ticks_to_ns(running);
    out->time[RUNSTATE_blocked] = ticks_to_ns((alive > running) ? alive - running : 0u);
}

/* Copy n bytes to guest-physical memory of d.  n: within a page. */
static void put(struct domain *d, gaddr_t to, const void *from, size_t n)
{
    mfn_t mfn;

    if (to.v != 0u && physmap_hold(d, gaddr_to_gfn(to), &mfn) == OK) {
        memcpy((char *)arch_map_frame(mfn) + (to.v & PAGE_MASK), from, n);
        physmap_release(mfn);
    }
}

void runstate_publish(struct vcpu *v)
{
    struct vcpu_runstate_info r;
    size_t first;

    if (v->runstate[0].v == 0u) {
        return;
    }
    runstate_read(v, &r);
    first = (size_t)(PAGE_SIZE - (v->runstate[0].v & PAGE_MASK));
    first = (first < sizeof(r)) ? first : sizeof(r);
    put(v->domain, v->runstate[0], &r, first);
    put(v->domain, v->runstate[1], (const char *)&r + first, sizeof(r) - first);
}

err_t runstate_register(struct vcpu *v, gva_t arg)
{
    uint64_t area;
    gaddr_t part[2] = {GADDR(0), GADDR(0)};
    err_t err = copy_in(&area, arg, sizeof(area));

    if (err == OK) {
        err = arch_translate(GVA(area), &part[0]);
    }
    if (err == OK && (area & PAGE_MASK) > PAGE_SIZE - sizeof(struct vcpu_runstate_info)) {
        err = arch_translate(GVA((area | PAGE_MASK) + 1u), &part[1]);
    }
    if (err != OK) {
        return err;
    }
    v->runstate[0] = part[0];
    v->runstate[1] = part[1];
    runstate_publish(v);
    return OK;
}
