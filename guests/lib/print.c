/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/hypercall.h>
#include <guest/pl011.h>
#include <guest/print.h>

#include <stdbool.h>

static struct {
    bool set;
    enum console where;
    uint64_t uart;
} console;

void console_set(enum console where, uint64_t uart)
{
    console.set = true;
    console.where = where;
    console.uart = uart;
}

void console_write(const char *text, size_t bytes)
{
    enum console where = console.set ? console.where : CONSOLE_XEN;

    if ((where & CONSOLE_XEN) != 0) {
        (void)console_io(CONSOLEIO_write, (unsigned int)bytes, text);
    }
    if ((where & CONSOLE_UART) != 0 && console.uart != 0) {
        pl011_write(console.uart, text, bytes);
    }
}

void print(const char *format, ...)
{
    char text[PRINT_MAX];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    console_write(text, length < PRINT_MAX ? (size_t)length : PRINT_MAX - 1);
}
