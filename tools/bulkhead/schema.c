// SPDX-License-Identifier: Apache-2.0
/* JSON Schema of a key table. */
#include <inttypes.h>
#include <string.h>

#include "explain.h"

#define SIZE_PATTERN "^(0x[0-9a-fA-F_]+|[0-9][0-9_]* *(bytes|KiB|MiB|GiB|TiB))$"
#define TIME_PATTERN "^[0-9][0-9_]* *(ns|us|ms|s)$"

static void put_object(struct buffer *out, const struct key_table *table, int depth);

static void put_string(struct buffer *out, const char *text)
{
    buffer_printf(out, "\"");
    for (; *text != '\0'; text++) {
        buffer_printf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    buffer_printf(out, "\"");
}

static void put_choices(struct buffer *out, const struct key *key)
{
    buffer_printf(out, "\"enum\": [");
    for (size_t i = 0; key->choices[i] != NULL; i++) {
        buffer_printf(out, "%s\"%s\"", i == 0 ? "" : ", ", key->choices[i]);
    }
    buffer_printf(out, "]");
}

static void put_integer(struct buffer *out, const struct key *key)
{
    buffer_printf(out, "\"type\": \"integer\", \"minimum\": %" PRIu64, key->min);
    if (key->max != 0) {
        buffer_printf(out, ", \"maximum\": %" PRIu64, key->max);
    }
}

static void put_named(struct buffer *out, const struct key *key, int depth)
{
    buffer_printf(out, "\"type\": \"object\", ");
    if (key->names != NULL) {
        buffer_printf(out, "\"propertyNames\": {\"pattern\": ");
        put_string(out, key->names);
        buffer_printf(out, "}, ");
    }
    buffer_printf(out, "\"additionalProperties\": {");
    put_object(out, key->inner, depth);
    buffer_printf(out, "}");
}

static void put_map(struct buffer *out, const struct key *key, int depth)
{
    if (key->shorthand != NULL) {
        buffer_printf(out, "\"oneOf\": [{\"type\": \"string\"}, {");
    }
    put_object(out, key->inner, depth);
    if (key->shorthand != NULL) {
        buffer_printf(out, "}]");
    }
}

static void put_type(struct buffer *out, const struct key *key, int depth)
{
    switch (key->kind) {
    case KEY_TEXT:
        buffer_printf(out, "\"type\": \"string\"");
        break;
    case KEY_NUMBER:
        put_integer(out, key);
        break;
    case KEY_SIZE:
        buffer_printf(out, "\"oneOf\": [{\"type\": \"string\", \"pattern\": ");
        put_string(out, SIZE_PATTERN);
        buffer_printf(out, "}, {\"type\": \"integer\"}]"); /* 0x1000 is an integer to YAML */
        break;
    case KEY_TIME:
        buffer_printf(out, "\"type\": \"string\", \"pattern\": ");
        put_string(out, TIME_PATTERN);
        break;
    case KEY_FLAG:
        buffer_printf(out, "\"type\": \"boolean\"");
        break;
    case KEY_CHOICE:
        put_choices(out, key);
        break;
    case KEY_NUMBERS:
        buffer_printf(out, "\"type\": \"array\", \"items\": {");
        put_integer(out, key);
        buffer_printf(out, "}");
        break;
    case KEY_TEXTS:
        buffer_printf(out, "\"type\": \"array\", \"items\": {\"type\": \"string\"}");
        break;
    case KEY_MAP:
        put_map(out, key, depth);
        break;
    case KEY_MAPS:
        buffer_printf(out, "\"type\": \"array\", \"items\": {");
        put_object(out, key->inner, depth);
        buffer_printf(out, "}");
        break;
    case KEY_NAMED:
        put_named(out, key, depth);
        break;
    }
}

static void put_required(struct buffer *out, const struct key_table *table)
{
    bool any = false;

    for (size_t i = 0; i < table->count; i++) {
        if (table->keys[i].required) {
            buffer_printf(out, "%s\"%s\"", any ? ", " : "\"required\": [", table->keys[i].name);
            any = true;
        }
    }
    buffer_printf(out, any ? "], " : "");
}

/* The members of an object schema, without the braces around them. */
static void put_object(struct buffer *out, const struct key_table *table, int depth)
{
    buffer_printf(out, "\"type\": \"object\", \"additionalProperties\": false, ");
    put_required(out, table);
    buffer_printf(out, "\"properties\": {\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        buffer_printf(out, "%*s\"%s\": {\"description\": ", depth + 2, "", key->name);
        put_string(out, key->meaning);
        buffer_printf(out, ", ");
        put_type(out, key, depth + 2);
        buffer_printf(out, "}%s\n", i + 1 < table->count ? "," : "");
    }
    buffer_printf(out, "%*s}", depth, "");
}

void explain_schema(struct buffer *out, const struct key_table *table, const char *title, const char *id)
{
    buffer_printf(out, "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"$id\": \"%s\",\n", id);
    buffer_printf(out, "  \"$comment\": \"SPDX-License-Identifier: Apache-2.0; made by `bulkhead schema`\",\n");
    buffer_printf(out, "  \"title\": \"%s\",\n  ", title);
    put_object(out, table, 2);
    buffer_printf(out, "\n}\n");
}
