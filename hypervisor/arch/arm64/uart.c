/* SPDX-License-Identifier: Apache-2.0 */
/* The board's console device: PL011 or i.MX UART, set up by the firmware (baud rate, pins).
 * [impl->dsn~uart~1] */
#include "arch/arm64/layout.h"
#include "arch/arm64/platform.h"
#include "arch/contract/arch.h"
#include "core/upcall.h"

#define PL011_DR      0x00u
#define PL011_FR      0x18u
#define PL011_CR      0x30u
#define PL011_IMSC    0x38u
#define PL011_ICR     0x44u
#define PL011_FR_RXFE 0x10u
#define PL011_FR_TXFF 0x20u
#define PL011_INT_RX  0x50u /* receive, receive time-out */
#define PL011_INT_TX  0x20u

#define IMX_URXD        0x00u
#define IMX_UTXD        0x40u
#define IMX_UCR1        0x80u
#define IMX_UTS         0xb4u
#define IMX_UTS_TXFULL  0x10u
#define IMX_URXD_VALID  0x8000u
#define IMX_UCR1_RRDYEN 0x200u
#define IMX_UCR1_TRDYEN 0x2000u

#define SYNC_POLLS 100000u /* reads of the status register before a character is given up */
#define RX_BATCH   32u     /* characters taken in one interrupt */

struct uart_driver {
    bool (*can_write)(void);
    void (*write)(char c);
    bool (*read)(char *c);
    void (*want)(bool ready); /* interrupts: receive always, ready on demand */
};

static uint64_t base; /* const after init */

static uint32_t reg_read(uint32_t r)
{
    return *(volatile uint32_t *)(base + r);
}
static void reg_write(uint32_t r, uint32_t v)
{
    *(volatile uint32_t *)(base + r) = v;
}

static bool pl011_can_write(void)
{
    return (reg_read(PL011_FR) & PL011_FR_TXFF) == 0u;
}
static void pl011_write(char c)
{
    reg_write(PL011_DR, (uint8_t)c);
}
static bool pl011_read(char *c)
{
    if ((reg_read(PL011_FR) & PL011_FR_RXFE) != 0u) {
        return false;
    }
    *c = (char)reg_read(PL011_DR);
    return true;
}
static void pl011_want(bool ready)
{
    reg_write(PL011_ICR, 0x7ff);
    reg_write(PL011_CR, 0x301); /* UART, transmit and receive enabled */
    reg_write(PL011_IMSC, PL011_INT_RX | (ready ? PL011_INT_TX : 0u));
}

static bool imx_can_write(void)
{
    return (reg_read(IMX_UTS) & IMX_UTS_TXFULL) == 0u;
}
static void imx_write(char c)
{
    reg_write(IMX_UTXD, (uint8_t)c);
}
static bool imx_read(char *c)
{
    uint32_t v = reg_read(IMX_URXD);

    *c = (char)v;
    return (v & IMX_URXD_VALID) != 0u;
}
static void imx_want(bool ready)
{
    uint32_t v = reg_read(IMX_UCR1) & ~IMX_UCR1_TRDYEN;

    reg_write(IMX_UCR1, v | IMX_UCR1_RRDYEN | (ready ? IMX_UCR1_TRDYEN : 0u));
}

static bool none_can_write(void)
{
    return true;
}
static void none_write(char c)
{
    (void)c;
}
static bool none_read(char *c)
{
    (void)c;
    return false;
}
static void none_want(bool ready)
{
    (void)ready;
}

static const struct uart_driver drivers[] = {
    [BOARD_UART_NONE] = {none_can_write, none_write, none_read, none_want},
    [BOARD_UART_PL011] = {pl011_can_write, pl011_write, pl011_read, pl011_want},
    [BOARD_UART_IMX] = {imx_can_write, imx_write, imx_read, imx_want},
};
static const struct uart_driver *driver = &drivers[BOARD_UART_NONE]; /* const after init */

void uart_init(const struct board_table *b)
{
    base = VA_DEVICE + b->uart.base;
    if (b->uart_kind < ARRAY_SIZE(drivers)) {
        driver = &drivers[b->uart_kind];
    }
    driver->want(false);
}

size_t arch_console_write(const char *s, size_t n)
{
    size_t done = 0;

    while (done < n && driver->can_write()) {
        driver->write(s[done]);
        done++;
    }
    return done;
}

void arch_console_want_ready(bool want)
{
    driver->want(want);
}

void arch_console_write_sync(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (uint32_t polls = 0; polls < SYNC_POLLS && !driver->can_write(); polls++) {
        }
        driver->write(s[i]);
    }
}

NOINLINE void uart_interrupt(void)
{
    char c;

    for (uint32_t i = 0; i < RX_BATCH && driver->read(&c); i++) {
        upcall_console_input(c);
    }
    upcall_console_ready();
}
