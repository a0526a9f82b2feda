/* SPDX-License-Identifier: Apache-2.0 */
/* PL011 r1p5 (DDI 0183): what is sent leaves at once, so the transmit queue is always empty; what is received waits in a
 * ring.  The registers that only real lines need (baud rate, DMA, IrDA) are stored. */
#include "arch/arm64/vuart.h"
#include "arch/arm64/vgic_internal.h"
#include "lib/string.h"

enum pl011_register {
    UART_DR = 0x00,
    UART_RSR = 0x04,
    UART_FR = 0x18,
    UART_STORED = 0x20, /* ILPR, the first of those that are stored */
    UART_CR = 0x30,
    UART_IFLS = 0x34,
    UART_IMSC = 0x38,
    UART_RIS = 0x3c,
    UART_MIS = 0x40,
    UART_ICR = 0x44,
};

/* Bits that are stored of each register from UART_STORED on. */
static const uint16_t stored_bits[VUART_STORED] = {
    0xff,   0xffff, 0x3f,  0xff, /* ILPR, IBRD, FBRD, LCR_H */
    0xff87, 0x3f,   0x7ff, 0,    /* CR, IFLS, IMSC */
    0,      0,      7,           /* DMACR */
};

#define INT_RX      BIT(4)
#define INT_TX      BIT(5)
#define INT_RT      BIT(6)
#define INT_OE      BIT(10)
#define DR_OVERRUN  BIT(11)
#define RSR_OVERRUN BIT(3)
#define FR_RXFE     BIT(4)
#define FR_RXFF     BIT(6)
#define FR_TXFE     BIT(7)
#define CR_RESET    0x300u /* RXE, TXE */
#define IFLS_RESET  0x12u

static_assert(sizeof(((struct vuart *)NULL)->rx) == ARCH_VUART_RX_MAX, "receive queue");

static bool is_stored(uint32_t offset)
{
    return offset - UART_STORED < 4u * VUART_STORED;
}

static uint32_t *stored(struct vuart *u, uint32_t offset)
{
    return &u->stored[(offset - UART_STORED) / 4u % VUART_STORED];
}

void vuart_init(struct domain *d)
{
    struct vuart *u = &d->arch.vuart;

    spin_lock(&u->lock);
    u->rx_tail = u->rx_head;
    u->overrun = 0;
    memset(u->stored, 0, sizeof(u->stored));
    *stored(u, UART_CR) = CR_RESET;
    *stored(u, UART_IFLS) = IFLS_RESET;
    u->ris = (uint32_t)INT_TX;
    __atomic_store_n(&u->line, 0u, __ATOMIC_RELAXED);
    spin_unlock(&u->lock);
}

static uint32_t queued(const struct vuart *u)
{
    return u->rx_head - u->rx_tail;
}

/* Received characters that wait keep the receive timeout interrupt up, whatever the guest clears: none is forgotten. */
static void update(struct vuart *u) REQUIRES(u->lock)
{
    if (queued(u) == 0u) {
        u->ris &= ~(uint32_t)(INT_RX | INT_RT);
    } else {
        u->ris |= (uint32_t)INT_RT;
    }
    __atomic_store_n(&u->line, u->ris & *stored(u, UART_IMSC), __ATOMIC_RELAXED);
}

static uint32_t read_dr(struct vuart *u) REQUIRES(u->lock)
{
    uint32_t value;

    if (queued(u) == 0u) {
        return 0;
    }
    value = u->rx[u->rx_tail % ARCH_VUART_RX_MAX];
    u->rx_tail++;
    if (u->overrun != 0u) {
        value |= (uint32_t)DR_OVERRUN;
        u->overrun = 0;
    }
    return value;
}

static uint32_t read_reg(struct vuart *u, uint32_t offset) REQUIRES(u->lock)
{
    static const uint8_t ids[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1}; /* PL011 r1p5, PrimeCell */

    switch (offset) {
    case UART_DR:
        return read_dr(u);
    case UART_RSR:
        return (u->overrun != 0u) ? (uint32_t)RSR_OVERRUN : 0u;
    case UART_FR:
        return (uint32_t)(FR_TXFE | (queued(u) == 0u ? FR_RXFE : 0u) | (queued(u) == ARCH_VUART_RX_MAX ? FR_RXFF : 0u));
    case UART_RIS:
        return u->ris;
    case UART_MIS:
        return u->ris & *stored(u, UART_IMSC);
    default:
        if (offset >= 0xfe0u) {
            return ids[(offset - 0xfe0u) / 4u];
        }
        return is_stored(offset) ? *stored(u, offset) : 0u;
    }
}

static void write_reg(struct vuart *u, uint32_t offset, uint32_t value) REQUIRES(u->lock)
{
    switch (offset) {
    case UART_DR:
        u->ris |= (uint32_t)INT_TX; /* sent: the queue is empty again */
        break;
    case UART_RSR:
        u->overrun = 0;
        break;
    case UART_ICR:
        u->ris &= ~value;
        break;
    default:
        if (is_stored(offset)) {
            *stored(u, offset) = value & stored_bits[(offset - UART_STORED) / 4u % VUART_STORED];
        }
        break;
    }
}

bool vuart_access(struct vcpu *v, struct mmio *m)
{
    struct vuart *u = &v->domain->arch.vuart;
    uint32_t offset = (uint32_t)m->offset;
    uint32_t before;

    if (m->offset >= 0x1000u) {
        return false;
    }
    if (m->size > 4u || (offset & 3u) != 0u) {
        m->value = 0;
        return true;
    }
    if (m->write && offset == UART_DR) {
        upcall_console_output(v->domain, (char)m->value);
    }
    spin_lock(&u->lock);
    before = u->line;
    if (m->write) {
        write_reg(u, offset, (uint32_t)m->value);
    } else {
        m->value = read_reg(u, offset) & ((m->size == 4u) ? UINT32_MAX : (1u << (8u * m->size)) - 1u);
    }
    update(u);
    before ^= u->line;
    spin_unlock(&u->lock);
    if (before != 0u) {
        vgic_sample_line(v->domain, VUART_SPI, &u->line);
    }
    return true;
}

bool vuart_receive(struct domain *d, char c)
{
    struct vuart *u = &d->arch.vuart;
    bool room;

    spin_lock(&u->lock);
    room = queued(u) < ARCH_VUART_RX_MAX;
    if (room) {
        u->rx[u->rx_head % ARCH_VUART_RX_MAX] = (uint8_t)c;
        u->rx_head++;
        u->ris |= (uint32_t)INT_RX;
    } else {
        u->ris |= (uint32_t)INT_OE;
        u->overrun = 1;
        u->lost++;
    }
    update(u);
    spin_unlock(&u->lock);
    vgic_sample_line(d, VUART_SPI, &u->line);
    return room;
}
