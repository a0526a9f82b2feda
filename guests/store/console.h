/* SPDX-License-Identifier: Apache-2.0 */
/* One domain's paravirtual console (xen/io/console.h): bytes between its ring and its lines on the machine's console.
 * [impl->dsn~store-console~1] */
#ifndef STORE_CONSOLE_H
#define STORE_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/console.h>

#define CONSOLE_PIECE 256u

struct served_console {
    volatile struct xencons_interface *page; /* shared with the domain */
    uint16_t domid;
    uint32_t taken, put; /* our indices: of output, of input */
    uint32_t waits, at;  /* input that has no room yet */
    char input[CONSOLE_PIECE];
};

/* What the machine does for it; each returns bytes. */
struct served_machine {
    void (*write)(uint16_t domid, const char *text, uint32_t count);
    uint32_t (*read)(uint16_t domid, char *text, uint32_t most);
};

void console_open(struct served_console *console, uint16_t domid, volatile struct xencons_interface *page);

/* Move at most CONSOLE_PIECE bytes each way.  A ring whose indices cannot be is skipped over.  True: the domain must be
 * told. */
bool console_serve(struct served_console *console, const struct served_machine *machine);

#endif
