// SPDX-License-Identifier: Apache-2.0
/* A compiled label policy as text. */
#include <inttypes.h>
#include <string.h>

#include "label_access.h"
#include "labels.h"

/* The type alone where no other label has it. */
static const char *short_label(const struct bulkhead_labels *m, uint32_t label)
{
    const char *colon = strrchr(m->label[label], ':');
    const char *type = colon == NULL ? m->label[label] : colon + 1;

    for (uint32_t i = 0; i < m->count; i++) {
        const char *other = strrchr(m->label[i], ':');
        if (i != label && other != NULL && strcmp(other + 1, type) == 0) {
            return m->label[label];
        }
    }
    return type;
}

static void put_owners(struct buffer *out, const struct system *s, uint32_t label)
{
    const char *separator = " ";

    for (size_t i = 0; i < s->domains.count; i++) {
        if (system_domain(s, i)->label == label) {
            buffer_printf(out, "%s%s", separator, system_domain(s, i)->name.value);
            separator = ", ";
        }
    }
    buffer_printf(out, label == 0 ? " (what has no label)\n" : "\n");
}

static void put_pair(struct buffer *out, const struct bulkhead_labels *m, uint32_t source, uint32_t target)
{
    uint32_t vector = m->allowed[source][target];

    if (vector == 0) {
        return;
    }
    buffer_printf(out, "  %-16s %-16s", short_label(m, source),
                  target == BULKHEAD_LABEL_PLATFORM ? "(platform)" : short_label(m, target));
    for (unsigned i = 0; i < BULKHEAD_ACCESS_COUNT; i++) {
        if ((vector >> i & 1u) != 0) {
            buffer_printf(out, " %s", label_accesses[i].name);
        }
    }
    buffer_printf(out, "\n");
}

void labels_explain(struct buffer *out, const struct system *s)
{
    const struct bulkhead_labels *m = s->matrix;

    buffer_printf(out, "%" PRIu32 " labels, %s\n", m->count,
                  (m->flags & BULKHEAD_LABELS_PERMISSIVE) != 0 ? "permissive: refusals are logged, and allowed"
                                                               : "enforcing");
    for (uint32_t i = 0; i < m->count; i++) {
        buffer_printf(out, "  %2" PRIu32 " %-40s", i, m->label[i]);
        put_owners(out, s, i);
    }
    buffer_printf(
        out, "\nallowed, to those who hold the right too; what is not listed is refused:\n  %-16s %-16s accesses\n",
        "source", "target");
    for (uint32_t i = 0; i < m->count; i++) {
        for (uint32_t j = 0; j < m->count; j++) {
            put_pair(out, m, i, j);
        }
        put_pair(out, m, i, BULKHEAD_LABEL_PLATFORM);
    }
}
