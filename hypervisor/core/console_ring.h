/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that wait for the console device, and whose they are.  For console.c only, under its lock.
 * [impl->dsn~console-ring~1] */
#ifndef CORE_CONSOLE_RING_H
#define CORE_CONSOLE_RING_H

#include "core/domain.h"
#include "lib/types.h"

#define CONSOLE_SELF MAX_DOMAINS /* the hypervisor among the owners */

/* All n bytes or none; false: they are lost and counted for owner (a slot, or CONSOLE_SELF). */
bool console_ring_put(uint32_t owner, const char *s, size_t n);
/* As much to the device as it takes now, limit bytes at most; true: it would take more at once. */
bool console_ring_drain(size_t limit);
/* Everything to the device, waiting. */
void console_ring_flush(void);
/* See console_history(). */
size_t console_ring_history(uint32_t *index, char *to, size_t n, bool clear);
/* Bytes of owner lost and not yet told; n of them have been told. */
uint64_t console_ring_lost(uint32_t owner);
void console_ring_told(uint32_t owner, uint64_t n);
uint64_t console_ring_lost_total(void);

#endif
