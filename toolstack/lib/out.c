/* SPDX-License-Identifier: Apache-2.0 */
#include "out.h"

#include <string.h>

#define DIGITS 24u

void out_text(struct bhctl_port *port, const char *text)
{
    port->write(port, text, strlen(text));
}

void out_texts(struct bhctl_port *port, const char *const *texts)
{
    for (uint32_t i = 0; texts[i] != NULL; i++) {
        out_text(port, texts[i]);
    }
}

/* The number's digits at the end of `to`, which has room for DIGITS. */
static const char *digits(char *to, uint64_t value, uint32_t least)
{
    char *at = to + DIGITS - 1;

    *at = '\0';
    for (uint32_t n = 0; value != 0 || n < least; n++) {
        at--;
        *at = (char)('0' + value % 10);
        value /= 10;
    }
    return at;
}

void out_number(struct bhctl_port *port, uint64_t value)
{
    char text[DIGITS];

    out_text(port, digits(text, value, 1));
}

void out_hex(struct bhctl_port *port, uint64_t value)
{
    char text[17];

    for (uint32_t i = 0; i < 16; i++) {
        text[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    }
    text[16] = '\0';
    out_text(port, text);
}

static void pad(struct bhctl_port *port, size_t used, size_t width)
{
    for (size_t i = used; i < width; i++) {
        out_text(port, " ");
    }
}

void table_begin(struct table *table, struct bhctl_port *port, const struct column *columns, uint32_t count)
{
    *table = (struct table){.port = port, .columns = columns, .count = count};
    if (port->json) {
        out_text(port, "[");
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        out_text(port, columns[i].head);
        pad(port, strlen(columns[i].head), (i + 1 < count) ? columns[i].width : 0);
    }
    out_text(port, "\n");
}

/* What stands before a value in JSON. */
static void open_value(struct table *table)
{
    const char *before = (table->at > 0) ? ", " : (table->rows > 0) ? ",\n {" : "\n {";

    out_texts(table->port, (const char *const[]){before, "\"", table->columns[table->at].key, "\": ", NULL});
}

/* A value has been written; text: its characters for people. */
static void close_value(struct table *table, size_t used)
{
    bool last = table->at + 1 == table->count;

    if (table->port->json) {
        out_text(table->port, last ? "}" : "");
    } else {
        pad(table->port, used, last ? 0 : table->columns[table->at].width - 1);
        out_text(table->port, last ? "\n" : " ");
    }
    table->at = last ? 0 : table->at + 1;
    table->rows += last ? 1 : 0;
}

void table_text(struct table *table, const char *text)
{
    if (table->port->json) {
        open_value(table);
        out_texts(table->port,
                  (const char *const[]){"\"", text, "\"", NULL}); /* names hold nothing that needs escapes */
    } else {
        out_text(table->port, text);
    }
    close_value(table, strlen(text));
}

static void raw(struct table *table, const char *text)
{
    if (table->port->json) {
        open_value(table);
    }
    out_text(table->port, text);
    close_value(table, strlen(text));
}

void table_number(struct table *table, uint64_t value)
{
    char text[DIGITS];

    raw(table, digits(text, value, 1));
}

void table_thousandths(struct table *table, uint64_t value)
{
    char part[DIGITS];
    char text[2 * DIGITS];
    const char *whole = digits(part, value / 1000, 1);
    size_t length = strlen(whole);

    memcpy(text, whole, length);
    text[length] = '.';
    memcpy(&text[length + 1], digits(part, value % 1000, 3), 4);
    raw(table, text);
}

void table_end(struct table *table)
{
    if (table->port->json) {
        out_text(table->port, (table->rows > 0) ? "\n]\n" : "]\n");
    }
}
