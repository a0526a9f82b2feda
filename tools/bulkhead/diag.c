// SPDX-License-Identifier: Apache-2.0
#include "diag.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void diag_init(struct diags *d, struct arena *arena)
{
    *d = (struct diags){.arena = arena};
    d->last = &d->first;
}

static struct diag *add(struct diags *d, struct place at, const char *rule, const char *format, va_list args)
{
    struct diag *diag = arena_alloc(d->arena, 1, sizeof(*diag));

    diag->at = at;
    diag->rule = rule;
    diag->text = arena_vprintf(d->arena, format, args);
    *d->last = diag;
    d->last = &diag->next;
    return diag;
}

void diag_error(struct diags *d, struct place at, const char *rule, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(d, at, rule, format, args);
    va_end(args);
    d->errors++;
}

void diag_note(struct diags *d, struct place at, const char *rule, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(d, at, rule, format, args)->is_note = true;
    va_end(args);
}

void diag_drop_notes(struct diags *d)
{
    struct diag **where = &d->first;

    while (*where != NULL) {
        if ((*where)->is_note) {
            *where = (*where)->next;
        } else {
            where = &(*where)->next;
        }
    }
    d->last = where;
}

static int compare_places(const struct place *a, const struct place *b)
{
    int files = strcmp(a->file == NULL ? "" : a->file, b->file == NULL ? "" : b->file);

    if (files != 0) {
        return files;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return (a->column > b->column) - (a->column < b->column);
}

/* Insertion into a sorted list: stable, and inputs have few errors. */
static struct diag *sorted(struct diag *list)
{
    struct diag *result = NULL;

    while (list != NULL) {
        struct diag *next = list->next;
        struct diag **where = &result;
        while (*where != NULL && compare_places(&(*where)->at, &list->at) <= 0) {
            where = &(*where)->next;
        }
        list->next = *where;
        *where = list;
        list = next;
    }
    return result;
}

static void print_one(const struct diag *diag, FILE *out)
{
    if (diag->at.file != NULL && diag->at.line == 0) {
        fprintf(out, "%s:0x%" PRIx64 ": ", diag->at.file, diag->at.column);
    } else if (diag->at.file != NULL) {
        fprintf(out, "%s:%" PRIu32 ":%" PRIu64 ": ", diag->at.file, diag->at.line, diag->at.column);
    }
    fprintf(out, "%s%s [%s]\n", diag->is_note ? "note: " : "", diag->text, diag->rule);
}

void diag_print(struct diags *d, FILE *out)
{
    d->first = sorted(d->first);
    d->last = &d->first;
    for (struct diag *diag = d->first; diag != NULL; diag = diag->next) {
        print_one(diag, out);
        d->last = &diag->next;
    }
}
