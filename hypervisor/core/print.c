/* SPDX-License-Identifier: Apache-2.0 */
#include "core/print.h"
#include "core/console.h"

#include <stdarg.h>

#define LINE_BYTES 241u

struct out {
    char *buf;
    size_t size; /* room, with the NUL */
    size_t used;
};

struct spec {
    uint32_t width;
    bool zero;
    bool left;
    bool is_long;
    char kind;
};

static void put(struct out *o, char c)
{
    if (o->used + 1u < o->size) {
        o->buf[o->used] = c;
        o->used++;
    }
}

static void pad(struct out *o, char c, size_t have, uint32_t width)
{
    for (size_t i = have; i < width; i++) { /* bound: width, 64 at most */
        put(o, c);
    }
}

static void put_text(struct out *o, const char *s, const struct spec *f)
{
    size_t n = 0;

    while (s[n] != '\0' && n < o->size) {
        n++;
    }
    if (!f->left) {
        pad(o, f->zero ? '0' : ' ', n, f->width);
    }
    for (size_t i = 0; i < n; i++) {
        put(o, s[i]);
    }
    if (f->left) {
        pad(o, ' ', n, f->width);
    }
}

static void put_number(struct out *o, uint64_t value, uint32_t base, const struct spec *f)
{
    char text[24];
    char *s = &text[sizeof(text) - 1u];

    *s = '\0';
    do {
        s--;
        *s = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0u);
    put_text(o, s, f);
}

static const char *parse(const char *s, struct spec *f)
{
    *f = (struct spec){0};
    for (; *s == '0' || *s == '-'; s++) {
        f->zero = f->zero || *s == '0';
        f->left = f->left || *s == '-';
    }
    for (; *s >= '0' && *s <= '9'; s++) {
        f->width = f->width * 10u + (uint32_t)(*s - '0');
    }
    f->width = (f->width < 64u) ? f->width : 64u;
    for (; *s == 'l' || *s == 'z'; s++) {
        f->is_long = true;
    }
    f->kind = *s;
    return (*s != '\0') ? s + 1 : s;
}

static void put_spec(struct out *o, const struct spec *f, va_list *args)
{
    const char *s;

    switch (f->kind) {
    case 's':
        s = va_arg(*args, const char *);
        put_text(o, (s != NULL) ? s : "(null)", f);
        break;
    case 'u':
    case 'x':
        put_number(o, f->is_long ? va_arg(*args, unsigned long) : va_arg(*args, unsigned), (f->kind == 'x') ? 16 : 10,
                   f);
        break;
    default:
        put(o, '?');
        break;
    }
}

static size_t format_args(char *buf, size_t size, const char *format, va_list *args)
{
    struct out o = {.buf = buf, .size = size};

    while (*format != '\0') {
        if (*format == '%') {
            struct spec f;
            format = parse(format + 1, &f);
            put_spec(&o, &f, args);
        } else {
            put(&o, *format);
            format++;
        }
    }
    buf[o.used] = '\0';
    return o.used;
}

size_t format_string(char *buf, size_t size, const char *format, ...)
{
    va_list args;
    size_t n;

    va_start(args, format);
    n = format_args(buf, size, format, &args);
    va_end(args);
    return n;
}

static void print_to(void (*put_line)(const char *text, size_t n), const char *format, va_list *args)
{
    char line[LINE_BYTES];

    put_line(line, format_args(line, sizeof(line), format, args));
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_to(console_line, format, &args);
    va_end(args);
}

void print_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_to(console_panic, format, &args);
    va_end(args);
}
