/* SPDX-License-Identifier: Apache-2.0 */
/* Writing into a domain that is being built, through the Boot Domain's window of foreign mappings.
 * What was written is cleaned to the point of coherency: the domain starts with its MMU off. */
#ifndef BOOTDOMAIN_WINDOW_H
#define BOOTDOMAIN_WINDOW_H

#include <stdint.h>

/* The largest piece that can be open at a time: the pages of [gaddr, gaddr + bytes) must be no more than 512. */
#define WINDOW_PIECE UINT64_C(0x1ff000)

/* Map [gaddr, gaddr + bytes) of the domain, bytes 1..WINDOW_PIECE, and point *at to it.  0 or a negative errno.
 * One piece is open at a time. */
int64_t window_open(uint16_t domid, uint64_t gaddr, uint64_t bytes, uint8_t **at);

/* Clean what was open and unmap it. */
int64_t window_close(uint16_t domid, uint64_t gaddr, uint64_t bytes);

/* What is done with an open piece of window_each's range. */
typedef void window_visit(void *context, uint8_t *at, uint64_t bytes);

/* Open, visit and close [gaddr, gaddr + bytes) of the domain, a piece at a time and in order.  0 or a negative errno; the
 * first one ends it. */
int64_t window_each(uint16_t domid, uint64_t gaddr, uint64_t bytes, window_visit *visit, void *context);

/* Copy `bytes` to the domain's gaddr. */
int64_t window_copy(uint16_t domid, uint64_t gaddr, const uint8_t *from, uint64_t bytes);

#endif
