/* SPDX-License-Identifier: Apache-2.0 */
#include "core/power.h"
#include "core/console.h"
#include "core/evtchn.h"
#include "core/rights.h"

#define WAIT_MAX   3600u /* seconds */
#define WAIT_USUAL 10u
#define ASK_STEP   32u /* slots */

static bool at_once; /* const after the Boot Domain's exit */

static struct spinlock power_lock; /* rank 1.5 */
static uint32_t wanted;            /* guarded by power_lock: BULKHEAD_POWER_OFF or _RESET; 0 = nothing */
static ticks_t until;              /* guarded by power_lock: who has not agreed then does not */
static bool awaited[MAX_DOMAINS];  /* guarded by power_lock: by slot: asked, no answer yet */
static uint32_t awaited_count;     /* guarded by power_lock */

static const struct domain
    *asking;          /* guarded by power_lock: whose request has not reached all yet; NULL = there is none */
static uint32_t next; /* guarded by power_lock: the slot where its next step begins */

void power_init(bool now)
{
    at_once = now;
    wanted = 0;
    asking = NULL;
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

/* One step.  true = more. */
static bool ask_some(const struct domain *by) REQUIRES(power_lock)
{
    uint32_t end = (next + ASK_STEP < MAX_DOMAINS) ? next + ASK_STEP : MAX_DOMAINS;

    for (uint32_t slot = next; slot < end; slot++) {
        struct domain *d = at_once ? NULL : domain_get_slot(slot);

        awaited[slot] = false;
        if (d == NULL) {
            continue;
        }
        if (is_asked(d, by)) {
            awaited[slot] = true;
            awaited_count++;
            evtchn_send_virq(d->vcpus[0], BULKHEAD_VIRQ_POWER);
        }
        domain_put(d);
    }
    next = end;
    return next < MAX_DOMAINS;
}

static err_t ask(const struct domain *by, const struct bulkhead_power *p)
{
    err_t err = OK;
    bool now = false;

    spin_lock(&power_lock);
    if (asking == by) {
        if (ask_some(by)) {
            err = ERR_RESTART;
        } else {
            asking = NULL;
            now = wanted != 0u && awaited_count == 0u;
        }
    } else if (wanted != 0u && arch_ticks() < until) {
        err = ERR_BUSY;
    } else {
        domain_say(by,
                   (p->action == BULKHEAD_POWER_OFF) ? "wants the platform powered off" : "wants the platform reset");
        wanted = p->action;
        until = arch_ticks() + p->seconds * arch_ticks_hz();
        awaited_count = 0;
        asking = by;
        next = 0;
        err = ERR_RESTART;
    }
    spin_unlock(&power_lock);
    if (now) {
        go(p->action);
    }
    return err;
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
        action = (awaited_count == 0u && asking == NULL) ? wanted : 0u;
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

    while (ask(d, &reset) == ERR_RESTART) { /* bound: 6 steps */
    }
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
