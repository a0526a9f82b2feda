/* SPDX-License-Identifier: Apache-2.0 */
/* Formatted text in a fixed buffer, and the lines that the Boot Domain says.
 *
 * Conversions: %s, %c, %u (unsigned int), %lu and %lx (unsigned long), %%.  Anything else is copied as it stands.
 * Characters outside printable ASCII that come in by %s or %c appear as '?': a description cannot steer a terminal. */
#ifndef BOOTDOMAIN_TEXT_H
#define BOOTDOMAIN_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_LINE_BYTES 256u

/* Write the text to `to`, at most size - 1 characters and a NUL.  size > 0.  Returns the characters written. */
size_t text_vformat(char *to, size_t size, const char *format, va_list args);
size_t text_format(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Say "boot: domain 'DOMAIN': TEXT", or "boot: TEXT" when domain is NULL.
 * A problem refuses something and is counted; a notice is not.
 * Text of a problem: what is wrong; how to put it right.
 * [impl->dsn~boot-messages~1] */
void log_problem(const char *domain, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_notice(const char *domain, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Problems said so far. */
uint32_t log_problem_count(void);

/* Put one line, without newline, on the console.  Defined by console.c on the target and by the tests on the host. */
void log_line(const char *line);

#endif
