/* SPDX-License-Identifier: Apache-2.0 */
/* Device trees that come from outside: whole, consistent and aligned before anything of them is read. */
#ifndef BOOTDOMAIN_TREE_H
#define BOOTDOMAIN_TREE_H

#include <stdint.h>

/* The tree at [data, data + size), or a copy of it in `room` (8-byte aligned, room_bytes large) when data is not 8-byte
 * aligned: a cpio member is 4-byte aligned.  NULL, and said by the name `what`, when it is not a whole device tree.
 * Bound: size. */
const void *tree_get(const uint8_t *data, uint64_t size, const char *what, uint64_t *room, uint64_t room_bytes);

#endif
