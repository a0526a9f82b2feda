// SPDX-License-Identifier: Apache-2.0
#include "explain.h"

#include <inttypes.h>
#include <string.h>

static const char *child_prefix(struct arena *arena, const char *prefix, const struct key *key)
{
    return arena_printf(arena, "%s%s.%s", prefix, key->name, key->kind == KEY_NAMED ? "NAME." : "");
}

/* The first sentence, which is what fits a list. */
static int first_sentence(const char *meaning)
{
    const char *end = strstr(meaning, ". ");

    return end == NULL ? (int)strcspn(meaning, "\n") : (int)(end - meaning) + 1;
}

void explain_list(struct buffer *out, const struct key_table *table, const char *prefix)
{
    struct arena arena = {0};

    for (size_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        const char *path = arena_printf(&arena, "%s%s", prefix, key->name);
        buffer_printf(out, "%-32s %.*s\n", path, first_sentence(key->meaning), key->meaning);
        if (key->inner != NULL) {
            explain_list(out, key->inner, child_prefix(&arena, prefix, key));
        }
    }
    arena_release(&arena);
}

static void put_values(struct buffer *out, const struct key *key, const char *separator)
{
    for (size_t i = 0; key->choices[i] != NULL; i++) {
        buffer_printf(out, "%s%s", i == 0 ? "" : separator, key->choices[i]);
    }
}

static void put_limit(struct buffer *out, const struct key *key)
{
    struct arena arena = {0};
    bool as_size = key->kind == KEY_SIZE;

    if (key->max != 0) {
        buffer_printf(out, ", %s to %s",
                      as_size ? key_size_text(&arena, key->min) : arena_printf(&arena, "%" PRIu64, key->min),
                      key->max > UINT32_MAX && !as_size ? arena_printf(&arena, "0x%" PRIx64, key->max)
                      : as_size                         ? key_size_text(&arena, key->max)
                                                        : arena_printf(&arena, "%" PRIu64, key->max));
    } else if (key->min != 0) {
        buffer_printf(out, ", at least %s",
                      as_size ? key_size_text(&arena, key->min) : arena_printf(&arena, "%" PRIu64, key->min));
    }
    arena_release(&arena);
}

static void put_type(struct buffer *out, const struct key *key)
{
    if (key->kind == KEY_CHOICE) {
        put_values(out, key, " | ");
        return;
    }
    if (key->shorthand != NULL) {
        buffer_printf(out, "%s alone, or ", key->shorthand);
    }
    buffer_printf(out, "%s", key_kind_text(key->kind));
    if (key->kind == KEY_NUMBER || key->kind == KEY_SIZE || key->kind == KEY_NUMBERS) {
        put_limit(out, key);
    }
}

static void put_default(struct buffer *out, const struct key *key)
{
    buffer_printf(out, "%s", key->required ? "must be given" : key->fallback != NULL ? key->fallback : "none");
}

static void put_key(struct buffer *out, const char *path, const struct key *key)
{
    buffer_printf(out, "%s\n  %s\n  type:    ", path, key->meaning);
    put_type(out, key);
    buffer_printf(out, "\n  default: ");
    put_default(out, key);
    buffer_printf(out, "\n  example: %s\n", key->example);
    for (size_t i = 0; key->inner != NULL && i < key->inner->count; i++) {
        buffer_printf(out, "%s%s", i == 0 ? "  keys:    " : ", ", key->inner->keys[i].name);
    }
    buffer_printf(out, key->inner != NULL ? "\n" : "");
}

/* The path with the placeholder for names taken out: what people type. */
static const char *plain_path(struct arena *arena, const char *path)
{
    const char *name = strstr(path, "NAME.");

    return name == NULL ? path : arena_printf(arena, "%.*s%s", (int)(name - path), path, name + strlen("NAME."));
}

size_t explain_key(struct buffer *out, const struct key_table *table, const char *prefix, const char *wanted)
{
    struct arena arena = {0};
    size_t found = 0;

    for (size_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        const char *path = arena_printf(&arena, "%s%s", prefix, key->name);
        if (strcmp(key->name, wanted) == 0 || strcmp(path, wanted) == 0 ||
            strcmp(plain_path(&arena, path), wanted) == 0) {
            put_key(out, path, key);
            found++;
        }
        if (key->inner != NULL) {
            found += explain_key(out, key->inner, child_prefix(&arena, prefix, key), wanted);
        }
    }
    arena_release(&arena);
    return found;
}

static size_t collect_names(const struct key_table *table, const char **names, size_t count, size_t capacity)
{
    for (size_t i = 0; i < table->count && count < capacity; i++) {
        names[count++] = table->keys[i].name;
        if (table->keys[i].inner != NULL) {
            count = collect_names(table->keys[i].inner, names, count, capacity);
        }
    }
    return count;
}

const char *explain_nearest(const struct key_table *table, const char *wanted)
{
    const char *names[256];

    return key_nearest(wanted, names, collect_names(table, names, 0, sizeof(names) / sizeof(names[0])));
}

static void put_cell(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        buffer_printf(out, text[i] == '|' ? "\\|" : "%c", text[i]);
    }
}

void explain_markdown(struct buffer *out, const struct key_table *table, const char *prefix)
{
    struct arena arena = {0};

    for (size_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        struct buffer type = {0};
        put_type(&type, key);
        buffer_printf(out, "| `%s%s` | ", prefix, key->name);
        put_cell(out, key->meaning, strlen(key->meaning));
        buffer_printf(out, " | ");
        put_cell(out, (const char *)type.data, type.size);
        buffer_printf(out, " | ");
        put_default(out, key);
        buffer_printf(out, " | `%s` |\n", key->example);
        buffer_release(&type);
        if (key->inner != NULL) {
            explain_markdown(out, key->inner, child_prefix(&arena, prefix, key));
        }
    }
    arena_release(&arena);
}
