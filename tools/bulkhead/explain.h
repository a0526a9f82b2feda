/* SPDX-License-Identifier: Apache-2.0 */
/* What the key tables say, for people, editors and the manual.  [impl->dsn~tool-explain~1] */
#ifndef TOOL_EXPLAIN_H
#define TOOL_EXPLAIN_H

#include "key.h"

/* One line a key. prefix: as `domains.NAME.`, or empty. */
void explain_list(struct buffer *out, const struct key_table *table, const char *prefix);

/* Everything about each key whose name or path is `wanted` (`memory`, `domains.memory`); how many there are. */
size_t explain_key(struct buffer *out, const struct key_table *table, const char *prefix, const char *wanted);

/* The key nearest to `wanted`, NULL when none is near. */
const char *explain_nearest(const struct key_table *table, const char *wanted);

/* The table of the manual, in Markdown. */
void explain_markdown(struct buffer *out, const struct key_table *table, const char *prefix);

/* JSON Schema, draft 2020-12. */
void explain_schema(struct buffer *out, const struct key_table *table, const char *title, const char *id);

#endif
