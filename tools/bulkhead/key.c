// SPDX-License-Identifier: Apache-2.0
/* Decoding of a YAML tree by a key table. */
#include "key.h"

#include <inttypes.h>
#include <string.h>

struct decoder {
    struct arena *arena;
    struct diags *diags;
};

static void decode_map(struct decoder *c, const struct key_table *table, const struct yaml_node *node, void *out);

/* Offsets come from offsetof(): the result is aligned for its type. */
static void *field(void *structure, size_t offset)
{
    return (char *)structure + offset;
}

static bool is_null(const struct yaml_node *node)
{
    return node == NULL || (node->kind == YAML_SCALAR && !node->quoted &&
                            (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0));
}

static const struct key *find_key(const struct key_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->keys[i].name, name) == 0) {
            return &table->keys[i];
        }
    }
    return NULL;
}

static void report_unknown(struct decoder *c, const struct key_table *table, const struct yaml_node *key)
{
    const char *names[64];
    size_t count = table->count < 64 ? table->count : 64;
    struct buffer all = {0};

    for (size_t i = 0; i < count; i++) {
        names[i] = table->keys[i].name;
        buffer_printf(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    const char *nearest = key_nearest(key->text, names, count);
    if (nearest != NULL) {
        diag_error(c->diags, key->at, "unknown-key", "there is no key `%s` here; did you mean `%s`?", key->text,
                   nearest);
    } else {
        diag_error(c->diags, key->at, "unknown-key", "there is no key `%s` here; the keys are %.*s", key->text,
                   (int)all.size, (const char *)all.data);
    }
    buffer_release(&all);
}

static bool must_be_scalar(struct decoder *c, const struct key *key, const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR) {
        bool has_article = key->kind != KEY_FLAG && key->kind != KEY_CHOICE;
        diag_error(c->diags, node->at, "value-kind", "`%s` is a %s here; write %s%s, as in `%s`", key->name,
                   node->kind == YAML_LIST ? "list" : "mapping", has_article ? "a " : "", key_kind_text(key->kind),
                   key->example);
        return false;
    }
    return true;
}

static const char *limit_text(struct arena *arena, const struct key *key, uint64_t value)
{
    if (key->kind == KEY_SIZE) {
        return key_size_text(arena, value);
    }
    return key->kind == KEY_TIME ? key_time_text(arena, value) : arena_printf(arena, "%" PRIu64, value);
}

static void check_range(struct decoder *c, const struct key *key, const struct number *n)
{
    if (n->value < key->min) {
        diag_error(c->diags, n->at, "value-range", "`%s` is too small; write at least %s", key->name,
                   limit_text(c->arena, key, key->min));
    } else if (key->max != 0 && n->value > key->max) {
        diag_error(c->diags, n->at, "value-range", "`%s` is too large; write at most %s", key->name,
                   limit_text(c->arena, key, key->max));
    }
}

static void decode_number(struct decoder *c, const struct key *key, const struct yaml_node *node, struct number *out)
{
    out->at = node->at;
    if (!must_be_scalar(c, key, node)) {
        return;
    }
    if (key->kind == KEY_SIZE) {
        if (!key_parse_size(node->text, &out->value)) {
            diag_error(c->diags, node->at, "value-size",
                       "`%s` is no size; write a whole number and KiB, MiB or GiB, as in `64 MiB`", node->text);
            return;
        }
    } else if (key->kind == KEY_TIME) {
        if (!key_parse_time(node->text, &out->value)) {
            diag_error(c->diags, node->at, "value-time",
                       "`%s` is no time; write a whole number and ns, us, ms or s, as in `10 ms`", node->text);
            return;
        }
    } else if (!key_parse_number(node->text, &out->value)) {
        diag_error(c->diags, node->at, "value-number",
                   "`%s` is no whole number; write decimal digits or 0x and hex digits", node->text);
        return;
    }
    out->given = true;
    check_range(c, key, out);
}

static void decode_flag(struct decoder *c, const struct key *key, const struct yaml_node *node, struct flag *out)
{
    out->at = node->at;
    if (!must_be_scalar(c, key, node)) {
        return;
    }
    bool is_true = strcmp(node->text, "true") == 0;
    if ((!is_true && strcmp(node->text, "false") != 0) || node->quoted) {
        diag_error(c->diags, node->at, "value-flag", "`%s` is neither true nor false; write `%s: true` or `%s: false`",
                   node->text, key->name, key->name);
        return;
    }
    *out = (struct flag){.value = is_true, .at = node->at, .given = true};
}

static void decode_choice(struct decoder *c, const struct key *key, const struct yaml_node *node, struct number *out)
{
    struct buffer all = {0};

    if (!must_be_scalar(c, key, node)) {
        return;
    }
    for (size_t i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], node->text) == 0) {
            *out = (struct number){.value = i, .at = node->at, .given = true};
            buffer_release(&all);
            return;
        }
        buffer_printf(&all, "%s`%s`", i == 0 ? "" : key->choices[i + 1] == NULL ? " or " : ", ", key->choices[i]);
    }
    diag_error(c->diags, node->at, "value-choice", "`%s` is no value of `%s`; write %.*s", node->text, key->name,
               (int)all.size, (const char *)all.data);
    buffer_release(&all);
}

static void decode_text(struct decoder *c, const struct key *key, const struct yaml_node *node, struct text *out)
{
    if (must_be_scalar(c, key, node)) {
        *out = (struct text){.value = node->text, .at = node->at, .given = true};
    }
}

static size_t count_children(const struct yaml_node *node)
{
    size_t count = 0;

    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        count++;
    }
    return count;
}

static bool open_items(struct decoder *c, const struct key *key, const struct yaml_node *node, size_t size,
                       struct items *out)
{
    enum yaml_kind wanted = key->kind == KEY_NAMED ? YAML_MAP : YAML_LIST;

    if (node->kind != wanted) {
        diag_error(c->diags, node->at, "value-kind", "`%s` is no %s; write a %s, as in `%s`", key->name,
                   wanted == YAML_LIST ? "list" : "mapping", key_kind_text(key->kind), key->example);
        return false;
    }
    size_t count = count_children(node);
    if (count > KEY_MAX_ITEMS) {
        diag_error(c->diags, node->at, "value-range", "`%s` has more than %u entries; write fewer", key->name,
                   KEY_MAX_ITEMS);
        return false;
    }
    *out = (struct items){.item = arena_alloc(c->arena, count + 1, size), .at = node->at, .given = true};
    return true;
}

static void decode_list(struct decoder *c, const struct key *key, const struct yaml_node *node, struct items *out)
{
    size_t size = key->kind == KEY_NUMBERS ? sizeof(struct number)
                  : key->kind == KEY_TEXTS ? sizeof(struct text)
                                           : key->inner->size;

    if (!open_items(c, key, node, size, out)) {
        return;
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        void *item = (char *)out->item + out->count * size;
        out->count++;
        if (key->kind == KEY_NUMBERS) {
            decode_number(c, key, child, item);
        } else if (key->kind == KEY_TEXTS) {
            decode_text(c, key, child, item);
        } else if (child->kind != YAML_MAP) {
            diag_error(c->diags, child->at, "value-kind", "an entry of `%s` is no mapping; write `%s`", key->name,
                       key->example);
        } else {
            decode_map(c, key->inner, child, item);
        }
    }
}

static void report_twice(struct decoder *c, const struct yaml_node *key, const struct yaml_node *first,
                         const char *rule)
{
    diag_error(c->diags, key->at, rule, "`%s` was given in line %" PRIu32 " already; write it once%s", key->text,
               first->at.line, strcmp(rule, "duplicate-name") == 0 ? ", or choose another name" : "");
}

/* The earlier key of the same name, NULL when `key` is the first. */
static const struct yaml_node *find_earlier(const struct yaml_node *map, const struct yaml_node *key)
{
    for (const struct yaml_node *other = map->first; other != key; other = other->next) {
        if (strcmp(other->text, key->text) == 0) {
            return other;
        }
    }
    return NULL;
}

static void decode_named(struct decoder *c, const struct key *key, const struct yaml_node *node, struct items *out)
{
    if (!open_items(c, key, node, key->inner->size, out)) {
        return;
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        const struct yaml_node *earlier = find_earlier(node, child);
        if (earlier != NULL) {
            report_twice(c, child, earlier, "duplicate-name");
            continue;
        }
        void *item = (char *)out->item + out->count * key->inner->size;
        out->count++;
        *(struct text *)item = (struct text){.value = child->text, .at = child->at, .given = true};
        if (child->value == NULL || child->value->kind != YAML_MAP) {
            diag_error(c->diags, child->at, "value-kind", "`%s` has no keys; write a mapping below it, as in `%s`",
                       child->text, key->example);
        } else {
            decode_map(c, key->inner, child->value, item);
        }
    }
}

static void decode_inner(struct decoder *c, const struct key *key, const struct yaml_node *node, void *out)
{
    if (key->shorthand != NULL && node->kind == YAML_SCALAR) {
        const struct key *inner = find_key(key->inner, key->shorthand);
        decode_text(c, inner, node, field(out, inner->offset));
        if (key->inner->at_offset != SIZE_MAX) {
            *(struct place *)field(out, key->inner->at_offset) = node->at;
        }
    } else if (node->kind != YAML_MAP) {
        diag_error(c->diags, node->at, "value-kind", "`%s` is no mapping; write `%s`", key->name, key->example);
    } else {
        decode_map(c, key->inner, node, out);
    }
}

static void decode_value(struct decoder *c, const struct key *key, const struct yaml_node *node, void *out)
{
    switch (key->kind) {
    case KEY_TEXT:
        decode_text(c, key, node, out);
        break;
    case KEY_NUMBER:
    case KEY_SIZE:
    case KEY_TIME:
        decode_number(c, key, node, out);
        break;
    case KEY_FLAG:
        decode_flag(c, key, node, out);
        break;
    case KEY_CHOICE:
        decode_choice(c, key, node, out);
        break;
    case KEY_NUMBERS:
    case KEY_TEXTS:
    case KEY_MAPS:
        decode_list(c, key, node, out);
        break;
    case KEY_MAP:
        decode_inner(c, key, node, out);
        break;
    case KEY_NAMED:
        decode_named(c, key, node, out);
        break;
    }
}

static void check_required(struct decoder *c, const struct key_table *table, const struct yaml_node *node)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        const struct yaml_node *child = node->first;
        while (child != NULL && strcmp(child->text, key->name) != 0) {
            child = child->next;
        }
        if (key->required && child == NULL) {
            diag_error(c->diags, node->at, "missing-key", "the key `%s` is missing; write `%s`", key->name,
                       key->example);
        }
    }
}

/* The word `null` where it is one of the choices. */
static bool means_null(const struct key *key, const struct yaml_node *value)
{
    for (size_t i = 0; value != NULL && key->kind == KEY_CHOICE && key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], "null") == 0) {
            return strcmp(value->text, "null") == 0;
        }
    }
    return false;
}

static void decode_map(struct decoder *c, const struct key_table *table, const struct yaml_node *node, void *out)
{
    if (table->at_offset != SIZE_MAX) {
        *(struct place *)field(out, table->at_offset) = node->at;
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        const struct key *key = find_key(table, child->text);
        const struct yaml_node *earlier = find_earlier(node, child);
        if (key == NULL) {
            report_unknown(c, table, child);
        } else if (earlier != NULL) {
            report_twice(c, child, earlier, "duplicate-key");
        } else if (is_null(child->value) && !means_null(key, child->value)) {
            diag_error(c->diags, child->at, "missing-value", "`%s` has no value; write `%s`", child->text,
                       key->example);
            if (key->kind == KEY_NUMBER || key->kind == KEY_SIZE) {
                ((struct number *)field(out, key->offset))->at = child->at;
            }
        } else {
            decode_value(c, key, child->value, field(out, key->offset));
        }
    }
    check_required(c, table, node);
}

void key_decode(struct arena *arena, struct diags *d, const struct key_table *table, const struct yaml_node *node,
                void *out)
{
    struct decoder c = {.arena = arena, .diags = d};

    if (node->kind != YAML_MAP) {
        diag_error(d, node->at, "value-kind", "the file is no mapping; write keys and values, as in `%s`",
                   table->keys[0].example);
        return;
    }
    decode_map(&c, table, node, out);
}
