// SPDX-License-Identifier: Apache-2.0
/* Words, numbers and sizes. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"

#define WORD_MAX 40u

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein distance; WORD_MAX for words that are too long to be typing errors. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t rows = strlen(a);
    size_t columns = strlen(b);

    if (rows > WORD_MAX || columns > WORD_MAX) {
        return WORD_MAX;
    }
    for (unsigned j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= rows; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= columns; j++) {
            unsigned above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (tolower(a[i - 1]) != tolower(b[j - 1])));
            diagonal = above;
        }
    }
    return row[columns];
}

static bool is_part_of(const char *a, const char *b)
{
    return strlen(a) >= 3 && (strstr(b, a) == b);
}

const char *key_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = WORD_MAX;

    for (size_t i = 0; i < count; i++) {
        unsigned d = distance(word, candidates[i]);
        if (is_part_of(word, candidates[i]) || is_part_of(candidates[i], word)) {
            d = d < 2 ? d : 2;
        }
        if (d < best_distance) {
            best_distance = d;
            best = candidates[i];
        }
    }
    size_t length = strlen(word);
    unsigned allowed = length <= 3 ? 1 : length <= 8 ? 3 : 4;
    return best_distance <= allowed ? best : NULL;
}

/* Digits of one number; *end is behind it. */
static bool parse_digits(const char *text, const char **end, uint64_t *value)
{
    unsigned base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    const char *p = base == 16 ? text + 2 : text;
    uint64_t result = 0;
    bool any = false;

    for (; isxdigit((unsigned char)*p) || *p == '_'; p++) {
        if (*p == '_') {
            continue;
        }
        unsigned digit = isdigit((unsigned char)*p) ? (unsigned)(*p - '0') : (unsigned)(tolower(*p) - 'a') + 10;
        if (digit >= base) {
            break;
        }
        if (__builtin_mul_overflow(result, (uint64_t)base, &result) ||
            __builtin_add_overflow(result, (uint64_t)digit, &result)) {
            return false;
        }
        any = true;
    }
    *end = p;
    *value = result;
    return any;
}

bool key_parse_number(const char *text, uint64_t *value)
{
    const char *end;

    return parse_digits(text, &end, value) && *end == '\0';
}

bool key_parse_size(const char *text, uint64_t *bytes)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"bytes", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
    const char *end;

    if (!parse_digits(text, &end, bytes)) {
        return false;
    }
    if (*end == '\0') {
        return text[1] == 'x' || text[1] == 'X';
    }
    end += strspn(end, " ");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].name) == 0) {
            return !__builtin_mul_overflow(*bytes, UINT64_C(1) << units[i].shift, bytes);
        }
    }
    return false;
}

/* Units of time, each `ns` nanoseconds. */
static const struct {
    const char *name;
    uint64_t ns;
} times[] = {{"s", UINT64_C(1000000000)}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
#define TIMES (sizeof(times) / sizeof(times[0]))

bool key_parse_time(const char *text, uint64_t *ns)
{
    const char *end;

    if (!parse_digits(text, &end, ns)) {
        return false;
    }
    end += strspn(end, " ");
    for (size_t i = 0; i < TIMES; i++) {
        if (strcmp(end, times[i].name) == 0) {
            return !__builtin_mul_overflow(*ns, times[i].ns, ns);
        }
    }
    return false;
}

const char *key_time_text(struct arena *arena, uint64_t ns)
{
    size_t unit = ns == 0 ? TIMES - 1 : 0;

    while (ns % times[unit].ns != 0) {
        unit++;
    }
    return arena_printf(arena, "%" PRIu64 " %s", ns / times[unit].ns, times[unit].name);
}

const char *key_size_text(struct arena *arena, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;

    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024;
        unit++;
    }
    return arena_printf(arena, "%" PRIu64 " %s", bytes, units[unit]);
}

const char *key_kind_text(enum key_kind kind)
{
    static const char *const names[] = {
        [KEY_TEXT] = "text",
        [KEY_NUMBER] = "number",
        [KEY_SIZE] = "size",
        [KEY_TIME] = "time",
        [KEY_FLAG] = "true or false",
        [KEY_CHOICE] = "one of a few words",
        [KEY_NUMBERS] = "list of numbers",
        [KEY_TEXTS] = "list of names",
        [KEY_MAP] = "mapping",
        [KEY_MAPS] = "list of mappings",
        [KEY_NAMED] = "mapping from names",
    };

    return names[kind];
}
