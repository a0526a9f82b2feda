/* SPDX-License-Identifier: Apache-2.0 */
/* ask: sends `n` messages of all lengths to domain `to`, two at a time, and compares the answers.
 * [itest->dsn~argo~1] [itest->dsn~argo-space~1] [itest->dsn~argo-allowed~1] */
#include "ring.h"

#include <guest/hypercall.h>
#include <guest/platform.h>
#include <guest/print.h>

#include <xen/sched.h>

#define ECHO_PORT 80u
#define OWN_PORT  81u
#define EPERM     1

static uint8_t byte_of(uint32_t number, uint32_t i)
{
    return (uint8_t)(number * 31u + i * 7u);
}

static uint32_t length_of(uint32_t number)
{
    return number * 137u % (RING_MAX + 1u);
}

static bool is_answer(const struct message *m, uint32_t number)
{
    if (m->type != number || m->bytes != length_of(number)) {
        return false;
    }
    for (uint32_t i = 0; i < m->bytes; i++) {
        if (m->data[i] != 255u - byte_of(number, i)) {
            return false;
        }
    }
    return true;
}

static bool ask(struct xen_argo_addr to, uint32_t number)
{
    static uint8_t data[RING_MAX];

    for (uint32_t i = 0; i < length_of(number); i++) {
        data[i] = byte_of(number, i);
    }
    return ring_send(to, number, data, length_of(number)) == (int64_t)length_of(number);
}

int main(uint64_t x0)
{
    static struct message m;
    struct xen_argo_addr to = {.aport = ECHO_PORT};
    uint32_t n, good = 0;
    int64_t open;

    platform_init(x0);
    platform_print_by_hypercall();
    n = (uint32_t)platform_argument("n", 1000);
    to.domain_id = (domid_t)platform_argument("to", 1);
    if (ring_open(OWN_PORT, XEN_ARGO_DOMID_ANY) != -EPERM) {
        print("ask: a ring for anybody was not refused\n");
        shutdown(SHUTDOWN_crash);
    }
    open = ring_open(OWN_PORT, to.domain_id);
    if (open != 0) {
        print("ask: no ring (%lld)\n", (long long)open);
        shutdown(SHUTDOWN_crash);
    }
    for (uint32_t i = 0; i < n; i += 2) {
        bool sent = ask(to, i) && ask(to, i + 1u);

        for (uint32_t k = 0; sent && k < 2u; k++) {
            ring_receive(&m);
            good += is_answer(&m, i + k) ? 1u : 0u;
        }
    }
    print("ask: %u of %u messages were answered right\n", good, n);
    shutdown(SHUTDOWN_poweroff);
}
