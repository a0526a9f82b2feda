/* SPDX-License-Identifier: Apache-2.0 */
/* console_io: a domain's console without a UART; and the consoles of others, for who serves them.
 * [impl->dsn~console-io~1] [impl->dsn~console-served~1] */
#include "core/console.h"
#include "core/hypercall.h"

#include <xen/xen.h>

#define PIECE 32u /* bytes a step */

/* One piece; c says afterwards what is left, or how much was read. */
static err_t move_piece(struct domain *d, struct bulkhead_console *c)
{
    char text[PIECE];
    size_t n = (c->count < PIECE) ? c->count : PIECE;
    err_t err;

    if ((c->flags & BULKHEAD_CONSOLE_READ) != 0u) {
        c->count = (uint32_t)console_take(d, text, n);
        return copy_out(GVA(c->buffer), text, c->count);
    }
    err = copy_in(text, GVA(c->buffer), n);
    if (err != OK) {
        return err;
    }
    console_write(d, text, n);
    c->count -= (uint32_t)n;
    c->buffer += n;
    return OK;
}

err_t bulkhead_console(struct vcpu *v UNUSED, struct domain *d, void *structure)
{
    struct bulkhead_console *c = structure;
    err_t err = ((c->flags & ~BULKHEAD_CONSOLE_READ) == 0u) ? move_piece(d, c) : ERR_INVAL;

    return (err == OK && c->count != 0u && c->flags == 0u) ? ERR_RESTART : err;
}

/* Bytes read; short reads are normal.  What is written is restarted after each piece: the registers say what is left. */
int64_t console_io(struct vcpu *v, uint64_t *args)
{
    uint32_t op = (uint32_t)args[0];
    struct bulkhead_console c = {.count = (uint32_t)args[1], .buffer = args[2]};
    err_t err;

    if (op != CONSOLEIO_write && op != CONSOLEIO_read) {
        return ERR_NOSYS;
    }
    c.flags = (op == CONSOLEIO_read) ? BULKHEAD_CONSOLE_READ : 0u;
    err = ((int32_t)c.count >= 0) ? move_piece(v->domain, &c) : ERR_INVAL;
    if (err != OK || op == CONSOLEIO_read) {
        return (err == OK) ? (int64_t)c.count : err;
    }
    args[1] = c.count;
    args[2] = c.buffer;
    return (c.count != 0u) ? ERR_RESTART : OK;
}
