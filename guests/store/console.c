/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"

#define OUT_BYTES ((uint32_t)sizeof(((struct xencons_interface *)0)->out))
#define IN_BYTES  ((uint32_t)sizeof(((struct xencons_interface *)0)->in))

static void after_index(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void console_open(struct served_console *console, uint16_t domid, volatile struct xencons_interface *page)
{
    *console = (struct served_console){.page = page, .domid = domid, .taken = page->out_cons, .put = page->in_prod};
}

static bool take_output(struct served_console *console, const struct served_machine *machine)
{
    char text[CONSOLE_PIECE];
    uint32_t has = console->page->out_prod - console->taken;
    uint32_t count = (has < CONSOLE_PIECE) ? has : CONSOLE_PIECE;

    if (has > OUT_BYTES) { /* no such ring: what was in it is lost */
        console->taken += has;
        console->page->out_cons = console->taken;
        return false;
    }
    after_index();
    for (uint32_t i = 0; i < count; i++) {
        text[i] = console->page->out[MASK_XENCONS_IDX(console->taken + i, console->page->out)];
    }
    after_index();
    console->taken += count;
    console->page->out_cons = console->taken;
    if (count != 0u) {
        machine->write(console->domid, text, count);
    }
    return count != 0u;
}

static bool give_input(struct served_console *console)
{
    uint32_t room = IN_BYTES - (console->put - console->page->in_cons);
    uint32_t count = console->waits - console->at;

    if (room > IN_BYTES) { /* no such ring: begin where the domain reads */
        console->put = console->page->in_cons;
        room = 0;
    }
    count = (count < room) ? count : room;
    after_index();
    for (uint32_t i = 0; i < count; i++) {
        console->page->in[MASK_XENCONS_IDX(console->put + i, console->page->in)] = console->input[console->at + i];
    }
    after_index();
    console->at += count;
    console->put += count;
    console->page->in_prod = console->put;
    return count != 0u;
}

bool console_serve(struct served_console *console, const struct served_machine *machine)
{
    bool moved = take_output(console, machine);

    if (console->at == console->waits) {
        console->at = 0;
        console->waits = machine->read(console->domid, console->input, CONSOLE_PIECE);
    }
    return give_input(console) || moved;
}
