/* SPDX-License-Identifier: Apache-2.0 */
/* The key tables: each key of a description is one row, which drives decoding, `explain`, the JSON Schema and the
 * table in the manual.  [impl->dsn~tool-key-table~1] */
#ifndef TOOL_KEY_H
#define TOOL_KEY_H

#include "yaml.h"

/* Decoded values remember where they were written, for rules that are checked later. `given` is false for defaults. */
struct text {
    const char *value;
    struct place at;
    bool given;
};

struct number {
    uint64_t value;
    struct place at;
    bool given;
};

struct flag {
    bool value;
    struct place at;
    bool given;
};

/* A list of struct text, struct number, or of the structure that the key's inner table describes. */
struct items {
    void *item;
    size_t count;
    struct place at;
    bool given;
};

enum key_kind {
    KEY_TEXT,    /* struct text */
    KEY_NUMBER,  /* struct number, decimal or 0x */
    KEY_SIZE,    /* struct number in bytes, written with KiB, MiB, GiB */
    KEY_TIME,    /* struct number in nanoseconds, written with ns, us, ms, s */
    KEY_FLAG,    /* struct flag */
    KEY_CHOICE,  /* struct number: index into choices */
    KEY_NUMBERS, /* struct items of struct number */
    KEY_TEXTS,   /* struct items of struct text */
    KEY_MAP,     /* the structure of the inner table */
    KEY_MAPS,    /* struct items: list of the inner table's structure */
    KEY_NAMED,   /* struct items: mapping from the writer's names; the structure starts with struct text name */
};

struct key_table;

struct key {
    const char *name;
    enum key_kind kind;
    bool required;
    size_t offset;                 /* in the structure of the table that holds this key */
    uint64_t min, max;             /* numbers and sizes, also those in lists; max 0 = no limit */
    const char *const *choices;    /* KEY_CHOICE, NULL-terminated */
    const char *names;             /* KEY_NAMED: regular expression of good names, NULL = any */
    const char *shorthand;         /* KEY_MAP: a scalar stands for this key of the inner table */
    const struct key_table *inner; /* KEY_MAP, KEY_MAPS, KEY_NAMED */
    const char *fallback;          /* the default, as text for the reader */
    const char *meaning;           /* sentences without line breaks */
    const char *example;
};

struct key_table {
    const struct key *keys;
    size_t count;
    size_t size;      /* of the structure */
    size_t at_offset; /* of a struct place in it that gets the mapping's place; SIZE_MAX = none */
};

#define KEY_MAX_ITEMS 1024u

/* Decode the mapping `node` into `out` (zeroed by the caller); everything wrong is reported. */
void key_decode(struct arena *arena, struct diags *d, const struct key_table *table, const struct yaml_node *node,
                void *out);

/* Bytes from "512 MiB", "64KiB" or "0x1000"; false when it is no size. */
bool key_parse_size(const char *text, uint64_t *bytes);
bool key_parse_number(const char *text, uint64_t *value);
/* Nanoseconds from "10 ms", "250us" or "1 s"; false when it is no time. */
bool key_parse_time(const char *text, uint64_t *ns);

/* The candidate nearest to `word` by edit distance, NULL when none is near. */
const char *key_nearest(const char *word, const char *const *candidates, size_t count);

/* "4 GiB", "512 KiB", "4097 bytes". */
const char *key_size_text(struct arena *arena, uint64_t bytes);
/* "10 ms", "1500 us", "0 ns". */
const char *key_time_text(struct arena *arena, uint64_t ns);

/* What a value of this kind is called in messages and in the manual. */
const char *key_kind_text(enum key_kind kind);

#endif
