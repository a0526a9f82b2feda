/* SPDX-License-Identifier: Apache-2.0 */
#include "bhctl_fixture.h"
#include "core/upcall.h"

#include <string.h>

struct vcpu *boot;
struct vcpu *caller;
struct domain *brake, *linux_domain;
char said[SAID_BYTES];
size_t said_bytes;
static char buffer[BHCTL_BUFFER] __attribute__((aligned(4096)));

static int64_t call(struct bhctl_port *of, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    (void)of;
    return hypercall(caller, number, a0, a1, a2);
}

static void write_said(struct bhctl_port *of, const char *text, size_t bytes)
{
    (void)of;
    assert_true(said_bytes + bytes < sizeof(said));
    memcpy(said + said_bytes, text, bytes);
    said_bytes += bytes;
    said[said_bytes] = '\0';
}

uint64_t clock_step, clock_ns;
uint64_t quiet_step;

static uint64_t now(struct bhctl_port *unused)
{
    (void)unused;
    clock_ns += clock_step + quiet_step;
    upcall_trace(cpu_of(0), BULKHEAD_TRACE_RUN, caller, 0);
    if (clock_step > 0) {
        settle(); /* other CPUs go on meanwhile */
    }
    return clock_ns;
}

struct bhctl_port port = {.call = call, .write = write_said, .now = now, .buffer = buffer};

enum bhctl_exit run(const char *text)
{
    char line[100];

    assert_true(strlen(text) < sizeof(line));
    strcpy(line, text);
    said_bytes = 0;
    said[0] = '\0';
    return bhctl_run_line(&port, line);
}

void are_usage_errors(const char *const *texts)
{
    for (size_t i = 0; texts[i] != NULL; i++) {
        if (run(texts[i]) != BHCTL_USAGE) {
            fail_msg("'%s' is taken: %s", texts[i], said);
        }
    }
}

void set_identity(uint16_t domid, const char *name, uint16_t role, uint32_t flags)
{
    struct bulkhead_domain b = {.domid = domid, .role = role, .flags = flags};

    strcpy(b.name, name);
    assert_int_equal(do_bulkhead(boot, BULKHEAD_OP_SET_DOMAIN, &b), OK);
}

/* control (1) holds what the launch gives it over the safe brake (2) and the unsafe linux (3). */
int start(void **state)
{
    uint16_t ids[3];
    static const char *const names[] = {"control", "brake", "linux"};

    (void)state;
    boot = machine_start();
    claim_all(boot);
    for (uint32_t i = 0; i < 3u; i++) {
        ids[i] = build_domain(boot, names[i], (i == 2u) ? 2 : 1, 2);
        set_identity(ids[i], names[i], (i == 0u) ? BULKHEAD_ROLE_CONTROL : BULKHEAD_ROLE_DOMU,
                     (i == 2u) ? 0u : BULKHEAD_DOMAIN_SAFE);
        assert_int_equal(unpause(boot, ids[i]), OK);
        for (uint16_t right = 0; right < BULKHEAD_RIGHT_COUNT; right++) {
            if (((i == 2u ? BULKHEAD_RIGHTS_DOMAIN : BULKHEAD_RIGHTS_HARMLESS) >> right & 1u) != 0u) {
                assert_int_equal(move_right(boot, right, ids[i], ids[0]), OK);
            }
        }
    }
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_INFO, DOMID_SELF, ids[0]), OK);
    assert_int_equal(move_right(boot, BULKHEAD_RIGHT_CONSOLE, DOMID_SELF, ids[0]), OK);
    brake = domain_of(ids[1]);
    linux_domain = domain_of(ids[2]);
    assert_int_equal(exit_boot(boot, 0), OK);
    settle();
    caller = vcpu_of(ids[0], 0);
    clock_step = 0;
    quiet_step = 0;
    port.host = NULL;
    return 0;
}
