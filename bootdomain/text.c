/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdbool.h>

#define DIGITS_MAX 20u

struct sink {
    char *to;
    size_t room; /* characters, the NUL not counted */
    size_t used;
};

static uint32_t problems;

static void put(struct sink *sink, char c)
{
    if (sink->used < sink->room) {
        sink->to[sink->used] = c;
        sink->used++;
    }
}

static void put_visible(struct sink *sink, char c)
{
    put(sink, (c < ' ' || c > '~') ? '?' : c);
}

static void put_string(struct sink *sink, const char *s)
{
    const char *from = (s == NULL) ? "(none)" : s;

    for (size_t i = 0; from[i] != '\0' && sink->used < sink->room; i++) {
        put_visible(sink, from[i]);
    }
}

static void put_number(struct sink *sink, unsigned long value, unsigned long base)
{
    char digits[DIGITS_MAX];
    size_t count = 0;
    unsigned long rest = value;

    do {
        digits[count] = "0123456789abcdef"[rest % base];
        rest /= base;
        count++;
    } while (rest != 0 && count < DIGITS_MAX);
    while (count > 0) {
        count--;
        put(sink, digits[count]);
    }
}

/* One conversion; format points behind the '%'.  Returns the characters of the format used, 0 = not a conversion. */
static size_t convert(struct sink *sink, const char *format, va_list *args)
{
    if (format[0] == 's') {
        put_string(sink, va_arg(*args, const char *));
        return 1;
    }
    if (format[0] == 'c') {
        put_visible(sink, (char)va_arg(*args, int));
        return 1;
    }
    if (format[0] == 'u') {
        put_number(sink, va_arg(*args, unsigned int), 10);
        return 1;
    }
    if (format[0] == '%') {
        put(sink, '%');
        return 1;
    }
    if (format[0] == 'l' && (format[1] == 'u' || format[1] == 'x')) {
        put_number(sink, va_arg(*args, unsigned long), (format[1] == 'u') ? 10 : 16);
        return 2;
    }
    return 0;
}

size_t text_vformat(char *to, size_t size, const char *format, va_list args)
{
    struct sink sink = {.to = to, .room = size - 1, .used = 0};
    va_list rest;

    va_copy(rest, args);
    for (size_t i = 0; format[i] != '\0'; i++) {
        size_t used = (format[i] == '%') ? convert(&sink, &format[i + 1], &rest) : 0;
        if (used == 0) {
            put(&sink, format[i]);
        }
        i += used;
    }
    va_end(rest);
    to[sink.used] = '\0';
    return sink.used;
}

size_t text_format(char *to, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    size_t used = text_vformat(to, size, format, args);
    va_end(args);
    return used;
}

static void say(const char *domain, const char *format, va_list args)
{
    char line[TEXT_LINE_BYTES];
    size_t used = (domain == NULL) ? text_format(line, sizeof(line), "boot: ")
                                   : text_format(line, sizeof(line), "boot: domain '%s': ", domain);

    text_vformat(&line[used], sizeof(line) - used, format, args);
    log_line(line);
}

void log_problem(const char *domain, const char *format, ...)
{
    va_list args;

    problems++;
    va_start(args, format);
    say(domain, format, args);
    va_end(args);
}

void log_notice(const char *domain, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(domain, format, args);
    va_end(args);
}

uint32_t log_problem_count(void)
{
    return problems;
}
