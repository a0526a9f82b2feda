/* SPDX-License-Identifier: Apache-2.0 */
/* bhctl create: a domain at run time, from the same archive as the launch's, built by the Boot Domain's own builder in the
 * domain that holds the right to.  The hypervisor keeps what the launch set aside (`dynamic`); what is checked here is
 * checked for the message's sake.
 * [impl->dsn~bhctl-create~1] */
#ifndef TOOLSTACK_CREATE_H
#define TOOLSTACK_CREATE_H

#include "bhctl.h"

/* Domain `name` of the archive (NULL: its only one).  data: the archive, 4-byte aligned at least. */
enum bhctl_exit create_domain(struct bhctl_port *port, const uint8_t *data, uint64_t size, const char *name,
                              bool paused);

#endif
