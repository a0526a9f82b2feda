/* SPDX-License-Identifier: Apache-2.0 */
/* abuse: the Boot Domain and six domains, each with other rights, make random calls, die and come back; after every
 * batch all accounts are recounted.  At the end of each world everything must come back.
 *   abuse [--calls N] [--seconds N] [--seed N] [--trace CALL]
 * ends when either is used up; prints the seed of each world that fails, which repeats it:
 *   abuse: 60020 calls, 24 worlds, 1203 deaths, 401 within a call, 44989 refused, no finding
 * [utest->dsn~abuse-host~1] */
#include "abuse.h"
#include "arch/contract/arch.h"
#include "core/evtchn.h"
#include "core/grant_table.h"
#include "core/rights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sched.h>

#define WORLD_CALLS 20000u
#define SEALED_FROM 12000u /* calls after which there is no Boot Domain any more */
#define BATCH       1000u
#define MOST_STEPS  70000u /* of one call: 2^32 frames in steps of 2^16 would be more */

struct random abuse_random;
uint16_t abuse_ids[DOMAINS];

static struct {
    bool given_up; /* the call is not made again */
    uint64_t calls, most_calls, worlds, births, deaths, killed, refused, seed, traced;
    time_t end;
    bool off; /* somebody has powered the platform off, or reset it */
} run = {.most_calls = UINT64_MAX, .seed = 1, .traced = UINT64_MAX};

static struct vcpu *boot; /* NULL = it is gone */
static struct domain *caller;

/* ---- domains ---- */

static const uint16_t over_others[] = {BULKHEAD_RIGHT_MAP_FOREIGN, BULKHEAD_RIGHT_DESTROY, BULKHEAD_RIGHT_PAUSE,
                                       BULKHEAD_RIGHT_INFO, BULKHEAD_RIGHT_SUSPEND};

/* Domain 0 is a Control Domain; each other one is given something over its neighbour. */
static void give_rights(uint32_t i)
{
    uint16_t to = abuse_ids[(i == 0u || below(2) == 0u) ? 0u : (i + 1u) % DOMAINS];

    for (size_t r = 0; r < ARRAY_SIZE(over_others) && to != 0u && to != abuse_ids[i]; r++) {
        (void)move_right(boot, over_others[r], abuse_ids[i], to);
    }
}

static void be_born(uint32_t i)
{
    struct xen_add_to_physmap grants = {.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = GRANT_GFN};
    char name[32];
    uint16_t id;

    if (boot == NULL || rights_check(boot, BULKHEAD_RIGHT_CREATE, RIGHTS_PLATFORM) != OK ||
        frame_free_count() < 2048u) {
        return; /* somebody has what is missing, until it dies */
    }
    host_refuse_pointers(false);
    host_before_copy(NULL);
    snprintf(name, sizeof(name), "life-%u-%lu", i, (unsigned long)++run.births); /* who dies has its name to the end */
    id = build_domain(boot, name, 1u + below(2), 2);
    if (grant_init(domain_of(id), below(4), 1u + below(2)) != OK) {
        host_fail("no grant table");
    }
    abuse_ids[i] = id;
    give_rights(i);
    domain_of(id)->flags |= (below(4) == 0u) ? BULKHEAD_DOMAIN_SAFE : 0u;
    (void)do_memory(vcpu_of(id, 0), XENMEM_add_to_physmap, &grants);
    if (below(3) != 0u) {
        (void)unpause(boot, id); /* or it goes on being built */
    }
    host_refuse_pointers(true);
}

static bool is_gone(uint32_t slot)
{
    struct domain *d = domain_get_slot(slot);
    bool gone = d == NULL || domain_state(d) == DOMAIN_DYING;

    if (d != NULL) {
        domain_put(d);
    }
    return gone;
}

static void die(uint32_t slot)
{
    struct domain *d = domain_get_slot(slot);

    if (d != NULL) {
        run.deaths += (domain_destroy(d) == OK) ? 1u : 0u;
        domain_put(d);
    }
}

/* Who died is born again in another place, if there is somebody to build it; who is nobody's creation ends. */
static void look_after(void)
{
    boot = is_gone(SLOT_BOOT) ? NULL : vcpu_of(DOMID_BOOT, 0);
    for (uint32_t slot = 1; slot < MAX_DOMAINS; slot++) {
        bool known = false;

        for (uint32_t i = 0; i < DOMAINS; i++) {
            known = known || abuse_ids[i] == slot;
        }
        if (!known && below(4) == 0u) {
            die(slot);
        }
    }
    for (uint32_t i = 0; i < DOMAINS; i++) {
        struct domain *d = domain_get_slot(abuse_ids[i]);

        if (d != NULL && domain_state(d) == DOMAIN_SHUTDOWN) {
            die(abuse_ids[i]);
        } else if (d != NULL && below(3) == 0u) {
            (void)domain_unpause(d);
        }
        if (d != NULL) {
            domain_put(d);
        }
        if (is_gone(abuse_ids[i])) {
            abuse_ids[i] = 0;
            be_born(i);
        }
    }
}

/* ---- calls ---- */

/* Another CPU ends a domain, perhaps the caller, in the middle of the call; it would wait for a lock of that domain. */
static void kill_one(void)
{
    struct domain *d = domain_get_slot(abuse_ids[below(DOMAINS)]);
    uint32_t here = this_cpu()->id;

    if (d == NULL) {
        return;
    }
    if (d->lock.next == d->lock.owner) {
        host_become((here + 1u) % HOST_CPUS);
        run.killed += (domain_destroy(d) == OK) ? 1u : 0u;
        host_become(here);
    }
    domain_put(d);
}

/* The guest's other vCPU changes what is being read. */
static void interfere(void)
{
    if (below(6) == 0u) {
        grammar_scribble(caller);
    }
    if (below(100) == 0u) {
        kill_one();
    }
}

static void check_result(const struct call *c, int64_t result)
{
    bool is_error = result < 0 && result >= -200;

    run.refused += is_error ? 1u : 0u;
    if ((result == ERR_RESTART && !run.given_up) || (result < 0 && !is_error && c->nr != __HYPERVISOR_memory_op)) {
        host_fail("%s answered %ld", grammar_name(c), (long)result);
    }
    if (restarts() > MOST_STEPS && host_irq_every == 0u) {
        host_fail("%s took %u steps", grammar_name(c), restarts());
    }
}

/* The Boot Domain ends when this program wants it, and the machine never. */
static bool is_excluded(struct vcpu *v, const struct call *c)
{
    const uint8_t *frame = guest_frame(v->domain, c->args[0] >> PAGE_SHIFT);

    if (v->domain->slot != SLOT_BOOT) {
        return false;
    }
    if (c->nr == __HYPERVISOR_domctl && frame != NULL && frame[c->args[0] & PAGE_MASK] == XEN_DOMCTL_destroydomain) {
        return below(10) != 0u;
    }
    return c->nr == HYPERVISOR_BULKHEAD_OP &&
           ((uint32_t)c->args[0] == BULKHEAD_OP_EXIT_BOOT_SERVICES || (uint32_t)c->args[0] == BULKHEAD_OP_POWER);
}

struct made {
    struct vcpu *v;
    const struct call *c;
    int64_t result;
    bool returned;
};

static void make_call(void *context)
{
    struct made *m = context;

    m->result = hypercall(m->v, m->c->nr, m->c->args[0], m->c->args[1], m->c->args[2]);
    m->returned = true;
}

/* run.off afterwards: it ended the machine, which some may. */
static void make(struct vcpu *v, const struct call *c, int64_t *result)
{
    struct made m = {.v = v, .c = c};

    if (host_run(make_call, &m) != NULL) {
        host_fail("a call entered a guest");
    }
    if (!m.returned && strstr(host_console(), "bulkhead: the platform is ") == NULL) {
        host_fail("a call did not return");
    }
    run.off = !m.returned;
    *result = m.result;
}

static void one_call(struct vcpu *v)
{
    struct call c;
    int64_t result;

    caller = v->domain;
    host_before_copy(NULL);
    grammar_call(v, &c);
    if (is_excluded(v, &c)) {
        return;
    }
    run.calls++;
    if (run.calls >= run.traced) {
        printf("%lu: domain %u vCPU %u: %s\n", (unsigned long)run.calls, v->domain->id, v->id, grammar_name(&c));
        fflush(stdout);
    }
    host_before_copy((below(3) == 0u) ? interfere : NULL);
    if (below(50) == 0u) {
        host_fail_copy(1u + below(6));
    }
    host_irq_every = below(2) * (1u + below(40));
    run.given_up = below(6) == 0u;
    limit_steps(run.given_up ? 1u + below(4) : 0u); /* its vCPU, or all of them, may never come back to it */
    make(v, &c, &result);
    if (!run.off && result == ERR_RESTART && is_gone(caller->slot)) {
        result = OK; /* its vCPU leaves its CPU between two steps */
    }
    if (!run.off && result == ERR_RESTART &&
        !run.given_up) { /* it waits for another CPU, which does not move by itself here */
        settle();
        make(v, &c, &result);
    }
    limit_steps(0);
    host_fail_copy(0);
    host_before_copy(NULL);
    if (!run.off) {
        check_result(&c, result);
    }
}

/* What guests and time do between calls. */
static void live(struct vcpu *v)
{
    uint64_t args[4] = {0};

    v->arch.pending = 0;
    host_add_ticks(below(20000));
    if (below(4) == 0u) {
        grammar_scribble(v->domain);
    }
    if (below(30) == 0u && v->domain->max_vcpus > 1u) {
        (void)vcpu_power_on(v, 1, GUEST_RAM0_BASE, args[0]);
    }
    if (below(8) == 0u) {
        (void)hypercall(v, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    }
}

static void wake_all(void)
{
    for (uint32_t slot = 0; slot < MAX_DOMAINS; slot++) {
        struct domain *d = domain_get_slot(slot);

        for (uint32_t i = 0; d != NULL && domain_may_run(d) && i < d->max_vcpus; i++) {
            if (domain_vcpu(d, i) != NULL) {
                arch_inject(domain_vcpu(d, i), 1);
            }
        }
        if (d != NULL) {
            domain_put(d);
        }
    }
}

static void batch(void)
{
    wake_all();
    for (uint32_t n = 0; n < BATCH && !run.off; n++) {
        uint32_t cpu = below(HOST_CPUS);
        struct vcpu *v = cpu_runs(cpu);

        if (v != NULL) {
            live(v);
            v = cpu_runs(cpu);
        }
        if (v != NULL) {
            one_call(v);
        }
        if (below(150) == 0u) {
            die(abuse_ids[below(DOMAINS)]);
        }
    }
}

/* ---- worlds ---- */

static uint64_t shared_for_good(void)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < (uint64_t)RAM_MIB << 8; i++) {
        n += (frame_look(MFN((HOST_RAM_BASE >> PAGE_SHIFT) + i)).owner == FRAME_COMMON) ? 1u : 0u;
    }
    return n;
}

/* Somebody is left who can make calls. */
static bool is_alive(void)
{
    uint32_t n = (boot != NULL) ? 3u : 0u;

    for (uint32_t i = 0; i < DOMAINS; i++) {
        n += (abuse_ids[i] != 0u) ? 1u : 0u;
    }
    return n >= 3u;
}

static void turn(void)
{
    for (uint32_t i = 0; i < HOST_CPUS; i++) {
        (void)cpu_runs(i);
    }
}

static void end_world(uint64_t before)
{
    host_irq_every = 0;
    for (uint32_t slot = 1; slot < MAX_DOMAINS; slot++) {
        die(slot);
    }
    if (boot != NULL) {
        host_refuse_pointers(false);
        for (uint32_t at = 0; at < 4096u; at++) { /* what it maps of others */
            struct xen_remove_from_physmap r = {.domid = DOMID_SELF, .gpfn = MAP_GFN + at % MAP_FRAMES};

            (void)do_memory(boot, XENMEM_remove_from_physmap, &r);
        }
        die(SLOT_BOOT);
    }
    settle();
    settle();
    account_check();
    for (uint32_t slot = 0; slot < MAX_DOMAINS; slot++) {
        if (domain_get_slot(slot) != NULL) {
            host_fail("the domain of slot %u cannot end", slot);
        }
    }
    if (frame_free_count() + shared_for_good() < before) {
        host_fail("%lu frames were free at first, %lu at the end", (unsigned long)before,
                  (unsigned long)frame_free_count());
    }
}

static bool is_time(void)
{
    return run.calls >= run.most_calls || (run.end != 0 && time(NULL) >= run.end);
}

static void world(uint64_t seed)
{
    uint64_t first = run.calls;
    uint64_t before;

    printf("abuse: --seed %lu\r", (unsigned long)seed);
    fflush(stdout);
    abuse_random.state = seed;
    run.off = false;
    boot = machine_start();
    claim_all(boot);
    before = frame_free_count();
    memset(abuse_ids, 0, sizeof(abuse_ids));
    for (uint32_t i = 0; i < DOMAINS; i++) {
        be_born(i);
    }
    while (run.calls - first < WORLD_CALLS && is_alive() && !is_time()) {
        batch();
        if (run.off) {
            host_console_clear();
            run.worlds++;
            return;
        }
        turn();
        account_check();
        if (run.calls - first > SEALED_FROM && !is_gone(SLOT_BOOT) && below(10) == 0u) {
            host_refuse_pointers(false);
            (void)exit_boot(boot, 0);
            host_refuse_pointers(true);
        }
        look_after();
        host_console_clear();
    }
    end_world(before);
    run.worlds++;
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t n = strtoull(argv[i + 1], NULL, 0);

        if (strcmp(argv[i], "--calls") == 0) {
            run.most_calls = n;
        } else if (strcmp(argv[i], "--seconds") == 0) {
            run.end = time(NULL) + (time_t)n;
        } else if (strcmp(argv[i], "--seed") == 0) {
            run.seed = n;
        } else if (strcmp(argv[i], "--trace") == 0) {
            run.traced = n;
        }
    }
    for (uint64_t seed = run.seed; !is_time(); seed++) {
        world(seed);
    }
    printf("abuse: %lu calls, %lu worlds, %lu deaths, %lu within a call, %lu refused, no finding\n",
           (unsigned long)run.calls, (unsigned long)run.worlds, (unsigned long)run.deaths, (unsigned long)run.killed,
           (unsigned long)run.refused);
    return 0;
}
