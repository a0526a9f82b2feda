/* SPDX-License-Identifier: Apache-2.0 */
/* Text and tables; a table is columns for people, or a JSON list of objects. */
#ifndef TOOLSTACK_OUT_H
#define TOOLSTACK_OUT_H

#include "bhctl.h"

void out_text(struct bhctl_port *port, const char *text);
void out_number(struct bhctl_port *port, uint64_t value);
/* 16 hexadecimal digits. */
void out_hex(struct bhctl_port *port, uint64_t value);
/* Several texts; ends with NULL. */
void out_texts(struct bhctl_port *port, const char *const *texts);

struct column {
    const char *head; /* as people read it */
    const char *key;  /* in JSON */
    uint32_t width;   /* characters */
};

struct table {
    struct bhctl_port *port;
    const struct column *columns;
    uint32_t count;
    uint32_t at;   /* next column */
    uint32_t rows; /* so far */
};

void table_begin(struct table *table, struct bhctl_port *port, const struct column *columns, uint32_t count);
void table_text(struct table *table, const char *text);
void table_number(struct table *table, uint64_t value);
/* Thousandths, as "12.345". */
void table_thousandths(struct table *table, uint64_t value);
void table_end(struct table *table);

#endif
