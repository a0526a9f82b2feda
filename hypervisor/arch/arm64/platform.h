/* SPDX-License-Identifier: Apache-2.0 */
/* The board, as the rest of arch/arm64 sees it.
 * [impl->dsn~platform~1] */
#ifndef ARCH_ARM64_PLATFORM_H
#define ARCH_ARM64_PLATFORM_H

#include "bulkhead/board.h"
#include "lib/types.h"

extern const struct board_table *board; /* const after start */

/* Part of the RAM of the board table.  Bound: BOARD_MAX_RAM. */
static inline bool platform_is_ram(maddr_t a)
{
    for (uint32_t i = 0; i < board->ram_count; i++) {
        if (a.v - board->ram[i].base < board->ram[i].size) {
            return true;
        }
    }
    return false;
}

/* The console device; a no-op where the board has none. */
/* A UART's status register, what its bits say, and where characters go; where they come from is register 0.  By enum
 * board_uart. */
struct uart_registers {
    uint16_t status;
    uint16_t full;  /* not one character more can be sent */
    uint16_t empty; /* none is there */
    uint16_t out;
};
extern const struct uart_registers uart_registers[];
void uart_init(const struct board_table *b);
/* Interrupt of the console device. */
void uart_interrupt(void);

#endif
