/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's own messages.
 * [impl->dsn~print~1] */
#ifndef CORE_PRINT_H
#define CORE_PRINT_H

#include "lib/types.h"

/* One line into the console ring; understands %s %u %x with l/ll and width/0/-, nothing else.  Cut at 240 bytes.  Any CPU. */
void print(const char *format, ...) PRINTF(1, 2);
/* The same for one that the machine dies of: straight to the device, waiting; no lock. */
void print_panic(const char *format, ...) PRINTF(1, 2);
/* Formats like print() into buf; returns the length without the NUL, at most size - 1.  size >= 1 */
size_t format_string(char *buf, size_t size, const char *format, ...) PRINTF(3, 4);

#endif
