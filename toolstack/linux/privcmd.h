/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/xen/privcmd, and what create needs of it. */
#ifndef TOOLSTACK_PRIVCMD_H
#define TOOLSTACK_PRIVCMD_H

#include <stdint.h>

#include "bhctl.h"

extern long privcmd; /* the open file */
/* Linux hands on the hypervisor's error, whose numbers it shares. */
int64_t privcmd_call(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2);

/* create FILE [DOMAIN] */
enum bhctl_exit privcmd_create(struct bhctl_port *port, const char *file, const char *name, bool paused);

#endif
