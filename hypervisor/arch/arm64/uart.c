/* SPDX-License-Identifier: Apache-2.0 */
/* The board's console device: PL011 or i.MX UART, set up by the firmware (baud rate, pins).
 * [impl->dsn~uart~1] */
#include "arch/arm64/platform.h"
#include "core/upcall.h"

#define PL011_CR     0x30u
#define PL011_IMSC   0x38u
#define PL011_ICR    0x44u
#define PL011_INT_RX 0x50u /* receive, receive time-out */
#define PL011_INT_TX 0x20u

#define IMX_UCR1        0x80u
#define IMX_UCR1_RRDYEN 0x200u
#define IMX_UCR1_TRDYEN 0x2000u

#define SYNC_POLLS 100000u /* reads of the status register before a character is given up */
#define RX_BATCH   32u     /* characters taken in one interrupt */

const struct uart_registers uart_registers[] = {
    [BOARD_UART_NONE] = {.empty = 1, .out = 4},
    [BOARD_UART_PL011] = {.status = 0x18, .full = 0x20, .empty = 0x10},            /* FR; DR */
    [BOARD_UART_IMX] = {.status = 0xb4, .full = 0x10, .empty = 0x20, .out = 0x40}, /* UTS; URXD, UTXD */
};

static const struct uart_registers *r = &uart_registers[BOARD_UART_NONE]; /* const after init */
static uint32_t nothing[2] = {1};                                         /* the registers of no UART */
static uint64_t base = (uint64_t)nothing;                                 /* const after init */

static uint32_t reg_read(uint32_t at)
{
    return *(volatile uint32_t *)(base + at);
}
static void reg_write(uint32_t at, uint32_t v)
{
    *(volatile uint32_t *)(base + at) = v;
}
static bool can_write(void)
{
    return (reg_read(r->status) & r->full) == 0u;
}

void uart_init(const struct board_table *b)
{
    if (b->uart_kind == BOARD_UART_PL011 || b->uart_kind == BOARD_UART_IMX) {
        base = VA_DEVICE + b->uart.base;
        r = &uart_registers[b->uart_kind];
    }
    arch_console_want_ready(false);
}

/* Interrupts: received always, ready on demand. */
void arch_console_want_ready(bool want)
{
    if (r == &uart_registers[BOARD_UART_PL011]) {
        reg_write(PL011_ICR, 0x7ff);
        reg_write(PL011_CR, 0x301); /* UART, transmit and receive enabled */
        reg_write(PL011_IMSC, PL011_INT_RX | (want ? PL011_INT_TX : 0u));
    } else if (r == &uart_registers[BOARD_UART_IMX]) {
        reg_write(IMX_UCR1, (reg_read(IMX_UCR1) & ~IMX_UCR1_TRDYEN) | IMX_UCR1_RRDYEN | (want ? IMX_UCR1_TRDYEN : 0u));
    }
}

size_t arch_console_write(const char *s, size_t n)
{
    size_t done = 0;

    while (done < n && can_write()) {
        reg_write(r->out, (uint8_t)s[done]);
        done++;
    }
    return done;
}

void arch_console_write_sync(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (uint32_t polls = 0; polls < SYNC_POLLS && !can_write(); polls++) {
        }
        reg_write(r->out, (uint8_t)s[i]);
    }
}

NOINLINE void uart_interrupt(void)
{
    for (uint32_t i = 0; i < RX_BATCH && (reg_read(r->status) & r->empty) == 0u; i++) {
        upcall_console_input((char)reg_read(0)); /* both have their data there */
    }
    upcall_console_ready();
}
