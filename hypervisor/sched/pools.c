/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/pools.h"
#include "core/frame.h"
#include "core/rights.h"
#include "core/sched_ops.h"
#include "core/seal.h"
#include "core/wallclock.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "sched/policy.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

static_assert(BULKHEAD_POLICY_SHARE == XEN_SCHEDULER_CREDIT && BULKHEAD_POLICY_ARINC653 == XEN_SCHEDULER_ARINC653 &&
                  BULKHEAD_POLICY_RTDS == XEN_SCHEDULER_RTDS && BULKHEAD_POLICY_NULL == XEN_SCHEDULER_NULL,
              "a policy has the number that Xen's interface gives it");
static_assert(sizeof(struct sched_schedule) * BULKHEAD_SCHEDULES <= PAGE_SIZE, "one frame a pool");
static_assert(MAX_CPUS <= 64, "struct bulkhead_pool has one word of CPUs");

#define LAUNCH_FRAME FRAME_OWNER(MAX_DOMAINS) /* no slot's: kept for ever */
#define WHOLE_CPU    1000000u                 /* shares are counted as the host tool and the Boot Domain do */
#define RTDS_MIN_US  10u
#define RTDS_MAX_US  4000000u /* products of two such times stay below 2^64 at 1 GHz */

static struct sched_pool pools[BULKHEAD_POOLS]; /* const from the first start of a domain on, but as declared */
static uint8_t pool_of[MAX_CPUS];               /* the same: index + 1, 0 = none */
static uint32_t promised[MAX_CPUS];             /* atomic: rtds reservations of a CPU, in 1/WHOLE_CPU, rounded up */

void sched_init(void)
{
    memset(pools, 0, sizeof(pools));
    memset(pool_of, 0, sizeof(pool_of));
    memset(promised, 0, sizeof(promised));
}

const struct sched_pool *sched_pool_of(uint32_t cpu)
{
    return (pool_of[cpu] == 0u) ? NULL : &pools[pool_of[cpu] - 1u];
}

/* ---- the launch ---- */

/* Only the launch describes pools, and before anything runs by them. */
static err_t check_launch(void)
{
    return seal_is_started() ? ERR_BUSY : OK;
}

static bool is_policy(uint32_t policy)
{
    return policy == BULKHEAD_POLICY_SHARE || policy == BULKHEAD_POLICY_ARINC653 || policy == BULKHEAD_POLICY_RTDS ||
           policy == BULKHEAD_POLICY_NULL;
}

static bool is_free(uint64_t cpus)
{
    for (uint32_t c = 0; c < MAX_CPUS; c++) {
        if (((cpus >> c) & 1u) != 0u && (c >= cpu_count() || pool_of[c] != 0u)) {
            return false;
        }
    }
    return cpus != 0u;
}

static err_t decode_pool(const struct bulkhead_pool *p)
{
    err_t err = check_launch();

    if (err != OK) {
        return err;
    }
    if (p->pool >= BULKHEAD_POOLS || !is_policy(p->policy) || !is_free(p->cpus) || p->guard > BULKHEAD_GUARD_MAX) {
        return ERR_INVAL;
    }
    return (pools[p->pool].policy != 0u) ? ERR_EXIST : OK;
}

err_t sched_set_pool(struct vcpu *v UNUSED, struct domain *d UNUSED, void *structure)
{
    struct bulkhead_pool *p = structure;
    err_t err = decode_pool(p);

    if (err == OK) {
        pools[p->pool] = (struct sched_pool){.policy = p->policy, .cpus = p->cpus, .guard = ns_to_ticks(p->guard)};
        for (uint32_t c = 0; c < cpu_count(); c++) {
            if (((p->cpus >> c) & 1u) != 0u) {
                pool_of[c] = (uint8_t)(p->pool + 1u);
            }
        }
    }
    return err;
}

/* ---- arinc653 ---- */

/* Windows rise and are longer than what the guard time takes from them; all in ticks. */
static err_t get_windows(const struct bulkhead_schedule *s, ticks_t guard, struct sched_schedule *out)
{
    ticks_t end = 0;

    for (uint32_t i = 0; i < s->count; i++) { /* bound: BULKHEAD_WINDOWS */
        struct bulkhead_window w;
        err_t err = copy_in(&w, GVA(s->windows + i * sizeof(w)), sizeof(w));
        ticks_t last = end;

        if (err != OK) {
            return err;
        }
        end = ns_to_ticks(w.end);
        if (w.end > BULKHEAD_FRAME_MAX || w.partition > BULKHEAD_PARTITIONS || w.pad != 0u || end <= last + guard) {
            return ERR_INVAL;
        }
        out->window[i] = (struct sched_window){.end = end, .partition = w.partition};
    }
    return OK;
}

static err_t set_schedule(struct sched_pool *pool, const struct bulkhead_schedule *s)
{
    struct sched_schedule *to;
    err_t err;
    mfn_t mfn;

    if (pool->schedules == NULL) {
        err = frame_alloc(LAUNCH_FRAME, FRAME_POOL, 0, &mfn);
        if (err != OK) {
            return err;
        }
        arch_scrub(mfn, 1);
        pool->schedules = arch_map_frame(mfn);
    }
    to = &pool->schedules[s->schedule];
    if (to->count != 0u) {
        return ERR_EXIST;
    }
    err = get_windows(s, pool->guard, to);
    to->count = (err == OK) ? s->count : 0u;
    return err;
}

err_t sched_set_schedule(struct vcpu *v UNUSED, struct domain *d UNUSED, void *structure)
{
    struct bulkhead_schedule *s = structure;
    err_t err = check_launch();

    if (err != OK) {
        return err;
    }
    if (s->pool >= BULKHEAD_POOLS || s->schedule >= BULKHEAD_SCHEDULES || s->count == 0u ||
        s->count > BULKHEAD_WINDOWS || s->pad != 0u ||
        pools[index_nospec(s->pool, BULKHEAD_POOLS)].policy != BULKHEAD_POLICY_ARINC653) {
        return ERR_INVAL;
    }
    s->schedule = (uint32_t)index_nospec(s->schedule, BULKHEAD_SCHEDULES);
    s->count = (uint32_t)(index_nospec(s->count - 1u, BULKHEAD_WINDOWS) + 1u);
    return set_schedule(&pools[index_nospec(s->pool, BULKHEAD_POOLS)], s);
}

/* A schedule and the moment from which its frames are counted. */
static uint64_t plan_pack(ticks_t epoch, uint32_t schedule)
{
    return (epoch << 2) | schedule;
}
static_assert(BULKHEAD_SCHEDULES <= 4, "two bits");

/* The plan in force at t.  plan is written after before, so whoever sees the one sees the other. */
static uint64_t plan_at(const struct sched_pool *pool, ticks_t t)
{
    uint64_t plan = __atomic_load_n(&pool->plan, __ATOMIC_ACQUIRE);

    return ((plan >> 2) <= t) ? plan : __atomic_load_n(&pool->before, __ATOMIC_RELAXED);
}

struct sched_place sched_pool_window(const struct sched_pool *pool, ticks_t t)
{
    uint64_t plan = plan_at(pool, t);

    if (pool->schedules == NULL || pool->schedules[plan & 3u].count == 0u) {
        return (struct sched_place){.partition = 0, .start = 0, .end = UINT64_MAX}; /* one window, nobody's */
    }
    return arinc653_window(&pool->schedules[plan & 3u], plan >> 2, t);
}

/* [impl->dsn~arinc653-switch~1]
 * No CPU has looked at the frame that starts later than now + 2 guard times: each does so a guard time before. */
static err_t switch_schedule(struct sched_pool *pool, uint32_t schedule, ticks_t now, ticks_t *at)
{
    uint64_t plan = pool->plan;

    if ((plan >> 2) > now) {
        return ERR_BUSY; /* the last switch is still to come */
    }
    *at = arinc653_frame(&pool->schedules[plan & 3u], plan >> 2, now + 2u * pool->guard + arch_ticks_hz() / 10000u);
    __atomic_store_n(&pool->before, plan, __ATOMIC_RELAXED);
    __atomic_store_n(&pool->plan, plan_pack(*at, schedule), __ATOMIC_RELEASE);
    return OK;
}

err_t sched_switch(struct vcpu *v UNUSED, struct domain *d UNUSED, void *structure)
{
    struct bulkhead_switch *s = structure;
    struct sched_pool *pool = &pools[index_nospec(s->pool, BULKHEAD_POOLS)];

    if (s->pool >= BULKHEAD_POOLS || pool->schedules == NULL || s->schedule >= BULKHEAD_SCHEDULES ||
        pool->schedules[0].count == 0u || pool->schedules[index_nospec(s->schedule, BULKHEAD_SCHEDULES)].count == 0u) {
        return ERR_INVAL;
    }
    return LOCKED(&pool->lock, switch_schedule(pool, s->schedule, arch_ticks(), &s->at));
}

void sched_pool_own(uint32_t cpu, uint32_t partition, uint32_t slot)
{
    __atomic_store_n(&pools[pool_of[cpu] - 1u].owner[partition], (uint8_t)slot, __ATOMIC_RELAXED);
}
static_assert(MAX_DOMAINS <= 256u && BULKHEAD_WINDOWS < ARINC653_MAX_DOMAINS_PER_SCHEDULE, "owners and windows");

static COLD NOINLINE void put_handle(const struct sched_pool *pool, uint32_t partition, uint8_t *handle)
{
    uint32_t slot = __atomic_load_n(&pool->owner[partition], __ATOMIC_RELAXED);
    struct domain *d = (partition == 0u) ? NULL : domain_get_slot(slot);

    if (d != NULL) {
        if (BULKHEAD_DOMAIN_PARTITION_OF(d->flags) == partition) {
            memcpy(handle, d->handle, sizeof(d->handle));
        }
        domain_put(d);
    }
}

static COLD bool is_schedule(const struct sched_pool *pool, const struct sched_schedule *s,
                             const struct xen_sysctl_arinc653_schedule *a)
{
    bool same = a->num_sched_entries == s->count;
    ticks_t start = 0;

    for (uint32_t i = 0; i < s->count && same; i++) { /* bound: BULKHEAD_WINDOWS */
        xen_domain_handle_t handle = {0};

        put_handle(pool, s->window[i].partition, handle);
        same = a->sched_entries[i].runtime == ticks_to_ns(s->window[i].end - start) &&
               memcmp(handle, a->sched_entries[i].dom_handle, sizeof(handle)) == 0;
        start = s->window[i].end;
    }
    return same && a->major_frame == ticks_to_ns(start);
}

/* What Xen's tools set is one of the schedules of the launch. */
static COLD err_t put_schedule(const struct sched_pool *pool, gva_t from)
{
    struct xen_sysctl_arinc653_schedule a;
    struct bulkhead_switch to = {.pool = (uint32_t)(pool - pools)};
    err_t err = copy_in(&a, from, sizeof(a));

    while (err == OK && to.schedule < BULKHEAD_SCHEDULES && !is_schedule(pool, &pool->schedules[to.schedule], &a)) {
        to.schedule++;
    }
    return (err == OK) ? sched_switch(NULL, NULL, &to) : err;
}

COLD err_t sched_sysctl(const struct vcpu *v, struct xen_sysctl *op)
{
    const struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;
    const struct sched_pool *pool = &pools[index_nospec(s->cpupool_id, BULKHEAD_POOLS)];
    const struct sched_schedule *from;
    struct xen_sysctl_arinc653_schedule out;
    ticks_t start = 0;

    if (s->cpupool_id >= BULKHEAD_POOLS || s->sched_id != XEN_SCHEDULER_ARINC653 || pool->schedules == NULL ||
        s->cmd > XEN_SYSCTL_SCHEDOP_getinfo) {
        return ERR_INVAL;
    }
    if (s->cmd == XEN_SYSCTL_SCHEDOP_putinfo) {
        err_t err = rights_check(v, BULKHEAD_RIGHT_SCHEDULE, RIGHTS_PLATFORM);

        return (err == OK) ? put_schedule(pool, GVA(s->u.sched_arinc653.schedule.q)) : err;
    }
    memset(&out, 0, sizeof(out));
    from = &pool->schedules[plan_at(pool, arch_ticks()) & 3u];
    for (uint32_t i = 0; i < from->count; i++) { /* bound: BULKHEAD_WINDOWS */
        out.sched_entries[i].runtime = ticks_to_ns(from->window[i].end - start);
        put_handle(pool, from->window[i].partition, out.sched_entries[i].dom_handle);
        start = from->window[i].end;
    }
    out.major_frame = ticks_to_ns(start);
    out.num_sched_entries = (uint8_t)from->count;
    return copy_out(GVA(s->u.sched_arinc653.schedule.q), &out, sizeof(out));
}

/* ---- rtds: admission ---- */

static uint32_t promise(uint64_t word)
{
    uint64_t period = sched_budget_period(word);

    return (word == 0u) ? 0u : (uint32_t)(((uint64_t)sched_budget_us(word) * WHOLE_CPU + period - 1u) / period);
}

/* [impl->dsn~rtds-admission~1]
 * v's reservation becomes `wanted` if its CPU has that much left.  -ENOSPC.  Bound: contending CPUs. */
static err_t admit(struct vcpu *v, uint64_t wanted)
{
    uint32_t now = __atomic_load_n(&promised[v->home], __ATOMIC_RELAXED);
    uint32_t next;

    do {
        next = now - promise(v->rt.wanted) + promise(wanted);
        if (next > WHOLE_CPU) {
            return ERR_NOSPC;
        }
    } while (!__atomic_compare_exchange_n(&promised[v->home], &now, next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    __atomic_store_n(&v->rt.wanted, wanted, __ATOMIC_RELAXED);
    return OK;
}

void sched_release(struct vcpu *v)
{
    (void)admit(v, 0);
}

/* All or nothing: every vCPU has the same reservation, so what was given back on the way is there to be taken again. */
static err_t set_reservation(struct domain *d, uint64_t wanted) REQUIRES(d->lock)
{
    uint64_t old = 0;
    err_t err = OK;

    for (uint32_t i = 0; i < d->max_vcpus && err == OK; i++) {
        struct vcpu *v = domain_vcpu(d, i);
        const struct sched_pool *pool = (v != NULL) ? sched_pool_of(v->home) : NULL;

        if (pool == NULL || pool->policy != BULKHEAD_POLICY_RTDS) {
            err = ERR_INVAL;
            break;
        }
        old = v->rt.wanted;
        err = admit(v, wanted);
        for (uint32_t j = 0; j < i && err != OK; j++) {
            (void)admit(domain_vcpu(d, j), old);
        }
    }
    return err;
}

static err_t decode_reservation(const struct xen_domctl_sched_rtds *r, uint64_t *wanted)
{
    if (r->budget < RTDS_MIN_US || r->budget > r->period || r->period > RTDS_MAX_US ||
        (r->flags & ~XEN_DOMCTL_SCHEDRT_extra) != 0u) {
        return ERR_INVAL;
    }
    *wanted = sched_budget_pack(r->period, r->budget, (r->flags & XEN_DOMCTL_SCHEDRT_extra) != 0u);
    return OK;
}

err_t sched_domctl(struct vcpu *v UNUSED, struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;
    uint64_t wanted = 0;
    err_t err;

    if (s->sched_id != XEN_SCHEDULER_RTDS) {
        return ERR_INVAL;
    }
    if (s->cmd == XEN_DOMCTL_SCHEDOP_getinfo) {
        const struct vcpu *first = domain_vcpu(d, 0);

        wanted = (first != NULL) ? __atomic_load_n(&first->rt.wanted, __ATOMIC_RELAXED) : 0u;
        s->u.rtds = (struct xen_domctl_sched_rtds){
            .period = sched_budget_period(wanted), .budget = sched_budget_us(wanted), .flags = (uint32_t)wanted & 1u};
        return OK;
    }
    err = (s->cmd == XEN_DOMCTL_SCHEDOP_putinfo) ? decode_reservation(&s->u.rtds, &wanted) : ERR_INVAL;
    if (err == OK) {
        err = LOCKED(&d->lock, (domain_state(d) == DOMAIN_DYING) ? ERR_SRCH : set_reservation(d, wanted));
    }
    return err;
}
