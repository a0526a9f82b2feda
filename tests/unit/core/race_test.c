/* SPDX-License-Identifier: Apache-2.0 */
/* Real threads as CPUs: what may be done at once, is.  Most telling under the thread sanitizer. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fixture.h"
#include "arch/contract/arch.h"
#include "core/console.h"
#include "core/physmap.h"
#include "core/print.h"
#include "core/rights.h"
#include "core/sched_ops.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define ROUNDS 20000u

static struct vcpu *boot;
static uint16_t one;
static uint16_t two;

static int start(void **state)
{
    (void)state;
    boot = machine_start();
    claim_all(boot);
    one = build_domain(boot, "one", 4, 4);
    two = build_domain(boot, "two", 1, 4);
    return 0;
}

/* Run fn on n CPUs at once; its argument is the CPU. */
static void at_once(void *(*fn)(void *), uint32_t n)
{
    pthread_t threads[HOST_CPUS];

    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fn, cpu_of(i)), 0);
    }
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void *be(void *cpu)
{
    host_become((uint32_t)((struct cpu *)cpu)->id);
    return cpu;
}

/* ---- messages ---- */

static uint32_t posting; /* CPUs that still post */

static void *post_or_drain(void *arg)
{
    struct cpu *cpu = be(arg);
    struct random r = {.state = cpu->id};
    uint32_t still = 1;

    if (cpu->id == 3u) { /* home of vCPU 3: drains */
        while (still != 0u) {
            still = __atomic_load_n(&posting, __ATOMIC_ACQUIRE);
            vcpu_drain_inbox(cpu);
        }
        return NULL;
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        arch_inject(vcpu_of(one, 3), (uint32_t)random_below(&r, 10) + 10u * cpu->id);
    }
    (void)__atomic_sub_fetch(&posting, 1u, __ATOMIC_RELEASE);
    return NULL;
}

/* [utest->dsn~vcpu-notify~1] */
static void no_message_is_lost_between_cpus(void **state)
{
    struct vcpu *v = vcpu_of(one, 3);

    (void)state;
    assert_int_equal(v->home, 3);
    assert_int_equal(unpause(boot, one), OK);
    for (uint32_t c = 0; c < HOST_CPUS; c++) {
        (void)cpu_runs(c);
    }
    posting = 3;
    at_once(post_or_drain, 4);
    assert_int_equal(v->arch.pending, (1u << 30) - 1u); /* every interrupt that any of them posted */
    assert_int_equal(v->notify, 0);
    assert_null(cpu_inbox[3].head);
}

/* ---- frames ---- */

static void *allocate_and_free(void *arg)
{
    struct cpu *cpu = be(arg);
    struct random r = {.state = 100u + cpu->id};
    mfn_t mine[64];
    uint32_t orders[64];
    uint32_t n = 0;

    for (uint32_t i = 0; i < ROUNDS / 4u; i++) {
        if (n < 64u && random_below(&r, 2) == 0u) {
            orders[n] = (uint32_t)random_below(&r, 5);
            if (frame_alloc((uint16_t)(100u + cpu->id), FRAME_RAM, orders[n], &mine[n]) == OK) {
                *(uint32_t *)arch_map_frame(mine[n]) = cpu->id;
                n++;
            }
        } else if (n > 0u) {
            n--;
            if (frame_look(mine[n]).owner != 100u + cpu->id || *(uint32_t *)arch_map_frame(mine[n]) != cpu->id) {
                host_fail("a frame has two owners");
            }
            frame_free(mine[n], UINT64_C(1) << orders[n]);
        }
    }
    while (n > 0u) {
        n--;
        frame_free(mine[n], UINT64_C(1) << orders[n]);
    }
    return NULL;
}

/* [utest->dsn~frame-owner~1] */
static void a_frame_has_one_owner_whoever_allocates(void **state)
{
    uint64_t free_before = frame_free_count();

    (void)state;
    at_once(allocate_and_free, 4);
    assert_int_equal(frame_free_count(), free_before);
}

static mfn_t contended;
static uint32_t last_puts;

static void *get_and_put(void *arg)
{
    uint16_t owner;

    (void)be(arg);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (frame_get(contended, 77, FRAME_RAM) == OK && frame_put(contended, &owner)) {
            (void)__atomic_add_fetch(&last_puts, 1u, __ATOMIC_RELAXED);
        }
    }
    if (frame_put(contended, &owner)) { /* the one count of this thread */
        (void)__atomic_add_fetch(&last_puts, 1u, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* [utest->dsn~frame-owner~1] */
static void the_last_user_is_exactly_one(void **state)
{
    (void)state;
    assert_int_equal(frame_alloc(77, FRAME_RAM, 0, &contended), OK);
    for (uint32_t i = 0; i < 3u; i++) {
        assert_int_equal(frame_get(contended, 77, FRAME_RAM), OK);
    }
    last_puts = 0;
    at_once(get_and_put, 4);
    assert_int_equal(last_puts, 1);
    assert_int_equal(frame_look(contended).count, 0);
}

/* ---- rights ---- */

static uint32_t holders;

/* Threads are the slots 1..4 and pass one right around; whoever has it is alone. */
static void *pass_on(void *arg)
{
    struct cpu *cpu = be(arg);
    uint32_t me = cpu->id + 1u;
    struct random r = {.state = me};

    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (rights_holder(BULKHEAD_RIGHT_PAUSE, 50) == (int32_t)me) {
            if (__atomic_add_fetch(&holders, 1u, __ATOMIC_ACQ_REL) != 1u) {
                host_fail("a right has two holders");
            }
            (void)__atomic_sub_fetch(&holders, 1u, __ATOMIC_ACQ_REL);
            if (rights_move(BULKHEAD_RIGHT_PAUSE, 50, me, 1u + (uint32_t)random_below(&r, 4)) != OK) {
                host_fail("the holder could not move its right");
            }
        } else if (rights_move(BULKHEAD_RIGHT_PAUSE, 50, me, me) == OK) {
            continue; /* it came in between */
        }
    }
    return NULL;
}

/* [utest->dsn~rights-cells~1] */
static void a_right_has_one_holder_whoever_moves(void **state)
{
    (void)state;
    rights_create(1, 50);
    holders = 0;
    at_once(pass_on, 4);
    assert_in_range(rights_holder(BULKHEAD_RIGHT_PAUSE, 50), 1, 4);
}

/* ---- calls in steps ---- */

#define PLACES 3u /* of 2 MiB each, where all of them put frames and take them away */

static uint32_t ended;   /* whose slot */
static uint32_t playing; /* CPUs that still do */

static void take_some(struct domain *d, gfn_t gfn, struct random *r)
{
    for (uint64_t i = 0; i < 512u && random_below(r, 600) != 0u && domain_state(d) != DOMAIN_DYING; i++) {
        spin_lock(&d->physmap_lock);
        (void)physmap_unmap(d, GFN(gfn.v + i), 0);
        spin_unlock(&d->physmap_lock);
    }
}

static void *put_and_take(struct cpu *cpu, uint64_t seed)
{
    struct random r = {.state = seed * 4u + cpu->id};
    struct domain *d = domain_get_slot(ended);

    while (d != NULL && random_below(&r, 30) != 0u) {
        gfn_t gfn = GFN(0x90000u + 512u * random_below(&r, PLACES));
        uint32_t order = (random_below(&r, 3) == 0u) ? (uint32_t)random_below(&r, 9) : 9u;
        err_t err = ERR_RESTART;

        for (uint64_t steps = random_below(&r, 60); err == ERR_RESTART && steps > 0u;
             steps--) { /* then something else */
            err = physmap_populate(d, gfn, order);
        }
        take_some(d, gfn, &r);
        domain_put(d);
        d = domain_get_slot(ended);
    }
    if (d != NULL) {
        domain_put(d);
    }
    (void)__atomic_sub_fetch(&playing, 1u, __ATOMIC_RELEASE);
    return NULL;
}

/* CPU 3 ends it in the midst of that. */
static void *end_it(struct cpu *cpu)
{
    struct domain *d = domain_get_slot(ended);

    while (__atomic_load_n(&d->frames, __ATOMIC_RELAXED) < 1500u && __atomic_load_n(&playing, __ATOMIC_ACQUIRE) != 0u) {
        (void)sched_yield();
    }
    (void)domain_destroy(d);
    domain_put(d);
    while (__atomic_load_n(&playing, __ATOMIC_ACQUIRE) != 0u) {
        (void)domain_reap_step(cpu);
        (void)sched_yield();
    }
    return NULL;
}

static uint64_t round_of_play;

static void *play(void *arg)
{
    struct cpu *cpu = be(arg);

    return (cpu->id == 3u) ? end_it(cpu) : put_and_take(cpu, round_of_play);
}

/* [utest->dsn~interrupt-latency~1] */
static void calls_in_steps_meet_each_other_and_an_end(void **state)
{
    uint64_t before = frame_free_count();

    (void)state;
    host_irq_every = 3;
    for (round_of_play = 0; round_of_play < 20u; round_of_play++) {
        struct domain *d = domain_of(build_domain(boot, "victim", 1, 4));

        ended = d->slot;
        d->max_frames = 4096;
        playing = 3;
        at_once(play, 4);
        settle();
        assert_null(domain_get_slot(ended));
        assert_int_equal(frame_free_count(), before);
    }
    host_irq_every = 0;
}

/* ---- references and destruction ---- */

static uint16_t victim;
static uint32_t finished;

static void look(struct vcpu *v)
{
    struct domain *d;
    uint64_t sum;

    if (domain_get(v, victim, &d) != OK) {
        return;
    }
    sum = d->max_vcpus;
    for (uint32_t k = 0; k < 3u; k++) {
        const struct vcpu *seen = domain_vcpu(d, k);
        sum += (seen != NULL) ? seen->id : 0u;
    }
    if (sum > 6u) {
        host_fail("a domain was taken apart while it was referred to");
    }
    domain_put(d);
}

static void live_and_die(struct cpu *cpu)
{
    struct domain_config config = {.domid = victim, .max_vcpus = 3};
    struct domain *d;

    if (domain_create(SLOT_BOOT, &config, &d) != OK) {
        host_fail("no domain");
    }
    spin_lock(&d->lock);
    (void)domain_add_vcpus(d);
    spin_unlock(&d->lock);
    if (domain_destroy(d) != OK) {
        host_fail("not destroyed");
    }
    domain_put(d);
    while (domain_reap(d) != OK) {
        vcpu_drain_inbox(cpu);
        sched_yield();
    }
}

static void *look_or_destroy(void *arg)
{
    struct cpu *cpu = be(arg);

    if (cpu->id == 0u) {
        for (uint32_t i = 0; i < 60u; i++) {
            live_and_die(cpu);
        }
        __atomic_store_n(&finished, 1u, __ATOMIC_RELEASE);
    }
    while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) == 0u) {
        vcpu_drain_inbox(cpu);
        look(vcpu_of(DOMID_BOOT, 0));
        sched_yield();
    }
    return NULL;
}

/* [utest->dsn~domain-life~1] */
static void a_reference_keeps_a_domain_whole(void **state)
{
    uint64_t free_before = frame_free_count();

    (void)state;
    victim = 60;
    finished = 0;
    at_once(look_or_destroy, 4);
    assert_int_equal(frame_free_count(), free_before);
}

/* ---- address spaces ---- */

static void *map_each_other(void *arg)
{
    struct cpu *cpu = be(arg);
    struct domain *mine = domain_of((cpu->id % 2u == 0u) ? one : two);
    struct domain *other = domain_of((cpu->id % 2u == 0u) ? two : one);
    struct random r = {.state = 9u + cpu->id};

    for (uint32_t i = 0; i < ROUNDS / 20u; i++) {
        struct stage2_entry e = {.access = ACCESS_RW, .mapping = MAPPING_FOREIGN};
        gfn_t to = GFN(0x70000u + random_below(&r, 64));
        err_t err;

        if (physmap_hold(other, GFN(0x40000u + random_below(&r, 1024)), &e.mfn) != OK) {
            host_fail("RAM is gone");
        }
        spin_lock(&mine->physmap_lock);
        err = physmap_set(mine, to, &e);
        if (err == OK && random_below(&r, 2) == 0u) {
            err = physmap_unmap(mine, to, 0);
        }
        spin_unlock(&mine->physmap_lock);
        if (err != OK) {
            host_fail("not mapped");
        }
    }
    return NULL;
}

/* [utest->dsn~physmap~1] */
static void two_domains_map_each_other_at_once(void **state)
{
    (void)state;
    at_once(map_each_other, 4);
    for (uint16_t d = one; d <= two; d++) {
        uint64_t counts = 0;
        uint64_t foreign = 0;

        spin_lock(&domain_of(d)->physmap_lock);
        for (uint64_t i = 0; i < 1024u; i++) {
            counts += frame_look(physmap_look(domain_of(d), GFN(0x40000u + i)).mfn).count;
        }
        spin_unlock(&domain_of(d)->physmap_lock);
        spin_lock(&domain_of((d == one) ? two : one)->physmap_lock);
        for (uint64_t i = 0; i < 64u; i++) {
            foreign += (physmap_look(domain_of((d == one) ? two : one), GFN(0x70000u + i)).mapping == MAPPING_FOREIGN)
                           ? 1u
                           : 0u;
        }
        spin_unlock(&domain_of((d == one) ? two : one)->physmap_lock);
        assert_int_equal(counts, 1024u + foreign);
    }
    host_check_stage2(NULL);
}

/* ---- console ---- */

static uint32_t writing; /* a CPU is about to write to the device */

static void give_way(void)
{
    __atomic_store_n(&writing, 1u, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < 1000u; i++) { /* who does not wait for the lock gets there first */
        sched_yield();
    }
}

static void *drain_or_speak_last(void *arg)
{
    static const char last[] = "bulkhead: that was all\n";
    struct cpu *cpu = be(arg);

    if (cpu->id == 0u) {
        upcall_console_ready();
        return NULL;
    }
    while (__atomic_load_n(&writing, __ATOMIC_ACQUIRE) == 0u) {
        sched_yield();
    }
    console_last(last, sizeof(last) - 1u);
    return NULL;
}

/* [utest->dsn~console-ring~1] */
static void the_last_words_come_behind_all_others(void **state)
{
    (void)state;
    host_console_clear();
    host_console_room(4);
    print("a line that waits\n");
    host_console_room(SIZE_MAX);
    writing = 0;
    host_console_at_write(give_way);
    at_once(drain_or_speak_last, 2);
    host_console_at_write(NULL);
    assert_string_equal(host_console(), "(bulkhead) a line that waits\r\nbulkhead: that was all\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(calls_in_steps_meet_each_other_and_an_end, start),
        cmocka_unit_test_setup(no_message_is_lost_between_cpus, start),
        cmocka_unit_test_setup(a_frame_has_one_owner_whoever_allocates, start),
        cmocka_unit_test_setup(the_last_user_is_exactly_one, start),
        cmocka_unit_test_setup(a_right_has_one_holder_whoever_moves, start),
        cmocka_unit_test_setup(a_reference_keeps_a_domain_whole, start),
        cmocka_unit_test_setup(two_domains_map_each_other_at_once, start),
        cmocka_unit_test_setup(the_last_words_come_behind_all_others, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
