/* SPDX-License-Identifier: Apache-2.0 */
/* Events, actions, crash records, watchdogs.
 * [impl->dsn~life-cause~1] [impl->dsn~health-table~1] [impl->dsn~health-storm~1] [impl->dsn~health-crash~1] [impl->dsn~health-watchdog~1] */
#include "core/health.h"
#include "core/console.h"
#include "core/evtchn.h"
#include "core/power.h"
#include "core/print.h"
#include "core/wallclock.h"
#include "lib/bits.h"
#include "lib/string.h"

#include <xen/sched.h>

#define ENDS  4u /* the first events end a life, whatever the action */
#define STORM (32768u / BULKHEAD_STORM_WINDOWS)

static const char *const text[BULKHEAD_EVENT_COUNT] = {
    [BULKHEAD_EVENT_POWEROFF] = "powered off",
    [BULKHEAD_EVENT_REBOOT] = "wants to reboot",
    [BULKHEAD_EVENT_CRASH] = "crashed",
    [BULKHEAD_EVENT_WATCHDOG] = "watchdog expired",
    [BULKHEAD_EVENT_ACCESS] = "access to what is not there",
    [BULKHEAD_EVENT_ILLEGAL] = "illegal execution state",
    [BULKHEAD_EVENT_DOUBLE] = "fault at its fault handler",
    [BULKHEAD_EVENT_OVERRUN] = "time overrun",
    [BULKHEAD_EVENT_PERIPHERAL] = "asynchronous error",
    [BULKHEAD_EVENT_STORM] = "interrupt storm",
};

/* ---- policy ---- */

void health_init(struct health *h)
{
    static const uint8_t usual[BULKHEAD_EVENT_COUNT] = {
        [BULKHEAD_EVENT_POWEROFF] = BULKHEAD_ACTION_HALT,   [BULKHEAD_EVENT_REBOOT] = BULKHEAD_ACTION_HALT,
        [BULKHEAD_EVENT_CRASH] = BULKHEAD_ACTION_HALT,      [BULKHEAD_EVENT_WATCHDOG] = BULKHEAD_ACTION_HALT,
        [BULKHEAD_EVENT_ACCESS] = BULKHEAD_ACTION_IGNORE,   [BULKHEAD_EVENT_ILLEGAL] = BULKHEAD_ACTION_HALT,
        [BULKHEAD_EVENT_DOUBLE] = BULKHEAD_ACTION_HALT,     [BULKHEAD_EVENT_OVERRUN] = BULKHEAD_ACTION_LOG,
        [BULKHEAD_EVENT_PERIPHERAL] = BULKHEAD_ACTION_HALT, [BULKHEAD_EVENT_STORM] = BULKHEAD_ACTION_LOG,
    };

    memcpy(h->action, usual, sizeof(usual));
    h->fallback = BULKHEAD_ACTION_HALT;
    h->storm = STORM;
}

err_t health_configure(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    const struct bulkhead_health *b = structure;
    struct health *h = &d->health;
    uint32_t top = d->initial ? BULKHEAD_ACTION_PLATFORM : BULKHEAD_ACTION_RESTART; /* [impl->dsn~dynamic-ordinary~1] */
    err_t err = OK;

    for (uint32_t i = 0; i < ARRAY_SIZE(b->action); i++) {
        uint32_t least = (i < ENDS) ? BULKHEAD_ACTION_HALT : 0u;
        uint32_t most = (i < BULKHEAD_EVENT_COUNT) ? top : 0u;

        err = (b->action[i] < least || b->action[i] > most) ? ERR_INVAL : err;
    }
    if (b->pad != 0u || b->fallback > top ||
        (b->fallback != BULKHEAD_ACTION_HALT && b->fallback != BULKHEAD_ACTION_PLATFORM)) {
        err = ERR_INVAL;
    }
    spin_lock(&d->lock);
    err = (err == OK && d->started) ? ERR_BUSY : err;
    if (err == OK) {
        memcpy(h->action, b->action, sizeof(h->action));
        h->fallback = b->fallback;
        h->storm = (b->storm != 0u) ? b->storm : STORM;
        h->max_restarts = b->max_restarts;
        h->within = ns_to_ticks(b->within);
    }
    spin_unlock(&d->lock);
    return err;
}

/* One restart more is within the limit, and is counted. */
static bool may_restart(struct domain *d)
{
    struct health *h = &d->health;
    ticks_t now = arch_ticks();
    bool may;

    spin_lock(&d->lock);
    if (h->recent == 0u || now - h->first > h->within) {
        h->first = now;
        h->recent = 0;
    }
    may = h->recent < h->max_restarts;
    h->recent += may ? 1u : 0u;
    spin_unlock(&d->lock);
    return may;
}

/* Whoever may look at d learns that something is to be looked at. */
static void tell(const struct domain *d)
{
    evtchn_tell_holder(d, BULKHEAD_RIGHT_INFO, VIRQ_DOM_EXC);
}

/* ---- the end of a life ---- */

static bool is_abnormal(enum bulkhead_event event)
{
    return event != BULKHEAD_EVENT_POWEROFF && event != BULKHEAD_EVENT_REBOOT;
}

static void look(bool wait)
{
    if (wait) {
        arch_cpu_wait(0);
    }
}

/* wait: interrupts are taken before each line. */
static void print_crash(struct domain *d, bool wait)
{
    const struct bulkhead_crash *c = &d->health.crash;

    if (!d->health.untold) {
        return;
    }
    d->health.untold = false;
    look(wait);
    print("  vCPU %u pc %016lx lr %016lx sp %016lx pstate %08lx", (unsigned)c->vcpu, (unsigned long)c->pc,
          (unsigned long)c->x[30], (unsigned long)c->sp_el1, (unsigned long)c->pstate);
    look(wait);
    print("  esr %08lx far %016lx elr %016lx spsr %08lx", (unsigned long)c->esr_el1, (unsigned long)c->far_el1,
          (unsigned long)c->elr_el1, (unsigned long)c->spsr_el1);
    for (uint32_t i = 0; i < 28u; i += 4u) {
        look(wait);
        print("  x%u %016lx %016lx %016lx %016lx", (unsigned)i, (unsigned long)c->x[i], (unsigned long)c->x[i + 1u],
              (unsigned long)c->x[i + 2u], (unsigned long)c->x[i + 3u]);
    }
}

void health_tell_crash(struct domain *d)
{
    print_crash(d, true);
}

/* [impl->dsn~health-crash~1] */
static void record(struct domain *d, struct vcpu *v, enum bulkhead_event event)
{
    struct bulkhead_crash *c = &d->health.crash;

    if (this_cpu()->current == v) {
        arch_vcpu_load(NULL); /* its registers are in memory now; it does not run any more */
    }
    spin_lock(&d->lock);
    d->health.crashes++;
    memset(c, 0, sizeof(*c));
    c->event = event;
    c->vcpu = v->id;
    c->time = ticks_to_ns(arch_ticks() - d->time_zero);
    arch_vcpu_dump(v, c);
    console_tail(d, c->console, sizeof(c->console));
    d->health.untold = true;
    spin_unlock(&d->lock);
    vcpu_notify(v, VCPU_NOTIFY_HOLD | VCPU_NOTIFY_CRASH);
}

static void follow(struct domain *d, enum bulkhead_action action)
{
    err_t err;

    if (action == BULKHEAD_ACTION_RESTART) {
        bool may = may_restart(d);

        err = may ? domain_restart(d) : OK;
        if (!may) {
            domain_say(d, "restarted too often");
            action = (enum bulkhead_action)d->health.fallback;
        } else if (err != OK && err != ERR_BUSY) {
            domain_say(d, "it cannot be restarted");
            action = (enum bulkhead_action)d->health.fallback;
        }
    }
    if (action == BULKHEAD_ACTION_PLATFORM) {
        print_crash(d, false);
        power_wanted(d);
    }
}

/* The first report of the end of a life counts. */
static void end(struct domain *d, struct vcpu *v, enum bulkhead_event event, uint32_t code)
{
    enum bulkhead_action action = (enum bulkhead_action)d->health.action[event];
    bool first;

    spin_lock(&d->lock);
    first = domain_state(d) == DOMAIN_LIVE;
    if (first) {
        d->shutdown_code = code;
        d->health.ended = (code != SHUTDOWN_suspend) ? (uint16_t)(event + 1u) : 0u;
        __atomic_store_n(&d->state, DOMAIN_SHUTDOWN, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->lock);
    if (!first) {
        return;
    }
    (void)__atomic_fetch_add(&d->health.events[event], 1u, __ATOMIC_RELAXED);
    vcpu_notify_all(d, VCPU_NOTIFY_HOLD);
    print("%s: %s (shutdown code %u)", d->name, (code == SHUTDOWN_suspend) ? "suspended" : text[event], (unsigned)code);
    if (v != NULL && is_abnormal(event)) {
        record(d, v, event);
    }
    tell(d);
    power_ended(d);
    if (code != SHUTDOWN_suspend) {
        follow(d, action);
    }
}

void domain_shutdown(struct domain *d, uint32_t code)
{
    static const uint8_t event_of[] = {
        [SHUTDOWN_poweroff] = BULKHEAD_EVENT_POWEROFF, [SHUTDOWN_reboot] = BULKHEAD_EVENT_REBOOT,
        [SHUTDOWN_suspend] = BULKHEAD_EVENT_POWEROFF,  [SHUTDOWN_crash] = BULKHEAD_EVENT_CRASH,
        [SHUTDOWN_watchdog] = BULKHEAD_EVENT_WATCHDOG, [SHUTDOWN_soft_reset] = BULKHEAD_EVENT_REBOOT,
    };
    struct vcpu *v = this_cpu()->current;
    uint32_t latch;

    latch = LOCKED(&d->lock, d->shutdown_latch);
    code = (latch != 0u) ? latch - 1u : code;
    if (v == NULL || v->domain != d) {
        v = domain_vcpu(d, 0);
    }
    end(d, v, (enum bulkhead_event)event_of[(code < ARRAY_SIZE(event_of)) ? code : SHUTDOWN_crash], code);
}

void health_report(struct domain *d, struct vcpu *v, enum bulkhead_event event)
{
    enum bulkhead_action action = (enum bulkhead_action)d->health.action[event];
    uint32_t bit = 1u << event;

    if (action >= BULKHEAD_ACTION_HALT) {
        end(d, v, event, SHUTDOWN_crash);
        return;
    }
    (void)__atomic_fetch_add(&d->health.events[event], 1u, __ATOMIC_RELAXED);
    if (action == BULKHEAD_ACTION_IGNORE) {
        return;
    }
    if (action >= BULKHEAD_ACTION_LOG && (__atomic_fetch_or(&d->health.logged, bit, __ATOMIC_RELAXED) & bit) == 0u) {
        domain_say(d, text[event]);
    }
    if (action == BULKHEAD_ACTION_PAUSE && domain_may_run(d)) {
        (void)domain_pause(d); /* -EBUSY: it is */
    }
    tell(d);
}

void health_restarted(struct domain *d, err_t err)
{
    if (err != OK) {
        domain_say(d, "it cannot be built again");
        follow(d, (enum bulkhead_action)d->health.fallback);
        return;
    }
    spin_lock(&d->lock);
    d->health.restarts++;
    d->health.cause = d->health.ended;
    d->health.ended = 0;
    d->health.took = arch_ticks() - d->health.began;
    spin_unlock(&d->lock);
    __atomic_store_n(&d->health.logged, 0u, __ATOMIC_RELAXED);
    print("%s: restarted in %lu us, %lu times by now", d->name, (unsigned long)(ticks_to_ns(d->health.took) / 1000u),
          (unsigned long)d->health.restarts);
    tell(d);
}

err_t health_read(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_life *out = structure;
    const struct health *h = &d->health;

    memset(out, 0, sizeof(*out));
    out->domid = d->id;
    for (uint32_t i = 0; i < BULKHEAD_EVENT_COUNT; i++) {
        out->events[i] = __atomic_load_n(&h->events[i], __ATOMIC_RELAXED);
    }
    spin_lock(&d->lock);
    out->restarts = h->restarts;
    out->cause = h->cause;
    out->took = ticks_to_ns(h->took);
    out->crashes = h->crashes;
    out->crash = h->crash;
    spin_unlock(&d->lock);
    return OK;
}

/* ---- watchdogs ---- */

int64_t health_watchdog(struct vcpu *v, uint32_t id, uint32_t seconds)
{
    struct domain *d = v->domain;
    ticks_t *w = d->health.watchdog;
    ticks_t deadline = (seconds != 0u) ? arch_ticks() + seconds * arch_ticks_hz() : 0u;
    int64_t result = 0;

    if (id > HEALTH_WATCHDOGS || (id == 0u && seconds == 0u)) {
        return ERR_INVAL;
    }
    spin_lock(&d->lock);
    if (id != 0u) {
        id = (uint32_t)index_nospec(id - 1u, HEALTH_WATCHDOGS);
        result = (w[id] != 0u) ? OK : ERR_INVAL;
    } else {
        id = (w[0] == 0u) ? 0u : 1u;
        result = (w[id] == 0u) ? (int64_t)id + 1 : ERR_NOSPC;
    }
    if (result >= 0) {
        w[id] = deadline;
    }
    spin_unlock(&d->lock);
    if (result >= 0) {
        vcpu_notify(d->vcpus[0], VCPU_NOTIFY_WATCHDOG);
    }
    return result;
}

static ticks_t next_deadline(struct domain *d)
{
    ticks_t next = UINT64_MAX;

    spin_lock(&d->lock);
    for (uint32_t i = 0; i < HEALTH_WATCHDOGS; i++) {
        ticks_t at = d->health.watchdog[i];
        next = (at != 0u && at < next) ? at : next;
    }
    spin_unlock(&d->lock);
    return next;
}

void health_watchdog_set(struct vcpu *v)
{
    ticks_t next = next_deadline(v->domain);

    if (next == UINT64_MAX) {
        timer_cancel(&v->timers[TIMER_WATCHDOG]);
    } else {
        timer_arm(&v->timers[TIMER_WATCHDOG], next);
    }
}

/* One that is paused is not late; it has another second when it goes on. */
void health_watchdog_due(struct vcpu *v)
{
    struct domain *d = v->domain;

    if (arch_ticks() < next_deadline(d)) {
        health_watchdog_set(v);
    } else if (domain_may_run(d)) {
        domain_shutdown(d, SHUTDOWN_watchdog);
    } else if (domain_state(d) == DOMAIN_LIVE) {
        timer_arm(&v->timers[TIMER_WATCHDOG], arch_ticks() + arch_ticks_hz());
    }
}
