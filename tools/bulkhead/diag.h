/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: every error of an input, in the form
 *
 *     file:line:column: what is wrong; what to write instead [rule]
 *     file:0xoffset: what is wrong; what to do [rule]              (binary inputs)
 *
 * Errors are collected, so one run reports all of them. [impl->dsn~tool-error-form~1] */
#ifndef TOOL_DIAG_H
#define TOOL_DIAG_H

#include <stdbool.h>
#include <stdio.h>

#include "mem.h"

/* Where something was written. line 0 = binary file: `column` is then the byte offset. */
struct place {
    const char *file;
    uint32_t line;
    uint64_t column;
};

struct diag {
    struct diag *next;
    struct place at;
    const char *rule;
    const char *text;
    bool is_note;
};

struct diags {
    struct arena *arena;
    struct diag *first;
    struct diag **last;
    size_t errors;
};

void diag_init(struct diags *d, struct arena *arena);

/* format: "what is wrong; what to write instead", without full stop and without the rule. */
void diag_error(struct diags *d, struct place at, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Something the reader should know that is no error: reported, exit code unaffected. */
void diag_note(struct diags *d, struct place at, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Forget the notes, keep the errors. */
void diag_drop_notes(struct diags *d);

/* Print all, by file, line and column; equal places in the order of their discovery. */
void diag_print(struct diags *d, FILE *out);

/* The place of byte `offset` of a binary file. */
static inline struct place place_offset(const char *file, uint64_t offset)
{
    return (struct place){.file = file, .line = 0, .column = offset};
}

#endif
