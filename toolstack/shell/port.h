/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl's transport in a domain without an operating system: hypercalls, and its console. */
#ifndef TOOLSTACK_PORT_H
#define TOOLSTACK_PORT_H

#include "bhctl.h"

/* Fill in call, write, now and buffer.  There is one buffer. */
void port_open(struct bhctl_port *port);

#endif
