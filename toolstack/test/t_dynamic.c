/* SPDX-License-Identifier: Apache-2.0 */
/* t_dynamic: a Control Domain that creates a domain, talks to it, restarts it, talks again and destroys it, `turns` times: each
 * time everything is as it was.  What the launch did not set aside is refused.
 * [itest->dsn~dynamic-domains~1, dsn~dynamic-memory~1, dsn~bhctl-create~1, dsn~domain-restart~1] */
#include <guest/fdt.h>
#include <guest/platform.h>
#include <guest/print.h>
#include <guest/test.h>
#include <guest/timer.h>
#include <guest/xen_time.h>

#include <stddef.h>
#include <string.h>

#include "calls.h"
#include "create.h"
#include "port.h"

#define ROUNDS     3u /* an event may be pending from the start */
#define PATIENCE_S 60u
#define MIB        UINT64_C(0x100000)

static struct shared_info *shared;
static const uint8_t *archive;
static uint64_t archive_size;

static struct bhctl_port port;

static enum bhctl_exit create(const char *name)
{
    return create_domain(&port, archive, archive_size, name, true);
}

/* It answers, ROUNDS times. */
static bool talk(evtchn_port_t to)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    xen_ulong_t bit = (xen_ulong_t)1 << to;
    struct evtchn_send send = {.port = to};

    for (uint32_t i = 0; i < ROUNDS; i++) {
        (void)__atomic_fetch_and(&shared->evtchn_pending[0], ~bit, __ATOMIC_ACQ_REL);
        while ((__atomic_load_n(&shared->evtchn_pending[0], __ATOMIC_ACQUIRE) & bit) == 0) {
            (void)event_channel_op(EVTCHNOP_send, &send); /* until it has bound its end: refused */
            if (ticks() > end) {
                return false;
            }
        }
    }
    return true;
}

/* Free memory, and what is left of the budget: pages. */
static void stock(uint64_t pages[2])
{
    struct xen_sysctl_physinfo info = {0};

    CHECK_EQUAL(call_physinfo(&port, &info), 0);
    pages[0] = info.free_pages;
    pages[1] = info.outstanding_pages;
}

static bool restart(const struct bhctl_domain *visitor, uint64_t times)
{
    uint64_t end = ticks() + PATIENCE_S * ticks_per_second();
    struct bulkhead_life life = {.domid = (uint16_t)visitor->info.domain};

    if (call_restart(&port, life.domid) != 0) {
        return false;
    }
    while (call_life(&port, &life) == 0 && life.restarts != times && ticks() < end) {
    }
    return life.restarts == times;
}

/* The line where it went wrong; 0: nowhere. */
static uint32_t live(uint32_t restarts)
{
    struct evtchn_alloc_unbound open = {.dom = DOMID_SELF};
    struct evtchn_close close;
    struct bhctl_domain visitor;
    uint32_t wrong = 0;

#define MUST(condition) wrong = (wrong != 0 || (condition)) ? wrong : __LINE__
    MUST(create("visitor") == BHCTL_GOOD);
    MUST(call_find(&port, "visitor", &visitor) == 0);
    if (wrong != 0) {
        return wrong;
    }
    open.remote_dom = (domid_t)visitor.info.domain;
    MUST(open.remote_dom == 2);
    MUST(event_channel_op(EVTCHNOP_alloc_unbound, &open) == 0);
    MUST(open.port == platform_argument("port", 1));
    MUST(call_domctl(&port, XEN_DOMCTL_unpausedomain, open.remote_dom) == 0);
    MUST(talk(open.port));
    for (uint32_t i = 1; i <= restarts; i++) {
        MUST(restart(&visitor, i));
        MUST(talk(open.port));
    }
    close.port = open.port;
    MUST(event_channel_op(EVTCHNOP_close, &close) == 0);
    MUST(call_destroy(&port, open.remote_dom) == 0);
    return wrong;
}

static void lives_leave_everything_as_it_was(void)
{
    uint64_t turns = platform_argument("turns", 10);
    uint64_t first[2], then[2] = {0, 0};

    stock(first);
    CHECK_EQUAL(first[1], 16 * MIB / 4096);
    for (uint64_t turn = 0; turn < turns; turn++) {
        uint32_t wrong = live(1);

        stock(then);
        if (wrong != 0 || then[0] != first[0] || then[1] != first[1]) {
            test_fail("turn %llu: line %u, %llu free of %llu, %llu left of %llu", (unsigned long long)turn,
                      (unsigned)wrong, (unsigned long long)then[0], (unsigned long long)first[0],
                      (unsigned long long)then[1], (unsigned long long)first[1]);
            return;
        }
    }
    print("t_dynamic: %llu lives, %llu restarts, %llu pages free, %llu left\n", (unsigned long long)turns,
          (unsigned long long)turns, (unsigned long long)then[0], (unsigned long long)then[1]);
}

static void what_was_not_set_aside_is_refused(void)
{
    struct bulkhead_boot_record record = {0};
    uint64_t first[2], then[2];

    do { /* until then the Boot Domain has the rights, and memory */
        CHECK_EQUAL(bulkhead_op(BULKHEAD_OP_BOOT_RECORD, &record), 0);
    } while (record.exited == 0);
    CHECK_EQUAL(call_settle(&port), 0);
    stock(first);
    CHECK_EQUAL(create("many"), BHCTL_FAILED);   /* vCPUs */
    CHECK_EQUAL(create("large"), BHCTL_REFUSED); /* memory */
    CHECK_EQUAL(create("tight"), BHCTL_FAILED);  /* memory for its tables: seen on the way */
    CHECK_EQUAL(create("closed"), BHCTL_FAILED); /* CPUs */
    CHECK_EQUAL(create("grand"), BHCTL_REFUSED); /* safe */
    CHECK_EQUAL(create("visitor"), BHCTL_GOOD);
    CHECK_EQUAL(create("second"), BHCTL_FAILED); /* numbers */
    CHECK_EQUAL(call_destroy(&port, 2), 0);
    stock(then);
    CHECK_EQUAL(then[0], first[0]);
    CHECK_EQUAL(then[1], first[1]);
}

int main(uint64_t x0)
{
    static const struct test tests[] = {
        {"refused", what_was_not_set_aside_is_refused},
        {"lives", lives_leave_everything_as_it_was},
    };

    platform_init(x0);
    port_open(&port);
    shared = shared_info_map();
    if (shared == NULL || !dt_ramdisk((const void *)x0, &archive, &archive_size)) {
        print("t_dynamic: no archive\n");
        shutdown(SHUTDOWN_crash);
    }
    test_run(tests, sizeof(tests) / sizeof(tests[0]));
}
