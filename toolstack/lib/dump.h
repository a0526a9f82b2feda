/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's registers and memory as an ELF core file, and requests to a domain's kernel through xenstore. */
#ifndef TOOLSTACK_DUMP_H
#define TOOLSTACK_DUMP_H

#include "calls.h"

/* What debuggers read: a note NT_PRSTATUS for each vCPU, a segment for each stretch of RAM, at its guest-physical address.  The
 * domain is paused meanwhile, unless it has stopped.  -EPERM, -ENODEV no files, an error of the file.
 * [impl->dsn~bhctl-dump~1] */
int64_t dump_domain(struct bhctl_port *port, const struct bhctl_domain *domain, const char *path);

/* "poweroff" or "reboot" is written to its control/shutdown.  Returns when it has taken the request; -ETIMEDOUT it has not
 * within ten seconds, and it is withdrawn; -EINVAL it has ended; -ENOENT it has no xenstore; -ENODEV this domain has none; -EPERM.
 * [impl->dsn~bhctl-request~1] */
int64_t request_end(struct bhctl_port *port, const struct bhctl_domain *domain, const char *what);

#endif
