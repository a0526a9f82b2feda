/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of a system: who has which, and the matrix that the hypervisor indexes. */
#ifndef TOOL_LABELS_H
#define TOOL_LABELS_H

#include "system.h"

extern const struct key_table labels_keys;

/* The rules that need no policy. [impl->dsn~label-compile~1] */
void labels_check(struct diags *d, const struct system *s);

/* Compile the policy of s, if it has one, into s->matrix, number the domains' labels, and compare with what the
 * description connects. [impl->dsn~label-compile~1] */
void labels_compile(struct arena *arena, struct diags *d, struct system *s);

/* What the description connects needs accesses: an error for each that the policy refuses, a note where refusals are only
 * logged. [impl->dsn~label-links~1] */
void labels_check_links(struct arena *arena, struct diags *d, const struct system *s);

/* Who may do what to whom, as text. [impl->dsn~label-explain~1] */
void labels_explain(struct buffer *out, const struct system *s);

static inline bool labels_allow(const struct bulkhead_labels *m, uint32_t source, uint32_t target, unsigned access)
{
    return (m->allowed[source][target] >> access & 1u) != 0;
}

#endif
