/* SPDX-License-Identifier: Apache-2.0 */
/* console_io: a domain's console without a UART.
 * [impl->dsn~console-io~1] */
#include "arch/contract/arch.h"
#include "core/console.h"
#include "core/hypercall.h"

#include <xen/xen.h>

#define PIECE 128u /* bytes a step */

/* Restarted after each piece; the registers say what is left. */
static int64_t op_write(struct vcpu *v, uint64_t *args)
{
    char text[PIECE];
    uint32_t count = (uint32_t)args[1];
    size_t n = (count < PIECE) ? count : PIECE;
    err_t err;

    if ((int32_t)count < 0) {
        return ERR_INVAL;
    }
    err = copy_in(text, GVA(args[2]), n);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        console_put(v->domain, text[i]);
    }
    args[1] = count - n;
    args[2] += n;
    return (args[1] != 0u) ? ERR_RESTART : OK;
}

/* Bytes read; short reads are normal. */
static int64_t op_read(struct vcpu *v, const uint64_t *args)
{
    char text[PIECE];
    uint32_t count = (uint32_t)args[1];
    size_t n;
    err_t err;

    if ((int32_t)count < 0) {
        return ERR_INVAL;
    }
    n = console_take(v->domain, text, (count < PIECE) ? count : PIECE);
    err = copy_out(GVA(args[2]), text, n);
    return (err == OK) ? (int64_t)n : err;
}

int64_t console_io(struct vcpu *v, uint64_t *args)
{
    switch ((uint32_t)args[0]) {
    case CONSOLEIO_write:
        return op_write(v, args);
    case CONSOLEIO_read:
        return op_read(v, args);
    default:
        return ERR_NOSYS;
    }
}
