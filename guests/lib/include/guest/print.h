/* SPDX-License-Identifier: Apache-2.0 */
/* Formatted text.  Conversions: %c %s %d %i %u %x %X %p %%, with flags - 0, width, precision (number or *) and the
 * length modifiers hh h l ll z j.  Anything else is copied as it stands.
 * [impl->dsn~guest-print~1] */
#ifndef GUEST_PRINT_H
#define GUEST_PRINT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* As in C: the result always ends in NUL when size > 0; returns the length the whole text would have. */
int vsnprintf(char *to, size_t size, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));
int snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

enum console {
    CONSOLE_NONE = 0,
    CONSOLE_XEN = 1,  /* console_io */
    CONSOLE_UART = 2, /* PL011, virtual or not */
    CONSOLE_BOTH = 3,
};

/* Where print() goes; CONSOLE_XEN before the first call.  uart: address of the PL011, 0 = none. */
void console_set(enum console where, uint64_t uart);

/* At most PRINT_MAX - 1 characters a call; the rest is cut.  One call is one hypercall or one burst. */
#define PRINT_MAX 256
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Write bytes as they are. */
void console_write(const char *text, size_t bytes);

#endif
