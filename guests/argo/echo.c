/* SPDX-License-Identifier: Apache-2.0 */
/* echo: answers every message with the same bytes inverted, to whoever sent it.  Its ring is open to all domains. */
#include "ring.h"

#include <guest/platform.h>
#include <guest/print.h>

#define ECHO_PORT 80u

int main(uint64_t x0)
{
    static struct message m;
    int64_t result;

    platform_init(x0);
    platform_print_by_hypercall();
    result = ring_open(ECHO_PORT, XEN_ARGO_DOMID_ANY);
    print("echo: ring %u %s (%lld)\n", ECHO_PORT, result == 0 ? "open" : "refused", (long long)result);
    while (result >= 0) {
        ring_receive(&m);
        for (uint32_t i = 0; i < m.bytes; i++) {
            m.data[i] = (uint8_t)~m.data[i];
        }
        result = ring_send(m.source, m.type, m.data, m.bytes);
    }
    print("echo: answer refused (%lld)\n", (long long)result);
    return 1;
}
