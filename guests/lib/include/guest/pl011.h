/* SPDX-License-Identifier: Apache-2.0 */
/* PL011, polled. */
#ifndef GUEST_PL011_H
#define GUEST_PL011_H

#include <stddef.h>
#include <stdint.h>

#define PL011_DR      0x000u
#define PL011_FR      0x018u
#define PL011_CR      0x030u
#define PL011_IMSC    0x038u
#define PL011_RIS     0x03cu
#define PL011_MIS     0x040u
#define PL011_ICR     0x044u
#define PL011_FR_TXFF 0x20u
#define PL011_FR_RXFE 0x10u

/* Enable transmitter and receiver; speed and format stay as the firmware left them. */
void pl011_enable(uint64_t base);

/* Write bytes, waiting while the FIFO is full; LF goes out as LF. */
void pl011_write(uint64_t base, const char *text, size_t bytes);

/* A byte, or -1 when none waits. */
int pl011_read(uint64_t base);

#endif
