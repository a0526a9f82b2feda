/* SPDX-License-Identifier: Apache-2.0 */
/* For the files that define key tables: what their rows and tables are written with. */
#ifndef TOOL_KEY_ROWS_H
#define TOOL_KEY_ROWS_H

#include <stddef.h>

#include "key.h"

#define ADDRESS_MAX ((UINT64_C(1) << 52) - 1) /* physical */

/* In a row: where the value goes. */
#define FIELD(structure, field) .offset = offsetof(struct structure, field)

/* A table of an array of rows; with _AT the structure's `at` gets the mapping's place. */
#define KEY_TABLE_OF(rows, structure, offset)                                                                          \
    {.keys = (rows), .count = sizeof(rows) / sizeof((rows)[0]), .size = sizeof(struct structure), .at_offset = (offset)}
#define KEY_TABLE(rows, structure)    KEY_TABLE_OF(rows, structure, SIZE_MAX)
#define KEY_TABLE_AT(rows, structure) KEY_TABLE_OF(rows, structure, offsetof(struct structure, at))

#endif
