/* SPDX-License-Identifier: Apache-2.0 */
#include <guest/print.h>
#include <guest/string.h>

#include <stdbool.h>

struct output {
    char *to;
    size_t size;
    size_t length;
};

struct spec {
    bool left;
    bool zero;
    int width;
    int precision; /* -1: none */
    int longs;     /* 0 int, 1 long, 2 long long */
};

static void put(struct output *out, char c)
{
    if (out->length + 1 < out->size) {
        out->to[out->length] = c;
    }
    out->length++;
}

static void put_padded(struct output *out, const struct spec *spec, const char *text, size_t length)
{
    size_t width = spec->width > 0 ? (size_t)spec->width : 0;
    size_t padding = width > length ? width - length : 0;

    for (size_t i = 0; !spec->left && i < padding; i++) {
        put(out, ' ');
    }
    for (size_t i = 0; i < length; i++) {
        put(out, text[i]);
    }
    for (size_t i = 0; spec->left && i < padding; i++) {
        put(out, ' ');
    }
}

static void put_number(struct output *out, const struct spec *spec, uint64_t value, bool negative, char conversion)
{
    char text[72];
    size_t at = sizeof(text);
    unsigned int base = conversion == 'x' || conversion == 'X' || conversion == 'p' ? 16 : 10;
    const char *digits = conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    int least = spec->precision >= 0 ? spec->precision : 1;

    if (spec->zero && !spec->left && spec->precision < 0) {
        least = spec->width - (negative ? 1 : 0);
    }
    for (int count = 0; value != 0 || (count < least && count < 64); count++) {
        text[--at] = digits[value % base];
        value /= base;
    }
    if (negative) {
        text[--at] = '-';
    }
    put_padded(out, spec, text + at, sizeof(text) - at);
}

static int parse_number(const char **format, va_list *arguments)
{
    int value = 0;

    if (**format == '*') {
        (*format)++;
        return va_arg(*arguments, int);
    }
    while (**format >= '0' && **format <= '9' && value < 100000) {
        value = value * 10 + (**format - '0');
        (*format)++;
    }
    return value;
}

static struct spec parse_spec(const char **format, va_list *arguments)
{
    struct spec spec = {.precision = -1};

    for (;; (*format)++) {
        if (**format == '-') {
            spec.left = true;
        } else if (**format == '0') {
            spec.zero = true;
        } else {
            break;
        }
    }
    spec.width = parse_number(format, arguments);
    if (spec.width < 0) {
        spec.left = true;
        spec.width = -spec.width;
    }
    if (**format == '.') {
        (*format)++;
        spec.precision = parse_number(format, arguments);
    }
    for (; **format == 'l' || **format == 'z' || **format == 'j' || **format == 'h'; (*format)++) {
        spec.longs += **format == 'h' ? 0 : 1;
    }
    return spec;
}

static void put_conversion(struct output *out, const struct spec *spec, char conversion, va_list *arguments)
{
    const char *text;
    int64_t number;
    char c;

    switch (conversion) {
    case 'c':
        c = (char)va_arg(*arguments, int);
        put_padded(out, spec, &c, 1);
        break;
    case 's':
        text = va_arg(*arguments, const char *);
        text = text == NULL ? "(null)" : text;
        put_padded(out, spec, text, strnlen(text, spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision));
        break;
    case 'd':
    case 'i':
        number = spec->longs > 0 ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);
        put_number(out, spec, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0, conversion);
        break;
    case 'u':
    case 'x':
    case 'X':
        put_number(out, spec, spec->longs > 0 ? va_arg(*arguments, uint64_t) : va_arg(*arguments, uint32_t), false,
                   conversion);
        break;
    case 'p':
        put(out, '0');
        put(out, 'x');
        put_number(out, spec, (uint64_t)va_arg(*arguments, void *), false, conversion);
        break;
    default:
        put(out, '%');
        put(out, conversion);
        break;
    }
}

int vsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
    struct output out = {.to = to, .size = size};
    va_list copy;

    va_copy(copy, arguments);
    for (; *format != '\0'; format++) {
        struct spec spec;

        if (*format != '%') {
            put(&out, *format);
            continue;
        }
        format++;
        if (*format == '%') {
            put(&out, '%');
            continue;
        }
        spec = parse_spec(&format, &copy);
        if (*format == '\0') {
            break;
        }
        put_conversion(&out, &spec, *format, &copy);
    }
    va_end(copy);
    if (size > 0) {
        to[out.length < size ? out.length : size - 1] = '\0';
    }
    return (int)out.length;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}
