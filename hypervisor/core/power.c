/* SPDX-License-Identifier: Apache-2.0 */
#include "core/power.h"
#include "core/console.h"
#include "core/evtchn.h"
#include "core/rights.h"

#define WAIT_MAX   3600u /* seconds */
#define WAIT_USUAL 10u

static bool at_once; /* const after the Boot Domain's exit */

static struct spinlock power_lock; /* rank 1.5 */
static uint32_t wanted;            /* guarded by power_lock: BULKHEAD_POWER_OFF or _RESET; 0 = nothing */
static ticks_t until;              /* guarded by power_lock: who has not agreed then does not */
static bool awaited[MAX_DOMAINS];  /* guarded by power_lock: by slot: asked, no answer yet */
static uint32_t awaited_count;     /* guarded by power_lock */

void power_init(bool now)
{
    at_once = now;
    wanted = 0;
}

static void go(uint32_t action)
{
    static const char off[] = "bulkhead: the platform is powered off\n";
    static const char reset[] = "bulkhead: the platform is reset\n";

    if (action == BULKHEAD_POWER_OFF) {
        console_last(off, sizeof(off) - 1u);
        arch_power_off();
    }
    console_last(reset, sizeof(reset) - 1u);
    arch_reset();
}

/* Another safe domain of the launch, running. */
static bool is_asked(const struct domain *d, const struct domain *by)
{
    return d != by && d->initial && (d->flags & BULKHEAD_DOMAIN_SAFE) != 0u && domain_state(d) == DOMAIN_LIVE;
}

static void ask_all(const struct domain *by) REQUIRES(power_lock)
{
    awaited_count = 0;
    for (uint32_t slot = 0; slot < MAX_DOMAINS; slot++) {
        struct domain *d = at_once ? NULL : domain_get_slot(slot);

        awaited[slot] = d != NULL && is_asked(d, by);
        if (awaited[slot]) {
            awaited_count++;
            evtchn_send_virq(d->vcpus[0], BULKHEAD_VIRQ_POWER);
        }
        if (d != NULL) {
            domain_put(d);
        }
    }
}

static err_t ask(const struct domain *by, const struct bulkhead_power *p)
{
    bool busy;
    bool now = false;

    spin_lock(&power_lock);
    busy = wanted != 0u && arch_ticks() < until;
    if (!busy) {
        domain_say(by,
                   (p->action == BULKHEAD_POWER_OFF) ? "wants the platform powered off" : "wants the platform reset");
        wanted = p->action;
        until = arch_ticks() + p->seconds * arch_ticks_hz();
        ask_all(by);
        now = awaited_count == 0u;
    }
    spin_unlock(&power_lock);
    if (now) {
        go(p->action);
    }
    return busy ? ERR_BUSY : OK;
}

static err_t answer(const struct domain *d, bool agrees)
{
    uint32_t action = 0;
    bool mine;

    spin_lock(&power_lock);
    mine = wanted != 0u && awaited[d->slot] && arch_ticks() < until;
    if (mine) {
        awaited[d->slot] = false;
        awaited_count--;
        wanted = agrees ? wanted : 0u;
        action = (awaited_count == 0u) ? wanted : 0u;
    }
    if (mine && !agrees) {
        domain_say(d, "wants the platform to go on");
    }
    spin_unlock(&power_lock);
    if (action != 0u) {
        go(action);
    }
    return mine ? OK : ERR_INVAL;
}

void power_wanted(const struct domain *d)
{
    static const struct bulkhead_power reset = {.action = BULKHEAD_POWER_RESET, .seconds = WAIT_USUAL};

    (void)ask(d, &reset);
}

void power_ended(const struct domain *d)
{
    (void)answer(d, true);
}

err_t power_op(struct vcpu *v, struct domain *d UNUSED, void *structure)
{
    const struct bulkhead_power *p = structure;
    bool asks = p->action == BULKHEAD_POWER_OFF || p->action == BULKHEAD_POWER_RESET;
    err_t err;

    if (p->action == BULKHEAD_POWER_AGREE || p->action == BULKHEAD_POWER_REFUSE) {
        return answer(v->domain, p->action == BULKHEAD_POWER_AGREE);
    }
    if (!asks || p->seconds == 0u || p->seconds > WAIT_MAX) {
        return ERR_INVAL;
    }
    err = rights_check(v, BULKHEAD_RIGHT_PLATFORM, RIGHTS_PLATFORM);
    return (err == OK) ? ask(v->domain, p) : err;
}
