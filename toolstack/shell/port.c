/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/timer.h>

static char buffer[BHCTL_BUFFER] __attribute__((aligned(4096)));

static int64_t call(struct bhctl_port *port, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    (void)port;
    return hypercall3(number, a0, a1, a2);
}

static void write(struct bhctl_port *port, const char *text, size_t bytes)
{
    (void)port;
    console_write(text, bytes);
}

static uint64_t now(struct bhctl_port *port)
{
    (void)port;
    return ticks_to_ns(ticks());
}

void port_open(struct bhctl_port *port)
{
    port->call = call;
    port->write = write;
    port->now = now;
    port->buffer = buffer;
}
