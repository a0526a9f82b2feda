/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vcpu.h"
#include "core/evtchn.h"
#include "core/pool.h"
#include "core/runstate.h"
#include "core/sched_ops.h"
#include "core/seal.h"
#include "lib/bits.h"
#include "lib/string.h"

#define VCPU_ORDER order_of(sizeof(struct vcpu))

struct cpu_inbox cpu_inbox[MAX_CPUS];

/* ---- messages ---- */

void vcpu_notify(struct vcpu *v, uint32_t bits)
{
    uint32_t home = v->home;
    struct cpu_inbox *box = &cpu_inbox[home];
    struct vcpu *head;
    uint32_t queue;

    if (__atomic_fetch_or(&v->notify, bits, __ATOMIC_ACQ_REL) != 0u) {
        return; /* it is in the inbox, or about to be */
    }
    queue = __atomic_load_n(&v->queue, __ATOMIC_RELAXED); /* once posted, v may be taken, and freed with its domain */
    head = __atomic_load_n(&box->head, __ATOMIC_RELAXED);
    do { /* bound: contending CPUs */
        v->inbox_next = head;
    } while (!__atomic_compare_exchange_n(&box->head, &head, v, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (this_cpu()->id == home) {
        this_cpu()->work |= CPU_WORK_INBOX;
        return;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* posted before the served queue is looked at */
    if (__atomic_load_n(&box->active, __ATOMIC_RELAXED) == queue &&
        __atomic_exchange_n(&box->kicked, 1u, __ATOMIC_SEQ_CST) == 0u) {
        arch_cpu_kick(home);
    }
}

void vcpu_notify_all(struct domain *d, uint32_t bits)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = domain_vcpu(d, i);
        if (v != NULL) {
            vcpu_notify(v, bits);
        }
    }
}

static void set_held(struct cpu *cpu, struct vcpu *v, bool held)
{
    if (v->held == held) {
        return;
    }
    v->held = held;
    if (v->state != VCPU_RUNNABLE) {
        return;
    }
    if (held) {
        sched_not_runnable(cpu, v);
    } else {
        sched_runnable(cpu, v);
    }
}

static void out_of_registers(const struct vcpu *v)
{
    if (__atomic_load_n(&v->running, __ATOMIC_RELAXED)) {
        arch_vcpu_load(NULL);
    }
}

/* Out of this CPU's registers and out of its memory. */
static void unload(struct cpu *cpu, struct vcpu *v)
{
    out_of_registers(v);
    if (cpu->current == v) {
        cpu->current = NULL;
    }
}

COLD static void detach(struct cpu *cpu, struct vcpu *v)
{
    set_held(cpu, v, true);
    unload(cpu, v);
    for (uint32_t i = 0; i < TIMER_KINDS; i++) { /* what unloading has armed, too */
        timer_cancel(&v->timers[i]);
    }
    cpu->vcpu_count--;
    sched_detach(cpu, v);
    __atomic_store_n(&v->attached, false, __ATOMIC_RELEASE);
}

/* The domain's reasons to run or not have changed, or it has crashed. */
static void take_hold(struct cpu *cpu, struct vcpu *v, uint32_t bits)
{
    bool attached = __atomic_load_n(&v->attached, __ATOMIC_RELAXED);

    if ((bits & VCPU_NOTIFY_CRASH) != 0u) {
        health_tell_crash(v->domain);
    }
    if (domain_state(v->domain) == DOMAIN_DYING) {
        if (attached) {
            detach(cpu, v);
        }
        if (v->id == 0u) {
            domain_restart_begin(cpu, v->domain);
        }
        return;
    }
    if (!attached && !domain_may_run(v->domain)) {
        return;
    }
    if (!attached) {
        cpu->vcpu_count++;
        sched_attach(cpu, v);
        __atomic_store_n(&v->attached, true, __ATOMIC_RELAXED);
        evtchn_vcpu_started(v);
    }
    set_held(cpu, v, !domain_may_run(v->domain));
    if (v->held) {
        out_of_registers(v);
    }
}

static void take_start(struct cpu *cpu, struct vcpu *v)
{
    unload(cpu, v);
    arch_vcpu_reset(v, v->start_entry, v->start_arg);
    v->state = VCPU_RUNNABLE;
    __atomic_store_n(&v->power, VCPU_POWER_ON, __ATOMIC_RELEASE);
    if (!v->held) {
        sched_runnable(cpu, v);
    }
    evtchn_vcpu_started(v);
}

static void take_irq(struct vcpu *v)
{
    if (!__atomic_load_n(&v->attached, __ATOMIC_RELAXED)) {
        return;
    }
    arch_vcpu_take_posted(v);
    if (v->state == VCPU_BLOCKED && arch_vcpu_has_pending(v)) {
        vcpu_wake(v);
    }
}

static void take_event(struct vcpu *v, uint32_t bits)
{
    if ((bits & VCPU_NOTIFY_WAKE) != 0u) {
        vcpu_wake(v);
    }
    if ((bits & VCPU_NOTIFY_EVENT) != 0u && __atomic_load_n(&v->attached, __ATOMIC_RELAXED)) {
        evtchn_take_held(v);
    }
}

void vcpu_drain_inbox(struct cpu *cpu)
{
    struct cpu_inbox *box = &cpu_inbox[cpu->id];
    struct vcpu *v;

    cpu->work &= ~(uint64_t)CPU_WORK_INBOX;
    __atomic_store_n(&box->busy, 1u, __ATOMIC_RELAXED);   /* seen by who sees a notify that is taken below */
    __atomic_store_n(&box->kicked, 0u, __ATOMIC_SEQ_CST); /* what is posted from now on kicks again */
    v = __atomic_exchange_n(&box->head, NULL, __ATOMIC_SEQ_CST);
    while (v != NULL) {                    /* bound: vCPUs of this CPU, each is in once */
        struct vcpu *next = v->inbox_next; /* before notify is 0: then others may post v again */
        uint32_t bits = __atomic_exchange_n(&v->notify, 0u, __ATOMIC_ACQ_REL);

        if ((bits & VCPU_NOTIFY_HOLD) != 0u) {
            take_hold(cpu, v, bits);
        }
        if (domain_state(v->domain) != DOMAIN_DYING) {
            if ((bits & VCPU_NOTIFY_START) != 0u) {
                take_start(cpu, v);
            }
            if ((bits & VCPU_NOTIFY_IRQ) != 0u) {
                take_irq(v);
            }
            take_event(v, bits);
            if ((bits & VCPU_NOTIFY_WATCHDOG) != 0u) {
                health_watchdog_set(v);
            }
        } else {
            domain_reap_nudge(v->domain); /* it may have waited for this */
        }
        v = next;
    }
    __atomic_store_n(&box->busy, 0u, __ATOMIC_RELEASE); /* a vCPU of a domain that ends, and the domain, may go now */
}

/* ---- states ---- */

void vcpu_wake(struct vcpu *v)
{
    if (v->state != VCPU_BLOCKED) {
        return;
    }
    v->state = VCPU_RUNNABLE;
    timer_cancel(&v->timers[TIMER_BLOCK]);
    if (!v->held) {
        sched_runnable(this_cpu(), v);
    }
}

static void stop_running(struct vcpu *v, enum vcpu_state state)
{
    v->state = state;
    if (!v->held) {
        sched_not_runnable(this_cpu(), v);
    }
}

void vcpu_block(struct vcpu *v)
{
    if (!arch_vcpu_has_pending(v)) {
        stop_running(v, VCPU_BLOCKED);
    }
}

void vcpu_block_until(struct vcpu *v, ticks_t deadline)
{
    if (!arch_vcpu_has_pending(v)) {
        timer_arm(&v->timers[TIMER_BLOCK], deadline);
        stop_running(v, VCPU_BLOCKED);
    }
}

void vcpu_yield(struct vcpu *v UNUSED)
{
    sched_rotate(this_cpu());
}

NOINLINE void vcpu_power_off(struct vcpu *v)
{
    for (uint32_t i = 0; i < TIMER_WATCHDOG; i++) { /* that one is the domain's */
        timer_cancel(&v->timers[i]);
    }
    stop_running(v, VCPU_DOWN);
    __atomic_store_n(&v->power, VCPU_POWER_OFF, __ATOMIC_RELEASE);
}

COLD err_t vcpu_power_on(struct vcpu *v, uint64_t target, uint64_t entry, uint64_t arg)
{
    uint32_t off = VCPU_POWER_OFF;
    struct vcpu *t;

    if (target >= v->domain->max_vcpus) {
        return ERR_INVAL;
    }
    t = v->domain->vcpus[index_nospec(target, v->domain->max_vcpus)];
    if (!__atomic_compare_exchange_n(&t->power, &off, VCPU_POWER_ON_PENDING, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        return (off == VCPU_POWER_ON) ? ERR_EXIST : ERR_AGAIN;
    }
    t->start_entry = entry;
    t->start_arg = arg; /* seen by home with the notification */
    vcpu_notify(t, VCPU_NOTIFY_START);
    return OK;
}

/* ---- existence ---- */

static bool has_cpu(const uint64_t *affinity, uint32_t c)
{
    return ((affinity[c / 64u] >> (c % 64u)) & 1u) != 0u && cpu_is_usable(c);
}

COLD bool vcpu_home_of(const uint64_t *affinity, uint32_t id, uint32_t *out)
{
    uint32_t count = 0;
    uint32_t before; /* CPUs of its set before its own */

    for (uint32_t c = 0; c < cpu_count(); c++) {
        count += has_cpu(affinity, c) ? 1u : 0u;
    }
    before = (count != 0u) ? id % count : 0u;
    count = 0;
    for (uint32_t c = 0; c < cpu_count(); c++) {
        count += has_cpu(affinity, c) ? 1u : 0u;
        if (count > before) {
            *out = c;
            return true;
        }
    }
    return false;
}

static void init(struct vcpu *v)
{
    v->state = VCPU_DOWN;
    v->power = VCPU_POWER_OFF;
    v->held = true;
    runstate_init(v);
    evtchn_vcpu_init(v);
}

COLD void vcpu_renew(struct vcpu *v)
{
    v->slice_end = 0;
    memset(v->runstate, 0, sizeof(v->runstate));
    memset(v->runstate_time, 0, sizeof(v->runstate_time));
    v->runstate_since = 0;
    memset(&v->evtchn, 0, sizeof(v->evtchn));
    arch_vcpu_renew(v);
    init(v);
}

COLD err_t vcpu_create(struct domain *d, uint32_t id)
{
    struct vcpu *v;
    mfn_t mfn;
    err_t err = pool_alloc_order(d, VCPU_ORDER, &mfn);

    if (err != OK) {
        return err;
    }
    v = arch_map_frame(mfn);
    v->memory = mfn;
    v->domain = d;
    v->id = id;
    init(v);
    list_init(&v->run_node);
    for (uint32_t i = 0; i < TIMER_KINDS; i++) {
        timer_init(&v->timers[i], v, (enum timer_kind)i);
    }
    for (uint32_t c = 0; c < cpu_count(); c++) {
        v->affinity[c / 64u] |= seal_keeps_cpu(c) ? 0u : UINT64_C(1) << (c % 64u);
    }
    err = vcpu_home_of(v->affinity, id, &v->home) ? arch_vcpu_init(v) : ERR_INVAL;
    if (err == OK) {
        __atomic_store_n(&d->vcpus[id], v, __ATOMIC_RELEASE);
    } else {
        pool_free_order(d, mfn, VCPU_ORDER);
    }
    return err;
}

COLD void vcpu_free(struct vcpu *v)
{
    sched_release(v);
    pool_free_order(v->domain, v->memory, VCPU_ORDER);
}
