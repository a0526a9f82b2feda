/* SPDX-License-Identifier: Apache-2.0 */
/* The FIFO ABI against a consumer that does what xen/event_channel.h says; with threads as CPUs too. */
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "evtchn_fixture.h"
#include "arch/contract/arch.h"
#include "core/evtchn.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define PENDING   (1u << EVTCHN_FIFO_PENDING)
#define MASKED    (1u << EVTCHN_FIFO_MASKED)
#define LINKED    (1u << EVTCHN_FIFO_LINKED)
#define PORTS     24u /* of the threads' test */
#define PRODUCERS 3u
#define ROUNDS    40000u

/* What a kernel keeps of a vCPU's queues. */
struct consumer {
    struct vcpu *v;
    struct evtchn_fifo_control_block *control;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES];
    uint32_t ready;
};

static int start_fifo(void **state)
{
    (void)start_two(state);
    become_fifo(one);
    become_fifo(two);
    give_info(vcpu_of(two->domain->id, 1), 0x40002);
    return 0;
}

static struct consumer consumer_of(struct vcpu *v)
{
    return (struct consumer){.v = v, .control = v->evtchn.control};
}

static uint32_t clear_linked(uint32_t *word)
{
    uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

    while (!__atomic_compare_exchange_n(word, &seen, seen & ~(LINKED | EVTCHN_FIFO_LINK_MASK), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
    }
    return seen & EVTCHN_FIFO_LINK_MASK;
}

/* The next event that is to be handled, 0 = there is none. */
static uint32_t next_event(struct consumer *c, uint32_t *words)
{
    c->ready |= __atomic_exchange_n(&c->control->ready, 0u, __ATOMIC_SEQ_CST);
    while (c->ready != 0u) {
        uint32_t q = (uint32_t)__builtin_ctz(c->ready);
        uint32_t port = c->head[q];

        if (port == 0u) {
            port = __atomic_load_n(&c->control->head[q], __ATOMIC_ACQUIRE);
        }
        c->head[q] = clear_linked(&words[port]);
        if (c->head[q] == 0u) {
            c->ready &= ~(1u << q);
        }
        if ((__atomic_load_n(&words[port], __ATOMIC_SEQ_CST) & (PENDING | MASKED)) == PENDING) {
            (void)__atomic_fetch_and(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
            return port;
        }
        c->ready |= __atomic_exchange_n(&c->control->ready, 0u, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static uint32_t next_of(struct consumer *c)
{
    __atomic_store_n(&c->v->evtchn.info->evtchn_upcall_pending, (uint8_t)0u, __ATOMIC_SEQ_CST);
    return next_event(c, event_word(c->v, 0));
}

static uint32_t ipi(struct vcpu *v, uint32_t vcpu)
{
    struct evtchn_bind_ipi b = {.vcpu = vcpu};

    assert_int_equal(event_op(v, EVTCHNOP_bind_ipi, &b), OK);
    return b.port;
}

static int64_t set_priority(struct vcpu *v, uint32_t port, uint32_t priority)
{
    struct evtchn_set_priority p = {.port = port, .priority = priority};

    return event_op(v, EVTCHNOP_set_priority, &p);
}

/* [utest->dsn~evtchn-fifo~1] */
static void events_come_in_order_with_one_upcall(void **state)
{
    struct consumer c = consumer_of(two);

    (void)state;
    for (uint32_t port = 1; port <= 4u; port++) {
        assert_int_equal(ipi(two, 0), port);
    }
    assert_int_equal(send_event(two, 3), OK);
    assert_true(upcall(two));
    assert_int_equal(send_event(two, 1), OK);
    assert_int_equal(send_event(two, 3), OK); /* it is in the queue */
    assert_int_equal(send_event(two, 4), OK);
    assert_false(upcall(two));
    assert_int_equal(next_of(&c), 3);
    assert_int_equal(send_event(two, 3), OK); /* behind the others */
    assert_int_equal(next_of(&c), 1);
    assert_int_equal(next_of(&c), 4);
    assert_int_equal(next_of(&c), 3);
    assert_int_equal(next_of(&c), 0);
    (void)upcall(two);
    assert_int_equal(send_event(two, 3), OK); /* the same event is the tail that has gone */
    assert_true(upcall(two));
    assert_int_equal(next_of(&c), 3);
    assert_int_equal(next_of(&c), 0);
}

/* [utest->dsn~evtchn-fifo~1] */
static void higher_priorities_overtake(void **state)
{
    struct consumer c = consumer_of(two);

    (void)state;
    for (uint32_t port = 1; port <= 3u; port++) {
        assert_int_equal(ipi(two, 0), port);
    }
    assert_int_equal(set_priority(two, 2, 0), OK);
    assert_int_equal(set_priority(two, 3, 15), OK);
    assert_int_equal(set_priority(two, 3, 16), ERR_INVAL);
    assert_int_equal(send_event(two, 3), OK);
    assert_int_equal(send_event(two, 1), OK);
    assert_int_equal(send_event(two, 2), OK);
    assert_int_equal(next_of(&c), 2);
    assert_int_equal(next_of(&c), 1);
    assert_int_equal(next_of(&c), 3);
    assert_int_equal(next_of(&c), 0);
    assert_int_equal(set_priority(two, 1, 3), OK); /* from the queue whose tail it is */
    assert_int_equal(send_event(two, 1), OK);
    assert_int_equal(set_priority(two, 2, 7), OK);
    assert_int_equal(send_event(two, 2), OK);
    assert_int_equal(next_of(&c), 1);
    assert_int_equal(next_of(&c), 2);
    assert_int_equal(next_of(&c), 0);
}

/* [utest->dsn~evtchn-fifo~1] */
static void a_masked_event_waits_for_unmask(void **state)
{
    struct consumer c = consumer_of(two);
    uint32_t port = ipi(two, 0);

    (void)state;
    *event_word(two, port) = MASKED;
    assert_int_equal(send_event(two, port), OK);
    assert_int_equal(*event_word(two, port), MASKED | PENDING);
    assert_false(upcall(two));
    assert_int_equal(event_op(two, EVTCHNOP_unmask, &port), OK);
    assert_true(upcall(two));
    assert_int_equal(next_of(&c), port);
    assert_int_equal(event_op(two, EVTCHNOP_unmask, &port), OK);
    assert_int_equal(next_of(&c), 0);
}

/* [utest->dsn~evtchn-fifo~1] */
static void an_event_leaves_the_queue_of_its_old_vcpu(void **state)
{
    struct vcpu *second = vcpu_of(two->domain->id, 1);
    struct consumer c = consumer_of(two);
    struct consumer d = consumer_of(second);
    uint32_t first = ipi(two, 0);
    uint32_t port = (uint32_t)alloc_unbound(two, one->domain->id);
    uint32_t far = (uint32_t)bind_interdomain(one, two->domain->id, port);
    struct evtchn_bind_vcpu b = {.port = port, .vcpu = 1};

    (void)state;
    assert_int_equal(send_event(one, far), OK);
    assert_int_equal(next_of(&c), port); /* it is vCPU 0's tail now */
    assert_int_equal(event_op(two, EVTCHNOP_bind_vcpu, &b), OK);
    assert_int_equal(send_event(one, far), OK);
    assert_true(upcall(second));
    assert_int_equal(send_event(two, first), OK); /* must not hang behind the event of vCPU 1 */
    assert_int_equal(next_of(&c), first);
    assert_int_equal(next_of(&c), 0);
    assert_int_equal(next_of(&d), port);
    assert_int_equal(next_of(&d), 0);
    assert_int_equal(send_event(one, far), OK);
    assert_int_equal(next_of(&d), port);
}

/* [utest->dsn~evtchn-fifo~1] */
static void an_event_without_a_word_waits_for_its_page(void **state)
{
    struct evtchn_expand_array array = {.array_gfn = 0x40021};
    struct evtchn_bind_ipi b = {.vcpu = 0};
    uint32_t port = 0;

    (void)state;
    two->domain->evtchn.max_port = 3000;
    while (port < 1100u) {
        assert_int_equal(event_op(two, EVTCHNOP_bind_ipi, &b), OK);
        port = b.port;
    }
    assert_int_equal(send_event(two, port), OK);
    assert_int_equal(send_event(two, port), OK);
    assert_false(upcall(two));
    assert_int_equal(event_op(two, EVTCHNOP_expand_array, &array), OK);
    assert_true(restarts() > 0u);
    assert_true(upcall(two));
    assert_int_equal(two->evtchn.control->head[EVTCHN_FIFO_PRIORITY_DEFAULT], port);
    array.array_gfn = 0x999999;
    assert_int_equal(event_op(two, EVTCHNOP_expand_array, &array), ERR_INVAL);
}

/* [utest->dsn~evtchn-fifo~1] [utest->dsn~evtchn-areas~1] */
static void reset_goes_back_to_two_level_and_lets_frames_go(void **state)
{
    struct evtchn_reset r = {.dom = DOMID_SELF};
    uint64_t frames = two->domain->pool_free;
    uint32_t port = ipi(two, 0);

    (void)state;
    assert_int_equal(event_op(two, EVTCHNOP_reset, &r), OK);
    assert_int_equal(two->domain->evtchn.abi, EVTCHN_TWO_LEVEL);
    assert_null(two->evtchn.control);
    assert_int_equal(frames, two->domain->pool_free + 2u); /* records stay */
    assert_int_equal(ipi(two, 0), port);
    assert_int_equal(send_event(two, port), OK);
    assert_true(is_pending(two, port));
    become_fifo(two);
}

/* [utest->dsn~evtchn-fifo~1] */
static void a_vcpu_has_one_control_block(void **state)
{
    struct evtchn_init_control c = {.control_gfn = 0x40030};

    (void)state;
    assert_int_equal(event_op(two, EVTCHNOP_init_control, &c), ERR_INVAL);
    two->evtchn.control->ready = 0;
}

/* [utest->dsn~evtchn~1] */
static void a_guest_that_scribbles_harms_itself_only(void **state)
{
    struct random r = {.state = 7};

    (void)state;
    for (uint32_t i = 0; i < 8u; i++) {
        (void)ipi(two, i % 2u);
    }
    for (uint32_t i = 0; i < 20000u; i++) {
        struct evtchn_bind_vcpu b = {.port = 1u + (uint32_t)random_below(&r, 8), .vcpu = (uint32_t)random_below(&r, 2)};
        uint32_t port = 1u + (uint32_t)random_below(&r, 8);

        *event_word(two, (uint32_t)random_below(&r, 1024)) = (uint32_t)random_next(&r);
        two->evtchn.control->ready = (uint32_t)random_next(&r);
        two->evtchn.control->head[random_below(&r, 16)] = (uint32_t)random_next(&r);
        two->evtchn.info->evtchn_upcall_pending = (uint8_t)random_next(&r);
        assert_int_equal(send_event(two, port), OK);
        assert_int_equal(event_op(two, EVTCHNOP_unmask, &port), OK);
        assert_int_equal(set_priority(two, port, (uint32_t)random_below(&r, 16)), OK);
        (void)event_op(two, EVTCHNOP_bind_vcpu, &b);
    }
    assert_int_equal(domain_state(two->domain), DOMAIN_LIVE);
}

/* ---- threads ---- */

static uint64_t sent[PORTS + 1u];  /* atomic: sends begun */
static uint64_t taken[PORTS + 1u]; /* events handled */
static uint32_t producing;

static void *produce(void *cpu)
{
    struct random r = {.state = ((struct cpu *)cpu)->id};

    host_become(((struct cpu *)cpu)->id);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t port = 1u + (uint32_t)random_below(&r, PORTS);

        (void)__atomic_fetch_add(&sent[port], 1u, __ATOMIC_SEQ_CST);
        assert_int_equal(evtchn_send(two->domain, port), OK);
    }
    (void)__atomic_fetch_sub(&producing, 1u, __ATOMIC_SEQ_CST);
    return NULL;
}

/* [utest->dsn~evtchn-fifo~1] */
static void no_event_of_three_cpus_is_lost(void **state)
{
    struct consumer c = consumer_of(two);
    uint32_t *words = event_word(two, 0);
    uint64_t seen[PORTS + 1u] = {0}; /* sends of which an event was the last */
    pthread_t threads[PRODUCERS];
    bool last = false;
    uint64_t sum = 0;

    (void)state;
    memset(sent, 0, sizeof(sent));
    memset(taken, 0, sizeof(taken));
    producing = PRODUCERS;
    for (uint32_t i = 0; i < PORTS; i++) {
        uint32_t port = ipi(two, 0);

        assert_int_equal(set_priority(two, port, i % 3u * 7u), OK);
    }
    (void)upcall(two);
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, produce, cpu_of(i)), 0);
    }
    while (!last) { /* as an interrupt handler: look only when told */
        uint32_t port;

        last = __atomic_load_n(&producing, __ATOMIC_SEQ_CST) == 0u;
        if (!last && !upcall(two)) {
            sched_yield();
            continue;
        }
        __atomic_store_n(&two->evtchn.info->evtchn_upcall_pending, (uint8_t)0u, __ATOMIC_SEQ_CST);
        while ((port = next_event(&c, words)) != 0u) {
            seen[port] = __atomic_load_n(&sent[port], __ATOMIC_SEQ_CST);
            taken[port]++;
        }
    }
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (uint32_t port = 1; port <= PORTS; port++) {
        assert_int_equal(seen[port], sent[port]); /* the last send was seen */
        assert_true(taken[port] <= sent[port]);
        assert_int_equal(words[port] & (PENDING | LINKED), 0);
        sum += taken[port];
    }
    assert_true(sum > PORTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(events_come_in_order_with_one_upcall, start_fifo),
        cmocka_unit_test_setup(higher_priorities_overtake, start_fifo),
        cmocka_unit_test_setup(a_masked_event_waits_for_unmask, start_fifo),
        cmocka_unit_test_setup(an_event_leaves_the_queue_of_its_old_vcpu, start_fifo),
        cmocka_unit_test_setup(an_event_without_a_word_waits_for_its_page, start_fifo),
        cmocka_unit_test_setup(reset_goes_back_to_two_level_and_lets_frames_go, start_fifo),
        cmocka_unit_test_setup(a_vcpu_has_one_control_block, start_fifo),
        cmocka_unit_test_setup(a_guest_that_scribbles_harms_itself_only, start_fifo),
        cmocka_unit_test_setup(no_event_of_three_cpus_is_lost, start_fifo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
