/* SPDX-License-Identifier: Apache-2.0 */
/* The console device of the modelled machine. */
#include "arch/contract/arch.h"
#include "arch/host/host.h"

#include <string.h>

static struct {
    char text[HOST_CONSOLE];
    size_t used;
    size_t room;
    bool wanted;
    void (*at_write)(void);
} console;

size_t arch_console_write(const char *s, size_t n)
{
    size_t take = (n < console.room) ? n : console.room;

    if (console.at_write != NULL) {
        console.at_write();
    }
    if (console.used + take >= sizeof(console.text)) {
        console.used = 0;
    }
    memcpy(console.text + console.used, s, take);
    console.used += take;
    console.text[console.used] = '\0';
    if (console.room != SIZE_MAX) {
        console.room -= take;
    }
    return take;
}

void arch_console_write_sync(const char *s, size_t n)
{
    size_t room = console.room;

    console.room = SIZE_MAX;
    (void)arch_console_write(s, n);
    console.room = room;
}

void arch_console_want_ready(bool want)
{
    console.wanted = want;
}

const char *host_console(void)
{
    return console.text;
}

void host_console_clear(void)
{
    console.used = 0;
    console.text[0] = '\0';
}

void host_console_room(size_t room)
{
    console.room = room;
}

void host_console_at_write(void (*fn)(void))
{
    console.at_write = fn;
}

bool host_console_wanted(void)
{
    return console.wanted;
}
