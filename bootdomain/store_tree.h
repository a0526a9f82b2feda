/* SPDX-License-Identifier: Apache-2.0 */
/* What a server of rings is told at its start: requests in the protocol of xenstore (xen/io/xs_wire.h), one behind the
 * other, which it does in the name of the launch.  For the store: its clients (INTRODUCE) and its first tree, with both
 * ends of every disk and network interface.  For the console domain: whose consoles it serves (CONTROL "console").
 * [impl->dsn~boot-store-tree~1] */
#ifndef BOOTDOMAIN_STORE_TREE_H
#define BOOTDOMAIN_STORE_TREE_H

#include "plan.h"

#define STORE_TREE_BYTES 0x40000u

/* Write what domain `server` of the plan is told; *size gets its bytes.  False, and said, when it is too large. */
bool store_tree_write(const struct plan *plan, uint32_t server, uint8_t to[STORE_TREE_BYTES], uint32_t *size);

#endif
