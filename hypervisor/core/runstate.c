/* SPDX-License-Identifier: Apache-2.0 */
#include "core/runstate.h"
#include "core/physmap.h"
#include "core/wallclock.h"
#include "lib/string.h"

#include <xen/vcpu.h>

static_assert(RUNSTATE_offline == 3, "struct vcpu counts four states");

/* A guest's time begins at its first unpause. */
static ticks_t since(const struct vcpu *v)
{
    return (v->runstate_since > v->domain->time_zero) ? v->runstate_since : v->domain->time_zero;
}

static void enter(struct vcpu *v, uint32_t state, ticks_t now)
{
    if (v->runstate_now != state) {
        v->runstate_time[v->runstate_now] += (now > since(v)) ? now - since(v) : 0u;
        v->runstate_now = state;
        v->runstate_since = now;
    }
}

void runstate_init(struct vcpu *v)
{
    v->runstate_now = RUNSTATE_offline;
}

void runstate_ready(struct vcpu *v, ticks_t now)
{
    enter(v, RUNSTATE_runnable, now);
}

void runstate_stop(struct vcpu *v, ticks_t now)
{
    static const uint32_t states[] = {
        [VCPU_DOWN] = RUNSTATE_offline, [VCPU_BLOCKED] = RUNSTATE_blocked, [VCPU_RUNNABLE] = RUNSTATE_runnable};

    enter(v, states[v->state], now);
}

void runstate_run(struct vcpu *v, ticks_t now)
{
    if (v->runstate_now != RUNSTATE_running) {
        enter(v, RUNSTATE_running, now);
        runstate_publish(v);
    }
}

COLD void runstate_read(const struct vcpu *v, struct vcpu_runstate_info *out)
{
    ticks_t now = arch_ticks();

    memset(out, 0, sizeof(*out));
    out->state = (int)v->runstate_now;
    out->state_entry_time = ticks_to_ns(since(v) - v->domain->time_zero);
    for (uint32_t i = 0; i < ARRAY_SIZE(v->runstate_time); i++) {
        out->time[i] =
            ticks_to_ns(v->runstate_time[i] + ((i == v->runstate_now && now > since(v)) ? now - since(v) : 0u));
    }
}

/* Where guest-physical memory of d is, with a count of its frame; NULL = there is none. */
static uint8_t *hold(struct domain *d, gaddr_t at, mfn_t *mfn)
{
    if (at.v == 0u || physmap_hold(d, gaddr_to_gfn(at), mfn) != OK) {
        return NULL;
    }
    return (uint8_t *)arch_map_frame(*mfn) + (at.v & PAGE_MASK);
}

/* Bit 63 of state_entry_time stands while the rest changes, whether the guest has asked for that or not (vm_assist): other
 * vCPUs read it, too. */
void runstate_publish(struct vcpu *v)
{
    static const size_t flag_byte = offsetof(struct vcpu_runstate_info, state_entry_time) + 7u;
    struct vcpu_runstate_info r;
    uint8_t *to[2];
    mfn_t mfn[2];
    size_t first;

    if (v->runstate[0].v == 0u) {
        return;
    }
    runstate_read(v, &r);
    r.state_entry_time |= XEN_RUNSTATE_UPDATE;
    first = (size_t)(PAGE_SIZE - (v->runstate[0].v & PAGE_MASK));
    first = (first < sizeof(r)) ? first : sizeof(r);
    to[0] = hold(v->domain, v->runstate[0], &mfn[0]);
    to[1] = hold(v->domain, v->runstate[1], &mfn[1]);
    if (to[0] != NULL && (to[1] != NULL || first == sizeof(r))) {
        uint8_t *flag = (first > flag_byte) ? &to[0][flag_byte] : &to[1][flag_byte - first];
        uint8_t top = (uint8_t)(r.state_entry_time >> 56);

        __atomic_store_n(flag, top, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_RELEASE);
        memcpy(to[0], &r, first);
        if (first < sizeof(r)) {
            memcpy(to[1], (const uint8_t *)&r + first, sizeof(r) - first);
        }
        __atomic_store_n(flag, (uint8_t)(top & 0x7fu), __ATOMIC_RELEASE);
    }
    for (uint32_t i = 0; i < 2u; i++) {
        if (to[i] != NULL) {
            physmap_release(mfn[i]);
        }
    }
}

COLD err_t runstate_register(struct vcpu *v, gva_t arg)
{
    uint64_t area;
    gaddr_t part[2] = {GADDR(0), GADDR(0)};
    err_t err = copy_in(&area, arg, sizeof(area));

    err = (err == OK) ? arch_translate(GVA(area), &part[0]) : err;
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
